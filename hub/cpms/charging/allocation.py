"""Dividing the current of a site among its cars: as much as there is, equally by weight, no phase above its limit.

All currents are in mA per phase, whole numbers: nothing is lost or made by rounding.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GRAIN = 100  # mA; standards send limits with one decimal


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one car asks for.

    Attributes:
        phases: the grid's phases it loads, of 1, 2 and 3.
        least: below this a car does not charge at all (IEC 61851: 6 A).
        most: what its outlet, its cable or its charging profile allow.
        weight: its part of what is shared, against the others' weights.
        rank: who is served first where not even ``least`` can be given to everyone; the smallest is first.
    """

    name: str
    phases: frozenset[int]
    least: int
    most: int
    weight: int = 1
    rank: tuple[float, ...] = ()


def allocate(capacity: Mapping[int, int], claims: Iterable[Claim]) -> dict[str, int]:
    """Return what each claim gets, in mA per phase: nothing, or at least ``least``.

    Args:
        capacity: what is there to be shared, by phase.
    """
    left = dict(capacity)
    given: dict[str, int] = {}
    served = []
    for claim in sorted(claims, key=lambda each: (each.rank, each.name)):
        fits = claim.most >= claim.least and all(left[phase] >= claim.least for phase in claim.phases)
        given[claim.name] = claim.least if fits else 0
        if fits:
            served.append(claim)
            _take(left, claim, claim.least)
    _fill(left, given, served)
    return {name: amount - amount % GRAIN for name, amount in given.items()}


def _fill(left: dict[int, int], given: dict[str, int], served: list[Claim]) -> None:
    """Raise all who are served together, by their weights, until each has its most or a phase is full."""
    rising = served
    while rising := [each for each in rising if _step(left, given, each, rising) > 0]:
        step = min(_step(left, given, each, rising) for each in rising)
        for claim in rising:
            given[claim.name] += step * claim.weight
            _take(left, claim, step * claim.weight)


def _step(left: Mapping[int, int], given: Mapping[str, int], claim: Claim, rising: Iterable[Claim]) -> int:
    """Return by how much per weight a claim can rise while all others rise too."""
    rooms = [left[phase] // sum(each.weight for each in rising if phase in each.phases) for phase in claim.phases]
    return min([(claim.most - given[claim.name]) // claim.weight, *rooms])


def _take(left: dict[int, int], claim: Claim, amount: int) -> None:
    for phase in claim.phases:
        left[phase] -= amount
