"""Usage data somebody has to look at: not billed as it is, or billed with a doubt.

Nothing a station told is thrown away. What cannot be billed by itself becomes a case, once, with
what is known of it, and stays until a person closes it with a note.

Source: REQUIREMENTS X-56, SGEM-4.1-17.
"""

# ruff: noqa: S608  the only texts put into a statement are this file's own

import datetime
import logging
from dataclasses import dataclass
from typing import Literal, get_args

from hub.cpms.moments import at, microseconds
from hub.database.contract import Database, Row, Transaction
from hub.database.works import Also
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject

log = logging.getLogger(__name__)

#: UNAUTHORIZED: energy flowed for nobody who may be billed. INVALID_USAGE: what was metered cannot be.
#: STOP_WITHOUT_START: nobody knows what was metered before. START_WITHOUT_STOP: billed by the last reading.
#: LATE_STOP: the stop of a transaction that had been billed without it says something else.
#: NO_PLACE: it happened where no Connector of ours is. METER_ROLLOVER, CLOCK_SKEW: billed, with a correction.
#: METER_SET_BACK: billed by what was metered before and after; more may have flowed.
Kind = Literal[
    "UNAUTHORIZED", "INVALID_USAGE", "STOP_WITHOUT_START", "START_WITHOUT_STOP", "LATE_STOP", "NO_PLACE",
    "METER_ROLLOVER", "METER_SET_BACK", "CLOCK_SKEW",
]  # fmt: skip

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case; open while ``closed_at`` is None."""

    id: int
    kind: str
    station_id: str
    transaction_id: int
    session_id: str
    detail: JSONObject
    opened_at: datetime.datetime
    closed_at: datetime.datetime | None
    note: str | None


class Cases:
    """The list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self,
        kind: Kind,
        *,
        station_id: str,
        transaction_id: int,
        session_id: str,
        detail: JSONObject,
        opened_at: datetime.datetime,
    ) -> None:
        """Open a case unless it was opened before."""

        async def work(tx: Transaction) -> int:
            return await tx.execute(
                "INSERT INTO cpms_case (kind, station_id, transaction_id, session_id, detail, opened_at)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, station_id, transaction_id) DO NOTHING",
                kind,
                station_id,
                transaction_id,
                session_id,
                codec.encode(detail),
                microseconds(opened_at),
            )

        if await self._database.transact(work):
            log.warning("%s at %s, transaction %d: a case was opened", kind, station_id, transaction_id)

    async def close(
        self, case_id: int, *, note: str, closed_at: datetime.datetime, also: Also[None] | None = None
    ) -> bool:
        """Close an open case; False if there is none.

        Args:
            also: written with it, in its transaction.
        """

        async def work(tx: Transaction) -> bool:
            if not await _close(tx, "id = $3", note, closed_at, case_id):
                return False
            if also is not None:
                await also(tx, None)
            return True

        return await self._database.transact(work)

    async def resolve(
        self, tx: Transaction, kind: Kind, transaction_id: int, *, note: str, at: datetime.datetime
    ) -> None:
        """Close the case of a transaction that has resolved itself."""
        await _close(tx, "kind = $3 AND transaction_id = $4", note, at, kind, transaction_id)

    async def all(self, *, open_only: bool = True) -> list[Case]:
        """Return the cases, oldest first."""
        where = " WHERE closed_at IS NULL" if open_only else ""
        rows = await self._database.fetch(
            "SELECT id, kind, station_id, transaction_id, session_id, detail, opened_at, closed_at, note"
            f" FROM cpms_case{where} ORDER BY id"
        )
        return [_case(row) for row in rows]


async def _close(tx: Transaction, where: str, note: str, closed_at: datetime.datetime, *args: object) -> int:
    return await tx.execute(
        f"UPDATE cpms_case SET closed_at = $1, note = $2 WHERE {where} AND closed_at IS NULL",
        microseconds(closed_at),
        note,
        *args,
    )


def _case(row: Row) -> Case:
    number, kind, station_id, transaction_id, session_id, detail, opened_at, closed_at, note = row
    return Case(
        id=number,
        kind=kind,
        station_id=station_id,
        transaction_id=transaction_id,
        session_id=session_id,
        detail=codec.decode(detail),
        opened_at=at(opened_at),
        closed_at=None if closed_at is None else at(closed_at),
        note=note,
    )
