"""The way to a charger, with what it takes of the driver's car (INCAR-RT03, INCAR-RT06, INCAR-UC004)."""

from decimal import Decimal
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, Unavailable, invalid
from hub.api.shapes import Moment, Name, Page, Shape, within
from hub.emsp.api.routes.wishes import Place
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.routing import Criterion, Drive, NoRoute, RoutersAway, Routing, Trip
from hub.emsp.drivers.garage import Garage
from hub.emsp.search.geometry import Point


class RouteQuestion(Shape, frozen=True, kw_only=True):
    """From where to where, when, and with which car.

    Attributes:
        departure, arrival: one of both; without them: now.
        vehicle_id: one of your own, for its battery.
        consumption: in kWh for 100 km.
        battery_kwh: usable; that of the vehicle without it.
        charge: state of charge when you leave, in percent.
        grams: of CO2 per kWh in the battery.
        most: how many ways.
    """

    start: Place
    end: Place
    departure: Moment | None = None
    arrival: Moment | None = None
    criterion: Criterion = "DURATION"
    vehicle_id: Name | None = None
    consumption: Annotated[Decimal, within(1, 200)] = Decimal(18)
    battery_kwh: Annotated[Decimal, within(1, 1000)] | None = None
    charge: Annotated[Decimal, within(0, 100)] | None = None
    grams: Annotated[Decimal, within(0, 1500)] | None = None
    most: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3


class DirectionSeen(Shape, frozen=True, kw_only=True):
    """What to do at a corner, and how far it then goes on; the last one arrives."""

    text: str
    metres: int
    seconds: int


class RouteSeen(Shape, frozen=True, kw_only=True):
    """A way, and what it takes.

    Attributes:
        by: the router that knows it.
        charge: state of charge at arrival, in percent; null: not known. Below 0: the car does not get there.
        is_safe: whether it arrives with a reserve.
        points: of its line, from start to end.
        directions: from start to end; empty where the router says none.
    """

    by: str
    metres: int
    seconds: int
    departure: Moment
    arrival: Moment
    kwh: Decimal
    charge: Decimal | None
    is_safe: bool | None
    kg_co2: Decimal | None
    points: list[Place]
    directions: list[DirectionSeen]


class WayRoutes:
    """All routers."""

    tag = "companion"

    def __init__(self, routing: Routing, garage: Garage) -> None:
        self._routing = routing
        self._garage = garage

    @route("POST", "/routes", scope=Scope.OWN, problems=(Unavailable,))
    async def find_routes(self, call: Call, body: RouteQuestion) -> Page[RouteSeen]:
        """Find ways by car, the best first: by duration, distance or CO2."""
        if body.departure is not None and body.arrival is not None:
            raise invalid("$.arrival", "give a departure or an arrival, not both")
        departure = body.departure if body.arrival is not None else body.departure or call.now
        try:
            trips = await self._routing.trips(
                _point(body.start),
                _point(body.end),
                await self._drive(call, body),
                departure=departure,
                arrival=body.arrival,
                criterion=body.criterion,
                most=body.most,
            )
        except RoutersAway as error:
            raise Unavailable("Those who know the roads cannot be asked at the moment; try again later") from error
        except NoRoute as error:
            raise NotFound("There is no way by car that we know of") from error
        return Page(items=[_seen(each) for each in trips])

    async def _drive(self, call: Call, body: RouteQuestion) -> Drive:
        battery = body.battery_kwh
        if body.vehicle_id is not None:
            found = [each for each in await self._garage.of_driver(call.principal.id) if each.id == body.vehicle_id]
            if not found:
                raise invalid("$.vehicle_id", "is none of your vehicles")
            battery = battery or found[0].battery_kwh
        return Drive(
            consumption=body.consumption, battery=battery or Drive.battery, charge=body.charge, grams=body.grams
        )  # fmt: skip


def _point(place: Place) -> Point:
    return Point(place.latitude, place.longitude)


def _seen(trip: Trip) -> RouteSeen:
    return RouteSeen(
        by=trip.way.by, metres=round(trip.way.metres), seconds=round(trip.way.seconds), departure=trip.departure,
        arrival=trip.arrival, kwh=trip.kwh, charge=trip.charge, is_safe=trip.is_safe, kg_co2=trip.kg,
        points=[Place(latitude=each.lat, longitude=each.lon) for each in trip.way.points],
        directions=[
            DirectionSeen(text=each.text, metres=round(each.metres), seconds=round(each.seconds))
            for each in trip.way.directions
        ],
    )  # fmt: skip
