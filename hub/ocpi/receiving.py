"""What every Receiver does with an object another party owns: whose it is, where it goes, how it changes.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Client Owned Object Push, PUT, PATCH);
mod_locations.asciidoc, mod_sessions.asciidoc (PATCH).
"""

from collections.abc import Mapping, Sequence

from hub.ocpi.errors import InvalidParameters, UnknownEndpoint, UnknownLocation, UnknownToken
from hub.ocpi.messages import Party, Request
from hub.ocpi.objects import JSONObject

#: How large an object may grow by what is added to it, in bytes of JSON: as large as one that can be told whole.
LARGEST = 8 * 1024 * 1024


class NoSuchObject(UnknownEndpoint):
    """There is no such object here."""


class NoSuchLocation(UnknownLocation):
    """There is no such Location, EVSE or Connector here."""

    http_status = 404


class NoSuchToken(UnknownToken):
    """There is no such Token here."""

    http_status = 404


def owner_of(request: Request) -> Party:
    """Return the party whose object the URL names."""
    return Party.of(request.params["country_code"], request.params["party_id"])


def check_owner(request: Request, hub_party: Party, value: Mapping[str, object], **ids: str) -> None:
    """Check that the sender may speak for the owner, and that URL and body name the same object.

    Args:
        ids: the body's id fields with what the URL says.

    Raises:
        InvalidParameters: the sender is neither the owner nor the hub, or URL and body differ.
    """
    owner = owner_of(request)
    # A broadcast comes from the hub; the URL still names the owner (Broadcast Push, NOTE).
    if request.sender not in (owner, hub_party):
        raise InvalidParameters(f"{request.sender} owns no object of {owner}")
    said = {"country_code": owner.country_code, "party_id": owner.party_id, **ids}
    for name, wanted in said.items():
        given = value.get(name)
        if given is not None and str(given).upper() != wanted.upper():
            raise InvalidParameters(f"$.{name}: differs from the URL's {wanted}")


def child(parent: JSONObject | None, field: str, wanted: str) -> JSONObject | None:
    """Return the EVSE or Connector of an id, compared without case."""
    name = "uid" if field == "evses" else "id"
    children: Sequence[JSONObject] = (parent or {}).get(field) or []
    return next((each for each in children if str(each[name]).upper() == wanted.upper()), None)


def patched(present: JSONObject, change: JSONObject, *, appended: str | None = None) -> JSONObject:
    """Return an object after a PATCH: fields named are replaced, null takes an optional one away.

    Args:
        appended: a list whose new elements are added to what is there (a Session's charging_periods).
    """
    whole = present | {name: value for name, value in change.items() if value is not None and name != appended}
    if appended is not None and change.get(appended):
        whole[appended] = [*(present.get(appended) or []), *change[appended]]
    return {name: value for name, value in whole.items() if name == appended or change.get(name, value) is not None}


def check_size(text: bytes) -> None:
    """Check that an object has not outgrown what can be told whole.

    Raises:
        InvalidParameters: it has, by many additions.
    """
    if len(text) > LARGEST:
        raise InvalidParameters(f"The object would have {len(text)} bytes, more than the {LARGEST} one may grow to")


def with_inner(location: JSONObject, path: Sequence[str], value: JSONObject, *, partial: bool) -> JSONObject:
    """Return a Location with an EVSE (path: its uid) or a Connector (uid, id) put or patched in it.

    ``last_updated`` of the parents becomes that of the inner object (mod_locations, PUT and PATCH).

    Raises:
        UnknownLocation: what is patched, or the EVSE of a Connector, is not there.
    """
    return _placed(location, list(zip(("evses", "connectors"), path, strict=False)), value, partial=partial)


def with_calendar(offer: JSONObject, value: JSONObject, *, partial: bool) -> JSONObject:
    """Return a BookingLocation with a Calendar put or patched in it, dated as the Calendar (mod_bookings, PATCH)."""
    found = child(offer, "calendars", value["id"]) if value.get("id") else None
    calendars = list(offer.get("calendars") or [])
    if found is None:
        calendars.append(value)
    else:
        calendars = [(patched(found, value) if partial else value) if each is found else each for each in calendars]
    return offer | {"calendars": calendars, "last_updated": value["last_updated"]}


def _placed(parent: JSONObject, path: Sequence[tuple[str, str]], value: JSONObject, *, partial: bool) -> JSONObject:
    (field, wanted), *deeper = path
    found = child(parent, field, wanted)
    if found is None and (deeper or partial):
        raise UnknownLocation(f"There is no {wanted} in {field}")
    if deeper:
        assert found is not None, "its absence was refused above"
        placed = _placed(found, deeper, value, partial=partial)
    else:
        placed = patched(found, value) if partial and found is not None else value
    children = list(parent.get(field) or [])
    if found is None:
        children.append(placed)
    else:
        children = [placed if each is found else each for each in children]
    return parent | {field: children, "last_updated": value["last_updated"]}
