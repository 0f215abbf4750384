"""How measurements are judged: what makes a row of the benchmark fail."""

import pytest

from bench.report import cells
from bench.rounds import Verdict, absolute, either, measure, ratio
from bench.samples import evse_patch, location
from hub.ocpi.modules.locations import EVSE, Location
from hub.ocpi.versions import VERSIONS


def test_the_median_of_the_rounds_ratios_is_judged_not_the_ratio_of_the_medians() -> None:
    # Between the rounds the machine became ten times slower: for both sides, so no ratio changed.
    verdict = ratio("R", "what", "at least", 0.5, [60, 6, 60], [100, 10, 100], more_is_better=True)

    assert (verdict.median, verdict.met) == (pytest.approx(0.6), True)


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        ([10, 10, 10], [100, 100, 100], False),  # both miss
        ([60, 60, 10], [100, 100, 110], True),  # the median holds
        ([10, 60, 10], [100, 100, 100], True),  # best against best holds
        ([60, 60, 60], [100, 100, 300], True),  # the median holds, best against best does not
    ],
)
def test_a_row_fails_only_if_median_and_best_both_miss(ours: list[float], theirs: list[float], met: bool) -> None:
    assert ratio("R", "what", "at least", 0.5, ours, theirs, more_is_better=True).met is met


def test_where_less_is_better_the_best_round_is_the_smallest() -> None:
    verdict = ratio("R", "what", "at most", 0.25, [30, 20], [100, 100], more_is_better=False)

    assert (verdict.best, verdict.met) == (pytest.approx(0.2), True)
    assert absolute("R", "what", "at most", 3, [5, 2.9], "ms").met
    assert not absolute("R", "what", "at most", 3, [5, 3.1], "ms").met


def test_one_of_two_alternatives_is_enough() -> None:
    missed = absolute("R", "first", "at least", 6000, [1.0], "/s")
    met = absolute("R", "second", "at least", 0.12, [0.2], "x")

    assert either([missed, met]) is met
    assert either([missed, missed]) is missed


def test_what_was_skipped_or_failed_is_not_met_and_says_why() -> None:
    skipped = Verdict("R", "", "at most", 1, 0, 0, skipped="BENCH_SKIP=nginx")
    failed = Verdict("R", "", "at most", 1, 0, 0, failed="no | answer\nat all")

    assert not skipped.met
    assert not failed.met
    assert "BENCH_SKIP=nginx" in cells(skipped)
    assert "no / answer at all" in cells(failed)


def test_the_rounds_are_interleaved() -> None:
    order: list[str] = []

    def taking(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = measure(2, lambda: taking("ours"), lambda: taking("theirs"))

    assert order == ["ours", "theirs", "theirs", "ours"]
    assert taken == [[1, 4], [2, 3]]


@pytest.mark.parametrize("size", [4000, 4600])
@pytest.mark.parametrize("number", ["2.2.1", "2.3.0"])
def test_the_samples_are_valid_and_as_large_as_they_say(size: int, number: str) -> None:
    text = location(size)

    assert len(text) == size
    VERSIONS[number].judge(text.replace(b"@@@@@@", b"000001"), Location)
    VERSIONS[number].judge(evse_patch("CHARGING"), EVSE, partial=True)
    assert len(evse_patch("CHARGING")) == len(evse_patch("AVAILABLE")) == 300
