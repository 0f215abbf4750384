"""What every test may ask for: fresh stores on both engines."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.database import Database, open_database
from tests.postgres import NoPostgres
from tests.stores import PostgresStores, SqliteStores


@pytest.fixture(scope="session")
def sqlite_stores(tmp_path_factory: pytest.TempPathFactory) -> SqliteStores:
    """The prepared SQLite file."""
    return SqliteStores(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_stores() -> Iterator[PostgresStores]:
    """The PostgreSQL server of this run; without one the tests that ask for it fail, unless told to skip."""
    if os.environ.get("TEST_POSTGRES") == "skip":
        pytest.skip("TEST_POSTGRES=skip")
    try:
        stores = PostgresStores()
    except NoPostgres as error:
        pytest.fail(f"no PostgreSQL for the tests: {error}", pytrace=False)
    yield stores
    stores.server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated store, as ``open_database`` takes it: a data folder, or a URL."""
    if request.param == "sqlite":
        stores: SqliteStores = request.getfixturevalue("sqlite_stores")
        yield str(stores.fresh(tmp_path / "data"))
        return
    servers: PostgresStores = request.getfixturevalue("postgres_stores")
    url = servers.fresh()
    yield url
    servers.drop(url)


@pytest.fixture
async def database(store: str) -> AsyncIterator[Database]:
    """A fresh migrated store, open."""
    opened = await open_database(store)
    yield opened
    await opened.close()
