"""Starting: on a booking, on the fly, or simply at a free charge point.

What is allowed is said here; how it is paid for and sent is ``ordering.py``. What the CPO answers at once is the
driver's answer; what comes later he is told (``following.py``).

Source: OCPI 2.3.0, mod_commands.asciidoc (StartSession); RASD-R6, R7, F04, UC05, UC07; X-11, X-19, X-20, X-42, X-43.
"""

import dataclasses
import datetime
import functools
import logging

from hub.database.contract import Transaction
from hub.emsp.charging.booking import BookingDesk
from hub.emsp.charging.bookings import STARTABLE, Booking, bookings, next_booked, take
from hub.emsp.charging.bookings import write as write_booking
from hub.emsp.charging.charges import Charge, Limits, Origin, charges
from hub.emsp.charging.following import Following
from hub.emsp.charging.ground import (
    Found,
    Ground,
    find,
    free_times,
    is_free,
    keyed_id,
    new_id,
    offer_of,
)
from hub.emsp.charging.needs import Spot
from hub.emsp.charging.ordering import NO_LIMITS, Ordering, Wanted
from hub.emsp.charging.refusals import Refused
from hub.ocpi.slots import SLOT, begin, covering, slot_at
from hub.ocpi.times import stamp

log = logging.getLogger(__name__)

_OUT_OF_ORDER = frozenset({"INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED"})


class ChargeDesk:
    """Where drivers start."""

    def __init__(self, ground: Ground, booking: BookingDesk, following: Following) -> None:
        self._ground = ground
        self._booking = booking
        self._ordering = Ordering(ground, following)

    # -- starting ----------------------------------------------------------------------------------

    async def start(
        self,
        driver_id: str,
        spot: Spot,
        *,
        limits: Limits = NO_LIMITS,
        key: str | None = None,
        origin: Origin = "APP",
        phone: str | None = None,
        return_url: str = "",
    ) -> Charge:
        """Start at a free charge point; where the driver has a booking for now, it is that.

        Raises:
            Refused: nothing was started, and why.
        """
        number = keyed_id(driver_id, key)
        if known := await self._known(number):
            return known
        await self._ground.driver(driver_id)
        found = await find(self._ground.store, spot)
        booking, ends_by = await self._booking_now(driver_id, spot), None
        if booking is None:
            ends_by = await self._free_until(found)
        else:
            self._check_neighbour(booking, found)
        given = await self._ground.allowed(driver_id, spot, before=booking.permission if booking else None)
        return await self._ordering.order(
            Wanted(number=number, driver_id=driver_id, found=found, given=given, limits=limits, booking=booking,
                   ends_by=ends_by, origin=origin, phone=phone, return_url=return_url)
        )  # fmt: skip

    async def start_booking(
        self,
        driver_id: str,
        booking_id: str,
        *,
        limits: Limits = NO_LIMITS,
        key: str | None = None,
        return_url: str = "",
    ) -> Charge:
        """Start the charge of a booking, in its first 15 minutes.

        Raises:
            Refused: nothing was started, and why; the booking is kept where it can still be used.
        """
        number = keyed_id(driver_id, key)
        if known := await self._known(number):
            return known
        booking = await self._booking.of_driver(driver_id, booking_id)
        self._check_time(booking)
        await self._ground.driver(driver_id)
        found = await find(self._ground.store, booking.spot)
        if found.status in _OUT_OF_ORDER:
            raise Refused("EVSE_INOPERATIVE")
        self._check_neighbour(booking, found)
        given = await self._ground.allowed(driver_id, booking.spot, before=booking.permission)
        return await self._ordering.order(
            Wanted(number=number, driver_id=driver_id, found=found, given=given, limits=limits, booking=booking,
                   return_url=return_url)
        )  # fmt: skip

    def _check_time(self, booking: Booking) -> None:
        now = self._ground.now()
        if booking.state == "FULFILLED":
            raise Refused("ALREADY_CHARGING")
        late = now > booking.starts_at + self._ground.terms.no_show
        if booking.state == "NO_SHOW" or (late and booking.state in STARTABLE):
            raise Refused("TOO_LATE")
        if booking.state not in STARTABLE:
            raise Refused("BOOKING_OVER")
        if now < booking.starts_at:
            raise Refused("TOO_EARLY", starts_at=booking.times()["starts_at"])

    def _check_neighbour(self, booking: Booking, found: Found) -> None:
        """Have a driver wait while the one before him may still leave (RASD-D3); his booking waits, too."""
        until = booking.starts_at + self._ground.terms.tolerance
        if found.status == "CHARGING" and self._ground.now() < until:
            at = until.astimezone(found.zone).strftime("%H:%M")
            raise Refused("NEIGHBOUR_THERE", until=at)

    async def on_the_fly(
        self,
        driver_id: str,
        spot: Spot,
        ends_at: datetime.datetime,
        *,
        limits: Limits = NO_LIMITS,
        key: str | None = None,
        return_url: str = "",
    ) -> Charge:
        """Start at a free charge point, which is his until a moment of the grid (RASD-F04, UC05).

        Raises:
            Refused: it is not free, or not for so long; or the start failed at once. Nothing is kept then.
        """
        number = keyed_id(driver_id, key)
        if known := await self._known(number):
            return known
        await self._ground.driver(driver_id)
        found = await find(self._ground.store, spot)
        # A car that stands there without a session (BLOCKED) may be his own.
        if found.status not in ("AVAILABLE", "BLOCKED"):
            raise _not_free(found)
        now = self._ground.now()
        kept = await self._kept_for(driver_id, found.spot, now)
        await self._check_end(found, now, ends_at, but=kept.id if kept else "")
        given = await self._ground.allowed(driver_id, found.spot, before=kept.permission if kept else None)
        if kept is not None and kept.ends_at != ends_at:
            await self._ground.database.transact(functools.partial(_let_go, booking=kept, now=now))
            kept = None
        booking = kept or Booking(
            id=new_id(), driver_id=driver_id, vehicle_id=None, way="ON_THE_FLY", spot=found.spot,
            zone=found.location["time_zone"], starts_at=now, ends_at=ends_at, state="RESERVED", token=given.token,
            reference=given.reference, due_at=now + self._ground.terms.no_show, created_at=now,
        )  # fmt: skip
        if kept is None:
            await self._ground.database.transact(lambda tx: _kept(tx, booking, now))
        try:
            return await self._ordering.order(
                Wanted(number=number, driver_id=driver_id, found=found, given=given, limits=limits, booking=booking,
                       return_url=return_url)
            )  # fmt: skip
        except Refused as refused:
            # While the driver confirms his payment the place is kept for him.
            if kept is None and refused.code != "PAYMENT_OPEN":
                await self._ground.database.transact(lambda tx: _let_go(tx, booking, self._ground.now()))
            raise

    async def _kept_for(self, driver_id: str, spot: Spot, now: datetime.datetime) -> Booking | None:
        """Return what is kept of a try before this one: the cable was not in, or the payment not confirmed."""
        found = await bookings(
            self._ground.database,
            "driver_id = $1 AND owner = $2 AND location_id = $3 AND evse_uid = $4 AND way = 'ON_THE_FLY'"
            " AND state = 'RESERVED' AND ends_at > $5",
            driver_id, str(spot.owner), spot.location_id, spot.evse_uid, stamp(now),
        )  # fmt: skip
        return found[0] if found else None

    async def _check_end(
        self, found: Found, now: datetime.datetime, ends_at: datetime.datetime, *, but: str = ""
    ) -> None:
        if begin(slot_at(ends_at, found.zone)) != ends_at:
            raise Refused("OFF_GRID", "$.ends_at")
        if ends_at <= now:
            raise Refused("IN_THE_PAST", "$.ends_at")
        most = self._ground.terms.slots
        if len(covering(now, ends_at, found.zone)) > most:
            raise Refused("TOO_LONG", "$.ends_at", most=most)
        latest = await self.latest_end(found, now, but=but)
        if ends_at > latest:
            at = latest.astimezone(found.zone).strftime("%H:%M")
            raise Refused("OVERLAPS_BOOKING", "$.ends_at", until=at)

    async def latest_end(self, found: Found, now: datetime.datetime, *, but: str = "") -> datetime.datetime:
        """Return until when an EVSE can be had on the fly: the most slots, or until it is somebody's (X-11).

        Args:
            but: id of a booking that does not count.
        """
        at = begin(slot_at(now, found.zone))
        latest = at + self._ground.terms.slots * SLOT
        mine = await next_booked(self._ground.database, found.spot, now, but=but)
        if mine is not None:
            latest = min(latest, mine[0])
        offer = await offer_of(self._ground.store, found.spot)
        if offer is None or not free_times(offer):
            return latest
        end = at + SLOT
        while end < latest and is_free(offer, end, end + SLOT):
            end += SLOT
        return min(end, latest)

    async def _booking_now(self, driver_id: str, spot: Spot) -> Booking | None:
        now = self._ground.now()
        found = await bookings(
            self._ground.database,
            "driver_id = $1 AND owner = $2 AND location_id = $3 AND evse_uid = $4 AND starts_at <= $5 AND ends_at > $5",
            driver_id, str(spot.owner), spot.location_id, spot.evse_uid, stamp(now),
        )  # fmt: skip
        fit = [each for each in found if each.state in STARTABLE and now <= each.starts_at + self._ground.terms.no_show]
        return fit[0] if fit else None

    async def _free_until(self, found: Found) -> datetime.datetime | None:
        """Refuse what is out of order, in use, or reserved for somebody else (X-42, X-51).

        Returns:
            When somebody has booked it through us, and a charge that begins now has to end.
        """
        if found.status in _OUT_OF_ORDER | {"CHARGING", "RESERVED"}:
            raise _not_free(found)
        booked = await next_booked(self._ground.database, found.spot, self._ground.now())
        if booked is not None and booked[0] <= self._ground.now():
            raise Refused("EVSE_RESERVED")
        return booked[0] if booked else None

    # -- looking -----------------------------------------------------------------------------------

    async def of_driver(self, driver_id: str, charge_id: str) -> Charge:
        """Return a driver's charge.

        Raises:
            Refused: he has none of this id (X-45).
        """
        found = await charges(self._ground.database, "id = $1 AND driver_id = $2", charge_id, driver_id)
        if not found:
            raise Refused("UNKNOWN_SESSION")
        return found[0]

    async def all_of(self, driver_id: str, *, live: bool = False, most: int = 100, skip: int = 0) -> list[Charge]:
        """Return a driver's charges, the newest first."""
        only = " AND state IN ('PAYING', 'ASKED', 'ACCEPTED', 'STARTED', 'CHARGING', 'STOPPING')" if live else ""
        return await charges(self._ground.database, f"driver_id = $1{only}", driver_id, most=most, skip=skip)

    async def _known(self, number: str) -> Charge | None:
        """Return the charge a repeated request has made; one that waits for its payment goes on."""
        found = await charges(self._ground.database, "id = $1 AND state <> 'PAYING'", number)
        return found[0] if found else None


async def _kept(tx: Transaction, booking: Booking, now: datetime.datetime) -> None:
    await take(tx, booking)
    await write_booking(tx, booking, now)


async def _let_go(tx: Transaction, booking: Booking, now: datetime.datetime) -> None:
    await write_booking(tx, dataclasses.replace(booking, state="FAILED", due_at=None), now)


def _not_free(found: Found) -> Refused:
    if found.status in _OUT_OF_ORDER:
        return Refused("EVSE_INOPERATIVE")
    if found.status == "RESERVED":
        return Refused("EVSE_RESERVED")
    return Refused("NOT_FREE", status=found.status)
