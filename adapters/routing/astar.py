"""The router we bring: A* over a small graph of streets in a file; for demos and towns, not for a country.

The graph of Lindenhaven joins its charging stations by straight lines with a speed; nobody has surveyed these streets,
for there are none.
"""

import datetime
import heapq
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.routing.directions import directions, legs_of
from hub.emsp.companion.routing import Way
from hub.emsp.search.geometry import Point, distance

LINDENHAVEN = Path(__file__).with_name("lindenhaven.json")

_FURTHEST = 3_000.0  # metres from where somebody is to the next street
_WALK = 20 / 3.6  # metres a second on the way to the next street
_PENALTY = 1.5  # an edge of a way already found counts so much more in the search for another


@dataclass(frozen=True)
class Street:
    """A piece of street, which can be driven in both directions.

    Attributes:
        speed: in metres a second.
        name: "" where it has none.
    """

    end: int
    metres: float
    speed: float
    name: str = ""


class StreetRouter:
    """Finds ways in a graph.

    Args:
        file: JSON of nodes ([latitude, longitude]) and edges ([node, node, km/h] or [node, node, km/h, name]).
    """

    def __init__(self, file: Path = LINDENHAVEN) -> None:
        document = json.loads(file.read_text(encoding="utf-8"))
        self.nodes = [Point(*each) for each in document["nodes"]]
        self.streets: list[list[Street]] = [[] for _ in self.nodes]
        for one, other, speed, *name in document["edges"]:
            metres = distance(self.nodes[one], self.nodes[other])
            self.streets[one].append(Street(other, metres, speed / 3.6, *name))
            self.streets[other].append(Street(one, metres, speed / 3.6, *name))
        self._fastest = max((each.speed for streets in self.streets for each in streets), default=1.0)

    async def ways(self, start: Point, end: Point, *, most: int, departure: datetime.datetime | None) -> list[Way]:
        """Return up to ``most`` different ways; []: one of the points is not in this town."""
        first, last = self._nearest(start), self._nearest(end)
        if first is None or last is None:
            return []
        used = dict[tuple[int, int], float]()
        found = dict[tuple[int, ...], Way]()
        for _ in range(most * 2):
            path = self._path(first, last, used)
            if path is None or len(found) == most:
                break
            found.setdefault(path, self._way(start, path, end))
            for one, other in itertools.pairwise(path):
                for edge in ((one, other), (other, one)):
                    used[edge] = used.get(edge, 1.0) * _PENALTY
        return sorted(found.values(), key=lambda each: each.seconds)

    async def close(self) -> None:
        """Do nothing: it holds a file's content alone."""

    def _nearest(self, point: Point) -> int | None:
        near = min(range(len(self.nodes)), key=lambda node: distance(self.nodes[node], point), default=None)
        return near if near is not None and distance(self.nodes[near], point) <= _FURTHEST else None

    def _path(self, first: int, last: int, used: Mapping[tuple[int, int], float]) -> tuple[int, ...] | None:
        """Return the nodes of the fastest path; the straight line at the highest speed is never more than the truth."""
        goal = self.nodes[last]
        costs, came = {first: 0.0}, dict[int, int]()
        queue, done = [(distance(self.nodes[first], goal) / self._fastest, first)], set[int]()
        while queue:
            _, node = heapq.heappop(queue)
            if node == last:
                return _walked(came, first, last)
            if node in done:
                continue
            done.add(node)
            for street in self.streets[node]:
                cost = costs[node] + street.metres / street.speed * used.get((node, street.end), 1.0)
                if cost < costs.get(street.end, float("inf")):
                    costs[street.end], came[street.end] = cost, node
                    left = distance(self.nodes[street.end], goal) / self._fastest
                    heapq.heappush(queue, (cost + left, street.end))
        return None

    def _way(self, start: Point, path: tuple[int, ...], end: Point) -> Way:
        points = (start, *(self.nodes[node] for node in path), end)
        to, off = distance(start, points[1]), distance(points[-2], end)
        pieces = [("", to, to / _WALK)]
        for one, other in itertools.pairwise(path):
            street = min((each for each in self.streets[one] if each.end == other), key=lambda each: -each.speed)
            pieces.append((street.name, street.metres, street.metres / street.speed))
        pieces.append(("", off, off / _WALK))
        return Way(
            points=points, metres=sum(metres for _, metres, _ in pieces), by="streets",
            seconds=sum(seconds for _, _, seconds in pieces), directions=directions(legs_of(points, pieces)),
        )  # fmt: skip


def _walked(came: Mapping[int, int], first: int, last: int) -> tuple[int, ...]:
    path = [last]
    while path[-1] != first:
        path.append(came[path[-1]])
    return tuple(reversed(path))
