"""From Tariffs and charging periods to a bill.

Source: OCPI 2.3.0, mod_cdrs.asciidoc, mod_tariffs.asciidoc.
"""

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum

from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing.bill import Bill, Limited, Line, Part, in_hours
from hub.ocpi.pricing.currencies import minor_unit
from hub.ocpi.pricing.elements import Choice, Phase, PreparedTariff, prepare, prepared_from
from hub.ocpi.pricing.forms import ChargingPeriod, Unpriceable, given, read_cdr, read_period, read_tariff
from hub.ocpi.pricing.limits import limited, limits
from hub.ocpi.pricing.restrictions import Conditions
from hub.ocpi.pricing.steps import Usage, apply_steps
from hub.ocpi.pricing.stretches import HOUR, Period, read_periods, stretches
from hub.ocpi.pricing.taxes import Amount, Tax, taxed, total_of

_PARTS: dict[str, Part] = {"FLAT": "fixed", "ENERGY": "energy", "TIME": "time", "PARKING_TIME": "parking"}
_FOUR = Decimal("0.0001")


class Outcome(Enum):
    """What became of a reservation."""

    USED = Phase.RESERVED
    EXPIRED = Phase.EXPIRED
    CANCELED = Phase.CANCELED


def price_cdr(text: bytes, zone: datetime.tzinfo, *, taxes: Sequence[Tax] = ()) -> Bill:
    """Return what a CDR of the newest version should cost by the Tariffs in it.

    Args:
        text: the CDR's JSON.
        zone: of its Location, which a CDR does not tell.
        taxes: of the place, where the Tariffs do not say them.

    Raises:
        Unpriceable: it is no CDR, or it lacks what its price depends on.
    """
    cdr = read_cdr(text)
    tariffs = [prepared_from(bytes(each)) for each in cdr.tariffs or ()]
    periods = read_periods(cdr.charging_periods, cdr.end_date_time)
    return _Pricing(tariffs, zone, taxes, cdr.currency).bill(periods, None)


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
    prepared = [prepare(read_tariff(each)) for each in tariffs]
    read: list[ChargingPeriod] = [read_period(each) for each in periods]
    return _Pricing(prepared, zone, taxes, currency).bill(read_periods(read, until), outcome)


class _Pricing:
    def __init__(
        self, tariffs: list[PreparedTariff], zone: datetime.tzinfo, taxes: Sequence[Tax], currency: str
    ) -> None:
        self._tariffs = {each.tariff.id.upper(): each for each in tariffs}
        self._zone = zone
        self._taxes = tuple(taxes)
        self._currency = currency
        self._usages: dict[Choice, Usage] = {}
        self._flat: dict[Phase, Choice] = {}
        self._relevant: dict[PreparedTariff, None] = {}
        for each in tariffs:
            if each.tariff.currency != currency:
                raise Unpriceable(f"currency: {currency}, but Tariff {each.tariff.id} has {each.tariff.currency}")

    def bill(self, periods: list[Period], outcome: Outcome | None) -> Bill:
        charged = any(period.charging for period in periods)
        reserved = (outcome or (Outcome.USED if charged else Outcome.EXPIRED)).value
        session = next((period.start for period in periods if period.charging), None)
        kwh = Decimal(0)
        for period in periods:
            tariff = self._tariff(period)
            if tariff is not None:
                self._relevant[tariff] = None
                since = session if period.charging and session is not None else periods[0].start
                self._price(period, tariff, since, kwh, reserved)
            kwh += period.kwh
        usages = list(self._usages.values())
        apply_steps(usages)
        return self._made([self._line(each) for each in usages], charged=charged)

    def _tariff(self, period: Period) -> PreparedTariff | None:
        """Return the Tariff of a period; without a tariff_id none is relevant, and it costs nothing."""
        if period.tariff_id is None:
            return None
        found = self._tariffs.get(period.tariff_id.upper())
        if found is None:
            raise Unpriceable(
                f"charging_periods[{period.index}].tariff_id: {period.tariff_id} is not among the tariffs"
            )
        return found

    def _price(
        self, period: Period, tariff: PreparedTariff, since: datetime.datetime, kwh: Decimal, reserved: Phase
    ) -> None:
        for stretch in stretches(period, tariff, self._zone, since, kwh):
            now = stretch.now
            if period.charging:
                self._flat_fee(Phase.CHARGING, tariff, now, period.index)
            for use in stretch.uses:
                phase = reserved if use.phase is Phase.RESERVED else use.phase
                if phase is not Phase.CHARGING:
                    self._flat_fee(phase, tariff, now, period.index)
                choice = tariff.choose(phase, use.dimension, now) if use.amount else None
                if choice is not None:
                    # Taken out and put back: the usages stay in the order they were last active.
                    usage = self._usages.pop(choice, None) or Usage(choice)
                    self._usages[choice] = usage
                    usage.take(use, period.index)

    def _flat_fee(self, phase: Phase, tariff: PreparedTariff, now: Conditions, period: int) -> None:
        """A flat fee is owed once: the first that is active (errata E-62)."""
        if phase in self._flat:
            return
        choice = tariff.choose(phase, "FLAT", now)
        if choice is not None:
            self._flat[phase] = choice
            self._usages[choice] = Usage(choice, used=1, periods=[period])

    # -- money -------------------------------------------------------------------------------------

    def _line(self, usage: Usage) -> Line:
        choice = usage.choice
        used, quantity = Decimal(usage.used), Decimal(usage.used + usage.added)
        if choice.priced.type in ("TIME", "PARKING_TIME"):
            cost = choice.priced.price * quantity / HOUR
            used, quantity = in_hours(used), in_hours(quantity)
        else:
            cost = choice.priced.price * quantity
        return Line(choice, _part(choice), used, quantity, cost, tuple(usage.periods), usage.stepped)

    def _made(self, lines: list[Line], *, charged: bool) -> Bill:
        by_tariff: dict[PreparedTariff, dict[Part, Amount]] = {tariff: {} for tariff in self._relevant}
        for line in lines:
            by_tariff[line.choice.tariff].setdefault(line.part, Amount()).add(self._taxed(line))
        total = Amount()
        changed: list[Limited] = []
        for tariff, parts in by_tariff.items():
            total.add(self._limited(tariff, total_of(parts.values()), changed, charged=charged))
        return Bill(
            self._currency,
            total.rounded(minor_unit(self._currency)),
            tuple(lines),
            {part: amount.rounded(_FOUR) for part, amount in _summed(by_tariff.values()).items()},
            tuple(changed),
        )

    def _taxed(self, line: Line) -> Amount:
        tariff = line.choice.tariff.tariff
        taxes = self._taxes_of(given(line.choice.priced.vat), tariff.tax_included)
        return taxed(line.cost, taxes, included=tariff.tax_included == "YES")

    def _taxes_of(self, vat: Decimal | None, tax_included: str) -> tuple[Tax, ...]:
        if tax_included == "N/A":
            return ()
        return self._taxes if vat is None else (Tax("VAT", vat),)

    def _limited(self, tariff: PreparedTariff, amount: Amount, changed: list[Limited], *, charged: bool) -> Amount:
        said = tariff.tariff
        unit = minor_unit(self._currency)
        for rule, limit in limits(said, charged=charged):
            rates = {given(each.vat) for element in said.elements for each in element.price_components}
            fallback = self._taxes_of(rates.pop(), said.tax_included) if len(rates) == 1 else ()
            now = limited(amount, rule, limit, gross=said.tax_included == "YES", fallback=fallback)
            if now is not amount:
                changed.append(Limited(said.id, rule, amount.rounded(unit), now.rounded(unit)))
                amount = now
        return amount


def _part(choice: Choice) -> Part:
    if choice.phase is not Phase.CHARGING:
        return "reservation"
    if choice.priced.type == "FLAT" and choice.with_parking_only:
        return "parking"
    return _PARTS[choice.priced.type]


def _summed(by_tariff: Iterable[dict[Part, Amount]]) -> dict[Part, Amount]:
    summed: dict[Part, Amount] = {}
    for parts in by_tariff:
        for part, amount in parts.items():
            summed.setdefault(part, Amount()).add(amount)
    return summed
