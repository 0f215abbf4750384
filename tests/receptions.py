"""A local platform's reception, running on loopback: the real directory, handshake, presence and server.

async with running(database) as hub:
    token_a = await hub.invite("Alpha")
    await alpha.register(hub.versions_url, token_a)
"""

import contextlib
import datetime
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from hub.credentials import admin
from hub.credentials.clientinfo import ClientInfoPlatform, Herald
from hub.credentials.connections import Connection, Connections, PartyRole
from hub.credentials.endpoints import Reception
from hub.credentials.houses import House
from hub.credentials.presence import Presence
from hub.credentials.registering import Registering
from hub.credentials.secrets import Secrets
from hub.credentials.store import Store
from hub.database import Database
from hub.ocpi.client import Client
from hub.ocpi.errors import UnknownEndpoint
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.server import Server
from hub.ocpi.wire import Wire
from tests.serving import LoopServer

KEY = b"a key for tests, 32 bytes or more"
HUB = Party("NL", "HUB")


class Clock:
    """Seconds since 1970 that a test moves."""

    def __init__(self) -> None:
        self.at = 1_767_225_600.0  # 2026-01-01T00:00:00Z

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Desk:
    """Answers hubclientinfo as the hub does, and takes every other request."""

    client_info: ClientInfoPlatform
    asked: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        if request.operation.module == "hubclientinfo":
            return await self.client_info(request)
        self.asked.append(request)
        if request.operation.method == "GET":
            raise UnknownEndpoint
        return Response()


@dataclass
class RunningHouse:
    """One house with all its parts."""

    house: House
    store: Store
    connections: Connections
    client: Client
    reception: Reception
    registering: Registering
    presence: Presence
    herald: Herald
    desk: Desk
    clock: Clock
    changes: list[tuple[str, str, str]]

    @property
    def versions_url(self) -> str:
        return self.house.versions_url

    async def invite(self, name: str = "Alpha", **rest: Any) -> str:
        """Return a CREDENTIALS_TOKEN_A that opens from now on."""
        made = await admin.invite(self.store, self.versions_url, name=name, **rest)
        await self.connections.reload()
        token: str = made["token"]
        return token

    def connection(self, text: str) -> Connection:
        """Return a connection that is there."""
        found = self.connections.find(text)
        assert found is not None, f"{text} is not connected"
        return found

    async def settled(self) -> None:
        """Wait until what is known is written and told."""
        await self.connections.stop()
        await self.connections.reload()
        await self.herald.settled()


@contextlib.asynccontextmanager
async def running(
    database: Database,
    *,
    house: str = "hub",
    roles: Iterable[PartyRole] = (PartyRole("HUB", HUB, {"name": "The Hub"}),),
    expects: Iterable[tuple[str, str]] = (),
    clock: Clock | None = None,
    page_limit: int = 100,
    base: str = "/ocpi",
    **presence: Any,
) -> AsyncIterator[RunningHouse]:
    """Run a house on a free port of loopback."""
    clock = clock or Clock()
    wire = Wire(allow_private=True, max_answer=1_000_000)
    client = Client(wire, timeout=5)
    store = Store(database, Secrets(KEY), house, clock)
    connections = Connections(store)
    await connections.start()
    watcher = Presence(connections, client, clock=clock, jitter=lambda: 0.5, **presence)
    server = LoopServer(lambda *scope: app(*scope))
    port = server.port
    own = House(
        id=house,
        base_url=f"http://127.0.0.1:{port}{base}",
        roles=tuple(roles),
        expects=frozenset(expects),  # type: ignore[arg-type]
    )
    reception = Reception(house=own, connections=connections, client=client, listener=watcher.heard)
    desk = Desk(ClientInfoPlatform(store, own.base_url, page_limit))
    app = Server(desk, reception, base, party=own.roles[0].party)
    herald = Herald(connections, client, failed=watcher.failed)
    changes: list[tuple[str, str, str]] = []
    watcher.on_change(lambda connection, old, new: changes.append((connection.name, old, new)))
    watcher.start()
    await herald.start()
    await server.start()
    registering = Registering(house=own, connections=connections, client=client)
    try:
        yield RunningHouse(
            own, store, connections, client, reception, registering, watcher, herald, desk, clock, changes
        )
    finally:
        await server.stop()
        await herald.stop()
        await watcher.stop()
        await connections.stop()
        await wire.close()


def week() -> datetime.timedelta:
    return datetime.timedelta(days=7)
