"""An operator that remembers what it was told, and stations that answer what a test says; the dialects are real."""

import copy
import dataclasses
import datetime
import functools
import json
from decimal import Decimal
from typing import Any

from jsonschema import Draft4Validator

from hub.ocpp.dialects import Call
from hub.ocpp.events import DataAnswer, Registration, TokenInfo, TransactionAnswer
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v21 import Dialect21
from hub.ocpp.v201 import Dialect201
from tests.ocpp.dialects.generated import schema_of

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
NOW_TEXT = "2026-01-01T12:00:00.000Z"
DIALECTS = {"1.6": Dialect16, "2.0.1": Dialect201, "2.1": Dialect21}


class RecordingOperator:
    """Remembers everything, and answers what it is set to answer."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.registration = Registration(status="Accepted", interval=300)
        self.token = TokenInfo(status="Accepted")
        self.answer = TransactionAnswer(transaction_id="7", token=TokenInfo(status="Accepted"))
        self.data = DataAnswer(status="Accepted")
        self.signs = True
        self.needs = "Processing"

    async def booted(self, event):
        self.events.append(event)
        return self.registration

    async def token_presented(self, event):
        self.events.append(event)
        return self.token

    async def transaction(self, event):
        self.events.append(event)
        return self.answer

    async def data_transferred(self, event):
        self.events.append(event)
        return self.data

    async def certificate_requested(self, station_id, csr, kind):
        self.events.append((station_id, csr, kind))
        return self.signs

    async def charging_needs(self, station_id, said):
        return self.needs

    async def charging_schedule(self, station_id, said):
        return self.signs

    async def told(self, event):
        self.events.append(event)


class PlayedLink:
    """A connection to a station that answers by action: a payload, an exception, or what a function makes of the CALL.

    The answers of tests are judged too: a test that plays an impossible station shows nothing.
    """

    station_id = "CS-1"

    def __init__(self, version: str, answers: dict[str, Any]) -> None:
        self.version = version
        self.answers = answers
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.timeouts: list[float | None] = []

    async def call(self, action, payload, *, timeout=None):
        self.sent.append((action, copy.deepcopy(payload)))
        self.timeouts.append(timeout)
        answer = self.answers[action] if action in self.answers else _obliging(self.version, action)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(payload)
        assert_valid(self.version, action, answer, response=True)
        return answer


def _obliging(version, action):
    """Return what a station answers that does as it is told."""
    if action == "UnlockConnector":
        return {"status": "Unlocked"}
    if action == "CostUpdated" or (action == "UpdateFirmware" and version == "1.6"):
        return {}
    return {"status": "Accepted"}


@dataclasses.dataclass
class Play:
    """One version between a recording operator and a played station."""

    version: str

    def __post_init__(self):
        self.operator = RecordingOperator()
        self.dialect = DIALECTS[self.version](self.operator, clock=lambda: NOW)

    async def says(self, action, payload, *, message_id="m1"):
        """Have the station send a CALL, valid by the standard, and return the answer, valid too."""
        assert_valid(self.version, action, payload)
        call = Call(station_id="CS-1", message_id=message_id, action=action, payload=payload, received_at=NOW)
        answer = await self.dialect.handlers[action](call)
        if action != "NotifyPeriodicEventStream":  # a SEND of 2.1, which nobody answers
            assert_valid(self.version, action, answer, response=True)
        return answer

    def told(self):
        """Return the one event the operator was told."""
        (event,) = self.operator.events
        return event

    def commands(self, **answers):
        """Return the commands of a station that answers so, and its link."""
        link = PlayedLink(self.version, answers)
        return self.dialect.commands(link), link


@functools.cache
def _validator(version, action, response):
    schema = schema_of(version, action, "Response" if response else None)
    return Draft4Validator(json.loads(json.dumps(schema), parse_float=Decimal))


def assert_valid(version, action, payload, *, response=False):
    """Judge by jsonschema, which the product does not use; with exact numbers, or 21.7 were no multiple of 0.1."""
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    _validator(version, action, response).validate(exact)
