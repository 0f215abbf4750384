"""The search: the nearest, the cheapest or the first reached of what a driver wishes for; and why there is nothing.

Around a point the area grows until there is enough in it. What the index cannot say - prices, and what
is free at another time - is looked at for the nearest candidates only.
"""

import dataclasses
import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.emsp.search.geometry import Box, Point, Spot, around, beside, corridor, distance, shrinking
from hub.emsp.search.index import Index, Place
from hub.emsp.search.prices import Estimate, Prices, Retail, as_told
from hub.emsp.search.queries import Query, Sort, Wishes
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment

_FIRST = 300.0  # metres: a first area that in a city holds enough
_LEAST_GROWTH, _MOST_GROWTH = 1.5, 3.0
_MARGIN = 1.25  # what is further off is often less dense
#: EVSEs whose prices are compared: the nearest ones.
CANDIDATES = 200
_SPEED = 50_000 / 3600  # metres a second, where nobody has told how long the way takes


@dataclass(frozen=True, kw_only=True)
class Found:
    """An EVSE that was found.

    Attributes:
        metres: from the point, or beside the route.
        along: metres along the route until it is reached; None around a point.
        hours: how long the wanted energy takes there.
        price: what the charge is expected to cost; None: its CPO told no price.
    """

    place: Place
    metres: float
    along: float | None
    hours: Decimal
    price: Estimate | None

    @property
    def arrival(self) -> float:
        """Seconds until it is reached and the charge is done; for comparing."""
        way = self.metres if self.along is None else self.along + 2 * self.metres
        return way / _SPEED + float(self.hours) * 3600


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A wish that left nothing to be found.

    Attributes:
        wish: the name of the one that, given up, would find something.
        metres: how far off that would be.
    """

    wish: str
    metres: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was found, or why nothing was."""

    found: tuple[Found, ...]
    reasons: tuple[Reason, ...] = ()


class Finder:
    """Answers queries.

    Args:
        retail: makes the driver's price of the CPO's.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        *,
        clock: Callable[[], datetime.datetime],
        retail: Retail = as_told,
    ) -> None:
        self._store = store
        self._index = index
        self._clock = clock
        self._retail = retail

    async def find(self, query: Query) -> Answer:
        """Return the best of what is there."""
        found = await self._found(query, query.limit)
        if found:
            return Answer(found=tuple(found))
        return Answer(found=(), reasons=tuple(await self._reasons(query)))

    async def _reasons(self, query: Query) -> list[Reason]:
        """Return which single wish is to blame, the one with the nearest result first."""
        reasons = []
        for name, wishes in query.wishes.without():
            nearest = await self._found(dataclasses.replace(query, wishes=wishes, sort="distance"), 1)
            reasons += [Reason(wish=name, metres=each.metres) for each in nearest]
        return sorted(reasons, key=lambda each: each.metres)

    async def _found(self, query: Query, limit: int) -> list[Found]:
        looks_closer = query.sort != "distance" or _beyond_the_index(query.wishes)
        places = await self._candidates(query, CANDIDATES if looks_closer else limit)
        prices = Prices(self._store, query.car, self._clock(), retail=self._retail)
        await prices.learn(places)
        found = []
        for place in places:
            if await self._fits(place, query.wishes, prices):
                found.append(await self._described(place, query, prices))
        found.sort(key=_ORDERS[query.sort])
        return found[:limit]

    async def _candidates(self, query: Query, limit: int) -> list[Place]:
        if query.route:
            return await self._along(query.route, query.width, query.wishes, limit)
        if query.box is not None:
            center = query.near or _middle(query.box)
            return await self._index.nearest([query.box], center, shrinking(center.lat), query.wishes, limit)
        assert query.near is not None, "a query says where"
        return await self._around(query.near, query.radius, query.wishes, limit)

    async def _around(self, center: Point, radius: float, wishes: Wishes, limit: int) -> list[Place]:
        """Return the nearest places: the area grows until what it holds is enough, and surely the nearest."""
        reach = min(_FIRST, radius)
        while True:
            places = await self._index.nearest([around(center, reach)], center, shrinking(center.lat), wishes, limit)
            away = [distance(center, each.point) for each in places]
            within = [place for place, metres in zip(places, away, strict=True) if metres <= reach]
            if len(within) >= limit or reach >= radius:
                return within
            # The corners of the box have made it enough: then no more of them can be further off than these.
            further = max(away) if len(places) >= limit else reach * _growth(len(within), limit)
            reach = min(further, radius)

    async def _along(self, route: Sequence[Point], width: float, wishes: Wishes, limit: int) -> list[Place]:
        places: dict[tuple[str, str, str], Place] = {}
        for box in corridor(route, width):
            center = _middle(box)
            for each in await self._index.nearest([box], center, shrinking(center.lat), wishes, limit):
                places[each.owner, each.location_id, each.evse_uid] = each
        return [each for each in places.values() if beside(route, each.point).off <= width]

    async def _fits(self, place: Place, wishes: Wishes, prices: Prices) -> bool:
        if wishes.greatest_price is not None:
            estimate = await prices.of(place)
            if estimate is None or estimate.amount > wishes.greatest_price:
                return False
        return wishes.free_at is None or await self.is_free(place, wishes.free_at)

    async def _described(self, place: Place, query: Query, prices: Prices) -> Found:
        spot = beside(query.route, place.point) if query.route else _spot(query, place)
        return Found(
            place=place,
            metres=spot.off,
            along=spot.along if query.route else None,
            hours=prices.hours(place),
            price=await prices.of(place),
        )

    async def is_free(self, place: Place, at: datetime.datetime) -> bool:
        """Whether an EVSE can be had at a moment, as far as its CPO offers it for booking."""
        offers = await self._store.booking_locations.find(owner=place.owner)
        for offer in offers:
            option = offer.get("booking_option") or {}
            if offer["location_id"].upper() != place.location_id:
                continue
            if (option.get("evse_uid") or place.evse_uid).upper() == place.evse_uid and _has_slot(offer, at):
                return True
        return False

    async def location(self, owner: Party, location_id: str) -> JSONObject | None:
        """Return a Location as its CPO told it."""
        return await self._store.locations.get(owner, location_id)


def _growth(found: int, wanted: int) -> float:
    """Return by what to widen a circle so that it should hold enough, if there is as much everywhere."""
    even = math.sqrt(wanted / max(found, 1)) * _MARGIN
    return min(max(even, _LEAST_GROWTH), _MOST_GROWTH)


def _beyond_the_index(wishes: Wishes) -> bool:
    return wishes.greatest_price is not None or wishes.free_at is not None


def _has_slot(offer: JSONObject, at: datetime.datetime) -> bool:
    return any(
        moment(slot["start_date_time"]) <= at < moment(slot["end_date_time"])
        for calendar in offer.get("calendars") or ()
        for slot in calendar.get("available_timeslots") or ()
    )


def _spot(query: Query, place: Place) -> Spot:
    center = query.near or (_middle(query.box) if query.box is not None else place.point)
    return Spot(distance(center, place.point), 0.0)


def _middle(box: Box) -> Point:
    east = box.east if box.east >= box.west else box.east + 360
    lon = (box.west + east) / 2
    return Point((box.south + box.north) / 2, lon - 360 if lon > 180 else lon)


def _dearest_last(found: Found) -> tuple[bool, Decimal, float]:
    return found.price is None, found.price.amount if found.price else Decimal(0), found.metres


#: What comes first: the nearest (on a route: the first passed), the cheapest, the soonest charged.
_ORDERS: dict[Sort, Callable[[Found], tuple[float, ...] | tuple[bool, Decimal, float]]] = {
    "distance": lambda found: (found.metres if found.along is None else found.along, found.metres),
    "price": _dearest_last,
    "arrival": lambda found: (found.arrival, found.metres),
}
