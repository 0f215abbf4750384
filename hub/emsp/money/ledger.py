"""The books: double entry, append-only, each event once.

An entry moves an amount from one account to another: it debits the one and credits the other, so a transaction
that does not sum to zero cannot be written down, neither here nor in the table. A balance is debits less credits:
positive for what the provider has or is owed, negative for what it owes or has earned.

A transaction is named by its event (``cdr/NL-CPO/ID``); the same event again is refused by the key. What was wrong is
taken back by another transaction with the entries turned round, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money.amounts import Money

#: What drivers' charges brought, without VAT.
REVENUE = "revenue"
#: What CPOs were to be paid, without their taxes.
PURCHASES = "purchases"
#: Taxes CPOs billed.
INPUT_TAX = "input-tax"
#: Money at the payment provider.
GATEWAY = "gateway"
#: What CPOs bill and the provider contests.
DISPUTED = "disputed"
#: What was given back to drivers out of goodwill.
REFUNDS = "refunds"


def driver(driver_id: str) -> str:
    """Return the account of what a driver owes."""
    return f"driver/{driver_id}"


def wallet(driver_id: str) -> str:
    """Return the account of what a driver has prepaid."""
    return f"wallet/{driver_id}"


def cpo(owner: str) -> str:
    """Return the account of what a CPO (CC-PID) is owed."""
    return f"cpo/{owner}"


def vat(country: str) -> str:
    """Return the account of VAT due to a country (ISO 3166-1 alpha-3)."""
    return f"vat/{country}"


class Unbalanced(ValueError):
    """What was to be booked moves nothing, moves backwards, or is in two currencies."""


@dataclass(frozen=True)
class Entry:
    """An amount that goes from one account to another.

    Raises:
        Unbalanced: it is not positive, or both accounts are the same.
    """

    debit: str
    credit: str
    money: Money

    def __post_init__(self) -> None:
        if self.money.minor <= 0:
            raise Unbalanced(f"{self.debit} to {self.credit}: {self.money} moves nothing")
        if self.debit == self.credit:
            raise Unbalanced(f"{self.debit} to itself")

    @property
    def reversed(self) -> "Entry":
        """The entry that takes this one back."""
        return Entry(self.credit, self.debit, self.money)


def entries(*moves: tuple[str, str, Money]) -> list[Entry]:
    """Return the entries of moves (debit, credit, amount): nothing of none, turned round where negative."""
    made = []
    for debit, credit, money in moves:
        if money.minor > 0:
            made.append(Entry(debit, credit, money))
        elif money.minor < 0:
            made.append(Entry(credit, debit, Money.of_minor(-money.minor, money.currency)))
    return made


class Ledger:
    """The books of one provider; what is booked is part of the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def book(
        self,
        tx: Transaction,
        key: str,
        booked: Sequence[Entry],
        *,
        currency: str,
        at: int,
        memo: str = "",
        reverses: str | None = None,
    ) -> bool:
        """Book an event and return True; False: it is booked already, and nothing changes.

        Args:
            at: in microseconds since 1970, UTC.

        Raises:
            Unbalanced: an entry has another currency.
        """
        if any(each.money.currency != currency for each in booked):
            raise Unbalanced(f"{key}: not all of it is {currency}")
        touched = await tx.execute(
            "INSERT INTO emsp_ledger_transaction (key, currency, at, memo, reverses) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT DO NOTHING",
            key,
            currency,
            at,
            memo,
            reverses,
        )
        if touched == 0:
            return False
        rows = [
            (key, number, each.debit, each.credit, currency, each.money.minor) for number, each in enumerate(booked)
        ]
        if rows:
            await tx.executemany(
                "INSERT INTO emsp_ledger_entry (key, number, debit, credit, currency, amount)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                rows,
            )
        return True

    async def reverse(self, tx: Transaction, key: str, of: str, *, at: int, memo: str = "") -> bool:
        """Take a transaction back, under a key of its own; False: that was done before, or there is none."""
        found = await tx.fetch("SELECT currency FROM emsp_ledger_transaction WHERE key = $1", of)
        if not found:
            return False
        rows = await tx.fetch(f"{_ENTRIES} WHERE key = $1 ORDER BY number", of)
        turned = [_entry(row).reversed for row in rows]
        return await self.book(tx, key, turned, currency=found[0][0], at=at, memo=memo, reverses=of)

    async def entries(self, key: str) -> list[Entry]:
        """Return what was booked under a key."""
        return [_entry(row) for row in await self._database.fetch(f"{_ENTRIES} WHERE key = $1 ORDER BY number", key)]

    async def balance(self, account: str, currency: str) -> Money:
        """Return debits less credits."""
        rows = await self._database.fetch(
            "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM emsp_ledger_entry"
            " WHERE debit = $1 AND currency = $2 UNION ALL"
            " SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM emsp_ledger_entry"
            " WHERE credit = $1 AND currency = $2",
            account,
            currency,
        )
        return Money.of_minor(rows[0][0] - rows[1][0], currency)

    async def trial(self) -> dict[tuple[str, str], int]:
        """Return the balance of every account by (account, currency), in minor units; their sum is zero."""
        rows = await self._database.fetch(
            "SELECT account, currency, CAST(sum(amount) AS BIGINT) FROM ("
            " SELECT debit AS account, currency, amount FROM emsp_ledger_entry UNION ALL"
            " SELECT credit, currency, -amount FROM emsp_ledger_entry) AS sides GROUP BY account, currency"
        )
        return {(account, currency): amount for account, currency, amount in rows}


_ENTRIES = "SELECT debit, credit, currency, amount FROM emsp_ledger_entry"


def _entry(row: Row) -> Entry:
    debit, credit, currency, amount = row
    return Entry(debit, credit, Money.of_minor(amount, currency))
