"""Work that is due at moments it names itself."""

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from hub.database.contract import DatabaseUnavailable
from hub.ocpi.times import utc_now

log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds until work that met no store is tried again


class Clock(Protocol):
    """Where the time comes from; tests move their own."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class WorldClock:
    """The time of the world."""

    def now(self) -> datetime.datetime:
        return utc_now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Timer:
    """Does work at the start, whenever it is woken, and at the moment the work last returned.

    Args:
        work: returns when it is due again; None: not before somebody wakes it.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[datetime.datetime | None]], clock: Clock) -> None:
        self._name = name
        self._work = work
        self._clock = clock
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._due: datetime.datetime | None = None

    def start(self) -> None:
        """Begin; the first work is done soon."""
        self._awake.set()
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End; work that is going on is broken off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        """Have the work done soon: what it last said of its next moment may be wrong."""
        self._awake.set()

    def wake_by(self, moment: datetime.datetime) -> None:
        """Have the work done at a moment, if it is not due sooner."""
        if self._due is None or moment < self._due:
            self.wake()

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                self._due = await self._work()
            except DatabaseUnavailable as error:
                log.warning("%s: %s", self._name, error)
                self._due = self._clock.now() + datetime.timedelta(seconds=_PAUSE)
            await self._wait(self._due)

    async def _wait(self, due: datetime.datetime | None) -> None:
        waits: list[asyncio.Future[bool]] = [asyncio.ensure_future(self._awake.wait())]
        if due is not None:
            left = (due - self._clock.now()).total_seconds()
            if left <= 0:
                self._awake.set()
            waits.append(asyncio.ensure_future(self._sleep(left)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _sleep(self, seconds: float) -> bool:
        await self._clock.sleep(seconds)
        return True
