"""Bookings: what is free, booked, changed, cancelled; and what is wanted again and again, or when something is free.

Source: RASD-R4, RASD-R5, RASD-UC04, RASD-UC06, INCAR-UC005, GEM-FTR-1318.
"""

import datetime
from typing import Annotated, Any, Literal

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number, pattern
from hub.emsp.api.routes.refusing import TROUBLE, in_path, problem_of, refusing
from hub.emsp.api.scopes import Scope
from hub.emsp.charging.bookings import Booking, bookings
from hub.emsp.charging.needs import Driver, Spot
from hub.emsp.charging.notices import sentence
from hub.emsp.charging.refusals import Refused
from hub.emsp.charging.room import Charging
from hub.emsp.charging.standing import Request, Weekly, Whenever
from hub.emsp.charging.timetable import timetable
from hub.ocpi.messages import Party

#: CC-PID of a CPO.
Cpo = Annotated[str, pattern("^[A-Za-z]{2}-[A-Za-z0-9]{3}$", "a country and a party, such as NL-CPO", least=6, most=6)]
Id = Annotated[str, pattern("^[\\u0020-\\u007e]+$", "printable ASCII", most=36)]
Slots = Annotated[int, msgspec.Meta(ge=1, le=4)]
Day = Annotated[str, pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a date, such as 2026-01-31", least=10, most=10)]


class ChargePoint(Shape, frozen=True, kw_only=True):
    """An EVSE.

    Attributes:
        owner: CC-PID of its CPO.
        connector_id: null: whichever of it.
    """

    owner: Cpo
    location_id: Id
    evse_uid: Id
    connector_id: Id | None = None

    def spot(self) -> Spot:
        """Return where that is."""
        return spot_of(self.owner, self.location_id, self.evse_uid, self.connector_id)


class HalfHour(Shape, frozen=True, kw_only=True):
    """Half an hour at an EVSE; ``state`` is FREE, TAKEN or YOURS."""

    starts_at: Moment
    ends_at: Moment
    state: Literal["FREE", "TAKEN", "YOURS"]


class SlotsSeen(Shape, frozen=True, kw_only=True):
    """What can be booked at an EVSE.

    Attributes:
        way: BOOKINGS: its CPO confirms a booking at once. RESERVE_NOW: the CPO keeps a place only from now on, so a
            booking is a promise until its time begins. null: it cannot be booked.
        time_zone: by whose clock half hours begin at :00 and :30.
        most: half hours of one booking.
    """

    way: Literal["BOOKINGS", "RESERVE_NOW"] | None
    time_zone: str
    most: int
    slots: list[HalfHour]


class NewTimes(Shape, frozen=True, kw_only=True):
    """A time of one to four half hours."""

    starts_at: Moment
    ends_at: Moment


class NewBooking(NewTimes, frozen=True, kw_only=True):
    """What is to be booked."""

    place: ChargePoint
    vehicle_id: Id | None = None


class BookingSeen(Shape, frozen=True, kw_only=True):
    """A booking.

    Attributes:
        way: BOOKINGS, RESERVE_NOW (a promise until it begins) or ON_THE_FLY.
        state: ASKED, PROMISED, PENDING, RESERVED, FULFILLED (the charge has begun), CANCELED, NO_SHOW, REJECTED or
            FAILED.
        reason: why it ended, as a code, and as words.
        request_id: the standing request it came of.
    """

    id: str
    driver_id: str
    place: ChargePoint
    vehicle_id: str | None
    way: str
    state: str
    reason: str | None
    message: str | None
    starts_at: Moment
    ends_at: Moment
    time_zone: str
    request_id: str | None


class BookingsQuery(ListQuery, frozen=True, kw_only=True):
    """Which bookings: those that end after a moment."""

    since: Moment | None = None


class Recurring(Shape, frozen=True, kw_only=True):
    """Every week on some days, by the Location's clock.

    Attributes:
        weekdays: 0 is Monday.
        time: HH:MM, at :00 or :30.
        slots: half hours.
        first, last: days.
    """

    weekdays: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=6)]], msgspec.Meta(min_length=1, max_length=7)]
    time: Annotated[str, pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of day, such as 08:30", least=5, most=5)]
    slots: Slots
    first: Day
    last: Day


class WhenAvailable(Shape, frozen=True, kw_only=True):
    """Some half hours in a row, at any time between two moments."""

    earliest: Moment
    latest: Moment
    slots: Slots


class NewBookingRequest(Shape, frozen=True, kw_only=True):
    """What is wanted later: ``recurring`` or ``when_available``, one of them."""

    place: ChargePoint
    vehicle_id: Id | None = None
    recurring: Recurring | None = None
    when_available: WhenAvailable | None = None


class BookingRequestSeen(Shape, frozen=True, kw_only=True):
    """A standing request.

    Attributes:
        state: WAITING, DONE, EXPIRED or CANCELED.
        booking_id: the last booking made by it.
    """

    id: str
    kind: Literal["RECURRING", "WHEN_AVAILABLE"]
    place: ChargePoint
    vehicle_id: str | None
    recurring: Recurring | None
    when_available: WhenAvailable | None
    state: str
    ends_at: Moment
    booking_id: str | None


class BookingRoutes:
    """A driver's bookings."""

    tag = "bookings"

    def __init__(self, charging: Charging) -> None:
        self._charging = charging

    @route(
        "GET", "/locations/{country_code}/{party_id}/{location_id}/evses/{evse_uid}/slots", scope=Scope.OWN,
        problems=TROUBLE,
    )  # fmt: skip
    async def list_slots(
        self, call: Call, country_code: str, party_id: str, location_id: str, evse_uid: str
    ) -> SlotsSeen:
        """Show when an EVSE is free, as far ahead as the driver may book."""
        try:
            spot = Spot.of(f"{country_code}-{party_id}", location_id, evse_uid)
        except ValueError as error:
            raise NotFound("There is no such CPO") from error
        with refusing(in_path):
            return await self._slots(call.principal.id, spot)

    async def _slots(self, driver_id: str, spot: Spot) -> SlotsSeen:
        driver: Driver = await self._charging.ground.driver(driver_id)
        table = await timetable(self._charging.ground, driver, spot)
        halves = [HalfHour(starts_at=each.starts_at, ends_at=each.ends_at, state=each.state) for each in table.halves]
        way = table.way if table.way != "ON_THE_FLY" else None
        return SlotsSeen(
            way=way, time_zone=table.found.location["time_zone"], most=self._charging.ground.terms.slots, slots=halves
        )

    # -- bookings ----------------------------------------------------------------------------------

    @route("POST", "/bookings", scope=Scope.OWN, status=201, idempotent=True, problems=TROUBLE)
    async def book(self, call: Call, body: NewBooking) -> BookingSeen:
        """Book an EVSE; where it is booked already, the problem has its ``slots`` as they are now."""
        spot = body.place.spot()
        try:
            made = await self._charging.bookings.book(
                call.principal.id, spot, body.starts_at, body.ends_at, vehicle_id=body.vehicle_id,
                key=call.idempotency_key,
            )  # fmt: skip
        except Refused as refused:
            fresh = await self._fresh(call.principal.id, spot, refused)
            raise problem_of(refused, str, **fresh) from refused
        return booking_seen(made)

    async def _fresh(self, driver_id: str, spot: Spot, refused: Refused) -> dict[str, Any]:
        if refused.code not in ("SLOT_TAKEN", "BOOKED_ALREADY"):
            return {}
        return {"slots": msgspec.to_builtins((await self._slots(driver_id, spot)).slots)}

    @route("GET", "/bookings", scope=Scope.OWN)
    async def list_bookings(self, call: Call, query: BookingsQuery) -> Page[BookingSeen]:
        """List the driver's bookings, the earliest first."""
        skip = cursor_number(query) or 0
        found = await self._charging.bookings.all_of(
            call.principal.id, since=query.since, most=query.limit + 1, skip=skip
        )  # fmt: skip
        following = str(skip + query.limit) if len(found) > query.limit else None
        return Page(items=[booking_seen(each) for each in found[: query.limit]], next=following)

    @route("GET", "/bookings/{booking_id}", scope=Scope.OWN, problems=TROUBLE)
    async def get_booking(self, call: Call, booking_id: str) -> BookingSeen:
        """Show a booking."""
        with refusing():
            return booking_seen(await self._charging.bookings.of_driver(call.principal.id, booking_id))

    @route("PUT", "/bookings/{booking_id}/times", scope=Scope.OWN, idempotent=True, problems=TROUBLE)
    async def change_booking(self, call: Call, booking_id: str, body: NewTimes) -> BookingSeen:
        """Move a booking to another time; until its CPO agrees it stands as it was."""
        with refusing():
            return booking_seen(
                await self._charging.changing.change(call.principal.id, booking_id, body.starts_at, body.ends_at)
            )

    @route("POST", "/bookings/{booking_id}/cancel", scope=Scope.OWN, problems=TROUBLE)
    async def cancel_booking(self, call: Call, booking_id: str) -> BookingSeen:
        """Cancel a booking, until its charge starts."""
        with refusing():
            return booking_seen(await self._charging.bookings.cancel(call.principal.id, booking_id))

    # -- standing requests -------------------------------------------------------------------------

    @route("POST", "/booking-requests", scope=Scope.OWN, status=201, idempotent=True, problems=TROUBLE)
    async def request_bookings(self, call: Call, body: NewBookingRequest) -> BookingRequestSeen:
        """Have something booked every week, or as soon as it is free; the driver is told of each booking."""
        wish, path = _wish(body)
        with refusing(lambda field: field if field.startswith(("$.place", "$.vehicle")) else field.replace("$", path)):
            made = await self._charging.standing.ask(
                call.principal.id, body.place.spot(), wish, vehicle_id=body.vehicle_id, key=call.idempotency_key
            )
        return _request_seen(made)

    @route("GET", "/booking-requests", scope=Scope.OWN)
    async def list_booking_requests(self, call: Call) -> list[BookingRequestSeen]:
        """List the driver's standing requests, the oldest first."""
        return [_request_seen(each) for each in await self._charging.standing.all_of(call.principal.id)]

    @route("DELETE", "/booking-requests/{request_id}", scope=Scope.OWN, problems=TROUBLE)
    async def cancel_booking_request(self, call: Call, request_id: str) -> None:
        """End a standing request; what it has booked stays."""
        with refusing():
            await self._charging.standing.cancel(call.principal.id, request_id)


class DriverBookingsQuery(ListQuery, frozen=True, kw_only=True):
    """Which bookings of drivers."""

    driver_id: Name | None = None
    owner: Cpo | None = None
    state: Name | None = None


class DriverBookingRoutes:
    """The bookings of all drivers, for the provider's staff."""

    tag = "bookings"

    def __init__(self, charging: Charging) -> None:
        self._charging = charging

    @route("GET", "/driver-bookings", scope=Scope.BOOKINGS_READ)
    async def list_driver_bookings(self, call: Call, query: DriverBookingsQuery) -> Page[BookingSeen]:
        """List bookings, the earliest first."""
        skip = cursor_number(query) or 0
        owner = str(Party.parse(query.owner)) if query.owner else None
        where, values = conditions(driver_id=query.driver_id, owner=owner, state=query.state)
        found = await bookings(
            self._charging.ground.database, where, *values, most=query.limit + 1, skip=skip
        )  # fmt: skip
        following = str(skip + query.limit) if len(found) > query.limit else None
        return Page(items=[booking_seen(each) for each in found[: query.limit]], next=following)

    @route("POST", "/driver-bookings/{booking_id}/cancel", scope=Scope.BOOKINGS_WRITE, problems=TROUBLE)
    async def cancel_driver_booking(self, call: Call, booking_id: str) -> BookingSeen:
        """Cancel a driver's booking."""
        found = await bookings(self._charging.ground.database, "id = $1", booking_id)
        if not found:
            raise NotFound("There is no such booking")
        with refusing():
            return booking_seen(await self._charging.bookings.cancel(found[0].driver_id, booking_id))


def conditions(**wanted: str | None) -> tuple[str, list[str]]:
    """Return what columns are to be, for a list; the names are the code's own."""
    given = {name: value for name, value in wanted.items() if value is not None}
    return " AND ".join(f"{name} = ${at}" for at, name in enumerate(given, start=1)) or "1 = 1", list(given.values())


def spot_of(owner: str, location_id: str, evse_uid: str, connector_id: str | None = None) -> Spot:
    """Return a place; the pattern of ``Cpo`` has judged its owner."""
    return Spot.of(owner, location_id, evse_uid, connector_id)


def point_of(spot: Spot) -> ChargePoint:
    """Return a place as it is shown."""
    return ChargePoint(
        owner=str(spot.owner), location_id=spot.location_id, evse_uid=spot.evse_uid, connector_id=spot.connector_id
    )


def booking_seen(booking: Booking) -> BookingSeen:
    """Return a booking as it is shown."""
    return BookingSeen(
        id=booking.id, driver_id=booking.driver_id, place=point_of(booking.spot), vehicle_id=booking.vehicle_id,
        way=booking.way, state=booking.state, reason=booking.reason, message=sentence(booking.reason),
        starts_at=booking.starts_at, ends_at=booking.ends_at, time_zone=booking.zone, request_id=booking.request_id,
    )  # fmt: skip


def _wish(body: NewBookingRequest) -> tuple[Weekly | Whenever, str]:
    """Return what is wanted, and where in the body it stands."""
    asked, when = body.recurring, body.when_available
    if (asked is None) == (when is None):
        raise invalid("$.recurring", "either this or when_available, and one of them")
    if when is not None:
        wish: Weekly | Whenever = Whenever(earliest=when.earliest, latest=when.latest, slots=when.slots)
        return wish, "$.when_available"
    assert asked is not None, "one of them is there"
    weekdays = tuple(sorted(set(asked.weekdays)))
    first, last = _day(asked.first, "first"), _day(asked.last, "last")
    return Weekly(weekdays=weekdays, time=asked.time, slots=asked.slots, first=first, last=last), "$.recurring"


def _day(text: str, name: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"$.recurring.{name}", "must be a day, such as 2026-01-31") from error


def _request_seen(request: Request) -> BookingRequestSeen:
    wish = request.wish
    recurring = when = None
    if isinstance(wish, Weekly):
        recurring = Recurring(
            weekdays=list(wish.weekdays), time=wish.time, slots=wish.slots, first=wish.first.isoformat(),
            last=wish.last.isoformat(),
        )  # fmt: skip
    else:
        when = WhenAvailable(earliest=wish.earliest, latest=wish.latest, slots=wish.slots)
    return BookingRequestSeen(
        id=request.id, kind=request.kind, place=point_of(request.spot), vehicle_id=request.vehicle_id,
        recurring=recurring, when_available=when, state=request.state, ends_at=request.ends_at,
        booking_id=request.booking_id,
    )  # fmt: skip
