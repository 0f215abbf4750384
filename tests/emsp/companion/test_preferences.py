"""Quiet hours are the same hours of a driver's day, also on the days summer begins and ends."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.emsp.companion.preferences import BadPreference, Quiet, after_quiet, read_preferences

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NIGHT = Quiet(start=datetime.time(22), end=datetime.time(7))


def utc(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (utc(2026, 1, 1, 12), utc(2026, 1, 1, 12)),
        (utc(2026, 1, 1, 20, 59), utc(2026, 1, 1, 20, 59)),
        (utc(2026, 1, 1, 21), utc(2026, 1, 2, 6)),
        (utc(2026, 7, 1, 21), utc(2026, 7, 2, 5)),
        (utc(2026, 3, 28, 22), utc(2026, 3, 29, 5)),  # the night summer begins
        (utc(2026, 10, 24, 22), utc(2026, 10, 25, 6)),  # the night it ends
    ],
)
def test_a_night_ends_at_seven_by_his_clock(now, told):
    assert after_quiet(NIGHT, now, AMSTERDAM) == told


def test_an_end_that_is_not_on_the_clock_that_night_is_after_the_gap():
    quiet = Quiet(start=datetime.time(22), end=datetime.time(2, 30))

    assert after_quiet(quiet, utc(2026, 3, 29, 0, 30), AMSTERDAM) == utc(2026, 3, 29, 1, 30)


def test_an_end_that_is_twice_on_the_clock_that_night_is_the_second():
    quiet = Quiet(start=datetime.time(22), end=datetime.time(2, 30))

    assert after_quiet(quiet, utc(2026, 10, 25, 0, 15), AMSTERDAM) == utc(2026, 10, 25, 1, 30)


times = st.times().map(lambda each: each.replace(second=0, microsecond=0))


@given(
    times,
    times,
    st.datetimes(datetime.datetime(2025, 1, 1), datetime.datetime(2027, 1, 1), timezones=st.just(datetime.UTC)),
    st.sampled_from(["Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
)
def test_what_waits_is_told_when_it_is_not_quiet_and_within_a_day(start, end, now, name):
    if start == end:
        return
    quiet, zone = Quiet(start=start, end=end), ZoneInfo(name)

    told = after_quiet(quiet, now, zone)

    assert now <= told <= now + datetime.timedelta(hours=25)
    assert not quiet.holds(told.astimezone(zone).time())


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"channels": {"GOSSIP": []}}, "$.channels.GOSSIP"),
        ({"channels": {"BOOKING": ["PIGEON"]}}, "$.channels.BOOKING"),
        ({"channels": []}, "$.channels"),
        ({"waits": {"BOOKING": "yes"}}, "$.waits.BOOKING"),
        ({"quiet": {"start": "22:00", "end": "25:00"}}, "$.quiet.end"),
        ({"quiet": {"start": "22:00", "end": "22:00"}}, "$.quiet.end"),
        ({"quiet": "always"}, "$.quiet"),
        ({"zone": "Europe/Atlantis"}, "$.zone"),
        ({"zone": "../etc/passwd"}, "$.zone"),
        ({"language": "english"}, "$.language"),
    ],
)
def test_a_preference_that_cannot_be_kept_names_its_field(document, path):
    if path == "$.channels" and not document["channels"]:
        document = {"channels": ["EMAIL"]}

    with pytest.raises(BadPreference) as refused:
        read_preferences(document)

    assert refused.value.path == path


def test_preferences_are_read_as_they_are_written():
    document = {
        "channels": {"BOOKING": ["SMS"], "OFFER": []}, "waits": {"PROBLEM": True},
        "quiet": {"start": "22:00", "end": "07:00"}, "zone": "Asia/Kolkata", "language": "nl",
    }  # fmt: skip

    assert read_preferences(document).to_json() == document
