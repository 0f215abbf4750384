"""HTTP in: uvicorn's protocol, its way from a request to its answer made short.

uvicorn keeps the sockets, the parser, the pipeline, flow control and the graceful stop. Ours is what happens to each
request: how little is made for it, and that an answer which is whole goes out in one write.
docs/decisions/0011-http-in.md says why.

Source: RFC 9112 (HTTP/1.1: 9.3 persistence, 9.6 tear-down), the ASGI specification (HTTP).
"""

import asyncio
import logging
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

log = logging.getLogger(__name__)


class Cycle:
    """One request and its answer, as an ASGI application sees them.

    Attributes:
        response_complete: whether the answer has been sent whole.
        disconnected: whether its client has gone.
        keep_alive: whether another request may follow on the connection.
    """

    __slots__ = (
        "_awaited", "_expecting", "_head", "_news", "_protocol", "body", "disconnected", "keep_alive", "more_body",
        "response_complete", "scope", "task",
    )  # fmt: skip

    def __init__(self, protocol: "Protocol", scope: dict[str, Any], *, keep_alive: bool, expecting: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.body = b""
        self.more_body = True
        self.task: asyncio.Task[None] | None = None
        self._protocol = protocol
        self._expecting = expecting  # the client waits for 100 Continue
        self._news = False  # whether there is something to receive
        self._awaited: asyncio.Future[None] | None = None
        self._head: dict[str, Any] | None = None

    async def run(self, app: Any) -> None:
        """Have an application answer."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:
            log.exception("%s was not answered", self.scope["path"])
        finally:
            self._protocol.tasks.discard(self.task)  # this runs in it
            if not self.response_complete:
                self._protocol.transport.close()

    def heard(self) -> None:
        """Note that there is something to receive."""
        self._news = True
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)

    async def receive(self) -> dict[str, Any]:
        """Return the next part of the request (ASGI); a small body is there already, and nobody waits."""
        if self._expecting:
            self._expecting = False
            self._protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self._news or self.disconnected or self.response_complete):
            self._protocol.flow.resume_reading()
            self._awaited = self._protocol.loop.create_future()
            await self._awaited
        self._news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, b""
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """Send a part of the answer (ASGI); its head waits for the first part of its body."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        protocol = self._protocol
        if protocol.flow.write_paused and not self.disconnected:
            await protocol.flow.drain()
        if self.disconnected:
            return
        body: bytes = message.get("body", b"")
        whole = not message.get("more_body", False)
        head, self._head = self._head, None
        sent = body if self.scope["method"] != "HEAD" else b""
        if head is not None:
            self._expecting = False
            sent = self._text_of(head, len(body) if whole else None) + sent
        protocol.transport.write(sent)
        if whole:
            self._complete()

    def _text_of(self, head: dict[str, Any], size: int | None) -> bytes:
        """Return the status line and headers; ``size`` is the body's, where it is whole."""
        lines, sized = [STATUS_LINE[head["status"]][:-2]], False
        for name, value in self._protocol.server_state.default_headers + head["headers"]:
            if name == b"connection":
                self.keep_alive = self.keep_alive and value != b"close"
                continue
            sized = sized or name == b"content-length"
            lines.append(name + b": " + value)
        if not sized and size is not None:
            lines.append(b"content-length: %d" % size)
        elif not sized:
            self.keep_alive = False  # the body ends with the connection
        if not self.keep_alive:
            lines.append(b"connection: close")
        lines += (b"", b"")
        text = b"\r\n".join(lines)
        # One look at the whole instead of one at each header.
        if not text.count(b"\r") == text.count(b"\n") == len(lines) - 1 or b"\0" in text:
            raise RuntimeError("a header with a line break is not sent")
        return text

    def _complete(self) -> None:
        self.response_complete = True
        self.heard()
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.on_response_complete()


#: What of a request is no content, at a stretch, in bytes: its line and headers, or what stands between chunks.
#: What came in one piece with it may be more; beyond that it would be a stranger's way to fill our memory.
MAX_HEAD = 64 * 1024
#: How long a request may take to arrive, in seconds: 8 MiB at 70 kB/s.
ARRIVAL = 120.0


class Protocol(HttpToolsProtocol):
    """What uvicorn makes for each connection."""

    cycle: Any = None
    _bare = 0  # bytes since the last that were content, or ended a head or a request
    _begun = 0.0  # when the request that is arriving began to; 0: none is

    def connection_made(self, transport: Any) -> None:
        """Begin a connection."""
        super().connection_made(transport)
        self._about = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": "",
        }
        self._heard_at = self.loop.time()
        # One timer that looks once in a while, instead of one that is made and cancelled for every request.
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection, and whatever waits on it."""
        self._timer.cancel()
        self.connections.discard(self)
        for cycle in (self.cycle, *(each for each, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.heard()
        self.flow.resume_writing()
        self.transport.close()
        self.parser = None  # type: ignore[assignment]  # it holds us, and we hold it

    def _look(self) -> None:
        """Close the connection if it carries no request and has been silent for too long."""
        now = self.loop.time()
        answering = self.cycle is not None and not self.cycle.response_complete
        left = self._heard_at + self.timeout_keep_alive - now
        late = self._begun and not self.pipeline and now - self._begun > ARRIVAL
        if late or (left <= 0 and not answering):
            self.transport.close()
        else:
            self._timer = self.loop.call_later(left if left > 0 else self.timeout_keep_alive, self._look)

    # What the transport and the parser tell.

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        self._bare += len(data)
        super().data_received(data)
        if self._bare > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"Headers may have at most {MAX_HEAD} bytes")

    def on_message_begin(self) -> None:
        self._begun = self._heard_at
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Begin an exchange; what has come of the body will be there when its task runs."""
        self._bare = 0
        url = self.url
        if url[:1] == b"/" and b"#" not in url:
            raw_path, _, query = url.partition(b"?")
        else:
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        path = raw_path.decode("ascii")
        scope = {
            **self._about,
            "method": self.parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
        }
        self.headers = []  # what follows the body are trailers, and no headers (RFC 9110, 6.5.1)
        keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        before = self.cycle
        self.cycle = Cycle(self, scope, keep_alive=keep_alive, expecting=self.expect_100_continue)
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # a pipelined request waits for the answer before it
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.task = self.loop.create_task(cycle.run(app))
        self.tasks.add(cycle.task)

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.heard()

    def on_message_complete(self) -> None:
        self._bare, self._begun = 0, 0.0
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.heard()

    def on_response_complete(self) -> None:
        """Go on with the next request, if one waits."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._heard_at = self.loop.time()
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
