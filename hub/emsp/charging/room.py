"""The door of this room: put together from a provider's endpoints and the rooms beside it."""

from collections.abc import Callable

from hub.database.contract import Transaction
from hub.emsp.charging.booking import BookingDesk
from hub.emsp.charging.changing import Changing
from hub.emsp.charging.clockwork import Clockwork, Handover
from hub.emsp.charging.following import Following
from hub.emsp.charging.ground import Ground, Terms, offer_told
from hub.emsp.charging.growing import Growing
from hub.emsp.charging.live import LiveCharges
from hub.emsp.charging.needs import (
    AsTold,
    Costs,
    Drivers,
    Money,
    NoMoney,
    Notifier,
    Silence,
    SmsGateway,
)
from hub.emsp.charging.profiling import Profiling
from hub.emsp.charging.promises import Promises
from hub.emsp.charging.sms import SmsDesk
from hub.emsp.charging.standing import Standing
from hub.emsp.charging.starting import ChargeDesk
from hub.emsp.charging.stopping import Stopping
from hub.emsp.charging.watchdog import Watchdog
from hub.emsp.endpoints import EmspEndpoints
from hub.emsp.store import Order


class Charging:
    """Booking and charging at one provider.

    Attributes:
        bookings: book and cancel. changing: at another time. charges: start and look. stopping: stop and prefer.
        profiling: limits of power.
        standing: what is wanted later. live: progress. sms: orders by SMS. clockwork: what the clock brings about.
    """

    def __init__(
        self,
        endpoints: EmspEndpoints,
        drivers: Drivers,
        *,
        money: Money | None = None,
        notifier: Notifier | None = None,
        sms: SmsGateway | None = None,
        costs: Costs | None = None,
        terms: Callable[[], Terms] = Terms,
    ) -> None:
        store = endpoints.store
        self.ground = Ground(
            store=store, asking=endpoints.asking, drivers=drivers, now=endpoints.clock, money=money or NoMoney(),
            rules=terms, costs=costs or AsTold(),
        )  # fmt: skip
        self.bookings = BookingDesk(self.ground)
        self.changing = Changing(self.ground, self.bookings)
        self.following = Following(self.ground)
        self.charges = ChargeDesk(self.ground, self.bookings, self.following)
        self.profiling = Profiling(self.ground)
        self.stopping = Stopping(self.ground, self.charges, self.following, self.profiling)
        self.standing = Standing(self.ground, self.bookings)
        self.live = LiveCharges(store.database, self.ground.now)
        self.sms = SmsDesk(self.ground, self.charges, self.stopping, sms)
        self._promises = Promises(self.ground)
        store.booking_locations.follow(offer_told)
        store.bookings.follow(self.bookings.told)
        store.sessions.follow(self.following.session_told)
        store.cdrs.follow(self.following.cdr_told)
        store.order_followers = (*store.order_followers, self._resulted)
        watchdog = Watchdog(self.ground, self.following)
        handover = Handover(store.database, notifier or Silence(), sms)
        self.clockwork = Clockwork(
            store.database,
            [self.bookings.look, self.standing.look, watchdog.look, Growing(self.ground).look,
             self.stopping.send_stops, handover.look, self.sms.look],
        )  # fmt: skip

    async def _resulted(self, tx: Transaction, order: Order) -> None:
        await self._promises.resulted(tx, order)
        await self.following.resulted(tx, order)
        await self.profiling.resulted(tx, order)

    async def start(self) -> None:
        """Begin to do what is due."""
        await self.clockwork.start()

    async def stop(self) -> None:
        """End."""
        await self.clockwork.stop()
