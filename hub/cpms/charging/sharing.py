"""Telling stations their limits: each site's power among its cars, within two seconds of any change.

A transaction goes by a TxProfile: its share, or its eMSP's profile where that is lower. What begins
without us - at a station that is offline - goes by the EVSE's TxDefaultProfile. Limits are lowered first;
only what stations have confirmed is given to others. A station that is offline, refuses or does not
answer keeps what it was last told, and the others share the rest.

Source: OCPP 1.6, 3.13.2 (profile purposes); OCPP 2.0.1, part 2, K01; OCPI 2.3.0, mod_charging_profiles.asciidoc.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.cpms.charging.allocation import Claim, allocate
from hub.cpms.charging.evses import Outlets, SiteEvse
from hub.cpms.charging.limits import (
    Car,
    Order,
    affordable,
    after,
    draw,
    free,
    frees_phases,
    idle,
    is_new,
    lowered,
    measured,
    only,
    over,
    phases_of,
    replaced,
    take,
    with_more_phases,
)
from hub.cpms.charging.schedules import clipped, constant, limit_at
from hub.cpms.charging.shares import Share, Shares
from hub.cpms.charging.sites import LEAST, SitePower, SitePowers
from hub.cpms.charging.telling import Telling
from hub.cpms.needs import Clock
from hub.cpms.ports import CpmsEvent, ProfileResultType
from hub.cpms.profiles import DEFAULT_PURPOSE, TX_PURPOSE, StationProfiles
from hub.cpms.store import Store
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE, ChargerError, Chargers

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between looks
_RETRY = 30.0  # seconds before a station that refused or did not answer is told again
_AT_LEAST = 10.0  # seconds between full looks at a site where nothing seems to have changed
_ROTATION = 900.0  # seconds: where not everyone can charge, who had least goes first, decided anew this often
_KEPT = datetime.timedelta(days=7)  # an eMSP's profile, after which its transaction is surely over

#: The weight of a session's wishes (mod_sessions, ProfileType).
WEIGHTS: Mapping[str, int] = {"FAST": 4, "REGULAR": 2, "CHEAP": 1, "GREEN": 1}


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What one EVSE of a site may be drawing.

    Attributes:
        most: in mA per phase.
    """

    evse: SiteEvse
    most: int
    session_id: str | None
    connected: bool


class Cars(Protocol):
    """Knows who charges."""

    def __call__(self) -> Iterable[Car]: ...


class Sharing:
    """``hub.cpms.needs.Charging``, and the sharing of every limited site.

    Args:
        store: the operator's, with the drivers' ChargingPreferences.
        outlets: knows the EVSEs of a Location and their stations.
        cars: who charges now.
        tell: takes ProfileChanged, for whoever has set a profile.
    """

    def __init__(
        self,
        *,
        store: Store,
        outlets: Outlets,
        chargers: Chargers,
        cars: Cars,
        tell: Callable[[CpmsEvent], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self.powers = SitePowers(store.database)
        self.shares = Shares(store.database)
        self._store = store
        self._outlets = outlets
        self._chargers = chargers
        self._stations = StationProfiles(chargers)
        self.telling = Telling(shares=self.shares, stations=self._stations, tell=tell, clock=clock)
        self._cars = cars
        self._clock = clock
        self._troubled: dict[tuple[str, int], float] = {}
        self._ranks: dict[str, float] = {}
        self._ranked_at = float("-inf")
        self._looked: dict[str, tuple[object, float]] = {}
        self._awake = asyncio.Event()
        self._locks: dict[str, asyncio.Lock] = {}
        self._task: asyncio.Task[None] | None = None

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to share."""
        self._task = asyncio.create_task(self._run(), name="sharing")

    async def stop(self) -> None:
        """End; stations go by what they were told."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Look at every site at once: something has changed."""
        self._looked.clear()
        self._awake.set()

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                await self.look()
            except Exception:  # One site's trouble must not leave the others unshared; it is looked at again.
                log.exception("power could not be shared")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD):
                    await self._awake.wait()

    async def look(self) -> None:
        """Bring every limited site to what it should be now."""
        now = self._clock.now()
        if now.timestamp() - self._ranked_at >= _ROTATION:
            self._ranked_at, self._ranks = now.timestamp(), {car.session_id: car.kwh for car in self._cars()}
            await self.shares.prune(now - _KEPT)
        limited = await self.powers.all()
        await self._release(limited)
        cars = self._by_location()
        due = [each for each in limited if self._is_due(each, limited[each], cars.get(each, {}))]
        await asyncio.gather(*(self.share(each, limited[each], cars.get(each, {})) for each in due))
        others = (car for each, here in cars.items() if each not in limited for car in here.values())
        await asyncio.gather(*map(self._answer, others))

    def _by_location(self) -> dict[str, dict[tuple[str, int], Car]]:
        found: dict[str, dict[tuple[str, int], Car]] = {}
        for car in self._cars():
            location_id = self._outlets.location_of(car.evse)
            if location_id is not None:
                found.setdefault(location_id, {})[car.key] = car
        return found

    def _is_due(self, location_id: str, power: SitePower, cars: Mapping[tuple[str, int], Car]) -> bool:
        """Whether something has changed at a site, or it has not been looked at for a while."""
        here = sorted((key, car.session_id, car.phases or 0) for key, car in cars.items())
        connected = sorted(each.station_id for each in self._chargers.connected())
        seen = (power, here, connected, self._ranked_at)
        before, at = self._looked.get(location_id, (None, 0.0))
        now = self._clock.now().timestamp()
        if before == seen and now - at < _AT_LEAST:
            return False
        self._looked[location_id] = (seen, now)
        return True

    # -- one site ----------------------------------------------------------------------------------

    async def share(self, location_id: str, power: SitePower, cars: Mapping[tuple[str, int], Car]) -> None:
        """Tell the stations of a site what follows from who charges there now."""
        async with self._lock(location_id):
            evses = await self._drawing(location_id)
            stations = {each.evse.station_id for each in evses}
            known = await self.shares.at_stations(stations)
            known = await self._corrected(known, over(known, cars))
            cars = {key: measured(each, known.get(key)) for key, each in cars.items()}
            known = await self._corrected(known, with_more_phases(evses, known, cars))
            wanted = await self._wanted(power, evses, known, cars)
            # A station that does not confirm keeps what it has, and the others are lowered further in its place.
            while lower := [each for each in wanted if each.amount < replaced(each) or frees_phases(each)]:
                await self._tell_all([lowered(each) for each in lower])
                known = await self.shares.at_stations(stations)
                wanted = await self._wanted(power, evses, known, cars)
            higher = [
                each for each in wanted if each.amount > replaced(each) or is_new(each) or self.telling.is_due(each)
            ]
            await self._tell_all(affordable(power, higher, free(power, evses, known)))

    async def _answer(self, car: Car) -> None:
        """Tell a car that asked for it what it may draw at a site without a limit."""
        if car.key not in self.telling.due or (site_evse := await self._outlets.one(car.evse)) is None:
            return
        async with self._lock(self._outlets.location_of(car.evse) or ""):
            most = min(site_evse.rated, car.most or site_evse.rated)
            await self.telling.put(Order(site_evse, site_evse.untold, most, car))

    def _lock(self, location_id: str) -> asyncio.Lock:
        return self._locks.setdefault(location_id, asyncio.Lock())

    async def _drawing(self, location_id: str) -> list[SiteEvse]:
        """Return the EVSEs of a site that may draw something: their stations have connected some time."""
        seen = await self.shares.seen()
        return [
            each
            for each in await self._outlets.at(location_id)
            if each.evse.station_id in seen or self._chargers.presence(each.evse.station_id) is not None
        ]

    async def _corrected(
        self, known: Mapping[tuple[str, int], Share], new: Mapping[tuple[str, int], Share]
    ) -> dict[tuple[str, int], Share]:
        """Return the shares with some that turned out to be others, which are written down."""
        for each in new.values():
            await self.shares.write(each)
        return {**known, **new}

    async def _wanted(
        self,
        power: SitePower,
        evses: Sequence[SiteEvse],
        known: Mapping[tuple[str, int], Share],
        cars: Mapping[tuple[str, int], Car],
    ) -> list[Order]:
        """Return what every EVSE that can be told should be told: its default, and its car's share."""
        left = dict(power.capacity)
        told = [each for each in evses if self._can_be_told(each)]
        for each in evses:
            if each not in told:
                take(left, draw(power, each, known.get(each.key, each.untold)))
            elif each.key not in cars:
                take(left, dict.fromkeys(power.loaded(each.uid, each.feed.phases), idle(power, each)))
        charging = [(each, cars[each.key]) for each in told if each.key in cars]
        claims = [await self._claim(power, each, car) for each, car in charging]
        given = allocate({phase: max(amount, 0) for phase, amount in left.items()}, claims)
        defaults = [Order(each, known.get(each.key, each.untold), idle(power, each)) for each in told]
        return defaults + [
            Order(each, known.get(each.key, each.untold), max(given[car.session_id], idle(power, each)), car)
            for each, car in charging
        ]

    async def _claim(self, power: SitePower, site_evse: SiteEvse, car: Car) -> Claim:
        most = min(site_evse.rated, car.most or site_evse.rated)
        found = await self.shares.profile(car.evse, car.transaction_id)
        if found is not None:
            allowed = limit_at(found.profile, self._clock.now(), site_evse.feed, begun_at=found.at)
            most = most if allowed is None else min(most, allowed)
        weight = await self._weight(car)
        return Claim(
            name=car.session_id,
            phases=power.loaded(site_evse.uid, phases_of(site_evse, car)),
            least=max(min(LEAST, site_evse.rated), idle(power, site_evse)),
            most=most,
            weight=weight,
            rank=(-weight, self._ranks.get(car.session_id, float("inf"))),
        )

    async def _weight(self, car: Car) -> int:
        wishes = await self._store.preferences.get(self._store.party, car.session_id)
        return WEIGHTS.get((wishes or {}).get("profile_type", ""), WEIGHTS["FAST" if car.urgent else "REGULAR"])

    def _can_be_told(self, each: SiteEvse) -> bool:
        if self._chargers.presence(each.evse.station_id) is None:
            return False
        return self._troubled.get(each.key, 0.0) <= self._clock.now().timestamp()

    # -- stations ----------------------------------------------------------------------------------

    async def _tell_all(self, orders: Sequence[Order]) -> None:
        """Tell stations, each one thing after the other, all at once."""
        by_station: dict[str, list[Order]] = {}
        for each in orders:
            by_station.setdefault(each.site_evse.evse.station_id, []).append(each)
        await asyncio.gather(*(self._tell_station(each) for each in by_station.values()))

    async def _tell_station(self, orders: Sequence[Order]) -> None:
        shares: dict[tuple[str, int], Share] = {}
        for order in orders:
            key = order.site_evse.key
            order = dataclasses.replace(order, share=shares.get(key, order.share))
            shares[key] = await self._tell_one(order)

    async def _tell_one(self, order: Order) -> Share:
        """Tell one limit; return what the EVSE goes by now, as it is written down."""
        told = after(order)
        rated = order.site_evse.rated
        before = order.share
        if told.most(rated) >= before.most(rated):
            # Until it has confirmed it may load the phases it had, too.
            before = await self._written(dataclasses.replace(told, phases=max(told.phases, before.phases)))
        if not await self.telling.put(order):
            self._troubled[order.site_evse.key] = self._clock.now().timestamp() + _RETRY
            return before
        if before != told:
            await self._written(told)
        await self.telling.say(order)
        return told

    async def _written(self, share: Share) -> Share:
        await self.shares.write(share)
        return share

    async def _release(self, limited: Mapping[str, SitePower]) -> None:
        """Take the limits of EVSEs away whose sites have none any more."""
        for share in await self.shares.all():
            evse = EVSE(station_id=share.station_id, evse_id=share.evse_id)
            if (self._outlets.location_of(evse) or "") in limited or self._chargers.presence(evse.station_id) is None:
                continue
            with contextlib.suppress(ChargerError):
                commands = self._chargers.commands(evse.station_id)
                await commands.clear_charging_profile(evse=evse, purpose=DEFAULT_PURPOSE)
                await commands.clear_charging_profile(evse=evse, purpose=TX_PURPOSE)
                await self.shares.forget(share)

    async def draws(self, location_id: str) -> list[Draw]:
        """Return what each EVSE of a site may be drawing now."""
        evses = await self._drawing(location_id)
        known = await self.shares.at_stations({each.evse.station_id for each in evses})
        cars = {car.key: car.session_id for car in self._cars()}
        return [
            Draw(
                evse=each,
                most=known.get(each.key, each.untold).most(each.rated),
                session_id=cars.get(each.key),
                connected=self._chargers.presence(each.evse.station_id) is not None,
            )
            for each in evses
        ]

    # -- eMSPs' profiles ---------------------------------------------------------------------------

    async def set(self, evse: EVSE, transaction_id: str, profile: JSONObject) -> ProfileResultType:
        """Limit a transaction for its eMSP; where the site is limited, too, by the lower of both."""
        if not profile.get("charging_profile_period"):
            return "REJECTED"  # A profile without a period limits nothing.
        location_id = self._outlets.location_of(evse) or ""
        async with self._lock(location_id):
            now = self._clock.now()
            wanted, phases = profile, None
            if await self.powers.get(location_id) is not None:
                wanted, phases = await self._within_share(evse, profile, now)
            if not await self._stations.put(evse, transaction_id, wanted, phases=phases):
                return "REJECTED"
            await self.shares.put_profile(evse, transaction_id, profile, now)
        self.wake()
        return "ACCEPTED"

    async def _within_share(
        self, evse: EVSE, profile: JSONObject, now: datetime.datetime
    ) -> tuple[JSONObject, int | None]:
        if (site_evse := await self._outlets.one(evse)) is None:
            return profile, None
        known = (await self.shares.at_stations({evse.station_id})).get(site_evse.key, site_evse.untold)
        within = clipped(profile, known.most(site_evse.rated), site_evse.feed, begun_at=now)
        return within, only(site_evse, known.phases)

    async def clear(self, evse: EVSE, transaction_id: str) -> ProfileResultType:
        """Take the limit of a transaction's eMSP away; the site's stays."""
        location_id = self._outlets.location_of(evse) or ""
        async with self._lock(location_id):
            if not await self.shares.drop_profile(evse, transaction_id):
                return "UNKNOWN"
            site_evse = await self._outlets.one(evse)
            if site_evse is None or await self.powers.get(location_id) is None:
                return await self._stations.clear(evse, transaction_id)
            known = (await self.shares.at_stations({evse.station_id})).get(site_evse.key, site_evse.untold)
            share = constant(known.most(site_evse.rated), site_evse.feed, self._clock.now())
            done = await self._stations.put(evse, transaction_id, share, phases=only(site_evse, known.phases))
        self.wake()
        return "ACCEPTED" if done else "REJECTED"

    async def active(self, evse: EVSE, duration: int) -> JSONObject | None:
        """Return what the station will do; None if it does not say."""
        return await self._stations.active(evse, duration)
