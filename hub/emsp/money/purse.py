"""What other rooms ask about a driver's money: may he begin, what has he charged, what is kept of him.

``Purse.refusal`` answers real-time authorization (NO_CREDIT), ``recall`` and ``forget`` his rights under the GDPR.
"""

from hub.database.contract import Database, Transaction
from hub.emsp.money.amounts import Money
from hub.emsp.money.charges import Charges
from hub.emsp.money.errors import DebtOpen, NoCredit, PaymentNeeded
from hub.emsp.money.methods import Methods
from hub.emsp.money.receipts import Receipts
from hub.emsp.money.securing import Minimum
from hub.emsp.money.wallet import Wallets
from hub.ocpi.objects import JSON


class Purse:
    """A driver's money, seen from outside.

    Args:
        minimum: what a wallet must have for a charge of unknown cost.
    """

    def __init__(
        self,
        database: Database,
        *,
        charges: Charges,
        methods: Methods,
        wallets: Wallets,
        receipts: Receipts,
        minimum: Minimum,
    ) -> None:
        self._database = database
        self._charges = charges
        self._methods = methods
        self._wallets = wallets
        self._receipts = receipts
        self._minimum = minimum

    async def refusal(self, driver_id: str, cpo: str) -> str | None:
        """Return why a driver may not begin a charge with a card, in words for him; None: he may.

        What it will cost is not known: a method that can be charged is enough, or a wallet that has the minimum, or
        anything where none is set.
        """
        if await self._charges.uncollected(driver_id):
            return str(DebtOpen())
        methods = await self._methods.of(driver_id)
        if any(each.state == "SAVED" for each in methods):
            return None
        wallets = await self._wallets.all_of(driver_id)
        if any(self._is_enough(each.available) for each in wallets):
            return None
        return str(NoCredit() if wallets else PaymentNeeded())

    def _is_enough(self, free: Money) -> bool:
        return self._minimum.allows(free) if self._minimum.by_currency() else free.minor > 0

    async def recall(self, driver_id: str) -> tuple[str, JSON]:
        """Return what is kept of a driver, for his export."""
        charges = await self._charges.of(driver_id, limit=100_000)
        methods = await self._methods.of(driver_id)
        return "money", {
            "receipts": [each.document for each in await self._receipts.of(driver_id)],
            "payment_methods": [{"label": each.label, "state": each.state} for each in methods],
            "wallets": [str(each.balance) for each in await self._wallets.all_of(driver_id)],
            "charges": [{"reference": each.reference, "state": each.state} for each in charges],
        }

    async def forget(self, tx: Transaction, driver_id: str) -> None:
        """Erase what names a driver; books and receipts stay, and name only his id.

        Source: GDPR, article 17(3)(b): what the law has us keep.
        """
        await tx.execute(
            "UPDATE emsp_payment_method SET state = 'FORGOTTEN', wanted = '', method = NULL, customer = NULL,"
            " label = NULL, action_url = NULL, reason = NULL, due = NULL WHERE driver_id = $1",
            driver_id,
        )
