"""Expected prices as drivers pay them: what search estimates by a CPO's Tariff, made retail.

Where a driver will pay VAT is known by the Location of the CDR; for an estimate the CPO's country is near enough.
"""

import datetime
from collections.abc import Callable
from decimal import Decimal

from hub.emsp.money.amounts import Money
from hub.emsp.money.retail import Margin, RetailPrices
from hub.emsp.money.vat import ALPHA_3, NoVatRate, rate_in
from hub.emsp.search.index import Place
from hub.emsp.search.prices import Estimate, Retail
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Tax, Unpriceable, price
from hub.ocpi.times import EPOCH, date_time


def retail(in_force: Callable[[], RetailPrices]) -> Retail:
    """Return what makes a driver's estimate of a CPO's, by the prices that hold then."""

    def made(place: Place, estimate: Estimate, kwh: Decimal) -> Estimate:
        prices = in_force()
        vat = _vat(prices, place)
        tariff = prices.tariffs.get(estimate.currency)
        if tariff is not None:
            return _by_tariff(tariff, estimate, kwh, vat)
        margin = prices.margins.get(estimate.currency, Margin())
        fixed = margin.fixed * (100 + vat) / 100
        gross = estimate.amount * (100 + margin.percent) / 100 + fixed if estimate.amount > 0 else estimate.amount
        return Estimate(Decimal(Money(gross, estimate.currency).text), estimate.currency, estimate.hours)

    return made


def _vat(prices: RetailPrices, place: Place) -> Decimal:
    try:
        return rate_in(ALPHA_3.get(Party.parse(place.owner).country_code, ""), prices.rates)
    except NoVatRate:
        return Decimal(0)


def _by_tariff(tariff: JSONObject, estimate: Estimate, kwh: Decimal, vat: Decimal) -> Estimate:
    """Return the price by a Tariff of the provider's own, of a charge at any time of the day."""
    period: JSONObject = {
        "start_date_time": date_time(EPOCH),
        "dimensions": [{"type": "ENERGY", "volume": kwh}, {"type": "TIME", "volume": estimate.hours}],
        "tariff_id": tariff["id"],
    }
    until = EPOCH + datetime.timedelta(seconds=float(estimate.hours * 3600))
    try:
        bill = price(
            [tariff], [period], until=until, zone=datetime.UTC, currency=estimate.currency, taxes=[Tax("VAT", vat)]
        )
    except Unpriceable:
        return estimate
    return Estimate(bill.total.after_taxes, estimate.currency, estimate.hours)
