"""Where transactions are kept: a row each, found again by its natural key, and its messages, each once."""

# ruff: noqa: S608  the only names put into a statement are this file's own column lists

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hub.cpms.moments import at, microseconds
from hub.cpms.ports import Authorization, Outlet
from hub.cpms.transactions import Message, Usage
from hub.database.contract import Database, Row, Transaction
from hub.ocpi import codec

OPEN, ENDED, LOST, ADOPTED = "OPEN", "ENDED", "LOST", "ADOPTED"

_COLUMNS = (
    "station_id, key, station_transaction_id, evse_id, connector_id, session_id, outlet, authorization_given, verdict,"
    " state, started_at, ended_at, energy, reason, unbilled, settled, ends_by"
)
_MESSAGE = "key, kind, seq_no, at, received_at, register, power, current, soc, charging_state, detail"
_ADD = (
    f"INSERT INTO cpms_transaction_message (transaction_id, {_MESSAGE})"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (transaction_id, key) DO NOTHING"
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A transaction as it is kept; the columns are explained at ``CpmsTransaction``.

    Attributes:
        id: 0 until it is kept.
    """

    id: int = 0
    station_id: str
    key: str
    station_transaction_id: str = ""
    evse_id: int
    connector_id: int
    session_id: str
    outlet: Outlet | None
    authorization: Authorization | None
    verdict: str
    state: str = OPEN
    started_at: datetime.datetime
    ended_at: datetime.datetime | None = None
    energy: int | None = None
    reason: str | None = None
    unbilled: bool = False
    settled: bool = False
    ends_by: datetime.datetime | None = None

    @property
    def called(self) -> str:
        """What its station calls it: 2.0.1 named it itself, 1.6 was given our number."""
        return self.station_transaction_id or str(self.id)

    @property
    def stop_only(self) -> bool:
        """Whether it is a stop of 1.6 whose start has not come."""
        return self.key.startswith("1:?")


class TransactionStore:
    """The two tables of transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, tx: Transaction, new: Kept) -> tuple[Kept, bool]:
        """Keep a transaction unless it is kept already; return it as it is kept, and whether it is new."""
        rows = await tx.fetch(
            f"INSERT INTO cpms_transaction ({_COLUMNS})"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
            f" ON CONFLICT (station_id, key) DO NOTHING RETURNING id, {_COLUMNS}",
            *_values(new),
        )
        if rows:
            return _kept(rows[0]), True
        return _kept(
            (await tx.fetch(f"{_SELECT} WHERE station_id = $1 AND key = $2", new.station_id, new.key))[0]
        ), False

    async def add_message(self, tx: Transaction, transaction_id: int, message: Message) -> bool:
        """Keep a message; False if it is kept already."""
        return await tx.execute(_ADD, transaction_id, *_message_values(message)) == 1

    async def move_messages(self, tx: Transaction, orphan: Kept, transaction_id: int) -> None:
        """Give the messages of a stop without a start to the transaction it turned out to stop."""
        await tx.execute(
            "UPDATE cpms_transaction_message SET transaction_id = $1 WHERE transaction_id = $2",
            transaction_id,
            orphan.id,
        )
        await tx.execute("UPDATE cpms_transaction SET state = $1, settled = 1 WHERE id = $2", ADOPTED, orphan.id)

    async def learn(self, tx: Transaction, kept: Kept) -> None:
        """Keep where a transaction is, and how its token was judged."""
        await tx.execute(
            "UPDATE cpms_transaction SET evse_id = $1, connector_id = $2, outlet = $3, authorization_given = $4,"
            " verdict = $5, unbilled = $6 WHERE id = $7",
            kept.evse_id,
            kept.connector_id,
            _outlet_document(kept.outlet),
            _authorization_document(kept.authorization),
            kept.verdict,
            int(kept.unbilled),
            kept.id,
        )

    async def end(self, tx: Transaction, transaction_id: int, state: str) -> None:
        """Keep that a transaction is over."""
        await tx.execute(
            "UPDATE cpms_transaction SET state = $1 WHERE id = $2 AND state = 'OPEN'", state, transaction_id
        )

    async def reopen(self, tx: Transaction, transaction_id: int, state: str) -> None:
        """Keep that what a transaction used is still to be told."""
        await tx.execute("UPDATE cpms_transaction SET state = $1, settled = 0 WHERE id = $2", state, transaction_id)

    async def end_by(self, tx: Transaction, transaction_id: int, moment: datetime.datetime) -> None:
        """Keep when the time of a transaction is up."""
        await tx.execute("UPDATE cpms_transaction SET ends_by = $1 WHERE id = $2", microseconds(moment), transaction_id)

    async def settle(self, tx: Transaction, transaction_id: int, found: Usage) -> None:
        """Keep what a transaction used, and that all who must know have been told."""
        await tx.execute(
            "UPDATE cpms_transaction SET ended_at = $1, energy = $2, reason = $3, settled = 1 WHERE id = $4",
            microseconds(found.ended_at),
            found.energy,
            found.reason,
            transaction_id,
        )

    async def by_key(self, station_id: str, key: str) -> Kept | None:
        """Return a station's transaction by its natural key."""
        return await self._one("station_id = $1 AND key = $2", station_id, key)

    async def by_number(self, station_id: str, number: int) -> Kept | None:
        """Return a transaction by our number; another station's is none of this one's."""
        return await self._one("station_id = $1 AND id = $2", station_id, number)

    async def ended_by(self, station_id: str, stop: Message) -> Kept | None:
        """Return the transaction a stop of 1.6 has ended: the same token, meter and moment."""
        rows = await self.database.fetch(
            f"{_SELECT} WHERE station_id = $1 AND station_transaction_id = '' AND EXISTS (SELECT 1"
            " FROM cpms_transaction_message AS stop WHERE stop.transaction_id = cpms_transaction.id"
            " AND stop.key = 'Ended' AND stop.at = $2 AND stop.register = $3) ORDER BY id",
            station_id,
            microseconds(stop.at),
            stop.register,
        )
        for kept in map(_kept, rows):
            ended = next(each for each in await self.messages(kept.id) if each.kind == "Ended")
            if (ended.detail or {}).get("id_token") == (stop.detail or {}).get("id_token"):
                return kept
        return None

    async def by_session(self, session_id: str) -> Kept | None:
        """Return the transaction a session is."""
        return await self._one("session_id = $1 AND state <> 'ADOPTED'", session_id)

    async def orphans(self, station_id: str) -> list[Kept]:
        """Return a station's stops that had no start."""
        rows = await self.database.fetch(
            f"{_SELECT} WHERE station_id = $1 AND key LIKE '1:?%' AND state = 'ENDED' ORDER BY id", station_id
        )
        return [_kept(row) for row in rows]

    async def unsettled(self) -> list[Kept]:
        """Return what is going on, and what ended without everybody having been told."""
        rows = await self.database.fetch(f"{_SELECT} WHERE settled = 0 ORDER BY id")
        return [_kept(row) for row in rows]

    async def messages(self, transaction_id: int) -> list[Message]:
        """Return the messages of a transaction, in the order they came."""
        rows = await self.database.fetch(
            f"SELECT {_MESSAGE} FROM cpms_transaction_message WHERE transaction_id = $1 ORDER BY id", transaction_id
        )
        return [_message(row) for row in rows]

    async def _one(self, where: str, *args: Any) -> Kept | None:
        rows = await self.database.fetch(f"{_SELECT} WHERE {where}", *args)
        return _kept(rows[0]) if rows else None


_SELECT = f"SELECT id, {_COLUMNS} FROM cpms_transaction"


def order_document(outlet: Outlet, authorization: Authorization) -> bytes:
    """Return an outlet and who may use it as JSON."""
    return codec.encode({"outlet": asdict(outlet), "authorization": asdict(authorization)})


def order_of(document: bytes) -> tuple[Outlet, Authorization]:
    """Return what ``order_document`` wrote."""
    order = codec.decode(document)
    return _outlet(order["outlet"]), Authorization(**order["authorization"])


def _outlet(document: dict[str, Any]) -> Outlet:
    return Outlet(**{**document, "power": float(document["power"])})


def _outlet_document(outlet: Outlet | None) -> bytes | None:
    return None if outlet is None else codec.encode(asdict(outlet))


def _authorization_document(authorization: Authorization | None) -> bytes | None:
    return None if authorization is None else codec.encode(asdict(authorization))


def _values(kept: Kept) -> Sequence[Any]:
    return (
        kept.station_id,
        kept.key,
        kept.station_transaction_id,
        kept.evse_id,
        kept.connector_id,
        kept.session_id,
        _outlet_document(kept.outlet),
        _authorization_document(kept.authorization),
        kept.verdict,
        kept.state,
        microseconds(kept.started_at),
        None if kept.ended_at is None else microseconds(kept.ended_at),
        kept.energy,
        kept.reason,
        int(kept.unbilled),
        int(kept.settled),
        None if kept.ends_by is None else microseconds(kept.ends_by),
    )


def _kept(row: Row) -> Kept:
    outlet, authorization = row[7], row[8]
    return Kept(
        id=row[0],
        station_id=row[1],
        key=row[2],
        station_transaction_id=row[3],
        evse_id=row[4],
        connector_id=row[5],
        session_id=row[6],
        outlet=None if outlet is None else _outlet(codec.decode(outlet)),
        authorization=None if authorization is None else Authorization(**codec.decode(authorization)),
        verdict=row[9],
        state=row[10],
        started_at=at(row[11]),
        ended_at=None if row[12] is None else at(row[12]),
        energy=row[13],
        reason=row[14],
        unbilled=bool(row[15]),
        settled=bool(row[16]),
        ends_by=None if row[17] is None else at(row[17]),
    )


def _message_values(message: Message) -> Sequence[Any]:
    return (
        message.key,
        message.kind,
        message.seq_no,
        microseconds(message.at),
        microseconds(message.received_at),
        message.register,
        message.power,
        message.current,
        message.soc,
        message.charging_state,
        None if message.detail is None else codec.encode(message.detail),
    )


def _message(row: Row) -> Message:
    return Message(
        key=row[0],
        kind=row[1],
        seq_no=row[2],
        at=at(row[3]),
        received_at=at(row[4]),
        register=row[5],
        power=row[6],
        current=row[7],
        soc=row[8],
        charging_state=row[9],
        detail=None if row[10] is None else codec.decode(row[10]),
    )
