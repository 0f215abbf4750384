"""Sites, stations and alarms over the operator API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.cpms.api.routes.alarms import AlarmRoutes
from hub.cpms.api.routes.sites import SiteRoutes
from hub.cpms.api.routes.stations import StationRoutes
from hub.cpms.bulk import Bulk
from hub.cpms.premises import Premises
from hub.cpms.store import Store
from hub.database import Database
from hub.ocpp.events import Connected, StatusChanged
from hub.ocpp.stations import Station as KnownStation
from hub.ocpp.stations import Stations as Register
from hub.ocpp.words import EVSE
from tests.clocks import ManualClock
from tests.cpms.api.conftest import Caller, House
from tests.rooms import CPO, evse, location


class Yard:
    """The API over premises, and a caller who may everything."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        store = Store(database, CPO)
        self.premises = Premises(store, clock=clock)
        routes = (
            SiteRoutes(self.premises, Bulk(store, self.premises.stations)), StationRoutes(self.premises),
            AlarmRoutes(self.premises.alarms),
        )  # fmt: skip
        self.house = House(database, clock, routes)
        self.admin: Caller


@pytest.fixture
async def yard(database: Database) -> AsyncIterator[Yard]:
    made = Yard(database, ManualClock())
    made.admin = await made.house.staff("admin")
    await made.premises.start()
    yield made
    await made.premises.stop()


def site(**changes: Any) -> Any:
    said = location(evses=[]) | changes
    return {name: each for name, each in said.items() if name not in ("country_code", "party_id", "last_updated")}


def bay(**changes: Any) -> Any:
    connector = {name: each for name, each in evse()["connectors"][0].items() if name != "last_updated"}
    return {"connectors": [connector]} | changes


def station(**changes: Any) -> Any:
    return {"station_id": "ST1", "location_id": "LOC1", "evses": [bay()]} | changes


async def refused(caller: Caller, method: str, path: str, status: int, **rest: Any) -> Any:
    answer = await caller.ask(method, path, **rest)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_site_and_its_station_are_made_shown_changed_and_taken_away(yard: Yard) -> None:
    """SGEM-4.4-01, SGEM-4.4-03, RASD-R17."""
    admin = yard.admin
    made = await admin.post("/sites", site())
    assert (made["country_code"], made["party_id"], made["last_updated"]) == ("NL", "CPO", "2026-01-01T12:00:00.000Z")

    added = await admin.post("/stations", station(vendor="Acme"))
    assert [each["evse_uid"] for each in added["places"]] == ["ST1-1"]
    assert [each["station_id"] for each in (await admin.get("/stations?location_id=LOC1"))["items"]] == ["ST1"]
    changed = await admin.ask("PUT", "/stations/ST1", json=station(evses=[], vendor="Other"))
    assert changed.json()["vendor"] == "Other"
    renamed = await admin.ask("PUT", "/sites/LOC1", json={k: v for k, v in site(name="Pier").items() if k != "evses"})
    assert (renamed.json()["name"], len(renamed.json()["evses"])) == ("Pier", 1)

    assert (await admin.ask("DELETE", "/stations/ST1")).status_code == 204
    await refused(admin, "GET", "/stations/ST1", 404)
    assert (await admin.ask("DELETE", "/sites/LOC1")).status_code == 204


async def test_what_is_refused_says_path_and_rule(yard: Yard) -> None:
    admin = yard.admin
    problem = await refused(admin, "POST", "/sites", 422, json=site(time_zone="Nowhere/Else"))
    assert problem["errors"][0]["path"] == "$.time_zone"
    await refused(admin, "POST", "/stations", 404, json=station())
    await admin.post("/sites", site())
    problem = await refused(admin, "POST", "/stations", 422, json=station(evses=[bay(connectors=[])]))
    assert problem["errors"][0]["path"] == "$.evses[0].connectors"
    await admin.post("/stations", station())
    problem = await refused(admin, "POST", "/stations", 422, json=station())
    assert problem["errors"][0]["path"] == "$.station_id"
    await refused(admin, "PUT", "/stations/ST2", 422, json=station())
    await refused(admin, "GET", "/stations/ST2/status", 404)
    await refused(admin, "GET", "/sites/LOC2/status", 404)


async def test_a_charger_that_is_no_station_yet_is_told_what_makes_it_one(yard: Yard, database: Database) -> None:
    await Register(database).put(KnownStation(id="ST1"))

    nowhere = (await refused(yard.admin, "GET", "/stations/ST1", 404))["detail"]
    await yard.admin.post("/sites", site(evses=[bay(uid="ST1-1")]))
    named = (await refused(yard.admin, "GET", "/stations/ST1", 404))["detail"]
    added = await yard.admin.post("/stations", {"station_id": "ST1", "location_id": "LOC1", "evse_uids": ["ST1-1"]})

    assert "stands at no site yet: POST /stations" in nowhere
    assert "location_id LOC1 and evse_uids ST1-1 makes it one" in named
    assert [each["evse_uid"] for each in added["places"]] == ["ST1-1"]
    unknown = await refused(yard.admin, "GET", "/stations/ST2", 404)
    assert unknown["detail"] == "There is no such station here."


async def test_a_station_is_operated_and_shows_how_it_is(yard: Yard) -> None:
    """SGEM-4.4-04, RASD-F15, RASD-F16, DD-R6."""
    admin = yard.admin
    await admin.post("/sites", site())
    await admin.post("/stations", station())
    now = yard.house.clock.now()
    await yard.premises.told(Connected(station_id="ST1", version="1.6", at=now))
    place = EVSE(station_id="ST1", evse_id=1, connector_id=1)
    await yard.premises.told(StatusChanged(evse=place, status="Available", at=now))
    await yard.premises.places.reread(location_id="LOC1")

    outside = await admin.get("/sites/LOC1/status")
    inside = await admin.get("/stations/ST1/status")
    operated = await admin.ask("PUT", "/stations/ST1/state", json={"state": "TEST"})

    assert [(each["standard"], each["speed"], each["free"]) for each in outside["sockets"]] == [
        ("IEC_62196_T2_COMBO", "RAPID", 1)
    ]
    assert (inside["online"], inside["evses"][0]["connectors"][0]["status"]) == (True, "Available")
    assert operated.json()["state"] == "TEST"


async def test_a_maintenance_is_planned_and_ended(yard: Yard) -> None:
    """DD-DEF3."""
    admin = yard.admin
    await admin.post("/sites", site())
    await admin.post("/stations", station())

    made = await admin.post(
        "/sites/LOC1/maintenances", {"evse_uids": ["ST1-1"], "begins": "2026-01-02T08:00:00Z", "note": "cable"}
    )
    listed = (await admin.get("/maintenances"))["items"]
    await refused(
        admin, "POST", "/sites/LOC1/maintenances", 422, json={"evse_uids": ["X"], "begins": "2026-01-02T08:00:00Z"}
    )

    assert [(each["id"], each["evse_uids"], each["ends"]) for each in listed] == [(made["id"], ["ST1-1"], None)]
    assert (await admin.ask("DELETE", f"/maintenances/{made['id']}")).status_code == 204
    await refused(admin, "DELETE", f"/maintenances/{made['id']}", 404)


async def test_many_stations_come_in_and_go_out(yard: Yard) -> None:
    admin = yard.admin
    await admin.post("/sites", site())
    await admin.post("/stations", station())

    exported = await admin.ask("GET", "/exports/stations")
    report = await admin.ask(
        "POST", "/imports/stations", content=exported.content + b"LOC1,broken\r\n", headers={"content-type": "text/csv"}
    )
    whole = await admin.ask("GET", "/exports/locations")
    again = await admin.ask("POST", "/imports/stations", json=whole.json())

    assert exported.headers["content-type"].startswith("text/csv")
    assert (report.json()["read"], report.json()["stored"]) == (2, 1)
    assert report.json()["faults"][0]["line"] == 3
    assert again.json() == {"read": 1, "stored": 1, "faults": []}
    await refused(admin, "POST", "/imports/stations", 422, json={"id": "LOC1"})


async def test_a_vendors_schema_is_set_and_judges(yard: Yard) -> None:
    """SGEM-4.4-02."""
    admin = yard.admin
    await admin.post("/sites", site())
    schema = {"vendor": "Acme", "schema": {"required": ["cooling"]}}
    assert (await admin.ask("PUT", "/extensions", json=schema)).status_code == 200

    problem = await refused(admin, "POST", "/stations", 422, json=station(vendor="Acme"))

    assert problem["errors"][0]["path"] == "$.parameters"
    assert (await admin.get("/extensions"))["items"][0]["vendor"] == "Acme"
    assert (await admin.ask("DELETE", "/extensions?vendor=Acme")).status_code == 204
    await refused(admin, "DELETE", "/extensions?vendor=Acme", 404)
    await refused(admin, "PUT", "/extensions", 422, json={"vendor": "Acme", "schema": {"type": "objekt"}})


async def test_alarms_are_listed_and_acknowledged_by_name(yard: Yard) -> None:
    """GEM-UC-1529."""
    raise_ = yard.premises.alarms.raise_
    for number in range(3):
        await raise_("TAMPER", f"ST{number}", station_id=f"ST{number}", message="door")
    admin = yard.admin

    first = await admin.get("/alarms?open=true&limit=2")
    rest = await admin.get(f"/alarms?open=true&limit=2&cursor={first['next']}")
    seen = await admin.post(f"/alarms/{rest['items'][0]['id']}/acknowledge", {"note": "us"}, status=200)

    assert [each["subject"] for each in first["items"] + rest["items"]] == ["ST2", "ST1", "ST0"]
    assert (seen["acknowledged_by"], seen["note"]) == ("admin@cpo.test", "us")
    assert (await admin.get(f"/alarms/{seen['id']}"))["cleared_at"] is not None
    assert len((await admin.get("/alarms?unacknowledged=true"))["items"]) == 2
    await refused(admin, "GET", "/alarms/none", 404)
    await refused(admin, "POST", "/alarms/4711/acknowledge", 404, json={})
