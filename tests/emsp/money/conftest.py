"""A till with a simulated payment provider, a clock that tests move, and CDRs as a CPO makes them."""

import datetime
import itertools
from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.payment.simulator import PaymentSimulator
from hub.emsp.money.amounts import Money
from hub.emsp.money.needs import Payer
from hub.emsp.money.till import Terms, Till
from hub.emsp.store import Store
from tests.clocks import ManualClock
from tests.cpms.test_sessions import cost_of, ended
from tests.rooms import CPO, EMSP, location, tariff

AT = datetime.datetime(2026, 1, 1, 14, tzinfo=datetime.UTC)
RETURN = "https://app.example/back"


def eur(text):
    return Money(Decimal(text), "EUR")


class People:
    """Drivers by their Tokens."""

    def __init__(self):
        self.tokens = {"CARD-1": "anna"}

    async def driver_of(self, token_uid):
        return self.tokens.get(token_uid)

    async def payer(self, driver_id):
        return Payer(driver_id=driver_id, name="Anna Ø. Müller", phone="+31612345678", customer_id="C-1")


class Ears:
    """A notifier that remembers."""

    def __init__(self):
        self.told = []
        self.deaf = False

    async def tell(self, told):
        if self.deaf:
            raise ConnectionError("no notifier")
        self.told.append(told)

    @property
    def events(self):
        return [each.event.value for each in self.told]


class Desk:
    """Everything around one till."""

    def __init__(self, database):
        self.database = database
        self.store = Store(database, EMSP)
        self.clock = ManualClock(AT)
        self.gateway = PaymentSimulator()
        self.people = People()
        self.ears = Ears()
        self.terms = Terms()
        self.till = self.another()
        self._numbers = itertools.count(1)

    def another(self, **terms):
        """Return a till on the same store, as after a restart."""
        self.terms = replace(self.terms, **terms)
        self.till = Till(
            self.store,
            self.gateway,
            drivers=self.people,
            notifier=self.ears,
            clock=self.clock,
            terms=lambda: self.terms,
        )
        return self.till

    async def keep(self, cdr):
        """Keep a CDR, as the OCPI door does."""
        await self.database.transact(lambda tx: self.store.cdrs.put(tx, CPO, cdr["id"], cdr))
        return cdr

    async def charged(self, reference="REF", session_id="S1", **changes):
        """Keep the Session and the CDR of a charge: 20 kWh in an hour, 8.50 and 20 % tax."""
        await self.session(session_id, reference)
        cdr = cost_of(tariff(), **changes) | {
            "id": session_id, "session_id": session_id, "authorization_reference": reference,
        }  # fmt: skip
        return await self.keep(cdr)

    async def session(self, session_id="S1", reference="REF", **changes):
        value = ended([tariff()]) | {"id": session_id, "authorization_reference": reference} | changes
        await self.database.transact(lambda tx: self.store.sessions.put(tx, CPO, session_id, value))

    async def save(self, token="sim_ok", driver_id="anna"):
        return await self.till.save_method(driver_id, token, return_url=RETURN)

    async def filled(self, text, driver_id="anna"):
        """Top up a wallet by a payment with a method of its own."""
        method = await self.save()
        key = f"k{next(self._numbers)}"
        await self.till.top_up(driver_id, eur(text), key=key, return_url=RETURN)
        await self.till.forget_method(driver_id, method.id)

    async def pass_time(self, **span):
        """Move the clock and work."""
        await self.clock.advance(datetime.timedelta(**span).total_seconds())
        await self.work()

    async def work(self):
        for _ in range(4):
            await self.till.work()

    async def balances(self):
        return {account: minor for (account, _), minor in (await self.till.ledger.trial()).items() if minor}


@pytest.fixture
async def desk(database):
    made = Desk(database)
    await made.store.index.open()
    await database.transact(lambda tx: made.store.locations.put(tx, CPO, "LOC1", location()))
    return made
