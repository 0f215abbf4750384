"""A whole provider in this process: its rooms put together as they are served, a CPO that answers as told."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.notifications.mail import MailChannel
from adapters.notifications.sms import SmsChannel
from adapters.payment.simulator import PaymentSimulator
from adapters.routing.astar import StreetRouter
from adapters.sms.simulator import SimulatedSms
from hub.database import Database
from hub.emsp.api.scopes import REALM, Scope
from hub.emsp.assembly import Assembly
from hub.emsp.companion.emissions import CountryMix
from hub.emsp.companion.room import World
from hub.emsp.drivers.logins import Device
from hub.emsp.drivers.means import Card
from hub.emsp.drivers.registration import Registration
from hub.emsp.endpoints import EmspEndpoints
from hub.emsp.inforce import TermsInForce
from hub.emsp.terms import ProviderTerms
from hub.ocpi.modules import tariffs
from tests.clocks import ManualClock
from tests.emsp.api.conftest import Caller
from tests.emsp.charging import world
from tests.emsp.charging.world import CpoBook, Road, told
from tests.emsp.drivers.conftest import CHEAP, Mailbox
from tests.rooms import EMSP, HUB, FakeHub, tariff, url_of
from tests.stores import SqliteStores

RETURN = "https://app.example/back"


@dataclass(kw_only=True)
class Provider(Road):
    """The provider with its API, beside the words for what a CPO tells."""

    assembly: Assembly
    gateway: PaymentSimulator
    mailbox: Mailbox
    people: dict[str, str] = field(default_factory=dict)
    keys: int = 0
    spot: Any = world.SPOT

    async def driver(self, name: str = "ada", *, pays: str | None = "sim_ok", **form: Any) -> "Rider":
        """Register a driver who is logged in, with a payment method."""
        desk, number = self.assembly.drivers, len(self.people) + 1
        cards = form.pop("cards", [Card(uid=f"0A0B0C{number:02}")])
        made = await desk.registrar.register(
            Registration(customer_id=f"C-{number}", name=name, surname="Test", cards=cards, **form)
        )
        self.people[name] = made.id
        login = await desk.store.database.transact(lambda tx: desk.logins.add(tx, made.id, Device()))
        if pays is not None:
            await self.assembly.money.till.save_method(made.id, pays, return_url=RETURN)
        return Rider(self, login.token, made.id)

    async def operator(self, *scopes: Scope) -> "Rider":
        """Return a machine of the provider's staff with a key."""
        credentials = self.assembly.api.gate._staff
        _, token = await self.assembly.store.database.transact(
            lambda tx: credentials.add_key(tx, name="machine", scopes=scopes, created_by="test")
        )
        return Rider(self, token, "")

    def stranger(self) -> Caller:
        return Caller(self.assembly.api)

    async def work(self) -> None:
        """Do what is due, in every room."""
        await self.charging.clockwork.look()
        for _ in range(4):
            await self.assembly.money.till.work()
        await self.charging.clockwork.look()
        await self.assembly.companion.courier.work()

    def letters(self) -> list[tuple[str, str]]:
        """Return subject and text of what was written to drivers."""
        return [(each.subject, each.text) for each in self.mailbox.letters]


class Rider(Caller):
    """Someone who calls the API, each time under a key of its own."""

    def __init__(self, provider: Provider, token: str, driver_id: str) -> None:
        super().__init__(provider.assembly.api, token)
        self.provider = provider
        self.driver_id = driver_id

    async def post(self, path: str, body: Any = None, *, key: str | None = None, method: str = "POST") -> Any:
        self.provider.keys += 1
        headers = {"Idempotency-Key": key or f"key-{self.provider.keys}"}
        return await self.ask(method, path, json=body, headers=headers)


@pytest.fixture
def store(sqlite_stores: SqliteStores, tmp_path: Path) -> str:
    """A fresh store; what differs between engines is tested room by room."""
    return str(sqlite_stores.fresh(tmp_path / "data"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(world.NOON)


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def terms() -> ProviderTerms:
    """What the operator decides; a module may decide otherwise."""
    return ProviderTerms()


@pytest.fixture
async def provider(
    database: Database, clock: ManualClock, hub: FakeHub, terms: ProviderTerms | TermsInForce
) -> AsyncIterator[Provider]:  # fmt: skip
    """The provider, joined; its clockwork, its till and its companion are turned by hand."""
    async with provided(database, clock, hub, terms) as made:
        yield made


@contextlib.asynccontextmanager
async def provided(
    database: Database, clock: ManualClock, hub: FakeHub, terms: ProviderTerms | TermsInForce
) -> AsyncIterator[Provider]:  # fmt: skip
    """Have a provider on an open store."""
    gateway, sms, mailbox = PaymentSimulator(), SimulatedSms(), Mailbox()
    assembly = Assembly(
        database,
        EMSP,
        public_url="http://emsp.test",
        mailer=mailbox,
        clock=clock.now,
        gateway=gateway,
        sms=sms,
        passwords=CHEAP,
        terms=terms if isinstance(terms, TermsInForce) else TermsInForce(terms),
        world=World(
            channels={"EMAIL": MailChannel(mailbox), "SMS": SmsChannel(sms)},
            push_key="BKEY",
            routers=(StreetRouter(),),
            countries={"NLD": CountryMix(grams=Decimal(250), label="test figure")},
        ),
    )
    emsp = EmspEndpoints(
        party=EMSP, hub_party=HUB, hub=hub, call_url=hub.call_url, url_of=url_of, database=database,
        store=assembly.store, clock=clock.now,
    )  # fmt: skip
    assembly.behind(emsp)
    charging, emsp.rooms = assembly.charging, ()
    await emsp.start()
    await emsp.pulling.settled()
    hub.asked.clear()
    made = Provider(
        emsp=emsp, hub=hub, clock=clock, charging=charging, drivers=None, money=None, heard=None, sms=sms,
        cpo=CpoBook(hub, clock), assembly=assembly, gateway=gateway, mailbox=mailbox,
    )  # fmt: skip
    await emsp(told(tariffs.put_tariff, tariff(), tariff_id="T1"))
    await made.location()
    made.answers("START", "ACCEPTED")
    made.answers("STOP", "ACCEPTED")
    try:
        yield made
    finally:
        await emsp.stop()
        await assembly.feed.stop()
        await assembly.statuses.stop()


assert REALM.path == "/emsp/api/v1", "as callers of tests have it"
