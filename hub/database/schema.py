"""Brings a store's schema up to date from the SQL that `make migrations` wrote; one query if there is nothing to do.

Migrations are Tortoise ORM's, and so is the table that records them; their SQL for both engines lies beside them, so
that opening a store imports no ORM and each step is applied and recorded in one transaction.
"""

from collections.abc import Iterable
from pathlib import Path

from hub.database.contract import DatabaseUnavailable, Dialect

APP = "emall"
FOLDER = Path(__file__).parents[1] / "migrations"
APPLIED = f"SELECT name FROM tortoise_migrations WHERE app = '{APP}'"  # noqa: S608 -- our own constant
_RECORDS = {
    "sqlite": (
        "CREATE TABLE IF NOT EXISTS tortoise_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,"
        " app VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, applied_at TIMESTAMP NOT NULL, UNIQUE (app, name));"
    ),
    "postgres": (
        "CREATE TABLE IF NOT EXISTS tortoise_migrations (id SERIAL NOT NULL PRIMARY KEY,"
        " app VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, applied_at TIMESTAMPTZ NOT NULL, UNIQUE (app, name));"
    ),
}


def pending(applied: Iterable[str]) -> list[str]:
    """Return the names of the migrations a store lacks, in order.

    Raises:
        DatabaseUnavailable: it has some that this program does not know.
    """
    done = set(applied)
    known = sorted(file.stem for file in FOLDER.glob("[0-9]*.py"))
    if unknown := done.difference(known):
        raise DatabaseUnavailable(
            f"the store was written by a newer emall (it has {sorted(unknown)[-1]}); install that version"
        )
    return [name for name in known if name not in done]


def script(name: str, dialect: Dialect) -> str:
    """Return the statements that apply and record one migration; they belong into one transaction."""
    statements = (FOLDER / f"{name}.{dialect}.sql").read_text(encoding="utf-8")
    record = f"INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('{APP}', '{name}', CURRENT_TIMESTAMP);"  # noqa: S608 -- names of our own files
    return f"{_RECORDS[dialect]}\n{statements}\n{record}\n"
