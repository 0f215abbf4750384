"""Inputs nobody thought of, to what drivers and the provider's staff may ask: made from our own description."""

import asyncio
import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import httpx

from hub.api.accounts import Accounts
from hub.database import open_database
from hub.database.sqlitefile import FILE_NAME
from hub.emsp.api.scopes import DRIVER_SCOPES, REALM, ROLES
from hub.emsp.terms import ChargingTerms, ProviderTerms
from hub.ocpi.messages import Response
from hub.ocpi.modules import cdrs, sessions
from hub.ocpi.times import date_time
from tests.clocks import ManualClock
from tests.emsp.charging.world import HALF, NOON
from tests.emsp.drivers.conftest import CHEAP
from tests.emsp.driving.conftest import RETURN, Provider, Rider, provided
from tests.emsp.driving.test_companion import ICS, agree, charge
from tests.emsp.driving.test_rooms import cdr
from tests.fuzzing import Battery, run_all
from tests.rooms import CPO, FakeHub, ask
from tests.stores import SqliteStores
from tests.telling import Tell

SOAK = bool(os.environ.get("SOAK"))
RIGHT, WRONG = (20, 15) if SOAK else (2, 1)  # cases of one operation
LATER = NOON + 8 * HALF
HERE = {"latitude": 52.3731, "longitude": 4.8922}
PLACE = {"owner": "NL-CPO", "location_id": "LOC1", "evse_uid": "EVSE1"}
#: What ends the callers' own log-ins, and what never ends.
BUT = [
    "log_out", "log_driver_out", "log_driver_out_everywhere", "end_driver_login", "stream_events", "stream_charges",
    "stream_status",
]  # fmt: skip
#: What takes away what others need.
LAST = ("erase_driver", "cancel_booking", "stop_charge")
#: What is kept of refused calls, too: tries, and answers under idempotency keys.
KEPT_ANYWAY = frozenset({"emsp_api_idempotency"})


class Kept:
    """All tables of the provider, read anew only when somebody has written."""

    def __init__(self, file: Path) -> None:
        self._store = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'emsp%'"
        self.tables = sorted(name for (name,) in self._store.execute(named) if name not in KEPT_ANYWAY)
        self._version, self._rows = -1, dict[str, list[Any]]()

    def rows(self) -> dict[str, list[Any]]:
        (version,) = self._store.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._rows = {each: self._store.execute(f"SELECT * FROM {each}").fetchall() for each in self.tables}
            self._version = version
        return self._rows

    def close(self) -> None:
        self._store.close()


class Everyone(Battery):
    """Calls of a driver, of the staff, and of strangers, each where it may ask."""

    may_fail = frozenset({503})  # a letter that cannot be sent

    def __init__(self, provider: Provider, kept: Kept, described: Any) -> None:
        super().__init__(described)
        self.provider = provider
        self._kept = kept
        self._access = {each.name: each.declared.access for each in provider.assembly.api.operations}
        self.callers: dict[str, Rider] = {}
        self.there: dict[str, dict[str, Any]] = {}
        self.turn = 0

    async def kept(self) -> object:
        await self.provider.emsp.owed.settled()  # what was done before is told to the hub, and that is noted
        return self._kept.rows()

    def who(self, case: Any) -> str:
        access = self._access[case.operation.definition.raw["operationId"]]
        return "ada" if access in DRIVER_SCOPES else "staff"

    def make_plausible(self, case: Any, part: str) -> None:
        self.turn += 1
        if part != "right" or self.turn % 8 == 0:
            return
        there = self.there[self.who(case)]
        for name in there.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = there[name]
        if case.operation.definition.raw["operationId"] == "search":
            case.query = {"near": "52.3731,4.8922", "kwh": (case.query or {}).get("kwh", 20)}
        if isinstance(case.body, dict):
            case.body |= self.bodies.get(case.operation.definition.raw["operationId"], {})

    async def ask(self, case: Any, request: dict[str, Any]) -> httpx.Response:
        key = {"Idempotency-Key": f"turn-{self.turn}"}
        headers = request.get("headers", {}) | key
        return await self.callers[self.who(case)].ask(**request | {"headers": headers})

    async def begin(self) -> None:
        """Make what can be asked for: charges, a bill and one that is contested, a booking, a fleet, a case."""
        provider = self.provider
        ada = await provider.driver("ada", email="ada@example.org", phones=["+31600000001"])
        bob = await provider.driver("bob", email="bob@example.org")
        staff = await provider.operator(*ROLES["admin"])
        self.callers = {"ada": ada, "staff": staff}
        await provider.offer()
        accepted = Response.of(sessions.ChargingPreferencesResponse, "ACCEPTED")
        provider.hub.answers[sessions.put_charging_preferences] = accepted
        await agree(ada, "LOCATION_HISTORY", "CALENDAR")
        await charge(provider, ada)
        (billed,) = await provider.charging.charges.all_of(ada.driver_id)
        await provider.emsp(ask(cdrs.post_cdr, cdr(billed.token, id="C2"), sender=CPO))
        await provider.session(uid="NOBODYS", kind="RFID", id="S9")
        await provider.work()
        shared = {
            "cpo": "NL-CPO",
            "owner": "NL-CPO",
            "country_code": "NL",
            "party_id": "CPO",
            "location_id": "LOC1",
            "evse_uid": "EVSE1",
            "evse_id": "NL*CPO*E1",
            "cdr_id": "C1",
            "month": "2026-01",
            "slug": "not-found",
            "group_id": "BAKERY",
            "name": "professional",
        }
        self._bodies(ada)
        await staff.ask("PUT", "/fleets/BAKERY", json={"name": "Bakery", "manager": ada.driver_id})
        self.there = {"ada": shared | await self._of_ada(ada), "staff": shared | await self._of_staff(staff, ada, bob)}

    def _bodies(self, ada: Rider) -> None:
        """Note what has to fit what is there, or nothing is done; by operation."""
        when = {"starts_at": date_time(LATER), "ends_at": date_time(LATER + HALF)}
        euros = {"amount": 5, "currency": "EUR"}
        nothing: dict[str, Any] = {"limits": {}, "return_url": None}
        self.bodies: dict[str, dict[str, Any]] = {
            "book": {"place": PLACE, "vehicle_id": None, **when},
            "change_booking": when,
            "create_key": {"scopes": ["cases:read"]},
            "find_routes": {"start": HERE, "end": HERE, "departure": None, "arrival": None, "vehicle_id": None},
            "limit_charge": {"cost": None, "currency": None},
            "put_driver_class": {"name": "professional", "countries": ["NLD"], "locations": []},
            "put_fleet": {"manager": ada.driver_id},
            "refund_payment": euros,
            "search_by_body": {"near": HERE, "box": None, "route": None, "polyline": None},
            "start_booked_charge": nothing,
            "start_charge": {"place": PLACE, "code": None, "ends_at": None, **nothing},
            "top_up": {"method_id": None, **euros},
            "wait_for_station": {**PLACE, "until": date_time(LATER)},
        }

    async def _of_ada(self, ada: Rider) -> dict[str, Any]:
        """Return the ids of what a driver has, once it is made."""
        at = {name: date_time(LATER + halves * HALF) for name, halves in (("starts_at", 4), ("ends_at", 5))}
        car = {"plate": "AB 123 CD", "plate_country": "IT", "model_id": "renault-zoe-r135"}
        top_up = {"amount": 20, "currency": "EUR", "return_url": RETURN}
        calendar = {"content": ICS, "headers": {"Content-Type": "text/calendar"}}
        made = {
            "booking_id": await ada.post("/bookings", {"place": PLACE, **at}),
            "charge_id": await ada.post("/charges", {"place": PLACE | {"evse_uid": "EVSE2"}}),
            "vehicle_id": await ada.post("/driver/vehicles", car),
            "payment_id": await ada.post("/wallet/top-ups", top_up),
            "wish_id": await ada.post("/waiting", {**PLACE, "until": date_time(LATER)}),
            "calendar_id": await ada.ask("POST", "/calendars?name=mine", **calendar),
        }
        methods, tokens = await ada.get("/payment-methods"), await ada.get("/driver/tokens")
        receipts, told = await ada.get("/receipts"), await ada.get("/notifications")
        listed = {
            "method_id": methods[0]["id"], "token_id": next(each["id"] for each in tokens if each["type"] == "RFID"),
            "number": receipts["items"][0]["number"], "notification_id": told["items"][0]["id"],
        }  # fmt: skip
        ids = {name: each.json()["id"] for name, each in made.items()}
        charging = await self.provider.charge(ids["charge_id"])
        names = {"uid": charging.token["uid"], "reference": charging.reference}
        await self.provider.session(id="S2", evse_uid="EVSE2", **names)
        return listed | ids

    async def _of_staff(self, staff: Rider, ada: Rider, bob: Rider) -> dict[str, Any]:
        """Return the ids of what the staff sees; what it may end is another driver's."""
        tokens = {each["type"]: each for each in await staff.get(f"/drivers/{bob.driver_id}/tokens")}
        (booking,) = (await staff.get("/driver-bookings?state=RESERVED"))["items"]
        cases, disputes = await staff.get("/cases"), await staff.get("/disputes")
        key = await staff.post("/keys", {"name": "to be revoked", "scopes": ["chargers:read"]})
        return {
            "driver_id": bob.driver_id, "token_id": tokens["RFID"]["id"], "token_uid": tokens["APP_USER"]["uid"],
            "booking_id": booking["id"], "charge_id": (await ada.get("/charges"))["items"][0]["id"],
            "case_id": cases["items"][0]["id"], "dispute_id": disputes["items"][0]["id"],
            "account_id": await self._account(), "key_id": key.json()["id"],
        }  # fmt: skip

    async def _account(self) -> str:
        """Return a member of the staff, made as the command line does."""
        database, password = self.provider.assembly.store.database, await CHEAP.hashed("correct horse battery")
        accounts = Accounts(database, REALM, self.provider.assembly.api.gate._staff, self.provider.clock.now)
        made = await database.transact(
            lambda tx: accounts.add(tx, email="boss@msp.test", name="boss", role="admin", password=password)
        )
        return made.id


async def opened(stack: contextlib.AsyncExitStack, folder: Path) -> Everyone:
    database = await open_database(str(folder))
    stack.push_async_callback(database.close)
    terms = ProviderTerms(charging=ChargingTerms(ad_hoc=True))
    provider = await stack.enter_async_context(provided(database, ManualClock(NOON), FakeHub(), terms))
    provider.assembly.api.rates = None
    kept = Kept(folder / FILE_NAME)
    stack.callback(kept.close)
    made = Everyone(provider, kept, await provider.stranger().get("/openapi.json"))
    await made.begin()
    return made


def test_no_input_breaks_the_api_and_a_refused_one_changes_nothing(
    sqlite_stores: SqliteStores, tell: Tell, tmp_path: Path
) -> None:
    """On SQLite: what differs on PostgreSQL is in the queries, which have tests of their own on both."""
    folder = sqlite_stores.fresh(tmp_path / "data")
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        try:
            battery = runner.run(opened(stack, folder))
            run_all(battery, runner, right=RIGHT, wrong=WRONG, but=BUT, last=LAST)
        finally:
            runner.run(stack.aclose())

    tell(f"eMSP API on SQLite: {battery.told()}")
    assert battery.seen["right", 2] > 0.4 * battery.count("right")
