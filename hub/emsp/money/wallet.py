"""Prepaid money: topped up by payments, held for a charge that begins, settled when it has its CDR.

``0 <= held <= balance`` is never broken: whatever takes from a wallet is one UPDATE that touches the row only where
it leaves enough, so two at once cannot take the same money, in whichever processes they are.

Source: SGEM-4.3-02, 4.3-03.
"""

from dataclasses import dataclass

from hub.database.contract import Database, Transaction
from hub.emsp.money import ledger
from hub.emsp.money.amounts import Money
from hub.emsp.money.errors import NoCredit
from hub.emsp.money.ledger import Ledger, entries


@dataclass(frozen=True)
class Wallet:
    """A driver's prepaid money."""

    balance: Money
    held: Money

    @property
    def available(self) -> Money:
        """What no charge holds."""
        return Money.of_minor(self.balance.minor - self.held.minor, self.balance.currency)


class Wallets:
    """All drivers' wallets; what changes one is part of the caller's transaction."""

    def __init__(self, database: Database, books: Ledger) -> None:
        self._database = database
        self._ledger = books

    async def of(self, driver_id: str, currency: str) -> Wallet:
        """Return a wallet; one that was never topped up is empty."""
        rows = await self._database.fetch(_WALLET, driver_id, currency)
        balance, held = rows[0] if rows else (0, 0)
        return Wallet(Money.of_minor(balance, currency), Money.of_minor(held, currency))

    async def all_of(self, driver_id: str) -> list[Wallet]:
        """Return a driver's wallets, one per currency."""
        rows = await self._database.fetch(
            "SELECT balance, held, currency FROM emsp_wallet WHERE driver_id = $1 ORDER BY currency", driver_id
        )
        return [Wallet(Money.of_minor(balance, code), Money.of_minor(held, code)) for balance, held, code in rows]

    async def top_up(self, tx: Transaction, driver_id: str, money: Money, *, key: str, at: int) -> bool:
        """Put money in that the payment provider has taken; False: that was done before."""
        moved = entries((ledger.GATEWAY, ledger.wallet(driver_id), money))
        if not await self._ledger.book(tx, key, moved, currency=money.currency, at=at, memo="top-up"):
            return False
        await self._put(tx, driver_id, money)
        return True

    async def give_back(self, tx: Transaction, driver_id: str, money: Money, *, key: str, at: int, memo: str) -> bool:
        """Put in what the provider owes a driver of a charge; False: that was done before."""
        moved = entries((ledger.driver(driver_id), ledger.wallet(driver_id), money))
        if not await self._ledger.book(tx, key, moved, currency=money.currency, at=at, memo=memo):
            return False
        await self._put(tx, driver_id, money)
        return True

    async def withdraw(self, tx: Transaction, driver_id: str, money: Money) -> bool:
        """Take out what is not held; False: there is not enough. The caller books it."""
        return await _touched(
            tx,
            "UPDATE emsp_wallet SET balance = balance - $1"
            " WHERE driver_id = $2 AND currency = $3 AND balance - held >= $1",
            money.minor,
            driver_id,
            money.currency,
        )

    async def hold(self, tx: Transaction, driver_id: str, reference: str, money: Money) -> None:
        """Keep an amount for a charge, once.

        Raises:
            NoCredit: there is not enough that no other charge holds.
            Conflict: the charge has a hold.
        """
        held = await _touched(
            tx,
            "UPDATE emsp_wallet SET held = held + $1 WHERE driver_id = $2 AND currency = $3 AND balance - held >= $1",
            money.minor,
            driver_id,
            money.currency,
        )
        if not held:
            raise NoCredit
        await tx.execute(
            "INSERT INTO emsp_wallet_hold (reference, driver_id, currency, amount, taken, state)"
            " VALUES ($1, $2, $3, $4, 0, 'HELD')",
            reference,
            driver_id,
            money.currency,
            money.minor,
        )

    async def release(self, tx: Transaction, reference: str) -> None:
        """Let go of what a charge holds; nothing where it holds nothing."""
        await self._end_hold(tx, reference, "RELEASED")

    async def settle(self, tx: Transaction, reference: str, cost: Money, *, at: int) -> Money:
        """Pay a charge from its wallet as far as that goes, and return what was paid; nothing the second time.

        What was held and not used is free again; what costs more than was held is taken of what is free.
        """
        ended = await self._end_hold(tx, reference, "SETTLED")
        nothing = Money.of_minor(0, cost.currency)
        if ended is None or ended[1] != cost.currency:
            return nothing
        driver_id, _ = ended
        paid = await self.take(tx, driver_id, cost)
        await tx.execute("UPDATE emsp_wallet_hold SET taken = $1 WHERE reference = $2", paid.minor, reference)
        await self.book_paid(tx, driver_id, paid, key=f"wallet/{reference}", at=at)
        return paid

    async def take(self, tx: Transaction, driver_id: str, most: Money) -> Money:
        """Take an amount, or what is free where that is less, and return what was taken. The caller books it."""
        if most.minor <= 0:
            return Money.of_minor(0, most.currency)
        if await self.withdraw(tx, driver_id, most):
            return most
        # The row is this transaction's own from here on: what is read cannot change before it is taken.
        await tx.execute(
            "UPDATE emsp_wallet SET held = held WHERE driver_id = $1 AND currency = $2", driver_id, most.currency
        )
        rows = await tx.fetch(_WALLET, driver_id, most.currency)
        free = Money.of_minor(min(rows[0][0] - rows[0][1], most.minor) if rows else 0, most.currency)
        if free.minor <= 0 or not await self.withdraw(tx, driver_id, free):
            return Money.of_minor(0, most.currency)
        return free

    async def book_paid(self, tx: Transaction, driver_id: str, paid: Money, *, key: str, at: int) -> None:
        """Book that a driver's debt was paid from the wallet."""
        moved = entries((ledger.wallet(driver_id), ledger.driver(driver_id), paid))
        await self._ledger.book(tx, key, moved, currency=paid.currency, at=at, memo="paid from the wallet")

    async def _end_hold(self, tx: Transaction, reference: str, state: str) -> tuple[str, str] | None:
        rows = await tx.fetch(
            "UPDATE emsp_wallet_hold SET state = $1 WHERE reference = $2 AND state = 'HELD'"
            " RETURNING driver_id, currency, amount",
            state,
            reference,
        )
        if not rows:
            return None
        driver_id, currency, amount = rows[0]
        await tx.execute(
            "UPDATE emsp_wallet SET held = held - $1 WHERE driver_id = $2 AND currency = $3 AND held >= $1",
            amount,
            driver_id,
            currency,
        )
        return driver_id, currency

    async def _put(self, tx: Transaction, driver_id: str, money: Money) -> None:
        await tx.execute(
            "INSERT INTO emsp_wallet (driver_id, currency, balance, held) VALUES ($1, $2, $3, 0)"
            " ON CONFLICT (driver_id, currency) DO UPDATE SET balance = emsp_wallet.balance + excluded.balance",
            driver_id,
            money.currency,
            money.minor,
        )


_WALLET = "SELECT balance, held FROM emsp_wallet WHERE driver_id = $1 AND currency = $2"


async def _touched(tx: Transaction, sql: str, *args: object) -> bool:
    return await tx.execute(sql, *args) > 0
