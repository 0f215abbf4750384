"""What happens, live: told to whoever listens, kept for a while for who was away.

An event has an id and a place in a ring; a reader who comes back names the last id he saw and gets
what came after it, or is told to look at everything if that is gone. A reader too slow for his
queue is let go; he comes back the same way, and harms nobody meanwhile.

Several nodes on one PostgreSQL tell each other by notification: each keeps every event, under the id
its first teller gave it, in the order it heard them.

Source: HTML Living Standard, 9.2 (server-sent events: Last-Event-ID).
"""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.database.contract import PAYLOAD_LIMIT, Database, Transaction
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject

log = logging.getLogger(__name__)

#: Told instead of events that can no longer be had: look at everything again.
RESET = "reset"

_KEPT = 10_000  # events in the ring
_QUEUE = 1_000  # events a reader may be behind


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        id: unique among all nodes.
        kind: status, session, cdr, alarm, booking, charger ...; who may hear it goes by this.
    """

    id: str
    kind: str
    data: JSONObject


class SlowReader(Exception):
    """A reader did not keep up, and is let go."""


class FeedEnded(Exception):
    """The server is about to stop."""


@dataclass(eq=False)
class Subscription:
    """One reader's queue.

    Attributes:
        kinds: what he may hear; None: everything.
        filter: which of those; None: all.
    """

    kinds: frozenset[str] | None
    filter: Callable[[Event], bool] | None = None
    queue: deque[Event] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    slow: bool = False
    ended: bool = False

    def wants(self, event: Event) -> bool:
        if event.kind == RESET:
            return True
        if self.kinds is not None and event.kind not in self.kinds:
            return False
        return self.filter is None or self.filter(event)

    def give(self, event: Event) -> None:
        """Queue an event; one too many, and the reader is let go."""
        if not self.wants(event) or self.slow:
            return
        if len(self.queue) >= _QUEUE:
            self.slow = True
            self.queue.clear()
        else:
            self.queue.append(event)
        self.news.set()

    async def next(self, within: float) -> Event | None:
        """Return the next event; None: there was none within this many seconds.

        Raises:
            SlowReader: there were too many for this reader.
            FeedEnded: there will be no more.
        """
        if not self.queue and not self.slow and not self.ended:
            self.news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), within)
        if self.slow:
            raise SlowReader
        if self.queue:
            return self.queue.popleft()
        if self.ended:
            raise FeedEnded
        return None


class Feed:
    """The events of one party.

    Args:
        database: of the nodes that are to hear each other.
        channel: its own among their notifications; None: each node hears what it publishes by itself.
    """

    def __init__(self, database: Database, channel: str | None = "cpms_feed") -> None:
        self._database = database
        self._channel = channel
        self._node = secrets.token_hex(4)
        self._count = 0
        self._ring: deque[Event] = deque(maxlen=_KEPT)
        self._readers: set[Subscription] = set()
        self._outgoing: list[str] = []
        self._telling: asyncio.Task[None] | None = None
        self._shared = channel is not None and database.dialect == "postgres"
        if channel is not None and self._shared:
            database.listen(channel, self._heard)

    def publish(self, kind: str, data: Mapping[str, object]) -> None:
        """Tell that something happened; called when it is committed."""
        self._count += 1
        event = Event(id=f"{self._node}-{self._count}", kind=kind, data=dict(data))
        self._keep(event)
        if self._shared:
            self._tell_others(event)

    def lost(self) -> None:
        """Tell every reader to look at everything: events may have been missed."""
        self._keep(self._reset())

    def subscribe(
        self,
        kinds: frozenset[str] | None = None,
        *,
        after: str | None = None,
        wants: Callable[[Event], bool] | None = None,
    ) -> Subscription:
        """Return a new reader's queue.

        Args:
            kinds: what he may hear; None: everything.
            after: id of the last event he has seen.
            wants: which of them; None: all.
        """
        made = Subscription(kinds, wants)
        for event in self._since(after) if after else ():
            made.give(event)
        self._readers.add(made)
        return made

    def unsubscribe(self, subscription: Subscription) -> None:
        """Let a reader go."""
        self._readers.discard(subscription)

    def end(self) -> None:
        """Let every reader go: the server is about to stop."""
        for each in self._readers:
            each.ended = True
            each.news.set()

    async def stop(self) -> None:
        """Tell the other nodes what they have not heard, and end."""
        self.end()
        if self._telling is not None:
            await asyncio.gather(self._telling, return_exceptions=True)

    def _keep(self, event: Event) -> None:
        self._ring.append(event)
        for each in list(self._readers):
            each.give(event)

    def _since(self, last: str) -> list[Event]:
        """Return the events after one, or a reset if that is not known."""
        events = list(self._ring)
        place = next((at for at, each in enumerate(events) if each.id == last), None)
        if place is None:
            return [self._reset()]
        missed = events[place + 1 :]
        return missed if len(missed) <= _QUEUE else [self._reset()]

    def _reset(self) -> Event:
        # It takes the place of the newest event, from which a reader goes on when he comes back.
        newest = self._ring[-1].id if self._ring else f"{self._node}-{self._count}"
        return Event(id=newest, kind=RESET, data={})

    # -- other nodes -------------------------------------------------------------------------------

    def _tell_others(self, event: Event) -> None:
        text = codec.encode([event.id, event.kind, event.data]).decode()
        # What is too large for a notification, the others' readers look up.
        self._outgoing.append(text if len(text) <= PAYLOAD_LIMIT else codec.encode([event.id, RESET, {}]).decode())
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._notify(), name="feed")

    async def _notify(self) -> None:
        channel = self._channel
        assert channel is not None, "it is shared"
        while self._outgoing:
            payloads, self._outgoing = self._outgoing, []

            async def work(tx: Transaction, payloads: list[str] = payloads) -> None:
                for each in payloads:
                    tx.notify(channel, each)

            try:
                await self._database.transact(work)
            except Exception:
                log.exception("%d events were not told to other nodes", len(payloads))

    def _heard(self, payload: str) -> None:
        if not payload:
            return self.lost()
        event_id, kind, data = codec.decode(payload.encode())
        if not event_id.startswith(f"{self._node}-"):
            self._keep(Event(id=event_id, kind=kind, data=data))
