"""Facts from the property tables of an OCPI specification: names, types, cardinalities, lengths, values.

    python tests/census/extract.py GIT_DIRECTORY BRANCH FILE.json

reads every chapter on that branch and writes what its tables say, and no sentence of its text.
``tests/test_census.py`` compares the declarations of this project with these facts.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

# "==== _Location_ Object", "==== DisplayText _class_", "==== Credentials object", "==== Role _enum_"
_HEADING = re.compile(r"^=+ +_?(?P<name>[A-Za-z]+)_? +_?(?P<kind>object|class|enum|openenum|type)_? *$", re.IGNORECASE)
_LINK = re.compile(r"<<[^,>]*, *([^>]*?)>>")
_TYPE = re.compile(r"^(?P<name>\w+) *(?:[(\[](?P<length>\d+)[)\]])?$")
_CARDINALITIES = {"1", "?", "*", "+"}

# Chapters that declare no object: the history, and the envelope of responses.
_OTHER = ("changelog", "version_history", "transport_and_format")

# The one table of an object that stands under another heading.
_UNTITLED = {"version_information_get_details_endpoint_data": "VersionDetails"}


def main(git: str, branch: str, file: str) -> None:
    objects: dict[str, object] = {}
    enums: dict[str, object] = {}
    for chapter in _git(git, "ls-tree", "--name-only", branch).split():
        if chapter.endswith(".asciidoc") and not chapter.startswith(_OTHER):
            _read(_git(git, "show", f"{branch}:{chapter}"), chapter.removesuffix(".asciidoc"), objects, enums)
    commit = _git(git, "rev-parse", branch).strip()
    facts = {"branch": branch, "commit": commit, "objects": objects, "enums": enums}
    Path(file).write_text(json.dumps(facts, indent=1) + "\n")
    fields = sum(len(each["fields"]) for each in objects.values())  # type: ignore[index]  # written below
    values = sum(len(each["values"]) for each in enums.values())  # type: ignore[index]  # written below
    sys.stdout.write(f"{branch}: {len(objects)} objects, {fields} fields, {len(enums)} enums, {values} values\n")


def _git(git: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", git, *arguments], check=True, capture_output=True, text=True).stdout


def _read(text: str, chapter: str, objects: dict[str, object], enums: dict[str, object]) -> None:
    """Put every object and enum of a chapter into the facts: the first table under its heading."""
    wanted: tuple[str, str] | None = None
    for part in _parts(text):
        if isinstance(part, str):
            wanted = _wanted(part, wanted)
        elif part[0][0] in ("Property", "Value", "Module"):
            if wanted is None:
                raise SystemExit(f"{chapter}: a table of {part[1][0]} stands under no object or enum")
            _put(part, chapter, *wanted, objects, enums)
            wanted = None


def _parts(text: str) -> list[str | list[list[str]]]:
    """Split a chapter into headings and anchors (text) and tables (rows of cells)."""
    parts: list[str | list[list[str]]] = []
    rows: list[str] | None = None
    for line in text.splitlines():
        if line.strip() == "|===":
            if rows is not None:
                parts.append([_cells(row) for row in rows])
            rows = [] if rows is None else None
        elif rows is None:
            if line.startswith(("=", "[[")):
                parts.append(line)
        elif line.startswith("|"):
            rows.append(line)
        elif rows:
            rows[-1] += " " + line
    return parts


def _cells(row: str) -> list[str]:
    text = re.sub(r"\[\[[^\]]*\]\]", "", _LINK.sub(r"\1", row[1:]))
    cells = re.split(r"(?<!\\)(?:\ba)?\|", text)
    return [cell.strip() for cell in cells]


def _wanted(line: str, before: tuple[str, str] | None) -> tuple[str, str] | None:
    if line.startswith("[["):
        name = _UNTITLED.get(line.strip("[]"))
        return (name, "object") if name else before
    heading = _HEADING.match(line)
    if heading:
        return heading["name"], heading["kind"].lower()
    # A deeper heading (an example) may stand between an object's heading and its table; the heading of
    # the untitled table follows its anchor.
    return before if before and (before[0] in _UNTITLED.values() or line.startswith("=====")) else None


def _put(
    rows: list[list[str]], chapter: str, name: str, kind: str, objects: dict[str, object], enums: dict[str, object]
) -> None:
    if name in objects or name in enums:
        raise SystemExit(f"{chapter}: {name} is there twice")
    if rows[0][0] == "Property":
        objects[name] = {"chapter": chapter, "fields": {row[0]: _field(row) for row in rows[1:]}}
        return
    column = 1 if rows[0][0] == "Module" else 0  # ModuleID: the chapter, then its identifier
    enums[name] = {"chapter": chapter, "open": kind == "openenum", "values": [row[column] for row in rows[1:]]}


def _field(row: list[str]) -> dict[str, object]:
    shape = _TYPE.match(row[1])
    if shape is None or row[2] not in _CARDINALITIES:
        raise SystemExit(f"cannot read {row[:3]}")
    length = shape["length"]
    return {"type": shape["name"], "card": row[2], **({"length": int(length)} if length else {})}


if __name__ == "__main__":
    main(*sys.argv[1:])
