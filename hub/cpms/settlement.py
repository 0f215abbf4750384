"""The end of a transaction: billed once, or, if it cannot be billed as it is, made a case.

Source: REQUIREMENTS X-56, SGEM-4.1-15 to 17.
"""

import datetime
import logging
from collections.abc import Callable, Sequence

from hub.cpms.cases import Cases, Kind
from hub.cpms.needs import OperationCentre
from hub.cpms.ports import Desk, SessionCanceled, SessionEnded
from hub.cpms.running import Running
from hub.cpms.signed import signed_data
from hub.cpms.transaction_store import LOST, Kept, TransactionStore
from hub.cpms.transactions import Message, Usage, in_order, missing, usage
from hub.database.contract import Database, Transaction
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time

log = logging.getLogger(__name__)

#: Cases of a transaction that was given up which its stop answers.
_OF_GIVING_UP: tuple[Kind, ...] = ("START_WITHOUT_STOP", "INVALID_USAGE")

#: How far a station's clock may be off without anybody looking at it, in seconds.
_SKEW = 60.0


class Settlement:
    """What is done about transactions that are over."""

    def __init__(
        self,
        *,
        database: Database,
        desk: Desk,
        centre: OperationCentre,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self.cases = Cases(database)
        self._store = TransactionStore(database)
        self._desk = desk
        self._centre = centre
        self._clock = clock

    async def settle(self, run: Running, messages: Sequence[Message], *, waited: bool) -> bool:
        """Tell what a transaction used; False if what is to be billed may still come, and is waited for.

        Args:
            waited: whether it has been waited for long enough.
        """
        ordered = in_order(messages)
        kept = run.kept
        if missing(ordered) and not waited and not kept.stop_only:
            return False
        found = usage(ordered, power=run.power)
        await self._open_cases(run, ordered, found)
        if run.begun:
            await self._desk.tell(_ended(kept, found))
        else:
            # An order whose transaction never told its start leaves no Session that waits for ever.
            await self._desk.tell(SessionCanceled(session_id=kept.session_id, at=found.ended_at))
        await self._store.database.transact(lambda tx: self._store.settle(tx, kept.id, found))
        return True

    async def late_stop(self, kept: Kept, messages: Sequence[Message], *, power: float | None) -> None:
        """Bill a transaction we gave up as its stop says after all; what cannot be put right by itself is a case."""
        found = usage(in_order(messages), power=power)
        if found.fault is None and (found.energy, found.ended_at) == (kept.energy, kept.ended_at):
            return
        more = found.fault is None and not found.set_back and (found.energy or 0) >= (kept.energy or 0)
        if more and await self._desk.correct(_ended(kept, found)):
            await self._store.database.transact(lambda tx: self._corrected(tx, kept, found))
            return
        await self._open(kept, "LATE_STOP", {"billed_wh": _wh(kept.energy), "told_wh": _wh(found.energy)})

    async def _corrected(self, tx: Transaction, kept: Kept, found: Usage) -> None:
        """Keep what was billed in the end, and close the cases of what was not known before."""
        await self._store.settle(tx, kept.id, found)
        for kind in _OF_GIVING_UP:
            await self.cases.resolve(tx, kind, kept.id, note="its stop came later, and is billed", at=self._clock())

    async def start_came(self, tx: Transaction, kept: Kept) -> None:
        """Close the case of a stop whose start has come."""
        note = "its start came later"
        await self.cases.resolve(tx, "STOP_WITHOUT_START", kept.id, note=note, at=self._clock())

    # -- cases -------------------------------------------------------------------------------------

    async def _open_cases(self, run: Running, ordered: Sequence[Message], found: Usage) -> None:
        kept = run.kept
        detail = _detail(found)
        for kind in _kinds(run, ordered, found):
            await self._open(kept, kind, detail)
        if found.fault is not None and run.begun:
            text = f"Session {kept.session_id} is not billed: {found.fault}"
            await self._centre.warn("USAGE_INVALID", station_id=kept.station_id, session_id=kept.session_id, text=text)

    async def _open(self, kept: Kept, kind: Kind, detail: JSONObject) -> None:
        await self.cases.open(
            kind,
            station_id=kept.station_id,
            transaction_id=kept.id,
            session_id=kept.session_id,
            detail=detail,
            opened_at=self._clock(),
        )


def _kinds(run: Running, ordered: Sequence[Message], found: Usage) -> list[Kind]:
    """Return what somebody has to look at."""
    kept = run.kept
    kinds: list[Kind] = []
    if not run.started:
        kinds.append("STOP_WITHOUT_START")
    elif kept.authorization is None:
        if found.energy != 0:
            kinds.append("UNAUTHORIZED")
    elif kept.outlet is None:
        kinds.append("NO_PLACE")
    elif found.fault is not None:
        kinds.append("INVALID_USAGE")
    elif kept.state == LOST:
        kinds.append("START_WITHOUT_STOP")
    if found.rolled_over:
        kinds.append("METER_ROLLOVER")
    if found.set_back:
        kinds.append("METER_SET_BACK")
    if any(abs((each.detail or {}).get("skew", 0)) > _SKEW for each in ordered):
        kinds.append("CLOCK_SKEW")
    return kinds


def _detail(found: Usage) -> JSONObject:
    return {
        "started_at": date_time(found.started_at),
        "ended_at": date_time(found.ended_at),
        "wh": _wh(found.energy),
        "reason": found.reason,
        "fault": found.fault,
    }


def _wh(energy: int | None) -> float | None:
    return None if energy is None else energy / 1000


def _ended(kept: Kept, found: Usage) -> SessionEnded:
    return SessionEnded(
        session_id=kept.session_id,
        kwh=found.kwh,
        at=found.ended_at,
        charged_until=found.charged_until,
        signed_data=signed_data(found.signed),
        unbilled=kept.unbilled,
        given_up=kept.state == LOST,
        invalid=found.fault,
    )
