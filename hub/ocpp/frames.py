"""The frames of OCPP-J: what is read from one, and how one is made.

Source: OCPP-J 1.6, 4.2; OCPP 2.0.1 part 4, 4.2; OCPP 2.1 part 4, 4.2 (CALLRESULTERROR and SEND).
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.ocpp.errors import (
    CallFault,
    FormatViolation,
    MessageTypeNotSupported,
    PropertyConstraintViolation,
    RpcFrameworkError,
)
from hub.ocpp.events import JSONObject

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6

#: The message id of a CALLERROR about a frame whose own id cannot be read (2.0.1 part 4, 4.2.3). 1.6 leaves it open.
UNREAD = "-1"

_DESCRIPTION = 255  # characters a CALLERROR's description may have
_ID = 255  # characters of a message id: more than the 36 of the standard, for we only echo it


@dataclass(frozen=True, slots=True)
class CallFrame:
    """A CALL, or with ``unconfirmed`` a SEND of 2.1, which nobody answers."""

    message_id: str
    action: str
    payload: JSONObject
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class ResultFrame:
    """A CALLRESULT."""

    message_id: str
    payload: JSONObject


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """A CALLERROR, or with ``of_result`` a CALLRESULTERROR: the station could not use our CALLRESULT."""

    message_id: str
    code: str
    description: str
    details: JSONObject
    of_result: bool = False


Frame = CallFrame | ResultFrame | ErrorFrame


class Malformed(Exception):
    """A frame that is none.

    Attributes:
        message_id: its own, or "-1".
        fault: what it is answered with; None: it is an answer itself, and answers are not answered.
    """

    def __init__(self, message_id: str, fault: CallFault | None, reason: str = "") -> None:
        super().__init__(fault.description if fault is not None else reason)
        self.message_id = message_id
        self.fault = fault


#: The character NUL in a text, which PostgreSQL does not keep; behind an escaped backslash it is none.
_nul = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def parse(data: bytes, version: str) -> Frame:
    """Return what a frame says.

    Raises:
        Malformed: it is no frame of the version.
    """
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(UNREAD, RpcFrameworkError(f"not JSON: {error}")) from error
    if not isinstance(value, list) or not value:
        raise Malformed(UNREAD, RpcFrameworkError("a message is a JSON array that begins with its type number"))
    kind = value[0]
    if type(kind) is not int:
        raise Malformed(_id_of(value), RpcFrameworkError("$[0]: the message type number is no integer"))
    message_id = _id_of(value)
    if b"u0000" in data and _nul(data):
        fault = PropertyConstraintViolation("a text holds the character NUL") if kind == CALL else None
        raise Malformed(message_id, fault, "a text holds the character NUL")
    if kind == CALL or (kind == SEND and version == "2.1"):
        return _call(message_id, value, unconfirmed=kind == SEND)
    if kind == CALLRESULT:
        return _result(message_id, value)
    if kind == CALLERROR or (kind == CALLRESULTERROR and version == "2.1"):
        return _error(message_id, value, of_result=kind == CALLRESULTERROR)
    raise Malformed(message_id, MessageTypeNotSupported(f"$[0]: OCPP {version} has no message type {kind}"))


def _id_of(value: list[Any]) -> str:
    if len(value) > 1 and isinstance(value[1], str) and 0 < len(value[1]) <= _ID:
        return value[1]
    return UNREAD


def _call(message_id: str, value: list[Any], *, unconfirmed: bool) -> CallFrame:
    if message_id == UNREAD:
        raise _refused(message_id, RpcFrameworkError("$[1]: the message id is no string"), unconfirmed)
    if len(value) != 4:
        fault = RpcFrameworkError(f"a CALL has four elements: type, id, action, payload; this one has {len(value)}")
        raise _refused(message_id, fault, unconfirmed)
    _, _, action, payload = value
    if not isinstance(action, str):
        raise _refused(message_id, RpcFrameworkError("$[2]: the action is no string"), unconfirmed)
    if not isinstance(payload, dict):
        raise _refused(message_id, FormatViolation("$[3]: the payload is no object"), unconfirmed)
    return CallFrame(message_id, action, payload, unconfirmed)


def _refused(message_id: str, fault: CallFault, unconfirmed: bool) -> Malformed:
    # Nobody waits for an answer to a SEND.
    return Malformed(message_id, None if unconfirmed else fault, fault.description)


def _result(message_id: str, value: list[Any]) -> ResultFrame:
    if message_id == UNREAD or len(value) != 3 or not isinstance(value[2], dict):
        raise Malformed(message_id, None, "no CALLRESULT: type, id and payload are expected")
    return ResultFrame(message_id, value[2])


def _error(message_id: str, value: list[Any], *, of_result: bool) -> ErrorFrame:
    """Read a CALLERROR; one without details, or with other details than an object, is taken as it is meant."""
    texts = value[2:4]
    if not 4 <= len(value) <= 5 or not all(isinstance(each, str) for each in texts):
        raise Malformed(message_id, None, "no CALLERROR: type, id, code, description and details are expected")
    details = value[4] if len(value) == 5 and isinstance(value[4], dict) else {}
    return ErrorFrame(message_id, value[2], value[3], details, of_result)


def call(message_id: str, action: str, payload: JSONObject) -> bytes:
    """Return a CALL."""
    return _encode((CALL, message_id, action, payload))


def result(message_id: str, payload: JSONObject) -> bytes:
    """Return a CALLRESULT."""
    return _encode((CALLRESULT, message_id, payload))


def error(message_id: str, fault: CallFault, version: str) -> bytes:
    """Return a CALLERROR in the words of the version."""
    return _encode((CALLERROR, message_id, fault.code_in(version), fault.description[:_DESCRIPTION], fault.details))


def result_error(message_id: str, fault: CallFault) -> bytes:
    """Return a CALLRESULTERROR: an answer of the station could not be used. Only 2.1 has it."""
    return _encode((CALLRESULTERROR, message_id, fault.code, fault.description[:_DESCRIPTION], fault.details))
