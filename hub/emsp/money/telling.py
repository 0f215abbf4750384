"""What drivers are to be told: written in the transaction that made it true, told until the notifier has taken it."""

import logging

from hub.database.contract import Database, Transaction
from hub.emsp.money.needs import Event, Notifier, Told
from hub.ocpi import codec

log = logging.getLogger(__name__)


class Telling:
    """An outbox to one notifier."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def add(self, tx: Transaction, told: Told) -> None:
        """Have something told once; the same key again changes nothing."""
        document = {"event": told.event, "driver_id": told.driver_id, "text": told.text, "data": dict(told.data)}
        await tx.execute(
            "INSERT INTO emsp_money_telling (key, document, told) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
            told.key,
            codec.encode(document),
        )

    async def work(self) -> None:
        """Tell what is to be told; what the notifier does not take now it is offered again."""
        rows = await self._database.fetch(
            "SELECT key, document FROM emsp_money_telling WHERE told = 0 ORDER BY seq LIMIT 100"
        )
        for key, document in rows:
            value = codec.decode(document)
            try:
                await self._notifier.tell(Told(key=key, **value | {"event": Event(value["event"])}))
            except Exception:
                # A notifier is another's code: whatever it raises, the money goes on and the driver is told later.
                log.exception("%s was not told", key)
                return
            await self._done(key)

    async def _done(self, key: str) -> None:
        await self._database.transact(
            lambda tx: tx.execute("UPDATE emsp_money_telling SET told = 1 WHERE key = $1", key)
        )
