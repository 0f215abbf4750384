"""The streets of Lindenhaven, made of where its stations are: ``python -m examples.streets`` writes them anew.

Each station is joined to its four nearest; then what is not yet one town is joined where it is closest. Long streets
are faster; each has the name of the street its station stands in. Nobody surveyed them: they are for showing how a
router is used.
"""

import itertools
import json
from typing import Any

from adapters.routing.astar import LINDENHAVEN
from examples.city import external_locations, internal_locations
from hub.emsp.search.geometry import Point, distance

_JOINED = 4
_LONG = 600.0  # metres


def streets() -> Any:
    """Return nodes ([latitude, longitude]) and edges ([node, node, km/h, name])."""
    stations = internal_locations() + external_locations()
    places = [each["coordinates"] for each in stations]
    names = [each["address"].rpartition(" ")[0] for each in stations]
    nodes = [Point(float(each["latitude"]), float(each["longitude"])) for each in places]
    edges = {_edge(one, other) for one in range(len(nodes)) for other in _nearest(nodes, one)}
    edges |= _bridges(nodes, edges)
    return {
        "about": "made by examples/streets.py of the demo city's stations; no survey, no real place",
        "nodes": [[each.lat, each.lon] for each in nodes],
        "edges": [
            [*each, 50 if distance(*(nodes[end] for end in each)) > _LONG else 30, names[each[0]]]
            for each in sorted(edges)
        ],
    }


def _edge(one: int, other: int) -> tuple[int, int]:
    return (min(one, other), max(one, other))


def _nearest(nodes: list[Point], one: int) -> list[int]:
    others = (other for other in range(len(nodes)) if other != one)
    return sorted(others, key=lambda other: distance(nodes[one], nodes[other]))[:_JOINED]


def _bridges(nodes: list[Point], edges: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the edges that make one town of what is not joined yet."""
    town = list(range(len(nodes)))

    def join(one: int, other: int) -> bool:
        kept, gone = town[one], town[other]
        for node in range(len(town)):
            if town[node] == gone:
                town[node] = kept
        return kept != gone

    for each in edges:
        join(*each)
    pairs = itertools.combinations(range(len(nodes)), 2)
    return {each for each in sorted(pairs, key=lambda pair: distance(*(nodes[end] for end in pair))) if join(*each)}


def text() -> str:
    """Return the file's content."""
    made = streets()
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in made.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    LINDENHAVEN.write_text(text(), encoding="utf-8")
