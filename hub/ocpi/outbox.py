"""The outbox: copies of a push on their way to many parties, each in its own time, none lost and none twice in a row.

How it works
============

A broadcast is answered as soon as it is stored. `enqueue` runs inside the transaction of whoever acknowledges: the
push is stored once, with one pending delivery for each party it goes to. With the commit goes a notification, and only
from it does the node that delivers learn of the push; so what was rolled back is never sent, what was committed always
is, and pushes come into the queues in the order of their commits. A push stored by this process is at hand and seldom
read; one of another node is. (Two nodes that take pushes of the same object within a millisecond are told apart
by the object's `last_updated` alone.)

A destination is a party on a connection. Each has a queue (`queues.py`), which is a cache of the pending rows, and one
delivery in flight at most. A bounded number of couriers take turns with the queues that have something to send: a
queue that was served goes to the end of the line, so a slow destination holds up only itself. What waits behind a slow
one is conflated per object and bounded; beyond the bound the oldest fails.

What comes of a delivery decides what follows:

* a success: done;
* a refusal (2xxx and whatever else is not transient): failed with its reason, for good; the next one goes;
* a transient failure (3000, 4002, HTTP 5xx): the queue rests and then tries again, as `retry_delay` says, while the
  party is CONNECTED;
* no connection (4003 of our own): the party is OFFLINE; this and all that waits for it fails. OCPI says not to queue
  messages: a party that was away pulls. Nothing is replayed when it returns.

Outcomes are collected and stored a few dozen milliseconds later, many in one transaction. After a crash whatever is
still pending is loaded and sent, even if it had been sent: pushes are idempotent.

With several nodes on PostgreSQL only the leading one delivers. When the lead moves, the next one loads what is pending.

The outbox does not know what it carries: `send` resolves the connection and speaks OCPI, and an operator's retry asks
`present` for the object as it is now.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Literal

from hub.database.contract import Database, DatabaseUnavailable, Transaction
from hub.ocpi.couriers import OFFLINE, Couriers, retry_delay
from hub.ocpi.deliveries import (
    CHANNEL,
    SPAN,
    DeliveryInfo,
    Destination,
    insert,
    list_deliveries,
    microseconds,
    pending,
    prune,
    retry,
    settle,
)
from hub.ocpi.messages import Dialect, Response
from hub.ocpi.queues import Delivery, Push, Verdict

__all__ = [
    "OFFLINE",
    "Delivery",
    "DeliveryInfo",
    "Destination",
    "Outbox",
    "Push",
    "list_deliveries",
    "retry",
    "retry_delay",
]

log = logging.getLogger(__name__)

DAY = 86_400_000_000  # in microseconds
_STORE_EVERY = 0.03  # seconds outcomes are collected
_PAUSE = 1.0  # seconds until the store is asked again after it failed
_LEAD_EVERY = 5.0  # seconds between looks at who leads
_PRUNE_EVERY = 600.0
_FRESH = 10_000  # pushes at hand whose commit has not been told of; the rest is read from the store


class Outbox:
    """Stores pushes and, while this node leads, delivers them.

    Args:
        database: holds the truth.
        send: makes one request of a delivery; raises what ``RemotePlatform`` raises.
        versions: by number, the versions a stored body may be in.
        present: returns what an operator's retry sends instead of the stored push, if anything.
        at_once: deliveries in flight, to all destinations together.
        queue_limit: deliveries that may wait for one destination.
        keep_done: how long a row is kept after success, in days.
        keep_failed: how long a row is kept after failure, in days.
        clock: seconds that only go forward, for rests.
        stamp: microseconds since 1970, UTC, for rows.
        chance: returns a number from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        send: Callable[[Delivery], Awaitable[Response]],
        *,
        versions: Mapping[str, Dialect],
        present: Callable[[Push], Awaitable[Push | None]] | None = None,
        at_once: int = 1024,
        queue_limit: int = 10_000,
        keep_done: float = 1,
        keep_failed: float = 30,
        clock: Callable[[], float] = time.monotonic,
        stamp: Callable[[], int] = microseconds,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.couriers = Couriers(
            send, self._settle, present=present, at_once=at_once, queue_limit=queue_limit, clock=clock, chance=chance
        )
        self._database = database
        self._versions = versions
        self._keep_done = keep_done
        self._keep_failed = keep_failed
        self._clock = clock
        self._stamp = stamp

        self._state: Literal["new", "following", "leading", "stopping"] = "new"
        self._fresh: dict[str, tuple[Push, Sequence[Destination]]] = {}  # by push id: stored, but not told of yet
        self._told: deque[str] = deque()  # ids of pushes to read from the store, as they were committed; "": all
        self._reading = False
        self._known: set[int] = set()  # deliveries in memory, and those settled but not stored so
        self._verdicts: list[Verdict] = []
        self._store_timer: asyncio.TimerHandle | None = None
        # Reading excludes storing, so that a delivery is always known here or stored as what became of it.
        self._store_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leader: asyncio.Task[None] | None = None

    # -- storing, inside the transaction of whoever acknowledges -------------------------------------

    async def enqueue(self, tx: Transaction, push: Push, destinations: Sequence[Destination]) -> int | None:
        """Store a push to spread; after the commit it is delivered by itself. Return its id, None if nobody gets it.

        Nothing here touches the queues: on SQLite this runs in the writer's thread, and the work may yet be undone.
        """
        if not destinations:
            return None
        push_id = await insert(tx, push, destinations, self._stamp())
        if any(each.deliverable for each in destinations):
            tx.notify(CHANNEL, str(push_id))
            if self._state == "leading" and len(self._fresh) < _FRESH:
                self._fresh[str(push_id)] = (push, destinations)
        return push_id

    # -- running --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to deliver if this node leads, with what was pending when the last one stopped."""
        self._state = "following"
        self._database.listen(CHANNEL, self._tell)
        await self._look_for_lead()
        self._leader = asyncio.get_running_loop().create_task(self._keep_lead())

    async def drain(self) -> None:
        """Wait until everything that can be sent now was sent and its outcome is stored; rests are not waited for."""
        while tasks := self._tasks | self.couriers.tasks:
            await asyncio.wait(tasks)
            await self._store()
        await self._store()

    async def stop(self, timeout: float = 5.0) -> None:
        """Send nothing more, wait for what is in flight, and store its outcomes; the rest stays pending.

        Args:
            timeout: seconds until what is in flight is given up; it is sent again after the next start.
        """
        self._state = "stopping"
        self.couriers.stop()
        if self._leader is not None:
            self._leader.cancel()
            await asyncio.wait([self._leader])
        if tasks := self._tasks | self.couriers.tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._store()
        if self._store_timer is not None:
            self._store_timer.cancel()

    def offline(self, connection_id: str) -> None:
        """Fail all that waits for the parties of a connection that is not CONNECTED any more."""
        self.couriers.offline(connection_id)

    # -- hearing of pushes ------------------------------------------------------------------------------

    def _tell(self, push_id: str) -> None:
        """Hear that a push was committed; in the order of the commits."""
        if self._state != "leading":
            self._fresh.pop(push_id, None)
        elif push_id in self._fresh and not self._reading:
            self._feed(push_id, *self._fresh.pop(push_id))
        else:
            self._read_later(push_id)

    def _feed(self, push_id: str, push: Push, destinations: Sequence[Destination]) -> None:
        first = int(push_id) * SPAN
        for number, (connection_id, party, deliverable, _) in enumerate(destinations):
            if deliverable and first + number not in self._known:  # known if it was read before it was told of
                self._known.add(first + number)
                self.couriers.put(Delivery(first + number, push, connection_id, party))

    def _read_later(self, push_id: str) -> None:
        self._told.append(push_id)
        if not self._reading:
            self._reading = True
            self._run(self._read())

    async def _read(self) -> None:
        """Put what was told of into the queues, one after the other; nothing is awaited after the last.

        What is at hand is read too: an earlier look at everything may have found it, sent it and stored that.
        """
        try:
            while self._told and self._state == "leading":
                push_id = self._told.popleft()
                self._fresh.pop(push_id, None)
                try:
                    await self._load(int(push_id) if push_id else None)
                except DatabaseUnavailable as error:
                    log.warning("cannot read what is to be delivered: %s", error)
                    self._told.appendleft(push_id)
                    await asyncio.sleep(_PAUSE)
        finally:
            self._reading = False

    async def _load(self, push_id: int | None) -> None:
        """Put the pending deliveries of a push, or of all, into their queues, unless they are there."""
        after: int | None = -1
        while after is not None and self._state == "leading":
            async with self._store_lock:
                found, lost, after = await pending(self._database, self._versions, push_id=push_id, after=after)
                for delivery in found:
                    if delivery.id not in self._known:
                        self._known.add(delivery.id)
                        self.couriers.put(delivery)
                self._settle(lost)

    # -- storing outcomes ----------------------------------------------------------------------------------

    def _settle(self, settled: Iterable[Verdict]) -> None:
        self._verdicts.extend(settled)
        if self._store_timer is None:
            self._store_later(_STORE_EVERY)

    def _store_later(self, delay: float) -> None:
        self._store_timer = asyncio.get_running_loop().call_later(delay, self._store_now)

    def _store_now(self) -> None:
        self._store_timer = None
        self._run(self._store())

    async def _store(self) -> None:
        """Store what became of deliveries, all in one transaction."""
        async with self._store_lock:
            settled, self._verdicts = self._verdicts, []
            if not settled:
                return
            at = self._stamp()
            try:
                await self._database.transact(lambda tx: settle(tx, settled, at))
            except DatabaseUnavailable as error:
                log.warning("cannot store what became of deliveries: %s", error)
                self._verdicts = settled + self._verdicts
                self._store_later(_PAUSE)
                return
            self._known.difference_update([each.id for each in settled if each.state != "pending"])

    # -- leading ----------------------------------------------------------------------------------------------

    async def _keep_lead(self) -> None:
        next_prune = self._clock()
        while True:
            if self._state == "leading" and self._clock() >= next_prune:
                next_prune = self._clock() + _PRUNE_EVERY
                with contextlib.suppress(DatabaseUnavailable):  # the next round is soon enough
                    await self.prune()
            await asyncio.sleep(_LEAD_EVERY)
            await self._look_for_lead()

    async def _look_for_lead(self) -> None:
        try:
            leads = await self._database.try_lead()
        except DatabaseUnavailable:
            leads = False
        if leads and self._state == "following":
            self._state = "leading"
            self._read_later("")
        elif not leads and self._state == "leading":
            # The node that leads now loads what is pending; what is in flight here comes to its end.
            self._state = "following"
            self.couriers.forget()
            self._told.clear()
            self._known.clear()

    async def prune(self) -> None:
        """Forget what has been kept long enough."""
        self._fresh.clear()  # of works that were undone nobody tells; what is told of yet is read from the store
        now = self._stamp()
        done, failed = now - round(self._keep_done * DAY), now - round(self._keep_failed * DAY)
        await prune(self._database, done_before=done, failed_before=failed)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
