"""The vehicles a driver can choose from, read from the file that comes with the package.

Capacities are usable ones; powers are the most the vehicle takes. The figures are makers' published ones, rounded.
"""

import functools
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("catalogue.json")


class VehicleModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model in the catalogue.

    Attributes:
        battery_kwh: usable capacity.
        connectors: OCPI ConnectorTypes.
        max_ac_kw, max_dc_kw: the most it takes; 0: it does not charge so.
    """

    id: str
    maker: str
    model: str
    battery_kwh: float
    connectors: list[str]
    max_ac_kw: float
    max_dc_kw: float


@functools.cache
def models() -> dict[str, VehicleModel]:
    """Return every model by id, in the file's order."""
    found = msgspec.json.decode(_FILE.read_bytes(), type=list[VehicleModel])
    return {each.id: each for each in found}
