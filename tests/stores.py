"""Fresh stores for tests, each a copy of one prepared template: a file on SQLite, CREATE DATABASE on PostgreSQL."""

import asyncio
import shutil
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from hub.database import open_database, sqlitefile
from tests.postgres import Server

T = TypeVar("T")
TEMPLATE = "emall_template"


def aside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in another thread, for a test whose own event loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


class SqliteStores:
    """Data folders with a copy of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template" / sqlitefile.FILE_NAME
        connection = sqlitefile.connect(self._template)
        sqlitefile.migrate(connection, self._template)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def fresh(self, folder: Path) -> Path:
        """Make the folder a data folder."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._template, folder / sqlitefile.FILE_NAME)
        return folder


class PostgresStores:
    """Databases copied from one migrated database of one server."""

    def __init__(self) -> None:
        self.server = Server()
        self._numbers = count(1)
        try:
            aside(self._prepare())
        except BaseException:
            self.server.remove()
            raise

    async def _prepare(self) -> None:
        await self._command(f"CREATE DATABASE {TEMPLATE}")
        database = await open_database(self.server.url(TEMPLATE))
        await database.close()

    def _sql(self, sql: str) -> None:
        aside(self._command(sql))

    async def _command(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def fresh(self) -> str:
        """Make a database and return its URL."""
        name = f"test_{next(self._numbers)}"
        # Copying files is twice as fast as writing each page to the log, where nothing waits for a disk.
        self._sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return self.server.url(name)

    def empty(self) -> str:
        """Make a database without any table and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name}")
        return self.server.url(name)

    def drop(self, url: str) -> None:
        """Drop a database made by ``fresh``."""
        self._sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")
