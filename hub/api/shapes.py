"""The words requests and answers of the operator API are declared in, and their JSON Schemas.

Our own objects are ``Shape``s: msgspec structs that refuse fields nobody declared. OCPI objects are
the ``TypedDict``s of ``hub.ocpi.modules``, judged by the rules of the standard; fields they do not
know pass, as everywhere in the house.

Patterns stand in ``extra_json_schema`` (``pattern()``): given to msgspec itself they can break the
process (see ``hub/ocpi/strings.py``).

Source: JSON Schema draft 2020-12; OpenAPI 3.1, Schema Object.
"""

import datetime
import functools
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, is_typeddict

import msgspec

from hub.api.problems import invalid
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.schema import schema_of

T = TypeVar("T")

REFERENCE = "#/components/schemas/{name}"


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What our own requests and answers are declared as; a field nobody declared is refused."""


def pattern(expression: str, words: str, *, least: int = 1, most: int = 255) -> Any:
    """Return the mark of a string that matches, with its length in characters.

    Args:
        words: what it must be, for people: a refusal and the description say so.
    """
    said = {"pattern": expression, "description": words}
    return msgspec.Meta(min_length=least, max_length=most, extra_json_schema=said)


def within(least: float, most: float) -> Any:
    """Return the mark of a number, a Decimal too, between two bounds, both allowed."""
    return msgspec.Meta(extra_json_schema={"minimum": least, "maximum": most})


#: A line for people: not empty, without control characters.
Name = Annotated[
    str, pattern("^[^\\u0000-\\u001f\\u007f-\\u009f]+$", "one line of text without control characters", most=100)
]
#: A moment with its offset from UTC, in a year that every clock and store can count in.
Moment = Annotated[
    datetime.datetime,
    msgspec.Meta(
        tz=True,
        extra_json_schema={
            "pattern": "^(19[7-9][0-9]|2[01][0-9]{2})-",
            "description": "a moment of 1970 to 2199 with its offset from UTC, such as 2026-01-31T10:00:00Z",
        },
    ),
]
#: A whole number that every store holds.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class ListQuery(Shape, frozen=True, kw_only=True):
    """What every list can be asked.

    Attributes:
        limit: the most items of the answer; a CSV without it is the whole list.
        cursor: the ``next`` of the page before.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Part of a list, as ``{"items": [...], "next": ...}`` or as CSV.

    Attributes:
        next: the ``cursor`` of the page after; None on the last.
    """

    items: list[T]
    next: str | None = None


def cursor_number(query: ListQuery) -> int | None:
    """Return a cursor that is a number, such as the seq of the last row.

    Raises:
        Invalid: it is none.
    """
    text = query.cursor
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise invalid("query.cursor", "must be the next of a page before")
    return int(text)


def schema(declared: Any) -> tuple[JSONObject, JSONObject]:
    """Return the JSON Schema of a declaration, and the components it refers to, by name."""
    found, components = _schema(declared)
    return dict(found), dict(components)


@functools.cache
def _schema(declared: Any) -> tuple[JSONObject, JSONObject]:
    if get_origin(declared) is list and is_typeddict(get_args(declared)[0]):
        items, components = _schema(get_args(declared)[0])
        return {"type": "array", "items": items}, components
    if is_typeddict(declared):
        name = f"ocpi.{declared.__name__}"
        return {"$ref": REFERENCE.format(name=name)}, {name: schema_of(declared)}
    (found,), components = msgspec.json.schema_components([declared], ref_template=REFERENCE)
    return _plain(found), {name: _plain(each) for name, each in components.items()}


def _plain(said: JSON) -> JSON:
    """Return a schema in which amounts are numbers and what may be null has one type list."""
    if isinstance(said, list):
        return [_plain(each) for each in said]
    if not isinstance(said, dict):
        return float(said) if isinstance(said, Decimal) else said
    if said.get("format") == "decimal":
        said = {name: each for name, each in said.items() if name != "format"} | {"type": "number"}
    said = {name: _plain(each) for name, each in said.items()}
    return _nullable(said)


def _nullable(said: JSONObject) -> JSONObject:
    """Return ``anyOf: [a, null]`` as one schema, so that a fault names the rule of ``a``."""
    branches = said.get("anyOf", [])
    others = [each for each in branches if each != {"type": "null"}]
    if len(others) == len(branches) or len(others) != 1 or not isinstance(others[0].get("type"), str):
        return said
    merged: JSONObject = others[0] | {name: each for name, each in said.items() if name != "anyOf"}
    merged["type"] = [others[0]["type"], "null"]
    if "enum" in merged:
        merged["enum"] = [*merged["enum"], None]
    return merged
