"""Moments as the tables of money have them: microseconds since 1970, UTC."""

import asyncio
import datetime
from collections.abc import Callable

from hub.ocpi.times import EPOCH


def micros(at: datetime.datetime) -> int:
    """Return a moment in microseconds."""
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def moment_of(at: int) -> datetime.datetime:
    """Return the moment of microseconds."""
    return EPOCH + datetime.timedelta(microseconds=at)


class WorldClock:
    """The time of the world, told by whoever tells it in this process."""

    def __init__(self, now: Callable[[], datetime.datetime]) -> None:
        self.now = now

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
