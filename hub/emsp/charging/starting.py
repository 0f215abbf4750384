"""Starting: on a booking, on the fly, or simply at a free charge point.

The order is written down before it goes out, under an id that a repeated request has too; money is set aside
before that. What the CPO answers at once is the driver's answer; what comes later he is told (``following.py``).

Source: OCPI 2.3.0, mod_commands.asciidoc (StartSession); RASD-R6, R7, F04, UC05, UC07; X-11..X-14, X-18..X-22, X-42,
X-43.
"""

import dataclasses
import datetime
import logging

from hub.database.contract import Conflict, Transaction
from hub.emsp.charging.booking import BookingDesk
from hub.emsp.charging.bookings import STARTABLE, Booking, bookings, next_booked, take
from hub.emsp.charging.bookings import write as write_booking
from hub.emsp.charging.charges import Charge, Limits, Origin, change, charges, minor, place_key, write
from hub.emsp.charging.following import Following
from hub.emsp.charging.ground import (
    Found,
    Ground,
    find,
    find_code,
    free_times,
    is_free,
    keyed_id,
    new_id,
    offer_of,
    refusal_of,
)
from hub.emsp.charging.needs import Allowance, PaymentRefused, Spot
from hub.emsp.charging.refusals import Refused
from hub.emsp.store import Order
from hub.ocpi.errors import OcpiError
from hub.ocpi.objects import JSONObject
from hub.ocpi.slots import MOST, SLOT, begin, covering, slot_at
from hub.ocpi.times import stamp

log = logging.getLogger(__name__)

_OUT_OF_ORDER = frozenset({"INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED"})
_NO_LIMITS = Limits()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """A charge about to be ordered.

    Attributes:
        booking: the booking it is on; None: none.
        phone: who is told by SMS.
    """

    number: str
    driver_id: str
    found: Found
    token: JSONObject
    limits: Limits = _NO_LIMITS
    booking: Booking | None = None
    origin: Origin = "APP"
    phone: str | None = None


class ChargeDesk:
    """Where drivers start."""

    def __init__(self, ground: Ground, booking: BookingDesk, following: Following) -> None:
        self._ground = ground
        self._booking = booking
        self._following = following

    # -- starting ----------------------------------------------------------------------------------

    async def start(
        self,
        driver_id: str,
        spot: Spot,
        *,
        limits: Limits = _NO_LIMITS,
        key: str | None = None,
        origin: Origin = "APP",
        phone: str | None = None,
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
        await self._ground.agreed(driver_id, spot.owner)
        booking = await self._booking_now(driver_id, spot)
        if booking is None:
            await self._check_free(driver_id, found)
        token = booking.token if booking else await self._ground.token(driver_id)
        return await self._order(
            Wanted(number=number, driver_id=driver_id, found=found, token=token, limits=limits, booking=booking,
                   origin=origin, phone=phone)
        )  # fmt: skip

    async def start_booking(
        self, driver_id: str, booking_id: str, *, limits: Limits = _NO_LIMITS, key: str | None = None
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
        await self._ground.agreed(driver_id, booking.spot.owner)
        if found.status in _OUT_OF_ORDER:
            raise Refused("EVSE_INOPERATIVE")
        return await self._order(
            Wanted(number=number, driver_id=driver_id, found=found, token=booking.token, limits=limits, booking=booking)
        )

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

    async def on_the_fly(
        self,
        driver_id: str,
        code: str,
        ends_at: datetime.datetime,
        *,
        limits: Limits = _NO_LIMITS,
        key: str | None = None,
    ) -> Charge:
        """Start at the socket whose code a driver scanned or typed, until a moment of the grid (RASD-F04, UC05).

        Raises:
            Refused: it is not free, or not for so long; or the start failed at once. Nothing is kept then.
        """
        number = keyed_id(driver_id, key)
        if known := await self._known(number):
            return known
        await self._ground.driver(driver_id)
        found = await find_code(self._ground.store, code)
        await self._ground.agreed(driver_id, found.spot.owner)
        if found.status != "AVAILABLE":
            raise _not_free(found)
        now, token = self._ground.now(), await self._ground.token(driver_id)
        await self._check_end(found, now, ends_at)
        booking = Booking(
            id=new_id(), driver_id=driver_id, vehicle_id=None, way="ON_THE_FLY", spot=found.spot,
            zone=found.location["time_zone"], starts_at=now, ends_at=ends_at, state="RESERVED", token=token,
            reference=new_id(), due_at=now + self._ground.terms.no_show, created_at=now,
        )  # fmt: skip
        await self._ground.database.transact(lambda tx: _kept(tx, booking, now))
        try:
            return await self._order(
                Wanted(number=number, driver_id=driver_id, found=found, token=token, limits=limits, booking=booking)
            )
        except Refused:
            await self._ground.database.transact(lambda tx: _let_go(tx, booking, self._ground.now()))
            raise

    async def _check_end(self, found: Found, now: datetime.datetime, ends_at: datetime.datetime) -> None:
        if begin(slot_at(ends_at, found.zone)) != ends_at:
            raise Refused("OFF_GRID", "$.ends_at")
        if ends_at <= now:
            raise Refused("IN_THE_PAST", "$.ends_at")
        if len(covering(now, ends_at, found.zone)) > MOST:
            raise Refused("TOO_LONG", "$.ends_at")
        latest = await self.latest_end(found, now)
        if ends_at > latest:
            at = latest.astimezone(found.zone).strftime("%H:%M")
            raise Refused("OVERLAPS_BOOKING", "$.ends_at", until=at)

    async def latest_end(self, found: Found, now: datetime.datetime) -> datetime.datetime:
        """Return until when an EVSE can be had on the fly: four slots, or until it is somebody's (X-11)."""
        at = begin(slot_at(now, found.zone))
        latest = at + MOST * SLOT
        mine = await next_booked(self._ground.database, found.spot, now)
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

    async def _check_free(self, driver_id: str, found: Found) -> None:
        """Refuse what is out of order, in use, or reserved for somebody else (X-42, X-51)."""
        if found.status in _OUT_OF_ORDER or found.status in ("CHARGING", "BLOCKED", "RESERVED"):
            raise _not_free(found)
        booked = await next_booked(self._ground.database, found.spot, self._ground.now())
        if booked is not None and booked[0] <= self._ground.now():
            raise Refused("EVSE_RESERVED")

    # -- ordering ----------------------------------------------------------------------------------

    async def _order(self, wanted: Wanted) -> Charge:
        try:
            allowance = await self._ground.money.hold(wanted.driver_id, wanted.number, wanted.found.spot)
        except PaymentRefused as error:
            raise Refused("PAYMENT_REFUSED", "$.payment_method", reason=str(error)) from error
        charge = _charge(wanted, allowance, self._ground)
        if not await self._noted(charge):
            known = await self._known(wanted.number)
            if known is not None:
                return known
            await self._ground.money.release(wanted.number)
            raise Refused("ALREADY_CHARGING", "$.place")
        return await self._sent(charge, wanted.found)

    async def _noted(self, charge: Charge) -> bool:
        async def work(tx: Transaction) -> bool:
            if await charges(tx, "id = $1 OR place = $2", charge.id, charge.place):
                return False
            await write(tx, charge)
            return True

        try:
            return await self._ground.database.transact(work)
        except Conflict:
            return False

    async def _sent(self, charge: Charge, found: Found) -> Charge:
        body = {
            "token": charge.token,
            "location_id": found.location["id"],
            "evse_uid": found.evse["uid"],
            "connector_id": charge.spot.connector_id,
            "authorization_reference": charge.reference,
        }
        body = {name: value for name, value in body.items() if value is not None}
        try:
            order = await self._ground.asking.command("START_SESSION", charge.spot.owner, body, uid=charge.id)
        except OcpiError as error:
            refused = refusal_of(error)
            await self._failed(charge, refused.code)
            raise refused from error
        if order.response != "ACCEPTED":
            outcome = order.response or "REJECTED"
            await self._failed(charge, outcome)
            raise Refused("NOT_SUPPORTED" if outcome == "NOT_SUPPORTED" else "START_REJECTED")
        return await change(self._ground.database, charge.id, lambda tx, each: self._accepted(tx, each, order))

    async def _failed(self, charge: Charge, outcome: str) -> None:
        failed = self._following.failed
        await change(self._ground.database, charge.id, lambda tx, each: failed(tx, each, outcome))

    async def _accepted(self, tx: Transaction, charge: Charge, order: Order) -> None:
        if charge.state != "ASKED":  # The result or the Session was faster than the answer.
            return
        due = self._ground.now() + datetime.timedelta(seconds=order.timeout) + self._ground.terms.result
        await write(tx, charge.moved("ACCEPTED", due_at=due))

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

    async def all_of(self, driver_id: str, *, live: bool = False, most: int = 100) -> list[Charge]:
        """Return a driver's charges, the newest first."""
        only = " AND state IN ('ASKED', 'ACCEPTED', 'STARTED', 'CHARGING', 'STOPPING')" if live else ""
        return await charges(self._ground.database, f"driver_id = $1{only}", driver_id, most=most)

    async def _known(self, number: str) -> Charge | None:
        found = await charges(self._ground.database, "id = $1", number)
        return found[0] if found else None


def _charge(wanted: Wanted, allowance: Allowance, ground: Ground) -> Charge:
    now, booking, limits, spot = ground.now(), wanted.booking, wanted.limits, wanted.found.spot
    if booking is not None and booking.spot.connector_id is not None:
        spot = booking.spot
    caps = [
        (minor(amount, currency), currency)
        for amount, currency in ((limits.cost, limits.currency), (allowance.limit, allowance.currency))
        if amount is not None and currency is not None
    ]
    return Charge(
        id=wanted.number, driver_id=wanted.driver_id, booking_id=booking.id if booking else None,
        origin=wanted.origin, phone=wanted.phone, place=place_key(wanted.driver_id, spot), spot=spot,
        token=wanted.token, reference=booking.reference if booking else new_id(),
        ends_by=booking.ends_at if booking else None, energy_limit=limits.energy, time_limit=limits.until,
        cost_limit=min(caps)[0] if caps else None, currency=caps[0][1] if caps else None, held=True, asked_at=now,
        due_at=now + ground.terms.result, news_at=now,
    )  # fmt: skip


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
