"""Telling a station the limit of an EVSE or of its car, and whoever set a profile on that car what became of it."""

from collections.abc import Awaitable, Callable

from hub.cpms.charging.limits import Order, limited_by, only, phases_of
from hub.cpms.charging.schedules import constant, in_periods
from hub.cpms.charging.shares import Shares
from hub.cpms.needs import Clock
from hub.cpms.ports import CpmsEvent, ProfileChanged
from hub.cpms.profiles import StationProfiles
from hub.ocpi.objects import JSONObject


class Telling:
    """Puts orders to stations.

    Attributes:
        due: the EVSEs whose car is to be told its limit whatever it was told before: it asked for it (K15).
    """

    def __init__(
        self,
        *,
        shares: Shares,
        stations: StationProfiles,
        tell: Callable[[CpmsEvent], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._shares = shares
        self._stations = stations
        self._tell = tell
        self._clock = clock
        self.due: set[tuple[str, int]] = set()

    def is_due(self, order: Order) -> bool:
        """Whether an order is what a car has asked for."""
        return order.car is not None and order.car.key in self.due

    async def put(self, order: Order) -> bool:
        """Put an order to its station; return whether it goes by it."""
        if order.car is None:
            profile = constant(order.amount, order.site_evse.feed, self._clock.now())
            return await self._stations.put(order.site_evse.evse, None, profile)
        self.due.discard(order.car.key)
        profile = in_periods(await self._profile(order), order.car.periods)
        phases = only(order.site_evse, phases_of(order.site_evse, order.car))
        return await self._stations.put(order.site_evse.evse, order.car.transaction_id, profile, phases=phases)

    async def say(self, order: Order) -> None:
        """Tell who has set a profile on a session that it charges by another one now."""
        if order.car is None or await self._shares.profile(order.car.evse, order.car.transaction_id) is None:
            return
        profile = await self._profile(order)
        start = profile.pop("start_date_time")
        active = {"start_date_time": start, "charging_profile": profile}
        await self._tell(ProfileChanged(session_id=order.car.session_id, profile=active))

    async def _profile(self, order: Order) -> JSONObject:
        assert order.car is not None, "the caller has looked"
        plain = constant(order.amount, order.site_evse.feed, self._clock.now())
        found = await self._shares.profile(order.car.evse, order.car.transaction_id)
        return limited_by(found, order.amount, order.site_evse, plain)
