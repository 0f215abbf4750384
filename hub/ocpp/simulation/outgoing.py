"""Transaction messages on their way: kept while the link is down, told in order, repeated until answered.

A message whose answer did not come is told again under a new message id, as stations do; a CALLERROR
is answered by as many further attempts as the settings say, each after a longer pause.

Source: OCPP 1.6 edition 2, 3.7.1 Error responses to transaction-related messages; OCPP 2.0.1 edition 3,
part 2, E12, E13 and part 4, 4.1.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hub.ocpp.simulation.clock import Clock
from hub.ocpp.simulation.configuration import Configuration
from hub.ocpp.simulation.link import LinkDown, NoAnswer, Refused

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message that must arrive.

    Attributes:
        transaction: the station's own name of the transaction it belongs to.
        request: makes the payload when it is sent: a transaction of 1.6 has its id by then.
        answered: is given the answer.
        delay: seconds it is kept back.
    """

    transaction: str
    request: Callable[[], Any]
    answered: Callable[[Any], None]
    delay: float = 0.0


class Calling(Protocol):
    """Sends a CALL and returns its answer; raises ``LinkError``."""

    async def __call__(self, request: Any) -> Any: ...


class Queue:
    """The transaction messages of one station, first in first out.

    Args:
        noted: is called when a message has left the queue.
        twice: whether each is told a second time though it was answered.
    """

    def __init__(
        self,
        call: Calling,
        configuration: Configuration,
        clock: Clock,
        *,
        noted: Callable[[], None],
        twice: bool = False,
    ) -> None:
        self._call = call
        self._configuration = configuration
        self._clock = clock
        self._noted = noted
        self._twice = twice
        self._waiting: deque[Outgoing] = deque()
        self._ready = asyncio.Event()
        self._open = asyncio.Event()

    def put(self, message: Outgoing) -> None:
        self._waiting.append(message)
        self._ready.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def holds(self, transaction: str) -> bool:
        """Whether messages of a transaction still wait."""
        return any(each.transaction == transaction for each in self._waiting)

    def open(self) -> None:
        """Let messages go: the station is connected and accepted."""
        self._open.set()

    def shut(self) -> None:
        """Keep messages back."""
        self._open.clear()

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            await self._ready.wait()
            await self._open.wait()
            if self._waiting:
                await self._send(self._waiting[0])
            else:
                self._ready.clear()

    async def _send(self, message: Outgoing) -> None:
        """Send the first message; it stays the first until it is answered or given up."""
        if message.delay:
            await self._clock.sleep(message.delay)
        attempts = 0
        while True:
            try:
                answer = await self._attempt(message)
            except LinkDown:
                await self._open.wait()
            except NoAnswer as error:
                log.info("told again: %s", error)
            except Refused as error:
                attempts += 1
                if attempts >= self._configuration.number("TransactionMessageAttempts"):
                    log.warning("given up after %d attempts: %s", attempts, error)
                    self._waiting.popleft()
                    return self._noted()
                await self._clock.sleep(attempts * self._configuration.number("TransactionMessageRetryInterval"))
            else:
                self._waiting.popleft()
                message.answered(answer)
                return self._noted()

    async def _attempt(self, message: Outgoing) -> Any:
        answer = await self._call(message.request())
        if self._twice:
            await self._call(message.request())
        return answer
