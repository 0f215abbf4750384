"""What costs money is done once, however often it is asked for: Idempotency-Key."""

import asyncio

import pytest

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, Unavailable
from hub.api.shapes import Shape
from hub.database import Database
from hub.emsp.api.scopes import Scope
from tests.clocks import ManualClock
from tests.emsp.api.conftest import Provider


class Amount(Shape, frozen=True, kw_only=True):
    """An amount."""

    cents: int


class Paid(Shape, frozen=True, kw_only=True):
    """What was paid in all."""

    cents: int


class PayRoutes:
    """Pays, and remembers how often."""

    tag = "paying"

    def __init__(self) -> None:
        self.cents = 0
        self.keys: list[str] = []
        self.fail: Exception | None = None
        self.wait = asyncio.Event()
        self.wait.set()

    @route("POST", "/pay", scope=Scope.OWN, status=201, idempotent=True)
    async def pay(self, call: Call, body: Amount) -> Paid:
        """Pay."""
        await self.wait.wait()
        self.keys.append(call.idempotency_key)
        if self.fail:
            raise self.fail
        self.cents += body.cents
        return Paid(cents=self.cents)


class Shop:
    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.till = PayRoutes()
        self.provider = Provider(database, clock, (self.till,))

    async def pay(self, key: str | None, cents: int = 5, driver: str = "ann"):
        headers = {"Idempotency-Key": key} if key is not None else {}
        return await self.provider.driver(driver).ask("POST", "/pay", json={"cents": cents}, headers=headers)


@pytest.fixture
def shop(database: Database, clock: ManualClock) -> Shop:
    return Shop(database, clock)


async def test_the_same_request_under_the_same_key_gets_the_same_answer_and_is_done_once(shop: Shop) -> None:
    first = await shop.pay("k1")
    again = await shop.pay("k1")

    assert (first.status_code, again.status_code, shop.till.cents) == (201, 201, 5)
    assert (again.json(), again.headers["etag"]) == (first.json(), first.headers["etag"])
    assert (again.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)


async def test_another_request_under_a_used_key_is_refused(shop: Shop) -> None:
    await shop.pay("k1", 5)
    other = await shop.pay("k1", 6)

    assert (other.status_code, shop.till.cents) == (422, 5)
    assert other.json()["type"] == "/emsp/api/v1/problems/key-reused"
    assert other.json()["errors"][0]["path"] == "header.Idempotency-Key"


async def test_keys_are_each_drivers_own(shop: Shop) -> None:
    await shop.pay("k1", driver="ann")
    await shop.pay("k1", driver="bob")

    assert shop.till.cents == 10
    assert len(set(shop.till.keys)) == 2


@pytest.mark.parametrize("key", [None, "", "a" * 256])
async def test_without_a_key_nothing_that_costs_money_is_done(shop: Shop, key: str | None) -> None:
    answer = await shop.pay(key)

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "header.Idempotency-Key")
    assert shop.till.keys == []


async def test_a_refusal_is_the_answer_too_but_a_failure_may_be_tried_again(shop: Shop) -> None:
    shop.till.fail = Conflict("There is a debt")
    refused = await shop.pay("k1")
    shop.till.fail = Unavailable()
    failed = await shop.pay("k2")
    shop.till.fail = None

    again, tried = await shop.pay("k1"), await shop.pay("k2")

    assert (refused.status_code, again.status_code) == (409, 409)
    assert again.json()["detail"] == "There is a debt"
    assert (failed.status_code, tried.status_code, shop.till.cents) == (503, 201, 5)


async def test_of_many_at_once_one_is_carried_out(shop: Shop) -> None:
    shop.till.wait.clear()
    waiting = [asyncio.create_task(shop.pay("k1")) for _ in range(5)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 4:
        done, _ = await asyncio.wait(waiting, timeout=0.05)
    shop.till.wait.set()
    answers = [(await each).status_code for each in waiting]

    assert sorted(answers) == [201, 409, 409, 409, 409]
    assert shop.till.cents == 5


async def test_what_a_process_had_begun_when_it_died_is_carried_out_anew_after_a_minute(
    shop: Shop, clock: ManualClock
) -> None:
    shop.till.wait.clear()
    dying = asyncio.create_task(shop.pay("k1"))
    while not await shop.provider.database.fetch("SELECT id FROM emsp_api_idempotency"):
        await asyncio.sleep(0.01)
    early = await shop.pay("k1")
    await clock.advance(120)
    shop.till.wait.set()

    later = await shop.pay("k1")

    assert (early.status_code, later.status_code) == (409, 201)
    assert (await dying).status_code == 201
    assert len(set(shop.till.keys)) == 1, "what is paid at a provider is paid under one key"


async def test_after_a_day_a_key_is_forgotten(shop: Shop, clock: ManualClock) -> None:
    await shop.pay("k1")
    await clock.advance(25 * 3600)
    await shop.pay("k1", 7)

    assert shop.till.cents == 12


async def test_the_description_asks_for_the_key(shop: Shop) -> None:
    described = await shop.provider.stranger().get("/openapi.json")

    parameters = described["paths"]["/pay"]["post"]["parameters"]
    assert {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}} in parameters
    assert "key-reused" in described["paths"]["/pay"]["post"]["responses"]["422"]["description"]
