"""Finding a charger, looking at it, and its status as it changes (RASD-UC04, GEM-FTR-917, GEM-FTR-978)."""

import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from hub.api.declaring import Call, Gate, route
from hub.api.feed import Event, Feed
from hub.api.problems import NotFound, invalid
from hub.api.shapes import Moment, Shape
from hub.api.streams import MEDIA_TYPE, EventStream
from hub.emsp.api.needs import AllAccepted, Contracts, NoVehicles, Vehicles
from hub.emsp.api.routes.events import Allowed
from hub.emsp.api.routes.wishes import (
    Near,
    Search,
    SearchQuery,
    car_of,
    point_of,
    query_of,
    search_of,
    vehicle_of,
)
from hub.emsp.api.scopes import Scope
from hub.emsp.drivers.garage import Vehicle
from hub.emsp.search.contracts import Contract
from hub.emsp.search.details import Details, Group, Slot, Socket
from hub.emsp.search.finding import CANDIDATES, Answer, Finder, Found
from hub.emsp.search.prices import Estimate
from hub.emsp.search.queries import Query
from hub.emsp.search.statuses import KIND
from hub.emsp.search.viewing import Viewer
from hub.emsp.search.words import STANDARDS
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import EPOCH

_MOST_WATCHED = 200  # Locations


class ExpectedPrice(Shape, frozen=True, kw_only=True):
    """What the wanted energy is expected to cost, as it will be billed: VAT included."""

    amount: Decimal
    currency: str


class FoundEvse(Shape, frozen=True, kw_only=True):
    """An EVSE that was found.

    Attributes:
        owner: CC-PID of its CPO.
        power: the most it gives, in W.
        metres: from the point, or beside the route.
        along_metres: along the route until it is reached; null around a point.
        hours: how long the wanted energy takes.
        price: null where its CPO told none, or what the driver pays cannot be said.
        accepted: whether the contract of the caller lets him use it.
        bookable: whether its CPO offers ``free_at`` for booking; false: free now and promised to no driver of ours
            then, which nobody keeps; null where no such moment was asked for.
        told_at: when its CPO last changed something of it.
    """

    owner: str
    location_id: str
    evse_uid: str
    latitude: float
    longitude: float
    status: str
    power: int
    standards: list[str]
    metres: int
    along_metres: int | None
    hours: Decimal
    price: ExpectedPrice | None
    accepted: bool
    bookable: bool | None
    told_at: Moment


class NothingBecause(Shape, frozen=True, kw_only=True):
    """Wishes that left nothing: without these together there would be something this far away.

    Attributes:
        wishes: as they are named in the search; ``radius``, ``box`` or ``width``: it lies outside the area.
        metres: null: within 100 km (of a route, 20 km) there is nothing whatever.
    """

    wishes: list[str]
    metres: int | None


class SearchAnswer(Shape, frozen=True, kw_only=True):
    """What was found, or why nothing was.

    Attributes:
        compared: how many of the nearest EVSEs were looked at, where more than distance counts: the cheapest is
            the cheapest of these; null where only distance counted.
        price_currency: in which prices were compared; null where they were not, or there were none.
        reasons: of an empty answer: each wish that alone left nothing, the one with the nearest result first; or else
            those that did together.
    """

    items: list[FoundEvse]
    compared: int | None
    price_currency: str | None
    reasons: list[NothingBecause]


class SocketSeen(Shape, frozen=True, kw_only=True):
    """One connector of an EVSE; power in W."""

    evse_uid: str
    evse_id: str | None
    connector_id: str
    status: str
    power: int
    physical_reference: str | None
    reservable: bool
    price: ExpectedPrice | None


class SocketGroup(Shape, frozen=True, kw_only=True):
    """Sockets of one kind and speed; ``free`` of them are AVAILABLE."""

    standard: str
    format: str
    current: str
    power: int
    free: int
    sockets: list[SocketSeen]


class FreeSlot(Shape, frozen=True, kw_only=True):
    """When an EVSE can be booked."""

    evse_uid: str
    starts_at: Moment
    ends_at: Moment


class LocationSeen(Shape, frozen=True, kw_only=True):
    """One Location as a driver sees it.

    Attributes:
        metres: from where he is; null: he has not said.
        accepted: whether the contract of the caller lets him use it.
        told_at: when its CPO last changed something.
        groups: the fastest first.
        offers: OCPI Tariffs that hold for a while only.
    """

    owner: str
    location_id: str
    name: str | None
    address: str
    city: str
    postal_code: str | None
    country: str
    latitude: float
    longitude: float
    time_zone: str
    operator: str | None
    facilities: list[str]
    metres: int | None
    accepted: bool
    told_at: Moment
    groups: list[SocketGroup]
    slots: list[FreeSlot]
    offers: list[dict[str, Any]]


class WatchQuery(Shape, frozen=True, kw_only=True):
    """Which Locations to watch.

    Attributes:
        locations: ``NL-CPO:LOC1,NL-CPO:LOC2``; all without it.
        last_event_id: as the header Last-Event-ID, for those who cannot send it.
    """

    locations: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)] | None = None
    last_event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class SearchRoutes:
    """The search.

    Args:
        statuses: live events of ``hub.emsp.search.statuses``.
        contracts: where callers may charge.
        vehicles: what they drive.
    """

    tag = "search"

    def __init__(
        self,
        finder: Finder,
        viewer: Viewer,
        statuses: Feed,
        gate: Gate,
        *,
        contracts: Contracts | None = None,
        vehicles: Vehicles | None = None,
    ) -> None:
        self._finder = finder
        self._viewer = viewer
        self._statuses = statuses
        self._gate = gate
        self._contracts = contracts or AllAccepted()
        self._vehicles = vehicles or NoVehicles()

    @route("GET", "/search", scope=Scope.CHARGERS_READ)
    async def search(self, call: Call, query: SearchQuery) -> SearchAnswer:
        """Find chargers around a point, in a box or along a route.

        Lists are separated by commas, points are ``latitude,longitude``.
        """
        return await self._found(call, search_of(query), "query")

    @route("POST", "/search", scope=Scope.CHARGERS_READ)
    async def search_by_body(self, call: Call, body: Search) -> SearchAnswer:
        """Find chargers: the same, with the wishes as JSON."""
        return await self._found(call, body, "$")

    async def _found(self, call: Call, wanted: Search, root: str) -> SearchAnswer:
        query = query_of(wanted, root, await self._contract(call), await self._vehicle(call, wanted, root))
        return _answer(query, await self._finder.find(query))

    async def _contract(self, call: Call) -> Contract:
        return await self._contracts.contract(call.principal.id if call.principal.kind == "driver" else None)

    async def _vehicle(self, call: Call, wanted: Search | Near, root: str) -> Vehicle | None:
        known = await self._vehicles.of_driver(call.principal.id) if call.principal.kind == "driver" else []
        return vehicle_of(wanted, known, f"{root}.vehicle_id")

    @route("GET", "/locations/{country_code}/{party_id}/{location_id}", scope=Scope.CHARGERS_READ)
    async def view_location(
        self, call: Call, country_code: str, party_id: str, location_id: str, query: Near
    ) -> LocationSeen:
        """Show a Location: its sockets grouped by connector, with speed and price, free slots, offers."""
        owner = _owner(country_code, party_id)
        car = car_of(query, await self._vehicle(call, query, "query"))
        found = await self._viewer.view(owner, location_id, car, near=point_of(query))
        if found is None:
            raise NotFound("There is no such Location")
        contract = await self._contract(call)
        return _seen(found, contract.accepts(str(owner), location_id, found.location["country"]))

    @route("GET", "/status/events", scope=Scope.CHARGERS_READ, produces=MEDIA_TYPE)
    async def stream_status(self, call: Call, query: WatchQuery) -> Response:
        """Tell the status of EVSEs as their CPOs change it, within two seconds (RASD-UC04)."""
        watched = _watched(query.locations)

        def wants(event: Event) -> bool:
            return watched is None or (event.data["owner"], event.data["location_id"]) in watched

        return EventStream(
            self._statuses,
            frozenset({KIND}),
            after=query.last_event_id or call.headers.get("last-event-id") or None,
            allowed=Allowed(call, self._gate),
            wants=wants,
        )


def _owner(country_code: str, party_id: str) -> Party:
    try:
        return Party.parse(f"{country_code}-{party_id}")
    except ValueError as error:
        raise NotFound("There is no such CPO") from error


def _watched(locations: str | None) -> set[tuple[str, str]] | None:
    """Return owner and id of the Locations to watch."""
    if locations is None:
        return None
    found = set()
    for each in locations.split(","):
        owner, colon, location_id = each.partition(":")
        if not (owner and colon and location_id):
            raise invalid("query.locations", "must be like NL-CPO:LOC1,NL-CPO:LOC2")
        found.add((owner.upper(), location_id.upper()))
    if len(found) > _MOST_WATCHED:
        raise invalid("query.locations", f"must name at most {_MOST_WATCHED} Locations")
    return found


def _answer(query: Query, answer: Answer) -> SearchAnswer:
    return SearchAnswer(
        items=[_found_evse(each) for each in answer.found],
        compared=CANDIDATES if query.looks_closer else None,
        price_currency=answer.currency,
        reasons=[NothingBecause(wishes=list(each.wishes), metres=_whole(each.metres)) for each in answer.reasons],
    )


def _found_evse(found: Found) -> FoundEvse:
    place = found.place
    return FoundEvse(
        owner=place.owner,
        location_id=place.location_id,
        evse_uid=place.evse_uid,
        latitude=place.lat,
        longitude=place.lon,
        status=place.status,
        power=place.power,
        standards=list(STANDARDS.names(place.standards)),
        metres=round(found.metres),
        along_metres=_whole(found.along),
        hours=found.hours,
        price=_price(found.price),
        accepted=found.accepted,
        bookable=found.bookable,
        told_at=EPOCH + datetime.timedelta(microseconds=place.changed),
    )


def _whole(metres: float | None) -> int | None:
    return round(metres) if metres is not None else None


def _price(estimate: Estimate | None) -> ExpectedPrice | None:
    return ExpectedPrice(amount=estimate.amount, currency=estimate.currency) if estimate is not None else None


def _seen(details: Details, accepted: bool) -> LocationSeen:
    location: JSONObject = details.location
    return LocationSeen(
        owner=str(details.owner),
        location_id=location["id"],
        name=location.get("name"),
        address=location["address"],
        city=location["city"],
        postal_code=location.get("postal_code"),
        country=location["country"],
        latitude=float(location["coordinates"]["latitude"]),
        longitude=float(location["coordinates"]["longitude"]),
        time_zone=location["time_zone"],
        operator=(location.get("operator") or {}).get("name"),
        facilities=list(location.get("facilities") or ()),
        metres=_whole(details.metres),
        accepted=accepted,
        told_at=details.told_at,
        groups=[_group(each) for each in details.groups],
        slots=[_slot(each) for each in details.slots],
        offers=[dict(each) for each in details.offers],
    )


def _slot(slot: Slot) -> FreeSlot:
    return FreeSlot(evse_uid=slot.evse_uid, starts_at=slot.starts_at, ends_at=slot.ends_at)


def _group(group: Group) -> SocketGroup:
    return SocketGroup(
        standard=group.standard,
        format=group.format,
        current=group.current,
        power=group.power,
        free=group.free,
        sockets=[_socket(each) for each in group.sockets],
    )


def _socket(socket: Socket) -> SocketSeen:
    return SocketSeen(
        evse_uid=socket.evse_uid,
        evse_id=socket.evse_id,
        connector_id=socket.connector_id,
        status=socket.status,
        power=socket.power,
        physical_reference=socket.physical_reference,
        reservable=socket.reservable,
        price=_price(socket.price),
    )
