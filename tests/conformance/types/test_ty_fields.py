"""Every field of every body is judged as its object table says, and the refusal names its place.

What is refused reaches nobody; what is legal arrives as it was sent.

Source: OCPI 2.2.1 and 2.3.0, the object tables; types.asciidoc; terminology.asciidoc, Cardinality.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.conformance.types.bodies import BODIES, Letter, letter, same
from tests.conformance.types.conftest import Pair
from tests.conformance.types.fields import ABSENT, ANSWERED, ENUMS, TABLES, Place, places

JSON = Any
Values = Callable[[Place], Iterable[JSON]]

EACH_BODY = pytest.mark.parametrize("name", BODIES)
EACH_VERSION = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])

TEXTS = ("CiString", "string", "String", "URL")
#: Texts whose form is said in their description: their lengths follow from it.
FORMED = {
    ("GeoLocation", "latitude"), ("GeoLocation", "longitude"),
    ("AdditionalGeoLocation", "latitude"), ("AdditionalGeoLocation", "longitude"),
    ("RegularHours", "period_begin"), ("RegularHours", "period_end"),
    ("TariffRestrictions", "start_time"), ("TariffRestrictions", "end_time"),
    ("TariffRestrictions", "start_date"), ("TariffRestrictions", "end_date"),
}  # fmt: skip
#: Texts that must be what the URL, the routing headers or the sender's parties say, whatever their length.
NAMES = {"country_code", "party_id", "response_url"}

#: What follows the seconds of a DateTime, in each of its six forms.
SIX_ENDINGS = ("Z", "", ".2Z", ".2", ".123Z", ".123")
NO_FORMS = (
    "2026-06-29T20:39:09+00:00", "2026-06-29T20:39:09+02:00", "2026-06-29 20:39:09Z", "2026-06-29",
    "20260629T203909Z", "1782765549", "2026-06-29T20:39Z", "2026-06-29t20:39:09z", "",
)  # fmt: skip


def each_field(sent: Letter, name: str) -> Iterator[Place]:
    """Yield the place of each row of the tables once: what is said of it twice in a body is judged alike."""
    seen = set()
    for place in places(sent.sender.version, name, sent.body):
        row = (place.field.object, place.field.name)
        if row not in seen:
            seen.add(row)
            yield place


async def refused(sent: Letter, place: Place, value: JSON) -> str | None:
    """Return what is wrong if a value is not refused as it must be; None: it is."""
    answer, came = await sent.send(place.set(sent.body, value))
    if (answer.status, answer.code) != (200, 2001):
        return f"{place.path} = {value!r}: {answer.status} {answer.code}"
    if came is not None:
        return f"{place.path} = {value!r} arrived"
    return None if place.path in answer.message else f"{place.path} = {value!r}: {answer.message}"


async def accepted(sent: Letter, place: Place, value: JSON) -> str | None:
    """Return what is wrong if a value does not arrive as it was sent; None: it does."""
    body = place.set(sent.body, value)
    answer, came = await sent.send(body)
    if answer.code != 1000 or came is None:
        return f"{place.path} = {value!r}: {answer.code} {answer.message}"
    return None if same(body, came.json) else f"{place.path} = {value!r} arrived as {came.json}"


async def faults(
    name: str, pair: Pair, values: Values, judged: Callable[[Letter, Place, JSON], Any], size: str = "full"
) -> list[str]:
    """Return what goes wrong when each field of a body has each of these values."""
    sent = letter(name, size, pair)
    found = [await judged(sent, place, value) for place in each_field(sent, name) for value in values(place)]
    return [each for each in found if each is not None]


@EACH_VERSION
@pytest.mark.checklist("TY-01")
async def test_every_row_of_the_object_tables_stands_in_a_full_body(version: str, pairs: dict[str, Pair]) -> None:
    travelling = {
        (place.field.object, place.field.name)
        for name in BODIES
        for place in each_field(letter(name, "full", pairs[version]), name)
    }

    rows = {(field.object, field.name) for (of, _), fields in TABLES.items() if of == version for field in fields}

    assert {row for row in rows - travelling if row[0] not in ANSWERED} == set()


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-03")
async def test_null_and_an_empty_list_pass_where_a_field_may_be_absent(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def nothing(place: Place) -> list[JSON]:
        return [None, []] if place.field.cardinality in "?*" else []

    assert await faults(name, pairs[version], nothing, accepted, "minimal") == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-01", "TY-09")
async def test_null_and_absence_are_refused_where_a_field_is_required(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def nothing(place: Place) -> list[JSON]:
        return [None, ABSENT] if place.field.cardinality in "1+" else []

    assert await faults(name, pairs[version], nothing, refused) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-04")
async def test_the_six_forms_of_a_date_time_pass_in_each_field(version: str, name: str, pairs: dict[str, Pair]) -> None:
    sent = letter(name, "full", pairs[version])
    found = [
        await accepted(sent, place, place.of(sent.body)[:19] + ending)
        for place in each_field(sent, name)
        if place.field.type == "DateTime"
        for ending in SIX_ENDINGS
    ]

    assert [each for each in found if each is not None] == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-14")
async def test_other_forms_of_a_date_time_are_refused_in_each_field(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def others(place: Place) -> list[JSON]:
        return [*NO_FORMS, 1782765549] if place.field.type == "DateTime" else []

    assert await faults(name, pairs[version], others, refused) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-07")
async def test_texts_of_their_greatest_length_pass_in_each_field(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    sent = letter(name, "full", pairs[version])

    def longest(place: Place) -> list[JSON]:
        length = length_of(place)
        own = place.field.name in NAMES or (len(place.steps) == 1 and place.field.name in ("id", "uid"))
        if not length or own:
            return []
        return [place.value(letters_for(place) * length)]

    found = [await accepted(sent, place, value) for place in each_field(sent, name) for value in longest(place)]

    assert [each for each in found if each is not None] == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-12")
async def test_a_text_one_character_too_long_is_refused_in_each_field(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def too_long(place: Place) -> list[JSON]:
        length = length_of(place)
        return [place.value(letters_for(place) * (length + 1))] if length else []

    assert await faults(name, pairs[version], too_long, refused) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-09")
async def test_another_json_type_is_refused_in_each_field(version: str, name: str, pairs: dict[str, Pair]) -> None:
    def wrong(place: Place) -> list[JSON]:
        values: list[JSON] = [{"surprise": 1}, "surprise"] if place.many else [["surprise"]]
        return values + [place.value(each) for each in wrong_for(place)]

    assert await faults(name, pairs[version], wrong, refused) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-10")
async def test_values_outside_an_enum_are_refused_and_those_in_it_pass(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def outside(place: Place) -> list[JSON]:
        is_open, values = ENUMS.get((version, place.field.type), (True, ()))
        others = ["NO_SUCH_VALUE", "", f"{values[0]} ", values[0].title(), *map(str.lower, values)] if values else []
        return [] if is_open else [place.value(each) for each in others if each not in values]

    def inside(place: Place) -> list[JSON]:
        if name == "Token" and place.path == "$.type":
            return []  # the URL says it, too
        is_open, values = ENUMS.get((version, place.field.type), (False, ()))
        return [place.value(each) for each in (*values, *(["NLVHN_NEW"] if is_open else []))]

    assert await faults(name, pairs[version], outside, refused) == []
    assert await faults(name, pairs[version], inside, accepted) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-11")
async def test_empty_lists_are_refused_where_one_element_is_required(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def empty(place: Place) -> list[JSON]:
        return [[]] if place.field.cardinality == "+" else []

    assert await faults(name, pairs[version], empty, refused) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-15", "TY-16")
async def test_what_is_not_printable_is_refused_and_in_ci_strings_what_is_not_ascii(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def outside(place: Place) -> list[JSON]:
        if place.field.type not in TEXTS:
            return []
        harmful = ["\t", "\n", "\r", "\x00", "\x1f", "\x7f", "\x85", "\x9f"]
        return [place.value(each) for each in harmful + (["é"] if place.field.type == "CiString" else [])]

    assert await faults(name, pairs[version], outside, refused) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-05")
async def test_whole_fractional_and_negative_numbers_keep_their_value_in_each_field(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def numbers(place: Place) -> list[JSON]:
        if place.field.type == "int":
            return [5, 7]
        if place.field.type != "number":
            return []
        return [0, 7, 12.3456, 0.0001, *([] if place.field.name == "percentage" else [-12.3456])]

    assert await faults(name, pairs[version], numbers, accepted) == []


@EACH_BODY
@EACH_VERSION
@pytest.mark.checklist("TY-13")
async def test_coordinates_of_5_to_7_decimals_pass_and_others_are_refused(
    version: str, name: str, pairs: dict[str, Pair]
) -> None:
    def right(place: Place) -> list[JSON]:
        return ["-4.12345", "52.123456", "0.1234567"] if place.field.name in ("latitude", "longitude") else []

    def wrong(place: Place) -> list[JSON]:
        others = ["4.1234", "4.12345678", "4", "4,12345", "+4.12345", ".12345", "1004.12345", " 4.12345", "", 4.12345]
        return others if place.field.name in ("latitude", "longitude") else []

    assert await faults(name, pairs[version], right, accepted) == []
    assert await faults(name, pairs[version], wrong, refused) == []


def length_of(place: Place) -> int:
    """Return the greatest length of a text, in characters; 0: none is set, or its form says more."""
    field = place.field
    if field.type not in TEXTS or (field.object, field.name) in FORMED:
        return 0
    return 255 if field.type == "URL" else field.length


def letters_for(place: Place) -> str:
    """Return a character that a text may have: one of four bytes where it need not be ASCII."""
    return "\U0001f50c" if place.field.type in ("string", "String") else "7"


def wrong_for(place: Place) -> list[JSON]:
    """Return values of JSON types that cannot stand in a field."""
    kind = place.field.type
    if kind == "boolean":
        return ["true", 1, 0]
    if kind == "int":
        return ["1", 1.5, True]
    if kind == "number":
        return ["1.0", True]
    if (place.field.version, kind) in TABLES:
        return ["surprise", 7]
    return [7, True, {"surprise": 1}]
