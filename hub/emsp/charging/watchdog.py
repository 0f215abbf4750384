"""What should have come and did not: a result, a Session, the end after a stop, a CDR.

Each charge's row says by when its next news are due; what is overdue becomes a case, and the driver is told
where it is his concern. Times that end a charge are looked at here too, for a CPO may send no updates.
"""

import datetime
import functools
import logging

from hub.database.contract import Transaction
from hub.emsp.charging.cases import Kind, open_case
from hub.emsp.charging.charges import Charge, State, change, charges, write
from hub.emsp.charging.following import Following, limited
from hub.emsp.charging.ground import Ground
from hub.ocpi.times import stamp

log = logging.getLogger(__name__)

#: By state: which case it is when nothing comes, and what the driver is told.
_MISSING: dict[State, tuple[Kind, str | None]] = {
    "ASKED": ("RESULT_MISSING", "NO_RESULT"),
    "ACCEPTED": ("RESULT_MISSING", "NO_RESULT"),
    "STARTED": ("SESSION_MISSING", "NO_SESSION"),
    "STOPPING": ("STOP_MISSING", None),
    "ENDED": ("CDR_MISSING", None),
}

#: Which charges need no money any more: no CDR comes of them.
_UNBILLED = "(state = 'FAILED' OR (state = 'ENDED' AND outcome IN ('GIVEN_UP', 'SESSION_INVALID')))"


class Watchdog:
    """Looks for what is overdue."""

    def __init__(self, ground: Ground, following: Following) -> None:
        self._ground = ground
        self._following = following

    async def look(self) -> None:
        """Raise cases for what is overdue, end what has had its time, let go money nobody needs."""
        now = self._ground.now()
        for charge in await charges(self._ground.database, "due_at <= $1", stamp(now), most=100):
            await change(self._ground.database, charge.id, functools.partial(self._overdue, now))
        ended = "(ends_by <= $1 OR time_limit <= $1) AND stop_order IS NULL AND state IN ('STARTED', 'CHARGING')"
        for charge in await charges(self._ground.database, ended, stamp(now), most=100):
            await change(self._ground.database, charge.id, functools.partial(self._over, now))
        for charge in await charges(self._ground.database, f"held = 1 AND {_UNBILLED}", most=100):
            await self._release(charge)

    async def _overdue(self, now: datetime.datetime, tx: Transaction, charge: Charge) -> None:
        if charge.due_at is None or charge.due_at > now:
            return
        if charge.state == "PAYING":
            await self._following.failed(tx, charge, "NOT_PAID")
        if charge.state not in _MISSING:
            return
        kind, outcome = _MISSING[charge.state]
        log.warning("charge %s: %s", charge.id, kind)
        if charge.state == "STARTED" and charge.session_id is not None:
            # The Session is here; that it draws nothing yet is the car's affair.
            await write(tx, charge.moved("STARTED", due_at=None))
            return
        detail = {"state": charge.state, "place": str(charge.spot), "session_id": charge.session_id}
        await open_case(tx, kind, charge.id, charge.spot.owner, detail, now)
        if outcome:
            await self._following.failed(tx, charge, outcome)
        else:
            await write(tx, charge.moved(charge.state, due_at=None))

    async def _over(self, now: datetime.datetime, tx: Transaction, charge: Charge) -> None:
        after = limited(charge, now)
        if after is not charge:
            await write(tx, after)

    async def _release(self, charge: Charge) -> None:
        await self._ground.money.release(charge.id)

        async def work(tx: Transaction) -> None:
            await tx.execute(
                f"UPDATE emsp_driver_charge SET held = 0 WHERE id = $1 AND {_UNBILLED}",  # noqa: S608  our own condition
                charge.id,
            )

        await self._ground.database.transact(work)
