"""Reads OCPI exports: a JSON array, an OCPI envelope or JSON lines, object by object, the broken ones too."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

_SPACE = b" \t\r\n"
_ENVELOPE_DATA = re.compile(r'"data"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of an export.

    Attributes:
        index: its place in the file, from 0.
        line: where it begins, from 1.
        text: the JSON as it stands there.
        fault: why there is no text to judge; empty if there is.
    """

    index: int
    line: int
    text: bytes
    fault: str = ""


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]


def read(export: bytes) -> list[Entry]:
    """Return the objects of an export, in their order.

    A file that breaks off or is no JSON somewhere yields what stands before that, and an entry with the fault.
    """
    export = export.removeprefix(b"\xef\xbb\xbf")
    body = export.lstrip(_SPACE)
    if not body:
        return []
    if body.startswith(b"["):
        return _array(export)
    if _is_json_lines(body):
        return list(_lines(export))
    return _envelope(export)


def _is_json_lines(body: bytes) -> bool:
    """Return whether more than one value stands in the file, or its one line is an object of its own."""
    first, _, rest = body.partition(b"\n")
    if not rest.strip(_SPACE):
        return _decoded(first, _Envelope) is None
    return _decoded(first, msgspec.Raw) is not None


def _decoded(text: bytes, kind: type[msgspec.Raw] | type[_Envelope]) -> object:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _array(export: bytes) -> list[Entry]:
    try:
        return list(_placed(export, msgspec.json.decode(export, type=list[msgspec.Raw])))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return list(_scan(export, re.compile(r"\[")))


def _envelope(export: bytes) -> list[Entry]:
    found = _decoded(export, _Envelope)
    if isinstance(found, _Envelope):
        return list(_placed(export, found.data))
    if _decoded(export, msgspec.Raw) is not None:
        return [Entry(0, 1, export)]
    return list(_scan(export, _ENVELOPE_DATA))


def _placed(export: bytes, values: Iterable[msgspec.Raw]) -> Iterator[Entry]:
    """Find where each value stands: they come in the order of the file."""
    at, line = 0, 1
    for index, value in enumerate(values):
        text = bytes(value)
        start = export.index(text, at)
        line += export.count(b"\n", at, start)
        yield Entry(index, line, text)
        line += text.count(b"\n")
        at = start + len(text)


def _lines(export: bytes) -> Iterator[Entry]:
    index = 0
    for number, line in enumerate(export.split(b"\n"), 1):
        if line.strip(_SPACE):
            yield Entry(index, number, line.strip(_SPACE))
            index += 1


def _scan(export: bytes, opening: re.Pattern[str]) -> Iterator[Entry]:
    """Read a list value by value, up to where it is no JSON any more.

    The standard library's scanner reads more than JSON (NaN, and here broken UTF-8): what it lets through is judged
    like any other object, and so refused by itself.
    """
    text = export.decode("utf-8", "surrogateescape")
    found = opening.search(text)
    at, index, line, counted = (found.end() if found else 0), 0, 1, 0
    scanner = json.JSONDecoder()
    while True:
        matched = _BETWEEN.match(text, at)
        at = matched.end() if matched else at
        line += text.count("\n", counted, at)
        counted = at
        if found and text[at : at + 1] == "]":
            return
        try:
            if not found:
                raise json.JSONDecodeError("no list of objects", text, at)
            _, end = scanner.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            yield Entry(index, line, b"", f"not JSON from here on: {getattr(error, 'msg', 'nested too deep')}")
            return
        yield Entry(index, line, text[at:end].encode("utf-8", "surrogateescape"))
        at, index = end, index + 1
