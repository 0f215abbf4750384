"""The three rooms as they are put together: each a platform behind its reception and its server.

Source: OCPI 2.3.0, terminology.asciidoc (Platform); decision 0001.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hub.credentials.connections import Connection, Connections
from hub.credentials.endpoints import Reception
from hub.credentials.houses import House
from hub.credentials.presence import Presence
from hub.credentials.registering import Registering
from hub.credentials.secrets import Secrets
from hub.credentials.store import PartyRole, Store
from hub.database import Database
from hub.hops import Hops
from hub.metrics import Metrics
from hub.ocpi.client import Client
from hub.ocpi.errors import OcpiError, ReceiverUnreachable, ServerError
from hub.ocpi.interfaces import InterfaceRole, Role
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.platforms import Platform
from hub.ocpi.remote import RemotePlatform
from hub.ocpi.server import Server
from hub.ocpi.versions import VERSIONS
from hub.orders import Handler
from hub.settings import Settings
from hub.trace import Trace

log = logging.getLogger(__name__)

Handlers = Mapping[str, Handler]


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all rooms of a process share."""

    settings: Settings
    database: Database
    secrets: Secrets
    client: Client
    trace: Trace
    metrics: Metrics

    @property
    def hops(self) -> Hops:
        """What is told of every hop."""
        return Hops(self.trace, self.metrics)


class Room:
    """What every room has: an OCPI address, the connections behind it, and a server before it.

    Args:
        id: hub, cpms or emsp.
        path: where its OCPI address is, ``/ocpi``.
        offered: its (module, interface role) pairs; None: all, as a hub.
        expects: pairs a platform it registers at must have.
    """

    def __init__(
        self,
        workshop: Workshop,
        id: str,  # noqa: A002  the word of the reception
        role: Role,
        party: Party,
        path: str,
        *,
        name: str,
        offered: frozenset[tuple[str, InterfaceRole]] | None = None,
        expects: frozenset[tuple[str, InterfaceRole]] = frozenset(),
    ) -> None:
        settings = workshop.settings
        self.workshop = workshop
        self.name = name
        self.party = party
        self.base_url = settings.public_url + path
        own = (PartyRole(role, party, {"name": name}),)
        self.house = House(id=id, base_url=self.base_url, roles=own, offered=offered, expects=expects)
        self.directory = Connections(Store(workshop.database, workshop.secrets, id))
        self.presence = Presence(
            self.directory,
            workshop.client,
            still_alive_after=settings.still_alive_after,
            offline_after_timeouts=settings.offline_after_timeouts,
            probe_first=settings.probe_first,
            probe_every=settings.probe_every,
        )
        self.registering = Registering(house=self.house, connections=self.directory, client=workshop.client)
        self._remotes: dict[str, tuple[Connection, RemotePlatform]] = {}
        self._hops = workshop.hops
        reception = Reception(
            house=self.house, connections=self.directory, client=workshop.client, listener=self.presence.heard
        )
        self.application = Server(
            _starting, reception, path, party=party, offered=offered, observe=self._hops.answered,
            max_body=settings.max_body, rate_limit=settings.rate_limit,
        )  # fmt: skip

    async def start(self) -> None:
        """Begin to work."""
        await self.directory.start()
        self.presence.start()

    async def stop(self) -> None:
        """End."""
        await self.presence.stop()
        await self.directory.stop()

    def behind(self, platform: Platform) -> None:
        """Put the platform behind the door; until then requests to modules are answered 3000."""
        self.application.platform = platform

    def hop(self, request: Request, connection: Connection, response: Response | OcpiError, seconds: float) -> None:
        """Note a request this room put to a party."""
        self._hops.asked(request, connection, response, seconds)

    def remote(self, connection: Connection) -> RemotePlatform:
        """Return the platform behind a connection, made anew when the connection has changed."""
        known = self._remotes.get(connection.id)
        if known is not None and known[0] is connection:
            return known[1]
        made = RemotePlatform(connection, self.workshop.client, VERSIONS[connection.version], self.presence)
        self._remotes[connection.id] = (connection, made)
        return made


async def _starting(request: Request) -> Response:
    raise ServerError("This platform is starting")


class PartyPlatform(Protocol):
    """A party's platform, as far as running it needs."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def orders(self) -> Handlers: ...
    async def __call__(self, request: Request) -> Response: ...


class PartyRoom(Room):
    """Our CPMS or our eMSP: a party that knows the hub only by its connection with it.

    Its platform is made once it is registered, for only then it knows which party the hub is.
    """

    def __init__(
        self, workshop: Workshop, *args: Any, make: Callable[["PartyRoom", Party], PartyPlatform], **rest: Any
    ) -> None:
        super().__init__(workshop, *args, **rest)
        self._make = make
        self.endpoints: PartyPlatform | None = None

    @property
    def connection(self) -> Connection | None:
        """The connection with the hub."""
        return next((each for each in self.directory.all() if each.hub_party is not None), None)

    async def join(self, versions_url: str, token: Callable[[], Awaitable[str]]) -> None:
        """Register at the hub unless that was done at an earlier start, then begin to work.

        Raises:
            OcpiError: the hub refused, or cannot be reached.
        """
        if self.connection is None:
            await self.registering.register(versions_url, await token(), name="hub")
        connection = self.connection
        if connection is None or connection.hub_party is None:
            raise ReceiverUnreachable(f"{versions_url} is no hub: it names no hub party")
        self.endpoints = self._make(self, connection.hub_party)
        self.behind(self.endpoints)
        await self.endpoints.start()

    async def stop(self) -> None:
        if self.endpoints is not None:
            await self.endpoints.stop()
        await super().stop()

    async def hub(self, request: Request) -> Response:
        """Put a request to the hub: the platform our party knows it as."""
        return await self._put(request, None)

    async def call_url(self, url: str, request: Request) -> Response:
        """Put a request to an exact URL the hub gave."""
        return await self._put(request, url)

    async def _put(self, request: Request, url: str | None) -> Response:
        connection = self.connection
        if connection is None:
            raise ReceiverUnreachable("There is no registration at the hub")
        started = time.perf_counter()
        outcome: Response | OcpiError = ServerError()
        try:
            outcome = await self.remote(connection)(request, url=url)
        except OcpiError as error:
            outcome = error
            raise
        finally:
            self.hop(request, connection, outcome, time.perf_counter() - started)
        return outcome

    def url_of(self, request: Request) -> str:
        """Return the URL of one of this party's own endpoints, as the hub calls it."""
        connection = self.connection
        version = request.version.number if request.version else connection.version if connection else "2.3.0"
        operation = request.operation
        return f"{self.base_url}/{version}/{operation.role.lower()}/{operation.module}{request.path}"
