"""The companion with what it needs of the rooms beside it, and what may be done with it."""

import datetime
from collections.abc import Callable, Mapping

from hub.emsp.api.routes.companion import CompanionRoutes
from hub.emsp.api.routes.fleets import FleetRoutes, ManagedFleetRoutes
from hub.emsp.api.routes.histories import HistoryRoutes
from hub.emsp.api.routes.suggested import KnownRoutes, SuggestionRoutes
from hub.emsp.api.routes.waiting import WaitingRoutes
from hub.emsp.api.routes.ways import WayRoutes
from hub.emsp.charged import BilledCharges, BookingsAhead, Teller
from hub.emsp.companion.room import Beside, Companion, TimeOf, World
from hub.emsp.companion.stations import KnownStations
from hub.emsp.contacts import ContactsOfDrivers, GroupedTokens
from hub.emsp.drivers.garage import Garage
from hub.emsp.search.finding import Finder
from hub.emsp.search.viewing import Viewer
from hub.emsp.store import Store
from hub.ocpi.objects import JSON


class CompanionRoom(Companion):
    """The companion among the rooms of one provider.

    Attributes:
        teller: what other rooms tell drivers by.
    """

    def __init__(
        self,
        store: Store,
        finder: Finder,
        viewer: Viewer,
        *,
        world: World,
        now: Callable[[], datetime.datetime],
        publish: Callable[[str, Mapping[str, JSON]], None] | None = None,
    ) -> None:
        charges = BilledCharges(store, now)
        beside = Beside(
            contacts=ContactsOfDrivers(store, now),
            stations=KnownStations(finder, viewer, clock=TimeOf(now)),
            charges=charges,
            bookings=BookingsAhead(store),
            tokens=GroupedTokens(store, now),
        )
        super().__init__(store.database, beside=beside, world=world, now=now, publish=publish)
        self.teller = Teller(self.notifier, history=self.history, charges=charges, stations=self.stations)


def companion_routes(companion: Companion, garage: Garage) -> list[object]:
    """Return what drivers and operators may do with it."""
    contacts = companion.contacts
    return [
        CompanionRoutes(
            notifier=companion.notifier,
            preferences=companion.preferences,
            subscriptions=companion.subscriptions,
            favourites=companion.favourites,
            stations=companion.stations,
            push_key=companion.world.push_key,
        ),
        SuggestionRoutes(companion.suggestions, contacts),
        KnownRoutes(companion.calendars, companion.positions, contacts),
        WaitingRoutes(companion.wishes),
        WayRoutes(companion.routing, garage),
        HistoryRoutes(companion.history, companion.feedback),
        FleetRoutes(companion.fleets, contacts),
        ManagedFleetRoutes(companion.fleets),
    ]
