"""Dividing current: fair, complete, and never above a phase's limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cpms.charging.allocation import GRAIN, Claim, allocate

ALL = frozenset({1, 2, 3})

claims = st.lists(
    st.builds(
        Claim,
        name=st.text("abcdefgh", min_size=1, max_size=6),
        phases=st.sampled_from([ALL, frozenset({1}), frozenset({2}), frozenset({3}), frozenset({1, 2})]),
        least=st.just(6000),
        most=st.integers(0, 32_000),
        weight=st.sampled_from([1, 2, 4]),
        rank=st.tuples(st.integers(-4, -1).map(float), st.floats(0, 100)),
    ),
    max_size=12,
    unique_by=lambda claim: claim.name,
)
capacities = st.fixed_dictionaries({phase: st.integers(0, 200_000) for phase in (1, 2, 3)})


def three(name, *, most=32_000, weight=1, rank=(), phases=ALL):
    return Claim(name=name, phases=phases, least=6000, most=most, weight=weight, rank=rank)


@given(capacities, claims)
def test_no_phase_is_ever_above_its_limit_and_no_car_above_its_own(capacity, wanted):
    found = allocate(capacity, wanted)

    for phase, limit in capacity.items():
        assert sum(found[each.name] for each in wanted if phase in each.phases) <= limit
    assert all(found[each.name] == 0 or each.least - GRAIN < found[each.name] <= each.most for each in wanted)


@given(capacities, claims)
def test_nothing_is_left_that_somebody_served_could_have(capacity, wanted):
    found = allocate(capacity, wanted)

    left = {
        phase: limit - sum(found[each.name] for each in wanted if phase in each.phases)
        for phase, limit in capacity.items()
    }
    for each in wanted:
        if found[each.name]:
            slack = len(wanted) * (GRAIN + sum(claim.weight for claim in wanted))
            assert each.most - found[each.name] < slack or min(left[phase] for phase in each.phases) < slack


@given(capacities, claims)
def test_who_asks_for_the_same_gets_the_same(capacity, wanted):
    found = allocate(capacity, wanted)

    served = [each for each in wanted if found[each.name]]
    for one in served:
        for other in served:
            if (one.phases, one.most, one.weight) == (other.phases, other.most, other.weight):
                assert found[one.name] == found[other.name]


def test_equal_share():
    assert allocate({1: 48_000, 2: 48_000, 3: 48_000}, [three(each) for each in "abc"]) == dict.fromkeys("abc", 16_000)


def test_what_one_cannot_use_the_others_get():
    found = allocate({1: 48_000, 2: 48_000, 3: 48_000}, [three("a", most=10_000), three("b"), three("c")])

    assert found == {"a": 10_000, "b": 19_000, "c": 19_000}


def test_priority_is_a_greater_share_of_what_is_there():
    """GEM-FTR-561, 562: a FAST session gets twice what a REGULAR one gets beyond the least that both need."""
    found = allocate({1: 30_000, 2: 30_000, 3: 30_000}, [three("fast", weight=4), three("regular", weight=2)])

    assert found == {"fast": 18_000, "regular": 12_000}


def test_where_not_everyone_can_charge_the_first_in_rank_do():
    found = allocate(
        dict.fromkeys((1, 2, 3), 13_000), [three(each, rank=(float(at),)) for at, each in enumerate("cab")]
    )

    assert found == {"c": 6500, "a": 6500, "b": 0}


def test_each_phase_counts_for_itself():
    """Three cars of one phase on three phases take no more of any than one car of three phases does."""
    found = allocate(
        {1: 16_000, 2: 16_000, 3: 10_000}, [three(str(phase), phases=frozenset({phase})) for phase in (1, 2, 3)]
    )

    assert found == {"1": 16_000, "2": 16_000, "3": 10_000}


@pytest.mark.parametrize("capacity", [0, 5_999])
def test_less_than_the_least_is_nothing(capacity):
    assert allocate(dict.fromkeys((1, 2, 3), capacity), [three("a")]) == {"a": 0}
