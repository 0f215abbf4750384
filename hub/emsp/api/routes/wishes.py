"""What a driver wishes for, as the API takes it: as JSON, or as query parameters with lists between commas."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from hub.api import judging
from hub.api.problems import invalid
from hub.api.shapes import Moment, Shape, pattern, within
from hub.emsp.drivers.garage import Vehicle
from hub.emsp.search.contracts import Contract
from hub.emsp.search.geometry import Box, Point
from hub.emsp.search.polyline import BadPolyline, decoded
from hub.emsp.search.queries import FURTHEST, Car, Query, Sort, Wishes
from hub.ocpi import codec

Latitude = Annotated[float, within(-90, 90)]
Longitude = Annotated[float, within(-180, 180)]
Words = Annotated[
    list[Annotated[str, pattern("^[A-Za-z0-9_]+$", "a word of letters, digits and _", most=60)]],
    msgspec.Meta(max_length=50),
]
PartyId = Annotated[str, pattern("^[A-Za-z]{2}[-*]?[A-Za-z0-9]{3}$", "a country and a party, such as NL-CPO", most=6)]
Operators = Annotated[list[PartyId], msgspec.Meta(max_length=100)]
Kwh = Annotated[Decimal, within(0.1, 1_000)]
#: Of a vehicle, or ``none``.
VehicleId = Annotated[str, pattern("^[A-Za-z0-9-]+$", "the id of a vehicle, or none", most=60)]
Watts = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Amount = Annotated[Decimal, within(0, 1_000_000)]
Metres = Annotated[float, within(1, FURTHEST)]
Polyline = Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
#: Words or points between commas.
Several = Annotated[str, msgspec.Meta(min_length=1, max_length=5_000)]
Current = Literal["AC", "DC"]

_MOST_POINTS = 10_000


class Place(Shape, frozen=True, kw_only=True):
    """A point on earth."""

    latitude: Latitude
    longitude: Longitude


class Area(Shape, frozen=True, kw_only=True):
    """An area; one whose ``west`` is greater than its ``east`` crosses 180 degrees."""

    south: Latitude
    west: Longitude
    north: Latitude
    east: Longitude


class WishesAndCar(Shape, frozen=True, kw_only=True):
    """What is wished for, as far as it is written the same in JSON and in a query.

    Attributes:
        radius: around the point, in metres.
        width: to either side of the route, in metres.
        precision: of ``polyline``: 5, or 6 as Valhalla writes it.
        least_power: in W.
        least_price, greatest_price: of the whole charge as it is billed, in ``price_currency``. What costs something
            in another currency cannot be compared and stays; what has no price is left out.
        price_currency: ISO 4217; without it, that of the nearest EVSE with a price. By price, those in it come first,
            then the others, each currency by itself.
        accepted: leaves out what the contract of the caller does not let him use.
        green: from renewable sources only.
        free_at: free at this moment, as CPOs offer it for booking; where a CPO offers none, what is free now and
            promised to nobody: ``bookable`` tells them apart.
        vehicle_id: one of the driver's; without it his first, ``none``: whatever he drives. Where nothing else is said,
            it decides ``kwh``, ``most_ac``, ``most_dc`` and ``standards``.
        kwh: how much is wanted; without it 20, or what the battery holds.
        most_ac, most_dc: what the vehicle takes, in W; without it 11,000 and 100,000.
    """

    radius: Metres = FURTHEST
    width: Metres = 2_000.0
    polyline: Polyline | None = None
    precision: Literal[5, 6] = 5
    least_power: Watts | None = None
    current: Current | None = None
    available: bool = False
    free_at: Moment | None = None
    least_price: Amount | None = None
    greatest_price: Amount | None = None
    price_currency: (
        Annotated[str, pattern("^[A-Z]{3}$", "a currency of ISO 4217, such as EUR", least=3, most=3)] | None
    ) = None
    green: bool = False
    reservable: bool = False
    accepted: bool = False
    vehicle_id: VehicleId | None = None
    kwh: Kwh | None = None
    most_ac: Watts | None = None
    most_dc: Watts | None = None
    sort: Sort = "distance"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class Search(WishesAndCar, frozen=True, kw_only=True):
    """A search: around ``near``, in ``box``, or along ``route`` or ``polyline``.

    Attributes:
        standards: any of these connectors; without it, those of the vehicle.
        operators: CC-PID of CPOs, any of these.
        facilities, capabilities: all of these.
        parking: any of these.
    """

    near: Place | None = None
    box: Area | None = None
    route: Annotated[list[Place], msgspec.Meta(min_length=2, max_length=_MOST_POINTS)] | None = None
    standards: Words = msgspec.field(default_factory=list)
    operators: Operators = msgspec.field(default_factory=list)
    facilities: Words = msgspec.field(default_factory=list)
    capabilities: Words = msgspec.field(default_factory=list)
    parking: Words = msgspec.field(default_factory=list)


class SearchQuery(WishesAndCar, frozen=True, kw_only=True):
    """A search as query parameters.

    Attributes:
        near: ``latitude,longitude``.
        box: ``south,west,north,east``.
        route: ``latitude,longitude;latitude,longitude;...``.
    """

    near: Several | None = None
    box: Several | None = None
    route: Annotated[str, msgspec.Meta(min_length=1, max_length=50_000)] | None = None
    standards: Several | None = None
    operators: Several | None = None
    facilities: Several | None = None
    capabilities: Several | None = None
    parking: Several | None = None


class Near(Shape, frozen=True, kw_only=True):
    """Where the driver is, and what he wants and drives as in a search, for distance and price."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    vehicle_id: VehicleId | None = None
    kwh: Kwh | None = None
    most_ac: Watts | None = None
    most_dc: Watts | None = None


#: X-07: a phone that may not tell where it is finds chargers all the same.
_NOWHERE = (
    "required: allow your position, or say where without it: a box (the map you look at), a route or polyline;"
    " GET /favourites has the stations you marked, GET /codes/{evse_id} the one you stand at"
)

_LISTS = ("standards", "operators", "facilities", "capabilities", "parking")


def search_of(query: SearchQuery) -> Search:
    """Return a search given as query parameters.

    Raises:
        Invalid: a point or a list is none.
    """
    given = {name: getattr(query, name) for name in WishesAndCar.__struct_fields__}
    given |= {name: _words(getattr(query, name)) for name in _LISTS}
    if query.near is not None:
        latitude, longitude = _numbers("near", query.near, 2)
        given["near"] = {"latitude": latitude, "longitude": longitude}
    if query.box is not None:
        given["box"] = dict(zip(("south", "west", "north", "east"), _numbers("box", query.box, 4), strict=True))
    if query.route is not None:
        pairs = [_numbers("route", each, 2) for each in query.route.split(";")]
        given["route"] = [{"latitude": latitude, "longitude": longitude} for latitude, longitude in pairs]
    return _judged(given)


def _judged(given: dict[str, object]) -> Search:
    """Return what was given, held to the rules of the body."""
    plain = {name: each for name, each in given.items() if each is not None}
    found: Search = judging.body(codec.encode(plain), Search)
    return found


def _words(text: str | None) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()] if text else []


def _numbers(name: str, text: str, count: int) -> list[float]:
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count:
        raise invalid(f"query.{name}", f"must be {count} numbers between commas")
    return found


def query_of(search: Search, root: str, contract: Contract, vehicle: Vehicle | None) -> Query:
    """Return what the finder is asked.

    Args:
        contract: of the caller.
        vehicle: what he drives; None: nobody knows.

    Raises:
        Invalid: it does not say where, or says it twice.
    """
    route = _route(search, root)
    areas = [search.box, search.route, search.polyline]
    if sum(each is not None for each in areas) > 1:
        raise invalid(f"{root}.box", "give one of box, route and polyline")
    if search.near is None and search.box is None and not route:
        raise invalid(f"{root}.near", _NOWHERE)
    box = search.box
    if box is not None and box.south > box.north:
        raise invalid(f"{root}.box.south", "must not be greater than north")
    least, greatest = search.least_price, search.greatest_price
    if least is not None and greatest is not None and least > greatest:
        raise invalid(f"{root}.least_price", "must not be greater than greatest_price")
    return Query(
        near=Point(search.near.latitude, search.near.longitude) if search.near is not None else None,
        radius=search.radius,
        box=Box(box.south, box.west, box.north, box.east) if box is not None else None,
        route=route,
        width=search.width,
        wishes=_wishes(search, contract, vehicle),
        car=car_of(search, vehicle),
        sort=search.sort,
        limit=search.limit,
        currency=search.price_currency,
        contract=contract,
    )


def _route(search: Search, root: str) -> list[Point]:
    if search.route is not None:
        return [Point(each.latitude, each.longitude) for each in search.route]
    if search.polyline is None:
        return []
    try:
        found = decoded(search.polyline, precision=search.precision)
    except BadPolyline as error:
        raise invalid(f"{root}.polyline", str(error)) from error
    if not 2 <= len(found) <= _MOST_POINTS:
        raise invalid(f"{root}.polyline", f"must have 2 to {_MOST_POINTS} points")
    return found


def _wishes(search: Search, contract: Contract, vehicle: Vehicle | None) -> Wishes:
    return Wishes(
        standards=frozenset(search.standards or (vehicle.connectors if vehicle is not None else ())),
        least_power=search.least_power,
        current=search.current,
        available=search.available,
        free_at=search.free_at,
        least_price=search.least_price,
        greatest_price=search.greatest_price,
        operators=frozenset(_party(each) for each in search.operators),
        facilities=frozenset(search.facilities),
        capabilities=frozenset(search.capabilities),
        parking=frozenset(search.parking),
        green=search.green,
        reservable=search.reservable,
        accepted=contract if search.accepted else None,
    )


def _party(text: str) -> str:
    """Return CC-PID however it was written."""
    return f"{text[:2]}-{text[-3:]}".upper()


def point_of(query: Near) -> Point | None:
    """Return where the driver is; None: he has not said.

    Raises:
        Invalid: he has said half of it.
    """
    if query.latitude is None and query.longitude is None:
        return None
    if query.latitude is None or query.longitude is None:
        raise invalid(f"query.{'latitude' if query.latitude is None else 'longitude'}", "required beside the other")
    return Point(query.latitude, query.longitude)


def vehicle_of(wanted: Search | Near, vehicles: Sequence[Vehicle], path: str) -> Vehicle | None:
    """Return the one of a driver's vehicles that is meant; None: none.

    Raises:
        Invalid: it is none of his.
    """
    if wanted.vehicle_id is None:
        return vehicles[0] if vehicles else None
    if wanted.vehicle_id == "none":
        return None
    found = [each for each in vehicles if each.id == wanted.vehicle_id]
    if not found:
        raise invalid(path, "is none of your vehicles")
    return found[0]


def car_of(wanted: Search | Near, vehicle: Vehicle | None) -> Car:
    """Return what is charged: as it is said, else as the vehicle is, else as many are."""
    plain = Car()
    if vehicle is None:
        known = plain
    else:
        known = Car(
            kwh=min(plain.kwh, vehicle.battery_kwh),
            most_ac=int(vehicle.max_ac_kw * 1000) or plain.most_ac,
            most_dc=int(vehicle.max_dc_kw * 1000) or plain.most_dc,
        )
    return Car(
        kwh=wanted.kwh or known.kwh, most_ac=wanted.most_ac or known.most_ac, most_dc=wanted.most_dc or known.most_dc
    )
