"""Routers: the one we bring against an exhaustive search, the others against servers on loopback."""

import datetime
import heapq
import json
from decimal import Decimal

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from adapters.routing import polyline
from adapters.routing.astar import LINDENHAVEN, StreetRouter
from adapters.routing.directions import directions, legs_of, turn_of
from adapters.routing.osrm import OsrmRouter
from adapters.routing.valhalla import ValhallaRouter
from examples import city, streets
from hub.emsp.companion.routing import Drive, NoRoute, Routing, Way, energy, trip
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Point, distance
from hub.emsp.search.queries import Query
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from tests.serving import LoopServer

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
CENTRE = Point(*city.CENTRE)
NORTH = Point(52.6300, 4.2500)
LINE = "_izlhA~rlgdF_{geC~ywl@_kwzCn`{nI"
POINTS = (Point(38.5, -120.2), Point(40.7, -120.95), Point(43.252, -126.453))


# -- the streets we bring --------------------------------------------------------------------------


def test_the_streets_are_those_of_the_demo_city():
    assert LINDENHAVEN.read_text(encoding="utf-8") == streets.text()


def fastest(router, first):
    """Return the seconds to every node, by a search that knows no straight line (Dijkstra)."""
    seconds, queue = {first: 0.0}, [(0.0, first)]
    while queue:
        cost, node = heapq.heappop(queue)
        for street in router.streets[node]:
            there = cost + street.metres / street.speed
            if there < seconds.get(street.end, float("inf")):
                seconds[street.end] = there
                heapq.heappush(queue, (there, street.end))
    return seconds


async def test_the_first_way_is_the_fastest_there_is_from_everywhere_to_everywhere():
    router = StreetRouter()
    for first in range(0, len(router.nodes), 7):
        expected = fastest(router, first)
        for last, point in enumerate(router.nodes):
            (way,) = await router.ways(router.nodes[first], point, most=1, departure=None)
            assert way.seconds == pytest.approx(expected[last])


async def test_several_ways_are_different_and_the_fastest_comes_first():
    """INCAR-RT03."""
    ways = await StreetRouter().ways(CENTRE, NORTH, most=3, departure=None)

    assert len({way.points for way in ways}) == len(ways) == 3
    assert [way.seconds for way in ways] == sorted(way.seconds for way in ways)
    assert all(way.metres >= distance(CENTRE, NORTH) for way in ways)


async def test_a_way_through_the_town_is_told_turn_by_turn():
    """INCAR-UC004: streets by their names, and the directions are as long as the way."""
    (way,) = await StreetRouter().ways(CENTRE, NORTH, most=1, departure=None)

    told = way.directions
    assert told[0].text.startswith("Start to the ") and told[-1].text == "You are there"
    assert any(street in each.text for each in told for street in city._STREETS)
    assert sum(each.metres for each in told) == pytest.approx(way.metres)
    assert sum(each.seconds for each in told) == pytest.approx(way.seconds)


def test_a_turn_is_told_and_a_street_that_goes_straight_on_is_not():
    corner, north, east = Point(52.0, 4.0), Point(52.02, 4.0), Point(52.02, 4.05)
    points = (corner, Point(52.01, 4.0), north, east)

    told = directions(legs_of(points, [("Lane", 1.0, 2.0), ("Lane", 3.0, 4.0), ("Road", 5.0, 6.0)]))

    assert [(each.text, each.metres, each.seconds) for each in told] == [
        ("Start to the north on Lane", 4.0, 6.0), ("Turn right into Road", 5.0, 6.0), ("You are there", 0.0, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "turn"),
    [(350, 10, "straight"), (0, 90, "right"), (0, 270, "left"), (10, 330, "slight left"), (0, 150, "sharp right"),
     (90, 270, "uturn")],
)  # fmt: skip
def test_a_turn_is_named_by_its_angle(before, after, turn):
    assert turn_of(before, after) == turn


async def test_who_is_not_in_town_gets_no_way():
    assert await StreetRouter().ways(CENTRE, Point(48.1, 11.6), most=3, departure=None) == []


async def test_the_stations_along_a_way_are_those_the_hub_told(database):
    """INCAR-RT01: every Location told over OCPI is found along a way."""
    store = Store(database, Party("NL", "MSP"))
    await store.index.open()
    told = city.internal_locations() + city.external_locations()

    async def put(tx):
        for each in told:
            await store.locations.put(tx, Party.of(each["country_code"], each["party_id"]), each["id"], each)

    await database.transact(put)
    (way,) = await StreetRouter().ways(CENTRE, NORTH, most=1, departure=None)

    answer = await Finder(store, store.index, clock=lambda: NOW).find(Query(route=way.points, width=200, limit=100))
    everywhere = await Finder(store, store.index, clock=lambda: NOW).find(Query(near=CENTRE, limit=1000))

    assert {each.place.location_id for each in everywhere.found} == {each["id"] for each in told}
    passed = {each.place.location_id for each in answer.found}
    at_corners = {
        each["id"] for each in told
        if Point(float(each["coordinates"]["latitude"]), float(each["coordinates"]["longitude"])) in way.points
    }  # fmt: skip
    assert at_corners and at_corners <= passed


# -- what a way takes ------------------------------------------------------------------------------


def way(metres=100_000, seconds=4500.0, by="test"):
    return Way(points=(), metres=metres, seconds=seconds, by=by)


def test_a_way_takes_energy_by_the_cars_consumption_and_more_beyond_80():
    assert energy(way(seconds=4500), Decimal(18)) == Decimal("18.00")  # 80 km/h
    assert energy(way(seconds=3600), Decimal(18)) == Decimal("21.60")  # 100 km/h


def test_a_trip_says_when_and_with_how_much_it_arrives():
    drive = Drive(charge=Decimal(50), battery=Decimal(60), grams=Decimal(100))

    found = trip(way(), drive, departure=NOW)
    back = trip(way(), drive, arrival=found.arrival)

    assert found.arrival == NOW + datetime.timedelta(minutes=75)
    assert (found.kwh, found.charge, found.is_safe, found.kg) == (
        Decimal("18.00"), Decimal("20.0"), True, Decimal("1.80"),
    )  # fmt: skip
    assert back == found


def test_a_trip_that_uses_up_the_reserve_is_not_safe():
    found = trip(way(), Drive(charge=Decimal(35), battery=Decimal(60)), departure=NOW)

    assert (found.charge, found.is_safe, found.kg) == (Decimal("5.0"), False, None)


class Known:
    def __init__(self, *ways):
        self.known = list(ways)

    async def ways(self, start, end, *, most, departure):
        return self.known[:most]


class Gone:
    async def ways(self, start, end, *, most, departure):
        raise NoRoute("nobody is there")


async def test_ways_of_several_routers_are_merged_and_ordered_by_what_is_asked_for():
    """INCAR-RT03."""
    highway, village = way(120_000, 3600.0, "A"), way(90_000, 5400.0, "B")
    routing = Routing([Known(village), Gone(), Known(highway)])

    fast = await routing.trips(CENTRE, NORTH, Drive(), departure=NOW)
    clean = await routing.trips(CENTRE, NORTH, Drive(), departure=NOW, criterion="CO2")

    assert [each.way.by for each in fast] == ["A", "B"]
    assert [each.way.by for each in clean] == ["B", "A"]


async def test_when_no_router_knows_a_way_it_says_why():
    with pytest.raises(NoRoute, match="nobody is there"):
        await Routing([Gone(), Known()]).trips(CENTRE, NORTH, Drive(), departure=NOW)


# -- other makers' servers -------------------------------------------------------------------------


def test_a_polyline_is_read_as_its_format_shows_it():
    assert polyline.decode(LINE) == POINTS


@pytest.mark.parametrize("text", ["_izlhA~rlgd", "_izlhA", "\x00", "~~~~~~~~~~~~"])
def test_a_broken_polyline_is_refused(text):
    with pytest.raises(ValueError):
        polyline.decode(text)


class Server:
    """A routing server that answers as told, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.answer, self.status = {}, 200
        self.app = Starlette(routes=[Route("/{rest:path}", self._take, methods=["GET", "POST"])])

    async def _take(self, request):
        body = await request.body()
        self.asked.append((request.url.path, dict(request.query_params), json.loads(body) if body else None))
        if isinstance(self.answer, str):
            return PlainTextResponse(self.answer, self.status)
        return JSONResponse(self.answer, self.status)


@pytest.fixture
async def server():
    made = Server()
    running = LoopServer(made.app)
    made.url = f"http://127.0.0.1:{await running.start()}"
    yield made
    await running.stop()


@pytest.fixture
async def osrm(server):
    made = OsrmRouter(server.url)
    yield made
    await made.close()


@pytest.fixture
async def valhalla(server):
    made = ValhallaRouter(server.url)
    yield made
    await made.close()


async def test_osrm_is_asked_in_its_words_and_understood(osrm, server):
    route = {"geometry": LINE, "distance": 1234.5, "duration": 99.9}
    server.answer = {"code": "Ok", "routes": [route, route | {"distance": 2000}]}

    ways = await osrm.ways(CENTRE, NORTH, most=3, departure=NOW)

    assert [(way.points, way.metres, way.seconds) for way in ways] == [(POINTS, 1234.5, 99.9), (POINTS, 2000, 99.9)]
    ((path, query, _),) = server.asked
    assert path == "/route/v1/driving/4.231000,52.614000;4.250000,52.630000"
    assert query == {"overview": "full", "geometries": "polyline6", "alternatives": "2", "steps": "true"}


async def test_valhalla_is_asked_in_its_words_and_understood(valhalla, server):
    found = {"legs": [{"shape": LINE}], "summary": {"length": 1.2345, "time": 99.9}}
    server.answer = {"trip": found, "alternates": [{"trip": found | {"summary": {"length": 2, "time": 120}}}]}

    ways = await valhalla.ways(CENTRE, NORTH, most=3, departure=NOW)

    assert [(way.points, way.metres, way.seconds) for way in ways] == [(POINTS, 1234.5, 99.9), (POINTS, 2000, 120)]
    ((path, _, asked),) = server.asked
    assert (path, asked["costing"], asked["alternates"]) == ("/route", "auto", 2)
    assert asked["locations"] == [{"lat": 52.614, "lon": 4.231}, {"lat": 52.63, "lon": 4.25}]
    assert asked["date_time"] == {"type": 3, "value": "2026-01-01T12:00"}


async def test_the_directions_of_osrm_are_put_into_words(osrm, server):
    """INCAR-UC004."""
    steps = [
        {"distance": 10, "duration": 1, "name": "Lane", "maneuver": {"type": "depart"}},
        {"distance": 20, "duration": 2, "name": "Road", "maneuver": {"type": "turn", "modifier": "left"}},
        {"distance": 30, "duration": 3, "name": "", "maneuver": {"type": "roundabout", "exit": 2}},
        {"distance": 0, "duration": 0, "name": "", "maneuver": {"type": "arrive"}},
    ]
    route = {"geometry": LINE, "distance": 60, "duration": 6, "legs": [{"steps": steps}]}
    server.answer = {"code": "Ok", "routes": [route]}

    (way,) = await osrm.ways(CENTRE, NORTH, most=1, departure=NOW)

    assert [each.text for each in way.directions] == [
        "Start on Lane", "Turn left into Road", "At the roundabout take exit 2", "You are there",
    ]  # fmt: skip
    assert [(each.metres, each.seconds) for each in way.directions] == [(10, 1), (20, 2), (30, 3), (0, 0)]


async def test_the_directions_of_valhalla_are_its_own_words(valhalla, server):
    """INCAR-UC004."""
    maneuvers = [{"instruction": "Drive north.", "length": 0.5, "time": 40}]
    found = {"legs": [{"shape": LINE, "maneuvers": maneuvers}], "summary": {"length": 0.5, "time": 40}}
    server.answer = {"trip": found}

    (way,) = await valhalla.ways(CENTRE, NORTH, most=1, departure=NOW)

    assert [(each.text, each.metres, each.seconds) for each in way.directions] == [("Drive north.", 500, 40)]
    assert server.asked[0][2]["directions_type"] == "instructions"


async def test_that_there_is_no_way_is_an_answer(osrm, valhalla, server):
    server.status = 400

    server.answer = {"code": "NoRoute"}
    by_osrm = await osrm.ways(CENTRE, NORTH, most=1, departure=None)
    server.answer = {"error_code": 442, "error": "No path could be found for input"}
    by_valhalla = await valhalla.ways(CENTRE, NORTH, most=1, departure=None)

    assert (by_osrm, by_valhalla) == ([], [])


@pytest.mark.parametrize(
    ("status", "answer"), [(500, {}), (200, "<html>"), (200, {"code": "Ok", "routes": [{"geometry": "_"}]}), (200, [])]
)
async def test_a_server_that_is_away_or_talks_nonsense_has_no_route(osrm, valhalla, server, status, answer):
    server.status, server.answer = status, answer

    for router in (osrm, valhalla):
        with pytest.raises(NoRoute, match="at http"):
            await router.ways(CENTRE, NORTH, most=1, departure=None)
