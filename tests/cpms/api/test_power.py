"""A site's power over the operator API."""

import pytest

from hub.cpms.api.routes.power import PowerRoutes
from hub.cpms.api.routes.stations import StationRoutes
from hub.cpms.premises import Premises
from tests.cpms.api.conftest import House
from tests.cpms.charging.test_sharing import Scene

POWER = {"phases": [48000, 48000, 48000], "battery": {"power": 11040, "soc": 50.0}}


@pytest.fixture
async def scene(database):
    return await Scene(database, 2, None).begin()


@pytest.fixture
async def house(scene, database, clock):
    made = House(database, clock, (PowerRoutes(scene.sharing, scene.store),))
    yield made
    await made.feed.stop()


@pytest.fixture
async def staff(house):
    return await house.staff("operator")


async def test_a_limit_is_set_shown_shared_and_taken_away(scene, staff):
    for each in ("S1", "S2"):
        scene.site.plug(each)

    made = await staff.ask("PUT", "/sites/loc1/power", json=POWER)
    await scene.sharing.look()
    shares = (await staff.get("/sites/LOC1/power/shares"))["items"]
    drained = await staff.ask("PUT", "/sites/LOC1/battery", json={"soc": 10})
    await scene.sharing.look()
    shown = await staff.get("/sites/LOC1/power")
    gone = await staff.ask("DELETE", "/sites/LOC1/power")

    assert (made.status_code, drained.status_code, gone.status_code) == (200, 200, 204)
    assert [(each["evse_uid"], each["may_draw"], each["connected"]) for each in shares] == [
        ("S1-1", 32_000, True), ("S2-1", 32_000, True),
    ]  # fmt: skip
    assert shown["battery"]["soc"] == 10
    assert scene.site.shares() == {"S1": 24, "S2": 24}
    assert (await staff.ask("GET", "/sites/LOC1/power")).status_code == 404


async def test_the_internal_status_of_a_station_shows_what_its_energy_goes_by(scene, clock):
    """DD-C-ISS: current energy settings."""
    premises = Premises(scene.store, clock=clock)
    premises.overview.sharing = scene.sharing
    made = House(scene.store.database, clock, (PowerRoutes(scene.sharing, scene.store), StationRoutes(premises)))
    staff = await made.staff("operator")
    await premises.start()
    await premises.stations.add({"station_id": "S1", "location_id": "LOC1", "evse_uids": ["S1-1"], "max_power": 22})

    unlimited = (await staff.get("/stations/S1/status"))["settings"]
    await staff.ask("PUT", "/sites/LOC1/power", json={"phases": [20000, 20000, 20000]})
    for each in ("S1", "S2"):
        scene.site.plug(each)
    await scene.sharing.look()
    limited = (await staff.get("/stations/S1/status"))["settings"]
    await premises.stop()

    assert (unlimited["max_power"], unlimited["site"]) == (22, None)
    assert limited["site"]["phases"] == [20000, 20000, 20000]
    (at_rest,), (shared,) = unlimited["evses"], limited["evses"]
    assert at_rest == {"evse_id": 1, "may_draw": at_rest["rated"], "rated": 32_000}
    assert shared == {"evse_id": 1, "may_draw": 10_000, "rated": 32_000}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"phases": [1, 2]}, "$.phases"),
        ({"phases": [-1, 0, 0]}, "$.phases[0]"),
        ({"phases": [1, 1, 1], "rotation": {"S1-1": [1, 1, 2]}}, "$.rotation.S1-1"),
        ({"phases": [1, 1, 1], "color": "red"}, "$.color"),
    ],
)
async def test_a_limit_that_makes_no_sense_is_refused_by_name(staff, body, path):
    answer = await staff.ask("PUT", "/sites/LOC1/power", json=body)

    assert answer.status_code == 422
    assert path in [each["path"] for each in answer.json()["errors"]]


async def test_a_viewer_looks_and_changes_nothing(house, staff):
    viewer = await house.staff("viewer")
    await staff.ask("PUT", "/sites/LOC1/power", json=POWER)

    assert (await viewer.ask("PUT", "/sites/LOC1/power", json=POWER)).status_code == 403
    assert (await viewer.get("/sites/LOC1/power"))["phases"] == POWER["phases"]
    assert (await staff.ask("PUT", "/sites/NOPE/power", json=POWER)).status_code == 404
    assert (await staff.ask("PUT", "/sites/NOPE/battery", json={"soc": 1})).status_code == 404
