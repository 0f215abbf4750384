"""What an operator does to connections: some of it in the store alone, some by the server that runs.

An invitation, a suspension or a setting is written to the store, and a server that runs takes it up within a second.
What speaks to the other platform (register, rotate, remove) and what asks how peers are is ordered of the server.
"""

import asyncio
import dataclasses
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from hub import admin
from hub.credentials.connections import Connection, Connections
from hub.credentials.discovery import Peer
from hub.credentials.handshake import new_id
from hub.credentials.registering import Registering
from hub.credentials.secrets import FILE_NAME, new_token, open_secrets
from hub.credentials.store import Store
from hub.database import Database, Transaction
from hub.ocpi.client import Client, Quirks
from hub.ocpi.errors import OcpiError
from hub.ocpi.objects import JSON, JSONObject
from hub.orders import Refused
from hub.settings import Settings

#: Options of a connection that are lists of names, and those that are on or off.
LISTS = ("keep_nothing", "response_hosts")
FLAGS = ("allow_2_2", "present_state")

#: What a quirk may be, by name.
QUIRKS: dict[str, tuple[JSON, ...]] = {
    each.name: ("follow", "offset") if each.name == "link" else (False, True) for each in dataclasses.fields(Quirks)
}


# -- in the store ----------------------------------------------------------------------------------


async def invite(
    database: Database, settings: Settings, *, name: str, roles: list[str], lifetime: timedelta
) -> JSONObject:
    """Make a CREDENTIALS_TOKEN_A, and return it with the hub's versions URL and its last moment."""
    store = Store(database, open_secrets(settings.data), "hub")
    await store.check_key()
    token = new_token()
    expires = (time.time_ns() // 1_000_000) * 1000 + lifetime // timedelta(microseconds=1)
    await database.transact(
        lambda tx: store.invite(
            tx, invitation_id=new_id(), kind="invitation", name=name, token=token, roles=roles, expires=expires
        )
    )
    versions_url = f"{settings.public_url}/ocpi/versions"
    return {"token": token, "versions_url": versions_url, "expires_at": admin.text_of(expires)}


def key_folder(recorded: Settings | None, data: Path) -> Path:
    """Return the folder with the key: the one a command was given, or the server's if it has none."""
    if recorded is not None and not (data / FILE_NAME).exists():
        return recorded.data
    return data


async def directory(database: Database, data: Path) -> Connections:
    """Return the hub's connections as its server knows them."""
    found = Connections(Store(database, open_secrets(data), "hub"))
    await found.reload()
    return found


async def suspend(database: Database, text: str) -> JSONObject:
    """Stop all traffic with a connection. Doing so twice changes nothing.

    Raises:
        Refused: there is no such connection.
    """
    return await _set_status(database, text, "SUSPENDED", "CONNECTED", "OFFLINE")


async def resume(database: Database, text: str) -> JSONObject:
    """Let a suspended connection take part again: as CONNECTED, until it is found otherwise.

    Raises:
        Refused: there is no such connection.
    """
    return await _set_status(database, text, "CONNECTED", "SUSPENDED")


async def _set_status(database: Database, text: str, status: str, *among: str) -> JSONObject:
    found = await _registered(database, text)
    store = admin.reading_store(database, found["house"])
    await database.transact(lambda tx: store.set_status(tx, found["id"], status, *among))
    return await admin.connection(database, found["id"])


async def _registered(database: Database, text: str) -> JSONObject:
    found = admin.one_of(await admin.connections(database), text)
    if found["version"] is None:
        raise Refused(f"{text} is invited and has not registered yet; wait for it, or remove the invitation")
    return found


async def change(database: Database, text: str, changes: Mapping[str, JSON]) -> JSONObject:
    """Set options and quirks of a connection; null unsets.

    Raises:
        Refused: there is no such connection, or one of the changes cannot be made: then none is.
    """
    found = await _registered(database, text)
    options, quirks = dict(found["options"]), dict(found["quirks"])
    for name, value in changes.items():
        quirk = name.removeprefix("quirks.")
        target, key = (quirks, quirk) if quirk in QUIRKS else (options, name)
        if value is None and key in (*QUIRKS, *LISTS, *FLAGS):
            target.pop(key, None)
        else:
            target[key] = _checked(key, value)
    store = admin.reading_store(database, found["house"])

    async def work(tx: Transaction) -> None:
        await store.set_json(tx, found["id"], "options", options)
        await store.set_json(tx, found["id"], "quirks", quirks)

    await database.transact(work)
    return await admin.connection(database, found["id"])


def _checked(name: str, value: JSON) -> JSON:
    if name in QUIRKS:
        allowed = [json.dumps(each) for each in QUIRKS[name]]
        if json.dumps(value) not in allowed:
            raise Refused(f"quirk {name} cannot be {json.dumps(value)}; give {' or '.join(allowed)}", exit=2)
        return value
    if name not in (*LISTS, *FLAGS):
        raise Refused(f"there is no option {name}; give one of {', '.join([*LISTS, *FLAGS, *QUIRKS])}", exit=2)
    if name in LISTS and isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    names = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not (names if name in LISTS else isinstance(value, bool)):
        kind = "names with commas between" if name in LISTS else "true or false"
        raise Refused(f"option {name} cannot be {json.dumps(value)}; give {kind}", exit=2)
    return value


# -- by the server ---------------------------------------------------------------------------------


def orders(
    connections: Connections, registering: Registering, client: Client
) -> dict[str, Callable[[JSON], Awaitable[JSON]]]:
    """Return the handlers of what commands order of the server that runs a house."""
    database = connections.store.database

    async def register(arguments: JSON) -> JSON:
        found = await registering.register(arguments["url"], arguments["token"], name=arguments["name"])
        return await admin.connection(database, found.id)

    async def rotate(arguments: JSON) -> JSON:
        found = await registering.rotate(_connected(connections, (await _registered(database, arguments["id"]))["id"]))
        return await admin.connection(database, found.id)

    async def remove(arguments: JSON) -> JSON:
        return await _remove(connections, registering, arguments["id"])

    async def peers(_: JSON) -> JSON:
        return await asyncio.gather(*(_reached(client, each) for each in connections.all()))

    return {"party.register": register, "party.rotate": rotate, "party.remove": remove, "doctor.peers": peers}


def _connected(connections: Connections, connection_id: str) -> Connection:
    found = connections.by_id(connection_id)
    if found is None:
        raise Refused(f"{connection_id} is no connection of this server any more; see 'emall party list'")
    return found


async def _remove(connections: Connections, registering: Registering, text: str) -> JSONObject:
    store = connections.store
    found = admin.one_of(await admin.connections(store.database), text)
    if found["version"] is None:
        await store.database.transact(lambda tx: store.cancel_invitation(tx, found["id"]))
        return {"id": found["id"], "name": found["name"], "note": "the invitation is withdrawn"}
    trouble = await registering.remove(_connected(connections, found["id"]))
    note = f"the platform could not be told: {trouble}" if trouble else "the platform was told"
    return {"id": found["id"], "name": found["name"], "note": note}


async def _reached(client: Client, connection: Connection) -> JSONObject:
    """Return whether a peer answers the question for its versions."""
    told: dict[str, Any] = {"name": connection.name, "id": connection.id, "status": connection.status}
    started = time.perf_counter()
    try:
        await Peer(client, connection.versions_url, connection.token, quirks=connection.quirks).versions()
    except OcpiError as error:
        return told | {"reachable": False, "note": f"{connection.versions_url}: {error}; see to it that it runs"}
    ms = (time.perf_counter() - started) * 1000
    return told | {"reachable": True, "note": f"{connection.status}, answers in {ms:.0f} ms"}
