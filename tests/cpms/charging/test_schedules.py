"""OCPI's charging profiles as limits over time."""

import datetime
from decimal import Decimal

import pytest

from hub.cpms.charging.schedules import Feed, clipped, constant, limit_at

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
AC, DC = Feed(phases=3), Feed(phases=3, direct=True)


def profile(*periods, unit="A", **changes):
    return {
        "charging_rate_unit": unit,
        "charging_profile_period": [{"start_period": start, "limit": limit} for start, limit in periods],
    } | changes


def later(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "limit"), [(-1, None), (0, 16_000), (59, 16_000), (60, 8_000), (119, 8_000), (120, None)]
)
def test_the_period_that_began_last_counts_until_the_profile_ends(seconds, limit):
    said = profile((0, 16), (60, 8), duration=120, start_date_time="2026-01-01T12:00:00Z")

    assert limit_at(said, later(seconds), AC, begun_at=NOW) == limit


def test_a_profile_without_a_start_begins_when_it_was_set():
    assert limit_at(profile((0, 16)), later(5), AC, begun_at=later(10)) is None
    assert limit_at(profile((0, 16)), later(10), AC, begun_at=later(10)) == 16_000


@pytest.mark.parametrize(("feed", "limit"), [(AC, 10_000), (Feed(phases=1), 30_000)])
def test_watts_are_shared_by_the_phases(feed, limit):
    assert limit_at(profile((0, Decimal("6900")), unit="W"), NOW, feed, begun_at=NOW) == limit


def test_a_share_is_the_ceiling_of_a_profile_and_fills_its_gaps():
    said = profile((10, 32), (60, 8), duration=120)

    found = clipped(said, 16_000, AC, begun_at=NOW)

    assert found["charging_profile_period"] == [
        {"start_period": 0, "limit": 16}, {"start_period": 10, "limit": 16}, {"start_period": 60, "limit": 8},
        {"start_period": 120, "limit": 16},
    ]  # fmt: skip
    assert found["start_date_time"] == "2026-01-01T12:00:00.000Z"
    assert "duration" not in found


def test_direct_current_is_told_in_watts():
    assert constant(10_000, DC, NOW)["charging_rate_unit"] == "W"
    assert constant(10_000, DC, NOW)["charging_profile_period"] == [{"start_period": 0, "limit": 6900}]
    assert constant(10_000, AC, NOW)["charging_profile_period"] == [{"start_period": 0, "limit": 10}]
