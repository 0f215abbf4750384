"""How an operator's objects are told: the whole object first, later only what has changed.

Source: OCPI 2.3.0, the Push models of mod_locations, mod_tariffs, mod_sessions, mod_cdrs and mod_bookings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.ocpi.messages import Body, Party, Request
from hub.ocpi.modules import bookings, cdrs, locations, sessions, tariffs
from hub.ocpi.objects import JSONObject


@dataclass(frozen=True)
class _Teller:
    party: Party

    def params(self, **ids: str) -> dict[str, str]:
        return {"country_code": self.party.country_code, "party_id": self.party.party_id, **ids}


class LocationTeller(_Teller):
    """A new Location or one changed otherwise is PUT; a change within EVSEs is a PATCH of each."""

    def asks(self, value: JSONObject) -> Request | None:
        """Nothing: a broadcast is not asked about, it is PUT again."""

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the PUT, or the PATCHes of the EVSEs that changed."""
        changed = _changed_evses(value, told) if told is not None else None
        if changed is None:
            body = Body(locations.Location, value=value)
            return [Request(locations.put_location, None, None, self.params(location_id=value["id"]), body=body)]
        return [
            Request(
                locations.patch_evse,
                None,
                None,
                self.params(location_id=value["id"], evse_uid=uid),
                body=Body(locations.EVSE, value=change, partial=True),
            )
            for uid, change in changed.items()
        ]


def _changed_evses(value: JSONObject, told: JSONObject) -> dict[str, JSONObject] | None:
    """Return the changes by EVSE uid; None if something else changed, or something was taken away."""
    before = {each["uid"]: each for each in told.get("evses") or []}
    after = {each["uid"]: each for each in value.get("evses") or []}
    aside = ("evses", "last_updated")
    if _without(value, aside) != _without(told, aside) or before.keys() != after.keys():
        return None
    changes = {}
    for uid, evse in after.items():
        if evse != before[uid]:
            if before[uid].keys() - evse.keys():
                return None
            changes[uid] = _difference(evse, before[uid])
    # A date that moved alone is no PATCH's matter either: there is nothing else to carry it.
    return changes if changes or value["last_updated"] == told["last_updated"] else None


class TariffTeller(_Teller):
    """Tariffs have no PATCH: every change is a PUT."""

    def asks(self, value: JSONObject) -> Request | None:
        """Nothing: a broadcast is not asked about, it is PUT again."""

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the PUT."""
        body = Body(tariffs.Tariff, value=value)
        return [Request(tariffs.put_tariff, None, None, self.params(tariff_id=value["id"]), body=body)]


class RemovedTariffTeller(_Teller):
    """A Tariff that is gone is deleted once; who never had it says so, and nothing is lost."""

    def asks(self, value: JSONObject) -> Request | None:
        """Nothing: a deletion may be repeated."""

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the DELETE."""
        return [Request(tariffs.delete_tariff, None, None, self.params(tariff_id=value["id"]))]


class SessionTeller(_Teller):
    """A Session is PUT when it is new and then PATCHed; charging periods are added by PATCH."""

    def asks(self, value: JSONObject) -> Request | None:
        """Return the GET of the Session as the eMSP has it."""
        return Request(sessions.get_session, None, None, self.params(session_id=value["id"]))

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the PUT, the PATCH, or nothing if the eMSP has this state."""
        params = self.params(session_id=value["id"])
        before = (told or {}).get("charging_periods") or []
        periods = value.get("charging_periods") or []
        # What it says it has need not be as the standard wants it.
        if (
            told is None
            or told.keys() - value.keys()
            or not isinstance(before, list)
            or periods[: len(before)] != before
        ):
            return [Request(sessions.put_session, None, None, params, body=Body(sessions.Session, value=value))]
        change = _difference(_without(value, ("charging_periods",)), told)
        if len(periods) > len(before):
            change["charging_periods"] = periods[len(before) :]
        # Two states may have one date: a station's clock has no part in ours.
        if change.keys() == {"last_updated"} and change["last_updated"] == told.get("last_updated"):
            return []
        body = Body(sessions.Session, value=change, partial=True)
        return [Request(sessions.patch_session, None, None, params, body=body)]


class CdrTeller(_Teller):
    """A CDR is POSTed once; a POST is repeated only if the eMSP, asked, has it not."""

    def asks(self, value: JSONObject) -> Request | None:
        """Return the GET of the CDR: at its Location if that is known, else by its id."""
        return Request(cdrs.get_cdr, None, None, {"cdr_id": value["id"]})

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the POST, or nothing if the eMSP has it: a CDR never changes."""
        return [] if told is not None else [Request(cdrs.post_cdr, None, None, body=Body(cdrs.CDR, value=value))]


class BookingLocationTeller(_Teller):
    """A BookingLocation is PUT whenever what it offers changes."""

    def asks(self, value: JSONObject) -> Request | None:
        """Nothing: a broadcast is not asked about, it is PUT again."""

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the PUT."""
        params = self.params(booking_location_id=value["id"])
        body = Body(bookings.BookingLocation, value=value)
        return [Request(bookings.put_booking_location, None, None, params, body=body)]


class BookingTeller(_Teller):
    """A Booking is PUT with every change; its eMSP may have it from the answer to its request already."""

    def asks(self, value: JSONObject) -> Request | None:
        """Return the GET of the Booking as the eMSP has it."""
        return Request(bookings.get_booking, None, None, self.params(booking_id=value["id"]))

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the PUT, or nothing if the eMSP has this state."""
        # A date alone does not tell two decisions of one millisecond apart.
        decided = ("last_updated", "reservation_status", "booking_requests")
        if told is not None and all(told.get(name) == value[name] for name in decided):
            return []
        body = Body(bookings.Booking, value=value)
        return [Request(bookings.put_booking, None, None, self.params(booking_id=value["id"]), body=body)]


def _without(value: JSONObject, names: Sequence[str]) -> JSONObject:
    return {name: each for name, each in value.items() if name not in names}


def _difference(value: JSONObject, told: JSONObject) -> JSONObject:
    """Return the fields that are not as told, and always ``last_updated`` (required in every PATCH)."""
    return {
        name: each for name, each in value.items() if name == "last_updated" or name not in told or told[name] != each
    }
