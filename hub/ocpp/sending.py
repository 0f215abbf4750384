"""CALLs to one station, judged before they leave and answered in words every version shares."""

from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import ROUND_FLOOR, Decimal
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

    async def local_list(
        self,
        message: Callable[[int, Sequence[JSONObject], str], JSONObject],
        entries: Sequence[JSONObject],
        *,
        version: int,
        full: bool,
        most: int | None,
    ) -> Answer:
        """Send a local list in as many messages as it takes, each with a version of its own, the last with ``version``.

        A station refuses a change whose version is not above its list's (VersionMismatch). That the last one has the
        version asked for shows an operator who compares whether all of them arrived.

        Args:
            message: makes a SendLocalList of a version, entries, and Full or Differential.
            most: entries a message may have; None: any number.
        """
        parts = list(slices(entries, most or len(entries) or 1)) or [entries]
        first = version - len(parts) + 1
        if first < 1:
            raise InvalidCommand(f"SendLocalList: {len(parts)} messages take as many versions; {version} is too low")
        for number, part in enumerate(parts, first):
            kind = "Full" if full and number == first else "Differential"
            answer = await self.order("SendLocalList", message(number, part, kind))
            if answer.status != "Accepted":
                break
        return answer

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
    """Return a rate with the one decimal both versions allow, cut off: a limit is never sent higher than it is."""
    return float(rate.quantize(Decimal("0.1"), rounding=ROUND_FLOOR))


def slices(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Return the items by as many as one message may have."""
    return (items[start : start + most] for start in range(0, len(items), most))


def periods_of(periods: Sequence[JSONObject]) -> list[JSONObject]:
    """Return the ChargingSchedulePeriods of a composite schedule, which both versions write the same."""
    return [
        {"start": each["startPeriod"], "limit": each.get("limit"), "phases": each.get("numberPhases")}
        for each in periods
    ]
