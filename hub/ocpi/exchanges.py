"""One HTTP exchange: what is read of it, and how it is answered in the OCPI response format.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Response format, Message Routing, Unique message IDs).
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from hub.ocpi import codec
from hub.ocpi.errors import (
    HubError,
    InvalidParameters,
    MethodNotAllowed,
    OcpiError,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unparsable,
)
from hub.ocpi.messages import Body, Party, Request, Response, message_id, now
from hub.ocpi.objects import JSON
from hub.ocpi.versions.steps import Version

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_MAX_ID = 1024  # characters of a message id; a UUID has 36


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    headers: Headers
    body: bytes


class Direct(Protocol):
    """A server that spares ASGI's coroutines and messages where they would carry nothing (``hub.http``)."""

    def taken(self) -> bytes | None: ...
    def given(self, status: int, headers: Headers, body: bytes) -> bool: ...


class Exchange:
    """One HTTP exchange, read as far as every answer needs."""

    __slots__ = ("direct", "headers", "receive", "scope", "send")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        extensions = scope.get("extensions")
        self.direct: Direct | None = extensions.get("emall.direct") if extensions else None

    def text(self, name: bytes) -> str | None:
        """Return a header's value; None where it is missing or empty."""
        value = self.headers.get(name)
        return value.decode("latin-1").strip() or None if value is not None else None

    def correlation_id(self) -> str:
        """Return the id that goes with the message all its way: as it came, else that of the request, else a new one.

        Raises:
            InvalidParameters: it is too long to be kept with every trace of the message.
        """
        found = self.text(b"x-correlation-id") or self.text(b"x-request-id") or message_id()
        if len(found) > _MAX_ID:
            raise InvalidParameters(f"X-Correlation-ID: at most {_MAX_ID} characters")
        return found


def whole_body(exchange: Exchange, max_body: int) -> bytes | None:
    """Return the body if it is there already, as most are; None: it is to be read.

    Raises:
        TooLarge: it has more than ``max_body`` bytes.
    """
    whole = exchange.direct.taken() if exchange.direct is not None else None
    if whole is not None and len(whole) > max_body:
        raise TooLarge(f"The body may have at most {max_body} bytes")
    return whole


async def read_body(exchange: Exchange, max_body: int) -> bytes:
    """Return the body; one that is too large is refused before it is read whole.

    Raises:
        TooLarge: it has more than ``max_body`` bytes.
        Unparsable: it ended early.
    """
    whole = whole_body(exchange, max_body)
    if whole is not None:
        return whole
    declared = exchange.headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > max_body:
        raise TooLarge(f"The body may have at most {max_body} bytes")
    message = await exchange.receive()
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) <= max_body:
            return body
    chunks, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body"):
        if size > max_body:
            raise TooLarge(f"The body may have at most {max_body} bytes")
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise Unparsable("The body ended early")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    if size > max_body:
        raise TooLarge(f"The body may have at most {max_body} bytes")
    return b"".join(chunks)


#: How long the rest of a body that is too large is read and thrown away, in seconds. A connection closed at
#: once is reset by the system while its client still sends, and the answer is lost on the way (RFC 9112, 9.6).
_LINGER = 2.0


async def give(answer: Answer, exchange: Exchange) -> None:
    """Send an answer; one that ends the connection stays until its client has stopped sending, within limits."""
    closing = answer.status == TooLarge.http_status
    if not closing and exchange.direct is not None and exchange.direct.given(*answer):
        return
    send = exchange.send
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": closing})
    if not closing:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while (await exchange.receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})


class RateLimit:
    """A token bucket per connection: ``rate`` requests per second, and as many at once."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, caller_id: str) -> None:
        """Take one request out of a connection's bucket.

        Raises:
            TooManyRequests: the bucket is empty; it says when it will not be.
        """
        at = self._clock()
        left, last = self._buckets.get(caller_id, (max(self._rate, 1.0), at))
        left = min(max(self._rate, 1.0), left + (at - last) * self._rate)
        if left < 1:
            self._buckets[caller_id] = (left, at)
            raise TooManyRequests(retry_after=max(1, round((1 - left) / self._rate)))
        self._buckets[caller_id] = (left - 1, at)


_JSON_TYPE = (b"content-type", b"application/json")


_IDS = (b"x-request-id", b"x-correlation-id")


def _ids(headers: Mapping[bytes, bytes]) -> Headers:
    return [(name, headers[name]) for name in _IDS if name in headers]


def configured(exchange: Exchange, data: JSON) -> Answer:
    """Return the success of a Configuration Module, which has no routing headers."""
    body = _envelope(codec.encode(data) if data is not None else None, 1000, None)
    return Answer(200, [_JSON_TYPE, *_ids(exchange.headers), _size(body)], body)


def answered(exchange: Exchange, request: Request, response: Response, version: Version, party: Party | None) -> Answer:
    """Return a platform's answer: its envelope as it came if nothing in it is to be translated."""
    plain = response.version is version or response.data is None or response.data.declared is None
    if response.envelope is not None and plain:
        body = response.envelope
    else:
        data = _in_version(response.data, version) if response.data is not None else None
        body = _envelope(data, response.status_code, response.status_message)
    headers = [_JSON_TYPE, *_ids(exchange.headers), _size(body)]
    if request.sender is not None:
        headers += _routing(request.sender, response.sender or party)
    for name, value in response.headers.items():
        headers.append((name.lower().encode(), value.encode("latin-1")))
    return Answer(response.http_status, headers, body)


def _in_version(data: Body, version: Version) -> bytes:
    # Answers are not judged, and translation believes what a version declares.
    try:
        return data.text(version)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise HubError(f"The receiving party's answer cannot be said in {version.number}: it is not valid") from error


@lru_cache(maxsize=4096)  # the same few pairs stand in all answers
def _routing(to: Party, sender: Party | None) -> Headers:
    headers = [(b"ocpi-to-country-code", to[0].encode()), (b"ocpi-to-party-id", to[1].encode())]
    if sender is not None:
        headers += [(b"ocpi-from-country-code", sender[0].encode()), (b"ocpi-from-party-id", sender[1].encode())]
    return headers


def _size(body: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", str(len(body)).encode())


def _envelope(data: bytes | None, status_code: int, message: str | None) -> bytes:
    parts = [b"{"]
    if data is not None:
        parts += [b'"data":', data, b","]
    parts += [b'"status_code":', str(status_code).encode()]
    if message is not None:
        parts += [b',"status_message":', codec.encode(message)]
    parts += [b',"timestamp":"', now().encode(), b'"}']
    return b"".join(parts)


def refusal(
    error: OcpiError, headers: Mapping[bytes, bytes], to: Party | None = None, sender: Party | None = None
) -> Answer:
    """Return the answer that says an error, with the ids of the request it answers."""
    body = _envelope(None, error.status_code, str(error))
    sent = [_JSON_TYPE, *_ids(headers), _size(body)]
    if to is not None:
        sent += _routing(to, sender)
    if isinstance(error, TooManyRequests):
        sent.append((b"retry-after", str(error.retry_after).encode()))
    if isinstance(error, Unauthorized):
        sent.append((b"www-authenticate", b"Token"))
    if isinstance(error, MethodNotAllowed) and error.allow:
        sent.append((b"allow", ", ".join(error.allow).encode()))
    if isinstance(error, TooLarge):
        sent.append((b"connection", b"close"))
    return Answer(error.http_status, sent, body)
