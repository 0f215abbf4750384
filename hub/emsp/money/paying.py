"""Drives payments and methods: asks the payment provider what a state asks for, and writes down what it says.

Nothing is success that the provider has not said. Who finds a payment after a crash does the same call with the same
key; after an unknown answer the payment is looked at before a call is made again.
"""

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Protocol

from hub.database.contract import Database, Transaction
from hub.emsp.money.amounts import Money
from hub.emsp.money.methods import Method, Methods, wanted
from hub.emsp.money.moments import micros
from hub.emsp.money.needs import Clock
from hub.emsp.money.payments import ASKING, FINAL, STEPS, Payment, Payments, State, decided
from hub.emsp.money.ports import About, Answer, GatewayUnavailable, Notice, PaymentGateway, PaymentWanted, Status

log = logging.getLogger(__name__)

_SECOND = 1_000_000
_POLL = 30 * _SECOND  # how often a payment is looked at whose driver has to confirm it
_LOOK = 86_400 * _SECOND  # and one that is kept: what is kept lapses after some days
_PATIENCE = 1_800 * _SECOND  # how long a driver may take to confirm
_LONGEST = 3_600 * _SECOND  # the longest pause between two calls


class Effect(Protocol):
    """What a payment's new state means for whatever it is for, in the same transaction."""

    def __call__(self, tx: Transaction, payment: Payment, *, now: int) -> Awaitable[None]: ...


class Paying:
    """The one who asks.

    Args:
        effects: by purpose.
    """

    def __init__(
        self,
        database: Database,
        gateway: PaymentGateway,
        clock: Clock,
        *,
        payments: Payments,
        methods: Methods,
        effects: Mapping[str, Effect],
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._payments = payments
        self._methods = methods
        self._effects = effects

    @property
    def now(self) -> int:
        """This moment in microseconds."""
        return micros(self._clock.now())

    async def work(self) -> None:
        """Do whatever is due, once."""
        for method in await self._methods.due(self.now):
            await self.ask_about(method)
        for payment in await self._payments.due(self.now):
            await self.settle(payment.id)

    async def settle(self, payment_id: str) -> Payment:
        """Ask about a payment as long as its next state is at hand, and return what it is then."""
        payment = await self._known(payment_id)
        for _ in State:
            if payment.due is None or payment.due > self.now:
                break
            before = payment
            await self.step(payment)
            payment = await self._known(payment_id)
            if payment.state == before.state:
                break
        return payment

    async def step(self, payment: Payment) -> None:
        """Do the next thing with a payment."""
        target = decided(payment)
        if target is not None:
            await self._database.transact(lambda tx: self._payments.move(tx, payment, target, due=self.now))
            return
        if payment.state in FINAL:
            await self._database.transact(lambda tx: self._rest(tx, payment))
            return
        try:
            answer = await self._ask(payment)
        except GatewayUnavailable as error:
            log.warning("payment %s is %s: %s", payment.id, payment.state, error)
            answer = Answer(status=Status.PENDING)
        await self.answered(payment, answer)

    async def answered(self, payment: Payment, answer: Answer) -> None:
        """Write down what the provider says of a payment."""
        to = STEPS.get(payment.state, {}).get(answer.status)
        now = self.now
        if to is None or to is payment.state:
            await self._database.transact(lambda tx: self._wait(tx, payment, answer, now))
            return
        after = replace(
            payment,
            state=to,
            reference=answer.reference or payment.reference,
            captured=answer.captured if to is State.CAPTURED else 0,
            action_url=answer.action_url if to is State.ACTION_REQUIRED else None,
            reason=answer.reason,
            due=self._due(payment, to, now),
        )

        async def work(tx: Transaction) -> None:
            names = ("reference", "captured", "action_url", "reason", "due")
            if await self._payments.move(tx, payment, to, **{name: getattr(after, name) for name in names}):
                await self._effects[payment.purpose](tx, after, now=now)

        await self._database.transact(work)
        log.info("payment %s: %s, then %s", payment.id, payment.state, to)

    async def notice(self, notice: Notice) -> None:
        """Take what a webhook tells; one that came before, or for nobody, changes nothing."""
        if notice.about is About.METHOD:
            method = await self._methods.by_reference(notice.answer.reference)
            if method is not None:
                await self._method_answered(method, notice.answer)
        elif notice.about is About.PAYMENT:
            payment = await self._payments.by_reference(notice.answer.reference)
            if payment is None and notice.payment_id:
                payment = await self._payments.get(notice.payment_id)
            if payment is not None:
                await self.answered(payment, notice.answer)

    async def ask_about(self, method: Method) -> None:
        """Have a method saved, or look what became of that."""
        try:
            if method.reference:
                answer = await self._gateway.look_at_method(method.reference)
            else:
                answer = await self._gateway.save_method(wanted(method), key=f"{method.id}/save")
        except GatewayUnavailable as error:
            log.warning("method %s: %s", method.id, error)
            answer = Answer(status=Status.PENDING)
        await self._method_answered(method, answer)

    async def _method_answered(self, method: Method, answer: Answer) -> None:
        now = self.now

        async def work(tx: Transaction) -> None:
            if await self._methods.answered(tx, method, answer, due=now + _POLL):
                # A debt that could not be collected is tried with the new method at once.
                await tx.execute(
                    "UPDATE emsp_charge SET due = $1 WHERE driver_id = $2 AND state = 'OWED'", now, method.driver_id
                )

        await self._database.transact(work)

    async def _ask(self, payment: Payment) -> Answer:
        if payment.reference and (payment.attempts > 0 or payment.state not in ASKING):
            seen = await self._gateway.look(payment.reference)
            if payment.state not in ASKING or seen.status in STEPS[payment.state]:
                return seen
        if payment.state is State.AUTHORISING:
            return await self._authorise(payment)
        if payment.state is State.CAPTURING:
            assert payment.wanted is not None, "it was decided by what is wanted"
            money = Money.of_minor(payment.wanted, payment.currency)
            return await self._gateway.capture(payment.reference, money, key=payment.key)
        return await self._gateway.cancel(payment.reference, key=payment.key)

    async def _authorise(self, payment: Payment) -> Answer:
        method = await self._methods.get(payment.method_id)
        if method is None or method.method is None:
            return Answer(status=Status.DECLINED, reason="The payment method is not there any more")
        return await self._gateway.authorise(
            PaymentWanted(
                payment_id=payment.id,
                money=payment.money,
                method=method.method,
                customer=method.customer,
                present=payment.present,
                return_url=payment.return_url,
            ),
            key=payment.key,
        )

    async def _wait(self, tx: Transaction, payment: Payment, answer: Answer, now: int) -> None:
        if payment.state is State.ACTION_REQUIRED and now - payment.created > _PATIENCE:
            await self._payments.want(tx, payment.id, 0, now=now)
            return
        if payment.state in FINAL:
            return
        pause = {State.ACTION_REQUIRED: _POLL, State.AUTHORISED: _LOOK}.get(payment.state)
        if pause is None:
            pause = min(_SECOND * 2 ** min(payment.attempts, 12), _LONGEST)
        await self._payments.wait(tx, payment, due=now + pause, reference=answer.reference)

    async def _rest(self, tx: Transaction, payment: Payment) -> None:
        await tx.execute("UPDATE emsp_payment SET due = NULL WHERE id = $1 AND state = $2", payment.id, payment.state)

    def _due(self, payment: Payment, to: State, now: int) -> int | None:
        if to in FINAL:
            return None
        if to is State.AUTHORISED and payment.wanted is None:
            return now + _LOOK
        return now + _POLL if to is State.ACTION_REQUIRED else now

    async def _known(self, payment_id: str) -> Payment:
        payment = await self._payments.get(payment_id)
        assert payment is not None, "payments are never deleted"
        return payment
