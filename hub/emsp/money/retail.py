"""What a driver pays for a charge: the provider's own Tariff, or the CPO's price and a margin on it.

Source: OCPI 2.3.0, mod_tariffs.asciidoc; ``hub.ocpi.pricing``.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from hub.emsp.money.amounts import Money
from hub.emsp.money.vat import STANDARD_RATES, rate_in
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Tax, Unpriceable, after_taxes, price
from hub.ocpi.pricing.currencies import minor_unit
from hub.ocpi.times import moment


@dataclass(frozen=True)
class Margin:
    """What is put on a CPO's price before taxes: ``percent`` of it, and ``fixed`` per charge."""

    percent: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)

    def on(self, net: Decimal) -> Decimal:
        """Return the price before VAT; what costs nothing stays free."""
        return net * (100 + self.percent) / 100 + self.fixed if net > 0 else net


@dataclass(frozen=True)
class RetailPrice:
    """What a driver pays.

    Attributes:
        vat_percent: of ``country`` (ISO 3166-1 alpha-3).
        how: the rule, for people.
        lines: of the bill by the provider's own Tariff.
    """

    net: Money
    vat: Money
    vat_percent: Decimal
    country: str
    how: str
    lines: tuple[JSONObject, ...] = ()

    @property
    def gross(self) -> Money:
        """What is paid."""
        return Money.of_minor(self.net.minor + self.vat.minor, self.net.currency)


@dataclass(frozen=True, kw_only=True)
class Billable:
    """A charge that is over, goes on, or is only thought of: what decides its price.

    Attributes:
        told: the OCPI Price its CPO takes; None: nobody knows it.
        country: ISO 3166-1 alpha-3, where the car charges.
        periods: OCPI ChargingPeriods.
        until: when the last of them ends.
        zone: of the Location.
    """

    told: JSONObject | None
    currency: str
    country: str
    periods: Sequence[JSONObject]
    until: datetime.datetime
    zone: datetime.tzinfo


@dataclass(frozen=True)
class RetailPrices:
    """The rules, by currency: a Tariff of the provider's own comes before a margin.

    Attributes:
        tariffs: whole OCPI Tariffs, by their currency.
        margins: by currency; where there is none, the CPO's price is passed on.
        rates: VAT in percent, by ISO 3166-1 alpha-3.
    """

    tariffs: Mapping[str, JSONObject] = field(default_factory=dict)
    margins: Mapping[str, Margin] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=lambda: STANDARD_RATES)

    def of_cdr(self, cdr: JSONObject, zone: datetime.tzinfo) -> RetailPrice:
        """Return what the driver of a CDR pays.

        Raises:
            NoVatRate: its country has none.
            Unpriceable: the CDR lacks what the provider's Tariff depends on.
        """
        return self.of(
            Billable(
                told=cdr["total_cost"],
                currency=cdr["currency"],
                country=cdr["cdr_location"]["country"],
                periods=cdr["charging_periods"],
                until=moment(cdr["end_date_time"]),
                zone=zone,
            )
        )

    def of(self, charge: Billable) -> RetailPrice:
        """Return what a driver pays: the one rule of what is expected, shown and billed.

        Raises:
            NoVatRate: the country has none.
            Unpriceable: the charge lacks what the provider's Tariff depends on, or nobody knows what the CPO takes.
        """
        tariff = self.tariffs.get(charge.currency)
        if tariff is not None:
            return _by_tariff(tariff, charge, rate_in(charge.country, self.rates))
        if charge.told is None:
            raise Unpriceable("nobody knows what the CPO takes")
        return self.of_told(charge.told, charge.currency, charge.country)

    def of_told(self, told: JSONObject, currency: str, country: str) -> RetailPrice:
        """Return what a charge costs its driver that costs the provider an OCPI Price, whose taxes need not be told.

        Args:
            country: ISO 3166-1 alpha-3, where the car charged.

        Raises:
            NoVatRate: the country has none.
        """
        percent, margin = rate_in(country, self.rates), self.margins.get(currency, Margin())
        net = Decimal(str(told["before_taxes"]))
        made = margin.on(net)
        gross, how = made * (100 + percent) / 100, "the operator's price"
        if margin != Margin():
            how += f" + {margin.percent} % + {Money(margin.fixed, currency)}"
        elif told.get("taxes") and _is_rounded(after_taxes(told), gross, currency, percent):
            gross = after_taxes(told)
        whole = Money(made, currency).rounded
        vat = Money.of_minor(Money(gross, currency).minor - whole.minor, currency)
        return RetailPrice(whole, vat, percent, country.upper(), how)


def _is_rounded(told: Decimal, gross: Decimal, currency: str, percent: Decimal) -> bool:
    """Return whether a price with taxes is ``gross``, but for what was rounded on its way.

    The CPO rounds the price before taxes and the one after them, each from the exact one; made of the former, the
    latter can be a cent off, and a driver would pay another price than the one he was told.
    """
    half = minor_unit(currency) / 2
    return abs(told - gross) <= half + half * (100 + percent) / 100


def _by_tariff(tariff: JSONObject, charge: Billable, percent: Decimal) -> RetailPrice:
    bill = price(
        [tariff],
        [each | {"tariff_id": tariff["id"]} for each in charge.periods],
        until=charge.until,
        zone=charge.zone,
        currency=charge.currency,
        taxes=[Tax("VAT", percent)],
    )
    net = Money(bill.total.before_taxes, charge.currency)
    vat = Money(bill.total.after_taxes - bill.total.before_taxes, charge.currency)
    lines = tuple(line.as_json() for line in bill.lines)
    return RetailPrice(net, vat, percent, charge.country.upper(), f"tariff {tariff['id']}", lines)
