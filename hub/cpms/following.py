"""Memory that follows the store: what a channel says has changed is read again, by whichever process it was changed."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence

from hub.database.contract import Database, DatabaseUnavailable

log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds until a store that could not be read is tried again

#: What has changed: (channel, payload of its notification); a payload of "" is anything, as at the start.
Change = tuple[str, str]
Read = Callable[[Sequence[Change]], Awaitable[None]]


class Following:
    """Calls ``read`` at the start and for what changes from then on, never twice at once.

    Args:
        read: reads what has changed, in its order, or everything where a payload is "".
    """

    def __init__(self, database: Database, channels: Sequence[str], read: Read) -> None:
        self._channels = channels
        self._read = read
        self._stale: dict[Change, None] = {}  # in the order of the last time each was told
        self._awake = asyncio.Event()
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        for channel in channels:
            database.listen(channel, functools.partial(self._note, channel))

    def _note(self, channel: str, payload: str) -> None:
        self._stale.pop((channel, payload), None)
        self._stale[channel, payload] = None
        self._awake.set()

    async def start(self) -> None:
        """Read everything, and follow."""
        await self.now(*((channel, "") for channel in self._channels))
        self._task = asyncio.create_task(self._follow(), name=f"following {self._channels[0]}")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def now(self, *changes: Change) -> None:
        """Read what the caller has changed himself: he need not wait until he hears of it."""
        async with self._reading:
            await self._read(changes)

    async def _follow(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            stale, self._stale = self._stale, {}
            try:
                await self.now(*stale)
            except DatabaseUnavailable as error:
                log.warning("%s cannot be read: %s", self._channels[0], error)
                self._stale = stale | self._stale
                self._awake.set()
                await asyncio.sleep(_PAUSE)
