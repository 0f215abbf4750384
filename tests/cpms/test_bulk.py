"""Many stations at once, in and out: a bad line stops its own station only, and what goes out comes in again."""

import asyncio
import contextlib
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.cpms.bulk import COLUMNS, Bulk
from hub.cpms.places import Places
from hub.cpms.stations import Stations
from hub.cpms.store import Store
from hub.database import open_database
from hub.ocpi.errors import InvalidParameters
from hub.ocpp.words import EVSE
from tests.clocks import ManualClock
from tests.rooms import CPO, evse, location

HEADER = (
    "location_id,location_name,address,city,country,latitude,longitude,time_zone,station_id,protocol,vendor,"
    "evse_uid,connector_id,standard,format,power_type,max_voltage,max_amperage,tariff_ids"
)
SITE = "LOC1,Quay,Quay 1,'s-Hertogenbosch,NLD,51.690000,5.303000,Europe/Amsterdam"
PLUG = "IEC_62196_T2,SOCKET,AC_3_PHASE,230,32"


@contextlib.asynccontextmanager
async def opened(database):
    store, clock = Store(database, CPO), ManualClock()
    places = Places(store)
    stations = Stations(store, places, clock=clock.now)
    await places.start()
    await stations.start()
    yield store, stations, Bulk(store, stations)
    await stations.stop()
    await places.stop()


@pytest.fixture
async def house(database):
    async with opened(database) as made:
        yield made


def table(*lines, header=HEADER):
    return "\r\n".join([header, *lines]).encode()


async def test_a_table_of_connectors_becomes_sites_stations_and_places(house):
    """SGEM-4.4-01, DD-R9."""
    store, stations, bulk = house

    report = await bulk.import_csv(table(
        f"{SITE},BOX,1.6,Acme,BOX-A,1,{PLUG},T1 T2",
        f"{SITE},BOX,1.6,Acme,BOX-B,1,{PLUG},",
        f"{SITE},,,,PLAIN,1,{PLUG},",
    ))  # fmt: skip

    assert (report.read, report.stored, report.faults) == (3, 3, [])
    made = await store.locations.get(CPO, "LOC1")
    assert (made["city"], made["coordinates"]["latitude"], made["publish"]) == ("'s-Hertogenbosch", "51.690000", True)
    assert [each["uid"] for each in made["evses"]] == ["BOX-A", "BOX-B", "PLAIN"]
    assert made["evses"][0]["connectors"][0]["tariff_ids"] == ["T1", "T2"]
    assert stations.places.outlet(EVSE(station_id="BOX", evse_id=2)).evse_uid == "BOX-B"
    assert (await stations.station("BOX"))["vendor"] == "Acme"


async def test_a_bad_line_is_reported_and_stops_only_its_own_station(house):
    store, _, bulk = house

    report = await bulk.import_csv(table(
        f"{SITE},GOOD,,,G1,1,{PLUG},",
        f"{SITE},BAD,,,B1,1,{PLUG},",
        f"{SITE},BAD,,,B2,1,IEC_62196_T2,SOCKET,STEAM,230,32,",
        f"{SITE},WORSE,,,W1,1,IEC_62196_T2,SOCKET,DC,many,32,",
        f"{SITE},no/name,,,N1,1,{PLUG},",
        f"{SITE},LONG,,,L1,1,{PLUG},,too,much",
        ",,,,,,,,LOST,,,X1,1,,,,,,",
        f"{SITE},ALSO GOOD,,,A1,1,{PLUG},".replace("ALSO GOOD", "ALSO"),
    ))  # fmt: skip

    assert (report.read, report.stored) == (8, 2)
    assert [(each.line, each.id) for each in report.faults] == [
        (3, "BAD"), (4, "BAD"), (5, "WORSE"), (6, "no/name"), (7, "LONG"), (8, "LOST"),
    ]  # fmt: skip
    errors = [each.error for each in report.faults]
    assert "power_type" in errors[0]
    assert errors[2] == "max_voltage: 'many' cannot be read (a whole number)"
    assert errors[3].startswith("$.station_id")
    assert errors[5] == "location_id: is missing"
    made = await store.locations.get(CPO, "LOC1")
    assert [each["uid"] for each in made["evses"]] == ["G1", "A1"]


async def test_an_empty_cell_leaves_what_is_there_and_a_new_line_adds(house):
    store, stations, bulk = house
    await bulk.import_csv(table(f"{SITE},BOX,1.6,Acme,BOX-1,1,{PLUG},T1"))
    before = await store.locations.get(CPO, "LOC1")

    report = await bulk.import_csv(table(
        "LOC1,,Quay 2,,,,,,BOX,,,BOX-1,1,,,,,40,", f"LOC1,,,,,,,,BOX,,,BOX-1,2,{PLUG},"
    ))  # fmt: skip

    assert report.faults == []
    made = await store.locations.get(CPO, "LOC1")
    first, second = made["evses"][0]["connectors"]
    assert (made["address"], made["city"]) == ("Quay 2", before["city"])
    assert (first["max_amperage"], first["tariff_ids"], second["id"]) == (40, ["T1"], "2")
    assert (await stations.station("BOX"))["vendor"] == "Acme"


async def test_two_stations_cannot_stand_at_one_connector(house):
    _, stations, bulk = house

    report = await bulk.import_csv(table(f"{SITE},ONE,,,E1,1,{PLUG},", f"{SITE},TWO,,,E1,1,{PLUG},"))

    assert [(each.line, each.error) for each in report.faults] == [(3, "$.places[0]: station ONE stands at E1")]
    assert [each["station_id"] for each in await stations.all()] == ["ONE"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"\xff\xfe", "no CSV in UTF-8"),
        (b"", "column location_id is missing"),
        (b"location_id,colour", "no column 'colour'"),
        (b"location_id,evse_uid,connector_id,evse_uid", "twice"),
        (b'location_id,evse_uid,connector_id\r\n"a', "no CSV"),
    ],
)
async def test_what_is_no_table_is_refused_as_a_whole(house, text, fault):
    with pytest.raises(InvalidParameters, match=fault):
        await house[2].import_csv(text)


async def test_ocpi_json_comes_in_object_by_object_and_goes_out(house):
    store, _, bulk = house

    planned = location(id="LOC3", evses=[evse("X", status="PLANNED")])
    report = await bulk.import_locations([location(), location(id="LOC2", time_zone="Nowhere/Else"), 7, planned])

    assert (report.read, report.stored) == (4, 2)
    assert [(each.line, each.id) for each in report.faults] == [(1, "LOC2"), (2, None)]
    exported = await bulk.export_locations()
    assert [each["id"] for each in exported] == ["LOC1", "LOC3"]
    assert (await bulk.import_locations(exported)).faults == []
    assert await store.locations.all() == exported


words = st.text("abcXYZ0123 '=+-@,\"\n;é", min_size=1, max_size=12).map(
    lambda text: text.replace("\n", " ").strip() or "x"
)
names = st.text("ABCDEF0123456789", min_size=1, max_size=8)
plugs = st.fixed_dictionaries({
    "standard": st.sampled_from(["IEC_62196_T2", "CHADEMO"]), "format": st.sampled_from(["SOCKET", "CABLE"]),
    "power_type": st.sampled_from(["AC_3_PHASE", "DC"]), "max_voltage": st.integers(1, 1000),
    "max_amperage": st.integers(1, 500),
}, optional={
    "max_electric_power": st.integers(1, 400_000),
    "tariff_ids": st.lists(st.text("T1 [-", min_size=1, max_size=5), min_size=1, max_size=2, unique=True),
})  # fmt: skip
bays = st.fixed_dictionaries(
    {"plugs": st.lists(plugs, min_size=1, max_size=2)},
    optional={"physical_reference": words.map(lambda text: text[:8])},
)
boxes = st.fixed_dictionaries(
    {"protocol": st.sampled_from(["1.6", "2.0.1"]), "bays": st.lists(bays, min_size=1, max_size=2)},
    optional={
        "vendor": words, "state": st.sampled_from(["TEST", "DISABLED"]), "max_power": st.integers(1, 500),
        "battery": st.fixed_dictionaries({"capacity": st.integers(1, 200), "power": st.integers(1, 200)}),
        "parameters": st.dictionaries(names, words, max_size=2),
    },
)  # fmt: skip
sites = st.dictionaries(names, st.tuples(words, st.dictionaries(names, boxes, min_size=1, max_size=2)), max_size=2)

folders = itertools.count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=sites)
def test_what_is_exported_comes_in_again_and_is_exported_the_same(sqlite_stores, tmp_path_factory, made):
    async def trip():
        folder = tmp_path_factory.mktemp("bulk")
        first = await open_database(sqlite_stores.fresh(folder / "first"))
        second = await open_database(sqlite_stores.fresh(folder / "second"))
        try:
            async with opened(first) as (_, stations, bulk):
                for site_id, (name, stood) in made.items():
                    await stations.sites.create(site(site_id, name))
                    for number, said in stood.items():
                        await stations.add(box(site_id, number, said))
                table = await bulk.export_csv()
            async with opened(second) as (_, _, bulk):
                report = await bulk.import_csv(table)
                return table, report, await bulk.export_csv(), await bulk.import_csv(table)
        finally:
            await first.close()
            await second.close()

    table, report, again, repeated = asyncio.run(trip())

    assert report.faults == repeated.faults == []
    assert again == table
    assert table.startswith(",".join(COLUMNS).encode())


def site(site_id, name):
    said = location(id=site_id, name=name, address=name, evses=[])
    return {key: each for key, each in said.items() if key not in ("country_code", "party_id", "last_updated")}


def box(site_id, number, said):
    evses = [
        {key: each for key, each in bay.items() if key != "plugs"}
        | {"connectors": [{"id": str(at), **plug} for at, plug in enumerate(bay["plugs"], start=1)]}
        for bay in said["bays"]
    ]
    rest = {key: each for key, each in said.items() if key != "bays"}
    return {"station_id": f"{site_id}.{number}", "location_id": site_id, "evses": evses, **rest}
