"""SEARCH: the nearest 20 free EVSEs with filters and prices among a million, in the store and through HTTP.

FLIP: a status that changes, at 500 changes a second, until the search no longer offers the EVSE; in the store.

In the store both run on the event loop that ``emall serve`` runs on, beside an idle server.
"""

import asyncio
import time
from statistics import quantiles

import httpx
import uvloop

from bench.ground import Ground
from bench.places import Continent
from bench.processes import Failure
from bench.provider import PARTY
from bench.riders import WISHES as _QUERY
from bench.rounds import Verdict, absolute, measure
from hub.database import open_database
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Point
from hub.emsp.search.queries import Query, Wishes
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import utc_now

SEARCHES = 1_000  # of one round
_WARMING = 50  # searches before them
FLIPS_PER_SECOND = 500
_WATCHED = 25  # every so many flips, one is looked for in the search
_FLIPPING = 1_000  # EVSEs that change
_CPO = Party("NL", "FLP")
_WISHES = Wishes(
    available=True,
    standards=frozenset({"IEC_62196_T2_COMBO"}),
    least_power=50_000,
    capabilities=frozenset({"RFID_READER"}),
)
_UPDATED = "2026-01-15T09:30:00Z"


def searched(ground: Ground) -> list[Verdict]:
    """Return the verdicts of SEARCH, on both engines."""
    found = []
    for provider in ground.providers:
        key = provider.key()
        inside, through = measure(
            ground.rounds,
            lambda provider=provider: uvloop.run(_in_store(provider.where)),
            lambda provider=provider, key=key: _by_http(provider.api, key),
        )
        what = f"nearest 20 of {ground.evses:,} with filters, {provider.engine}, p99, "
        found.append(absolute("SEARCH", what + "in the store", "at most", 5, inside, "ms", provider.note))
        found.append(absolute("SEARCH", what + "through HTTP", "at most", 25, through, "ms"))
    return found


def flipped(ground: Ground) -> list[Verdict]:
    """Return the verdicts of FLIP, on both engines."""
    found = []
    for provider in ground.providers:
        where, seconds = provider.where, 2.0 * ground.seconds
        (late,) = measure(ground.rounds, lambda where=where, seconds=seconds: uvloop.run(_flips(where, seconds)))
        what = f"a status until the search knows, {provider.engine}, p99 at {FLIPS_PER_SECOND} flips/s"
        found.append(absolute("FLIP", what, "at most", 1_000, late, "ms"))
    return found


async def _in_store(where: str) -> float:
    database = await open_database(where)
    store = Store(database, PARTY)
    finder = Finder(store, store.index, clock=utc_now)
    taken, empty = [], 0
    for number, near in enumerate(_drivers()):
        begun = time.perf_counter()
        answer = await finder.find(Query(near=near, wishes=_WISHES, limit=20))
        if number >= _WARMING:
            taken.append((time.perf_counter() - begun) * 1000)
        empty += not answer.found
    await database.close()
    _check(empty)
    return _p99(taken)


def _drivers() -> list[Point]:
    there = Continent(seed=11)
    return [there.somewhere() for _ in range(SEARCHES + _WARMING)]


def _by_http(api: str, key: str) -> float:
    taken, empty = [], 0
    url = f"{api}/search?{_QUERY}&near="
    with httpx.Client(trust_env=False, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        for number, near in enumerate(_drivers()):
            begun = time.perf_counter()
            answer = client.get(f"{url}{near.lat},{near.lon}")
            if number >= _WARMING:
                taken.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                raise Failure(f"a search was answered {answer.status_code}: {answer.text[:200]}")
            empty += not answer.json()["items"]
    _check(empty)
    return _p99(taken)


def _check(empty: int) -> None:
    """See that the continent is laid; at the rim of a thin one there may be nothing within the search's 100 km."""
    if empty > (SEARCHES + _WARMING) // 50:
        raise Failure(f"{empty} searches found nothing")


def _p99(taken: list[float]) -> float:
    return quantiles(taken, n=100)[-1]


# -- FLIP -------------------------------------------------------------------------------------------------------


async def _flips(where: str, seconds: float) -> float:
    """Change statuses at the rate asked for; return how late the search knows of those that are looked for, in ms."""
    database = await open_database(where)
    store = Store(database, PARTY)
    await store.index.open()
    finder = Finder(store, store.index, clock=utc_now)
    await _put(store, *(_location(number, "AVAILABLE") for number in range(_FLIPPING)))
    begun, writing, looking = time.monotonic(), list[asyncio.Task[None]](), list[asyncio.Task[float]]()
    for flip in range(int(seconds * FLIPS_PER_SECOND)):
        await asyncio.sleep(max(begun + flip / FLIPS_PER_SECOND - time.monotonic(), 0))
        number, free = flip % _FLIPPING, (flip // _FLIPPING) % 2 == 1
        at = time.monotonic()
        writing.append(asyncio.create_task(_put(store, _location(number, "AVAILABLE" if free else "CHARGING"))))
        if flip % _WATCHED == 0:
            looking.append(asyncio.create_task(_seen(finder, number, free, at)))
    await asyncio.gather(*writing)
    late = await asyncio.gather(*looking)
    await database.close()
    return _p99(late)


async def _seen(finder: Finder, number: int, free: bool, since: float) -> float:
    async with asyncio.timeout(30):
        while True:
            wanted = Query(near=_at(number), radius=50, wishes=Wishes(available=True), limit=1)
            if bool((await finder.find(wanted)).found) is free:
                return (time.monotonic() - since) * 1000
            # Who has waited for long looks less often, for else the looking is what keeps the store busy.
            await asyncio.sleep(max(0.005, (time.monotonic() - since) / 10))


async def _put(store: Store, *locations: JSONObject) -> None:
    async def work(tx: object) -> None:
        for each in locations:
            await store.locations.put(tx, _CPO, each["id"], each)  # type: ignore[arg-type]

    await store.database.transact(work)


def _at(number: int) -> Point:
    return Point(52.0 + number // 40 * 0.01, 4.0 + number % 40 * 0.01)


def _location(number: int, status: str) -> JSONObject:
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
        "max_amperage": 32, "last_updated": _UPDATED,
    }  # fmt: skip
    at = _at(number)
    evse = {"uid": f"E{number}", "status": status, "connectors": [connector], "last_updated": _UPDATED}
    return {
        "country_code": "NL", "party_id": "FLP", "id": f"LOC{number}", "publish": True, "address": "Quay 1",
        "city": "Testford", "country": "NLD", "time_zone": "Europe/Amsterdam",
        "coordinates": {"latitude": f"{at.lat:.6f}", "longitude": f"{at.lon:.6f}"},
        "evses": [evse], "last_updated": _UPDATED,
    }  # fmt: skip
