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

from hub.ocpi.pricing.elements import Phase, PreparedTariff
from hub.ocpi.pricing.forms import ChargingPeriod, Dimension, Unpriceable, given, utc
from hub.ocpi.pricing.restrictions import Conditions, wall_clock_moments

HOUR = 3_600_000_000  # in microseconds
_MICROSECOND = datetime.timedelta(microseconds=1)

#: A number has four decimals (types.asciidoc): hours are told to within 0.18 seconds.
HOURS_ROUNDED = HOUR // 20_000

#: Energy is interpolated to a tenth of a Wh, which is what four decimals of a kWh can say.
KWH_TOLD = Decimal("0.0001")

#: A single period longer than this is no charging session's, and would be cut into thousands.
_LONGEST = datetime.timedelta(days=366)

_TIMES: dict[str, tuple[Phase, Dimension]] = {
    "TIME": (Phase.CHARGING, "TIME"),
    "PARKING_TIME": (Phase.CHARGING, "PARKING_TIME"),
    "RESERVATION_TIME": (Phase.RESERVED, "TIME"),
    "RESERVATION_EXPIRES": (Phase.EXPIRED, "TIME"),
    "RESERVATION_OVERTIME": (Phase.OVERTIME, "TIME"),
}


@dataclass(slots=True)
class Use:
    """An amount of one dimension: in kWh for ENERGY, else in microseconds.

    Attributes:
        rounded: whether the time is only known to four decimals of an hour.
    """

    phase: Phase
    dimension: Dimension
    amount: Decimal | int
    rounded: bool = False


@dataclass(slots=True)
class Period:
    """One charging period, read.

    Attributes:
        index: in the list it was given in.
        kwh: charged in it.
        told: the volumes of its other dimensions, by type.
    """

    index: int
    start: datetime.datetime
    end: datetime.datetime
    tariff_id: str | None
    uses: list[Use]
    kwh: Decimal
    told: dict[str, Decimal]

    @property
    def charging(self) -> bool:
        """Whether this is part of a charging session, and not of a reservation only."""
        return not self.uses or any(use.phase is Phase.CHARGING for use in self.uses)


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


def read_periods(periods: Sequence[ChargingPeriod], until: datetime.datetime) -> list[Period]:
    """Return charging periods in the order of time; each ends when the next begins, the last at ``until``."""
    starts = [utc(each.start_date_time) for each in periods]
    order = sorted(range(len(periods)), key=starts.__getitem__)
    ends = [*(starts[index] for index in order[1:]), max(utc(until), starts[order[-1]])] if order else []
    return [_read(index, periods[index], starts[index], end) for index, end in zip(order, ends, strict=True)]


def _read(index: int, period: ChargingPeriod, start: datetime.datetime, end: datetime.datetime) -> Period:
    uses: list[Use] = []
    told: dict[str, Decimal] = {}
    kwh = Decimal(0)
    for each in period.dimensions:
        kind, volume = each.type, each.volume
        if kind == "ENERGY":
            kwh += volume
        elif kind in _TIMES:
            phase, dimension = _TIMES[kind]
            uses.append(Use(phase, dimension, int((volume * HOUR).to_integral_value()), True))
        else:
            told[kind] = volume
    if len(uses) == 1:
        _take_exact(uses[0], (end - start) // _MICROSECOND)
    if kwh:
        uses.append(Use(Phase.CHARGING, "ENERGY", kwh))
    return Period(index, start, end, given(period.tariff_id), uses, kwh, told)


def _take_exact(use: Use, length: int) -> None:
    """Take the clock's word where the period has one kind of time, told as exactly as hours can be."""
    if abs(length - int(use.amount)) <= HOURS_ROUNDED:
        use.amount, use.rounded = length, False


def stretches(
    period: Period, tariff: PreparedTariff, zone: datetime.tzinfo, since: datetime.datetime, kwh: Decimal
) -> Iterator[Stretch]:
    """Yield a period in stretches.

    Args:
        since: when the session (or reservation) began.
        kwh: charged before the period.
    """
    now = _conditions(period, period.start.astimezone(zone), kwh, (period.start - since) // _MICROSECOND)
    cuts = _cuts(period, tariff, zone, since, now)
    if not cuts:
        yield Stretch(period.start, period.end, period.uses, now)
        return
    left = period.uses
    start = period.start
    for at, charged in [*cuts, (period.end, kwh + period.kwh)]:
        taken, left = (
            _divided(left, (at - start) / (period.end - start), charged - now.kwh) if at < period.end else (left, [])
        )
        yield Stretch(start, at, taken, now)
        start = at
        now = _conditions(period, at.astimezone(zone), charged, (at - since) // _MICROSECOND)


def _divided(uses: list[Use], part: float, kwh: Decimal) -> tuple[list[Use], list[Use]]:
    """Return the first part of some uses, and the rest."""
    taken, left = [], []
    for use in uses:
        amount = kwh if use.dimension == "ENERGY" else round(int(use.amount) * part)
        taken.append(Use(use.phase, use.dimension, amount, use.rounded))
        left.append(Use(use.phase, use.dimension, use.amount - amount, use.rounded))
    return taken, left


def _conditions(period: Period, local: datetime.datetime, kwh: Decimal, lasted: int) -> Conditions:
    told = period.told
    if not told:
        power = _average_power(period)
        # While a car only parks nothing flows; of a charging car the current is not known.
        current = power if not power else None
        return Conditions(local, kwh, lasted, current, current, power, power)
    now = Conditions(local, kwh, lasted)
    now.min_current, now.max_current = _range(told, "MIN_CURRENT", "MAX_CURRENT", "CURRENT")
    now.min_power, now.max_power = _range(told, "MIN_POWER", "MAX_POWER", "POWER")
    if now.min_power is None:
        now.min_power = now.max_power = _average_power(period)
    if now.min_current is None and not now.max_power:
        now.min_current = now.max_current = now.max_power
    return now


def _range(told: dict[str, Decimal], least: str, most: str, average: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the least and most told of a period; what is not told is taken from what is."""
    between = told.get(average)
    low, high = told.get(least, between), told.get(most, between)
    return (high if low is None else low), (low if high is None else high)


def _average_power(period: Period) -> Decimal | None:
    """Return the energy of a period over its time, in kW; None if there is no time it could have flowed in."""
    if not period.kwh:
        return Decimal(0)
    time = sum(use.amount for use in period.uses if use.phase is Phase.CHARGING and use.dimension == "TIME")
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
            at = start + (end - start) * float(part)
            if start < at < end:
                found[at] = limit
    return list(_with_energy(period, now, found)) if found else []


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
    length = Decimal((period.end - period.start) // _MICROSECOND)
    charged = now.kwh
    further = max if period.kwh > 0 else min
    for at in sorted(found):
        exactly = found[at]
        if exactly is None:
            part = Decimal((at - period.start) // _MICROSECOND) / length
            exactly = now.kwh + (period.kwh * part).quantize(KWH_TOLD, ROUND_HALF_EVEN)
        charged = further(charged, exactly)
        yield at, charged


def _refuse_absurd(period: Period) -> None:
    if period.end - period.start > _LONGEST:
        raise Unpriceable(f"charging_periods[{period.index}]: is longer than a year")
