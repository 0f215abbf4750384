"""The operator's memory of its stations: what they are, where they are placed, how they are operated.

Source: REQUIREMENTS SGEM-4.4-01 .. 04; OCPP 2.0.1 edition 3, part 2, B (Provisioning).
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from hub.cpms import moments
from hub.cpms.moments import microseconds
from hub.cpms.places import PLACES, Place
from hub.database.contract import Database, Row, Transaction
from hub.ocpi import codec
from hub.ocpi.objects import Bounds, CiString36, DateTime, JSONObject, Number, OpenEnum, String50, String255, Text

#: How a station or one of its EVSEs is operated. That it is in use is not set but seen (``hub.cpms.status``).
OperationalState = Literal["ACTIVE", "TEST", "DISABLED"]

#: The channel that says how a station is operated; the payload is its id.
OPERATIONS = "cpms_operation"

Count = Annotated[int, Bounds(ge=1, le=999)]


class StationPlace(TypedDict):
    """One connector of a station and the Connector of its Location that it is.

    Attributes:
        evse_id, connector_id: as the station counts; OCPP 1.6 counts connectors only: they are its EVSEs.
        connector: the Connector's id; without it the EVSE's first.
    """

    evse_id: Count
    connector_id: NotRequired[Count | None]
    evse_uid: CiString36
    connector: NotRequired[CiString36 | None]


class Battery(TypedDict):
    """A battery of the station's own, as a source beside the grid: ``capacity`` in kWh, ``power`` in kW."""

    capacity: Annotated[float, Bounds(ge=0)]
    power: Annotated[float, Bounds(ge=0)]


class Station(TypedDict):
    """What an operator knows of a station beyond its Location.

    Attributes:
        station_id: as it stands in the URL it connects to; of the identifierString's characters.
        parameters: what its vendor's schema asks for, by name.
        max_power: what its grid connection gives, in kW.
        places: its connectors, in the station's order.
    """

    station_id: Annotated[str, Text(48, pattern=r"^[A-Za-z0-9*_=:+|@.\-]{1,48}$")]
    location_id: CiString36
    vendor: NotRequired[String50 | None]
    model: NotRequired[String50 | None]
    serial_number: NotRequired[String50 | None]
    protocol: NotRequired[Annotated[str, OpenEnum("1.6", "2.0.1", "2.1")] | None]
    max_power: NotRequired[Number | None]
    battery: NotRequired[Battery | None]
    parameters: NotRequired[Any]
    places: NotRequired[list[StationPlace] | None]
    state: NotRequired[OperationalState | None]
    note: NotRequired[String255 | None]
    last_updated: DateTime


@dataclass(frozen=True, kw_only=True)
class Known:
    """A station as it is stored.

    Attributes:
        document: a ``Station`` without places and state.
        offline_since: when its connection was lost; None while connected, and before it ever was.
    """

    station_id: str
    location_id: str
    document: JSONObject
    offline_since: datetime.datetime | None = None
    removed_at: datetime.datetime | None = None


class StationStore:
    """The operator's tables of stations."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def station(self, station_id: str) -> Known | None:
        """Return a station, also one that was removed."""
        rows = await self.database.fetch(f"{_STATION} WHERE station_id = $1", station_id)
        return _known(rows[0]) if rows else None

    async def station_in(self, tx: Transaction, station_id: str) -> Known | None:
        """Return a station as the transaction sees it, locked where the store locks rows."""
        locked = " FOR UPDATE" if self.database.dialect == "postgres" else ""
        rows = await tx.fetch(f"{_STATION} WHERE station_id = $1{locked}", station_id)
        return _known(rows[0]) if rows else None

    async def stations(self, *, location_id: str | None = None) -> list[Known]:
        """Return the stations that were not removed, all or those of a Location, by id."""
        where, args = ("", ()) if location_id is None else (" AND location_id = $1", (location_id.upper(),))
        rows = await self.database.fetch(f"{_STATION} WHERE removed_at IS NULL{where} ORDER BY station_id", *args)
        return [_known(row) for row in rows]

    async def of_vendor(self, tx: Transaction, vendor: str) -> list[Known]:
        """Return the stations of a vendor."""
        rows = await tx.fetch(f"{_STATION} WHERE removed_at IS NULL ORDER BY station_id")
        return [each for each in map(_known, rows) if (each.document.get("vendor") or "") == vendor]

    async def put(self, tx: Transaction, document: JSONObject) -> None:
        """Write a station; one that was removed is there again."""
        await tx.execute(
            "INSERT INTO cpms_station (station_id, location_id, document) VALUES ($1, $2, $3)"
            " ON CONFLICT (station_id) DO UPDATE SET"
            " location_id = excluded.location_id, document = excluded.document, removed_at = NULL",
            document["station_id"],
            document["location_id"].upper(),
            codec.encode(document),
        )

    async def take_away(self, tx: Transaction, station_id: str, at: datetime.datetime) -> None:
        """Mark a station removed; it is placed nowhere any more."""
        await tx.execute("UPDATE cpms_station SET removed_at = $1 WHERE station_id = $2", microseconds(at), station_id)
        await self.place(tx, station_id, ())

    async def set_offline(self, tx: Transaction, station_ids: Iterable[str], at: datetime.datetime | None) -> None:
        """Write since when stations have been without connection; None: they are connected."""
        await tx.executemany(
            "UPDATE cpms_station SET offline_since = $1 WHERE station_id = $2",
            [(microseconds(at) if at else None, each) for each in station_ids],
        )

    async def place(self, tx: Transaction, station_id: str, places: Sequence[Place]) -> None:
        """Place a station's connectors, and only these.

        Raises:
            Conflict: another station stands there.
        """
        await tx.execute("DELETE FROM cpms_place WHERE station_id = $1", station_id)
        for each in places:
            await tx.execute(
                "INSERT INTO cpms_place (station_id, evse_id, connector_id, location_id, evse_uid, connector)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                station_id, each.evse_id, each.connector_id, each.location_id, each.evse_uid, each.connector,
            )  # fmt: skip
        tx.notify(PLACES, station_id)

    async def standing_at(self, tx: Transaction, place: Place) -> str | None:
        """Return the station that is placed at a Connector."""
        rows = await tx.fetch(
            "SELECT station_id FROM cpms_place WHERE location_id = $1 AND evse_uid = $2 AND connector = $3",
            place.location_id, place.evse_uid, place.connector,
        )  # fmt: skip
        return rows[0][0] if rows else None

    async def operations(self) -> dict[tuple[str, int], tuple[OperationalState, bool | None]]:
        """Return by station and EVSE (0: the whole) how it is operated, and whether it was told to be operative."""
        rows = await self.database.fetch("SELECT station_id, evse_id, state, told FROM cpms_operation")
        return {
            (station_id, evse_id): (state, None if told is None else bool(told))
            for station_id, evse_id, state, told in rows
        }

    async def operate(self, tx: Transaction, station_id: str, evse_id: int, state: OperationalState) -> None:
        """Write how a station or one of its EVSEs is operated."""
        await tx.execute(
            "INSERT INTO cpms_operation (station_id, evse_id, state) VALUES ($1, $2, $3)"
            " ON CONFLICT (station_id, evse_id) DO UPDATE SET state = excluded.state",
            station_id, evse_id, state,
        )  # fmt: skip
        tx.notify(OPERATIONS, station_id)

    async def told(self, tx: Transaction, station_id: str, evse_id: int, operative: bool) -> None:
        """Write what a station was told of its availability."""
        await tx.execute(
            "INSERT INTO cpms_operation (station_id, evse_id, state, told) VALUES ($1, $2, 'ACTIVE', $3)"
            " ON CONFLICT (station_id, evse_id) DO UPDATE SET told = excluded.told",
            station_id, evse_id, int(operative),
        )  # fmt: skip
        tx.notify(OPERATIONS, station_id)


_STATION = "SELECT station_id, location_id, document, offline_since, removed_at FROM cpms_station"


def _known(row: Row) -> Known:
    station_id, location_id, document, offline_since, removed_at = row
    return Known(
        station_id=station_id,
        location_id=location_id,
        document=codec.decode(document),
        offline_since=_moment_or_none(offline_since),
        removed_at=_moment_or_none(removed_at),
    )


def _moment_or_none(value: int | None) -> datetime.datetime | None:
    return None if value is None else moments.at(value)
