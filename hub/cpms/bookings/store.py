"""The book's rows: which slot of which EVSE is whose, and where each booking stands.

That no slot is taken twice is a unique constraint; whoever loses a race finds out in his own
transaction, whatever process the other one runs in.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.cpms.moments import microseconds
from hub.cpms.plans import PLANS
from hub.database.contract import Database, Row, Transaction
from hub.ocpi.slots import MINUTES
from hub.ocpi.times import EPOCH


@dataclass(frozen=True)
class Place:
    """One EVSE of a Location; ids are CiStrings, kept in upper case."""

    location_id: str
    evse_uid: str

    @classmethod
    def of(cls, location_id: str, evse_uid: str) -> "Place":
        """Return the place of two ids, whatever their case."""
        return cls(location_id.upper(), evse_uid.upper())


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A booking as the book has it; the Booking object itself lies on the shelf.

    Attributes:
        asker: CC-PID of the eMSP; ``request_id`` is unique among its own.
        state: the Booking's reservation_status.
        session_id: what the station knows the reservation by, and the Session it becomes; None before it is held.
        session_ended: whether that Session is over.
    """

    id: str
    asker: str
    request_id: str
    place: Place
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    state: str
    session_id: str | None = None
    session_ended: bool = False


_COLUMNS = "id, asker, request_id, location_id, evse_uid, starts_at, ends_at, state, session_id, session_ended"


async def take(tx: Transaction, holder: str, place: Place, slots: Iterable[int], at: datetime.datetime) -> bool:
    """Write slots down as a holder's; False if one is somebody else's, and then the work has to be undone."""
    for slot in slots:
        await tx.execute(
            "INSERT INTO cpms_booked_slot (location_id, evse_uid, slot, holder, taken_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (location_id, evse_uid, slot) DO NOTHING",
            place.location_id, place.evse_uid, slot, holder, microseconds(at),
        )  # fmt: skip
        rows = await tx.fetch(
            "SELECT holder FROM cpms_booked_slot WHERE location_id = $1 AND evse_uid = $2 AND slot = $3",
            place.location_id, place.evse_uid, slot,
        )  # fmt: skip
        if rows != [(holder,)]:
            return False
    return True


async def free(tx: Transaction, holder: str) -> None:
    """Give back every slot of a holder."""
    await tx.execute("DELETE FROM cpms_booked_slot WHERE holder = $1", holder)


async def taken(source: Database | Transaction, place: Place, first: int, last: int) -> dict[int, str]:
    """Return whose the slots from ``first`` to before ``last`` are, those that are somebody's."""
    rows = await source.fetch(
        "SELECT slot, holder FROM cpms_booked_slot WHERE location_id = $1 AND evse_uid = $2"
        " AND slot >= $3 AND slot < $4",
        place.location_id, place.evse_uid, first, last,
    )  # fmt: skip
    return dict(rows)


async def write(tx: Transaction, entry: Entry) -> None:
    """Write a booking down, or what has become of it; whoever shows what is planned at its EVSE hears of it."""
    tx.notify(PLANS, entry.place.location_id)
    await tx.execute(
        f"INSERT INTO cpms_booking ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"  # noqa: S608  our own columns
        " ON CONFLICT (id) DO UPDATE SET location_id = excluded.location_id, evse_uid = excluded.evse_uid,"
        " starts_at = excluded.starts_at, ends_at = excluded.ends_at, state = excluded.state,"
        " session_id = excluded.session_id, session_ended = excluded.session_ended",
        entry.id, entry.asker, entry.request_id.upper(), entry.place.location_id, entry.place.evse_uid,
        microseconds(entry.starts_at), microseconds(entry.ends_at), entry.state, entry.session_id,
        int(entry.session_ended),
    )  # fmt: skip


async def entries(
    source: Database | Transaction, where: str, *args: object, locked: bool = False, most: int | None = None
) -> list[Entry]:
    """Return the bookings of a condition, the earliest first.

    Args:
        where: a condition over the columns, written here in the house.
        most: how many at the most.
        locked: whether the rows are to be kept from others until the transaction ends (PostgreSQL).
    """
    end = (f" LIMIT {most}" if most is not None else "") + (" FOR UPDATE" if locked else "")
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM cpms_booking WHERE {where} ORDER BY starts_at, id{end}",  # noqa: S608  conditions are ours
        *args,
    )
    return [_entry(row) for row in rows]


async def sweep(tx: Transaction, before: datetime.datetime) -> None:
    """Give back slots taken before a moment whose holder is nobody.

    They are left behind where this side stopped between asking a station to reserve and its answer.
    """
    await tx.execute(
        "DELETE FROM cpms_booked_slot WHERE taken_at < $1"
        " AND holder NOT IN (SELECT id FROM cpms_booking WHERE state IN ('RESERVED', 'FULFILLED'))"
        " AND holder NOT IN (SELECT session_id FROM cpms_reservation WHERE state = 'OPEN')",
        microseconds(before),
    )


def free_runs(slots: Sequence[int], occupied: Iterable[int]) -> list[tuple[int, int]]:
    """Return the unbroken stretches of free slots, as (first minute, minute after the last)."""
    runs: list[tuple[int, int]] = []
    busy = set(occupied)
    for slot in slots:
        if slot in busy:
            continue
        if runs and runs[-1][1] == slot:
            runs[-1] = (runs[-1][0], slot + MINUTES)
        else:
            runs.append((slot, slot + MINUTES))
    return runs


def _entry(row: Row) -> Entry:
    number, asker, request_id, location_id, evse_uid, starts_at, ends_at, state, session_id, ended = row
    return Entry(
        id=number,
        asker=asker,
        request_id=request_id,
        place=Place(location_id, evse_uid),
        starts_at=EPOCH + datetime.timedelta(microseconds=starts_at),
        ends_at=EPOCH + datetime.timedelta(microseconds=ends_at),
        state=state,
        session_id=session_id,
        session_ended=bool(ended),
    )
