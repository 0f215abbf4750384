"""The smallest dialect and operator that let the transport be seen, and a station that is only a WebSocket."""

import asyncio
import contextlib
import datetime
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect

from hub.ocpp.admission import Gate, OpenGate
from hub.ocpp.central_system import CentralSystem
from hub.ocpp.commands import Commands
from hub.ocpp.dialects import Call, Handler, Link
from hub.ocpp.events import ChargerEvent, Connected, Disconnected, Operator

BOOT16 = {"chargePointVendor": "Acme", "chargePointModel": "One", "firmwareVersion": "1.0"}
BOOT201 = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Two", "serialNumber": "S1"}}


class PlainOperator:
    """Notes what it is told; nothing else is asked of it here."""

    def __init__(self) -> None:
        self.events: list[ChargerEvent] = []

    async def told(self, event: ChargerEvent) -> None:
        self.events.append(event)

    @property
    def comings(self) -> list[tuple[str, str]]:
        """Connected and Disconnected, in order."""
        kinds = {Connected: "connected", Disconnected: "disconnected"}
        return [
            (kinds[type(each)], each.station_id) for each in self.events if isinstance(each, Connected | Disconnected)
        ]


class PlainCommands:
    """Sends raw messages."""

    def __init__(self, link: Link, version: str) -> None:
        self.link = link
        self.version = version

    async def raw(self, action: str, payload: dict[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        return await self.link.call(action, payload, timeout=timeout)


class PlainDialect:
    """A version with the handlers a test gives it; boots and heartbeats it answers by itself."""

    def __init__(self, version: str, handlers: Mapping[str, Handler] | None = None) -> None:
        self.version = version
        self.subprotocol = f"ocpp{version}"
        self.handlers: Mapping[str, Handler] = {
            "BootNotification": self.boot,
            "Heartbeat": self.heartbeat,
            **(handlers or {}),
        }

    def commands(self, link: Link) -> Commands:
        return cast(Commands, PlainCommands(link, self.version))

    async def boot(self, call: Call) -> dict[str, Any]:
        return {"status": "Accepted", "currentTime": now(), "interval": 300}

    async def heartbeat(self, call: Call) -> dict[str, Any]:
        return {"currentTime": now()}


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")


class Station:
    """A WebSocket that says what it is told to say."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, *frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def hear(self, timeout: float = 5.0) -> Any:
        async with asyncio.timeout(timeout):
            return json.loads(await self.connection.recv())

    async def ask(self, *frame: Any) -> Any:
        await self.say(*frame)
        return await self.hear()

    async def close(self) -> None:
        await self.connection.close()


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


class House:
    """A central system that runs, and its stations."""

    def __init__(self, central: CentralSystem, operator: PlainOperator, port: int) -> None:
        self.central = central
        self.operator = operator
        self.port = port
        self._stations = contextlib.AsyncExitStack()

    async def station(
        self, name: str = "CP1", version: str | None = "1.6", *, boot: bool = True, **options: Any
    ) -> Station:
        """Connect a station; booted, it has taken over and been answered."""
        scheme = "wss" if options.get("ssl") else "ws"
        options.setdefault("subprotocols", [f"ocpp{version}"] if version else None)
        uri = f"{scheme}://127.0.0.1:{self.port}/ocpp/{name}"
        connection = await self._stations.enter_async_context(
            connect(uri, compression=None, proxy=None, close_timeout=1, **options)
        )
        station = Station(connection)
        if boot:
            answer = await station.ask(2, "boot", "BootNotification", BOOT16 if version == "1.6" else BOOT201)
            assert answer[:2] == [3, "boot"], answer
        return station

    async def close(self) -> None:
        await self._stations.aclose()


@contextlib.asynccontextmanager
async def house(
    *dialects: PlainDialect, gate: Gate | None = None, tls: Any = None, **options: Any
) -> AsyncIterator[House]:
    """Run a central system for the length of a test."""
    operator = PlainOperator()
    spoken = dialects or tuple(PlainDialect(each) for each in ("1.6", "2.0.1", "2.1"))
    central = CentralSystem(spoken, cast(Operator, operator), gate or OpenGate(), **options)
    listener = listening()
    await central.start(listener, tls=tls)
    running = House(central, operator, listener.getsockname()[1])
    try:
        yield running
    finally:
        await running.close()
        await central.stop()


async def eventually(true: Callable[[], bool | Awaitable[bool]], timeout: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout):
        while True:
            found = true()
            if (await found) if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)
