"""The room of charging with what it needs of the rooms beside it.

It stands behind the OCPI door, so it is made when the provider has joined its hub.
"""

import functools

from hub.api.declaring import Gate
from hub.api.feed import Feed
from hub.database.contract import Database
from hub.emsp.api.routes.booking import BookingRoutes, DriverBookingRoutes
from hub.emsp.api.routes.charging import ChargingRoutes
from hub.emsp.api.routes.operating import OperatingRoutes
from hub.emsp.api.routes.profiles import ProfileRoutes
from hub.emsp.atstations import AtStations
from hub.emsp.charging.cases import cases, newest
from hub.emsp.charging.needs import Notifier, SmsGateway, Told
from hub.emsp.charging.privacy import ChargingPrivacy
from hub.emsp.charging.room import Charging
from hub.emsp.costing import DriversCosts
from hub.emsp.drivers.desk import Desk
from hub.emsp.endpoints import EmspEndpoints
from hub.emsp.holding import ChargeMoney, tell_verdict
from hub.emsp.inforce import TermsInForce
from hub.emsp.money.gate import Gate as MoneyGate
from hub.emsp.money.till import Till


class ChargingRoom:
    """What charging needs, before there is an OCPI door.

    Args:
        feed: live events of drivers.
        sms: sends short messages.
        return_url: where drivers come back to from their bank's page.
        terms: what the operator decides.
    """

    def __init__(
        self,
        desk: Desk,
        till: Till,
        *,
        notifier: Notifier,
        feed: Feed,
        sms: SmsGateway,
        return_url: str,
        terms: TermsInForce,
    ) -> None:
        self._desk = desk
        self._till = till
        self._notifier = HeardAlso(notifier, feed)
        self._sms = sms
        self._feed = feed
        self._terms = terms.charging
        self._drivers = AtStations(desk, till.purse, ad_hoc=lambda: terms.all().charging.ad_hoc)
        gate = MoneyGate(till, lambda: terms.all().money.estimates)
        self._money = ChargeMoney(gate, desk.store, return_url=return_url)
        self._costs = DriversCosts(desk.store, till.prices)
        privacy = ChargingPrivacy(desk.store.database)
        desk.privacy.recalls += [privacy.recall, till.purse.recall]
        desk.privacy.forgets += [privacy.forget, till.purse.forget]

    def open(self, endpoints: EmspEndpoints) -> Charging:
        """Return the room behind an OCPI door, which starts and stops it."""
        made = Charging(
            endpoints,
            self._drivers,
            money=self._money,
            notifier=self._notifier,
            sms=self._sms,
            costs=self._costs,
            terms=self._terms,
        )
        self._till.verdicts.follow(functools.partial(tell_verdict, made.following))
        made.clockwork.also(CasesTold(made.ground.database, self._feed).look)
        endpoints.rooms = (*endpoints.rooms, made)
        return made

    @staticmethod
    def routes(charging: Charging, gate: Gate) -> list[object]:
        """Return what drivers and operators do with it."""
        return [
            BookingRoutes(charging),
            DriverBookingRoutes(charging),
            ChargingRoutes(charging, gate),
            OperatingRoutes(charging),
            ProfileRoutes(charging),
        ]


class HeardAlso:
    """A notifier whose notices are live events, too."""

    def __init__(self, notifier: Notifier, feed: Feed) -> None:
        self._notifier = notifier
        self._feed = feed

    async def tell(self, told: Told) -> None:
        """Tell a driver, and whoever listens; of a bill the room of money tells him, with its receipt."""
        if told.event != "CHARGE_BILLED":
            await self._notifier.tell(told)
        kind = "booking" if told.event.startswith(("BOOKING", "REQUEST")) else "session"
        self._feed.publish(kind, {"driver_id": told.driver_id, "event": told.event, "text": told.text, **told.data})


class CasesTold:
    """Tells staff who listens of each case that is raised; the process that leads tells all of them."""

    def __init__(self, database: Database, feed: Feed) -> None:
        self._database = database
        self._feed = feed
        self._last: int | None = None

    async def look(self) -> None:
        """Tell of new cases; those of before the start are in the list."""
        if self._last is None:
            self._last = await newest(self._database)
            return
        for each in await cases(self._database, after=self._last):
            self._last = each.id
            self._feed.publish(
                "case", {"case_id": each.id, "kind": each.kind, "subject": each.subject, "owner": each.owner}
            )
