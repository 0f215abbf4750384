"""Inputs nobody thought of, made from our own OpenAPI description: no 5xx, always an envelope, nothing half done."""

import asyncio
import base64
import os
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode

from hub.ocpi.openapi import describe
from hub.ocpi.versions import VERSIONS, Version
from tests.hubs import HubProcess
from tests.parties import PartyPlatform

SOAK = bool(os.environ.get("SOAK"))
EACH = 150 if SOAK else 18  # cases of one operation
LEAST = 2000  # cases in all

RUN = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    derandomize=not SOAK,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
STATEFUL = settings(RUN, max_examples=40, stateful_step_count=5)


@dataclass
class World:
    """A hub, a platform that calls it, and one that is called.

    Attributes:
        seen: cases by outcome.
    """

    hub: HubProcess
    caller: PartyPlatform
    peer: PartyPlatform
    http: requests.Session = field(default_factory=requests.Session)
    seen: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    steady: bool = False  # the same every time, as sequences must be

    def make_plausible(self, case: Any) -> None:
        """Let most cases come past the checks of who speaks for whom, into what lies behind them."""
        country_code, party_id = self.caller.party.split("-")
        own = {"country_code": country_code, "party_id": party_id}
        if self._usually() and case.path_parameters:
            case.path_parameters |= {name: value for name, value in own.items() if name in case.path_parameters}
        if isinstance(case.body, dict) and self._usually():
            case.body |= {name: value for name, value in own.items() if name in case.body}
            ids = [value for key, value in (case.path_parameters or {}).items() if key not in own]
            case.body |= {name: ids[-1] for name in ("id", "uid") if name in case.body and ids}
        to = "NL-HUB" if self.steady else self.chance.choice([self.peer.party, "NL-HUB", "NL-HUB", "", "ZZ-ZZZ", None])
        if to is not None:
            self._address(case, "from", self.caller.party)
            self._address(case, "to", to)

    def _usually(self) -> bool:
        return self.steady or self.chance.random() < 0.9

    @staticmethod
    def _address(case: Any, way: str, party: str) -> None:
        names = (f"OCPI-{way}-country-code", f"OCPI-{way}-party-id")
        for name, value in zip(names, party.split("-") if party else ("", ""), strict=True):
            case.headers.pop(name, None)
            if value:
                case.headers[name] = value

    def call(self, case: Any) -> Any:
        """Make the call and check what must be true of every answer."""
        self.make_plausible(case)
        before = self.kept()
        headers = {"Authorization": f"Token {self.encoded}", "X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}
        response = case.call(base_url=f"{self.hub.url}/ocpi", session=self.http, headers=headers)
        self.check(case, response, before)
        return response

    def check(self, case: Any, response: Any, before: object) -> None:
        assert response.status_code < 500, f"{case.as_curl_command()}\n{response.text}"
        assert response.headers["content-type"] == ["application/json"]
        answer = response.json()
        ENVELOPE.validate(answer)
        assert response.headers["x-correlation-id"] == ["c-1"]
        code = answer["status_code"]
        self.seen[f"{code // 1000}xxx"] += 1
        if 2000 <= code < 3000:
            assert self.kept() == before, f"refused with {code}, but something changed: {case.as_curl_command()}"

    @property
    def encoded(self) -> str:
        return base64.b64encode(self.caller.hub_token.encode()).decode()

    def kept(self) -> object:
        """Return what the hub's store holds of objects and connections."""
        store = sqlite3.connect(f"file:{self.hub.data / 'emall.db'}?mode=ro", uri=True)
        try:
            return [
                store.execute(
                    "SELECT count(*), max(seq), sum(last_updated), sum(length(body)) FROM hub_object"
                ).fetchall(),
                store.execute(
                    "SELECT id, name, version, versions_url FROM credentials_connection ORDER BY id"
                ).fetchall(),
                store.execute("SELECT count(*) FROM credentials_role").fetchall(),
            ]
        finally:
            store.close()


ENVELOPE = Draft202012Validator(describe(VERSIONS["2.2.1"], "http://hub/ocpi")["components"]["schemas"]["Envelope"])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    hub = HubProcess(tmp_path / "data").start()
    try:
        async with (
            PartyPlatform(
                "Caller", [("CPO", "NL", "CAL"), ("EMSP", "NL", "CAL")], versions=("2.2.1", "2.3.0")
            ) as caller,
            PartyPlatform("Peer", [("CPO", "NL", "PEE"), ("EMSP", "NL", "PEE")], versions=("2.2.1", "2.3.0")) as peer,
        ):
            for platform in (caller, peer):
                await platform.register(hub.versions_url, await hub.invite(platform.name), version="2.2.1")
            yield World(hub, caller, peer)
    finally:
        hub.stop()


def described(world: World, version: Version, *modes: GenerationMode) -> Any:
    """Return our description as schemathesis reads it; modes: right values, wrong ones, or (without) both."""
    schema = schemathesis.openapi.from_dict(describe(version, f"{world.hub.url}/ocpi"))
    if modes:
        schema.config.generation.update(modes=list(modes))
    return schema


def run_all(world: World) -> None:
    """Every operation of both versions, but those that would end the caller's own registration."""
    for version in VERSIONS.values():
        schema = described(world, version)
        for found in schema.exclude(operation_id=["delete_credentials", "put_credentials"]).get_all_operations():
            operation = found.ok()

            @RUN
            @given(case=operation.as_strategy())
            def one(case: Any) -> None:
                world.call(case)

            one()


def run_stateful(world: World) -> None:
    """Sequences along the description's links: what was pushed is read, patched and deleted."""
    world.steady = True
    for version in VERSIONS.values():
        schema = described(world, version, GenerationMode.POSITIVE)
        machine = schema.exclude(operation_id=["delete_credentials", "put_credentials"]).as_state_machine()

        class Sequence(machine):  # type: ignore[misc,valid-type]  made at run time
            def call(self, case: Any, **kwargs: Any) -> Any:
                return world.call(case)

            def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
                """It is checked in ``World.call``."""

        run_state_machine_as_test(Sequence, settings=STATEFUL)


@pytest.mark.checklist("TR-36", "TR-37", "RB-04", "RB-07")
async def test_no_input_breaks_the_hub_and_a_refused_one_changes_nothing(
    world: World, record_testsuite_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(run_all, world)
    single = sum(world.seen.values())
    await asyncio.to_thread(run_stateful, world)

    total = sum(world.seen.values())
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(world.seen.items()))
    summary = f"schemathesis: {total} cases ({single} single, {total - single} in sequences along links): {outcomes}"
    record_testsuite_property("schemathesis", summary)
    with capsys.disabled():
        print(f"\n{summary}")
    assert total >= LEAST
    assert world.seen["1xxx"] > total / 20, "hardly anything came through: the cases are not plausible"
