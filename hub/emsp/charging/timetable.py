"""When an EVSE can be booked, half hour by half hour, as a driver chooses from it (RASD-UC04, DD-F5)."""

import datetime
from dataclasses import dataclass
from typing import Literal

from hub.emsp.charging.bookings import Way, bookings
from hub.emsp.charging.ground import Found, Ground, find, free_times, is_free, offer_of
from hub.emsp.charging.needs import Driver, Spot
from hub.ocpi.slots import SLOT, begin, days, slot_at
from hub.ocpi.times import stamp

Kept = Literal["FREE", "TAKEN", "YOURS"]


@dataclass(frozen=True, kw_only=True)
class Half:
    """Half an hour at an EVSE."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    state: Kept


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """The half hours a driver can choose from.

    Attributes:
        way: how it is booked: BOOKINGS, or RESERVE_NOW, which is only a promise until it begins; None: not at all.
    """

    found: Found
    way: Way | None
    halves: tuple[Half, ...]


async def timetable(ground: Ground, driver: Driver, spot: Spot) -> Timetable:
    """Return the half hours from now to a driver's horizon.

    Raises:
        Refused: there is no such EVSE.
    """
    found = await find(ground.store, spot)
    offer = await offer_of(ground.store, spot)
    way: Way | None = "BOOKINGS" if offer else "RESERVE_NOW" if found.reservable else None
    if way is None:
        return Timetable(found=found, way=None, halves=())
    now = ground.now()
    first = begin(slot_at(now, found.zone))
    ends = days(now, ground.terms.days(driver) + 1, found.zone)
    starts = [begin(slot) for _, day in ends for slot in day if begin(slot) > first]
    taken = await _taken(ground, driver.driver_id, spot, now)
    told = offer is not None and bool(free_times(offer))

    def state(at: datetime.datetime) -> Kept:
        if at in taken:
            return taken[at]
        return "FREE" if offer is None or not told or is_free(offer, at, at + SLOT) else "TAKEN"

    halves = tuple(Half(starts_at=at, ends_at=at + SLOT, state=state(at)) for at in starts)
    return Timetable(found=found, way=way, halves=halves)


async def _taken(
    ground: Ground, driver_id: str, spot: Spot, now: datetime.datetime
) -> dict[datetime.datetime, Kept]:  # fmt: skip
    """Return the half hours that are booked through us."""
    rows = await ground.database.fetch(
        "SELECT slot, booking_id FROM emsp_booked_slot WHERE owner = $1 AND location_id = $2 AND evse_uid = $3"
        " AND slot > $4",
        str(spot.owner), spot.location_id, spot.evse_uid, stamp(now - SLOT) // 60_000_000,
    )  # fmt: skip
    mine = {
        each.id for each in await bookings(ground.database, "driver_id = $1 AND ends_at > $2", driver_id, stamp(now))
    }
    return {begin(slot): "YOURS" if number in mine else "TAKEN" for slot, number in rows}
