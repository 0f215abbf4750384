"""Orders to charge points: taken at once, answered later at the asker's ``response_url``.

Source: OCPI 2.3.0, mod_commands.asciidoc.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.modules.common import DisplayText
from hub.ocpi.modules.tokens import Token
from hub.ocpi.objects import URL, CiString36, DateTime, JSONObject, OpenEnum
from hub.ocpi.schema import rule

CommandResponseType = Literal["NOT_SUPPORTED", "REJECTED", "ACCEPTED", "UNKNOWN_SESSION"]

CommandResultType = Literal[
    "ACCEPTED",
    "CANCELED_RESERVATION",
    "EVSE_OCCUPIED",
    "EVSE_INOPERATIVE",
    "FAILED",
    "NOT_SUPPORTED",
    "REJECTED",
    "TIMEOUT",
    "UNKNOWN_RESERVATION",
]

CommandType = Annotated[
    str, OpenEnum("CANCEL_RESERVATION", "RESERVE_NOW", "START_SESSION", "STOP_SESSION", "UNLOCK_CONNECTOR")
]


class CancelReservation(TypedDict):
    """Give up a reservation."""

    response_url: URL
    reservation_id: CiString36


class CommandResponse(TypedDict):
    """Whether the CPO takes the order, and how long its result may take, in seconds."""

    result: CommandResponseType
    timeout: int
    message: NotRequired[list[DisplayText] | None]


class CommandResult(TypedDict):
    """What became of the order at the charge point."""

    result: CommandResultType
    message: NotRequired[list[DisplayText] | None]


class ReserveNow(TypedDict):
    """Keep an EVSE for a Token from now until ``expiry_date`` (UTC)."""

    response_url: URL
    token: Token
    expiry_date: DateTime
    reservation_id: CiString36
    location_id: CiString36
    evse_uid: NotRequired[CiString36 | None]
    authorization_reference: NotRequired[CiString36 | None]


class StartSession(TypedDict):
    """Let a Token charge, which its eMSP has authorized already."""

    response_url: URL
    token: Token
    location_id: CiString36
    evse_uid: NotRequired[CiString36 | None]
    connector_id: NotRequired[CiString36 | None]
    authorization_reference: NotRequired[CiString36 | None]


class StopSession(TypedDict):
    """End a session."""

    response_url: URL
    session_id: CiString36


class UnlockConnector(TypedDict):
    """Release the cable; for help desks only."""

    response_url: URL
    location_id: CiString36
    evse_uid: CiString36
    connector_id: CiString36


@rule(StartSession)
def connector_needs_evse(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A Connector is only named together with its EVSE."""
    if value.get("connector_id") and not value.get("evse_uid") and not partial:
        yield f"{path}.evse_uid: required when connector_id is set"


module = Module("commands", owner=None)

# The text leaves this URL to whoever gives it as response_url; this is the one lent or given here.
post_result = module.sender.post("/{command}/{uid}", CommandResult, result=True)

cancel_reservation = module.receiver.post(
    "/CANCEL_RESERVATION", CancelReservation, CommandResponse, response_url="body"
)
reserve_now = module.receiver.post("/RESERVE_NOW", ReserveNow, CommandResponse, response_url="body")
start_session = module.receiver.post("/START_SESSION", StartSession, CommandResponse, response_url="body")
stop_session = module.receiver.post("/STOP_SESSION", StopSession, CommandResponse, response_url="body")
unlock_connector = module.receiver.post("/UNLOCK_CONNECTOR", UnlockConnector, CommandResponse, response_url="body")
