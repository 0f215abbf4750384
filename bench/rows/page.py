"""PAGE: GET of 50 Locations from a catalogue of 100,000, the last page against the first.

Against ``extrawest_ocpi`` (PyPI) with its CRUD in memory, for GET and for PUT. It takes no more requests
with more connections, so it gets few: what it has begun when a measurement ends counts against nobody.
"""

import asyncio
import base64
import re

from bench.ground import CPO, City, Ground, put_location
from bench.load import Load
from bench.processes import Failure, Server
from bench.rounds import Verdict, measure, ratio
from bench.samples import COUNTRY, NUMBER, PARTY
from hub.ocpi.wire import Wire

LIMIT = 50


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of PAGE."""
    pages, hub = _pages(ground.city, ground.objects), ground.city.hub.server
    put, alone = _put(ground)
    peer, origin = ground.peer("extrawest")
    token = "Token " + base64.b64encode(b"bench").decode()
    put_to_peer = put.at(f"{origin}/ocpi/emsp/2.2.1/locations/{COUNTRY}/{PARTY}/LOC{NUMBER}", Authorization=token)
    page_of_peer = Load(
        url=f"{origin}/ocpi/cpo/2.2.1/locations/?limit={LIMIT}",
        headers={"Authorization": token},
        mark='"id":"loc',  # it changes identifiers to lower case
    )

    def rate(load: Load, server: Server, connections: int) -> float:
        return ground.load(load, server, connections=connections).per_cpu_second

    targets = [*((each, hub, 16) for each in pages), (put, alone, 64), (put_to_peer, peer, 8)]
    for target in targets:
        rate(*target)
    first, by_link, by_offset, ours, theirs, their_page = measure(
        ground.rounds,
        *(lambda target=target: rate(*target) for target in targets),
        lambda: one_by_one(page_of_peer, peer),
    )
    get, depth = "GET of 50 per CPU second against extrawest_ocpi", "page 2,000 against page 1, CPU, by "
    return [
        ratio("PAGE", get, "at least", 200, first, their_page, more_is_better=True),
        ratio("PAGE", "PUT per CPU second against extrawest_ocpi", "at least", 40, ours, theirs, more_is_better=True),
        ratio("PAGE", depth + "Link, us", "at most", 1.5, _cost(by_link), _cost(first), more_is_better=False),
        ratio("PAGE", depth + "offset, us", "at most", 1.5, _cost(by_offset), _cost(first), more_is_better=False),
    ]


def _pages(city: City, objects: int) -> list[Load]:
    """Return the loads of GETting the first page, and the last by Link and by offset."""
    url = city.emsp.url("locations", "SENDER")
    last = asyncio.run(last_link(city, objects))
    urls = (f"{url}?offset=0&limit={LIMIT}", last, f"{url}?offset={objects - LIMIT}&limit={LIMIT}")
    return [Load(url=each, headers=city.emsp.headers(), mark='"id":"LOC') for each in urls]


def _put(ground: Ground) -> tuple[Load, Server]:
    # PUTs go to a hub without subscribers: one server is compared, not its deliveries.
    hub = ground.hub("page")
    return put_location(hub.register(CPO, "CPO", ground.receivers(1).ports[0]), count=LIMIT), hub.server


def one_by_one(load: Load, server: Server, times: int = 6) -> float:
    """Return the GETs per CPU second of a server too slow for wrk's clock."""

    async def get() -> None:
        wire = Wire(allow_private=True, max_answer=10_000_000)
        headers = {name: value.replace(NUMBER, "000000") for name, value in load.headers.items()}
        for _ in range(times):
            answer = await wire.send("GET", load.url, headers, timeout=30)
            if load.mark.encode() not in answer.body:
                raise Failure(f"GET {load.url} was answered {answer.body[:300]!r}")
        await wire.close()

    before = server.cpu()
    asyncio.run(get())
    return times / (server.cpu() - before)


def _cost(rates: list[float]) -> list[float]:
    return [1e6 / rate for rate in rates]  # in us


async def last_link(city: City, objects: int) -> str:
    """Crawl along Link and return the URL of the last full page; every object is met once."""
    wire = Wire(allow_private=True, max_answer=10_000_000)
    headers = {name: value.replace(NUMBER, "000000") for name, value in city.emsp.headers().items()}
    url = full = city.emsp.url("locations", "SENDER") + f"?limit={LIMIT}"
    seen = 0
    while True:
        answer = await wire.send("GET", url, headers, timeout=30)
        found = len(re.findall(rb'"id":"LOC\d{6}"', answer.body))
        seen += found
        full = url if found == LIMIT else full
        link = re.search(r'<([^>]+)>; *rel="?next"?', answer.headers.get("link", ""))
        if link is None:
            break
        url = link[1]
    await wire.close()
    if seen != objects:
        raise Failure(f"a crawl along Link met {seen} Locations, not {objects}")
    return full
