"""What a driver can wish for, and the condition over the index that it means."""

import dataclasses
import datetime
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from hub.emsp.search.contracts import Contract
from hub.emsp.search.geometry import Box, Point
from hub.emsp.search.words import CAPABILITIES, FACILITIES, PARKING, STANDARDS, currents

Sort = Literal["distance", "price", "arrival"]

FURTHEST = 100_000.0  # metres around a point that are searched when nothing is nearer
WIDEST = 20_000.0  # metres to either side of a route that are searched when nothing is nearer


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What an EVSE must have; what is None or empty is not asked for.

    Attributes:
        standards: any of these connectors.
        least_power: in W.
        current: AC or DC.
        available: free now.
        free_at: free at this moment, as its CPO offers bookings; where it offers none, as far as is known.
        least_price, greatest_price: of the whole charge, as its driver pays it, in the currency of the query.
        operators: CC-PID of the CPOs.
        facilities: all of these.
        capabilities: all of these, such as RFID_READER.
        parking: any of these.
        green: from renewable sources only.
        reservable: can be booked.
        accepted: may be used on this contract.
    """

    standards: frozenset[str] = frozenset()
    least_power: int | None = None
    current: Literal["AC", "DC"] | None = None
    available: bool = False
    free_at: datetime.datetime | None = None
    least_price: Decimal | None = None
    greatest_price: Decimal | None = None
    operators: frozenset[str] = frozenset()
    facilities: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    parking: frozenset[str] = frozenset()
    green: bool = False
    reservable: bool = False
    accepted: Contract | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are asked for."""
        plain = Wishes()
        names = (each.name for each in dataclasses.fields(self))
        return tuple(each for each in names if getattr(self, each) != getattr(plain, each))

    def without(self, names: Collection[str]) -> "Wishes":
        """Return the others."""
        plain = Wishes()
        return dataclasses.replace(self, **{each: getattr(plain, each) for each in self.names if each in names})

    @property
    def has_range(self) -> bool:
        """Whether prices must be in a range."""
        return self.least_price is not None or self.greatest_price is not None

    def condition(self, first: int) -> tuple[str, list[Any]]:
        """Return what the columns of the index must be, and the arguments from ``$first`` on."""
        parts, values = ["1 = 1"], list[Any]()
        for comparison, *asked in self._comparisons():
            marks = [f"${first + len(values) + number}" for number in range(len(asked))]
            parts.append(comparison.format(*marks, all=", ".join(marks)))
            values += asked
        return " AND ".join(parts), values

    def _comparisons(self) -> Iterator[tuple[Any, ...]]:
        """Yield a comparison for each wish, with what it is compared with."""
        if self.available:
            yield ("p.available = 1",)
        if self.green:
            yield ("p.green = 1",)
        if self.least_power is not None:
            yield "p.power >= {0}", self.least_power
        if self.operators:
            yield "p.owner IN ({all})", *sorted(each.upper() for each in self.operators)
        if self.accepted is not None:
            yield from self.accepted.comparisons()
        any_of = (
            ("standards", STANDARDS.mask(self.standards)),
            ("currents", currents([self.current] if self.current else [])),
            ("parking", PARKING.mask(self.parking)),
        )
        all_of = (
            ("facilities", FACILITIES.mask(self.facilities)),
            ("capabilities", CAPABILITIES.mask(self._abilities)),
        )
        for column, mask in any_of:
            if mask:
                yield f"p.{column} & {{0}} <> 0", mask
        for column, mask in all_of:
            if mask:
                yield f"p.{column} & {{0}} = {{1}}", mask, mask

    @property
    def _abilities(self) -> frozenset[str]:
        return self.capabilities | {"RESERVABLE"} if self.reservable else self.capabilities


@dataclass(frozen=True, kw_only=True)
class Car:
    """What of a vehicle decides how fast it charges, in W.

    Attributes:
        kwh: how much is wanted.
    """

    kwh: Decimal = Decimal(20)
    most_ac: int = 11_000
    most_dc: int = 100_000


@dataclass(frozen=True, kw_only=True)
class Query:
    """One search: around a point, in a box, or along a route; one of the three is given.

    Attributes:
        radius: around the point, in metres.
        width: to either side of the route, in metres.
        currency: in which prices are compared; None: that of the nearest EVSE with a price.
        contract: of whoever asks: what of the found it accepts is marked.
    """

    near: Point | None = None
    radius: float = FURTHEST
    box: Box | None = None
    route: Sequence[Point] = ()
    width: float = 2_000.0
    wishes: Wishes = Wishes()
    car: Car = Car()
    sort: Sort = "distance"
    limit: int = 20
    currency: str | None = None
    contract: Contract = field(default_factory=Contract)

    @property
    def compares_prices(self) -> bool:
        return self.sort == "price" or self.wishes.has_range

    @property
    def looks_closer(self) -> bool:
        """Whether the index cannot say what comes first, or what fits."""
        return self.sort != "distance" or self.wishes.has_range or self.wishes.free_at is not None

    @property
    def area(self) -> str:
        """What says where."""
        return "width" if self.route else "radius" if self.box is None else "box"

    @property
    def conditions(self) -> tuple[str, ...]:
        """What can be given up to find more: the area if there is a wider one, and the wishes."""
        known: dict[str, bool] = {"width": self.width < WIDEST, "radius": self.radius < FURTHEST, "box": True}
        return (self.area, *self.wishes.names) if known[self.area] else self.wishes.names

    def giving_up(self, names: Collection[str]) -> "Query":
        """Return the query for the nearest without some of its conditions."""
        given = dataclasses.replace(self, wishes=self.wishes.without(names), sort="distance", limit=1)
        if self.area not in names:
            return given
        if self.box is None:
            return dataclasses.replace(given, width=max(self.width, WIDEST), radius=FURTHEST)
        return dataclasses.replace(given, box=None, near=self.near or self.box.middle, radius=FURTHEST)
