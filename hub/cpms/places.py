"""Which charger outlet is which OCPI outlet.

A station's connectors are placed at the Connectors of a Location by rows of ``cpms_place``: one of
theirs is one of ours. A station without rows is placed by convention: its EVSE *n* is the EVSE
whose uid is ``{station_id}-{n}``, its connector *m* the *m*-th Connector there. All is kept in
memory and read again when it changes, by whichever process.

Source: OCPI 2.3.0, mod_locations.asciidoc (EVSE: one vehicle at a time); decision 0022.
"""

import re
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub.cpms.following import Change, Following
from hub.cpms.outlets import outlet_of
from hub.cpms.ports import Outlet
from hub.cpms.store import LOCATIONS, STATUSES, Store
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE

#: The channel that says how a station is placed; the payload is its id.
PLACES = "cpms_place"

_NUMBERED = re.compile(r"(.+)-([1-9][0-9]{0,2})")


@dataclass(frozen=True, order=True)
class Place:
    """One connector of a station, and the Connector it is; the ids of the Location are folded to upper case.

    Attributes:
        evse_id, connector_id: as the station counts, from 1.
    """

    evse_id: int
    connector_id: int
    location_id: str
    evse_uid: str
    connector: str


class Places:
    """Both ways between what chargers tell of and what OCPI names.

    Args:
        store: the operator's, whose Locations and places they are.

    Attributes:
        hearers: called with a station that is placed otherwise than before.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locations: dict[str, dict[str, tuple[Outlet, ...]]] = {}
        self._numbered: dict[str, dict[int, tuple[str, str]]] = {}
        self._placed: dict[str, list[Place]] = {}
        self._evses: dict[tuple[str, str, str], EVSE] = {}
        self._following = Following(store.database, (LOCATIONS, PLACES, STATUSES), self._read)
        self.hearers: list[Callable[[str], None]] = []

    async def start(self) -> None:
        """Read everything, and from now on what changes."""
        await self._following.start()

    async def stop(self) -> None:
        """Stop following changes."""
        await self._following.stop()

    # -- both ways ---------------------------------------------------------------------------------

    def outlet(self, evse: EVSE) -> Outlet | None:
        """Return what a station's connector is in OCPI, with connector_id 0 the EVSE's first; None: it is nowhere."""
        rows = self._placed.get(evse.station_id)
        if rows is None:
            return self._by_convention(evse)
        found = (row for row in rows if row.evse_id == evse.evse_id and evse.connector_id in (0, row.connector_id))
        return next((outlet for outlet in map(self._outlet, found) if outlet is not None), None)

    def evse(self, outlet: Outlet) -> EVSE | None:
        """Return the station's connector that an outlet is; None: no station stands there."""
        return self.at(outlet.location_id, outlet.evse_uid, outlet.connector_id)

    def at(self, location_id: str, evse_uid: str, connector_id: str) -> EVSE | None:
        """Return the station's connector that a Connector is; None: no station stands there."""
        key = (location_id.upper(), evse_uid.upper(), connector_id.upper())
        return self._evses.get(key) or self._evse_by_convention(*key)

    def of_station(self, station_id: str) -> list[tuple[EVSE, Outlet]]:
        """Return the connectors of a station and what they are, in the station's order."""
        rows = self._placed.get(station_id)
        if rows is not None:
            placed = ((EVSE(station_id=station_id, evse_id=row.evse_id, connector_id=row.connector_id), row)
                      for row in rows)  # fmt: skip
            return [(evse, outlet) for evse, row in placed if (outlet := self._outlet(row)) is not None]
        return [
            (EVSE(station_id=station_id, evse_id=number, connector_id=connector_id), outlet)
            for number, (location_id, uid) in sorted(self._numbered.get(station_id, {}).items())
            for connector_id, outlet in enumerate(self._at(location_id, uid), start=1)
            if _key(outlet) not in self._evses
        ]

    def of_evse(self, location_id: str, evse_uid: str) -> list[EVSE]:
        """Return the stations' connectors that together are one EVSE of a Location."""
        found = (self.evse(outlet) for outlet in self._at(location_id.upper(), evse_uid.upper()))
        return [evse for evse in found if evse is not None]

    def known(self, location_id: str, evse_uid: str) -> bool:
        """Whether there is such an EVSE, with a station or without."""
        return bool(self._at(location_id.upper(), evse_uid.upper()))

    def evses_of(self, station_id: str) -> list[tuple[str, str]]:
        """Return the EVSEs of a station: location_id and evse_uid, each once."""
        return list(dict.fromkeys((each.location_id, each.evse_uid) for _, each in self.of_station(station_id)))

    def stations_at(self, location_id: str) -> set[str]:
        """Return the stations that stand at a Location."""
        outlets = self._locations.get(location_id.upper(), {}).values()
        evses = (self.evse(outlet) for each in outlets for outlet in each)
        return {evse.station_id for evse in evses if evse is not None}

    def stations(self) -> set[str]:
        """Return every station that is placed; of those placed by convention some may not exist."""
        return self._placed.keys() | self._numbered.keys()

    def _outlet(self, row: Place) -> Outlet | None:
        outlets = self._at(row.location_id, row.evse_uid)
        return next((each for each in outlets if each.connector_id.upper() == row.connector), None)

    def _at(self, location_id: str, evse_uid: str) -> tuple[Outlet, ...]:
        return self._locations.get(location_id, {}).get(evse_uid, ())

    def _by_convention(self, evse: EVSE) -> Outlet | None:
        place = self._numbered.get(evse.station_id, {}).get(evse.evse_id)
        outlets = self._at(*place) if place else ()
        at = max(evse.connector_id, 1) - 1
        return outlets[at] if at < len(outlets) and _key(outlets[at]) not in self._evses else None

    def _evse_by_convention(self, location_id: str, evse_uid: str, connector: str) -> EVSE | None:
        for at, outlet in enumerate(self._at(location_id, evse_uid), start=1):
            named = _NUMBERED.fullmatch(outlet.evse_uid)
            if outlet.connector_id.upper() == connector and named and named[1] not in self._placed:
                return EVSE(station_id=named[1], evse_id=int(named[2]), connector_id=at)
        return None

    # -- what is in memory -------------------------------------------------------------------------

    async def reread(self, *, location_id: str | None = None, station_id: str | None = None) -> None:
        """Read a Location or a station's places now: whoever has changed them need not wait to be heard of."""
        named = ((LOCATIONS, location_id), (PLACES, station_id))
        await self._following.now(*((channel, name) for channel, name in named if name))

    async def _read(self, changes: Sequence[Change]) -> None:
        if any(not name for _, name in changes):
            await self._read_all()
            return
        for channel, name in changes:
            if channel == STATUSES:
                self._note_status(*name.split("\n")[:3])
            else:
                await (self._read_location(name) if channel == LOCATIONS else self._read_station(name))

    async def _read_all(self) -> None:
        locations = await self._store.locations.all()
        rows = await self._store.database.fetch(f"{_SELECT} ORDER BY station_id, evse_id, connector_id")
        memories: tuple[MutableMapping[Any, Any], ...] = (self._locations, self._numbered, self._placed, self._evses)
        for memory in memories:
            memory.clear()
        for location in locations:
            self._keep_location(location)
        by_station: dict[str, list[Place]] = {}
        for station_id, *rest in rows:
            by_station.setdefault(station_id, []).append(Place(*rest))
        for station_id, places in by_station.items():
            self._keep_station(station_id, places)

    async def _read_location(self, location_id: str) -> None:
        location = await self._store.locations.get(self._store.party, location_id)
        if location is not None:
            self._keep_location(location)

    async def _read_station(self, station_id: str) -> None:
        rows = await self._store.database.fetch(
            f"{_SELECT} WHERE station_id = $1 ORDER BY evse_id, connector_id", station_id
        )
        self._keep_station(station_id, [Place(*rest) for _, *rest in rows])
        for hear in self.hearers:
            hear(station_id)

    def _note_status(self, location_id: str, evse_uid: str, status: str) -> None:
        """Take a Status over; at 200 changes a second nothing is read for it."""
        evses = self._locations.get(location_id.upper(), {})
        outlets = evses.get(evse_uid.upper(), ())
        if status == "REMOVED":
            evses.pop(evse_uid.upper(), None)
        elif outlets:
            evses[evse_uid.upper()] = tuple(replace(each, status=status) for each in outlets)

    def _keep_location(self, location: JSONObject) -> None:
        key = location["id"].upper()
        for outlets in self._locations.get(key, {}).values():
            self._forget_number(outlets[0].evse_uid, key)
        evses = [each for each in location.get("evses") or [] if each["status"] != "REMOVED"]
        self._locations[key] = {
            evse["uid"].upper(): tuple(outlet_of(location, evse, connector) for connector in evse["connectors"])
            for evse in evses
        }
        for evse in evses:
            named = _NUMBERED.fullmatch(evse["uid"])
            if named:
                self._numbered.setdefault(named[1], {})[int(named[2])] = (key, evse["uid"].upper())

    def _forget_number(self, evse_uid: str, location_id: str) -> None:
        named = _NUMBERED.fullmatch(evse_uid)
        if named and self._numbered.get(named[1], {}).get(int(named[2]), ("", ""))[0] == location_id:
            numbers = self._numbered[named[1]]
            del numbers[int(named[2])]
            if not numbers:
                del self._numbered[named[1]]

    def _keep_station(self, station_id: str, places: list[Place]) -> None:
        for row in self._placed.pop(station_id, ()):
            self._evses.pop((row.location_id, row.evse_uid, row.connector), None)
        if not places:
            return
        self._placed[station_id] = places
        for row in places:
            evse = EVSE(station_id=station_id, evse_id=row.evse_id, connector_id=row.connector_id)
            self._evses[row.location_id, row.evse_uid, row.connector] = evse


def _key(outlet: Outlet) -> tuple[str, str, str]:
    return outlet.location_id.upper(), outlet.evse_uid.upper(), outlet.connector_id.upper()


_SELECT = "SELECT station_id, evse_id, connector_id, location_id, evse_uid, connector FROM cpms_place"
