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


#: What a database may not have lost or gained if another test shall have it.
SHAPE = """
    SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute WHERE NOT attisdropped),
           (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_proc),
           (SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM tortoise_migrations t)"""

#: Empties every table that is not empty, and lets every count begin anew.
EMPTY = """
DO $$
DECLARE name text; filled text[] := '{}'; any_row boolean;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO any_row;
        IF any_row THEN filled := filled || quote_ident(name); END IF;
    END LOOP;
    IF cardinality(filled) > 0 THEN
        EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' RESTART IDENTITY';
    END IF;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL
    LOOP
        EXECUTE format('ALTER SEQUENCE %I RESTART', name);
    END LOOP;
END $$"""


class PostgresStores:
    """Databases of one server, copied from a migrated one, and emptied for the next test: that takes a tenth of it."""

    def __init__(self) -> None:
        self.server = Server()
        self._numbers = count(1)
        self._emptied: list[str] = []
        try:
            aside(self._prepare())
        except BaseException:
            self.server.remove()
            raise

    async def _prepare(self) -> None:
        await self._command(f"CREATE DATABASE {TEMPLATE}")
        database = await open_database(self.server.url(TEMPLATE))
        await database.close()
        connection = await asyncpg.connect(self.server.url(TEMPLATE))
        self._shape = await connection.fetchrow(SHAPE)
        await connection.close()

    def _sql(self, sql: str) -> None:
        aside(self._command(sql))

    async def _command(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def fresh(self) -> str:
        """Return the URL of a database that is as it was migrated."""
        if self._emptied:
            return self._emptied.pop()
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
        """Take back a database given by ``fresh``; it is emptied, or dropped where it is no longer what it was."""
        former, name = url.rpartition("/")[2], f"test_{next(self._numbers)}"
        if aside(self._cleared(former, name)):
            self._emptied.append(self.server.url(name))
        else:
            for each in (former, name):
                self._sql(f"DROP DATABASE IF EXISTS {each} WITH (FORCE)")

    async def _cleared(self, former: str, name: str) -> bool:
        """Empty a database; it gets another name, so that nobody who still has the former one comes back."""
        try:
            await self._command(
                f"SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = '{former}';"
                f"ALTER DATABASE {former} RENAME TO {name}"
            )
            connection = await asyncpg.connect(self.server.url(name))
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            if await connection.fetchrow(SHAPE) != self._shape:
                return False
            await connection.execute(EMPTY)
        except (OSError, asyncpg.PostgresError):
            return False
        finally:
            await connection.close()
        return True
