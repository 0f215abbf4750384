"""What a driver is told at a corner, in one set of words for routers that name turns but say nothing.

Source: OSRM HTTP API, StepManeuver (the names of turns); INCAR-UC004 (direction list).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from hub.emsp.companion.routing import Direction
from hub.emsp.search.geometry import Point

ARRIVED = "You are there"

_TURNS = {
    "uturn": "Turn back", "sharp right": "Turn sharp right", "right": "Turn right", "slight right": "Keep right",
    "straight": "Go straight on", "slight left": "Keep left", "left": "Turn left", "sharp left": "Turn sharp left",
}  # fmt: skip
#: The greatest angle to the right, in degrees, of each turn; those to the left are their mirrors.
_ANGLES = ((20, "straight"), (55, "slight {}"), (125, "{}"), (165, "sharp {}"), (180, "uturn"))


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A straight piece of a way; ``street`` is "" where it has no name."""

    start: Point
    end: Point
    street: str
    metres: float
    seconds: float


def said(turn: str, street: str) -> str:
    """Return what is said of a turn, named as OSRM does, into a street."""
    words = _TURNS.get(turn, "Go on")
    return f"{words} into {street}" if street else words


def directions(legs: Sequence[Leg]) -> tuple[Direction, ...]:
    """Return the directions of a way: one for each turn, and one for each street it goes on into."""
    found = list[Direction]()
    before: Leg | None = None
    for leg in legs:
        turn = "straight" if before is None else turn_of(_bearing(before), _bearing(leg))
        if before is not None and turn == "straight" and leg.street == before.street:
            last = found.pop()
            text, metres, seconds = last.text, last.metres + leg.metres, last.seconds + leg.seconds
        else:
            text = said(turn, leg.street) if before is not None else _started(leg)
            metres, seconds = leg.metres, leg.seconds
        found.append(Direction(text=text, metres=metres, seconds=seconds))
        before = leg
    return (*found, Direction(text=ARRIVED, metres=0.0, seconds=0.0))


def turn_of(before: float, after: float) -> str:
    """Return the turn from one bearing to another, in degrees."""
    angle = (after - before + 180) % 360 - 180
    side = "right" if angle > 0 else "left"
    return next(name for most, name in _ANGLES if abs(angle) <= most).format(side)


def _started(leg: Leg) -> str:
    quarters = ("north", "east", "south", "west")
    text = f"Start to the {quarters[round(_bearing(leg) / 90) % 4]}"
    return f"{text} on {leg.street}" if leg.street else text


def _bearing(leg: Leg) -> float:
    """Return where a leg leads, in degrees from north to the east."""
    east = (leg.end.lon - leg.start.lon) * math.cos(math.radians(leg.start.lat))
    return math.degrees(math.atan2(east, leg.end.lat - leg.start.lat)) % 360


def legs_of(points: Sequence[Point], streets: Sequence[tuple[str, float, float]]) -> list[Leg]:
    """Return the legs between points, each with its street, metres and seconds; one of no length is none."""
    pairs = zip(itertools.pairwise(points), streets, strict=True)
    return [
        Leg(start=start, end=end, street=street, metres=metres, seconds=seconds)
        for (start, end), (street, metres, seconds) in pairs
        if metres > 0
    ]
