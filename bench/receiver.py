"""The platforms on the other side: one cheap process that is many OCPI platforms, one per port.

    python -m bench.receiver CONTROL_PORT FIRST_PORT...

It answers versions and version details, and every other request with one prepared success. Its CPU
time is nobody's: it stands for platforms elsewhere. The control port answers ``GET /N`` when N
pushes of Locations have come in at all, with their number and the time of the N-th
(``time.monotonic``, which all processes of a machine share). ``GET /hear`` has them noted one by one from
then on, ``GET /heard`` returns them as JSON: pairs of path and time.
"""

import asyncio
import json
import sys
import time
from typing import cast

_MODULES = ("locations", "tariffs", "sessions", "cdrs", "tokens", "hubclientinfo")


def _response(data: object, *headers: str) -> bytes:
    envelope = {"data": data, "status_code": 1000, "timestamp": "2026-01-15T09:30:00Z"}
    body = json.dumps(envelope, separators=(",", ":")).encode()
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


_SUCCESS = _response(None)
_NOTHING = _response([], "X-Total-Count: 0", "X-Limit: 100")


class Tally:
    """Counts pushes, and wakes who waits for a number of them."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0
        self.heard: list[tuple[str, float]] | None = None
        self._waiting: list[tuple[int, asyncio.Future[float]]] = []

    def add(self, line: bytes) -> None:
        """Count one push."""
        self.count += 1
        if self.heard is not None:
            self.heard.append((line.split(b" ")[1].decode(), time.monotonic()))
        if self._waiting and self.count >= self._waiting[0][0]:
            now = time.monotonic()
            while self._waiting and self.count >= self._waiting[0][0]:
                waiter = self._waiting.pop(0)[1]
                if not waiter.done():
                    waiter.set_result(now)

    async def reached(self, number: int) -> float:
        """Return when there have been ``number`` pushes."""
        if self.count >= number:
            return time.monotonic()
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((number, waiter))
        self._waiting.sort(key=lambda each: each[0])
        return await waiter


class Platform(asyncio.Protocol):
    """One connection to one of the platforms; reads just enough HTTP/1.1 for the hub's requests."""

    def __init__(self, base: str, tally: Tally) -> None:
        endpoints = [
            {"identifier": module, "role": role, "url": f"{base}/2.2.1/{role.lower()}/{module}"}
            for module in _MODULES
            for role in ("SENDER", "RECEIVER")
        ]
        endpoints.append({"identifier": "credentials", "role": "SENDER", "url": f"{base}/2.2.1/credentials"})
        self._versions = _response([{"version": "2.2.1", "url": f"{base}/2.2.1"}])
        self._details = _response({"version": "2.2.1", "endpoints": endpoints})
        self._tally = tally
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._rest) < end + 4 + length:
                return
            self._rest = self._rest[end + 4 + length :]
            self._transport.write(self._answer(head[: head.find(b"\r\n")]))

    def _answer(self, line: bytes) -> bytes:
        if line.startswith(b"get "):
            path = line.split(b" ")[1].partition(b"?")[0].rstrip(b"/")
            found = {b"/versions": self._versions, b"/2.2.1": self._details}.get(path)
            return found or _NOTHING
        if b"/locations/" in line:
            self._tally.add(line)
        return _SUCCESS


async def _control(tally: Tally, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        while (await reader.readline()).strip():
            pass
        asked = line.split()[1].strip(b"/")
        if asked in (b"hear", b"heard"):
            heard, tally.heard = tally.heard, [] if asked == b"hear" else None
            body = json.dumps(heard).encode()
        else:
            reached = await tally.reached(int(asked or b"0"))
            body = f"{tally.count} {reached!r}".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    writer.close()


async def serve(control: int, ports: list[int]) -> None:
    """Serve the platforms until the process is ended."""
    loop, tally = asyncio.get_running_loop(), Tally()
    for port in ports:
        base = f"http://127.0.0.1:{port}"
        await loop.create_server(lambda base=base: Platform(base, tally), "127.0.0.1", port)  # type: ignore[misc]
    server = await asyncio.start_server(lambda reader, writer: _control(tally, reader, writer), "127.0.0.1", control)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
