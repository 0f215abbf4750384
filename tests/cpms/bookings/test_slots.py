"""The grid of half hours, over days on which clocks change."""

import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cpms.bookings.store import free_runs
from hub.ocpi.slots import MINUTES, OffGrid, begin, booked, covering, days, minute, slot_at, zone_of

UTC = datetime.UTC
ZONES = ["UTC", "Europe/Amsterdam", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Kolkata"]

moments = st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2028, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(ZONES).map(zoneinfo.ZoneInfo)


@given(moments, zones)
def test_slots_begin_at_00_or_30_of_the_local_clock_and_hold_their_moment(at, zone):
    slot = slot_at(at, zone)

    assert begin(slot).astimezone(zone).minute in (0, 30)
    assert begin(slot) <= at < begin(slot + MINUTES)


@pytest.mark.parametrize(
    ("day", "count"), [("2026-03-29", 46), ("2026-10-25", 50), ("2026-06-01", 48)], ids=["spring", "autumn", "summer"]
)
def test_a_day_on_which_the_clock_changes_has_the_slots_it_has(day, count):
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    noon = datetime.datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=zone)

    ((date, slots),) = days(noon.astimezone(UTC), 1, zone)

    assert (date.isoformat(), len(slots)) == (day, count)
    assert {begin(slot).astimezone(zone).date() for slot in slots} == {date}


@given(moments, st.integers(1, 8), zones)
def test_days_follow_each_other_without_a_gap(now, count, zone):
    found = [slots for _, slots in days(now, count, zone)]

    assert all(one.stop == other.start for one, other in itertools.pairwise(found))
    assert found[0].start <= minute(now) < found[0].stop


def test_the_hour_that_comes_twice_is_two_hours():
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    first = datetime.datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 summer time
    second = datetime.datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 winter time

    assert booked(first, second, zone) == [minute(first), minute(first) + MINUTES]


@pytest.mark.parametrize(
    ("start", "minutes"), [("10:10", 30), ("10:00", 45), ("10:00", 0), ("10:00", 150), ("10:30", -30)]
)
def test_a_booking_is_one_to_four_whole_slots(start, minutes):
    at = datetime.datetime.fromisoformat(f"2026-06-01T{start}:00+00:00")

    with pytest.raises(OffGrid):
        booked(at, at + datetime.timedelta(minutes=minutes), UTC)


@given(moments, st.integers(1, 24 * 60), zones)
def test_every_moment_of_a_period_lies_in_a_slot_it_covers(start, minutes, zone):
    end = start + datetime.timedelta(minutes=minutes)

    found = covering(start, end, zone)

    assert found[0] == slot_at(start, zone)
    assert found[-1] == slot_at(end - datetime.timedelta(microseconds=1), zone)
    assert found == list(range(found[0], found[-1] + 1, MINUTES))


@given(st.sets(st.integers(0, 47)), st.sets(st.integers(0, 47)))
def test_free_runs_are_what_is_left_as_long_as_can_be(day, busy):
    slots = sorted(each * MINUTES for each in day)
    occupied = {each * MINUTES for each in busy}

    runs = free_runs(slots, occupied)

    assert [slot for first, end in runs for slot in range(first, end, MINUTES)] == sorted(set(slots) - occupied)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(runs))


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "Nowhere/Land", "", None])
def test_an_unknown_time_zone_is_utc(name):
    assert str(zone_of({"time_zone": name})) == (name if name == "Europe/Amsterdam" else "UTC")
