"""The stations of an operator: added to a site, changed, operated, taken away.

A station brings its EVSEs to its Location, or stands at EVSEs that are there. One EVSE serves one
car at a time; a station for two cars has two. Each change is judged as the Location it makes, is
written in one transaction with all that follows from it, and is told over OCPI like any other.

Source: REQUIREMENTS SGEM-4.4-01, 02, 04, SGEM-4.1-11, DD-DEF1; OCPI 2.3.0, mod_locations.asciidoc.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NotRequired, TypedDict, get_args

from hub.cpms.extensions import Extensions
from hub.cpms.following import Change, Following
from hub.cpms.places import Place, Places
from hub.cpms.sites import NewEvse, Sites
from hub.cpms.stationstore import OPERATIONS, Known, OperationalState, Station, StationStore
from hub.cpms.store import Store
from hub.database.contract import Conflict, Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.judging import Judge
from hub.ocpi.objects import CiString36, DateTime, JSONObject
from hub.ocpi.receiving import child
from hub.ocpi.times import date_time, utc_now
from hub.ocpp.events import EVSE
from hub.ocpp.stations import Stations as Register

_judge = Judge()

_typed_dict: Any = TypedDict  # for a type made of declarations

#: What ``Stations.add`` takes.
NewStation = _typed_dict(
    "NewStation",
    {
        **{name: hint for name, hint in Station.__annotations__.items() if name != "last_updated"},
        "last_updated": NotRequired[DateTime | None],
        "evses": NotRequired[list[NewEvse] | None],
        "evse_uids": NotRequired[list[CiString36] | None],
    },
)
NewStation.__doc__ = "A Station as an operator says it, with EVSEs it brings or the uids of those it stands at."


class NoSuchStation(UnknownLocation):
    """There is no such station here."""

    http_status = 404


class InUse(InvalidParameters):
    """A car charges there."""

    http_status = 409


class Stations:
    """All stations of one operator.

    Attributes:
        sites: its Locations; ``places``: which outlet is which; ``extensions``: its vendors' schemas.
        stored: the tables.
        hearers: called with the stations that are operated otherwise than before.
    """

    def __init__(self, store: Store, places: Places, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self.places = places
        self.stored = StationStore(store.database)
        self.sites = Sites(store, clock=clock)
        self.extensions = Extensions(self.stored, clock=clock)
        self._register = Register(store.database)
        self._operations: dict[tuple[str, int], OperationalState] = {}
        self.hearers: list[Callable[[Iterable[str]], None]] = []
        self._following = Following(store.database, (OPERATIONS,), self._read)

    async def start(self) -> None:
        """Learn how the stations are operated, and follow it."""
        await self._following.start()

    async def stop(self) -> None:
        """Follow no more."""
        await self._following.stop()

    async def _read(self, changes: Sequence[Change]) -> None:
        found = await self.stored.operations()
        before, self._operations = self._operations, {key: state for key, (state, _) in found.items()}
        keys = before.keys() | self._operations.keys()
        changed = {each[0] for each in keys if before.get(each) != self._operations.get(each)}
        for hear in self.hearers if changed else ():
            hear(changed)

    # -- how they are operated ---------------------------------------------------------------------

    def state_of(self, evse: EVSE) -> OperationalState:
        """Return how an EVSE is operated: as it and its whole station are."""
        states = {self._operations.get((evse.station_id, each)) for each in (0, evse.evse_id)}
        return "DISABLED" if "DISABLED" in states else "TEST" if "TEST" in states else "ACTIVE"

    async def operate(
        self, station_id: str, state: OperationalState, evse_id: int = 0, *, also: Also[None] | None = None
    ) -> None:
        """Have a station, or one of its EVSEs, be ACTIVE, TEST or DISABLED.

        Args:
            also: written with it, in its transaction.

        Raises:
            NoSuchStation: there is none, or it has no such EVSE.
            InvalidParameters: there is no such state.
        """
        if state not in get_args(OperationalState):
            raise InvalidParameters(f"$.state: must be one of {', '.join(get_args(OperationalState))}")
        placed = {evse.evse_id for evse, _ in self.places.of_station(station_id)}
        if evse_id and evse_id not in placed:
            raise NoSuchStation(f"Station {station_id} has no EVSE {evse_id}")

        async def work(tx: Transaction) -> None:
            if not placed:
                await self._known(tx, station_id)
            await self.stored.operate(tx, station_id, evse_id, state)

        await self._store.database.transact(followed(work, also))
        await self._following.now((OPERATIONS, station_id))

    # -- what they are -----------------------------------------------------------------------------

    async def station(self, station_id: str) -> JSONObject:
        """Return a station, with its places and its state.

        Raises:
            NoSuchStation: there is none.
        """
        known = await self.stored.station(station_id)
        if known is None or known.removed_at is not None:
            raise await self._none(station_id)
        return self._shown(known)

    async def _none(self, station_id: str) -> NoSuchStation:
        """Return why there is no such station, and for a charger that may connect what makes it one."""
        if await self._register.find(station_id) is None:
            return NoSuchStation()
        evses = self.places.evses_of(station_id)
        if not evses:
            return NoSuchStation(
                f"{station_id} is a charger in the register and stands at no site yet: POST /stations with its"
                " station_id, a location_id and evses or evse_uids, or POST /imports/stations, places it"
            )
        location_id, evse_uids = evses[0][0], [uid for at, uid in evses if at == evses[0][0]]
        return NoSuchStation(
            f"{station_id} is a charger in the register that stands at site {location_id} by the names of its EVSEs,"
            f" and no station yet: POST /stations with station_id {station_id}, location_id {location_id} and evse_uids"
            f" {', '.join(evse_uids)} makes it one"
        )

    async def all(self, *, location_id: str | None = None) -> list[JSONObject]:
        """Return the stations, all or those at a Location, by id."""
        return [self._shown(each) for each in await self.stored.stations(location_id=location_id)]

    def _shown(self, known: Known) -> JSONObject:
        placed = self.places.of_station(known.station_id)
        rows = [
            {"evse_id": evse.evse_id, "connector_id": evse.connector_id, "evse_uid": outlet.evse_uid,
             "connector": outlet.connector_id}
            for evse, outlet in placed
        ]  # fmt: skip
        state = self._operations.get((known.station_id, 0), "ACTIVE")
        return {**known.document, "places": rows, "state": state}

    async def add(self, value: JSONObject, *, also: Also[None] | None = None) -> JSONObject:
        """Add a station to a Location, and return it as it is then.

        Args:
            also: written with it, in its transaction, as with every other change.
            value: a ``Station``; beside its fields ``evses`` may hold EVSEs it brings (without uid they are
                ``{station_id}-1`` and on), or ``evse_uids`` those of the Location it stands at. Without ``places``
                its connectors are theirs in order: of OCPP 1.6 numbered through, else within each EVSE.

        Raises:
            NoSuchLocation: its Location is not there.
            InvalidParameters: there is such a station, its EVSEs are another's, or something is not what it must be.
        """

        async def work(tx: Transaction) -> None:
            station = await self._judged(tx, value)
            known = await self.stored.station_in(tx, station["station_id"])
            if known is not None and known.removed_at is None:
                raise InvalidParameters(f"$.station_id: there is a station {station['station_id']} already")
            await self._write(tx, value, station)

        return await self._written(value, followed(work, also))

    async def change(self, station_id: str, value: JSONObject, *, also: Also[None] | None = None) -> JSONObject:
        """Have a station be what is said of it; without places it stays where it is. Arguments are those of ``add``.

        Raises:
            NoSuchStation: there is none.
            InvalidParameters: as ``add``; or it is to stand at another Location.
        """
        value = {**value, "station_id": station_id}

        async def work(tx: Transaction) -> None:
            known = await self._known(tx, station_id)
            station = await self._judged(tx, value)
            if station["location_id"].upper() != known.location_id:
                raise InvalidParameters("$.location_id: a station that moves is taken away and added again")
            await self._write(tx, value, station)

        return await self._written(value, followed(work, also))

    async def put_in(self, tx: Transaction, value: JSONObject) -> None:
        """Add a station or change the one there is, within a transaction; ``reread`` when it is committed.

        Raises:
            NoSuchLocation, InvalidParameters: as ``add`` and ``change``.
        """
        station = await self._judged(tx, value)
        known = await self.stored.station_in(tx, station["station_id"])
        moves = known is not None and known.location_id != station["location_id"].upper()
        if known is not None and known.removed_at is None and moves:
            raise InvalidParameters("$.location_id: a station that moves is taken away and added again")
        await self._write(tx, value, station)

    async def reread(self, location_id: str, station_id: str | None) -> None:
        """Learn what was written of a station and its Location."""
        await self.places.reread(location_id=location_id, station_id=station_id)
        await self._following.now((OPERATIONS, station_id or location_id))

    async def remove(self, station_id: str, *, also: Also[str] | None = None) -> None:
        """Take a station away; EVSEs that only it served are REMOVED.

        Raises:
            NoSuchStation: there is none.
            InUse: a car charges there.
        """
        served = {outlet.evse_uid.upper() for _, outlet in self.places.of_station(station_id)}

        async def work(tx: Transaction) -> str:
            known = await self._known(tx, station_id)
            before = await self.sites.get_in(tx, known.location_id)
            evses = before.get("evses") or []
            if any(each["uid"].upper() in served and each["status"] == "CHARGING" for each in evses):
                raise InUse(f"A car charges at {station_id}; stop its session first")
            gone = [each for each in evses if each["uid"].upper() in served and not self._shared(known, each)]
            kept = [each for each in evses if each not in gone]
            await self.sites.write(tx, before | {"evses": kept}, before)
            await self.stored.take_away(tx, station_id, self._clock())
            return known.location_id

        location_id = await self._store.database.transact(followed(work, also))
        await self.places.reread(location_id=location_id, station_id=station_id)

    def _shared(self, known: Known, evse: JSONObject) -> bool:
        """Return whether another station serves an EVSE as well."""
        served = self.places.of_evse(known.location_id, evse["uid"])
        return any(each.station_id != known.station_id for each in served)

    async def _known(self, tx: Transaction, station_id: str) -> Known:
        known = await self.stored.station_in(tx, station_id)
        if known is None or known.removed_at is not None:
            raise NoSuchStation
        return known

    # -- how a station is written ------------------------------------------------------------------

    async def _judged(self, tx: Transaction, value: JSONObject) -> JSONObject:
        """Return what is said of a station itself, judged."""
        station = {
            name: each for name, each in value.items() if name in Station.__annotations__ and each is not None
        } | {"last_updated": date_time(self._clock())}
        _judge.judge(codec.encode(station), Station)
        await self.extensions.judge(tx, station)
        return station

    async def _write(self, tx: Transaction, value: JSONObject, station: JSONObject) -> None:
        station_id = station["station_id"]
        location = await self._with_evses(tx, value, station)
        await self.stored.put(tx, _without(station, "places", "state"))
        if station.get("state"):
            await self.stored.operate(tx, station_id, 0, station["state"])
        if not {"places", "evses", "evse_uids"}.isdisjoint(value):
            places = list(_places(value, station, location))
            await self._refuse_taken(tx, station_id, places)
            await self.stored.place(tx, station_id, places)

    async def _with_evses(self, tx: Transaction, value: JSONObject, station: JSONObject) -> JSONObject:
        """Return the station's Location, with the EVSEs the station brings."""
        before = await self.sites.get_in(tx, station["location_id"])
        brought = _brought(value, station)
        if not brought:
            return before
        for at, each in enumerate(brought):
            self.sites.judge_evse(each, f"$.evses[{at}]")
        names = {each["uid"].upper() for each in brought}
        evses = [each for each in before.get("evses") or [] if each["uid"].upper() not in names]
        return await self.sites.write(tx, before | {"evses": evses + brought}, before)

    async def _refuse_taken(self, tx: Transaction, station_id: str, places: Sequence[Place]) -> None:
        for at, each in enumerate(places):
            other = await self.stored.standing_at(tx, each)
            if other not in (None, station_id):
                raise InvalidParameters(f"$.places[{at}]: station {other} stands at {each.evse_uid}")

    async def _written(self, value: JSONObject, work: Callable[[Transaction], Any]) -> JSONObject:
        try:
            await self._store.database.transact(work)
        except Conflict as error:
            raise InvalidParameters("$.places: another station stands there, or one place is named twice") from error
        await self.reread(value["location_id"], value["station_id"])
        return await self.station(value["station_id"])


def _without(value: JSONObject, *names: str) -> JSONObject:
    return {name: each for name, each in value.items() if name not in names}


def _brought(value: JSONObject, station: JSONObject) -> list[JSONObject]:
    """Return the EVSEs a station brings, each with a uid; what else is wrong is found when its Location is judged."""
    given = value.get("evses") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise InvalidParameters("$.evses: must be a list of EVSEs")
    for at, each in enumerate(given):
        if not isinstance(each.get("uid", ""), str):
            raise InvalidParameters(f"$.evses[{at}].uid: must be a string")
    return [{"uid": f"{station['station_id']}-{number}", **each} for number, each in enumerate(given, start=1)]


def _places(value: JSONObject, station: JSONObject, location: JSONObject) -> Iterator[Place]:
    """Yield where each connector of a station is; said one by one, or as its EVSEs follow each other."""
    if station.get("places"):
        for at, each in enumerate(station["places"]):
            yield _said_place(each, location, f"$.places[{at}]")
        return
    brought = [each["uid"] for each in _brought(value, station)]
    uids = brought or value.get("evse_uids") or []
    numbered_through = station.get("protocol") == "1.6"
    count = 0
    for evse_id, uid in enumerate(uids, start=1):
        evse = _evse(location, uid, f"$.evses[{evse_id - 1}].uid" if brought else f"$.evse_uids[{evse_id - 1}]")
        for connector_id, connector in enumerate(evse["connectors"], start=1):
            count += 1
            counted = (count, 1) if numbered_through else (evse_id, connector_id)
            yield Place(*counted, location["id"].upper(), evse["uid"].upper(), connector["id"].upper())


def _said_place(said: JSONObject, location: JSONObject, path: str) -> Place:
    evse = _evse(location, said["evse_uid"], f"{path}.evse_uid")
    wanted = said.get("connector")
    connector = child(evse, "connectors", wanted) if wanted else evse["connectors"][0]
    if connector is None:
        raise InvalidParameters(f"{path}.connector: EVSE {evse['uid']} has no Connector {wanted}")
    return Place(
        evse_id=said["evse_id"],
        connector_id=said.get("connector_id") or 1,
        location_id=location["id"].upper(),
        evse_uid=evse["uid"].upper(),
        connector=connector["id"].upper(),
    )


def _evse(location: JSONObject, uid: Any, path: str) -> JSONObject:
    evse = child(location, "evses", str(uid))
    if evse is None:
        raise InvalidParameters(f"{path}: Location {location['id']} has no EVSE {uid}")
    if evse["status"] == "REMOVED":
        raise InvalidParameters(f"{path}: EVSE {uid} was removed; what comes back has another uid")
    return evse
