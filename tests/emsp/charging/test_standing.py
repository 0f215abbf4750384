"""What is wanted every week, or as soon as something is free: booked in time, told honestly, bounded."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.emsp.charging.booking import judge_times
from hub.emsp.charging.refusals import Refused
from hub.emsp.charging.standing import Weekly, Whenever
from hub.ocpi.slots import SLOT, zone_of
from tests.emsp.charging.world import HALF, NOON, SPOT, refusal

AMSTERDAM = zone_of({"time_zone": "Europe/Amsterdam"})
DAY = 48 * HALF
#: The days of 2026 on which clocks change in Amsterdam, and the days beside them.
CHANGES = [
    datetime.date(2026, 3, 28),
    datetime.date(2026, 3, 29),
    datetime.date(2026, 10, 25),
    datetime.date(2026, 10, 26),
]


def weekly(**changes):
    return Weekly(**({
        "weekdays": (0, 1), "time": "18:00", "slots": 2, "first": datetime.date(2026, 1, 5),
        "last": datetime.date(2026, 1, 13),
    } | changes))  # fmt: skip


@given(st.sampled_from(CHANGES), st.integers(0, 47), st.integers(1, 4))
def test_times_of_a_recurring_booking_lie_on_the_grid_on_every_day(day, half_hour, slots):
    """Also where the clock skips or repeats an hour."""
    time = datetime.time(half_hour // 2, half_hour % 2 * 30)
    rule = weekly(weekdays=tuple(range(7)), time=time.isoformat("minutes"), first=day, last=day)

    starts = rule.starts(day, AMSTERDAM)

    assert len(judge_times(AMSTERDAM, starts, starts + slots * SLOT)) == slots
    assert starts.astimezone(AMSTERDAM).date() == day


@given(st.sampled_from(CHANGES), st.integers(0, 25 * 60), st.integers(1, 300))
def test_a_booking_is_judged_by_the_locations_clock_on_days_the_clock_changes(day, minute, minutes):
    """RASD-F02, F03."""
    midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=AMSTERDAM).astimezone(datetime.UTC)
    starts = midnight + datetime.timedelta(minutes=minute)
    ends = starts + datetime.timedelta(minutes=minutes)
    fits = all(each.astimezone(AMSTERDAM).minute in (0, 30) for each in (starts, ends)) and minutes in (30, 60, 90, 120)

    try:
        judge_times(AMSTERDAM, starts, ends)
    except Refused:
        assert not fits
    else:
        assert fits


async def test_a_recurring_request_books_each_day_when_it_comes_into_the_horizon(road):
    """GEM-FTR-1318: Monday and Tuesday, 18:00 of the Location's clock, twice each, until the last day."""
    await road.offer((NOON - DAY, NOON + 20 * DAY))
    standing = road.charging.standing
    await standing.ask("ada", SPOT, weekly(), key="K")
    await standing.ask("ada", SPOT, weekly(), key="K")

    for _ in range(10):
        await road.wait(days=1)

    made = await road.charging.bookings.all_of("ada")
    assert [each.starts_at.isoformat() for each in made] == [
        "2026-01-06T17:00:00+00:00", "2026-01-12T17:00:00+00:00", "2026-01-13T17:00:00+00:00",
    ]  # fmt: skip
    assert [each.state for each in await standing.all_of("ada")] == ["DONE"]


async def test_a_recurring_request_looks_at_once(road):
    await road.offer()
    await road.charging.standing.ask("ada", SPOT, weekly())

    await road.charging.clockwork.look()

    assert [each.starts_at.day for each in await road.charging.bookings.all_of("ada")] == [5, 6]


async def test_a_day_that_is_refused_is_told_once(road):
    await road.offer()
    road.cpo.status = "REJECTED"
    await road.charging.standing.ask("ada", SPOT, weekly(weekdays=(0,)))

    await road.charging.clockwork.look()
    await road.wait(hours=12)

    assert await road.events() == ["BOOKING_REFUSED"]


async def test_a_cancelled_request_books_nothing_more(road):
    await road.offer()
    standing = road.charging.standing
    request = await standing.ask("ada", SPOT, weekly())

    assert (await refusal(standing.cancel("bob", request.id))).code == "UNKNOWN_REQUEST"
    await standing.cancel("ada", request.id)
    await road.charging.clockwork.look()

    assert await road.charging.bookings.all_of("ada") == []


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        (weekly(slots=5), "TOO_LONG", "$.slots"),
        (weekly(weekdays=()), "BAD_RULE", "$.weekdays"),
        (weekly(time="18:10"), "OFF_GRID", "$.time"),
        (weekly(last=datetime.date(2028, 1, 1)), "BAD_RULE", "$.last"),
        (Whenever(earliest=NOON, latest=NOON + HALF, slots=2), "BAD_RULE", "$.latest"),
    ],
)
async def test_a_request_that_cannot_be_kept_is_refused_with_its_field(road, wish, code, field):
    await road.offer()

    refused = await refusal(road.charging.standing.ask("ada", SPOT, wish))

    assert (refused.code, refused.field) == (code, field)


async def test_a_request_that_waits_is_booked_when_the_calendar_changes(road):
    """GEM-FTR-1318: reserve when available."""
    await road.offer((NOON + 20 * HALF, NOON + 21 * HALF))
    wish = Whenever(earliest=NOON, latest=NOON + 10 * HALF, slots=2)
    request = await road.charging.standing.ask("ada", SPOT, wish)
    await road.charging.clockwork.look()
    before = await road.charging.bookings.all_of("ada")

    await road.offer((NOON + 4 * HALF, NOON + 6 * HALF))
    await road.charging.clockwork.look()

    (made,) = await road.charging.bookings.all_of("ada")
    assert (before, made.starts_at, made.state, made.request_id) == ([], NOON + 4 * HALF, "RESERVED", request.id)
    assert [each.state for each in await road.charging.standing.all_of("ada")] == ["DONE"]


async def test_a_request_that_waits_in_vain_expires_honestly(road):
    await road.offer((NOON + 20 * HALF, NOON + 21 * HALF))
    await road.charging.standing.ask("ada", SPOT, Whenever(earliest=NOON, latest=NOON + 3 * HALF, slots=2))

    await road.charging.clockwork.look()
    await road.wait(minutes=31)

    assert [each.state for each in await road.charging.standing.all_of("ada")] == ["EXPIRED"]
    assert await road.events() == ["REQUEST_EXPIRED"]
