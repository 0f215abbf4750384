"""A driver's money: wallet, payment methods, payments, receipts and statements (RASD-R9, F09, F10, SGEM-4.3)."""

from decimal import Decimal
from typing import Annotated, TypeVar

from starlette.responses import Response

from hub.api.answers import HEADERS
from hub.api.declaring import Call, route
from hub.api.problems import NotFound, Problem, invalid
from hub.api.realms import Access
from hub.api.shapes import ListQuery, Moment, Page, Shape, cursor_number, pattern, within
from hub.emsp.api.scopes import Scope
from hub.emsp.money.amounts import Money
from hub.emsp.money.charges import Charge
from hub.emsp.money.errors import PaymentNeeded, UnknownMethod
from hub.emsp.money.methods import Method
from hub.emsp.money.moments import moment_of
from hub.emsp.money.needs import Drivers
from hub.emsp.money.papers import Letterhead, receipt_pdf, statement_pdf
from hub.emsp.money.payments import Payment
from hub.emsp.money.ports import ForgedWebhook
from hub.emsp.money.receipts import Receipt
from hub.emsp.money.statements import Month, Statement, Statements, as_csv
from hub.emsp.money.till import Till
from hub.ocpi.objects import JSONObject

T = TypeVar("T")

Currency = Annotated[str, pattern("^[A-Z]{3}$", "an ISO 4217 currency, such as EUR", least=3, most=3)]
Positive = Annotated[Decimal, within(0.001, 1_000_000)]
#: What a payment provider gave the driver's app; never a card number, which is digits alone.
Token = Annotated[
    str,
    pattern(
        "^[A-Za-z][A-Za-z0-9_-]+$", "the token a payment provider gave the app, never a card number", least=3, most=255
    ),
]
Url = Annotated[str, pattern("^https?://", "a URL that begins with https:// or http://", least=8, most=2_000)]


class PaymentRequired(Problem):
    """There is no valid payment method; save one first."""

    status = 402


class Amount(Shape, frozen=True, kw_only=True):
    """An amount of money, in the currency's own decimals."""

    amount: Decimal
    currency: str


class WalletSeen(Shape, frozen=True, kw_only=True):
    """Prepaid money; ``available`` is what no charge holds."""

    balance: Amount
    held: Amount
    available: Amount


class TopUp(Shape, frozen=True, kw_only=True):
    """What is paid into the wallet.

    Attributes:
        method_id: null: the method that is tried first.
        return_url: where the driver comes back to from his bank's page.
    """

    amount: Positive
    currency: Currency
    return_url: Url
    method_id: str | None = None


class NewMethod(Shape, frozen=True, kw_only=True):
    """A payment method by the token the payment provider gave the app; no card data."""

    token: Token
    return_url: Url


class MethodSeen(Shape, frozen=True, kw_only=True):
    """A payment method.

    Attributes:
        state: PENDING, ACTION_REQUIRED (at ``action_url``), SAVED or DECLINED (``reason``).
    """

    id: str
    state: str
    label: str | None
    action_url: str | None
    reason: str | None


class PaymentSeen(Shape, frozen=True, kw_only=True):
    """One attempt to have an amount from one method.

    Attributes:
        purpose: CHARGE or TOP_UP.
        subject: the charge's reference.
        state: AUTHORISING, ACTION_REQUIRED (at ``action_url``), AUTHORISED, CAPTURING, CANCELLING, CAPTURED, DECLINED
            (``reason``) or CANCELLED.
    """

    id: str
    purpose: str
    subject: str
    state: str
    kept: Amount
    captured: Amount
    refunded: Amount
    action_url: str | None
    reason: str | None
    created: Moment


class BillSeen(Shape, frozen=True, kw_only=True):
    """What a charge costs, and what of it is paid.

    Attributes:
        state: SECURING, SECURED, REFUSED, RELEASED, OWED, PAID or CREDITED.
        amount: with VAT; null before its CDR.
    """

    reference: str
    state: str
    source: str
    secured: Amount
    amount: Amount | None
    paid: Amount
    created: Moment


class MoneyRoutes:
    """What a driver does with his money.

    Args:
        till: the provider's money.
        drivers: who gets a paper.
        seller: who gives it out.
    """

    tag = "money"

    def __init__(self, till: Till, drivers: Drivers, seller: Letterhead) -> None:
        self._till = till
        self._drivers = drivers
        self._seller = seller
        self._statements = Statements(till.receipts)

    # -- wallet ------------------------------------------------------------------------------------

    @route("GET", "/wallet", scope=Scope.OWN)
    async def get_wallet(self, call: Call) -> list[WalletSeen]:
        """Show the driver's prepaid money, one wallet per currency."""
        found = await self._till.wallets.all_of(call.principal.id)
        return [
            WalletSeen(balance=_amount(each.balance), held=_amount(each.held), available=_amount(each.available))
            for each in found
        ]

    @route("POST", "/wallet/top-ups", scope=Scope.OWN, status=201, idempotent=True, problems=(PaymentRequired,))
    async def top_up(self, call: Call, body: TopUp) -> PaymentSeen:
        """Pay into the wallet; the payment may have to be confirmed at its ``action_url``."""
        money = Money(body.amount, body.currency)
        if money != money.rounded:
            raise invalid("$.amount", f"{body.currency} has no such small part")
        if body.method_id is not None:
            await self._own_method(call, body.method_id, "$.method_id")
        try:
            payment = await self._till.top_up(
                call.principal.id, money, key=call.idempotency_key, return_url=body.return_url,
                method_id=body.method_id,
            )  # fmt: skip
        except PaymentNeeded as error:
            raise PaymentRequired(str(error)) from error
        return payment_seen(payment)

    # -- methods -----------------------------------------------------------------------------------

    @route("GET", "/payment-methods", scope=Scope.OWN)
    async def list_payment_methods(self, call: Call) -> list[MethodSeen]:
        """List the driver's payment methods in the order they are tried."""
        return [_method(each) for each in await self._till.methods.of(call.principal.id)]

    @route("POST", "/payment-methods", scope=Scope.OWN, status=201, idempotent=True)
    async def save_payment_method(self, call: Call, body: NewMethod) -> MethodSeen:
        """Save a payment method; it is tried first, and at once for what could not be collected before."""
        return _method(await self._till.save_method(call.principal.id, body.token, return_url=body.return_url))

    @route("POST", "/payment-methods/{method_id}/prefer", scope=Scope.OWN)
    async def prefer_payment_method(self, call: Call, method_id: str) -> None:
        """Have a payment method tried first."""
        await self._own_method(call, method_id)
        try:
            await self._till.prefer_method(call.principal.id, method_id)
        except UnknownMethod as error:
            raise invalid("path.method_id", "is not saved yet, or was refused") from error

    @route("DELETE", "/payment-methods/{method_id}", scope=Scope.OWN)
    async def forget_payment_method(self, call: Call, method_id: str) -> None:
        """Forget a payment method, here and at the payment provider."""
        try:
            await self._till.forget_method(call.principal.id, method_id)
        except UnknownMethod as error:  # it is nobody's, another's, or forgotten already
            raise NotFound(str(error)) from error

    async def _own_method(self, call: Call, method_id: str, path: str | None = None) -> None:
        try:
            await self._till.method(call.principal.id, method_id)
        except UnknownMethod as error:
            if path is not None:
                raise invalid(path, str(error)) from error
            raise NotFound(str(error)) from error

    # -- payments and bills ------------------------------------------------------------------------

    @route("GET", "/payments", scope=Scope.OWN)
    async def list_payments(self, call: Call, query: ListQuery) -> Page[PaymentSeen]:
        """List the driver's payments, the newest first."""
        skip = cursor_number(query) or 0
        found = await self._till.payments.of(call.principal.id, limit=query.limit + 1, skip=skip)
        return _page([payment_seen(each) for each in found], query, skip)

    @route("GET", "/payments/{payment_id}", scope=Scope.OWN)
    async def get_payment(self, call: Call, payment_id: str) -> PaymentSeen:
        """Show a payment."""
        found = await self._till.payments.get(payment_id)
        if found is None or found.driver_id != call.principal.id:
            raise NotFound("There is no such payment")
        return payment_seen(found)

    @route("GET", "/bills", scope=Scope.OWN)
    async def list_bills(self, call: Call, query: ListQuery) -> Page[BillSeen]:
        """List what the driver's charges cost and what of it is paid, the newest first."""
        skip = cursor_number(query) or 0
        found = await self._till.charges.of(call.principal.id, limit=query.limit + 1, skip=skip)
        return _page([_bill(each) for each in found], query, skip)

    # -- papers ------------------------------------------------------------------------------------

    @route("GET", "/receipts", scope=Scope.OWN)
    async def list_receipts(self, call: Call, query: ListQuery) -> Page[JSONObject]:
        """List the driver's receipts and credits, the newest first."""
        skip = cursor_number(query) or 0
        found = await self._till.receipts.latest(call.principal.id, limit=query.limit + 1, skip=skip)
        return _page([each.document for each in found], query, skip)

    @route("GET", "/receipts/{number}", scope=Scope.OWN)
    async def get_receipt(self, call: Call, number: str) -> JSONObject:
        """Show a receipt: energy, times, place, price, VAT and how the price came about."""
        return (await self._receipt(call, number)).document

    @route("GET", "/receipts/{number}/pdf", scope=Scope.OWN, produces="application/pdf")
    async def get_receipt_pdf(self, call: Call, number: str) -> Response:
        """Return a receipt as PDF."""
        receipt = await self._receipt(call, number)
        payer = await self._drivers.payer(receipt.driver_id)
        return attachment(receipt_pdf(receipt, payer, self._seller), f"{number}.pdf", "application/pdf")

    @route("GET", "/statements/{month}", scope=Scope.OWN)
    async def get_statement(self, call: Call, month: str) -> JSONObject:
        """Show a month (2026-01): its receipts and credits, and what it comes to."""
        statement = await self._statement(call, month)
        return {
            "month": str(statement.month),
            "receipts": [each.document for each in statement.receipts],
            "totals": [{"amount": each.amount, "currency": each.currency} for each in statement.totals],
        }

    @route("GET", "/statements/{month}/pdf", scope=Scope.OWN, produces="application/pdf")
    async def get_statement_pdf(self, call: Call, month: str) -> Response:
        """Return a month as PDF."""
        statement = await self._statement(call, month)
        payer = await self._drivers.payer(call.principal.id)
        return attachment(statement_pdf(statement, payer, self._seller), f"{month}.pdf", "application/pdf")

    @route("GET", "/statements/{month}/csv", scope=Scope.OWN, produces="text/csv")
    async def get_statement_csv(self, call: Call, month: str) -> Response:
        """Return a month as CSV."""
        text = as_csv(await self._statement(call, month))
        return attachment(text.encode(), f"{month}.csv", "text/csv; charset=utf-8")

    async def _receipt(self, call: Call, number: str) -> Receipt:
        found = await self._till.receipts.get(number)
        if found is None or found.driver_id != call.principal.id:
            raise NotFound("There is no such receipt")
        return found

    async def _statement(self, call: Call, text: str) -> Statement:
        return await self._statements.of(call.principal.id, month_of(text))

    # -- the payment provider ----------------------------------------------------------------------

    @route("POST", "/payment-webhook", scope=Access.PUBLIC, consumes=("application/json",))
    async def payment_webhook(self, call: Call, body: bytes) -> None:
        """Take what the payment provider tells; its signature is checked."""
        try:
            await self._till.webhook(body, call.headers)
        except ForgedWebhook as error:
            raise invalid("header.Signature", f"not the payment provider's: {error}") from error


def month_of(text: str) -> Month:
    """Return the month a path names.

    Raises:
        Invalid: it is none.
    """
    try:
        return Month.parse(text)
    except ValueError as error:
        raise invalid("path.month", "must be a month, such as 2026-01") from error


def attachment(content: bytes, name: str, kind: str) -> Response:
    """Return a file to be saved."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=kind)


def payment_seen(payment: Payment) -> PaymentSeen:
    """Return a payment as it is shown."""
    kept, captured, refunded = (
        _amount(Money.of_minor(minor, payment.currency))
        for minor in (payment.amount, payment.captured, payment.refunded)
    )
    return PaymentSeen(
        id=payment.id, purpose=payment.purpose, subject=payment.subject, state=payment.state, kept=kept,
        captured=captured, refunded=refunded, action_url=payment.action_url, reason=payment.reason,
        created=moment_of(payment.created),
    )  # fmt: skip


def _page(found: list[T], query: ListQuery, skip: int) -> Page[T]:
    """Return what was found from ``skip`` on, one more than is shown, as a page."""
    following = str(skip + query.limit) if len(found) > query.limit else None
    return Page(items=found[: query.limit], next=following)


def _amount(money: Money) -> Amount:
    return Amount(amount=Decimal(money.text), currency=money.currency)


def _method(method: Method) -> MethodSeen:
    return MethodSeen(
        id=method.id, state=method.state, label=method.label, action_url=method.action_url, reason=method.reason
    )


def _bill(charge: Charge) -> BillSeen:
    def amount(minor: int) -> Amount:
        return _amount(Money.of_minor(minor, charge.currency))

    return BillSeen(
        reference=charge.reference, state=charge.state, source=charge.source, secured=amount(charge.estimate),
        amount=None if charge.amount is None else amount(charge.amount), paid=amount(charge.paid),
        created=moment_of(charge.created),
    )  # fmt: skip
