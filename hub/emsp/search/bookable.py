"""What is free at another time, as far as anybody can say now.

A CPO with the Bookings module says it. Of any other's EVSE it is known only that it is free now, and what drivers of
ours have been promised there: it may be free then, but nobody keeps it.

Source: OCPI 2.3.0, mod_bookings.asciidoc (BookingLocation, Calendar); X-40.
"""

import datetime

from hub.emsp.search.index import Place
from hub.emsp.store import Store
from hub.ocpi.objects import JSONObject
from hub.ocpi.slots import slot_at, zone_of
from hub.ocpi.times import moment


class FreeTimes:
    """What is free at one moment, for one search."""

    def __init__(self, store: Store, at: datetime.datetime) -> None:
        self._store = store
        self._at = at
        self._told: dict[str, list[JSONObject]] = {}

    async def bookable(self, place: Place) -> bool | None:
        """Return whether an EVSE can be booked for the moment; False: it may be free then; None: it is taken."""
        if await self._is_ours(place):
            return None
        offers = [each for each in await self._offers(place.owner) if _is_of(each, place)]
        if offers:
            return True if any(_has_slot(each, self._at) for each in offers) else None
        return False if place.available else None

    async def _is_ours(self, place: Place) -> bool:
        """Whether a driver of ours has booked it, or was promised it."""
        rows = await self._store.database.fetch(
            "SELECT 1 FROM emsp_booked_slot WHERE owner = $1 AND location_id = $2 AND evse_uid = $3 AND slot = $4",
            place.owner, place.location_id, place.evse_uid, slot_at(self._at, zone_of({"time_zone": place.zone})),
            cheap=True,
        )  # fmt: skip
        return bool(rows)

    async def _offers(self, owner: str) -> list[JSONObject]:
        if owner not in self._told:
            self._told[owner] = await self._store.booking_locations.find(owner=owner)
        return self._told[owner]


def _is_of(offer: JSONObject, place: Place) -> bool:
    """Whether an offer is of an EVSE, or of whichever fits at its Location."""
    uid = ((offer.get("booking_option") or {}).get("evse_uid") or "#NA").upper()
    return offer["location_id"].upper() == place.location_id and uid in ("#NA", place.evse_uid)


def _has_slot(offer: JSONObject, at: datetime.datetime) -> bool:
    return any(
        moment(slot["start_date_time"]) <= at < moment(slot["end_date_time"])
        for calendar in offer.get("calendars") or ()
        for slot in calendar.get("available_timeslots") or ()
    )
