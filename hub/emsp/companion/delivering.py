"""Brings notifications to drivers: decides the channels of each, and hands each to its channels once.

A delivery is PENDING until it is handed over; SENDING while a channel has it, which is durable before the channel is
called; SENT when the channel took it; FAILED when it never will, is not worth telling any more, or when nobody knows:
whoever died in the middle may have sent it, and a driver is never told twice.
"""

import asyncio
import datetime
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.database.contract import Database, DatabaseUnavailable, Row, Transaction
from hub.emsp.companion.kinds import KINDS
from hub.emsp.companion.needs import Channel, Clock, Contact, Contacts, Message, NotTaken, Refused, TargetGone
from hub.emsp.companion.notifier import NOTIFICATIONS, Notification, notification, unplanned
from hub.emsp.companion.preferences import PreferenceStore
from hub.emsp.companion.rounds import Rounds
from hub.emsp.companion.subscriptions import Subscriptions
from hub.emsp.texts import words
from hub.ocpi.objects import JSON
from hub.ocpi.times import stamp, stamped

log = logging.getLogger(__name__)

_LEASE = datetime.timedelta(minutes=5)  # after which whoever was sending is taken for dead
_FIRST = datetime.timedelta(seconds=30)  # until a channel that did not take something is tried again
_LONGEST = datetime.timedelta(hours=1)
_LOOK = 10.0  # seconds between two looks at what is due
_SOME = 100  # notifications that are planned, and deliveries that are made, in one go
_AT_ONCE = 8

PENDING, SENDING, SENT, FAILED = "PENDING", "SENDING", "SENT", "FAILED"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A notification on its way by one channel."""

    id: int
    channel: str
    target: str
    attempts: int
    until: datetime.datetime


class Courier:
    """Plans and delivers.

    Args:
        channels: by name: EMAIL, SMS, PUSH; a channel that is not there is not used.
        publish: told of each notification that is on its way, for whoever listens live.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        contacts: Contacts,
        channels: Mapping[str, Channel],
        publish: Callable[[str, Mapping[str, JSON]], None] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._contacts = contacts
        self._channels = channels
        self._publish = publish
        self._preferences = PreferenceStore(database)
        self._subscriptions = Subscriptions(database)
        self._rounds = Rounds("notifications", self.work, clock=clock, pause=_LOOK)
        database.listen(NOTIFICATIONS, lambda payload: self._rounds.wake())

    async def start(self) -> None:
        """Begin to deliver."""
        await self._rounds.start()

    async def stop(self) -> None:
        """End; what a channel has at this moment is of unknown outcome."""
        await self._rounds.stop()

    async def work(self) -> None:
        """Plan what is new, and deliver what is due."""
        await self._give_up()
        while await self._some():
            pass

    async def _some(self) -> bool:
        """Plan and deliver some; return whether there may be more."""
        new = await unplanned(self._database, _SOME)
        planned = [await self._is_planned(each) for each in new]
        due = await self._due()
        # Several at once: a channel that is slow to answer holds up nobody whose channel is not.
        gate = asyncio.Semaphore(_AT_ONCE)
        done = await asyncio.gather(*(self._handed(each, gate) for each in due), return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return len(due) == _SOME or (len(new) == _SOME and all(planned))

    async def _is_planned(self, told: Notification) -> bool:
        try:
            await self._plan(told)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("notification %d is not planned yet", told.id)
            return False
        return True

    async def _handed(self, delivery_id: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            if (claimed := await self._claim(delivery_id)) is not None:
                await self._deliver(*claimed)

    # -- planning ----------------------------------------------------------------------------------

    async def _plan(self, told: Notification) -> None:
        """Decide by which channels a notification goes, and when."""
        kind, now = KINDS[told.kind], self._clock.now()
        contact = await self._contacts.contact(told.driver_id)
        rows = list[tuple[str, str, int, int]]()
        if contact is not None and (not kind.marketing or await self._contacts.agreed(told.driver_id, "MARKETING")):
            chosen = await self._preferences.of(told.driver_id)
            due = chosen.due(kind, now, contact.zone)
            # What waited for the morning is worth telling in the morning.
            until = max(told.created + kind.worth, due + min(kind.worth, _LONGEST))
            for channel in chosen.channels_of(kind):
                for target in await self._targets(channel, told.driver_id, contact):
                    rows.append((channel, target, stamp(due), stamp(until)))
        if await self._database.transact(lambda tx: _planned(tx, told, rows)) and self._publish is not None:
            self._publish("notification", {"driver_id": told.driver_id, "id": told.id, "event": told.event})

    async def _targets(self, channel: str, driver_id: str, contact: Contact) -> list[str]:
        if channel not in self._channels:
            return []
        if channel == "PUSH":
            return [json.dumps(each.to_json()) for each in await self._subscriptions.of(driver_id)]
        target = {"EMAIL": contact.email, "SMS": contact.phone}[channel]
        return [target] if target else []

    # -- delivering --------------------------------------------------------------------------------

    async def _give_up(self) -> None:
        """Fail what somebody died over, and what is not worth telling any more."""
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE emsp_notification_delivery SET state = 'FAILED', due = NULL,"
                " reason = 'it is not known whether it was sent' WHERE state = 'SENDING' AND due <= $1",
                now,
            )
            await tx.execute(
                "UPDATE emsp_notification_delivery SET state = 'FAILED', due = NULL,"
                " reason = 'too late; ' || COALESCE(reason, 'nobody could send it')"
                " WHERE state = 'PENDING' AND due <= $1 AND until < $1",
                now,
            )

        await self._database.transact(work)

    async def _due(self) -> list[int]:
        rows = await self._database.fetch(
            "SELECT id FROM emsp_notification_delivery WHERE state = 'PENDING' AND due <= $1 ORDER BY due, id LIMIT $2",
            stamp(self._clock.now()),
            _SOME,
        )
        return [number for (number,) in rows]

    async def _claim(self, delivery_id: int) -> tuple[Delivery, Notification] | None:
        """Take a delivery, durably, before its channel is called; None: another process has it."""
        lease = stamp(self._clock.now() + _LEASE)

        async def work(tx: Transaction) -> tuple[Delivery, Notification] | None:
            rows = await tx.fetch(
                "UPDATE emsp_notification_delivery SET state = 'SENDING', attempts = attempts + 1, due = $1"
                " WHERE id = $2 AND state = 'PENDING' RETURNING id, channel, target, attempts, until, notification_id",
                lease, delivery_id,
            )  # fmt: skip
            if not rows:
                return None
            told = await tx.fetch(
                "SELECT id, key, driver_id, kind, event, text, data, created, read_at FROM emsp_notification"
                " WHERE id = $1",
                rows[0][5],
            )
            return _delivery(rows[0]), notification(told[0])

        return await self._database.transact(work)

    async def _deliver(self, delivery: Delivery, told: Notification) -> None:
        try:
            message = await self._message(delivery, told)
            await self._channels[delivery.channel].send(message)
        except NotTaken as error:
            pause = min(_FIRST * 2 ** min(delivery.attempts - 1, 10), _LONGEST)
            await self._settle(delivery, PENDING, due=self._clock.now() + pause, reason=str(error))
        except TargetGone as error:
            await self._settle(delivery, FAILED, reason=str(error))
            if delivery.channel == "PUSH":
                await self._subscriptions.remove(told.driver_id, json.loads(delivery.target)["endpoint"])
        except Refused as error:
            await self._settle(delivery, FAILED, reason=str(error))
        except Exception as error:
            log.exception("delivery %d by %s broke off", delivery.id, delivery.channel)
            await self._settle(delivery, FAILED, reason=f"it is not known whether it was sent: {error!r}")
        else:
            await self._settle(delivery, SENT)

    async def _message(self, delivery: Delivery, told: Notification) -> Message:
        contact = await self._contacts.contact(told.driver_id)
        if contact is None:
            raise Refused("the driver is gone")
        chosen = await self._preferences.of(told.driver_id)
        shown = words(
            language=chosen.language or contact.language,
            event=told.event,
            kind=told.kind,
            text=told.text,
            data=told.data,
        )
        return Message(
            key=told.key,
            to=delivery.target,
            subject=shown.subject,
            text=shown.text,
            until=delivery.until,
            data={"event": told.event, "id": told.id} | told.data,
        )

    async def _settle(
        self, delivery: Delivery, state: str, *, due: datetime.datetime | None = None, reason: str | None = None
    ) -> None:
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE emsp_notification_delivery SET state = $1, due = $2, reason = $3, sent_at = $4 WHERE id = $5"
                " AND state = 'SENDING'",
                state, stamp(due) if due else None, reason, now if state == SENT else None, delivery.id,
            )  # fmt: skip

        await self._database.transact(work)


async def _planned(tx: Transaction, told: Notification, rows: list[tuple[str, str, int, int]]) -> bool:
    if not await tx.execute("UPDATE emsp_notification SET planned = 1 WHERE id = $1 AND planned = 0", told.id):
        return False
    await tx.executemany(
        "INSERT INTO emsp_notification_delivery (notification_id, driver_id, channel, target, state, attempts, due,"
        " until, sent_at, reason) VALUES ($1, $2, $3, $4, 'PENDING', 0, $5, $6, NULL, NULL)",
        [(told.id, told.driver_id, *each) for each in rows],
    )
    return True


def _delivery(row: Row) -> Delivery:
    number, channel, target, attempts, until, _ = row
    return Delivery(id=number, channel=channel, target=target, attempts=attempts, until=stamped(until))
