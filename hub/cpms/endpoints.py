"""A CPMS's OCPI door: requests become port calls, and what the operator owns goes out to its partners.

Source: OCPI 2.3.0, mod_locations, mod_tariffs, mod_sessions, mod_cdrs, mod_tokens, mod_commands,
mod_charging_profiles, mod_hub_client_info; OCPI 2.3.0 Bookings, mod_bookings: Sender and Receiver interfaces of a CPO.
"""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from hub.cpms.bookings import calendars
from hub.cpms.bookings.watch import BookingWatch
from hub.cpms.commands import TIMEOUT, StationCommands
from hub.cpms.desk import OperatorDesk
from hub.cpms.orders import orders
from hub.cpms.ports import Cpms, CpmsEvent, Handler
from hub.cpms.store import TABLE, Store, token_key
from hub.cpms.tariffs.room import TariffRoom
from hub.cpms.tellers import (
    BookingLocationTeller,
    BookingTeller,
    CdrTeller,
    LocationTeller,
    RemovedTariffTeller,
    SessionTeller,
    TariffTeller,
)
from hub.cpms.terms import CdrTerms
from hub.database.contract import Database, Transaction
from hub.ocpi.errors import UnknownToken
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
from hub.ocpi.receiving import NoSuchLocation, NoSuchObject, NoSuchToken, check_owner, child, owner_of, patched
from hub.ocpi.shelves import EVERYONE, Shelf
from hub.ocpi.times import utc_now

#: Returns the public URL of one of this party's own endpoints: that of a request, as its caller's
#: version writes it, without the query.
UrlOf = Callable[[Request], str]


class CpoEndpoints(LocalPlatform):
    """The platform of one CPO.

    Args:
        hub: where requests are put; raises ReceiverUnreachable while there is no registration.
        call_url: puts a request to an exact URL a peer gave.
        url_of: the URL a request of this platform's callers came to, without its query.
        cpms: what operates the stations.
        heard: hears what the CPMS told, once it is recorded.
        start_timeout: how long a station may take to charge, its driver connecting the car, in seconds.
        terms: what CDRs say of billing beyond their price.
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
        cpms: Cpms,
        page_limit: int = 100,
        clock: Callable[[], datetime.datetime] = utc_now,
        heard: Callable[[CpmsEvent], None] | None = None,
        start_timeout: int = TIMEOUT,
        terms: CdrTerms | None = None,
    ) -> None:
        self.party = party
        self.hub_party = hub_party
        self.hub = hub
        self.url_of = url_of
        self.cpms = cpms
        self.store = Store(database, party, page_limit=page_limit)
        self.desk = OperatorDesk(
            party=party, store=self.store, hub=hub, call_url=call_url, clock=clock, heard=heard, terms=terms
        )
        self.tariffs = TariffRoom(self.store, clock=clock)
        self.bookings = BookingWatch(self.desk.book, cpms, self.desk, clock)
        self.stations = StationCommands(self.desk, cpms, self.bookings, start_timeout=start_timeout)
        self.owed = Owed(
            database,
            TABLE,
            party=party,
            hub_party=hub_party,
            hub=hub,
            call_url=call_url,
            tellers={
                "location": LocationTeller(party),
                "tariff": TariffTeller(party),
                "tariff_removed": RemovedTariffTeller(party),
                "session": SessionTeller(party),
                "cdr": CdrTeller(party),
                "booking": BookingTeller(party),
                "booking_location": BookingLocationTeller(party),
            },
            returned=lambda: self.pulling.begin(),
        )
        self.pulling = Pulling(
            database,
            party=party,
            hub_party=hub_party,
            hub=hub,
            listings=[
                Listing(tokens.list_tokens, self.store.tokens, lambda each: token_key(each["uid"], each["type"]))
            ],
        )
        self.partners = Partners(database, TABLE, self.owed.back)

    async def start(self) -> None:
        """Take up the stations and what is still owed."""
        await self.cpms.start(self.desk, await self.desk.running(), await self.desk.reserved())
        await self.owed.start()
        await self.bookings.start()
        await self.tariffs.start()
        self.pulling.begin()

    async def stop(self) -> None:
        """Let go; sessions go on at the stations."""
        await self.pulling.stop()
        await self.tariffs.stop()
        await self.bookings.stop()
        await self.owed.stop()
        await self.stations.stop()
        await self.cpms.stop()

    def orders(self) -> Mapping[str, Handler]:
        """What an operator may have this CPMS do, by order kind."""
        return {**orders(self.store), **self.cpms.orders()}

    # -- Sender: what is ours ----------------------------------------------------------------------

    @serves(locations.list_locations)
    async def list_locations(self, request: Request) -> Response:
        return await self._list(request, self.store.locations, locations.Location)

    @serves(locations.get_own_location)
    async def get_own_location(self, request: Request) -> Response:
        return Response.of(locations.Location, await self._location(request))

    @serves(locations.get_own_evse)
    async def get_own_evse(self, request: Request) -> Response:
        evse = child(await self._location(request), "evses", request.params["evse_uid"])
        if evse is None:
            raise NoSuchLocation
        return Response.of(locations.EVSE, evse)

    @serves(locations.get_own_connector)
    async def get_own_connector(self, request: Request) -> Response:
        evse = child(await self._location(request), "evses", request.params["evse_uid"])
        connector = child(evse, "connectors", request.params["connector_id"])
        if connector is None:
            raise NoSuchLocation
        return Response.of(locations.Connector, connector)

    @serves(tariffs.list_tariffs)
    async def list_tariffs(self, request: Request) -> Response:
        # A Tariff made for one eMSP is no other's to see; what the hub pulls it shows to everyone.
        receivers = [EVERYONE, str(request.sender)]
        page = await self.store.tariffs.page(request.parameters, owner=self.party, receivers=receivers)
        return page.response(tariffs.Tariff, self.url_of(request))

    @serves(sessions.list_sessions)
    async def list_sessions(self, request: Request) -> Response:
        return await self._list(request, self.store.sessions, sessions.Session, directed=True)

    @serves(cdrs.list_cdrs)
    async def list_cdrs(self, request: Request) -> Response:
        return await self._list(request, self.store.cdrs, cdrs.CDR, directed=True)

    @serves(bookings.list_booking_locations)
    async def list_booking_locations(self, request: Request) -> Response:
        matching = calendars.within(request.parameters)
        page = await self.store.booking_locations.page(request.parameters, owner=self.party, matching=matching)
        return page.response(bookings.BookingLocation, self.url_of(request))

    @serves(bookings.get_own_booking_location)
    async def get_own_booking_location(self, request: Request) -> Response:
        return Response.of(bookings.BookingLocation, await self._booking_location(request))

    @serves(bookings.get_own_calendar)
    async def get_own_calendar(self, request: Request) -> Response:
        calendar = child(await self._booking_location(request), "calendars", request.params["calendar_id"])
        if calendar is None:
            raise NoSuchObject(f"There is no Calendar {request.params['calendar_id']}")
        return Response.of(bookings.Calendar, calendar)

    @serves(bookings.list_bookings)
    async def list_bookings(self, request: Request) -> Response:
        return await self._list(request, self.store.bookings, bookings.Booking, directed=True)

    @serves(bookings.post_booking)
    async def post_booking(self, request: Request) -> Response:
        assert request.sender is not None, "Functional Modules have a sender"
        return Response.of(bookings.Booking, await self.desk.book.request(request.value, request.sender))

    async def _booking_location(self, request: Request) -> JSONObject:
        found = await self.store.booking_locations.get(self.party, request.params["booking_location_id"])
        if found is None:
            raise NoSuchLocation(f"There is no BookingLocation {request.params['booking_location_id']}")
        return found

    @serves(sessions.put_charging_preferences)
    async def put_charging_preferences(self, request: Request) -> Response:
        return await self.stations.put_charging_preferences(request)

    async def _list(self, request: Request, shelf: Shelf, declared: Any, *, directed: bool = False) -> Response:
        # A Session or CDR is shown to the eMSP it is owed to, and to nobody else (checklist GA-07).
        asker = [str(request.sender)] if directed and request.sender != self.hub_party else []
        page = await shelf.page(request.parameters, owner=self.party, receivers=asker)
        return page.response(declared, self.url_of(request))

    async def _location(self, request: Request) -> JSONObject:
        location = await self.store.locations.get(self.party, request.params["location_id"])
        if location is None:
            raise NoSuchLocation
        return location

    # -- Receiver: the providers' Tokens -----------------------------------------------------------

    @serves(tokens.get_token)
    async def get_token(self, request: Request) -> Response:
        found = await self._token(request)
        if found is None:
            raise NoSuchToken
        return Response.of(tokens.Token, found)

    @serves(tokens.put_token)
    async def put_token(self, request: Request) -> Response:
        value = request.value
        check_owner(request, self.hub_party, value, uid=request.params["token_uid"])
        key = token_key(value["uid"], value["type"])
        owner = owner_of(request)
        created = await self.store.database.transact(lambda tx: self.store.tokens.put(tx, owner, key, value))
        return Response(http_status=201 if created else 200)

    @serves(tokens.patch_token)
    async def patch_token(self, request: Request) -> Response:
        # Its type is a part of a Token's identity: a PATCH cannot make another one of it.
        check_owner(request, self.hub_party, request.value, uid=request.params["token_uid"], type=_type_of(request))
        found = await self._token(request)
        if found is None:
            raise UnknownToken
        key = token_key(found["uid"], found["type"])
        owner = owner_of(request)

        async def work(tx: Transaction) -> None:
            present = await self.store.tokens.get_in(tx, owner, key)
            assert present is not None, "Tokens are never removed"
            await self.store.tokens.put(tx, owner, key, patched(present, request.value))

        await self.store.database.transact(work)
        return Response()

    async def _token(self, request: Request) -> JSONObject | None:
        return await self.store.tokens.get(owner_of(request), token_key(request.params["token_uid"], _type_of(request)))

    # -- Receiver: orders to stations --------------------------------------------------------------

    @serves(commands.start_session)
    async def start_session(self, request: Request) -> Response:
        return await self.stations.start_session(request)

    @serves(commands.stop_session)
    async def stop_session(self, request: Request) -> Response:
        return await self.stations.stop_session(request)

    @serves(commands.reserve_now)
    async def reserve_now(self, request: Request) -> Response:
        return await self.stations.reserve_now(request)

    @serves(commands.cancel_reservation)
    async def cancel_reservation(self, request: Request) -> Response:
        return await self.stations.cancel_reservation(request)

    @serves(commands.unlock_connector)
    async def unlock_connector(self, request: Request) -> Response:
        return await self.stations.unlock_connector(request)

    @serves(chargingprofiles.set_charging_profile)
    async def set_charging_profile(self, request: Request) -> Response:
        return await self.stations.set_charging_profile(request)

    @serves(chargingprofiles.get_active_charging_profile)
    async def get_active_charging_profile(self, request: Request) -> Response:
        return await self.stations.get_active_charging_profile(request)

    @serves(chargingprofiles.clear_charging_profile)
    async def clear_charging_profile(self, request: Request) -> Response:
        return await self.stations.clear_charging_profile(request)

    # -- Receiver: who is connected ----------------------------------------------------------------

    @serves(hubclientinfo.put_client_info)
    async def put_client_info(self, request: Request) -> Response:
        return await self.partners.put(request)

    @serves(hubclientinfo.get_client_info)
    async def get_client_info(self, request: Request) -> Response:
        return await self.partners.get(request)


def _type_of(request: Request) -> str:
    """Return which type of Token a URL names: RFID if it does not say (mod_tokens, GET and PATCH Method)."""
    return request.parameters.get("type") or "RFID"
