"""Where simulated stations get their time; tests move their own."""

import asyncio
import datetime
from typing import Protocol


class Clock(Protocol):
    """Time that passes, and waiting for it."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The time of the world."""

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def timestamp(at: datetime.datetime) -> str:
    """Return a moment as OCPP writes it, with milliseconds."""
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime.datetime:
    """Return the moment a text of OCPP names; without an offset it is UTC."""
    at = datetime.datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=datetime.UTC)
