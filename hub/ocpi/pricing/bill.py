"""What a session costs, and why: a bill explains itself line by line.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR), mod_tariffs.asciidoc (examples, their breakdowns).
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing.elements import Choice
from hub.ocpi.pricing.forms import Dimension
from hub.ocpi.pricing.stretches import microseconds
from hub.ocpi.pricing.taxes import Amount, Price, Tax, taxed

Part = Literal["fixed", "energy", "time", "parking", "reservation"]

#: The fields of a CDR that hold the parts of its cost.
_FIELDS: dict[Part, str] = {
    "fixed": "total_fixed_cost",
    "energy": "total_energy_cost",
    "time": "total_time_cost",
    "parking": "total_parking_cost",
    "reservation": "total_reservation_cost",
}

_PARTS: dict[str, Part] = {"FLAT": "fixed", "ENERGY": "energy", "TIME": "time", "PARKING_TIME": "parking"}
_PHASES = {
    "CHARGING": "charging session",
    "RESERVED": "reservation",
    "EXPIRED": "expired reservation",
    "CANCELED": "canceled reservation",
    "OVERTIME": "time after a booking",
}
_UNIT = {"ENERGY": "kWh", "FLAT": "", "TIME": "h", "PARKING_TIME": "h"}
_TIME = ("TIME", "PARKING_TIME")
_FOUR = Decimal("0.0001")


class Line(msgspec.Struct, frozen=True):
    """What one price component costs in a session.

    Attributes:
        measured: in kWh or microseconds; 1 of a FLAT.
        billed: likewise; the last component of a dimension takes what ``step_size`` adds.
        cost: price times quantity, with taxes if the Tariff's prices include them.
        taxes: those on it.
        periods: indices of the charging periods in which the component was active.
        stepped: whether this is the component whose ``step_size`` counts.
    """

    choice: Choice
    measured: Decimal | int
    billed: Decimal | int
    cost: Decimal
    taxes: tuple[Tax, ...]
    periods: tuple[int, ...]
    stepped: bool = False

    @property
    def used(self) -> Decimal:
        """What was measured, in kWh or hours; 1 of a FLAT."""
        return in_hours(self.measured) if self.dimension in _TIME else Decimal(self.measured)

    @property
    def quantity(self) -> Decimal:
        """What is billed, in kWh or hours."""
        return in_hours(self.billed) if self.dimension in _TIME else Decimal(self.billed)

    @property
    def part(self) -> Part:
        """What the cost is for."""
        kind = self.choice.kind
        if kind.phase != "CHARGING":
            return "reservation"
        return "parking" if kind.dimension == "FLAT" and self.choice.with_parking_only else _PARTS[kind.dimension]

    @property
    def amount(self) -> Amount:
        """The cost and its taxes, exactly."""
        return taxed(self.cost, self.taxes, included=self.choice.tariff.tariff.tax_included == "YES")

    @property
    def tariff_id(self) -> str:
        """The Tariff the component is of."""
        return self.choice.tariff.tariff.id

    @property
    def dimension(self) -> Dimension:
        """What the component prices."""
        return self.choice.priced.type

    @property
    def rule(self) -> str:
        """Why this is what it costs, in words."""
        choice, priced = self.choice, self.choice.priced
        unit = _UNIT[priced.type]
        amount = f"{_plain(self.quantity)} {unit}".strip()
        each = f"{priced.price}/{unit}" if unit else str(priced.price)
        why = [f"{amount} {priced.type} of the {_PHASES[choice.kind.phase]} at {each}"]
        why.append(f"elements[{choice.element}].price_components[{choice.component}] of Tariff {self.tariff_id}")
        if choice.tests:
            why.append(f"first whose restrictions match: {_restrictions(choice)}")
        if self.stepped and self.quantity != self.used:
            why.append(f"{_plain(self.used)} {unit} in steps of {priced.step_size} {'Wh' if unit == 'kWh' else 's'}")
        return "; ".join(why)

    def as_json(self) -> JSONObject:
        """Return the line as JSON, for people who ask why."""
        return {
            "tariff_id": self.tariff_id,
            "element": self.choice.element,
            "component": self.choice.component,
            "dimension": self.dimension,
            "part": self.part,
            "used": self.used.quantize(_FOUR),
            "quantity": self.quantity.quantize(_FOUR),
            "price": self.choice.priced.price,
            "cost": self.cost.quantize(_FOUR),
            "charging_periods": list(self.periods),
            "rule": self.rule,
        }


@dataclass(frozen=True, slots=True)
class Limited:
    """A ``min_price`` or ``max_price`` at work: what the session would have cost, and what it costs."""

    tariff_id: str
    rule: Literal["min_price", "max_price"]
    before: Price
    after: Price


@dataclass(frozen=True, slots=True)
class Bill:
    """The price of a session.

    Attributes:
        total: in whole minor units of the currency.
        limited: the limits that changed the total.
    """

    currency: str
    total: Price
    lines: tuple[Line, ...] = ()
    limited: tuple[Limited, ...] = ()

    @property
    def parts(self) -> dict[Part, Price]:
        """The costs by what they are for, in four decimals; limits do not touch them."""
        summed: dict[Part, Amount] = {}
        for line in self.lines:
            summed.setdefault(line.part, Amount()).add(line.amount)
        return {part: amount.rounded(_FOUR) for part, amount in summed.items()}

    def cdr_costs(self) -> JSONObject:
        """Return the cost fields of a CDR."""
        costs: JSONObject = {"total_cost": self.total.as_json()}
        return costs | {_FIELDS[part]: price.as_json() for part, price in self.parts.items()}

    def as_json(self) -> JSONObject:
        """Return the whole bill as JSON, with its reasons."""
        return {
            "currency": self.currency,
            **self.cdr_costs(),
            "lines": [line.as_json() for line in self.lines],
            "limits": [
                {
                    "tariff_id": each.tariff_id,
                    "rule": each.rule,
                    "from": each.before.as_json(),
                    "to": each.after.as_json(),
                }
                for each in self.limited
            ],
        }


def in_hours(microseconds: Decimal | int) -> Decimal:
    """Return a time in hours."""
    return Decimal(microseconds) / 3_600_000_000


def length(since: datetime.datetime, until: datetime.datetime) -> Decimal:
    """Return the time between two moments in hours."""
    return in_hours(microseconds(until - since))


def _plain(amount: Decimal) -> str:
    text = f"{amount.quantize(_FOUR):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _restrictions(choice: Choice) -> str:
    restrictions = choice.tariff.tariff.elements[choice.element].restrictions
    fields = restrictions.__struct_fields__ if restrictions is not None else ()
    said = {name: getattr(restrictions, name) for name in fields}
    return ", ".join(f"{name} {value}" for name, value in said.items() if value not in (None, []))
