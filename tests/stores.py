"""Fresh stores for tests, each a copy of one prepared template: a file on SQLite, CREATE DATABASE on PostgreSQL."""

import asyncio
import os
import shutil
import sqlite3
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import asyncpg

from hub.database import sqlite
from tests.postgres import NoPostgres, Server

TEMPLATE = "emall_template"
ROOMS = ("hub.tables", "hub.credentials.tables", "hub.ocpi.tables", "hub.cpms.tables", "hub.emsp.tables")


async def draft(dialect: str) -> str:
    """Return the schema of the models as they are now (until migrations are written)."""
    from tortoise.context import TortoiseContext
    from tortoise.utils import get_schema_sql

    engine = {"sqlite": "sqlite", "postgres": "asyncpg"}[dialect]
    credentials = {"file_path": ":memory:"} if dialect == "sqlite" else {"host": "localhost", "user": "u", "database": "d"}
    async with TortoiseContext() as context:
        await context.init(
            config={
                "connections": {"default": {"engine": f"tortoise.backends.{engine}", "credentials": credentials}},
                "apps": {"emall": {"models": [room for room in ROOMS if find_spec(room)], "default_connection": "default"}},
            },
            init_connections=False,
        )
        return get_schema_sql(context.connections.get("default"), False)


class SqliteStores:
    """Data folders with a copy of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template" / sqlite.FILE_NAME
        connection = sqlite.connect(self._template)
        sqlite.migrate(connection, self._template)
        for statement in sqlite.statements(asyncio.run(draft("sqlite"))):
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def fresh(self, folder: Path) -> Path:
        """Make the folder a data folder."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._template, folder / sqlite.FILE_NAME)
        return folder


class PostgresStores:
    """Databases copied from one migrated database of one server."""

    def __init__(self) -> None:
        if os.environ.get("TEST_POSTGRES") == "skip":
            raise NoPostgres("TEST_POSTGRES=skip")
        self.server = Server()
        self._numbers = count(1)
        asyncio.run(self._prepare())

    async def _prepare(self) -> None:
        await self._command(f"CREATE DATABASE {TEMPLATE}")
        connection = await asyncpg.connect(self.server.url(TEMPLATE))
        await connection.execute(await draft("postgres"))
        await connection.close()

    def _sql(self, sql: str) -> None:
        asyncio.run(self._command(sql))

    async def _command(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def fresh(self) -> str:
        """Make a database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.server.url(name)

    def drop(self, url: str) -> None:
        """Drop a database made by ``fresh``."""
        self._sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")
