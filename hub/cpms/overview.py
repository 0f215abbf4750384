"""How the stations are, for the two who ask: drivers and partners from outside, the operator's people inside.

Outside: which sockets are free, how fast they are, what they cost, and when the first of a kind is
free again if none is. Inside: what every station does with its energy. What is not known is None.

Source: REQUIREMENTS RASD-R17, R18, R30, F15, F16, DD-R6, DD-C-ESS, DD-C-ISS, GEM-FTR-1299.
"""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from hub.cpms.charging.sharing import Sharing
from hub.cpms.energysettings import EnergySettings, energy_settings
from hub.cpms.outlets import power_of
from hub.cpms.plans import Plans
from hub.cpms.readings import Reading, Readings
from hub.cpms.stations import Stations
from hub.cpms.statuskeeping import StatusKeeper
from hub.cpms.store import Store
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import NoSuchLocation
from hub.ocpp.words import EVSE

Speed = Literal["SLOW", "FAST", "RAPID"]

#: Below 7 kW a socket is slow, up to 22 kW fast, above that rapid.
_FAST, _RAPID = 7.0, 22.0


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a Tariff asks for where nothing restricts it, in its currency: per kWh, per hour, per session."""

    tariff_id: str
    currency: str
    energy: Decimal | None = None
    time: Decimal | None = None
    parking_time: Decimal | None = None
    flat: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Sockets:
    """The sockets of one type and speed at a site.

    Attributes:
        standard: OCPI's ConnectorType.
        power: the most any of them gives, in kW.
        free: those that can be used now: of an EVSE that is AVAILABLE.
        first_free_at: when the first is expected to be free, if none is; None: some are, or nobody can say.
    """

    standard: str
    speed: Speed
    power: float
    total: int
    free: int
    first_free_at: datetime.datetime | None = None
    offers: list[Offer]


@dataclass(frozen=True, kw_only=True)
class SiteStatus:
    """How a site is, for who wants to charge there."""

    location_id: str
    name: str | None
    latitude: str
    longitude: str
    sockets: list[Sockets]


@dataclass(frozen=True, kw_only=True)
class ConnectorState:
    """What a station last said of a connector."""

    connector_id: int
    status: str | None
    error_code: str | None = None
    info: str | None = None
    told_at: datetime.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CarState:
    """A car that charges, or has.

    Attributes:
        energy: so far, in Wh; ``power`` in W; ``soc`` in percent.
        ends_at: when its time is up or its battery is full, as far as can be said.
    """

    transaction_id: str | None
    since: datetime.datetime | None
    energy: Decimal | None
    power: Decimal | None
    soc: Decimal | None
    ends_at: datetime.datetime | None


@dataclass(frozen=True, kw_only=True)
class EvseState:
    """One EVSE of a station.

    Attributes:
        state: as it is operated; IN_USE while a car is served.
        offered: the power the station lets it draw, in W.
        temperature: in Celsius.
    """

    evse_id: int
    location_id: str
    evse_uid: str
    status: str
    state: Literal["ACTIVE", "IN_USE", "TEST", "DISABLED"]
    connectors: list[ConnectorState]
    car: CarState | None = None
    offered: Decimal | None = None
    temperature: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class BatteryState:
    """A station's own battery: ``capacity`` in kWh, ``power`` in kW, ``soc`` in percent as last told."""

    capacity: float | None
    power: float | None
    soc: Decimal | None


@dataclass(frozen=True, kw_only=True)
class StationState:
    """How a station is, for its operator.

    Attributes:
        online: whether it can be watched and controlled now; ``away_since`` since when not.
        power: of all cars together, in W.
        settings: what they may draw.
    """

    station_id: str
    online: bool
    away_since: datetime.datetime | None
    cars_charging: int
    power: Decimal
    battery: BatteryState | None
    settings: EnergySettings
    evses: list[EvseState]


class Overview:
    """Answers both.

    Attributes:
        ends_by: returns when the time of the car at an EVSE is up, by a booking or an order; None: it has none.
        sharing: who limits what cars draw; None: nobody does.
    """

    def __init__(
        self,
        store: Store,
        stations: Stations,
        plans: Plans,
        keeper: StatusKeeper,
        readings: Readings,
        *,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._stations = stations
        self._plans = plans
        self._keeper = keeper
        self._readings = readings
        self._clock = clock
        self.ends_by: Callable[[EVSE], datetime.datetime | None] = lambda _: None
        self.sharing: Sharing | None = None

    # -- outside -----------------------------------------------------------------------------------

    async def site(self, location_id: str) -> SiteStatus:
        """Return how a site is.

        Raises:
            NoSuchLocation: there is none.
        """
        location = await self._store.locations.get(self._store.party, location_id)
        if location is None:
            raise NoSuchLocation
        offers = await self._offers(location)
        return self._site(location, offers)

    def _site(self, location: JSONObject, offers: dict[str, Offer]) -> SiteStatus:
        groups: dict[tuple[str, Speed], list[tuple[JSONObject, JSONObject]]] = {}
        for evse, connector in _connectors(location):
            groups.setdefault((connector["standard"], _speed(power_of(connector))), []).append((evse, connector))
        return SiteStatus(
            location_id=location["id"],
            name=location.get("name"),
            latitude=location["coordinates"]["latitude"],
            longitude=location["coordinates"]["longitude"],
            sockets=[
                self._sockets(location, standard, speed, group, offers)
                for (standard, speed), group in sorted(groups.items())
            ],
        )

    def _sockets(
        self,
        location: JSONObject,
        standard: str,
        speed: Speed,
        group: list[tuple[JSONObject, JSONObject]],
        offers: dict[str, Offer],
    ) -> Sockets:
        free = sum(evse["status"] == "AVAILABLE" for evse, _ in group)
        ends = [] if free else [self.free_at(location["id"], evse) for evse, _ in group]
        tariff_ids = dict.fromkeys(each for _, connector in group for each in connector.get("tariff_ids") or [])
        return Sockets(
            standard=standard,
            speed=speed,
            power=max(power_of(connector) for _, connector in group),
            total=len(group),
            free=free,
            first_free_at=min((each for each in ends if each is not None), default=None),
            offers=[offers[each] for each in tariff_ids if each in offers],
        )

    def free_at(self, location_id: str, evse: JSONObject) -> datetime.datetime | None:
        """Return when an EVSE that is not free is expected to be; None: nobody can say."""
        now = self._clock()
        if evse["status"] == "CHARGING":
            places = self._stations.places.of_evse(location_id, evse["uid"])
            return min((end for each in places if (end := self._ends_at(each)) is not None), default=None)
        if evse["status"] not in ("RESERVED", "INOPERATIVE"):
            return None
        lasting = [each.ends for each in self._plans.of(location_id, evse["uid"]) if each.lasts(now)]
        return None if not lasting or None in lasting else max(each for each in lasting if each is not None)

    def _ends_at(self, evse: EVSE) -> datetime.datetime | None:
        """Return when the car at an EVSE is done: its time is up, or its battery full."""
        reading = self._readings.of(evse.station_id, evse.evse_id)
        known = [self.ends_by(evse), reading.full_at() if reading else None]
        end = min((each for each in known if each is not None), default=None)
        return None if end is None else max(end, self._clock())

    async def _offers(self, location: JSONObject) -> dict[str, Offer]:
        ids = {each for _, connector in _connectors(location) for each in connector.get("tariff_ids") or []}
        found = [await self._store.tariffs.get(self._store.party, each) for each in sorted(ids)]
        return {each["id"]: _offer(each) for each in found if each is not None}

    # -- inside ------------------------------------------------------------------------------------

    async def station(self, station: JSONObject) -> StationState:
        """Return how a station (``Stations.station``) is."""
        station_id = station["station_id"]
        evses: dict[int, list[EVSE]] = {}
        for evse, _ in self._stations.places.of_station(station_id):
            evses.setdefault(evse.evse_id, []).append(evse)
        states = [self._evse(each) for each in evses.values()]
        powers = (each.car.power for each in states if each.car is not None and each.car.power is not None)
        location_id = states[0].location_id if states else None
        return StationState(
            station_id=station_id,
            online=self._keeper.online(station_id),
            away_since=self._keeper.away_since(station_id),
            cars_charging=sum(each.state == "IN_USE" for each in states),
            power=sum(powers, Decimal(0)),
            battery=self._battery(station),
            settings=await energy_settings(self.sharing, station_id, location_id, station.get("max_power")),
            evses=states,
        )

    def _evse(self, connectors: list[EVSE]) -> EvseState:
        first = connectors[0]
        outlet = self._stations.places.outlet(first)
        assert outlet is not None, "it was found by its place"
        reading = self._readings.of(first.station_id, first.evse_id)
        in_use = outlet.status == "CHARGING" and self._serves(first)
        return EvseState(
            evse_id=first.evse_id,
            location_id=outlet.location_id,
            evse_uid=outlet.evse_uid,
            status=outlet.status,
            state="IN_USE" if in_use else self._stations.state_of(first),
            connectors=[self._connector(each) for each in connectors],
            car=self._car(first, reading) if in_use or self._keeper.charging(first) else None,
            offered=reading.offered if reading else None,
            temperature=reading.temperature if reading else None,
        )

    def _serves(self, evse: EVSE) -> bool:
        """Whether it is at this of the station's EVSEs that an EVSE of OCPI is used."""
        told = self._keeper.connectors.get(evse)
        return self._keeper.charging(evse) or (told is not None and told.status != "Available")

    def _car(self, evse: EVSE, reading: Reading | None) -> CarState:
        known = reading or Reading()
        return CarState(
            transaction_id=known.transaction_id,
            since=known.since,
            energy=known.energy,
            power=known.power,
            soc=known.soc,
            ends_at=self._ends_at(evse),
        )

    def _connector(self, evse: EVSE) -> ConnectorState:
        told = self._keeper.connectors.get(evse)
        if told is None:
            return ConnectorState(connector_id=evse.connector_id, status=None)
        return ConnectorState(
            connector_id=evse.connector_id,
            status=told.status,
            error_code=told.error_code,
            info=told.info,
            told_at=told.at,
        )

    def _battery(self, station: JSONObject) -> BatteryState | None:
        declared = station.get("battery") or {}
        reading = self._readings.of(station["station_id"], 0)
        soc = reading.soc if reading else None
        if not declared and soc is None:
            return None
        return BatteryState(capacity=declared.get("capacity"), power=declared.get("power"), soc=soc)


def _connectors(location: JSONObject) -> Iterable[tuple[JSONObject, JSONObject]]:
    for evse in location.get("evses") or []:
        if evse["status"] not in ("REMOVED", "PLANNED"):
            for connector in evse["connectors"]:
                yield evse, connector


def _speed(power: float) -> Speed:
    return "SLOW" if power < _FAST else "FAST" if power <= _RAPID else "RAPID"


def _offer(tariff: JSONObject) -> Offer:
    """Return what a Tariff asks for in its first element of each kind that nothing restricts."""
    prices: dict[str, Decimal] = {}
    for element in tariff["elements"]:
        if not element.get("restrictions"):
            for component in element["price_components"]:
                prices.setdefault(component["type"], Decimal(str(component["price"])))
    return Offer(
        tariff_id=tariff["id"],
        currency=tariff["currency"],
        energy=prices.get("ENERGY"),
        time=prices.get("TIME"),
        parking_time=prices.get("PARKING_TIME"),
        flat=prices.get("FLAT"),
    )
