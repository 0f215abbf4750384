"""What the meter of a running session tells, as charging periods.

A period lasts as long as the same price components are active and the car does the same; it is kept open
in the session's seal and appended to the Session when that changes, or after a quarter of an hour. So
periods are only ever appended, and a long session has a few of them, not one for each reading.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (ChargingPeriod, CdrDimensionType), mod_sessions.asciidoc.
"""

import dataclasses
import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from hub.cpms.zones import zone_of
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Division, divided, joined, rejoined
from hub.ocpi.times import date_time, moment

#: How long a period is kept from the driver's eyes at most.
LONGEST = datetime.timedelta(minutes=15)

_FOUR = Decimal("0.0001")

#: Dimensions a CDR may not have (mod_cdrs, CdrDimensionType).
_SESSION_ONLY = frozenset({"CURRENT", "ENERGY_EXPORT", "ENERGY_IMPORT", "POWER", "STATE_OF_CHARGE"})


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The meter at a moment.

    Attributes:
        kwh: since the session's start.
        taking: whether the car takes energy, or would if the station let it; what else there is, is parking.
        took: whether it has done so since the reading before, where that is known; else what that reading said.
        power: in kW; ``current``: in A over all phases; ``soc``: in percent.
    """

    kwh: Decimal
    at: datetime.datetime
    taking: bool
    took: bool | None = None
    power: float | None = None
    current: float | None = None
    soc: float | None = None


def metered(session: JSONObject, seal: JSONObject, reading: Reading) -> tuple[list[JSONObject], JSONObject]:
    """Return a Session's charging periods after a reading, and its seal."""
    periods = list(session.get("charging_periods") or [])
    meter = seal.get("meter") or {"at": session["start_date_time"], "taking": None}
    since = moment(meter["at"])
    until = max(reading.at, since)
    piece = _piece(session, seal, reading, since=since, until=until)
    made = _divided(session, seal, piece, until) if piece["dimensions"] else []
    still_open = _opened(seal)
    for each in made:
        if still_open is None:
            still_open = each
        elif _continues(still_open, each):
            still_open = joined(still_open, each)
        else:
            periods.append(still_open.period)
            still_open = each
    after = seal | {"meter": {"at": date_time(until), "taking": reading.taking}, "open": _closed_away(still_open)}
    return periods, after


def all_periods(session: JSONObject, seal: JSONObject) -> list[JSONObject]:
    """Return a Session's periods with the one that is still open."""
    still_open = _opened(seal)
    periods = list(session.get("charging_periods") or [])
    return periods if still_open is None else [*periods, still_open.period]


def lowered(session: JSONObject, seal: JSONObject, kwh: Decimal) -> tuple[JSONObject, JSONObject]:
    """Return a Session, and its seal, with no more energy than this: its newest periods lose what is too much."""
    surplus = session["kwh"] - kwh
    if surplus <= 0:
        return session, seal
    still_open = _opened(seal)
    periods = list(session.get("charging_periods") or [])
    if still_open is not None:
        period, surplus = _with_less(still_open.period, surplus)
        seal = seal | {"open": _closed_away(dataclasses.replace(still_open, period=period))}
    for at in reversed(range(len(periods))):
        periods[at], surplus = _with_less(periods[at], surplus)
    return session | {"kwh": kwh, "charging_periods": periods}, seal


def _with_less(period: JSONObject, surplus: Decimal) -> tuple[JSONObject, Decimal]:
    """Return a period without as much of a surplus of energy as it has, and what is left of the surplus."""
    less = min(_volume(period, "ENERGY"), surplus)
    if less <= 0:
        return period, surplus
    dimensions = [
        each | {"volume": Decimal(each["volume"]) - less} if each["type"] == "ENERGY" else each
        for each in period["dimensions"]
    ]
    return period | {"dimensions": dimensions}, surplus - less


def cdr_periods(session: JSONObject, tariffs: Iterable[JSONObject], seal: JSONObject) -> list[JSONObject]:
    """Return a COMPLETED Session's periods as its CDR has them: those priced the same as one."""
    known = {each["id"]: each for each in tariffs}
    end = moment(session["end_date_time"])
    periods = session["charging_periods"]
    ends = [*(moment(each["start_date_time"]) for each in periods[1:]), end]
    divisions: list[Division] = []
    kwh = Decimal(0)
    for period, until in zip(periods, ends, strict=True):
        bare = period | {"dimensions": [each for each in period["dimensions"] if each["type"] not in _SESSION_ONLY]}
        divisions += divided(
            bare,
            until=until,
            tariff=known.get(period.get("tariff_id", "")),
            zone=zone_of(seal.get("time_zone")),
            since=moment(session["start_date_time"]),
            kwh=kwh,
        )
        kwh += _volume(period, "ENERGY")
    return [each.period for each in rejoined(divisions)]


def _piece(
    session: JSONObject, seal: JSONObject, reading: Reading, *, since: datetime.datetime, until: datetime.datetime
) -> JSONObject:
    """Return the charging period from the reading before to this one."""
    energy = reading.kwh - session["kwh"]
    dimensions = [{"type": "ENERGY", "volume": energy}] if energy else []
    if until > since:
        dimensions.append({"type": _kind(seal, reading, energy), "volume": _hours(since, until)})
    if dimensions:
        dimensions += _told(reading)
    period: JSONObject = {"start_date_time": date_time(since), "dimensions": dimensions}
    return period | {"tariff_id": seal["tariff_id"]} if seal.get("tariff_id") else period


def _kind(seal: JSONObject, reading: Reading, energy: Decimal) -> str:
    """Return which time passed: what the car did when last heard of, until a reading says it does something else."""
    took = reading.took if reading.took is not None else (seal.get("meter") or {}).get("taking")
    if took is None:
        took = reading.taking
    return "TIME" if took or (reading.taking and energy) else "PARKING_TIME"


def _told(reading: Reading) -> list[JSONObject]:
    found: list[JSONObject] = []
    for value, names in (
        (reading.current, ("MIN_CURRENT", "MAX_CURRENT")),
        (reading.power, ("MIN_POWER", "MAX_POWER")),
        (reading.soc, ("STATE_OF_CHARGE",)),
    ):
        if value is not None:
            found += [{"type": name, "volume": Decimal(str(value)).quantize(_FOUR)} for name in names]
    return found


def _divided(session: JSONObject, seal: JSONObject, piece: JSONObject, until: datetime.datetime) -> list[Division]:
    return divided(
        piece,
        until=until,
        tariff=next((each for each in seal["tariffs"] if each["id"] == seal.get("tariff_id")), None),
        zone=zone_of(seal.get("time_zone")),
        since=moment(session["start_date_time"]),
        kwh=session["kwh"],
    )


def _continues(one: Division, other: Division) -> bool:
    started = moment(one.period["start_date_time"])
    return one.priced_by == other.priced_by and one.until - started < LONGEST


def _opened(seal: JSONObject) -> Division | None:
    kept = seal.get("open")
    return Division(kept["period"], moment(kept["until"]), kept["priced_by"]) if kept else None


def _closed_away(division: Division | None) -> JSONObject | None:
    if division is None:
        return None
    return {"period": division.period, "until": date_time(division.until), "priced_by": division.priced_by}


def _hours(start: datetime.datetime, end: datetime.datetime) -> Decimal:
    return (Decimal((end - start) // datetime.timedelta(milliseconds=1)) / 3_600_000).quantize(_FOUR)


def _volume(period: JSONObject, kind: str) -> Decimal:
    return sum((Decimal(each["volume"]) for each in period["dimensions"] if each["type"] == kind), Decimal(0))
