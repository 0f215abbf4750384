"""What commands print: one JSON value, or text for people; and how they fail."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from typer import TyperException

from hub.ocpi.objects import JSON


class Failure(TyperException):
    """Ends a command with one line that holds a remedy.

    Args:
        code: 1 refused or failed, 2 wrong use or setting.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = code


def show(value: JSON, lines: Iterable[str], *, as_json: bool) -> None:
    """Print the value, or the lines that say the same to people."""
    if as_json:
        # Amounts are Decimal where they come from a store.
        print(json.dumps(value, ensure_ascii=False, default=float))
        return
    for line in lines:
        print(one_line(line))


def one_line(text: str) -> str:
    """Return a text as it may stand in a terminal or a log: what peers say in it neither begins a line nor steers."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> Iterable[str]:
    """Yield rows in aligned columns below their names."""
    if not rows:
        yield empty
        return
    cells = [list(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    for row in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, list):
        return ",".join(str(each) for each in value)
    return " ".join(str(value).split())


def note(line: str) -> None:
    """Tell something beside the result."""
    print(line, file=sys.stderr)
