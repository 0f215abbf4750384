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
from typing import Any

from hub.emsp.search.bookable import FreeTimes
from hub.emsp.search.geometry import Point, Spot, around, beside, corridor, distance, shrinking
from hub.emsp.search.index import Index, Place
from hub.emsp.search.prices import Estimate, Prices, Retail, as_told
from hub.emsp.search.queries import Query, Sort, Wishes
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject

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
        accepted: on the contract of whoever asked.
        bookable: for the moment asked for; False: it may be free then, but nobody keeps it; None: no moment was.
    """

    place: Place
    metres: float
    along: float | None
    hours: Decimal
    price: Estimate | None
    accepted: bool
    bookable: bool | None = None

    @property
    def arrival(self) -> float:
        """Seconds until it is reached and the charge is done; for comparing."""
        way = self.metres if self.along is None else self.along + 2 * self.metres
        return way / _SPEED + float(self.hours) * 3600


@dataclass(frozen=True, kw_only=True)
class Reason:
    """What left nothing to be found.

    Attributes:
        wishes: the names of those that, given up together, would find something; a name of the area is one, too.
        metres: how far off that would be; None: in all that is searched there is nothing whatever.
    """

    wishes: tuple[str, ...]
    metres: float | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was found, or why nothing was.

    Attributes:
        currency: in which prices were compared; None: they were not, or nobody told one.
    """

    found: tuple[Found, ...]
    reasons: tuple[Reason, ...] = ()
    currency: str | None = None


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
        found, currency = await self._found(query)
        reasons = () if found else tuple(await self._reasons(query))
        return Answer(found=tuple(found), reasons=reasons, currency=currency if query.compares_prices else None)

    async def _reasons(self, query: Query) -> list[Reason]:
        """Return which single conditions are to blame, the one with the nearest result first; else which together."""
        reasons = []
        for name in query.conditions:
            nearest = await self._nearest(query, [name])
            reasons += [Reason(wishes=(name,), metres=nearest.metres)] if nearest is not None else []
        reasons.sort(key=lambda each: each.metres or 0.0)
        return reasons or [await self._together(query)]

    async def _together(self, query: Query) -> Reason:
        """Return conditions to give up so that something is found, none of them in vain."""
        given_up = list(query.conditions)
        nearest = await self._nearest(query, given_up)
        if nearest is None:
            return Reason(wishes=(query.area,), metres=None)
        for name in query.conditions:
            fewer = [each for each in given_up if each != name]
            found = await self._nearest(query, fewer)
            if found is not None:
                given_up, nearest = fewer, found
        return Reason(wishes=tuple(given_up), metres=nearest.metres)

    async def _nearest(self, query: Query, names: list[str]) -> Found | None:
        """Return the nearest without some conditions; None: still nothing."""
        found, _ = await self._found(query.giving_up(names))
        return found[0] if found else None

    async def _found(self, query: Query) -> tuple[list[Found], str | None]:
        """Return the best, and the currency in which prices were compared."""
        places = await self._candidates(query, CANDIDATES if query.looks_closer else query.limit)
        prices = Prices(self._store, query.car, self._clock(), retail=self._retail)
        await prices.learn(places)
        found = [await self._described(each, query, prices) for each in places]
        currency = query.currency or _currency(found)
        if query.wishes.has_range:
            found = [each for each in found if _is_in_range(each.price, query.wishes, currency)]
        if query.wishes.free_at is not None:
            found = await self._free(found, query.wishes.free_at)
        found.sort(key=_order(query.sort, currency))
        return found[: query.limit], currency

    async def _candidates(self, query: Query, limit: int) -> list[Place]:
        if query.route:
            return await self._along(query.route, query.width, query.wishes, limit)
        if query.box is not None:
            center = query.near or query.box.middle
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
            center = box.middle
            for each in await self._index.nearest([box], center, shrinking(center.lat), wishes, limit):
                places[each.owner, each.location_id, each.evse_uid] = each
        return [each for each in places.values() if beside(route, each.point).off <= width]

    async def _described(self, place: Place, query: Query, prices: Prices) -> Found:
        spot = beside(query.route, place.point) if query.route else _spot(query, place)
        return Found(
            place=place,
            metres=spot.off,
            along=spot.along if query.route else None,
            hours=prices.hours(place),
            price=await prices.of(place),
            accepted=query.contract.accepts(place.owner, place.location_id, place.country),
        )

    async def _free(self, found: Sequence[Found], at: datetime.datetime) -> list[Found]:
        """Return what is not taken at a moment, each with whether it can be booked for it."""
        times, free = FreeTimes(self._store, at), []
        for each in found:
            bookable = await times.bookable(each.place)
            if bookable is not None:
                free.append(dataclasses.replace(each, bookable=bookable))
        return free

    async def location(self, owner: Party, location_id: str) -> JSONObject | None:
        """Return a Location as its CPO told it."""
        return await self._store.locations.get(owner, location_id)


def _growth(found: int, wanted: int) -> float:
    """Return by what to widen a circle so that it should hold enough, if there is as much everywhere."""
    even = math.sqrt(wanted / max(found, 1)) * _MARGIN
    return min(max(even, _LEAST_GROWTH), _MOST_GROWTH)


def _currency(found: Sequence[Found]) -> str | None:
    """Return the currency of the nearest price."""
    priced = [each for each in found if each.price is not None]
    nearest = min(priced, key=lambda each: each.metres, default=None)
    return nearest.price.currency if nearest is not None and nearest.price is not None else None


def _is_in_range(price: Estimate | None, wishes: Wishes, currency: str | None) -> bool:
    """Whether a price may be what is wished for; one in another currency cannot be compared, and stays."""
    if price is None or price.currency != currency:
        return price is not None
    least, greatest = wishes.least_price, wishes.greatest_price
    return (least is None or least <= price.amount) and (greatest is None or price.amount <= greatest)


def _spot(query: Query, place: Place) -> Spot:
    center = query.near or (query.box.middle if query.box is not None else place.point)
    return Spot(distance(center, place.point), 0.0)


def _order(sort: Sort, currency: str | None) -> Callable[[Found], tuple[Any, ...]]:
    """Return what comes first: the nearest (on a route: the first passed), the cheapest, the soonest charged."""
    if sort == "distance":
        return lambda found: (found.metres if found.along is None else found.along, found.metres)
    if sort == "arrival":
        return lambda found: (found.arrival, found.metres)

    def dearest_last(found: Found) -> tuple[Any, ...]:
        # Amounts are compared within a currency only.
        if found.price is None:
            return (2, "", Decimal(0), found.metres)
        told = found.price.currency
        return (int(told != currency), told, found.price.amount, found.metres)

    return dearest_last
