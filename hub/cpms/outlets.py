"""A Connector as its Location declares it, in the word of the port."""

from hub.cpms.ports import Outlet
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child


def outlet_of(location: JSONObject, evse: JSONObject, connector: JSONObject) -> Outlet:
    """Return a Connector of an EVSE of a Location as an outlet."""
    return Outlet(
        location_id=location["id"],
        evse_uid=evse["uid"],
        connector_id=connector["id"],
        power=power_of(connector),
        status=evse["status"],
    )


def outlet_in(location: JSONObject | None, evse_uid: str, connector_id: str | None = None) -> Outlet | None:
    """Return an outlet of a Location, without a connector_id the EVSE's first; None: it has no such."""
    evse = child(location, "evses", evse_uid)
    connectors = (evse or {}).get("connectors") or []
    connector = child(evse, "connectors", connector_id) if connector_id is not None else next(iter(connectors), None)
    if location is None or evse is None or connector is None:
        return None
    return outlet_of(location, evse, connector)


def power_of(connector: JSONObject) -> float:
    """Return the most a Connector gives, in kW: as it says, else volts times amperes times phases."""
    watts = connector.get("max_electric_power")
    if not watts:
        phases = 3 if connector["power_type"] == "AC_3_PHASE" else 1
        watts = connector["max_voltage"] * connector["max_amperage"] * phases
    return float(watts) / 1000
