"""Many stations at once: CSV, one line per connector, and OCPI JSON, one object per Location.

Each line is judged by itself, then each station is written with all its lines, in one transaction. A
line that is wrong is reported with what is wrong, and stops only its own station. An empty cell of
what is there already leaves it as it is. What is written is what is exported: import it, and nothing
changes.

Columns::

    location_id, location_name, address, city, postal_code, country (ISO alpha-3), latitude, longitude,
    time_zone, publish (true, false), parking_type, facilities*
    station_id, vendor, model, serial_number, protocol (1.6, 2.0.1), state (ACTIVE, TEST, DISABLED), max_power (kW),
    battery_capacity (kWh), battery_power (kW), parameters (JSON)
    evse_uid, evse_id (eMI3), physical_reference, capabilities*
    connector_id, standard, format, power_type, max_voltage (V), max_amperage (A), max_electric_power (W),
    tariff_ids*
    station_evse, station_connector: how the station counts them

Columns with * hold several values, separated by spaces or as a JSON list. A line without station_id is a connector no
station of ours stands at.

Source: OCPI 2.3.0, mod_locations.asciidoc; RFC 4180 (CSV); REQUIREMENTS SGEM-4.4-01, DD-R9.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.cpms.stations import Stations
from hub.cpms.store import Store
from hub.database.contract import Conflict, Transaction
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, OcpiError
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child

#: A cell that begins with one of these is a formula to a spreadsheet; a quote before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _text(cell: str) -> Any:
    return cell


def _number(cell: str) -> Any:
    return int(cell)


def _decimal(cell: str) -> Any:
    if not math.isfinite(float(cell)):
        raise ValueError
    return Decimal(cell)


def _several(cell: str) -> Any:
    if not cell.startswith("["):
        return cell.split()
    found = codec.decode(cell.encode())
    if not all(isinstance(each, str) for each in found):
        raise ValueError
    return found


def _flag(cell: str) -> Any:
    return {"true": True, "false": False}[cell.lower()]


def _json(cell: str) -> Any:
    return codec.decode(cell.encode())


Read = Callable[[str], Any]

_LOCATION: Mapping[str, tuple[str, Read]] = {
    "location_id": ("id", _text), "location_name": ("name", _text), "address": ("address", _text),
    "city": ("city", _text), "postal_code": ("postal_code", _text), "country": ("country", _text),
    "latitude": ("latitude", _text), "longitude": ("longitude", _text), "time_zone": ("time_zone", _text),
    "publish": ("publish", _flag), "parking_type": ("parking_type", _text), "facilities": ("facilities", _several),
}  # fmt: skip
_STATION: Mapping[str, tuple[str, Read]] = {
    "station_id": ("station_id", _text), "vendor": ("vendor", _text), "model": ("model", _text),
    "serial_number": ("serial_number", _text), "protocol": ("protocol", _text), "state": ("state", _text),
    "max_power": ("max_power", _decimal), "battery_capacity": ("battery_capacity", _decimal),
    "battery_power": ("battery_power", _decimal), "parameters": ("parameters", _json),
}  # fmt: skip
_EVSE: Mapping[str, tuple[str, Read]] = {
    "evse_uid": ("uid", _text), "evse_id": ("evse_id", _text), "physical_reference": ("physical_reference", _text),
    "capabilities": ("capabilities", _several),
}  # fmt: skip
_CONNECTOR: Mapping[str, tuple[str, Read]] = {
    "connector_id": ("id", _text), "standard": ("standard", _text), "format": ("format", _text),
    "power_type": ("power_type", _text), "max_voltage": ("max_voltage", _number),
    "max_amperage": ("max_amperage", _number), "max_electric_power": ("max_electric_power", _number),
    "tariff_ids": ("tariff_ids", _several),
}  # fmt: skip
_COUNT: Mapping[str, tuple[str, Read]] = {
    "station_evse": ("evse_id", _number), "station_connector": ("connector_id", _number),
}  # fmt: skip

_PARTS = (_LOCATION, _STATION, _EVSE, _CONNECTOR, _COUNT)
COLUMNS: tuple[str, ...] = tuple(name for part in _PARTS for name in part)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a line, or with an object of a JSON list.

    Attributes:
        line: from 1, the header is line 1; of JSON the place in the list, from 0.
        id: the station or the Location it is about, as far as can be seen.
    """

    line: int
    id: str | None
    error: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of an import: lines (or objects) read and stored, and what was left out and why."""

    read: int
    stored: int
    faults: list[Fault]


@dataclass(frozen=True)
class _Line:
    """One connector: what its line says of each part; what it leaves out is not there."""

    number: int
    location: JSONObject
    station: JSONObject
    evse: JSONObject
    connector: JSONObject
    count: JSONObject

    @property
    def group(self) -> tuple[str, str]:
        """Which lines are written together: those of a station, or of a Location without one."""
        return str(self.location.get("id")).upper(), self.station.get("station_id", "")


class Bulk:
    """Imports and exports of one operator's sites and stations."""

    def __init__(self, store: Store, stations: Stations) -> None:
        self._store = store
        self._stations = stations

    # -- OCPI JSON ---------------------------------------------------------------------------------

    async def import_locations(self, values: Sequence[Any]) -> Report:
        """Create or change the Locations of a list, each by itself."""
        faults = []
        for place, value in enumerate(values):
            name = str(value.get("id")) if isinstance(value, dict) else None
            try:
                await self._import_location(value)
            except OcpiError as error:
                faults.append(Fault(line=place, id=name, error=str(error)))
        return Report(read=len(values), stored=len(values) - len(faults), faults=faults)

    async def _import_location(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise InvalidParameters("$: must be a Location")
        sites = self._stations.sites

        async def work(tx: Transaction) -> None:
            await sites.write(tx, value, await sites.find_in(tx, str(value.get("id"))))

        await self._store.database.transact(work)
        await self._stations.places.reread(location_id=value["id"])

    async def export_locations(self) -> list[JSONObject]:
        """Return every Location, in the order they came."""
        return await self._store.locations.all()

    # -- CSV in ------------------------------------------------------------------------------------

    async def import_csv(self, text: bytes) -> Report:
        """Create or change the stations of a CSV.

        Raises:
            InvalidParameters: it is no CSV in UTF-8, or has a column nobody knows.
        """
        lines, faults = _lines(_table(text))
        groups: dict[tuple[str, str], list[_Line]] = {}
        for line in lines:
            groups.setdefault(line.group, []).append(line)
        refused = {fault.line for fault in faults}
        for group in groups.values():
            error = await self._import_group(group)
            if error is not None:
                faults += [Fault(line=each.number, id=each.group[1] or each.group[0], error=error) for each in group]
        faults.sort(key=lambda each: each.line)
        read = len(lines) + len(refused)
        return Report(read=read, stored=read - len({each.line for each in faults}), faults=faults)

    async def _import_group(self, lines: Sequence[_Line]) -> str | None:
        """Write a station with its EVSEs; return what is wrong, and then nothing of it is written."""
        try:
            await self._store.database.transact(lambda tx: self._write_group(tx, lines))
        except OcpiError as error:
            return str(error)
        except Conflict:
            return "two lines are one connector of the station, or another station stands there"
        await self._stations.reread(lines[0].location["id"], lines[0].station.get("station_id"))
        return None

    async def _write_group(self, tx: Transaction, lines: Sequence[_Line]) -> None:
        sites, first = self._stations.sites, lines[0]
        before = await sites.find_in(tx, str(first.location.get("id")))
        location = _merged_location(before, lines)
        await sites.write(tx, location, before)
        if first.station:
            known = await self._stations.stored.station_in(tx, first.station["station_id"])
            document = known.document if known is not None and known.removed_at is None else {}
            await self._stations.put_in(tx, _station(document, lines))

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
            yield [
                _cell(part.get(field))
                for columns, part in zip(_PARTS, parts, strict=True)
                for field, _ in columns.values()
            ]


# -- reading ---------------------------------------------------------------------------------------


def _table(text: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of a CSV by column, each with its number."""
    try:
        rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidParameters(f"this is no CSV in UTF-8: {error}") from error
    header = rows[0] if rows else []
    if unknown := [name for name in header if name not in COLUMNS]:
        raise InvalidParameters(f"line 1: there is no column {unknown[0]!r}; there are {', '.join(COLUMNS)}")
    if len(set(header)) < len(header):
        raise InvalidParameters("line 1: a column is there twice")
    for name in ("location_id", "evse_uid", "connector_id"):
        if name not in header:
            raise InvalidParameters(f"line 1: the column {name} is missing")
    return [
        (number, dict(zip(header, row, strict=False)) | {"": "" if len(row) <= len(header) else "more"})
        for number, row in enumerate(rows[1:], start=2)
        if any(row)
    ]


def _lines(table: Iterable[tuple[int, dict[str, str]]]) -> tuple[list[_Line], list[Fault]]:
    lines, faults = [], []
    for number, cells in table:
        try:
            lines.append(_line(number, cells))
        except InvalidParameters as error:
            faults.append(Fault(line=number, id=cells.get("station_id") or None, error=str(error)))
    return lines, faults


def _line(number: int, cells: Mapping[str, str]) -> _Line:
    if cells[""]:
        raise InvalidParameters("it has more cells than there are columns")
    parts = [
        {field: _read(column, cells[column], read) for column, (field, read) in columns.items() if cells.get(column)}
        for columns in _PARTS
    ]
    for column in ("location_id", "evse_uid", "connector_id"):
        if not cells.get(column):
            raise InvalidParameters(f"{column}: is missing")
    if parts[1] and "station_id" not in parts[1]:
        raise InvalidParameters("station_id: is missing, and the line says more of the station")
    return _Line(number, *parts)


def _read(column: str, cell: str, read: Read) -> Any:
    text = cell[1:] if cell.startswith("'") and cell[1:].lstrip("'").startswith(_FORMULA) else cell
    try:
        return read(text)
    except (ValueError, KeyError, OcpiError) as error:
        raise InvalidParameters(f"{column}: {cell!r} cannot be read ({_WANTED[read]})") from error


_WANTED: Mapping[Read, str] = {
    _text: "text", _number: "a whole number", _decimal: "a number", _several: "words", _flag: "true or false",
    _json: "a JSON object",
}  # fmt: skip


# -- putting together ------------------------------------------------------------------------------


def _merged_location(before: JSONObject | None, lines: Sequence[_Line]) -> JSONObject:
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


def _merged_evse(evse: JSONObject | None, line: _Line) -> JSONObject:
    known = evse or {}
    connectors = list(known.get("connectors") or [])
    present = child(known, "connectors", line.connector["id"])
    merged = {**(present or {}), **line.connector}
    if present is None:
        connectors.append(merged)
    else:
        connectors[connectors.index(present)] = merged | {"id": present["id"]}
    return {**known, **line.evse, "uid": known.get("uid", line.evse["uid"]), "connectors": connectors}


def _station(document: JSONObject, lines: Sequence[_Line]) -> JSONObject:
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


# -- writing ---------------------------------------------------------------------------------------


def _flat(station: JSONObject) -> JSONObject:
    battery = station.get("battery") or {}
    return station | {f"battery_{name}": each for name, each in battery.items()}


def _cell(value: Any) -> str:
    """Return a value as a cell no spreadsheet takes for a formula."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        plain = all(each.split() == [each] and not each.startswith("[") for each in value)
        return " ".join(value) if plain else codec.encode(value).decode()
    if isinstance(value, dict):
        return codec.encode(value).decode()
    text = str(value)
    if isinstance(value, str) and text.lstrip("'").startswith(_FORMULA) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
