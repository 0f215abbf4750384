"""What the clock brings about: stations kept in time, bookings nobody came for, drivers who stay too long.

Everything due stands in the book's rows, so a restart forgets nothing; each step is repeated until it
has worked or is over. A station that cannot reserve is kept by the book alone: others are refused
when they ask to charge.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc; RASD-F06, F07, D3.
"""

import asyncio
import contextlib
import datetime
import logging
import uuid
from collections.abc import Callable, Collection

from hub.cpms.bookings.book import BookingBook
from hub.cpms.bookings.store import Entry, Place, entries, sweep
from hub.cpms.bookings.wishes import Driver
from hub.cpms.desk import OperatorDesk
from hub.cpms.moments import microseconds
from hub.cpms.ports import Authorization, Cpms, OpenReservation, Outlet, StatusChanged
from hub.cpms.store import LOCATIONS
from hub.database.contract import Transaction
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject

log = logging.getLogger(__name__)

PERIOD = 5.0  # seconds between looks
_AGAIN = datetime.timedelta(seconds=60)  # a car that was told to stop is not told again for so long
_ORPHANED = datetime.timedelta(minutes=5)  # longer than any station takes to answer
_OFFERS = datetime.timedelta(hours=1)  # between looks at what all EVSEs offer


class BookingWatch:
    """Looks every few seconds for what is due.

    Args:
        cpms: what operates the stations.
        desk: knows outlets and who charges where.
    """

    def __init__(
        self, book: BookingBook, cpms: Cpms, desk: OperatorDesk, clock: Callable[[], datetime.datetime]
    ) -> None:
        self._book = book
        self._cpms = cpms
        self._desk = desk
        self._clock = clock
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped: dict[str, datetime.datetime] = {}
        self._kept: dict[str, Entry] = {}
        self._offered_at: datetime.datetime | None = None
        self._changed: set[str] = set()  # ids of Locations; "" is any
        book.store.database.listen(LOCATIONS, self._changed.add)
        book.changed = self._awake.set

    async def start(self) -> None:
        """Begin to look."""
        before = self._clock() - _ORPHANED
        await self._book.store.database.transact(lambda tx: sweep(tx, before))
        self._task = asyncio.create_task(self._run(), name="bookings")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                await self.look()
            except Exception:  # One booking's trouble must not end the others' clock; it is due again next time.
                log.exception("bookings could not be looked after")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD):
                    await self._awake.wait()

    async def look(self) -> None:
        """Do what is due now."""
        now = self._clock()
        terms = self._book.terms
        for entry in await self._due("state = 'CANCELED' AND session_id IS NOT NULL"):
            await self._let_go(entry)
        for entry in await self._due("state = 'RESERVED' AND starts_at <= $1", now - terms.no_show):
            await self._nobody_came(entry)
        for entry in await self._due("state = 'RESERVED' AND session_id IS NULL AND starts_at <= $1", now + terms.lead):
            await self._hold(entry, now)
        for entry in await self._due("state = 'FULFILLED' AND session_ended = 0 AND ends_at <= $1", now):
            await self._stop_session(entry.session_id, now)
        for entry in await self._due("state = 'FULFILLED' AND session_ended = 1 AND ends_at > $1", now):
            await self._keep(entry, now)
        for entry in [each for each in self._kept.values() if each.ends_at <= now]:
            await self._free(entry, now)
        if self._offered_at is None or now - self._offered_at >= _OFFERS or now.date() != self._offered_at.date():
            self._offered_at = now
            self._changed.add("")
        if self._changed:
            changed = set(self._changed)
            self._changed.clear()
            await self.offer(None if "" in changed else changed)

    async def offer(self, location_ids: Collection[str] | None = None) -> None:
        """Bring what all EVSEs offer up to date, or those of some Locations: days pass, Locations change."""
        for location in await self._book.store.locations.all():
            if location_ids is not None and location["id"] not in location_ids:
                continue
            places = [Place.of(location["id"], each["uid"]) for each in location.get("evses") or []]

            async def work(tx: Transaction, places: list[Place] = places) -> None:
                for place in places:
                    await self._book.publish(tx, place)

            await self._book.store.database.transact(work)

    async def _due(self, where: str, at: datetime.datetime | None = None) -> list[Entry]:
        arguments = [] if at is None else [microseconds(at)]
        return await entries(self._book.store.database, where, *arguments)

    async def _let_go(self, entry: Entry) -> None:
        assert entry.session_id is not None, "asked for"
        await self._cpms.cancel_reservation(entry.session_id)
        await self._book.store.database.transact(
            lambda tx: tx.execute("UPDATE cpms_booking SET session_id = NULL WHERE id = $1", entry.id)
        )

    async def _nobody_came(self, entry: Entry) -> None:
        if entry.session_id is None:
            # The station could never be kept for him: that is not the driver's fault.
            outlet = await self._outlet(entry)
            reason = "FULL" if outlet is not None and self._desk.session_at(outlet) else "BROKEN_CHARGER"
            await self._book.finish(
                entry.id, "CANCELED", canceled={"cancellation_reason": reason, "who_canceled": "CPO"}
            )
        elif await self._book.finish(entry.id, "NO_SHOW"):
            await self._cpms.cancel_reservation(entry.session_id)

    async def _hold(self, entry: Entry, now: datetime.datetime) -> None:
        """Keep the station, from a little before the booking's start until nobody is expected any more."""
        outlet = await self._outlet(entry)
        booking = await self._book.store.bookings.get(self._book.party, entry.id)
        if outlet is None or booking is None:
            return
        session_id = str(uuid.uuid4())
        reservation = OpenReservation(
            reservation_id=session_id,
            outlet=outlet,
            authorization=_authorization(booking),
            expires_at=entry.starts_at + self._book.terms.no_show,
        )
        result = await self._cpms.reserve_now(reservation)
        if result == "EVSE_OCCUPIED":
            running = self._desk.session_at(outlet)
            if running and now >= entry.starts_at + self._book.terms.tolerance:
                await self._stop_session(running, now)
        elif result in ("ACCEPTED", "NOT_SUPPORTED"):
            if not await self._book.held(entry, session_id):
                await self._cpms.cancel_reservation(session_id)
            elif result == "NOT_SUPPORTED":
                await self._reserved_by_us(outlet, now)

    async def hand_over(self, outlet: Outlet, authorization: Authorization) -> None:
        """Have the station keep a booking's place for the token that comes, if it is kept for another of its tokens."""
        entry = await self._book.held_for(outlet, Driver.of(authorization))
        if entry is None or entry.session_id is None:
            return
        reservation = OpenReservation(
            reservation_id=entry.session_id,
            outlet=outlet,
            authorization=authorization,
            expires_at=entry.starts_at + self._book.terms.no_show,
        )
        await self._cpms.reserve_now(reservation)

    async def _keep(self, entry: Entry, now: datetime.datetime) -> None:
        """Show a place as RESERVED whose driver has charged and left: it is his until the frame is over (RASD-F08)."""
        outlet = await self._outlet(entry)
        if outlet is not None and outlet.status == "AVAILABLE":
            self._kept[entry.id] = entry
            await self._reserved_by_us(outlet, now)

    async def _free(self, entry: Entry, now: datetime.datetime) -> None:
        """Show a place as AVAILABLE again that was kept beyond its charge, unless the next booking has it already."""
        del self._kept[entry.id]
        outlet = await self._outlet(entry)
        if outlet is None or outlet.status != "RESERVED" or await self._book.is_kept(outlet):
            return
        await self._desk.tell(
            StatusChanged(location_id=outlet.location_id, evse_uid=outlet.evse_uid, status="AVAILABLE", at=now)
        )

    async def _reserved_by_us(self, outlet: Outlet, now: datetime.datetime) -> None:
        if self._desk.session_at(outlet) is None:
            await self._desk.tell(
                StatusChanged(location_id=outlet.location_id, evse_uid=outlet.evse_uid, status="RESERVED", at=now)
            )

    async def _stop_session(self, session_id: str | None, now: datetime.datetime) -> None:
        if session_id is None or now - self._stopped.get(session_id, now - _AGAIN) < _AGAIN:
            return
        self._stopped = {name: at for name, at in self._stopped.items() if now - at < _AGAIN} | {session_id: now}
        result = await self._cpms.stop_session(session_id)
        log.info("session %s has reached the end of its time at its EVSE: %s", session_id, result)

    async def _outlet(self, entry: Entry) -> Outlet | None:
        booking = await self._book.store.bookings.get(self._book.party, entry.id)
        connector = ((booking or {}).get("booking_option") or {}).get("connector_id")
        return await self._desk.outlet(entry.place.location_id, entry.place.evse_uid, connector)


def _authorization(booking: JSONObject) -> Authorization:
    """Return the leave a booking gives: by its first Token, else by a token made of its reference."""
    asked = booking["booking_requests"][0]["booking_request"]
    provider = Party.of(asked["country_code"], asked["party_id"])
    reference = booking["authorization_reference"]
    token = next(iter(booking.get("booking_tokens") or []), None) or {
        "country_code": provider.country_code,
        "party_id": provider.party_id,
        "uid": reference,
        "type": "APP_USER",
        "contract_id": reference,
    }
    return Authorization(token=token, method="COMMAND", reference=reference)
