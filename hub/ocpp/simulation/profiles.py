"""Charging profiles as a station obeys them: stacks, purposes, and the smallest of what is left.

Within one purpose the valid profile of the highest stack level leads; a TxProfile leads before any
TxDefaultProfile, a TxDefaultProfile of the EVSE before the station's. What the transaction may take
is then limited by ChargingStationMaxProfile and ChargingStationExternalConstraints.

Limits in A become W by 230 V and the phases of the period (3 unless it says otherwise).

Source: OCPP 1.6 edition 2, 3.13 Smart Charging; OCPP 2.0.1 edition 3, part 2, K.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from hub.ocpp.words import ChargingProfile, SchedulePeriod

VOLTS = 230

#: Purposes that limit the whole station, whoever charges there.
_STATION = ("ChargingStationMaxProfile", "ChargingStationExternalConstraints")
_RECURS = {"Daily": datetime.timedelta(days=1), "Weekly": datetime.timedelta(days=7)}


@dataclass(frozen=True)
class Installed:
    """A profile and where it is set: EVSE 0 is the whole station."""

    evse_id: int
    profile: ChargingProfile
    set_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose limit is asked for: the EVSE, and its transaction if one runs.

    Attributes:
        sharing: among how many transactions the station's own limits are divided.
    """

    evse_id: int
    transaction_id: str | None = None
    started_at: datetime.datetime | None = None
    sharing: int = 1


class Profiles:
    """The profiles of one station."""

    def __init__(self) -> None:
        self.installed: list[Installed] = []

    def put(self, evse_id: int, profile: ChargingProfile, at: datetime.datetime) -> None:
        """Install a profile; it takes the place of one with its id, or with its EVSE, purpose and stack level."""

        def stays(each: Installed) -> bool:
            other = each.profile
            same_place = (each.evse_id, other.purpose, other.stack_level, other.transaction_id) == (
                evse_id, profile.purpose, profile.stack_level, profile.transaction_id,
            )  # fmt: skip
            return other.id != profile.id and not same_place

        self.installed = [*filter(stays, self.installed), Installed(evse_id, profile, at)]

    def clear(
        self,
        *,
        profile_id: int | None = None,
        evse_id: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> int:
        """Remove what matches everything given, and return how many that were."""

        def matches(each: Installed) -> bool:
            if profile_id is not None:
                return each.profile.id == profile_id
            return (
                evse_id in (None, each.evse_id)
                and purpose in (None, each.profile.purpose)
                and stack_level in (None, each.profile.stack_level)
            )

        gone = [each for each in self.installed if matches(each)]
        self.installed = [each for each in self.installed if each not in gone]
        return len(gone)

    def end(self, transaction_id: str) -> None:
        """Forget the TxProfiles of a transaction that is over."""
        self.installed = [each for each in self.installed if each.profile.transaction_id != transaction_id]

    def limit(self, asked: Asked, at: datetime.datetime) -> float | None:
        """Return what may be taken at a moment, in W; None: no profile says anything."""
        limits = [self._transaction_limit(asked, at)]
        for purpose in _STATION:
            of_station = self._leading(self._of(purpose, 0), asked, at)
            limits.append(None if of_station is None else of_station / max(1, asked.sharing))
        known = [each for each in limits if each is not None]
        return min(known) if known else None

    def _transaction_limit(self, asked: Asked, at: datetime.datetime) -> float | None:
        of_transaction = [
            each for each in self._of("TxProfile", asked.evse_id) if each.profile.transaction_id == asked.transaction_id
        ]
        for stack in (
            of_transaction if asked.transaction_id is not None else [],
            self._of("TxDefaultProfile", asked.evse_id),
            self._of("TxDefaultProfile", 0),
        ):
            limit = self._leading(stack, asked, at)
            if limit is not None:
                return limit
        return None

    def _of(self, purpose: str, evse_id: int) -> list[Installed]:
        return [each for each in self.installed if each.profile.purpose == purpose and each.evse_id == evse_id]

    def _leading(self, stack: list[Installed], asked: Asked, at: datetime.datetime) -> float | None:
        for each in sorted(stack, key=lambda one: -one.profile.stack_level):
            period = _period(each, asked, at)
            if period is not None:
                return watts(each.profile, period)
        return None

    def composite(
        self, asked: Asked, start: datetime.datetime, duration: int, most: float
    ) -> tuple[SchedulePeriod, ...]:
        """Return the limits in W that hold from ``start`` on for ``duration`` seconds.

        Args:
            most: what the connector gives where no profile says anything, in W.
        """
        periods: list[SchedulePeriod] = []
        for at in self._changes(asked, start, duration):
            limit = self.limit(asked, at)
            value = Decimal(str(round(most if limit is None else min(limit, most), 1)))
            if not periods or periods[-1].limit != value:
                periods.append(SchedulePeriod(start=int((at - start).total_seconds()), limit=value))
        return tuple(periods)

    def _changes(self, asked: Asked, start: datetime.datetime, duration: int) -> list[datetime.datetime]:
        """Return the moments at which a limit may change, in order, beginning with ``start``."""
        end = start + datetime.timedelta(seconds=duration)
        found = {start}
        for each in self.installed:
            found.update(at for at in _edges(each, asked, start, end) if start < at < end)
        return sorted(found)


def watts(profile: ChargingProfile, period: SchedulePeriod) -> float:
    """Return a period's limit in W."""
    limit = float(period.limit)
    return limit if profile.unit == "W" else limit * VOLTS * (period.phases or 3)


def _origin(each: Installed, asked: Asked, at: datetime.datetime) -> datetime.datetime:
    """Return when the schedule that holds at a moment began."""
    profile = each.profile
    if profile.kind == "Relative":
        return asked.started_at or each.set_at
    begin = profile.start_at or each.set_at
    if profile.kind == "Recurring" and profile.recurrency and at >= begin:
        every = _RECURS[profile.recurrency]
        begin += (at - begin) // every * every
    return begin


def _period(each: Installed, asked: Asked, at: datetime.datetime) -> SchedulePeriod | None:
    """Return the period of a profile that holds at a moment; None: the profile does not hold then."""
    profile = each.profile
    if (profile.valid_from and at < profile.valid_from) or (profile.valid_to and at >= profile.valid_to):
        return None
    passed = (at - _origin(each, asked, at)).total_seconds()
    if profile.duration is not None and passed >= profile.duration:
        return None
    begun: Iterable[SchedulePeriod] = (period for period in profile.periods if period.start <= passed)
    return max(begun, key=lambda period: period.start, default=None)


def _edges(
    each: Installed, asked: Asked, start: datetime.datetime, end: datetime.datetime
) -> Iterator[datetime.datetime]:
    profile = each.profile
    yield from (at for at in (profile.valid_from, profile.valid_to) if at is not None)
    every = _RECURS.get(profile.recurrency or "")
    origin = _origin(each, asked, start)
    while origin < end:
        offsets = [period.start for period in profile.periods]
        offsets += [profile.duration] if profile.duration is not None else []
        yield from (origin + datetime.timedelta(seconds=offset) for offset in offsets)
        if every is None:
            return
        origin += every
        yield origin
