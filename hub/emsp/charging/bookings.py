"""Bookings as rows: what each is, which slots are whose, which states it goes through.

Two drivers of ours who want one slot meet in a unique constraint, as do two bookings of one driver or vehicle;
whoever comes second finds out in his own transaction, whatever process the first one runs in.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (ReservationStatus); RASD-F02, F03; X-08.
"""

# ruff: noqa: S608  the only texts put into a statement are this room's own

import dataclasses
import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from hub.database.contract import Database, Row, Transaction
from hub.emsp.charging.needs import Permission, Spot
from hub.emsp.charging.refusals import Refused
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpi.slots import MINUTES, covering, zone_of
from hub.ocpi.times import stamp, stamped

Way = Literal["BOOKINGS", "RESERVE_NOW", "ON_THE_FLY"]

#: ASKED: the request goes out. PROMISED: RESERVE_NOW will be sent when it begins. PENDING: the CPO has yet to say.
#: RESERVED: the CPO keeps the place. FULFILLED: the charge has begun. The others are ends.
State = Literal[
    "ASKED", "PROMISED", "PENDING", "RESERVED", "FULFILLED", "CANCELED", "NO_SHOW", "REJECTED", "FAILED",
]  # fmt: skip

#: States in which the slots are the booking's.
HOLDING = frozenset({"ASKED", "PROMISED", "PENDING", "RESERVED", "FULFILLED"})
#: States in which the charge may begin.
STARTABLE = frozenset({"PENDING", "PROMISED", "RESERVED"})


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One booking; ``EmspBooking`` explains the columns."""

    id: str
    driver_id: str
    vehicle_id: str | None
    way: Way
    spot: Spot
    zone: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    state: State
    reason: str | None = None
    number: str | None = None
    offer: str | None = None
    token: JSONObject
    reference: str
    request_id: str | None = None
    due_at: datetime.datetime | None = None
    undo: bool = False
    created_at: datetime.datetime

    @property
    def permission(self) -> Permission:
        """The leave it was made with, under which its charge begins."""
        return Permission(token=self.token, reference=self.reference)

    @property
    def slots(self) -> list[int]:
        """The slots it touches."""
        return covering(self.starts_at, self.ends_at, zone_of({"time_zone": self.zone}))

    def times(self) -> dict[str, str]:
        """Return its times as its driver reads them, on the Location's clock."""
        zone = zone_of({"time_zone": self.zone})
        return {
            "starts_at": self.starts_at.astimezone(zone).strftime("%d.%m. %H:%M"),
            "ends_at": self.ends_at.astimezone(zone).strftime("%H:%M"),
        }


_COLUMNS = (
    "id, driver_id, vehicle_id, way, owner, location_id, evse_uid, connector_id, zone, starts_at, ends_at, state,"
    " reason, number, offer, token, reference, request_id, due_at, undo, created_at"
)


async def write(tx: Transaction, booking: Booking, now: datetime.datetime) -> Booking:
    """Write a booking down, or what has become of it; its slots are free when it no longer holds them."""
    spot = booking.spot
    await tx.execute(
        f"INSERT INTO emsp_booking ({_COLUMNS}, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"
        " ON CONFLICT (id) DO UPDATE SET evse_uid = excluded.evse_uid, connector_id = excluded.connector_id,"
        " starts_at = excluded.starts_at, ends_at = excluded.ends_at, state = excluded.state,"
        " reason = excluded.reason, number = excluded.number, due_at = excluded.due_at, undo = excluded.undo,"
        " changed_at = excluded.changed_at",
        booking.id, booking.driver_id, booking.vehicle_id, booking.way, str(spot.owner), spot.location_id,
        spot.evse_uid, spot.connector_id, booking.zone, stamp(booking.starts_at), stamp(booking.ends_at),
        booking.state, booking.reason, booking.number, booking.offer, codec.encode(booking.token), booking.reference,
        booking.request_id, _optional(booking.due_at), int(booking.undo), stamp(booking.created_at), stamp(now),
    )  # fmt: skip
    if booking.state not in HOLDING:
        await free(tx, booking.id)
    return booking


async def bookings(
    source: Database | Transaction, where: str, *args: object, most: int = 1000, skip: int = 0, locked: bool = False
) -> list[Booking]:
    """Return the bookings of a condition over the columns, the earliest first."""
    end = " FOR UPDATE" if locked else ""
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM emsp_booking WHERE {where} ORDER BY starts_at, id LIMIT {most} OFFSET {skip}{end}",
        *args,
    )
    return [_booking(row) for row in rows]


async def take(tx: Transaction, booking: Booking) -> None:
    """Make a booking's slots its own: at the EVSE, for the driver, for the vehicle.

    Raises:
        Refused: one of them is another booking's; the transaction has to be undone.
    """
    spot, slots = booking.spot, booking.slots
    if spot.evse_uid:
        place = {"owner": str(spot.owner), "location_id": spot.location_id, "evse_uid": spot.evse_uid}
        if other := await _take(tx, "emsp_booked_slot", place, slots, booking.id):
            his = await bookings(tx, "id = $1 AND driver_id = $2", other, booking.driver_id)
            raise Refused("BOOKED_ALREADY" if his else "SLOT_TAKEN", "$.starts_at")
    if await _take(tx, "emsp_engaged_slot", {"who": f"driver {booking.driver_id}"}, slots, booking.id):
        raise Refused("DRIVER_ENGAGED", "$.starts_at")
    vehicle = {"who": f"vehicle {booking.vehicle_id}"}
    if booking.vehicle_id and await _take(tx, "emsp_engaged_slot", vehicle, slots, booking.id):
        raise Refused("VEHICLE_ENGAGED", "$.vehicle_id")


async def _take(
    tx: Transaction, table: str, key: dict[str, str], slots: Iterable[int], booking_id: str
) -> str | None:  # fmt: skip
    """Take slots; return whose one of them is already, if it is another booking's."""
    names, count = [*key, "slot"], len(key)
    marks = ", ".join(f"${number}" for number in range(1, count + 3))
    where = " AND ".join(f"{name} = ${number}" for number, name in enumerate(names, start=1))
    for slot in slots:
        await tx.execute(
            f"INSERT INTO {table} ({', '.join(names)}, booking_id) VALUES ({marks})"
            f" ON CONFLICT ({', '.join(names)}) DO NOTHING",
            *key.values(), slot, booking_id,
        )  # fmt: skip
        [(holder,)] = await tx.fetch(f"SELECT booking_id FROM {table} WHERE {where}", *key.values(), slot)
        if holder != booking_id:
            return str(holder)
    return None


async def free(tx: Transaction, booking_id: str) -> None:
    """Give back every slot of a booking."""
    await tx.execute("DELETE FROM emsp_booked_slot WHERE booking_id = $1", booking_id)
    await tx.execute("DELETE FROM emsp_engaged_slot WHERE booking_id = $1", booking_id)


async def moved(tx: Transaction, booking: Booking, **changes: object) -> Booking:
    """Return a booking with another time or EVSE, its slots with it, as far as nobody else of ours has them.

    The CPO has moved it; where that hurts another booking of ours, the CPO's word stands and the slot is shared.
    """
    changed = dataclasses.replace(booking, **changes)  # type: ignore[arg-type]  # the fields of a Booking
    await free(tx, booking.id)
    spot = changed.spot
    for slot in changed.slots:
        if spot.evse_uid:
            await tx.execute(
                "INSERT INTO emsp_booked_slot (owner, location_id, evse_uid, slot, booking_id)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, location_id, evse_uid, slot) DO NOTHING",
                str(spot.owner), spot.location_id, spot.evse_uid, slot, booking.id,
            )  # fmt: skip
        for who in (f"driver {booking.driver_id}", f"vehicle {booking.vehicle_id}" if booking.vehicle_id else None):
            if who:
                await tx.execute(
                    "INSERT INTO emsp_engaged_slot (who, slot, booking_id) VALUES ($1, $2, $3)"
                    " ON CONFLICT (who, slot) DO NOTHING",
                    who, slot, booking.id,
                )  # fmt: skip
    return changed


async def next_booked(
    source: Database | Transaction, spot: Spot, after: datetime.datetime, *, but: str = ""
) -> tuple[datetime.datetime, str] | None:
    """Return from when an EVSE is booked through us, at or after a slot, and by which booking."""
    rows = await source.fetch(
        "SELECT slot, booking_id FROM emsp_booked_slot WHERE owner = $1 AND location_id = $2 AND evse_uid = $3"
        " AND slot > $4 AND booking_id <> $5 ORDER BY slot LIMIT 1",
        str(spot.owner), spot.location_id, spot.evse_uid, stamp(after) // 60_000_000 - MINUTES, but,
    )  # fmt: skip
    return (stamped(rows[0][0] * 60_000_000), rows[0][1]) if rows else None


def _booking(row: Row) -> Booking:
    (number, driver_id, vehicle_id, way, owner, location_id, evse_uid, connector_id, zone, starts_at, ends_at, state,
     reason, cpo_number, offer, token, reference, request_id, due_at, undo, created_at) = row  # fmt: skip
    return Booking(
        id=number, driver_id=driver_id, vehicle_id=vehicle_id, way=way,
        spot=Spot.of(owner, location_id, evse_uid, connector_id), zone=zone, starts_at=stamped(starts_at),
        ends_at=stamped(ends_at), state=state, reason=reason, number=cpo_number, offer=offer,
        token=codec.decode(token), reference=reference, request_id=request_id,
        due_at=None if due_at is None else stamped(due_at), undo=bool(undo), created_at=stamped(created_at),
    )  # fmt: skip


def _optional(at: datetime.datetime | None) -> int | None:
    return None if at is None else stamp(at)


assert set(get_args(State)) > HOLDING, "states are spelled alike"
