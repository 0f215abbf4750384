"""A clock that tests move: who sleeps by it wakes when it is moved past his time."""

import asyncio
import datetime
import heapq
import itertools


class ManualClock:
    """Time that stands still until it is advanced."""

    def __init__(self, at: datetime.datetime | None = None) -> None:
        self._at = at or datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
        self._sleepers: list[tuple[datetime.datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime.datetime:
        return self._at

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        until = self._at + datetime.timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (until, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking each sleeper at his time and letting him do his work."""
        end = self._at + datetime.timedelta(seconds=seconds)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._at, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self._at = end


async def settle() -> None:
    """Let everything that can run now run; the tasks of these tests wait for nothing but each other."""
    for _ in range(50):
        await asyncio.sleep(0)
