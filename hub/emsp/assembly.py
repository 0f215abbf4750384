"""The eMSP with its rooms: what drivers and operators ask it, and the memory it shares with its OCPI door.

Rooms know each other by the Protocols of their ``needs.py`` only; here they are put together.
"""

import datetime
from collections.abc import Callable, Sequence

from hub.api.feed import Feed
from hub.api.passwords import Passwords
from hub.database.contract import Database
from hub.emsp.accompanying import CompanionRoom, companion_routes
from hub.emsp.api.assembling import emsp_api
from hub.emsp.api.bridges import DriversOfDesk
from hub.emsp.api.routes.codes import CodeDoor, CodeRoutes
from hub.emsp.api.routes.drivers import DriverRoutes, SignUpRoutes
from hub.emsp.api.routes.guests import GuestRoutes
from hub.emsp.api.routes.links import LinkRoutes
from hub.emsp.api.routes.registered import AgreementRoutes, RegisteredRoutes
from hub.emsp.api.routes.search import SearchRoutes
from hub.emsp.api.routes.terms import TermsRoutes
from hub.emsp.api.scopes import DRIVER_SCOPES, REALM
from hub.emsp.atstations import WhereAllowed
from hub.emsp.charging.needs import SmsGateway
from hub.emsp.charging.room import Charging
from hub.emsp.companion.room import World
from hub.emsp.drivers.desk import Desk
from hub.emsp.drivers.needs import Brand, Identities
from hub.emsp.driving import ChargingRoom
from hub.emsp.endpoints import EmspEndpoints
from hub.emsp.holding import CreditOfDrivers
from hub.emsp.inforce import TermsInForce
from hub.emsp.mail import Mailer
from hub.emsp.money.ports import PaymentGateway
from hub.emsp.paying import MoneyRoom
from hub.emsp.retailing import retail
from hub.emsp.search.finding import Finder
from hub.emsp.search.statuses import status_feed
from hub.emsp.search.viewing import Viewer
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.times import utc_now


class Assembly:
    """Its parts, put together.

    Args:
        sms: sends short messages.
        world: how drivers are told, who knows roads, what else is asked outside.
        mailer: sends letters to drivers.
        app_url: of the app's pages that links in letters lead to; "": our own.
        brands: those with an identity provider of their own; ``identities`` speaks with these.
        terms: what the operator decides, as it holds from moment to moment.
        hints: whether a wrong log-in of a driver is told what was wrong.

    Attributes:
        store: what CPOs told, and our Tokens.
        feed: live events of drivers.
        statuses: live events of EVSEs.
        companion: what drivers are told, suggested and shown beside the charge.
        drivers: who charges.
        money: what that costs, and how it is paid.
        charging: their bookings and charges, once the provider has joined its hub.
        api: what drivers and operators ask.
        doors: what else is answered, by path.
    """

    def __init__(
        self,
        database: Database,
        party: Party,
        *,
        page_limit: int = 100,
        public_url: str = "",
        mailer: Mailer,
        app_url: str = "",
        brands: Sequence[Brand] = (),
        identities: Identities | None = None,
        hints: bool = True,
        clock: Callable[[], datetime.datetime] = utc_now,
        gateway: PaymentGateway,
        sms: SmsGateway,
        passwords: Passwords | None = None,
        terms: TermsInForce | None = None,
        world: World | None = None,
    ) -> None:
        self._terms = terms or TermsInForce()
        self._app_url = app_url or public_url
        kept = passwords or Passwords()
        self.charging: Charging | None = None
        self.store = Store(database, party, page_limit=page_limit)
        self.feed = Feed(database, "emsp_feed")
        self.statuses = status_feed(database)
        paid = retail(lambda: self._terms.money().prices)
        self.finder = Finder(self.store, self.store.index, retail=paid, clock=clock)
        self.viewer = Viewer(self.store, retail=paid, clock=clock)
        self.companion = CompanionRoom(
            self.store, self.finder, self.viewer, world=world or World(), now=clock, publish=self.feed.publish
        )
        self.money = MoneyRoom(self.store, gateway, clock, notifier=self.companion.teller, terms=self._terms.money)
        pages = (app_url or f"{public_url}{REALM.path}/links").rstrip("/")
        self.drivers = Desk(
            self.store,
            mailer=mailer,
            link_of=lambda purpose, token: f"{pages}/{purpose.lower()}?token={token}",
            issuer="emall",
            brands=brands,
            identities=identities,
            passwords=kept,
            hints=hints,
            scopes=DRIVER_SCOPES,
            credit=CreditOfDrivers(database, self.money.till.purse),
            now=clock,
        )
        self._charging = ChargingRoom(
            self.drivers,
            self.money.till,
            notifier=self.companion.teller,
            feed=self.feed,
            sms=sms,
            return_url=self._app_url,
            terms=self._terms,
        )
        self.api = emsp_api(
            database,
            feed=self.feed,
            drivers=DriversOfDesk(self.drivers),
            public_url=public_url,
            passwords=kept,
            clock=clock,
        )
        self.doors = {"/c": CodeDoor(self.api.url)}
        for each in self.routes():
            self.api.add(each)
        for each in (*self.money.routes(), *companion_routes(self.companion, self.drivers.garage)):
            self.api.add(each)
        self.drivers.privacy.recalls.append(self.companion.privacy.recall)
        self.drivers.privacy.forgets.append(self.companion.privacy.forget)

    def routes(self) -> list[object]:
        """Return what drivers and operators may do with its rooms."""
        return [
            SearchRoutes(
                self.finder,
                self.viewer,
                self.statuses,
                self.api.gate,
                contracts=WhereAllowed(self.drivers),
                vehicles=self.drivers.garage,
            ),
            SignUpRoutes(self.drivers),
            GuestRoutes(self.drivers.guests, served=lambda: self._terms.all().charging.ad_hoc),
            DriverRoutes(self.drivers),
            RegisteredRoutes(self.drivers),
            AgreementRoutes(self.drivers),
            LinkRoutes(),
            TermsRoutes(self._terms.all),
            CodeRoutes(self.store, self._app_url),
        ]

    async def start(self) -> None:
        """Begin, before the first request."""
        await self.store.index.open()
        await self._terms.start()
        await self.drivers.start()
        await self.money.till.start()
        await self.companion.start()

    def behind(self, endpoints: EmspEndpoints) -> None:
        """Work behind the OCPI door, now that the provider has joined its hub."""
        endpoints.judge = self.drivers.judge.judge
        self.charging = self._charging.open(endpoints)
        for each in self._charging.routes(self.charging, self.api.gate):
            self.api.add(each)

    def leave(self) -> None:
        """Let everyone who listens go: the server is about to stop."""
        self.statuses.end()
        if self.charging is not None:
            self.charging.live.end()

    async def stop(self) -> None:
        """End."""
        await self._terms.stop()
        await self.companion.stop()
        await self.money.till.stop()
        await self.drivers.stop()
        await self.statuses.stop()
