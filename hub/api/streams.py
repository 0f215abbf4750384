"""Server-sent events as an answer.

Written here, in forty lines, and not taken from ``sse-starlette``: that patches uvicorn's ``Server``
when it is imported and polls it twice a second to learn of the end, which this house tells its
streams itself; and a reader that does not read has to lose his connection, not our memory.

Source: HTML Living Standard, 9.2.6 (interpreting an event stream).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.api.answers import HEADERS
from hub.api.feed import Event, FeedEnded, SlowReader
from hub.ocpi import codec

#: Seconds between comments that keep proxies from closing a silent stream.
HEARTBEAT = 15.0

#: How long a look at what a reader may have is good for, in seconds: an event that comes later waits for another look.
TRUST = 1.0

#: How long a reader may keep the server from writing, in seconds.
PATIENCE = 30.0

MEDIA_TYPE = "text/event-stream"


def as_text(event: Event) -> bytes:
    """Return an event as it stands in a stream; JSON has no line breaks."""
    return f"id: {event.id}\nevent: {event.kind}\ndata: {codec.encode(event.data).decode()}\n\n".encode()


class Reading(Protocol):
    """One reader's events."""

    async def next(self, within: float) -> Event | None: ...


R = TypeVar("R", bound=Reading)


class Source(Protocol[R]):
    """Where events come from; a ``Feed`` is one."""

    def subscribe(
        self, kinds: frozenset[str] | None, *, after: str | None, wants: Callable[[Event], bool] | None
    ) -> R: ...
    def unsubscribe(self, subscription: R) -> None: ...


class EventStream(Response):
    """The events of a feed, until the reader leaves, is too slow, or the feed ends."""

    def __init__(
        self,
        feed: Source[R],
        kinds: frozenset[str] | None,
        *,
        after: str | None,
        allowed: Callable[[], Awaitable[bool]],
        wants: Callable[[Event], bool] | None = None,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        super().__init__(None, 200, headers={**HEADERS, "X-Accel-Buffering": "no"}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._feed = feed
        self._kinds = kinds
        self._after = after
        self._allowed = allowed
        self._wants = wants
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until somebody ends it."""
        subscription = self._feed.subscribe(self._kinds, after=self._after, wants=self._wants)
        sending = asyncio.create_task(self._send(subscription, send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._feed.unsubscribe(subscription)
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, subscription: Reading, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await _write(send, b": connected\n\n")
            await self._write_events(subscription, send)
        except (SlowReader, TimeoutError):
            return  # without an end, so that the connection is closed
        except FeedEnded:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_events(self, subscription: Reading, send: Send) -> None:
        """Write what comes to a reader who may still have it."""
        time = asyncio.get_running_loop().time
        looked_at = time()
        beat_at = looked_at + self._heartbeat
        while True:
            event = await subscription.next(max(0.0, beat_at - time()))
            now = time()
            if now >= beat_at or now - looked_at >= TRUST:
                if not await self._allowed():
                    return
                looked_at = now
            if event is not None:
                await _write(send, as_text(event))
            if now >= beat_at:
                await _write(send, b": still here\n\n")
                beat_at = now + self._heartbeat


async def _write(send: Send, text: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await send({"type": "http.response.body", "body": text, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Return when the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
