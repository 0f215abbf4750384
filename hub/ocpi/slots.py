"""The grid of bookings, on both sides: half hours that begin at :00 and :30 of a Location's own clock.

A slot is named by the minute it begins at, counted from 1970 in UTC; so the two half hours at 02:00 of
the day summer time ends are two slots. Zones whose offset is no multiple of half an hour (Nepal) have
their slots shifted by the rest, which changes of summer time never touch.
"""

import datetime
import zoneinfo
from collections.abc import Iterator

from hub.ocpi.objects import JSONObject
from hub.ocpi.times import EPOCH

MINUTES = 30
SLOT = datetime.timedelta(minutes=MINUTES)
MOST = 4  # slots of one booking in a row


class OffGrid(Exception):
    """A period that does not begin and end with slots, or has too few or too many of them."""


def zone_of(location: JSONObject) -> datetime.tzinfo:
    """Return a Location's time zone; UTC if it names none that is known here."""
    try:
        return zoneinfo.ZoneInfo(location.get("time_zone") or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def minute(at: datetime.datetime) -> int:
    """Return whole minutes since 1970."""
    return (at - EPOCH) // datetime.timedelta(minutes=1)


def begin(slot: int) -> datetime.datetime:
    """Return when a slot begins."""
    return EPOCH + datetime.timedelta(minutes=slot)


def slot_at(at: datetime.datetime, zone: datetime.tzinfo) -> int:
    """Return the slot a moment lies in."""
    now = minute(at)
    return now - (now + _offset(at, zone)) % MINUTES


def covering(start: datetime.datetime, end: datetime.datetime, zone: datetime.tzinfo) -> list[int]:
    """Return every slot that a period touches."""
    first = slot_at(start, zone)
    return list(range(first, max(minute(end - datetime.timedelta(microseconds=1)), first) + 1, MINUTES))


def booked(start: datetime.datetime, end: datetime.datetime, zone: datetime.tzinfo) -> list[int]:
    """Return the slots a booking takes (RASD-F02, F03).

    Raises:
        OffGrid: it does not begin and end at :00 or :30, or is not one to four slots long.
    """
    if begin(slot_at(start, zone)) != start or begin(slot_at(end, zone)) != end:
        raise OffGrid("a booking begins and ends at :00 or :30")
    found = list(range(minute(start), minute(end), MINUTES))
    if not 1 <= len(found) <= MOST:
        raise OffGrid(f"a booking has one to {MOST} slots of {MINUTES} minutes")
    return found


def days(now: datetime.datetime, count: int, zone: datetime.tzinfo) -> Iterator[tuple[datetime.date, range]]:
    """Yield today and the days that follow with their slots: 46, 48 or 50 where the clock changes."""
    today = now.astimezone(zone).date()
    for number in range(count):
        day = today + datetime.timedelta(days=number)
        first, last = _midnight(day, zone), _midnight(day + datetime.timedelta(days=1), zone)
        yield day, range(minute(first), minute(last), MINUTES)


def _midnight(day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=zone).astimezone(datetime.UTC)


def _offset(at: datetime.datetime, zone: datetime.tzinfo) -> int:
    shift = at.astimezone(zone).utcoffset() or datetime.timedelta()
    return shift // datetime.timedelta(minutes=1)
