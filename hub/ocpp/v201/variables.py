"""The device model of 2.0.1 as variables.

Source: OCPP 2.0.1 part 2, B05 to B07 (Set Variables, Get Variables, Get Base Report), ReportDataType,
DeviceDataCtrlr.ItemsPerMessage, LocalAuthListCtrlr.ItemsPerMessage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hub.ocpp.sending import Sender, present, slices
from hub.ocpp.v201.reports import Collector
from hub.ocpp.words import JSONObject, Variable

#: What of the device model says how many items a message may have.
_LIMITS = {
    "GetVariables": Variable(component="DeviceDataCtrlr", name="ItemsPerMessage", instance="GetVariables"),
    "SetVariables": Variable(component="DeviceDataCtrlr", name="ItemsPerMessage", instance="SetVariables"),
    "SendLocalList": Variable(component="LocalAuthListCtrlr", name="ItemsPerMessage"),
}


class Variables201:
    """The device model of one station; its limits are asked for once."""

    def __init__(self, sender: Sender, collector: Collector) -> None:
        self._sender = sender
        self._collector = collector
        self._limits: dict[str, int | None] = {}

    async def get(self, variables: Sequence[Variable]) -> list[Variable]:
        """Return variables in the order asked for; none named: the station's full inventory."""
        if not variables:
            return await self._inventory()
        most = await self.limit("GetVariables") if len(variables) > 1 else None
        found = []
        for part in slices(variables, most or len(variables)):
            found += await self._get(part)
        return found

    async def set(self, variables: Sequence[Variable]) -> list[Variable]:
        """Set variables and return each with what became of it."""
        most = await self.limit("SetVariables") if len(variables) > 1 else None
        changed: list[Variable] = []
        for part in slices(variables, most or len(variables) or 1):
            data = [{**_named(each), "attributeValue": each.value or ""} for each in part]
            answer = await self._sender.ask("SetVariables", {"setVariableData": data})
            told = {_key(each): each["attributeStatus"] for each in answer["setVariableResult"]}
            changed += [replace(each, status=told.get(_key(_named(each)), "Rejected")) for each in part]
        return changed

    async def limit(self, action: str) -> int | None:
        """Return how many items the station takes in one message; None: it does not say."""
        if action not in self._limits:
            told = await self._get([_LIMITS[action]])
            value = (told[0].value or "").strip()
            self._limits[action] = int(value) if value.isascii() and value.isdecimal() and int(value) > 0 else None
        return self._limits[action]

    async def _get(self, variables: Sequence[Variable]) -> list[Variable]:
        answer = await self._sender.ask("GetVariables", {"getVariableData": [_named(each) for each in variables]})
        told = {_key(each): each for each in answer["getVariableResult"]}
        return [_answered(each, told.get(_key(_named(each)))) for each in variables]

    async def _inventory(self) -> list[Variable]:
        reports = await self._collector.collect(
            self._sender, "GetBaseReport", {"reportBase": "FullInventory"}, timeout=60
        )
        return [variable for report in reports for variable in variables_of(report)]


def variables_of(report: JSONObject) -> Iterator[Variable]:
    """Return the variables a NotifyReport tells, one for each of their attributes."""
    for data in report.get("reportData") or []:
        place = data["component"].get("evse") or {}
        for attribute in data["variableAttribute"]:
            yield Variable(
                name=data["variable"]["name"],
                value=attribute.get("value"),
                component=data["component"]["name"],
                instance=data["variable"].get("instance"),
                component_instance=data["component"].get("instance"),
                evse_id=place.get("id"),
                connector_id=place.get("connectorId"),
                attribute=attribute.get("type", "Actual"),
                readonly=attribute.get("mutability") == "ReadOnly",
            )


def _named(variable: Variable) -> JSONObject:
    """Return which variable it is, as GetVariableDataType names it."""
    place = present(id=variable.evse_id, connectorId=variable.connector_id) or None
    return {
        "component": present(name=variable.component, instance=variable.component_instance, evse=place),
        "variable": present(name=variable.name, instance=variable.instance),
        "attributeType": variable.attribute,
    }


def _key(named: JSONObject) -> tuple[object, ...]:
    """Return what makes a variable of an answer the one asked for; names are the same in any case."""
    component, variable = named["component"], named["variable"]
    place = component.get("evse") or {}
    texts = (component["name"], component.get("instance") or "", variable["name"], variable.get("instance") or "")
    return (
        *(text.casefold() for text in texts), place.get("id"), place.get("connectorId"),
        named.get("attributeType", "Actual"),
    )  # fmt: skip


def _answered(asked: Variable, told: JSONObject | None) -> Variable:
    if told is None:
        return replace(asked, value=None, status="Rejected")
    return replace(asked, value=told.get("attributeValue"), status=told["attributeStatus"])
