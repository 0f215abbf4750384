"""What of the companion works on what the provider knows alone: what drivers are told, and their favourites.

Delivering, suggesting, waiting and fleets need drivers' contact data and their charges: whoever has these puts
``Courier``, ``Suggestions``, ``FreeWishes``, ``History``, ``Feedback`` and ``Fleets`` beside it.
"""

import asyncio
import datetime
from collections.abc import Callable

from hub.database.contract import Database
from hub.emsp.companion.favourites import Favourites
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.preferences import PreferenceStore
from hub.emsp.companion.stations import KnownStations
from hub.emsp.search.finding import Finder
from hub.emsp.search.viewing import Viewer


class TimeOf:
    """A clock that shows what a function returns, and sleeps by the world's."""

    def __init__(self, now: Callable[[], datetime.datetime]) -> None:
        self._now = now

    def now(self) -> datetime.datetime:
        """Return this moment, aware, UTC."""
        return self._now()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


class Companion:
    """Its parts, put together.

    Attributes:
        notifier: takes what drivers are told, from every room.
        preferences: how they want to be told.
        stations: what can be suggested.
    """

    def __init__(
        self, database: Database, *, finder: Finder, viewer: Viewer, now: Callable[[], datetime.datetime]
    ) -> None:
        self.clock = TimeOf(now)
        self.notifier = Notifier(database, clock=self.clock)
        self.preferences = PreferenceStore(database)
        self.favourites = Favourites(database, clock=self.clock)
        self.stations = KnownStations(finder, viewer, clock=self.clock)
