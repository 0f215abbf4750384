"""STATUS: from a StatusNotification at the socket to the PATCH of its EVSE at a subscriber, hub and CPMS in one.

Two hundred stations of 1.6, each one EVSE, tell 200 changes a second in all, spread evenly. Each change is paired
with its own PATCH; a change that was told on together with a later one of the same EVSE would fail the measurement.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from statistics import quantiles

from websockets.asyncio.client import ClientConnection, connect

from bench.ground import Ground, Receivers
from bench.hub import Hub, emall
from bench.processes import Failure, free_ports
from bench.rounds import Verdict, absolute, measure
from hub.ocpi.wire import Wire

STATIONS = 200
PER_LOCATION = 10
PER_SECOND = 200
_UPDATED = "2026-01-15T09:30:00Z"


class Whole(Hub):
    """Hub and CPMS in one process, where any station is let in."""

    def __init__(self, folder: str, ground: Ground) -> None:
        self.ocpp = free_ports(1)[0]
        self.options = ("--rooms", "hub,cpms", "--ocpp-port", str(self.ocpp), "--ocpp-unknown", "accept")
        super().__init__(ground.room(folder))


class Crowd:
    """The stations; they change what they are in turn."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[ClientConnection] = []
        self._numbers = count()
        self._statuses = ["Available"] * STATIONS

    async def come(self) -> None:
        """Connect and boot."""
        for number in range(STATIONS):
            url = f"ws://127.0.0.1:{self._port}/ocpp/ST{number}"
            socket = await connect(url, subprotocols=["ocpp1.6"], compression=None, ping_interval=None)  # type: ignore[list-item]
            self._sockets.append(socket)
            await self._call(number, "BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})
            await self._tell(number)

    async def go(self) -> None:
        """Leave."""
        await asyncio.gather(*(each.close() for each in self._sockets))

    async def change(self, seconds: float) -> dict[int, list[float]]:
        """Have the stations change at the rate asked for; return when each change was sent, by station."""
        sent: dict[int, list[float]] = defaultdict(list)
        begun, telling = time.monotonic(), []
        for number in range(int(seconds * PER_SECOND)):
            await asyncio.sleep(max(begun + number / PER_SECOND - time.monotonic(), 0))
            station = number % STATIONS
            self._statuses[station] = "Preparing" if self._statuses[station] == "Available" else "Available"
            sent[station].append(time.monotonic())
            telling.append(asyncio.create_task(self._tell(station)))
        await asyncio.gather(*telling)
        return sent

    async def _tell(self, number: int) -> None:
        status = {"connectorId": 1, "errorCode": "NoError", "status": self._statuses[number]}
        await self._call(number, "StatusNotification", status)

    async def _call(self, number: int, action: str, payload: dict[str, object]) -> None:
        message_id = str(next(self._numbers))
        await self._sockets[number].send(json.dumps([2, message_id, action, payload]))
        answer = json.loads(await self._sockets[number].recv())
        if answer[:2] != [3, message_id]:
            raise Failure(f"{action} was answered {str(answer)[:300]}")


async def _latencies(receivers: Receivers, port: int, seconds: float) -> list[float]:
    """Return the time of each change from its socket to the subscriber, in ms."""
    wire = Wire(allow_private=True, max_answer=10_000_000)
    crowd = Crowd(port)
    await crowd.come()
    await asyncio.sleep(2)  # what their coming has changed is told
    await receivers.hear(wire)
    base, _ = await receivers.pushes(wire)
    sent = await crowd.change(seconds)
    await receivers.pushes(wire, base + sum(map(len, sent.values())))
    heard: dict[int, list[float]] = defaultdict(list)
    for path, at in await receivers.heard(wire):
        heard[int(path.rpartition("/st")[2].partition("-")[0])].append(at)
    await crowd.go()
    await wire.close()
    if {each: len(times) for each, times in heard.items()} != {each: len(times) for each, times in sent.items()}:
        raise Failure("not every change was told on by a PATCH of its own")
    return [(at - before) * 1000 for each in sent for before, at in zip(sent[each], heard[each], strict=True)]


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdict of STATUS."""
    receivers = ground.receivers(1)
    hub = Whole("status", ground)
    ground.row.callback(lambda: hub.server.stop())
    hub.register(("NL", "MSP"), "EMSP", receivers.ports[0])
    _build(hub)
    hub.settle()
    (late,) = measure(ground.rounds, lambda: _p99(asyncio.run(_latencies(receivers, hub.ocpp, 5 * ground.seconds))))
    what = f"StatusNotification to PATCH at a subscriber, p99 at {PER_SECOND} changes/s"
    return [absolute("STATUS", what, "at most", 250, late, "ms")]


def _p99(taken: list[float]) -> float:
    return quantiles(taken, n=100)[-1]


def _build(hub: Hub) -> None:
    """Give the CPMS its Locations; a station is placed by the name its EVSE bears."""
    file = hub.folder / "locations.json"
    file.write_text(json.dumps(list(_locations())))
    emall("import", "locations", file, "--data", hub.data)


def _locations() -> Iterator[dict[str, object]]:
    for first in range(0, STATIONS, PER_LOCATION):
        connector = {
            "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
            "max_amperage": 32, "last_updated": _UPDATED,
        }  # fmt: skip
        evses = [
            {"uid": f"ST{number}-1", "status": "UNKNOWN", "connectors": [connector], "last_updated": _UPDATED}
            for number in range(first, first + PER_LOCATION)
        ]
        yield {
            "country_code": "NL", "party_id": "CPO", "id": f"LOC{first}", "publish": True, "address": "Quay 1",
            "city": "Testford", "country": "NLD", "coordinates": {"latitude": "52.373100", "longitude": "4.892200"},
            "time_zone": "Europe/Amsterdam", "evses": evses, "last_updated": _UPDATED,
        }  # fmt: skip
