"""An outbox on each store, with parties who record what they get."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.database import Database
from hub.ocpi.outbox import (
    Outbox,
)
from tests.outbox.scene import Clock, Make, Parties


@pytest.fixture
def parties() -> Parties:
    return Parties()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(database: Database, parties: Parties, clock: Clock) -> AsyncIterator[Make]:
    """Return a maker of outboxes on the store; those still running at the end are stopped."""
    made: list[Outbox] = []

    def build(store: Database = database, **rest: Any) -> Outbox:
        settings: dict[str, Any] = {
            "versions": {},
            "clock": clock.seconds,
            "stamp": clock.stamp,
            "chance": lambda: 0.5,
        } | rest
        made.append(Outbox(store, parties.send, **settings))
        return made[-1]

    yield build
    for each in made:
        await each.stop(timeout=0)


@pytest.fixture
async def outbox(make: Make) -> Outbox:
    started = make()
    await started.start()
    await started.drain()
    return started
