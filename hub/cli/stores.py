"""How a command comes to the store of a hub, wherever it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hub.cli.output import Failure

if TYPE_CHECKING:
    from hub.credentials.store import Store
    from hub.database import Database
    from hub.settings import Settings

T = TypeVar("T")


def on_store(
    work: "Callable[[Database], Awaitable[T]]", data: Path, database: str | None, *, create: bool = False
) -> T:
    """Run the work on the open store and return its result.

    Args:
        create: whether the store may be made; else a folder without one is an error, for it was misspelled.

    Raises:
        Failure: there is no store.
        DatabaseUnavailable: it cannot be used.
    """
    return asyncio.run(_on_store(work, data, database, create))


async def _on_store(work: "Callable[[Database], Awaitable[T]]", data: Path, database: str | None, create: bool) -> T:
    from hub.database import open_database
    from hub.recorded import database_of

    place = database or database_of(data)
    if place is None and not create:
        raise Failure(
            f"{data}: there is no hub's store here; give --data or --database as to 'emall serve', or start that first",
            code=2,
        )
    store = await open_database(place or data)
    try:
        return await work(store)
    finally:
        await store.close()


async def receptions(database: "Database") -> "list[Store]":
    """Return the hub's reception, or those of the rooms that run without a hub; they can open no token."""
    from hub.credentials.secrets import Secrets
    from hub.credentials.store import Store
    from hub.recorded import recorded_settings

    settings = await recorded_settings(database)
    houses = ["hub"] if settings is None or "hub" in settings.rooms else sorted(settings.rooms)
    return [Store(database, Secrets(bytes(32)), house) for house in houses]


def reception_with_key(database: "Database", data: Path, recorded: "Settings | None") -> "Store":
    """Return the hub's reception with its key: that of the folder given, or the server's if it has none."""
    from hub.credentials.secrets import FILE_NAME, open_secrets
    from hub.credentials.store import Store

    folder = recorded.data if recorded is not None and not (data / FILE_NAME).exists() else data
    return Store(database, open_secrets(folder), "hub")
