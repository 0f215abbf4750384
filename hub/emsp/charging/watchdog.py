"""What should have come and did not: a result, a Session, the end after a stop, a CDR.

Each charge's row says by when its next news are due; what is overdue becomes a case, and the driver is told
where it is his concern. One that is not heard of any more is given up in the end, so that nobody's money is set aside
for good. Times that end a charge are looked at here too, for a CPO may send no updates.
"""

import dataclasses
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

#: By state: which case it is when nothing comes.
_MISSING: dict[State, Kind] = {
    "ASKED": "RESULT_MISSING",
    "ACCEPTED": "RESULT_MISSING",
    "STARTED": "SESSION_MISSING",
    "STOPPING": "STOP_MISSING",
    "ENDED": "CDR_MISSING",
}

#: Which charges need no money any more: no CDR comes of them, or nobody knows whether one ever will.
_UNBILLED = "(state = 'FAILED' OR (state = 'ENDED' AND outcome IN ('GIVEN_UP', 'SESSION_INVALID', 'NO_NEWS')))"


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
        elif charge.session_id is None and charge.state == "STARTED":
            await self._missing(tx, charge, now)
            await self._following.failed(tx, charge, "NO_SESSION")
        elif charge.state in ("ASKED", "ACCEPTED"):
            await self._missing(tx, charge, now)
            await self._following.failed(tx, charge, "NO_RESULT")
        else:
            await self._unheard(tx, charge, now)

    async def _missing(self, tx: Transaction, charge: Charge, now: datetime.datetime) -> None:
        kind = _MISSING[charge.state]
        log.warning("charge %s: %s", charge.id, kind)
        detail = {"state": charge.state, "place": str(charge.spot), "session_id": charge.session_id}
        await open_case(tx, kind, charge.id, charge.spot.owner, detail, now)

    async def _unheard(self, tx: Transaction, charge: Charge, now: datetime.datetime) -> None:
        """Wait longer for a charge that has its Session, or give it up; that it draws nothing is the car's affair."""
        if charge.state in ("STOPPING", "ENDED"):
            await self._missing(tx, charge, now)
        last = charge.news_at + self._ground.terms.unheard
        if now < last:
            await write(tx, dataclasses.replace(charge, due_at=last))
        else:
            await self._following.unheard(tx, charge)

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
