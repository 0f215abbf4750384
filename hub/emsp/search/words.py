"""Sets of OCPI's words as the bits of a whole number, so that a filter is one comparison.

A value no one here knows - the lists are OpenEnums - shares the last bit: it is found by asking for it,
among other unknown ones, and compared by name afterwards.
"""

from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin

from hub.ocpi.modules import locations
from hub.ocpi.objects import OpenEnum

_OTHER = 62  # of the 63 bits both engines keep in a positive BIGINT


class Words:
    """The values of one enum, each a bit."""

    def __init__(self, declared: Any) -> None:
        self.known = _values(declared)
        self._bits = {value.upper(): 1 << place for place, value in enumerate(self.known)}
        assert len(self.known) <= _OTHER, "a bit each"

    def mask(self, values: Iterable[str] | None) -> int:
        """Return the bits of some values."""
        found = 0
        for value in values or ():
            found |= self._bits.get(value.upper(), 1 << _OTHER)
        return found

    def names(self, mask: int) -> tuple[str, ...]:
        """Return the values of some bits; what nobody here knows has no name."""
        return tuple(each for place, each in enumerate(self.known) if mask & 1 << place)


def _values(declared: Any) -> tuple[str, ...]:
    if get_origin(declared) is not Annotated:
        return get_args(declared)
    (known,) = (each.known for each in get_args(declared) if isinstance(each, OpenEnum))
    return known


STANDARDS = Words(locations.ConnectorType)
FACILITIES = Words(locations.Facility)
CAPABILITIES = Words(locations.Capability)
PARKING = Words(locations.ParkingType)
CURRENTS = ("AC", "DC")


def currents(power_types: Iterable[str]) -> int:
    """Return the bits of the currents some power types are: 1 for AC, 2 for DC."""
    found = 0
    for each in power_types:
        found |= 2 if each == "DC" else 1
    return found
