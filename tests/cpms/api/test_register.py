"""Who may connect over OCPP, and what passed between stations and us, over the operator API."""

import json
from collections.abc import AsyncIterator
from typing import Any, cast, get_args

import pytest

from hub.cpms.api.routes.frames import FrameRoutes
from hub.cpms.api.routes.leniencies import Leniency, LeniencyRoutes
from hub.cpms.api.routes.register import RegisterRoutes
from hub.database import Database
from hub.ocpp.boots import Identity
from hub.ocpp.framelog import FrameLog
from hub.ocpp.gate import StationGate
from hub.ocpp.leniency import LENIENCIES, Leniencies
from hub.ocpp.passwords import Passwords
from hub.ocpp.rotation import PasswordRotation
from hub.ocpp.stations import Stations
from hub.ocpp.v16 import Dialect16
from tests.clocks import ManualClock
from tests.cpms.api.conftest import Caller, House
from tests.cpms.api.test_control import AnsweringStation
from tests.ocpp import plain
from tests.ocpp.dialects.playing import RecordingOperator


class Yard:
    """A central system that lets strangers wait, logs frames, and an operator who looks at both."""

    def __init__(self, house: House, stations: plain.House, log: FrameLog) -> None:
        self.house = house
        self.stations = stations
        self.log = log


@pytest.fixture
async def yard(database: Database, clock: ManualClock) -> AsyncIterator[Yard]:
    known, log = Stations(database), FrameLog(database)
    gate = StationGate(known, unknown="wait")
    dialect = cast(Any, Dialect16(cast(Any, RecordingOperator())))
    async with plain.house(dialect, gate=gate, frame_log=log, call_timeout=0.3) as stations:
        passwords = PasswordRotation(stations.central, known)
        leniencies = LeniencyRoutes(Leniencies(database))
        routes = (RegisterRoutes(known, passwords), leniencies, FrameRoutes(database))
        yield Yard(House(database, clock, routes), stations, log)
    await log.stop()
    gate.close()


@pytest.fixture
async def operator(yard: Yard) -> Caller:
    return await yard.house.staff("operator", stepped_up=True)


async def test_a_station_that_waits_is_listed_and_let_in(yard: Yard, operator: Caller) -> None:
    station = await yard.stations.station("CP1")
    assert (await station.ask(2, "b", "BootNotification", plain.BOOT16))[2]["status"] == "Pending"

    waiting = await operator.get("/register?state=waiting")
    answer = await operator.ask("PUT", "/register/CP1", json={"security_profile": 0})

    assert [each["id"] for each in waiting["items"]] == ["CP1"]
    assert (answer.status_code, answer.json()["station"]["state"], answer.json()["password"]) == (200, "known", None)
    assert (await operator.get("/register?state=waiting"))["items"] == []


async def test_leniencies_are_granted_by_make_and_taken_back_and_the_audit_knows(
    yard: Yard, operator: Caller, database: Database
) -> None:
    """Issue 3, 1: leniency per station model."""
    make = {"vendor": "Maker", "model": "Box", "leniencies": ["nulls", "case-of-enums"]}

    granted = await operator.ask("PUT", "/leniencies", json=make)
    listed = await operator.get("/leniencies")
    held = Leniencies(database)
    await held.load()
    unknown = await operator.ask("PUT", "/leniencies", json=make | {"leniencies": ["anything"]})
    await operator.ask("PUT", "/leniencies", json={"vendor": "Maker", "model": "Box"})

    assert (granted.status_code, granted.json(), unknown.status_code) == (200, make, 422)
    assert listed["items"] == [make | {"leniencies": sorted(make["leniencies"])}]
    assert held.of(Identity(vendor="Maker", model="Box")) == {"nulls", "case-of-enums"}
    assert (await operator.get("/leniencies"))["items"] == []
    assert set(get_args(Leniency)) == set(LENIENCIES)
    admin = await yard.house.staff("admin")
    assert '"vendor":"Maker"' in (await admin.ask("GET", "/audit")).text.replace(" ", "")


async def test_a_station_gets_a_password_that_is_shown_once(yard: Yard, operator: Caller, database: Database) -> None:
    made = (await operator.ask("PUT", "/register/CP1", json={"versions": ["1.6"]})).json()

    kept = (await Stations(database).find("CP1")).passwords  # type: ignore[union-attr]
    assert made["station"]["versions"] == ["1.6"]
    assert await Passwords().find("CP1", made["password"].encode(), kept) is not None
    for path in ("/register", "/register/CP1"):
        assert made["password"] not in (await operator.ask("GET", path)).text
    admin = await yard.house.staff("admin")
    assert made["password"] not in (await admin.ask("GET", "/audit")).text


async def test_a_station_that_has_a_password_keeps_it_unless_another_is_given(
    yard: Yard, operator: Caller, database: Database
) -> None:
    """A change of something else locks no station out."""
    made = (await operator.ask("PUT", "/register/CP1", json={})).json()

    changed = (await operator.ask("PUT", "/register/CP1", json={"security_profile": 2, "versions": ["1.6"]})).json()
    kept = await Stations(database).find("CP1")
    given = (await operator.ask("PUT", "/register/CP1", json={"password": "another-password"})).json()

    assert (changed["password"], given["password"]) == (None, None)
    assert (kept.security_profile, kept.versions) == (2, {"1.6"})  # type: ignore[union-attr]
    assert await Passwords().find("CP1", made["password"].encode(), kept.passwords) is not None  # type: ignore[union-attr]
    now = (await Stations(database).find("CP1")).passwords  # type: ignore[union-attr]
    assert await Passwords().find("CP1", b"another-password", now) is not None
    assert await Passwords().find("CP1", made["password"].encode(), now) is None


async def test_a_station_that_comes_to_need_a_password_gets_one(operator: Caller) -> None:
    await operator.ask("PUT", "/register/CP1", json={"security_profile": 0})

    answer = await operator.ask("PUT", "/register/CP1", json={"security_profile": 1})

    assert answer.json()["password"]


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        ("CP1", {"security_profile": 4}, "$.security_profile"),
        ("CP1", {"security_profile": 0, "password": "0123456789abcdef"}, "$.password"),
        ("CP1", {"password": "short"}, "$.password"),
        ("CP1", {"versions": ["1.5"]}, "$.versions[0]"),
        ("%20CP1", {}, "path.station_id"),
    ],
)
async def test_what_no_station_could_prove_is_refused(operator: Caller, path: str, body: Any, fault: str) -> None:
    answer = await operator.ask("PUT", f"/register/{path}", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, fault)
    assert (await operator.get("/register"))["items"] == []


async def test_a_station_is_turned_away(operator: Caller) -> None:
    await operator.ask("PUT", "/register/CP1", json={})

    first, second = [await operator.ask("DELETE", "/register/CP1") for _ in range(2)]

    assert (first.status_code, second.status_code) == (204, 404)


async def test_a_password_is_rotated_over_ocpp(yard: Yard, operator: Caller) -> None:
    await operator.ask("PUT", "/register/CP1", json={"security_profile": 0})
    offline = await operator.ask("POST", "/register/CP1/password", json={})
    station = AnsweringStation(await yard.stations.station("CP1"))

    rotated = await operator.post("/register/CP1/password", {}, 200)
    station.task.cancel()

    assert offline.status_code == 409
    assert rotated == {"outcome": "confirmed"}
    assert [action for action, _ in station.heard] == ["ChangeConfiguration"]


async def test_frames_are_listed_page_by_page_and_searched(yard: Yard) -> None:
    admin = await yard.house.staff("admin")
    for number in range(5):
        yard.log.frame("CP1", "in", json.dumps([2, f"m{number}", "Heartbeat", {}]).encode())
    yard.log.frame("CP2", "in", b'[2,"x","StatusNotification",{"info":"=cmd"}]')
    await yard.log.flush()

    found, cursor = [], ""
    while cursor is not None:
        page = await admin.get(f"/stations/CP1/frames?limit=2{cursor and '&cursor=' + cursor}")
        found += [each["message_id"] for each in page["items"]]
        cursor = page["next"]

    assert found == [f"m{number}" for number in range(5)]
    assert [each["action"] for each in (await admin.get("/stations/CP2/frames?text=cmd"))["items"]] == [
        "StatusNotification"
    ]
    assert (await admin.get("/stations/CP1/frames?message_id=none"))["items"] == []
    assert (await admin.ask("GET", "/stations/CP1/frames?cursor=x")).status_code == 422


async def test_frames_of_one_moment_are_all_shown(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ocpp.framelog.time.time_ns", lambda: 1_800_000_000_000_000_000)
    admin = await yard.house.staff("admin")
    for number in range(7):
        yard.log.frame("CP1", "in", json.dumps([2, f"m{number}", "Heartbeat", {}]).encode())
    await yard.log.flush()

    found, cursor = [], ""
    while cursor is not None:
        page = await admin.get(f"/stations/CP1/frames?limit=3{cursor and '&cursor=' + cursor}")
        found += [each["message_id"] for each in page["items"]]
        cursor = page["next"]

    assert found == [f"m{number}" for number in range(7)]


async def test_frames_are_exported_line_by_line(yard: Yard) -> None:
    admin = await yard.house.staff("admin")
    for station_id in ("CP1", "CP2"):
        yard.log.frame(station_id, "out", b'[2,"m","Reset",{"type":"Soft"}]')
    await yard.log.flush()

    whole = await admin.ask("GET", "/frames")
    one = await admin.ask("GET", "/frames?station_id=CP2&action=Reset")

    assert whole.headers["content-type"] == "application/x-ndjson"
    assert sorted(json.loads(line)["station_id"] for line in whole.text.splitlines()) == ["CP1", "CP2"]
    assert [json.loads(line)["station_id"] for line in one.text.splitlines()] == ["CP2"]


async def test_frames_are_not_for_everyone_who_may_look_at_stations(yard: Yard) -> None:
    viewer = await yard.house.staff("viewer")

    assert (await viewer.ask("GET", "/frames")).status_code == 403
