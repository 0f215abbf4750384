"""The booking book: who has booked what, what is free, and cancelling for the operator (RASD-R30, DD-F5)."""

import datetime
from typing import Annotated, Literal

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape
from hub.cpms.api.scopes import Scope
from hub.cpms.bookings.book import BookingBook
from hub.cpms.bookings.store import Entry, Place, entries, taken
from hub.cpms.moments import microseconds
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.modules import bookings
from hub.ocpi.receiving import child
from hub.ocpi.slots import begin, days, zone_of

State = Literal["RESERVED", "CANCELED", "NO_SHOW", "FULFILLED", "REJECTED"]


class BookingQuery(ListQuery, frozen=True, kw_only=True):
    """Which bookings.

    Attributes:
        starts_from, starts_to: when they begin: from inclusive, to exclusive.
    """

    location_id: Name | None = None
    evse_uid: Name | None = None
    state: State | None = None
    starts_from: Moment | None = None
    starts_to: Moment | None = None


class BookingRow(Shape, frozen=True, kw_only=True):
    """One booking, in a line.

    Attributes:
        provider: CC-PID of the eMSP that booked.
        session_id: the Session charged on it, or what the station knows its reservation by.
    """

    id: str
    provider: str
    request_id: str
    location_id: str
    evse_uid: str
    starts_at: Moment
    ends_at: Moment
    state: str
    session_id: str | None


class Slot(Shape, frozen=True, kw_only=True):
    """Half an hour at an EVSE.

    Attributes:
        holder: the id of the booking or reservation whose it is; null: it is free.
    """

    starts_at: Moment
    holder: str | None


class SlotQuery(ListQuery, frozen=True, kw_only=True):
    """Which slots: today's and those of the days after it."""

    days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 1
    limit: Annotated[int, msgspec.Meta(ge=1, le=1600)] = 1600


class Cancellation(Shape, frozen=True, kw_only=True):
    """Why the operator cancels."""

    reason: Literal["POWER_OUTAGE", "BROKEN_CHARGER", "FULL", "BLOCKED", "UNKNOWN"]


class BookingRoutes:
    """The bookings of all eMSPs."""

    tag = "bookings"

    def __init__(self, book: BookingBook) -> None:
        self._book = book

    @route("GET", "/bookings", scope=Scope.BOOKINGS_READ)
    async def list_bookings(self, call: Call, query: BookingQuery) -> Page[BookingRow]:
        """List bookings, the earliest first: by station, by state, by time."""
        where, values = _condition(query)
        found = await entries(self._book.store.database, where, *values, most=query.limit + 1)
        rows = [_row(each) for each in found[: query.limit]]
        return Page(items=rows, next=_cursor(found[query.limit - 1]) if len(found) > query.limit else None)

    @route("GET", "/bookings/{booking_id}", scope=Scope.BOOKINGS_READ)
    async def get_booking(self, call: Call, booking_id: str) -> bookings.Booking:
        """Show a booking as its eMSP has it."""
        found = await self._book.store.bookings.get(self._book.party, booking_id)
        if found is None:
            raise NotFound("There is no such booking")
        return found  # type: ignore[return-value]  # JSON of the declaration

    @route("POST", "/bookings/{booking_id}/cancel", scope=Scope.BOOKINGS_WRITE, problems=(Conflict,))
    async def cancel_booking(self, call: Call, booking_id: str, body: Cancellation) -> bookings.Booking:
        """Cancel a booking; its eMSP is told, its slots are free at once."""
        before = await self.get_booking(call, booking_id)
        try:
            after = await self._book.cancel(
                booking_id, body.reason, also=lambda tx, after: call.trail.record(tx, before=before, after=after)
            )
        except InvalidParameters as error:
            raise Conflict(str(error)) from error
        return after  # type: ignore[return-value]  # JSON of the declaration

    @route("GET", "/locations/{location_id}/evses/{evse_uid}/slots", scope=Scope.BOOKINGS_READ)
    async def list_slots(self, call: Call, location_id: str, evse_uid: str, query: SlotQuery) -> Page[Slot]:
        """List the half hours of an EVSE, free and taken, in the days of its Location's clock."""
        location = await self._book.store.locations.get(self._book.party, location_id)
        evse = child(location, "evses", evse_uid)
        if location is None or evse is None:
            raise NotFound("There is no such EVSE")
        wanted = [slots for _, slots in days(call.now, query.days, zone_of(location))]
        first, last = wanted[0].start, wanted[-1].stop
        holders = await taken(self._book.store.database, Place.of(location_id, evse_uid), first, last)
        every = [Slot(starts_at=begin(slot), holder=holders.get(slot)) for day in wanted for slot in day]
        return Page(items=every[: query.limit])


def _condition(query: BookingQuery) -> tuple[str, list[object]]:
    """Return the condition a query means, over the book's columns, and its arguments."""
    wanted = {
        "location_id =": query.location_id and query.location_id.upper(),
        "evse_uid =": query.evse_uid and query.evse_uid.upper(),
        "state =": query.state,
        "starts_at >=": _moment("query.starts_from", query.starts_from),
        "starts_at <": _moment("query.starts_to", query.starts_to),
    }
    parts, values = ["1 = 1"], list[object]()
    for comparison, value in wanted.items():
        if value is not None:
            values.append(value)
            parts.append(f"{comparison} ${len(values)}")
    if query.cursor is not None:
        at, number = _place(query.cursor)
        parts.append(f"(starts_at > ${len(values) + 1} OR starts_at = ${len(values) + 1} AND id > ${len(values) + 2})")
        values += [at, number]
    return " AND ".join(parts), values


def _moment(path: str, at: datetime.datetime | None) -> int | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise invalid(path, "must have its offset from UTC, as 2026-01-31T12:00:00Z")
    return microseconds(at)


def _place(cursor: str) -> tuple[int, str]:
    at, _, number = cursor.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) < 18 and number):
        raise invalid("query.cursor", "must be the next of a page before")
    return int(at), number


def _cursor(entry: Entry) -> str:
    return f"{microseconds(entry.starts_at)}.{entry.id}"


def _row(entry: Entry) -> BookingRow:
    return BookingRow(
        id=entry.id,
        provider=entry.asker,
        request_id=entry.request_id,
        location_id=entry.place.location_id,
        evse_uid=entry.place.evse_uid,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        state=entry.state,
        session_id=entry.session_id,
    )
