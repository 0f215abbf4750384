"""What a driver wants booked later: the same every week, or as soon as something is free.

A recurring request books each of its days when the day comes into the driver's horizon, once; one that waits looks
whenever what can be booked there changes. Both end: with the last day, or when it is too late for what was wanted.

Source: GEM-FTR-1318.
"""

# ruff: noqa: S608  the only texts put into a statement are this file's own

import dataclasses
import datetime
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from hub.database.contract import Row, Transaction
from hub.emsp.charging.booking import BookingDesk
from hub.emsp.charging.ground import Found, Ground, find, is_free, keyed_id, offer_of
from hub.emsp.charging.needs import Spot
from hub.emsp.charging.notices import notify
from hub.emsp.charging.refusals import Refused
from hub.ocpi import codec
from hub.ocpi.slots import SLOT, begin, slot_at
from hub.ocpi.times import date_time, moment, stamp, stamped

log = logging.getLogger(__name__)

LONGEST = datetime.timedelta(days=366)
_LOOK = datetime.timedelta(minutes=5)
_TRIES = 3  # windows asked for in one look

Kind = Literal["RECURRING", "WHEN_AVAILABLE"]
State = Literal["WAITING", "DONE", "EXPIRED", "CANCELED"]


@dataclass(frozen=True, kw_only=True)
class Weekly:
    """Every week on some days, at a time of the Location's clock.

    Attributes:
        weekdays: 0 is Monday. time: HH:MM. slots: half hours.
        tried: days that were refused, so that nobody is told twice.
    """

    weekdays: tuple[int, ...]
    time: str
    slots: int
    first: datetime.date
    last: datetime.date
    tried: tuple[datetime.date, ...] = ()

    def starts(self, day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime | None:
        """Return when the booking of a day begins; None: that day has none.

        A time that summer time skips is an hour later that day; one it repeats is the first of the two.
        """
        if not self.first <= day <= self.last or day.weekday() not in self.weekdays:
            return None
        at = datetime.time.fromisoformat(self.time)
        return datetime.datetime.combine(day, at, tzinfo=zone).astimezone(datetime.UTC)


@dataclass(frozen=True, kw_only=True)
class Whenever:
    """Some half hours in a row, at any time between two moments."""

    earliest: datetime.datetime
    latest: datetime.datetime
    slots: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """A standing request; ``EmspStandingRequest`` explains the columns."""

    id: str
    driver_id: str
    vehicle_id: str | None
    spot: Spot
    wish: Weekly | Whenever
    state: State = "WAITING"
    ends_at: datetime.datetime
    due_at: datetime.datetime | None
    booking_id: str | None = None
    created_at: datetime.datetime

    @property
    def kind(self) -> Kind:
        return "RECURRING" if isinstance(self.wish, Weekly) else "WHEN_AVAILABLE"


_COLUMNS = (
    "id, driver_id, vehicle_id, kind, owner, location_id, evse_uid, wish, state, ends_at, due_at, booking_id,"
    " created_at"
)


class Standing:
    """Keeps standing requests and books by them."""

    def __init__(self, ground: Ground, desk: BookingDesk) -> None:
        self._ground = ground
        self._desk = desk

    async def ask(
        self,
        driver_id: str,
        spot: Spot,
        wish: Weekly | Whenever,
        *,
        vehicle_id: str | None = None,
        key: str | None = None,
    ) -> Request:
        """Note a standing request; under the same key it is the same one.

        Raises:
            Refused: it is not one this provider can keep.
        """
        number = keyed_id(driver_id, key)
        if known := await self._requests("id = $1", number):
            return known[0]
        driver = await self._ground.driver(driver_id)
        if vehicle_id is not None and vehicle_id not in driver.vehicles:
            raise Refused("NOT_YOUR_VEHICLE", "$.vehicle_id")
        found = await find(self._ground.store, spot)
        await self._ground.admitted(driver_id, spot)
        if not found.reservable and await offer_of(self._ground.store, spot) is None:
            raise Refused("NOT_RESERVABLE", "$.place")
        now = self._ground.now()
        request = Request(
            id=number, driver_id=driver_id, vehicle_id=vehicle_id, spot=spot, wish=wish,
            ends_at=_judged(wish, found, now, self._ground.terms.slots), due_at=now, created_at=now,
        )  # fmt: skip
        await self._ground.database.transact(lambda tx: _write(tx, request))
        return request

    async def cancel(self, driver_id: str, request_id: str) -> None:
        """End a standing request; what it has booked stays.

        Raises:
            Refused: he has none of this id that still waits.
        """

        async def work(tx: Transaction) -> int:
            return await tx.execute(
                "UPDATE emsp_standing_request SET state = 'CANCELED', due_at = NULL"
                " WHERE id = $1 AND driver_id = $2 AND state = 'WAITING'",
                request_id, driver_id,
            )  # fmt: skip

        if not await self._ground.database.transact(work):
            raise Refused("UNKNOWN_REQUEST")

    async def all_of(self, driver_id: str) -> list[Request]:
        """Return a driver's standing requests, the oldest first."""
        return await self._requests("driver_id = $1", driver_id)

    async def _requests(self, where: str, *args: object) -> list[Request]:
        rows = await self._ground.database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_standing_request WHERE {where} ORDER BY created_at, id LIMIT 1000", *args
        )
        return [_request(row) for row in rows]

    # -- what the clock brings ---------------------------------------------------------------------

    async def look(self) -> None:
        """Book what can be booked now."""
        now = self._ground.now()
        for request in await self._requests("due_at <= $1 AND state = 'WAITING'", stamp(now)):
            try:
                found = await find(self._ground.store, request.spot)
            except Refused:
                await self._set(request, due_at=now + _LOOK)
                continue
            if isinstance(request.wish, Weekly):
                await self._weekly(request, request.wish, found, now)
            else:
                await self._whenever(request, request.wish, found, now)

    async def _weekly(self, request: Request, wish: Weekly, found: Found, now: datetime.datetime) -> None:
        if now >= request.ends_at:
            return await self._set(request, state="DONE", due_at=None)
        driver = await self._ground.drivers.driver(request.driver_id)
        today = now.astimezone(found.zone).date()
        ahead = self._ground.terms.days(driver) if driver else 0
        again = _midnight(today + datetime.timedelta(days=1), found.zone)
        for day in (today + datetime.timedelta(days=number) for number in range(ahead + 1)):
            starts = wish.starts(day, found.zone)
            if starts is None or starts < now or day in wish.tried:
                continue
            refused = await self._book(request, starts, wish.slots, key=f"{request.id}/{day}")
            if refused == "CPO_UNREACHABLE":
                again = min(again, now + _LOOK)
            elif refused is not None:
                wish = dataclasses.replace(wish, tried=(*wish.tried[-14:], day))
                await self._refused(request, starts, found, refused)
        await self._set(request, wish=wish, due_at=again)

    async def _book(self, request: Request, starts: datetime.datetime, slots: int, *, key: str) -> str | None:
        """Book one time of a request; return why that was refused."""
        known = await self._ground.database.fetch(
            "SELECT state FROM emsp_booking WHERE id = $1", keyed_id(request.driver_id, key)
        )
        if known:  # Made before, whatever has become of it since; a cancelled day is not booked again.
            return None if known[0][0] not in ("REJECTED", "FAILED") else "REFUSED_BY_CPO"
        try:
            booking = await self._desk.book(
                request.driver_id, request.spot, starts, starts + slots * SLOT, vehicle_id=request.vehicle_id, key=key,
                request_id=request.id,
            )  # fmt: skip
        except Refused as refused:
            return refused.code
        await self._set(request, booking_id=booking.id)
        return None

    async def _refused(self, request: Request, starts: datetime.datetime, found: Found, code: str) -> None:
        said = starts.astimezone(found.zone).strftime("%d.%m. %H:%M")

        async def work(tx: Transaction) -> None:
            await notify(
                tx, "BOOKING_REFUSED", about=f"{request.id}/{stamp(starts)}", driver_id=request.driver_id,
                at=self._ground.now(), data={"request_id": request.id, "code": code}, starts_at=said,
                why=str(Refused(code, days="", reason="", starts_at="", until="", status="", most="", currency="")),
            )  # fmt: skip

        await self._ground.database.transact(work)

    async def _whenever(self, request: Request, wish: Whenever, found: Found, now: datetime.datetime) -> None:
        if now > request.ends_at:
            return await self._expired(request)
        tries = 0
        async for starts in self._windows(request, wish, found, now):
            refused = await self._book(request, starts, wish.slots, key=f"{request.id}/{stamp(starts)}/{stamp(now)}")
            if refused is None:
                return await self._set(request, state="DONE", due_at=None)
            tries += 1
            if tries == _TRIES or refused in ("CPO_UNREACHABLE", "UNKNOWN_DRIVER", "NO_TOKEN"):
                break
        await self._set(request, due_at=min(now + _LOOK, request.ends_at + datetime.timedelta(microseconds=1)))

    async def _windows(
        self, request: Request, wish: Whenever, found: Found, now: datetime.datetime
    ) -> AsyncIterator[datetime.datetime]:
        """Yield when what is wanted looks free, the earliest first."""
        offer = await offer_of(self._ground.store, request.spot)
        driver = await self._ground.drivers.driver(request.driver_id)
        days = self._ground.terms.days(driver) if driver else 0
        end = _midnight(now.astimezone(found.zone).date() + datetime.timedelta(days=days + 1), found.zone)
        taken = await self._taken(request, now)
        for starts in _grid(max(now, wish.earliest), min(wish.latest, end), wish.slots, found.zone):
            ends = starts + wish.slots * SLOT
            free = offer is None or is_free(offer, starts, ends)
            if free and not any(starts <= each < ends for each in taken):
                yield starts

    async def _taken(self, request: Request, now: datetime.datetime) -> list[datetime.datetime]:
        spot = request.spot
        rows = await self._ground.database.fetch(
            "SELECT slot FROM emsp_booked_slot WHERE owner = $1 AND location_id = $2 AND evse_uid = $3 AND slot >= $4"
            " UNION SELECT slot FROM emsp_engaged_slot WHERE who = $5 AND slot >= $4",
            str(spot.owner), spot.location_id, spot.evse_uid, stamp(now) // 60_000_000, f"driver {request.driver_id}",
        )  # fmt: skip
        return [begin(slot) for (slot,) in rows]

    async def _expired(self, request: Request) -> None:
        async def work(tx: Transaction) -> None:
            await _write(tx, dataclasses.replace(request, state="EXPIRED", due_at=None))
            await notify(
                tx, "REQUEST_EXPIRED", about=request.id, driver_id=request.driver_id, at=self._ground.now(),
                data={"request_id": request.id},
            )  # fmt: skip

        await self._ground.database.transact(work)

    async def _set(self, request: Request, **changes: Any) -> None:
        """Write what has changed, unless the driver has cancelled it meanwhile."""
        rows = await self._requests("id = $1 AND state = 'WAITING'", request.id)
        for present in rows:
            changed = dataclasses.replace(present, **changes)
            await self._ground.database.transact(lambda tx, changed=changed: _write(tx, changed))  # type: ignore[misc]


def _judged(wish: Weekly | Whenever, found: Found, now: datetime.datetime, most: int) -> datetime.datetime:
    """Return when a wish ends.

    Raises:
        Refused: it cannot be kept.
    """
    if not 1 <= wish.slots <= most:
        raise Refused("TOO_LONG", "$.slots", most=most)
    if isinstance(wish, Whenever):
        latest = wish.latest - wish.slots * SLOT
        if latest < max(now, wish.earliest):
            raise Refused("BAD_RULE", "$.latest", reason="There is no such time between the two. Choose a later end.")
        return latest
    if not wish.weekdays or not set(wish.weekdays) <= set(range(7)):
        raise Refused("BAD_RULE", "$.weekdays", reason="Choose at least one day of the week.")
    if datetime.time.fromisoformat(wish.time).minute % 30:
        raise Refused("OFF_GRID", "$.time")
    if not wish.first <= wish.last <= now.date() + LONGEST:
        raise Refused("BAD_RULE", "$.last", reason="Choose a last day that follows the first, within a year.")
    return _midnight(wish.last + datetime.timedelta(days=1), found.zone)


def _grid(
    first: datetime.datetime, last: datetime.datetime, slots: int, zone: datetime.tzinfo
) -> Iterator[datetime.datetime]:
    at = begin(slot_at(first, zone))
    if at < first:
        at += SLOT
    while at + slots * SLOT <= last:
        yield at
        at += SLOT


def _midnight(day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=zone).astimezone(datetime.UTC)


async def _write(tx: Transaction, request: Request) -> None:
    due = None if request.due_at is None else stamp(request.due_at)
    await tx.execute(
        f"INSERT INTO emsp_standing_request ({_COLUMNS})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " ON CONFLICT (id) DO UPDATE SET wish = excluded.wish, state = excluded.state, due_at = excluded.due_at,"
        " booking_id = excluded.booking_id",
        request.id, request.driver_id, request.vehicle_id, request.kind, str(request.spot.owner),
        request.spot.location_id, request.spot.evse_uid, codec.encode(_wish_json(request.wish)), request.state,
        stamp(request.ends_at), due, request.booking_id, stamp(request.created_at),
    )  # fmt: skip


def _wish_json(wish: Weekly | Whenever) -> dict[str, Any]:
    if isinstance(wish, Whenever):
        return {"earliest": date_time(wish.earliest), "latest": date_time(wish.latest), "slots": wish.slots}
    return {
        "weekdays": list(wish.weekdays), "time": wish.time, "slots": wish.slots, "first": wish.first.isoformat(),
        "last": wish.last.isoformat(), "tried": [each.isoformat() for each in wish.tried],
    }  # fmt: skip


def _wish(kind: Kind, value: dict[str, Any]) -> Weekly | Whenever:
    if kind == "WHEN_AVAILABLE":
        return Whenever(earliest=moment(value["earliest"]), latest=moment(value["latest"]), slots=int(value["slots"]))
    return Weekly(
        weekdays=tuple(int(each) for each in value["weekdays"]), time=value["time"], slots=int(value["slots"]),
        first=datetime.date.fromisoformat(value["first"]), last=datetime.date.fromisoformat(value["last"]),
        tried=tuple(datetime.date.fromisoformat(each) for each in value["tried"]),
    )  # fmt: skip


def _request(row: Row) -> Request:
    (number, driver_id, vehicle_id, kind, owner, location_id, evse_uid, wish, state, ends_at, due_at, booking_id,
     created_at) = row  # fmt: skip
    return Request(
        id=number, driver_id=driver_id, vehicle_id=vehicle_id, spot=Spot.of(owner, location_id, evse_uid),
        wish=_wish(kind, codec.decode(wish)), state=state, ends_at=stamped(ends_at),
        due_at=None if due_at is None else stamped(due_at), booking_id=booking_id, created_at=stamped(created_at),
    )  # fmt: skip
