"""The front of the house: which door a request goes to, and the few pages that are not OCPI.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Response format: errors of the HTTP layer, too).
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from hub.metrics import CONTENT_TYPE, Metrics
from hub.ocpi import codec
from hub.ocpi.errors import MethodNotAllowed, OcpiError, UnknownEndpoint
from hub.ocpi.exchanges import Answer, Exchange, Receive, Scope, Send, give, refusal
from hub.ocpi.versions import VERSIONS

#: What is behind a door: an ASGI application.
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Front:
    """The ASGI application of a process.

    Args:
        doors: by path (``/ocpi``), what is behind them.
        public_url: where peers reach us.
    """

    def __init__(
        self, doors: Mapping[str, Application], public_url: str, metrics: Metrics, *, show_metrics: bool
    ) -> None:
        self._doors = {path.encode(): door for path, door in doors.items()}
        self._public_url = public_url
        self._prefix = urlsplit(public_url).path.rstrip("/").encode()
        self._metrics = metrics
        self._show_metrics = show_metrics

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Lead a request to its door (ASGI)."""
        raw_path: bytes = scope.get("raw_path", b"")
        if self._prefix and _is_below(raw_path, self._prefix):  # called inside, or by a proxy that does not strip it
            size = len(self._prefix)
            stripped = {**scope, "raw_path": raw_path[size:], "path": scope["path"][size:]}
            door = self._door(raw_path[size:])
            if door is not None:
                return door(stripped, receive, send)
            if self._door(raw_path) is None:
                return self._answer(stripped, receive, send)
        door = self._door(raw_path)
        return door(scope, receive, send) if door is not None else self._answer(scope, receive, send)

    def _door(self, raw_path: bytes) -> Application | None:
        for path, door in self._doors.items():
            if _is_below(raw_path, path):
                return door
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        try:
            answer = self._page(scope)
        except OcpiError as error:
            answer = refusal(error, exchange.headers)
        await give(answer, exchange)

    def _page(self, scope: Scope) -> Answer:
        """Return the answer to a request for one of the few pages that are not OCPI.

        Raises:
            UnknownEndpoint: there is no such page.
            MethodNotAllowed: it is there to be read only.
        """
        path: str = scope["path"]
        kind, text = b"application/json", b""
        if path == "/health":
            text = b'{"status":"ok"}'
        elif path == "/metrics" and self._show_metrics:
            kind, text = CONTENT_TYPE.encode(), self._metrics.text().encode()
        elif path.startswith("/openapi/"):
            text = self._openapi(path.removeprefix("/openapi/").removesuffix(".json"))
        else:
            raise UnknownEndpoint
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(allow=("GET",))
        return Answer(200, [(b"content-type", kind), (b"content-length", str(len(text)).encode())], text)

    def _openapi(self, number: str) -> bytes:
        from hub.ocpi.openapi import describe  # read by people, not needed to start

        if number not in VERSIONS:
            raise UnknownEndpoint
        return codec.encode(describe(VERSIONS[number], f"{self._public_url}/ocpi"))


def _is_below(raw_path: bytes, prefix: bytes) -> bool:
    return raw_path.startswith(prefix) and raw_path[len(prefix) : len(prefix) + 1] in (b"/", b"")
