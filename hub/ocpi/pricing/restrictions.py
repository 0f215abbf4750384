"""When a TariffElement applies, and the moments at which that may change.

A restriction is judged at a moment; between two moments of change nothing can become active or
inactive. Times of day are wall-clock times of the Location: where a clock is put forward or back
they follow it. All that is set has to match (a logical AND), day and time taken at the same moment:
a night that begins on a Friday is Saturday after midnight.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (TariffRestrictions).
"""

import datetime
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hub.ocpi.pricing.forms import TariffRestrictions, given

_DAY: Final = 24 * 60
_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_SECOND = 1_000_000
_FLOW = ("min_current", "max_current", "min_power", "max_power")


#: Of current or power; Python compares both kinds of number exactly.
Amount = Decimal | float


@dataclass(slots=True)
class Conditions:
    """How things stand at one moment of a session.

    Attributes:
        local: the Location's wall clock.
        kwh: charged so far, in kWh.
        lasted: how long the session has lasted, or the reservation while there is no session, in microseconds.
        min_current: the least of the charging period, in A, over all phases; None is unknown. The others likewise,
            power in kW.
    """

    local: datetime.datetime
    kwh: Decimal
    lasted: int
    min_current: Amount | None = None
    max_current: Amount | None = None
    min_power: Amount | None = None
    max_power: Amount | None = None


Test = Callable[[Conditions], bool]


@dataclass(frozen=True)
class Changes:
    """Where the elements of a Tariff may become active or inactive.

    Attributes:
        minutes: of the local day.
        kwh: energy charged.
        durations: of the session, in microseconds.
        flow: whether current or power decide, which may be others in every period.
    """

    minutes: tuple[int, ...]
    kwh: tuple[Decimal, ...]
    durations: tuple[int, ...]
    flow: bool


def tests(restrictions: TariffRestrictions) -> tuple[Test, ...]:
    """Return what has to be true of a moment, but for reservation and booking."""
    return tuple(_tests(restrictions))


def _tests(given_: TariffRestrictions) -> Iterator[Test]:
    start, end = given(given_.start_time), given(given_.end_time)
    if start is not None or end is not None:
        yield _time_of_day(_minute(start or "00:00"), _minute(end or "00:00") or _DAY)
    if given_.day_of_week:
        yield _days({_WEEK.index(day) for day in given_.day_of_week if day in _WEEK})
    yield from _dates(given(given_.start_date), given(given_.end_date))
    yield from _amounts(given_)


def _time_of_day(begin: int, stop: int) -> Test:
    if begin < stop:
        return lambda now: begin <= now.local.hour * 60 + now.local.minute < stop
    # Around midnight; a period that ends when it begins is the whole day.
    return lambda now: not stop <= now.local.hour * 60 + now.local.minute < begin


def _days(days: set[int]) -> Test:
    return lambda now: now.local.weekday() in days


def _dates(start: str | None, end: str | None) -> Iterator[Test]:
    if start is not None:
        yield lambda now: now.local.date().isoformat() >= start
    if end is not None:
        yield lambda now: now.local.date().isoformat() < end


def _amounts(given_: TariffRestrictions) -> Iterator[Test]:
    for name, bound, at_least in (
        ("kwh", given_.min_kwh, True),
        ("kwh", given_.max_kwh, False),
        ("min_current", given_.min_current, True),
        ("max_current", given_.max_current, False),
        ("min_power", given_.min_power, True),
        ("max_power", given_.max_power, False),
    ):
        if (limit := given(bound)) is not None:
            yield _bounded(name, limit, at_least=at_least)
    if (least := given(given_.min_duration)) is not None:
        yield _bounded("lasted", Decimal(least * _SECOND), at_least=True)
    if (most := given(given_.max_duration)) is not None:
        yield _bounded("lasted", Decimal(most * _SECOND), at_least=False)


def _bounded(name: str, limit: Decimal, *, at_least: bool) -> Test:
    """Minima are inclusive, maxima exclusive; what nobody told matches neither."""
    read = operator.attrgetter(name)
    compare = operator.ge if at_least else operator.lt

    def test(now: Conditions) -> bool:
        value = read(now)
        return value is not None and bool(compare(value, limit))

    return test


def changes(all_of_them: list[TariffRestrictions]) -> Changes:
    """Return where any of these restrictions may begin or cease to match."""
    minutes: set[int] = set()
    kwh: set[Decimal] = set()
    durations: set[int] = set()
    for each in all_of_them:
        minutes.update(_minute(at) for at in (given(each.start_time), given(each.end_time)) if at is not None)
        if each.day_of_week or given(each.start_date) or given(each.end_date):
            minutes.add(0)
        kwh.update(limit for limit in (given(each.min_kwh), given(each.max_kwh)) if limit is not None)
        durations.update(
            limit * _SECOND for limit in (given(each.min_duration), given(each.max_duration)) if limit is not None
        )
    flow = any(given(getattr(each, name)) is not None for each in all_of_them for name in _FLOW)
    return Changes(tuple(sorted(minutes)), tuple(sorted(kwh)), tuple(sorted(durations)), flow)


def wall_clock_moments(
    start: datetime.datetime, end: datetime.datetime, zone: datetime.tzinfo, minutes: tuple[int, ...]
) -> Iterator[datetime.datetime]:
    """Yield the moments between two others, both excluded, at which a local clock shows one of these minutes.

    A minute that the clock shows twice counts twice; where the clock is put, that moment counts too.
    """
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for at in _moments_of(day, zone, minutes):
            if start < at < end:
                yield at
        day += datetime.timedelta(days=1)


def same_minute_span(at: datetime.datetime, zone: datetime.tzinfo, minutes: tuple[int, ...]) -> datetime.datetime:
    """Return until when a local clock surely shows none of these minutes after a moment, at most to its midnight.

    On a day on which the clock is put this says nothing, and is the moment itself.
    """
    local = at.astimezone(zone)
    passed = local.hour * 60 + local.minute
    ahead = next((minute for minute in minutes if minute > passed), _DAY) - passed
    wait = datetime.timedelta(0, ahead * 60 - local.second, -local.microsecond)
    until = at + wait
    return until if until.astimezone(zone).utcoffset() == local.utcoffset() else at


def _moments_of(day: datetime.date, zone: datetime.tzinfo, minutes: tuple[int, ...]) -> Iterator[datetime.datetime]:
    for minute in minutes:
        wall = datetime.datetime.combine(day, datetime.time(minute // 60, minute % 60), zone)
        for fold in (0, 1):
            yield wall.replace(fold=fold).astimezone(datetime.UTC)
    midnight = datetime.datetime.combine(day, datetime.time(), zone)
    early = midnight.astimezone(datetime.UTC)
    late = (midnight + datetime.timedelta(days=1)).astimezone(datetime.UTC)
    if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset():
        yield _transition(early, late, zone)


def _transition(early: datetime.datetime, late: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """Return the second at which a clock is put forward or back between two moments."""
    before = early.astimezone(zone).utcoffset()
    first, last = int(early.timestamp()), int(late.timestamp())
    while last - first > 1:
        middle = (first + last) // 2
        same = datetime.datetime.fromtimestamp(middle, zone).utcoffset() == before
        first, last = (middle, last) if same else (first, middle)
    return datetime.datetime.fromtimestamp(last, datetime.UTC)


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:5])
