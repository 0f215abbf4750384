"""Amounts of money: exact in code, whole minor units in tables.

Source: ISO 4217, table A.1.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hub.ocpi.pricing.currencies import minor_unit


@dataclass(frozen=True)
class Money:
    """An amount of one currency.

    Attributes:
        currency: ISO 4217, in capitals.
    """

    amount: Decimal
    currency: str

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> "Money":
        """Return what a number of minor units is: 1234 of EUR are 12.34."""
        return cls(minor * minor_unit(currency), currency)

    @property
    def minor(self) -> int:
        """The amount in whole minor units, halves rounded up."""
        return int((self.amount / minor_unit(self.currency)).quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def rounded(self) -> "Money":
        """The amount as it can be paid."""
        return Money.of_minor(self.minor, self.currency)

    @property
    def text(self) -> str:
        """The number alone, with as many decimals as the currency has."""
        return f"{self.amount.quantize(minor_unit(self.currency), ROUND_HALF_UP):f}"

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"


def plain(number: object) -> str:
    """Return a quantity as people write it: 20.0000 is 20."""
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
