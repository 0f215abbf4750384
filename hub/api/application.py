"""An API as an ASGI application: one way from a request to its answer, for every route.

In this order: who calls (401), the path and method (404, 405), the scope (403), the password given
again (403), path, query and body as declared (413, 415, 422), then the handler; what it changed is in
the audit log before it is answered. Strangers learn nothing of what paths there are.

Source: RFC 9110 (semantics), RFC 6750 (bearer tokens), RFC 9457 (problem details).
"""

import dataclasses
import datetime
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as HttpScope

from hub.api import idempotency, judging
from hub.api.answers import (
    HEADERS,
    csv_answer,
    entity_tag,
    give_last,
    json_answer,
    next_link,
    problem_answer,
)
from hub.api.audit import AuditLog, Trail, masked, plain
from hub.api.declaring import Call, Gate, Operation, operations
from hub.api.feed import Feed
from hub.api.idempotency import Once
from hub.api.matching import Paths
from hub.api.principals import NOBODY, Principal
from hub.api.problems import (
    Conflict,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Problem,
    StepUpRequired,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    invalid,
)
from hub.api.rates import Rates
from hub.api.realms import Access, Realm
from hub.api.shapes import Page
from hub.database.contract import Conflict as UniqueConflict
from hub.database.contract import Database, DatabaseUnavailable
from hub.ocpi.times import utc_now

log = logging.getLogger(__name__)


class Api:
    """The application.

    Args:
        routes: objects whose methods are declared with ``declaring.route``.
        feed: the live events.
        realm: what this API has of its own.
        rates: how often callers may ask; None: as often as they like.
        url: where peers reach it, ``{public_url}/cpms/api/v1``.
    """

    def __init__(
        self,
        routes: Sequence[object],
        *,
        realm: Realm,
        gate: Gate,
        feed: Feed,
        database: Database,
        url: str = "",
        rates: Rates | None = None,
        clock: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self.realm = realm
        self.path = realm.path
        self.url = url or realm.path
        self.feed = feed
        self.log = AuditLog(database, realm, clock)
        self.operations: list[Operation] = []
        self._paths = Paths()
        self.gate = gate
        self.database = database
        self.once = Once(database, realm, clock)
        self.rates = rates
        for group in routes:
            self.add(group)
        self.clock = clock

    def add(self, routes: object) -> None:
        """Offer the routes of one more object, as a room that starts later does.

        Raises:
            ValueError: an operation has the name, or the path and method, of another.
        """
        for each in operations(routes):
            self._paths.add(each)
            self.operations.append(each)

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        request_id = _request_id(request)
        try:
            response = await self._answered(request, request_id)
        except ClientDisconnect:
            return
        response.headers["X-Request-ID"] = request_id
        if response.status_code == TooLarge.status:
            return await give_last(response, receive, send)
        if request.method == "HEAD":
            response = Response(None, response.status_code, headers=dict(response.headers))
        await response(scope, receive, send)

    def path_in(self, scope: HttpScope) -> str:
        """Return the path below the API's own, its segments not yet decoded."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        return raw.partition(b"?")[0].decode("ascii", "replace").removeprefix(self.path) or "/"

    async def _answered(self, request: Request, request_id: str) -> Response:
        started = time.perf_counter()
        name, caller = "-", NOBODY
        try:
            caller = await self._caller(request)
            if self.rates is not None:
                self.rates.check(caller, _address(request.scope))
            known, values = self._paths.find(self.path_in(request.scope))
            if request.method == "OPTIONS" and known and caller is not NOBODY:
                return Response(None, 204, headers={**HEADERS, "Allow": _allow(known)})
            operation = _chosen(known, request.method, caller)
            name = operation.name
            response = await _Exchange(self, request, request_id, caller).run(operation, values)
        except Problem as problem:
            response = problem_answer(problem, f"{self.path}/problems", request_id)
        except UniqueConflict:
            # Two requests met in a unique key; nothing of this one is done.
            response = problem_answer(Conflict("Another request was faster"), f"{self.path}/problems", request_id)
        except DatabaseUnavailable as error:
            log.error("the store failed on %s: %s", request_id, error)
            response = problem_answer(Unavailable("The store cannot be used"), f"{self.path}/problems", request_id)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request %s to %s failed", request_id, self.path)
            response = problem_answer(InternalError(), f"{self.path}/problems", request_id)
        ms = (time.perf_counter() - started) * 1000
        log.info("%s %s by %s %s: %d in %.1f ms", name, request_id, caller.kind, caller.id, response.status_code, ms)
        return response

    async def _caller(self, request: Request) -> Principal:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or kind.lower() != "bearer":
            return NOBODY
        found = await self.gate.principal(token.strip())
        if found is None:
            raise Unauthorized("The bearer token is not valid", headers=_challenge('error="invalid_token"'))
        return found


class _Exchange:
    """One request of a caller who may make it."""

    def __init__(self, api: Api, request: Request, request_id: str, caller: Principal) -> None:
        self._api = api
        self._request = request
        self._request_id = request_id
        self._caller = caller
        self._text = b""

    async def run(self, operation: Operation, values: list[str]) -> Response:
        await self._check_step_up(operation)
        query, as_csv = self._query(operation)
        arguments: dict[str, Any] = {
            name: _parameter(name, text) for name, text in zip(operation.parameters, values, strict=True)
        }
        if operation.query is not None:
            arguments["query"] = judging.query(query, operation.query)
        elif query:
            raise invalid(f"query.{query[0][0]}", "unknown")
        body = None
        if operation.body is not None:
            arguments["body"], body = await self._body(operation)
        if not operation.declared.idempotent:
            return await self._done(operation, self._call(operation), arguments, body, as_csv=as_csv)
        asked = idempotency.asked(
            self._caller, self._request.headers.get(idempotency.HEADER), operation.declared.method.encode(),
            self._request.scope["raw_path"], self._request.scope["query_string"], self._text,
        )  # fmt: skip
        call = dataclasses.replace(self._call(operation), idempotency_key=asked.id)
        return await self._api.once.answer(asked, lambda: self._settled(operation, call, arguments, body))

    async def _settled(self, operation: Operation, call: Call, arguments: dict[str, Any], body: Any) -> Response:
        """Return the answer, a refusal too, that the same request is given again."""
        try:
            return await self._done(operation, call, arguments, body, as_csv=False)
        except Problem as problem:
            if problem.status >= 500 and not problem.acted:
                raise
            return problem_answer(problem, f"{self._api.path}/problems", self._request_id)

    async def _done(
        self, operation: Operation, call: Call, arguments: dict[str, Any], body: Any, *, as_csv: bool
    ) -> Response:
        result = await self._carried_out(operation, call, arguments, body)
        if isinstance(result, Response):
            return result
        return self._response(operation, result, call, arguments, as_csv=as_csv)

    async def _check_step_up(self, operation: Operation) -> None:
        # A key is no person: what it may do was decided when it was made.
        if not operation.declared.step_up or self._caller.kind != "account":
            return
        token = self._request.headers.get("x-step-up", "")
        if not token or not await self._api.gate.stepped_up(self._caller, token):
            raise StepUpRequired

    def _query(self, operation: Operation) -> tuple[list[tuple[str, str]], bool]:
        """Return the query parameters, and whether the list is asked for as CSV."""
        pairs = parse_qsl(self._request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not operation.pages:
            return pairs, False
        formats = [text for name, text in pairs if name == "format"]
        if any(text not in ("csv", "json") for text in formats):
            raise invalid("query.format", "must be csv or json")
        accepted = "text/csv" in self._request.headers.get("accept", "")
        rest = [(name, text) for name, text in pairs if name != "format"]
        return rest, formats[-1] == "csv" if formats else accepted

    async def _body(self, operation: Operation) -> tuple[Any, Any]:
        """Return the body as declared, and what of it the audit log may tell."""
        declared = operation.declared
        kind = self._request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in declared.consumes or self._request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType(f"Send {' or '.join(declared.consumes)}", headers=_accepted(operation))
        text = self._text = await self._read(declared.max_body)
        if operation.body is bytes:
            return text, {"media_type": kind, "size": len(text)}
        found = judging.body(text, operation.body, operation.also)
        return found, masked(plain(found))

    async def _read(self, most: int) -> bytes:
        told = self._request.headers.get("content-length", "")
        if told.isdigit() and len(told) < 19 and int(told) > most:
            raise TooLarge(f"The body may have at most {most} bytes")
        chunks, size = [], 0
        async for chunk in self._request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise TooLarge(f"The body may have at most {most} bytes")
        return b"".join(chunks)

    def _call(self, operation: Operation) -> Call:
        address = _address(self._request.scope)
        trail = Trail(
            self._api.log,
            self._caller,
            action=operation.name,
            target=self._api.path_in(self._request.scope),
            request_id=self._request_id,
            address=address,
        )
        return Call(
            principal=self._caller,
            request_id=self._request_id,
            address=address,
            headers=self._request.headers,
            trail=trail,
            now=self._api.clock(),
            tag_of=entity_tag,
        )

    async def _carried_out(self, operation: Operation, call: Call, arguments: Mapping[str, Any], body: Any) -> Any:
        try:
            result = await operation.handler(call, **arguments)
        except Problem as problem:
            if problem.acted and operation.changes:
                await self._record(call, {"asked": body, "problem": problem.slug()}, problem.status)
            raise
        if operation.changes and not call.trail.recorded:
            await self._record(call, body, operation.declared.status)
        return result

    async def _record(self, call: Call, after: Any, status: int) -> None:
        said = call.trail.said
        after = said.get("after", after)
        await self._api.database.transact(lambda tx: call.trail.record(tx, status=status, after=after))

    def _response(
        self, operation: Operation, result: Any, call: Call, arguments: dict[str, Any], *, as_csv: bool
    ) -> Response:
        if result is None:
            return Response(None, 204, headers=HEADERS)
        headers = {}
        if isinstance(result, Page) and result.next is not None:
            url = self._api.url + self._api.path_in(self._request.scope)
            headers["Link"] = next_link(url, self._request.scope["query_string"].decode("latin-1"), result.next)
        if as_csv:
            return self._csv(operation, result, call, arguments, headers)
        if operation.declared.method == "GET":
            headers["ETag"] = entity_tag(result)
            if headers["ETag"] in self._request.headers.get("if-none-match", ""):
                return Response(None, 304, headers={**HEADERS, **headers})
        elif not isinstance(result, Page):
            headers["ETag"] = entity_tag(result)
        return json_answer(result, operation.declared.status, headers=headers)

    def _csv(
        self, operation: Operation, first: Page[Any], call: Call, arguments: dict[str, Any], headers: dict[str, str]
    ) -> Response:
        async def following(cursor: str) -> Page[Any]:
            asked = msgspec.structs.replace(arguments["query"], cursor=cursor)
            page: Page[Any] = await operation.handler(call, **{**arguments, "query": asked})
            return page

        # A list that takes no query has no pages.
        whole = "query" in arguments and "limit=" not in self._request.scope["query_string"].decode("latin-1")
        if whole:
            headers = {name: text for name, text in headers.items() if name != "Link"}
        name = operation.segments[-1] if not operation.segments[-1].startswith("{") else operation.tag
        return csv_answer(operation.answer, first, following if whole else None, name=name, headers=headers)


def _chosen(known: Mapping[str, Operation], method: str, caller: Principal) -> Operation:
    """Return the operation a caller means.

    Raises:
        Unauthorized, NotFound, MethodNotAllowed, Forbidden: there is none he may use.
    """
    operation = known.get("GET" if method == "HEAD" else method)
    if caller is NOBODY and (operation is None or operation.declared.access is not Access.PUBLIC):
        raise Unauthorized(headers=_challenge())
    if not known:
        raise NotFound("There is no such path; openapi.json lists all")
    if operation is None:
        raise MethodNotAllowed(headers={"Allow": _allow(known)})
    if not caller.may(operation.declared.access):
        raise Forbidden(f"This asks for the scope {operation.declared.access}", scope=operation.declared.access)
    return operation


def _parameter(name: str, text: str) -> str:
    if len(text) > 255:
        raise invalid(f"path.{name}", "must have at most 255 characters")
    return text


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if 0 < len(given) <= 128 and given.isascii() and given.isprintable() else str(uuid.uuid4())


def _address(scope: HttpScope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


def _challenge(more: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": f"Bearer {more}".strip()}


def _allow(known: Mapping[str, Operation]) -> str:
    return ", ".join(sorted({*known, *(["HEAD"] if "GET" in known else []), "OPTIONS"}))


def _accepted(operation: Operation) -> dict[str, str]:
    header = "Accept-Patch" if operation.declared.method == "PATCH" else "Accept-Post"
    return {header: ", ".join(operation.declared.consumes)}
