"""The till: what drivers and operators do with money, and the work that goes on without them.

Everything is in the database before it is done, so a till that was stopped anywhere goes on where it was.
"""

import asyncio
import contextlib
import datetime
import functools
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.database.contract import Conflict, DatabaseUnavailable, Transaction
from hub.emsp.money.amounts import Money
from hub.emsp.money.charges import Charge, Charges, Source, State
from hub.emsp.money.checking import Tolerance
from hub.emsp.money.collecting import Collecting
from hub.emsp.money.disputes import Disputes
from hub.emsp.money.errors import PaymentNeeded, UnknownMethod
from hub.emsp.money.ledger import Ledger
from hub.emsp.money.methods import Method, Methods
from hub.emsp.money.moments import micros
from hub.emsp.money.needs import ByReference, Clock, Drivers, Event, Notifier, Orders, Told
from hub.emsp.money.paying import Paying
from hub.emsp.money.payments import Payment, Payments
from hub.emsp.money.payments import State as PaymentState
from hub.emsp.money.ports import About, GatewayUnavailable, PaymentGateway
from hub.emsp.money.purse import Purse
from hub.emsp.money.receipts import Receipts
from hub.emsp.money.refunds import Refunds
from hub.emsp.money.retail import RetailPrices
from hub.emsp.money.securing import Minimum, Securing
from hub.emsp.money.settling import Books, Settling
from hub.emsp.money.telling import Telling
from hub.emsp.money.told_tariffs import ToldTariffs
from hub.emsp.money.verdicts import Verdicts
from hub.emsp.money.wallet import Wallets
from hub.emsp.store import Store

log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds between two rounds of work, if nobody wakes it


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an operator decides about money.

    Attributes:
        minimum: what a wallet must have for a charge it does not cover, in minor units by currency; where there is
            none, such a charge is refused.
        kept: how long money stays set aside for a charge that gets no bill which can be booked.
        pause: seconds between two rounds of work.
    """

    prices: RetailPrices = field(default_factory=RetailPrices)
    tolerance: Tolerance = field(default_factory=Tolerance)
    minimum: Mapping[str, int] = field(default_factory=dict)
    kept: datetime.timedelta = datetime.timedelta(days=30)
    pause: float = _PAUSE


@dataclass(frozen=True)
class Security:
    """Whether a charge may start.

    Attributes:
        limit: what it may cost at most; the charge ends when it costs that.
        action_url: where the driver confirms first.
        reason: why it may not, for people.
    """

    charge: Charge
    action_url: str | None = None
    reason: str | None = None

    @property
    def may_start(self) -> bool:
        """Whether the estimate is kept."""
        return self.charge.state is State.SECURED

    @property
    def limit(self) -> Money:
        """What is kept."""
        return self.charge.limit


class Till:
    """One provider's money.

    Args:
        store: the provider's shelves; CDRs, Sessions and Locations are read.
        orders: which order a CDR is of; None: its authorization_reference says it.
        terms: those that hold when they are asked for.
    """

    def __init__(
        self,
        store: Store,
        gateway: PaymentGateway,
        *,
        drivers: Drivers,
        notifier: Notifier,
        clock: Clock,
        orders: Orders | None = None,
        terms: Callable[[], Terms] = Terms,
    ) -> None:
        database = self._database = store.database
        self._clock = clock
        self._gateway = gateway
        self._terms = terms
        self.ledger = Ledger(database)
        self.wallets = Wallets(database, self.ledger)
        self.methods = Methods(database)
        self.payments = Payments(database)
        self.telling = Telling(database, notifier)
        self.charges = Charges(database)
        self.receipts = Receipts(database)
        self.disputes = Disputes(database, self.ledger)
        self.verdicts = Verdicts(database)
        self.prices = lambda: terms().prices
        minimum = Minimum(lambda: terms().minimum)
        self.purse = Purse(
            database, charges=self.charges, methods=self.methods, wallets=self.wallets, receipts=self.receipts,
            minimum=minimum,
        )  # fmt: skip
        self._securing = Securing(
            charges=self.charges, wallets=self.wallets, payments=self.payments, methods=self.methods,
            minimum=minimum,
        )  # fmt: skip
        self._collecting = Collecting(
            charges=self.charges, books=self.ledger, wallets=self.wallets, payments=self.payments,
            methods=self.methods, telling=self.telling,
        )  # fmt: skip
        self.refunds = Refunds(
            database, gateway, clock, books=self.ledger, wallets=self.wallets, payments=self.payments,
            telling=self.telling,
        )  # fmt: skip
        self._paying = Paying(
            database, gateway, clock, payments=self.payments, methods=self.methods,
            effects={"CHARGE": self._collecting.moved, "TOP_UP": self._topped_up},
        )  # fmt: skip
        books = Books(
            ledger=self.ledger, charges=self.charges, securing=self._securing, collecting=self._collecting,
            wallets=self.wallets, refunds=self.refunds, receipts=self.receipts, disputes=self.disputes,
            verdicts=self.verdicts, telling=self.telling, tariffs=ToldTariffs(store, clock),
        )  # fmt: skip
        self.settling = Settling(
            database, store, books, drivers=drivers, orders=orders or ByReference(), prices=self.prices,
            tolerance=lambda: terms().tolerance, clock=clock,
        )  # fmt: skip
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def _now(self) -> int:
        return micros(self._clock.now())

    # -- payment methods ---------------------------------------------------------------------------

    async def save_method(self, driver_id: str, token: str, *, return_url: str) -> Method:
        """Save what the payment provider gave the driver's app; it may have to be confirmed at its ``action_url``."""
        method_id = await self._database.transact(
            lambda tx: self.methods.add(tx, driver_id, token, return_url, now=self._now)
        )
        known = await self.methods.get(method_id)
        assert known is not None, "it was just written"
        await self._paying.ask_about(known)
        self.wake()
        return await self.method(driver_id, method_id)

    async def method(self, driver_id: str, method_id: str) -> Method:
        """Return a driver's payment method.

        Raises:
            UnknownMethod: the driver has no such method.
        """
        found = await self.methods.get(method_id)
        if found is None or found.driver_id != driver_id:
            raise UnknownMethod
        return found

    async def prefer_method(self, driver_id: str, method_id: str) -> None:
        """Have a method tried first.

        Raises:
            UnknownMethod: the driver has none of this id that can be used.
        """
        if not await self._database.transact(lambda tx: self.methods.prefer(tx, driver_id, method_id)):
            raise UnknownMethod

    async def forget_method(self, driver_id: str, method_id: str) -> None:
        """Use a method no more, here and at the payment provider.

        Raises:
            UnknownMethod: the driver has no such method.
        """
        known = await self.method(driver_id, method_id)
        if not await self._database.transact(lambda tx: self.methods.forget(tx, driver_id, method_id)):
            raise UnknownMethod
        if known.method is not None:
            # Ours is forgotten in any case; one that stays at the provider is never charged by us.
            with contextlib.suppress(GatewayUnavailable):
                await self._gateway.forget_method(known.method, key=f"{method_id}/forget")

    # -- the wallet --------------------------------------------------------------------------------

    async def top_up(
        self, driver_id: str, money: Money, *, key: str, return_url: str, method_id: str | None = None
    ) -> Payment:
        """Pay into the wallet, once per key; the payment tells whether that is done, or has to be confirmed.

        Raises:
            PaymentNeeded: the driver has no payment method that can be used.
            ValueError: the amount is not positive.
        """
        if money.minor <= 0:
            raise ValueError("amount: must be more than 0")
        payment_id = str(uuid.uuid5(_TOP_UPS, f"{driver_id}/{key}"))

        async def work(tx: Transaction) -> None:
            if await self.payments.get_in(tx, payment_id) is not None:
                return
            usable = await self.methods.usable(tx, driver_id)
            chosen = next((each for each in usable if method_id in (None, each.id)), None)
            if chosen is None:
                raise PaymentNeeded
            payment = Payment(
                id=payment_id, driver_id=driver_id, purpose="TOP_UP", subject=payment_id, method_id=chosen.id,
                currency=money.currency, amount=money.minor, wanted=money.minor, present=True, return_url=return_url,
                due=self._now, created=self._now,
            )  # fmt: skip
            await self.payments.add(tx, payment)

        await self._database.transact(work)
        return await self._paying.settle(payment_id)

    async def _topped_up(self, tx: Transaction, payment: Payment, *, now: int) -> None:
        if payment.state is not PaymentState.CAPTURED:
            return
        money = Money.of_minor(payment.captured, payment.currency)
        await self.wallets.top_up(tx, payment.driver_id, money, key=f"top-up/{payment.id}", at=now)
        # A debt of a driver who pays from the wallet is paid from it at once.
        await tx.execute(
            "UPDATE emsp_charge SET due = $1 WHERE driver_id = $2 AND state = 'OWED' AND source = 'WALLET'",
            now,
            payment.driver_id,
        )
        told = Told(
            key=f"top-up/{payment.id}",
            event=Event.WALLET_TOPPED_UP,
            driver_id=payment.driver_id,
            text=f"{money} were paid into your wallet.",
            data={"amount": money.text, "currency": money.currency},
        )
        await self.telling.add(tx, told)

    # -- a charge ----------------------------------------------------------------------------------

    async def secure(
        self,
        driver_id: str,
        reference: str,
        estimate: Money,
        *,
        source: Source | None = None,
        return_url: str = "",
    ) -> Security:
        """Keep what a charge is expected to cost, with VAT; ask again with the same reference what came of it.

        Args:
            reference: of the order, as ``Orders`` finds it again by a CDR.
            source: what the driver wants to pay with; None: the wallet if it covers it, else the first method.

        Raises:
            DebtOpen: an earlier charge could not be collected.
            NoCredit: the wallet was asked for and has not enough.
            PaymentNeeded: there is neither a wallet that covers it nor a saved method.
            Conflict: the reference is another driver's.
        """
        await self._database.transact(
            lambda tx: self._securing.secure(
                tx, driver_id, reference, estimate, source=source, return_url=return_url, now=self._now
            )
        )
        return await self.security(reference)

    async def security(self, reference: str) -> Security:
        """Return whether a charge may start, asking the payment provider if that is not known."""
        charge = await self.charges.get(reference)
        if charge is None:
            raise PaymentNeeded
        if charge.payment_id is None:
            return Security(charge)
        payment = await self._paying.settle(charge.payment_id)
        after = await self.charges.get(reference)
        assert after is not None, "charges are never deleted"
        return Security(after, payment.action_url, payment.reason)

    async def release(self, reference: str) -> None:
        """Let go of what is kept for a charge that does not take place."""
        await self._database.transact(lambda tx: self._securing.release(tx, reference, now=self._now))
        self.wake()

    # -- what the payment provider tells -----------------------------------------------------------

    async def webhook(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Take a notice of the payment provider.

        Raises:
            ForgedWebhook: it is not to be believed.
        """
        notice = self._gateway.webhook(body, headers)
        if notice.about is About.REFUND:
            await self.refunds.answered(notice.answer.reference, notice.answer)
        else:
            await self._paying.notice(notice)
        self.wake()

    # -- the work that goes on ---------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run(), name="till")

    async def stop(self) -> None:
        """End; what is going on is broken off and done again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._gateway.close()

    def wake(self) -> None:
        """Have the next round of work begin soon."""
        self._awake.set()

    async def work(self) -> None:
        """Do one round of everything that is due."""
        while await self.settling.work():
            pass
        for charge in await self.charges.due(self._now):
            await self._collect(charge)
        for charge in await self.charges.kept_before(micros(self._clock.now() - self._terms().kept)):
            await self._database.transact(functools.partial(self._let_go, charge=charge))
        await self._paying.work()
        await self.refunds.work()
        await self.telling.work()

    async def _collect(self, charge: Charge) -> None:
        await self._database.transact(lambda tx: self._collecting.collect(tx, charge, now=self._now))

    async def _let_go(self, tx: Transaction, charge: Charge) -> None:
        """Let go of what waits for a bill that does not come, or is contested; one that comes is charged."""
        await self._securing.release(tx, charge.reference, now=self._now)
        text = f"{charge.limit}, set aside for a charge, are yours again: no bill came that is right."
        told = Told(
            key=f"released/{charge.reference}",
            event=Event.MONEY_RELEASED,
            driver_id=charge.driver_id,
            text=f"{text} Should one come after all, it is charged.",
            data={"amount": charge.limit.text, "currency": charge.currency},
        )
        await self.telling.add(tx, told)

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                await self.work()
            except (DatabaseUnavailable, Conflict) as error:
                log.warning("till: %s", error)
            await self._rest()

    async def _rest(self) -> None:
        waits = [
            asyncio.ensure_future(self._awake.wait()),
            asyncio.ensure_future(self._clock.sleep(self._terms().pause)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()


_TOP_UPS = uuid.UUID("5d1bb8b6-6d0e-4c1c-8f55-6a6b3b7a3f10")
