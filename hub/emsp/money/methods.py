"""What drivers pay with: tokens of the payment provider, tried in the order of their rank.

Source: RASD F10 (a payment method may be saved and reused), N09 (no payment data here).
"""

import uuid
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money.ports import Answer, MethodWanted, Status

_STATES = {
    Status.SAVED: "SAVED",
    Status.ACTION_REQUIRED: "ACTION_REQUIRED",
    Status.DECLINED: "DECLINED",
    Status.CANCELLED: "DECLINED",
}


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to pay; ``EmspPaymentMethod`` tells of the fields."""

    id: str
    driver_id: str
    state: str
    wanted: str
    return_url: str
    reference: str = ""
    method: str | None = None
    customer: str | None = None
    label: str | None = None
    action_url: str | None = None
    reason: str | None = None
    rank: int = 0
    due: int | None = None


class Methods:
    """The payment methods of all drivers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tx: Transaction, driver_id: str, token: str, return_url: str, *, now: int) -> str:
        """Write the wish to save a token and return its id; a driver's newest method is tried first."""
        method_id = str(uuid.uuid4())
        rows = await tx.fetch("SELECT min(rank) FROM emsp_payment_method WHERE driver_id = $1", driver_id)
        customers = await tx.fetch(
            "SELECT customer FROM emsp_payment_method WHERE driver_id = $1 AND customer IS NOT NULL LIMIT 1", driver_id
        )
        await tx.execute(
            "INSERT INTO emsp_payment_method (id, driver_id, state, wanted, return_url, reference, customer, rank, due)"
            " VALUES ($1, $2, 'PENDING', $3, $4, '', $5, $6, $7)",
            method_id,
            driver_id,
            token,
            return_url,
            customers[0][0] if customers else None,
            (rows[0][0] or 0) - 1,
            now,
        )
        return method_id

    async def get(self, method_id: str) -> Method | None:
        """Return a method."""
        return _first(await self._database.fetch(f"{_SELECT} WHERE id = $1", method_id))

    async def by_reference(self, reference: str) -> Method | None:
        """Return a method by the provider's id of saving it."""
        return _first(await self._database.fetch(f"{_SELECT} WHERE reference = $1", reference)) if reference else None

    async def of(self, driver_id: str) -> list[Method]:
        """Return a driver's methods that were not forgotten, in the order they are tried."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE driver_id = $1 AND state <> 'FORGOTTEN' ORDER BY rank", driver_id
        )
        return [_method(row) for row in rows]

    async def usable(self, tx: Transaction, driver_id: str) -> list[Method]:
        """Return what a driver can be charged by, in the order it is tried."""
        rows = await tx.fetch(f"{_SELECT} WHERE driver_id = $1 AND state = 'SAVED' ORDER BY rank", driver_id)
        return [_method(row) for row in rows]

    async def due(self, now: int) -> list[Method]:
        """Return the methods somebody has to ask about."""
        rows = await self._database.fetch(f"{_SELECT} WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT 100", now)
        return [_method(row) for row in rows]

    async def prefer(self, tx: Transaction, driver_id: str, method_id: str) -> bool:
        """Have a method tried first; False: the driver has none of this id that can be used."""
        return await tx.execute(
            "UPDATE emsp_payment_method SET rank ="
            " (SELECT min(rank) - 1 FROM emsp_payment_method WHERE driver_id = $1)"
            " WHERE id = $2 AND driver_id = $1 AND state = 'SAVED'",
            driver_id,
            method_id,
        ) > 0  # fmt: skip

    async def forget(self, tx: Transaction, driver_id: str, method_id: str) -> bool:
        """Use a method no more; False: the driver has none of this id."""
        return await tx.execute(
            "UPDATE emsp_payment_method SET state = 'FORGOTTEN', due = NULL"
            " WHERE id = $1 AND driver_id = $2 AND state <> 'FORGOTTEN'",
            method_id,
            driver_id,
        ) > 0  # fmt: skip

    async def answered(self, tx: Transaction, method: Method, answer: Answer, *, due: int) -> bool:
        """Write what the provider said of saving a method, and return whether it can be used from now on."""
        state = _STATES.get(answer.status, method.state)
        waiting = state in ("PENDING", "ACTION_REQUIRED")
        touched = await tx.execute(
            "UPDATE emsp_payment_method SET state = $1, reference = $2, method = $3, customer = $4, label = $5,"
            " action_url = $6, reason = $7, due = $8 WHERE id = $9 AND state IN ('PENDING', 'ACTION_REQUIRED')",
            state,
            answer.reference or method.reference,
            answer.method or method.method,
            answer.customer or method.customer,
            answer.label or method.label,
            answer.action_url if state == "ACTION_REQUIRED" else None,
            answer.reason,
            due if waiting else None,
            method.id,
        )
        return touched > 0 and state == "SAVED"

    async def wait(self, tx: Transaction, method: Method, *, due: int) -> None:
        """Ask about a method again at a moment."""
        await tx.execute(
            "UPDATE emsp_payment_method SET due = $1 WHERE id = $2 AND state IN ('PENDING', 'ACTION_REQUIRED')",
            due,
            method.id,
        )


def wanted(method: Method) -> MethodWanted:
    """Return what the provider is asked for to save a method."""
    return MethodWanted(
        driver_id=method.driver_id, token=method.wanted, customer=method.customer, return_url=method.return_url
    )


_FIELDS = (
    "id", "driver_id", "state", "wanted", "return_url", "reference", "method", "customer", "label", "action_url",
    "reason", "rank", "due",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM emsp_payment_method"  # noqa: S608  our own columns


def _method(row: Row) -> Method:
    return Method(**dict(zip(_FIELDS, row, strict=True)))


def _first(rows: list[Row]) -> Method | None:
    return _method(rows[0]) if rows else None
