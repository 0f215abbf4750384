"""VAT on charging: the standard rate of the country where the car charged.

The supply of electricity to a driver is taxed where it is consumed; the rates are the standard ones at the beginning of
2026, and an operator may give others.

Source: Directive 2006/112/EC, articles 38, 39 and 96; European Court of Justice, C-282/22 and C-60/23 (charging is a
supply of goods); the rates as Member States, the United Kingdom, Switzerland and Norway publish them.
"""

from collections.abc import Mapping
from decimal import Decimal

#: Percent, by ISO 3166-1 alpha-3.
STANDARD_RATES: Mapping[str, Decimal] = {
    country: Decimal(rate)
    for country, rate in (
        ("AUT", "20"), ("BEL", "21"), ("BGR", "20"), ("CHE", "8.1"), ("CYP", "19"), ("CZE", "21"), ("DEU", "19"),
        ("DNK", "25"), ("ESP", "21"), ("EST", "24"), ("FIN", "25.5"), ("FRA", "20"), ("GBR", "20"), ("GRC", "24"),
        ("HRV", "25"), ("HUN", "27"), ("IRL", "23"), ("ITA", "22"), ("LTU", "21"), ("LUX", "17"), ("LVA", "21"),
        ("MLT", "18"), ("NLD", "21"), ("NOR", "25"), ("POL", "23"), ("PRT", "23"), ("ROU", "21"), ("SVK", "23"),
        ("SVN", "22"), ("SWE", "25"),
    )
}  # fmt: skip


#: ISO 3166-1 alpha-3 by alpha-2, of the countries above: parties are named by alpha-2, Locations by alpha-3.
ALPHA_3: Mapping[str, str] = {
    "AT": "AUT", "BE": "BEL", "BG": "BGR", "CH": "CHE", "CY": "CYP", "CZ": "CZE", "DE": "DEU", "DK": "DNK", "ES": "ESP",
    "EE": "EST", "FI": "FIN", "FR": "FRA", "GB": "GBR", "GR": "GRC", "HR": "HRV", "HU": "HUN", "IE": "IRL", "IT": "ITA",
    "LT": "LTU", "LU": "LUX", "LV": "LVA", "MT": "MLT", "NL": "NLD", "NO": "NOR", "PL": "POL", "PT": "PRT", "RO": "ROU",
    "SK": "SVK", "SI": "SVN", "SE": "SWE",
}  # fmt: skip


class NoVatRate(Exception):
    """No VAT rate is known for this country: give it one in the settings."""


def rate_in(country: str, rates: Mapping[str, Decimal] = STANDARD_RATES) -> Decimal:
    """Return the rate of a country (ISO 3166-1 alpha-3) in percent.

    Raises:
        NoVatRate: none is known.
    """
    found = rates.get(country.upper())
    if found is None:
        raise NoVatRate(country)
    return found
