"""What a driver pays for a charge: the provider's own Tariff, or the CPO's price and a margin on it.

Source: OCPI 2.3.0, mod_tariffs.asciidoc; ``hub.ocpi.pricing``.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from hub.emsp.money.amounts import Money
from hub.emsp.money.vat import STANDARD_RATES, rate_in
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Tax, price
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
        country = cdr["cdr_location"]["country"].upper()
        percent = rate_in(country, self.rates)
        tariff = self.tariffs.get(cdr["currency"])
        if tariff is not None:
            return _by_tariff(tariff, cdr, zone, country, percent)
        net = Decimal(str(cdr["total_cost"]["before_taxes"]))
        return self._by_margin(net, cdr["currency"], country, percent)

    def of_estimate(self, net: Money, country: str) -> RetailPrice:
        """Return what a charge costs its driver that costs the provider an amount before taxes.

        Raises:
            NoVatRate: the country has none.
        """
        return self._by_margin(net.amount, net.currency, country.upper(), rate_in(country, self.rates))

    def _by_margin(self, net: Decimal, currency: str, country: str, percent: Decimal) -> RetailPrice:
        margin = self.margins.get(currency, Margin())
        how = (
            f"the operator's price + {margin.percent} % + {Money(margin.fixed, currency)}" if margin != Margin() else ""
        )
        exact = margin.on(net)
        made, gross = Money(exact, currency).rounded, Money(exact * (100 + percent) / 100, currency)
        vat = Money.of_minor(gross.minor - made.minor, currency)
        return RetailPrice(made, vat, percent, country, how or "the operator's price")


def _by_tariff(
    tariff: JSONObject, cdr: JSONObject, zone: datetime.tzinfo, country: str, percent: Decimal
) -> RetailPrice:
    periods = [each | {"tariff_id": tariff["id"]} for each in cdr["charging_periods"]]
    bill = price(
        [tariff],
        periods,
        until=moment(cdr["end_date_time"]),
        zone=zone,
        currency=cdr["currency"],
        taxes=[Tax("VAT", percent)],
    )
    net = Money(bill.total.before_taxes, cdr["currency"])
    vat = Money(bill.total.after_taxes - bill.total.before_taxes, cdr["currency"])
    lines = tuple(line.as_json() for line in bill.lines)
    return RetailPrice(net, vat, percent, country, f"tariff {tariff['id']}", lines)
