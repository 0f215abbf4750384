"""What the clock brings about: everything due stands in rows, so a restart forgets nothing.

One process looks, the one that leads; it looks at once when something was committed that it waits for.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from hub.database.contract import Database, Transaction
from hub.emsp.charging.cases import CHANNEL as CASES
from hub.emsp.charging.charges import CHANNEL as CHARGES
from hub.emsp.charging.ground import OFFERS
from hub.emsp.charging.needs import Notifier, SmsGateway
from hub.emsp.charging.notices import CHANNEL as NOTICES
from hub.emsp.charging.notices import Notice, taken, untold

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between looks


class Clockwork:
    """Looks every second at what is due.

    Args:
        looks: what is to be done at each look, in this order.
    """

    def __init__(self, database: Database, looks: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._database = database
        self._looks = list(looks)
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        for channel in (CHARGES, OFFERS, NOTICES, CASES):
            database.listen(channel, lambda _: self._awake.set())

    def also(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look at something more, after the rest."""
        self._looks.append(look)

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="emsp charging")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            if await self._database.try_lead():
                await self.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), PERIOD)

    async def look(self) -> None:
        """Do what is due now; one thing's trouble does not keep the others."""
        for each in self._looks:
            try:
                await each()
            except Exception:  # It is due again at the next look.
                log.exception("%s could not be done", getattr(each, "__qualname__", each))


class Handover:
    """Hands notices to the notifier, and by SMS to those who charge by SMS."""

    def __init__(self, database: Database, notifier: Notifier, sms: SmsGateway | None) -> None:
        self._database = database
        self._notifier = notifier
        self._sms = sms

    async def look(self) -> None:
        """Hand over what nobody has taken yet."""
        for notice in await untold(self._database):
            await self._one(notice)

    async def _one(self, notice: Notice) -> None:
        await self._notifier.tell(notice.told)

        async def work(tx: Transaction) -> None:
            await taken(tx, notice)

        # Noted before the SMS goes out: one that gets lost does less harm than one that comes every second.
        await self._database.transact(work)
        if notice.phone and self._sms is not None:
            await self._sms.send(notice.phone, notice.told.text)
