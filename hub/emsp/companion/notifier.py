"""What drivers are told, written down: in the transaction of its cause, or by its key once.

A notification is a row before anybody is told of it, so it is told if and only if its cause was committed. By which
channels it goes is decided afterwards (``delivering.py``); whoever has no channel still reads it in his list.
"""

import datetime
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.companion.kinds import kind_of
from hub.emsp.companion.needs import Clock, Told
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import stamp, stamped

#: The channel that says that there is something to deliver.
NOTIFICATIONS = "emsp_notification"

_COLUMNS = "id, key, driver_id, kind, event, text, data, created, read_at"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One thing a driver is told; the columns are explained at ``EmspNotification``."""

    id: int
    key: str
    driver_id: str
    kind: str
    event: str
    text: str
    data: JSONObject
    created: datetime.datetime
    read_at: datetime.datetime | None


class Notifier:
    """Takes what drivers are told; the same key twice is told once."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def tell(self, told: Told) -> None:
        """Write down what a driver is told; for a cause that has a transaction, ``note`` does it inside."""
        await self._database.transact(lambda tx: self.note(tx, told))

    async def note(self, tx: Transaction, told: Told) -> bool:
        """Write it down in the transaction of its cause; False: it was written down before."""
        touched = await tx.execute(
            "INSERT INTO emsp_notification (key, driver_id, kind, event, text, data, planned, created, read_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, 0, $7, NULL) ON CONFLICT (key) DO NOTHING",
            told.key, told.driver_id, kind_of(told.event).name, str(told.event), told.text,
            codec.encode(dict(told.data)), stamp(self._clock.now()),
        )  # fmt: skip
        if touched:
            tx.notify(NOTIFICATIONS)
        return touched > 0

    async def of(self, driver_id: str, *, before: int | None = None, limit: int = 50) -> list[Notification]:
        """Return what a driver was told, the newest first.

        Args:
            before: id of the last one seen, to go on from.
        """
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_notification WHERE driver_id = $1 AND id < $2"  # noqa: S608  our own columns
            " ORDER BY id DESC LIMIT $3",
            driver_id, before if before is not None else 2**62, limit,
        )  # fmt: skip
        return [notification(row) for row in rows]

    async def read(self, driver_id: str, notification_id: int) -> bool:
        """Note that a driver has seen one of his; False: he has no such one."""
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> bool:
            touched = await tx.execute(
                "UPDATE emsp_notification SET read_at = COALESCE(read_at, $1) WHERE id = $2 AND driver_id = $3",
                now, notification_id, driver_id,
            )  # fmt: skip
            return touched > 0

        return await self._database.transact(work)


async def unplanned(database: Database, limit: int = 100) -> list[Notification]:
    """Return what is written down and not yet on its way, the oldest first."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM emsp_notification WHERE planned = 0 ORDER BY id LIMIT $1",  # noqa: S608  our own
        limit,
    )
    return [notification(row) for row in rows]


def notification(row: Row) -> Notification:
    """Return a row as a value."""
    number, key, driver_id, kind, event, text, data, created, read_at = row
    return Notification(
        id=number,
        key=key,
        driver_id=driver_id,
        kind=kind,
        event=event,
        text=text,
        data=codec.decode(data),
        created=stamped(created),
        read_at=stamped(read_at) if read_at is not None else None,
    )
