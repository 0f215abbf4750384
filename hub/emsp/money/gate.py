"""The gate before a charge: what it may cost is kept, or it does not begin.

Source: RASD-UC05, UC07 (X-12, X-18); SGEM-4.3-03, 4.3-04.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.emsp.money.amounts import Money
from hub.emsp.money.charges import Source, State
from hub.emsp.money.errors import ConfirmationNeeded, PaymentDeclined, PaymentPending
from hub.emsp.money.till import Till

#: What is kept for a charge in a currency for which nothing else is said: 50.00 EUR, 5000 JPY.
ESTIMATE = 5_000  # minor units


@dataclass(frozen=True)
class Gate:
    """Keeps an estimate for a charge that is about to begin.

    Attributes:
        estimates: minor units, by currency; a method or a wallet must cover it.
    """

    till: Till
    estimates: Callable[[], Mapping[str, int]] = dict

    async def hold(
        self, driver_id: str, charge_id: str, currency: str, *, source: Source | None = None, return_url: str = ""
    ) -> Money:
        """Keep the estimate and return what the charge may cost at most; again with the same id, it changes nothing.

        Args:
            charge_id: what ``Orders`` finds again by the CDR.

        Raises:
            MoneyError: nothing is kept; its text says what the driver can do, a ConfirmationNeeded where.
        """
        estimate = Money.of_minor(self.estimates().get(currency, ESTIMATE), currency)
        security = await self.till.secure(driver_id, charge_id, estimate, source=source, return_url=return_url)
        if security.may_start:
            return security.limit
        if security.action_url is not None:
            raise ConfirmationNeeded(security.action_url)
        if security.charge.state is State.SECURING:
            raise PaymentPending
        raise PaymentDeclined(f"{security.reason or 'The payment was declined'}: {PaymentDeclined()}")

    async def release(self, charge_id: str) -> None:
        """Let go what was kept for a charge that never began; again, it changes nothing."""
        await self.till.release(charge_id)
