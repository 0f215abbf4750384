"""Inputs nobody thought of, made from our own OpenAPI description: no 5xx, always an envelope, nothing half done."""

import asyncio
import base64
import itertools
import os
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode

from hub.keeping import level_of
from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.openapi import describe, operation_id
from hub.ocpi.versions import VERSIONS, Version
from tests.hubs import HubProcess
from tests.kept import kept
from tests.parties import PartyPlatform
from tests.telling import Tell

SOAK = bool(os.environ.get("SOAK"))
RIGHT, WRONG = (100, 50) if SOAK else (10, 6)  # cases of one operation
LEAST = 2000  # cases in all
HUB = "NL-HUB"

RUN = settings(
    deadline=None,
    database=None,
    derandomize=not SOAK,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
STATEFUL = settings(RUN, max_examples=200 if SOAK else 36, stateful_step_count=5)
OPERATIONS = {operation_id(each): each for module in REGISTRY.values() for each in module.operations}
ENVELOPE = Draft202012Validator(describe(VERSIONS["2.2.1"], "http://hub/ocpi")["components"]["schemas"]["Envelope"])


@dataclass
class Caller:
    """Makes most cases come past the checks of who speaks for whom, into what lies behind them.

    Attributes:
        platform: whose token is used.
        peer: the party that directed requests go to.
        sequence: the number of the sequence of cases; 0: each stands alone.
        known: the URL parameters of what was pushed, by module.
    """

    platform: PartyPlatform
    peer: str
    sequence: int = 0
    known: defaultdict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def make_plausible(self, case: Any, *, body_too: bool) -> None:
        operation = OPERATIONS.get(case.operation.definition.raw["operationId"])
        if operation is None or not REGISTRY[operation.module].functional:
            return
        self._address(case, operation)
        if not self._usually():
            return
        if case.path_parameters:
            case.path_parameters = {name: quote(value, safe="") for name, value in self._path(case, operation).items()}
        if operation.response_url == "query" and body_too:
            case.query["response_url"] = self._response_url
        if isinstance(case.body, dict) and body_too:
            self._correct(case, operation)

    def remember(self, case: Any) -> None:
        """Note what was pushed, so that others may ask for it."""
        operation = OPERATIONS.get(case.operation.definition.raw["operationId"])
        if operation is not None and operation.owned and operation.method == "PUT":
            pushed = {name: unquote(value) for name, value in case.path_parameters.items()}
            self.known[operation.module].append(pushed)

    def _usually(self) -> bool:
        """True, but for one in ten cases that stand alone: a sequence is the same every time."""
        return self.sequence > 0 or self.chance.random() < 0.9

    def _address(self, case: Any, operation: Operation) -> None:
        to = self._receiver(operation)
        if self._usually():
            put_address(case, "from", self.platform.party)
        if not self._usually():
            to = self.chance.choice([self.peer, HUB, "", "ZZ-ZZZ"])
        put_address(case, "to", to)

    def _receiver(self, operation: Operation) -> str:
        level = level_of(operation)
        if operation.method == "GET":
            return HUB if operation.paginated or level else self.peer
        return HUB if operation.pushes and level and level.broadcast else self.peer

    def _path(self, case: Any, operation: Operation) -> dict[str, str]:
        """Return the URL parameters: the caller's own object, one that was pushed where one must be there."""
        given = {name: unquote(str(value)) for name, value in case.path_parameters.items()}
        country_code, party_id = self.platform.party.split("-")
        given |= {name: value for name, value in own(country_code, party_id).items() if name in given}
        if self.sequence:  # sequences know nothing of each other
            begin = f"{self.sequence}-"
            ids = {name: value for name, value in given.items() if name not in ("country_code", "party_id")}
            return given | {name: each if each.startswith(begin) else (begin + each)[:36] for name, each in ids.items()}
        new = operation.segments[-1][1:-1] if operation.method == "PUT" else ""
        wanted = given.keys() - {new}
        there = [each for each in self.known[operation.module] if wanted <= each.keys()]
        if there and wanted:
            given |= {name: there[-1][name] for name in wanted}
        return given

    def _correct(self, case: Any, operation: Operation) -> None:
        """Make a body agree with its URL, with the caller, and with the rules beyond a schema."""
        body = case.body
        ours = own(*self.platform.party.split("-"))
        for each in (body, body.get("token")):
            if isinstance(each, dict):
                each |= {name: value for name, value in ours.items() if name in each}
        last = operation.segments[-1] if operation.segments else ""
        if operation.owned and last[1:-1] in case.path_parameters:
            identifier = unquote(case.path_parameters[last[1:-1]])
            body |= {name: identifier for name in ("id", "uid") if name in body}
        if "response_url" in body:
            body["response_url"] = self._response_url
        if operation.module == "tokens" and "type" in body:
            case.query["type"] = body["type"]
        for each in objects_in(body):
            put_in_order(each)

    @property
    def _response_url(self) -> str:
        return f"{self.platform.url('commands', 'SENDER')}/RESULT/1"


def own(country_code: str, party_id: str) -> dict[str, str]:
    return {"country_code": country_code, "party_id": party_id}


def put_address(case: Any, way: str, party: str) -> None:
    names = (f"OCPI-{way}-country-code", f"OCPI-{way}-party-id")
    for name, value in zip(names, party.split("-") if party else ("", ""), strict=True):
        case.headers.pop(name, None)
        if value:
            case.headers[name] = value


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(each)


def put_in_order(value: dict[str, Any]) -> None:
    """Let nothing end before it begins."""
    for begin, end in (
        ("start_date_time", "end_date_time"),
        ("begin_from", "end_before"),
        ("period_begin", "period_end"),
    ):
        first, last = value.get(begin), value.get(end)
        if isinstance(first, str) and isinstance(last, str) and first.rstrip("Z") > last.rstrip("Z"):
            value[begin], value[end] = last, first


@dataclass
class World:
    """A hub, and who calls it.

    Attributes:
        part: what the cases are: right, wrong, or in sequences.
        seen: cases by part and outcome.
    """

    hub: HubProcess
    caller: Caller
    part: str = ""
    http: requests.Session = field(default_factory=requests.Session)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def call(self, case: Any) -> Any:
        """Make the call and check what must be true of every answer."""
        self.caller.make_plausible(case, body_too=self.part != "wrong")
        before = kept(self.hub.data)
        token = base64.b64encode(self.caller.platform.hub_token.encode()).decode()
        headers = {"Authorization": f"Token {token}", "X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}
        response = case.call(base_url=f"{self.hub.url}/ocpi", session=self.http, headers=headers)
        self.check(case, response, before)
        return response

    def check(self, case: Any, response: Any, before: object) -> None:
        said = f"{case.as_curl_command()}\n{response.status_code} {response.text}"
        assert response.status_code < 500, said
        assert str(response.status_code) in case.operation.definition.raw["responses"], said
        assert response.headers["content-type"] == ["application/json"], said
        answer = response.json()
        ENVELOPE.validate(answer)
        assert response.headers["x-correlation-id"] == ["c-1"], said
        assert response.headers["x-request-id"] == ["r-1"], said
        code = answer["status_code"]
        assert code != 3000, f"the hub failed: {said}"
        self.seen[self.part, f"{code // 1000}xxx"] += 1
        if code == 1000:
            self.caller.remember(case)
        if 2000 <= code < 3000:
            assert kept(self.hub.data) == before, f"refused, but something changed: {said}"

    def share(self, part: str) -> float:
        """Return how many of a part's cases succeeded."""
        return self.seen[part, "1xxx"] / max(1, self.count(part))

    def told(self, part: str) -> str:
        outcomes = sorted((outcome, count) for (of, outcome), count in self.seen.items() if of == part)
        return f"{self.count(part)} {part} ({', '.join(f'{count} {outcome}' for outcome, count in outcomes)})"

    def count(self, part: str) -> int:
        return sum(count for (of, _), count in self.seen.items() if of == part)


def platform(name: str, party_id: str, version: str) -> PartyPlatform:
    """Return a platform that has every interface of every module."""
    modules = [each for each in VERSIONS[version].modules & REGISTRY.keys() if REGISTRY[each].functional]
    offered = [(module, role) for module in modules for role in ("SENDER", "RECEIVER")]
    roles = [(role, "NL", party_id) for role in ("CPO", "EMSP")]
    return PartyPlatform(name, roles, versions=(version,), offered=offered)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    hub = HubProcess(tmp_path / "data").start()
    try:
        async with (
            platform("Caller", "CAL", "2.2.1") as caller,
            platform("Peer", "PEE", "2.3.0") as peer,
            platform("Elder", "ELD", "2.2.1") as elder,
        ):
            for each in (caller, peer, elder):
                await each.register(hub.versions_url, await hub.invite(each.name))
            yield World(hub, Caller(caller, peer.party))
    finally:
        hub.stop()


def closed(schema: Any, *, inner: bool = False) -> Any:
    """Return a schema with unknown fields in whole bodies alone: made in every object of them, they take most time."""
    if isinstance(schema, list):
        return [closed(each, inner=inner) for each in schema]
    if not isinstance(schema, dict):
        return schema
    known = {name: closed(each, inner=True) for name, each in schema.get("properties", {}).items()}
    rest = {name: closed(each, inner=inner) for name, each in schema.items() if name != "properties"}
    return (
        rest | ({"properties": known} if known else {}) | ({"additionalProperties": False} if known and inner else {})
    )


def described(world: World, version: Version) -> Any:
    """Return our description as schemathesis reads it, but for what would end the caller's own registration."""
    description = describe(version, f"{world.hub.url}/ocpi")
    schemas = description["components"]["schemas"]
    schemas.update({name: closed(each) for name, each in schemas.items()})
    schema = schemathesis.openapi.from_dict(description)
    schema.config.generation.update(with_security_parameters=False)
    # The links of the description alone: what is guessed from answers differs from run to run.
    schema.config.phases.stateful.inference.algorithms = []
    return schema.exclude(operation_id=["delete_credentials", "put_credentials"])


def in_order(operation: Any) -> tuple[bool, bool, int]:
    """Pushes first, what lies below a URL after it, and deletion last."""
    return operation.method.upper() == "DELETE", operation.method.upper() != "PUT", operation.path.count("/")


def run_all(world: World) -> None:
    """Every operation of both versions, with right values and with wrong ones."""
    for version in VERSIONS.values():
        found = [each.ok() for each in described(world, version).get_all_operations()]
        for operation in sorted(found, key=in_order):
            for part, mode, count in (
                ("right", GenerationMode.POSITIVE, RIGHT),
                ("wrong", GenerationMode.NEGATIVE, WRONG),
            ):
                if mode is GenerationMode.NEGATIVE and not operation.definition.raw.keys() & {
                    "parameters",
                    "requestBody",
                }:
                    continue  # there is nothing that could be wrong
                world.part = part

                @settings(RUN, max_examples=count)
                @given(case=operation.as_strategy(generation_mode=mode))
                def one(case: Any) -> None:
                    world.call(case)

                one()


def run_stateful(world: World) -> None:
    """Sequences along the description's links: what was pushed is read, changed, added to and deleted."""
    world.part, numbers = "in sequences", itertools.count(1)
    for version in VERSIONS.values():
        schema = described(world, version)
        schema.config.generation.update(modes=[GenerationMode.POSITIVE])

        class Sequence(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
            def setup(self) -> None:
                world.caller.sequence = next(numbers)

            def call(self, case: Any, **kwargs: Any) -> Any:
                return world.call(case)

            def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
                """It is checked in ``World.call``."""

        run_state_machine_as_test(Sequence, settings=STATEFUL)


@pytest.mark.checklist("TR-36", "TR-37", "RB-04", "RB-07")
async def test_no_input_breaks_the_hub_and_a_refused_one_changes_nothing(world: World, tell: Tell) -> None:
    await asyncio.to_thread(run_all, world)
    await asyncio.to_thread(run_stateful, world)

    total = sum(world.seen.values())
    summary = f"schemathesis: {total} cases: " + "; ".join(map(world.told, ("right", "wrong", "in sequences")))
    tell(summary)
    assert total >= LEAST
    assert min(world.share("right"), world.share("in sequences")) >= 0.25, "hardly anything came through"
