"""Those who deliver: a bounded number of couriers who take turns with the queues of all destinations.

A queue stands in line at most once and is served one delivery at a time, so one is in flight to a destination at most;
then it goes to the end of the line. A courier lives as long as there is a line.
"""

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from hub.ocpi.errors import OcpiError, ReceiverUnreachable, ServerError, error_for
from hub.ocpi.messages import Party, Response
from hub.ocpi.queues import Delivery, Push, Queue, Verdict, verdicts

log = logging.getLogger(__name__)

OFFLINE = "party offline; it pulls when it returns"

_DELAYS = (1.0, 4.0, 15.0, 60.0, 240.0)  # seconds


def retry_delay(attempts: int, jitter: float) -> float | None:
    """Return how long to wait before the next attempt, in seconds; None: there is none.

    Args:
        attempts: how often it was sent, at least once.
        jitter: from 0 to 1, by chance; spreads what failed together by a fifth either way.
    """
    if attempts > len(_DELAYS):
        return None
    return _DELAYS[attempts - 1] * (0.8 + 0.4 * jitter)


class Couriers:
    """The queues, and who serves them.

    Args:
        send: makes one request of a delivery; raises what ``RemotePlatform`` raises.
        settle: told what became of deliveries.
        present: returns what an operator's retry sends instead of the stored push, if anything.
        at_once: deliveries in flight, to all destinations together.
        queue_limit: deliveries that may wait for one destination.
        clock: seconds that only go forward.
        chance: returns a number from 0 to 1.

    Attributes:
        serving: whether deliveries that wait are sent; those in flight come to their end anyway.
    """

    def __init__(
        self,
        send: Callable[[Delivery], Awaitable[Response]],
        settle: Callable[[Iterable[Verdict]], None],
        *,
        present: Callable[[Push], Awaitable[Push | None]] | None,
        at_once: int,
        queue_limit: int,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self.serving = True
        self.tasks: set[asyncio.Task[None]] = set()
        self._send = send
        self._settle = settle
        self._present = present
        self._at_once = at_once
        self._queue_limit = queue_limit
        self._clock = clock
        self._chance = chance
        self._queues: dict[tuple[str, Party], Queue] = {}
        self._line: deque[Queue] = deque()
        self._working = 0
        self._resting: list[tuple[float, int, Queue]] = []
        self._rests = 0  # orders those that end at the same time
        self._timer: asyncio.TimerHandle | None = None

    def put(self, delivery: Delivery) -> None:
        """Take in a delivery for a CONNECTED party; it is sent when its turn comes."""
        destination = (delivery.connection_id, delivery.party)
        queue = self._queues.get(destination)
        if queue is None:
            queue = self._queues[destination] = Queue(*destination, self._queue_limit)
        queue.offline = False
        if settled := queue.put(delivery):
            self._settle(settled)
        self._line_up(queue)

    def offline(self, connection_id: str) -> None:
        """Fail all that waits for the parties of a connection."""
        for queue in [each for each in self._queues.values() if each.connection_id == connection_id]:
            queue.offline = True
            queue.resting_until = None
            self._settle(queue.clear(OFFLINE))
            self._let_go(queue)

    def forget(self) -> None:
        """Drop what waits, without a verdict: another node sends it."""
        for queue in self._queues.values():
            queue.clear("")
        self._queues.clear()
        self._line.clear()
        self._resting.clear()

    def stop(self) -> None:
        """Send nothing more; ``tasks`` are those that still send."""
        self.serving = False
        if self._timer is not None:
            self._timer.cancel()

    def tick(self) -> None:
        """Go on with the queues that have rested; called by a timer, and by whoever moves the clock."""
        now = self._clock()
        while self._resting and self._resting[0][0] <= now:
            due, _, queue = heapq.heappop(self._resting)
            if queue.resting_until == due:
                queue.resting_until = None
                self._let_go(queue)
                self._line_up(queue)
        self._set_timer(now)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._resting and self.serving:
            delay = max(0.0, self._resting[0][0] - now)
            self._timer = asyncio.get_running_loop().call_later(delay, self.tick)

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    @property
    def in_flight(self) -> int:
        return self._working

    def _line_up(self, queue: Queue) -> None:
        """Give a queue its turn, if it has something to send and is neither busy nor resting."""
        if queue.busy or queue.resting_until is not None or not queue:
            return
        queue.busy = True
        self._line.append(queue)
        if self._working < self._at_once and self.serving:
            self._working += 1
            task = asyncio.get_running_loop().create_task(self._work())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _work(self) -> None:
        """Serve the line; nothing is awaited between its end and no longer being counted."""
        try:
            while self._line and self.serving:
                queue = self._line.popleft()
                if queue:
                    delivery = queue.take()
                    self._conclude(queue, delivery, await self._attempt(delivery))
                queue.busy = False
                self._let_go(queue)
                self._line_up(queue)
        finally:
            self._working -= 1

    async def _attempt(self, delivery: Delivery) -> OcpiError | None:
        """Send once; return what went wrong."""
        delivery.attempts += 1
        try:
            if delivery.again and self._present is not None:
                delivery.push = await self._present(delivery.push) or delivery.push
            response = await self._send(delivery)
        except OcpiError as error:
            return error
        except Exception:
            log.exception("delivery %d failed (%s)", delivery.id, delivery.push.correlation_id)
            return ServerError("internal error of the hub")
        if response.succeeded:
            return None
        said = error_for(response.status_code, response.status_message)
        if isinstance(said, ReceiverUnreachable):  # An answer was received, so it is not the receiver who is away.
            return ServerError(f"it answered 4003 {said}")
        return said

    def _conclude(self, queue: Queue, delivery: Delivery, error: OcpiError | None) -> None:
        """Settle a delivery that was sent, or let its queue rest."""
        if error is None:
            self._settle(verdicts(delivery, "done", ""))
            return
        if isinstance(error, ReceiverUnreachable):
            self._settle(verdicts(delivery, "failed", OFFLINE))
            self.offline(delivery.connection_id)
            return
        if error.transient and not self._keeps(queue):
            return  # whoever leads now tries again
        reason = f"{error.status_code} {error}"
        delay = retry_delay(delivery.attempts, self._chance()) if error.transient and not queue.offline else None
        if delay is None:
            self._settle(verdicts(delivery, "failed", reason))
            return
        self._settle([Verdict(delivery.id, "pending", delivery.attempts, reason), *queue.put_back(delivery)])
        queue.resting_until = self._clock() + delay
        self._rests += 1
        heapq.heappush(self._resting, (queue.resting_until, self._rests, queue))
        self._set_timer(self._clock())

    def _let_go(self, queue: Queue) -> None:
        """Forget a queue that has nothing to do."""
        if not (queue or queue.busy or queue.resting_until is not None) and self._keeps(queue):
            del self._queues[queue.connection_id, queue.party]

    def _keeps(self, queue: Queue) -> bool:
        return self._queues.get((queue.connection_id, queue.party)) is queue
