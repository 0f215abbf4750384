"""The earth, as far as finding a charger needs it: a sphere. Distances are in metres, angles in degrees."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

RADIUS = 6_371_009.0
_DEGREE = math.pi / 180 * RADIUS  # metres of a degree of latitude
_LEG = 20_000.0  # metres of a route that one box covers


@dataclass(frozen=True)
class Point:
    """A place on earth."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Box:
    """An area between two parallels and two meridians; one whose ``west`` is greater crosses 180 degrees."""

    south: float
    west: float
    north: float
    east: float

    @property
    def middle(self) -> Point:
        """The point between its sides."""
        east = self.east if self.east >= self.west else self.east + 360
        lon = (self.west + east) / 2
        return Point((self.south + self.north) / 2, lon - 360 if lon > 180 else lon)

    def parts(self) -> "list[Box]":
        """Return the boxes it is made of, none of which crosses 180 degrees."""
        if self.west <= self.east:
            return [self]
        return [Box(self.south, self.west, self.north, 180.0), Box(self.south, -180.0, self.north, self.east)]


def distance(one: Point, other: Point) -> float:
    """Return the length of the great circle between two points."""
    south, north = math.radians(one.lat), math.radians(other.lat)
    half_lat, half_lon = (north - south) / 2, math.radians(other.lon - one.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(south) * math.cos(north) * math.sin(half_lon) ** 2
    return 2 * RADIUS * math.asin(min(1.0, math.sqrt(chord)))


def around(center: Point, radius: float) -> Box:
    """Return the smallest box with everything within a distance."""
    height = radius / _DEGREE
    south, north = center.lat - height, center.lat + height
    widest = math.cos(math.radians(min(max(abs(south), abs(north)), 90.0)))
    if south <= -90 or north >= 90 or radius >= math.pi * RADIUS * max(widest, 1e-9):
        return Box(max(south, -90.0), -180.0, min(north, 90.0), 180.0)
    width = height / widest
    return Box(south, _wrapped(center.lon - width), north, _wrapped(center.lon + width))


def shrinking(lat: float) -> float:
    """Return how much shorter a degree of longitude is than one of latitude."""
    return math.cos(math.radians(lat))


def _wrapped(lon: float) -> float:
    return (lon + 180.0) % 360.0 - 180.0


@dataclass(frozen=True)
class Spot:
    """Where a point lies beside a route.

    Attributes:
        off: how far from it.
        along: how far along it, from its start.
    """

    off: float
    along: float


def beside(route: Sequence[Point], point: Point) -> Spot:
    """Return where a point lies beside a route of straight legs."""
    best, done = Spot(distance(route[0], point), 0.0), 0.0
    for start, end in itertools.pairwise(route):
        length = distance(start, end)
        part = _part(start, end, point)
        at = Point(start.lat + (end.lat - start.lat) * part, start.lon + (end.lon - start.lon) * part)
        off = distance(at, point)
        if off < best.off:
            best = Spot(off, done + length * part)
        done += length
    return best


def _part(start: Point, end: Point, point: Point) -> float:
    """Return how far along a leg, from 0 to 1, a point is nearest to it."""
    shrink = shrinking(start.lat)
    leg = (end.lat - start.lat, (end.lon - start.lon) * shrink)
    to = (point.lat - start.lat, (point.lon - start.lon) * shrink)
    square = leg[0] ** 2 + leg[1] ** 2
    return min(1.0, max(0.0, (leg[0] * to[0] + leg[1] * to[1]) / square)) if square else 0.0


def corridor(route: Sequence[Point], width: float) -> Iterator[Box]:
    """Yield boxes that together hold everything within ``width`` of a route."""
    for start, end in itertools.pairwise(route):
        pieces = max(1, math.ceil(distance(start, end) / _LEG))
        for number in range(pieces):
            one, other = _between(start, end, number / pieces), _between(start, end, (number + 1) / pieces)
            boxes = (around(one, width), around(other, width))
            yield Box(
                min(each.south for each in boxes),
                min(each.west for each in boxes),
                max(each.north for each in boxes),
                max(each.east for each in boxes),
            )


def _between(start: Point, end: Point, part: float) -> Point:
    return Point(start.lat + (end.lat - start.lat) * part, start.lon + (end.lon - start.lon) * part)
