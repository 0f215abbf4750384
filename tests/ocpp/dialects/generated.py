"""Payloads made from the standard's schemas."""

import datetime
import functools
import json
from importlib.resources import files

from hypothesis import strategies as st


@functools.cache
def schema_of(version, action, suffix=None):
    """Return a schema of the ocpp package; 1.6 and streams write requests without a suffix."""
    folder = files("ocpp") / f"v{version.replace('.', '')}" / "schemas"
    names = [f"{action}{suffix}"] if suffix else [action, f"{action}Request"]
    found = next(folder / f"{name}.json" for name in names if (folder / f"{name}.json").is_file())
    return json.loads(found.read_text(encoding="utf-8-sig"))


def payloads(version, action, suffix=None):
    """Return a strategy of valid payloads."""
    schema = schema_of(version, action, suffix)
    return values(schema, schema.get("definitions", {}))


def values(schema, definitions):
    """Return a strategy of the values of a schema, as far as those of OCPP go."""
    if "$ref" in schema:
        return values(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _KINDS[schema.get("type", "any")](schema, definitions)


def _object(schema, definitions):
    fields = {name: values(each, definitions) for name, each in schema.get("properties", {}).items()}
    fields.pop("customData", None)
    required = {name: fields[name] for name in schema.get("required", [])}
    optional = {name: each for name, each in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _array(schema, definitions):
    least = schema.get("minItems", 0)
    return st.lists(values(schema["items"], definitions), min_size=least, max_size=max(least, 2))


def _string(schema, definitions):
    if schema.get("format") == "date-time":
        earliest, latest = datetime.datetime(1990, 1, 1), datetime.datetime(2090, 1, 1)
        return st.datetimes(earliest, latest, timezones=st.just(datetime.UTC)).map(datetime.datetime.isoformat)
    if schema.get("format") == "uri":
        return st.just("https://files.example.net/1")
    return st.text(max_size=min(schema.get("maxLength", 20), 20))


def _integer(schema, definitions):
    return st.integers(int(schema.get("minimum", -(2**31))), int(schema.get("maximum", 2**31 - 1)))


def _number(schema, definitions):
    if schema.get("multipleOf") == 0.1:
        return st.integers(-10_000, 10_000).map(lambda tenths: tenths / 10)
    return st.floats(schema.get("minimum", -1e12), schema.get("maximum", 1e12), allow_nan=False)


_KINDS = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema, definitions: st.booleans(),
    "any": lambda schema, definitions: st.none() | st.text(max_size=5) | st.integers() | st.just({"a": [1]}),
}
