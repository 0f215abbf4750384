"""Orders to start that stations were given: whose transaction begins because of one, however late.

An order is written down before the station hears of it. A transaction is matched with it by
2.0.1's remoteStartId, or by the token and the outlet, which is all that 1.6 repeats; also after the
driver was told that it came to nothing, so that no energy flows unseen and unbilled.

Source: OCPP 1.6, 5.11 RemoteStartTransaction; OCPP 2.0.1, part 2, F01, F02.
"""

# ruff: noqa: S608  the only names put into a statement are this file's own column list

import asyncio
import datetime
from dataclasses import dataclass, field

from hub.cpms.moments import at, microseconds
from hub.cpms.ports import Authorization, Outlet
from hub.cpms.transaction_store import order_document, order_of
from hub.database.contract import Database, Row, Transaction
from hub.ocpp.events import EVSE, IdToken, TransactionEvent
from hub.ocpp.words import id_tag

#: How long after an order its token alone is enough to match a transaction with it.
_MATCHED_BY_TOKEN = datetime.timedelta(minutes=15)

#: How long an order can be matched without looking into the store.
_KEPT = datetime.timedelta(hours=24)


@dataclass(kw_only=True)
class RemoteStart:
    """One order.

    Attributes:
        id: 2.0.1's remoteStartId.
        claimed: a transaction has been written down because of it; no other can be.
        used: done once that transaction's Session has been told.
        released: the driver was told that it came to nothing.
        given_up: done once it is released.
    """

    id: int
    evse: EVSE
    id_token: str
    session_id: str
    outlet: Outlet
    authorization: Authorization
    asked_at: datetime.datetime
    until: datetime.datetime
    released: bool = False
    claimed: bool = False
    used: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    given_up: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def waiting(self) -> bool:
        """Whether the car is still awaited."""
        return not self.released and not self.claimed

    def names(self, id_token: IdToken) -> bool:
        """Whether a token is the one this order was for."""
        return id_token.id_token.upper() in (self.id_token.upper(), id_tag(self.id_token).upper())

    def fits(self, station_id: str, id_token: IdToken, evse: EVSE | None, *moments: datetime.datetime) -> bool:
        """Whether a token presented at a station is the one this order was for.

        Args:
            moments: when it was, and when that was heard: one of them is within the time an order is matched in.
        """
        return (
            not self.claimed
            and self.evse.station_id == station_id
            and (evse is None or evse.evse_id in (0, self.evse.evse_id))
            and self.names(id_token)
            and any(self.asked_at <= each <= self.asked_at + _MATCHED_BY_TOKEN for each in moments)
        )


class RemoteStarts:
    """The orders given to stations."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, RemoteStart] = {}

    async def load(self, now: datetime.datetime) -> None:
        """Remember what the last run left open."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE state <> 'USED' AND asked_at > $1 ORDER BY id", microseconds(now - _KEPT)
        )
        self._known = {row[0]: _remote_start(row) for row in rows}

    async def open(
        self,
        *,
        evse: EVSE,
        id_token: str,
        session_id: str,
        outlet: Outlet,
        authorization: Authorization,
        asked_at: datetime.datetime,
        until: datetime.datetime,
    ) -> RemoteStart:
        """Write an order down, before its station hears of it."""

        async def work(tx: Transaction) -> Row:
            rows = await tx.fetch(
                "INSERT INTO cpms_remote_start"
                " (station_id, evse_id, id_token, session_id, document, asked_at, until, state)"
                f" VALUES ($1, $2, $3, $4, $5, $6, $7, 'OPEN') RETURNING {_COLUMNS}",
                evse.station_id,
                evse.evse_id,
                id_token,
                session_id,
                order_document(outlet, authorization),
                microseconds(asked_at),
                microseconds(until),
            )
            return rows[0]

        opened = _remote_start(await self._database.transact(work))
        self._known = {key: each for key, each in self._known.items() if asked_at - each.asked_at < _KEPT}
        self._known[opened.id] = opened
        return opened

    async def match(self, event: TransactionEvent) -> RemoteStart | None:
        """Return the order a new transaction begins because of."""
        if event.remote_start_id is not None:
            found = self._known.get(event.remote_start_id) or await self._load(event.remote_start_id)
            fits = found is not None and found.evse.station_id == event.station_id and not found.claimed
            return found if fits else None
        if event.id_token is None:
            return None
        # A station that went offline tells of a start that followed its order at once only when it is back.
        return self.presented(event.station_id, event.id_token, event.evse, event.received_at, event.at)

    def presented(
        self, station_id: str, id_token: IdToken, evse: EVSE | None, *moments: datetime.datetime
    ) -> RemoteStart | None:
        """Return the newest order for a token at a station, presented and heard of at these moments."""
        fitting = (each for each in self._known.values() if each.fits(station_id, id_token, evse, *moments))
        return max(fitting, key=lambda each: each.id, default=None)

    async def use(self, tx: Transaction, order: RemoteStart) -> None:
        """Write down that a transaction has begun because of an order."""
        await tx.execute("UPDATE cpms_remote_start SET state = 'USED' WHERE id = $1", order.id)

    def claim(self, order: RemoteStart) -> None:
        """Let no other transaction begin because of an order, once ``use`` is committed."""
        order.claimed = True
        self._known.pop(order.id, None)

    async def release(self, order: RemoteStart) -> bool:
        """Give up waiting; False if a transaction has begun, or it was given up before."""

        async def work(tx: Transaction) -> int:
            return await tx.execute(
                "UPDATE cpms_remote_start SET state = 'RELEASED' WHERE id = $1 AND state = 'OPEN'", order.id
            )

        if not await self._database.transact(work):
            return False
        order.released = True
        if not order.given_up.done():
            order.given_up.set_result(None)
        return True

    def waiting(self) -> list[RemoteStart]:
        """Return the orders whose cars are awaited."""
        return [each for each in self._known.values() if each.waiting]

    def waiting_at(self, evse: EVSE) -> RemoteStart | None:
        """Return the order whose car is awaited at an EVSE."""
        key = (evse.station_id, evse.evse_id)
        return next((each for each in self.waiting() if (each.evse.station_id, each.evse.evse_id) == key), None)

    def waiting_for(self, session_id: str) -> RemoteStart | None:
        """Return the order whose car is awaited for a session."""
        return next((each for each in self.waiting() if each.session_id == session_id), None)

    async def _load(self, number: int) -> RemoteStart | None:
        rows = await self._database.fetch(f"{_SELECT} WHERE id = $1 AND state <> 'USED'", number)
        return _remote_start(rows[0]) if rows else None


_COLUMNS = "id, station_id, evse_id, id_token, session_id, document, asked_at, until, state"
_SELECT = f"SELECT {_COLUMNS} FROM cpms_remote_start"


def _remote_start(row: Row) -> RemoteStart:
    number, station_id, evse_id, id_token, session_id, document, asked_at, until, state = row
    outlet, authorization = order_of(document)
    return RemoteStart(
        id=number,
        evse=EVSE(station_id=station_id, evse_id=evse_id),
        id_token=id_token,
        session_id=session_id,
        outlet=outlet,
        authorization=authorization,
        asked_at=at(asked_at),
        until=at(until),
        released=state == "RELEASED",
    )
