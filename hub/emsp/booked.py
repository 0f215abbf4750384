"""What CPOs tell of Bookings, taken: Calendars into their BookingLocations, Bookings as they are now.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (Receiver Interface).
"""

from hub.database.contract import Transaction
from hub.emsp.store import Store
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.receiving import check_owner, child, owner_of, patched, with_calendar


class Booked:
    """The Receiver's side of what changes."""

    def __init__(self, store: Store, party: Party, hub_party: Party) -> None:
        self._store = store
        self._party = party
        self._hub_party = hub_party

    async def take_calendar(self, request: Request) -> Response:
        """Take a Calendar into its BookingLocation, whose ``last_updated`` becomes the Calendar's."""
        value, calendar_id = request.value, request.params["calendar_id"]
        check_owner(request, self._hub_party, value, id=calendar_id)
        owner, number = owner_of(request), request.params["booking_location_id"]
        partial = request.operation.method == "PATCH"

        async def work(tx: Transaction) -> bool:
            offer = await self._store.booking_locations.get_in(tx, owner, number)
            known = child(offer, "calendars", calendar_id)
            if offer is None or (partial and known is None):
                raise InvalidParameters("unknown here: PUT it first")
            await self._store.booking_locations.put(tx, owner, number, with_calendar(offer, value, partial=partial))
            return known is None

        created = await self._store.database.transact(work)
        return Response(http_status=201 if created else 200)

    async def take_booking(self, request: Request) -> Response:
        """Take a Booking as its CPO has it now; the URL may name it by either of its ids (docs/errata.md, E-22)."""
        value, owner, named = request.value, owner_of(request), request.params["booking_id"].upper()
        check_owner(request, self._hub_party, value)
        partial = request.operation.method == "PATCH"
        known = await self._store.booking(owner, named)
        if partial and known is None:
            raise InvalidParameters("unknown here: PUT it first")
        whole = patched(known, value) if partial and known is not None else value
        if named not in (whole["id"].upper(), whole["request_id"].upper()):
            raise InvalidParameters(f"$.id: differs from the URL's {named}")
        for number, each in enumerate(whole["booking_requests"]):
            asked = each["booking_request"]
            if Party.of(asked["country_code"], asked["party_id"]) != self._party:
                raise InvalidParameters(f"$.booking_requests[{number}].booking_request.party_id: is not {self._party}")
        created = await self._store.database.transact(
            lambda tx: self._store.bookings.put(tx, owner, whole["id"], whole)
        )
        return Response(http_status=201 if created else 200)
