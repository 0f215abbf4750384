"""Expected prices as drivers pay them: what search expects by a CPO's Tariff, made retail by the rule of the bill."""

import logging
from collections.abc import Callable
from decimal import Decimal

from hub.emsp.money.retail import Billable, RetailPrices
from hub.emsp.money.vat import NoVatRate
from hub.emsp.search.prices import Expected, Retail
from hub.ocpi.pricing import Unpriceable

log = logging.getLogger(__name__)


def retail(in_force: Callable[[], RetailPrices]) -> Retail:
    """Return what says a driver's price of a charge, by the prices that hold then.

    Where no bill could be made, as in a country whose VAT nobody gave, there is no price.
    """

    def made(expected: Expected, country: str) -> Decimal | None:
        charge = Billable(
            told=expected.price.as_json(),
            currency=expected.currency,
            country=country,
            periods=expected.periods,
            until=expected.until,
            zone=expected.zone,
        )
        try:
            return in_force().of(charge).gross.amount
        except (NoVatRate, Unpriceable) as error:
            log.info("no price can be said in %s: %s", country, error)
            return None

    return made
