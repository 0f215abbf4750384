"""An API as an OpenAPI 3.1 description, written from the declarations.

Source: OpenAPI Specification 3.1.0.
"""

from collections.abc import Iterable
from typing import Any, get_args

from hub.api import shapes
from hub.api.declaring import JSON_TYPE, Operation
from hub.api.idempotency import HEADER, KeyReused
from hub.api.problems import (
    MEDIA_TYPE,
    USUAL,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    Problem,
    StepUpRequired,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from hub.api.realms import Access, Realm
from hub.ocpi.objects import JSONObject

_ID: JSONObject = {"type": "string", "minLength": 1, "maxLength": 255}

_PROBLEM: JSONObject = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "rule"],
                "properties": {"path": {"type": "string"}, "rule": {"type": "string"}},
            },
        },
    },
}


def describe(operations: Iterable[Operation], realm: Realm, url: str) -> JSONObject:
    """Return the description of the API at a URL.

    Raises:
        ValueError: two declarations have one name.
    """
    schemas: JSONObject = {"Problem": _PROBLEM}
    paths: dict[str, JSONObject] = {}
    for each in sorted(operations, key=lambda each: (each.declared.path, each.declared.method)):
        paths.setdefault(each.declared.path, {})[each.declared.method.lower()] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": realm.title,
            "version": "1",
            "description": f"{realm.about} Refusals are problem details (RFC 9457); their types are listed under"
            " /problems.",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": url}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of POST /login, or an API key.",
                }
            },
        },
    }


def kinds(operations: Iterable[Operation]) -> dict[str, type[Problem]]:
    """Return the kinds of problem an API answers, by the last segment of their types."""
    operations = list(operations)
    declared = {kind for each in operations for kind in each.declared.problems}
    declared |= {KeyReused} if any(each.declared.idempotent for each in operations) else set()
    return {each.slug(): each for each in sorted({*USUAL, *declared}, key=lambda each: each.slug())}


def _operation(operation: Operation, schemas: JSONObject) -> JSONObject:
    declared = operation.declared
    public = declared.access is Access.PUBLIC
    asked = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(each for each in (operation.description, _leave(operation)) if each),
        "security": [] if public else [{"bearer": [] if declared.access is Access.SIGNED_IN else [declared.access]}],
        "parameters": _parameters(operation, schemas),
        "responses": {**_success(operation, schemas), **_refusals(operation)},
    }
    if operation.body is not None:
        content = {kind: {"schema": _schema(operation.body, schemas)} for kind in declared.consumes}
        asked["requestBody"] = {"required": True, "content": content}
    return asked


def _leave(operation: Operation) -> str:
    """Return in words what a caller needs."""
    declared = operation.declared
    if declared.access is Access.PUBLIC:
        return "For everyone."
    asked = "any valid token" if declared.access is Access.SIGNED_IN else f"the scope `{declared.access}`"
    step_up = "; a staff member gives the password again (`X-Step-Up`)" if declared.step_up else ""
    return f"Asks for {asked}{step_up}."


def _parameters(operation: Operation, schemas: JSONObject) -> list[JSONObject]:
    found: list[JSONObject] = [
        {"name": name, "in": "path", "required": True, "schema": _ID} for name in operation.parameters
    ]
    if operation.query is not None:
        components = shapes.schema(operation.query)[1]
        _add(schemas, {name: each for name, each in components.items() if name != operation.query.__name__})
        said = components[operation.query.__name__]
        for name, each in said["properties"].items():
            found.append(
                {"name": name, "in": "query", "required": name in said.get("required", []), "schema": _of_query(each)}
            )
    if operation.pages:
        found.append({"name": "format", "in": "query", "schema": {"type": "string", "enum": ["json", "csv"]}})
    headers = ["X-Step-Up"] if operation.declared.step_up else []
    headers += [HEADER] if operation.declared.idempotent else []
    headers += ["If-Match"] if PreconditionFailed in operation.declared.problems else []
    required = (HEADER,)
    return found + [
        {"name": name, "in": "header", "required": name in required, "schema": {"type": "string"}} for name in headers
    ]


def _of_query(schema: JSONObject) -> JSONObject:
    """Return the schema of a query parameter: it may be left out, but is never null."""
    found = {name: each for name, each in schema.items() if not (name == "default" and each is None)}
    if isinstance(found.get("type"), list):
        found["type"] = next(each for each in found["type"] if each != "null")
    if None in found.get("enum", []):
        found["enum"] = [each for each in found["enum"] if each is not None]
    return found


def _success(operation: Operation, schemas: JSONObject) -> JSONObject:
    declared = operation.declared
    if operation.answer is None:
        return {"204": {"description": "Done"}}
    if declared.produces != JSON_TYPE:
        return {str(declared.status): {"description": "Success", "content": {declared.produces: {}}}}
    content: JSONObject = {JSON_TYPE: {"schema": _schema(operation.answer, schemas)}}
    headers: JSONObject = {}
    if operation.pages:
        content["text/csv"] = {"schema": {"type": "string"}}
        headers["Link"] = {"description": 'The next page: rel="next"', "schema": {"type": "string"}}
    return {str(declared.status): {"description": "Success", "headers": headers, "content": content}}


def _schema(declared: Any, schemas: JSONObject) -> JSONObject:
    if declared is bytes:
        return {"type": "string"}
    if getattr(declared, "__origin__", None) is shapes.Page:
        items = _schema(list[get_args(declared)[0]], schemas)  # type: ignore[misc]  # made from the declaration
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {"items": items, "next": {"type": ["string", "null"]}},
        }
    found, components = shapes.schema(declared)
    _add(schemas, components)
    return found


def _add(schemas: JSONObject, components: JSONObject) -> None:
    """Add the schemas a declaration refers to.

    Raises:
        ValueError: two declarations have one name.
    """
    for name, each in components.items():
        if schemas.setdefault(name, each) != each:
            raise ValueError(f"{name}: two declarations have this name")


def _refusals(operation: Operation) -> JSONObject:
    declared = operation.declared
    kinds: list[type[Problem]] = [NotFound, MethodNotAllowed, Invalid, *declared.problems]
    if declared.access is not Access.PUBLIC:
        kinds += [Unauthorized, Forbidden]
    if declared.step_up:
        kinds.append(StepUpRequired)
    if declared.idempotent:
        kinds += [KeyReused, Conflict]
    if operation.body is not None:
        kinds += [Malformed, TooLarge, UnsupportedMediaType]
    by_status: dict[int, list[str]] = {}
    for each in dict.fromkeys(kinds):
        by_status.setdefault(each.status, []).append(f"{each.slug()}: {each.title()}")
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": "; ".join(said), "content": content} for status, said in sorted(by_status.items())
    }
