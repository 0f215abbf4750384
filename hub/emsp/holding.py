"""Money as the room of charging needs it, and charges as that of money does.

What is set aside for a charge stands under the charge's id, so that each attempt has its own.
"""

from hub.database.contract import Database, Transaction
from hub.emsp.charging.charges import charge_of_cdr, is_under_way
from hub.emsp.charging.following import Following
from hub.emsp.charging.needs import Allowance, Bill, PaymentOpen, PaymentRefused, Spot
from hub.emsp.money.errors import ConfirmationNeeded, MoneyError, PaymentPending
from hub.emsp.money.gate import Gate
from hub.emsp.money.purse import Purse
from hub.emsp.money.verdicts import Verdict
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child

#: What a charge is expected to be paid in where its CPO told no Tariff.
CURRENCY = "EUR"


class ChargeMoney:
    """The till's gate, seen from the room of charging.

    Args:
        return_url: where drivers come back to from their bank's page, if their app does not say it.
    """

    def __init__(self, gate: Gate, store: Store, *, return_url: str) -> None:
        self._gate = gate
        self._store = store
        self._return_url = return_url

    async def hold(self, driver_id: str, charge_id: str, place: Spot, *, return_url: str = "") -> Allowance:
        """Set aside what a charge may cost.

        Raises:
            PaymentOpen: the driver has to confirm it, or the payment provider to answer.
            PaymentRefused: nothing was set aside.
        """
        currency = await self._currency(place)
        try:
            limit = await self._gate.hold(driver_id, charge_id, currency, return_url=return_url or self._return_url)
        except ConfirmationNeeded as error:
            raise PaymentOpen(str(error), error.url) from error
        except PaymentPending as error:
            raise PaymentOpen(str(error)) from error
        except MoneyError as error:
            raise PaymentRefused(str(error)) from error
        return Allowance(limit=limit.amount, currency=limit.currency)

    async def release(self, charge_id: str) -> None:
        """Let go what was set aside for a charge that never began."""
        await self._gate.release(charge_id)

    async def _currency(self, place: Spot) -> str:
        """Return what a station is paid in, as the Tariffs of its connectors say."""
        location = await self._store.locations.get(place.owner, place.location_id)
        evse = child(location, "evses", place.evse_uid) or {}
        for connector in evse.get("connectors") or ():
            if place.connector_id not in (None, connector["id"]):
                continue
            for tariff_id in connector.get("tariff_ids") or ():
                tariff = await self._store.tariffs.get(place.owner, tariff_id)
                if tariff is not None:
                    return str(tariff["currency"])
        return CURRENCY


class OrdersOfDrivers:
    """Which charge a CDR bills, for the room of money."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order_of(self, owner: Party, cdr: JSONObject, session: JSONObject | None) -> str | None:
        """Return the id of the charge."""
        return await charge_of_cdr(self._database, str(owner), cdr, session)


class CreditOfDrivers:
    """Whether a driver has credit when a CPO asks, for the room of drivers."""

    def __init__(self, database: Database, purse: Purse) -> None:
        self._database = database
        self._purse = purse

    async def refusal(self, driver_id: str, cpo: str) -> str | None:
        """Return why he has not enough; for what he has ordered there, money is set aside already."""
        if await is_under_way(self._database, driver_id, cpo):
            return None
        return await self._purse.refusal(driver_id, cpo)


async def tell_verdict(following: Following, tx: Transaction, verdict: Verdict) -> None:
    """Tell the room of charging what became of a CDR."""
    await following.judged(
        tx,
        Bill(
            owner=Party.parse(verdict.owner),
            cdr_id=verdict.cdr_id,
            verdict=verdict.verdict,
            price=verdict.price,
            currency=verdict.currency,
        ),
    )
