"""The eMSP's API as it is met: its first operator made by the command line, served by ``emall serve``."""

from collections.abc import Iterator

import httpx
import pytest

from tests.cli.command import emall
from tests.hubs import HubProcess

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path_factory.mktemp("data"), options=("--rooms", "hub,emsp")).start()
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def api(running: HubProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{running.url}/emsp/api/v1", trust_env=False) as client:
        yield client


def test_the_first_operator_made_by_the_command_line_logs_in(running: HubProcess, api: httpx.Client) -> None:
    made = emall(
        "emsp", "admin", "create", "--email", "boss@msp.test", "--password-stdin", "--json",
        "--data", str(running.data), stdin=f"{PASSWORD}\n".encode(),
    )  # fmt: skip

    token = api.post("/login", json={"email": "boss@msp.test", "password": PASSWORD}).json()["token"]
    me = api.get("/me", headers={"Authorization": f"Bearer {token}"}).json()

    assert made.value["role"] == "admin"
    assert (me["name"], "drivers:write" in me["scopes"], "driver:own" in me["scopes"]) == ("boss@msp.test", True, False)


def test_a_key_searches_and_no_key_of_the_cpms_opens_this_door(running: HubProcess, api: httpx.Client) -> None:
    ours = running.emall("emsp", "key", "create", "--name", "app", "--scope", "chargers:read")["key"]
    theirs = running.emall("cpms", "key", "create", "--name", "erp")["key"]

    asked = [api.get("/search?near=52,4", headers={"Authorization": f"Bearer {key}"}) for key in (ours, theirs)]

    assert [each.status_code for each in asked] == [200, 401]
    nothing = {"wishes": ["radius"], "metres": None}
    assert asked[0].json() == {"items": [], "compared": None, "price_currency": None, "reasons": [nothing]}


def test_the_api_describes_itself_where_it_is_served(running: HubProcess, api: httpx.Client) -> None:
    described = api.get("/openapi.json").json()

    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": f"{running.url}/emsp/api/v1"}]
    assert api.get("/docs").headers["content-type"].startswith("text/html")


def test_a_stranger_sees_no_money_and_the_staff_books_still_empty(running: HubProcess, api: httpx.Client) -> None:
    key = running.emall("emsp", "key", "create", "--name", "books", "--scope", "money:read")["key"]

    stranger = api.get("/wallet")
    books = api.get("/ledger", headers={"Authorization": f"Bearer {key}"})
    forged = api.post("/payment-webhook", json={"id": "evt"})

    assert (stranger.status_code, books.json(), forged.status_code) == (401, [], 422)
