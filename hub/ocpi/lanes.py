"""A lane: so many requests to one party at once, the others in order behind them.

What ``asyncio.Semaphore`` with ``wait_for`` does, without a task for each that waits.
"""

import asyncio
from collections import deque

from hub.ocpi.errors import ReceiverTimeout


class Lane:
    """The way to one party.

    Args:
        width: requests in flight at most.
    """

    __slots__ = ("_free", "_waiting")

    def __init__(self, width: int) -> None:
        self._free = width
        self._waiting: deque[asyncio.Future[None]] = deque()

    def taken(self) -> bool:
        """Take a place if one is left; return whether there was."""
        if self._free > 0:
            self._free -= 1
            return True
        return False

    async def enter(self, timeout: float) -> None:
        """Take a place, at once or when one is left.

        Args:
            timeout: how long to wait for one, in seconds.

        Raises:
            ReceiverTimeout: none was left in that time.
        """
        if self.taken():
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(timeout, _give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # the place came with the cancellation
            raise
        finally:
            timer.cancel()

    def leave(self) -> None:
        """Leave the place to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _give_up(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(ReceiverTimeout("Too many requests wait for the receiving party"))
