"""Reports that come in several messages, put together for whoever asked for them.

A request names a ``requestId``; the station answers that it will report, and then sends messages of its own with
that number, the last of them without ``tbc`` (to be continued). Nothing here is kept over a restart: each message
is told to the operator as it comes, too.

Source: OCPP 2.0.1 part 2, B07 and B08 (Get Base Report, Get Custom Report), K09 (Get Charging Profiles), N02 (Get
Monitoring Report), N09 (Get Customer Information), O03 and O04 (Get Display Messages).
"""

import asyncio
import itertools
import secrets
from collections.abc import Mapping

from hub.ocpp.commands import CallRefused, CallTimeout, NotSpoken
from hub.ocpp.dialects import Call
from hub.ocpp.sending import Sender
from hub.ocpp.words import JSONObject

#: Request -> what its answer comes in.
REPORTS = {
    "CustomerInformation": "NotifyCustomerInformation",
    "GetBaseReport": "NotifyReport",
    "GetChargingProfiles": "ReportChargingProfiles",
    "GetDisplayMessages": "NotifyDisplayMessages",
    "GetMonitoringReport": "NotifyMonitoringReport",
    "GetReport": "NotifyReport",
}

#: Messages one report may have, or a station that never ends would fill the memory; it is waited for no longer.
MOST_PARTS = 10_000

#: What a station answers that has nothing to report, and so will not.
_NOTHING = ("EmptyResultSet", "NoProfiles", "Unknown")


class _Parts:
    """The messages of one report so far."""

    def __init__(self) -> None:
        self.messages: list[JSONObject] = []
        self.arrived = asyncio.Event()
        self.ended = False
        self._numbers: set[int] = set()
        self._last: int | None = None

    def add(self, message: JSONObject) -> None:
        """Take a message once; a station repeats what it got no answer for."""
        number = message.get("seqNo")
        repeated = number in self._numbers if number is not None else message in self.messages[-1:]
        if repeated or self.ended or len(self.messages) == MOST_PARTS:
            return
        if number is not None:
            self._numbers.add(number)
        self.messages.append(message)
        if not message.get("tbc"):
            self._last = len(self.messages) - 1 if number is None else number
        # Whether the last message is here, and all before it.
        self.ended = self._last is not None and len(self.messages) == self._last + 1
        self.arrived.set()

    def in_order(self) -> list[JSONObject]:
        """Return the messages as the station counted them."""
        return sorted(self.messages, key=lambda message: message.get("seqNo", 0))


class Collector:
    """The reports being waited for, of all stations of a dialect.

    Args:
        reports: request -> the message its answer comes in.
    """

    def __init__(self, reports: Mapping[str, str]) -> None:
        self._reports = reports
        self._waiting: dict[tuple[str, str, int], _Parts] = {}
        # Not from 1: a report asked for before a restart may still be coming.
        self._numbers = itertools.count(secrets.randbelow(2**30))

    def take(self, call: Call) -> None:
        """Add a message to its report, if anybody waits for it."""
        parts = self._waiting.get((call.station_id, call.action, call.payload.get("requestId", -1)))
        if parts is not None:
            parts.add(call.payload)

    async def collect(self, sender: Sender, action: str, payload: JSONObject, *, timeout: float) -> list[JSONObject]:
        """Ask for a report and return its messages once all are here.

        Raises:
            NotSpoken: the action is not answered by a report.
            CallRefused: the station will not report; the code is its answer's status.
            CallTimeout: the next message did not come in time.
        """
        if action not in self._reports:
            raise NotSpoken(f"{action[:50]} is not answered by reports")
        number = next(self._numbers) % 2**31
        key = (sender.link.station_id, self._reports[action], number)
        parts = self._waiting[key] = _Parts()
        try:
            answer = await sender.order(action, {**payload, "requestId": number})
            if answer.status in _NOTHING:
                return []
            if answer.status != "Accepted":
                raise CallRefused(answer.status, f"{action} was not accepted", answer.payload)
            return await _all(parts, timeout)
        finally:
            del self._waiting[key]


async def _all(parts: _Parts, timeout: float) -> list[JSONObject]:
    """Return the messages once the last is here, each no later than ``timeout`` seconds after the one before."""
    while not parts.ended:
        parts.arrived.clear()
        try:
            async with asyncio.timeout(timeout):
                await parts.arrived.wait()
        except TimeoutError as error:
            raise CallTimeout(f"a report ended after {len(parts.messages)} messages") from error
    return parts.in_order()
