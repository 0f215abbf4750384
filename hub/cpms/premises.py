"""Everything an operator keeps of its sites and stations, put together.

It is one of the witnesses of the built-in CPMS, and its alarms are that CPMS's operation centre.
"""

import datetime
from typing import Protocol

from hub.api.feed import Feed
from hub.cpms.alarmrules import AlarmRules, Thresholds
from hub.cpms.alarms import Alarms, OperationCentre
from hub.cpms.availability import Availability
from hub.cpms.overview import Overview
from hub.cpms.places import Places
from hub.cpms.plans import Maintenances, Plans
from hub.cpms.readings import Readings
from hub.cpms.stations import Stations
from hub.cpms.statuskeeping import StatusKeeper, StatusRules
from hub.cpms.store import Store
from hub.cpms.timers import Clock, WorldClock
from hub.ocpp.commands import Chargers
from hub.ocpp.events import BootNotified, ChargerEvent, TransactionEvent
from hub.ocpp.words import EVSE


class Going(Protocol):
    """Who knows which sessions go on: the CPMS."""

    def session_at(self, evse: EVSE) -> str | None:
        """Return the session at an EVSE of a station."""
        ...

    def ends_at(self, evse: EVSE) -> datetime.datetime | None:
        """Return when the time of the car at an EVSE is up; None: it has none."""
        ...


class Premises:
    """The parts, and how they hear of each other.

    Args:
        centre: who is warned of alarms; None: nobody but the feed.
    """

    def __init__(
        self,
        store: Store,
        *,
        feed: Feed | None = None,
        centre: OperationCentre | None = None,
        clock: Clock | None = None,
        rules: StatusRules | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        clock = clock or WorldClock()
        database = store.database
        self._clock = clock
        self.places = Places(store)
        self.stations = Stations(store, self.places, clock=clock.now)
        self.plans = Plans(database, clock=clock.now)
        self.maintenances = Maintenances(self.plans, self.places, clock=clock.now)
        self.keeper = StatusKeeper(store, self.stations, self.plans, clock=clock, rules=rules, feed=feed)
        self.readings = Readings()
        self.alarms = Alarms(database, clock=clock, feed=feed, centre=centre)
        self.alarm_rules = AlarmRules(self.alarms, away=self.keeper.away, clock=clock, thresholds=thresholds, feed=feed)
        self.overview = Overview(store, self.stations, self.plans, self.keeper, self.readings, clock=clock.now)
        self._availability: Availability | None = None

    def operate(self, chargers: Chargers) -> None:
        """Take the stations there are connections to; once, before the start."""
        self._availability = Availability(self.stations, self.plans, chargers, clock=self._clock)

    def ask(self, going: Going) -> None:
        """Ask this CPMS about sessions: whose driver an error is told to, and when his car has to leave."""
        self.alarm_rules.sessions = going.session_at
        self.overview.ends_by = going.ends_at

    async def start(self) -> None:
        """Begin; before the CPMS does, whose stations it hears of."""
        for each in (self.places, self.stations, self.plans, self.keeper, self.alarms, self.alarm_rules):
            await each.start()
        if self._availability is not None:
            await self._availability.start()

    async def stop(self) -> None:
        """End; after the CPMS did."""
        if self._availability is not None:
            await self._availability.stop()
        for each in (self.alarm_rules, self.alarms, self.keeper, self.plans, self.stations, self.places):
            await each.stop()

    async def told(self, event: ChargerEvent | BootNotified | TransactionEvent) -> None:
        """Take what a station told: its status first, for that is what it waits for."""
        await self.keeper.told(event)
        await self.readings.told(event)
        await self.alarm_rules.told(event)
        if self._availability is not None:
            await self._availability.told(event)
