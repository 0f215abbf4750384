"""``min_price`` and ``max_price``: before and after taxes each have their own limit, and both hold.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (Tariff, PriceLimit, the notes on min_price and max_price).
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from hub.ocpi.pricing.forms import PriceLimit, Tariff, given
from hub.ocpi.pricing.taxes import ZERO, Amount, Tax

Rule = Literal["min_price", "max_price"]


def limits(tariff: Tariff, *, charged: bool) -> Iterator[tuple[Rule, PriceLimit]]:
    """Yield the limits of a Tariff; a reservation that never became a charging session has no least price."""
    if tariff.min_price is not None and charged:
        yield "min_price", tariff.min_price
    if tariff.max_price is not None:
        yield "max_price", tariff.max_price


def limited(amount: Amount, rule: Rule, limit: PriceLimit, *, gross: bool, fallback: Sequence[Tax]) -> Amount:
    """Return an amount within a limit; the same one if it was.

    Args:
        gross: whether the amount, without known taxes, has them in it.
        fallback: the taxes of an amount that has none of its own because nothing was used.
    """
    bounded = max if rule == "min_price" else min
    after_taxes = given(limit.after_taxes)
    if not amount.taxes and not (fallback and not amount.before):
        bound = after_taxes if gross and after_taxes is not None else limit.before_taxes
        return amount if bounded(amount.before, bound) == amount.before else Amount(bound)
    before = bounded(amount.before, limit.before_taxes)
    due = _due(amount, before, fallback)
    after = before + sum(due.values(), ZERO)
    if after_taxes is not None:
        after = bounded(after, after_taxes)
    before = min(before, after)
    if before == amount.before and after == amount.after:
        return amount
    return Amount(before, _spread(after - before, due))


def _due(amount: Amount, before: Decimal, fallback: Sequence[Tax]) -> dict[Tax, Decimal]:
    """Return the taxes of an amount in the same proportion for another amount before taxes."""
    if not amount.before and before:
        return {tax: before * tax.percentage / 100 for tax in fallback} or dict(amount.taxes)
    if before == amount.before:
        return dict(amount.taxes)
    return {tax: each * before / amount.before for tax, each in amount.taxes.items()}


def _spread(whole: Decimal, due: dict[Tax, Decimal]) -> dict[Tax, Decimal]:
    total = sum(due.values(), ZERO)
    if not total:
        return dict.fromkeys(due, whole / len(due))
    return {tax: whole * each / total for tax, each in due.items()}
