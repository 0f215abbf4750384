"""Sites and stations, made, changed, operated and taken away by an operator."""

import pytest

from hub.cpms.extensions import Extension
from hub.cpms.places import Places
from hub.cpms.stations import InUse, NoSuchStation, Stations
from hub.cpms.store import Store
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.receiving import NoSuchLocation
from hub.ocpp.events import EVSE
from tests.cpms.conftest import received
from tests.rooms import CPO, evse, location

START = "2026-01-01T12:00:00.000Z"


@pytest.fixture
async def stations(database, clock):
    store = Store(database, CPO)
    places = Places(store)
    made = Stations(store, places, clock=clock.now)
    await places.start()
    await made.start()
    yield made
    await made.stop()
    await places.stop()


def site(**changes):
    """What an operator says of a site: without owner, times and statuses."""
    said = location(**changes)
    return {name: each for name, each in said.items() if name not in ("country_code", "party_id", "last_updated")}


def socket(identifier="1", **changes):
    said = evse()["connectors"][0]
    return {name: each for name, each in said.items() if name != "last_updated"} | {"id": identifier} | changes


def bay(**changes):
    return {"connectors": [socket()]} | changes


def station(**changes):
    return {"station_id": "ST1", "location_id": "LOC1", "evses": [bay()]} | changes


async def kept(stations, location_id="LOC1"):
    return await stations._store.locations.get(CPO, location_id)


def statuses(value):
    return {each["uid"]: each["status"] for each in value["evses"]}


async def test_a_site_is_made_of_what_its_operator_says_and_told_to_everyone(stations, database):
    """SGEM-4.4-01, SGEM-4.4-03, DD-R9, DD-R10, INCAR-RO01."""
    hours = {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}],
    }

    await stations.sites.create(site(evses=[], opening_times=hours, facilities=["CAFE"]))

    made = await kept(stations)
    assert (made["country_code"], made["party_id"], made["last_updated"]) == ("NL", "CPO", START)
    assert (made["opening_times"], made["facilities"]) == (hours, ["CAFE"])
    assert await received(database, "location") == [("", 0, None)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"coordinates": {"latitude": "52.4", "longitude": "4.892200"}}, "$.coordinates.latitude"),
        ({"time_zone": "Europe/Atlantis"}, "$.time_zone"),
        ({"opening_times": {"twentyfourseven": "yes"}}, "$.opening_times.twentyfourseven"),
        ({"evses": [bay(uid="E1"), bay(uid="e1")]}, "$.evses[1].uid"),
        ({"evses": "many"}, "$.evses"),
        ({"evses": [7]}, "$.evses[0]"),
        ({"id": None}, "$.id"),
    ],
)
async def test_what_is_no_location_is_refused_with_its_path_and_leaves_nothing(stations, change, fault):
    with pytest.raises(InvalidParameters) as refused:
        await stations.sites.create(site() | change)

    assert fault in str(refused.value)
    assert await stations._store.locations.all() == []


async def test_a_site_is_made_once(stations):
    await stations.sites.create(site())

    with pytest.raises(InvalidParameters, match=r"\$\.id: there is a Location loc1 already"):
        await stations.sites.create(site(id="loc1"))


async def test_a_change_keeps_what_is_not_the_operators_to_say_and_the_time_of_what_is_unchanged(stations, clock):
    await stations.sites.create(site(evses=[bay(uid="E1", status="AVAILABLE"), bay(uid="E2", status="AVAILABLE")]))
    await clock.advance(60)

    await stations.sites.change("LOC1", site(
        name="Pier", evses=[bay(uid="E1", status="CHARGING"), bay(uid="E2", physical_reference="2")]
    ))  # fmt: skip

    made = await kept(stations)
    assert statuses(made) == {"E1": "AVAILABLE", "E2": "AVAILABLE"}
    assert [each["last_updated"] for each in made["evses"]] == [START, "2026-01-01T12:01:00.000Z"]
    assert made["evses"][1]["connectors"][0]["last_updated"] == START
    assert (made["name"], made["last_updated"]) == ("Pier", "2026-01-01T12:01:00.000Z")


async def test_what_is_left_out_is_removed_and_never_comes_back(stations):
    """SGEM-4.4-01: nothing is erased that a Session or CDR may name."""
    await stations.sites.create(site(evses=[bay(uid="E1"), bay(uid="E2")]))

    await stations.sites.change("LOC1", site(evses=[bay(uid="E1")]))
    assert statuses(await kept(stations)) == {"E1": "UNKNOWN", "E2": "REMOVED"}
    await stations.sites.change("LOC1", site(evses=[bay(uid="E1"), bay(uid="E2", status="AVAILABLE")]))
    assert statuses(await kept(stations)) == {"E1": "UNKNOWN", "E2": "REMOVED"}

    await stations.sites.remove("LOC1")
    gone = await kept(stations)
    assert (gone["publish"], statuses(gone)) == (False, {"E1": "REMOVED", "E2": "REMOVED"})


async def test_a_site_that_is_not_there_cannot_be_changed(stations):
    with pytest.raises(NoSuchLocation):
        await stations.sites.change("LOC1", site())


async def test_a_station_brings_its_evses_to_its_site(stations):
    """SGEM-4.4-01, RASD-R17, DD-DEF1."""
    await stations.sites.create(site(evses=[]))

    await stations.add(station(vendor="Acme", model="Two", evses=[bay(connectors=[socket("1"), socket("2")]), bay()]))

    assert statuses(await kept(stations)) == {"ST1-1": "UNKNOWN", "ST1-2": "UNKNOWN"}
    assert (await stations.station("ST1"))["places"] == [
        {"evse_id": 1, "connector_id": 1, "evse_uid": "ST1-1", "connector": "1"},
        {"evse_id": 1, "connector_id": 2, "evse_uid": "ST1-1", "connector": "2"},
        {"evse_id": 2, "connector_id": 1, "evse_uid": "ST1-2", "connector": "1"},
    ]
    assert stations.places.outlet(EVSE(station_id="ST1", evse_id=2)).evse_uid == "ST1-2"


async def test_the_connectors_of_a_1_6_station_are_numbered_through(stations):
    await stations.sites.create(site(evses=[]))

    await stations.add(station(protocol="1.6", evses=[bay(connectors=[socket("1"), socket("2")]), bay()]))

    counted = [(evse.evse_id, outlet.evse_uid) for evse, outlet in stations.places.of_station("ST1")]
    assert counted == [(1, "ST1-1"), (2, "ST1-1"), (3, "ST1-2")]


async def test_a_station_may_stand_at_evses_that_are_there(stations):
    await stations.sites.create(site(evses=[bay(uid="LEFT"), bay(uid="RIGHT")]))

    await stations.add({"station_id": "ST1", "location_id": "LOC1", "evse_uids": ["RIGHT", "LEFT"]})
    await stations.add({"station_id": "ST2", "location_id": "LOC1"})

    assert [outlet.evse_uid for _, outlet in stations.places.of_station("ST1")] == ["RIGHT", "LEFT"]
    assert (await stations.station("ST2"))["places"] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"station_id": "no/slash"}, "$.station_id"),
        ({"evses": [bay(), bay(connectors=[socket(power_type="STEAM")])]}, "$.evses[1].connectors[0].power_type"),
        ({"evses": [bay(uid=7)]}, "$.evses[0].uid"),
        ({"evses": {}, "places": [{"evse_id": 1, "evse_uid": "X"}]}, "$.places[0].evse_uid"),
        ({"evses": [], "places": [{"evse_id": 0, "evse_uid": "X"}]}, "$.places[0].evse_id"),
        ({"evses": [bay(uid="E1")]}, "$.evses[0].uid: EVSE E1 was removed"),
        ({"evses": [], "evse_uids": ["E2"]}, "$.places[0]: station OLD stands at E2"),
        ({"evses": [], "places": [{"evse_id": 1, "evse_uid": "E3"}, {"evse_id": 2, "evse_uid": "E3"}]}, "$.places"),
        ({"state": "BROKEN"}, "$.state"),
        ({"battery": {"capacity": -1, "power": 1}}, "$.battery.capacity"),
    ],
)
async def test_a_station_that_cannot_be_leaves_nothing_behind(stations, change, fault):
    await stations.sites.create(site(evses=[bay(uid="E1"), bay(uid="E2"), bay(uid="E3")]))
    await stations.add({"station_id": "OLD", "location_id": "LOC1", "evse_uids": ["E2"]})
    await stations.sites.change("LOC1", site(evses=[bay(uid="E2"), bay(uid="E3")]))
    before = await kept(stations)

    with pytest.raises(InvalidParameters) as refused:
        await stations.add(station() | change)

    assert fault in str(refused.value)
    assert await kept(stations) == before
    with pytest.raises(NoSuchStation):
        await stations.station("ST1")


async def test_a_station_needs_its_site(stations):
    with pytest.raises(NoSuchLocation):
        await stations.add(station())


async def test_a_station_is_there_once_and_changes(stations):
    await stations.sites.create(site(evses=[]))
    await stations.add(station())

    with pytest.raises(InvalidParameters, match="there is a station ST1 already"):
        await stations.add(station())
    with pytest.raises(InvalidParameters, match=r"\$\.location_id: a station that moves"):
        await stations.change("ST1", {"location_id": "LOC2"})
    changed = await stations.change("ST1", {"location_id": "LOC1", "serial_number": "4711"})

    assert changed["serial_number"] == "4711"
    assert [each["evse_uid"] for each in changed["places"]] == ["ST1-1"]
    assert [each["station_id"] for each in await stations.all(location_id="loc1")] == ["ST1"]


async def test_a_station_that_is_taken_away_leaves_removed_evses_and_a_free_name(stations, clock):
    await stations.sites.create(site(evses=[bay(uid="STAYS")]))
    await stations.add(station())

    await stations.remove("ST1")

    assert statuses(await kept(stations)) == {"STAYS": "UNKNOWN", "ST1-1": "REMOVED"}
    assert stations.places.of_station("ST1") == []
    with pytest.raises(NoSuchStation):
        await stations.remove("ST1")
    await stations.add({"station_id": "ST1", "location_id": "LOC1", "evse_uids": ["STAYS"]})
    assert (await stations.station("ST1"))["places"][0]["evse_uid"] == "STAYS"


async def test_an_evse_two_stations_serve_outlives_one_of_them(stations):
    await stations.sites.create(site(evses=[bay(uid="E1", connectors=[socket("1"), socket("2")])]))
    await stations.add(station(evses=[], places=[{"evse_id": 1, "evse_uid": "E1", "connector": "1"}]))
    await stations.add(station(
        station_id="ST2", evses=[], places=[{"evse_id": 1, "evse_uid": "E1", "connector": "2"}]
    ))  # fmt: skip

    await stations.remove("ST1")

    assert statuses(await kept(stations)) == {"E1": "UNKNOWN"}


async def test_a_station_is_not_taken_from_under_a_car(stations):
    await stations.sites.create(site(evses=[bay(uid="ST1-1", status="CHARGING")]))
    await stations.add({"station_id": "ST1", "location_id": "LOC1"})

    with pytest.raises(InUse):
        await stations.remove("ST1")

    assert statuses(await kept(stations)) == {"ST1-1": "CHARGING"}


async def test_a_station_or_one_of_its_evses_is_active_in_test_or_disabled(stations):
    """SGEM-4.4-04."""
    await stations.sites.create(site(evses=[]))
    await stations.add(station(evses=[bay(), bay()]))
    first, second = (EVSE(station_id="ST1", evse_id=each) for each in (1, 2))
    assert stations.state_of(first) == "ACTIVE"

    await stations.operate("ST1", "TEST")
    await stations.operate("ST1", "DISABLED", 2)

    assert (stations.state_of(first), stations.state_of(second)) == ("TEST", "DISABLED")
    assert (await stations.station("ST1"))["state"] == "TEST"
    await stations.operate("ST1", "ACTIVE")
    assert (stations.state_of(first), stations.state_of(second)) == ("ACTIVE", "DISABLED")


async def test_only_what_is_there_is_operated(stations):
    await stations.sites.create(site(evses=[]))
    await stations.add(station())

    with pytest.raises(NoSuchStation):
        await stations.operate("ST2", "TEST")
    with pytest.raises(NoSuchStation):
        await stations.operate("ST1", "TEST", 2)
    with pytest.raises(InvalidParameters):
        await stations.operate("ST1", "BROKEN")


SCHEMA = {
    "type": "object", "required": ["cooling"],
    "properties": {"cooling": {"enum": ["AIR", "LIQUID"]}, "fans": {"type": "array", "items": {"type": "integer"}}},
}  # fmt: skip


async def test_a_vendors_parameters_are_judged_by_its_schema(stations):
    """SGEM-4.4-02."""
    await stations.sites.create(site(evses=[]))
    await stations.extensions.put(Extension("Acme", "", {"type": "object", "required": ["colour"]}))
    await stations.extensions.put(Extension("Acme", "Hyper", SCHEMA))
    acme = {"vendor": "Acme", "model": "Hyper"}

    with pytest.raises(InvalidParameters, match=r'\$\.parameters: "cooling" is a required property'):
        await stations.add(station(**acme))
    with pytest.raises(InvalidParameters, match=r"\$\.parameters\.fans\[1\]: .* is not of type"):
        await stations.add(station(**acme, parameters={"cooling": "AIR", "fans": [1, "two"]}))
    added = await stations.add(station(**acme, parameters={"cooling": "AIR"}))

    assert added["parameters"] == {"cooling": "AIR"}
    with pytest.raises(InvalidParameters, match='"colour" is a required property'):
        await stations.add(station(station_id="ST2", vendor="Acme", model="Mini"))
    await stations.add(station(station_id="ST3", vendor="Other", parameters={"anything": 1}))


async def test_a_schema_that_stations_there_are_would_not_meet_is_refused(stations):
    await stations.sites.create(site(evses=[]))
    await stations.add(station(vendor="Acme", model="Hyper", parameters={"cooling": "AIR"}))

    await stations.extensions.put(Extension("Acme", "Hyper", SCHEMA))
    with pytest.raises(InvalidParameters, match=r'station ST1: \$\.parameters: "colour" is a required property'):
        await stations.extensions.put(Extension("Acme", "Hyper", {"required": ["colour"]}))
    await stations.extensions.put(Extension("Acme", "", {"required": ["colour"]}))
    await stations.extensions.put(Extension("Acme", "Mini", {"required": ["size"]}))

    assert [(each.model, each.schema) for each in await stations.extensions.all()] == [
        ("", {"required": ["colour"]}), ("Hyper", SCHEMA), ("Mini", {"required": ["size"]}),
    ]  # fmt: skip
    assert await stations.extensions.remove("Acme", "")
    assert not await stations.extensions.remove("Acme", "")


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"$ref": "http://127.0.0.1:9/schema"}, {"$ref": "file:///etc/passwd"}, 7]
)
async def test_what_is_no_schema_or_would_be_fetched_is_refused(stations, schema):
    with pytest.raises(InvalidParameters, match=r"^\$\.schema"):
        await stations.extensions.put(Extension("Acme", "", schema))
