"""The trace: every hop of every message, for `emall trace CORRELATION_ID`.

A hop is noted in memory and stored with many others at most 200 ms later, so that it costs the message it is about
next to nothing: the hops of such a while are one row, a JSON array of what kinds there were and which each was, beside
the marks (checksums) of their correlation ids, by which the row is found. A row for each hop, with an index of
correlation ids, costs as much CPU as the rest of the routing.

It is an audit and not the truth: a process that is killed loses the hops of its last 200 ms, and a store that cannot
keep up loses hops rather than memory, and counts them. Nothing else is decided from it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast
from zlib import crc32

import msgspec

from hub.database.contract import Database, DatabaseUnavailable, Transaction
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Party

log = logging.getLogger(__name__)

Direction = Literal["in", "out"]

DAY = 86_400_000_000  # in microseconds
_STORE_EVERY = 0.2  # seconds
_PRUNE_EVERY = 3600.0
_PAGE = 1_000  # bunches forgotten in one transaction


class Hop(NamedTuple):
    """One hop of a message.

    Attributes:
        at: when it was over, in microseconds since 1970, UTC.
        direction: as this hub sees it; ``in`` was asked of it, ``out`` it asked.
        connection: the other end's name.
        outcome: the OCPI status code, ``1000``.
        duration: in microseconds.
    """

    correlation_id: str
    at: int
    direction: Direction
    operation: str
    sender: str
    receiver: str
    connection: str
    outcome: str
    duration: int
    note: str

    @property
    def ms(self) -> float:
        """How long it took, in milliseconds."""
        return self.duration / 1000


#: Finds the bunches that may hold a correlation id; which do is told by the hops themselves.
_FIND = {
    "sqlite": "SELECT hops FROM hub_hops WHERE instr(marks, $1) > 0 ORDER BY id",
    "postgres": "SELECT hops FROM hub_hops WHERE position($1 in marks) > 0 ORDER BY id",
}
#: A hop as it waits: correlation id, when, (direction, operation, sender, receiver, connection, outcome), ms, note.
_Noted = tuple[str, int, tuple[Any, ...], float, str]
_BUNCH = 5_000  # hops in one row at most

_read = msgspec.json.Decoder(tuple[list[list[str]], list[tuple[str, int, int, int, str]]]).decode


def _mark(correlation_id: str) -> bytes:
    """Return four bytes that stand for a correlation id."""
    return crc32(correlation_id.encode()).to_bytes(4, "big")


class Trace:
    """Notes hops and stores them in bunches.

    Args:
        days: how long hops are kept.
        limit: hops that may wait to be stored.
        clock: microseconds since 1970, UTC.
    """

    def __init__(
        self,
        database: Database,
        *,
        days: float = 7,
        limit: int = 50_000,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.lost = 0  # hops that found no room, since the start
        self._database = database
        self._days = days
        self._limit = limit
        self._clock = clock
        self._noted: list[_Noted] = []
        self._timer: asyncio.TimerHandle | None = None
        self._storing: asyncio.Task[None] | None = None
        self._pruning: asyncio.Task[None] | None = None

    def hop(
        self,
        correlation_id: str,
        direction: Direction,
        operation: Operation | str,
        sender: Party | str | None,
        receiver: Party | str | None,
        outcome: int | str,
        ms: float,
        *,
        connection: str = "",
        note: str = "",
    ) -> None:
        """Note a hop that is over; its texts are made when it is stored, off the way of the message."""
        if len(self._noted) >= self._limit:
            self.lost += 1
            return
        self._noted.append(
            (correlation_id, self._clock(), (direction, operation, sender, receiver, connection, outcome), ms, note)
        )
        if self._timer is None and self._storing is None:
            self._timer = asyncio.get_running_loop().call_later(_STORE_EVERY, self._store)

    async def start(self) -> None:
        """Begin to forget what is old."""
        self._pruning = asyncio.get_running_loop().create_task(self._prune_regularly())

    async def stop(self) -> None:
        """Store what is noted, and end."""
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.wait([self._pruning])
        await self.flush()

    async def flush(self) -> None:
        """Store what is noted now."""
        if self._storing is not None:
            await self._storing
        if self._timer is not None:
            self._timer.cancel()
        self._store()
        if self._storing is not None:
            await self._storing

    def _store(self) -> None:
        self._timer = None
        if self._noted:
            noted, self._noted = self._noted, []
            self._storing = asyncio.get_running_loop().create_task(self._write(noted))

    async def _write(self, noted: list[_Noted]) -> None:
        async def work(tx: Transaction) -> None:
            for first in range(0, len(noted), _BUNCH):
                found = noted[first : first + _BUNCH]
                marks = b"".join(map(_mark, dict.fromkeys(each[0] for each in found)))
                kinds: dict[tuple[Any, ...], int] = {}
                hops = [
                    (name, at, kinds.setdefault(what, len(kinds)), round(ms * 1000), note)
                    for name, at, what, ms, note in found
                ]
                await tx.execute(
                    "INSERT INTO hub_hops (at, marks, hops) VALUES ($1, $2, $3)",
                    found[-1][1], marks, msgspec.json.encode(([_said(each) for each in kinds], hops)),
                )  # fmt: skip

        try:
            await self._database.transact(work)
        except DatabaseUnavailable as error:
            self.lost += len(noted)
            log.warning("%d hops are not in the trace: %s", len(noted), error)
        finally:
            self._storing = None
            if self._noted:
                self._timer = asyncio.get_running_loop().call_later(_STORE_EVERY, self._store)

    async def _prune_regularly(self) -> None:
        while True:
            try:
                await self.prune()
            except DatabaseUnavailable as error:
                log.warning("cannot shorten the trace: %s", error)
            await asyncio.sleep(_PRUNE_EVERY)

    async def prune(self) -> None:
        """Forget what is older than ``days``; ids ascend with time, so the oldest are found without an index on it."""
        before = self._clock() - round(self._days * DAY)

        async def work(tx: Transaction) -> int:
            return await tx.execute(
                "DELETE FROM hub_hops WHERE id IN (SELECT id FROM hub_hops ORDER BY id LIMIT $1) AND at < $2",
                _PAGE,
                before,
            )

        while await self._database.transact(work) == _PAGE:
            pass


@lru_cache(maxsize=4096)
def _said(what: "tuple[Any, ...]") -> tuple[str, ...]:
    """Return what a hop was as texts; the same few operations, parties and outcomes stand in all hops."""
    return tuple("" if each is None else str(each) for each in what)


async def hops(database: Database, correlation_id: str) -> list[Hop]:
    """Return the hops of a message, in the order they were over."""
    bunches = await database.fetch(_FIND[database.dialect], _mark(correlation_id))
    found = [hop for (bunch,) in bunches for hop in _of(bunch, correlation_id)]
    return sorted(found, key=lambda hop: hop.at)


def _of(bunch: bytes, correlation_id: str) -> list[Hop]:
    """Return the hops of a message in a bunch."""
    found = []
    kinds, hops = _read(bunch)
    for name, at, kind, duration, note in hops:
        if name == correlation_id:
            direction, operation, sender, receiver, connection, outcome = kinds[kind]
            found.append(
                Hop(
                    name, at, cast(Direction, direction), operation, sender, receiver, connection, outcome, duration,
                    note,
                )
            )  # fmt: skip
    return found
