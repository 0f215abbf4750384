"""An operator's prices put together, with the timer that begins and ends special offers."""

import asyncio
import datetime
from collections.abc import Callable

from hub.cpms.store import Store
from hub.cpms.tariffs.making import Tariffs
from hub.cpms.tariffs.offers import Offers
from hub.cpms.timers import Timer
from hub.database.works import Also
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import utc_now


class TariffRoom:
    """Tariffs, their places and special offers of one operator."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self.store = store
        self.tariffs = Tariffs(store, clock=clock)
        self.places = self.tariffs.places
        self._timer = Timer("special offers", self._turn, _Clock(clock))
        self.offers = Offers(self.tariffs, changed=self._timer.wake)

    async def start(self) -> None:
        """Begin and end what became due meanwhile, and go on."""
        self._timer.start()

    async def stop(self) -> None:
        """End; offers stay as they are until the next start."""
        await self._timer.stop()

    async def change(
        self,
        tariff_id: str,
        value: JSONObject,
        *,
        made_by: str = "",
        note: str = "",
        also: Also[JSONObject] | None = None,
    ) -> JSONObject:
        """Change a Tariff, and the special offers made from it.

        Raises:
            NoSuchObject: there is none.
            InvalidParameters: no Tariff comes of it, or it belongs to a special offer.
        """
        made = await self.tariffs.change(tariff_id, value, made_by=made_by, note=note, also=also)
        await self.offers.renew(tariff_id, made_by=made_by)
        return made

    async def _turn(self) -> datetime.datetime | None:
        return await self.offers.turn()


class _Clock:
    """The time of the house, and the sleep of the world."""

    def __init__(self, now: Callable[[], datetime.datetime]) -> None:
        self.now = now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
