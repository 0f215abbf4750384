"""The adapter to another maker's CPMS keeps the contract with that CPMS as a process of its own."""

import asyncio
import datetime
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from adapters.cpms.rest import RestCpms
from adapters.cpms.rest_api import note_of
from examples import other_cpms
from hub.cpms.ports import Cpms, ReservationEnded, RunningSession, SessionEnded, SessionStarted, SessionUpdated
from tests.adapters.contract import COMMANDED, OUTLET, CpmsContract, FakeDesk
from tests.cli.test_serving import Served

KEY = "a key of the other system"
START = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


class Other:
    """The other CPMS: a process that can be ended and started again with what it remembers."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = 0
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "examples.other_cpms", "--port", str(self.port), "--key", KEY, "--workshop",
            "--state", str(self.state), "--socket", "LOC1/EVSE1/1:50000",
            cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        self.port = int(line.decode().rsplit(":", 1)[1])

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        if self.process is not None and self.process.stdout is not None:
            await self.process.stdout.read()

    async def call(self, method: str, path: str, **body: Any) -> Any:
        async with httpx.AsyncClient(base_url=self.url, headers={"X-Api-Key": KEY}, trust_env=False) as client:
            return (await client.request(method, path, json=body or None)).json()


class TheirClock:
    """Their time, which stands still until it is moved; what has happened meanwhile is read before a test goes on."""

    def __init__(self, other: Other) -> None:
        self._other = other
        self._at = START
        self.cpms: list[RestCpms] = []

    def now(self) -> datetime.datetime:
        return self._at

    async def advance(self, seconds: float) -> None:
        self._at += datetime.timedelta(seconds=seconds)
        await self._other.call("POST", "/workshop/time", seconds=seconds)
        for each in self.cpms:
            await each.read_feed()


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Other]:
    made = Other(tmp_path / "other.json")
    await made.start()
    yield made
    await made.end()


class TestRestCpms(CpmsContract):
    @pytest.fixture
    def clock(self, other: Other) -> TheirClock:
        return TheirClock(other)

    @pytest.fixture
    def make(self, other: Other, clock: TheirClock) -> Any:
        def made(**options: Any) -> RestCpms:
            cpms = RestCpms(other.url, KEY, **({"every": 60.0} | options))
            clock.cpms = [cpms]
            return cpms

        return made

    @pytest.fixture
    def cpms(self, make: Any) -> RestCpms:
        return make()

    async def left_open(self, cpms: Cpms, *, running: Any = (), reserved: Any = ()) -> None:
        assert isinstance(cpms, RestCpms)
        other = cpms._api._http
        for each in running:
            await other.post(
                "/v3/charges", json={"socket": "s-1", "badge": "CARD-1", "ref": each.session_id, "note": "ours"}
            )
            await other.post("/workshop/charge", json={"ref": each.session_id, "wh": each.kwh * 1000})
        for each in reserved:
            until = int(each.expires_at.timestamp() * 1000)
            await other.put(
                f"/v3/holds/{each.reservation_id}", json={"socket": "s-1", "badge": "CARD-1", "until": until}
            )

    def running(self, desk: FakeDesk, kwh: float = 0.0) -> list[RunningSession]:
        (start,) = desk.heard(SessionStarted)
        return [
            RunningSession(
                session_id=start.session_id,
                outlet=start.outlet,
                authorization=start.authorization,
                started_at=start.at,
                kwh=kwh,
            )
        ]

    async def test_after_a_restart_of_ours_a_session_goes_on_and_is_told_once(self, make, clock, desk):
        first = make()
        await first.start(desk, [], [])
        await first.start_session(OUTLET, COMMANDED)
        await first.stop()

        second = make()
        await second.start(desk, self.running(desk), [])
        await clock.advance(60)
        assert await second.stop_session(desk.heard(SessionStarted)[0].session_id) == "ACCEPTED"
        await second.stop()

        assert len(desk.heard(SessionStarted)) == len(desk.heard(SessionEnded)) == 1
        assert desk.heard(SessionUpdated)

    async def test_what_ended_while_we_were_away_is_told_at_the_next_start_and_then_settled(
        self, make, clock, desk, other
    ):
        first = make()
        await first.start(desk, [], [])
        await first.start_session(OUTLET, COMMANDED)
        await first.stop()
        running = self.running(desk)
        clock.cpms = []
        await clock.advance(600)
        await other.call("POST", "/workshop/socket", socket="s-1", state="broken")

        for left in (running, []):
            again = make()
            await again.start(desk, left, [])
            await again.stop()

        (end,) = desk.heard(SessionEnded)
        assert end.kwh == pytest.approx(50 * 600 / 3600, abs=0.01)
        assert (await other.call("GET", "/v3/overview"))["charges"] == []

    async def test_an_order_whose_answer_is_late_is_a_timeout_and_its_session_is_found(self, make, clock, desk, other):
        cpms = make(timeout=0.3)
        await cpms.start(desk, [], [])
        await other.call("POST", "/workshop/trouble", slow=1)

        assert await cpms.start_session(OUTLET, COMMANDED) == "TIMEOUT"
        await other.call("POST", "/workshop/trouble", slow=0)
        await clock.advance(15)
        await cpms.stop()

        (start,) = desk.heard(SessionStarted)
        assert start.authorization == COMMANDED

    async def test_an_order_that_was_lost_with_our_process_is_found_at_the_next_start(self, make, clock, desk, other):
        await make().stop()
        note = {"session": "S9", "token": COMMANDED.token, "method": "COMMAND", "reference": "REF-1", "unbilled": False}
        await other.call("POST", "/v3/charges", socket="s-1", badge="CARD-1", ref="S9", note=json.dumps(note))

        cpms = make()
        await cpms.start(desk, [], [])
        await cpms.stop()

        (start,) = desk.heard(SessionStarted)
        assert (start.session_id, start.authorization) == ("S9", COMMANDED)

    async def test_an_answer_nobody_knows_is_no_success(self, started, desk, clock, other):
        await other.call("POST", "/workshop/trouble", nonsense=True)

        results = [
            await started.unlock_connector(OUTLET),
            await started.reserve_now(self.reservation(clock)),
            await started.start_session(OUTLET, COMMANDED),
        ]

        assert results == ["FAILED"] * 3

    async def test_a_system_that_is_away_is_inoperative_and_goes_on_when_it_is_back(self, make, clock, desk, other):
        cpms = make()
        await cpms.start(desk, [], [])
        await cpms.start_session(OUTLET, COMMANDED)
        (start,) = desk.heard(SessionStarted)
        await other.end()

        assert await cpms.stop_session(start.session_id) == "EVSE_INOPERATIVE"
        await other.start()
        await clock.advance(60)
        assert await cpms.stop_session(start.session_id) == "ACCEPTED"
        await cpms.stop()

        (end,) = desk.heard(SessionEnded)
        assert end.kwh == pytest.approx(50 * 60 / 3600, abs=0.01)
        assert len(desk.heard(SessionStarted)) == 1

    async def test_we_may_start_before_the_other_system_does(self, make, clock, desk, other):
        await other.end()
        cpms = make()
        await cpms.start(desk, [], [])
        assert await cpms.start_session(OUTLET, COMMANDED) == "EVSE_INOPERATIVE"

        await other.start()
        await clock.advance(1)

        assert await cpms.start_session(OUTLET, COMMANDED) == "ACCEPTED"
        await cpms.stop()

    async def test_a_session_the_other_system_has_forgotten_ends_with_what_was_told(self, make, clock, desk, other):
        first = make()
        await first.start(desk, [], [])
        await first.start_session(OUTLET, COMMANDED)
        await first.stop()
        await other.end()
        other.state.unlink()
        await other.start()

        second = make()
        await second.start(desk, self.running(desk, kwh=3.25), [])
        await second.stop()

        assert [event.kwh for event in desk.heard(SessionEnded)] == [3.25]

    async def test_a_feed_that_begins_anew_is_noticed_while_we_run(self, make, clock, desk, other):
        cpms = make()
        await cpms.start(desk, [], [])
        await other.end()
        other.state.unlink()
        await other.start()

        await clock.advance(1)
        await clock.advance(1)

        assert await cpms.start_session(OUTLET, COMMANDED) == "ACCEPTED"
        assert len(desk.heard(SessionStarted)) == 1
        await cpms.stop()

    async def test_a_badge_is_asked_about_and_charges_if_its_provider_allows(self, started, desk, clock, other):
        for badge in ("NOBODY", "CARD-1"):
            await other.call("POST", "/workshop/badge", socket="s-1", badge=badge)
            await clock.advance(1)
            await clock.advance(15)

        (start,) = desk.heard(SessionStarted)
        assert start.authorization.method == "WHITELIST"
        await other.call("POST", "/workshop/badge", socket="s-1", badge="CARD-1")
        await clock.advance(1)
        assert len(desk.heard(SessionEnded)) == 1

    async def test_a_broken_socket_ends_its_reservation(self, started, desk, clock, other):
        await started.reserve_now(self.reservation(clock))

        await other.call("POST", "/workshop/socket", socket="s-1", state="offline")
        await clock.advance(1)

        (event,) = desk.heard(ReservationEnded)
        assert (event.reservation_id, event.canceled) == ("R1", True)
        assert await started.start_session(OUTLET, COMMANDED) == "EVSE_INOPERATIVE"

    async def test_a_plan_of_several_periods_is_rejected(self, started, desk, clock):
        await started.start_session(OUTLET, COMMANDED)
        (start,) = desk.heard(SessionStarted)
        periods = [{"start_period": 0, "limit": 16}, {"start_period": 600, "limit": 8}]

        plan = {"charging_rate_unit": "A", "charging_profile_period": periods}

        assert await started.set_charging_profile(start.session_id, plan) == "REJECTED"

    async def test_a_wrong_key_is_no_success(self, other, desk):
        cpms = RestCpms(other.url, "another key")
        await cpms.start(desk, [], [])

        assert await cpms.start_session(OUTLET, COMMANDED) == "EVSE_INOPERATIVE"
        await cpms.stop()


@pytest.fixture
async def beside() -> AsyncIterator[tuple[other_cpms.Cpms, RestCpms]]:
    """The other CPMS within this process, so that a test can have it tell what it never would."""
    theirs = other_cpms.Cpms({"LOC1/EVSE1/1": 50_000, "LOC1/EVSE1/2": 50_000}, now=int(START.timestamp() * 1000))
    app = Starlette(routes=other_cpms.Api(theirs, KEY, workshop=False).routes)
    cpms = RestCpms("http://other.test", KEY, every=60.0)
    await cpms._api.close()
    cpms._api._http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://other.test", headers={"X-Api-Key": KEY}
    )
    yield theirs, cpms
    await cpms.stop()


@pytest.mark.parametrize(
    ("kind", "facts"),
    [("charge.ended", {}), ("charge.ended", {"charge": "c-none"}), ("socket.state", {"socket": "s-1", "at": "noon"})],
)
async def test_an_event_that_makes_no_sense_stops_nothing_of_what_follows(beside, kind: str, facts: Any) -> None:
    theirs, cpms = beside
    desk = FakeDesk()
    await cpms.start(desk, [], [])
    await cpms.start_session(OUTLET, COMMANDED)

    theirs.tell(kind, **facts)
    await cpms.read_feed()
    theirs.frozen += 60_000
    theirs.end(next(iter(theirs.charges.values())))
    for _ in range(2):
        await cpms.read_feed()

    assert [event.kwh for event in desk.heard(SessionEnded)] == [pytest.approx(50 / 60, abs=0.01)]


async def test_a_charge_that_makes_no_sense_stops_no_other_and_ends_no_session(beside) -> None:
    theirs, cpms = beside
    desk = FakeDesk()
    theirs.begin("s-1", "CARD-1", "S3", note_of("S3", COMMANDED))["begun_at"] = "noon"
    theirs.begin("s-2", "CARD-1", "S2", note_of("S2", COMMANDED))
    left = RunningSession(session_id="S1", outlet=OUTLET, authorization=COMMANDED, started_at=START, kwh=1.0)

    await cpms.start(desk, [left], [])

    assert [event.session_id for event in desk.heard(SessionStarted)] == ["S2"]
    assert desk.heard(SessionEnded) == []


async def test_a_hub_is_served_with_the_other_system_behind_its_operator(other: Other, tmp_path: Path) -> None:
    data = tmp_path / "data"
    options = ("--cpms", "rest", "--cpms-url", other.url, "--cpms-key", KEY)
    served = await asyncio.to_thread(lambda: Served(data, *options))
    place = tmp_path / "locations.json"
    place.write_text(json.dumps([location("LOC1", "EVSE1")]))

    steps = [
        ("import", "locations", str(place)),
        ("emsp", "token", "CARD-1"),
        ("emsp", "start", "--to", "NL-CPO", "--token", "CARD-1", "--location", "LOC1", "--evse", "EVSE1"),
    ]
    done = [await asyncio.to_thread(served.emall, *step) for step in steps]
    async with asyncio.timeout(20):
        while not (charges := (await other.call("GET", "/v3/overview"))["charges"]):
            await asyncio.sleep(0.1)
        while not (sessions := (await asyncio.to_thread(served.emall, "cpms", "list", "sessions", "--json")).value):
            await asyncio.sleep(0.1)
    stopped = await asyncio.to_thread(served.stop)

    assert [each.code for each in done] == [0, 0, 0], done
    assert [each["badge"] for each in charges] == ["CARD-1"]
    assert [(each["id"], each["status"]) for each in sessions] == [(charges[0]["ref"], "ACTIVE")]
    assert stopped[0] == 0


def location(location_id: str, evse_uid: str) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    connector = {
        "id": "1", "standard": "IEC_62196_T2_COMBO", "format": "CABLE", "power_type": "DC", "max_voltage": 500,
        "max_amperage": 100, "max_electric_power": 50000, "last_updated": at,
    }  # fmt: skip
    evse = {
        "uid": evse_uid, "status": "AVAILABLE", "capabilities": ["REMOTE_START_STOP_CAPABLE"],
        "connectors": [connector], "last_updated": at,
    }  # fmt: skip
    return {
        "country_code": "NL", "party_id": "CPO", "id": location_id, "publish": True, "address": "Street 1",
        "city": "Utrecht", "country": "NLD", "coordinates": {"latitude": "52.09070", "longitude": "5.12140"},
        "time_zone": "Europe/Amsterdam", "evses": [evse], "last_updated": at,
    }  # fmt: skip
