"""A payment from the wish for it to money taken or given back, as a declared graph; nothing else may happen to one.

The intent is written before the payment provider is asked, and every call has a key made of the payment and its state,
so whoever finds a payment after a crash does the same call again. A payment is in a state with a ``due`` as long as
somebody has to ask; one without waits for its driver, its provider's notice, or its CDR.
"""

# ruff: noqa: S608  the only names put into a statement are this table's columns

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money.amounts import Money
from hub.emsp.money.ports import Status


class State(enum.StrEnum):
    """Where a payment is."""

    #: The provider is asked to keep the amount; it has not said that it does.
    AUTHORISING = "AUTHORISING"
    #: The driver has to confirm it (3-D Secure).
    ACTION_REQUIRED = "ACTION_REQUIRED"
    #: The amount is kept; what is to be taken of it is not known yet.
    AUTHORISED = "AUTHORISED"
    #: The provider is asked to take what is wanted.
    CAPTURING = "CAPTURING"
    #: The provider is asked to give all back.
    CANCELLING = "CANCELLING"
    #: It is taken. Final.
    CAPTURED = "CAPTURED"
    #: The provider or the driver's bank refused it. Final.
    DECLINED = "DECLINED"
    #: Nothing was taken, and nothing is kept. Final.
    CANCELLED = "CANCELLED"


class IllegalStep(Exception):
    """The payment is in a state in which that does not happen."""


#: What an answer of the provider makes of a payment; an answer that is not here changes nothing.
STEPS: Mapping[State, Mapping[Status, State]] = {
    State.AUTHORISING: {
        Status.AUTHORISED: State.AUTHORISED,
        Status.ACTION_REQUIRED: State.ACTION_REQUIRED,
        Status.CAPTURED: State.CAPTURED,
        Status.DECLINED: State.DECLINED,
        Status.CANCELLED: State.CANCELLED,
    },
    State.ACTION_REQUIRED: {
        Status.AUTHORISED: State.AUTHORISED,
        Status.CAPTURED: State.CAPTURED,
        Status.DECLINED: State.DECLINED,
        Status.CANCELLED: State.CANCELLED,
    },
    State.AUTHORISED: {
        # What is kept goes back by itself after some days; a capture may be done by hand at the provider.
        Status.CANCELLED: State.CANCELLED,
        Status.CAPTURED: State.CAPTURED,
    },
    State.CAPTURING: {
        Status.CAPTURED: State.CAPTURED,
        Status.DECLINED: State.DECLINED,
        Status.CANCELLED: State.CANCELLED,
    },
    State.CANCELLING: {
        Status.CANCELLED: State.CANCELLED,
        Status.DECLINED: State.CANCELLED,
        Status.CAPTURED: State.CAPTURED,
    },
}

#: What we decide: an amount of nothing gives all back.
DECISIONS: Mapping[State, frozenset[State]] = {
    State.ACTION_REQUIRED: frozenset({State.CANCELLING}),
    State.AUTHORISED: frozenset({State.CAPTURING, State.CANCELLING}),
}

#: States in which the provider owes us an answer.
ASKING = frozenset({State.AUTHORISING, State.CAPTURING, State.CANCELLING})
FINAL = frozenset(state for state in State if state not in STEPS)


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One attempt to have an amount from one method; ``EmspPayment`` tells of the fields."""

    id: str
    driver_id: str
    purpose: str
    subject: str
    method_id: str
    currency: str
    amount: int
    wanted: int | None = None
    captured: int = 0
    refunded: int = 0
    state: State = State.AUTHORISING
    present: bool = False
    return_url: str = ""
    reference: str = ""
    action_url: str | None = None
    reason: str | None = None
    due: int | None = None
    attempts: int = 0
    created: int = 0

    @property
    def money(self) -> Money:
        """What is kept."""
        return Money.of_minor(self.amount, self.currency)

    @property
    def key(self) -> str:
        """The idempotency key of the call its state asks for."""
        return f"{self.id}/{self.state.lower()}"


def decided(payment: Payment) -> State | None:
    """Return the state that what is wanted of a payment leads to now; None: nothing is to be done.

    A payment whose driver still has to confirm is not waited for when nothing is wanted of it.
    """
    if payment.wanted is None or payment.state not in DECISIONS:
        return None
    target = State.CAPTURING if payment.wanted > 0 else State.CANCELLING
    return target if target in DECISIONS[payment.state] else None


class Payments:
    """The payments of a provider; every change names the state it starts from, so that of two only one is done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tx: Transaction, payment: Payment) -> None:
        """Write the intent of a payment.

        Raises:
            Conflict: there is one with this id.
        """
        await tx.execute(
            f"INSERT INTO emsp_payment ({_COLUMNS}) VALUES"
            " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            *_values(payment),
        )

    async def get(self, payment_id: str) -> Payment | None:
        """Return a payment."""
        return _first(await self._database.fetch(f"{_SELECT} WHERE id = $1", payment_id))

    async def get_in(self, tx: Transaction, payment_id: str) -> Payment | None:
        """Return a payment as a transaction sees it."""
        return _first(await tx.fetch(f"{_SELECT} WHERE id = $1", payment_id))

    async def by_reference(self, reference: str) -> Payment | None:
        """Return a payment by the provider's id."""
        return _first(await self._database.fetch(f"{_SELECT} WHERE reference = $1", reference)) if reference else None

    async def of(self, driver_id: str, *, limit: int = 100, skip: int = 0) -> list[Payment]:
        """Return a driver's latest payments, the newest first."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE driver_id = $1 ORDER BY created DESC, id LIMIT $2 OFFSET $3", driver_id, limit, skip
        )
        return [_payment(row) for row in rows]

    async def for_subject(self, tx: Transaction, subject: str) -> list[Payment]:
        """Return the payments of one charge or top-up, the oldest first."""
        rows = await tx.fetch(f"{_SELECT} WHERE subject = $1 ORDER BY created, id", subject)
        return [_payment(row) for row in rows]

    async def due(self, now: int, *, limit: int = 100) -> list[Payment]:
        """Return what somebody has to work on, the longest due first."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT $2", now, limit
        )
        return [_payment(row) for row in rows]

    async def want(self, tx: Transaction, payment_id: str, amount: int, *, now: int) -> None:
        """Say once what is to be taken of a payment; at most what is kept, 0 for nothing."""
        await tx.execute(
            "UPDATE emsp_payment SET wanted = CASE WHEN amount < $1 THEN amount ELSE $1 END, due = $2"
            " WHERE id = $3 AND wanted IS NULL",
            amount,
            now,
            payment_id,
        )

    async def move(self, tx: Transaction, payment: Payment, to: State, **changes: object) -> bool:
        """Bring a payment from the state it was read in to another; False: somebody else did something with it."""
        values = {"state": to, "attempts": 0} | changes
        names = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, start=1))
        n = len(values)
        touched = await tx.execute(
            f"UPDATE emsp_payment SET {names} WHERE id = ${n + 1} AND state = ${n + 2}",
            *values.values(),
            payment.id,
            payment.state,
        )
        return touched > 0

    async def wait(self, tx: Transaction, payment: Payment, *, due: int, reference: str = "") -> None:
        """Leave a payment in its state until a moment: nobody knows more yet."""
        await tx.execute(
            "UPDATE emsp_payment SET due = $1, attempts = attempts + 1,"
            " reference = CASE WHEN reference = '' THEN $2 ELSE reference END WHERE id = $3 AND state = $4",
            due,
            reference,
            payment.id,
            payment.state,
        )


_FIELDS = (
    "id", "driver_id", "purpose", "subject", "method_id", "currency", "amount", "wanted", "captured", "refunded",
    "state", "present", "return_url", "reference", "action_url", "reason", "due", "attempts", "created",
)  # fmt: skip
_COLUMNS = ", ".join(_FIELDS)
_SELECT = f"SELECT {_COLUMNS} FROM emsp_payment"


def _values(payment: Payment) -> list[object]:
    values = {name: getattr(payment, name) for name in _FIELDS} | {"present": int(payment.present)}
    return list(values.values())


def _payment(row: Row) -> Payment:
    values = dict(zip(_FIELDS, row, strict=True))
    return Payment(**values | {"state": State(values["state"]), "present": bool(values["present"])})


def _first(rows: list[Row]) -> Payment | None:
    return _payment(rows[0]) if rows else None
