"""What an operator may see of messages: their hops, and their deliveries.

Everything here reads the store alone, so it tells the same whether a server runs or not.
"""

import datetime
from typing import Any

from hub.callbacks import overdue
from hub.database import Database
from hub.ocpi.deliveries import DeliveryInfo, list_deliveries
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.queues import State
from hub.ocpi.times import EPOCH, date_time
from hub.orders import Refused
from hub.trace import Hop
from hub.trace import hops as noted_hops


async def hops(database: Database, correlation_id: str) -> list[JSONObject]:
    """Return every hop of a message in the order they began; what still waits or is overdue stands among them."""
    found = [_hop(each) for each in sorted(await noted_hops(database, correlation_id), key=_begun)]
    for each in await list_deliveries(database, correlation_id=correlation_id, limit=10_000):
        if each.state != "done":
            found.append(_waiting_hop(each))
    for borrower, module, due in await overdue(database, correlation_id):
        found.append(_overdue_hop(str(borrower), module, due))
    return sorted(found, key=lambda each: str(each["at"]))


def _begun(hop: Hop) -> int:
    """Return when a hop began: a forwarded request comes in before it goes out, but is over after that."""
    return hop.at - round(hop.ms * 1000)


def _hop(hop: Hop) -> JSONObject:
    return {
        "at": _date_time(_begun(hop)),
        "direction": hop.direction,
        "operation": hop.operation,
        "from": hop.sender,
        "to": hop.receiver,
        "connection": hop.connection,
        "outcome": hop.outcome,
        "ms": hop.ms,
        "note": hop.note,
    }


def _waiting_hop(delivery: DeliveryInfo) -> JSONObject:
    return {
        "at": _date_time(delivery.updated),
        "direction": "out",
        "operation": delivery.operation,
        "from": "",
        "to": delivery.party,
        "connection": delivery.connection_id,
        "outcome": delivery.state,
        "ms": None,
        "note": f"delivery {delivery.id}: {delivery.reason or 'waits for its turn'}",
    }


def _overdue_hop(borrower: str, module: str, due: int) -> JSONObject:
    return {
        "at": _date_time(due),
        "direction": "in",
        "operation": f"result of {module}",
        "from": borrower,
        "to": "",
        "connection": "",
        "outcome": "overdue",
        "ms": None,
        "note": "the result has not come; the hub invents none",
    }


async def deliveries(
    database: Database, *, party: str | None = None, state: State | None = None, limit: int = 1000
) -> list[JSONObject]:
    """Return deliveries, the newest first.

    Args:
        party: a connection's id or name, or CC-PID.
    """
    asked: dict[str, Any] = {"state": state, "limit": limit}
    if party is not None:
        asked |= await _addressed(database, party)
    return [
        {
            "id": each.id,
            "connection": each.connection_id,
            "party": each.party,
            "state": each.state,
            "operation": each.operation,
            "object": each.object_key,
            "attempts": each.attempts,
            "reason": each.reason,
            "created": _date_time(each.created),
            "updated": _date_time(each.updated),
            "correlation_id": each.correlation_id,
        }
        for each in await list_deliveries(database, **asked)
    ]


def _date_time(microseconds: int) -> str:
    """Return a moment of the store as an OCPI DateTime."""
    return date_time(EPOCH + datetime.timedelta(microseconds=microseconds))


async def _addressed(database: Database, text: str) -> JSONObject:
    """Return what to look for: a connection, or a party on whatever connection, former ones too."""
    named = "SELECT id FROM credentials_connection WHERE house = 'hub' AND (id = $1 OR name = $1)"
    rows = await database.fetch(named, text)
    if rows:
        return {"connection_id": rows[0][0]}
    try:
        return {"party": Party.parse(text)}
    except ValueError as error:
        raise Refused(f"{text} is no connection's id or name, and not CC-PID; see 'emall party list'") from error
