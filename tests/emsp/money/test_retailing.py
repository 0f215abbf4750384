"""Expected prices in search are those the driver will pay."""

from decimal import Decimal

import pytest

from hub.emsp.money.retail import Margin, RetailPrices
from hub.emsp.retailing import retail
from hub.emsp.search.index import Place
from hub.emsp.search.prices import Estimate
from tests.rooms import tariff


def place(owner="NL-CPO"):
    return Place(
        owner=owner, location_id="LOC1", evse_uid="E", lat=52, lon=4, status="AVAILABLE", power=50_000, standards=0,
        currents=2, facilities=0, capabilities=0, parking=0, green=False, tariffs=(),
        zone="Europe/Amsterdam", code="", changed=0,
    )  # fmt: skip


def quoted(prices, amount="12.10", owner="NL-CPO", currency="EUR"):
    estimate = Estimate(Decimal(amount), currency, Decimal(1))
    return retail(lambda: prices)(place(owner), estimate, Decimal(20)).amount


@pytest.mark.parametrize(
    ("margin", "owner", "amount"),
    [
        (Margin(), "NL-CPO", "12.10"),
        (Margin(percent=Decimal(10)), "NL-CPO", "13.31"),
        (Margin(fixed=Decimal("0.35")), "NL-CPO", "12.52"),
        (Margin(fixed=Decimal("0.35")), "XX-CPO", "12.45"),
    ],
)
def test_an_estimate_has_the_margin_and_the_vat_on_it(margin, owner, amount):
    assert quoted(RetailPrices(margins={"EUR": margin}), owner=owner) == Decimal(amount)


def test_what_is_free_stays_free():
    assert quoted(RetailPrices(margins={"EUR": Margin(fixed=Decimal(1))}), amount="0") == 0


def test_an_estimate_is_by_the_providers_own_tariff_where_there_is_one():
    prices = RetailPrices(tariffs={"EUR": tariff()})

    assert quoted(prices) == Decimal("10.20")
    assert quoted(prices, amount="5", currency="CHF") == Decimal(5)


def test_a_tariff_that_cannot_be_priced_leaves_the_operators_price():
    assert quoted(RetailPrices(tariffs={"EUR": tariff(currency="CHF")})) == Decimal("12.10")
