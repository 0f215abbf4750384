"""What a driver pays is what he was told: the CPO's price to the cent, where it is passed on."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.emsp.money.retail import Margin, RetailPrices
from hub.emsp.money.vat import STANDARD_RATES
from hub.ocpi.pricing import Tax, after_taxes
from hub.ocpi.pricing.taxes import taxed


def told(before: str, vat: str | None = None):
    taxes = {"taxes": [{"name": "VAT", "amount": Decimal(vat)}]} if vat is not None else {}
    return {"before_taxes": Decimal(before)} | taxes


@given(
    exact=st.decimals(0, 500, places=6),
    country=st.sampled_from(sorted(STANDARD_RATES)),
    unit=st.sampled_from([Decimal("0.01"), Decimal("0.0001")]),
    included=st.booleans(),
)
def test_a_price_that_is_passed_on_is_paid_to_the_cent(exact, country, unit, included):
    vat = Tax("VAT", STANDARD_RATES[country])
    said = taxed(exact, [vat], included=included).rounded(unit).as_json()

    paid = RetailPrices().of_told(said, "EUR", country).gross

    assert paid.amount == after_taxes(said).quantize(Decimal("0.01"), "ROUND_HALF_UP")


@pytest.mark.parametrize(
    ("said", "gross", "vat"),
    [
        (told("3.84", "0.85"), "4.69", "0.85"),
        (told("3.84", "0.84"), "4.68", "0.84"),
        (told("3.84", "0.77"), "4.68", "0.84"),  # another rate than the country's
        (told("3.84"), "4.68", "0.84"),
        (told("0.03"), "0.04", "0.01"),
    ],
)
def test_taxes_of_the_cpo_are_taken_only_if_they_are_the_vat_of_the_country(said, gross, vat):
    made = RetailPrices().of_told(said, "EUR", "ITA")

    assert (made.gross.text, made.vat.text) == (gross, vat)


def test_a_margin_is_taxed_on_the_whole_price():
    prices = RetailPrices(margins={"EUR": Margin(percent=Decimal(10))})

    made = prices.of_told(told("3.84", "0.85"), "EUR", "ITA")

    assert (made.net.text, made.gross.text) == ("4.22", "5.15")
