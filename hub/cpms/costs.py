"""What a running transaction costs, told to stations that show it to their driver.

Every answer to a TransactionEvent says it. A station whose variable TariffCostCtrlr.Enabled[Cost] is true shows
it; where such a one has nothing to tell for a while, it is told by CostUpdated.

Source: OCPP 2.0.1, part 2, I02 (running cost), I03 (final cost), TariffCostCtrlr.
"""

import datetime
import logging
from dataclasses import replace
from decimal import Decimal

from hub.cpms.ports import Desk
from hub.cpms.running import Running
from hub.cpms.transaction_store import LOST
from hub.ocpp.events import CallRefused, ChargerError, Chargers, Commands, Variable

log = logging.getLogger(__name__)

_SHOWN = Variable(name="Enabled", component="TariffCostCtrlr", instance="Cost")


class Costs:
    """The costs of one operator's transactions.

    Args:
        every: how long a station that shows the cost goes without hearing of it, in seconds; 0: it is not told.
    """

    def __init__(self, *, desk: Desk, chargers: Chargers, every: float) -> None:
        self._desk = desk
        self._chargers = chargers
        self._every = every
        self._showing: dict[str, tuple[datetime.datetime, bool]] = {}

    async def of(self, run: Running, at: datetime.datetime) -> Decimal | None:
        """Return what a transaction costs so far, taxes included; None: nobody knows, or nobody will be billed."""
        if run.kept.unbilled:
            return Decimal(0)
        update = run.update() if run.kept.authorization is not None else None
        if update is None:
            return None
        return await self._desk.cost(run.kept.session_id, replace(update, at=max(update.at, at)))

    async def final(self, run: Running) -> Decimal | None:
        """Return what a transaction that is over has cost; None: that is not known yet, or it is not billed."""
        kept = run.kept
        if kept.unbilled:
            return Decimal(0)
        # A Session that was given up says what was known then; what its late stop costs is in the CDR.
        known = kept.settled and kept.state != LOST
        return await self._desk.cost(kept.session_id) if known else None

    def due(self, run: Running, now: datetime.datetime) -> bool:
        """Whether a transaction's station has not heard for a while what it costs."""
        station = self._chargers.presence(run.kept.station_id)
        if not self._every or not run.begun or station is None or station.version == "1.6":
            return False
        return (now - (run.cost_told_at or run.kept.started_at)).total_seconds() >= self._every

    async def tell(self, run: Running, now: datetime.datetime) -> None:
        """Have a transaction's station show what it costs."""
        run.cost_told_at = now
        try:
            commands = self._chargers.commands(run.kept.station_id)
            cost = await self.of(run, now) if await self._shown(run.kept.station_id, commands) else None
            if cost is not None:
                await commands.cost_updated(run.kept.called, cost)
        except ChargerError as error:
            log.info("%s: the cost could not be told: %r", run.kept.station_id, error)

    async def _shown(self, station_id: str, commands: Commands) -> bool:
        """Whether a station shows costs: asked once per connection."""
        station = self._chargers.presence(station_id)
        if station is None:
            return False
        since, shown = self._showing.get(station_id, (None, False))
        if since != station.since:
            try:
                found = await commands.get_variables([_SHOWN])
            except CallRefused:
                found = []
            shown = any((each.value or "").lower() == "true" for each in found)
            self._showing[station_id] = (station.since, shown)
        return shown
