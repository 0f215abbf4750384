"""Exports are read object by object, and what is broken is told with its line."""

import json

import pytest

from hub.cli.exports import Entry, read

OBJECTS = [{"id": "LOC1", "name": "Zoë [1] {"}, {"id": "LOC2"}, {"id": "LOC2"}]


def values(entries: list[Entry]) -> list[object]:
    assert not any(each.fault for each in entries)
    return [json.loads(each.text) for each in entries]


@pytest.mark.parametrize(
    "export",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        "\ufeff" + json.dumps(OBJECTS),
        json.dumps({"data": OBJECTS, "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}),
        json.dumps({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", "data": OBJECTS}, indent=1),
        "\n".join(map(json.dumps, OBJECTS)),
        "\r\n\r\n".join(map(json.dumps, OBJECTS)) + "\r\n",
    ],
)
def test_an_array_an_envelope_and_json_lines_hold_the_same_objects(export: str) -> None:
    assert values(read(export.encode())) == OBJECTS


@pytest.mark.parametrize("export", [json.dumps(OBJECTS[0]), json.dumps(OBJECTS[0], indent=2)])
def test_one_object_alone_is_an_export_too(export: str) -> None:
    assert values(read(export.encode())) == [OBJECTS[0]]


@pytest.mark.parametrize("export", ["", " \n", "[]", '{"data": []}'])
def test_an_empty_export_holds_nothing(export: str) -> None:
    assert read(export.encode()) == []


def test_each_object_knows_its_line() -> None:
    array = b'[\n  {"id": 1},\n  {\n    "id": 2\n  },\n\n  {"id": 1}\n]'
    lines = b'{"id": 1}\n\n{"id": 2}\n'

    assert [each.line for each in read(array)] == [2, 3, 7]
    assert [each.line for each in read(lines)] == [1, 3]


@pytest.mark.parametrize("start", ['{"status_code": 1000, "data": [', "["])
def test_an_export_that_breaks_off_yields_what_came_before(start: str) -> None:
    entries = read(f'{start}\n{{"id": 1}},\n{{"id": 2}},\n{{"id": '.encode())

    assert [each.text for each in entries[:-1]] == [b'{"id": 1}', b'{"id": 2}']
    assert (entries[-1].line, entries[-1].index) == (4, 2)
    assert entries[-1].fault.startswith("not JSON from here on")


def test_an_object_with_what_json_has_not_spoils_none_of_the_others() -> None:
    entries = read(b'[{"id": 1}, {"id": NaN}, {"id": "\xff"}, {"id": 4}]')

    assert [each.text for each in entries] == [b'{"id": 1}', b'{"id": NaN}', b'{"id": "\xff"}', b'{"id": 4}']


def test_a_broken_line_spoils_none_of_the_others() -> None:
    entries = read(b'{"id": 1}\n{"id": \n{"id": 3}\n')

    assert [each.text for each in entries] == [b'{"id": 1}', b'{"id":', b'{"id": 3}']


@pytest.mark.parametrize("export", ["no JSON at all", "{", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_no_export_is_one_fault(export: str) -> None:
    entries = read(export.encode())

    assert len(entries) == 1
