"""How a command comes to the store of a hub, wherever it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hub.cli.output import Failure
from hub.database import Database, open_database
from hub.recorded import database_of

T = TypeVar("T")


def on_store(work: Callable[[Database], Awaitable[T]], data: Path, database: str | None, *, create: bool = False) -> T:
    """Run the work on the open store and return its result.

    Args:
        create: whether the store may be made; else a folder without one is an error, for it was misspelled.

    Raises:
        Failure: there is no store.
        DatabaseUnavailable: it cannot be used.
    """
    return asyncio.run(_on_store(work, data, database, create))


async def _on_store(work: Callable[[Database], Awaitable[T]], data: Path, database: str | None, create: bool) -> T:
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
