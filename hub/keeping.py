"""What is kept of a pushed object: where an operation writes in it, and how a change is merged.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Client Owned Object Push, PUT, PATCH) and the PUT
and PATCH chapters of each module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hub.heads import Head, head
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.interfaces import CLIENT_OWNED, REGISTRY, Operation
from hub.ocpi.messages import Body, Request
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.versions import VERSIONS


@dataclass(frozen=True)
class Level:
    """Where in a kept object an operation writes.

    Attributes:
        kind: what the object is, a row's ``kind``.
        key: the URL parameter that holds its id.
        inner: lists to descend into: (field, id field, URL parameter).
        broadcast: whether it may be everyone's.
    """

    kind: str
    key: str
    inner: tuple[tuple[str, str, str], ...] = ()
    broadcast: bool = True


_EVSE = ("evses", "uid", "evse_uid")
_CONNECTOR = ("connectors", "id", "connector_id")

#: By module and by what follows /{country_code}/{party_id} (or the endpoint, on Sender interfaces).
LEVELS: dict[tuple[str, str], Level] = {
    ("locations", "/{location_id}"): Level("locations", "location_id"),
    ("locations", "/{location_id}/{evse_uid}"): Level("locations", "location_id", (_EVSE,)),
    ("locations", "/{location_id}/{evse_uid}/{connector_id}"): Level("locations", "location_id", (_EVSE, _CONNECTOR)),
    ("tariffs", "/{tariff_id}"): Level("tariffs", "tariff_id"),
    ("tokens", "/{token_uid}"): Level("tokens", "token_uid"),
    ("sessions", "/{session_id}"): Level("sessions", "session_id", broadcast=False),
    ("bookings", "/booking_locations/{booking_location_id}"): Level("booking_locations", "booking_location_id"),
    ("bookings", "/booking_locations/{booking_location_id}/{calendar_id}"): Level(
        "booking_locations", "booking_location_id", (("calendars", "id", "calendar_id"),)
    ),
    ("bookings", "/{booking_id}"): Level("bookings", "booking_id", broadcast=False),
}

#: What a list on a Sender interface holds.
LISTS: dict[tuple[str, str], str] = {
    ("locations", ""): "locations",
    ("tariffs", ""): "tariffs",
    ("tokens", ""): "tokens",
    ("sessions", ""): "sessions",
    ("cdrs", ""): "cdrs",
    ("bookings", ""): "bookings",
    ("bookings", "/booking_locations"): "booking_locations",
}

#: Where each kind's object is declared.
_DECLARING = {"booking_locations": ("bookings", "/booking_locations"), "bookings": ("bookings", "")}


@lru_cache(maxsize=1024)
def level_of(operation: Operation) -> Level | None:
    """Return where an operation on an object writes or reads; None where nothing is kept."""
    return LEVELS.get((operation.module, operation.path.removeprefix(CLIENT_OWNED)))


@lru_cache
def declared(kind: str) -> Any:
    """Return the declaration of a kind's objects."""
    module, path = _DECLARING.get(kind, (kind, ""))
    for operation in REGISTRY[module].sender.operations:
        if operation.path == path and operation.paginated:
            return operation.data.__args__[0]
    raise LookupError(kind)


def fold(identifier: str) -> str:
    """Return an identifier as it is compared: CiStrings have no case."""
    return identifier.upper()


class UnknownObject(InvalidParameters):
    """There is no such object here; PUT it first."""


def key_of(request: Request, level: Level) -> str:
    """Return the folded id of the object a request is about; a Token's is its uid and type."""
    key = fold(request.params[level.key])
    if level.kind != "tokens":
        return key
    kind = request.parameters.get("type") or "RFID"
    return token_key(key, kind)


def token_key(uid: str, kind: str) -> str:
    """Return the key of a Token: uid and type together identify it (mod_tokens)."""
    return f"{fold(uid)}|{fold(kind)}"


def said_in(body: Body) -> Head:
    """Return the head of a judged body, read once: checking and keeping both ask."""
    if body.head is None:
        judged, body.judged = body.judged, None
        body.head = _head_of(judged) if judged is not None else head(body.text(body.version))
    said: Head = body.head
    return said


def _head_of(judged: Mapping[str, Any]) -> Head:
    """Return the head of an object that is decoded already, as it is read out of a text."""
    return Head(
        _text(judged, "country_code"),
        _text(judged, "party_id"),
        _text(judged, "id"),
        _text(judged, "uid"),
        _text(judged, "type"),
        _text(judged, "request_id"),
        _text(judged, "last_updated"),
    )


def _text(judged: Mapping[str, Any], name: str) -> str | None:
    said = judged.get(name)
    return said if isinstance(said, str) else None


def merged(version: str, text: bytes, request: Request, body: Body, level: Level) -> tuple[str, JSONObject, bool]:
    """Return (version, object, whether an inner object is new) after a PATCH or an inner PUT.

    Both sides stay in their version if it is one; else both are raised to the newest.
    """
    whole = codec.decode(text)
    if body.version is not None and body.version.number == version:
        change = codec.decode(body.text(body.version))
    else:
        stored = VERSIONS.get(version)
        whole = stored.up(whole, declared(level.kind), None) if stored else whole
        version, change = "2.3.0", body.value
    created = _apply(whole, change, request, level)
    return version, whole, created


def _apply(whole: JSONObject, change: JSONObject, request: Request, level: Level) -> bool:
    parents, created, target = [whole], False, whole
    for position, (name, id_field, parameter) in enumerate(level.inner):
        wanted = fold(request.params[parameter])
        children = target.get(name) or []
        found = next((n for n, each in enumerate(children) if fold(str(each.get(id_field, ""))) == wanted), None)
        last = position == len(level.inner) - 1
        if last and request.operation.method == "PUT":
            created = found is None
            at = len(children) if found is None else found
            target[name] = [*children[:at], change, *children[at + 1 :]]
            break
        if found is None:
            raise UnknownLocation if level.kind == "locations" else UnknownObject
        target = children[found]
        parents.append(target)
    else:
        _patch(target, change, appends="charging_periods" if level.kind == "sessions" else None)
    for parent in parents:
        parent["last_updated"] = change["last_updated"]
    return created


def descend(value: JSON, params: Mapping[str, str], level: Level) -> JSON:
    """Return the part of an object that URL parameters name at a level; None where there is none."""
    for name, id_field, parameter in level.inner:
        if parameter not in params:
            return value
        wanted = fold(params[parameter])
        value = next((each for each in value.get(name) or () if fold(str(each.get(id_field, ""))) == wanted), None)
        if value is None:
            return None
    return value


def _patch(target: JSONObject, change: JSONObject, appends: str | None) -> None:
    """Set what the PATCH names; null takes an optional field away; charging periods are added."""
    for name, value in change.items():
        if name == appends:
            target[name] = [*(target.get(name) or []), *(value or [])]
        elif value is None:
            target.pop(name, None)
        else:
            target[name] = value


def check_owner(request: Request, level: Level | None, said: Head) -> None:
    """Compare what URL and body say of owner and id.

    Raises:
        InvalidParameters: they differ (transport_and_format, Client Owned Object Push, Errors).
    """
    params = request.params
    for name, value in (("country_code", said.country_code), ("party_id", said.party_id)):
        given = params.get(name, "")
        if value is not None and value != given and fold(value) != fold(given):
            raise InvalidParameters(f"$.{name}: differs from the URL's {given}")
    if level is None:
        return
    parameter = level.inner[-1][2] if level.inner else level.key
    names = _ID_FIELDS.get(parameter, ("id",))
    values = [value for name in names if (value := getattr(said, name)) is not None]
    given = params[parameter]
    if values and given not in values and fold(given) not in map(fold, values):
        raise InvalidParameters(f"$.{names[0]}: differs from the URL's {given}")
    if level.kind == "tokens" and said.type is not None:
        given = request.parameters.get("type") or "RFID"
        if fold(said.type) != fold(given):
            raise InvalidParameters(f"$.type: differs from the URL's {given}")


#: The field that holds the id a URL parameter names, where it is not ``id``. The Bookings chapter names
#: both the CPO's id and the eMSP's request_id as a Booking's in the URL (docs/errata.md).
_ID_FIELDS = {"evse_uid": ("uid",), "token_uid": ("uid",), "booking_id": ("id", "request_id")}
