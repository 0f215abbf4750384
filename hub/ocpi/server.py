"""OCPI over HTTP, inward: from an HTTP request to the answer of a platform.

One ASGI application per local platform. A request passes, in this order: the
credentials token, the rate limit, the path, the declared operation, the routing headers, the body (judged by
the rules of the version it was sent in). Plain ASGI and a table instead of a framework's router:
the identifiers in OCPI's URLs may hold any printable character, percent-encoded, so the path is
split before it is decoded (decision 0010).

Source: OCPI 2.3.0, transport_and_format.asciidoc, status_codes.asciidoc.
"""

import logging
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast, get_args
from urllib.parse import unquote_to_bytes

from hub.ocpi import codec
from hub.ocpi.errors import (
    InvalidParameters,
    MethodNotAllowed,
    OcpiError,
    ServerError,
    Unauthorized,
    UnknownEndpoint,
)
from hub.ocpi.exchanges import (
    Answer,
    Exchange,
    Headers,
    RateLimit,
    Receive,
    Scope,
    Send,
    answered,
    configured,
    give,
    read_body,
    refusal,
    whole_body,
)
from hub.ocpi.interfaces import REGISTRY, InterfaceRole, Method, Operation
from hub.ocpi.messages import Body, Party, Request, Response
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.objects import JSON
from hub.ocpi.parameters import judge_query
from hub.ocpi.platforms import Platform
from hub.ocpi.routes import endpoints_of
from hub.ocpi.versions import SPOKEN_AS, VERSIONS, inner_version
from hub.ocpi.versions.steps import Version

log = logging.getLogger(__name__)
_MAX_CREDENTIALS = 1024 * 1024  # bytes; they stay in memory, and others are told of them


class Caller(Protocol):
    """Who is calling: the connection a credentials token belongs to.

    Attributes:
        version: None as long as it is only invited: then versions and credentials alone are open.
    """

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def parties(self) -> tuple[Party, ...]: ...
    @property
    def custom_modules(self) -> frozenset[str]: ...
    def speaks_for(self, party: Party) -> bool: ...


C = TypeVar("C", bound=Caller)


class Reception(Protocol[C]):
    """Knows the tokens, and serves the Configuration Modules that stand before all others."""

    def authenticate(self, authorization: str | None) -> C: ...
    async def catch_up(self) -> None: ...
    def heard(self, caller: C) -> None: ...
    def offers(self, caller: C, number: str) -> bool: ...
    async def versions(self, caller: C) -> JSON: ...
    async def version_details(self, caller: C, version: str) -> JSON: ...
    async def credentials(self, caller: C, version: str, method: str, body: JSON, correlation_id: str) -> JSON: ...


class Observer(Protocol):
    """Told of every request to a functional module, for the trace and the counters."""

    def __call__(self, request: Request, caller: Caller, response: Response | OcpiError, seconds: float) -> None: ...


class Server:
    """A local platform's OCPI address.

    Args:
        platform: answers the requests to modules.
        reception: authenticates callers and serves versions and credentials.
        base_path: where this stands, ``/ocpi``; no trailing slash.
        party: who answers where the platform names nobody else (OCPI-from of responses).
        offered: the (module, role) pairs there are; None: all of every version (a hub).
        observe: told of every request to a module.
        max_body: in bytes.
        rate_limit: requests per second and connection; 0: no limit.
    """

    def __init__(
        self,
        platform: Platform,
        reception: Reception[Any],
        base_path: str,
        *,
        party: Party | None = None,
        offered: Iterable[tuple[str, str]] | None = None,
        observe: Observer | None = None,
        max_body: int = 8 * 1024 * 1024,
        rate_limit: float = 0.0,
    ) -> None:
        self.platform = platform
        self._reception = reception
        self._base = base_path.encode()
        self._party = party
        self._observe = observe
        self._max_body = max_body
        self._limiter = RateLimit(rate_limit) if rate_limit else None
        pairs = None if offered is None else frozenset(offered)
        self._versions = {number: VERSIONS[inner_version(number)] for number in (*VERSIONS, *SPOKEN_AS)}
        self._endpoints = {version.number: endpoints_of(version, pairs) for version in VERSIONS.values()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        exchange = Exchange(scope, receive, send)
        try:
            answer = await self._answer(exchange)
        except OcpiError as error:
            answer = refusal(error, exchange.headers)
        except Exception:
            log.exception("%s failed, correlation id %s", scope["path"], exchange.text(b"x-correlation-id"))
            answer = refusal(ServerError(), exchange.headers)
        await give(answer, exchange)

    async def _answer(self, exchange: Exchange) -> Answer:
        authorization = exchange.text(b"authorization")
        caller = self._known(authorization) or await self._caught_up(authorization or "")
        if self._limiter is not None:
            self._limiter.spend(caller.id)
        self._reception.heard(caller)
        path: bytes = exchange.scope["raw_path"][len(self._base) :]
        segments = _split(path)
        method = exchange.scope["method"]
        if segments == ["versions"]:
            _only(method, "GET")
            return configured(exchange, await self._reception.versions(caller))
        number = segments[0] if segments else ""
        version = self._versions.get(number)
        if version is None or (number in SPOKEN_AS and not self._reception.offers(caller, number)):
            raise UnknownEndpoint("There is no such OCPI version or endpoint")
        if len(segments) == 1:
            _only(method, "GET")
            return configured(exchange, await self._reception.version_details(caller, number))
        if segments[1:] == ["credentials"]:
            return await self._credentials(exchange, caller, number, method)
        if caller.version is None:
            raise Unauthorized("A CREDENTIALS_TOKEN_A opens versions and credentials only")
        return await self._module(exchange, caller, version, segments, path)

    def _known(self, authorization: str | None) -> Caller | None:
        """Return who presents a token; None: nobody has it, as far as is known here."""
        try:
            caller: Caller = self._reception.authenticate(authorization)
        except Unauthorized:
            if authorization is None:
                raise
            return None
        return caller

    async def _caught_up(self, authorization: str) -> Caller:
        # The command line, or another node, may have invited or changed somebody a moment ago; others
        # may just have caught up for their own sake, so it is looked again in any case.
        await self._reception.catch_up()
        caller: Caller = self._reception.authenticate(authorization)
        return caller

    async def _credentials(self, exchange: Exchange, caller: Caller, number: str, method: str) -> Answer:
        _only(method, "GET", "POST", "PUT", "DELETE")
        body = None
        if method in ("POST", "PUT"):
            text = await read_body(exchange, min(self._max_body, _MAX_CREDENTIALS))
            VERSIONS[inner_version(number)].judge(text, Credentials)
            body = codec.decode(text)
        correlation_id = exchange.text(b"x-correlation-id") or ""
        return configured(exchange, await self._reception.credentials(caller, number, method, body, correlation_id))

    async def _module(
        self, exchange: Exchange, caller: Caller, version: Version, segments: list[str], path: bytes
    ) -> Answer:
        started = time.perf_counter()
        operation, params = self._operation(version, caller, exchange.scope["method"], segments)
        request = _request(exchange, caller, version, operation, params, path)
        outcome: Response | OcpiError
        try:
            if operation.query_required or operation.query_typed:
                judge_query(request)
            request.body = await self._body(exchange, version, request)
            outcome = await self.platform(request)
        except OcpiError as error:
            outcome = error
        if self._observe is not None:
            self._observe(request, caller, outcome, time.perf_counter() - started)
        if isinstance(outcome, OcpiError):
            return refusal(outcome, exchange.headers, request.sender, self._party)
        return answered(exchange, request, outcome, version, self._party)

    def _operation(
        self, version: Version, caller: Caller, method: str, segments: list[str]
    ) -> tuple[Operation, dict[str, str]]:
        if len(segments) < 3 or segments[1] not in ("sender", "receiver"):
            raise UnknownEndpoint("There is no such OCPI endpoint")
        role, identifier = segments[1].upper(), segments[2]
        methods = self._endpoints[version.number].get((role, identifier))
        if methods is None:
            if identifier in caller.custom_modules:
                return _custom(identifier, role, method), {}
            raise UnknownEndpoint(f"There is no module {identifier} with role {role} in {version.number} here")
        tail = segments[3:]
        for route in methods.get((method, len(tail)), ()):
            params = route.match(tail)
            if params is not None:
                return route.operation, params
        allowed = [
            other
            for (other, length), operations in methods.items()
            if length == len(tail) and any(each.match(tail) is not None for each in operations)
        ]
        if allowed:
            raise MethodNotAllowed(f"{method} does not exist here", allow=sorted(allowed))
        raise UnknownEndpoint(f"The module {identifier} has no such endpoint")

    async def _body(self, exchange: Exchange, version: Version, request: Request) -> Body | None:
        operation = request.operation
        if operation.module not in REGISTRY:
            text = await read_body(exchange, self._max_body)
            return Body(None, text=text, version=version) if text else None
        if operation.body is None:
            return None
        whole = whole_body(exchange, self._max_body)
        text = whole if whole is not None else await read_body(exchange, self._max_body)
        if not text and operation.body_optional:
            return None
        partial = operation.method == "PATCH"
        judged = version.judge(text, operation.body, partial=partial)
        body = Body(operation.body, text=text, version=version, owner=request.sender, partial=partial)
        body.judged = judged
        return body


def _custom(identifier: str, role: str, method: str) -> Operation:
    """Return an operation of a module the specification does not know: routed untouched."""
    if method not in get_args(Method):
        raise MethodNotAllowed(f"{method} is no OCPI method")
    return Operation(identifier, cast(InterfaceRole, role), cast(Method, method), "")


#: What is no segment of a path: a proxy or a client would take it for another path.
_NO_SEGMENTS = frozenset({"", ".", ".."})


def _split(path: bytes) -> list[str]:
    """Return the decoded segments of a path; one without percent signs is decoded at once."""
    path = path[:-1] if path.endswith(b"/") else path
    try:
        if path.find(b"%") >= 0:
            segments = [unquote_to_bytes(each).decode("utf-8") for each in path.split(b"/")[1:]]
        else:
            segments = path.decode("utf-8").split("/")[1:]
    except UnicodeDecodeError as error:
        raise UnknownEndpoint("A URL segment is not UTF-8") from error
    if not _NO_SEGMENTS.isdisjoint(segments) or not "".join(segments).isprintable():
        raise UnknownEndpoint("A URL segment is empty, a dot segment or not printable")
    return segments


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise MethodNotAllowed(f"{method} does not exist here", allow=allowed)


def _request(
    exchange: Exchange,
    caller: Caller,
    version: Version,
    operation: Operation,
    params: dict[str, str],
    path: bytes,
) -> Request:
    sender = receiver = None
    module = REGISTRY.get(operation.module)
    if module is None or module.functional:
        if len(exchange.headers) != len(exchange.scope["headers"]):
            _refuse_repeated(exchange.scope["headers"])
        sender = _sender(exchange, caller, lenient=operation.result)
        receiver = _party(exchange, _TO)
    rest = path.split(b"/", 4)  # nothing, version, role, module, what follows
    return Request(
        operation,
        sender,
        receiver,
        params,
        tail="/" + rest[4].decode("latin-1").rstrip("/") if len(rest) > 4 else "",
        query=exchange.scope["query_string"].decode("latin-1"),
        correlation_id=exchange.correlation_id(),
        request_id=exchange.text(b"x-request-id") or "",
        caller=caller.id,
        version=version,
    )


def _refuse_repeated(headers: Headers) -> None:
    names = [name for name, _ in headers if name in _FROM or name in _TO]
    if len(names) != len(set(names)):
        raise InvalidParameters("A routing header stands twice")


_FROM = (b"ocpi-from-country-code", b"ocpi-from-party-id")
_TO = (b"ocpi-to-country-code", b"ocpi-to-party-id")


def _party(exchange: Exchange, names: tuple[bytes, bytes]) -> Party | None:
    country_code, party_id = exchange.headers.get(names[0]), exchange.headers.get(names[1])
    if country_code is None and party_id is None:
        return None
    return _party_of(country_code or b"", party_id or b"", "from" if names is _FROM else "to")


@lru_cache(maxsize=4096)  # the same few parties stand in all requests
def _party_of(country_code: bytes, party_id: bytes, way: str) -> Party | None:
    country, identifier = country_code.decode("latin-1").strip(), party_id.decode("latin-1").strip()
    if not country and not identifier:
        return None
    if not country or not identifier:
        raise InvalidParameters(f"OCPI-{way} needs both country-code and party-id")
    if len(country) > 2 or len(identifier) > 3:
        raise InvalidParameters(f"OCPI-{way}: country-code is CiString(2), party-id is CiString(3)")
    return Party.of(country, identifier)


def _sender(exchange: Exchange, caller: Caller, *, lenient: bool) -> Party | None:
    sender = _party(exchange, _FROM)
    if sender is None:
        if len(caller.parties) != 1:
            if lenient:  # a later result finds its way by the URL it is posted to (checklist CM-10)
                return None
            raise InvalidParameters("OCPI-from headers are required: this platform has several parties")
        return caller.parties[0]
    if not caller.speaks_for(sender):
        raise InvalidParameters(f"OCPI-from {sender} is no party of the calling platform")
    return sender
