"""Ordering a charge: written down, paid for, sent.

The order is written down first, under an id that a repeated request has too; then money is set aside under the same
id; only then it goes out. One whose payment the driver has to confirm keeps his place for a while: when he starts
there again, under whatever key, it goes on.

Source: OCPI 2.3.0, mod_commands.asciidoc (StartSession); RASD-R7, F09; X-12..X-14, X-18, X-21, X-22.
"""

import dataclasses
import datetime
from typing import Any

from hub.database.contract import Conflict, Transaction
from hub.emsp.charging.bookings import HOLDING, Booking, bookings
from hub.emsp.charging.charges import Charge, Limits, Origin, change, charges, minor, place_key, write
from hub.emsp.charging.following import Following
from hub.emsp.charging.ground import Found, Ground, refusal_of
from hub.emsp.charging.needs import Allowance, PaymentOpen, PaymentRefused, Permission
from hub.emsp.charging.refusals import Refused
from hub.emsp.store import Order
from hub.ocpi.errors import OcpiError

NO_LIMITS = Limits()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """A charge about to be ordered.

    Attributes:
        given: leave to begin it.
        booking: the booking it is on; None: none.
        ends_by: when it has to end; None: with its booking, if it has one.
        phone: who is told by SMS.
        return_url: where the driver comes back to from his bank's page.
    """

    number: str
    driver_id: str
    found: Found
    given: Permission
    limits: Limits = NO_LIMITS
    booking: Booking | None = None
    ends_by: datetime.datetime | None = None
    origin: Origin = "APP"
    phone: str | None = None
    return_url: str = ""


class Ordering:
    """Orders charges that are allowed."""

    def __init__(self, ground: Ground, following: Following) -> None:
        self._ground = ground
        self._following = following
        self._locked = ground.database.dialect == "postgres"

    async def order(self, wanted: Wanted) -> Charge:
        """Have a charge started, once.

        Raises:
            Refused: it was not, and why.
        """
        try:
            charge = await self._noted(_charge(wanted, self._ground))
        except Conflict:  # Another request wrote at the same moment; now it is seen.
            charge = await self._noted(_charge(wanted, self._ground))
        if charge.state != "PAYING":
            return charge
        allowance = await self._paid(charge, wanted)
        asked = await self._ground.database.transact(lambda tx: self._claimed(tx, charge, wanted.limits, allowance))
        if asked is None:
            raise await self._lost(charge)
        return await self._sent(asked, wanted.found)

    async def _noted(self, charge: Charge) -> Charge:
        """Write a charge down; return it, or the one of the same id or place that goes on instead."""

        async def work(tx: Transaction) -> Charge:
            known = await charges(tx, "id = $1 OR place = $2", charge.id, charge.place, locked=self._locked)
            for each in known:
                if each.state == "PAYING":
                    return await write(tx, dataclasses.replace(charge, id=each.id, asked_at=each.asked_at))
                if each.id == charge.id:
                    return each
            if known:
                raise Refused("ALREADY_CHARGING", "$.place")
            return await write(tx, charge)

        return await self._ground.database.transact(work)

    async def _paid(self, charge: Charge, wanted: Wanted) -> Allowance:
        try:
            allowance = await self._ground.money.hold(
                charge.driver_id, charge.id, charge.spot, return_url=wanted.return_url
            )
        except PaymentOpen as error:
            raise Refused(
                "PAYMENT_OPEN", "$.payment_method", reason=str(error), url=error.url, charge_id=charge.id
            ) from error
        except PaymentRefused as error:
            await self._given_up(charge, "PAYMENT_REFUSED")
            raise Refused("PAYMENT_REFUSED", "$.payment_method", reason=str(error)) from error
        ours, theirs = wanted.limits.currency, allowance.currency
        if ours is not None and theirs is not None and ours != theirs:
            await self._given_up(charge, "PAYMENT_REFUSED")
            raise Refused("WRONG_CURRENCY", "$.limits.currency", currency=theirs)
        return allowance

    async def _claimed(
        self, tx: Transaction, charge: Charge, limits: Limits, allowance: Allowance
    ) -> Charge | None:  # fmt: skip
        """Take a charge that is paid for from whoever else may be about to order it; None: somebody was faster."""
        for each in await charges(tx, "id = $1 AND state = 'PAYING'", charge.id, locked=self._locked):
            if each.booking_id and not await self._holds(tx, each.booking_id):
                await give_up(tx, each, "BOOKING_OVER", self._ground.now())
                return None
            due = self._ground.now() + self._ground.terms.result
            return await write(tx, each.moved("ASKED", due_at=due, **money_caps(limits, allowance)))
        return None

    async def _holds(self, tx: Transaction, booking_id: str) -> bool:
        """Return whether a booking still keeps a place: it may have been cancelled while its charge was paid for."""
        found = await bookings(tx, "id = $1", booking_id, locked=self._locked)
        return any(each.state in HOLDING for each in found)

    async def _lost(self, charge: Charge) -> Refused:
        """Return why a charge is not this request's any more; one that was given up meanwhile needs no money."""
        failed = await charges(self._ground.database, "id = $1 AND state = 'FAILED'", charge.id)
        if not failed:
            return Refused("ALREADY_CHARGING", "$.place")
        await self._ground.money.release(charge.id)
        if failed[0].outcome == "BOOKING_OVER":
            return Refused("BOOKING_OVER")
        return Refused(
            "PAYMENT_REFUSED", "$.payment_method", reason="The payment was not confirmed in time. Start again."
        )

    async def _given_up(self, charge: Charge, outcome: str) -> None:
        await change(self._ground.database, charge.id, lambda tx, each: give_up(tx, each, outcome, self._ground.now()))

    async def _sent(self, charge: Charge, found: Found) -> Charge:
        body = {
            "token": charge.token,
            "location_id": found.location["id"],
            "evse_uid": found.evse["uid"],
            "connector_id": charge.spot.connector_id,
            "authorization_reference": charge.reference,
        }
        body = {name: value for name, value in body.items() if value is not None}
        try:
            order = await self._ground.asking.command("START_SESSION", charge.spot.owner, body, uid=charge.id)
        except OcpiError as error:
            refused = refusal_of(error)
            await self._failed(charge, refused.code)
            raise refused from error
        if order.response != "ACCEPTED":
            outcome = order.response or "REJECTED"
            await self._failed(charge, outcome)
            raise Refused("NOT_SUPPORTED" if outcome == "NOT_SUPPORTED" else "START_REJECTED")
        return await change(self._ground.database, charge.id, lambda tx, each: self._accepted(tx, each, order))

    async def _failed(self, charge: Charge, outcome: str) -> None:
        failed = self._following.failed
        await change(self._ground.database, charge.id, lambda tx, each: failed(tx, each, outcome))

    async def _accepted(self, tx: Transaction, charge: Charge, order: Order) -> None:
        if charge.state != "ASKED":  # The result or the Session was faster than the answer.
            return
        due = self._ground.now() + datetime.timedelta(seconds=order.timeout) + self._ground.terms.result
        await write(tx, charge.moved("ACCEPTED", due_at=due))


async def give_up(tx: Transaction, charge: Charge, outcome: str, now: datetime.datetime) -> None:
    """End a charge that waits for its payment: nobody was asked for it yet, so nobody is told."""
    if charge.state == "PAYING":
        await write(tx, charge.moved("FAILED", outcome=outcome, due_at=None, ended_at=now))


def _charge(wanted: Wanted, ground: Ground) -> Charge:
    now, booking, limits, spot = ground.now(), wanted.booking, wanted.limits, wanted.found.spot
    if booking is not None and booking.spot.connector_id is not None:
        spot = booking.spot
    return Charge(
        id=wanted.number, driver_id=wanted.driver_id, booking_id=booking.id if booking else None,
        origin=wanted.origin, phone=wanted.phone, place=place_key(wanted.driver_id, spot), spot=spot,
        token=wanted.given.token, reference=wanted.given.reference, state="PAYING",
        ends_by=booking.ends_at if booking else wanted.ends_by, energy_limit=limits.energy, time_limit=limits.until,
        held=True, asked_at=now, due_at=now + ground.terms.payment, news_at=now,
    )  # fmt: skip


def money_caps(limits: Limits, allowance: Allowance) -> dict[str, Any]:
    """Return the lower limit of money: the driver's own, or what is set aside."""
    caps = [
        (minor(amount, currency), currency)
        for amount, currency in ((limits.cost, limits.currency), (allowance.limit, allowance.currency))
        if amount is not None and currency is not None
    ]
    return {"cost_limit": min(caps)[0], "currency": caps[0][1]} if caps else {}
