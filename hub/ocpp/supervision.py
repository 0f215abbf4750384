"""Dead stations noticed: one task looks at all sockets, for one of its own each would cost memory.

A socket from which no byte has come for a while is pinged; one that stays silent then is dead and is cut. One whose
WebSocket answers but whose OCPP is silent, neither heartbeats nor pings of its own for three times the interval it was
told, is cut too: what stands behind it hangs, and a healthy station comes back at once.

Source: OCPP-J 1.6, 5.3 (WebSocket ping); OCPP 1.6, 4.6 (Heartbeat); OCPP 2.0.1 part 4, 5.4.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hub.ocpp.links import Link
from hub.ocpp.sockets import Closed

log = logging.getLogger(__name__)

#: Heartbeats that may be missed; the standard leaves the number open.
MISSED = 3


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long silence may last, in seconds.

    Attributes:
        ping: after which a socket is pinged.
        pong: after which a pinged one is dead.
        look: between two looks at all sockets.
    """

    ping: float = 60.0
    pong: float = 30.0
    look: float = 5.0


class Supervision:
    """Pings the silent and cuts the dead.

    Args:
        links: all links there are.
        alive: told of a link that answered a ping before it ever sent a frame.
    """

    def __init__(
        self, links: Callable[[], Iterable[Link]], alive: Callable[[Link], None], patience: Patience | None = None
    ) -> None:
        self._links = links
        self._alive = alive
        self._patience = patience or Patience()
        self._probing: dict[Link, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End."""
        tasks = [*self._probing.values(), *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._patience.look)
            now = asyncio.get_running_loop().time()
            for number, link in enumerate(list(self._links())):
                self._look(link, now)
                if number % 500 == 499:
                    await asyncio.sleep(0)

    def _look(self, link: Link, now: float) -> None:
        if link in self._probing:
            return
        if link.interval is not None and now - max(link.spoke, link.socket.pinged) > MISSED * max(link.interval, 1):
            log.warning("%s has sent no heartbeat for %d intervals; its socket is cut", link.station_id, MISSED)
            link.socket.transport.abort()
        elif not link.present or now - link.socket.heard > self._patience.ping:
            task = asyncio.create_task(self._probe(link))
            self._probing[link] = task
            task.add_done_callback(lambda _: self._probing.pop(link, None))

    async def _probe(self, link: Link) -> None:
        # Closed: somebody else saw its end.
        with contextlib.suppress(Closed):
            try:
                async with asyncio.timeout(self._patience.pong):
                    await (await link.socket.ping())
            except TimeoutError:
                # A long message under way keeps a pong waiting, but is heard.
                if asyncio.get_running_loop().time() - link.socket.heard >= self._patience.pong:
                    log.warning("%s does not answer; its socket is cut", link.station_id)
                    link.socket.transport.abort()
                return
            if not link.present:
                self._alive(link)
