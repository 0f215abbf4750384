"""What an operator may see: connections, deliveries, the hops of a message.

Everything here reads the store alone, so it tells the same whether a server runs or not.
"""

import dataclasses
import datetime
import json
import time
from typing import Any

from hub.callbacks import overdue
from hub.credentials.secrets import Secrets
from hub.credentials.store import Rows, Store
from hub.database import Database, Row
from hub.ocpi.client import Quirks
from hub.ocpi.deliveries import DeliveryInfo, list_deliveries
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.queues import State
from hub.ocpi.times import EPOCH, date_time
from hub.orders import Refused
from hub.recorded import recorded_settings
from hub.trace import Hop
from hub.trace import hops as noted_hops

# -- messages and deliveries -----------------------------------------------------------------------


async def hops(database: Database, correlation_id: str) -> list[JSONObject]:
    """Return every hop of a message in order of time; what still waits or is overdue stands among them."""
    found = [_hop(each) for each in await noted_hops(database, correlation_id)]
    for each in await list_deliveries(database, correlation_id=correlation_id, limit=10_000):
        if each.state != "done":
            found.append(_waiting_hop(each))
    for borrower, module, due in await overdue(database, correlation_id):
        found.append(_overdue_hop(str(borrower), module, due))
    return sorted(found, key=lambda each: str(each["at"]))


def _hop(hop: Hop) -> JSONObject:
    return {
        "at": text_of(hop.at),
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
        "at": text_of(delivery.updated),
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
        "at": text_of(due),
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
            "created": text_of(each.created),
            "updated": text_of(each.updated),
            "correlation_id": each.correlation_id,
        }
        for each in await list_deliveries(database, **asked)
    ]


def text_of(microseconds: int) -> str:
    """Return a moment of the store as an OCPI DateTime."""
    return date_time(EPOCH + datetime.timedelta(microseconds=microseconds))


async def _addressed(database: Database, text: str) -> JSONObject:
    """Return what to look for: a connection, or a party on whatever connection, former ones too."""
    named = [each for each in await connections(database) if text in (each["id"], each["name"])]
    if named:
        return {"connection_id": named[0]["id"]}
    try:
        return {"party": Party.parse(text)}
    except ValueError as error:
        raise Refused(
            f"no connection has the id or name {text}, and it is not CC-PID; see 'emall party list'"
        ) from error


# -- connections ----------------------------------------------------------------------------------


async def connections(database: Database) -> list[JSONObject]:
    """Return the connections of the hub, or of the rooms that run without one, and who is invited; oldest first."""
    return [each for house in await _houses(database) for each in _listed(house, await _rows(database, house))]


async def _houses(database: Database) -> list[str]:
    settings = await recorded_settings(database)
    return ["hub"] if settings is None or "hub" in settings.rooms else sorted(settings.rooms)


async def _rows(database: Database, house: str) -> Rows:
    return await reading_store(database, house).load()


def reading_store(database: Database, house: str) -> Store:
    """Return a store that keeps no secret: tokens can be neither read nor made with it."""
    return Store(database, Secrets(bytes(32)), house)


def _listed(house: str, rows: Rows) -> list[JSONObject]:
    found = [_connection(house, row, rows) for row in rows.connections]
    return found + [_invitation(house, row) for row in rows.invitations if row[1] == "invitation"]


def _connection(house: str, row: Row, rows: Rows) -> JSONObject:
    connection_id, name, version, versions_url, _, status, accepted, quirks, options, created, changed, seen = row
    roles = [each for each in rows.roles if each[0] == connection_id]
    return {
        "id": connection_id,
        "name": name,
        "house": house,
        "status": status,
        "version": version,
        "parties": list(dict.fromkeys(f"{country_code}-{party_id}" for _, _, country_code, party_id, _ in roles)),
        "roles": list(dict.fromkeys(role for _, role, *_ in roles)),
        "versions_url": versions_url,
        "accepts_roles": json.loads(accepted),
        "created": text_of(created),
        "status_since": text_of(changed),
        "last_seen": text_of(seen) if seen else None,
        "quirks": json.loads(quirks),
        "options": json.loads(options),
    }


def _invitation(house: str, row: Row) -> JSONObject:
    invitation_id, _, name, _, roles, options, expires = row
    return {
        "id": invitation_id,
        "name": name,
        "house": house,
        "status": "INVITED" if not expires or expires > time.time_ns() // 1000 else "EXPIRED",
        "version": None,
        "parties": [],
        "roles": [],
        "versions_url": None,
        "accepts_roles": json.loads(roles),
        "expires_at": text_of(expires) if expires else None,
        "last_seen": None,
        "quirks": {},
        "options": json.loads(options),
    }


async def connection(database: Database, text: str) -> JSONObject:
    """Return all about one connection but its tokens.

    Args:
        text: its id, its name, or CC-PID of one of its parties.

    Raises:
        Refused: there is none, or more than one.
    """
    found = one_of(await connections(database), text)
    if found["version"] is None:
        return found
    rows = await _rows(database, found["house"])
    found["quirks"] = dataclasses.asdict(Quirks.from_json(found["quirks"]))
    found["roles"] = [
        {"role": role, "party": f"{country_code}-{party_id}", "business_details": json.loads(details)}
        for connection_id, role, country_code, party_id, details in rows.roles
        if connection_id == found["id"]
    ]
    found["endpoints"] = [
        {"module": module, "role": role, "url": url}
        for connection_id, module, role, url in rows.endpoints
        if connection_id == found["id"]
    ]
    return found


def one_of(listed: list[JSONObject], text: str) -> JSONObject:
    """Return the connection an operator means, by id before name before CC-PID.

    Raises:
        Refused: there is none, or more than one.
    """
    for fits in (
        [each for each in listed if each["id"] == text],
        [each for each in listed if each["name"] == text],
        [each for each in listed if text.upper() in each["parties"]],
    ):
        if len(fits) > 1:
            ids = ", ".join(each["id"] for each in fits)
            raise Refused(f"{text} is the name or party of {len(fits)} connections; give the id, one of {ids}")
        if fits:
            return fits[0]
    raise Refused(f"no connection has the id, name or party {text}; see 'emall party list'")
