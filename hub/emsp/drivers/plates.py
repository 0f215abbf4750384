"""Licence plates: one way to write each, and which cannot exist.

Source: RASD-A07 (a plate is of exactly one vehicle); Vienna Convention on Road Traffic, annex 2 (Latin capitals and
Arabic numerals).
"""

import re

#: What may stand between the characters of a plate and says nothing.
_SEPARATORS = str.maketrans("", "", " -.·•\u00a0")

_PLATE = re.compile(r"[A-Z0-9ÄÖÜÅÆØŠŽČĆĐ]{2,10}")

#: Series of today and of the plates still on the road, by country; others are judged by ``_PLATE`` alone.
_SERIES = {
    "DE": re.compile(r"[A-ZÄÖÜ]{1,3}[A-Z]{1,2}[1-9][0-9]{0,3}[EH]?"),
    "ES": re.compile(r"[0-9]{4}[BCDFGHJKLMNPRSTVWXYZ]{3}|[A-Z]{1,2}[0-9]{4}[A-Z]{1,2}"),
    "FR": re.compile(r"[A-HJ-NP-TV-Z]{2}[0-9]{3}[A-HJ-NP-TV-Z]{2}|[0-9]{1,4}[A-Z]{2,3}(?:[0-9]{2}|2[AB])"),
    "GB": re.compile(r"[A-Z]{2}[0-9]{2}[A-Z]{3}|[A-Z][0-9]{1,3}[A-Z]{3}|[A-Z]{3}[0-9]{1,3}[A-Z]?|[0-9]{1,4}[A-Z]{1,3}"),
    "IT": re.compile(r"[A-HJ-NPR-TV-Z]{2}[0-9]{3}[A-HJ-NPR-TV-Z]{2}"),
    "NL": re.compile(r"(?=(?:[A-Z]*[0-9]){1,5}[A-Z]*$)(?=[0-9]*[A-Z])[A-Z0-9]{6}"),
}


def normalized(plate: str) -> str:
    """Return a plate in capitals without what separates its groups."""
    return plate.strip().upper().translate(_SEPARATORS)


def can_exist(plate: str, country: str) -> bool:
    """Return whether there can be such a plate in a country (ISO 3166-1 alpha-2)."""
    text = normalized(plate)
    if not _PLATE.fullmatch(text):
        return False
    series = _SERIES.get(country)
    return series is None or series.fullmatch(text) is not None


def key_of(plate: str, country: str) -> str:
    """Return what makes a plate one: two countries may give out the same characters."""
    return f"{country}:{normalized(plate)}"
