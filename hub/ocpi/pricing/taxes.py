"""Sums of cost and their taxes, exact until they are told.

Costs are added up per VAT percentage first and taxed once, so that neither the order nor the
number of charging periods can change a total. A price is rounded when it is told, as a whole: its
amount with taxes and the one before them are each rounded, and the taxes get what is between them.

Source: OCPI 2.3.0, types.asciidoc (Price, TaxAmount), mod_tariffs.asciidoc (PriceComponent, TaxIncluded).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from hub.ocpi.objects import JSONObject

ZERO = Decimal(0)

#: A division by hours or percents leaves noise in the 28th digit, which must not tip a half.
_QUIET = Decimal("1E-12")


class Tax(NamedTuple):
    """A tax on a price; ``percentage`` in percent."""

    name: str
    percentage: Decimal
    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class TaxAmount:
    """What of one tax is due, in the currency of the price."""

    tax: Tax
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """An amount as it is told.

    Attributes:
        taxes: empty where none apply or none are known.
    """

    before_taxes: Decimal
    taxes: tuple[TaxAmount, ...] = ()

    @property
    def after_taxes(self) -> Decimal:
        """The amount with all taxes."""
        return sum((each.amount for each in self.taxes), self.before_taxes)

    def as_json(self) -> JSONObject:
        """Return the OCPI Price."""
        told: JSONObject = {"before_taxes": self.before_taxes}
        if self.taxes:
            told["taxes"] = [_tax_json(each) for each in self.taxes]
        return told


def _tax_json(due: TaxAmount) -> JSONObject:
    told: JSONObject = {"name": due.tax.name}
    if due.tax.account_number is not None:
        told["account_number"] = due.tax.account_number
    return told | {"percentage": due.tax.percentage, "amount": due.amount}


@dataclass(slots=True)
class Amount:
    """An exact amount while it is added up."""

    before: Decimal = ZERO
    taxes: dict[Tax, Decimal] = field(default_factory=dict)

    @property
    def after(self) -> Decimal:
        """The amount with taxes."""
        return sum(self.taxes.values(), self.before)

    def add(self, other: "Amount") -> None:
        """Take in another amount."""
        self.before += other.before
        for tax, amount in other.taxes.items():
            self.taxes[tax] = self.taxes.get(tax, ZERO) + amount

    def rounded(self, unit: Decimal) -> Price:
        """Return the price in whole units."""
        before = _whole(self.before, unit)
        if not self.taxes:
            return Price(before)
        after = _whole(self.after, unit)
        if len(self.taxes) == 1:
            return Price(before, (TaxAmount(next(iter(self.taxes)), after - before),))
        taxes = sorted(self.taxes, key=lambda tax: (tax.percentage, tax.name))
        parts = _shared_out(after - before, [self.taxes[tax] for tax in taxes], unit)
        return Price(before, tuple(TaxAmount(tax, part) for tax, part in zip(taxes, parts, strict=True)))


def taxes_of(told: JSONObject) -> Decimal:
    """Return the sum of the taxes of an OCPI Price, which need not tell any."""
    return sum((Decimal(str(each["amount"])) for each in told.get("taxes") or ()), ZERO)


def after_taxes(told: JSONObject) -> Decimal:
    """Return an OCPI Price with all the taxes that it tells."""
    return Decimal(str(told["before_taxes"])) + taxes_of(told)


def taxed(cost: Decimal, taxes: Sequence[Tax], *, included: bool) -> Amount:
    """Return an amount and its taxes from a sum of prices that have them included, or not."""
    if not taxes:
        return Amount(cost)
    before = cost
    if included:
        before = cost * 100 / (100 + sum((tax.percentage for tax in taxes), ZERO))
    return Amount(before, {tax: before * tax.percentage / 100 for tax in taxes})


def _whole(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(_QUIET).quantize(unit, ROUND_HALF_UP)


def _shared_out(whole: Decimal, exact: list[Decimal], unit: Decimal) -> list[Decimal]:
    """Return amounts in whole units that add up to ``whole`` and are nearest to the exact ones."""
    parts = [each.quantize(unit, ROUND_FLOOR) for each in exact]
    missing = int((whole - sum(parts, ZERO)) / unit)
    by_rest = sorted(range(len(exact)), key=lambda index: parts[index] - exact[index])
    for step in range(abs(missing)):
        index = by_rest[step % len(exact)] if missing > 0 else by_rest[-1 - step % len(exact)]
        parts[index] += unit if missing > 0 else -unit
    return parts
