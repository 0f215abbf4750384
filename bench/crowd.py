"""A crowd of charging stations that send prepared frames: ``python -m bench.crowd PORT [CA]``, ordered by its stdin.

Orders are lines of JSON, each is answered by one: ``{"do": "connect", "count": N}`` has N more stations connect and
boot, while a hundred of them send heartbeats; ``drop`` cuts them all, as a power cut does; ``beat`` sends heartbeats
for some seconds; ``begin`` begins a transaction at each; ``meter`` has each send MeterValues, one after another,
for some seconds. Frames carry a mask of zeros, which is a mask and costs nothing.
"""

import asyncio
import contextlib
import json
import resource
import socket
import ssl
import struct
import sys
import time
from collections.abc import Coroutine
from statistics import quantiles
from typing import Any, cast

import uvloop

from bench.pinned import pin

_AT_ONCE = 200  # handshakes under way: they keep the server busy, and more of them only wait longer
_TIMEOUT = 30.0  # seconds a CALL may take


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return a masked frame."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack(">H", length)
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


def call(action: str, payload: Any, message_id: str = "m") -> bytes:
    """Return a CALL as a frame."""
    return frame(json.dumps([2, message_id, action, payload], separators=(",", ":")).encode())


BOOT = call("BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "One", "firmwareVersion": "1.0.3"})
HEARTBEAT = call("Heartbeat", {})
_SAMPLES = [
    ("Energy.Active.Import.Register", "Wh", None, "1234567"),
    ("Power.Active.Import", "W", None, "11040"),
    ("Current.Import", "A", "L1", "16.1"),
    ("Current.Import", "A", "L2", "16.0"),
    ("Current.Import", "A", "L3", "15.9"),
    ("Voltage", "V", "L1-N", "230.1"),
    ("Temperature", "Celsius", None, "31.5"),
    ("SoC", "Percent", None, "57"),
]


def meter_values(transaction: int | None = None) -> Any:
    """Return MeterValues with eight values."""
    sampled = [
        {"value": value, "context": "Sample.Periodic", "measurand": measurand, "unit": unit,
         **({"phase": phase} if phase else {})}
        for measurand, unit, phase, value in _SAMPLES
    ]  # fmt: skip
    values = {"timestamp": _time(0), "sampledValue": sampled}
    return {"connectorId": 1, **({"transactionId": transaction} if transaction else {}), "meterValue": [values]}


class Station(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, name: str, lost: list[str]) -> None:
        self._name = name
        self._lost = lost
        self._buffer = b""
        self._open = False
        self._answer: asyncio.Future[bytes] | None = None
        self.transaction: int | None = None
        self.metered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.append(self._name)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._open = True
            self._hear(head)
        while (message := self._next()) is not None:
            opcode, payload = message
            if opcode == 9:
                self.transport.write(frame(payload, 10))
            elif opcode == 1:
                self._hear(payload)

    def _next(self) -> tuple[int, bytes] | None:
        data = self._buffer
        if len(data) < 2:
            return None
        length, start = data[1], 2
        if length == 126:
            if len(data) < 4:
                return None
            length, start = struct.unpack(">H", data[2:4])[0], 4
        if len(data) < start + length:
            return None
        self._buffer = data[start + length :]
        return data[0] & 15, data[start : start + length]

    def _hear(self, message: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(message)

    async def ask(self, data: bytes) -> bytes:
        """Send and return the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        async with asyncio.timeout(_TIMEOUT):
            return await self._answer


class Crowd:
    """All stations."""

    def __init__(self, port: int, ca: str | None) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cafile=ca) if ca else None
        self._stations: list[Station] = []
        self._lost: list[str] = []
        self._rounds = 0
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._latencies: list[float] = []

    async def connect(self, count: int, boot: bool = True) -> dict[str, Any]:
        """Have stations connect and boot, while a hundred that are there send heartbeats."""
        self._rounds += 1
        start = time.perf_counter()
        first = [] if self._stations else await self._all(range(min(count, 100)), boot)
        watch = asyncio.create_task(self._beats(self._stations[:100], None))
        rest = await self._all(range(len(self._stations), len(self._stations) + count - len(first)), boot)
        seconds = time.perf_counter() - start
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        errors = [each for each in first + rest if not isinstance(each, Station)]
        return {"seconds": seconds, "failed": len(errors), "why": errors[:3], "beats": _spread(self._latencies)}

    async def _all(self, numbers: range, boot: bool) -> "list[Station | str]":
        coming = await asyncio.gather(*(self._come(number, boot) for number in numbers))
        self._stations += [each for each in coming if isinstance(each, Station)]
        return coming

    async def _come(self, number: int, boot: bool) -> "Station | str":
        name = f"CP{number:06d}"
        try:
            async with self._gate:
                return await self._connected(name, boot)
        except (OSError, TimeoutError, AssertionError) as error:
            return f"{name}: {type(error).__name__} {error}"

    async def _connected(self, name: str, boot: bool) -> Station:
        # An address of its own for each round: what was cut keeps its port for a while.
        local = (f"127.0.{self._rounds}.1", 0)
        extra: dict[str, Any] = {"ssl": self._tls, "server_hostname": "localhost"} if self._tls else {}
        _, station = await asyncio.get_running_loop().create_connection(
            lambda: Station(name, self._lost), "127.0.0.1", self._port, local_addr=local, **extra
        )
        answer = await station.ask(
            b"GET /ocpp/%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n" % name.encode()
        )
        assert b" 101 " in answer, answer[:100]
        if boot:
            answer = await station.ask(BOOT)
            assert b"Accepted" in answer, answer[:200]
        return station

    async def drop(self) -> dict[str, Any]:
        """Cut all connections without a word."""
        for station in self._stations:
            _cut(station.transport)
        self._stations.clear()
        return {}

    async def beat(self, seconds: float, every: float) -> dict[str, Any]:
        """Have all stations send heartbeats, spread over the time between two."""
        await self._beats(self._stations, seconds, every)
        return {"beats": _spread(self._latencies), "lost": len(self._lost)}

    async def _beats(self, stations: list[Station], seconds: float | None, every: float = 1.0) -> None:
        self._latencies = []
        end = None if seconds is None else time.perf_counter() + seconds
        await asyncio.gather(
            *(self._beating(each, every, every * number / max(len(stations), 1), end)
              for number, each in enumerate(stations))
        )  # fmt: skip

    async def _beating(self, station: Station, every: float, offset: float, end: float | None) -> None:
        await asyncio.sleep(offset)
        while end is None or time.perf_counter() < end:
            start = time.perf_counter()
            await station.ask(HEARTBEAT)
            self._latencies.append(time.perf_counter() - start)
            await asyncio.sleep(every)

    async def begin(self) -> dict[str, Any]:
        """Have every station begin a transaction."""
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": _time(0)}
        for station in self._stations:
            answer = json.loads(await station.ask(call("StartTransaction", start)))
            station.transaction = answer[2]["transactionId"]
        return {"count": len(self._stations)}

    async def meter(self, seconds: float) -> dict[str, Any]:
        """Have every station send MeterValues, the next when the last is answered."""
        end = time.perf_counter() + seconds
        counts = await asyncio.gather(*(self._metering(each, end) for each in self._stations))
        return {"messages": sum(counts)}

    async def _metering(self, station: Station, end: float) -> int:
        # Only the time changes, always as long: the rest of the frame is prepared.
        head, _, tail = call("MeterValues", meter_values(station.transaction), "00000001").partition(_time(0).encode())
        count = 0
        while time.perf_counter() < end:
            station.metered += 1
            answer = await station.ask(head + _time(station.metered).encode() + tail)
            assert answer.startswith(b"[3,"), answer[:200]
            count += 1
        return count


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1_700_000_000 + seconds))


def _cut(transport: asyncio.Transport) -> None:
    with contextlib.suppress(OSError):
        plain: socket.socket = transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _spread(latencies: list[float]) -> dict[str, float]:
    if len(latencies) < 2:
        return {"count": len(latencies), "p50": 0.0, "p99": 0.0}
    cuts = quantiles(latencies, n=100)
    return {"count": len(latencies), "p50": cuts[49], "p99": cuts[98]}


async def _main(port: int, ca: str | None) -> None:
    crowd = Crowd(port, ca)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        work: Coroutine[Any, Any, dict[str, Any]] = getattr(crowd, order.pop("do"))(**order)
        print(json.dumps(await work), flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    pin(1)
    uvloop.run(_main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
