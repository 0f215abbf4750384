"""The hub as a room: the router and all it needs, and what an operator may order of it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from hub.callbacks import Callbacks
from hub.catalogue import Catalogue
from hub.credentials import admin
from hub.credentials.clientinfo import ClientInfoPlatform, Herald
from hub.credentials.connections import Connection
from hub.ocpi.errors import OcpiError, UnknownReceiver
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.objects import JSON
from hub.ocpi.outbox import Delivery, Outbox
from hub.ocpi.versions import VERSIONS
from hub.orders import Refused
from hub.present import Present
from hub.pulls import Pulls
from hub.rooms import Handlers, Room, Workshop
from hub.router import Router

log = logging.getLogger(__name__)

_PRUNE_EVERY = 3600.0  # seconds


class HubRoom(Room):
    """The switch behind its door."""

    def __init__(self, workshop: Workshop) -> None:
        settings, database = workshop.settings, workshop.database
        super().__init__(workshop, "hub", "HUB", Party.parse(settings.hub_id), "/ocpi", name="emall hub")
        self.catalogue = Catalogue(database)
        self.callbacks = Callbacks(database, settings.callback_days)
        self.present = Present(database, self.catalogue)
        self.outbox = Outbox(
            database, self._deliver, versions=VERSIONS, present=self.present.of,
            at_once=settings.deliveries_at_once, queue_limit=settings.queue_limit,
        )  # fmt: skip
        self.pulls = Pulls(self.party, database, self.catalogue, workshop.client, self.directory.learn)
        self.herald = Herald(self.directory, workshop.client, failed=self.presence.failed)
        self._pruning: asyncio.Task[None] | None = None
        self.behind(
            Router(
                hub=self.party,
                base_url=self.base_url,
                database=database,
                directory=self.directory,
                catalogue=self.catalogue,
                callbacks=self.callbacks,
                outbox=self.outbox,
                remote=self.remote,
                client_info=ClientInfoPlatform(self.directory.store, self.base_url, settings.page_limit),
                hops=self.hop,
                check_url=workshop.client.wire.check,
                page_limit=settings.page_limit,
            )
        )

    async def start(self) -> None:
        """Load who is connected and what is pending."""
        await self.directory.start()
        self.directory.watch(self._changed)
        self.presence.on_change(self._moved)
        self.presence.start()
        await self.herald.start()
        await self.outbox.start()
        for connection in self.directory.all():
            if connection.status == "CONNECTED":  # it may have been back before all was told
                self._tell_missed(connection)
        self._pruning = asyncio.create_task(self._prune(), name="prune lent URLs")

    async def stop(self) -> None:
        """End; what is pending stays in the store."""
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.wait([self._pruning])
        await self.pulls.stop()
        await self.herald.stop()
        await self.presence.stop()
        await self.outbox.stop(timeout=3)
        await self.directory.stop()

    async def _prune(self) -> None:
        while True:
            with contextlib.suppress(OcpiError):
                await self.callbacks.prune()
            await asyncio.sleep(_PRUNE_EVERY)

    def _moved(self, connection: Connection, old: str, new: str) -> None:
        """Pull from who joins or returns, and tell it what it missed if it wants that; let go of who is away."""
        if new == "CONNECTED":
            self.pulls.begin(connection)
            self._tell_missed(connection)
        else:
            self.outbox.offline(connection.id)

    def _tell_missed(self, connection: Connection) -> None:
        if connection.options.get("present_state"):
            self.directory.keep(
                self.present.tell(self.outbox, connection.id), f"{connection.name} is told what it missed"
            )

    def _changed(self, old: Connection | None, new: Connection | None) -> None:
        """Pull anew where endpoints changed; forget parties that left."""
        if old is None:
            return
        if new is not None and new.endpoints != old.endpoints:
            self.pulls.begin(new)
        self._forget(tuple(set(old.parties) - set(new.parties if new is not None else ())))

    def _forget(self, parties: tuple[Party, ...]) -> None:
        for party in parties:
            if not self.directory.having(party):
                forgetting = self.workshop.database.transact(partial(self.catalogue.forget, owner=party))
                self.directory.keep(forgetting, f"objects of {party} are forgotten")

    # -- deliveries --------------------------------------------------------------------------------

    async def _deliver(self, delivery: Delivery) -> Response:
        """Send a copy of a push: a new X-Request-ID, the hub as its sender, the owner's URL."""
        connection = self.directory.by_id(delivery.connection_id)
        if connection is None:
            raise UnknownReceiver(f"{delivery.party} is no longer connected")
        push = delivery.push
        request = Request(
            push.operation, push.sender, delivery.party, push.params, query=push.query, body=push.body,
            correlation_id=push.correlation_id,
        )  # fmt: skip
        started = time.perf_counter()
        try:
            response = await self.remote(connection)(request)
        except OcpiError as error:
            self.hop(request, connection, error, time.perf_counter() - started)
            raise
        self.hop(request, connection, response, time.perf_counter() - started)
        return response

    # -- what an operator may order ----------------------------------------------------------------

    def orders(self) -> Handlers:
        """Return the handlers by order kind."""
        return {
            "party.register": self._register,
            "party.rotate": self._rotate,
            "party.remove": self._remove,
            "doctor.peers": self._peers,
        }

    async def _register(self, given: JSON) -> JSON:
        connection = await self.registering.register(given["url"], given["token"], name=given["name"])
        return await admin.connection(self.directory.store, connection.id)

    async def _rotate(self, given: JSON) -> JSON:
        connection = await self.registering.rotate(self._named(given["id"]))
        return await admin.connection(self.directory.store, connection.id)

    async def _remove(self, given: JSON) -> JSON:
        connection = self.directory.find(given["id"])
        if connection is None:  # an invitation is taken back
            return await self._change(admin.suspend, given["id"])
        trouble = await self.registering.remove(connection)
        return {"id": connection.id, "name": connection.name, "trouble": trouble}

    async def _change(self, change: Callable[..., Awaitable[JSON]], *args: Any) -> JSON:
        try:
            return await change(self.directory.store, *args)
        except (admin.NoSuchConnection, admin.BadOption) as error:
            raise Refused(str(error.args[0])) from error

    def _named(self, text: str) -> Connection:
        connection = self.directory.find(text)
        if connection is None:
            raise Refused(f"{text!r} is no connection; 'emall party list' shows them all")
        return connection

    async def _peers(self, given: JSON) -> JSON:
        return await asyncio.gather(*(self._peer(each) for each in self.directory.all()))

    async def _peer(self, connection: Connection) -> JSON:
        """Ask a peer for its versions; for ``emall doctor``."""
        try:
            answer = await self.workshop.client.call(
                "GET", connection.versions_url, connection.token, quirks=connection.quirks, timeout=10
            )
            reachable = answer.http_status < 300 and answer.status_code < 2000
            note = f"{connection.versions_url} answers {answer.status_code}"
        except OcpiError as error:
            reachable, note = False, f"{connection.versions_url}: {error}"
        if not reachable:
            note += (
                "; have it started, and let through to there from here; if it is gone for good, 'emall party remove"
                f" {connection.id}'"
            )
        return {"name": connection.name, "reachable": reachable, "note": note}
