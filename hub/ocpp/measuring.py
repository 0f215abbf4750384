"""Numbers and units of meters: exact values, in the base unit of what was measured.

Source: OCPP 1.6 edition 2, Measurand, SampledValue, UnitOfMeasure; OCPP 2.0.1 part 2,
SampledValueType, UnitOfMeasureType and appendix 2 (Standardized Units of Measure).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from hub.ocpp.words import JSONObject

#: What a decimal number looks like on a wire. Decimal() reads more: NaN, Infinity, 1_000, and other scripts' digits.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)

#: No meter counts beyond this power of ten, or finer; computing with 1E+999 would take all memory.
_MAGNITUDE = 18

#: Unit -> its base unit and the power of ten between them. Celcius is how 1.6 once spelled it.
_UNITS: dict[str, tuple[str, int]] = {
    "Wh": ("Wh", 0), "kWh": ("Wh", 3),
    "varh": ("varh", 0), "kvarh": ("varh", 3),
    "VAh": ("VAh", 0), "kVAh": ("VAh", 3),
    "W": ("W", 0), "kW": ("W", 3),
    "var": ("var", 0), "kvar": ("var", 3),
    "VA": ("VA", 0), "kVA": ("VA", 3),
    "A": ("A", 0), "V": ("V", 0),
    "Hz": ("Hertz", 0), "Hertz": ("Hertz", 0),
    "Celsius": ("Celsius", 0), "Celcius": ("Celsius", 0),
}  # fmt: skip

#: The beginning of a measurand -> its unit where a station names none; the first that fits.
_DEFAULTS = (
    ("Energy.Reactive", "varh"), ("Energy.Apparent", "VAh"), ("Energy", "Wh"),
    ("Power.Factor", ""), ("Power.Reactive", "var"), ("Power", "W"),
    ("Current", "A"), ("Voltage", "V"), ("Frequency", "Hertz"), ("Temperature", "Celsius"), ("SoC", "Percent"),
)  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """A sampled value that says nothing: as sent, and what is wrong with it."""

    sampled_value: JSONObject
    rule: str


def exact(value: object) -> Decimal | None:
    """Return a number as a station wrote it, exactly; None: it is none, or one no meter counts to."""
    text = value.strip() if type(value) is str else str(value)  # the str of a float is its shortest exact text
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if not number or abs(number.adjusted()) <= _MAGNITUDE else None


def default_unit(measurand: str) -> str:
    """Return the unit of values that name none: Wh for energy, and for all else the measurand's own."""
    return next((unit for beginning, unit in _DEFAULTS if measurand.startswith(beginning)), "")


def in_base_unit(value: Decimal, unit: str) -> tuple[Decimal, str]:
    """Return a value in the base unit of its unit; a unit without one is left as it is."""
    if unit == "K":
        return value - Decimal("273.15"), "Celsius"
    if unit == "Fahrenheit":
        return (value - 32) * 5 / 9, "Celsius"
    base, power = _UNITS.get(unit, (unit, 0))
    return (value.scaleb(power) if power else value), base
