"""The way to a charger: a port for whoever knows roads, and what a way takes of time, energy and CO2.

Several routers may each know an area; their ways are merged and ordered by what the driver asks for, and a router
that is away takes none of the others' ways (INCAR-RT03, INCAR-RT06).
"""

import asyncio
import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from hub.emsp.search.geometry import Point

log = logging.getLogger(__name__)

Criterion = Literal["DURATION", "CO2", "DISTANCE"]

_WALK_HOME = Decimal(10)  # percent of a battery under which nobody should plan to arrive


class NoRoute(Exception):
    """No router knows a way there; the message says why."""


class RoutersAway(NoRoute):
    """None of those who may know a way can be asked at the moment."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """What to do at a corner, and how far it then goes on; the last one arrives."""

    text: str
    metres: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way by car.

    Attributes:
        points: of its line, from start to end.
        seconds: how long it takes.
        by: the router that knows it.
        directions: from start to end (INCAR-UC004); (): the router says none.
    """

    points: tuple[Point, ...]
    metres: float
    seconds: float
    by: str
    directions: tuple[Direction, ...] = ()


class Router(Protocol):
    """Knows roads; an implementation lives in ``adapters/routing``."""

    async def ways(self, start: Point, end: Point, *, most: int, departure: datetime.datetime | None) -> list[Way]:
        """Return up to ``most`` ways, the fastest first; []: none is known.

        Raises:
            NoRoute: it cannot be asked at the moment.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(frozen=True, kw_only=True)
class Drive:
    """What the driver's car is like when it leaves.

    Attributes:
        consumption: in kWh for 100 km.
        battery: usable, in kWh.
        charge: state of charge in percent; None: not known.
        grams: of CO2 per kWh in its battery; None: not known.
    """

    consumption: Decimal = Decimal(18)
    battery: Decimal = Decimal(60)
    charge: Decimal | None = None
    grams: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Trip:
    """A way with what it takes of this car.

    Attributes:
        charge: state of charge at arrival, in percent; None: not known. Below 0: the car does not get there.
        is_safe: whether it arrives with a reserve; None: not known.
        kg: of CO2; None: not known.
    """

    way: Way
    departure: datetime.datetime
    arrival: datetime.datetime
    kwh: Decimal
    charge: Decimal | None
    is_safe: bool | None
    kg: Decimal | None


def energy(way: Way, consumption: Decimal) -> Decimal:
    """Return what a way takes, in kWh.

    A car's consumption is told for mixed driving. Air takes more the faster it goes: beyond 80 km/h on average one
    percent more for each km/h, which is a rule of thumb and no measurement.
    """
    km = Decimal(str(way.metres)) / 1000
    speed = Decimal(str(way.metres / way.seconds * 3.6)) if way.seconds else Decimal(0)
    faster = 1 + max(Decimal(0), speed - 80) / 100
    return (km * consumption / 100 * faster).quantize(Decimal("0.01"))


def trip(
    way: Way,
    drive: Drive,
    *,
    departure: datetime.datetime | None = None,
    arrival: datetime.datetime | None = None,
) -> Trip:
    """Return what a way takes of a car that leaves, or has to arrive, at a moment; one of both is given."""
    took = datetime.timedelta(seconds=way.seconds)
    if departure is None:
        assert arrival is not None, "a trip has a moment"
        departure = arrival - took
    kwh = energy(way, drive.consumption)
    left = None if drive.charge is None else (drive.charge - kwh / drive.battery * 100).quantize(Decimal("0.1"))
    return Trip(
        way=way,
        departure=departure,
        arrival=departure + took,
        kwh=kwh,
        charge=left,
        is_safe=None if left is None else left >= _WALK_HOME,
        kg=None if drive.grams is None else (kwh * drive.grams / 1000).quantize(Decimal("0.01")),
    )


class Routing:
    """All routers together.

    Args:
        routers: by name, as ways name them.
    """

    def __init__(self, routers: Sequence[Router]) -> None:
        self._routers = routers

    async def close(self) -> None:
        """Let go of what routers hold."""
        for each in self._routers:
            await each.close()

    async def trips(
        self,
        start: Point,
        end: Point,
        drive: Drive,
        *,
        departure: datetime.datetime | None = None,
        arrival: datetime.datetime | None = None,
        criterion: Criterion = "DURATION",
        most: int = 3,
    ) -> list[Trip]:
        """Return the best trips of all routers.

        Raises:
            NoRoute: no router knows a way.
            RoutersAway: those who answered know none, and others did not answer.
        """
        asked = [each.ways(start, end, most=most, departure=departure) for each in self._routers]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        ways, troubles = list[Way](), list[str]()
        for answer in answers:
            if isinstance(answer, NoRoute):
                troubles.append(str(answer))
                log.warning("a router is away: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                ways += answer
        if not ways:
            raise RoutersAway("; ".join(troubles)) if troubles else NoRoute("no router knows a way there")
        found = [trip(each, drive, departure=departure, arrival=arrival) for each in ways]
        return sorted(found, key=_ORDERS[criterion])[:most]


# Of one car's ways, the one that takes the least energy emits the least, whatever its electricity is made of.
_ORDERS = {
    "DURATION": lambda each: (each.way.seconds, each.way.metres),
    "CO2": lambda each: (each.kwh, each.way.seconds),
    "DISTANCE": lambda each: (each.way.metres, each.way.seconds),
}
