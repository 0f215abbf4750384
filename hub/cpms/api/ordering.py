"""Orders to stations: what a station answers, and the problem when it does not."""

import contextlib
import datetime
import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from hub.api.declaring import Call
from hub.api.problems import Fault, Invalid, Problem
from hub.api.shapes import Shape
from hub.cpms.api.problems import ActionNotSpoken, StationOffline, StationRefused, StationTimeout
from hub.ocpi.objects import JSONObject
from hub.ocpp.commands import (
    Answer,
    CallRefused,
    CallTimeout,
    ChargerOffline,
    InvalidCommand,
    NotSpoken,
)
from hub.ocpp.words import EVSE

#: What every order to a station may be answered with.
TROUBLE = (StationOffline, StationTimeout, StationRefused, ActionNotSpoken)

_PATH = re.compile(r"\w+: (\$[^:]*): (.*)", re.DOTALL)

#: A number OCPP can carry.
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Text50 = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
Text255 = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
URL = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class Place(Shape, frozen=True, kw_only=True):
    """Where at the station.

    Attributes:
        evse_id: from 1; 0 is the whole station. Connector n of OCPP 1.6 is EVSE n.
        connector_id: from 1 within the EVSE; 0: whichever.
    """

    evse_id: Number
    connector_id: Number = 0

    def at(self, station_id: str) -> EVSE:
        """Return the place as commands name it."""
        return EVSE(station_id=station_id, evse_id=self.evse_id, connector_id=self.connector_id)


class StationAnswer(Shape, frozen=True, kw_only=True):
    """What a station makes of an order.

    Attributes:
        status: its version's own word.
        accepted: whether it does, or will do, as told.
        payload: the whole answer.
    """

    status: str
    accepted: bool
    payload: JSONObject


@contextlib.contextmanager
def station_problems() -> Iterator[None]:
    """Say why there is no answer as a problem.

    Raises:
        StationOffline, StationTimeout, StationRefused, ActionNotSpoken, Invalid: there is none.
    """
    try:
        yield
    except ChargerOffline as error:
        raise StationOffline from error
    except CallTimeout as error:
        raise StationTimeout from error
    except NotSpoken as error:
        raise ActionNotSpoken(str(error)) from error
    except InvalidCommand as error:
        raise _invalid(error) from error
    except CallRefused as error:
        raise _refused(error) from error


def _invalid(error: InvalidCommand) -> Invalid:
    """Return what the version's schema says of a payload, with the path in it where it names one."""
    found = _PATH.match(str(error))
    path, rule = (found[1], found[2]) if found else ("$", str(error))
    return Invalid(str(error), faults=[Fault(path, rule)])


def _refused(error: CallRefused) -> Problem:
    said = f"{error.code}: {error.description}" if error.description else error.code
    return StationRefused(said, code=error.code, description=error.description, details=error.details)


def told(call: Call, asked: Any, answer: Answer) -> StationAnswer:
    """Return an answer, with the order and what became of it noted for the audit log."""
    call.trail.note(after={"asked": asked, "status": answer.status})
    return StationAnswer(status=answer.status, accepted=answer.accepted, payload=answer.payload)


def in_utc(at: datetime.datetime) -> datetime.datetime:
    """Return a moment in UTC."""
    return at.astimezone(datetime.UTC)
