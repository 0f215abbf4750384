"""What operators change of their premises is in the audit log, or has not happened: one transaction."""

import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.api.audit import AuditLog
from hub.database import Database
from tests.clocks import ManualClock
from tests.cpms.api.test_premises import Yard, site, station
from tests.rooms import evse, location

SCHEMA = {"vendor": "Acme", "schema": {"type": "object"}}
CSV = (
    b"location_id,address,city,country,latitude,longitude,time_zone,station_id,evse_uid,connector_id,standard,format,"
    b"power_type,max_voltage,max_amperage\r\n"
    b"LOC7,Quay 1,Utrecht,NLD,52.09070,5.12140,Europe/Amsterdam,ST7,ST7-1,1,IEC_62196_T2,SOCKET,AC_3_PHASE,230,32\r\n"
)
#: Of what partners are told only what there is: EVSEs' Statuses follow from the rest, in their own time.
STATE = ("kind, object_id FROM cpms_object", "* FROM cpms_station", "* FROM cpms_place", "* FROM cpms_operation",
         "* FROM cpms_extension", "* FROM cpms_plan", "* FROM cpms_alarm")  # fmt: skip


@pytest.fixture
async def yard(database: Database) -> AsyncIterator[Yard]:
    """A site with a station, a maintenance, a vendor's schema and an alarm."""
    made = Yard(database, ManualClock())
    made.admin = await made.house.staff("admin")
    await made.premises.start()
    await made.admin.post("/sites", site())
    await made.admin.post("/stations", station())
    await made.admin.ask("PUT", "/extensions", json=SCHEMA)
    tomorrow = made.house.clock.now() + datetime.timedelta(days=1)
    await made.premises.maintenances.order("LOC1", ["ST1-1"], begins=tomorrow, ends=None, reference="M1")
    await made.premises.alarms.raise_("TAMPER", "ST1", station_id="ST1", message="door")
    yield made
    await made.premises.stop()


@pytest.mark.parametrize(
    ("method", "path", "said", "target"),
    [
        ("PUT", "/stations/ST1/state", {"json": {"state": "DISABLED"}}, "/stations/ST1/state"),
        ("PUT", "/extensions", {"json": SCHEMA | {"model": "X"}}, "/extensions"),
        ("DELETE", "/extensions?vendor=Acme", {}, "/extensions"),
        ("POST", "/sites/LOC1/maintenances", {"json": {"evse_uids": ["ST1-1"], "begins": "2026-01-02T08:00:00Z"}},
         "/sites/LOC1/maintenances"),
        ("DELETE", "/maintenances/M1", {}, "/maintenances/M1"),
        ("POST", "/alarms/1/acknowledge", {"json": {"note": "us"}}, "/alarms/1/acknowledge"),
        ("POST", "/imports/stations", {"content": CSV, "headers": {"content-type": "text/csv"}}, "/stations/ST7"),
        ("POST", "/imports/stations", {"json": [location(id="LOC8", evses=[evse("E8")])]}, "/sites/LOC8"),
    ],
)  # fmt: skip
async def test_what_the_audit_log_does_not_take_does_not_happen_to_the_premises(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, method: str, path: str, said: Any, target: str
) -> None:
    async def state() -> list[Any]:
        return [await yard.house.database.fetch(f"SELECT {each} ORDER BY 1, 2") for each in STATE]

    async def full(*_: Any) -> None:
        raise RuntimeError("the audit log is gone")

    before = await state()
    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "add", full)
        refused = await yard.admin.ask(method, path, **said)
    assert (refused.status_code, await state()) == (500, before)

    done = await yard.admin.ask(method, path, **said)

    assert done.status_code < 300, done.text
    assert await state() != before
    newest, *_ = (await yard.admin.get("/audit"))["items"]
    assert (newest["target"], newest["actor"], newest["status"]) == (target, "admin@cpo.test", done.status_code)
    assert newest["before"] or newest["after"]


async def test_each_station_of_an_import_is_in_the_audit_log_with_what_was_said_of_it(yard: Yard) -> None:
    lines = CSV + CSV.splitlines()[1].replace(b"ST7", b"ST8") + b"\r\nLOC7,broken\r\n"

    report = await yard.admin.ask("POST", "/imports/stations", content=lines, headers={"content-type": "text/csv"})

    listed = (await yard.admin.get("/audit?action=import_stations"))["items"]
    assert report.json()["stored"] == 2
    assert [each["target"] for each in listed] == ["/stations/ST8", "/stations/ST7"]
    assert listed[0]["after"]["connectors"][0]["uid"] == "ST8-1"
