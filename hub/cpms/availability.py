"""Stations told whether they may serve anybody: ChangeAvailability, until they know.

An EVSE is to be inoperative while it is DISABLED or under maintenance. What a station was told is
remembered, so that a station that was away hears of it when it is back, and hears it once.

Source: OCPP 1.6 edition 2, 5.2; OCPP 2.0.1 edition 3, part 2, G03, G04; REQUIREMENTS DD-DEF3, SGEM-4.4-04, DD-R12.
"""

import asyncio
import datetime
import logging
from collections.abc import Iterable

from hub.cpms.plans import Plans
from hub.cpms.stations import Stations
from hub.cpms.timers import Clock, Timer
from hub.ocpp.commands import ChargerError, ChargerOffline, Chargers
from hub.ocpp.events import BootNotified, Connected
from hub.ocpp.words import EVSE

log = logging.getLogger(__name__)

#: When a station that did not do as told is told again.
_AGAIN = datetime.timedelta(seconds=30)

_WIDTH = 50  # stations told at once


class Availability:
    """Keeps what stations were told in step with what they are to be."""

    def __init__(self, stations: Stations, plans: Plans, chargers: Chargers, *, clock: Clock) -> None:
        self._stations = stations
        self._plans = plans
        self._chargers = chargers
        self._clock = clock
        self._told: dict[tuple[str, int], bool] = {}
        self._due: dict[str, datetime.datetime] = {}
        self._looked_at = clock.now()
        self._timer = Timer("availability", self._look, clock)

    async def start(self) -> None:
        """Learn what stations were told, and tell them what they do not know."""
        operations = await self._stations.stored.operations()
        self._told = {key: told for key, (_, told) in operations.items() if told is not None}
        self._looked_at = self._clock.now()
        self._stations.hearers.append(self._hear)
        self._plans.hearers.append(self._hear_of_places)
        self._hear(each.station_id for each in self._chargers.connected())
        self._timer.start()

    async def stop(self) -> None:
        """Tell nobody any more."""
        await self._timer.stop()

    async def told(self, event: object) -> None:
        """Take up a station that is there again."""
        if isinstance(event, BootNotified):
            # A station keeps it over a restart (1.6, 5.2); one that was told to be out of use is told once more.
            for key in [key for key, told in self._told.items() if key[0] == event.station_id and not told]:
                del self._told[key]
        if isinstance(event, BootNotified | Connected):
            self._hear([event.station_id])

    def _hear(self, stations: Iterable[str]) -> None:
        now = self._clock.now()
        self._due.update(dict.fromkeys(stations, now))
        self._timer.wake()

    def _hear_of_places(self, places: Iterable[tuple[str, str]]) -> None:
        of = self._stations.places.of_evse
        self._hear({evse.station_id for place in places for evse in of(*place)})

    async def _look(self) -> datetime.datetime | None:
        since, now = self._looked_at, self._clock.now()
        self._looked_at = now
        for place in self._plans.due(since, now):
            for evse in self._stations.places.of_evse(*place):
                self._due[evse.station_id] = now
        due = [station_id for station_id, at in self._due.items() if at <= now]
        for start in range(0, len(due), _WIDTH):
            await asyncio.gather(*(self._tell(each) for each in due[start : start + _WIDTH]))
        planned = self._plans.next_moment(now)
        return min([*self._due.values(), *([planned] if planned else [])], default=None)

    async def _tell(self, station_id: str) -> None:
        """Tell a station what it does not know of its EVSEs; come back to it if it does not do so."""
        known = True
        evses = {evse.evse_id: outlet for evse, outlet in self._stations.places.of_station(station_id)}
        for evse_id, outlet in evses.items():
            evse = EVSE(station_id=station_id, evse_id=evse_id)
            planned = self._plans.kinds_now(outlet.location_id, outlet.evse_uid)
            operative = self._stations.state_of(evse) != "DISABLED" and "MAINTENANCE" not in planned
            if self._told.get((station_id, evse_id), True) != operative:
                known &= await self._put(evse, operative)
        if known:
            self._due.pop(station_id, None)
        else:
            self._due[station_id] = self._clock.now() + _AGAIN

    async def _put(self, evse: EVSE, operative: bool) -> bool:
        """Tell a station of one EVSE; False: it is there and does not do as told."""
        try:
            answer = await self._chargers.commands(evse.station_id).change_availability(evse, operative=operative)
        except ChargerOffline:
            return True  # it hears of it when it is back
        except ChargerError as error:
            log.warning("%s: EVSE %d: ChangeAvailability: %r", evse.station_id, evse.evse_id, error)
            return False
        if not answer.accepted:
            log.warning("%s: EVSE %d: ChangeAvailability is %s", evse.station_id, evse.evse_id, answer.status)
            return False
        self._told[evse.station_id, evse.evse_id] = operative
        stored = self._stations.stored
        await stored.database.transact(lambda tx: stored.told(tx, evse.station_id, evse.evse_id, operative))
        return True
