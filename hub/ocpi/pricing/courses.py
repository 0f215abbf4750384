"""A session under one Tariff: which of its components each charging period is priced by.

From one moment of change to the next the same components are active. So they are looked up once for
all periods in between; only a period with a moment of change inside it is cut. This is what makes
pricing a CDR cost a few of its decodings.
"""

import datetime
from decimal import Decimal

from hub.ocpi.pricing.elements import KINDS, Kind, Phase, PreparedTariff
from hub.ocpi.pricing.periods import Period, Usage, Use
from hub.ocpi.pricing.restrictions import Conditions, same_minute_span
from hub.ocpi.pricing.stretches import RESERVED, conditions, stretches

_FOREVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)
_NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


class Usages:
    """What all components of a session were used for.

    Args:
        reserved: what the time of a reservation is priced as.

    Attributes:
        clock: counts the amounts taken, so that it is known which component was active last.
    """

    def __init__(self, reserved: Phase) -> None:
        self.reserved = reserved
        self._by_choice: dict[int, Usage] = {}
        self.clock = 0
        self._fees: set[Phase] = set()

    def of(self, tariff: PreparedTariff, kind: Kind, now: Conditions) -> Usage | None:
        """Return the usage of the component that is active for a dimension; None if there is none."""
        choice = tariff.choose(kind, now)
        if choice is None:
            return None
        return self._by_choice.setdefault(id(choice), Usage(choice))

    def fee_due(self, phase: Phase) -> bool:
        """Whether no flat fee has been found for a phase; it is owed once, the first that is active (errata E-62)."""
        return phase not in self._fees

    def fee(self, tariff: PreparedTariff, phase: Phase, now: Conditions, period: int) -> None:
        """Take the flat fee of a phase, if one is active."""
        usage = self.of(tariff, KINDS[phase]["FLAT"], now)
        if usage is not None:
            self._fees.add(phase)
            self.clock = usage.last = self.clock + 1
            usage.used = 1
            usage.periods.append(period)

    def in_order(self) -> list[Usage]:
        """Return those that were used, in the order in which they were last."""
        return sorted((each for each in self._by_choice.values() if each.last), key=lambda each: each.last)


class Course:
    """The periods of one Tariff, in the order of time."""

    def __init__(self, tariff: PreparedTariff, zone: datetime.tzinfo, usages: Usages) -> None:
        self.tariff = tariff
        self._zone = zone
        self._usages = usages
        self._now: Conditions | None = None
        self._active: dict[Kind, Usage | None] = {}
        self._since = self._until = _NEVER
        self._kwh: Decimal | None = None

    def price(self, period: Period, since: datetime.datetime, kwh: Decimal) -> None:
        """Take a period.

        Args:
            since: when the session (or reservation) began.
            kwh: charged before it.
        """
        # Current and power may be others in every period; the rest changes at moments that are known.
        steady = not self.tariff.changes.flow
        if steady and not self._holds(period, since, kwh):
            self._look_up(period, since, kwh)
        if steady and self._now is not None and self._holds(period, since, kwh):
            self._take(period, period.uses, self._now)
            return
        for stretch in stretches(period, self.tariff, self._zone, since, kwh):
            self._active.clear()
            self._take(period, stretch.uses, stretch.now)
        self._until = _NEVER

    def _holds(self, period: Period, since: datetime.datetime, kwh: Decimal) -> bool:
        """Whether what was looked up is active from the beginning of a period to its end."""
        until = self._until
        if period.end > until or period.start >= until or since is not self._since:
            return False
        limit = self._kwh
        return limit is None or (kwh < limit and period.kwh >= 0 and kwh + period.kwh <= limit)

    def _look_up(self, period: Period, since: datetime.datetime, kwh: Decimal) -> None:
        changes, start = self.tariff.changes, period.start
        self._now = conditions(period, self._zone, since, kwh, at=start, flow=False)
        self._active.clear()
        self._since = since
        self._kwh = next((limit for limit in changes.kwh if limit > kwh), None)
        self._until = same_minute_span(start, self._zone, changes.minutes) if changes.minutes else _FOREVER
        for lasted in changes.durations:
            at = since + datetime.timedelta(microseconds=lasted)
            if start < at < self._until:
                self._until = at

    def _take(self, period: Period, uses: list[Use], now: Conditions) -> None:
        usages, active, index = self._usages, self._active, period.index
        if period.charging and usages.fee_due("CHARGING"):
            usages.fee(self.tariff, "CHARGING", now, index)
        for kind, amount, rounded in uses:
            if kind.phase != "CHARGING":
                kind = self._reserved(kind, now, index)
            if kind not in active:
                active[kind] = usages.of(self.tariff, kind, now)
            usage = active[kind]
            if usage is None or not amount:
                continue
            usages.clock = usage.last = usages.clock + 1
            usage.used += amount
            usage.rounded += rounded
            if not usage.periods or usage.periods[-1] != index:
                usage.periods.append(index)

    def _reserved(self, kind: Kind, now: Conditions, period: int) -> Kind:
        """Return what a reservation's time is priced as, its flat fee taken."""
        kind = KINDS[self._usages.reserved]["TIME"] if kind is RESERVED else kind
        if self._usages.fee_due(kind.phase):
            self._usages.fee(self.tariff, kind.phase, now, period)
        return kind
