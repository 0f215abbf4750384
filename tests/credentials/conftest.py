"""What the tests of the reception may ask for: a running hub, and platforms to register with it."""

from collections.abc import AsyncIterator

import pytest

from hub.database import Database
from tests.parties import PartyPlatform
from tests.receptions import RunningHouse, running


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[RunningHouse]:
    """A hub on an empty store."""
    async with running(database) as house:
        yield house


@pytest.fixture
async def alpha() -> AsyncIterator[PartyPlatform]:
    """A CPO of 2.2.1."""
    async with PartyPlatform("Alpha", [("CPO", "NL", "ALF")]) as platform:
        yield platform


@pytest.fixture
async def beta() -> AsyncIterator[PartyPlatform]:
    """An eMSP of 2.3.0 and 2.2.1."""
    async with PartyPlatform("Beta", [("EMSP", "DE", "BET")], versions=("2.2.1", "2.3.0")) as platform:
        yield platform
