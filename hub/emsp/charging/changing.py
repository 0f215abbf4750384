"""Moving a booking to another time: the new slots are taken before the CPO is asked, the old ones kept until it agrees.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (BookingTerms: change_until_minutes); RASD-R5.
"""

import dataclasses
import datetime

from hub.database.contract import Transaction
from hub.emsp.charging.booking import BookingDesk
from hub.emsp.charging.bookings import Booking, bookings, moved, take, write
from hub.emsp.charging.ground import Ground, refusal_of
from hub.emsp.charging.refusals import Refused
from hub.ocpi.errors import OcpiError


class Changing:
    """Where drivers change what they have booked."""

    def __init__(self, ground: Ground, desk: BookingDesk) -> None:
        self._ground = ground
        self._desk = desk

    async def change(
        self, driver_id: str, booking_id: str, starts_at: datetime.datetime, ends_at: datetime.datetime
    ) -> Booking:
        """Have a booking at another time; the same time again changes nothing.

        Raises:
            Refused: it stands as it was, and why.
        """
        booking = await self._desk.of_driver(driver_id, booking_id)
        if (starts_at, ends_at) == (booking.starts_at, booking.ends_at):
            return booking
        await self._check(booking)
        await self._ground.admitted(driver_id, booking.spot)
        await self._desk.judged(driver_id, booking.vehicle_id, booking.spot, starts_at, ends_at)
        wanted = dataclasses.replace(booking, starts_at=starts_at, ends_at=ends_at)
        if booking.way == "RESERVE_NOW":
            return await self._ground.database.transact(lambda tx: self._promised(tx, wanted))
        await self._ground.database.transact(lambda tx: take(tx, wanted))
        try:
            await self._ground.asking.book(booking.spot.owner, await self._desk.wish(wanted))
        except OcpiError as error:
            raise refusal_of(error) from error
        finally:
            await self._ground.database.transact(lambda tx: self._trimmed(tx, booking_id))
        after = await self._desk.of_driver(driver_id, booking_id)
        if (after.starts_at, after.ends_at) != (starts_at, ends_at):
            raise Refused("CHANGE_REFUSED", "$.starts_at")
        return after

    async def _check(self, booking: Booking) -> None:
        kept = {"BOOKINGS": ("PENDING", "RESERVED"), "RESERVE_NOW": ("PROMISED",)}
        if booking.state not in kept.get(booking.way, ()):
            raise Refused("NOT_CHANGEABLE")
        told = await self._ground.store.bookings.get(booking.spot.owner, booking.number or "")
        minutes = ((told or {}).get("booking_terms") or {}).get("change_until_minutes") or 0
        if self._ground.now() > booking.starts_at - datetime.timedelta(minutes=int(minutes)):
            raise Refused("NOT_CHANGEABLE")

    async def _promised(self, tx: Transaction, wanted: Booking) -> Booking:
        """Move what no CPO knows of yet."""
        for each in await bookings(tx, "id = $1 AND state = 'PROMISED'", wanted.id):
            await take(tx, wanted)
            after = await moved(tx, each, starts_at=wanted.starts_at, ends_at=wanted.ends_at)
            return await write(tx, dataclasses.replace(after, due_at=after.starts_at), self._ground.now())
        raise Refused("NOT_CHANGEABLE")

    async def _trimmed(self, tx: Transaction, booking_id: str) -> None:
        """Give back the slots that a booking, as it is now, does not cover."""
        locked = self._ground.database.dialect == "postgres"
        for each in await bookings(tx, "id = $1 AND state IN ('PENDING', 'RESERVED')", booking_id, locked=locked):
            await moved(tx, each)
