"""A continent of EVSEs for the search: most around its cities, the others anywhere; laid into the index in bulk."""

import itertools
import random
from collections.abc import Iterator

from hub.database.contract import Database, Transaction
from hub.emsp.search.geometry import Point
from hub.emsp.search.index import Index, Place
from hub.emsp.search.words import CAPABILITIES, STANDARDS, currents
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject

_CITIES, _OPERATORS = 400, 40
_BATCH = 50_000
_SOUTH, _NORTH, _WEST, _EAST = 36.0, 60.0, -9.0, 25.0
_KINDS = (("IEC_62196_T2", "AC_3_PHASE", 11_000), ("IEC_62196_T2", "AC_3_PHASE", 22_000),
          ("IEC_62196_T2_COMBO", "DC", 50_000), ("IEC_62196_T2_COMBO", "DC", 150_000))  # fmt: skip
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

    def places(self, count: int) -> Iterator[Place]:
        """Yield EVSEs, each at a Location of its own; six of ten are free."""
        for number in range(count):
            at = self.somewhere()
            standard, power_type, power = self._random.choice(_KINDS)
            yield Place(
                owner=f"NL-C{number % _OPERATORS:02d}",
                location_id=f"LOC{number}",
                evse_uid=f"EVSE{number}",
                lat=at.lat,
                lon=at.lon,
                status="AVAILABLE" if self._random.random() < 0.6 else "CHARGING",
                power=power,
                standards=STANDARDS.mask([standard]),
                currents=currents([power_type]),
                facilities=0,
                capabilities=CAPABILITIES.mask(["RFID_READER"]),
                parking=0,
                green=number % 3 == 0,
                tariffs=("T1",),
                zone="Europe/Amsterdam",
                changed=1_768_469_400_000_000,
                code=f"NLC{number}",
            )


def tariffs() -> Iterator[tuple[Party, JSONObject]]:
    """Yield the Tariff of each operator."""
    for number in range(_OPERATORS):
        component = {"type": "ENERGY", "price": 0.3 + number / 100, "vat": 21.0, "step_size": 1}
        yield Party("NL", f"C{number:02d}"), {
            "country_code": "NL", "party_id": f"C{number:02d}", "id": "T1", "currency": "EUR", "tax_included": "NO",
            "elements": [{"price_components": [component]}], "last_updated": _UPDATED,
        }  # fmt: skip


_INSERT = (
    "INSERT INTO emsp_place (id, owner, location_id, evse_uid, lat, lon, status, available, power, standards, currents,"
    " facilities, capabilities, parking, green, tariffs, zone, changed, code)"
    f" VALUES ({', '.join(f'${number}' for number in range(1, 20))})"
)


async def lay(store: Store, count: int) -> None:
    """Lay so many EVSEs into the index: the rows first, their spatial index once they are there."""
    database = store.database
    await _without_index(database)
    numbered = enumerate(Continent().places(count), start=1)
    for batch in _batches(numbered):
        rows = [_row(number, place) for number, place in batch]
        await database.transact(lambda tx, rows=rows: tx.executemany(_INSERT, rows))
    await Index(database).open()
    if database.dialect == "sqlite":
        await database.transact(_fill_trees)

    async def price(tx: Transaction) -> None:
        for owner, tariff in tariffs():
            await store.tariffs.put(tx, owner, tariff["id"], tariff)

    await database.transact(price)


async def _without_index(database: Database) -> None:
    if database.dialect != "postgres":
        return

    async def work(tx: Transaction) -> None:
        await tx.execute("DROP INDEX IF EXISTS emsp_place_all")
        await tx.execute("DROP INDEX IF EXISTS emsp_place_free")

    await database.transact(work)


async def _fill_trees(tx: Transaction) -> None:
    columns = "(id, west, east, south, north) SELECT id, lon, lon, lat, lat FROM emsp_place"
    await tx.execute(f"INSERT INTO emsp_place_all {columns}")
    await tx.execute(f"INSERT INTO emsp_place_free {columns} WHERE available = 1")


def _batches(numbered: Iterator[tuple[int, Place]]) -> Iterator[list[tuple[int, Place]]]:
    while batch := list(itertools.islice(numbered, _BATCH)):
        yield batch


def _row(number: int, place: Place) -> tuple[object, ...]:
    return (
        number, place.owner, place.location_id, place.evse_uid, place.lat, place.lon, place.status,
        int(place.available), place.power, place.standards, place.currents, place.facilities, place.capabilities,
        place.parking, int(place.green), "\n".join(place.tariffs), place.zone, place.changed,
        place.code,
    )  # fmt: skip
