"""The SQLite file: opened as ours, its schema brought up to date, its errors and placeholders translated."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from hub.database.contract import Conflict, DatabaseUnavailable
from hub.database.schema import APPLIED, pending, script

FILE_NAME = "emall.db"
APPLICATION_ID = 0x454D414C  # "EMAL", so that a foreign file is not taken for ours
BUSY_TIMEOUT = 10_000  # milliseconds to wait for the write lock of another process
CHECKPOINT = 4_000  # pages of 4 kB in the log before it is folded into the file; 1,000 cost 2 us more per upsert
CACHE = 16_000  # kB of pages the writer keeps; a reader keeps half

_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another process has held its write lock for 10 s; end that process or try again",
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk reports an error; look at the disk and its free space",
    sqlite3.SQLITE_READONLY: "it may not be written; give this user write permission on the folder and its files",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; give this user write permission on the folder and its files",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup or choose another data folder",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file; move it away or choose another data folder",
}
_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


_PLACEHOLDER = re.compile(r"\$(\d+)")
TRANSLATED: dict[str, str] = {}


def translate(sql: str) -> str:
    """Return the statement with SQLite's placeholders; the rooms' statements are few, so each is kept."""
    known = TRANSLATED.get(sql)
    if known is None:
        known = TRANSLATED[sql] = _PLACEHOLDER.sub(r"?\1", sql)
    return known


def explain(error: BaseException, path: Path) -> BaseException:
    """Return what a caller should see for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return error
    if code in _UNIQUE:
        return Conflict(str(error))
    remedy = _REMEDIES.get(code & 0xFF)
    return DatabaseUnavailable(f"{path}: {remedy}") if remedy else error


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the file, made if it is missing.

    Raises:
        DatabaseUnavailable: the folder or the file cannot be used, or the file is not ours.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    except OSError as error:
        remedy = "choose another data folder or give this user write permission on it"
        raise DatabaseUnavailable(f"{path.parent}: {error.strerror}; {remedy}") from error
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        _configure(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except DatabaseUnavailable:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    _claim(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Mark an empty file as ours; refuse a file that is marked otherwise."""
    # Counted first: a process that fills the file meanwhile has marked it before.
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    ((identity,),) = connection.execute("PRAGMA application_id").fetchall()
    if identity == APPLICATION_ID:
        return
    if tables:
        raise DatabaseUnavailable(f"{path}: it belongs to another program; choose another data folder")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date; of processes that come together one does it, the others find it done."""
    try:
        for name in pending(_applied(connection)):
            _apply(connection, name)
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _apply(connection: sqlite3.Connection, name: str) -> None:
    """Apply one migration whole, unless another process has meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if name in pending(_applied(connection)):
            for statement in statements(script(name, "sqlite")):
                connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a script one by one; ``executescript`` would commit before it begins."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _applied(connection: sqlite3.Connection) -> list[str]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tortoise_migrations'").fetchall():
        return []
    return [name for (name,) in connection.execute(APPLIED)]
