"""Many stations at once: CSV, one line per connector, and OCPI JSON, one object per Location.

Each line is judged by itself, then each station is written with all its lines, in one transaction. A
line that is wrong is reported with what is wrong, and stops only its own station. An empty cell of
what is there already leaves it as it is. What is written is what is exported: import it, and nothing
changes.

Source: OCPI 2.3.0, mod_locations.asciidoc; REQUIREMENTS SGEM-4.4-01, DD-R9.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.cpms.lines import COLUMNS, Fault, Line, cells, lines_of, table
from hub.cpms.stations import Stations
from hub.cpms.store import Store
from hub.database.contract import Conflict, Transaction
from hub.database.works import Also, followed
from hub.ocpi.errors import InvalidParameters, OcpiError
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of an import: lines (or objects) read and stored, and what was left out and why."""

    read: int
    stored: int
    faults: list[Fault]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What one work of an import wrote: a Location, or a station with its EVSEs.

    Attributes:
        target: its path in the operator API.
        value: the Location, or what lines say.
    """

    target: str
    value: JSONObject


class Bulk:
    """Imports and exports of one operator's sites and stations."""

    def __init__(self, store: Store, stations: Stations) -> None:
        self._store = store
        self._stations = stations

    # -- OCPI JSON ---------------------------------------------------------------------------------

    async def import_locations(self, values: Sequence[Any], *, also: Also[Written] | None = None) -> Report:
        """Create or change the Locations of a list, each by itself.

        Args:
            also: written with each, in its transaction.
        """
        faults = []
        for place, value in enumerate(values):
            name = str(value.get("id")) if isinstance(value, dict) else None
            try:
                await self._import_location(value, also)
            except OcpiError as error:
                faults.append(Fault(line=place, id=name, error=str(error)))
        return Report(read=len(values), stored=len(values) - len(faults), faults=faults)

    async def _import_location(self, value: Any, also: Also[Written] | None) -> None:
        if not isinstance(value, dict):
            raise InvalidParameters("$: must be a Location")
        sites = self._stations.sites

        async def work(tx: Transaction) -> Written:
            made = await sites.write(tx, value, await sites.find_in(tx, str(value.get("id"))))
            return Written(target=f"/sites/{made['id']}", value=made)

        await self._store.database.transact(followed(work, also))
        await self._stations.places.reread(location_id=value["id"])

    async def export_locations(self) -> list[JSONObject]:
        """Return every Location, in the order they came."""
        return await self._store.locations.all()

    # -- CSV in ------------------------------------------------------------------------------------

    async def import_csv(self, text: bytes, *, also: Also[Written] | None = None) -> Report:
        """Create or change the stations of a CSV; arguments are those of ``import_locations``.

        Raises:
            InvalidParameters: it is no CSV in UTF-8, or has a column nobody knows.
        """
        lines, faults = lines_of(table(text))
        groups: dict[tuple[str, str], list[Line]] = {}
        for line in lines:
            groups.setdefault(line.group, []).append(line)
        refused = {fault.line for fault in faults}
        for group in groups.values():
            error = await self._import_group(group, also)
            if error is not None:
                faults += [Fault(line=each.number, id=each.group[1] or each.group[0], error=error) for each in group]
        faults.sort(key=lambda each: each.line)
        read = len(lines) + len(refused)
        return Report(read=read, stored=read - len({each.line for each in faults}), faults=faults)

    async def _import_group(self, lines: Sequence[Line], also: Also[Written] | None) -> str | None:
        """Write a station with its EVSEs; return what is wrong, and then nothing of it is written."""
        try:
            await self._store.database.transact(followed(lambda tx: self._write_group(tx, lines), also))
        except OcpiError as error:
            return str(error)
        except Conflict:
            return "two lines are one connector of the station, or another station stands there"
        await self._stations.reread(lines[0].location["id"], lines[0].station.get("station_id"))
        return None

    async def _write_group(self, tx: Transaction, lines: Sequence[Line]) -> Written:
        sites, first = self._stations.sites, lines[0]
        before = await sites.find_in(tx, str(first.location.get("id")))
        location = _merged_location(before, lines)
        await sites.write(tx, location, before)
        if first.station:
            known = await self._stations.stored.station_in(tx, first.station["station_id"])
            document = known.document if known is not None and known.removed_at is None else {}
            await self._stations.put_in(tx, _station(document, lines))
        return _written(lines)

    # -- CSV out -----------------------------------------------------------------------------------

    async def export_csv(self) -> bytes:
        """Return every connector that was not removed, Location by Location."""
        stations = {each["station_id"]: each for each in await self._stations.all()}
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for location in await self._store.locations.all():
            for evse in location.get("evses") or []:
                if evse["status"] != "REMOVED":
                    writer.writerows(self._rows(location, evse, stations))
        return written.getvalue().encode()

    def _rows(self, location: JSONObject, evse: JSONObject, stations: Mapping[str, JSONObject]) -> Iterator[list[str]]:
        places = self._stations.places
        for connector in evse["connectors"]:
            place = places.at(location["id"], evse["uid"], connector["id"])
            station = stations.get(place.station_id) if place is not None else None
            count = {} if station is None or place is None else {
                "evse_id": place.evse_id, "connector_id": place.connector_id
            }  # fmt: skip
            parts = (location | location["coordinates"], _flat(station or {}), evse, connector, count)
            yield cells(parts)


def _written(lines: Sequence[Line]) -> Written:
    first = lines[0]
    station_id = first.station.get("station_id")
    return Written(
        target=f"/stations/{station_id}" if station_id else f"/sites/{first.location['id']}",
        value={
            "location": first.location,
            "station": first.station,
            "connectors": [{**line.evse, **line.count, "connector": line.connector} for line in lines],
        },
    )


# -- putting together ------------------------------------------------------------------------------


def _merged_location(before: JSONObject | None, lines: Sequence[Line]) -> JSONObject:
    """Return a Location with what lines say of it, and all else as it is."""
    said: JSONObject = {}
    for line in lines:
        said |= line.location
    position = {name: said.pop(name) for name in ("latitude", "longitude") if name in said}
    made = {"publish": True, **(before or {}), **said}
    if position or before is not None:
        made["coordinates"] = {**(before or {}).get("coordinates", {}), **position}
    evses = {each["uid"].upper(): each for each in (before or {}).get("evses") or []}
    for line in lines:
        uid = line.evse["uid"].upper()
        evses[uid] = _merged_evse(evses.get(uid), line)
    return made | {"evses": list(evses.values())}


def _merged_evse(evse: JSONObject | None, line: Line) -> JSONObject:
    known = evse or {}
    connectors = list(known.get("connectors") or [])
    present = child(known, "connectors", line.connector["id"])
    merged = {**(present or {}), **line.connector}
    if present is None:
        connectors.append(merged)
    else:
        connectors[connectors.index(present)] = merged | {"id": present["id"]}
    return {**known, **line.evse, "uid": known.get("uid", line.evse["uid"]), "connectors": connectors}


def _station(document: JSONObject, lines: Sequence[Line]) -> JSONObject:
    """Return a station with what its lines say of it and where each says it stands."""
    said: JSONObject = {"location_id": lines[0].location["id"]}
    for line in lines:
        said |= line.station
    battery = {name: said.pop(f"battery_{name}") for name in ("capacity", "power") if f"battery_{name}" in said}
    if battery:
        said["battery"] = {"capacity": 0, "power": 0, **(document.get("battery") or {}), **battery}
    places = [
        {**line.count, "evse_uid": line.evse["uid"], "connector": line.connector["id"]}
        for line in lines
        if line.count.get("evse_id")
    ]
    if places:
        said["places"] = places
    elif not document:
        said["evse_uids"] = list(dict.fromkeys(line.evse["uid"] for line in lines))
    return {name: each for name, each in document.items() if name != "last_updated"} | said


def _flat(station: JSONObject) -> JSONObject:
    battery = station.get("battery") or {}
    return station | {f"battery_{name}": each for name, each in battery.items()}
