"""The waiting room: what is answered to a station nobody has let in yet.

Its boot is Pending, so it stays connected, tries again now and then, and can be looked at; nothing else is done for it.

Source: OCPP 1.6, 4.2 (Pending); OCPP 2.0.1 part 2, B02 (Pending) and B02.FR.09 (SecurityError).
"""

from collections.abc import Iterable

from hub.ocpp.boots import BOOT
from hub.ocpp.dialects import Call, Handler
from hub.ocpp.errors import SecurityError
from hub.ocpp.words import JSONObject

#: Seconds until a waiting station boots again: soon, for somebody may stand beside it.
AGAIN = 15


def waiting_handlers(actions: Iterable[str]) -> dict[str, Handler]:
    """Return what answers a waiting station, for the actions of its version."""
    return {**dict.fromkeys(actions, _refuse), BOOT: _pend}


async def _pend(call: Call) -> JSONObject:
    now = call.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"status": "Pending", "currentTime": now, "interval": AGAIN}


async def _refuse(call: Call) -> JSONObject:
    raise SecurityError("This station waits to be let in; only its BootNotification is answered")
