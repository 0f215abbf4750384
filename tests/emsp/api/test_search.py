"""Finding a charger over HTTP: around a point, in a box, along a route; looking at it; its status as it changes."""

import asyncio
import contextlib
import time
from typing import Any

import httpx
import pytest

from hub.emsp.search.geometry import Point
from hub.emsp.search.polyline import BadPolyline, decoded
from hub.ocpi.messages import Party
from tests.emsp.api.conftest import Caller, Provider
from tests.emsp.search.test_finding import HERE, connector, place, put
from tests.rooms import NOW, location, tariff
from tests.serving import LoopServer

NEAR = f"near={HERE.lat},{HERE.lon}"


@pytest.fixture
def ann(provider: Provider) -> Caller:
    return provider.driver("ann")


def uids(answer: Any) -> list[str]:
    return [each["evse_uid"] for each in answer["items"]]


async def test_the_nearest_come_first_with_distance_power_and_price(provider: Provider, ann: Caller) -> None:
    """RASD-R3, RASD-UC03, GEM-FTR-917."""
    await put(provider.store, tariff(), place(1, 900), place(2, 100, connectors=[connector(power=22_000)]))

    answer = await ann.get(f"/search?{NEAR}&kwh=10")

    nearest = answer["items"][0]
    assert uids(answer) == ["E2", "E1"]
    assert (nearest["power"], nearest["standards"], nearest["owner"]) == (22_000, ["IEC_62196_T2"], "NL-CPO")
    assert abs(nearest["metres"] - 100) <= 1
    # 10 kWh at 0.40 and 0.50 for the start, with the 21 % of the country: what the bill will say.
    assert nearest["price"] == {"amount": 5.45, "currency": "EUR"}
    assert answer["compared"] is None, "only distance counted"


async def test_every_wish_can_be_a_query_parameter_or_a_member_of_the_body(provider: Provider, ann: Caller) -> None:
    wanted = place(
        1, 500, connectors=[connector("IEC_62196_T2_COMBO", 150_000)], facilities=["CAFE", "WIFI"],
        parking_type="ON_STREET", capabilities=["RESERVABLE", "RFID_READER"],
        energy_mix={"is_green_energy": True},
    )  # fmt: skip
    await put(provider.store, tariff(), wanted, place(2, 100))
    wishes = {
        "standards": ["IEC_62196_T2_COMBO"], "least_power": 100_000, "current": "DC", "available": True,
        "least_price": 1, "greatest_price": 100, "price_currency": "EUR", "accepted": True,
        "operators": ["NL*CPO"], "facilities": ["CAFE"], "capabilities": ["RFID_READER"],
        "parking": ["ON_STREET"], "green": True, "reservable": True, "sort": "price", "limit": 5,
    }  # fmt: skip

    query = {name: ",".join(each) if isinstance(each, list) else each for name, each in wishes.items()}
    asked = await ann.get(f"/search?{NEAR}", params={"near": f"{HERE.lat},{HERE.lon}", **query})
    told = await ann.ask("POST", "/search", json={"near": {"latitude": HERE.lat, "longitude": HERE.lon}, **wishes})

    assert uids(asked) == ["E1"]
    assert (told.status_code, told.json()) == (200, asked)


async def test_the_cheapest_is_said_to_be_the_cheapest_of_the_nearest_two_hundred(
    provider: Provider, ann: Caller
) -> None:
    await put(provider.store, tariff(), place(1))

    assert (await ann.get(f"/search?{NEAR}&sort=price"))["compared"] == 200


async def test_an_empty_answer_says_which_wish_is_to_blame_and_how_far_it_would_be_without(
    provider: Provider, ann: Caller
) -> None:
    await put(provider.store, place(1, 500), place(2, 2_000, connectors=[connector("CHADEMO", 50_000)]))

    answer = await ann.get(f"/search?{NEAR}&standards=CHADEMO&least_power=60000")

    assert answer["items"] == []
    assert [each["wishes"] for each in answer["reasons"]] == [["least_power"]]
    assert abs(answer["reasons"][0]["metres"] - 2_000) <= 10


async def test_along_a_route_the_first_reached_comes_first(provider: Provider, ann: Caller) -> None:
    await put(provider.store, place(1, 100, 8_000), place(2, 100, 2_000), place(3, 9_000, 4_000))
    end = HERE.lon + 10_000 / (111_195 * 0.6105)

    points = await ann.get(f"/search?route={HERE.lat},{HERE.lon};{HERE.lat},{end}&width=1000")
    line = await ann.get("/search", params={"polyline": encoded([HERE, Point(HERE.lat, end)]), "width": 1_000})

    assert uids(points) == uids(line) == ["E2", "E1"]
    assert points["items"][0]["along_metres"] == pytest.approx(2_000, rel=0.01)


async def test_in_a_box_nothing_outside_is_found(provider: Provider, ann: Caller) -> None:
    await put(provider.store, place(1, 500), place(2, 5_000))

    answer = await ann.get(f"/search?box={HERE.lat - 0.01},{HERE.lon - 0.01},{HERE.lat + 0.01},{HERE.lon + 0.01}")

    assert uids(answer) == ["E1"]


async def test_without_a_position_it_is_said_what_is_missing_and_what_works_works(
    provider: Provider, ann: Caller
) -> None:
    """X-07: a phone that gives no position has the map it shows, a way, and what a driver knows already."""
    await put(provider.store, place(1, 500))
    north = HERE.lat + 0.01

    refused = await ann.ask("GET", "/search?available=true")
    box = await ann.get(f"/search?box={HERE.lat - 0.01},{HERE.lon - 0.01},{north},{HERE.lon + 0.01}")
    way = await ann.get("/search", params={"route": f"{HERE.lat},{HERE.lon};{north},{HERE.lon}"})

    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["path"]) == (422, "query.near")
    assert all(word in fault["rule"] for word in ("position", "box", "route", "/favourites", "/codes/"))
    assert uids(box) == uids(way) == ["E1"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "query.near"),
        ("near=52", "query.near"),
        ("near=52,x", "query.near"),
        ("near=91,4", "$.near.latitude"),
        ("near=52,4&limit=0", "query.limit"),
        ("near=52,4&sort=beauty", "query.sort"),
        ("near=52,4&least_price=3&greatest_price=2", "query.least_price"),
        ("near=52,4&price_currency=euro", "query.price_currency"),
        ("near=52,4&colour=red", "query.colour"),
        ("box=53,4,52,5", "query.box.south"),
        ("box=52,4,53,5&route=52,4;53,4", "query.box"),
        ("polyline=~~~~~~~~~~~~", "query.polyline"),
        ("near=52,4&operators=nobody", "$.operators[0]"),
    ],
)
async def test_a_search_that_cannot_be_is_refused_by_name(ann: Caller, query: str, path: str) -> None:
    answer = await ann.ask("GET", f"/search?{query}")

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert path in [each["path"] for each in answer.json()["errors"]]


async def test_a_location_is_shown_with_its_sockets_slots_and_offers(provider: Provider, ann: Caller) -> None:
    """RASD-UC04, RASD-R31, X-61: told_at."""
    cheap = [{"price_components": [{"type": "ENERGY", "price": 0.1, "step_size": 1}]}]
    sale = tariff(id="T2", start_date_time="2025-01-01T00:00:00Z", end_date_time="2027-01-01T00:00:00Z", elements=cheap)
    bookable = {
        "country_code": "NL", "party_id": "CPO", "id": "B1", "location_id": "L1", "booking_option": {"evse_uid": "E1"},
        "calendars": [{"id": "C", "begin_from": NOW, "end_before": NOW, "last_updated": NOW, "available_timeslots": [
            {"start_date_time": "2026-01-01T18:00:00Z", "end_date_time": "2026-01-01T20:00:00Z"},
        ]}],
        "last_updated": NOW,
    }  # fmt: skip
    here = place(1, 100, connectors=[connector(tariff_ids=["T1"]), connector("CHADEMO", 50_000, tariff_ids=["T2"])])
    await put(provider.store, tariff(), sale, here)
    shelf = provider.store.booking_locations
    await provider.database.transact(lambda tx: shelf.put(tx, Party("NL", "CPO"), "B1", bookable))

    seen = await ann.get(f"/locations/NL/CPO/L1?latitude={HERE.lat}&longitude={HERE.lon}&kwh=10")

    assert [(each["standard"], each["power"], each["free"]) for each in seen["groups"]] == [
        ("CHADEMO", 50_000, 1),
        ("IEC_62196_T2", 11_000, 1),
    ]
    prices = [each["price"] for group in seen["groups"] for each in group["sockets"]]
    assert prices == [{"amount": 1.21, "currency": "EUR"}, {"amount": 5.45, "currency": "EUR"}]
    assert seen["slots"] == [{"evse_uid": "E1", "starts_at": "2026-01-01T18:00:00Z", "ends_at": "2026-01-01T20:00:00Z"}]
    assert (seen["address"], seen["owner"], [each["id"] for each in seen["offers"]]) == ("Quay 1", "NL-CPO", ["T2"])
    assert abs(seen["metres"] - 100) <= 1
    assert seen["told_at"].startswith("2026-01-01T00:00:00")


@pytest.mark.checklist("LO-13")
async def test_a_location_nobody_told_or_nobody_may_see_is_none(provider: Provider, ann: Caller) -> None:
    await put(provider.store, location(id="SECRET", publish=False))

    answers = [await ann.ask("GET", f"/locations/NL/CPO/{each}") for each in ("NOWHERE", "SECRET")]

    assert [each.status_code for each in answers] == [404, 404]


async def test_a_status_is_seen_within_two_seconds_of_its_change(provider: Provider) -> None:
    """RASD-UC04: over a socket, as an app hears it; and what is not watched is not told."""
    await put(provider.store, place(1), place(2))
    server = LoopServer(provider.api)
    port = await server.start()
    url = f"http://127.0.0.1:{port}/emsp/api/v1/status/events?locations=NL-CPO:L1"
    async with contextlib.AsyncExitStack() as opened:
        opened.push_async_callback(server.stop)
        opened.callback(provider.statuses.end)
        client = await opened.enter_async_context(httpx.AsyncClient(trust_env=False))
        headers = {"Authorization": "Bearer driver-ann"}
        response = await opened.enter_async_context(client.stream("GET", url, headers=headers))
        lines = response.aiter_lines()
        assert await anext(lines) == ": connected"

        changed = time.monotonic()
        await put(provider.store, place(2, status="CHARGING"), place(1, status="CHARGING"))
        async with asyncio.timeout(5):
            told = [line async for line in until_data(lines)]

        assert time.monotonic() - changed < 2
        assert '"evse_uid":"E1"' in told[-1] and '"status":"CHARGING"' in told[-1]
        assert not any("E2" in each for each in told)


async def test_a_driver_hears_what_is_his_own_and_nobody_elses(provider: Provider) -> None:
    server = LoopServer(provider.api)
    port = await server.start()
    async with contextlib.AsyncExitStack() as opened:
        opened.push_async_callback(server.stop)
        opened.callback(provider.feed.end)
        client = await opened.enter_async_context(httpx.AsyncClient(trust_env=False))
        url, headers = f"http://127.0.0.1:{port}/emsp/api/v1/events", {"Authorization": "Bearer driver-ann"}
        response = await opened.enter_async_context(client.stream("GET", url, headers=headers))
        lines = response.aiter_lines()
        assert await anext(lines) == ": connected"

        provider.feed.publish("session", {"driver_id": "bob", "kwh": 1})
        provider.feed.publish("session", {"driver_id": "ann", "kwh": 2})
        async with asyncio.timeout(5):
            told = [line async for line in until_data(lines)]

        assert told[-1] == 'data: {"driver_id":"ann","kwh":2}'
        assert not any("bob" in each for each in told)


async def until_data(lines: Any) -> Any:
    """Yield the lines of a stream up to the first event's data."""
    async for line in lines:
        yield line
        if line.startswith("data:"):
            return


def test_a_polyline_is_what_its_inventors_say() -> None:
    """Their example: (38.5, -120.2), (40.7, -120.95), (43.252, -126.453)."""
    found = decoded("_p~iF~ps|U_ulLnnqC_mqNvxq`@")

    assert found == [Point(38.5, -120.2), Point(40.7, -120.95), Point(43.252, -126.453)]


@pytest.mark.parametrize("text", ["_", "_p~iF", "_p~iF~ps|U_", "\x10", "~~~~~~~~~~~~?"])
def test_what_is_no_polyline_is_refused(text: str) -> None:
    with pytest.raises(BadPolyline):
        decoded(text)


def encoded(points: list[Point]) -> str:
    """Return an encoded polyline, by the inventors' description."""
    text, last = "", (0, 0)
    for each in points:
        now = (round(each.lat * 1e5), round(each.lon * 1e5))
        for before, after in zip(last, now, strict=True):
            value = (after - before) << 1
            value = ~value if after < before else value
            while value >= 0x20:
                text += chr((0x20 | (value & 0x1F)) + 63)
                value >>= 5
            text += chr(value + 63)
        last = now
    return text
