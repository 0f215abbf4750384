"""Hypothesis strategies drawn from the object declarations themselves, in any version's shape."""

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Literal, is_typeddict

from hypothesis import strategies as st

from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.modules import bookings, cdrs, commands, credentials, locations, sessions, versions
from hub.ocpi.modules.comparing import moment
from hub.ocpi.objects import JSON, JSONObject, Text
from hub.ocpi.shapes import DATE_TIME, Field, Hint, ShapeOf, field_of, shape_of

PRINTABLE_ASCII = st.characters(min_codepoint=32, max_codepoint=126)
PRINTABLE = st.characters(exclude_categories=("Cc", "Cs"), max_codepoint=0x1FFFF)
MOST = 1_000_000  # of an amount; what is tested are not the limits of floating point


def declared_objects() -> list[Any]:
    """Return every object that travels as a body or as data, each once."""
    found: set[Any] = {credentials.Credentials, versions.Version, versions.VersionDetails}
    for module in REGISTRY.values():
        for operation in module.operations:
            for hint in (operation.body, operation.data):
                item = field_of(hint).item or hint if hint is not None else None
                if is_typeddict(item):
                    found.add(item)
    return sorted(found, key=lambda each: (each.__module__, each.__name__))


def values_of(hint: Hint, shape: ShapeOf = shape_of) -> st.SearchStrategy[Any]:
    """Return a strategy for the JSON values a hint admits, the rules of its objects kept.

    Numbers are as ``codec.decode`` reads them: exact.
    """
    field = field_of(hint)
    drawn = objects(field.kind, shape) if is_typeddict(field.kind) else _value(field, shape)
    return drawn if field.required else drawn | st.sampled_from([None, []])


def objects(declared: Any, shape: ShapeOf = shape_of, *, partial: bool = False) -> st.SearchStrategy[JSONObject]:
    """Return a strategy for an object; ``partial``: for the body of a PATCH."""
    hints = {name: values_of(hint, shape) for name, hint in shape(declared).items()}
    must = {name for name, hint in shape(declared).items() if field_of(hint).required}
    if partial:
        must &= {"last_updated"}
    return st.fixed_dictionaries(
        {name: each for name, each in hints.items() if name in must},
        optional={name: each for name, each in hints.items() if name not in must},
    ).map(lambda value: _lawful(declared, value))


def _value(field: Field, shape: ShapeOf) -> st.SearchStrategy[Any]:
    if field.kind is list:
        return st.lists(values_of(field.item, shape), min_size=int(field.non_empty), max_size=2)
    if field.kind is Literal:
        return st.sampled_from(field.values)
    if field.kind is str:
        text = _text(field.text or Text(20))
        return st.sampled_from(field.open_enum.known) | text if field.open_enum else text
    if field.kind is bool:
        return st.booleans()
    bounds = field.bounds
    least = -MOST if bounds is None or bounds.ge is None else int(bounds.ge)
    most = MOST if bounds is None or bounds.le is None else int(bounds.le)
    integers = st.integers(least, most)
    return integers if field.kind is int else integers | st.decimals(least, most, places=4)


def _text(text: Text) -> st.SearchStrategy[str]:
    if text.format == DATE_TIME:
        return st.builds(
            _date_time, st.datetimes(datetime.datetime(1970, 1, 1)), st.booleans(), st.sampled_from(range(5))
        )
    if text.pattern and text.pattern.startswith("^"):
        matching = st.from_regex(text.pattern.replace("$", r"\Z"), alphabet=PRINTABLE_ASCII)
        return matching.filter(lambda each: len(each) <= (text.max_length or len(each)))
    least = 1 if text.pattern else 0
    alphabet = st.sampled_from("aZ0") if text.pattern else PRINTABLE_ASCII if text.ci else PRINTABLE
    return st.text(alphabet, min_size=least, max_size=min(text.max_length or 8, 8))


def _date_time(at: datetime.datetime, zulu: bool, decimals: int) -> str:
    text = at.strftime("%Y-%m-%dT%H:%M:%S.%f")[: 20 + decimals].removesuffix(".")
    return text + "Z" if zulu else text


def _lawful(declared: Any, value: JSONObject) -> JSONObject:
    """Return an object changed as little as the rules of its chapter demand."""
    for change in LAWS.get(declared, ()):
        change(value)
    return value


def _in_order(begin: str, end: str) -> Callable[[JSONObject], None]:
    def change(value: JSONObject) -> None:
        if value.get(begin) and value.get(end) and moment(value[end]) < moment(value[begin]):
            value[begin], value[end] = value[end], value[begin]

    return change


def _different(name: str, key: Callable[[JSONObject], str]) -> Callable[[JSONObject], None]:
    def change(value: JSONObject) -> None:
        if value.get(name):
            value[name] = list({key(each).upper(): each for each in value[name]}.values())

    return change


def _names_a_token(value: JSONObject) -> None:
    value["uid"], value["type"] = value.get("uid") or "U", value.get("type") or "RFID"
    if value.get("visual_number"):
        value["issuer"] = value.get("issuer") or "I"


def _closes_later(value: JSONObject) -> None:
    value["period_begin"], value["period_end"] = sorted((value["period_begin"], value["period_end"]))
    if value["period_begin"] == value["period_end"]:
        value["period_end"] = "00:00"


def _no_credit(value: JSONObject) -> None:
    value["id"] = value.get("id", "")[:36]
    value["credit"] = False


def _connector_with_evse(value: JSONObject) -> None:
    if not value.get("evse_uid"):
        value["connector_id"] = None


LAWS: dict[Any, tuple[Callable[[JSONObject], None], ...]] = {
    locations.PublishTokenType: (_names_a_token,),
    locations.RegularHours: (_closes_later,),
    locations.ExceptionalPeriod: (_in_order("period_begin", "period_end"),),
    locations.EVSE: (_different("connectors", lambda each: each["id"]),),
    locations.Location: (
        _different("evses", lambda each: each["uid"]),
        _different("parking_places", lambda each: each["id"]),
    ),
    bookings.Period: (_in_order("start_date_time", "end_date_time"),),
    bookings.Timeslot: (_in_order("start_date_time", "end_date_time"),),
    bookings.Calendar: (_in_order("begin_from", "end_before"),),
    sessions.Session: (_in_order("start_date_time", "end_date_time"),),
    cdrs.CDR: (_no_credit, _in_order("start_date_time", "end_date_time")),
    commands.StartSession: (_connector_with_evse,),
    credentials.Credentials: (
        _different("roles", lambda each: f"{each['role']} {each['country_code']} {each['party_id']}"),
    ),
}

#: What may stand anywhere by mistake.
STRANGE: tuple[JSON, ...] = (
    None, True, 0, -1, 7, 100_000, 2**70, Decimal("1.5"), "", "x", "x" * 300, "é", "x\n", "\x07", "\x85", "\x7f",
    "AVAILABLE", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00Z\n", "\uff15\uff11.12345",
    [], [None], ["x"], [[]], {}, {"x": 1},
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, values: st.SearchStrategy[JSONObject]) -> JSON:
    """A value with one thing in it changed, left out or added, at any depth."""
    value = draw(values)
    places = list(_places(value))
    holder, key = draw(st.sampled_from(places))
    if holder is None:
        return draw(st.sampled_from(STRANGE))
    if isinstance(holder, dict) and draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = draw(st.sampled_from(STRANGE))
    return value


def _places(value: JSON) -> Iterator[tuple[Any, Any]]:
    yield None, None
    waiting = [value]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else []
        for key in keys:
            yield each, key
            waiting.append(each[key])
