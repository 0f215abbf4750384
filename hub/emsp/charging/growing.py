"""What time adds to a charge's cost while its CPO tells nothing: an estimate, by the Tariff that holds.

Nothing but time is taken to have passed, no energy, so that it is what is owed at least; a limit of money may stop a
charge by it. The next update of the Session takes its place.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (TIME, PARKING_TIME); RASD-R9, F07; X-44.
"""

import dataclasses
import datetime
from decimal import Decimal

from hub.database.contract import Transaction
from hub.emsp.charging.charges import Charge, change, charges, minor, write
from hub.emsp.charging.following import GROWS, limited
from hub.emsp.charging.ground import Ground
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, moment, stamp

_DAY = datetime.timedelta(days=1)  # what costs no more after it costs nothing by time


class Growing:
    """Estimates the cost of charges that are not heard of."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def look(self) -> None:
        """Estimate what is due to be estimated; what that stops is sent at the same look."""
        now = stamp(self._ground.now())
        for charge in await charges(self._ground.database, "estimate_due <= $1", now, most=100):
            await change(self._ground.database, charge.id, self._grown)

    async def _grown(self, tx: Transaction, charge: Charge) -> None:
        now = self._ground.now()
        if charge.estimate_due is None or charge.estimate_due > now:
            return
        passed = now - charge.news_at
        more, later = await self._added(tx, charge, passed), await self._added(tx, charge, passed + _DAY)
        if charge.cost is None or charge.currency is None or not later:
            await write(tx, dataclasses.replace(charge, estimate_due=None))
            return
        estimate = charge.cost + minor(more, charge.currency) if more else None
        due = now + GROWS if later > more else None
        await write(tx, limited(dataclasses.replace(charge, estimate=estimate, estimate_due=due), now))

    async def _added(self, tx: Transaction, charge: Charge, passed: datetime.timedelta) -> Decimal:
        """Return what some time adds to the cost its CPO told."""
        owner, costs = charge.spot.owner, self._ground.costs
        session = await self._ground.store.sessions.look_in(tx, owner, charge.session_id or "")
        if session is None or session["status"] != "ACTIVE":
            return Decimal(0)
        before = await costs.so_far(tx, owner, after(session, datetime.timedelta(0)))
        then = await costs.so_far(tx, owner, after(session, passed))
        return Decimal(0) if before is None or then is None else max(then - before, Decimal(0))


def after(session: JSONObject, passed: datetime.timedelta) -> JSONObject:
    """Return a Session, without what its CPO says it costs, as it is when nothing but time has passed."""
    plain = {name: value for name, value in session.items() if name != "total_cost"}
    told = max(moment(session["last_updated"]), moment(session["start_date_time"]))
    *before, last = session.get("charging_periods") or [None]
    periods = [*before, _longer(last, passed)] if last else None
    return plain | {"last_updated": date_time(told + passed), "charging_periods": periods}


def _longer(period: JSONObject, passed: datetime.timedelta) -> JSONObject:
    """Return a charging period that goes on: as parking where it is nothing else."""
    volumes = {each["type"]: each for each in period["dimensions"]}
    kind = "PARKING_TIME" if "PARKING_TIME" in volumes and "ENERGY" not in volumes else "TIME"
    hours = Decimal(passed // datetime.timedelta(seconds=1)) / 3600
    volume = Decimal(str(volumes[kind]["volume"])) if kind in volumes else Decimal(0)
    longer = volumes | {kind: {"type": kind, "volume": volume + hours}}
    return period | {"dimensions": list(longer.values())}
