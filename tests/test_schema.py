"""What a body may be: each rule of the types chapter, told with the path; and an independent oracle agrees."""

import contextlib
import gc
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, Unparsable
from hub.ocpi.judging import MAX_DEPTH, Judge
from hub.ocpi.modules.locations import EVSE, Location
from hub.ocpi.objects import (
    JSON,
    URL,
    Bounds,
    CiString3,
    CiString36,
    DateTime,
    JSONObject,
    NonEmpty,
    Number,
    OpenEnum,
    String3,
    Text,
)
from hub.ocpi.schema import rule, schema_of
from hub.ocpi.versions import VERSIONS
from tests.strategies import declared_objects, mutated, objects, values_of


class Plug(TypedDict):
    """A plug."""

    id: CiString3
    kind: Annotated[str, OpenEnum("TYPE_1", "TYPE_2")]
    format: Literal["SOCKET", "CABLE"]


class Post(TypedDict, total=False):
    """A post with plugs."""

    name: NotRequired[String3 | None]
    ids: list[CiString36] | None
    plugs: list[Plug] | None
    volts: int | None
    share: Annotated[float, Bounds(ge=0, le=100)] | None
    days: Annotated[int, Bounds(ge=1)] | None
    hours: Annotated[int, Bounds(le=24)] | None
    price: Number | None
    free: bool | None
    plug: Plug | None
    url: URL | None
    anything: Any
    at: Annotated[str, Text(10, pattern=r"^-?\d{1,2}\.\d{5,7}$")] | None
    sign: Annotated[str, Text(5, ci=True, pattern=r"\S")] | None
    opened: DateTime | None
    last_updated: DateTime


class Period(TypedDict):
    """A period, for its rule."""

    begin: int
    end: NotRequired[int | None]


class Year(TypedDict):
    """What holds periods, for the path of their rule."""

    periods: NotRequired[list[Period] | None]
    longest: NotRequired[Period | None]


class Decade(TypedDict, total=False):
    """What has a year at least."""

    years: Required[Annotated[list[Year], NonEmpty()]]
    name: String3


@rule(Period)
def ends_later(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """An end is later than its begin."""
    if value.get("end") and value["end"] <= value.get("begin", 0):
        yield f"{path}.end: must be later than begin" + (" in a PATCH" if partial else "")


@rule(Decade)
def has_a_name_of_its_own(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A rule may read what is there and not there like in a dict."""
    with contextlib.suppress(KeyError):
        if value["name"] == "":
            yield f"{path}.name: must not be empty"


JUDGE = Judge()
PLUG = {"id": "1", "kind": "TYPE_2", "format": "CABLE"}


def fault(value: JSON, declared: Any = Post, **how: bool) -> str | None:
    """Return what is found wrong with a value; None: nothing."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    try:
        JUDGE.judge(text, declared, **how)
    except InvalidParameters as error:
        assert type(error) is InvalidParameters
        return str(error)
    return None


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"name": "abc", "plugs": [PLUG], "free": False, "volts": 2**80, "price": 1, "opened": "2026-01-31T12:00:00"},
        {"name": "äöü"},
        {"name": "\U0001f50c\U0001f50c\U0001f50c"},
        {"name": "a/b"},
        {"name": 'a"b'},
        {"name": "a\\b"},
        {"ids": ["~", " "]},
        {"plug": PLUG | {"kind": "TYPE_OF_2040"}},
        {"unheard_of": {"deep": [None, 1, "x\n"]}},
        {"price": 1.5, "share": 100},
        {"anything": {"x": [None]}},
    ],
)
def test_what_the_declaration_admits_passes(value: JSON) -> None:
    assert fault(value) is None


@pytest.mark.parametrize("name", sorted(Post.__optional_keys__ - {"anything"}))
def test_for_optional_fields_null_an_empty_list_and_absence_are_equal(name: str) -> None:
    assert fault({name: None}) is None
    assert fault({name: []}) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"name": "abcd"}, "$.name: must be a string of at most 3 characters, no control characters, not 'abcd'"),
        ({"name": 7}, "$.name: must be a string of at most 3 characters, no control characters, not the number 7"),
        ({"name": "a\tb"}, "$.name: must be a string of at most 3 characters, no control characters, not 'a\\tb'"),
        ({"ids": ["é"]}, "$.ids[0]: must be a CiString of at most 36 characters, printable ASCII only, not '\\xe9'"),
        ({"ids": {}}, "$.ids: must be a list, not an object"),
        ({"ids": [None]}, "$.ids[0]: must be a CiString of at most 36 characters, printable ASCII only, not null"),
        ({"plugs": [PLUG, PLUG | {"format": "cable"}]}, "$.plugs[1].format: must be one of SOCKET, CABLE, not 'cable'"),
        ({"plugs": [{"id": "1", "kind": "X"}]}, "$.plugs[0].format: required"),
        ({"plugs": [PLUG | {"format": None}]}, "$.plugs[0].format: must be one of SOCKET, CABLE, not null"),
        ({"plug": [PLUG]}, "$.plug: must be an object (Plug), not a list"),
        ({"plug": PLUG | {"kind": 2}}, "$.plug.kind: must be a string, no control characters, not the number 2"),
        ({"volts": 1.5}, "$.volts: must be an integer, not the number 1.5"),
        ({"volts": "1"}, "$.volts: must be an integer, not a string"),
        ({"price": True}, "$.price: must be a number, not true"),
        ({"free": 0}, "$.free: must be true or false, not the number 0"),
        ({"share": 101}, "$.share: must be a number of at least 0 and at most 100, not the number 101"),
        ({"days": 0}, "$.days: must be an integer of at least 1, not the number 0"),
        ({"hours": 25}, "$.hours: must be an integer of at most 24, not the number 25"),
        ({"free": {}}, "$.free: must be true or false, not an object"),
        ({"volts": False}, "$.volts: must be an integer, not false"),
        ({"at": "51.1"}, r"$.at: must be a string of at most 10 characters matching ^-?\d{1,2}\.\d{5,7}$, not '51.1'"),
        ({"at": "51.12345\n"}, None),
        ({"at": "\uff15\uff11.12345"}, None),
        ({"url": "http://" + "x" * 249}, None),
        ([], "$: must be an object (Post), not a list"),
        ("text", "$: must be an object (Post), not a string"),
        (None, "$: must be an object (Post), not null"),
    ],
)  # fmt: skip
def test_a_fault_names_the_path_and_the_rule(value: JSON, told: str | None) -> None:
    found = fault(value)

    assert found is not None
    assert found == told or told is None


def test_a_long_wrong_value_is_shown_shortened() -> None:
    assert fault({"name": "x" * 999}, Post) == (
        f"$.name: must be a string of at most 3 characters, no control characters, not '{'x' * 60}...'"
    )


@pytest.mark.parametrize("character", ["\x00", "\x1f", "\x7f", "\x80", "\x85", "\x9f"])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("field", ["name", "ids"])
def test_no_string_has_control_characters(character: str, escaped: bool, field: str) -> None:
    text = json.dumps({field: character if field == "name" else [character]}, ensure_ascii=escaped).encode()

    assert fault(text) is not None


@pytest.mark.parametrize("text", [r'{"name":"\u00e4"}', r'{"name":"\/"}', '{"name":"°§"}', '{"name":"\xa0"}'])
def test_other_characters_may_be_written_either_way(text: str) -> None:
    assert fault(text.encode()) is None


def test_a_pattern_that_may_stand_anywhere_leaves_the_alphabet_as_it_is() -> None:
    assert fault({"sign": " a\\"}) is None
    assert fault({"sign": " a", "unheard_of": "\n"}) is None
    for wrong in ("  ", "a\n", "a\x7f", "\na", "aä", "aaaaaa"):
        assert fault({"sign": wrong}) is not None


def test_a_ci_string_is_ascii_however_it_is_written() -> None:
    assert fault('{"ids":["ä"]}'.encode()) is not None
    assert fault(b'{"ids":["\\u00e4"]}') is not None
    assert fault('{"plug":{"id":"ä","kind":"ä","format":"CABLE"}}'.encode()) is not None
    assert fault('{"plug":{"id":"1","kind":"ä","format":"CABLE"}}'.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "2015-06-29T20:39:09Z",
        "2015-06-29T20:39:09",
        "2016-12-29T17:45:09.2Z",
        "2016-12-29T17:45:09.2",
        "2018-01-01T01:08:01.123Z",
        "2018-01-01T01:08:01.123",
        "2024-02-29T00:00:00Z",
        "2018-01-01T01:08:01.12345",
    ],
)
def test_the_six_forms_of_a_date_time_pass(text: str) -> None:
    assert fault({"opened": text}) is None


@pytest.mark.parametrize(
    "text",
    [
        "2015-06-29T20:39:09+00:00",
        "2015-06-29T20:39:09-05:00",
        "2015-06-29 20:39:09Z",
        "2015-06-29t20:39:09z",
        "2015-06-29T20:39Z",
        "2015-06-29",
        "20150629T203909Z",
        "2015-06-29T20:39:09.Z",
        "2015-06-29T20:39:09,5Z",
        "2015-06-29T24:00:00Z",
        "2015-06-29T23:60:00Z",
        "2016-12-31T23:59:60Z",
        "2015-02-30T20:39:09Z",
        "2023-02-29T00:00:00Z",
        "2015-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2018-01-01T01:08:01.123456Z",
        "2015-06-29T20:39:09Z\n",
        "\u0662015-06-29T20:39:09Z",
        "",
        "tomorrow",
    ],
)
def test_no_other_form_of_a_date_time_passes(text: str) -> None:
    assert fault({"opened": text}) == (
        "$.opened: must be a DateTime such as 2026-01-31T12:00:00Z (UTC, no offset, at most 25 characters), "
        f"not {text!a}"
    )


def test_a_date_time_is_a_string() -> None:
    assert fault({"opened": 1}) is not None
    assert fault({"opened": ["2015-06-29T20:39:09Z"]}) is not None


def test_as_many_moments_as_there_are_are_judged() -> None:
    moments = [f"20{year}-{month:02}-{day:02}T00:0{minute}:00Z" for year in range(10, 90) for month in range(1, 13)
               for day in (1, 8, 15, 22) for minute in range(3)]  # fmt: skip

    for at in range(0, len(moments), 1000):
        assert fault(moments[at : at + 1000], list[DateTime]) is None


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b"{",
        b'{"name":}', b'{"name":NaN}', b'{"x":Infinity}', b'{"x":01}', b"{'x':1}", b'{"x":1,}', b"\xff",
        b'{"name":"\xff"}', b'{"x":"\xff"}', b'{"x":"\xc3"}', b'{"x":"\\ud800"}', b'{"x":"\n"}', b'\xef\xbb\xbf{}',
        b"[" * 1_000_000, b'{"x":' * 5_000, b'{"name":7,"x":' + b"[" * 100_000, b'{"name":7}]',
    ],
)  # fmt: skip
def test_what_is_no_json_is_unparsable(text: bytes) -> None:
    for declared in (Post, None):
        with pytest.raises(Unparsable):
            JUDGE.judge(text, declared)


def test_absurd_nesting_is_unparsable_and_strings_do_not_count() -> None:
    def nested(depth: int) -> bytes:
        return b'{"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    assert fault(nested(MAX_DEPTH)) is None
    assert fault(nested(MAX_DEPTH), None) is None
    assert fault({"x": "[" * 500, "y": '"[' * 500}) is None
    for text in (nested(MAX_DEPTH + 1), nested(MAX_DEPTH + 1).replace(b"{", b'{"name":7,')):
        for declared in (Post, None):
            with pytest.raises(Unparsable, match="100 levels"):
                JUDGE.judge(text, declared)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b'{"name":"a","name":"a"}', "$.name"),
        (b'{"name":"a","name":7}', "$.name"),
        (b'{"name":"a", "n\\u0061me" : "b"}', "$.name"),
        (b'{"name" : "\\"\\\\", "name" : null}', "$.name"),
        (b'{"x":1,"x":1}', "$.x"),
        (b'{"name":"a","x":[{},{"y":{"z":1,"z":2}}]}', "$.x[1].y.z"),
        (b'{"plug":{"id":"1","kind":"X","format":"CABLE","format":"CABLE"}}', "$.plug.format"),
        (b'{"opened":[],"free":true,"free":false}', "$.free"),
        ('{"name":"ä","é":1,"é":2}'.encode(), "$.é"),
    ],
)
def test_a_name_that_stands_twice_is_refused_by_name(text: bytes, path: str) -> None:
    for declared in (Post, None):
        assert fault(text, declared) == f"{path}: this name stands twice"


def test_the_same_name_may_stand_in_different_objects() -> None:
    assert fault(b'{ "name" : ":", "x" : {"name": "\\":", "y" : {"name" : "a"} } }') is None


def test_numbers_beyond_all_measure_pass_or_are_refused_and_never_break() -> None:
    assert fault(b'{"volts":1' + b"0" * 4000 + b"}") is None
    assert fault(b'{"x":1e400,"y":-0.0,"z":1E-400}') is None
    assert fault(b'{"price":1e400}') == "$.price: must be a number, not the number 1E+400"
    assert fault(b'{"volts":1' + b"0" * 5000 + b"}") == "A number is too large to be held exactly"
    assert fault(b'{"x":1' + b"0" * 5000 + b"}") == "A number is too large to be held exactly"
    assert fault(b'{"x":1e99999999999999999999}') == "A number is too large to be held exactly"
    for text in (b'{"x":1e400}', b"[1e400]", b'{"x":[{"y":-1e400}]}', b"1e400"):
        with pytest.raises(InvalidParameters, match=r"\$: must hold no number beyond all measure"):
            Judge().judge(text, None)


@pytest.mark.parametrize(
    "text", [b"1E+400", b"-0.0", b"0.10", b"18446744073709551616", b"-9223372036854775809", b"1" * 4000, b"-1.5E-30"]
)
def test_numbers_are_read_and_written_exactly(text: bytes) -> None:
    assert codec.encode(codec.decode(text)) == text


def test_what_cannot_be_read_or_written_is_told_in_ocpi() -> None:
    deep: JSON = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(InvalidParameters):
        codec.encode(deep)
    with pytest.raises(Unparsable):
        codec.decode(b"[" * 5000)
    with pytest.raises(InvalidParameters):
        codec.decode(b"1" * 5000)


def test_a_patch_needs_nothing_but_its_time() -> None:
    moment = "2026-01-31T12:00:00Z"

    assert fault({"last_updated": moment}, EVSE, partial=True) is None
    assert fault({"status": "BLOCKED"}, EVSE, partial=True) == "$.last_updated: required in every PATCH"
    assert fault({"uid": None, "last_updated": moment}, EVSE, partial=True) is not None
    assert fault({"coordinates": {"latitude": "51.12345"}, "last_updated": moment}, EVSE, partial=True) == (
        "$.coordinates.longitude: required"
    )
    assert fault({"last_updated": moment}, EVSE) == "$.uid: required"


def test_a_rule_is_asked_after_the_types_and_told_with_its_path() -> None:
    right, wrong = {"begin": 1, "end": 2}, {"begin": 2, "end": 1}

    assert fault(wrong, Period) == "$.end: must be later than begin"
    assert fault({"end": -1}, Period, partial=True) == "$.end: must be later than begin in a PATCH"
    assert fault([right, wrong], list[Period]) == "$[1].end: must be later than begin"
    assert fault({"periods": [right, right, wrong]}, Year) == "$.periods[2].end: must be later than begin"
    assert fault({"longest": wrong}, Year, partial=True) == "$.longest.end: must be later than begin"
    assert fault({"longest": [], "periods": None}, Year) is None
    assert fault({"longest": right | {"x": 1}, "periods": [right]}, Year) is None


def test_a_list_of_at_least_one_element_has_one() -> None:
    assert fault({"years": [{}]}, Decade) is None
    assert fault({"years": [{}], "name": ""}, Decade) == "$.name: must not be empty"
    assert fault({"years": []}, Decade) == "$.years: must be a list of at least one element, not an empty one"
    assert schema_of(Decade)["properties"]["years"]["minItems"] == 1


def test_a_list_and_a_plain_value_can_be_declared() -> None:
    assert fault([{"begin": 1}, {}], list[Period]) == "$[1].begin: required"
    assert fault("FAST", Literal["FAST", "CHEAP"]) is None
    assert fault("SLOW", Literal["FAST", "CHEAP"]) == "$: must be one of FAST, CHEAP, not 'SLOW'"


def test_a_type_declarations_have_no_word_for_is_refused_when_it_is_used() -> None:
    with pytest.raises(TypeError, match="not a word of declarations"):
        JUDGE.judge(b"1", int | str)


def test_types_of_this_house_may_be_collected_as_garbage() -> None:
    """A type of msgspec with a pattern beside an array breaks the process, some time later."""
    thresholds = gc.get_threshold()
    gc.set_threshold(20, 2, 2)
    try:
        for _ in range(20):
            judge = Judge()
            for text in (b'{"at":[],"name":"\\n"}', b'{"at":"51.12345","opened":[]}', b'{"name":[],"ids":["\x7f"]}'):
                with contextlib.suppress(InvalidParameters):
                    judge.judge(text, Post)
    finally:
        gc.set_threshold(*thresholds)


def test_a_schema_says_lengths_patterns_enums_formats_and_what_is_required() -> None:
    schema = schema_of(Post)["properties"]

    assert schema["url"]["anyOf"][0] == {
        "type": "string", "maxLength": 255, "format": "uri", "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    }  # fmt: skip
    assert schema["share"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 100}
    assert schema["anything"] == {"anyOf": [{}, {"type": "null"}, {"type": "array", "maxItems": 0}]}
    plug = schema["plug"]["anyOf"][0]
    assert plug["title"] == "Plug"
    assert plug["required"] == ["id", "kind", "format"]
    assert plug["properties"]["kind"]["examples"] == ["TYPE_1", "TYPE_2"]
    assert plug["properties"]["format"] == {"type": "string", "enum": ["SOCKET", "CABLE"]}
    assert schema_of(Plug, partial=True)["required"] == []


def _as_ecma(validator: Any, pattern: str, value: JSON, schema: JSONObject) -> Iterator[ValidationError]:
    """The keyword ``pattern`` as JSON Schema means it: ``$`` is the end and ``\\d`` is ASCII, unlike in Python."""
    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value, re.ASCII):
        yield ValidationError(f"{value!r} does not match {pattern}")


#: An integer is one without fraction: JSON Schema takes 1.0 for one, OCPI's int is written without a point.
_CHECKER = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
).redefine("number", lambda _, value: isinstance(value, int | float | Decimal) and not isinstance(value, bool))
Oracle: Any = validators.extend(  # type: ignore[no-untyped-call]  of the library
    Draft202012Validator, {"pattern": _as_ecma}, type_checker=_CHECKER
)

many = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("number", VERSIONS)
@pytest.mark.parametrize("declared", [*declared_objects(), Post], ids=lambda declared: declared.__name__)
def test_judge_and_schema_agree_on_values_right_and_wrong(declared: Any, number: str) -> None:
    version = VERSIONS[number]
    lenient = Judge(version.shape, rules={})  # a schema says nothing of the rules
    oracle = Oracle(version.schema(declared))
    right = values_of(declared, version.shape)

    @many
    @given(right)
    def check_right(value: JSONObject) -> None:
        version.judge(codec.encode(value), declared)
        oracle.validate(value)

    @many
    @given(mutated(right))
    def check_mutated(value: JSON) -> None:
        expected = oracle.is_valid(value)
        for ensure_ascii in (True, False):
            text = json.dumps(value, ensure_ascii=ensure_ascii, default=float).encode()
            try:
                lenient.judge(text, declared)
                found = True
            except InvalidParameters:
                found = False
            assert found == expected, text

    check_right()
    check_mutated()


@many
@given(mutated(objects(Location, partial=True)))
def test_judge_and_schema_agree_on_patches(value: JSON) -> None:
    lenient = Judge(rules={})
    expected = Oracle(schema_of(Location, partial=True)).is_valid(value)

    try:
        lenient.judge(codec.encode(value), Location, partial=True)
        found = True
    except InvalidParameters:
        found = False
    assert found == expected
