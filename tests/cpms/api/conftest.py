"""The operator API on a fresh store, with callers of every role."""

from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import httpx
import pytest
from argon2 import PasswordHasher

from hub.api.accounts import Accounts
from hub.api.application import Api
from hub.api.credentials import Credentials
from hub.api.feed import Feed
from hub.api.passwords import Passwords
from hub.api.realms import Role
from hub.cpms.api.assembling import operator_api
from hub.cpms.api.routes.alarms import AlarmRoutes
from hub.cpms.api.routes.bookings import BookingRoutes
from hub.cpms.api.routes.cases import CaseRoutes
from hub.cpms.api.routes.control import ControlRoutes
from hub.cpms.api.routes.credits import CreditRoutes
from hub.cpms.api.routes.frames import FrameRoutes
from hub.cpms.api.routes.leniencies import LeniencyRoutes
from hub.cpms.api.routes.offers import OfferRoutes
from hub.cpms.api.routes.power import PowerRoutes
from hub.cpms.api.routes.records import RecordRoutes
from hub.cpms.api.routes.register import RegisterRoutes
from hub.cpms.api.routes.settings import SettingsRoutes
from hub.cpms.api.routes.sites import SiteRoutes
from hub.cpms.api.routes.stations import StationRoutes
from hub.cpms.api.routes.tariffs import TariffRoutes
from hub.cpms.api.routes.upkeep import UpkeepRoutes
from hub.cpms.api.scopes import REALM, ROLES, Scope
from hub.cpms.bookings.book import BookingBook
from hub.cpms.bulk import Bulk
from hub.cpms.cases import Cases
from hub.cpms.crediting import Crediting
from hub.cpms.ports import CommandResultType
from hub.cpms.premises import Premises
from hub.cpms.store import Store
from hub.cpms.tariffs.places import Target
from hub.cpms.tariffs.room import TariffRoom
from hub.database import Database
from hub.ocpi.times import utc_now
from hub.ocpp.commands import ChargerOffline, Chargers, Commands, Presence
from hub.ocpp.leniency import Leniencies
from hub.ocpp.rotation import PasswordRotation
from hub.ocpp.stations import Stations
from tests.clocks import ManualClock
from tests.cpms.charging.test_sharing import Scene
from tests.cpms.test_cdrs import made as made_cdr
from tests.rooms import CPO, tariff

BASE = "http://cpms.test/cpms/api/v1"
PASSWORD = "correct horse battery"


class Caller:
    """Someone who calls the API over HTTP."""

    def __init__(self, api: Any, token: str = "", step_up: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"X-Step-Up": step_up} if step_up else {}
        transport = httpx.ASGITransport(api, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        self.token = token

    async def ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return await self.http.request(method, path, **rest)

    async def get(self, path: str, **rest: Any) -> Any:
        answer = await self.ask("GET", path, **rest)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = await self.ask("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()


class House:
    """The API, and how tests come by callers."""

    def __init__(self, database: Database, clock: ManualClock, routes: tuple[object, ...] = ()) -> None:
        self.database = database
        self.clock = clock
        self.feed = Feed(database)
        self.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.credentials = Credentials(database, REALM, clock.now)
        self.accounts = Accounts(database, REALM, self.credentials, clock.now)
        self.api: Api = operator_api(
            database, feed=self.feed, routes=routes, public_url="http://cpms.test", passwords=self.passwords,
            clock=clock.now,
        )  # fmt: skip

    def stranger(self) -> Caller:
        return Caller(self.api)

    async def insert(self, email: str, role: Role) -> str:
        """Insert a staff member as the command line does, and return his id."""
        kept = await self.passwords.hashed(PASSWORD)
        made = await self.database.transact(
            lambda tx: self.accounts.add(tx, email=email, name=email, role=role, password=kept)
        )
        return made.id

    async def staff(self, role: Role, *, stepped_up: bool = False) -> Caller:
        """Return a staff member who has logged in."""
        email = f"{role}@cpo.test"
        if await self.accounts.password_of(email) is None:
            await self.insert(email, role)
        token = (await self.stranger().post("/login", {"email": email, "password": PASSWORD}))["token"]
        if not stepped_up:
            return Caller(self.api, token)
        given = await Caller(self.api, token).post("/me/step-up", {"password": PASSWORD})
        return Caller(self.api, token, given["token"])

    async def key(self, *scopes: Scope) -> Caller:
        """Return a machine with a key."""
        _, token = await self.database.transact(
            lambda tx: self.credentials.add_key(tx, name="machine", scopes=scopes, created_by="test")
        )
        return Caller(self.api, token)


class NoChargers:
    """No station is connected."""

    def commands(self, station_id: str) -> Commands:
        raise ChargerOffline

    def presence(self, station_id: str) -> None:
        return None

    def connected(self) -> list[Presence]:
        return []


class Rooms:
    """The routes of every room, for tests that try every route there is.

    Attributes:
        there: values of path parameters that name what is there once the rooms are open.
    """

    there: ClassVar = {
        "location_id": "LOC1", "reservation_id": "1", "message_id": "1", "action": "Reset", "tariff_id": "DAY",
        "group_id": "CITY", "cdr_id": "S1",
    }  # fmt: skip

    def __init__(self, database: Database, chargers: Chargers | None = None) -> None:
        chargers = chargers or NoChargers()
        self.store, stations = Store(database, CPO), Stations(database)
        self.premises = Premises(self.store, clock=ManualClock())
        self.power = Scene(database, 1)
        self.prices = TariffRoom(self.store)
        self.routes: tuple[object, ...] = (
            RegisterRoutes(stations, PasswordRotation(chargers, stations)),
            LeniencyRoutes(Leniencies(database)),
            FrameRoutes(database),
            CaseRoutes(Cases(database)),
            BookingRoutes(BookingBook(self.store, clock=utc_now)),
            ControlRoutes(chargers),
            SettingsRoutes(chargers),
            UpkeepRoutes(chargers),
            RecordRoutes(self.store, self._stop),
            SiteRoutes(self.premises, Bulk(self.store, self.premises.stations)),
            StationRoutes(self.premises),
            AlarmRoutes(self.premises.alarms),
            PowerRoutes(self.power.sharing, self.store),
            TariffRoutes(self.prices),
            OfferRoutes(self.prices.offers),
            CreditRoutes(Crediting(self.store)),
        )

    async def open(self) -> None:
        await self.power.begin()
        await self.premises.start()
        await self.prices.tariffs.create(
            {name: each for name, each in tariff(id="DAY").items() if name != "last_updated"}
        )
        await self.prices.places.put_group("CITY", [Target(location_id="LOC1")], at=utc_now())
        await self.store.database.transact(lambda tx: self.store.put_for_provider(tx, self.store.cdrs, made_cdr()))

    async def close(self) -> None:
        await self.premises.stop()

    async def _stop(self, session_id: str) -> CommandResultType:
        return "ACCEPTED"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def house(database: Database, clock: ManualClock) -> AsyncIterator[House]:
    made = House(database, clock)
    yield made
    await made.feed.stop()


@pytest.fixture
async def admin(house: House) -> Caller:
    return await house.staff("admin", stepped_up=True)


ALL_ROLES: tuple[Role, ...] = tuple(ROLES)
Predicate = Callable[[], bool]
