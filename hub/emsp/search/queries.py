"""What a driver can wish for, and the condition over the index that it means."""

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from hub.emsp.search.geometry import Box, Point
from hub.emsp.search.words import CAPABILITIES, FACILITIES, PARKING, STANDARDS, currents

Sort = Literal["distance", "price", "arrival"]

FURTHEST = 100_000.0  # metres around a point that are searched when nothing is nearer


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What an EVSE must have; what is None or empty is not asked for.

    Attributes:
        standards: any of these connectors.
        least_power: in W.
        current: AC or DC.
        available: free now.
        free_at: free at this moment, as far as its CPO offers bookings.
        greatest_price: of the whole charge, in ``currency``.
        operators: CC-PID of the CPOs.
        facilities: all of these.
        capabilities: all of these, such as RFID_READER.
        parking: any of these.
        green: from renewable sources only.
        reservable: can be booked.
    """

    standards: frozenset[str] = frozenset()
    least_power: int | None = None
    current: Literal["AC", "DC"] | None = None
    available: bool = False
    free_at: datetime.datetime | None = None
    greatest_price: Decimal | None = None
    operators: frozenset[str] = frozenset()
    facilities: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    parking: frozenset[str] = frozenset()
    green: bool = False
    reservable: bool = False

    def without(self) -> "Iterator[tuple[str, Wishes]]":
        """Yield each wish's name with all the others: what would be found if it were given up."""
        plain = Wishes()
        for field in dataclasses.fields(self):
            if getattr(self, field.name) != getattr(plain, field.name):
                yield field.name, dataclasses.replace(self, **{field.name: getattr(plain, field.name)})

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
