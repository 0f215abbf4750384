"""Before a start: an estimate is held in the wallet or kept on a saved method; without either there is no start.

Source: RASD UC05, UC07 (X-12, X-18); SGEM-4.3-03, 4.3-04 (X-59).
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.database.contract import Conflict, Transaction
from hub.emsp.money.amounts import Money
from hub.emsp.money.charges import UNCOLLECTED, Charges, Source, State
from hub.emsp.money.errors import DebtOpen, NoCredit, PaymentNeeded
from hub.emsp.money.methods import Methods
from hub.emsp.money.payments import FINAL, Payment, Payments
from hub.emsp.money.wallet import Wallets


@dataclass(frozen=True)
class Minimum:
    """What a wallet must have for a charge whose estimate it does not cover; such a charge ends at what it has."""

    by_currency: Callable[[], Mapping[str, int]]

    def allows(self, free: Money) -> bool:
        """Whether a charge may start with what is free."""
        least = self.by_currency().get(free.currency)
        return least is not None and free.minor >= max(least, 1)


class Securing:
    """Keeps estimates; every method is part of the caller's transaction."""

    def __init__(
        self, *, charges: Charges, wallets: Wallets, payments: Payments, methods: Methods, minimum: Minimum
    ) -> None:
        self._charges = charges
        self._wallets = wallets
        self._payments = payments
        self._methods = methods
        self._minimum = minimum

    async def secure(
        self,
        tx: Transaction,
        driver_id: str,
        reference: str,
        estimate: Money,
        *,
        source: Source | None,
        return_url: str,
        now: int,
    ) -> None:
        """Hold an estimate in the wallet, or write the intent of a payment; the same reference again changes nothing.

        Raises:
            DebtOpen: an earlier charge could not be collected.
            NoCredit: the wallet was asked for and has not enough.
            PaymentNeeded: there is neither a wallet that covers it nor a saved method.
        """
        known = await self._charges.get_in(tx, reference)
        if known is not None:
            if known.driver_id != driver_id:
                raise Conflict
            return
        if await tx.fetch(UNCOLLECTED, driver_id):
            raise DebtOpen
        if source is not Source.METHOD and await self._from_wallet(tx, driver_id, reference, estimate, now):
            return
        if source is Source.WALLET:
            raise NoCredit
        await self._from_method(tx, driver_id, reference, estimate, return_url, now)

    async def _from_wallet(self, tx: Transaction, driver_id: str, reference: str, estimate: Money, now: int) -> bool:
        rows = await tx.fetch(
            "SELECT balance - held FROM emsp_wallet WHERE driver_id = $1 AND currency = $2",
            driver_id,
            estimate.currency,
        )
        free = Money.of_minor(rows[0][0] if rows else 0, estimate.currency)
        amount = estimate if free.minor >= estimate.minor else free
        if amount is free and not self._minimum.allows(free):
            return False
        await self._wallets.hold(tx, driver_id, reference, amount)
        await self._charges.add(tx, driver_id, reference, amount, source=Source.WALLET, state=State.SECURED, now=now)
        return True

    async def _from_method(
        self, tx: Transaction, driver_id: str, reference: str, estimate: Money, return_url: str, now: int
    ) -> None:
        usable = await self._methods.usable(tx, driver_id)
        if not usable:
            raise PaymentNeeded
        payment = Payment(
            id=str(uuid.uuid4()), driver_id=driver_id, purpose="CHARGE", subject=reference, method_id=usable[0].id,
            currency=estimate.currency, amount=estimate.minor, present=True, return_url=return_url, due=now,
            created=now,
        )  # fmt: skip
        await self._payments.add(tx, payment)
        await self._charges.add(
            tx, driver_id, reference, estimate, source=Source.METHOD, state=State.SECURING, now=now,
            payment_id=payment.id,
        )  # fmt: skip

    async def release(self, tx: Transaction, reference: str, *, now: int) -> None:
        """Let go of what is kept for a charge that does not take place; nothing where it has its CDR."""
        touched = await tx.execute(
            "UPDATE emsp_charge SET state = 'RELEASED' WHERE reference = $1 AND state IN ('SECURING', 'SECURED')",
            reference,
        )
        if touched:
            await self._wallets.release(tx, reference)
            await want_of(self._payments, tx, reference, 0, now=now)


async def want_of(payments: Payments, tx: Transaction, reference: str, minor: int, *, now: int) -> None:
    """Say what is to be taken of the payments of a charge that wait to know it."""
    for payment in await payments.for_subject(tx, reference):
        if payment.state not in FINAL and payment.wanted is None:
            await payments.want(tx, payment.id, max(minor, 0), now=now)
            minor -= payment.amount
