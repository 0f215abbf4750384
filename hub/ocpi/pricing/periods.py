"""A charging period as it is priced, and what becomes of it.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (ChargingPeriod).
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from hub.ocpi.pricing.elements import Choice, Kind
from hub.ocpi.pricing.forms import CdrDimension

#: What was used: of ENERGY in kWh, else in microseconds; and whether it is only known to four decimals of an hour.
Use = tuple[Kind, Decimal | int, bool]


class Period(msgspec.Struct, gc=False):
    """One charging period, read.

    Attributes:
        index: in the list it was given in.
        uses: of time, each kind once, and of energy last, if there was any.
        kwh: charged in it.
        charging: whether it is part of a charging session, and not of a reservation only.
        dimensions: as it was told.
    """

    index: int
    start: datetime.datetime
    end: datetime.datetime
    tariff_id: str | None
    uses: list[Use]
    kwh: Decimal
    charging: bool
    dimensions: Sequence[CdrDimension]


class Usage(msgspec.Struct):
    """How much a component priced.

    Attributes:
        used: in kWh for ENERGY, in microseconds for time, 1 for FLAT.
        last: when it was last active, as a number that only grows.
        added: what its ``step_size`` adds; a little less than nothing where hours were told too long.
        stepped: whether its ``step_size`` is the one that counts.
        rounded: in how many periods its time is only known to four decimals of an hour.
    """

    choice: Choice
    used: Decimal | int = 0
    last: int = 0
    added: Decimal | int = 0
    stepped: bool = False
    rounded: int = 0
    periods: list[int] = []
