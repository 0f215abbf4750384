"""Charging periods as pricing sees them: what was used, under which conditions, cut where a price may change.

A CPO starts a new period whenever another component becomes active (mod_cdrs, ChargingPeriod). Where
one did not, the period is cut here: at the moment itself, and for energy by interpolation, as the
text allows. Time is counted in microseconds, energy in kWh.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR, CdrDimensionType).
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from hub.ocpi.pricing.elements import KINDS, Kind, PreparedTariff
from hub.ocpi.pricing.forms import VOLUMES, ChargingPeriod, Energy, Unpriceable, given, utc
from hub.ocpi.pricing.periods import Period, Use
from hub.ocpi.pricing.restrictions import Amount, Conditions, wall_clock_moments

HOUR: Final = 3_600_000_000  # in microseconds
_NOTHING: Final = Decimal(0)

#: A number has four decimals (types.asciidoc): hours are told to within 0.18 seconds.
HOURS_ROUNDED: Final = HOUR // 20_000

#: Energy is interpolated to a tenth of a Wh, which is what four decimals of a kWh can say.
KWH_TOLD: Final = Decimal("0.0001")

#: A single period longer than this is no charging session's, and would be cut into thousands.
_LONGEST = datetime.timedelta(days=366)

ENERGY: Final = KINDS["CHARGING"]["ENERGY"]
CHARGED: Final = KINDS["CHARGING"]["TIME"]
RESERVED: Final = KINDS["RESERVED"]["TIME"]
_KINDS: Final[dict[type, Kind]] = {
    Energy: ENERGY,
    VOLUMES["TIME"]: CHARGED,
    VOLUMES["PARKING_TIME"]: KINDS["CHARGING"]["PARKING_TIME"],
    VOLUMES["RESERVATION_TIME"]: RESERVED,
    VOLUMES["RESERVATION_EXPIRES"]: KINDS["EXPIRED"]["TIME"],
    VOLUMES["RESERVATION_OVERTIME"]: KINDS["OVERTIME"]["TIME"],
}


@dataclass(slots=True)
class Stretch:
    """A part of a period throughout which the same components are active.

    Attributes:
        now: the conditions at its start.
    """

    start: datetime.datetime
    end: datetime.datetime
    uses: list[Use]
    now: Conditions


def microseconds(span: datetime.timedelta) -> int:
    """Return a time as a number; a division by a microsecond takes three times as long."""
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def read_periods(periods: Sequence[ChargingPeriod], until: datetime.datetime) -> list[Period]:
    """Return charging periods in the order of time; each ends when the next begins, the last at ``until``."""
    if not periods:
        return []
    starts = [utc(each.start_date_time) for each in periods]
    order = sorted(range(len(starts)), key=starts.__getitem__)
    ends = [starts[index] for index in order[1:]]
    ends.append(max(utc(until), starts[order[-1]]))
    return [_read(index, periods[index], starts[index], end) for index, end in zip(order, ends, strict=True)]


def _read(index: int, period: ChargingPeriod, start: datetime.datetime, end: datetime.datetime) -> Period:
    uses: list[Use] = []
    kwh = _NOTHING
    charging = False
    for each in period.dimensions:
        kind = _KINDS.get(each.__class__)
        if kind is None:
            continue
        if kind is ENERGY:
            kwh += each.volume  # type: ignore[operator]  # only Energy has this kind, and it is exact
        else:
            uses.append((kind, round(each.volume * HOUR), True))
            charging = charging or kind.phase == "CHARGING"
    if len(uses) == 1:
        # The clock's word counts where a period has one kind of time, told as exactly as hours can be.
        length = microseconds(end - start)
        kind, told, _ = uses[0]
        if -HOURS_ROUNDED <= told - length <= HOURS_ROUNDED:
            uses[0] = (kind, length, False)
    if kwh:
        uses.append((ENERGY, kwh, False))
        charging = True
    return Period(index, start, end, given(period.tariff_id), uses, kwh, charging or not uses, period.dimensions)


def stretches(
    period: Period, tariff: PreparedTariff, zone: datetime.tzinfo, since: datetime.datetime, kwh: Decimal
) -> Iterator[Stretch]:
    """Yield a period in stretches.

    Args:
        since: when the session (or reservation) began.
        kwh: charged before the period.
    """
    flow = tariff.changes.flow
    now = conditions(period, zone, since, kwh, at=period.start, flow=flow)
    cuts = _cuts(period, tariff, zone, since, now)
    if not cuts:
        yield Stretch(period.start, period.end, period.uses, now)
        return
    left, start = period.uses, period.start
    for at, charged in [*cuts, (period.end, kwh + period.kwh)]:
        taken, left = _divided(left, (at - start) / (period.end - start), charged - now.kwh)
        yield Stretch(start, at, taken, now)
        start = at
        now = conditions(period, zone, since, charged, at=at, flow=flow)


def _divided(uses: list[Use], part: float, kwh: Decimal) -> tuple[list[Use], list[Use]]:
    """Return the first part of some uses, and the rest."""
    taken: list[Use] = []
    left: list[Use] = []
    for kind, amount, rounded in uses:
        first = kwh if kind is ENERGY else round(int(amount) * part)
        taken.append((kind, first, rounded))
        left.append((kind, amount - first, rounded))
    return taken, left


def conditions(
    period: Period, zone: datetime.tzinfo, since: datetime.datetime, kwh: Decimal, *, at: datetime.datetime, flow: bool
) -> Conditions:
    """Return how things stand at a moment of a period; current and power only if ``flow`` asks for them."""
    now = Conditions(at.astimezone(zone), kwh, microseconds(at - since))
    if flow:
        _flow(now, period)
    return now


def _flow(now: Conditions, period: Period) -> None:
    told = {each.__class__.__name__: each.volume for each in period.dimensions}
    now.min_current, now.max_current = _range(told, "MIN_CURRENT", "MAX_CURRENT", "CURRENT")
    now.min_power, now.max_power = _range(told, "MIN_POWER", "MAX_POWER", "POWER")
    if now.min_power is None:
        now.min_power = now.max_power = _average_power(period)
    if now.min_current is None and not now.max_power:
        # While a car only parks nothing flows; of a charging car the current is not known.
        now.min_current = now.max_current = now.max_power


def _range(told: dict[str, Amount], least: str, most: str, average: str) -> tuple[Amount | None, Amount | None]:
    """Return the least and most told of a period; what is not told is taken from what is."""
    between = told.get(average)
    low, high = told.get(least, between), told.get(most, between)
    return (high if low is None else low), (low if high is None else high)


def _average_power(period: Period) -> Decimal | None:
    """Return the energy of a period over its time, in kW; None if there is no time it could have flowed in."""
    if not period.kwh:
        return _NOTHING
    time = sum(amount for kind, amount, _ in period.uses if kind is CHARGED)
    return period.kwh * HOUR / time if time else None


def _cuts(
    period: Period, tariff: PreparedTariff, zone: datetime.tzinfo, since: datetime.datetime, now: Conditions
) -> list[tuple[datetime.datetime, Decimal]]:
    """Return the moments within a period at which a component may change, each with the kWh charged by then."""
    changes = tariff.changes
    start, end = period.start, period.end
    found: dict[datetime.datetime, Decimal | None] = {}
    if changes.minutes and _may_pass(changes.minutes, now.local, end.astimezone(zone)):
        _refuse_absurd(period)
        found.update(dict.fromkeys(wall_clock_moments(start, end, zone, changes.minutes)))
    for lasted in changes.durations:
        at = since + datetime.timedelta(microseconds=lasted)
        if start < at < end:
            found[at] = None
    for limit in changes.kwh if period.kwh else ():
        if 0 < (part := (limit - now.kwh) / period.kwh) < 1:
            at = _told(start + (end - start) * float(part))
            if start < at < end:
                found[at] = limit
    return list(_with_energy(period, now, found)) if found else []


def _told(at: datetime.datetime) -> datetime.datetime:
    """Return a moment as exactly as a period's start can tell it: to the millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _may_pass(minutes: tuple[int, ...], start: datetime.datetime, end: datetime.datetime) -> bool:
    """Whether one of some minutes may lie between two moments on a local clock."""
    if start.date() != end.date() or start.utcoffset() != end.utcoffset():
        return True
    first, last = start.hour * 60 + start.minute, end.hour * 60 + end.minute
    return any(first <= minute <= last for minute in minutes)


def _with_energy(
    period: Period, now: Conditions, found: dict[datetime.datetime, Decimal | None]
) -> Iterator[tuple[datetime.datetime, Decimal]]:
    """Yield cuts in order with the kWh charged by then; interpolation never runs past what follows it."""
    length = Decimal(microseconds(period.end - period.start))
    charged = now.kwh
    further = max if period.kwh > 0 else min
    for at in sorted(found):
        exactly = found[at]
        if exactly is None:
            part = Decimal(microseconds(at - period.start)) / length
            exactly = now.kwh + (period.kwh * part).quantize(KWH_TOLD, ROUND_HALF_EVEN)
        charged = further(charged, exactly)
        yield at, charged


def _refuse_absurd(period: Period) -> None:
    if period.end - period.start > _LONGEST:
        raise Unpriceable(f"charging_periods[{period.index}]: is longer than a year")
