"""``step_size``: what is billed comes in whole steps, once for energy and once for time.

The step is that of the last component that priced the dimension, the amount is the session's total of
it, and what is added goes to that last component. Where both charging and parking are
priced, only parking is rounded up; a reservation is rounded on its own (errata E-60, E-61).

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR, step_size), mod_tariffs.asciidoc (PriceComponent).
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Final

from hub.ocpi.pricing.elements import KINDS, Kind
from hub.ocpi.pricing.periods import Usage
from hub.ocpi.pricing.stretches import CHARGED, HOURS_ROUNDED

_WH: Final = 1000  # in a kWh
_SECOND: Final = 1_000_000  # in microseconds
_PARKED: Final = KINDS["CHARGING"]["PARKING_TIME"]


def apply_steps(usages: list[Usage]) -> None:
    """Round up what is billed; the usages are in the order in which their components were last active."""
    for group in _groups(usages):
        last = group[-1]
        step = last.choice.priced.step_size
        last.stepped = True
        if step > 0 and (total := sum(each.used for each in group)) > 0:
            last.added = _added(total, step, group)


def _groups(usages: list[Usage]) -> Iterator[list[Usage]]:
    by_kind: dict[Kind, list[Usage]] = {}
    for each in usages:
        by_kind.setdefault(each.choice.kind, []).append(each)
    for kind, group in by_kind.items():
        if kind.dimension != "FLAT" and not (kind is CHARGED and _PARKED in by_kind):
            yield group


def _added(total: Decimal | int, step: int, group: list[Usage]) -> Decimal | int:
    if group[-1].choice.priced.type == "ENERGY":
        steps = (Decimal(total) * _WH / step).to_integral_value(ROUND_CEILING)
        return steps * step / _WH - total
    # Hours in four decimals may say a little more than was meant: that alone begins no further step.
    doubt = HOURS_ROUNDED * sum(each.rounded for each in group)
    size = step * _SECOND
    return max(-((doubt - int(total)) // size), 0) * size - int(total)
