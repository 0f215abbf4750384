"""Inputs nobody thought of, made from an API's own description, and what must be true of every answer to them."""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any

import httpx
import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

RUN = settings(
    deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


class Battery(ABC):
    """Makes every call and checks its answer: no 5xx, as described, and a refusal changes nothing.

    Attributes:
        described: the API's description.
        may_fail: statuses that say what somebody else did not do, which is no fault of ours.
        seen: answers, by part (right or wrong) and hundred of their status.
    """

    may_fail: frozenset[int] = frozenset()

    def __init__(self, described: Any) -> None:
        self.described = described
        self.seen: Counter[tuple[str, int]] = Counter()

    @abstractmethod
    async def kept(self) -> object:
        """Return everything that a refused call must not change."""

    @abstractmethod
    def make_plausible(self, case: Any, part: str) -> None:
        """Name what is there, so that most right cases come to where something is done."""

    @abstractmethod
    async def ask(self, case: Any, request: dict[str, Any]) -> httpx.Response:
        """Make a call."""

    async def call(self, case: Any, part: str) -> None:
        """Make one call of a part."""
        self.make_plausible(case, part)
        before = await self.kept()
        try:
            answer = await self.ask(case, _request(case))
        except httpx.InvalidURL:  # longer than a client sends
            return
        said = f"{case.as_curl_command()}\n{answer.status_code} {answer.text}"
        assert answer.status_code < 500 or answer.status_code in self.may_fail, said
        assert str(answer.status_code) in case.operation.definition.raw["responses"], said
        self._check_body(case, answer, said)
        if 400 <= answer.status_code < 500:
            assert await self.kept() == before, f"refused, but something changed: {said}"
        self.seen[part, answer.status_code // 100] += 1

    def _check_body(self, case: Any, answer: httpx.Response, said: str) -> None:
        described = case.operation.definition.raw["responses"][str(answer.status_code)]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not answer.content or not kind.endswith("json"):
            assert not answer.content or kind in described["content"], said
            return
        said_to_be = described["content"][kind]["schema"]
        validator = _validator_of(repr(said_to_be), lambda: {**said_to_be, "components": self.described["components"]})
        errors = [each.message for each in validator.iter_errors(answer.json())]
        assert errors == [], f"{errors}: {said}"

    def count(self, part: str) -> int:
        """Return how many calls of a part there were."""
        return sum(count for (of, _), count in self.seen.items() if of == part)

    def told(self) -> str:
        """Return how many calls there were, and what came of them."""
        outcomes = ", ".join(f"{count} {part} {status}xx" for (part, status), count in sorted(self.seen.items()))
        return f"{sum(self.seen.values())} cases: {outcomes}"


def _request(case: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"method": case.method, "path": case.formatted_path, "params": dict(case.query or {})}
    if isinstance(case.body, bytes | str):
        request |= {"content": case.body, "headers": {"Content-Type": case.media_type}}
    elif not isinstance(case.body, schemathesis.core.NotSet):
        request["json"] = case.body
    return request


@functools.cache
def _cached(text: str) -> list[Any]:
    return []


def _validator_of(text: str, schema: Any) -> Any:
    made = _cached(text)
    if not made:
        made.append(jsonschema_rs.Draft202012Validator(schema()))
    return made[0]


def run_all(
    battery: Battery, runner: asyncio.Runner, *, right: int, wrong: int, but: list[str], last: tuple[str, ...] = ()
) -> None:
    """Call every operation with right values and, where anything can be wrong, with wrong ones; deletions last.

    Args:
        right, wrong: cases of one operation.
        but: operations that are not called.
        last: operations that take away what others need, as deletions do.
    """

    def takes_away(operation: Any) -> bool:
        return operation.method.upper() == "DELETE" or operation.definition.raw["operationId"] in last

    description = schemathesis.openapi.from_dict(battery.described)
    description.config.generation.update(with_security_parameters=False)
    found = [each.ok() for each in description.exclude(operation_id=but).get_all_operations()]
    for operation in sorted(found, key=takes_away):
        _tried(operation, battery, runner, "right", right)
        if operation.definition.raw.get("requestBody") or operation.definition.raw["parameters"]:
            _tried(operation, battery, runner, "wrong", wrong)


def _tried(operation: Any, battery: Battery, runner: asyncio.Runner, part: str, count: int) -> None:
    mode = GenerationMode.POSITIVE if part == "right" else GenerationMode.NEGATIVE

    @settings(RUN, max_examples=count)
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        runner.run(battery.call(case, part))

    one()
