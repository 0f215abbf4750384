"""Logging in at a brand's identity provider, over the API (INCAR-UC001, INCAR-UC002)."""

from pathlib import Path

import httpx
import pytest

from hub.api.feed import Feed
from hub.emsp.api.assembling import emsp_api
from hub.emsp.api.bridges import DriversOfDesk
from hub.emsp.api.routes.drivers import DriverRoutes, SignUpRoutes
from hub.emsp.drivers.people import DriverQuery
from tests.emsp.api.conftest import Caller
from tests.emsp.drivers.conftest import CHEAP, clock, emsp, hub, mailbox, purse  # noqa: F401  fixtures
from tests.emsp.drivers.issuer import answered
from tests.emsp.drivers.test_brands import BACK, desk, identities, issuer  # noqa: F401  fixtures
from tests.stores import SqliteStores


@pytest.fixture
def store(sqlite_stores: SqliteStores, tmp_path: Path) -> str:
    return str(sqlite_stores.fresh(tmp_path / "data"))


@pytest.fixture
async def stranger(desk, clock):  # noqa: F811  the fixtures
    database = desk.store.database
    feed = Feed(database, "emsp_feed")
    api = emsp_api(
        database, feed=feed, drivers=DriversOfDesk(desk), routes=(SignUpRoutes(desk), DriverRoutes(desk)),
        public_url="http://emsp.test", passwords=CHEAP, rates={}, clock=clock.now,
    )  # fmt: skip
    yield Caller(api)
    await feed.stop()


async def left(stranger, password="secret"):
    """Return the answer of the identity provider to a driver who leaves for it."""
    journey = await stranger.ask("POST", "/brands/blue/login", json={"redirect_uri": BACK})
    async with httpx.AsyncClient() as browser:
        return await browser.get(f"{journey.json()['url']}&user=ada&password={password}")


async def test_a_driver_picks_his_brand_logs_in_there_and_is_let_in_here(stranger):
    state, code = answered((await left(stranger)).headers["location"])

    brands = await stranger.get("/brands")
    arrived = await stranger.ask("POST", "/brand-login", json={"state": state, "code": code})

    assert [each["name"] for each in brands] == ["blue"]
    assert (arrived.status_code, arrived.json()["token"][:4]) == (201, "edl_")


async def test_a_wrong_password_at_the_identity_provider_shows_an_error_and_nobody_is_logged_in(stranger, desk):  # noqa: F811
    """X-38, X-39: the provider answers it itself; no token is issued here."""
    answer = await left(stranger, "wrong")

    assert answer.status_code == 401 and "location" not in answer.headers
    assert (await desk.people.page(DriverQuery())).items == []


async def test_a_code_the_identity_provider_did_not_give_is_refused_and_no_token_is_issued(stranger, desk):  # noqa: F811
    """X-39."""
    state, _ = answered((await left(stranger)).headers["location"])

    refused = await stranger.ask("POST", "/brand-login", json={"state": state, "code": "made up"})
    again = await stranger.ask("POST", "/brand-login", json={"state": state, "code": "made up"})

    assert (refused.status_code, "did not accept" in refused.json()["detail"]) == (401, True)
    assert (again.status_code, again.json()["errors"][0]["path"]) == (422, "$.state")
    assert (await desk.people.page(DriverQuery())).items == []
