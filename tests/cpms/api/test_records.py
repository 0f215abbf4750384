"""Sessions, CDRs, Tokens and Locations over the operator API, and what is told of them live; stations are simulated."""

import csv
import functools
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.cpms.simulator import SimulatedCpms
from hub.api.feed import Subscription
from hub.cpms.api.routes.records import RecordRoutes
from hub.cpms.endpoints import CpoEndpoints
from hub.cpms.live import LiveStations, publish
from hub.cpms.ports import ReservationEnded, SessionCanceled
from hub.database import Database
from hub.ocpi.modules import commands, tokens
from hub.ocpp.events import EVSE, BootNotified, Connected, Disconnected, Metered
from hub.ocpp.events import StatusChanged as ConnectorChanged
from tests.clocks import ManualClock
from tests.cpms.api.conftest import Caller, House
from tests.cpms.conftest import make
from tests.rooms import FakeHub, ask, location, owned, tariff, token


@pytest.fixture
async def cpo(database: Database, house: House, clock: ManualClock) -> AsyncIterator[CpoEndpoints]:
    stations = SimulatedCpms(clock=clock)
    made = make(FakeHub(), database, stations, clock, heard=functools.partial(publish, house.feed))
    await made.orders()["cpms.import"]({"kind": "tariffs", "objects": [tariff()]})
    await made.orders()["cpms.import"]({"kind": "locations", "objects": [location()]})
    await made.start()
    house.api.add(RecordRoutes(made.store, made.cpms.stop_session))
    yield made
    await made.stop()


@pytest.fixture
async def operator(cpo: CpoEndpoints, house: House) -> Caller:
    return await house.staff("operator")


async def begun(cpo: CpoEndpoints) -> str:
    """Start a session at a station and return its id."""
    order = {"response_url": "https://asker.test/1", "token": token(), "location_id": "LOC1", "evse_uid": "EVSE1"}
    await cpo(ask(commands.start_session, order))
    await cpo.stations.settled()
    return str((await cpo.store.sessions.all())[-1]["id"])


async def told(reader: Subscription) -> list[tuple[str, Any]]:
    found = []
    while (event := await reader.next(0)) is not None:
        found.append((event.kind, event.data.get("event", event.data.get("status"))))
    return found


async def test_a_session_is_seen_stopped_and_billed(
    cpo: CpoEndpoints, operator: Caller, house: House, clock: ManualClock
) -> None:
    reader = house.feed.subscribe()
    session_id = await begun(cpo)
    await clock.advance(600)
    running = await operator.get(f"/sessions/{session_id}")

    stopped = await operator.post(f"/sessions/{session_id}/stop", None, 200)
    await clock.advance(60)

    assert (running["status"], running["kwh"] > 0) == ("ACTIVE", True)
    assert stopped == {"result": "ACCEPTED"}
    assert [each["status"] for each in (await operator.get("/sessions"))["items"]] == ["COMPLETED"]
    (cdr,) = (await operator.get("/cdrs"))["items"]
    assert (await operator.get(f"/cdrs/{cdr['id']}"))["total_cost"] == cdr["total_cost"]
    events = await told(reader)
    assert next(each for each in events if each[0] == "session") == ("session", "started")
    assert ("session", "ended") in events and ("status", "CHARGING") in events


async def test_a_session_that_is_over_cannot_be_stopped(
    cpo: CpoEndpoints, operator: Caller, clock: ManualClock
) -> None:
    session_id = await begun(cpo)
    await operator.post(f"/sessions/{session_id}/stop", None, 200)
    await clock.advance(60)

    again = await operator.ask("POST", f"/sessions/{session_id}/stop")
    unknown = await operator.ask("POST", "/sessions/none/stop")

    assert (again.status_code, unknown.status_code) == (409, 404)


async def test_who_may_only_look_stops_nothing(cpo: CpoEndpoints, house: House) -> None:
    session_id = await begun(cpo)

    answer = await (await house.staff("viewer")).ask("POST", f"/sessions/{session_id}/stop")

    assert answer.status_code == 403
    assert (await cpo.store.sessions.all())[-1]["status"] == "ACTIVE"


async def test_cdrs_are_read_as_csv(cpo: CpoEndpoints, house: House, clock: ManualClock) -> None:
    finance = await house.staff("finance")
    session_id = await begun(cpo)
    await clock.advance(600)
    await cpo.cpms.stop_session(session_id)
    await clock.advance(60)

    text = (await finance.ask("GET", "/cdrs?format=csv")).text

    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["session_id"], row["currency"]) == (session_id, "EUR")
    assert float(row["total_energy"]) > 0


async def test_tokens_and_locations_are_read(cpo: CpoEndpoints, operator: Caller) -> None:
    await cpo(ask(tokens.put_token, token(), **owned(token(), token_uid="CARD-1")))

    assert [each["uid"] for each in (await operator.get("/tokens"))["items"]] == ["CARD-1"]
    assert [each["issuer"] for each in await operator.get("/tokens/card-1")] == ["EMP"]
    assert (await operator.ask("GET", "/tokens/CARD-1?type=APP_USER")).status_code == 404
    assert (await operator.get("/locations/LOC1"))["name"] == "Harbour"
    assert (await operator.get("/published-tariffs?since=2025-01-01T00:00:00Z"))["items"][0]["id"] == "T1"
    assert (await operator.get("/published-tariffs?until=2025-01-01T00:00:00Z"))["items"] == []


async def test_lists_go_on_where_the_page_before_ended(cpo: CpoEndpoints, operator: Caller) -> None:
    for number in range(2, 5):
        await cpo.orders()["cpms.import"]({"kind": "locations", "objects": [location(id=f"LOC{number}")]})

    first = await operator.get("/locations?limit=3")
    second = await operator.get(f"/locations?limit=3&cursor={first['next']}")

    assert [each["id"] for each in first["items"] + second["items"]] == ["LOC1", "LOC2", "LOC3", "LOC4"]
    assert second["next"] is None


async def test_what_stations_tell_is_told_live(house: House, clock: ManualClock) -> None:
    reader, live = house.feed.subscribe(), LiveStations(house.feed)
    now, evse = clock.now(), EVSE(station_id="CP1", evse_id=1, connector_id=1)

    await live.told(Connected(station_id="CP1", version="1.6", at=now))
    await live.told(BootNotified(station_id="CP1", vendor="Acme", model="One", at=now))
    await live.told(ConnectorChanged(evse=evse, status="Charging", at=now))
    await live.told(Metered(evse=evse, samples=()))
    await live.told(Disconnected(station_id="CP1", at=now))

    assert await told(reader) == [
        ("charger", "connected"), ("charger", "booted"), ("connector", "Charging"), ("charger", "disconnected"),
    ]  # fmt: skip


async def test_what_came_to_nothing_is_told_live(house: House, clock: ManualClock) -> None:
    reader = house.feed.subscribe()

    publish(house.feed, SessionCanceled(session_id="S1", at=clock.now()))
    publish(house.feed, ReservationEnded(reservation_id="R1", canceled=True, at=clock.now()))

    assert await told(reader) == [("session", "canceled"), ("booking", "canceled")]


async def test_events_are_told_once_they_are_recorded(cpo: CpoEndpoints, house: House) -> None:
    reader = house.feed.subscribe()

    session_id = await begun(cpo)

    started = next(each for each in iter_events(reader) if each.data.get("event") == "started")
    assert started.data["session_id"] == session_id
    assert await cpo.store.sessions.get(cpo.party, session_id) is not None


def iter_events(reader: Subscription) -> Any:
    while reader.queue:
        yield reader.queue.popleft()
