"""How many decimals an amount of a currency has.

Source: ISO 4217, table A.1 (minor units), of the currencies that do not have two.
"""

from decimal import Decimal

_DECIMALS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
     "XPF"), 0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3) | dict.fromkeys(("CLF", "UYW"), 4)  # fmt: skip

_UNITS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(5))


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 1 yen, 0.01 euro, 0.001 dinar."""
    return _UNITS[_DECIMALS.get(currency, 2)]
