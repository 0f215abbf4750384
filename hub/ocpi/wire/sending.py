"""One request to a URL a peer gave, and one answer: over a kept connection, a new one, or inside this process.

Source: RFC 9110 (9.2.2 idempotent methods), RFC 9112 (HTTP/1.1).
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from hub.ocpi.wire.answers import Answer, BadAnswer, ConnectionFailed, NoAnswer, Unheard, WireError
from hub.ocpi.wire.connection import Connection
from hub.ocpi.wire.guard import Guard, Origin, Resolve, resolve
from hub.ocpi.wire.lines import Lines
from hub.ocpi.wire.pool import Pool

ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]

#: Safe to send twice (RFC 9110, 9.2.2): a second PUT or DELETE leaves what the first left.
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class Wire:
    """Sends HTTP requests; one per process.

    Args:
        allow_private: whether a URL may lead to a private or loopback address.
        max_answer: the largest content of an answer taken, in bytes.
        local: by origin (``http://host:port``), applications in this process, reached without a socket.
        allow_plain_http: whether a URL may be http.
        ca_file: certificates (PEM) of authorities trusted beside the system's.
        resolve: returns the addresses of a host and port.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        max_answer: int,
        local: Mapping[str, ASGIApp] | None = None,
        allow_plain_http: bool = True,
        ca_file: Path | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._guard = Guard(allow_private=allow_private, allow_plain_http=allow_plain_http, resolve=resolve)
        self._max_answer = max_answer
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._pool = Pool()
        self._local = {self._guard.read(origin)[0].key: app for origin, app in (local or {}).items()}

    def check(self, url: str) -> None:
        """Judge a URL as far as it can be without a resolver; the rest is judged when it is called.

        Raises:
            ForbiddenURL: no request may go there.
        """
        origin, _ = self._guard.read(url)
        if origin.key not in self._local:
            self._guard.judge(origin)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | Lines, body: bytes | None = None, *, timeout: float
    ) -> Answer:
        """Send one request and return its answer, whatever its status.

        A kept connection may turn out to be closed by the peer. A GET, PUT or DELETE that found it
        so before the first byte of an answer is sent once more, on a new connection. A POST or
        PATCH is not, for the peer may have acted on it; instead one is sent over a kept connection
        only if that was used a moment ago, and the kernel is asked whether it is still there.

        Args:
            headers: sent as given, after Host; User-Agent, Accept-Encoding and Content-Length are the wire's own.
            timeout: for the whole of it, the name's resolution included, in seconds.

        Raises:
            ForbiddenURL: the guard refuses the URL or an address behind it.
            ConnectionFailed: refused, unreachable, unknown name, no trusted TLS.
            NoAnswer: no whole answer within the timeout.
            BadAnswer: broken HTTP, or an answer too large.
        """
        origin, target = self._guard.read(url)
        lines = headers if isinstance(headers, Lines) else Lines.of(headers)
        if self._local and (app := self._local.get(origin.key)) is not None:
            return await self._send_inside(app, method, url, lines.fields(), body, timeout)
        request = _request(method, origin.authority, target, lines, body)
        kept = self._pool.take(origin.key, careful=method not in _REPEATABLE)
        if kept is not None:
            deadline = kept.loop.time() + timeout
            try:
                answer = await kept.exchange(request, timeout)
            except Unheard:
                if method not in _REPEATABLE:
                    raise
            else:
                self._pool.give(origin.key, kept, answer)
                return answer
        else:
            deadline = asyncio.get_running_loop().time() + timeout
        made = await self._connect(origin, deadline)
        answer = await made.exchange(request, deadline - made.loop.time())
        self._pool.give(origin.key, made, answer)
        return answer

    async def close(self) -> None:
        """Close all connections that carry no request."""
        self._pool.close()
        await asyncio.sleep(0)  # the transports close on the loop's next turn

    async def _connect(self, origin: Origin, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self._guard.addresses(origin)
        except TimeoutError as error:
            raise NoAnswer(f"{origin.host} was not resolved in time") from error
        failure: Exception = OSError("no address")
        for tried, address in enumerate(addresses):
            # An address that never answers must leave time for the others.
            share = (deadline - loop.time()) / (len(addresses) - tried)
            try:
                async with asyncio.timeout(share):
                    return await self._connect_to(address, origin)
            except (OSError, ssl.CertificateError) as error:  # TimeoutError is an OSError
                failure = error
        if isinstance(failure, TimeoutError):
            raise NoAnswer(f"no connection to {origin.authority} in time") from failure
        raise ConnectionFailed(f"no connection to {origin.authority}: {failure}") from failure

    async def _connect_to(self, address: str, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        encrypted: dict[str, Any] = {}
        if origin.scheme == "https":
            encrypted = {"ssl": self._context(), "server_hostname": origin.host}
        _, connection = await loop.create_connection(
            lambda: Connection(self._max_answer), address, origin.port, **encrypted
        )
        return connection

    def _context(self) -> ssl.SSLContext:
        # Made when first needed: reading the system's authorities takes 20 ms and 4 MB.
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
            if self._ca_file is not None:
                self._tls.load_verify_locations(self._ca_file)
        return self._tls

    async def _send_inside(
        self, app: ASGIApp, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> Answer:
        from hub.ocpi.wire.inside import send  # imports httpx, which a hub alone never needs

        answer = await send(app, method, url, headers, body, timeout=timeout)
        if len(answer.body) > self._max_answer:
            raise BadAnswer(f"it is larger than {self._max_answer} bytes")
        return answer


_OWN_HEADERS = "User-Agent: emall\r\nAccept-Encoding: identity\r\n"


def _request(method: str, authority: str, target: str, lines: Lines, body: bytes | None) -> bytes:
    """Return a request as it is sent; the guard has seen to it that target and authority break no line."""
    head = f"{method} {target} HTTP/1.1\r\nHost: {authority}\r\n{lines.text}{_OWN_HEADERS}"
    if body is not None or method not in ("GET", "DELETE"):
        head += f"Content-Length: {len(body or b'')}\r\n"
    try:
        text = f"{head}\r\n".encode("latin-1")
    except UnicodeEncodeError as error:
        raise WireError("a header outside ISO 8859-1 is not sent") from error
    return text + body if body else text
