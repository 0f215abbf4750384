"""OCPI over HTTP, outward: a remote peer as a platform.

What a peer does differently from the text is a ``Quirks`` profile of its connection, so that
nothing else in the house knows of it.

Source: OCPI 2.3.0, transport_and_format.asciidoc.
"""

import base64
from collections.abc import AsyncIterator, Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from hub.ocpi import codec
from hub.ocpi.errors import (
    HubError,
    InvalidParameters,
    NoMatchingEndpoints,
    OcpiError,
    ReceiverFailed,
    ReceiverTimeout,
    ReceiverUnreachable,
)
from hub.ocpi.interfaces import InterfaceRole
from hub.ocpi.lanes import Lane
from hub.ocpi.messages import Body, Party, Request, Response, message_id
from hub.ocpi.objects import JSON
from hub.ocpi.quirks import PLAIN, Quirks, lean
from hub.ocpi.versions.steps import Version
from hub.ocpi.wire import Answer, BadAnswer, ForbiddenURL, NoAnswer, Wire, WireError

#: Response headers that mean something beyond one hop.
KEPT_HEADERS = ("link", "x-total-count", "x-limit", "location")

#: HTTP statuses of a receiver that would mean something else if the hub said them.
_NOT_RELAYED = frozenset({401, 407, 408, 413, 421, 425, 429, 431})


class Peer(Protocol):
    """A connection, as far as speaking to it needs."""

    @property
    def id(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def endpoints(self) -> Mapping[tuple[str, InterfaceRole], str]: ...
    @property
    def quirks(self) -> Quirks: ...


class Watcher(Protocol):
    """Who wants to know whether peers answer (the reception's presence)."""

    def answered(self, connection_id: str) -> None: ...
    def failed(self, connection_id: str, error: OcpiError) -> None: ...


@dataclass(frozen=True)
class Envelope:
    """A peer's answer outside routing, decoded, its data as received."""

    http_status: int
    status_code: int
    status_message: str | None
    data: JSON
    headers: Mapping[str, str]


class _Envelope(msgspec.Struct):
    status_code: int
    timestamp: str
    data: msgspec.Raw = msgspec.Raw()
    status_message: str | None = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def _read_envelope(text: bytes) -> _Envelope:
    if not text.isascii():
        text.decode("utf-8")  # msgspec does not look at the UTF-8 of what it leaves raw
    return _decode_envelope(text)


@lru_cache(maxsize=4096)
def authorization(token: str, raw: bool) -> str:
    """Return the Authorization header for a credentials token (RFC 4648 section 4, no newline)."""
    return f"Token {token}" if raw else f"Token {base64.b64encode(token.encode()).decode()}"


def _ignore(**quirks: object) -> None:
    """Where nobody remembers quirks."""


class Client:
    """Calls peers: the cold path of handshakes, probes and pulls, and the lanes of routed requests.

    Args:
        timeout: seconds a peer may take to answer.
        concurrency: requests in flight to one peer at most; more wait, within their timeout.
    """

    def __init__(self, wire: Wire, *, timeout: float = 30.0, concurrency: int = 64) -> None:
        self.wire = wire
        self.timeout = timeout
        self._concurrency = concurrency
        self._lanes: dict[str, Lane] = {}

    def lane(self, peer_id: str) -> Lane:
        """Return the one lane all requests to a peer pass."""
        lane = self._lanes.get(peer_id)
        if lane is None:
            lane = self._lanes[peer_id] = Lane(self._concurrency)
        return lane

    async def call(
        self,
        method: str,
        url: str,
        token: str,
        *,
        body: JSON | None = None,
        quirks: Quirks = PLAIN,
        correlation_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Envelope:
        """Make one OCPI call outside routing.

        Raises:
            ReceiverUnreachable: no connection, or a URL the guard forbids.
            ReceiverTimeout: no answer in time.
            HubError: an answer that is not OCPI.
        """
        sent = {
            "Authorization": authorization(token, quirks.raw_token),
            "X-Request-ID": message_id(),
            "X-Correlation-ID": correlation_id or message_id(),
            **(headers or {}),
        }
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = codec.encode(body)
        answer = await self.send(method, url, sent, content, timeout or self.timeout)
        return _envelope(answer)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout: float
    ) -> Answer:
        """Send over the wire, its failures said as OCPI says them."""
        try:
            return await self.wire.send(method, url, headers, content, timeout=timeout)
        except NoAnswer as error:
            raise ReceiverTimeout(f"No answer within {timeout:g} s") from error
        except BadAnswer as error:
            raise ReceiverFailed(f"The receiving party's answer is broken: {error}") from error
        except (ForbiddenURL, WireError) as error:
            raise ReceiverUnreachable(f"The receiving party is not connected: {error}") from error

    async def pages(
        self,
        url: str,
        token: str,
        *,
        quirks: Quirks = PLAIN,
        date_from: str | None = None,
        correlation_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 100,
        shown: Callable[..., object] = _ignore,
    ) -> AsyncIterator[list[JSON]]:
        """Yield a peer's list page by page; a Link that leads off the peer's host, or in a circle, is not followed.

        Args:
            shown: told of each quirk the peer shows meanwhile, by keyword.
        """
        query = {"limit": str(limit)} | ({"date_from": date_from} if date_from else {})
        first = url + ("/" if quirks.trailing_slash and not url.endswith("/") else "")
        following: str | None = f"{first}?{urlencode(query)}"
        seen: set[str] = set()
        offset = 0
        while following and following not in seen:
            seen.add(following)
            answer = await self.call(
                "GET", following, token, quirks=quirks, correlation_id=correlation_id, headers=headers
            )
            if not 1000 <= answer.status_code < 2000:
                raise HubError(f"{following} answered {answer.status_code} {answer.status_message or ''}".strip())
            if isinstance(answer.data, dict):
                shown(single_for_list=True)
            page = answer.data if isinstance(answer.data, list) else [] if answer.data is None else [answer.data]
            yield page
            offset += len(page)
            following = _linked(answer, first, seen, quirks) if page else None
            if following is None and page and _goes_on(answer, offset):
                # Without a usable Link, what X-Total-Count promises beyond this page is fetched by position.
                shown(link="offset")
                following = f"{first}?{urlencode({**query, 'offset': str(offset)})}"


def _linked(answer: Envelope, first: str, seen: Container[str], quirks: Quirks) -> str | None:
    link = next_link(answer.headers.get("link"))
    usable = link and quirks.link == "follow" and link not in seen and urlsplit(link)[:2] == urlsplit(first)[:2]
    return link if usable else None


def _goes_on(answer: Envelope, offset: int) -> bool:
    total = count(answer.headers.get("x-total-count", ""))
    return total is not None and offset < total


def count(text: str) -> int | None:
    """Return the whole number a header says, if it is one somebody can mean."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def next_link(header: str | None) -> str | None:
    """Return the URL of rel=next in a Link header (RFC 8288), if there is one."""
    for link in (header or "").split(",<"):
        target, _, parameters = link.strip().lstrip("<").partition(">")
        if 'rel="next"' in parameters or "rel=next" in parameters.replace("'", ""):
            return target
    return None


def _envelope(answer: Answer) -> Envelope:
    try:
        value = codec.decode(answer.body)
    except InvalidParameters as error:
        raise _not_ocpi(answer) from error
    if not isinstance(value, dict) or type(value.get("status_code")) is not int:
        raise _not_ocpi(answer)
    message = value.get("status_message")
    return Envelope(
        answer.status, value["status_code"], message if isinstance(message, str) else None, value.get("data"),
        answer.headers,
    )  # fmt: skip


def _not_ocpi(answer: Answer) -> HubError:
    kind = ReceiverFailed if answer.status >= 500 else HubError
    return kind(f"The receiving party answered HTTP {answer.status} without an OCPI body")


class RemotePlatform:
    """A connected peer, spoken to in its own version at its own endpoints.

    Raises (when called):
        ReceiverTimeout: no answer within the timeout.
        ReceiverUnreachable: no connection.
        HubError: an answer that is not OCPI, or a refusal of the hub's own credentials.
        NoMatchingEndpoints: the peer does not offer the module.
    """

    def __init__(self, peer: Peer, client: Client, version: Version, watcher: Watcher | None = None) -> None:
        self.peer = peer
        self.version = version
        self._client = client
        self._watcher = watcher
        self._authorization = authorization(peer.token, peer.quirks.raw_token)
        self._lane = client.lane(peer.id)

    async def __call__(self, request: Request, *, url: str | None = None, timeout: float | None = None) -> Response:
        """Put a request to the peer; ``url`` stands for an exact URL it gave (a response_url)."""
        target = url or self._url(request)
        limit = timeout or self._client.timeout
        content = self._content(request)
        headers = self._headers(request, content)
        await self._lane.enter(limit)
        try:
            answer = await self._client.send(request.operation.method, target, headers, content, limit)
        except OcpiError as error:
            if self._watcher is not None:
                self._watcher.failed(self.peer.id, error)
            raise
        finally:
            self._lane.leave()
        if self._watcher is not None:
            self._watcher.answered(self.peer.id)
        return self._response(request, answer)

    def _url(self, request: Request) -> str:
        operation = request.operation
        endpoint = self.peer.endpoints.get((operation.module, operation.role))
        if endpoint is None:
            raise NoMatchingEndpoints(f"The receiving party does not offer {operation.module} as {operation.role}")
        url = endpoint.rstrip("/") + request.path
        if self.peer.quirks.trailing_slash or (not request.path and endpoint.endswith("/")):
            url += "/"
        return f"{url}?{request.query}" if request.query else url

    def _content(self, request: Request) -> bytes | None:
        if request.body is None:
            return None
        if not self.peer.quirks.lean:
            return request.body.text(self.version)
        lowered = codec.decode(request.body.text(self.version))
        return codec.encode(lean(lowered, request.body.declared, self.version.shape))

    def _headers(self, request: Request, content: bytes | None) -> dict[str, str]:
        headers = {
            "Authorization": self._authorization,
            "X-Request-ID": message_id(),
            "X-Correlation-ID": request.correlation_id,
        }
        if content is not None:
            headers["Content-Type"] = "application/json"
        if request.sender is not None:
            headers["OCPI-from-country-code"], headers["OCPI-from-party-id"] = request.sender
        if request.receiver is not None:
            receiver = Party(*(each.lower() for each in request.receiver)) if self._lower else request.receiver
            headers["OCPI-to-country-code"], headers["OCPI-to-party-id"] = receiver
        return headers

    @property
    def _lower(self) -> bool:
        return self.peer.quirks.lower_case_ids

    def _response(self, request: Request, answer: Answer) -> Response:
        if answer.status == 401:
            raise HubError("The receiving party refused the hub's credentials (HTTP 401)")
        try:
            read = _read_envelope(answer.body)
        except codec.NOT_JSON:
            return self._odd_response(request, answer)
        whole: bytes | None = answer.body
        text = bytes(read.data) or None
        if 1000 <= read.status_code < 2000:
            _refuse_false_success(answer)
            if request.operation.paginated and text and text[:1] == b"{":  # a list of one as the bare object
                text, whole = b"[" + text + b"]", None
        return Response(
            self._data(request, text, read.status_code),
            read.status_code,
            read.status_message,
            _relayed_status(answer.status),
            {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
            envelope=whole,
            version=self.version,
        )

    def _odd_response(self, request: Request, answer: Answer) -> Response:
        """Read an envelope that breaks its own table (no timestamp, say) as far as it goes."""
        odd = _envelope(answer)
        if 1000 <= odd.status_code < 2000:
            _refuse_false_success(answer)
        text = codec.encode(odd.data) if odd.data is not None else None
        return Response(
            self._data(request, text, odd.status_code),
            odd.status_code,
            odd.status_message,
            _relayed_status(answer.status),
            {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
        )

    def _data(self, request: Request, text: bytes | None, status_code: int) -> Body | None:
        """Return an answer's data; what an error says in it is declared nowhere, and passes as it is."""
        if text is None:
            return None
        declared = request.operation.data if 1000 <= status_code < 2000 else None
        return Body(declared, text=text, version=self.version, owner=request.receiver)


def _refuse_false_success(answer: Answer) -> None:
    """An OCPI success under an HTTP error is nobody's success (checklist HE-05)."""
    if answer.status >= 300:
        kind = ReceiverFailed if answer.status >= 500 else HubError
        raise kind(f"The receiving party answered HTTP {answer.status} with a success code")


def _relayed_status(status: int) -> int:
    return status if 200 <= status < 300 or (400 <= status < 500 and status not in _NOT_RELAYED) else 200
