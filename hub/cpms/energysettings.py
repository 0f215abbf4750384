"""What the cars of a station may draw, as it is set: by its own connection, by its site's, and each by its share.

Source: REQUIREMENTS DD-C-ISS, RASD-F16 (internal status: current energy settings).
"""

from dataclasses import dataclass

from hub.cpms.charging.sharing import Sharing
from hub.cpms.charging.sites import SitePower


@dataclass(frozen=True, kw_only=True)
class EvseSettings:
    """What one EVSE goes by.

    Attributes:
        may_draw: the most its car may draw by what the station was last told, in mA per phase.
        rated: the most its outlet gives, in mA per phase.
    """

    evse_id: int
    may_draw: int
    rated: int


@dataclass(frozen=True, kw_only=True)
class EnergySettings:
    """What a station goes by.

    Attributes:
        max_power: what its own grid connection gives, in kW, as its operator says.
        site: what its site may draw; None: it is not limited.
    """

    max_power: float | None
    site: SitePower | None = None
    evses: list[EvseSettings]


async def energy_settings(
    sharing: Sharing | None, station_id: str, location_id: str | None, max_power: float | None
) -> EnergySettings:
    """Return what a station at a Location goes by; without sharing, or a place, it is what its operator says alone."""
    if sharing is None or location_id is None:
        return EnergySettings(max_power=max_power, evses=[])
    drawn = [each for each in await sharing.draws(location_id) if each.evse.evse.station_id == station_id]
    return EnergySettings(
        max_power=max_power,
        site=await sharing.powers.get(location_id),
        evses=[
            EvseSettings(evse_id=each.evse.evse.evse_id, may_draw=each.most, rated=each.evse.rated) for each in drawn
        ],
    )
