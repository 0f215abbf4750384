"""The seam between the sockets and the OCPP versions.

``central_system.py`` owns sockets, frames, order and timeouts, and knows no message; a dialect is
one OCPP version and knows no socket.
"""

import datetime
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.ocpp.events import Commands, JSONObject


@dataclass(frozen=True, kw_only=True)
class Call:
    """A CALL of a station, its payload judged by the version's schema."""

    station_id: str
    message_id: str
    action: str
    payload: JSONObject
    received_at: datetime.datetime


#: Answers a CALL with the payload of its CALLRESULT. ``errors.CallFault`` becomes a CALLERROR.
Handler = Callable[[Call], Awaitable[JSONObject]]


class Link(Protocol):
    """One connected station, as a dialect sends to it."""

    station_id: str

    async def call(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> JSONObject:
        """Send a CALL and return the payload of its CALLRESULT; one at a time is under way per station.

        Args:
            timeout: in seconds, from when it is sent; None: the message's own.

        Raises:
            ChargerOffline, CallTimeout, CallRefused: from ``hub.ocpp.events``.
        """
        ...


class Dialect(Protocol):
    """One OCPP version.

    Attributes:
        version: 1.6, 2.0.1 or 2.1.
        subprotocol: as the handshake names it, such as ocpp1.6.
    """

    version: str
    subprotocol: str

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What answers each action a station may send."""
        ...

    def commands(self, link: Link) -> Commands:
        """Return what a station of this version can be told."""
        ...
