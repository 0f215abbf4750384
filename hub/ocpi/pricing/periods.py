"""A charging period as it is priced.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (ChargingPeriod).
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from hub.ocpi.pricing.elements import Kind
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
