"""The database room: one contract over two engines, SQLite in a data folder or PostgreSQL for several nodes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.database.contract import Conflict, Database, DatabaseUnavailable, Dialect, Row, Transaction, Work
from hub.database.sqlite import SqliteDatabase
from hub.database.sqlitefile import FILE_NAME

__all__ = [
    "Conflict",
    "Database",
    "DatabaseUnavailable",
    "Dialect",
    "Row",
    "Transaction",
    "Work",
    "lock_server",
    "open_database",
]

_POSTGRES = ("postgres://", "postgresql://")


async def open_database(url_or_path: str | Path) -> Database:
    """Open the store, bringing its schema up to date first.

    Args:
        url_or_path: ``postgres://user:password@host:port/name``, or the data folder of the embedded store.

    Raises:
        DatabaseUnavailable: there is no such store, or it cannot be used.
    """
    place = str(url_or_path)
    if place.startswith(_POSTGRES):
        from hub.database.postgres import PostgresDatabase  # asyncpg is not for those who have SQLite

        return await PostgresDatabase.open(place)
    if "://" in place:
        raise DatabaseUnavailable(f"{place.split('://', 1)[0]}://: not a store; give postgres://... or a data folder")
    return SqliteDatabase(Path(place) / FILE_NAME)


@contextmanager
def lock_server(folder: Path) -> Iterator[None]:
    """Hold the data folder for one server; the lock falls with the process, however that ends.

    Raises:
        DatabaseUnavailable: another server holds it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        remedy = "choose another data folder or give this user write permission on it"
        raise DatabaseUnavailable(f"{folder}: {error.strerror}; {remedy}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatabaseUnavailable(
                f"{folder}: another server runs on it; stop that one or choose another data folder"
            ) from error
        yield
    finally:
        os.close(handle)
