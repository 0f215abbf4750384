"""OCPI's charging profiles as limits over time, in mA per phase.

Source: OCPI 2.3.0, mod_charging_profiles.asciidoc (ChargingProfile, ChargingProfilePeriod).
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, moment

VOLTS = 230  # between a phase and neutral


@dataclass(frozen=True, kw_only=True)
class Feed:
    """How an EVSE draws its power.

    Attributes:
        phases: how many phases of the grid it loads.
        direct: whether it gives direct current: then it is told watts, else amperes.
    """

    phases: int
    direct: bool = False

    def milliamperes(self, limit: Decimal, unit: str) -> int:
        """Return a limit in W or A as mA per phase."""
        return int(limit * 1000 if unit == "A" else limit * 1000 / (VOLTS * self.phases))

    def said(self, milliamperes: int) -> tuple[Decimal, str]:
        """Return a limit as the EVSE is told it, with its unit."""
        if self.direct:
            return Decimal(milliamperes * VOLTS * self.phases) / 1000, "W"
        return Decimal(milliamperes) / 1000, "A"


def limit_at(profile: JSONObject, at: datetime.datetime, feed: Feed, *, begun_at: datetime.datetime) -> int | None:
    """Return what a profile allows at a moment; None where it says nothing: before it begins, after it ends.

    Args:
        begun_at: where a profile without a start begins: when it was set.
    """
    found = None
    for begins, _, limit in stretches(profile, feed, begun_at=begun_at):
        if begins <= at:
            found = limit
    ends = _end(profile, begun_at)
    return None if ends is not None and at >= ends else found


def stretches(
    profile: JSONObject, feed: Feed, *, begun_at: datetime.datetime
) -> Iterator[tuple[datetime.datetime, int, int]]:
    """Yield the periods of a profile: when each begins, how long after the profile in s, and its limit."""
    start = _start(profile, begun_at)
    for period in profile.get("charging_profile_period") or []:
        seconds = int(period["start_period"])
        limit = feed.milliamperes(Decimal(str(period["limit"])), profile["charging_rate_unit"])
        yield start + datetime.timedelta(seconds=seconds), seconds, limit


def clipped(profile: JSONObject, share: int, feed: Feed, *, begun_at: datetime.datetime) -> JSONObject:
    """Return a profile that nowhere allows more than a share, in the unit the EVSE is told.

    What the profile leaves open, before its first period and after its end, is the share: so the whole
    time is covered.
    """
    start = _start(profile, begun_at)
    periods = [(seconds, min(limit, share)) for _, seconds, limit in stretches(profile, feed, begun_at=begun_at)]
    if not periods or periods[0][0] > 0:
        periods.insert(0, (0, share))
    if profile.get("duration") is not None:
        periods = [each for each in periods if each[0] < profile["duration"]]
        periods.append((int(profile["duration"]), share))
    unit = feed.said(0)[1]
    return {
        "start_date_time": date_time(start),
        "charging_rate_unit": unit,
        "charging_profile_period": [
            {"start_period": seconds, "limit": feed.said(limit)[0]} for seconds, limit in periods
        ],
    }


def constant(share: int, feed: Feed, at: datetime.datetime) -> JSONObject:
    """Return the profile of a share that stays as it is."""
    limit, unit = feed.said(share)
    return {
        "start_date_time": date_time(at),
        "charging_rate_unit": unit,
        "charging_profile_period": [{"start_period": 0, "limit": limit}],
    }


def in_periods(profile: JSONObject, most: int | None) -> JSONObject:
    """Return a profile in no more periods than a car can read: its last ones as one, at their lowest limit."""
    periods = profile["charging_profile_period"]
    if not most or most < 1 or len(periods) <= most:
        return profile
    last = periods[most - 1] | {"limit": min(each["limit"] for each in periods[most - 1 :])}
    return profile | {"charging_profile_period": [*periods[: most - 1], last]}


def exceeds(profile: JSONObject, allowed: JSONObject, feed: Feed) -> bool:
    """Whether a profile is above another one at any time, by more than a hundredth: standards round limits."""
    begun_at = moment(profile["start_date_time"])
    begins = [each for of in (profile, allowed) for each, _, _ in stretches(of, feed, begun_at=begun_at)]
    for at in begins:
        wanted, limit = (limit_at(of, at, feed, begun_at=begun_at) for of in (profile, allowed))
        if wanted is not None and limit is not None and wanted * 100 > limit * 101:
            return True
    return False


def _start(profile: JSONObject, begun_at: datetime.datetime) -> datetime.datetime:
    start = profile.get("start_date_time")
    return moment(start) if start else begun_at


def _end(profile: JSONObject, begun_at: datetime.datetime) -> datetime.datetime | None:
    duration = profile.get("duration")
    return None if duration is None else _start(profile, begun_at) + datetime.timedelta(seconds=int(duration))
