"""The room of money with what it needs of the rooms beside it."""

import datetime
from collections.abc import Callable

from hub.emsp.api.routes.accounting import AccountingRoutes
from hub.emsp.api.routes.money import MoneyRoutes
from hub.emsp.drivers.people import People
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.holding import OrdersOfDrivers
from hub.emsp.money.moments import WorldClock
from hub.emsp.money.needs import Notifier
from hub.emsp.money.papers import Letterhead
from hub.emsp.money.ports import PaymentGateway
from hub.emsp.money.till import Terms, Till
from hub.emsp.payers import Payers
from hub.emsp.store import Store


class MoneyRoom:
    """The till, whom it knows, and what may be done with it.

    Args:
        notifier: tells drivers.
    """

    def __init__(
        self,
        store: Store,
        gateway: PaymentGateway,
        clock: Callable[[], datetime.datetime],
        *,
        notifier: Notifier,
        terms: Callable[[], Terms] = Terms,
    ) -> None:
        database, world = store.database, WorldClock(clock)
        self._party = str(store.party)
        self._payers = Payers(People(database, clock), Tokens(store, clock, issuer="emall"))
        self.till = Till(
            store,
            gateway,
            drivers=self._payers,
            notifier=notifier,
            clock=world,
            orders=OrdersOfDrivers(database),
            terms=terms,
        )

    def routes(self) -> list[object]:
        """Return what drivers and operators may do with it."""
        return [
            MoneyRoutes(self.till, self._payers, Letterhead("emall")),
            AccountingRoutes(self.till, self._payers, self._party),
        ]
