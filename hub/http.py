"""HTTP in: uvicorn's protocol, its way from a request to its answer made short.

uvicorn keeps the sockets, the parser, the pipeline, flow control and the graceful stop. Ours is what happens to each
request: how little is made for it, and that an answer which is whole goes out in one write.
docs/decisions/0011-http-in.md says why.

Source: RFC 9112 (HTTP/1.1: 9.3 persistence, 9.6 tear-down), the ASGI specification (HTTP).
"""

import asyncio
import logging
from collections import deque
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
        "_awaited", "_expecting", "_head", "_listener", "_news", "body", "disconnected", "keep_alive", "more_body",
        "response_complete", "scope", "task",
    )  # fmt: skip

    def __init__(self, listener: "Listener", scope: dict[str, Any], *, keep_alive: bool, expecting: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.body = b""
        self.more_body = True
        self.task: asyncio.Task[None] | None = None
        self._listener = listener
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
            self._listener.tasks.discard(self.task)  # this runs in it
            # Both lead back to this: left to the garbage collector they cost a tenth of a routed request's CPU.
            self.task = None
            self.scope.pop("extensions", None)
            if not self.response_complete:
                self._listener.transport.close()

    def heard(self) -> None:
        """Note that there is something to receive."""
        self._news = True
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)

    async def receive(self) -> dict[str, Any]:
        """Return the next part of the request (ASGI); a small body is there already, and nobody waits."""
        listener = self._listener
        if self._expecting:
            self._expecting = False
            listener.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self._news or self.disconnected or self.response_complete):
            listener.flow.resume_reading()
            self._awaited = listener.loop.create_future()
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
        listener = self._listener
        if listener.flow.write_paused and not self.disconnected:
            await listener.flow.drain()
        if self.disconnected:
            return
        body: bytes = message.get("body", b"")
        whole = not message.get("more_body", False)
        head, self._head = self._head, None
        sent = body if self.scope["method"] != "HEAD" else b""
        if head is not None:
            self._expecting = False
            sent = self._text_of(head["status"], head["headers"], len(body) if whole else None) + sent
        listener.transport.write(sent)
        if whole:
            self._complete()

    # Without ASGI's coroutines and messages: for who knows us (the extension ``emall.direct``).

    def taken(self) -> bytes | None:
        """Return the body, if it has come whole and nobody has received any of it."""
        if self.more_body or not self._news or self._expecting or self.disconnected:
            return None
        self._news = False
        body, self.body = self.body, b""
        return body

    def given(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer, if that can be done at once; return whether it was."""
        listener = self._listener
        if listener.flow.write_paused or self.disconnected or self.scope["method"] == "HEAD":
            return False
        self._expecting = False
        listener.transport.write(self._text_of(status, headers, len(body)) + body)
        self._complete()
        return True

    def _text_of(self, status: int, headers: list[tuple[bytes, bytes]], size: int | None) -> bytes:
        """Return the status line and headers; ``size`` is the body's, where it is whole."""
        lines: list[bytes] = [_STATUS_LINES[status], *self._listener.default_lines]
        sized = False
        for name, value in headers:
            if name == b"connection":
                self.keep_alive = self.keep_alive and value != b"close"
                continue
            if name == b"content-length":
                sized = True
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
        if not text.count(b"\r") == text.count(b"\n") == len(lines) - 1 or text.find(b"\0") >= 0:
            raise RuntimeError("a header with a line break is not sent")
        return text

    def _complete(self) -> None:
        self.response_complete = True
        self.heard()
        if not self.keep_alive:
            self._listener.transport.close()
        self._listener.answered()


_STATUS_LINES: dict[int, bytes] = {status: line[:-2] for status, line in STATUS_LINE.items()}

#: What of a request is no content, at a stretch, in bytes: its line and headers, or what stands between chunks.
#: What came in one piece with it may be more; beyond that it would be a stranger's way to fill our memory.
MAX_HEAD = 64 * 1024
#: How long a request may take to arrive, in seconds: 8 MiB at 70 kB/s.
ARRIVAL = 120.0


class Listener:
    """What comes in on one connection, as the transport and the parser tell it.

    Attributes:
        cycle: the request that came last.
        pipeline: requests that wait for the answer to the one before them.
        heard_at: when there last was anything, by the loop's time.
        begun: when the request that is arriving began to; 0: none is.
        default_lines: headers of every answer.
    """

    def __init__(self, protocol: "Protocol") -> None:
        self.protocol: Any = protocol
        self.loop = protocol.loop
        self.app = protocol.app
        self.tasks: Any = protocol.tasks
        self.state = protocol.server_state
        self.default_lines = [name + b": " + value for name, value in protocol.server_state.default_headers]
        self.transport: Any = None
        self.flow: Any = None
        self.about: dict[str, Any] = {}
        self.cycle: Cycle | None = None
        self.pipeline: deque[Cycle] = deque()
        self.heard_at = 0.0
        self.begun = 0.0
        self._bare = 0  # bytes since the last that were content, or ended a head or a request
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expecting = False
        self.parser: Any = httptools.HttpRequestParser(self)
        # What follows a request that ends the connection is told, so that it is answered before.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    # What the transport tells.

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        self.heard_at = self.loop.time()
        self._bare += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.protocol.send_400_response("Invalid HTTP request received.")
            return
        except httptools.HttpParserUpgrade:
            log.debug("an upgrade of the protocol is not offered")
        if self._bare > MAX_HEAD and not self.transport.is_closing():
            self.protocol.send_400_response(f"Headers may have at most {MAX_HEAD} bytes")

    def lost(self) -> None:
        """Tell whoever waits that the client has gone."""
        for cycle in (self.cycle, *self.pipeline):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.heard()
        self.parser = self.protocol = None  # they hold us, and we hold them

    # What the parser tells.

    def on_message_begin(self) -> None:
        self.begun = self.heard_at
        self._url = b""
        self._expecting = False
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._expecting = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin an exchange; what has come of the body will be there when its task runs."""
        self._bare = 0
        url = self._url
        if url[:1] == b"/" and url.find(b"#") < 0:
            raw_path, _, query = url.partition(b"?")
        else:
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        path = raw_path.decode("ascii")
        parser = self.parser
        scope = self.about.copy()
        scope["method"] = parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        scope["headers"] = self._headers
        self._headers = []  # what follows the body are trailers, and no headers (RFC 9110, 6.5.1)
        keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        before = self.cycle
        cycle = Cycle(self, scope, keep_alive=keep_alive, expecting=self._expecting)
        scope["extensions"] = {"emall.direct": cycle}
        self.cycle = self.protocol.cycle = cycle
        if before is None or before.response_complete:
            self._start(cycle)
        else:  # a pipelined request waits for the answer before it
            self.flow.pause_reading()
            self.pipeline.append(cycle)

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return
        cycle.body = cycle.body + body if cycle.body else body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.heard()

    def on_message_complete(self) -> None:
        self._bare, self.begun = 0, 0.0
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.more_body = False
            cycle.heard()

    def _start(self, cycle: Cycle) -> None:
        cycle.task = self.loop.create_task(cycle.run(self.app))
        self.tasks.add(cycle.task)

    def answered(self) -> None:
        """Go on with the next request, if one waits."""
        self.state.total_requests += 1
        if self.transport.is_closing():
            return
        self.heard_at = self.loop.time()
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start(self.pipeline.popleft())


class Protocol(HttpToolsProtocol):
    """What uvicorn makes for each connection."""

    cycle: Any = None

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.listener = Listener(self)
        self.parser = None  # type: ignore[assignment]  # the listener has one
        # The loop asks for it once, and what it calls for every piece should do nothing but its work.
        self.data_received = self.listener.data_received  # type: ignore[method-assign]

    def connection_made(self, transport: Any) -> None:
        """Begin a connection."""
        super().connection_made(transport)
        listener = self.listener
        listener.transport, listener.flow = transport, self.flow
        listener.about = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": "",
        }
        listener.heard_at = self.loop.time()
        # One timer that looks once in a while, instead of one that is made and cancelled for every request.
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection, and whatever waits on it."""
        self._timer.cancel()
        self.connections.discard(self)
        self.listener.lost()
        self.flow.resume_writing()
        self.transport.close()

    def _look(self) -> None:
        """Close the connection if it carries no request and has been silent for too long."""
        listener, now = self.listener, self.loop.time()
        answering = listener.cycle is not None and not listener.cycle.response_complete
        left = listener.heard_at + self.timeout_keep_alive - now
        late = listener.begun and not listener.pipeline and now - listener.begun > ARRIVAL
        if late or (left <= 0 and not answering):
            self.transport.close()
        else:
            self._timer = self.loop.call_later(left if left > 0 else self.timeout_keep_alive, self._look)
