"""Which charger outlet is which OCPI outlet."""

import pytest

from hub.cpms.places import Place, Places
from hub.cpms.stationstore import StationStore
from hub.cpms.store import Store
from hub.database.contract import Conflict
from hub.ocpp.events import EVSE
from tests.rooms import CPO, evse, location


def connector(identifier, **changes):
    return evse()["connectors"][0] | {"id": identifier} | changes


@pytest.fixture
def kept(database):
    return Store(database, CPO)


@pytest.fixture
async def places(kept):
    made = Places(kept)
    await put(kept, location(evses=[
        evse("ST1-1", connectors=[connector("A"), connector("B", max_electric_power=22_000)]),
        evse("ST1-2"), evse("elsewhere"), evse("ST1-3", status="REMOVED"),
    ]))  # fmt: skip
    await made.start()
    yield made
    await made.stop()


async def put(store, value):
    await store.database.transact(lambda tx: store.put_for_everyone(tx, store.locations, value))


async def place(store, station_id, *rows):
    stations = StationStore(store.database)
    await store.database.transact(lambda tx: stations.place(tx, station_id, [Place(*row) for row in rows]))


def at(station_id, evse_id, connector_id=0):
    return EVSE(station_id=station_id, evse_id=evse_id, connector_id=connector_id)


def named(outlet):
    return outlet and (outlet.location_id, outlet.evse_uid, outlet.connector_id)


async def test_a_station_nobody_placed_stands_at_the_evses_that_bear_its_name(places):
    assert named(places.outlet(at("ST1", 1))) == ("LOC1", "ST1-1", "A")
    assert named(places.outlet(at("ST1", 1, 2))) == ("LOC1", "ST1-1", "B")
    assert places.outlet(at("ST1", 1, 2)).power == 22
    assert named(places.outlet(at("ST1", 2, 1))) == ("LOC1", "ST1-2", "1")
    assert places.evse(places.outlet(at("ST1", 1, 2))) == at("ST1", 1, 2)
    assert [evse for evse, _ in places.of_station("ST1")] == [at("ST1", 1, 1), at("ST1", 1, 2), at("ST1", 2, 1)]


async def test_what_bears_no_name_is_removed_or_has_no_such_connector_is_nowhere(places):
    assert places.outlet(at("ST1", 3)) is None
    assert places.outlet(at("ST1", 1, 3)) is None
    assert places.outlet(at("ST1", 0)) is None
    assert places.outlet(at("st1", 1)) is None
    assert places.of_station("elsewhere") == []


async def test_two_connectors_of_1_6_may_be_one_evse_so_that_one_car_charges_at_a_time(places, kept):
    """DD-DEF1: a slot has several connectors, at most one in use."""
    await place(
        kept, "BOX", (1, 1, "LOC1", "ELSEWHERE", "1"), (2, 1, "LOC1", "ST1-1", "A"), (3, 1, "LOC1", "ST1-1", "B")
    )

    await places.reread(station_id="BOX")

    assert named(places.outlet(at("BOX", 1))) == ("LOC1", "elsewhere", "1")
    assert places.of_evse("LOC1", "ST1-1") == [at("BOX", 2, 1), at("BOX", 3, 1)]


async def test_two_connectors_of_1_6_may_be_two_evses_so_that_two_users_charge_at_one_station(places, kept):
    """SGEM-4.1-11."""
    await place(kept, "BOX", (1, 1, "LOC1", "ST1-1", "A"), (2, 1, "LOC1", "ST1-2", "1"))

    await places.reread(station_id="BOX")

    assert [outlet.evse_uid for _, outlet in places.of_station("BOX")] == ["ST1-1", "ST1-2"]


async def test_what_is_placed_is_not_by_convention_another_stations_too(places, kept):
    await place(kept, "BOX", (1, 1, "LOC1", "ST1-1", "A"))

    await places.reread(station_id="BOX")

    assert places.outlet(at("ST1", 1, 1)) is None
    assert places.evse(places.outlet(at("BOX", 1))) == at("BOX", 1, 1)
    assert places.stations_at("loc1") == {"BOX", "ST1"}


async def test_a_place_belongs_to_one_station(kept):
    await place(kept, "BOX", (1, 1, "LOC1", "ST1-1", "A"))

    with pytest.raises(Conflict):
        await place(kept, "OTHER", (1, 1, "LOC1", "ST1-1", "A"))


async def until(condition):
    import asyncio

    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_change_made_by_anyone_is_followed(places, kept):
    await place(kept, "BOX", (1, 1, "LOC1", "ELSEWHERE", "1"))
    await until(lambda: places.outlet(at("BOX", 1)))

    await put(kept, location(evses=[evse("elsewhere", status="CHARGING"), evse("ST9-1")]))

    await until(lambda: places.outlet(at("ST9", 1)))
    assert places.outlet(at("BOX", 1)).status == "CHARGING"
    assert places.outlet(at("ST1", 1)) is None


async def test_places_moved_to_another_location_keep_their_number(places, kept):
    await put(kept, location(id="LOC2", evses=[evse("ST1-1")]))
    await put(kept, location(evses=[evse("ST1-2")]))

    await until(lambda: named(places.outlet(at("ST1", 1))) == ("LOC2", "ST1-1", "1"))
    await until(lambda: len(places.of_station("ST1")) == 2)


async def test_a_status_that_changes_is_followed_without_reading_the_location(places, kept):
    def becomes(uid, status):
        new = {"status": status, "last_updated": "2026-01-01T00:00:01.000Z"}
        return lambda each: new if each["uid"] == uid else None

    async def change(tx):
        for status in ("CHARGING", "AVAILABLE", "CHARGING", "AVAILABLE", "BLOCKED", "AVAILABLE"):
            await kept.change_evses(tx, "LOC1", becomes("ST1-1", status))
        await kept.change_evses(tx, "LOC1", becomes("ST1-2", "REMOVED"))

    await kept.database.transact(change)

    await until(lambda: places.outlet(at("ST1", 2)) is None)
    assert places.outlet(at("ST1", 1)).status == "AVAILABLE"
    assert places.outlet(at("ST1", 1, 2)).status == "AVAILABLE"
