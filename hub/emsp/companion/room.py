"""The companion put together: what drivers are told, what is suggested to them, what is remembered."""

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.database.contract import Database
from hub.emsp.companion.calendars import Calendars
from hub.emsp.companion.delivering import Courier
from hub.emsp.companion.emissions import CountryMix
from hub.emsp.companion.favourites import Favourites
from hub.emsp.companion.feedback import Feedback
from hub.emsp.companion.fleets import Fleets
from hub.emsp.companion.history import History
from hub.emsp.companion.needs import (
    Answer,
    Bookings,
    Channel,
    Charges,
    Contacts,
    Fetcher,
    FleetTokens,
    NotTaken,
    Stations,
)
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.positions import Positions
from hub.emsp.companion.preferences import PreferenceStore
from hub.emsp.companion.privacy import CompanionPrivacy
from hub.emsp.companion.reminding import Reminders
from hub.emsp.companion.routing import Router, Routing
from hub.emsp.companion.subscriptions import Subscriptions
from hub.emsp.companion.suggestions import Suggestions
from hub.emsp.companion.waiting import FreeWishes
from hub.ocpi.objects import JSON


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


class Nowhere:
    """A way to no URL at all: for a provider whose calendars are uploaded only."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        """Raise that there is none."""
        raise NotTaken("nothing is fetched here")


@dataclass(frozen=True, kw_only=True)
class World:
    """What the companion has of the world outside.

    Attributes:
        channels: by name: EMAIL, SMS, PUSH.
        push_key: what browsers subscribe with; "": there is no web push.
        fetcher: the way to the URLs of calendars.
        routers: who knows roads.
        countries: what electricity emits, by ISO 3166-1 alpha-3, where stations do not tell.
    """

    channels: Mapping[str, Channel] = field(default_factory=dict)
    push_key: str = ""
    fetcher: Fetcher = field(default_factory=Nowhere)
    routers: Sequence[Router] = ()
    countries: Mapping[str, CountryMix] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The rooms beside it, as it needs them."""

    contacts: Contacts
    stations: Stations
    charges: Charges
    bookings: Bookings
    tokens: FleetTokens


class Companion:
    """Its parts.

    Args:
        publish: tells live what is on its way to a driver.

    Attributes:
        notifier: takes what drivers are told, from every room.
        preferences: how they want to be told.
        wishes: who waits for a station.
    """

    def __init__(
        self,
        database: Database,
        *,
        beside: Beside,
        world: World,
        now: Callable[[], datetime.datetime],
        publish: Callable[[str, Mapping[str, JSON]], None] | None = None,
    ) -> None:
        clock = self.clock = TimeOf(now)
        self.world = world
        self.contacts, self.stations = beside.contacts, beside.stations
        contacts, stations, charges = beside.contacts, beside.stations, beside.charges
        notifier = self.notifier = Notifier(database, clock=clock)
        self.preferences = PreferenceStore(database)
        self.subscriptions = Subscriptions(database)
        self.courier = Courier(database, clock=clock, contacts=contacts, channels=world.channels, publish=publish)
        self.favourites = Favourites(database, clock=clock)
        self.calendars = Calendars(database, clock=clock, fetcher=world.fetcher)
        self.positions = Positions(database, clock=clock, contacts=contacts)
        self.suggestions = Suggestions(
            database, clock=clock, contacts=contacts, stations=stations, charges=charges, calendars=self.calendars,
            positions=self.positions, favourites=self.favourites, notifier=notifier,
        )  # fmt: skip
        self.wishes = FreeWishes(database, clock=clock, stations=stations, notifier=notifier)
        self.reminders = Reminders(
            database, clock=clock, bookings=beside.bookings, stations=stations, notifier=notifier
        )  # fmt: skip
        self.history = History(charges=charges, contacts=contacts, notifier=notifier, countries=world.countries)
        self.feedback = Feedback(database, clock=clock, charges=charges)
        self.fleets = Fleets(
            database, clock=clock, charges=charges, tokens=beside.tokens, countries=world.countries
        )  # fmt: skip
        self.routing = Routing(world.routers)
        self.privacy = CompanionPrivacy(database, clock.now)

    async def start(self) -> None:
        """Begin what goes on by itself."""
        for each in self._working:
            await each.start()

    async def stop(self) -> None:
        """End."""
        for each in self._working:
            await each.stop()
        with contextlib.suppress(Exception):  # a router that cannot be closed is no reason to stay
            await self.routing.close()

    @property
    def _working(self) -> Sequence["_Working"]:
        return (self.courier, self.wishes, self.suggestions, self.reminders)


class _Working(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
