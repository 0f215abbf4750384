"""Making and cancelling bookings, and taking over what the CPO makes of them.

The slots are taken here first, then the CPO is asked; its answer is a Booking that goes on the shelf, and
whatever lies there is taken over in the same transaction, be it an answer or a push.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc; RASD-R4, R5, F02, F03, F05, F06; INCAR-PRO02; GEM-FTR-1318.
"""

import dataclasses
import datetime
import logging

from hub.database.contract import Conflict, Transaction
from hub.emsp.charging.bookings import HOLDING, STARTABLE, Booking, State, bookings, moved, take, write
from hub.emsp.charging.charges import charges
from hub.emsp.charging.ground import Found, Ground, find, keyed_id, offer_of, refusal_of
from hub.emsp.charging.needs import Spot
from hub.emsp.charging.notices import notify, why
from hub.emsp.charging.promises import Promises
from hub.emsp.charging.refusals import Refused
from hub.emsp.charging.told import changes_of, state_of, was_asked_for
from hub.ocpi.errors import OcpiError
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.slots import MOST, OffGrid, begin, booked, slot_at
from hub.ocpi.times import date_time, stamp

log = logging.getLogger(__name__)

#: How long an answer may take before the same request is sent again, as after a crash.
_ANSWER = datetime.timedelta(minutes=1)


class BookingDesk:
    """Where drivers book."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._promises = Promises(ground)

    # -- booking -----------------------------------------------------------------------------------

    async def book(
        self,
        driver_id: str,
        spot: Spot,
        starts_at: datetime.datetime,
        ends_at: datetime.datetime,
        *,
        vehicle_id: str | None = None,
        key: str | None = None,
        request_id: str | None = None,
    ) -> Booking:
        """Book an EVSE for a driver; under the same key it is the same booking.

        Args:
            request_id: the standing request it comes of.

        Raises:
            Refused: nothing was booked, and why.
        """
        number = keyed_id(driver_id, key)
        known = await bookings(self._ground.database, "id = $1", number)
        if known:
            return known[0]
        found = await self.judged(driver_id, vehicle_id, spot, starts_at, ends_at)
        offer = await offer_of(self._ground.store, spot)
        if offer is None and not found.reservable:
            raise Refused("NOT_RESERVABLE", "$.place")
        now, given = self._ground.now(), await self._ground.allowed(driver_id, spot, begins=False)
        booking = Booking(
            id=number, driver_id=driver_id, vehicle_id=vehicle_id, way="BOOKINGS" if offer else "RESERVE_NOW",
            spot=spot, zone=found.location["time_zone"], starts_at=starts_at, ends_at=ends_at,
            state="ASKED" if offer else "PROMISED", offer=offer["id"] if offer else None, token=given.token,
            reference=given.reference, request_id=request_id, due_at=now + _ANSWER if offer else starts_at,
            created_at=now,
        )  # fmt: skip
        if not await self._noted(booking):
            return (await bookings(self._ground.database, "id = $1", number))[0]
        return await self._asked(booking) if offer else booking

    async def judged(
        self,
        driver_id: str,
        vehicle_id: str | None,
        spot: Spot,
        starts_at: datetime.datetime,
        ends_at: datetime.datetime,
    ) -> Found:
        """Return the EVSE of a booking that a driver may make.

        Raises:
            Refused: he may not.
        """
        driver = await self._ground.driver(driver_id)
        if vehicle_id is not None and vehicle_id not in driver.vehicles:
            raise Refused("NOT_YOUR_VEHICLE", "$.vehicle_id")
        found = await find(self._ground.store, spot)
        most = self._ground.terms.slots
        if len(judge_times(found.zone, starts_at, ends_at)) > most:
            raise Refused("TOO_LONG", "$.ends_at", most=most)
        now = self._ground.now()
        if starts_at < now:
            raise Refused("IN_THE_PAST", "$.starts_at")
        days = self._ground.terms.days(driver)
        ahead = starts_at.astimezone(found.zone).date() - now.astimezone(found.zone).date()
        if ahead.days > days:
            raise Refused("BEYOND_HORIZON", "$.starts_at", days=days)
        return found

    async def _noted(self, booking: Booking) -> bool:
        """Write a booking down with its slots; False if the same request was faster."""

        async def work(tx: Transaction) -> bool:
            if await bookings(tx, "id = $1", booking.id):
                return False
            await take(tx, booking)
            await write(tx, booking, booking.created_at)
            if booking.way == "RESERVE_NOW":
                await self._tell(tx, booking, "BOOKING_PROMISED")
            return True

        try:
            return await self._ground.database.transact(work)
        except Conflict:  # Two requests of one key at once: the row's key let one through.
            return False

    async def _asked(self, booking: Booking) -> Booking:
        """Ask the CPO and return the booking it made of it.

        Raises:
            Refused: it made none.
        """
        try:
            await self._ground.asking.book(booking.spot.owner, await self.wish(booking))
        except OcpiError as error:
            refused = refusal_of(error)
            # An answer that did not come may have been a yes: the CPO hears that nothing is wanted any more.
            await self._ended(booking.id, "FAILED", refused.code, undo=error.transient)
            raise refused from error
        answered = (await bookings(self._ground.database, "id = $1", booking.id))[0]
        if answered.state in ("REJECTED", "FAILED"):
            raise Refused("REFUSED_BY_CPO", "$.starts_at")
        return answered

    async def wish(self, booking: Booking, *, canceled: bool = False) -> JSONObject:
        """Return the BookingRequest of a booking."""
        offer = await self._ground.store.booking_locations.get(booking.spot.owner, booking.offer or "")
        token, us = booking.token, self._ground.store.party
        option = {"evse_uid": booking.spot.evse_uid or None, "connector_id": booking.spot.connector_id}
        named = (offer or {}).get("booking_option") or {}
        if named.get("evse_uid"):
            option["evse_uid"] = named["evse_uid"]
        wish: JSONObject = {
            "country_code": us.country_code,
            "party_id": us.party_id,
            "request_id": booking.id,
            "booking_option": {name: value for name, value in option.items() if value},
            "location_id": offer["location_id"] if offer else booking.spot.location_id,
            "booking_location_id": booking.offer,
            "tokens": [
                {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}
            ],
            "period": {
                "start_date_time": date_time(booking.starts_at),
                "end_date_time": date_time(booking.ends_at),
            },
            "authorization_reference": booking.reference,
        }  # fmt: skip
        cancellation = {"cancellation_reason": "UNKNOWN", "who_canceled": "EMSP"}
        return wish | ({"canceled": cancellation} if canceled else {})

    # -- cancelling --------------------------------------------------------------------------------

    async def cancel(self, driver_id: str, booking_id: str) -> Booking:
        """Cancel a booking, until its charge starts (RASD-F05).

        Raises:
            Refused: it still stands, or is over already.
        """
        booking = await self.of_driver(driver_id, booking_id)
        self._cancellable(booking)
        for charge in await charges(self._ground.database, "booking_id = $1", booking_id):
            if charge.live and charge.state != "PAYING":  # its CPO has been asked for it, though it may not have begun
                raise Refused("CHARGE_STARTED")
        try:
            await self._cancel_at_cpo(booking)
        except OcpiError as error:
            raise refusal_of(error) from error
        after = (await bookings(self._ground.database, "id = $1", booking_id))[0]
        if after.state in STARTABLE:
            raise Refused("REFUSED_BY_CPO")
        return after

    def _cancellable(self, booking: Booking) -> None:
        if booking.state == "FULFILLED":
            raise Refused("CHARGE_STARTED")
        if booking.state == "NO_SHOW" or (
            booking.state in STARTABLE and self._ground.now() > booking.starts_at + self._ground.terms.no_show
        ):
            raise Refused("ALREADY_CANCELED")
        if booking.state not in STARTABLE:
            raise Refused("BOOKING_OVER")

    async def _cancel_at_cpo(self, booking: Booking) -> None:
        if booking.way == "BOOKINGS":
            await self._ground.asking.book(booking.spot.owner, await self.wish(booking, canceled=True))
        elif booking.state == "PROMISED" or await self._promises.cancelled(booking):
            await self._ended(booking.id, "CANCELED", "DRIVER")

    async def of_driver(self, driver_id: str, booking_id: str) -> Booking:
        """Return a driver's booking.

        Raises:
            Refused: he has none of this id.
        """
        found = await bookings(self._ground.database, "id = $1 AND driver_id = $2", booking_id, driver_id)
        if not found:
            raise Refused("UNKNOWN_BOOKING")
        return found[0]

    async def all_of(
        self, driver_id: str, *, since: datetime.datetime | None = None, most: int = 1000, skip: int = 0
    ) -> list[Booking]:
        """Return a driver's bookings that end after a moment, the earliest first."""
        at = stamp(since) if since else 0
        return await bookings(
            self._ground.database, "driver_id = $1 AND ends_at > $2", driver_id, at, most=most, skip=skip
        )

    # -- what the CPO tells ------------------------------------------------------------------------

    async def told(self, tx: Transaction, owner: Party, value: JSONObject) -> None:
        """Take over a Booking as its CPO has it; called with each that is put on the shelf."""
        rows = await bookings(
            tx, "id = $1 AND owner = $2", value["request_id"].lower(), str(owner), locked=self._locked
        )  # fmt: skip
        if not rows:
            return
        booking, state = rows[0], state_of(value)
        if booking.state not in HOLDING:
            if booking.undo and state not in HOLDING:
                await write(tx, dataclasses.replace(booking, undo=False, due_at=None), self._ground.now())
            return
        if booking.state == "FULFILLED" and state in ("PENDING", "RESERVED"):
            return
        await self._take_over(tx, booking, state, value)

    async def _take_over(self, tx: Transaction, booking: Booking, state: State, value: JSONObject) -> None:
        changes = changes_of(booking, value) if state in HOLDING else {}
        if changes:
            booking = await moved(tx, booking, **changes)
        canceled = value.get("canceled") or {}
        # No CanceledReason says that a driver changed his mind, so the CPO was told UNKNOWN.
        reason = "DRIVER" if canceled.get("who_canceled") == "EMSP" else canceled.get("cancellation_reason")
        after = dataclasses.replace(
            booking, state=state, number=value["id"], reason=reason or booking.reason, due_at=self._due(booking, state)
        )
        await write(tx, after, self._ground.now())
        if changes and booking.state != "ASKED":
            event = "BOOKING_CHANGED" if was_asked_for(value) else "BOOKING_MOVED"
            await self._tell(tx, after, event, again=value["last_updated"])
        if state != booking.state:
            await self._tell_change(tx, booking.state, after, value)

    def _due(self, booking: Booking, state: State) -> datetime.datetime | None:
        return booking.starts_at + self._ground.terms.no_show if state in ("PENDING", "RESERVED") else None

    async def _tell_change(self, tx: Transaction, before: State, booking: Booking, value: JSONObject) -> None:
        by_us = (value.get("canceled") or {}).get("who_canceled") == "EMSP"
        event = {
            "RESERVED": "BOOKING_MADE",
            "NO_SHOW": "BOOKING_NOT_USED",
            "CANCELED": None if by_us else "BOOKING_CANCELED_BY_CPO",
            "REJECTED": "BOOKING_REFUSED" if before != "ASKED" else None,
            "FAILED": "BOOKING_REFUSED" if before != "ASKED" else None,
        }.get(booking.state)
        if event:
            await self._tell(tx, booking, event)

    async def _tell(self, tx: Transaction, booking: Booking, event: str, *, again: str = "") -> None:
        await tell(tx, booking, event, self._ground.now(), again=again)

    # -- what the clock brings ---------------------------------------------------------------------

    async def look(self) -> None:
        """Do what is due: ask again, keep a promise, give up who did not come, undo what nobody wants."""
        now = self._ground.now()
        for booking in await bookings(self._ground.database, "due_at <= $1", stamp(now), most=100):
            try:
                await self._due_now(booking)
            except OcpiError as error:
                log.info("booking %s: %s; again later", booking.id, error)
                await self._again(booking)

    async def _due_now(self, booking: Booking) -> None:
        if booking.undo:
            await self._undo(booking)
        elif booking.state == "ASKED":
            await self._ground.asking.book(booking.spot.owner, await self.wish(booking))
        elif booking.state == "PROMISED":
            await self._promises.keep(booking)
        elif booking.state in ("PENDING", "RESERVED"):
            await self._nobody_came(booking)

    async def _undo(self, booking: Booking) -> None:
        try:
            await self._ground.asking.book(booking.spot.owner, await self.wish(booking, canceled=True))
        except OcpiError as error:
            if error.transient and self._ground.now() < booking.ends_at:
                raise
            log.info("booking %s: its CPO does not take the cancellation: %s", booking.id, error)

        async def work(tx: Transaction) -> None:
            await tx.execute("UPDATE emsp_booking SET undo = 0, due_at = NULL WHERE id = $1", booking.id)

        await self._ground.database.transact(work)

    async def _nobody_came(self, booking: Booking) -> None:
        """Cancel 15 minutes after the start (RASD-F06), unless the driver is starting just now."""
        rows = await self._ground.database.fetch(
            "SELECT count(*) FROM emsp_driver_charge WHERE booking_id = $1 AND place IS NOT NULL", booking.id
        )
        if rows[0][0]:
            return await self._again(booking)
        never = booking.state == "PENDING"
        await self._ended(
            booking.id, "FAILED" if never else "NO_SHOW", "EXPIRED" if never else None,
            undo=booking.way == "BOOKINGS", event="BOOKING_REFUSED" if never else "BOOKING_NOT_USED",
        )  # fmt: skip

    async def _again(self, booking: Booking) -> None:
        at = self._ground.now() + self._ground.terms.again

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE emsp_booking SET due_at = $1 WHERE id = $2 AND due_at IS NOT NULL", stamp(at), booking.id
            )

        await self._ground.database.transact(work)

    async def _ended(
        self, booking_id: str, state: State, reason: str | None, *, undo: bool = False, event: str | None = None
    ) -> None:
        now = self._ground.now()

        async def work(tx: Transaction) -> None:
            for booking in await bookings(tx, "id = $1", booking_id, locked=self._locked):
                if booking.state not in STARTABLE | {"ASKED"}:
                    return
                due = now + self._ground.terms.again if undo else None
                after = dataclasses.replace(booking, state=state, reason=reason, undo=undo, due_at=due)
                await write(tx, after, now)
                if event:
                    await self._tell(tx, after, event)

        await self._ground.database.transact(work)

    @property
    def _locked(self) -> bool:
        return self._ground.database.dialect == "postgres"


async def tell(tx: Transaction, booking: Booking, event: str, now: datetime.datetime, *, again: str = "") -> None:
    """Write down that a driver is to hear what became of his booking."""
    await notify(
        tx, event, about=f"{booking.id}{again}", driver_id=booking.driver_id, at=now,
        data={"booking_id": booking.id, "state": booking.state, "reason": booking.reason},
        why=why(booking.reason), **booking.times(),
    )  # fmt: skip


def judge_times(zone: datetime.tzinfo, starts_at: datetime.datetime, ends_at: datetime.datetime) -> list[int]:
    """Return the slots of a booking's times (RASD-F02, F03).

    Raises:
        Refused: they are not one to four half hours of the grid.
    """
    for field, at in (("$.starts_at", starts_at), ("$.ends_at", ends_at)):
        if begin(slot_at(at, zone)) != at:
            raise Refused("OFF_GRID", field)
    try:
        return booked(starts_at, ends_at, zone)
    except OffGrid as error:
        raise Refused("TOO_LONG", "$.ends_at", most=MOST) from error
