"""The service provider's OCPI door: Tokens out, everything a CPO tells in.

Source: OCPI 2.3.0, mod_tokens, mod_locations, mod_tariffs, mod_sessions, mod_cdrs, mod_commands,
mod_charging_profiles, mod_hub_client_info; OCPI 2.3.0 Bookings, mod_bookings: Sender and Receiver interfaces of an
eMSP.
"""

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hub.database.contract import Database, Transaction
from hub.emsp.asking import Asking
from hub.emsp.booked import Booked
from hub.emsp.measures import check_measures
from hub.emsp.orders import Handler, orders
from hub.emsp.store import TABLE, Store
from hub.emsp.tokens import Judge, TokenTeller, judge_by_token
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.modules import (
    bookings,
    cdrs,
    chargingprofiles,
    commands,
    hubclientinfo,
    locations,
    sessions,
    tariffs,
    tokens,
)
from hub.ocpi.objects import JSONObject
from hub.ocpi.owed import CallUrl, Owed
from hub.ocpi.partners import Partners
from hub.ocpi.platforms import LocalPlatform, Platform, serves
from hub.ocpi.pulling import Listing, Pulling
from hub.ocpi.receiving import (
    NoSuchLocation,
    NoSuchObject,
    NoSuchToken,
    check_owner,
    check_size,
    child,
    owner_of,
    patched,
    with_inner,
)
from hub.ocpi.shelves import Shelf
from hub.ocpi.times import EPOCH, date_time, utc_now

#: Returns the public URL of one of this party's own endpoints: that of a request, as its caller's
#: version writes it, without the query.
UrlOf = Callable[[Request], str]


class Behind(Protocol):
    """A room behind an OCPI door."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class EmspEndpoints(LocalPlatform):
    """The platform of one eMSP.

    Args:
        hub: where requests are put; raises ReceiverUnreachable while there is no registration.
        call_url: puts a request to an exact URL a peer gave.
        url_of: the URL of one of this platform's own endpoints.
        store: its memory, where others look into it too; None: one of its own.
    """

    def __init__(
        self,
        *,
        party: Party,
        hub_party: Party,
        hub: Platform,
        call_url: CallUrl,
        url_of: UrlOf,
        database: Database,
        store: Store | None = None,
        page_limit: int = 100,
        clock: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self.party = party
        self.hub_party = hub_party
        self.url_of = url_of
        self.store = store or Store(database, party, page_limit=page_limit)
        self.asking = Asking(party=party, store=self.store, hub=hub, url_of=url_of)
        self.owed = Owed(
            database,
            TABLE,
            party=party,
            hub_party=hub_party,
            hub=hub,
            call_url=call_url,
            tellers={"token": TokenTeller(party)},
            returned=lambda: self.pulling.begin(),
        )
        self.pulling = Pulling(
            database,
            party=party,
            hub_party=hub_party,
            hub=hub,
            listings=[
                Listing(tariffs.list_tariffs, self.store.tariffs, _id),
                Listing(locations.list_locations, self.store.locations, _id),
                Listing(sessions.list_sessions, self.store.sessions, _id, since=date_time(EPOCH)),
                Listing(cdrs.list_cdrs, self.store.cdrs, _id, sealed=True),
                Listing(bookings.list_booking_locations, self.store.booking_locations, _id),
                Listing(bookings.list_bookings, self.store.bookings, _id, since=date_time(EPOCH)),
            ],
            check=check_measures,
        )
        self.booked = Booked(self.store, party, hub_party)
        self.partners = Partners(database, TABLE, self.owed.back)
        self.clock = clock
        #: Who answers real-time authorizations; the room of drivers takes this place.
        self.judge: Judge = judge_by_token
        #: Rooms that work behind this door; they begin and end with it.
        self.rooms: tuple[Behind, ...] = ()

    async def __call__(self, request: Request) -> Response:
        if request.body is not None:
            check_measures(request.value)
        return await super().__call__(request)

    async def start(self) -> None:
        """Take up what is still owed."""
        await self.store.index.open()
        await self.owed.start()
        self.pulling.begin()
        for each in self.rooms:
            await each.start()

    async def stop(self) -> None:
        """Let go."""
        for each in reversed(self.rooms):
            await each.stop()
        await self.pulling.stop()
        await self.owed.stop()

    def orders(self) -> Mapping[str, Handler]:
        """What an operator may have this provider do, by order kind."""
        return orders(self.store, self.asking)

    # -- Sender: our Tokens ------------------------------------------------------------------------

    @serves(tokens.list_tokens)
    async def list_tokens(self, request: Request) -> Response:
        page = await self.store.tokens.page(request.parameters, owner=self.party)
        return page.response(tokens.Token, self.url_of(request))

    @serves(tokens.authorize)
    async def authorize(self, request: Request) -> Response:
        """Real-time authorization: by the token itself, never by opening hours or status (mod_tokens)."""
        kind = request.parameters.get("type") or "RFID"  # mod_tokens: the default if omitted
        uid = request.params["token_uid"]
        token = await self.store.token(uid, kind)
        info = await self.judge(request.sender, uid, kind, token, request.value)
        if info is None:
            raise NoSuchToken
        return Response.of(tokens.AuthorizationInfo, info)

    # -- Receiver: Locations -----------------------------------------------------------------------

    @serves(locations.get_location)
    async def get_location(self, request: Request) -> Response:
        return Response.of(locations.Location, await self._location(request))

    @serves(locations.get_evse)
    async def get_evse(self, request: Request) -> Response:
        evse = child(await self._location(request), "evses", request.params["evse_uid"])
        if evse is None:
            raise NoSuchLocation
        return Response.of(locations.EVSE, evse)

    @serves(locations.get_connector)
    async def get_connector(self, request: Request) -> Response:
        evse = child(await self._location(request), "evses", request.params["evse_uid"])
        connector = child(evse, "connectors", request.params["connector_id"])
        if connector is None:
            raise NoSuchLocation
        return Response.of(locations.Connector, connector)

    @serves(locations.put_location)
    async def put_location(self, request: Request) -> Response:
        return await self._put(request, self.store.locations, request.params["location_id"])

    @serves(locations.patch_location)
    async def patch_location(self, request: Request) -> Response:
        return await self._patch(request, self.store.locations, request.params["location_id"])

    @serves(locations.put_evse, locations.patch_evse)
    async def put_or_patch_evse(self, request: Request) -> Response:
        return await self._inner(request, request.params["evse_uid"])

    @serves(locations.put_connector, locations.patch_connector)
    async def put_or_patch_connector(self, request: Request) -> Response:
        return await self._inner(request, request.params["evse_uid"], request.params["connector_id"])

    async def _location(self, request: Request) -> JSONObject:
        found = await self.store.locations.get(owner_of(request), request.params["location_id"])
        if found is None:
            raise NoSuchLocation
        return found

    async def _inner(self, request: Request, *path: str) -> Response:
        value = request.value
        check_owner(request, self.hub_party, value, **{"uid" if len(path) == 1 else "id": path[-1]})
        owner, location_id = owner_of(request), request.params["location_id"]
        partial = request.operation.method == "PATCH"

        async def work(tx: Transaction) -> bool:
            present = await self.store.locations.get_in(tx, owner, location_id)
            if present is None:
                raise UnknownLocation
            evse = child(present, "evses", path[0])
            new = evse is None if len(path) == 1 else child(evse, "connectors", path[1]) is None
            await self.store.locations.put(tx, owner, location_id, with_inner(present, path, value, partial=partial))
            return new

        created = await self.store.database.transact(work)
        return Response(http_status=201 if created else 200)

    # -- Receiver: Tariffs and Sessions ------------------------------------------------------------

    @serves(tariffs.get_tariff)
    async def get_tariff(self, request: Request) -> Response:
        return await self._get(request, self.store.tariffs, request.params["tariff_id"], tariffs.Tariff)

    @serves(tariffs.put_tariff)
    async def put_tariff(self, request: Request) -> Response:
        return await self._put(request, self.store.tariffs, request.params["tariff_id"])

    @serves(tariffs.delete_tariff)
    async def delete_tariff(self, request: Request) -> Response:
        check_owner(request, self.hub_party, {})
        owner, tariff_id = owner_of(request), request.params["tariff_id"]
        if not await self.store.database.transact(lambda tx: self.store.tariffs.delete(tx, owner, tariff_id)):
            raise NoSuchObject
        return Response()

    @serves(sessions.get_session)
    async def get_session(self, request: Request) -> Response:
        return await self._get(request, self.store.sessions, request.params["session_id"], sessions.Session)

    @serves(sessions.put_session)
    async def put_session(self, request: Request) -> Response:
        return await self._put(request, self.store.sessions, request.params["session_id"])

    @serves(sessions.patch_session)
    async def patch_session(self, request: Request) -> Response:
        session_id = request.params["session_id"]
        return await self._patch(request, self.store.sessions, session_id, appended="charging_periods")

    async def _get(self, request: Request, shelf: Shelf, object_id: str, declared: Any) -> Response:
        found = await shelf.get(owner_of(request), object_id)
        if found is None:
            raise NoSuchObject
        return Response.of(declared, found)

    async def _put(self, request: Request, shelf: Shelf, object_id: str) -> Response:
        check_owner(request, self.hub_party, request.value, id=object_id)
        owner = owner_of(request)
        created = await self.store.database.transact(lambda tx: shelf.put(tx, owner, object_id, request.value))
        return Response(http_status=201 if created else 200)

    async def _patch(self, request: Request, shelf: Shelf, object_id: str, *, appended: str | None = None) -> Response:
        check_owner(request, self.hub_party, request.value, id=object_id)
        owner = owner_of(request)

        async def work(tx: Transaction) -> None:
            present = await shelf.get_in(tx, owner, object_id)
            if present is None:
                raise (
                    UnknownLocation
                    if shelf is self.store.locations
                    else InvalidParameters("unknown here: PUT it first")
                )
            if appended and present["last_updated"] == request.value["last_updated"]:
                # The same PATCH again must not add its charging periods a second time.
                return
            whole = patched(present, request.value, appended=appended)
            if appended:
                check_size(codec.encode(whole))
            await shelf.put(tx, owner, object_id, whole)

        await self.store.database.transact(work)
        return Response()

    # -- Receiver: Bookings ------------------------------------------------------------------------

    @serves(bookings.get_booking_location)
    async def get_booking_location(self, request: Request) -> Response:
        number = request.params["booking_location_id"]
        return await self._get(request, self.store.booking_locations, number, bookings.BookingLocation)

    @serves(bookings.put_booking_location)
    async def put_booking_location(self, request: Request) -> Response:
        return await self._put(request, self.store.booking_locations, request.params["booking_location_id"])

    @serves(bookings.patch_booking_location)
    async def patch_booking_location(self, request: Request) -> Response:
        return await self._patch(request, self.store.booking_locations, request.params["booking_location_id"])

    @serves(bookings.get_calendar)
    async def get_calendar(self, request: Request) -> Response:
        offer = await self.store.booking_locations.get(owner_of(request), request.params["booking_location_id"])
        calendar = child(offer, "calendars", request.params["calendar_id"])
        if calendar is None:
            raise NoSuchObject
        return Response.of(bookings.Calendar, calendar)

    @serves(bookings.put_calendar, bookings.patch_calendar)
    async def put_or_patch_calendar(self, request: Request) -> Response:
        return await self.booked.take_calendar(request)

    @serves(bookings.get_booking)
    async def get_booking(self, request: Request) -> Response:
        found = await self.store.booking(owner_of(request), request.params["booking_id"])
        if found is None:
            raise NoSuchObject
        return Response.of(bookings.Booking, found)

    @serves(bookings.put_booking, bookings.patch_booking)
    async def put_or_patch_booking(self, request: Request) -> Response:
        return await self.booked.take_booking(request)

    # -- Receiver: CDRs ----------------------------------------------------------------------------

    @serves(cdrs.post_cdr)
    async def post_cdr(self, request: Request) -> Response:
        """Book a CDR once per (country_code, party_id, id); the same one again changes nothing.

        Raises:
            InvalidParameters: it is not for us, or a CDR of this id says something else.
        """
        value = request.value
        owner = Party.of(value["country_code"], value["party_id"])
        if request.sender not in (owner, self.hub_party):
            raise InvalidParameters(f"{request.sender} owns no CDR of {owner}")
        if Party.of(value["cdr_token"]["country_code"], value["cdr_token"]["party_id"]) != self.party:
            raise InvalidParameters("$.cdr_token: is no token of ours")

        async def work(tx: Transaction) -> bool:
            booked = await self.store.cdrs.get_in(tx, owner, value["id"])
            if booked is None:
                return await self.store.cdrs.put(tx, owner, value["id"], value)
            if booked != value:
                # Sealed: only a Credit CDR changes what was booked (mod_cdrs, Flow).
                raise InvalidParameters(f"$.id: CDR {value['id']} is booked and says something else")
            return False

        created = await self.store.database.transact(work)
        at = Request(cdrs.get_cdr, None, params={"cdr_id": value["id"]}, version=request.version)
        return Response(http_status=201 if created else 200, headers={"Location": self.url_of(at)})

    @serves(cdrs.get_cdr)
    async def get_cdr(self, request: Request) -> Response:
        """Return a booked CDR to the CPO that sent it."""
        assert request.sender is not None, "Functional Modules have a sender"
        found = await self.store.cdrs.get(request.sender, request.params["cdr_id"])
        if found is None:
            raise NoSuchObject
        return Response.of(cdrs.CDR, found)

    # -- Sender: results of what we asked for ------------------------------------------------------

    @serves(
        commands.post_result,
        chargingprofiles.post_charging_profile_result,
        chargingprofiles.post_active_charging_profile_result,
        chargingprofiles.post_clear_profile_result,
    )
    async def post_result(self, request: Request) -> Response:
        await self.asking.finished(request)
        return Response()

    @serves(chargingprofiles.put_active_charging_profile)
    async def put_active_charging_profile(self, request: Request) -> Response:
        await self.asking.profile_changed(request)
        return Response()

    # -- Receiver: who is connected ----------------------------------------------------------------

    @serves(hubclientinfo.put_client_info)
    async def put_client_info(self, request: Request) -> Response:
        return await self.partners.put(request)

    @serves(hubclientinfo.get_client_info)
    async def get_client_info(self, request: Request) -> Response:
        return await self.partners.get(request)


def _id(value: JSONObject) -> str:
    found: str = value["id"]
    return found
