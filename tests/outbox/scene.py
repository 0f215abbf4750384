"""Parties behind the outbox, a clock, and the pushes they hear of."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from hub.database import Database, DatabaseUnavailable, Transaction
from hub.ocpi import codec
from hub.ocpi.messages import Body, Party, Response
from hub.ocpi.modules import locations
from hub.ocpi.outbox import (
    Delivery,
    Destination,
    Outbox,
    Push,
    list_deliveries,
)

HUB, CPO = Party("NL", "HUB"), Party("DE", "ABC")
ALF, BET, GAM = Party("NL", "ALF"), Party("NL", "BET"), Party("NL", "GAM")
SECOND = 1_000_000  # in microseconds

Make = Callable[..., Outbox]


def destination(party: Party, **rest: Any) -> Destination:
    return Destination(f"connection of {party}", party, **rest)


def patch(uid: str = "E1", /, *, correlation_id: str = "c", **fields: Any) -> Push:
    """Return the PATCH of an EVSE that says these fields."""
    operation = locations.patch_evse
    return Push(
        operation=operation,
        params={"country_code": "DE", "party_id": "ABC", "location_id": "LOC 1/2", "evse_uid": uid},
        body=Body(operation.body, text=codec.encode(fields), owner=CPO, partial=True),
        sender=HUB,
        owner=CPO,
        correlation_id=correlation_id,
        key="locations/DE-ABC/LOC 1/2",
    )


class Parties:
    """The parties behind ``send``: they record what they get, and answer as told.

    Attributes:
        got: by party, the (EVSE, body) of each request, in order.
        answers: by party, what it answers next; afterwards success.
        held: parties that take their time until they are let go.
        most: how many requests were in flight at once, at most.
    """

    def __init__(self) -> None:
        self.got: dict[Party, list[tuple[str, Any]]] = defaultdict(list)
        self.deliveries: list[Delivery] = []
        self.answers: dict[Party, list[Response | Exception]] = defaultdict(list)
        self.held: dict[Party, asyncio.Event] = {}
        self.flying: dict[Party, int] = defaultdict(int)
        self.most = 0

    async def send(self, delivery: Delivery) -> Response:
        party, push = delivery.party, delivery.push
        assert self.flying[party] == 0, "one in flight to a destination"
        assert push.body is not None
        self.deliveries.append(delivery)
        self.got[party].append((push.params["evse_uid"], codec.decode(push.body.text(None))))
        self.flying[party] += 1
        self.most = max(self.most, sum(self.flying.values()))
        try:
            await (self.held[party].wait() if party in self.held else asyncio.sleep(0))
        finally:
            self.flying[party] -= 1
        answer = self.answers[party].pop(0) if self.answers[party] else Response()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hold(self, party: Party) -> asyncio.Event:
        return self.held.setdefault(party, asyncio.Event())


class Clock:
    """Seconds and microseconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def seconds(self) -> float:
        return self.now

    def stamp(self) -> int:
        return round(self.now * SECOND)


async def spread(database: Database, outbox: Outbox, push: Push, destinations: Sequence[Destination]) -> int | None:
    return await database.transact(lambda tx: outbox.enqueue(tx, push, destinations))


async def states(database: Database) -> list[tuple[str, str, int, str]]:
    """Return (party, state, attempts, reason) of all deliveries, as they were made."""
    rows = await list_deliveries(database, limit=1000)
    return [(each.party, each.state, each.attempts, each.reason) for each in reversed(rows)]


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another node does, at most ten seconds."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def tell(push_id: str) -> Callable[[Transaction], Any]:
    """Return a work that notifies the outbox."""

    async def work(tx: Transaction) -> None:
        tx.notify("deliveries", push_id)

    return work


class Failing:
    """A store that fails as often as told, then works."""

    def __init__(self, database: Database, failures: int) -> None:
        self._database = database
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def transact(self, work: Any) -> Any:
        self._fail()
        return await self._database.transact(work)

    async def fetch(self, *args: Any, **rest: Any) -> Any:
        self._fail()
        return await self._database.fetch(*args, **rest)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("the store is away; wait for it")
