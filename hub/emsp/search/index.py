"""The index of EVSEs: written with the Locations they are of, read by area.

A row stands for an EVSE of a published Location. The engines' own spatial indexes find rows in a box:
two R*Trees in SQLite (all EVSEs, and those that are free), two GiST indexes over points in PostgreSQL. They
are derived, so they are no part of the migrations.
"""

# ruff: noqa: S608  the only names put into a statement are this file's own

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hub.database.contract import Database, Row, Transaction
from hub.emsp.search.geometry import Box, Point
from hub.emsp.search.queries import Wishes
from hub.emsp.search.words import CAPABILITIES, FACILITIES, PARKING, STANDARDS, currents
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import microseconds

_PHASES = {"AC_3_PHASE": 3, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2}

_SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS emsp_place_all USING rtree(id, west, east, south, north)",
    "CREATE VIRTUAL TABLE IF NOT EXISTS emsp_place_free USING rtree(id, west, east, south, north)",
)
_POSTGRES = (
    "CREATE INDEX IF NOT EXISTS emsp_place_all ON emsp_place USING gist (point(lon, lat))",
    "CREATE INDEX IF NOT EXISTS emsp_place_free ON emsp_place USING gist (point(lon, lat)) WHERE available = 1",
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """An EVSE as it is indexed; the columns are explained at ``EmspPlace``."""

    owner: str
    location_id: str
    evse_uid: str
    lat: float
    lon: float
    status: str
    power: int
    standards: int
    currents: int
    facilities: int
    capabilities: int
    parking: int
    green: bool
    tariffs: tuple[str, ...]
    zone: str
    country: str
    code: str
    changed: int

    @property
    def available(self) -> bool:
        return self.status == "AVAILABLE"

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


_COLUMNS = tuple(field.name for field in dataclasses.fields(Place))
_LIST = ", ".join(_COLUMNS)
_MARKS = ", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 2))
_READ = ", ".join(f"p.{name}" for name in _COLUMNS)


def places_of(location: JSONObject) -> list[Place]:
    """Return the rows of a Location: none if it is not for everyone's eyes."""
    if not location["publish"]:
        return []
    return [_place(location, evse) for evse in location.get("evses") or [] if evse["status"] != "REMOVED"]


def _place(location: JSONObject, evse: JSONObject) -> Place:
    at = evse.get("coordinates") or location["coordinates"]
    connectors = evse["connectors"]
    parking = {location.get("parking_type")} - {None}
    return Place(
        owner=str(Party.of(location["country_code"], location["party_id"])),
        location_id=location["id"].upper(),
        evse_uid=evse["uid"].upper(),
        lat=float(at["latitude"]),
        lon=float(at["longitude"]),
        status=evse["status"],
        power=max(_watts(each) for each in connectors),
        standards=STANDARDS.mask(each["standard"] for each in connectors),
        currents=currents(each["power_type"] for each in connectors),
        facilities=FACILITIES.mask(location.get("facilities")),
        capabilities=CAPABILITIES.mask(evse.get("capabilities")),
        parking=PARKING.mask(str(each) for each in parking),
        green=bool((location.get("energy_mix") or {}).get("is_green_energy")),
        tariffs=tuple(dict.fromkeys(each.upper() for one in connectors for each in one.get("tariff_ids") or ())),
        zone=location["time_zone"],
        country=location["country"],
        code=bare_code(evse.get("evse_id") or ""),
        changed=microseconds(evse["last_updated"]),
    )


def bare_code(evse_id: str) -> str:
    """Return an EVSE-ID as it is compared: without case, separators and blanks (ISO 15118 allows both forms)."""
    return "".join(each for each in evse_id.upper() if each.isalnum())


def _watts(connector: JSONObject) -> int:
    """Return the most a Connector gives: as it says, else volts times amperes times phases; no more than there is."""
    watts = connector.get("max_electric_power") or (
        connector["max_voltage"] * connector["max_amperage"] * _PHASES.get(connector["power_type"], 1)
    )
    return int(min(watts, _STRONGEST))


#: In watts: what is stronger is a mistake, and must fit into its column.
_STRONGEST = 10**9


class Index:
    """The rows and their spatial index."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._sqlite = database.dialect == "sqlite"
        self._is_open = False

    async def open(self) -> None:
        """Make what is not there yet."""
        await self.database.transact(self._make)
        self._is_open = True

    async def _make(self, tx: Transaction) -> None:
        for statement in _SQLITE if self._sqlite else _POSTGRES:
            await tx.execute(statement)

    async def put(self, tx: Transaction, location: JSONObject, *, evse_uid: str | None = None) -> list[Place]:
        """Bring the rows of a Location, or of one EVSE of it, up to date; return those whose status changed."""
        if not self._is_open:
            await self._make(tx)
        owner = str(Party.of(location["country_code"], location["party_id"]))
        wanted = {each.evse_uid: each for each in places_of(location)}
        known = await self._known(tx, owner, location["id"].upper(), evse_uid and evse_uid.upper())
        if evse_uid is not None:
            wanted = {uid: each for uid, each in wanted.items() if uid == evse_uid.upper()}
        for uid, (number, _) in known.items():
            if uid not in wanted:
                await self._delete(tx, number)
        for uid, (number, present) in known.items():
            if uid in wanted and wanted[uid] != present:
                await self._update(tx, number, present, wanted[uid])
        await self._insert(tx, (each for uid, each in wanted.items() if uid not in known))
        return [each for uid, each in wanted.items() if uid not in known or known[uid][1].status != each.status]

    async def rebuild(self, locations: Iterable[JSONObject]) -> None:
        """Index these Locations and nothing else."""

        async def work(tx: Transaction) -> None:
            await self._make(tx)
            await tx.execute("DELETE FROM emsp_place")
            for name in ("emsp_place_all", "emsp_place_free") if self._sqlite else ():
                await tx.execute(f"DELETE FROM {name}")
            for each in locations:
                await self._insert(tx, places_of(each))

        await self.database.transact(work)

    async def of_code(self, evse_id: str) -> Place | None:
        """Return the EVSE whose EVSE-ID stands on a socket, however it is written.

        An EVSE-ID begins with its operator's party id, so that nobody else's EVSE is the one meant. Where none is
        told by that party, for an operator may have other ids there, it has to be told by one party alone.
        """
        code = bare_code(evse_id)
        rows = await self.database.fetch(
            f"SELECT {_READ} FROM emsp_place p WHERE p.code = $1 AND p.code <> '' ORDER BY p.id", code
        )
        told = [_of(row) for row in rows]
        own = [each for each in told if code.startswith(bare_code(each.owner))]
        meant = own or (told if len({each.owner for each in told}) == 1 else [])
        return meant[0] if meant else None

    async def nearest(
        self, boxes: Sequence[Box], center: Point, shrink: float, wishes: Wishes, limit: int
    ) -> list[Place]:
        """Return the places in some boxes, the nearest to a point first, by the distance of a flat map.

        Args:
            shrink: how much shorter a degree of longitude is there than one of latitude.
        """
        parts = [part for box in boxes for part in box.parts()]
        condition, values = wishes.condition(4 + 4 * len(parts))
        corners = [corner for part in parts for corner in (part.west, part.east, part.south, part.north)]
        area = " OR ".join(self._within(4 + 4 * number) for number in range(len(parts)))
        flat = "(p.lat - $1) * (p.lat - $1) + (p.lon - $2) * (p.lon - $2) * $3"
        rows = await self.database.fetch(
            f"SELECT {_READ} FROM {self._source(wishes)} WHERE ({area}) AND {condition} ORDER BY {flat} LIMIT {limit}",
            center.lat, center.lon, shrink * shrink, *corners, *values,
        )  # fmt: skip
        return [_of(row) for row in rows]

    def _source(self, wishes: Wishes) -> str:
        if not self._sqlite:
            return "emsp_place p"
        tree = "emsp_place_free" if wishes.available else "emsp_place_all"
        return f"{tree} b JOIN emsp_place p ON p.id = b.id"

    def _within(self, first: int) -> str:
        west, east, south, north = (f"${first + number}" for number in range(4))
        if self._sqlite:
            return f"b.west <= {east} AND b.east >= {west} AND b.south <= {north} AND b.north >= {south}"
        corners = f"point({west}::float8, {south}::float8), point({east}::float8, {north}::float8)"
        return f"point(p.lon, p.lat) <@ box({corners})"

    async def _known(
        self, tx: Transaction, owner: str, location_id: str, evse_uid: str | None
    ) -> dict[str, tuple[int, Place]]:
        one, args = ("", []) if evse_uid is None else (" AND p.evse_uid = $3", [evse_uid])
        rows = await tx.fetch(
            f"SELECT p.id, {_READ} FROM emsp_place p WHERE p.owner = $1 AND p.location_id = $2{one}",
            owner, location_id, *args,
        )  # fmt: skip
        found = {}
        for number, *row in rows:
            place = _of(tuple(row))
            found[place.evse_uid] = (number, place)
        return found

    async def _insert(self, tx: Transaction, places: Iterable[Place]) -> None:
        for each in places:
            ((number,),) = await tx.fetch(
                f"INSERT INTO emsp_place ({_LIST}, available) VALUES ({_MARKS}) RETURNING id", *_values(each)
            )
            for tree in _trees(each) if self._sqlite else ():
                await self._plant(tx, tree, number, each)

    async def _update(self, tx: Transaction, number: int, before: Place, after: Place) -> None:
        """Write a row anew where it is: most of what changes are statuses, which move nothing."""
        await tx.execute(
            f"UPDATE emsp_place SET ({_LIST}, available) = ({_MARKS}) WHERE id = ${len(_COLUMNS) + 2}",
            *_values(after), number,
        )  # fmt: skip
        if not self._sqlite:
            return
        stays = before.point == after.point
        for tree in _trees(before):
            if not (stays and tree in _trees(after)):
                await tx.execute(f"DELETE FROM {tree} WHERE id = $1", number)
        for tree in _trees(after):
            if not (stays and tree in _trees(before)):
                await self._plant(tx, tree, number, after)

    @staticmethod
    async def _plant(tx: Transaction, tree: str, number: int, place: Place) -> None:
        await tx.execute(
            f"INSERT INTO {tree} (id, west, east, south, north) VALUES ($1, $2, $2, $3, $3)",
            number, place.lon, place.lat,
        )  # fmt: skip

    async def _delete(self, tx: Transaction, number: int) -> None:
        for table in ("emsp_place", "emsp_place_all", "emsp_place_free") if self._sqlite else ("emsp_place",):
            await tx.execute(f"DELETE FROM {table} WHERE id = $1", number)


def _trees(place: Place) -> tuple[str, ...]:
    """Return the R*Trees a place is in."""
    return ("emsp_place_all", "emsp_place_free") if place.available else ("emsp_place_all",)


def _values(place: Place) -> list[Any]:
    return [*(_stored(getattr(place, name)) for name in _COLUMNS), int(place.available)]


def _stored(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return "\n".join(value) if isinstance(value, tuple) else value


def _of(row: Row) -> Place:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["green"] = bool(values["green"])
    values["tariffs"] = tuple(values["tariffs"].split("\n")) if values["tariffs"] else ()
    return Place(**values)
