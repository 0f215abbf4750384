"""Where a CPO has no Bookings module: RESERVE_NOW when the driver's time begins, promised until then.

OCPI's RESERVE_NOW keeps an EVSE from now on; there is no way to ask a CPO for later. So the driver is told that
it is a promise, and hears at its beginning whether it could be kept.

Source: OCPI 2.3.0, mod_commands.asciidoc (ReserveNow, CancelReservation); X-40, X-63.
"""

import dataclasses
import logging

from hub.database.contract import Transaction
from hub.emsp.charging.bookings import Booking, State, bookings, write
from hub.emsp.charging.ground import Ground, find, new_id
from hub.emsp.charging.notices import notify, why
from hub.emsp.store import Order
from hub.ocpi.errors import OcpiError
from hub.ocpi.times import date_time

log = logging.getLogger(__name__)


class Promises:
    """Keeps promises."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def keep(self, booking: Booking) -> None:
        """Reserve the EVSE now; the result comes later.

        Raises:
            OcpiError: the CPO cannot be reached; there is time to try again.
        """
        until = booking.starts_at + self._ground.terms.no_show
        if self._ground.now() >= until:
            return await self._set(booking.id, "FAILED", "EXPIRED")
        found = await find(self._ground.store, booking.spot)
        body = {
            "token": booking.token,
            "expiry_date": date_time(until),
            "reservation_id": booking.id,
            "location_id": found.location["id"],
            "evse_uid": found.evse["uid"],
            "authorization_reference": booking.reference,
        }
        try:
            # Every attempt is an order of its own about one reservation, so that repeating it changes nothing.
            order = await self._ground.asking.command("RESERVE_NOW", booking.spot.owner, body, uid=_uid(booking))
        except OcpiError as error:
            if error.transient:
                raise
            return await self._set(booking.id, "FAILED", "CPO_ERROR")
        if order.response != "ACCEPTED":
            return await self._set(booking.id, "REJECTED", order.response)
        # Until its result has come, the place is the CPO's to give; then it waits for its driver.
        await self._set(booking.id, "PENDING", None, only="PROMISED")

    async def resulted(self, tx: Transaction, order: Order) -> None:
        """Take the result of a RESERVE_NOW of ours; called with each result that comes."""
        if order.command != "RESERVE_NOW":
            return
        state: State = "RESERVED" if order.result == "ACCEPTED" else "REJECTED"
        if order.result == "CANCELED_RESERVATION":
            state = "CANCELED"
        await self._written(tx, order.uid.partition(".")[2], state, order.result, owner=str(order.receiver))

    async def cancelled(self, booking: Booking) -> bool:
        """Cancel a reservation at the CPO; whether it takes that.

        Raises:
            OcpiError: it cannot be reached; the reservation stands.
        """
        body = {"reservation_id": booking.id}
        order = await self._ground.asking.command("CANCEL_RESERVATION", booking.spot.owner, body)
        return order.response in ("ACCEPTED", "UNKNOWN_RESERVATION")

    async def _set(self, booking_id: str, state: State, reason: str | None, *, only: str | None = None) -> None:
        await self._ground.database.transact(lambda tx: self._written(tx, booking_id, state, reason, only=only))

    async def _written(
        self,
        tx: Transaction,
        booking_id: str,
        state: State,
        reason: str | None,
        *,
        only: str | None = None,
        owner: str | None = None,
    ) -> None:
        now, locked = self._ground.now(), self._ground.database.dialect == "postgres"
        for booking in await bookings(tx, "id = $1 AND way = 'RESERVE_NOW'", booking_id, locked=locked):
            if booking.state not in ("PROMISED", "PENDING", "RESERVED") or (only and booking.state != only):
                return
            if owner and owner != str(booking.spot.owner):
                return
            stands = state in ("PENDING", "RESERVED")
            due = booking.starts_at + self._ground.terms.no_show if stands else None
            after = dataclasses.replace(booking, state=state, reason=None if stands else reason, due_at=due)
            await write(tx, after, now)
            if event := _EVENTS.get(state):
                await notify(
                    tx, event, about=booking.id, driver_id=booking.driver_id, at=now,
                    data={"booking_id": booking.id, "state": state, "reason": reason},
                    why=why(reason), **after.times(),
                )  # fmt: skip


def _uid(booking: Booking) -> str:
    return f"{new_id()[:8]}.{booking.id}"


_EVENTS = {
    "RESERVED": "BOOKING_MADE", "REJECTED": "BOOKING_REFUSED", "FAILED": "BOOKING_REFUSED",
    "CANCELED": "BOOKING_CANCELED_BY_CPO",
}  # fmt: skip
