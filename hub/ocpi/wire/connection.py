"""One HTTP/1.1 connection to a peer: the bytes of a request out, one answer back.

Parsing is llhttp's (``httptools``); what is decided here is where an answer ends, how large it may
be, and whether another request may follow on the connection.

Source: RFC 9112 (HTTP/1.1: 6.3 message body length, 9.3 persistence).
"""

import asyncio
import select
import zlib
from typing import Any, cast

import httptools

from hub.ocpi.wire.answers import Answer, BadAnswer, NoAnswer, Unheard, WireError

#: What of an answer is no content, at a stretch: status line and headers, interim answers, trailers; in bytes.
MAX_HEAD = 64 * 1024


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time.

    Attributes:
        max_answer: the largest content of an answer taken, in bytes.
        reusable: whether what was said on it allows another request.
        used: whether it has carried an answer already.
        idle_since: the loop's time since which it waits for the next request; ``idle_until`` how long it may.
    """

    def __init__(self, max_answer: int) -> None:
        self.max_answer = max_answer
        self.loop = asyncio.get_running_loop()  # asking for it is a system call each time (getpid)
        self.reusable = True
        self.used = False
        self.idle_since = self.idle_until = 0.0
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self._allowed = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._status = 0
        self._heard = 0
        self._in_head = True
        self._until_close = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()  # not a list: of chunks of a byte or two it takes many times their memory
        self._bare = 0  # bytes since there was any content: a head, or what stands between and after chunks

    async def exchange(self, request: bytes, timeout: float) -> Answer:
        """Send a whole request and return its answer.

        Raises:
            Unheard: the peer closed the connection before any byte of an answer.
            BadAnswer: the answer is broken, incomplete or too large.
            NoAnswer: it is not there after ``timeout`` seconds.
        """
        if not self.open:  # closed as soon as it was made: nobody would tell the waiter
            raise Unheard("the connection was closed before the request")
        waiter: asyncio.Future[Answer] = self.loop.create_future()
        self._waiter = waiter
        self._heard = self._bare = 0
        self._limit(timeout)
        self._transport.write(request)
        try:
            return await waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None

    def _limit(self, timeout: float) -> None:
        """Have the answer fail if it is not there in time.

        A timer that is there already looks again when it ends, for to make one and cancel it for each request took
        3 % of a routed request's CPU.
        """
        self._allowed = timeout
        self._deadline = self.loop.time() + timeout
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._deadline > self.loop.time():
            self._timer = self.loop.call_at(self._deadline, self._look)
        else:
            self._fail(NoAnswer(f"no answer within {self._allowed:.3g} s"))

    @property
    def open(self) -> bool:
        """Whether another request may be sent over it, as far as we have been told."""
        return self.reusable and not self._transport.is_closing()

    def close_pending(self) -> bool:
        """Return whether the peer has closed it, or sent what nobody asked for, without our having read it yet."""
        ready = select.poll()
        ready.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(ready.poll(0))

    def close(self) -> None:
        """Close it in order."""
        self.reusable = False
        self._transport.close()

    def abort(self) -> None:
        """Drop it, with whatever is still to be sent or read."""
        self.reusable = False
        self._transport.abort()

    def _fail(self, error: WireError) -> None:
        self.reusable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self.abort()
            return
        self._heard += len(data)
        self._bare += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # What a callback of ours raised is the context of the parser's own error.
            self._fail(BadAnswer(str(error.__context__ or error)))
            return
        if self._bare > MAX_HEAD:
            self._fail(BadAnswer(f"its headers are larger than {MAX_HEAD} bytes"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        if self._timer is not None:
            self._timer.cancel()
        if self._waiter is None or self._waiter.done():
            return
        if not self._heard:
            self._fail(Unheard("the connection was closed before any answer"))
        elif self._until_close and not self._in_head and exc is None:
            self._complete()
        else:
            self._fail(BadAnswer("the connection was closed in the middle of the answer"))

    # What the parser tells.

    def on_message_begin(self) -> None:
        self._headers = {}
        self._body = bytearray()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # a trailer, which nobody asked for
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._status = self._parser.get_status_code()
        length = self._headers.get("content-length")
        self._until_close = length is None and "transfer-encoding" not in self._headers
        if length is not None and int(length) > self.max_answer:
            raise _TooLarge(self.max_answer)

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        self._body += body
        if len(self._body) > self.max_answer:
            raise _TooLarge(self.max_answer)

    def on_message_complete(self) -> None:
        if self._status < 200:  # 100 Continue, 103 Early Hints: the answer is still to come
            self._in_head = True
            return
        # An answer may come before the whole request is sent (413); what is left must not be read as the next one.
        if not self._parser.should_keep_alive() or self._transport.get_write_buffer_size():
            self.reusable = False
        self._complete()

    def _complete(self) -> None:
        if self._waiter is None or self._waiter.done():
            self.reusable = False  # a second answer to one request
            return
        self.used = True
        try:
            body = _plain(bytes(self._body), self._headers.pop("content-encoding", ""), self.max_answer)
        except BadAnswer as error:
            self._fail(error)
        else:
            self._waiter.set_result(Answer(self._status, self._headers, body))
        self._body = bytearray()


class _TooLarge(Exception):
    def __init__(self, limit: int) -> None:
        super().__init__(f"it is larger than {limit} bytes")


def _plain(body: bytes, coding: str, limit: int) -> bytes:
    # We ask for no coding (identity); some servers compress all the same.
    coding = coding.lower()
    if coding in ("", "identity") or not body:
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer(f"its content is coded as {coding}, which nobody asked for")
    try:
        decoder: Any = zlib.decompressobj(wbits=47)  # zlib and gzip, told apart by their heads
        plain: bytes = decoder.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadAnswer(f"its {coding} content is broken: {error}") from error
    if len(plain) > limit:
        raise BadAnswer(f"it is larger than {limit} bytes")
    if not decoder.eof:
        raise BadAnswer(f"its {coding} content is cut short")
    return plain
