"""Money given back to drivers: of a payment, never more than it took, each refund once.

What is given back out of goodwill is booked against ``refunds``; what a credited CDR leaves on a driver's account is
given back without that. What the payment provider refuses goes into the wallet.
"""

import logging
import uuid
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money import ledger
from hub.emsp.money.amounts import Money
from hub.emsp.money.errors import NotRefundable
from hub.emsp.money.ledger import Ledger, entries
from hub.emsp.money.moments import micros
from hub.emsp.money.needs import Clock, Event, Told
from hub.emsp.money.payments import Payment, Payments, State
from hub.emsp.money.ports import Answer, GatewayUnavailable, PaymentGateway, Status
from hub.emsp.money.telling import Telling
from hub.emsp.money.wallet import Wallets

log = logging.getLogger(__name__)

_PAUSE = 60 * 1_000_000


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money given back of a payment; ``EmspRefund`` tells of the fields."""

    id: str
    payment_id: str
    driver_id: str
    currency: str
    amount: int
    state: str
    memo: str
    reference: str
    reason: str | None = None

    @property
    def money(self) -> Money:
        """What is given back."""
        return Money.of_minor(self.amount, self.currency)


class Refunds:
    """All refunds of a provider."""

    def __init__(
        self,
        database: Database,
        gateway: PaymentGateway,
        clock: Clock,
        *,
        books: Ledger,
        wallets: Wallets,
        payments: Payments,
        telling: Telling,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._ledger = books
        self._wallets = wallets
        self._payments = payments
        self._telling = telling

    async def of(self, payment_id: str) -> list[Refund]:
        """Return the refunds of a payment."""
        rows = await self._database.fetch(f"{_SELECT} WHERE payment_id = $1 ORDER BY created, id", payment_id)
        return [_refund(row) for row in rows]

    async def give(self, payment_id: str, money: Money, *, memo: str) -> str:
        """Give back of a charge's payment out of goodwill, and return the refund's id.

        Raises:
            NotRefundable: it is no payment of a charge in this currency, or there is not that much left of it.
        """
        now = micros(self._clock.now())

        async def work(tx: Transaction) -> str:
            payment = await self._payments.get_in(tx, payment_id)
            if payment is None or payment.purpose != "CHARGE" or payment.currency != money.currency:
                raise NotRefundable
            refund_id = await self.begin(tx, payment, money, memo=memo, now=now)
            moved = entries((ledger.REFUNDS, ledger.driver(payment.driver_id), money))
            await self._ledger.book(tx, f"goodwill/{refund_id}", moved, currency=money.currency, at=now, memo=memo)
            return refund_id

        refund_id = await self._database.transact(work)
        await self.work()
        return refund_id

    async def begin(self, tx: Transaction, payment: Payment, money: Money, *, memo: str, now: int) -> str:
        """Write the intent of a refund of what a driver's account has too much.

        Raises:
            NotRefundable: there is not that much left of the payment.
        """
        touched = await tx.execute(
            "UPDATE emsp_payment SET refunded = refunded + $1"
            " WHERE id = $2 AND state = $3 AND captured - refunded >= $1 AND $1 > 0",
            money.minor,
            payment.id,
            State.CAPTURED,
        )
        if touched == 0:
            raise NotRefundable
        refund_id = str(uuid.uuid4())
        await tx.execute(
            "INSERT INTO emsp_refund"
            " (id, payment_id, driver_id, currency, amount, state, memo, reference, due, created)"
            " VALUES ($1, $2, $3, $4, $5, 'PENDING', $6, '', $7, $7)",
            refund_id,
            payment.id,
            payment.driver_id,
            money.currency,
            money.minor,
            memo,
            now,
        )
        return refund_id

    async def give_back_all(self, tx: Transaction, subject: str, minor: int, *, memo: str, now: int) -> int:
        """Begin refunds of a charge's payments up to an amount, and return what no payment of it can give back."""
        for payment in await self._payments.for_subject(tx, subject):
            part = min(minor, payment.captured - payment.refunded) if payment.state is State.CAPTURED else 0
            if part > 0:
                await self.begin(tx, payment, Money.of_minor(part, payment.currency), memo=memo, now=now)
                minor -= part
        return minor

    async def work(self) -> None:
        """Ask about every refund that is due, once."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT 100", micros(self._clock.now())
        )
        for row in rows:
            await self._step(_refund(row))

    async def answered(self, reference: str, answer: Answer) -> None:
        """Take what a webhook says of a refund."""
        rows = await self._database.fetch(f"{_SELECT} WHERE reference = $1", reference)
        if rows and reference:
            await self._write(_refund(rows[0]), answer)

    async def _step(self, refund: Refund) -> None:
        payment = await self._payments.get(refund.payment_id)
        assert payment is not None, "payments are never deleted"
        try:
            if refund.reference:
                answer = await self._gateway.look_at_refund(refund.reference)
            else:
                answer = await self._gateway.refund(payment.reference, refund.money, key=f"{refund.id}/refund")
        except GatewayUnavailable as error:
            log.warning("refund %s: %s", refund.id, error)
            answer = Answer(status=Status.PENDING)
        await self._write(refund, answer)

    async def _write(self, refund: Refund, answer: Answer) -> None:
        now = micros(self._clock.now())
        state = {Status.REFUNDED: "REFUNDED", Status.DECLINED: "DECLINED"}.get(answer.status, "PENDING")

        async def work(tx: Transaction) -> None:
            touched = await tx.execute(
                "UPDATE emsp_refund SET state = $1, due = $2, reason = $3,"
                " reference = CASE WHEN reference = '' THEN $4 ELSE reference END WHERE id = $5 AND state = 'PENDING'",
                state,
                now + _PAUSE if state == "PENDING" else None,
                answer.reason,
                answer.reference,
                refund.id,
            )
            if touched and state != "PENDING":
                await self._ended(tx, refund, state, now)

        await self._database.transact(work)

    async def _ended(self, tx: Transaction, refund: Refund, state: str, now: int) -> None:
        key, money = f"refund/{refund.id}", refund.money
        if state == "REFUNDED":
            moved = entries((ledger.driver(refund.driver_id), ledger.GATEWAY, money))
            await self._ledger.book(tx, key, moved, currency=money.currency, at=now, memo=refund.memo)
            where = "the payment method you paid with"
        else:
            await self._wallets.give_back(tx, refund.driver_id, money, key=key, at=now, memo=refund.memo)
            where = "your wallet"
        await self._telling.add(
            tx,
            Told(
                key=key,
                event=Event.REFUNDED,
                driver_id=refund.driver_id,
                text=f"{money} were given back to {where}: {refund.memo}",
                data={"refund_id": refund.id, "amount": money.text, "currency": money.currency},
            ),
        )


_FIELDS = ("id", "payment_id", "driver_id", "currency", "amount", "state", "memo", "reference", "reason")
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM emsp_refund"  # noqa: S608  our own columns


def _refund(row: Row) -> Refund:
    return Refund(**dict(zip(_FIELDS, row, strict=True)))
