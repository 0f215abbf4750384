"""The hub's OCPI interfaces as an OpenAPI 3.1 description, made from the declarations.

For client generators, for people who explore, and for the tests that search for inputs the hub
mishandles. Responses of routed requests come from other parties, so they promise the envelope and,
for successes, the declared data.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Response format, Message Routing Headers).
"""

from typing import Any

from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.objects import JSONObject
from hub.ocpi.versions.steps import Version

_ROUTING = {
    "OCPI-from-country-code": 2,
    "OCPI-from-party-id": 3,
    "OCPI-to-country-code": 2,
    "OCPI-to-party-id": 3,
}


def describe(version: Version, url: str) -> JSONObject:
    """Return the description of a version's endpoints at the versions' base URL ``url``."""
    schemas: JSONObject = {"Envelope": _ENVELOPE}
    paths: JSONObject = {f"/{version.number}/credentials": _credentials(version, schemas)}
    for identifier in sorted(version.modules & REGISTRY.keys()):
        module = REGISTRY[identifier]
        for operation in module.operations:
            # The hub is the Sender of its Configuration Module, never the Receiver.
            if version.has(operation) and (module.functional or operation.role == "SENDER"):
                path = f"/{version.number}/{operation.role.lower()}/{identifier}{operation.path}"
                described = _operation(version, operation, functional=module.functional, schemas=schemas)
                paths.setdefault(path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": f"OCPI {version.number} hub", "version": version.number},
        "servers": [{"url": url}],
        "security": [{"credentials_token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "credentials_token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Token, a space, and the credentials token in Base64",
                }
            },
        },
    }


#: A CiString in a URL: printable ASCII; a segment of dots only would lead elsewhere and is refused.
_ID: JSONObject = {"type": "string", "minLength": 1, "maxLength": 36, "pattern": r"^[!-~]*[!-\-/-~][!-~]*$"}

_ENVELOPE: JSONObject = {
    "type": "object",
    "required": ["status_code", "timestamp"],
    "properties": {
        "data": {},
        "status_code": {"type": "integer", "minimum": 1000, "maximum": 4999},
        "status_message": {"type": ["string", "null"]},
        "timestamp": {"type": "string", "format": "date-time", "maxLength": 25},
    },
}


def _operation(version: Version, operation: Operation, *, functional: bool, schemas: JSONObject) -> JSONObject:
    parameters = [
        {"name": segment[1:-1], "in": "path", "required": True, "schema": _ID}
        for segment in operation.segments
        if segment[:1] == "{"
    ]
    parameters += [_query(version, operation, name, declared) for name, declared in operation.query_typed]
    if functional:
        parameters += [
            {"name": name, "in": "header", "schema": {"type": "string", "maxLength": length, "pattern": "^[!-~]+$"}}
            for name, length in _ROUTING.items()
        ]
    described: JSONObject = {
        "operationId": operation_id(operation),
        "tags": [operation.module],
        "parameters": parameters,
        "responses": _responses(operation),
    }
    links = _links(version, operation)
    if links:
        for status in ("200", "201"):
            described["responses"].get(status, {})["links"] = links
    if operation.body is not None:
        partial = operation.method == "PATCH"
        described["requestBody"] = {
            "required": not operation.body_optional,
            "content": {"application/json": {"schema": _named(version, operation.body, schemas, partial=partial)}},
        }
    return described


def operation_id(operation: Operation) -> str:
    """Return the name of an operation in the description."""
    path = operation.path.translate(str.maketrans("/-", "__", "{}"))
    return f"{operation.method.lower()}_{operation.role.lower()}_{operation.module}{path}"


def _links(version: Version, operation: Operation) -> JSONObject:
    """Return what can be done with an object once it is pushed: what has its URL, or one below it."""
    if operation.method != "PUT" or not operation.owned:
        return {}
    names = [segment[1:-1] for segment in operation.segments if segment[:1] == "{"]
    parameters = {f"path.{name}": f"$request.path.{name}" for name in names}
    return {
        operation_id(each): {"operationId": operation_id(each), "parameters": parameters}
        for each in REGISTRY[operation.module].receiver.operations
        if each is not operation
        and version.has(each)
        and each.segments[: len(operation.segments)] == operation.segments
    }


def _query(version: Version, operation: Operation, name: str, declared: Any) -> JSONObject:
    schema = version.schema(declared)
    if declared is int:
        schema = {"type": "integer", "minimum": 1 if name == "limit" else 0, "maximum": 10**18 - 1}
    return {"name": name, "in": "query", "required": name in operation.query_required, "schema": schema}


def _responses(operation: Operation) -> JSONObject:
    envelope = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}}
    found = {"200": {"description": "An OCPI answer: success, or an error said by its status_code", **envelope}}
    if operation.method in ("PUT", "POST"):
        found["201"] = {"description": "Created", **envelope}
    for status, description in (
        ("400", "The body is not valid JSON"),
        ("401", "No token of a known party"),
        ("404", "No such endpoint or object"),
        ("405", "The endpoint has no such method now"),
        ("413", "The body is too large"),
        ("429", "More requests than the connection may send"),
    ):
        found[status] = {"description": description, **envelope}
    return found


def _named(version: Version, declared: Any, schemas: JSONObject, *, partial: bool) -> JSONObject:
    name = declared.__name__ + ("Patch" if partial else "")
    if name not in schemas:
        schema = version.schema(declared, partial=partial)
        definitions = schema.pop("$defs", {})
        schemas[name] = _moved(schema)
        for inner, definition in definitions.items():
            schemas.setdefault(inner, _moved(definition))
    return {"$ref": f"#/components/schemas/{name}"}


def _moved(schema: Any) -> Any:
    """Return a schema with its references led to the description's components."""
    if isinstance(schema, dict):
        return {
            key: each.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(each)
            for key, each in schema.items()
            if key not in ("$schema", "$id")
        }
    return [_moved(each) for each in schema] if isinstance(schema, list) else schema


def _credentials(version: Version, schemas: JSONObject) -> JSONObject:
    body = {"content": {"application/json": {"schema": _named(version, Credentials, schemas, partial=False)}}}
    operation = {"tags": ["credentials"], "responses": _responses(Operation("credentials", "SENDER", "PUT", ""))}
    return {
        method: {
            **operation,
            "operationId": f"{method}_credentials",
            **({"requestBody": {"required": True, **body}} if method in ("post", "put") else {}),
        }
        for method in ("get", "post", "put", "delete")
    }
