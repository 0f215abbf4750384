"""The hub: where a request goes.

Directed          to a named party       forwarded at once, its answer relayed
Broadcast Push    to the hub, a push     kept, then delivered to the opposite roles by the outbox
GET All           to the hub, a GET      answered from the catalogue
Open Routing      to nobody              the receiver is found by content (``openrouting``), then as Directed
Result            to a lent URL          led on to the URL it stands for, the asker's answer relayed

Source: OCPI 2.3.0, transport_and_format.asciidoc (Message Routing).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from hub import lending, listing
from hub.callbacks import Callbacks, Kind, Lent
from hub.catalogue import PUBLIC, Catalogue
from hub.credentials.connections import Connection, Connections
from hub.database import Database, Transaction
from hub.keeping import Level, UnknownObject, check_owner, key_of, level_of, said_in
from hub.ocpi.errors import (
    InvalidParameters,
    OcpiError,
    ReceiverTimeout,
    ReceiverUnreachable,
    UnknownEndpoint,
    UnknownLocation,
)
from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.modules import bookings, cdrs, chargingprofiles, invoicereconciliation, sessions
from hub.ocpi.outbox import OFFLINE, Destination, Outbox, Push
from hub.ocpi.platforms import Platform
from hub.ocpi.remote import RemotePlatform
from hub.openrouting import OpenRouting


class Hops(Protocol):
    """Told of every request the hub puts to a party."""

    def __call__(
        self, request: Request, connection: Connection, response: Response | OcpiError, seconds: float
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Router:
    """The hub as a platform: puts each request to the platform it is meant for.

    Attributes:
        hub: the hub's own address.
        base_url: the hub's OCPI address, ``https://host/ocpi``.
        remote: the platform behind a connection.
        client_info: answers the hub's hubclientinfo, which is never routed.
        page_limit: the most objects in a page of the hub's own lists.
    """

    hub: Party
    base_url: str
    database: Database
    directory: Connections
    catalogue: Catalogue
    callbacks: Callbacks
    outbox: Outbox
    remote: Callable[[Connection], RemotePlatform]
    client_info: Platform
    hops: Hops
    check_url: Callable[[str], None]
    page_limit: int = 100

    async def __call__(self, request: Request) -> Response:
        operation = request.operation
        module = REGISTRY.get(operation.module)
        if module is not None and not module.functional:
            return await self.client_info(request)
        if operation.result:
            return await self._result(request)
        if operation is cdrs.get_cdr and request.receiver != self.hub:
            return await self._lent_location(request)
        if request.receiver is not None and request.receiver != self.hub:
            return await self._directed(request, request.receiver)
        if module is None:
            raise InvalidParameters("A custom module is routed between parties only: name a receiver")
        return await self._to_the_hub(request)

    async def _to_the_hub(self, request: Request) -> Response:
        """Serve what is addressed to the hub, or to nobody."""
        operation, opened = request.operation, request.receiver is None
        if operation.method == "GET" and operation.paginated:
            if opened:
                raise InvalidParameters("A list is asked of a party or of the hub: name a receiver")
            return await self._get_all(request)
        level = level_of(operation)
        if operation.method == "GET" and level is not None and (operation.owned or not opened):
            return await self._own_copy(request, level)
        if operation.pushes and level is not None and level.broadcast:
            return await self._broadcast(request, level)
        if not opened:
            raise OcpiError(f"{operation.module} is not for everyone: name a receiver instead of the hub")
        found = await self._open_routing.receiver(request)
        return await self._directed(request, found)

    @property
    def _open_routing(self) -> OpenRouting:
        return OpenRouting(self.catalogue, self.callbacks)

    # -- directed --------------------------------------------------------------------------------

    async def _directed(self, request: Request, receiver: Party) -> Response:
        level = level_of(request.operation)
        if request.operation.owned:
            self._check_owned(request, level)
        else:
            await self._check(request, receiver)
        if request.receiver is None:
            request = request.but(receiver=receiver)
        unheard: OcpiError | None = None
        try:
            connection = self.directory.of(receiver, request.operation)
            if request.operation.response_url is not None:
                return await self._asking(request, connection)
            url = await self._lent_link(request, connection) if request.query else None
            response = await self._put(request, connection, url=url)
        except (ReceiverTimeout, ReceiverUnreachable) as error:
            unheard = error
        if unheard is None and not response.succeeded:
            return response.but(sender=receiver, headers={})  # its URLs lead nowhere for the sender
        if self._is_kept(request, receiver):
            await self._keep(request, level, receiver)
        if unheard is not None:
            raise unheard
        if response.headers or connection.quirks.link != "follow":
            response = await self._with_own_urls(request, connection, response)
        return response if response.sender == receiver else response.but(sender=receiver)

    def _check_owned(self, request: Request, level: Level | None) -> None:
        """Refuse what speaks of an object as another's.

        Raises:
            InvalidParameters: the owner is no party of the caller's, or URL and body differ.
        """
        owner = _party(request.params["country_code"], request.params["party_id"])
        if owner not in self._parties(request):
            raise InvalidParameters(f"The URL names {owner}, which is no party of the calling platform")
        if request.body is not None:
            check_owner(request, level, said_in(request.body))

    async def _check(self, request: Request, receiver: Party) -> None:
        """Refuse what speaks for a party that is not the caller's, where the URL names no owner.

        Raises:
            InvalidParameters: owner, id or token are another's.
        """
        operation, parties = request.operation, self._parties(request)
        if operation in _OWNED_BY_BODY and request.body is not None:
            said = said_in(request.body)
            if Party.of(said.country_code or "", said.party_id or "") not in parties:
                raise InvalidParameters("$.country_code, $.party_id: no party of the calling platform")
        elif operation in _ABOUT_A_SESSION:
            await lending.check_session(request.params["session_id"], request, receiver, self.catalogue)
        elif operation.response_url == "body":
            await lending.check_command(request, parties, receiver, self.catalogue)

    def _parties(self, request: Request) -> tuple[Party, ...]:
        connection = self.directory.by_id(request.caller) if request.caller else None
        if connection is not None:
            return connection.parties
        return (request.sender,) if request.sender else ()

    async def _put(self, request: Request, connection: Connection, *, url: str | None = None) -> Response:
        """Put a request to a party, and remember the hop."""
        started = time.perf_counter()
        try:
            response = await self.remote(connection)(request, url=url)
        except OcpiError as error:
            self.hops(request, connection, error, time.perf_counter() - started)
            raise
        self.hops(request, connection, response, time.perf_counter() - started)
        return response

    def _is_kept(self, request: Request, receiver: Party) -> bool:
        """Whether a directed object is kept for its two parties: this pair may be set to keep nothing."""
        operation = request.operation
        return (operation.pushes or operation is cdrs.post_cdr) and not self._keeps_nothing(request, receiver)

    async def _keep(self, request: Request, level: Level | None, receiver: Party) -> None:
        """Keep a directed object for its two parties."""
        operation, body = request.operation, request.body
        peer = str(receiver)
        try:
            if level is not None and operation.pushes:
                kept = level
                await self.database.transact(lambda tx: self.catalogue.keep(tx, request, kept, peer))
            elif operation is cdrs.post_cdr and body is not None:
                await self.database.transact(lambda tx: self.catalogue.keep_new(tx, "cdrs", peer, body))
        except (UnknownObject, UnknownLocation):
            return  # the receiver knew what the hub has never seen: there is nothing to merge into

    def _keeps_nothing(self, request: Request, receiver: Party) -> bool:
        connection = self.directory.by_id(request.caller) if request.caller else None
        if connection is not None and _names(connection.options, receiver):
            return True
        return request.sender is not None and any(
            _names(each.options, request.sender) for each in self.directory.having(receiver)
        )

    # -- asking for a later result, and the result -------------------------------------------------

    async def _asking(self, request: Request, connection: Connection) -> Response:
        asker = self.directory.by_id(request.caller) if request.caller else None
        if asker is None or request.sender is None or request.receiver is None:
            raise InvalidParameters("response_url: only a connected party can be answered later")
        wanted = lending.response_url(request)
        lending.check_host(wanted.url, asker, self.check_url)
        lent = self.callbacks.new(
            "result", wanted.url, (request.sender, asker.id), (request.receiver, connection.id),
            request.operation.module, request.correlation_id,
        )  # fmt: skip
        await self.database.transact(
            lambda tx: self.callbacks.store(tx, lent, reservation=wanted.reservation, expiry_date=wanted.expiry_date)
        )
        own = lending.result_url(self.base_url, connection.version, request.operation, lent.uid)
        response = await self._put(lending.exchanged(request, own), connection)
        timeout = lending.timeout_of(response)
        if timeout is not None:
            await self.callbacks.expect(lent.uid, timeout)
        return response.but(sender=request.receiver, headers={})

    async def _result(self, request: Request) -> Response:
        lent = await self._redeem(request, request.params["uid"], "result")
        asker = self.directory.by_id(lent.owner_connection)
        if asker is None:
            raise ReceiverUnreachable(f"{lent.owner} is no longer connected")
        await self.callbacks.answered(lent.uid)
        onward = request.but(sender=lent.borrower, receiver=lent.owner)
        response = await self._put(onward, asker, url=lent.url)
        return response.but(sender=lent.owner, headers={})

    async def _redeem(self, request: Request, uid: str, kind: Kind) -> Lent:
        lent = await self.callbacks.redeem(uid, kind, request.sender, request.caller or "")
        if lent.module != request.operation.module:
            raise UnknownEndpoint("There is no such URL here")
        return lent

    # -- URLs in answers ---------------------------------------------------------------------------

    async def _with_own_urls(self, request: Request, connection: Connection, response: Response) -> Response:
        lent = "link" in response.headers or "location" in response.headers
        if not lent and connection.quirks.link == "follow":
            return response
        lender = lending.Lender(self.base_url, self.database, self.callbacks)
        return response.but(headers=await lender.headers(request, connection, response))

    async def _lent_link(self, request: Request, connection: Connection) -> str | None:
        """Return the exact URL of a party's next page where the hub has lent one for it.

        It is called with the token of the party addressed, so it must be that party's own.

        Raises:
            InvalidParameters: another party gave it.
        """
        listed = request.operation.paginated or request.operation.module not in REGISTRY
        uid = request.parameters.get("link") if listed and "link=" in request.query else None
        if not uid:
            return None
        lent = await self._redeem(request, uid, "link")
        if (lent.owner, lent.owner_connection) != (request.receiver, connection.id):
            raise InvalidParameters(f"This page is {lent.owner}'s: name that party as the receiver")
        return lent.url

    async def _lent_location(self, request: Request) -> Response:
        """GET of a CDR where its receiver said it lies; only the CPO that sent it may."""
        lent: Lent | None = None
        try:
            lent = await self._redeem(request, request.params["cdr_id"], "location")
        except UnknownEndpoint:
            if request.receiver is None:
                raise
        if lent is None:  # not by the hub: the receiver knows it, or not
            assert request.receiver is not None, "nobody was named, which was refused"
            return await self._directed(request, request.receiver)
        holder = self.directory.by_id(lent.owner_connection)
        if holder is None:
            raise ReceiverUnreachable(f"{lent.owner} is no longer connected")
        onward = request.but(sender=lent.borrower, receiver=lent.owner, query="")
        response = await self._put(onward, holder, url=lent.url)
        return response.but(sender=lent.owner, headers={})

    # -- broadcast ---------------------------------------------------------------------------------

    async def _broadcast(self, request: Request, level: Level) -> Response:
        """Keep a push for everyone and hand its copies to the outbox, in one transaction."""
        self._check_owned(request, level)
        assert request.sender is not None, "the server names the sender of a push"
        destinations = [
            Destination(connection.id, party, connection.status != "OFFLINE", OFFLINE)
            for party, connection in self.directory.opposite(request.sender, request.caller, request.operation)
        ]
        owner = Party.of(request.params["country_code"], request.params["party_id"])
        push = Push(
            request.operation, request.params, request.body, self.hub, owner, request.correlation_id,
            f"{level.kind}/{owner}/{key_of(request, level)}", request.query,
        )  # fmt: skip

        async def work(tx: Transaction) -> bool:
            created = await self.catalogue.keep(tx, request, level, PUBLIC)
            await self.outbox.enqueue(tx, push, destinations)
            return created

        created = await self.database.transact(work)
        return Response(http_status=201 if created else 200, sender=self.hub)

    # -- the hub's own copy ------------------------------------------------------------------------

    async def _get_all(self, request: Request) -> Response:
        return (await listing.page(self.catalogue, request, self.base_url, self.page_limit)).but(sender=self.hub)

    async def _own_copy(self, request: Request, level: Level) -> Response:
        response = await listing.single(self.catalogue, request, level)
        if response is None:
            raise UnknownEndpoint("There is no such object")
        return response.but(sender=self.hub)


_party = lru_cache(maxsize=4096)(Party.of)  # the same few stand in all URLs

#: Whose URL names no owner: whose they are stands in the body alone.
_OWNED_BY_BODY = (cdrs.post_cdr, bookings.post_booking, invoicereconciliation.post_record)

#: Whose URL names a Session of the receiver's.
_ABOUT_A_SESSION = (
    sessions.put_charging_preferences,
    chargingprofiles.get_active_charging_profile,
    chargingprofiles.set_charging_profile,
    chargingprofiles.clear_charging_profile,
)


def _names(options: Mapping[str, object], party: Party) -> bool:
    listed = options.get("keep_nothing")
    return isinstance(listed, list | tuple) and ("*" in listed or str(party) in listed)
