"""Configuration keys of 1.6 as variables.

Source: OCPP 1.6 edition 2, Get Configuration, Change Configuration, GetConfigurationMaxKeys.
"""

from collections.abc import Sequence
from dataclasses import replace

from hub.ocpp.sending import Sender, slices
from hub.ocpp.words import JSONObject, Variable

#: ChangeConfiguration's word for a key the station does not know, as 2.0.1 says it.
_STATUSES = {"NotSupported": "UnknownVariable"}


class Settings16:
    """The configuration of one station; its limits are asked for once."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._limits: dict[str, int | None] = {}

    async def get(self, variables: Sequence[Variable]) -> list[Variable]:
        """Return variables in the order asked for; none named: all the station tells."""
        if not variables:
            answer = await self._sender.ask("GetConfiguration", {})
            return [_variable(each) for each in answer.get("configurationKey") or []]
        most = await self.limit("GetConfigurationMaxKeys") if len(variables) > 1 else None
        found: dict[str, Variable] = {}
        for part in slices(variables, most or len(variables)):
            answer = await self._sender.ask("GetConfiguration", {"key": [each.name for each in part]})
            found |= {each["key"].casefold(): _variable(each) for each in answer.get("configurationKey") or []}
        return [found.get(each.name.casefold()) or replace(each, status="UnknownVariable") for each in variables]

    async def set(self, variables: Sequence[Variable]) -> list[Variable]:
        """Set variables one by one, as 1.6 does, and return each with what became of it."""
        changed = []
        for each in variables:
            answer = await self._sender.order("ChangeConfiguration", {"key": each.name, "value": each.value or ""})
            changed.append(replace(each, status=_STATUSES.get(answer.status, answer.status)))
        return changed

    async def limit(self, key: str) -> int | None:
        """Return how much the station takes in one message; None: it does not say."""
        if key not in self._limits:
            told = await self.get([Variable(name=key)])
            value = (told[0].value or "").strip()
            self._limits[key] = int(value) if value.isascii() and value.isdecimal() and int(value) > 0 else None
        return self._limits[key]


def _variable(told: JSONObject) -> Variable:
    return Variable(name=told["key"], value=told.get("value"), readonly=told["readonly"])
