"""What a server leaves behind in its store for the commands: the ids fixed at the first start, what it runs with."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from hub.database import Database, Transaction
from hub.database.sqlitefile import FILE_NAME
from hub.settings import BadSetting, Settings

#: In the data folder of a hub whose store is elsewhere: the URL, for commands that are given the folder only.
URL_FILE = "database.url"

_SECRET = {"hub_token", "cpms_key", "database", "given"}
_PATHS = ("data", "ocpp_certificate", "ocpp_key", "ocpp_client_ca")
_FIXED = "fixed."
_PUT = "INSERT INTO hub_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def database_of(data: Path) -> str | Path | None:
    """Return where the store of a data folder is; None if it has none."""
    try:
        return (data / URL_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return data if (data / FILE_NAME).is_file() else None


async def settle_ids(database: Database, settings: Settings) -> Settings:
    """Fix the ids of our rooms at their first start; later return the settings with the fixed ones.

    Raises:
        BadSetting: the operator gives another id now; or these rooms have not run here, and no hub is given.
    """

    async def work(tx: Transaction) -> dict[str, str]:
        if "hub" not in settings.rooms and settings.hub_url is None and not await _have_run(tx, settings):
            rooms = ",".join(sorted(settings.rooms))
            raise BadSetting(f"--rooms {rooms} needs a hub to register at; give --hub and --hub-token, or room hub too")
        for name, text in settings.ids.items():
            put = "INSERT INTO hub_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
            await tx.execute(put, _FIXED + name, json.dumps(text))
        rows = await tx.fetch("SELECT name, value FROM hub_setting")
        return {name: json.loads(value) for name, value in rows}

    kept = await database.transact(work)
    fixed: dict[str, Any] = {name: kept[_FIXED + name] for name in settings.ids}
    for name in settings.given & fixed.keys():
        if getattr(settings, name) != fixed[name]:
            option = "--" + name.replace("_", "-")
            raise BadSetting(
                f"{option} {getattr(settings, name)}: it is {fixed[name]} in this store since the first start;"
                f" leave {option} out, or use another store"
            )
    return dataclasses.replace(settings, **fixed)


async def _have_run(tx: Transaction, settings: Settings) -> bool:
    """Return whether these rooms have run here: a start that cannot end well is to leave nothing behind."""
    known = {name for (name,) in await tx.fetch("SELECT name FROM hub_setting")}
    return all(_FIXED + name in known for name in settings.ids)


async def record_settings(database: Database, settings: Settings) -> None:
    """Write down what the server runs with, for the commands; secrets stay out."""
    rows = [
        (each.name, json.dumps(_plain(getattr(settings, each.name))))
        for each in dataclasses.fields(settings)
        if each.name not in _SECRET
    ]
    await database.transact(lambda tx: tx.executemany(_PUT, rows))
    _leave_url(settings)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value.resolve())
    return sorted(value) if isinstance(value, frozenset) else value


def _leave_url(settings: Settings) -> None:
    """Leave the store's URL in the data folder, which holds the keys too and is as well guarded."""
    file = settings.data / URL_FILE
    if settings.database is None:
        file.unlink(missing_ok=True)
        return
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as opened:
        opened.write(settings.database + "\n")


async def recorded_settings(database: Database) -> Settings | None:
    """Return what the server runs or last ran with; None before the first start."""
    rows = await database.fetch("SELECT name, value FROM hub_setting")
    found = {name: json.loads(value) for name, value in rows}
    if "public_url" not in found:
        return None
    known = {each.name for each in dataclasses.fields(Settings)}
    values = {name: value for name, value in found.items() if name in known}
    paths = {name: Path(values[name]) for name in _PATHS if values.get(name) is not None}
    return Settings(**values | paths | {"rooms": frozenset(values["rooms"])})
