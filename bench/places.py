"""A continent of EVSEs for the search: most around its cities, the others anywhere; laid into the index in bulk."""

import itertools
import random
from collections.abc import Iterator, Sequence

import asyncpg

from hub.database.contract import Database, Transaction
from hub.emsp.search.geometry import Point
from hub.emsp.search.words import CAPABILITIES, STANDARDS, currents
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject

_CITIES, _OPERATORS = 400, 40
_BATCH = 50_000
_SOUTH, _NORTH, _WEST, _EAST = 36.0, 60.0, -9.0, 25.0
#: Power, and the bits of connector and current.
_KINDS = tuple(
    (power, STANDARDS.mask([standard]), currents([current]))
    for standard, current, power in (
        ("IEC_62196_T2", "AC_3_PHASE", 11_000), ("IEC_62196_T2", "AC_3_PHASE", 22_000),
        ("IEC_62196_T2_COMBO", "DC", 50_000), ("IEC_62196_T2_COMBO", "DC", 150_000),
    )
)  # fmt: skip
_CARDS = CAPABILITIES.mask(["RFID_READER"])
_UPDATED = "2026-01-15T09:30:00Z"


class Continent:
    """Where EVSEs and drivers are: the cities are always the same, what is in them goes by the seed."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(7)
        self._cities = [self._anywhere() for _ in range(_CITIES)]
        self._random.seed(seed)

    def _anywhere(self) -> Point:
        return Point(self._random.uniform(_SOUTH, _NORTH), self._random.uniform(_WEST, _EAST))

    def somewhere(self) -> Point:
        """Return where an EVSE, or a driver, may be: in three of four cases in or near a city."""
        if self._random.random() < 0.25:
            return self._anywhere()
        city = self._random.choice(self._cities)
        return Point(city.lat + self._random.gauss(0, 0.08), city.lon + self._random.gauss(0, 0.12))

    def rows(self, count: int) -> Iterator[tuple[object, ...]]:
        """Yield rows of the index (``COLUMNS``): EVSEs, each at a Location of its own; six of ten are free."""
        for number in range(1, count + 1):
            at = self.somewhere()
            free = self._random.random() < 0.6
            yield (
                f"NL-C{number % _OPERATORS:02d}", f"LOC{number}", f"EVSE{number}", at.lat, at.lon,
                "AVAILABLE" if free else "CHARGING", int(free), *self._random.choice(_KINDS), 0, _CARDS, 0,
                int(number % 3 == 0), "T1", "Europe/Amsterdam", "NLD", f"NLC{number}", 1_768_469_400_000_000,
            )  # fmt: skip


def tariffs() -> Iterator[tuple[Party, JSONObject]]:
    """Yield the Tariff of each operator."""
    for number in range(_OPERATORS):
        component = {"type": "ENERGY", "price": 0.3 + number / 100, "vat": 21.0, "step_size": 1}
        yield Party("NL", f"C{number:02d}"), {
            "country_code": "NL", "party_id": f"C{number:02d}", "id": "T1", "currency": "EUR", "tax_included": "NO",
            "elements": [{"price_components": [component]}], "last_updated": _UPDATED,
        }  # fmt: skip


COLUMNS = (
    "owner", "location_id", "evse_uid", "lat", "lon", "status", "available", "power", "standards", "currents",
    "facilities", "capabilities", "parking", "green", "tariffs", "zone", "country", "code", "changed",
)  # fmt: skip


async def lay(where: str, store: Store, count: int) -> None:
    """Lay so many EVSEs into the index: the rows first, their spatial index once they are there."""
    await laid(where, store.database, "emsp_place", COLUMNS, Continent().rows(count), _POINTS)
    await store.index.open()
    if store.database.dialect == "sqlite":
        await store.database.transact(_fill_trees)

    async def price(tx: Transaction) -> None:
        for owner, tariff in tariffs():
            await store.tariffs.put(tx, owner, tariff["id"], tariff)

    await store.database.transact(price)


#: PostgreSQL's indexes of points, which are built faster than filled; the store makes them again.
_POINTS = ("emsp_place_all", "emsp_place_free")


async def laid(
    where: str,
    database: Database,
    table: str,
    columns: Sequence[str],
    rows: Iterator[tuple[object, ...]],
    without: Sequence[str] = (),
) -> None:
    """Write many rows into a table as fast as its engine takes them.

    Args:
        where: URL of the database, on PostgreSQL.
        without: indexes that are dropped before, there.
    """
    if database.dialect == "postgres":
        connection = await asyncpg.connect(where)
        for index in without:
            await connection.execute(f"DROP INDEX IF EXISTS {index}")
        await connection.copy_records_to_table(table, records=rows, columns=columns)
        # The planner knows what is there, as after autovacuum, which this server does not have.
        await connection.execute(f"ANALYZE {table}")
        await connection.close()
        return
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    while batch := list(itertools.islice(rows, _BATCH)):
        await database.transact(lambda tx, batch=batch: tx.executemany(insert, batch))


async def _fill_trees(tx: Transaction) -> None:
    columns = "(id, west, east, south, north) SELECT id, lon, lon, lat, lat FROM emsp_place"
    await tx.execute(f"INSERT INTO emsp_place_all {columns}")
    await tx.execute(f"INSERT INTO emsp_place_free {columns} WHERE available = 1")
