"""uvicorn's HTTP protocol with one change: an answer that is whole goes out in one write.

uvicorn writes head and body apart, which is two system calls, and matches every header against two
patterns. Our answers are short and whole, and their headers are ours; both together were a sixth of
a routed request's CPU, measured (docs/decisions/0011).
"""

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_BROKEN = (b"\r", b"\n", b"\0")


class _Cycle(RequestResponseCycle):
    """One exchange; the head waits for the body."""

    _head: dict[str, Any] | None = None

    async def send(self, message: Any) -> None:
        """Send a part of the answer (ASGI)."""
        if message["type"] == "http.response.start" and not self.response_started and self._head is None:
            self._head = message
            return
        head, self._head = self._head, None
        if head is None:
            await super().send(message)
        elif message.get("more_body") or self.flow.write_paused or self.scope["method"] == "HEAD":
            await super().send(cast(Any, head))
            await super().send(message)
        else:
            self._write(head, message.get("body", b""))

    def _write(self, head: dict[str, Any], body: bytes) -> None:
        if self.disconnected:
            return
        parts = [STATUS_LINE[head["status"]]]
        sized = False
        for name, value in self.default_headers + head["headers"]:
            if name == b"connection" and value == b"close":
                self.keep_alive = False
                continue
            parts += (name, b": ", value, b"\r\n")
            sized = sized or name == b"content-length"
            if any(each in value for each in _BROKEN):
                raise RuntimeError("Invalid HTTP header value.")
        if not sized:
            parts.append(b"content-length: %d\r\n" % len(body))
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", body)
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join(parts))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class OneWriteProtocol(HttpToolsProtocol):
    """What uvicorn makes for each connection."""

    def on_headers_complete(self) -> None:
        """Begin an exchange; its task has been made and has not run yet."""
        super().on_headers_complete()
        if self.cycle is not None and type(self.cycle) is RequestResponseCycle:
            self.cycle.__class__ = _Cycle
