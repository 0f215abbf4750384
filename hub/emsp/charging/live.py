"""What a driver sees while he charges: his charges' progress whenever it changes, and time passing meanwhile.

A reader is told states, not events: one too slow to read misses what was in between and nothing else. Told by the
transactions that change a charge, in every process.

Source: RASD-R9; X-44 (a CPO that sends no updates).
"""

import asyncio
import contextlib
import datetime
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from hub.database.contract import Database
from hub.emsp.charging.charges import CHANNEL, Progress, charges, progress

TICK = 10.0  # seconds after which a charge under way is told again, for time has passed


class _Reader:
    """One who looks on."""

    def __init__(self) -> None:
        self.news: set[str] = set()
        self.awake = asyncio.Event()

    def tell(self, charge_id: str) -> None:
        self.news.add(charge_id)
        self.awake.set()


class LiveCharges:
    """Tells drivers of their charges."""

    def __init__(self, database: Database, now: Callable[[], datetime.datetime]) -> None:
        self._database = database
        self._now = now
        self._readers: defaultdict[str, set[_Reader]] = defaultdict(set)
        database.listen(CHANNEL, self._heard)

    def _heard(self, payload: str) -> None:
        driver_id, _, charge_id = payload.partition("\n")
        # Where notifications may have been missed, everybody looks at everything.
        for readers in [self._readers.get(driver_id, set())] if payload else list(self._readers.values()):
            for each in readers:
                each.tell(charge_id)

    async def of_driver(self, driver_id: str, *, tick: float = TICK) -> AsyncIterator[Progress]:
        """Yield the progress of a driver's charges: all that are live, then whatever changes, and now and then time."""
        reader = _Reader()
        self._readers[driver_id].add(reader)
        try:
            live = {each.charge_id for each in await self._live(driver_id)}
            reader.news |= live
            while True:
                for charge_id in sorted(await self._wanted(driver_id, reader)):
                    async for each in self._progress(charge_id, driver_id):
                        yield each
                reader.awake.clear()
                if not reader.news:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.awake.wait(), tick)
                if not reader.news:
                    reader.news |= {each.charge_id for each in await self._live(driver_id)}
        finally:
            self._readers[driver_id].discard(reader)
            if not self._readers[driver_id]:
                del self._readers[driver_id]

    async def _wanted(self, driver_id: str, reader: _Reader) -> set[str]:
        news, reader.news = reader.news, set()
        if "" in news:
            news |= {each.charge_id for each in await self._live(driver_id)}
        return news - {""}

    async def _progress(self, charge_id: str, driver_id: str) -> AsyncIterator[Progress]:
        for charge in await charges(self._database, "id = $1 AND driver_id = $2", charge_id, driver_id):
            yield progress(charge, self._now())

    async def _live(self, driver_id: str) -> list[Progress]:
        found = await charges(self._database, "driver_id = $1 AND place IS NOT NULL", driver_id)
        cards = await charges(
            self._database,
            "driver_id = $1 AND place IS NULL AND state IN ('STARTED', 'CHARGING', 'STOPPING')",
            driver_id,
        )
        return [progress(each, self._now()) for each in (*found, *cards)]
