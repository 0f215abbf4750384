"""Charging periods as a CPO has to tell them: a new one wherever another price component becomes active.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR, ChargingPeriod).
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing.bill import in_hours, length
from hub.ocpi.pricing.elements import KINDS, Kind, Phase, PreparedTariff, prepare
from hub.ocpi.pricing.forms import read_period, read_tariff
from hub.ocpi.pricing.periods import Period
from hub.ocpi.pricing.stretches import ENERGY, HOURS_ROUNDED, Stretch, read_periods, stretches
from hub.ocpi.times import date_time, moment

_FOUR = Decimal("0.0001")
_TIME_TYPES = ("TIME", "PARKING_TIME", "RESERVATION_TIME", "RESERVATION_EXPIRES", "RESERVATION_OVERTIME")
_TYPES = {
    ENERGY: "ENERGY",
    KINDS["CHARGING"]["TIME"]: "TIME",
    KINDS["CHARGING"]["PARKING_TIME"]: "PARKING_TIME",
    KINDS["RESERVED"]["TIME"]: "RESERVATION_TIME",
    KINDS["EXPIRED"]["TIME"]: "RESERVATION_EXPIRES",
    KINDS["OVERTIME"]["TIME"]: "RESERVATION_OVERTIME",
}

#: How the volumes of two periods become that of one; what is in neither list is the later one's.
_ADDED = ("ENERGY", "ENERGY_EXPORT", "ENERGY_IMPORT", *_TIME_TYPES)
_CHOSEN = {"MIN_CURRENT": min, "MIN_POWER": min, "MAX_CURRENT": max, "MAX_POWER": max}


@dataclass(frozen=True, slots=True)
class Division:
    """A charging period during which one set of price components is active.

    Attributes:
        period: the OCPI ChargingPeriod.
        until: its end.
        priced_by: names the Tariff, its active components and the kind of time; periods in which it is the same are
            priced the same.
    """

    period: JSONObject
    until: datetime.datetime
    priced_by: str


def divided(
    period: JSONObject,
    *,
    until: datetime.datetime,
    tariff: JSONObject | None,
    zone: datetime.tzinfo,
    since: datetime.datetime,
    kwh: Decimal,
) -> list[Division]:
    """Return a charging period cut where another component becomes active, energy interpolated there.

    Args:
        since: when the session began.
        kwh: charged before the period, in kWh.

    Raises:
        Unpriceable: an input is no OCPI object.
    """
    read = read_periods([read_period(period)], until)[0]
    if tariff is None:
        return [Division(period, until, _kind(read))]
    told = [each for each in period["dimensions"] if each["type"] != "ENERGY" and each["type"] not in _TIME_TYPES]
    return list(_divisions(read, told, prepare(read_tariff(tariff)), zone, since, kwh))


def _divisions(
    read: Period,
    told: list[JSONObject],
    tariff: PreparedTariff,
    zone: datetime.tzinfo,
    since: datetime.datetime,
    kwh: Decimal,
) -> Iterator[Division]:
    last: Division | None = None
    for stretch in stretches(read, tariff, zone, since, kwh):
        made = Division(_json(stretch, read, told), stretch.end, _priced_by(stretch, read, tariff))
        if last is not None and last.priced_by == made.priced_by:
            last = joined(last, made)
            continue
        if last is not None:
            yield last
        last = made
    if last is not None:
        yield last


def joined(one: Division, other: Division) -> Division:
    """Return two periods, the second following the first, as one."""
    volumes = {each["type"]: each["volume"] for each in one.period["dimensions"]}
    for each in other.period["dimensions"]:
        kind, volume = each["type"], each["volume"]
        if kind in volumes and kind in _ADDED:
            volumes[kind] += volume
        else:
            volumes[kind] = _CHOSEN.get(kind, _later)(volumes.get(kind, volume), volume)
    times = [kind for kind in _TIME_TYPES if kind in volumes]
    whole = length(moment(one.period["start_date_time"]), other.until)
    if len(times) == 1 and abs(volumes[times[0]] - whole) <= 2 * in_hours(HOURS_ROUNDED):
        # Two rounded amounts of hours make a third that may be off; the clock is not.
        volumes[times[0]] = whole.quantize(_FOUR)
    dimensions = [{"type": kind, "volume": volume} for kind, volume in volumes.items()]
    return Division(one.period | {"dimensions": dimensions}, other.until, one.priced_by)


def rejoined(divisions: Iterable[Division]) -> list[Division]:
    """Return consecutive periods with those that are priced the same made one."""
    made: list[Division] = []
    for each in divisions:
        if made and made[-1].priced_by == each.priced_by and made[-1].until == moment(each.period["start_date_time"]):
            made[-1] = joined(made[-1], each)
        else:
            made.append(each)
    return made


def _later(_: Decimal, volume: Decimal) -> Decimal:
    return volume


def _json(stretch: Stretch, read: Period, told: list[JSONObject]) -> JSONObject:
    dimensions = [*(_dimension(kind, amount) for kind, amount, _ in stretch.uses), *told]
    made: JSONObject = {"start_date_time": date_time(stretch.start), "dimensions": dimensions}
    return made if read.tariff_id is None else made | {"tariff_id": read.tariff_id}


def _dimension(kind: Kind, amount: Decimal | int) -> JSONObject:
    volume = Decimal(amount) if kind is ENERGY else in_hours(amount)
    return {"type": _TYPES[kind], "volume": volume.quantize(_FOUR)}


def _priced_by(stretch: Stretch, read: Period, tariff: PreparedTariff) -> str:
    active = []
    for kind in _relevant(stretch):
        choice = tariff.choose(kind, stretch.now)
        active.append("-" if choice is None else f"{choice.element}.{choice.component}")
    return f"{_kind(read)} {tariff.tariff.id} {' '.join(active)}"


def _relevant(stretch: Stretch) -> list[Kind]:
    """Return what may cost something just now; energy does not flow in every period, but it may in the next."""
    kinds = [kind for kind, _, _ in stretch.uses if kind is not ENERGY]
    phases: list[Phase] = sorted({kind.phase for kind in kinds}) or ["CHARGING"]
    if "CHARGING" in phases:
        kinds.append(ENERGY)
    return [*kinds, *(KINDS[phase]["FLAT"] for phase in phases)]


def _kind(read: Period) -> str:
    return "+".join(sorted(_TYPES[kind] for kind, _, _ in read.uses if kind is not ENERGY))
