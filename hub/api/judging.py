"""Requests judged by their declaration: every fault is told with its path and the rule it breaks.

A body is judged by the JSON Schema that the description publishes, so that both say the same; what
a schema cannot say (a date that is none) msgspec says when it decodes.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin, is_typeddict

import jsonschema_rs
import msgspec

from hub.api import shapes
from hub.api.problems import Fault, Invalid, Malformed, invalid
from hub.ocpi import codec
from hub.ocpi.errors import OcpiError, Unparsable
from hub.ocpi.judging import Judge
from hub.ocpi.objects import JSON, JSONObject

_MOST = 20  # faults told at once
_OCPI = Judge()
_PLACE = re.compile(r" - at `(?:key in )?\$?([^`]*)`$")
_WORDED = "must be "
_LENGTH = ("is shorter than", "is longer than")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")


#: Returns what else is wrong, given what of a body is right by its declaration.
Also = Callable[[JSONObject], Sequence[Fault]]


def body(text: bytes, declared: Any, also: Also | None = None) -> Any:
    """Return a JSON body as what it is declared as; an OCPI object stays the JSON it came as.

    Args:
        also: asked when the declaration is broken, so that one answer names everything that is wrong.

    Raises:
        Malformed: it is no JSON.
        Invalid: it is not what was declared.
    """
    value = _json(text)
    if is_typeddict(declared) or (get_origin(declared) is list and is_typeddict(get_args(declared)[0])):
        _judge_ocpi(text, declared)
        return value
    faults = _faults(value, declared)
    if faults and also is not None and isinstance(value, dict):
        faults += _others(faults, also(_sound(value, faults)))
    _refuse(faults)
    try:
        return msgspec.json.decode(text, type=declared)
    except msgspec.ValidationError as error:
        raise _invalid("$", error) from error


def query(pairs: Sequence[tuple[str, str]], declared: Any) -> Any:
    """Return query parameters as what they are declared as.

    Raises:
        Invalid: one is unknown, stands twice, or is not what was declared.
    """
    given: dict[str, str] = {}
    for name, text in pairs:
        if name in given:
            raise invalid(f"query.{name}", "may stand once")
        given[name] = text
    _refuse(_control(given, "query"))
    try:
        found = msgspec.convert(given, declared, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid("query", error) from error
    said = codec.decode(codec.encode(found))
    _refuse([Fault("query" + each.path[1:], each.rule) for each in _faults(said, declared)])
    return found


def _json(text: bytes) -> JSON:
    try:
        _OCPI.judge(text, None)  # any JSON, but no name twice and no absurd depth
    except Unparsable as error:
        raise Malformed(str(error)) from error
    except OcpiError as error:
        path, _, rule = str(error).partition(": ")
        raise invalid(path, rule) from error
    value = codec.decode(text)
    _refuse(_control(value, "$"))
    return value


def _judge_ocpi(text: bytes, declared: Any) -> None:
    try:
        _OCPI.judge(text, declared)
    except OcpiError as error:
        path, _, rule = str(error).partition(": ")
        raise invalid(path, rule) from error


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        first = f"{faults[0].path}: {faults[0].rule}"
        also = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Invalid(first + also, faults=faults)


def _sound(value: JSON, faults: Sequence[Fault], path: str = "$") -> Any:
    """Return an object without the members that have a fault."""
    if not isinstance(value, dict):
        return value
    bad = {each.path.partition("[")[0] for each in faults}
    members = {name: each for name, each in value.items() if f"{path}.{name}" not in bad}
    return {name: _sound(each, faults, f"{path}.{name}") for name, each in members.items()}


def _others(faults: Sequence[Fault], found: Sequence[Fault]) -> list[Fault]:
    """Return the faults that are about nothing that has one already."""
    known = tuple(each.path for each in faults)
    return [each for each in found if not any(f"{each.path}.".startswith(f"{path}.") for path in known)]


def _invalid(root: str, error: msgspec.ValidationError) -> Invalid:
    """Return what msgspec says as a fault."""
    said = str(error)
    found = _PLACE.search(said)
    path, rule = root + (found[1] if found else ""), said[: found.start()] if found else said
    if named := _UNKNOWN.search(said):
        path, rule = f"{path}.{named[1]}", "unknown"
    elif named := _MISSING.search(said):
        path, rule = f"{path}.{named[1]}", "required"
    return invalid(path, rule)


def _control(value: JSON, path: str) -> list[Fault]:
    """Return where strings hold U+0000, which PostgreSQL cannot keep."""
    return [Fault(each, "must not contain U+0000") for each in itertools.islice(_nul(value, path), _MOST)]


def _nul(value: JSON, path: str) -> Iterator[str]:
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _nul(name, path)
            yield from _nul(each, f"{path}.{name}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _nul(each, f"{path}[{at}]")


def _faults(value: JSON, declared: Any) -> list[Fault]:
    validator, whole = _validator(declared)
    found = itertools.chain.from_iterable(_told(each, whole) for each in validator.iter_errors(value))
    return _plainly(list(itertools.islice(found, _MOST)))


@functools.cache
def _validator(declared: Any) -> tuple[Any, JSONObject]:
    found, components = shapes.schema(declared)
    whole: JSONObject = {**found, "components": {"schemas": components}}
    # Values are masked: a refused password stands in no answer and no log.
    return jsonschema_rs.Draft202012Validator(whole, mask="the value"), whole


def _plainly(faults: list[Fault]) -> list[Fault]:
    """Return faults without the length of what is said in words anyway."""
    worded = {each.path for each in faults if each.rule.startswith(_WORDED)}
    return [each for each in faults if each.path not in worded or not each.rule.startswith(_LENGTH)]


def _told(error: Any, whole: JSONObject) -> Iterator[Fault]:
    """Yield an error of the validator as faults."""
    path = "$" + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.instance_path)
    kind = error.kind
    if kind.name == "required":
        yield Fault(f"{path}.{kind.property}", "required")
    elif kind.name == "additionalProperties":
        for name in kind.unexpected:
            yield Fault(f"{path}.{name}", "unknown")
    elif kind.name == "anyOf" and len(kind.context[0]) > 0:
        for each in kind.context[0]:  # the others say that it may be null
            yield from _told(each, whole)
    elif kind.name == "pattern" and (words := _words(whole, error.schema_path)):
        yield Fault(path, f"{_WORDED}{words}")
    else:
        yield Fault(path, error.message.removeprefix("the value ").replace("is not", "must be", 1))


def _words(whole: JSONObject, place: Sequence[str | int]) -> str:
    """Return what the schema that holds a keyword is described as; nothing where it is not."""
    found: Any = whole
    for each in place[:-1]:
        found = found[each]
    return str(found.get("description", ""))
