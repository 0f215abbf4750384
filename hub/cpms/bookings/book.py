"""The book itself: requests, changes and cancellations of eMSPs, and what stations make of them.

A request is answered for good at once: RESERVED or REJECTED, never PENDING, for the book alone decides. Each
decision is one transaction: the slots, the booking's row, the Booking owed to its eMSP and the
BookingLocation told to everyone.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (Flow and Lifecycle, BookingRequest).
"""

import dataclasses
import datetime
import logging
import uuid
from collections.abc import Callable

from hub.cpms.bookings import calendars
from hub.cpms.bookings.calendars import Terms
from hub.cpms.bookings.store import Entry, Place, entries, free, take, taken, write
from hub.cpms.bookings.wishes import Driver, Wish, answered, booking_from, unmet
from hub.cpms.moments import microseconds
from hub.cpms.ports import Outlet, SessionStarted
from hub.cpms.store import Store
from hub.database.contract import Conflict, Transaction
from hub.database.works import Also
from hub.ocpi import slots
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child
from hub.ocpi.shelves import NO
from hub.ocpi.times import date_time

log = logging.getLogger(__name__)

#: No RESERVE_NOW keeps an EVSE for longer: an expiry_date far away is a mistake or an attack.
LONGEST_RESERVATION = datetime.timedelta(hours=24)

#: Requests one booking takes, for each is kept in it and told with it; it can be cancelled all the same.
MOST_REQUESTS = 100


class BookingBook:
    """The booking book of one operator.

    Args:
        changed: called after a decision that a station may have to hear of.

    Attributes:
        announce: called with each Booking that was made or has changed, once that is committed.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime.datetime],
        terms: Terms | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.party = store.party
        self.terms = terms or Terms()
        self.changed = changed
        self.announce: Callable[[JSONObject], None] = lambda booking: None
        self._clock = clock
        self._locked = store.database.dialect == "postgres"

    # -- eMSPs ask ---------------------------------------------------------------------------------

    async def request(self, asked: JSONObject, asker: Party) -> JSONObject:
        """Return the Booking that a BookingRequest makes, changes, cancels or repeats.

        Raises:
            InvalidParameters: it speaks for somebody else, or contradicts itself.
            UnknownLocation: there is no such Location, EVSE or BookingLocation.
        """
        wish = await self._wish(asked, asker)
        try:
            booking = await self.store.database.transact(lambda tx: self._decide(tx, wish))
        except Conflict:  # The same request came twice at once, and the other was first.
            booking = await self.store.database.transact(lambda tx: self._decide(tx, wish))
        self.changed()
        self.announce(booking)
        return booking

    async def _wish(self, asked: JSONObject, asker: Party) -> Wish:
        if Party.of(asked["country_code"], asked["party_id"]) != asker:
            raise InvalidParameters(f"$.party_id: {asker} cannot book for {asked['country_code']}-{asked['party_id']}")
        for number, token in enumerate(asked.get("tokens") or []):
            if Party.of(token["country_code"], token["party_id"]) != asker:
                raise InvalidParameters(f"$.tokens[{number}].party_id: the Token is not one of {asker}")
        offered = await self.store.booking_locations.get(self.party, asked["booking_location_id"])
        if offered is None:
            raise UnknownLocation(f"$.booking_location_id: there is no BookingLocation {asked['booking_location_id']}")
        if offered["location_id"].upper() != asked["location_id"].upper():
            raise InvalidParameters(f"$.location_id: the BookingLocation is one of {offered['location_id']}")
        location = await self.store.locations.get(self.party, offered["location_id"])
        evse = child(location, "evses", offered["booking_option"]["evse_uid"])
        if location is None or evse is None:
            raise UnknownLocation
        return Wish(asked, asker, location, evse, self._clock())

    async def _decide(self, tx: Transaction, wish: Wish) -> JSONObject:
        known = await entries(
            tx, "asker = $1 AND request_id = $2", str(wish.asker), wish.asked["request_id"].upper(), locked=self._locked
        )
        if not known:
            return await self._first(tx, wish)
        booking = await self.store.bookings.get_in(tx, self.party, known[0].id)
        assert booking is not None, "written with its row"
        if booking["booking_requests"][-1]["booking_request"] == wish.asked:
            return booking  # An older one that comes again takes back what was changed since.
        canceling = wish.asked.get("canceled") and known[0].state == "RESERVED"
        if len(booking["booking_requests"]) >= MOST_REQUESTS and not canceling:
            raise InvalidParameters(f"$.request_id: its booking has had {MOST_REQUESTS} requests; make a new one")
        if wish.asked.get("canceled"):
            return await self._cancel_asked(tx, wish, known[0], booking)
        return await self._change(tx, wish, known[0], booking)

    async def _first(self, tx: Transaction, wish: Wish) -> JSONObject:
        number = str(uuid.uuid4())
        reason = await self._taken_or_reason(tx, wish, number)
        state = "REJECTED" if reason else "RESERVED"
        start, end = wish.period
        entry = Entry(
            id=number, asker=str(wish.asker), request_id=wish.asked["request_id"], place=wish.place,
            starts_at=start, ends_at=end, state=state,
        )  # fmt: skip
        booking = {
            "id": number,
            "country_code": self.party.country_code,
            "party_id": self.party.party_id,
            "request_id": wish.asked["request_id"],
            "authorization_reference": wish.asked["authorization_reference"],
            "booking_terms": self.terms.said(),
            "booking_requests": [],
            **booking_from(wish),
        }
        return await self._written(tx, entry, answered(booking, wish, state, "DECLINED" if reason else "ACCEPTED"))

    async def _change(self, tx: Transaction, wish: Wish, entry: Entry, booking: JSONObject) -> JSONObject:
        start, end = wish.period
        if entry.state != "RESERVED" or entry.session_id is not None:
            log.info("booking %s cannot be changed: it is %s", entry.id, entry.state)
            return await self._written(tx, entry, answered(booking, wish, entry.state, "DECLINED"))
        before = await tx.fetch("SELECT slot FROM cpms_booked_slot WHERE holder = $1 ORDER BY slot", entry.id)
        await free(tx, entry.id)
        if await self._taken_or_reason(tx, wish, entry.id):
            assert await take(tx, entry.id, entry.place, [slot for (slot,) in before], wish.at), "they were its own"
            return await self._written(tx, entry, answered(booking, wish, entry.state, "DECLINED"))
        if wish.place != entry.place:
            await self.publish(tx, entry.place)
        moved = dataclasses.replace(entry, place=wish.place, starts_at=start, ends_at=end)
        return await self._written(tx, moved, answered(booking | booking_from(wish), wish, "RESERVED", "ACCEPTED"))

    async def _cancel_asked(self, tx: Transaction, wish: Wish, entry: Entry, booking: JSONObject) -> JSONObject:
        if entry.state != "RESERVED":  # Until the charge is triggered (RASD-F05); what is over stays as it ended.
            return await self._written(tx, entry, answered(booking, wish, entry.state, "DECLINED"))
        await free(tx, entry.id)
        booking = answered(booking, wish, "CANCELED", "ACCEPTED") | {"canceled": wish.asked["canceled"]}
        return await self._written(tx, dataclasses.replace(entry, state="CANCELED"), booking)

    async def _taken_or_reason(self, tx: Transaction, wish: Wish, holder: str) -> str | None:
        """Take the slots of a wish; return why that cannot be, and nothing is taken then."""
        try:
            wanted = slots.booked(*wish.period, slots.zone_of(wish.location))
        except slots.OffGrid as error:
            reason: str | None = str(error)
        else:
            reason = self._refusal(wish, wanted)
            if reason is None and not await take(tx, holder, wish.place, wanted, wish.at):
                reason = "a slot is taken"
                await free(tx, holder)
        if reason:
            log.info("booking request %s of %s: %s", wish.asked["request_id"], wish.asker, reason)
        return reason

    def _refusal(self, wish: Wish, wanted: list[int]) -> str | None:
        if wish.asked.get("canceled"):
            return "there is no booking to cancel"
        if not calendars.bookable(wish.location, wish.evse):
            return "the EVSE cannot be booked"
        if wish.period[0] < wish.at:
            return "it starts in the past"
        *_, (_, last) = slots.days(wish.at, self.terms.days, slots.zone_of(wish.location))
        if wanted[-1] >= last.stop:
            return f"it ends after the {self.terms.days} days that can be booked"
        return unmet(wish.asked.get("booking_option") or {}, wish.evse)

    # -- what the operator and the stations do -----------------------------------------------------

    async def cancel(self, number: str, reason: str, *, also: Also[JSONObject] | None = None) -> JSONObject:
        """Cancel a booking for the operator; its eMSP is told.

        Args:
            reason: POWER_OUTAGE, BROKEN_CHARGER, FULL, BLOCKED or UNKNOWN.
            also: written with it, in its transaction.

        Raises:
            InvalidParameters: it is not RESERVED.
        """
        canceled = {"cancellation_reason": reason, "who_canceled": "CPO"}
        booking = await self.finish(number, "CANCELED", also=also, canceled=canceled)
        if booking is None:
            raise InvalidParameters(f"booking {number} is not RESERVED")
        self.changed()
        return booking

    async def finish(
        self, number: str, state: str, *, also: Also[JSONObject] | None = None, **fields: JSONObject
    ) -> JSONObject | None:
        """Move a RESERVED booking to a state in which its slots are free; None if it is RESERVED no more."""

        async def work(tx: Transaction) -> JSONObject | None:
            found = await entries(tx, "id = $1 AND state = 'RESERVED'", number, locked=self._locked)
            if not found:
                return None
            booking = await self.store.bookings.get_in(tx, self.party, number)
            assert booking is not None, "written with its row"
            await free(tx, number)
            changed = booking | {"reservation_status": state, "last_updated": date_time(self._clock()), **fields}
            await self._written(tx, dataclasses.replace(found[0], state=state), changed)
            if also is not None:
                await also(tx, changed)
            return changed

        booking = await self.store.database.transact(work)
        if booking is not None:
            self.announce(booking)
        return booking

    async def held(self, entry: Entry, session_id: str) -> bool:
        """Write down under which id a station keeps a booking's place; False if the booking is RESERVED no more."""

        async def work(tx: Transaction) -> bool:
            touched = await tx.execute(
                "UPDATE cpms_booking SET session_id = $1 WHERE id = $2 AND state = 'RESERVED'", session_id, entry.id
            )
            return touched == 1

        return await self.store.database.transact(work)

    async def started(self, tx: Transaction, event: SessionStarted) -> JSONObject | None:
        """Fulfil the booking a session uses, by the station's reservation, by Token or by reference; return it."""
        place = Place.of(event.outlet.location_id, event.outlet.evse_uid)
        due = await entries(
            tx,
            "state = 'RESERVED' AND location_id = $1 AND evse_uid = $2 AND starts_at <= $3 AND ends_at > $4",
            place.location_id, place.evse_uid,
            microseconds(event.at + self.terms.lead), microseconds(event.at),
            locked=self._locked,
        )  # fmt: skip
        for entry in due:
            booking = await self.store.bookings.get_in(tx, self.party, entry.id)
            assert booking is not None, "written with its row"
            if entry.session_id == event.session_id or Driver.of(event.authorization).may_use(booking):
                used = dataclasses.replace(entry, state="FULFILLED", session_id=event.session_id)
                changed = booking | {"reservation_status": "FULFILLED", "last_updated": date_time(self._clock())}
                return await self._written(tx, used, changed, publish=False)
        return None

    async def ended(self, tx: Transaction, session_id: str) -> str | None:
        """Note that a session is over; return the booking it was charged on, for its CDR."""
        found = await entries(tx, "session_id = $1 AND state = 'FULFILLED'", session_id)
        if not found:
            return None
        await tx.execute("UPDATE cpms_booking SET session_ended = 1 WHERE id = $1", found[0].id)
        return found[0].id

    async def keeps_from(self, outlet: Outlet, driver: Driver) -> bool:
        """Whether an EVSE is kept for somebody else than the driver now (INCAR-UC005, X-42)."""
        return any(not driver.may_use(booking) for _, booking in await self._now_at(outlet))

    async def is_kept(self, outlet: Outlet) -> bool:
        """Whether an EVSE is kept for anybody now."""
        return bool(await self._now_at(outlet))

    async def held_for(self, outlet: Outlet, driver: Driver) -> Entry | None:
        """Return the driver's booking that a station keeps now for another token than his."""
        for entry, booking in await self._now_at(outlet):
            if entry.state != "RESERVED" or entry.session_id is None or not driver.may_use(booking):
                continue
            kept: JSONObject = next(iter(booking.get("booking_tokens") or []), {})
            if (kept.get("uid"), kept.get("type")) != (driver.uid, driver.type):
                return entry
        return None

    async def _now_at(self, outlet: Outlet) -> list[tuple[Entry, JSONObject]]:
        """Return the bookings an EVSE is kept for at this moment, with their objects."""
        at = self._clock()
        place = Place.of(outlet.location_id, outlet.evse_uid)
        due = await entries(
            self.store.database,
            "state IN ('RESERVED', 'FULFILLED') AND location_id = $1 AND evse_uid = $2"
            " AND starts_at <= $3 AND ends_at > $4",
            place.location_id, place.evse_uid, microseconds(at + self.terms.lead), microseconds(at),
        )  # fmt: skip
        found = [(entry, await self.store.bookings.get(self.party, entry.id)) for entry in due]
        return [(entry, booking) for entry, booking in found if booking is not None]

    async def reserve(self, place: Place, holder: str, until: datetime.datetime) -> bool:
        """Write a RESERVE_NOW down; False if it collides with a booking or another reservation.

        The same holder's former slots are replaced.
        """
        at = self._clock()
        location = await self.store.locations.get(self.party, place.location_id)
        wanted = slots.covering(at, until, slots.zone_of(location or {}))

        async def work(tx: Transaction) -> None:
            await free(tx, holder)
            if not await take(tx, holder, place, wanted, at):
                raise _Taken
            await self.publish(tx, place)

        try:
            await self.store.database.transact(work)
        except _Taken:
            return False
        return True

    async def give_back(self, place: Place, holder: str) -> None:
        """Give back what a RESERVE_NOW took that its station refused."""
        await self.store.database.transact(lambda tx: self.release(tx, holder, place))

    async def release(self, tx: Transaction, holder: str, place: Place) -> None:
        """Give back what a RESERVE_NOW took."""
        await free(tx, holder)
        await self.publish(tx, place)

    # -- what is told ------------------------------------------------------------------------------

    async def publish(self, tx: Transaction, place: Place) -> None:
        """Bring an EVSE's BookingLocation up to date, if what it offers has changed."""
        location = await self.store.locations.get_in(tx, self.party, place.location_id)
        evse = child(location, "evses", place.evse_uid)
        if location is None or evse is None:
            return
        shelf = self.store.booking_locations
        number = calendars.number_of(self.party, place.location_id, place.evse_uid)
        told = await shelf.get_in(tx, self.party, number)  # locks the row: who comes next reads the slots after us
        if not calendars.bookable(location, evse):
            if told is not None:
                await shelf.delete(tx, self.party, number)
            return
        now = self._clock()
        (_, first), *_, (_, last) = [*slots.days(now, self.terms.days, slots.zone_of(location))]
        occupied = await taken(tx, place, first.start, last.stop)
        offer = calendars.booking_location(self.party, location, evse, occupied, now=now, terms=self.terms)
        if not calendars.same_offer(told, offer):
            await self.store.put_for_everyone(tx, shelf, offer)

    async def _written(self, tx: Transaction, entry: Entry, booking: JSONObject, *, publish: bool = True) -> JSONObject:
        await write(tx, entry)
        await self.store.bookings.put(tx, self.party, entry.id, booking, receiver=entry.asker, received=NO)
        if publish and entry.state != "REJECTED":
            await self.publish(tx, entry.place)
        return booking


class _Taken(Exception):
    """A slot is somebody else's: the work is undone."""
