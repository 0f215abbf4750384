"""Inputs nobody thought of, made from our own description: no 5xx, answers as described, refusals without effect."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from hub.cpms.api.scopes import Scope
from hub.database import open_database, schema
from hub.ocpp.commands import CallTimeout, ChargerOffline, Commands
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201
from tests.clocks import ManualClock
from tests.cpms.api.conftest import House, Rooms
from tests.fuzzing import Battery, run_all
from tests.ocpp.dialects.playing import RecordingOperator
from tests.telling import Tell

SOAK = bool(os.environ.get("SOAK"))
RIGHT, WRONG = (30, 20) if SOAK else (5, 3)  # cases of one operation
#: Everything the CPMS and its stations keep.
TABLES = re.findall(r'CREATE TABLE "((?:cpms|ocpp)_\w+)"', schema.script("0001_initial", "sqlite"))


class PlausibleLink:
    """A station that says yes to what it is told, and is silent where it would have to report."""

    def __init__(self, station_id: str) -> None:
        self.station_id = station_id

    async def call(self, action: str, payload: Any, *, timeout: float | None = None) -> dict[str, Any]:
        if action in ("GetBaseReport", "GetReport"):
            raise CallTimeout
        if action == "GetVariables":
            return {
                "getVariableResult": [{**each, "attributeStatus": "Rejected"} for each in payload["getVariableData"]]
            }
        if action == "SetVariables":
            return {
                "setVariableResult": [{**each, "attributeStatus": "Rejected"} for each in payload["setVariableData"]]
            }
        return {"status": "Accepted", "listVersion": 1, "versionNumber": 1}


class PlausibleChargers:
    """One station of each version, and no other."""

    def __init__(self) -> None:
        operator = cast(Any, RecordingOperator())
        self._dialects: dict[str, Any] = {"CP16": Dialect16(operator), "CP201": Dialect201(operator)}

    def commands(self, station_id: str) -> Commands:
        if station_id not in self._dialects:
            raise ChargerOffline
        return cast(Commands, self._dialects[station_id].commands(PlausibleLink(station_id)))

    def presence(self, station_id: str) -> None:
        return None

    def connected(self) -> list[Any]:
        return []


class Operators(Battery):
    """Calls of a machine that may do everything."""

    may_fail = frozenset({502, 504})  # what a station did not do is no fault of ours

    def __init__(self, house: House, rooms: Rooms, caller: Any, described: Any, there: dict[str, str]) -> None:
        super().__init__(described)
        self.house = house
        self.rooms = rooms
        self.caller = caller
        self.there = there
        self.turn = 0

    async def kept(self) -> object:
        return [await self.house.database.fetch(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES]

    async def ask(self, case: Any, request: dict[str, Any]) -> httpx.Response:
        answer: httpx.Response = await self.caller.ask(**request)
        return answer

    def make_plausible(self, case: Any, part: str) -> None:
        self.turn += 1
        there = {**self.there, "station_id": "CP16" if self.turn % 2 else "CP201"}
        if part == "right" and self.turn % 8:
            for name in there.keys() & (case.path_parameters or {}).keys():
                case.path_parameters[name] = there[name]


async def opened(store: str) -> Operators:
    database = await open_database(store)
    rooms = Rooms(database, PlausibleChargers())
    house = House(database, ManualClock(), rooms.routes)
    await rooms.open()
    account_id = await house.insert("boss@cpo.test", "admin")
    caller = await house.key(*Scope)
    key = await caller.post("/keys", {"name": "to be revoked", "scopes": ["stations:read"]})
    there = {**rooms.there, "account_id": account_id, "key_id": key["id"], "slug": "not-found"}
    return Operators(house, rooms, caller, await house.stranger().get("/openapi.json"), there)


async def closed(battery: Operators) -> None:
    await battery.rooms.close()
    await battery.house.feed.stop()
    await battery.house.database.close()


def test_no_input_breaks_the_api_and_a_refused_one_changes_nothing(
    request: pytest.FixtureRequest, tell: Tell, tmp_path: Path
) -> None:
    """On PostgreSQL in the soak: what differs there is in the queries, which have tests of their own on both."""
    if SOAK:
        store = request.getfixturevalue("postgres_stores").fresh()
    else:
        store = str(request.getfixturevalue("sqlite_stores").fresh(tmp_path / "data"))
    with asyncio.Runner() as runner:
        battery = runner.run(opened(store))
        try:
            run_all(battery, runner, right=RIGHT, wrong=WRONG, but=["stream_events", "get_page"])
        finally:
            runner.run(closed(battery))

    tell(f"operator API on {'PostgreSQL' if store.startswith('postgres') else 'SQLite'}: {battery.told()}")
    assert len(TABLES) > 15
    assert battery.count("right") + battery.count("wrong") > 600
    assert battery.seen["right", 2] > 0.4 * battery.count("right")
