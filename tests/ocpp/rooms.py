"""A charger room that runs on a store, with the dialects and stations of ``plain.py``."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

from hub.database import Database
from hub.ocpp.events import Operator
from hub.ocpp.room import ChargerRoom, Openness
from tests.ocpp.plain import House, PlainDialect, PlainOperator, listening


@contextlib.asynccontextmanager
async def room(
    database: Database, folder: Path, *dialects: PlainDialect, authority: Any = None, **openness: Any
) -> AsyncIterator[tuple[ChargerRoom, House]]:
    """Run a charger room for the length of a test."""
    operator = PlainOperator()
    made = ChargerRoom(database, Openness(folder=folder, **openness), authority=authority)
    listener = listening()
    spoken = dialects or tuple(PlainDialect(each) for each in ("1.6", "2.0.1", "2.1"))
    await made.start(listener, spoken, cast(Operator, operator))
    running = House(cast(Any, made), operator, listener.getsockname()[1])
    try:
        yield made, running
    finally:
        await running.close()
        await made.stop()
