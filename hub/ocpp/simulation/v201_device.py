"""The device model of a station of OCPP 2.0.1: variables, reports, monitors, networks.

Source: OCPP 2.0.1 edition 3, part 1, 4; part 2, B05..B09, N02..N10.
"""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ocpp.v201 import call
from ocpp.v201 import call_result as result

from hub.ocpp.simulation.clock import timestamp
from hub.ocpp.simulation.configuration import Setting
from hub.ocpp.simulation.voice import JSON

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

_IN_ONE_MESSAGE = 10  # variables of a report
_SHORTEST_PASSWORD = 16  # characters (2.0.1, A01; passwordString)


class Device201:
    """What one station answers about itself."""

    def __init__(self, station: "Station") -> None:
        self._station = station
        self._monitors: dict[int, JSON] = {}
        self._ids = itertools.count(1)
        self._events = itertools.count(1)
        self.networks: dict[int, JSON] = {}

    def next_event(self) -> int:
        """Return an id for an event of this station."""
        return next(self._events)

    # -- variables ---------------------------------------------------------------------------------

    def on_get_variables(self, get_variable_data: list[JSON], **_: Any) -> Any:
        """Tell variables."""
        return result.GetVariables(get_variable_result=[self._got(each) for each in get_variable_data])

    def _got(self, asked: JSON) -> JSON:
        setting, status = self._find(asked)
        if setting is not None and setting.secret:
            status = "Rejected"
        value = {"attribute_value": setting.value} if setting is not None and status == "Accepted" else {}
        return _named(asked) | {"attribute_status": status} | value

    def on_set_variables(self, set_variable_data: list[JSON], **_: Any) -> Any:
        """Change variables."""
        return result.SetVariables(
            set_variable_result=[_named(each) | {"attribute_status": self._set(each)} for each in set_variable_data]
        )

    def _set(self, asked: JSON) -> str:
        setting, status = self._find(asked)
        value = asked["attribute_value"]
        if setting is None or status != "Accepted":
            return status
        if setting.readonly or not setting.fits(value):
            return "Rejected"
        if setting.secret:
            if len(value) < _SHORTEST_PASSWORD:
                return "Rejected"
            self._station.new_password(value)
            return "Accepted"
        setting.value = value
        return "RebootRequired" if setting.reboot else "Accepted"

    def _find(self, asked: JSON) -> tuple[Setting | None, str]:
        component, variable = asked["component"]["name"], asked["variable"]["name"]
        configuration = self._station.configuration
        if asked.get("attribute_type", "Actual") != "Actual":
            return None, "NotSupportedAttributeType"
        found = configuration.variable(component, variable)
        if found is not None:
            return found, "Accepted"
        return None, "UnknownVariable" if configuration.has_component(component) else "UnknownComponent"

    # -- reports -----------------------------------------------------------------------------------

    def on_get_base_report(self, request_id: int, report_base: str, **_: Any) -> Any:
        """Report the configuration, or everything."""
        everything = list(self._variables(physical=report_base != "ConfigurationInventory"))
        if report_base == "SummaryInventory":
            everything = [each for each in everything if each["variable"]["name"] in ("AvailabilityState", "Problem")]
        self._report(request_id, everything)
        return result.GetBaseReport(status="Accepted")

    def on_get_report(self, request_id: int, component_variable: list[JSON] | None = None, **_: Any) -> Any:
        """Report what is asked for."""
        wanted = component_variable or []
        found = [
            each for each in self._variables(physical=True) if not wanted or any(_matches(each, one) for one in wanted)
        ]
        if not found:
            return result.GetReport(status="EmptyResultSet")
        self._report(request_id, found)
        return result.GetReport(status="Accepted")

    def _report(self, request_id: int, variables: list[JSON]) -> None:
        def message(number: int, part: list[JSON], more: bool) -> Any:
            return call.NotifyReport(
                request_id=request_id, generated_at=self._at(), seq_no=number, report_data=part, tbc=more
            )

        self._in_parts(variables, message)

    def _variables(self, *, physical: bool) -> Iterator[JSON]:
        for each in self._station.configuration.settings:
            if each.component:
                yield _reported(each)
        if not physical:
            return
        for connector in self._station.connectors:
            evse = {"id": connector.evse_id}
            state = connector.status_told_as("2.0.1")
            yield _fact({"name": "EVSE", "evse": evse}, "AvailabilityState", state, "OptionList")
            yield _fact({"name": "EVSE", "evse": evse}, "Power", f"{connector.power:.1f}", "decimal")
            of_connector = {"name": "Connector", "evse": evse | {"connector_id": 1}}
            yield _fact(of_connector, "ConnectorType", "cType2", "string")
            yield _fact(of_connector, "Problem", str(connector.error_code != "NoError").lower(), "boolean")

    def _in_parts(self, items: list[JSON], message: Callable[[int, list[JSON], bool], Any]) -> None:
        """Send a long list in messages of ten, after the answer."""
        parts = list(_parts(items)) or [[]]

        async def send() -> None:
            for number, part in enumerate(parts):
                request = message(number, part, number + 1 < len(parts))
                self._station.notice(partial(self._station.link.call, request))

        self._station.follow(send())

    def _at(self) -> str:
        return timestamp(self._station.now())

    # -- monitors ----------------------------------------------------------------------------------

    def on_set_variable_monitoring(self, set_monitoring_data: list[JSON], **_: Any) -> Any:
        """Set monitors; one that is there already keeps its id."""
        return result.SetVariableMonitoring(set_monitoring_result=[self._monitor(each) for each in set_monitoring_data])

    def _monitor(self, asked: JSON) -> JSON:
        told = {name: asked[name] for name in ("type", "component", "variable", "severity")}
        _, status = self._find(asked)
        if status != "Accepted" and asked["component"]["name"] not in ("EVSE", "Connector", "ChargingStation"):
            return told | {"status": status}
        number = asked.get("id") or next(self._ids)
        self._monitors[number] = asked | {"id": number}
        return told | {"status": "Accepted", "id": number}

    def on_clear_variable_monitoring(self, id: list[int], **_: Any) -> Any:  # noqa: A002 -- OCPP's word
        """Remove monitors."""
        return result.ClearVariableMonitoring(
            clear_monitoring_result=[
                {"id": each, "status": "Accepted" if self._monitors.pop(each, None) else "NotFound"} for each in id
            ]
        )

    def on_set_monitoring_base(self, monitoring_base: str, **_: Any) -> Any:
        """Go back to no monitors of an operator's own."""
        if monitoring_base != "All":
            self._monitors.clear()
        return result.SetMonitoringBase(status="Accepted")

    def on_set_monitoring_level(self, severity: int, **_: Any) -> Any:
        """Take a level of 0 to 9."""
        return result.SetMonitoringLevel(status="Accepted" if 0 <= severity <= 9 else "Rejected")

    def on_get_monitoring_report(self, request_id: int, **_: Any) -> Any:
        """Report the monitors."""
        monitors = [
            {
                "component": each["component"],
                "variable": each["variable"],
                "variable_monitoring": [
                    {name: each[name] for name in ("id", "value", "type", "severity")}
                    | {"transaction": each.get("transaction", False)}
                ],
            }
            for each in self._monitors.values()
        ]
        if not monitors:
            return result.GetMonitoringReport(status="EmptyResultSet")

        def message(number: int, part: list[JSON], more: bool) -> Any:
            return call.NotifyMonitoringReport(
                request_id=request_id, seq_no=number, generated_at=self._at(), monitor=part, tbc=more
            )

        self._in_parts(monitors, message)
        return result.GetMonitoringReport(status="Accepted")

    # -- networks and customers --------------------------------------------------------------------

    def on_set_network_profile(self, configuration_slot: int, connection_data: JSON, **_: Any) -> Any:
        """Keep another central system's address; a lower security profile is refused (B09.FR.04)."""
        lower = connection_data["security_profile"] < self._station.configuration.number("SecurityProfile")
        if lower or connection_data["ocpp_transport"] != "JSON":
            return result.SetNetworkProfile(status="Rejected")
        self.networks[configuration_slot] = connection_data
        return result.SetNetworkProfile(status="Accepted")

    def on_customer_information(
        self, request_id: int, report: bool, clear: bool, id_token: JSON = None, **_: Any
    ) -> Any:
        """Tell, or forget, what the station knows of a customer."""
        token = (id_token or {}).get("id_token", "").lower()
        known = self._station.tokens.cached.get(token)
        if clear:
            self._station.tokens.cached.pop(token, None)
        if report:
            data = f"cached: {known.status}" if known is not None else ""
            request = call.NotifyCustomerInformation(
                data=data, seq_no=0, generated_at=self._at(), request_id=request_id, tbc=False
            )

            async def send() -> None:
                self._station.notice(lambda: self._station.link.call(request))

            self._station.follow(send())
        return result.CustomerInformation(status="Accepted")


def _named(asked: JSON) -> JSON:
    told = {"component": asked["component"], "variable": asked["variable"]}
    return told | ({"attribute_type": asked["attribute_type"]} if "attribute_type" in asked else {})


def _matches(variable: JSON, wanted: JSON) -> bool:
    component = variable["component"]["name"].lower() == wanted["component"]["name"].lower()
    name = wanted.get("variable", {}).get("name")
    return component and name in (None, variable["variable"]["name"])


def _reported(setting: Setting) -> JSON:
    mutability = "ReadOnly" if setting.readonly else "WriteOnly" if setting.secret else "ReadWrite"
    attribute = {"type": "Actual", "mutability": mutability} | ({} if setting.secret else {"value": setting.value})
    return {
        "component": {"name": setting.component},
        "variable": {"name": setting.variable},
        "variable_attribute": [attribute],
        "variable_characteristics": {"data_type": setting.kind, "supports_monitoring": False},
    }


def _fact(component: JSON, name: str, value: str, kind: str) -> JSON:
    return {
        "component": component,
        "variable": {"name": name},
        "variable_attribute": [{"type": "Actual", "value": value, "mutability": "ReadOnly"}],
        "variable_characteristics": {"data_type": kind, "supports_monitoring": True},
    }


def _parts(items: list[JSON]) -> Iterator[list[JSON]]:
    for start in range(0, len(items), _IN_ONE_MESSAGE):
        yield items[start : start + _IN_ONE_MESSAGE]
