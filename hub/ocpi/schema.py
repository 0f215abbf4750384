"""What declarations say, for readers in any language: JSON Schemas, and rules beyond them.

``rule`` registers what neither msgspec nor a schema can say ("one of these is required"); it is
asked by ``hub.ocpi.judging`` after the types are found right.

Source: JSON Schema draft 2020-12.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal, is_typeddict

from hub.ocpi.objects import JSONObject
from hub.ocpi.shapes import DATE_TIME, Field, Hint, ShapeOf, field_of, shape_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: Printable characters only; of the CiString only those of ASCII (types.asciidoc, CiString, string).
CI_PATTERN = "^[ -~]*$"
STRING_PATTERN = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"

Rule = Callable[[JSONObject, str, bool], Iterable[str]]

#: The rules of each declared object.
RULES: dict[Any, list[Rule]] = defaultdict(list)


def rule(declared: Any) -> Callable[[Rule], Rule]:
    """Register a rule of a declared object.

    The function is given the object (decoded, types right; it reads like a dict), its JSON path,
    and whether it is the body of a PATCH; it yields each fault as ``path: what is wrong``.
    """

    def register(function: Rule) -> Rule:
        RULES[declared].append(function)
        return function

    return register


def schema_of(declared: Any, *, partial: bool = False, shape: ShapeOf = shape_of) -> JSONObject:
    """Return the JSON Schema of a declaration.

    Args:
        declared: a ``TypedDict``, or any annotation used inside one.
        partial: as the body of a PATCH: nothing is required but ``last_updated``.
        shape: gives the hints of each object, as some version has them.
    """
    return {"$schema": DIALECT, **_hint_schema(declared, shape, partial)}


def required_of(declared: Any, shape: ShapeOf, *, partial: bool) -> list[str]:
    """Return the names of the fields an object cannot be without.

    A PATCH says when the object changed, whatever else it leaves out (transport_and_format.asciidoc, PATCH).
    """
    required = [name for name, hint in shape(declared).items() if field_of(hint).required]
    return [name for name in required if name == "last_updated"] if partial else required


def _hint_schema(hint: Hint, shape: ShapeOf, partial: bool = False) -> JSONObject:
    field = field_of(hint)
    schema = _object_schema(field.kind, shape, partial) if is_typeddict(field.kind) else _value_schema(field, shape)
    if field.required:
        return schema
    if field.kind is list:
        return {**schema, "type": ["array", "null"]}
    return {"anyOf": [schema, {"type": "null"}, {"type": "array", "maxItems": 0}]}


def _object_schema(declared: Any, shape: ShapeOf, partial: bool) -> JSONObject:
    described = (declared.__doc__ or "").split("\n")[0]
    return {
        "title": declared.__name__,
        **({"description": described} if described else {}),
        "type": "object",
        "properties": {name: _hint_schema(hint, shape) for name, hint in shape(declared).items()},
        "required": required_of(declared, shape, partial=partial),
    }


def _value_schema(field: Field, shape: ShapeOf) -> JSONObject:
    if field.kind is list:
        return {
            "type": "array",
            "items": _hint_schema(field.item, shape),
            **({"minItems": 1} if field.non_empty else {}),
        }
    if field.kind is Literal:
        return {"type": "string", "enum": list(field.values)}
    if field.kind is str:
        return _string_schema(field)
    if field.kind in (int, float):
        bounds = {"minimum": field.bounds.ge, "maximum": field.bounds.le} if field.bounds else {}
        kind = "integer" if field.kind is int else "number"
        return {"type": kind, **{name: each for name, each in bounds.items() if each is not None}}
    return {"type": "boolean"} if field.kind is bool else {}


def _string_schema(field: Field) -> JSONObject:
    schema: JSONObject = {"type": "string"}
    if field.open_enum:
        schema["examples"] = list(field.open_enum.known)
    text = field.text
    if text is None:
        return schema | {"pattern": STRING_PATTERN}
    if text.max_length is not None:
        schema["maxLength"] = text.max_length
    if text.format and text.format != DATE_TIME:  # that format demands an offset, OCPI's DateTime forbids one
        schema["format"] = text.format
    patterns = [CI_PATTERN if text.ci else STRING_PATTERN, *([text.pattern] if text.pattern else [])]
    if text.pattern and text.pattern.startswith("^"):
        patterns.pop(0)  # an anchored pattern names every character there may be
    return schema | ({"pattern": patterns[0]} if len(patterns) == 1 else {"allOf": [{"pattern": p} for p in patterns]})
