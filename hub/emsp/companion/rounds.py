"""Work that goes on: one round after another, at once when somebody wakes it, else after a pause."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hub.database.contract import DatabaseUnavailable
from hub.emsp.companion.needs import Clock

log = logging.getLogger(__name__)


class Rounds:
    """A task that does a work again and again; a round that fails is done again, and says so.

    Args:
        work: what is due stands in rows, so that a round finds what an earlier one left.
        pause: seconds between two rounds, if nobody wakes it.
        leads: asked before each round, where one process does for all; None: every process has its own.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        clock: Clock,
        pause: float,
        leads: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._clock = clock
        self._pause = pause
        self._leads = leads
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have the next round begin now."""
        self._awake.set()

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End; what is going on is broken off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                if self._leads is None or await self._leads():
                    await self._work()
            except DatabaseUnavailable as error:
                log.warning("%s: %s", self._name, error)
            except Exception:
                log.exception("%s: a round failed", self._name)
            await self._rest()

    async def _rest(self) -> None:
        waits = [asyncio.ensure_future(self._awake.wait()), asyncio.ensure_future(self._clock.sleep(self._pause))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
