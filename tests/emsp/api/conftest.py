"""The eMSP's API on a fresh store, with drivers and operators who call it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from hub.api.application import Api
from hub.api.credentials import Credentials
from hub.api.feed import Feed
from hub.api.passwords import Passwords
from hub.api.rates import Rate
from hub.database import Database
from hub.emsp.api.assembling import RATES, emsp_api
from hub.emsp.api.needs import DriverLogin
from hub.emsp.api.routes.search import SearchRoutes
from hub.emsp.api.scopes import REALM, Scope
from hub.emsp.money.retail import RetailPrices
from hub.emsp.retailing import retail
from hub.emsp.search.finding import Finder
from hub.emsp.search.statuses import status_feed
from hub.emsp.search.viewing import Viewer
from hub.emsp.store import Store
from tests.clocks import ManualClock
from tests.rooms import EMSP

BASE = "http://emsp.test/emsp/api/v1"


class LoggedInDrivers:
    """Drivers whose tokens are their names: what the room of drivers does, without accounts."""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    async def whose(self, token: str) -> DriverLogin | None:
        kind, _, name = token.partition("-")
        if kind != "driver" or name in self.gone:
            return None
        return DriverLogin(driver_id=name, login_id=f"login of {name}", name=f"{name}@driver.test")


class Caller:
    """Someone who calls the API over HTTP."""

    def __init__(self, api: Api, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=BASE, headers=headers)
        self.token = token

    async def ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return await self.http.request(method, path, **rest)

    async def get(self, path: str, **rest: Any) -> Any:
        answer = await self.ask("GET", path, **rest)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Provider:
    """The API, and how tests come by callers."""

    def __init__(
        self,
        database: Database,
        clock: ManualClock,
        routes: tuple[object, ...] = (),
        rates: dict[str, Rate] | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.store = Store(database, EMSP)
        self.feed = Feed(database, "emsp_feed")
        self.statuses = status_feed(database)
        self.drivers = LoggedInDrivers()
        self.credentials = Credentials(database, REALM, clock.now)
        self.api = emsp_api(
            database, feed=self.feed, drivers=self.drivers, public_url="http://emsp.test",
            passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
            rates=RATES if rates is None else rates, clock=clock.now, routes=routes,
        )  # fmt: skip
        paid = retail(RetailPrices)
        finder = Finder(self.store, self.store.index, clock=clock.now, retail=paid)
        viewer = Viewer(self.store, clock=clock.now, retail=paid)
        self.api.add(SearchRoutes(finder, viewer, self.statuses, self.api.gate))

    def stranger(self) -> Caller:
        return Caller(self.api)

    def driver(self, name: str = "ann") -> Caller:
        return Caller(self.api, f"driver-{name}")

    async def operator(self, *scopes: Scope) -> Caller:
        """Return a machine of the provider's staff with a key."""
        _, token = await self.database.transact(
            lambda tx: self.credentials.add_key(tx, name="machine", scopes=scopes, created_by="test")
        )
        return Caller(self.api, token)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def provider(database: Database, clock: ManualClock) -> AsyncIterator[Provider]:
    made = Provider(database, clock)
    await made.store.index.open()
    yield made
    await made.feed.stop()
    await made.statuses.stop()
