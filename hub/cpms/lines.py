"""A connector as a line of a CSV: its columns, read from cells and written into them.

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

Source: RFC 4180 (CSV).
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, OcpiError
from hub.ocpi.objects import JSONObject

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


@dataclass(frozen=True)
class Line:
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


def table(text: bytes) -> list[tuple[int, dict[str, str]]]:
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


def lines_of(rows: Iterable[tuple[int, dict[str, str]]]) -> tuple[list[Line], list[Fault]]:
    """Return what can be read of a table's lines, and what is wrong with the others."""
    lines, faults = [], []
    for number, cells in rows:
        try:
            lines.append(_line(number, cells))
        except InvalidParameters as error:
            faults.append(Fault(line=number, id=cells.get("station_id") or None, error=str(error)))
    return lines, faults


def _line(number: int, cells: Mapping[str, str]) -> Line:
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
    return Line(number, *parts)


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


def cells(parts: Sequence[JSONObject]) -> list[str]:
    """Return a line's cells from its parts: Location, station, EVSE, Connector, and how the station counts them."""
    return [
        _cell(part.get(field)) for columns, part in zip(_PARTS, parts, strict=True) for field, _ in columns.values()
    ]


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
