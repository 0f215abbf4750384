"""From Tariffs and charging periods to a bill.

Source: OCPI 2.3.0, mod_cdrs.asciidoc, mod_tariffs.asciidoc.
"""

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum

from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing.bill import Bill, Limited, Line
from hub.ocpi.pricing.courses import Course, Usages
from hub.ocpi.pricing.currencies import minor_unit
from hub.ocpi.pricing.elements import PreparedTariff, prepare, prepared_from
from hub.ocpi.pricing.forms import Unpriceable, read_cdr, read_period, read_tariff
from hub.ocpi.pricing.limits import limited, limits
from hub.ocpi.pricing.periods import Period, Usage
from hub.ocpi.pricing.steps import apply_steps
from hub.ocpi.pricing.stretches import HOUR, read_periods
from hub.ocpi.pricing.taxes import ZERO, Amount, Tax, taxed

_TIME = ("TIME", "PARKING_TIME")


class Outcome(Enum):
    """What became of a reservation."""

    USED = "RESERVED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


#: The standard bounds no number; what these make is a moment or an amount that cannot be computed.
_BEYOND = "a number is beyond what can be computed with"


def price_cdr(text: bytes, zone: datetime.tzinfo, *, taxes: Sequence[Tax] = ()) -> Bill:
    """Return what a CDR of the newest version should cost by the Tariffs in it.

    Args:
        text: the CDR's JSON.
        zone: of its Location, which a CDR does not tell.
        taxes: of the place, where the Tariffs do not say them.

    Raises:
        Unpriceable: it is no CDR, or it lacks what its price depends on.
    """
    try:
        cdr = read_cdr(text)
        tariffs = [prepared_from(bytes(each)) for each in cdr.tariffs or ()]
        periods = read_periods(cdr.charging_periods, cdr.end_date_time)
        return _Pricing(tariffs, zone, taxes, cdr.currency).bill(periods, None)
    except ArithmeticError as error:
        raise Unpriceable(_BEYOND) from error


def price(
    tariffs: Iterable[JSONObject],
    periods: Iterable[JSONObject],
    *,
    until: datetime.datetime,
    zone: datetime.tzinfo,
    currency: str,
    taxes: Sequence[Tax] = (),
    outcome: Outcome | None = None,
) -> Bill:
    """Return what charging periods cost, all decoded JSON of the newest version.

    Args:
        until: when the last period ends.
        zone: of the Location.
        currency: of the Session or CDR; its Tariffs must have the same.
        taxes: of the place, where the Tariffs do not say them.
        outcome: what became of the reservation; without it, one that no charging followed has expired.

    Raises:
        Unpriceable: an input is no OCPI object, or one lacks what the price depends on.
    """
    try:
        prepared = [prepare(read_tariff(each, f"tariffs[{at}]")) for at, each in enumerate(tariffs)]
        read = [read_period(each, f"charging_periods[{at}]") for at, each in enumerate(periods)]
        return _Pricing(prepared, zone, taxes, currency).bill(read_periods(read, until), outcome)
    except ArithmeticError as error:
        raise Unpriceable(_BEYOND) from error


class _Pricing:
    def __init__(
        self, tariffs: list[PreparedTariff], zone: datetime.tzinfo, taxes: Sequence[Tax], currency: str
    ) -> None:
        self._tariffs = {each.tariff.id.upper(): each for each in tariffs}
        self._zone = zone
        self._taxes = tuple(taxes)
        self._currency = currency
        for each in tariffs:
            if each.tariff.currency != currency:
                raise Unpriceable(f"currency: {currency}, but Tariff {each.tariff.id} has {each.tariff.currency}")

    def bill(self, periods: list[Period], outcome: Outcome | None) -> Bill:
        session = next((period.start for period in periods if period.charging), None)
        usages = Usages((outcome or (Outcome.EXPIRED if session is None else Outcome.USED)).value)
        courses: dict[str, Course] = {}
        kwh = Decimal(0)
        for period in periods:
            if period.tariff_id is not None:
                course = courses.get(period.tariff_id)
                if course is None:
                    course = courses[period.tariff_id] = Course(self._tariff(period), self._zone, usages)
                since = session if period.charging and session is not None else periods[0].start
                course.price(period, since, kwh)
            kwh += period.kwh
        used = usages.in_order()
        apply_steps(used)
        tariffs = dict.fromkeys(course.tariff for course in courses.values())
        return self._made([self._line(each) for each in used], list(tariffs), charged=session is not None)

    def _tariff(self, period: Period) -> PreparedTariff:
        """Return the Tariff of a period; one without a tariff_id has none, and costs nothing."""
        found = self._tariffs.get(str(period.tariff_id).upper())
        if found is None:
            path = f"charging_periods[{period.index}].tariff_id"
            raise Unpriceable(f"{path}: {period.tariff_id} is not among the tariffs")
        return found

    # -- money -------------------------------------------------------------------------------------

    def _line(self, usage: Usage) -> Line:
        choice = usage.choice
        billed = usage.used + usage.added
        cost = choice.priced.price * billed
        if choice.priced.type in _TIME:
            cost /= HOUR
        taxes = self._taxes if choice.taxes is None else choice.taxes
        return Line(choice, usage.used, billed, cost, taxes, tuple(usage.periods), usage.stepped)

    def _made(self, lines: list[Line], tariffs: list[PreparedTariff], *, charged: bool) -> Bill:
        total = Amount()
        changed: list[Limited] = []
        for tariff in tariffs:
            amount = _sum(line for line in lines if line.choice.tariff is tariff)
            total.add(self._limited(tariff, amount, changed, charged=charged))
        rounded = total.rounded(minor_unit(self._currency))
        return Bill(self._currency, rounded, tuple(lines), tuple(changed))

    def _limited(self, tariff: PreparedTariff, amount: Amount, changed: list[Limited], *, charged: bool) -> Amount:
        said = tariff.tariff
        for rule, limit in limits(said, charged=charged):
            unit = minor_unit(self._currency)
            now = limited(amount, rule, limit, gross=said.tax_included == "YES", fallback=self._taxes_of(tariff))
            if now is not amount:
                changed.append(Limited(said.id, rule, amount.rounded(unit), now.rounded(unit)))
                amount = now
        return amount

    def _taxes_of(self, tariff: PreparedTariff) -> tuple[Tax, ...]:
        """Return the taxes that all components of a Tariff have; nothing if they differ."""
        rates = {
            self._taxes if choice.taxes is None else choice.taxes for each in tariff.choices.values() for choice in each
        }
        return rates.pop() if len(rates) == 1 else ()


def _sum(lines: Iterable[Line]) -> Amount:
    """Return what some lines of one Tariff cost together, taxed once per percentage."""
    # By identity: a percentage has one tuple of taxes throughout a Tariff, and equal taxes are added up below.
    groups: dict[int, list[Line]] = {}
    for line in lines:
        groups.setdefault(id(line.taxes), []).append(line)
    total = Amount()
    for group in groups.values():
        first = group[0]
        cost = sum([line.cost for line in group], ZERO)
        total.add(taxed(cost, first.taxes, included=first.choice.tariff.tariff.tax_included == "YES"))
    return total
