"""The declarations say what the specification's property tables say, field by field.

The facts are in ``tests/census`` (names, types, cardinalities, lengths and values; ``extract.py``
there reads them off the tables). Where we read the text otherwise, the deviation and its erratum
stand here, and nowhere else.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from typing_extensions import is_typeddict

from hub.ocpi import modules, objects
from hub.ocpi.modules import common
from hub.ocpi.shapes import Hint, field_of
from hub.ocpi.versions import VERSIONS
from tests.telling import Tell

Facts = dict[str, Any]

_FACTS: dict[str, Facts] = {
    name: json.loads((Path(__file__).parent / "census" / f"{name}.json").read_text())
    for name in ("2.2.1", "2.3.0", "2.3.0-bookings")
}

#: (version or "*", "Object.field") -> what is declared instead of what the table says, and the erratum.
_FIELDS: dict[tuple[str, str], tuple[Facts, str]] = {
    ("*", "BookingRequest.tokens"): ({"type": "BookingToken", "card": "*"}, "E-24"),
    ("*", "Calendar.available_timeslots"): ({"type": "Timeslot", "card": "+"}, "E-24"),
    # A Price in 2.2.1, of the same shape there: see the test below.
    ("2.2.1", "Tariff.min_price"): ({"type": "PriceLimit", "card": "?"}, "renamed in 2.3.0"),
    ("2.2.1", "Tariff.max_price"): ({"type": "PriceLimit", "card": "?"}, "renamed in 2.3.0"),
}

#: (version or "*", enum) -> values declared besides those of the table, and the erratum.
_VALUES: dict[tuple[str, str], tuple[set[str], str]] = {
    ("2.3.0", "ModuleID"): ({"invoicereconciliation", "bookings"}, "E-03"),
}

#: Enums that are closed in the table and open with us, and the erratum; new values are known there too.
_OPENED = {("2.2.1", "ModuleID"): "E-04", ("2.2.1", "VersionNumber"): "E-04"}


def _merged() -> Facts:
    """Return the facts of 2.3.0 as we have it: core edition 2, and what Bookings adds to it.

    The Bookings branch began before edition 2: where both have a field, edition 2 counts (E-02).
    """
    core, bookings = _FACTS["2.3.0"], _FACTS["2.3.0-bookings"]
    merged: Facts = {"objects": {}, "enums": {}}
    for name in core["objects"].keys() | bookings["objects"].keys():
        fields = [each["objects"].get(name, {"fields": {}})["fields"] for each in (bookings, core)]
        merged["objects"][name] = fields[0] | fields[1]
    for name in core["enums"].keys() | bookings["enums"].keys():
        merged["enums"][name] = bookings["enums"].get(name) or core["enums"][name]
    return merged


_TEXT: dict[str, Facts] = {
    "2.2.1": {
        "objects": {name: each["fields"] for name, each in _FACTS["2.2.1"]["objects"].items()},
        "enums": _FACTS["2.2.1"]["enums"],
    },
    "2.3.0": _merged(),
}


def _declared(name: str) -> Any:
    """Return the declaration of this name, in whichever chapter it is."""
    found = {id(getattr(chapter, name)): getattr(chapter, name) for chapter in _chapters() if hasattr(chapter, name)}
    assert len(found) == 1, f"{name} is declared {len(found)} times"
    return next(iter(found.values()))


def _chapters() -> Iterator[Any]:
    yield common
    for name in modules.__all__:
        yield getattr(modules, name)


def _all_of(kind: str) -> list[tuple[str, str]]:
    return [(version, name) for version, text in _TEXT.items() for name in sorted(text[kind])]


def _said(hint: Hint) -> Facts:
    """Return what a hint says in the terms of the tables."""
    field = field_of(hint)
    card = "1" if field.required else "?"
    if field.kind is list:
        card = "+" if field.non_empty else "*"
        field = field_of(field.item)
    said: Facts = {"card": card, **_type_said(field)}
    return said


def _type_said(field: Any) -> Facts:
    if is_typeddict(field.kind):
        return {"type": field.kind.__name__}
    if field.kind is Literal:
        return {"values": set(field.values), "open": False}
    if field.open_enum is not None:
        return {"values": set(field.open_enum.known), "open": True}
    if field.kind is str:
        return _string_said(field.text)
    return {"type": {int: "int", float: "number", bool: "boolean"}[field.kind]}


def _string_said(text: objects.Text) -> Facts:
    for name in ("URL", "DateTime"):
        if text.format is not None and text == get_args(getattr(objects, name))[1]:
            return {"type": name}
    length = {} if text.max_length is None else {"length": text.max_length}
    return {"type": "CiString" if text.ci else "string", **length}


def _expected(version: str, fact: Facts) -> Facts:
    """Return a fact of the tables in the terms of ``_said``; an enum by its values."""
    kind = fact["type"]
    if kind in _TEXT[version]["enums"]:
        return {"card": fact["card"], **_enum_expected(version, kind)}
    if kind == "int":
        return {"card": fact["card"], "type": "int"}  # int(5), int(1): bounds, tested with the examples
    return fact | {"type": "string" if kind == "String" else kind}


def _enum_expected(version: str, name: str) -> Facts:
    if (version, name) in _OPENED:
        return _enum_expected("2.3.0", name)
    enum = _TEXT[version]["enums"][name]
    more, _ = _VALUES.get((version, name), (set(), ""))
    return {"values": set(enum["values"]) | more, "open": enum["open"]}


@pytest.mark.parametrize(("version", "name"), _all_of("objects"))
def test_an_object_declares_the_fields_of_its_table(version: str, name: str) -> None:
    shape = VERSIONS[version].shape(_declared(name))

    said = {field: _said(hint) for field, hint in shape.items()}

    facts = _TEXT[version]["objects"][name]
    for field in facts:
        for which in (version, "*"):
            if (which, f"{name}.{field}") in _FIELDS:
                facts = facts | {field: _FIELDS[which, f"{name}.{field}"][0]}
    assert said == {field: _expected(version, fact) for field, fact in facts.items()}


@pytest.mark.parametrize("name", sorted(_TEXT["2.3.0"]["enums"]))
def test_an_enum_declares_the_values_of_its_table(name: str) -> None:
    said = _said(_declared(name))

    assert said == {"card": "1", **_enum_expected("2.3.0", name)}


def test_a_price_limit_of_2_2_1_is_a_price() -> None:
    shape = VERSIONS["2.2.1"].shape

    assert shape(_declared("PriceLimit")) == shape(_declared("Price"))


def test_every_declared_object_has_a_table() -> None:
    declared = {
        name
        for chapter in _chapters()
        for name, value in vars(chapter).items()
        if is_typeddict(value) and value.__module__ == chapter.__name__
    }

    assert declared == _TEXT["2.3.0"]["objects"].keys()


def test_every_deviation_is_one() -> None:
    """A deviation that the text no longer needs must go."""
    for (_, path), (declared, _) in _FIELDS.items():
        name, field = path.split(".")
        facts = [each["objects"][name]["fields"][field] for each in _FACTS.values() if name in each["objects"]]
        assert any(fact != declared for fact in facts), path
    for (version, name), (more, _) in _VALUES.items():
        assert more - set(_TEXT[version]["enums"][name]["values"]), name


@pytest.mark.parametrize("version", sorted(_TEXT))
def test_the_census_is_whole(version: str, tell: Tell) -> None:
    text = _TEXT[version]
    fields = sum(len(each) for each in text["objects"].values())
    values = sum(len(each["values"]) for each in text["enums"].values())

    tell(f"census {version}: {len(text['objects'])} objects, {fields} fields, {values} enum values")

    assert fields >= {"2.2.1": 296, "2.3.0": 439}[version]
