"""CALLs to one station, judged before they leave and answered in words every version shares."""

from collections.abc import Collection, Iterator, Sequence
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import TypeVar

from hub.ocpp.commands import Answer, InvalidCommand, NotSpoken
from hub.ocpp.dialects import Link
from hub.ocpp.errors import CallFault
from hub.ocpp.schemas import schemas_of
from hub.ocpp.words import JSONObject

T = TypeVar("T")


class Sender:
    """What commands of one version go out by.

    Args:
        told: the actions only a station sends.
    """

    def __init__(self, link: Link, version: str, told: Collection[str]) -> None:
        self.link = link
        self._schemas = schemas_of(version)
        self.version = version
        self._told = told

    async def ask(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> JSONObject:
        """Send a CALL and return the payload of its CALLRESULT.

        Raises:
            NotSpoken: the version has no such message, or only stations send it.
            InvalidCommand: the payload hurts the version's schema; nothing has been sent.
            ChargerOffline, CallTimeout, CallRefused: from the link.
        """
        self._judge(action, payload)
        return await self.link.call(action, payload, timeout=timeout)

    async def order(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> Answer:
        """Send a CALL and return what the station makes of it; an answer without a status is Accepted."""
        answer = await self.ask(action, payload, timeout=timeout)
        return Answer(status=answer.get("status", "Accepted"), payload=answer)

    def _judge(self, action: str, payload: JSONObject) -> None:
        if action not in self._schemas.actions or action in self._told:
            raise NotSpoken(f"OCPP {self.version} has no {action[:50]} for stations")
        try:
            self._schemas.judge_request(action, payload)
        except CallFault as fault:
            raise InvalidCommand(f"{action}: {fault.description}") from fault


def present(**fields: object) -> JSONObject:
    """Return the fields that say something: the standard knows no null."""
    return {name: value for name, value in fields.items() if value is not None}


def tenths(rate: Decimal) -> float:
    """Return a rate with the one decimal both versions allow, cut off: a limit is never sent higher than it is.

    Raises:
        InvalidCommand: it has more digits than can be told.
    """
    try:
        return float(rate.quantize(Decimal("0.1"), rounding=ROUND_FLOOR))
    except InvalidOperation as error:
        raise InvalidCommand(f"no station is told a rate of {rate:.3e}") from error


def slices(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Return the items by as many as one message may have."""
    return (items[start : start + most] for start in range(0, len(items), most))


def periods_of(periods: Sequence[JSONObject]) -> list[JSONObject]:
    """Return the ChargingSchedulePeriods of a composite schedule, which both versions write the same."""
    return [
        {"start": each["startPeriod"], "limit": each.get("limit"), "phases": each.get("numberPhases")}
        for each in periods
    ]
