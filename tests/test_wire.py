"""HTTP out: what travels, what comes back, and where no request may go."""

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.ocpi.wire import BadAnswer, ConnectionFailed, ForbiddenURL, NoAnswer, Wire, WireError
from hub.ocpi.wire.guard import Guard, trouble
from hub.ocpi.wire.pool import Pool

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LIMIT = 100_000

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """A raw server on loopback: what it read, and how often it was connected to."""

    url: str
    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Return the bytes of one request, body included; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A raw server that runs ``script`` for each connection; yields its port and cleans up after it."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def peer(
    *answers: bytes | None, then_close: bool = False, tls: ssl.SSLContext | None = None, pause: float = 0.0
) -> AsyncIterator[Peer]:
    """A server that gives ``answers`` in their order, the last one for ever.

    None closes the connection instead of answering.
    """
    left = list(answers)
    standing = Peer("", 0)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        standing.connections += 1
        while request := await read_request(reader):
            standing.requests.append(request)
            answer = left.pop(0) if len(left) > 1 else left[0]
            await asyncio.sleep(pause)
            if answer is not None:
                writer.write(answer)
            if answer is None or then_close:
                return

    async with serving(script, tls) as port:
        standing.url, standing.port = f"{'https' if tls else 'http'}://127.0.0.1:{port}", port
        yield standing


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire(allow_private=True, max_answer=LIMIT)
    yield opened
    await opened.close()


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# What travels.


@pytest.mark.parametrize(
    "target",
    [
        "/ocpi/a%2Fb/%20%7B%22%C3%A9",
        "/ocpi/a%2fb/~'(x)*!;=:@&+$,",
        "/ocpi//double/",
        "/ocpi/100%25/...?q=%2E%2E&r=a/../b",
        '/ocpi/{curly}|"quoted"^`',
    ],
)
async def test_the_path_and_query_arrive_as_they_are(wire: Wire, target: str) -> None:
    async with peer(OK) as other:
        await wire.send("GET", other.url + target, {}, timeout=5)

        assert other.requests[0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


@pytest.mark.parametrize("segment", ["..", ".", "%2e%2E", "%2e", ".%2e", "a/../b", "a/%2E%2e"])
async def test_a_segment_that_decodes_to_dots_is_refused_before_anything_is_sent(wire: Wire, segment: str) -> None:
    async with peer(OK) as other:
        with pytest.raises(ForbiddenURL):
            await wire.send("GET", f"{other.url}/ocpi/{segment}/x", {}, timeout=5)

        assert other.connections == 0


async def test_headers_and_body_bytes_arrive_untouched(wire: Wire) -> None:
    body = b'{"name":"caf\xc3\xa9", "n": 1.10,\r\n "unknown": null}'
    headers = {"Authorization": "Token dG9rZW4=", "OCPI-from-party-id": "TNM", "X-Request-ID": "1-2"}
    async with peer(OK) as other:
        await wire.send("PATCH", other.url + "/x", headers, body, timeout=5)

        head, _, sent = other.requests[0].partition(b"\r\n\r\n")
        assert sent == body
        assert head.split(b"\r\n") == [
            b"PATCH /x HTTP/1.1",
            f"Host: 127.0.0.1:{other.port}".encode(),
            b"Authorization: Token dG9rZW4=",
            b"OCPI-from-party-id: TNM",
            b"X-Request-ID: 1-2",
            b"User-Agent: emall",
            b"Accept-Encoding: identity",
            f"Content-Length: {len(body)}".encode(),
        ]


async def test_a_url_without_a_path_asks_for_the_root_and_its_fragment_stays_here(wire: Wire) -> None:
    async with peer(OK) as other:
        await wire.send("GET", f"{other.url}?limit=1#frag", {}, timeout=5)

        assert other.requests[0].startswith(b"GET /?limit=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb", "\u4f60"])
async def test_a_header_that_could_split_the_request_is_not_sent(wire: Wire, value: str) -> None:
    async with peer(OK) as other:
        with pytest.raises(WireError):
            await wire.send("GET", other.url, {"X-Correlation-ID": value}, timeout=5)

        assert other.requests == []


async def test_no_proxy_of_the_environment_is_used(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    async with peer(OK) as other, peer(answer(b"proxy")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        assert (await wire.send("GET", other.url, {}, timeout=5)).body == b"{}"


# What comes back.


async def test_an_answer_has_its_status_headers_and_body(wire: Wire) -> None:
    body = b'{"data": []}'
    async with peer(
        answer(body, b"Link: <a>; rel=next", b"X-Total-Count: 3", b"LINK: <b>", status=b"201 Made")
    ) as other:
        found = await wire.send("POST", other.url, {}, b"{}", timeout=5)

        assert (found.status, found.body) == (201, body)
        assert found.headers["link"] == "<a>; rel=next, <b>"
        assert found.headers["x-total-count"] == "3"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(wire: Wire, status: int) -> None:
    async with peer(OK) as target:
        moved = answer(b"", f"Location: {target.url}".encode(), status=f"{status} Moved".encode())
        async with peer(moved) as other:
            found = await wire.send("GET", other.url, {}, timeout=5)

        assert (found.status, found.headers["location"], target.connections) == (status, target.url, 0)


async def test_no_cookie_is_kept(wire: Wire) -> None:
    async with peer(answer(b"{}", b"Set-Cookie: a=b; Path=/")) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        await wire.send("GET", other.url, {}, timeout=5)

        assert b"cookie" not in other.requests[1].lower()


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", gzip.compress(b'{"a":1}', mtime=0)), ("deflate", zlib.compress(b'{"a":1}')), ("identity", b'{"a":1}')],
)
async def test_an_answer_compressed_unasked_is_read_all_the_same(wire: Wire, coding: str, body: bytes) -> None:
    async with peer(answer(body, f"Content-Encoding: {coding}".encode())) as other:
        found = await wire.send("GET", other.url, {}, timeout=5)

        assert found.body == b'{"a":1}'
        assert "content-encoding" not in found.headers


@pytest.mark.parametrize(
    "raw",
    [
        answer(gzip.compress(bytes(LIMIT + 1)), b"Content-Encoding: gzip"),
        answer(gzip.compress(b"cut short", mtime=0)[:-9], b"Content-Encoding: gzip"),
        answer(b"no gzip", b"Content-Encoding: gzip"),
        answer(b"who knows", b"Content-Encoding: br"),
    ],
    ids=["bomb", "short", "broken", "unknown"],
)
async def test_an_answer_whose_coding_cannot_be_undone_is_a_bad_answer(wire: Wire, raw: bytes) -> None:
    async with peer(raw) as other:
        with pytest.raises(BadAnswer):
            await wire.send("GET", other.url, {}, timeout=5)


@pytest.mark.parametrize(
    "raw",
    [
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n',
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + answer(b'{"a":1}'),
        b'HTTP/1.0 200 OK\r\n\r\n{"a":1}',
    ],
    ids=["chunked", "interim", "until close"],
)
async def test_every_way_to_end_an_answer_is_understood(wire: Wire, raw: bytes) -> None:
    async with peer(raw, then_close=raw.startswith(b"HTTP/1.0")) as other:
        found = await wire.send("GET", other.url, {}, timeout=5)

        assert (found.status, found.body, found.headers.get("link")) == (200, b'{"a":1}', None)


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_ends_with_its_headers(wire: Wire, status: int) -> None:
    async with peer(f"HTTP/1.1 {status} None\r\n\r\n".encode()) as other:
        found = await wire.send("GET", other.url, {}, timeout=5)

        assert (found.status, found.body) == (status, b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 70_000,
    ],
    ids=["no http", "status", "two lengths", "smuggling", "chunk", "upgrade", "short", "short head", "endless head"],
)
async def test_broken_http_is_a_bad_answer(wire: Wire, raw: bytes) -> None:
    async with peer(raw, then_close=True) as other:
        with pytest.raises(BadAnswer):
            await wire.send("GET", other.url, {}, timeout=5)


@pytest.mark.parametrize("declared", [True, False])
async def test_an_answer_that_is_too_large_is_not_read_whole(wire: Wire, declared: bool) -> None:
    written = 0
    gone = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        length = b"Content-Length: 1000000000" if declared else b"Connection: close"
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
        try:
            while written < 1_000_000_000:
                writer.write(b"x" * 65536)
                await writer.drain()
                written += 65536
        except ConnectionError:
            gone.set()

    async with serving(flood) as port:
        with pytest.raises(BadAnswer, match="larger than"):
            await wire.send("GET", f"http://127.0.0.1:{port}", {}, timeout=5)

        await asyncio.wait_for(gone.wait(), 5)
    assert written < 50_000_000


async def test_an_answer_of_exactly_the_limit_is_taken(wire: Wire) -> None:
    async with peer(answer(b"x" * LIMIT)) as other:
        assert len((await wire.send("GET", other.url, {}, timeout=5)).body) == LIMIT


# When nothing comes back.


async def test_no_answer_in_time_is_no_answer_and_the_connection_is_dropped(wire: Wire) -> None:
    async with peer(OK, pause=0.3) as other:
        with pytest.raises(NoAnswer):
            await wire.send("GET", other.url, {}, timeout=0.05)
        found = await wire.send("GET", other.url, {}, timeout=5)

        assert (found.body, other.connections) == (b"{}", 2)


async def test_the_timeout_is_for_the_whole_answer_not_for_each_piece(wire: Wire) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async with serving(drip) as port:
        with pytest.raises(NoAnswer):
            await wire.send("GET", f"http://127.0.0.1:{port}", {}, timeout=0.1)


async def test_a_slow_resolver_is_within_the_timeout() -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    wire = Wire(allow_private=True, max_answer=LIMIT, resolve=slow)
    with pytest.raises(NoAnswer):
        await wire.send("GET", "http://slow.example", {}, timeout=0.05)


async def test_a_refused_connection_is_a_failed_connection(wire: Wire) -> None:
    async with peer(OK) as other:
        pass
    with pytest.raises(ConnectionFailed):
        await wire.send("GET", other.url, {}, timeout=5)


@pytest.mark.parametrize("failure", [OSError("no such name"), None])
async def test_a_name_without_an_address_is_a_failed_connection(failure: OSError | None) -> None:
    async def nobody(host: str, port: int) -> list[str]:
        if failure:
            raise failure
        return []

    wire = Wire(allow_private=False, max_answer=LIMIT, resolve=nobody)
    with pytest.raises(ConnectionFailed):
        await wire.send("GET", "http://nobody.example", {}, timeout=5)


async def test_the_next_address_of_a_name_is_tried_when_one_refuses() -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.99", "127.0.0.1"]

    wire = Wire(allow_private=True, max_answer=LIMIT, resolve=two)
    async with peer(OK) as other:
        found = await wire.send("GET", f"http://two.example:{other.port}/", {}, timeout=5)
        await wire.close()

        assert found.body == b"{}"
        assert f"Host: two.example:{other.port}".encode() in other.requests[0]


async def test_a_cancelled_request_leaves_no_half_read_connection_behind(wire: Wire) -> None:
    async with peer(OK, pause=0.2) as other:
        task = asyncio.create_task(wire.send("GET", other.url + "/first", {}, timeout=5))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await wire.send("GET", other.url + "/second", {}, timeout=5)

        assert other.connections == 2


# Kept connections.


async def test_requests_to_one_origin_share_a_connection(wire: Wire) -> None:
    async with peer(OK) as other:
        for number in range(5):
            await wire.send("POST", f"{other.url}/{number}", {}, b"{}", timeout=5)

        assert (len(other.requests), other.connections) == (5, 1)


async def test_a_connection_the_peer_wants_closed_is_not_used_again(wire: Wire) -> None:
    async with peer(answer(b"{}", b"Connection: close")) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        await wire.send("GET", other.url, {}, timeout=5)

        assert other.connections == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_repeatable_request_is_sent_again_when_its_kept_connection_closes_unheard(
    wire: Wire, method: str
) -> None:
    async with peer(OK, None, OK) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        found = await wire.send(method, other.url, {}, b"{}", timeout=5)

        assert (found.body, other.connections, len(other.requests)) == (b"{}", 2, 3)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_request_the_peer_may_have_acted_on_is_not_sent_twice(wire: Wire, method: str) -> None:
    async with peer(OK, None, OK) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        with pytest.raises(BadAnswer):
            await wire.send(method, other.url, {}, b"{}", timeout=5)

        assert len(other.requests) == 2


async def test_a_new_connection_that_closes_unheard_is_not_tried_again(wire: Wire) -> None:
    async with peer(None) as other:
        with pytest.raises(BadAnswer):
            await wire.send("GET", other.url, {}, timeout=5)

        assert len(other.requests) == 1


@pytest.mark.parametrize("attempt", range(5))
async def test_a_peer_that_hangs_up_at_once_is_not_waited_for(wire: Wire, attempt: int) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(hang_up) as port:
        with pytest.raises((BadAnswer, ConnectionFailed)):
            await asyncio.wait_for(wire.send("GET", f"http://127.0.0.1:{port}/", {}, timeout=30), 2)


async def test_an_answer_that_began_is_not_asked_for_again(wire: Wire) -> None:
    async with peer(OK, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then_close=False) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        with pytest.raises(NoAnswer):
            await wire.send("GET", other.url, {}, timeout=0.1)

        assert len(other.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "GET"])
async def test_a_kept_connection_the_peer_closed_meanwhile_is_replaced(wire: Wire, method: str) -> None:
    async with peer(OK, then_close=True) as other:
        await wire.send(method, other.url, {}, b"{}", timeout=5)
        await asyncio.sleep(0.02)
        found = await wire.send(method, other.url, {}, b"{}", timeout=5)

        assert (found.body, len(other.requests)) == (b"{}", 2)


async def test_a_post_sees_a_close_that_only_the_kernel_has_heard_of(wire: Wire) -> None:
    async with peer(OK, then_close=True) as other:
        await wire.send("POST", other.url, {}, b"{}", timeout=5)
        kept = wire._pool._kept[("http", "127.0.0.1", other.port)][-1]
        kept._transport.pause_reading()  # the loop is busy: it will not read the FIN
        await asyncio.sleep(0.02)

        assert kept.open
        assert (await wire.send("POST", other.url, {}, b"{}", timeout=5)).body == b"{}"
        assert len(other.requests) == 2


@pytest.mark.parametrize(("method", "connections"), [("GET", 1), ("PATCH", 2)])
async def test_what_may_not_be_sent_twice_takes_no_connection_that_has_waited_long(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, method: str, connections: int
) -> None:
    """Servers close after 5 seconds by default: a PATCH every 5 seconds would meet the close on its way."""
    async with peer(OK) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        monkeypatch.setattr("hub.ocpi.wire.pool.FRESH", 0.0)
        await asyncio.sleep(0.01)
        await wire.send(method, other.url, {}, timeout=5)

        assert other.connections == connections


async def test_bytes_nobody_asked_for_end_the_connection(wire: Wire) -> None:
    async with peer(OK + OK, OK) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        await wire.send("GET", other.url, {}, timeout=5)

        assert other.connections == 2


@pytest.mark.parametrize(("keep_alive", "connections"), [(b"timeout=1", 2), (b"timeout=30, max=9", 1), (b"odd", 1)])
async def test_the_peers_keep_alive_is_respected(wire: Wire, keep_alive: bytes, connections: int) -> None:
    async with peer(answer(b"{}", b"Keep-Alive: " + keep_alive)) as other:
        await wire.send("GET", other.url, {}, timeout=5)
        await asyncio.sleep(0.01)
        await wire.send("GET", other.url, {}, timeout=5)

        assert other.connections == connections


async def test_idle_connections_to_many_peers_are_closed_after_a_while(wire: Wire) -> None:
    wire._pool = Pool(idle=0.1)
    async with peer(OK) as other:
        sent = [wire.send("GET", f"http://127.0.0.1:{other.port}/{n}", {}, timeout=5) for n in range(20)]
        await asyncio.gather(*sent)
        assert len(wire._pool) == 20

        await asyncio.sleep(0.3)

        assert len(wire._pool) == 0
        assert wire._pool._sweeper is None


async def test_kept_connections_are_bounded(wire: Wire) -> None:
    wire._pool = Pool(total=3)
    async with peer(OK) as other:
        await asyncio.gather(*(wire.send("GET", f"{other.url}/{n}", {}, timeout=5) for n in range(10)))

        assert len(wire._pool) == 3


# The guard.


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "example.com/ocpi",
        "http://",
        "http:///ocpi",
        "http://:80/",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://exa mple.com/",
        "http://example.com\\@evil.example/",
        "http://exam\u00e9ple.com/",
        "http://example.com/\u00e9",
        "http://example.com/a b",
        "http://example.com/a\r\nHost: x",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://example..com/",
        "http://-example.com/",
        "http://example.com./",
        "http://2130706433/",
        "http://017700000001/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
    ],
)
@pytest.mark.parametrize("allow_private", [True, False])
def test_a_url_that_can_be_misread_is_refused(url: str, allow_private: bool) -> None:
    with pytest.raises(ForbiddenURL):
        Wire(allow_private=allow_private, max_answer=LIMIT).check(url)


FORBIDDEN = [
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:20::1", "2001:db8::1", "3fff::1", "2002:7f00:1::", "2002:c0a8:101::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
ALLOWED = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "193.0.0.1", "2606:4700::1111",
    "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_no_peer_leads_us_to_an_address_that_is_not_public(address: str) -> None:
    host = f"[{address}]" if ":" in address else address

    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", address]

    wire = Wire(allow_private=False, max_answer=LIMIT, resolve=resolve)
    with pytest.raises(ForbiddenURL):
        wire.check(f"http://{host}/ocpi")
    with pytest.raises(ForbiddenURL):
        await wire.send("GET", f"https://{host}:8443/ocpi", {}, timeout=5)
    with pytest.raises(ForbiddenURL):
        await wire.send("GET", "http://partner.example/ocpi", {}, timeout=5)


@pytest.mark.parametrize("address", ALLOWED)
def test_a_public_address_is_allowed(address: str) -> None:
    assert trouble(ipaddress.ip_address(address)) is None

    Wire(allow_private=False, max_answer=LIMIT).check(f"http://{f'[{address}]' if ':' in address else address}/")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "api.localhost"])
def test_localhost_is_refused_by_name_unless_private_addresses_are_allowed(host: str) -> None:
    with pytest.raises(ForbiddenURL):
        Wire(allow_private=False, max_answer=LIMIT).check(f"http://{host}/")

    Wire(allow_private=True, max_answer=LIMIT).check(f"http://{host}/")


def test_plain_http_can_be_forbidden() -> None:
    wire = Wire(allow_private=False, max_answer=LIMIT, allow_plain_http=False)
    with pytest.raises(ForbiddenURL):
        wire.check("http://example.com/")

    wire.check("https://example.com/")


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing() -> None:
    asked = 0

    async def rebinding(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return ["8.8.8.8"] if asked == 1 else ["127.0.0.1"]

    guard = Guard(allow_private=False, resolve=rebinding)
    origin, _ = guard.read("http://rebinding.example/")

    # What is judged is what is connected to: there is no second look-up between the two.
    assert (await guard.addresses(origin), asked) == (["8.8.8.8"], 1)

    # And each new connection judges anew.
    async with peer(OK) as other:
        wire = Wire(allow_private=False, max_answer=LIMIT, resolve=rebinding)
        with pytest.raises(ForbiddenURL):
            await wire.send("GET", f"http://rebinding.example:{other.port}/", {}, timeout=5)

        assert other.connections == 0


async def test_the_name_is_resolved_once_for_each_connection() -> None:
    asked: list[tuple[str, int]] = []

    async def counting(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    wire = Wire(allow_private=True, max_answer=LIMIT, resolve=counting)
    async with peer(OK) as other:
        for _ in range(3):
            await wire.send("GET", f"http://Partner.Example:{other.port}/", {}, timeout=5)
        await wire.close()

        assert asked == [("partner.example", other.port)]
        assert f"Host: Partner.Example:{other.port}".encode() in other.requests[0]


# TLS.


@dataclass
class Authority:
    """A certificate authority of the tests and a server context with its certificate."""

    ca_file: Path
    server: ssl.SSLContext


def _signed(name: str, key: Any, issuer: str, signer: Any, *extensions: Any) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("tls")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _signed("Test CA", ca_key, "Test CA", ca_key, (x509.BasicConstraints(ca=True, path_length=None), True))
    names = x509.SubjectAlternativeName([x509.DNSName("partner.example")])
    leaf = _signed("partner.example", key, "Test CA", ca_key, (names, False))
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "leaf.pem").write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    return Authority(folder / "ca.pem", context)


async def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_tls_is_verified_against_the_authorities_and_the_extra_file(authority: Authority) -> None:
    wire = Wire(allow_private=True, max_answer=LIMIT, resolve=to_loopback, ca_file=authority.ca_file)
    async with peer(OK, tls=authority.server) as other:
        for _ in range(2):
            found = await wire.send("POST", f"https://partner.example:{other.port}/x", {}, b"{}", timeout=5)
            assert found.body == b"{}"
        await wire.close()

        assert (len(other.requests), other.connections) == (2, 1)


@pytest.mark.parametrize(("name", "trusted"), [("partner.example", False), ("other.example", True)])
async def test_an_untrusted_or_foreign_certificate_is_a_failed_connection(
    authority: Authority, name: str, trusted: bool
) -> None:
    ca_file = authority.ca_file if trusted else None
    wire = Wire(allow_private=True, max_answer=LIMIT, resolve=to_loopback, ca_file=ca_file)
    async with peer(OK, tls=authority.server) as other:
        with pytest.raises(ConnectionFailed):
            await wire.send("GET", f"https://{name}:{other.port}/", {}, timeout=5)

        assert other.requests == []


async def test_https_to_a_server_without_tls_is_a_failed_connection(wire: Wire) -> None:
    async with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as other:
        with pytest.raises((ConnectionFailed, NoAnswer)):
            await wire.send("GET", f"https://127.0.0.1:{other.port}/", {}, timeout=1)


# Applications in this process.


class Inside:
    """An ASGI application that answers what it got."""

    def __init__(self, *, pause: float = 0.0, body: bytes = b'{"in":1}') -> None:
        self.pause = pause
        self.body = body
        self.scopes: list[Any] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.bodies.append((await receive())["body"])
        await asyncio.sleep(self.pause)
        headers = [(b"X-Total-Count", b"1"), (b"link", b"<a>"), (b"link", b"<b>")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


async def test_a_local_origin_is_reached_without_a_socket_and_reads_the_same_bytes() -> None:
    app = Inside()
    wire = Wire(allow_private=False, max_answer=LIMIT, local={"http://127.0.0.1:8000": app})
    url = "http://127.0.0.1:8000/cpms/ocpi/a%2Fb/%C3%A9'()|x?q=%2F&r=a+b"

    wire.check(url)
    found = await wire.send("PUT", url, {"Authorization": "Token x"}, b'{"a": 1.10}', timeout=5)

    scope = app.scopes[0]
    assert (scope["method"], scope["raw_path"]) == ("PUT", b"/cpms/ocpi/a%2Fb/%C3%A9'()|x")
    assert (scope["query_string"], app.bodies) == (b"q=%2F&r=a+b", [b'{"a": 1.10}'])
    assert {(b"host", b"127.0.0.1:8000"), (b"authorization", b"Token x")} <= set(scope["headers"])
    assert (found.status, found.body, found.headers["link"]) == (201, b'{"in":1}', "<a>, <b>")
    assert found.headers["x-total-count"] == "1"


async def test_only_the_local_origin_itself_is_local() -> None:
    wire = Wire(allow_private=False, max_answer=LIMIT, local={"http://127.0.0.1:8000": Inside()})

    with pytest.raises(ForbiddenURL):
        await wire.send("GET", "http://127.0.0.1:8001/", {}, timeout=5)
    with pytest.raises(ForbiddenURL):
        wire.check("http://127.0.0.1:8000/a/../b")


async def test_a_local_application_has_the_same_limits() -> None:
    slow, large = Inside(pause=5), Inside(body=bytes(LIMIT + 1))
    wire = Wire(allow_private=False, max_answer=LIMIT, local={"http://slow:1": slow, "http://large:1": large})

    with pytest.raises(NoAnswer):
        await wire.send("GET", "http://slow:1/", {}, timeout=0.05)
    with pytest.raises(BadAnswer):
        await wire.send("GET", "http://large:1/", {}, timeout=5)
