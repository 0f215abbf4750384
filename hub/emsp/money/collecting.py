"""After a charge: its CDR's price is taken of what was secured; what is missing is a debt that stays open.

Another saved method is tried, the driver is told, and it is tried again every day, and at once with a new method.

Source: RASD UC08 (X-23).
"""

import uuid

from hub.database.contract import Transaction
from hub.emsp.money import ledger
from hub.emsp.money.amounts import Money
from hub.emsp.money.charges import Charge, Charges, Source, State
from hub.emsp.money.ledger import Ledger, entries
from hub.emsp.money.methods import Methods
from hub.emsp.money.needs import Event, Told
from hub.emsp.money.payments import FINAL, Payment, Payments
from hub.emsp.money.payments import State as PaymentState
from hub.emsp.money.securing import want_of
from hub.emsp.money.telling import Telling
from hub.emsp.money.wallet import Wallets

_DAY = 86_400 * 1_000_000


class Collecting:
    """Bills charges and collects debts; every method is part of the caller's transaction."""

    def __init__(
        self,
        *,
        charges: Charges,
        books: Ledger,
        wallets: Wallets,
        payments: Payments,
        methods: Methods,
        telling: Telling,
    ) -> None:
        self._charges = charges
        self._ledger = books
        self._wallets = wallets
        self._payments = payments
        self._methods = methods
        self._telling = telling

    async def bill(self, tx: Transaction, driver_id: str, reference: str, price: Money, *, now: int) -> None:
        """Give a charge its price, once; what is secured for it pays first. A charge nobody ordered here begins so."""
        await self._charges.add(
            tx, driver_id, reference, Money.of_minor(0, price.currency), source=Source.NONE, state=State.RELEASED,
            now=now,
        )  # fmt: skip
        touched = await tx.execute(
            "UPDATE emsp_charge SET state = 'OWED', amount = $1, due = $2 WHERE reference = $3 AND amount IS NULL",
            price.minor,
            now,
            reference,
        )
        if touched == 0:
            return
        paid = await self._wallets.settle(tx, reference, price, at=now)
        await self._paid(tx, reference, paid.minor, now=now)
        await want_of(self._payments, tx, reference, price.minor - paid.minor, now=now)

    async def credit(self, tx: Transaction, reference: str, *, now: int) -> int:
        """Take a charge's price back, once, and return what of it was paid, in minor units."""
        rows = await tx.fetch(
            "UPDATE emsp_charge SET state = 'CREDITED', due = NULL WHERE reference = $1"
            " AND state IN ('OWED', 'PAID') RETURNING paid",
            reference,
        )
        await want_of(self._payments, tx, reference, 0, now=now)
        return int(rows[0][0]) if rows else 0

    async def collect(self, tx: Transaction, charge: Charge, *, now: int) -> str | None:
        """Do the next thing about a debt, and return the id of the payment it is tried with."""
        known = await self._charges.get_in(tx, charge.reference)
        if known is None or known.state is not State.OWED:
            await self._charges.set_due(tx, charge.reference, None)
            return None
        made = await self._payments.for_subject(tx, known.reference)
        if any(each.state not in FINAL for each in made):
            await self._charges.set_due(tx, known.reference, None)  # its end will ask for the rest
            return None
        if known.source is Source.WALLET and await self._collect_from_wallet(tx, known, now):
            return None
        refused = {each.method_id for each in made if each.state is not PaymentState.CAPTURED
                   and each.created > now - _DAY // 2}  # fmt: skip
        usable = [each for each in await self._methods.usable(tx, known.driver_id) if each.id not in refused]
        if usable:
            return await self._try(tx, known, usable[0].id, now)
        await self._give_notice(tx, known, made, now)
        return None

    async def _collect_from_wallet(self, tx: Transaction, charge: Charge, now: int) -> bool:
        owed = Money.of_minor(charge.owed, charge.currency)
        taken = await self._wallets.take(tx, charge.driver_id, owed)
        if taken.minor <= 0:
            return False
        key = f"wallet/{charge.reference}/{charge.paid}"
        await self._wallets.book_paid(tx, charge.driver_id, taken, key=key, at=now)
        await self._paid(tx, charge.reference, taken.minor, now=now)
        return True

    async def _try(self, tx: Transaction, charge: Charge, method_id: str, now: int) -> str:
        payment = Payment(
            id=str(uuid.uuid4()), driver_id=charge.driver_id, purpose="CHARGE", subject=charge.reference,
            method_id=method_id, currency=charge.currency, amount=charge.owed, wanted=charge.owed, due=now,
            created=now,
        )  # fmt: skip
        await self._payments.add(tx, payment)
        await self._charges.set_due(tx, charge.reference, None)
        return payment.id

    async def _give_notice(self, tx: Transaction, charge: Charge, made: list[Payment], now: int) -> None:
        await tx.execute("UPDATE emsp_charge SET due = $1, told = 1 WHERE reference = $2", now + _DAY, charge.reference)
        reason = made[-1].reason if made else None
        owed = Money.of_minor(charge.owed, charge.currency)
        await self._telling.add(
            tx,
            Told(
                key=f"failed/{charge.reference}/{len(made)}",
                event=Event.PAYMENT_FAILED,
                driver_id=charge.driver_id,
                text=f"{owed} for your charge could not be collected{f' ({reason})' if reason else ''}."
                " Save another payment method: it is then tried at once.",
                data={"reference": charge.reference, "amount": owed.text, "currency": owed.currency, "reason": reason},
            ),
        )

    # -- what its payments tell --------------------------------------------------------------------

    async def moved(self, tx: Transaction, payment: Payment, *, now: int) -> None:
        """Take in that a payment of a charge has a new state."""
        reference, state = payment.subject, payment.state
        if state is PaymentState.AUTHORISED:
            await self._charges.step(tx, reference, State.SECURING, State.SECURED)
        elif state is PaymentState.ACTION_REQUIRED and not payment.present:
            await self._ask_to_confirm(tx, payment)
        elif state in (PaymentState.DECLINED, PaymentState.CANCELLED):
            await self._charges.step(tx, reference, State.SECURING, State.REFUSED)
            await tx.execute("UPDATE emsp_charge SET due = $1 WHERE reference = $2 AND state = 'OWED'", now, reference)
        elif state is PaymentState.CAPTURED:
            await self._captured(tx, payment, now)

    async def _captured(self, tx: Transaction, payment: Payment, now: int) -> None:
        money = Money.of_minor(payment.captured, payment.currency)
        moved = entries((ledger.GATEWAY, ledger.driver(payment.driver_id), money))
        key = f"payment/{payment.id}"
        if await self._ledger.book(tx, key, moved, currency=payment.currency, at=now, memo="payment"):
            await self._paid(tx, payment.subject, payment.captured, now=now)

    async def _paid(self, tx: Transaction, reference: str, minor: int, *, now: int) -> None:
        await tx.execute(
            "UPDATE emsp_charge SET paid = paid + $1, due = $2,"
            " state = CASE WHEN state = 'OWED' AND paid + $1 >= amount THEN 'PAID' ELSE state END"
            " WHERE reference = $3",
            minor,
            now,
            reference,
        )
        known = await self._charges.get_in(tx, reference)
        if known is not None and known.state is State.PAID:
            await tx.execute("UPDATE emsp_charge SET due = NULL, told = 0 WHERE reference = $1", reference)
            await self._tell_paid(tx, known)

    async def _tell_paid(self, tx: Transaction, charge: Charge) -> None:
        money = Money.of_minor(charge.amount or 0, charge.currency)
        await self._telling.add(
            tx,
            Told(
                key=f"paid/{charge.reference}",
                event=Event.CHARGE_PAID,
                driver_id=charge.driver_id,
                text=f"Your charge of {money} is paid.",
                data={"reference": charge.reference, "amount": money.text, "currency": money.currency},
            ),
        )

    async def _ask_to_confirm(self, tx: Transaction, payment: Payment) -> None:
        await self._telling.add(
            tx,
            Told(
                key=f"confirm/{payment.id}",
                event=Event.ACTION_REQUIRED,
                driver_id=payment.driver_id,
                text=f"Confirm the payment of {payment.money} for your charge: {payment.action_url}",
                data={"payment_id": payment.id, "reference": payment.subject, "url": payment.action_url},
            ),
        )
