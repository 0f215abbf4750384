"""Inputs nobody thought of, made from our own description: no 5xx, answers as described, refusals without effect."""

import asyncio
import functools
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any, cast

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from hub.cpms.api.scopes import Scope
from hub.database import open_database, schema
from hub.ocpp.commands import CallTimeout, ChargerOffline, Commands
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201
from tests.clocks import ManualClock
from tests.cpms.api.conftest import House, Rooms
from tests.ocpp.dialects.playing import RecordingOperator
from tests.telling import Tell

SOAK = bool(os.environ.get("SOAK"))
RIGHT, WRONG = (30, 20) if SOAK else (5, 3)  # cases of one operation
RUN = settings(
    deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
MAY_FAIL = {502, 504}  # what a station did not do is no fault of ours
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


class Battery:
    """Makes every call and checks what must be true of every answer."""

    def __init__(self, house: House, rooms: Rooms, caller: Any, described: Any, there: dict[str, str]) -> None:
        self.house = house
        self.rooms = rooms
        self.caller = caller
        self.described = described
        self.there = there
        self.seen: Counter[tuple[str, int]] = Counter()
        self.turn = 0

    async def kept(self) -> object:
        return [await self.house.database.fetch(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES]

    async def call(self, case: Any, part: str) -> None:
        self._make_plausible(case, part)
        before = await self.kept()
        answer = await self.caller.ask(**self._request(case))
        said = f"{case.as_curl_command()}\n{answer.status_code} {answer.text}"
        assert answer.status_code < 500 or answer.status_code in MAY_FAIL, said
        assert str(answer.status_code) in case.operation.definition.raw["responses"], said
        self._check_body(case, answer, said)
        if 400 <= answer.status_code < 500:
            assert await self.kept() == before, f"refused, but something changed: {said}"
        self.seen[part, answer.status_code // 100] += 1

    def _make_plausible(self, case: Any, part: str) -> None:
        """Name what is there, so that most right cases come to where something is done."""
        self.turn += 1
        there = {**self.there, "station_id": "CP16" if self.turn % 2 else "CP201"}
        if part == "right" and self.turn % 8:
            for name in there.keys() & (case.path_parameters or {}).keys():
                case.path_parameters[name] = there[name]

    def _request(self, case: Any) -> dict[str, Any]:
        request: dict[str, Any] = {"method": case.method, "path": case.formatted_path, "params": dict(case.query or {})}
        if isinstance(case.body, bytes | str):
            request |= {"content": case.body, "headers": {"Content-Type": case.media_type}}
        elif not isinstance(case.body, schemathesis.core.NotSet):
            request["json"] = case.body
        return request

    def _check_body(self, case: Any, answer: httpx.Response, said: str) -> None:
        described = case.operation.definition.raw["responses"][str(answer.status_code)]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not answer.content or kind == "text/csv":
            return
        said_to_be = described["content"][kind]["schema"]
        whole = {**said_to_be, "components": self.described["components"]}
        validator = validator_of(repr(said_to_be), lambda: whole)
        errors = [each.message for each in validator.iter_errors(answer.json())]
        assert errors == [], f"{errors}: {said}"


@functools.cache
def _cached(text: str) -> list[Any]:
    return []


def validator_of(text: str, schema: Any) -> Any:
    made = _cached(text)
    if not made:
        made.append(jsonschema_rs.Draft202012Validator(schema()))
    return made[0]


async def opened(store: str) -> Battery:
    database = await open_database(store)
    rooms = Rooms(database, PlausibleChargers())
    house = House(database, ManualClock(), rooms.routes)
    await rooms.open()
    account_id = await house.insert("boss@cpo.test", "admin")
    caller = await house.key(*Scope)
    key = await caller.post("/keys", {"name": "to be revoked", "scopes": ["stations:read"]})
    there = {**rooms.there, "account_id": account_id, "key_id": key["id"], "slug": "not-found"}
    return Battery(house, rooms, caller, await house.stranger().get("/openapi.json"), there)


async def closed(battery: Battery) -> None:
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
            description = schemathesis.openapi.from_dict(battery.described)
            description.config.generation.update(with_security_parameters=False)
            found = [
                each.ok()
                for each in description.exclude(operation_id=["stream_events", "get_page"]).get_all_operations()
            ]
            for operation in sorted(found, key=lambda each: each.method.upper() == "DELETE"):
                run(operation, battery, runner)
        finally:
            runner.run(closed(battery))

    total = sum(battery.seen.values())
    outcomes = ", ".join(f"{count} {part} {status}xx" for (part, status), count in sorted(battery.seen.items()))
    tell(f"operator API on {'PostgreSQL' if store.startswith('postgres') else 'SQLite'}: {total} cases: {outcomes}")
    succeeded = battery.seen["right", 2]
    assert len(TABLES) > 15
    assert total > 600
    assert succeeded > 0.4 * sum(count for (part, _), count in battery.seen.items() if part == "right")


def run(operation: Any, battery: Battery, runner: asyncio.Runner) -> None:
    """Call one operation with right values and with wrong ones, where anything can be wrong."""
    tried(operation, battery, runner, "right")
    if operation.definition.raw.get("requestBody") or operation.definition.raw["parameters"]:
        tried(operation, battery, runner, "wrong")


def tried(operation: Any, battery: Battery, runner: asyncio.Runner, part: str) -> None:
    mode, count = (GenerationMode.POSITIVE, RIGHT) if part == "right" else (GenerationMode.NEGATIVE, WRONG)

    @settings(RUN, max_examples=count)
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        runner.run(battery.call(case, part))

    one()
