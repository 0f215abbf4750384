"""Payloads judged by the JSON schemas of the standard, as the ``ocpp`` package brings them.

A validator is compiled when its action is first seen and costs some microseconds per message from then on. What a
schema calls a date-time has to be one (RFC 3339), with its offset from UTC.

Source: OCPP 1.6, 2.0.1 and 2.1 JSON schemas; OCPP-J 1.6, 4.2.3 and OCPP 2.0.1 part 4, 4.3 (which fault is which).
"""

import functools
import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs

from hub.ocpp.errors import (
    CallFault,
    FormatViolation,
    NotImplementedHere,
    OccurrenceConstraintViolation,
    PropertyConstraintViolation,
    TypeConstraintViolation,
)
from hub.ocpp.leniency import mended

#: Keyword of a schema -> what hurting it is. A text's length and a date-time's form belong to its data type.
_FAULTS: dict[str, type[CallFault]] = {
    "type": TypeConstraintViolation,
    "format": TypeConstraintViolation,
    "maxLength": TypeConstraintViolation,
    "minLength": TypeConstraintViolation,
    "required": OccurrenceConstraintViolation,
    "minItems": OccurrenceConstraintViolation,
    "maxItems": OccurrenceConstraintViolation,
    "additionalProperties": FormatViolation,
}


class Schemas:
    """The schemas of one version.

    Args:
        version: 1.6, 2.0.1 or 2.1.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self._folder = files("ocpp") / f"v{version.replace('.', '')}" / "schemas"
        self._requests: dict[str, Any] = {}
        self._responses: dict[str, Any] = {}

    @functools.cached_property
    def actions(self) -> frozenset[str]:
        """The names of all CALLs, and SENDs, of the version, either way."""
        names = {each.name.removesuffix(".json") for each in self._folder.iterdir() if each.name.endswith(".json")}
        requests = {name.removesuffix("Request") for name in names if not name.endswith("Response")}
        return frozenset(requests)

    def judge_request(self, action: str, payload: Any) -> None:
        """Judge the payload of a CALL.

        Raises:
            CallFault: the version has no such action, or the payload hurts a rule.
        """
        validator = self._requests.get(action) or self._request_validator(action)
        if not validator.is_valid(payload):
            raise fault_of(validator, payload)

    def mend_request(self, action: str, payload: Any, granted: frozenset[str]) -> tuple[Any, set[str]]:
        """Return a CALL's payload with what a leniency lets pass mended, and the names of those it needed."""
        validator = self._requests.get(action) or self._request_validator(action)
        if validator.is_valid(payload):
            return payload, set()
        return mended(validator, payload, granted)

    def judge_response(self, action: str, payload: Any) -> None:
        """Judge the payload of a CALLRESULT; an action the version does not have (a raw one) has no rules.

        Raises:
            CallFault: the payload hurts a rule.
        """
        if action not in self.actions:
            return
        validator = self._responses.get(action)
        if validator is None:
            validator = self._responses[action] = _compiled(self._folder / f"{action}Response.json")
        if validator is not None and not validator.is_valid(payload):
            raise fault_of(validator, payload)

    def request_schema(self, action: str) -> dict[str, Any]:
        """Return the schema of a CALL's payload."""
        return _read(self._request_file(action))

    def _request_validator(self, action: str) -> Any:
        # Also what guards the file system: only names of the folder itself are looked up in it.
        if action not in self.actions:
            raise NotImplementedHere(f"OCPP {self.version} has no action {action[:50]}")
        self._requests[action] = validator = _compiled(self._request_file(action))
        return validator

    def _request_file(self, action: str) -> Traversable:
        plain = self._folder / f"{action}.json"  # 1.6, and 2.1's messages without an answer
        return plain if plain.is_file() else self._folder / f"{action}Request.json"


def _read(file: Traversable) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8-sig"))
    return schema


def _compiled(file: Traversable) -> Any:
    return jsonschema_rs.validator_for(_bounded(_read(file)), validate_formats=True) if file.is_file() else None


def _bounded(schema: Any) -> Any:
    """Return a schema whose integers have 32 bits, as the standard's data type has; its schemas leave that out.

    Source: OCPP 1.6 and OCPP 2.0.1 part 2, primitive datatypes.
    """
    if isinstance(schema, list):
        return [_bounded(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    bounds = {"minimum": -(2**31), "maximum": 2**31 - 1} if schema.get("type") == "integer" else {}
    return bounds | {name: _bounded(each) for name, each in schema.items()}


def fault_of(validator: Any, payload: Any) -> CallFault:
    """Return the first thing wrong with a payload: its JSON path, and the rule it hurts."""
    error = next(validator.iter_errors(payload), None)
    if error is None:
        return FormatViolation("the payload cannot be judged")
    path = path_of(error.instance_path)
    rule = error.kind.name
    fault = _FAULTS.get(rule, PropertyConstraintViolation)
    return fault(f"{path}: {error.message}", {"path": path, "rule": rule})


def path_of(steps: list[str | int]) -> str:
    """Return a JSON path in the payload, such as ``$.meterValue[0].timestamp``."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


@functools.cache
def schemas_of(version: str) -> Schemas:
    """Return the schemas of a version; each is compiled once in a process."""
    return Schemas(version)
