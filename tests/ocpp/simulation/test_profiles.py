"""Charging profiles as a station obeys them."""

import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.ocpp.simulation.profiles import Asked, Profiles
from hub.ocpp.words import ChargingProfile, SchedulePeriod

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
ASKED = Asked(evse_id=1, transaction_id="T1", started_at=NOW)


def profile(
    number: int, limit: float, *, purpose: str = "TxDefaultProfile", level: int = 0, **more: Any
) -> ChargingProfile:
    values: dict[str, Any] = {
        "id": number, "stack_level": level, "purpose": purpose, "kind": "Absolute", "unit": "W", "start_at": NOW,
        "periods": (SchedulePeriod(start=0, limit=Decimal(str(limit))),),
    }  # fmt: skip
    return ChargingProfile(**(values | more))


def installed(*placed: tuple[int, ChargingProfile]) -> Profiles:
    profiles = Profiles()
    for evse_id, each in placed:
        profiles.put(evse_id, each, NOW)
    return profiles


def test_the_highest_valid_level_leads_and_the_next_takes_over_when_it_ends() -> None:
    profiles = installed((1, profile(1, 11_000)), (1, profile(2, 4_000, level=3, duration=600)))

    limits = [profiles.limit(ASKED, NOW + datetime.timedelta(seconds=after)) for after in (0, 599, 600)]

    assert limits == [4_000, 4_000, 11_000]


def test_a_tx_profile_leads_before_defaults_and_only_in_its_transaction() -> None:
    profiles = installed(
        (0, profile(1, 5_000)),
        (1, profile(2, 7_000)),
        (1, profile(3, 9_000, purpose="TxProfile", transaction_id="T1")),
    )

    own, another = profiles.limit(ASKED, NOW), profiles.limit(Asked(evse_id=1, transaction_id="T2"), NOW)
    elsewhere = profiles.limit(Asked(evse_id=2, transaction_id="T3"), NOW)
    profiles.end("T1")

    assert (own, another, elsewhere) == (9_000, 7_000, 5_000)
    assert profiles.limit(ASKED, NOW) == 7_000


def test_the_stations_limit_is_shared_and_the_smallest_limit_holds() -> None:
    profiles = installed(
        (1, profile(1, 9_000)),
        (0, profile(2, 16_000, purpose="ChargingStationMaxProfile")),
        (0, profile(3, 30_000, purpose="ChargingStationExternalConstraints")),
    )

    assert profiles.limit(ASKED, NOW) == 9_000
    assert profiles.limit(Asked(evse_id=1, sharing=2), NOW) == 8_000


def test_amperes_are_watts_by_their_phases() -> None:
    one_phase = (SchedulePeriod(start=0, limit=Decimal(10), phases=1),)

    assert installed((1, profile(1, 10, unit="A"))).limit(ASKED, NOW) == 6_900
    assert installed((1, profile(1, 10, unit="A", periods=one_phase))).limit(ASKED, NOW) == 2_300


def test_a_relative_schedule_begins_with_the_transaction_and_a_daily_one_every_day() -> None:
    periods = (SchedulePeriod(start=0, limit=Decimal(3000)), SchedulePeriod(start=3600, limit=Decimal(9000)))
    relative = installed((1, profile(1, 0, kind="Relative", start_at=None, periods=periods)))
    daily = installed((1, profile(1, 0, kind="Recurring", recurrency="Daily", periods=periods, duration=7200)))

    assert [relative.limit(ASKED, NOW + hours * HOUR) for hours in (0, 1, 30)] == [3_000, 9_000, 9_000]
    assert [daily.limit(ASKED, NOW + hours * HOUR) for hours in (0, 1, 2, 24, 25, 26)] == [
        3_000, 9_000, None, 3_000, 9_000, None,
    ]  # fmt: skip


def test_a_profile_is_replaced_by_its_id_or_its_place_and_cleared_by_what_is_said() -> None:
    profiles = installed((1, profile(1, 1_000)), (1, profile(2, 2_000)), (1, profile(2, 3_000, level=1)))
    assert [each.profile.periods[0].limit for each in profiles.installed] == [3_000]

    profiles.put(0, profile(9, 1, purpose="ChargingStationMaxProfile"), NOW)

    assert profiles.clear(evse_id=1, stack_level=0) == 0
    assert profiles.clear(purpose="ChargingStationMaxProfile") == 1
    assert profiles.clear() == 1


limits = st.integers(0, 30_000)
somewhere = st.tuples(
    st.sampled_from((0, 1)),
    st.builds(
        profile,
        st.integers(1, 50),
        limits,
        purpose=st.sampled_from(("TxDefaultProfile", "ChargingStationExternalConstraints")),
        level=st.integers(0, 4),
        duration=st.none() | st.integers(1, 7_200),
    ),
)


@given(placed=st.lists(somewhere, max_size=8), after=st.integers(0, 7_199))
def test_a_composite_schedule_says_at_every_second_what_holds(
    placed: list[tuple[int, ChargingProfile]], after: int
) -> None:
    profiles = installed(*placed)

    schedule = profiles.composite(ASKED, NOW, 7_200, 22_000)

    told = next(each.limit for each in reversed(schedule) if each.start <= after)
    limit = profiles.limit(ASKED, NOW + datetime.timedelta(seconds=after))
    assert float(told) == (22_000 if limit is None else min(limit, 22_000))
    assert schedule[0].start == 0
