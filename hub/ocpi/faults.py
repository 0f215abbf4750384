"""A fault told as a rule of the standard: where in the body, and what should stand there.

msgspec says where it stopped and why in words of Python; here its path is kept and the rule is
said from the declaration.
"""

import re
from typing import Any, Literal, is_typeddict

from hub.ocpi.objects import JSON, Text
from hub.ocpi.shapes import DATE_TIME, Field, Hint, ShapeOf, field_of

_PATH = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_SHOWN = 60  # characters of a wrong value


def fault_text(message: str, value: JSON, declared: Any, shape: ShapeOf, *, partial: bool) -> str:
    """Return ``path: rule`` for what msgspec says of a decoded value."""
    found = _PATH.search(message)
    path = found.group(1) if found else ""
    if declared is None:  # Any JSON will do, but for numbers: msgspec has no path to what is not declared.
        return "$: must hold no number beyond all measure"
    missing = _MISSING.search(message)
    if missing:
        # Only last_updated is required of a PATCH itself; what is nested in it is whole.
        return f"${path}.{missing.group(1)}: required" + (" in every PATCH" if partial and not path else "")
    hint = declared
    for name, index in _STEP.findall(path):
        field = field_of(hint)
        hint = shape(field.kind)[name] if name else field.item
        value = value[name] if name else value[int(index)]
    return f"${path}: {wrong_value(value, hint)}"


def wrong_value(value: JSON, hint: Hint) -> str:
    """Return the rule a value of a hint breaks."""
    return f"must be {_rule(hint)}, not {_shown(value, field_of(hint))}"


def _rule(hint: Hint) -> str:
    field = field_of(hint)
    if is_typeddict(field.kind):
        return f"an object ({field.kind.__name__})"
    if field.kind is list:
        return "a list of at least one element" if field.non_empty else "a list"
    if field.kind is Literal:
        return f"one of {', '.join(field.values)}"
    if field.kind is str:
        return _string_rule(field.text or Text())
    if field.kind is bool:
        return "true or false"
    return _number_rule(field)


def _string_rule(text: Text) -> str:
    if text.format == DATE_TIME:
        return "a DateTime such as 2026-01-31T12:00:00Z (UTC, no offset, at most 25 characters)"
    length = f" of at most {text.max_length} characters" if text.max_length is not None else ""
    kind = "a CiString" if text.ci else "a string"
    alphabet = "printable ASCII only" if text.ci else "no control characters"
    return f"{kind}{length} matching {text.pattern}" if text.pattern else f"{kind}{length}, {alphabet}"


def _number_rule(field: Field) -> str:
    kind = "an integer" if field.kind is int else "a number"
    if field.bounds is None:
        return kind
    least = f" of at least {field.bounds.ge:g}" if field.bounds.ge is not None else ""
    most = f" of at most {field.bounds.le:g}" if field.bounds.le is not None else ""
    return kind + least + (" and" + most.removeprefix(" of") if least and most else most)


def _shown(value: JSON, field: Field) -> str:
    """Return a wrong value: its kind where that is what is wrong, else itself, shortened."""
    if isinstance(value, list):
        return "a list" if field.kind is not list else "an empty one"
    if value is None or isinstance(value, dict):
        return "null" if value is None else "an object"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return f"the number {str(value)[:_SHOWN]}"
    if field.kind not in (str, Literal):
        return "a string"
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
    return f"{shown!a}"
