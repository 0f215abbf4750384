"""A store with connections in it, and a server of orders on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from hub import orders
from hub.credentials.secrets import open_secrets
from hub.credentials.store import PartyRole, Registration, Store
from hub.database import Database
from hub.ocpi.messages import Party
from hub.orders import Handler
from tests.stores import PostgresStores, SqliteStores

#: Most commands run on SQLite alone, for a process each takes its time; what differs by engine runs on both.
ON_BOTH = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated store, as ``open_database`` takes it."""
    if getattr(request, "param", "sqlite") == "sqlite":
        stores: SqliteStores = request.getfixturevalue("sqlite_stores")
        yield str(stores.fresh(tmp_path / "data"))
        return
    servers: PostgresStores = request.getfixturevalue("postgres_stores")
    url = servers.fresh()
    yield url
    servers.drop(url)


@pytest.fixture
def place(store: str, tmp_path: Path) -> dict[str, str]:
    """The variables that lead a command to the store; keys lie in a folder of the test on both engines."""
    if store.startswith("postgres"):
        return {"EMALL_DATABASE": store, "EMALL_DATA": str(tmp_path / "keys")}
    return {"EMALL_DATA": store}


@contextlib.asynccontextmanager
async def serving(database: Database, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    """Take orders as a server does."""
    task = asyncio.create_task(orders.serve(database, handlers))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def connect(database: Database, folder: str, connection_id: str, name: str, *parties: tuple[str, str]) -> None:
    """Keep a connection of the hub as a handshake does; parties are (role, CC-PID)."""
    registration = Registration(
        version="2.2.1",
        versions_url=f"https://{connection_id}.example.com/versions",
        token=f"token that {connection_id} takes",
        roles=tuple(PartyRole(role, Party.parse(party), {"name": name}) for role, party in parties),
        endpoints={("locations", "SENDER"): f"https://{connection_id}.example.com/locations"},
        quirks={"lean": True},
    )
    kept = Store(database, open_secrets(Path(folder)), "hub")
    await kept.check_key()
    token = f"token of {connection_id}"
    await database.transact(lambda tx: kept.add(tx, connection_id, name, registration, token, {}))
