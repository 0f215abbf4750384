"""A Tariff made ready for pricing: for each dimension the components in the order they are tried.

The first element with a matching component for a dimension counts; a component without
restrictions ends the list. Elements for reservations and bookings are lists of their own. Of an expired
reservation the elements for that come first, wherever they stand, then those for reservations.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (Tariff, TariffElement, ReservationRestrictionType).
"""

import functools
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from hub.ocpi.pricing.forms import Dimension, PriceComponent, Tariff, TariffElement, given, read_tariff
from hub.ocpi.pricing.restrictions import Changes, Conditions, Test, changes, tests
from hub.ocpi.pricing.taxes import Tax

#: What is being priced; EXPIRED and CANCELED are reservations, OVERTIME is charging on after a booking.
Phase = Literal["CHARGING", "RESERVED", "EXPIRED", "CANCELED", "OVERTIME"]


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """A dimension in a phase: what components are looked up for. There is one object for each, in ``KINDS``."""

    phase: Phase
    dimension: Dimension


KINDS: dict[Phase, dict[Dimension, Kind]] = {
    phase: {dimension: Kind(phase, dimension) for dimension in get_args(Dimension)} for phase in get_args(Phase)
}

#: Which elements price a phase, by their ``reservation`` or ``booking`` restriction, those tried first in front.
_ELEMENTS: dict[Phase, tuple[tuple[str | None, ...], ...]] = {
    "CHARGING": ((None,),),
    "RESERVED": (("RESERVATION", "BOOKING"),),
    "EXPIRED": (("RESERVATION_EXPIRES", "BOOKING_EXPIRES"), ("RESERVATION", "BOOKING")),
    # What a canceled booking costs has elements of its own; a reservation costs the time it was held.
    "CANCELED": (("BOOKING_CANCELLATION_FEES",), ("RESERVATION",)),
    "OVERTIME": (("BOOKING_OVERTIME",),),
}


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """A price component that may become active.

    Attributes:
        element: its TariffElement's index in the Tariff; ``component`` its own within that.
        taxes: None where the Tariff does not say them.
        with_parking_only: whether its element prices parking, and neither energy nor charging time.
    """

    tariff: "PreparedTariff"
    kind: Kind
    element: int
    component: int
    priced: PriceComponent
    tests: tuple[Test, ...]
    taxes: tuple[Tax, ...] | None
    with_parking_only: bool

    def matches(self, now: Conditions) -> bool:
        """Whether all restrictions of the element match."""
        for test in self.tests:  # noqa: SIM110  a generator costs more than the tests
            if not test(now):
                return False
        return True


@dataclass(frozen=True, eq=False)
class PreparedTariff:
    """A Tariff, its components sorted by what they price, where they may change, and its taxes by percentage."""

    tariff: Tariff
    choices: dict[Kind, tuple[Choice, ...]]
    changes: Changes
    taxes: dict[Decimal, tuple[Tax, ...]]

    def choose(self, kind: Kind, now: Conditions) -> Choice | None:
        """Return the component active at a moment; None: the dimension costs nothing then."""
        for choice in self.choices.get(kind, ()):
            if choice.matches(now):
                return choice
        return None


def prepare(tariff: Tariff) -> PreparedTariff:
    """Return a Tariff ready for pricing."""
    limits = [element.restrictions for element in tariff.elements if element.restrictions is not None]
    prepared = PreparedTariff(tariff, {}, changes(limits), {})
    for phase, orders in _ELEMENTS.items():
        for kinds in orders:
            _collect(prepared, phase, kinds)
    return prepared


@functools.lru_cache(maxsize=1024)
def prepared_from(text: bytes) -> PreparedTariff:
    """Return a Tariff ready for pricing from its JSON; the same text is prepared once.

    Raises:
        Unpriceable: it is no Tariff.
    """
    return prepare(read_tariff(text))


def _collect(prepared: PreparedTariff, phase: Phase, kinds: tuple[str | None, ...]) -> None:
    for index, element in enumerate(prepared.tariff.elements):
        if _kind(element) not in kinds:
            continue
        conditions = tests(element.restrictions) if element.restrictions is not None else ()
        parking = _with_parking_only(element)
        for place, priced in enumerate(element.price_components):
            kind = KINDS[phase][priced.type]
            known = prepared.choices.get(kind, ())
            if known and not known[-1].tests:
                continue  # never reached: the one before always matches
            made = Choice(prepared, kind, index, place, priced, conditions, _taxes(prepared, priced), parking)
            prepared.choices[kind] = (*known, made)


def _taxes(prepared: PreparedTariff, priced: PriceComponent) -> tuple[Tax, ...] | None:
    vat = given(priced.vat)
    if prepared.tariff.tax_included == "N/A":
        return ()
    return None if vat is None else prepared.taxes.setdefault(vat, (Tax("VAT", vat),))


def _kind(element: TariffElement) -> str | None:
    if element.restrictions is None:
        return None
    return given(element.restrictions.booking) or given(element.restrictions.reservation)


def _with_parking_only(element: TariffElement) -> bool:
    types = {each.type for each in element.price_components}
    return "PARKING_TIME" in types and not types & {"ENERGY", "TIME"}
