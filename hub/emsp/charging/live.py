"""What a driver sees while he charges: his charges' progress whenever it changes, and time passing meanwhile.

A reader is told states, not events: one too slow to read misses what was in between and nothing else. Told by the
transactions that change a charge, in every process.

Source: RASD-R9; X-44 (a CPO that sends no updates).
"""

import asyncio
import contextlib
import datetime
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator

from hub.api.feed import FeedEnded
from hub.database.contract import Database
from hub.emsp.charging.charges import CHANNEL, Charge, Progress, charges, progress

TICK = 10.0  # seconds after which a charge under way is told again, for time has passed


class Reader:
    """One who looks on.

    Attributes:
        news: ids of charges that have changed; "": everything may have.
    """

    def __init__(self, live: "LiveCharges", driver_id: str, tick: float) -> None:
        self._live = live
        self._driver_id = driver_id
        self._tick = tick
        self._ready: deque[Progress] = deque()
        self._looked: float | None = None
        self._awake = asyncio.Event()
        self._ended = False
        self.news = {""}

    def tell(self, charge_id: str) -> None:
        """Have a charge looked at."""
        self.news.add(charge_id)
        self._awake.set()

    def end(self) -> None:
        """Let the reader go."""
        self._ended = True
        self._awake.set()

    async def next(self, within: float) -> Progress | None:
        """Return how far a charge is; None: there is nothing new within this many seconds.

        Raises:
            FeedEnded: there will be no more.
        """
        if not self._ready:
            await self._wait(within)
            await self._look()
        return self._ready.popleft() if self._ready else None

    async def _wait(self, within: float) -> None:
        if self.news or self._ended:
            return
        self._awake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), min(within, self._tick))

    async def _look(self) -> None:
        if self._ended:
            raise FeedEnded
        time = asyncio.get_running_loop().time()
        if self._looked is None or time - self._looked >= self._tick:
            self.news.add("")
        if "" in self.news:
            self._looked = time
        news, self.news = self.news, set()
        self._ready.extend(await self._live.progress_of(self._driver_id, news))


class LiveCharges:
    """Tells drivers of their charges."""

    def __init__(self, database: Database, now: Callable[[], datetime.datetime]) -> None:
        self._database = database
        self._now = now
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)
        database.listen(CHANNEL, self._heard)

    def _heard(self, payload: str) -> None:
        driver_id, _, charge_id = payload.partition("\n")
        # Where notifications may have been missed, everybody looks at everything.
        for readers in [self._readers.get(driver_id, set())] if payload else list(self._readers.values()):
            for each in readers:
                each.tell(charge_id)

    @contextlib.contextmanager
    def reading(self, driver_id: str, *, tick: float = TICK) -> Iterator[Reader]:
        """Have somebody look on: first at all charges that are live, then at whatever changes, and at time."""
        reader = Reader(self, driver_id, tick)
        self._readers[driver_id].add(reader)
        try:
            yield reader
        finally:
            self._readers[driver_id].discard(reader)
            if not self._readers[driver_id]:
                del self._readers[driver_id]

    def end(self) -> None:
        """Let every reader go: the server is about to stop."""
        for readers in self._readers.values():
            for each in readers:
                each.end()

    async def of_driver(self, driver_id: str, *, tick: float = TICK) -> AsyncIterator[Progress]:
        """Yield the progress of a driver's charges."""
        with self.reading(driver_id, tick=tick) as reader:
            while True:
                found = await reader.next(tick)
                if found is not None:
                    yield found

    async def progress_of(self, driver_id: str, news: set[str]) -> list[Progress]:
        """Return how far some charges of a driver are, and with "" all that are live."""
        found: dict[str, Charge] = {}
        if "" in news:
            live = "driver_id = $1 AND state IN ('PAYING', 'ASKED', 'ACCEPTED', 'STARTED', 'CHARGING', 'STOPPING')"
            found |= {each.id: each for each in await charges(self._database, live, driver_id)}
        for charge_id in sorted(news - {""} - found.keys()):
            for each in await charges(self._database, "id = $1 AND driver_id = $2", charge_id, driver_id):
                found[each.id] = each
        return [progress(each, self._now()) for _, each in sorted(found.items())]
