"""Writes docs/conformance.md: every statement of the checklist, and the tests that show it.

A test says what it shows by ``@pytest.mark.checklist("TR-01", ...)``; the marks are read from the
source, so the table is the same whoever runs the tests. Statements no test can show from outside
carry their reason in ``NOTES``.

``python -m tests.conformance.table [--check]``
"""

import ast
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "conformance.md"

#: What stands in place of a test, and why.
NOTES = {
    "TR-40": "not testable here: TLS ends at the proxy in front of the hub (SECURITY.md)",
    "LO-12": "an operator's duty: our CPMS has, and tells, only the Locations its operator makes or imports",
}

HEAD = """# Conformance

Every numbered statement of our reading of OCPI 2.2.1 for a hub and the parties behind it, and the tests that show it
(`tests/...::name`). MUST and SHOULD are the text's; HUB is the hub's duty, PARTY that of a CPO or eMSP behind it (our
own have it), NT what cannot be tested from outside. Where this reading and the text differ, the text wins: see
`errata.md`. Written by `python -m tests.conformance.table`; a test keeps it true.
"""


class Row(NamedTuple):
    """One statement."""

    section: str
    id: str
    level: str
    who: str
    statement: str
    source: str


def checklist() -> list[Row]:
    """Return all statements, in their order."""
    with (Path(__file__).parent / "checklist.tsv").open(newline="") as lines:
        return [Row(*row) for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]


def marks() -> dict[str, list[str]]:
    """Return the tests of each id, as ``file::name``."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, ids in _marked(ast.parse(path.read_text())):
            for each in ids:
                found[each].append(f"{path.relative_to(ROOT)}::{name}")
    return dict(found)


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.checklist":
                    yield node.name, [ast.literal_eval(each) for each in mark.args]


def table() -> str:
    """Return the text of docs/conformance.md."""
    shown, lines, section = marks(), [HEAD], ""
    rows = checklist()
    with_test = sum(1 for row in rows if row.id in shown)
    lines.append(f"{with_test} of {len(rows)} statements have a test; {len(rows) - with_test} have a note.\n")
    for row in rows:
        if row.section != section:
            section = row.section
            lines += [
                f"\n## {section}\n",
                "| id | level | who | statement | source | shown by |",
                "|---|---|---|---|---|---|",
            ]
        tests = "<br>".join(f"`{each}`" for each in shown.get(row.id, ())) or NOTES.get(row.id, "")
        lines.append(f"| {row.id} | {row.level} | {row.who} | {row.statement} | {row.source} | {tests} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        TABLE.write_text(table())
    elif TABLE.read_text() != table():
        sys.exit("docs/conformance.md is not what the tests say: run python -m tests.conformance.table")
