"""What nobody tells: meters that are silent, cars that do not come, sessions that last too long, stops that are lost.

One task looks at everything that goes on every few seconds. What it has to ask of a station is a
task of its own, at most one per transaction, so that a station that does not answer holds up none.

Source: REQUIREMENTS X-53, X-55, X-57, X-60, SGEM-4.1-14, SGEM-4.1-18, SGEM-4.4-05, RASD-F07; OCPP 1.6, 5.17;
OCPP 2.0.1, part 2, E14, F06.
"""

import asyncio
import datetime
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from hub.cpms.costs import Costs
from hub.cpms.ledger import Ledger
from hub.cpms.needs import Clock, Concern, OperationCentre
from hub.cpms.ports import Desk, ReservationEnded
from hub.cpms.remote import Remote
from hub.cpms.remote_starts import RemoteStarts
from hub.cpms.reservations import Reservations, StationReservation
from hub.cpms.running import Running
from hub.ocpp.events import ChargerError, Chargers, Commands

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long things may last, in seconds.

    Attributes:
        look: between two looks; also how old the meter reading may be that a Session shows.
        silence: without a meter reading, until the station is asked for one.
        lost: until a transaction that seems over, and was not ended, is ended by its last reading.
        longest: a session; test: a test session.
        again: until a station that did not stop, or let a reservation go, is told to once more.
        cost: for which a station that shows what a session costs goes without hearing of it; 0: it is told in
            answers only.
        stop_when_full: whether a session ends when its car says it is full; one with an end of its own always does.
    """

    look: float = 5.0
    silence: float = 300.0
    lost: float = 3600.0
    longest: float = 86_400.0
    test: float = 300.0
    again: float = 60.0
    cost: float = 60.0
    stop_when_full: bool = False


class Watching:
    """The task."""

    def __init__(
        self,
        *,
        desk: Desk,
        chargers: Chargers,
        ledger: Ledger,
        remote: Remote,
        starts: RemoteStarts,
        reservations: Reservations,
        centre: OperationCentre,
        costs: Costs,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._desk = desk
        self._chargers = chargers
        self._ledger = ledger
        self._remote = remote
        self._starts = starts
        self._reservations = reservations
        self._centre = centre
        self._costs = costs
        self._clock = clock
        self._limits = limits
        self._asking: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._told_at: dict[int, datetime.datetime] = {}  # when stations were told of withdrawn reservations
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="watching sessions")

    async def stop(self) -> None:
        """Look no more; what the meters said last is told on."""
        tasks = [task for task in (self._task, *self._asking.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.tell_updates()

    async def settled(self) -> None:
        """Return when everything that was asked of stations has come to an end."""
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(self._limits.look)
            try:
                await self.look()
            except Exception:
                # Whatever one look meets, the next one has to come.
                log.exception("watching sessions")

    async def look(self) -> None:
        """Look at everything once."""
        now = self._clock.now()
        await self.tell_updates()
        for order in self._starts.waiting():
            if order.until <= now:
                await self._remote.release(order)
        for kept in self._reservations.expired(now):
            # A station of 2.0.1 tells so itself, perhaps at this very moment.
            if await self._reservations.over(kept):
                await self._desk.tell(ReservationEnded(reservation_id=kept.reservation_id, canceled=False, at=now))
        for kept in self._reservations.withdrawn:
            await self._take_back(kept, now)
        for run in self._ledger.runs:
            await self._look_at(run, now)

    async def _take_back(self, kept: StationReservation, now: datetime.datetime) -> None:
        """Have its station let a withdrawn reservation go, as soon as it can be told; one that has expired is gone."""
        key = ("reservation", kept.id)
        if kept.expires_at <= now:
            self._told_at.pop(kept.id, None)
            await self._reservations.forget(kept)
            return
        told_at = self._told_at.get(kept.id)
        due = told_at is None or _since(told_at, now) >= self._limits.again
        if due and key not in self._asking and self._chargers.presence(kept.evse.station_id) is not None:
            self._told_at[kept.id] = now
            self._ask(key, self._remote.take_back(kept))

    def _ask(self, about: tuple[str, int], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asking[about] = task
        task.add_done_callback(lambda _: self._asking.pop(about, None))

    async def tell_updates(self) -> None:
        """Tell each Session whose meter has moved how far."""
        for run in self._ledger.runs:
            if not (run.changed and run.begun) or run.ended:
                continue
            run.changed = False
            update = run.update()
            if update is not None:
                await self._desk.tell(update)

    async def _look_at(self, run: Running, now: datetime.datetime) -> None:
        if run.ended:
            if _since(run.heard_at, now) >= self._limits.lost:
                await self._ledger.settle(run, waited=True)
                self._ledger.wake()
            return
        if ("transaction", run.kept.id) in self._asking or self._chargers.presence(run.kept.station_id) is None:
            # Nothing is believed of a station that cannot be asked: it may be charging, and will tell.
            return
        work = self._due(run, now)
        if work is not None:
            self._ask(("transaction", run.kept.id), work)

    def _due(self, run: Running, now: datetime.datetime) -> "Coroutine[Any, Any, None] | None":
        """Return what is to be asked of a transaction's station now."""
        limits = self._limits
        reason = run.cut_because or self._reason_to_stop(run, now)
        if reason is not None:
            due = run.cut_at is None or _since(run.cut_at, now) >= limits.again
            return self._cut(run, reason, now) if due else None
        if run.doubted_at is not None and _since(run.doubted_at, now) >= limits.lost:
            return self._give_up(run)
        asked = run.asked_at or run.heard_at
        if _since(max(run.heard_at, asked), now) >= limits.silence:
            return self._fetch(run, now)
        return self._costs.tell(run, now) if self._costs.due(run, now) else None

    # -- stopping ----------------------------------------------------------------------------------

    def _reason_to_stop(self, run: Running, now: datetime.datetime) -> str | None:
        kept, limits = run.kept, self._limits
        lasted = _since(kept.started_at, now)
        if kept.verdict and kept.authorization is None:
            return "nobody may charge here with this token"
        if kept.unbilled and lasted >= limits.test:
            return "a test lasts no longer"
        if lasted >= limits.longest:
            return "it lasts too long"
        if run.ends_by is not None and run.ends_by <= now:
            return "its time is over"
        if run.full and (limits.stop_when_full or run.ends_by is not None):
            return "the battery is full"
        return None

    async def _cut(self, run: Running, reason: str, now: datetime.datetime) -> None:
        first = run.cut_at is None
        run.cut_at, run.cut_because = now, reason
        result = await self._remote.stop(run)
        log.warning("%s: session %s is stopped, %s: %s", run.kept.station_id, run.kept.session_id, reason, result)
        if first and reason == "it lasts too long":
            await self._warn(run, "SESSION_TOO_LONG", reason)
        elif not first:
            await self._warn(run, "SESSION_NOT_STOPPED", f"told to stop, because {reason}; it goes on ({result})")

    async def _warn(self, run: Running, kind: Concern, text: str) -> None:
        kept = run.kept
        await self._centre.warn(
            kind,
            station_id=kept.station_id,
            session_id=kept.session_id,
            text=f"Session {kept.session_id} at {kept.station_id}: {text}",
        )

    # -- asking ------------------------------------------------------------------------------------

    async def _fetch(self, run: Running, now: datetime.datetime) -> None:
        """Ask for the meter of a transaction that says nothing (TriggerMessage; 2.0.1 also whether it goes on)."""
        run.asked_at = now
        try:
            commands = self._chargers.commands(run.kept.station_id)
            if commands.version != "1.6" and await self._is_over(commands, run):
                await self._ledger.give_up(run)
                return
            await commands.trigger("TransactionEvent", run.evse)
        except ChargerError as error:
            log.warning("%s: the meter could not be asked for: %r", run.kept.station_id, error)

    async def _give_up(self, run: Running) -> None:
        """End what seems to be over, unless its station knows better."""
        try:
            commands = self._chargers.commands(run.kept.station_id)
            if commands.version != "1.6" and not await self._is_over(commands, run):
                run.doubted_at = None
                return
        except ChargerError as error:
            log.warning("%s: the transaction could not be asked about: %r", run.kept.station_id, error)
            return
        await self._ledger.give_up(run)

    async def _is_over(self, commands: Commands, run: Running) -> bool:
        """Whether a station of 2.0.1 has ended a transaction, and has nothing more to tell of it."""
        answer = await commands.transaction_status(run.kept.called)
        return answer.status in ("Ended", "Unknown") and not answer.payload.get("messagesInQueue")


def _since(then: datetime.datetime, now: datetime.datetime) -> float:
    return (now - then).total_seconds()
