"""What the provider's staff does with money: disputes, refunds, the books, bill data and usage records."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response, StreamingResponse

from hub.api.answers import HEADERS
from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.emsp.api.routes.money import Currency, Positive, attachment, month_of
from hub.emsp.api.scopes import Scope
from hub.emsp.money.amounts import Money
from hub.emsp.money.billdata import bill_data
from hub.emsp.money.disputes import Dispute
from hub.emsp.money.errors import NotDecidable, NotRefundable
from hub.emsp.money.moments import micros, moment_of
from hub.emsp.money.needs import Drivers
from hub.emsp.money.refunds import Refund
from hub.emsp.money.statements import Statements, table
from hub.emsp.money.till import Till
from hub.emsp.money.usage import COLUMNS, usage_records
from hub.ocpi.objects import JSON


class DisputeQuery(ListQuery, frozen=True, kw_only=True):
    """Which disputes."""

    state: Literal["OPEN", "ACCEPTED", "REJECTED", "WITHDRAWN"] | None = None


class UsageQuery(Shape, frozen=True, kw_only=True):
    """Which charges: those that ended from ``since`` on and before ``until``."""

    since: Moment
    until: Moment


class Decision(Shape, frozen=True, kw_only=True):
    """Why a dispute is decided so."""

    note: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class DisputeSeen(Shape, frozen=True, kw_only=True):
    """A CDR that is not charged as it is.

    Attributes:
        findings: why: fault, JSON path in the CDR, text.
        state: OPEN, ACCEPTED, REJECTED or WITHDRAWN (its CPO credited it).
    """

    id: str
    owner: str
    cdr_id: str
    driver_id: str | None
    state: str
    findings: list[JSON]
    note: str | None
    opened: Moment
    decided: Moment | None


class NewRefund(Shape, frozen=True, kw_only=True):
    """What is given back of a payment, and why: the driver reads it."""

    amount: Positive
    currency: Currency
    memo: Name


class RefundSeen(Shape, frozen=True, kw_only=True):
    """A refund; state PENDING, REFUNDED or DECLINED (it is then in the driver's wallet)."""

    id: str
    payment_id: str
    amount: Decimal
    currency: str
    state: str
    memo: str
    reason: str | None


class Balance(Shape, frozen=True, kw_only=True):
    """Debits less credits of an account."""

    account: str
    currency: str
    balance: Decimal


class AccountingRoutes:
    """The staff's side of money.

    Args:
        provider: CC-PID, as bill data records name it.
    """

    tag = "accounting"

    def __init__(self, till: Till, drivers: Drivers, provider: str) -> None:
        self._till = till
        self._drivers = drivers
        self._provider = provider

    @route("GET", "/disputes", scope=Scope.MONEY_READ)
    async def list_disputes(self, call: Call, query: DisputeQuery) -> Page[DisputeSeen]:
        """List CDRs that are contested, the oldest first."""
        after = cursor_number(query) or 0
        found = await self._till.disputes.list(query.state, after=after, limit=query.limit + 1)
        cursor = str(found[query.limit - 1].opened) if len(found) > query.limit else None
        return Page(items=[_seen(each) for each in found[: query.limit]], next=cursor)

    @route("GET", "/disputes/{dispute_id}", scope=Scope.MONEY_READ)
    async def get_dispute(self, call: Call, dispute_id: str) -> DisputeSeen:
        """Show a dispute."""
        return _seen(await self._dispute(dispute_id))

    @route("POST", "/disputes/{dispute_id}/accept", scope=Scope.MONEY_WRITE, problems=(Conflict,))
    async def accept_dispute(self, call: Call, dispute_id: str, body: Decision) -> DisputeSeen:
        """Book a contested CDR after all: its driver pays it."""
        dispute = await self._dispute(dispute_id)
        try:
            await self._till.settling.accept(dispute, body.note)
        except NotDecidable as error:
            raise Conflict(str(error)) from error
        self._till.wake()
        return _seen(await self._dispute(dispute_id))

    @route("POST", "/disputes/{dispute_id}/reject", scope=Scope.MONEY_WRITE, problems=(Conflict,))
    async def reject_dispute(self, call: Call, dispute_id: str, body: Decision) -> DisputeSeen:
        """Have a contested CDR paid by nobody; its CPO is to credit it."""
        dispute = await self._dispute(dispute_id)
        try:
            await self._till.settling.reject(dispute, body.note)
        except NotDecidable as error:
            raise Conflict(str(error)) from error
        self._till.wake()
        return _seen(await self._dispute(dispute_id))

    @route(
        "POST", "/payments/{payment_id}/refunds", scope=Scope.MONEY_WRITE, status=201, step_up=True, idempotent=True,
        problems=(Conflict,),
    )  # fmt: skip
    async def refund_payment(self, call: Call, payment_id: str, body: NewRefund) -> RefundSeen:
        """Give back of a charge's payment."""
        if await self._till.payments.get(payment_id) is None:
            raise NotFound("There is no such payment")
        try:
            refund_id = await self._till.refunds.give(payment_id, Money(body.amount, body.currency), memo=body.memo)
        except NotRefundable as error:
            raise Conflict(str(error)) from error
        found = await self._till.refunds.of(payment_id)
        return next(_refund(each) for each in found if each.id == refund_id)

    @route("GET", "/ledger", scope=Scope.MONEY_READ)
    async def get_ledger(self, call: Call) -> list[Balance]:
        """Show the balance of every account; per currency they sum to zero."""
        found = sorted((await self._till.ledger.trial()).items())
        return [
            Balance(account=account, currency=code, balance=Decimal(Money.of_minor(minor, code).text))
            for (account, code), minor in found
        ]

    @route("GET", "/bill-data/{month}", scope=Scope.MONEY_READ, produces="application/xml")
    async def export_bill_data(self, call: Call, month: str) -> Response:
        """Export the bill data records of all subscribers of a month (2026-01) as XML."""
        wanted = month_of(month)
        statements = Statements(self._till.receipts)

        async def parts() -> AsyncIterator[bytes]:
            async for part in bill_data(statements, self._drivers, wanted, self._provider):
                yield part.encode()

        told = {**HEADERS, "Content-Disposition": f'attachment; filename="bill-data-{wanted}.xml"'}
        return StreamingResponse(parts(), headers=told, media_type="application/xml")

    @route("GET", "/usage-records", scope=Scope.MONEY_READ, produces="text/csv")
    async def export_usage_records(self, call: Call, query: UsageQuery) -> Response:
        """Export a usage data record per CDR, whatever became of it, as CSV."""
        since, until = micros(query.since), micros(query.until)
        records = usage_records(self._till.verdicts, self._drivers, since, until)
        rows = [each async for each in records]
        return attachment(table(COLUMNS, rows).encode(), "usage-records.csv", "text/csv; charset=utf-8")

    async def _dispute(self, dispute_id: str) -> Dispute:
        found = await self._till.disputes.get(dispute_id)
        if found is None:
            raise NotFound("There is no such dispute")
        return found


def _seen(dispute: Dispute) -> DisputeSeen:
    return DisputeSeen(
        id=dispute.id, owner=dispute.owner, cdr_id=dispute.cdr_id, driver_id=dispute.driver_id, state=dispute.state,
        findings=dispute.findings, note=dispute.note, opened=moment_of(dispute.opened),
        decided=None if dispute.decided is None else moment_of(dispute.decided),
    )  # fmt: skip


def _refund(refund: Refund) -> RefundSeen:
    return RefundSeen(
        id=refund.id, payment_id=refund.payment_id, amount=Decimal(refund.money.text), currency=refund.currency,
        state=refund.state, memo=refund.memo, reason=refund.reason,
    )  # fmt: skip
