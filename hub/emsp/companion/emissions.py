"""What a charge emitted, and by whose word: the station's energy mix, else its country's, else nobody knows (X-68).

Source: OCPI 2.3.0, mod_locations.asciidoc (EnergyMix, EnvironmentalImpact: grams per kWh).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from hub.emsp.companion.needs import Charged
from hub.ocpi.objects import JSONObject

_DIRTIEST = Decimal(1500)  # g/kWh: more than any power station emits


@dataclass(frozen=True, kw_only=True)
class CountryMix:
    """What a country's electricity emits.

    Attributes:
        grams: of CO2 per kWh.
        label: whose figure it is, and of which year.
    """

    grams: Decimal
    label: str


def read_countries(file: Path) -> dict[str, CountryMix]:
    """Return the mixes of a file: ``{"NLD": {"grams": 268, "label": "CBS, 2023"}}``.

    Raises:
        OSError: it cannot be read.
        ValueError: it says something else.
    """
    try:
        document = json.loads(file.read_bytes(), parse_float=Decimal)
        found = {
            country: CountryMix(grams=Decimal(str(each["grams"])), label=str(each["label"]))
            for country, each in document.items()
        }
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{file} has grams and label by country: {error!r}") from error
    wrong = [country for country, each in found.items() if len(country) != 3 or not 0 <= each.grams <= _DIRTIEST]
    if wrong:
        raise ValueError(f"{wrong[0]} is no country of three letters with 0 to {_DIRTIEST} grams per kWh")
    return found


@dataclass(frozen=True, kw_only=True)
class Emissions:
    """What a charge emitted.

    Attributes:
        kg: of CO2; None: nobody can say.
        source: whose word it is.
        label: the source as it is shown.
    """

    kg: Decimal | None
    source: Literal["STATION", "COUNTRY", "NONE"]
    label: str


def emissions(charge: Charged, countries: Mapping[str, CountryMix]) -> Emissions:
    """Return what a charge emitted.

    Args:
        countries: by ISO 3166-1 alpha-3, as the operator configured them.
    """
    grams = _of_station(charge.energy_mix)
    if grams is not None:
        return Emissions(kg=_kg(grams, charge.kwh), source="STATION", label="energy mix of the station")
    mix = countries.get(charge.country)
    if mix is not None:
        return Emissions(kg=_kg(mix.grams, charge.kwh), source="COUNTRY", label=f"{charge.country}, {mix.label}")
    return Emissions(kg=None, source="NONE", label="no figure is known")


def _of_station(mix: JSONObject | None) -> Decimal | None:
    """Return the grams per kWh a mix tells; None: it tells none that can be true."""
    if mix is None:
        return None
    told = [each["amount"] for each in mix.get("environ_impact") or () if each["category"] == "CARBON_DIOXIDE"]
    if not told:
        return None
    grams = Decimal(str(told[0]))
    if not 0 <= grams <= _DIRTIEST:
        return None
    # Nothing emitted by a mix that does not say to be green is a field left at its default, not a result.
    return None if grams == 0 and not mix.get("is_green_energy") else grams


def _kg(grams: Decimal, kwh: Decimal) -> Decimal:
    return (grams * kwh / 1000).quantize(Decimal("0.01"))
