"""``emall doctor``: what is well and what is not, each with a remedy."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli.options import DATA, AsJson, Data, DatabaseURL
from hub.cli.output import Failure, show, table
from hub.cli.serving import settings_of_environment
from hub.cli.stores import on_store, receptions
from hub.ocpi.objects import JSON, JSONObject
from hub.settings import BadSetting, Settings

if TYPE_CHECKING:
    from hub.credentials.store import Store
    from hub.database import Database

COLUMNS = ("check", "state", "note")

State = str  # ok, warning or failed


def doctor(data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Check settings, database, migrations, keys, the server, and whether peers can be reached."""
    from hub.database import DatabaseUnavailable
    from hub.recorded import database_of

    checks = list(_before_the_store(data, database))
    if database or database_of(data):
        try:
            checks += on_store(_of_the_store, data, database)
        except DatabaseUnavailable as error:
            checks.append(_check("database", "failed", str(error)))
    else:
        checks.append(_check("database", "failed", f"there is none in {data}; start 'emall serve' or give --database"))
    failed = [each["check"] for each in checks if each["state"] == "failed"]
    show({"ok": not failed, "checks": checks}, table(checks, COLUMNS, empty=""), as_json=as_json)
    if failed:
        raise Failure(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}; each names its remedy")


def _check(name: str, state: State, text: str) -> JSONObject:
    return {"check": name, "state": state, "note": text}


def _before_the_store(data: Path, database: str | None) -> Iterator[JSONObject]:
    try:
        settings_of_environment(data, database)
        yield _check("environment", "ok", "every EMALL_ variable can be used")
    except BadSetting as error:
        yield _check("environment", "failed", str(error))
    yield _folder(data)


def _folder(data: Path) -> JSONObject:
    folder = data
    if not folder.is_dir():
        return _check("data folder", "warning", f"{data} does not exist; 'emall serve' makes it")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return _check("data folder", "failed", f"{data} cannot be written; give this user write permission on it")
    open_files = [file.name for file in folder.iterdir() if "key" in file.name and _others_may_read(file)]
    if open_files:
        return _check("data folder", "failed", f"others may read {open_files[0]}; chmod 600 {folder / open_files[0]}")
    return _check("data folder", "ok", str(folder.resolve()))


def _others_may_read(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


async def _of_the_store(store: "Database") -> list[JSONObject]:
    from hub.recorded import recorded_settings

    checks = [await _database(store), await _migrations(store)]
    settings = await recorded_settings(store)
    checks.append(_settings(settings))
    return checks + await _server(store, settings)


async def _database(store: "Database") -> JSONObject:
    sql = {"sqlite": "SELECT sqlite_version()", "postgres": "SHOW server_version"}[store.dialect]
    ((version,),) = await store.fetch(sql)
    return _check("database", "ok", f"{store.dialect} {version}")


async def _migrations(store: "Database") -> JSONObject:
    from hub.database.schema import APPLIED, pending

    applied = [name for (name,) in await store.fetch(APPLIED)]
    missing = pending(applied)
    if missing:
        return _check("migrations", "failed", f"{', '.join(missing)} not applied; restart 'emall serve'")
    return _check("migrations", "ok", f"current ({max(applied, default='none')})")


def _settings(settings: Settings | None) -> JSONObject:
    if settings is None:
        return _check("settings", "warning", "no server has run on this store yet; start 'emall serve'")
    rooms = ",".join(sorted(settings.rooms))
    shown: dict[str, Any] = settings.ids | {"public_url": settings.public_url, "rooms": rooms}
    text = ", ".join(f"{name} {value}" for name, value in shown.items())
    if "//0.0.0.0" in settings.public_url or "//[::]" in settings.public_url:
        return _check("settings", "failed", f"nobody can call {settings.public_url}; serve with --public-url")
    return _check("settings", "ok", text)


async def _server(store: "Database", settings: Settings | None) -> list[JSONObject]:
    from hub.orders import NoServer, Refused, give

    try:
        await give(store, "ping", {})
    except NoServer:
        return [_check("server", "warning", "none runs on this store, so peers were not tried; start 'emall serve'")]
    checks = [_check("server", "ok", "running")]
    if settings is not None and "hub" not in settings.rooms:
        return checks + [await _hub(reception) for reception in await receptions(store)]
    try:
        peers: JSON = await give(store, "doctor.peers", {}, timeout=60)
    except Refused as error:
        return [*checks, _check("peers", "failed", str(error))]
    return checks + [
        _check(f"peer {each['name']}", "ok" if each["reachable"] else "failed", each["note"]) for each in peers
    ]


async def _hub(reception: "Store") -> JSONObject:
    """Tell how a room that runs without the hub stands with it, as it last heard; the room has no other peer."""
    from hub.credentials.admin import connections

    found: list[JSONObject] = await connections(reception)
    name = f"hub of {reception.house}"
    if not found:
        return _check(name, "failed", "not registered; start 'emall serve' with --hub and --hub-token")
    status, seen = found[0]["status"], found[0]["last_seen"]
    if status == "CONNECTED":
        return _check(name, "ok", f"CONNECTED, last seen {seen}")
    return _check(name, "failed", f"{status}, last seen {seen}; run 'emall doctor' on the hub's store too")
