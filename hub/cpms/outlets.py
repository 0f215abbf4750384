"""A Connector as its Location declares it, in the word of the port."""

from hub.cpms.ports import Outlet
from hub.ocpi.objects import JSONObject


def outlet_of(location: JSONObject, evse: JSONObject, connector: JSONObject) -> Outlet:
    """Return a Connector of an EVSE of a Location as an outlet."""
    return Outlet(
        location_id=location["id"],
        evse_uid=evse["uid"],
        connector_id=connector["id"],
        power=power_of(connector),
        status=evse["status"],
    )


def power_of(connector: JSONObject) -> float:
    """Return the most a Connector gives, in kW: as it says, else volts times amperes times phases."""
    watts = connector.get("max_electric_power")
    if not watts:
        phases = 3 if connector["power_type"] == "AC_3_PHASE" else 1
        watts = connector["max_voltage"] * connector["max_amperage"] * phases
    return float(watts) / 1000
