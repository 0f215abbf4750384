"""Connections kept open between requests: the newest first, each for a few seconds only."""

import asyncio
from collections.abc import Hashable

from hub.ocpi.wire.answers import Answer
from hub.ocpi.wire.connection import Connection

#: How long a connection waits for its next request, in seconds; a shorter Keep-Alive of the peer wins.
IDLE = 15.0
#: How long it may have waited for a request that may not be sent twice, in seconds: servers close after 5 by default
#: (Node.js, uvicorn, Apache), and a request that meets the close on its way is lost.
FRESH = 3.0
#: Idle connections kept to one origin, and to all.
PER_ORIGIN = 64
TOTAL = 1024


class Pool:
    """Idle connections by origin, swept while there are any."""

    def __init__(self, *, idle: float = IDLE, total: int = TOTAL) -> None:
        self._idle = idle
        self._total = total
        self._kept: dict[Hashable, list[Connection]] = {}
        self._count = 0
        self._sweeper: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return self._count

    def take(self, key: Hashable, *, careful: bool) -> Connection | None:
        """Return a connection that may carry a request, if one waits.

        Args:
            careful: only one that has waited for a moment, and the kernel is asked whether the peer
                has closed it already: for a request that may not be sent twice.
        """
        kept = self._kept.get(key)
        while kept:
            if careful and kept[-1].loop.time() - kept[-1].idle_since > FRESH:
                return None  # the others have waited longer
            connection = kept.pop()
            self._count -= 1
            if not connection.open:
                continue
            if connection.idle_until > connection.loop.time() and not (careful and connection.close_pending()):
                return connection
            connection.close()
        return None

    def give(self, key: Hashable, connection: Connection, answer: Answer) -> None:
        """Keep a connection for its next request, or close it."""
        kept = self._kept.setdefault(key, [])
        if not connection.open or len(kept) >= PER_ORIGIN or self._count >= self._total:
            connection.close()
            return
        loop, said = connection.loop, answer.headers.get("keep-alive")
        connection.idle_since = loop.time()
        connection.idle_until = connection.idle_since + (
            self._idle if said is None else min(self._idle, _allowed(said))
        )
        kept.append(connection)
        self._count += 1
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._idle / 4, self._sweep, loop)

    def close(self) -> None:
        """Close all that wait."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for kept in self._kept.values():
            for connection in kept:
                connection.close()
        self._kept.clear()
        self._count = 0

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for key, kept in list(self._kept.items()):
            staying = [each for each in kept if each.open and each.idle_until > now]
            for connection in set(kept).difference(staying):
                connection.close()
            self._count -= len(kept) - len(staying)
            if staying:
                self._kept[key] = staying
            else:
                del self._kept[key]
        self._sweeper = loop.call_later(self._idle / 4, self._sweep, loop) if self._kept else None


def _allowed(keep_alive: str | None) -> float:
    """Return the seconds a Keep-Alive header allows, less one for the way."""
    for parameter in (keep_alive or "").split(","):
        name, _, seconds = parameter.strip().partition("=")
        if name.lower() == "timeout" and seconds.isascii() and seconds.isdigit():
            return max(float(seconds) - 1, 0.0)
    return IDLE
