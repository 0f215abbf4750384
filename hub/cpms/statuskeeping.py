"""The Status of every EVSE, kept as its station tells, and told on by OCPI.

What a connector says is written with the Status that follows from it in one transaction, before
the station is answered. Changes at one Location that meet while it is being written are written
together, so that many EVSEs of a site cost little more than one.

Source: OCPI 2.3.0, mod_locations.asciidoc (EVSE status, status_schedule); REQUIREMENTS RASD-F15, DD-C-ESS, X-69.
"""

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hub.api.feed import Feed
from hub.cpms.connectors import Connectors, Key, Told
from hub.cpms.places import Places
from hub.cpms.plans import Plans
from hub.cpms.stations import Stations
from hub.cpms.status import Facts, status_of
from hub.cpms.store import Store
from hub.cpms.timers import Clock, Timer
from hub.database.contract import Transaction
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time
from hub.ocpp.events import Connected, Disconnected, StatusChanged, TransactionEvent
from hub.ocpp.words import EVSE, ChargingState

log = logging.getLogger(__name__)

#: How far a station's clock may be from ours, so that what it says of a change's time is taken.
_TRUSTED = datetime.timedelta(minutes=1)

_Place = tuple[str, str]  # location_id and evse_uid, folded to upper case


@dataclass(frozen=True, kw_only=True)
class StatusRules:
    """What an operator decides of statuses.

    Attributes:
        grace: how long a station may be without connection before its EVSEs show it, in seconds.
        offline: what they are then.
    """

    grace: float = 90.0
    offline: Literal["UNKNOWN", "INOPERATIVE"] = "UNKNOWN"


@dataclass(frozen=True)
class _Transaction:
    id: str | None
    state: ChargingState


@dataclass
class _Batch:
    """Changes of one Location that wait to be written together.

    Attributes:
        evses: by folded uid when each changed.
    """

    written: asyncio.Future[None]
    told: dict[Key, Told] = field(default_factory=dict)
    evses: dict[str, datetime.datetime] = field(default_factory=dict)


class StatusKeeper:
    """Follows what stations tell of their connectors.

    Args:
        feed: hears of each change once it is written.

    Attributes:
        connectors: what the stations told.
    """

    def __init__(
        self,
        store: Store,
        stations: Stations,
        plans: Plans,
        *,
        clock: Clock,
        rules: StatusRules | None = None,
        feed: Feed | None = None,
    ) -> None:
        self._store = store
        self._stations = stations
        self._places: Places = stations.places
        self._plans = plans
        self._clock = clock
        self._rules = rules or StatusRules()
        self._feed = feed
        self.connectors = Connectors(store.database)
        self._online: set[str] = set()
        self._away: dict[str, datetime.datetime] = {}
        self._noted_away: set[str] = set()
        self._given_up: set[str] = set()
        self._transactions: dict[str, dict[int, _Transaction]] = {}
        self._waiting: dict[str, _Batch] = {}
        self._writing: dict[str, asyncio.Task[None]] = {}
        self._unsettled: set[_Place] = set()
        self._looked_at = clock.now()
        self._timer = Timer("statuses", self._look, clock)
        self._handlers: dict[type, Callable[[Any], Awaitable[None]]] = {
            Connected: self._connected,
            Disconnected: self._disconnected,
            StatusChanged: self._status_changed,
            TransactionEvent: self._transaction,
        }

    async def start(self) -> None:
        """Learn what stations last told, and keep the clock; stations are away until they connect."""
        await self.connectors.read()
        self._looked_at = now = self._clock.now()
        known = {each.station_id: each.offline_since for each in await self._stations.stored.stations()}
        self._noted_away = {each for each, lost_at in known.items() if lost_at is not None}
        self._away = {each: known.get(each) or now for each in self.connectors.stations() | known.keys()}
        self._plans.hearers.append(self._hear_of_plans)
        self._stations.hearers.append(self._hear_of_stations)
        self._places.hearers.append(self._hear_of_place)
        self._hear_of_stations(self._away)
        self._timer.start()

    async def stop(self) -> None:
        """Finish what is being written."""
        await self._timer.stop()
        await asyncio.gather(*self._writing.values(), return_exceptions=True)

    # -- what is known -----------------------------------------------------------------------------

    def online(self, station_id: str) -> bool:
        """Whether a station is connected."""
        return station_id in self._online

    def away_since(self, station_id: str) -> datetime.datetime | None:
        """Return when a station's connection was lost; None: it is connected, or never was."""
        return self._away.get(station_id)

    def away(self) -> Iterable[tuple[str, datetime.datetime]]:
        """Return the stations without connection, and since when."""
        return list(self._away.items())

    def charging(self, evse: EVSE) -> bool:
        """Whether a transaction goes on at an EVSE of a station."""
        return evse.evse_id in self._transactions.get(evse.station_id, {})

    # -- what stations tell ------------------------------------------------------------------------

    async def told(self, event: object) -> None:
        """Take what a station told; its Status is written when this returns."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            await handler(event)

    async def _connected(self, event: Connected) -> None:
        station_id = event.station_id
        self._online.add(station_id)
        self._away.pop(station_id, None)
        self._given_up.discard(station_id)
        self.connectors.distrust_clock(station_id)
        if station_id in self._noted_away:
            await self._note(station_id, None)
        await self._settle_all(self._places_of(station_id, 0), _true_time(event.at, self._clock.now()))

    async def _disconnected(self, event: Disconnected) -> None:
        lost_at = self._away[event.station_id] = self._clock.now()
        self._online.discard(event.station_id)
        await self._note(event.station_id, lost_at)
        self._timer.wake_by(lost_at + self._grace)

    async def _note(self, station_id: str, lost_at: datetime.datetime | None) -> None:
        """Write since when a station is away, for who looks at it after a restart."""
        (self._noted_away.discard if lost_at is None else self._noted_away.add)(station_id)
        stored = self._stations.stored
        await self._store.database.transact(lambda tx: stored.set_offline(tx, [station_id], lost_at))

    async def _status_changed(self, event: StatusChanged) -> None:
        evse, now = event.evse, self._clock.now()
        taken = self.connectors.take(event, now)
        if taken is None:
            return
        if event.status == "Available":
            # A car has left. What is still to come of its transaction changes nothing for the next one.
            self._transactions.get(evse.station_id, {}).pop(evse.evse_id, None)
        places = self._places_of(evse.station_id, evse.evse_id)
        if not places:
            await self._store.database.transact(lambda tx: self.connectors.write(tx, dict([taken])))
        await self._settle_all(places, _true_time(event.at, now), dict([taken]))

    async def _transaction(self, event: TransactionEvent) -> None:
        going = self._transactions.setdefault(event.station_id, {})
        evse_id = _evse_of(event, going)
        if evse_id is None:
            return
        before = going.get(evse_id)
        if event.kind == "Ended":
            going.pop(evse_id, None)
        elif before is None or event.charging_state is not None:
            going[evse_id] = _Transaction(event.transaction_id, event.charging_state or "EVConnected")
        if (before is None) != (evse_id not in going):  # else it goes on: for a driver nothing changes
            at = _true_time(event.at, self._clock.now())
            await self._settle_all(self._places_of(event.station_id, evse_id), at)

    def _places_of(self, station_id: str, evse_id: int) -> list[_Place]:
        """Return the EVSEs of Locations an EVSE of a station (0: all of them) is."""
        placed = self._places.of_station(station_id)
        found = (outlet for evse, outlet in placed if evse_id in (0, evse.evse_id))
        return list(dict.fromkeys((each.location_id.upper(), each.evse_uid.upper()) for each in found))

    # -- what changes without them -----------------------------------------------------------------

    def _unsettle(self, places: Iterable[_Place]) -> None:
        self._unsettled.update(places)

    def _hear_of_plans(self, places: Iterable[_Place]) -> None:
        self._unsettle(places)
        self._timer.wake()

    def _hear_of_place(self, station_id: str) -> None:
        if not self._places.of_station(station_id):
            self._away.pop(station_id, None)
        elif station_id not in self._online:
            self._away.setdefault(station_id, self._clock.now())
        self._hear_of_stations([station_id])

    def _hear_of_stations(self, stations: Iterable[str]) -> None:
        for each in stations:
            self._unsettle(self._places_of(each, 0))
        self._timer.wake()

    async def _look(self) -> datetime.datetime | None:
        """Settle what time or an operator has changed; return when time will do so next."""
        since, now = self._looked_at, self._clock.now()
        self._looked_at = now
        self._unsettle(self._plans.due(since, now))
        for station_id, lost_at in self._away.items():
            if lost_at + self._grace <= now and station_id not in self._given_up:
                self._given_up.add(station_id)
                self._unsettle(self._places_of(station_id, 0))
        unsettled, self._unsettled = self._unsettled, set()
        try:
            await self._settle_all(unsettled, now)
        except BaseException:
            self._unsettled |= unsettled
            raise
        ends = [lost_at + self._grace for each, lost_at in self._away.items() if each not in self._given_up]
        planned = self._plans.next_moment(now)
        return min([*ends, *([planned] if planned else [])], default=None)

    @property
    def _grace(self) -> datetime.timedelta:
        return datetime.timedelta(seconds=self._rules.grace)

    # -- how it is written -------------------------------------------------------------------------

    async def _settle_all(
        self, places: Iterable[_Place], at: datetime.datetime, told: Mapping[Key, Told] | None = None
    ) -> None:
        """Write the Status each EVSE has now."""
        await asyncio.gather(*(self._settle(place, at, told or {}) for place in places))

    async def _settle(self, place: _Place, at: datetime.datetime, told: Mapping[Key, Told]) -> None:
        """Write the Status an EVSE has now; several at one Location are written together."""
        location_id, uid = place
        batch = self._waiting.get(location_id)
        if batch is None:
            batch = self._waiting[location_id] = _Batch(asyncio.get_running_loop().create_future())
        batch.told.update(told)
        batch.evses[uid] = at
        if location_id not in self._writing:
            task = asyncio.create_task(self._write_all(location_id), name=f"status of {location_id}")
            self._writing[location_id] = task
        await asyncio.shield(batch.written)

    async def _write_all(self, location_id: str) -> None:
        try:
            while (batch := self._waiting.pop(location_id, None)) is not None:
                await self._write(location_id, batch)
        finally:
            del self._writing[location_id]

    async def _write(self, location_id: str, batch: _Batch) -> None:
        try:
            changed = await self._store.database.transact(self._work(location_id, batch))
        except BaseException as error:
            batch.written.set_exception(error)
            batch.written.exception()  # whoever waits for it has gone, if nobody reads it
            if not isinstance(error, Exception):
                raise
            return
        batch.written.set_result(None)
        for evse in changed:
            self._publish(location_id, evse)

    def _work(self, location_id: str, batch: _Batch) -> Callable[[Transaction], Awaitable[list[JSONObject]]]:
        # What is known is read here, in the event loop: a work may run in another thread.
        facts = {uid: self.facts(location_id, uid) for uid in batch.evses}
        schedules = {uid: [each.schedule() for each in self._plans.of(location_id, uid)] for uid in batch.evses}
        offline = self._rules.offline

        def change(evse: JSONObject) -> JSONObject | None:
            uid = evse["uid"].upper()
            if uid not in facts:
                return None
            new: JSONObject = {"last_updated": date_time(batch.evses[uid])}
            known = facts[uid]
            if known is not None:
                new["status"] = status_of(replace(known, present=evse["status"]), offline=offline)
            # A list that was told and is empty now is told as such: a PATCH cannot take a field away.
            if evse["status"] != "REMOVED" and (schedules[uid] or evse.get("status_schedule")):
                new["status_schedule"] = schedules[uid]
            return new

        async def work(tx: Transaction) -> list[JSONObject]:
            await self.connectors.write(tx, batch.told)
            return await self._store.change_evses(tx, location_id, change)

        return work

    def facts(self, location_id: str, evse_uid: str) -> Facts | None:
        """Return what is known of an EVSE; None: no station we ever heard of stands there."""
        evses = [each for each in self._places.of_evse(location_id, evse_uid) if self._ours(each)]
        if not evses:
            return None
        first, now = evses[0], self._plans.kinds_now(location_id, evse_uid)
        said = (self.connectors.get(each) for each in evses)
        station = self.connectors.get(EVSE(station_id=first.station_id, evse_id=0))
        going = (self._transactions.get(each.station_id, {}).get(each.evse_id) for each in evses)
        return Facts(
            connectors=tuple(each.status for each in said if each is not None),
            station=station.status if station else None,
            transaction=next((each.state for each in going if each is not None), None),
            state=self._stations.state_of(first),
            maintenance="MAINTENANCE" in now,
            reserved="RESERVATION" in now,
            online=first.station_id not in self._given_up,
        )

    def _ours(self, evse: EVSE) -> bool:
        """Whether a station is known to exist: a name that an EVSE's uid happens to have is none."""
        return evse.station_id in self._online or evse.station_id in self._away

    def _publish(self, location_id: str, evse: JSONObject) -> None:
        if self._feed is not None:
            self._feed.publish(
                "status",
                {"location_id": location_id, "evse_uid": evse["uid"], "status": evse["status"],
                 "at": evse["last_updated"]},
            )  # fmt: skip


def _evse_of(event: TransactionEvent, going: Mapping[int, _Transaction]) -> int | None:
    """Return the EVSE a transaction is at; its later messages need not say."""
    if event.evse is not None:
        return event.evse.evse_id
    return next((evse_id for evse_id, each in going.items() if each.id == event.transaction_id), None)


def _true_time(said: datetime.datetime, received: datetime.datetime) -> datetime.datetime:
    """Return when something changed: as the station says, unless its clock is wrong or it tells of long ago.

    A partner that pulls by date would never see a change dated before its last pull.
    """
    return min(said, received) if abs(received - said) <= _TRUSTED else received
