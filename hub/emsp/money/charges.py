"""What a driver owes for a charge, as it is kept: secured before it starts, billed by its CDR, paid in the end.

Source: RASD F09, UC08; SGEM-4.3-03.
"""

# ruff: noqa: S608  the only names put into a statement are this table's columns

import enum
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money.amounts import Money


class State(enum.StrEnum):
    """Where a charge is."""

    #: Its estimate is not kept yet.
    SECURING = "SECURING"
    #: It may start.
    SECURED = "SECURED"
    #: It may not start.
    REFUSED = "REFUSED"
    #: It never took place.
    RELEASED = "RELEASED"
    #: It has its price, and not all of it is paid.
    OWED = "OWED"
    #: It is paid. Only a credit changes it.
    PAID = "PAID"
    #: Its CDR was taken back. Final.
    CREDITED = "CREDITED"


class Source(enum.StrEnum):
    """What secures a charge."""

    WALLET = "WALLET"
    METHOD = "METHOD"
    #: Nothing: its card was accepted by the CPO alone.
    NONE = "NONE"


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One charge as far as money goes; ``EmspCharge`` tells of the fields."""

    reference: str
    driver_id: str
    source: Source
    currency: str
    estimate: int
    state: State
    payment_id: str | None = None
    amount: int | None = None
    paid: int = 0
    due: int | None = None
    told: int = 0
    created: int = 0

    @property
    def owed(self) -> int:
        """What is not paid yet, in minor units."""
        return max((self.amount or 0) - self.paid, 0)

    @property
    def limit(self) -> Money:
        """What the charge may cost at most: what is secured for it."""
        return Money.of_minor(self.estimate, self.currency)


class Charges:
    """The charges of all drivers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, reference: str) -> Charge | None:
        """Return a charge."""
        return _first(await self._database.fetch(f"{_SELECT} WHERE reference = $1", reference))

    async def of(self, driver_id: str, *, limit: int = 100, skip: int = 0) -> list[Charge]:
        """Return a driver's latest charges, the newest first."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE driver_id = $1 ORDER BY created DESC, reference LIMIT $2 OFFSET $3",
            driver_id,
            limit,
            skip,
        )
        return [_charge(row) for row in rows]

    async def uncollected(self, driver_id: str) -> bool:
        """Return whether a driver has a debt that no method of his could pay."""
        return bool(await self._database.fetch(UNCOLLECTED, driver_id))

    async def due(self, now: int) -> list[Charge]:
        """Return the debts to be collected now."""
        rows = await self._database.fetch(f"{_SELECT} WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT 100", now)
        return [_charge(row) for row in rows]

    async def kept_before(self, moment: int) -> list[Charge]:
        """Return what money has been set aside for since before a moment, without a bill that was booked."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE state IN ('SECURING', 'SECURED') AND created < $1 LIMIT 100", moment
        )
        return [_charge(row) for row in rows]

    async def get_in(self, tx: Transaction, reference: str) -> Charge | None:
        """Return a charge as a transaction sees it."""
        return _first(await tx.fetch(f"{_SELECT} WHERE reference = $1", reference))

    async def step(self, tx: Transaction, reference: str, before: State, after: State) -> None:
        await tx.execute(
            "UPDATE emsp_charge SET state = $1 WHERE reference = $2 AND state = $3", after, reference, before
        )

    async def add(
        self,
        tx: Transaction,
        driver_id: str,
        reference: str,
        estimate: Money,
        *,
        source: Source,
        state: State,
        now: int,
        payment_id: str | None = None,
    ) -> None:
        """Write a new charge; nothing where there is one of this reference."""
        await tx.execute(
            f"INSERT INTO emsp_charge ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, 0, NULL, 0, $8)"
            " ON CONFLICT DO NOTHING",
            reference,
            driver_id,
            source,
            estimate.currency,
            estimate.minor,
            state,
            payment_id,
            now,
        )

    async def set_due(self, tx: Transaction, reference: str, at: int | None) -> None:
        """Have a debt collected at a moment, or not before something happens."""
        await tx.execute("UPDATE emsp_charge SET due = $1 WHERE reference = $2", at, reference)


#: Finds a driver's debt that no method of his could pay.
UNCOLLECTED = "SELECT 1 FROM emsp_charge WHERE driver_id = $1 AND state = 'OWED' AND told = 1 LIMIT 1"

_FIELDS = (
    "reference", "driver_id", "source", "currency", "estimate", "state", "payment_id", "amount", "paid", "due", "told",
    "created",
)  # fmt: skip
_COLUMNS = ", ".join(_FIELDS)
_SELECT = f"SELECT {_COLUMNS} FROM emsp_charge"


def _charge(row: Row) -> Charge:
    values = dict(zip(_FIELDS, row, strict=True))
    return Charge(**values | {"source": Source(values["source"]), "state": State(values["state"])})


def _first(rows: list[Row]) -> Charge | None:
    return _charge(rows[0]) if rows else None
