"""How measurements become verdicts: interleaved rounds, the median of per-round ratios, best against best.

Machines are shared and clocks drift, so what is compared is measured in turn, round by round, and
each round gives one ratio. A row fails only if the median ratio and best-against-best both miss.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Bound = Literal["at least", "at most"]


@dataclass(frozen=True)
class Verdict:
    """A target and how it was met.

    Attributes:
        row: the row of the table it belongs to.
        what: what was measured.
        median: of the rounds.
        best: of the rounds, or best against best.
        note: the absolute numbers behind it.
        skipped: why it was not to be measured.
        failed: why it could not be measured.
    """

    row: str
    what: str
    bound: Bound
    target: float
    median: float
    best: float
    unit: str = "x"
    note: str = ""
    skipped: str = ""
    failed: str = ""

    @property
    def met(self) -> bool:
        if self.skipped or self.failed:
            return False
        return any(self._meets(each) for each in (self.median, self.best))

    def _meets(self, value: float) -> bool:
        return value >= self.target if self.bound == "at least" else value <= self.target


def measure(rounds: int, *measurements: Callable[[], float]) -> list[list[float]]:
    """Take each measurement once per round, in turn; return the values of each."""
    taken: list[list[float]] = [[] for _ in measurements]
    for number in range(rounds):
        # Every second round runs backwards, so that nobody always follows the same neighbour.
        order = range(len(measurements))
        for index in order if number % 2 == 0 else reversed(order):
            taken[index].append(measurements[index]())
    return taken


def ratio(
    row: str,
    what: str,
    bound: Bound,
    target: float,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    more_is_better: bool,
) -> Verdict:
    """Judge our values against theirs, round by round."""
    best = max if more_is_better else min
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    note = f"{number(median(ours))} against {number(median(theirs))}"
    return Verdict(row, what, bound, target, median(ratios), best(ours) / best(theirs), note=note)


def absolute(
    row: str, what: str, bound: Bound, target: float, values: Sequence[float], unit: str, note: str = ""
) -> Verdict:
    """Judge values against a number."""
    best = max if bound == "at least" else min
    return Verdict(row, what, bound, target, median(values), best(values), unit, note)


def either(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that is met, of several that are alternatives; the first if none is."""
    found = list(verdicts)
    return next((each for each in found if each.met), found[0])


def number(value: float) -> str:
    """Return a number for people: three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
