"""Writes what the models ask for: `python -m hub.migrations`, or with `--check` tells whether anything is missing.

Tortoise ORM finds the changes and writes each migration; beside it goes its SQL for both engines, which is what a store
is brought up to date with. A migration that was not released yet is written anew, so that there is one per release.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from tortoise.context import TortoiseContext
from tortoise.migrations.api.sqlmigrate import sqlmigrate
from tortoise.migrations.autodetector import MigrationAutodetector

from hub.database.contract import Dialect
from hub.database.schema import APP, FOLDER

ROOMS = (
    "hub.tables", "hub.credentials.tables", "hub.ocpi.tables", "hub.cpms.tables", "hub.cpms.stationtables",
    "hub.cpms.tarifftables", "hub.cpms.api.tables", "hub.emsp.tables", "hub.emsp.search.tables",
    "hub.emsp.money.tables", "hub.emsp.api.tables", "hub.ocpp.tables",
    "hub.emsp.companion.tables", "hub.emsp.drivers.tables", "hub.emsp.charging.tables",
)  # fmt: skip
RELEASED: frozenset[str] = frozenset()
"""Names of the migrations some store may have; they are never touched again."""

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")
_ENGINES: dict[Dialect, dict[str, Any]] = {
    "sqlite": {"engine": "tortoise.backends.sqlite", "credentials": {"file_path": ":memory:"}},
    "postgres": {"engine": "tortoise.backends.asyncpg", "credentials": {"host": "", "user": "", "database": ""}},
}


def configuration(dialect: Dialect) -> dict[str, Any]:
    """Return Tortoise's configuration of our tables; nothing is ever connected to."""
    return {
        "connections": {"default": _ENGINES[dialect]},
        "apps": {
            APP: {
                "models": list(ROOMS),
                "migrations": "hub.migrations",
                "default_connection": "default",
            }
        },
    }


async def changes() -> dict[str, str]:
    """Return the migrations that are missing: file name and text."""
    config = configuration("sqlite")
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        assert context.apps is not None
        for model in context.apps[APP].values():
            model._meta.table_description = ""  # A docstring that changes is no new schema.
        writers = await MigrationAutodetector(context.apps, config["apps"]).changes()
    return {f"{writer.name}.py": writer.as_string() for writer in writers}


async def sql(name: str, dialect: Dialect) -> str:
    """Return the statements of one migration."""
    async with TortoiseContext():
        lines = await sqlmigrate(config=configuration(dialect), app_label=APP, migration_name=name)
    if any("CANNOT BE REPRESENTED" in line for line in lines):
        raise SystemExit(f"{name}: a migration is SQL only, for stores are brought up to date without Python")
    statements = (line.rstrip().rstrip(";") + ";" for line in lines if not line.startswith("--"))
    return "\n".join(statements) + "\n"


async def write() -> None:
    """Write what is missing, and anew what was not released."""
    for file in FOLDER.glob("[0-9]*"):
        if file.name.partition(".")[0] not in RELEASED:
            file.unlink()
    for name, text in (await changes()).items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"written: {name}")
    for path, text in (await all_sql()).items():
        path.write_text(text, encoding="utf-8")


async def all_sql() -> dict[Path, str]:
    """Return every SQL file and what it has to say."""
    names = sorted(file.stem for file in FOLDER.glob("[0-9]*.py"))
    return {FOLDER / f"{name}.{dialect}.sql": await sql(name, dialect) for name in names for dialect in DIALECTS}


async def check() -> list[str]:
    """Return what is not as the models ask for."""
    faults = [f"{name}: missing" for name in await changes()]
    for path, text in (await all_sql()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            faults.append(f"{path.name}: differs from its migration")
    return faults


def main() -> int:
    """Write or check; return the exit code."""
    if sys.argv[1:] != ["--check"]:
        asyncio.run(write())
        return 0
    faults = asyncio.run(check())
    for fault in faults:
        print(f"{fault}; run `make migrations`", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
