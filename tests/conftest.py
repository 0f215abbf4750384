"""What every test may ask for: fresh stores on both engines."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from hub import compiled

if os.environ.get("TEST_COMPILED"):  # what was compiled is tested in this process, too
    assert compiled.use(), "nothing is compiled that fits: run python -m hub.compiling"

from hub.database import Database, open_database
from hub.migrations.__main__ import changes
from tests.postgres import NoPostgres
from tests.stores import PostgresStores, SqliteStores, aside
from tests.telling import PROPERTY, Tell

# Stores wait for the disk at every commit, as they must; what a test writes needs to outlive a process, no power cut.
MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def migrations() -> None:
    """Migrations that agree with the tables, without which every test of a store would fail for a hidden reason."""
    if missing := aside(changes()):
        pytest.fail(f"hub/migrations lacks {', '.join(missing)}: run `make migrations`", pytrace=False)


@pytest.fixture(scope="session")
def sqlite_stores(migrations: None, tmp_path_factory: pytest.TempPathFactory) -> SqliteStores:
    """The prepared SQLite file."""
    return SqliteStores(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_stores(migrations: None) -> Iterator[PostgresStores]:
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


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Return what tells a line at the end of the run."""
    return lambda line: record_property(PROPERTY, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests told."""
    told = [
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if told:
        terminalreporter.section("counts")
        for line in sorted(told):
            terminalreporter.write_line(line)
