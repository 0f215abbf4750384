"""How far charges are, as server-sent events (RASD-R9, X-44)."""

import contextlib
from collections.abc import Callable
from decimal import Decimal

import msgspec

from hub.api.feed import Event
from hub.api.shapes import Moment, Shape
from hub.emsp.charging.charges import Progress
from hub.emsp.charging.live import LiveCharges, Reader

#: The kind of these events.
KIND = "progress"


class ProgressSeen(Shape, frozen=True, kw_only=True):
    """How far a charge is.

    Attributes:
        state: PAYING, ASKED, ACCEPTED, STARTED, CHARGING, STOPPING, ENDED, BILLED or FAILED.
        outcome: why it failed, or the last result, as a code.
        kwh, kw, soc: null where the CPO does not tell; ``soc`` in percent.
        cost: so far, all taxes included; of a charge that is billed what it costs.
        estimated: whether ``cost`` has what time has added, by the Tariff, since the operator last told something.
        seconds: since it started.
        ends_by: when its time at the EVSE is over.
        told_at: when the CPO last told something.
    """

    id: str
    state: str
    outcome: str | None
    kwh: Decimal | None
    kw: Decimal | None
    soc: int | None
    cost: Decimal | None
    estimated: bool
    currency: str | None
    seconds: int
    ends_by: Moment | None
    told_at: Moment | None


def progress_seen(progress: Progress) -> ProgressSeen:
    """Return progress as it is shown."""
    return ProgressSeen(
        id=progress.charge_id, state=progress.state, outcome=progress.outcome, kwh=progress.kwh, kw=progress.kw,
        soc=progress.soc, cost=progress.cost, estimated=progress.estimated, currency=progress.currency,
        seconds=progress.seconds, ends_by=progress.ends_by, told_at=progress.told_at,
    )  # fmt: skip


class Looker:
    """One who looks at his charges, as a stream reads him."""

    def __init__(self, reader: Reader, leave: Callable[[], None]) -> None:
        self._reader = reader
        self.leave = leave
        self._count = 0

    async def next(self, within: float) -> Event | None:
        """Return how far a charge is; None: there is nothing new within this many seconds.

        Raises:
            FeedEnded: there will be no more.
        """
        found = await self._reader.next(within)
        if found is None:
            return None
        self._count += 1
        return Event(id=str(self._count), kind=KIND, data=msgspec.to_builtins(progress_seen(found)))


class Lookers:
    """The progress of one driver's charges, as a source of events."""

    def __init__(self, live: LiveCharges, driver_id: str) -> None:
        self._live = live
        self._driver_id = driver_id

    def subscribe(
        self, kinds: frozenset[str] | None, *, after: str | None, wants: Callable[[Event], bool] | None
    ) -> Looker:  # fmt: skip
        """Return a new reader; what he has missed he is told as it is now."""
        held = contextlib.ExitStack()
        return Looker(held.enter_context(self._live.reading(self._driver_id)), held.close)

    def unsubscribe(self, subscription: Looker) -> None:
        """Let a reader go."""
        subscription.leave()
