"""What a calendar says of a driver's time: when he is busy, and where.

The text is a stranger's: it is bounded in size, and series that repeat more often than daily are refused, for each of
their occurrences costs time.

Source: RFC 5545 (TRANSP, STATUS, RRULE, GEO).
"""

import datetime
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from hub.emsp.search.geometry import Point

LONGEST = 2_000_000  # bytes
_MOST = 2_000  # appointments in the time that is looked at
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_FANS = ("BYSECOND", "BYMINUTE", "BYHOUR")


class BadCalendar(Exception):
    """A calendar that cannot be read; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Busy:
    """A time a driver has no time for charging, unless it is where he is.

    Attributes:
        uid: of the appointment.
        point: where it is; None: the calendar does not say.
    """

    uid: str
    start: datetime.datetime
    end: datetime.datetime
    title: str = ""
    point: Point | None = None


def read_calendar(text: bytes) -> icalendar.Calendar:
    """Return a calendar whose series are safe to count.

    Raises:
        BadCalendar: it is no iCalendar, too large, or repeats too often.
    """
    if len(text) > LONGEST:
        raise BadCalendar(f"it is larger than {LONGEST // 1_000_000} MB; export a shorter time")
    try:
        found = icalendar.Calendar.from_ical(text)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise BadCalendar("it is no iCalendar file (.ics)") from error
    if not isinstance(found, icalendar.Calendar):
        raise BadCalendar("it is no iCalendar file (.ics)")
    for event in found.walk("VEVENT"):
        _check_series(event)
    return found


def _check_series(event: Any) -> None:
    rules = event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        often = {str(each).upper() for each in rule.get("FREQ", [])}
        if often & _TOO_OFTEN or any(name in rule for name in _FANS):
            raise BadCalendar("one of its appointments repeats more often than daily; take it out")


def busy_times(text: bytes, start: datetime.datetime, end: datetime.datetime, zone: ZoneInfo) -> tuple[Busy, ...]:
    """Return a calendar's appointments in a time, the earliest first.

    Args:
        zone: of times without one, and of whole days.

    Raises:
        BadCalendar: it cannot be read.
    """
    calendar = read_calendar(text)
    found = list[Busy]()
    try:
        for event in recurring_ical_events.of(calendar, skip_bad_series=True).between(start, end):
            if (each := _busy(event, zone)) is not None:
                found.append(each)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise BadCalendar(f"one of its appointments cannot be understood: {error}") from error
    if len(found) > _MOST:
        raise BadCalendar(f"it has more than {_MOST} appointments in a few days")
    return tuple(sorted(found, key=lambda each: (each.start, each.end, each.uid)))


def _busy(event: Any, zone: ZoneInfo) -> Busy | None:
    """Return an appointment that takes time; None: it is cancelled, or leaves its time free."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return None
    start, end = _moment(event.start, zone), _moment(event.end, zone)
    if end <= start:
        return None
    title = str(event.get("SUMMARY", ""))[:200]
    return Busy(uid=str(event.get("UID", "")), start=start, end=end, title=title, point=_point(event))


def _moment(value: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone)
    return aware.astimezone(datetime.UTC)


def _point(event: Any) -> Point | None:
    geo = event.get("GEO")
    if geo is None:
        return None
    lat, lon = float(geo.latitude), float(geo.longitude)
    return Point(lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None
