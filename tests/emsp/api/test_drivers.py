"""Drivers over HTTP: signing up, logging in, their own account, and operators who register them."""

import httpx
import pytest

from hub.api.credentials import Credentials
from hub.api.feed import Feed
from hub.emsp.api.assembling import emsp_api
from hub.emsp.api.bridges import DriversOfDesk
from hub.emsp.api.routes.drivers import DriverRoutes, SignUpRoutes
from hub.emsp.api.routes.links import LinkRoutes
from hub.emsp.api.routes.registered import AgreementRoutes, RegisteredRoutes
from hub.emsp.api.scopes import REALM, Scope
from hub.emsp.drivers.people import DriverQuery
from hub.ocpi import codec
from tests.emsp.api.conftest import BASE, Caller
from tests.emsp.drivers.conftest import (  # noqa: F401  fixtures
    CHEAP,
    PASSWORD,
    clock,
    desk,
    emsp,
    form,
    hub,
    joined,
    mailbox,
    person,
    purse,
    vehicle,
)

LOGIN = {"email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
async def api(desk, clock):  # noqa: F811  the fixture
    database = desk.store.database
    feed = Feed(database, "emsp_feed")
    routes = (SignUpRoutes(desk), DriverRoutes(desk), RegisteredRoutes(desk), AgreementRoutes(desk), LinkRoutes())
    yield emsp_api(
        database, feed=feed, drivers=DriversOfDesk(desk), routes=routes, public_url="http://emsp.test", passwords=CHEAP,
        rates={}, clock=clock.now,
    )  # fmt: skip
    await feed.stop()


@pytest.fixture
def stranger(api):
    return Caller(api)


async def operator(api, desk, clock, *scopes):  # noqa: F811  the fixtures
    credentials = Credentials(desk.store.database, REALM, clock.now)
    _, token = await desk.store.database.transact(
        lambda tx: credentials.add_key(tx, name="machine", scopes=scopes, created_by="test")
    )
    return Caller(api, token)


@pytest.fixture
async def staff(api, desk, clock):  # noqa: F811  the fixtures
    return await operator(api, desk, clock, Scope.DRIVERS_READ, Scope.DRIVERS_WRITE)


@pytest.fixture
async def ada(api, desk, mailbox, stranger):  # noqa: F811  the fixtures
    await joined(desk, mailbox)
    answer = await stranger.ask("POST", "/driver/login", json=LOGIN)
    return Caller(api, answer.json()["token"])


def plain(value):
    return codec.decode(codec.encode(value))


def named(answer):
    """Return the fields an answer finds fault with."""
    return {each["path"] for each in answer.json()["errors"]}


async def accounts(desk):  # noqa: F811  the fixture
    return (await desk.people.page(DriverQuery())).items


async def test_every_missing_field_of_a_sign_up_is_named_and_there_is_no_account(desk, stranger):  # noqa: F811
    """X-01."""
    answer = await stranger.ask("POST", "/sign-up", json={"person": {"name": "Ada"}, "vehicle": {}})

    assert answer.status_code == 422
    wanted = {f"$.person.{name}" for name in ("surname", "birth_date", "email", "password", "password_again")}
    assert named(answer) == wanted | {f"$.vehicle.{name}" for name in ("plate", "name", "battery_kwh", "connectors")}
    assert await accounts(desk) == []


async def test_a_malformed_address_is_named_and_there_is_no_account(desk, stranger):  # noqa: F811
    """X-02."""
    wrong = plain(form(person=person()))
    wrong["person"]["email"] = "ada at example"

    answer = await stranger.ask("POST", "/sign-up", json=wrong)

    assert (answer.status_code, named(answer)) == (422, {"$.person.email"})
    assert await accounts(desk) == []


async def test_everything_wrong_with_a_sign_up_is_named_at_once_in_words(desk, stranger):  # noqa: F811
    """X-02: what breaks the declaration, and what only the room can judge."""
    wrong = plain(form(person=person(password_again="another password")))
    wrong["person"] |= {"email": "nonsense", "birth_date": "yesterday"}
    wrong["vehicle"] |= {"plate": "!!", "plate_country": "IT"}

    answer = await stranger.ask("POST", "/sign-up", json=wrong)

    assert answer.status_code == 422
    assert {each["path"]: each["rule"] for each in answer.json()["errors"]} == {
        "$.person.email": "must be an e-mail address, such as name@example.org",
        "$.person.birth_date": "must be a date, such as 1990-12-31",
        "$.person.password_again": "must be the same password",
        "$.vehicle.plate": "must be a licence plate that can exist in IT",
    }
    assert await accounts(desk) == []


async def test_a_vehicle_and_a_first_step_name_everything_at_once_too(stranger, ada):
    step = plain(person(password_again="another password")) | {"email": "nonsense"}
    first = await stranger.ask("POST", "/sign-up/person", json=step)
    vehicle = await ada.ask("POST", "/driver/vehicles", json={"plate": "!!", "battery_kwh": -1, "name": "Car"})

    assert named(first) == {"$.email", "$.password_again"}
    assert named(vehicle) == {"$.plate", "$.battery_kwh", "$.connectors"}


async def test_an_address_with_an_account_is_named_and_makes_no_second(desk, stranger, ada):  # noqa: F811
    """X-03."""
    answer = await stranger.ask("POST", "/sign-up", json=plain(form(vehicle=vehicle("AA 111 AA"))))

    assert (answer.status_code, named(answer)) == (422, {"$.person.email"})
    assert len(await accounts(desk)) == 1


async def test_every_missing_field_of_a_log_in_is_named(stranger):
    """X-04."""
    answer = await stranger.ask("POST", "/driver/login", json={})

    assert (answer.status_code, named(answer)) == (422, {"$.email", "$.password"})


@pytest.mark.parametrize(
    ("changes", "path"), [({"password": "wrong"}, "$.password"), ({"email": "nobody@example.org"}, "$.email")]
)
async def test_what_is_wrong_with_a_log_in_is_named_and_there_is_no_session(stranger, ada, changes, path):
    """X-05, X-06."""
    answer = await stranger.ask("POST", "/driver/login", json=LOGIN | changes)

    assert (answer.status_code, named(answer)) == (401, {path})
    assert answer.json()["title"] == "Nobody is logged in"
    assert "token" not in answer.json()


async def test_the_story_of_an_account_from_sign_up_to_erasure(api, stranger, desk, mailbox):  # noqa: F811
    """RASD-UC01, RASD-UC02."""
    models = await stranger.get("/vehicle-models")
    whole = plain(form(vehicle=vehicle(model_id=models[0]["id"])))
    assert (await stranger.ask("POST", "/sign-up/person", json=whole["person"])).status_code == 204
    assert (await stranger.ask("POST", "/sign-up", json=whole)).status_code == 204
    confirmed = await stranger.ask("POST", "/sign-up/confirmation", json={"token": mailbox.link()})
    assert confirmed.json()["confirmed"] is True

    made = await stranger.ask("POST", "/driver/login", json=LOGIN)
    ada = Caller(api, made.json()["token"])
    assert (await ada.get("/driver"))["surname"] == "Lovelace"
    assert [each["plate"] for each in await ada.get("/driver/vehicles")] == ["AB123CD"]
    card = await ada.ask("POST", "/driver/cards", json={"uid": "04A1B2C3"})
    assert card.status_code == 201
    lost = await ada.ask("POST", f"/driver/tokens/{card.json()['id']}/block", json={"reason": "lost"})
    assert (lost.json()["state"], lost.json()["reason"]) == ("BLOCKED", "lost")
    assert [each["current"] for each in await ada.get("/driver/logins")] == [True]
    assert "AB123CD" in str(await ada.get("/driver/export"))

    refused = await ada.ask("DELETE", "/driver", json={"password": "wrong"})
    assert (refused.status_code, named(refused)) == (422, {"$.password"})
    assert (await ada.ask("DELETE", "/driver", json={"password": PASSWORD})).status_code == 204
    assert (await ada.ask("GET", "/driver")).status_code == 401


async def test_who_logs_out_is_nobody(ada):
    assert (await ada.ask("POST", "/driver/logout")).status_code == 204

    assert (await ada.ask("GET", "/driver")).status_code == 401


async def test_strangers_and_drivers_do_not_see_the_drivers(api, stranger, ada):
    paths = ("/drivers", "/drivers/1", "/authorizations", "/agreements", "/driver-classes")

    assert {(await stranger.ask("GET", path)).status_code for path in paths} == {401}
    assert {(await ada.ask("GET", path)).status_code for path in paths} == {403}


async def test_who_may_only_look_registers_nobody(api, desk, clock):  # noqa: F811
    viewer = await operator(api, desk, clock, Scope.DRIVERS_READ)

    answer = await viewer.ask("POST", "/drivers", json={"customer_id": "1", "name": "A", "surname": "B"})

    assert answer.status_code == 403 and await accounts(desk) == []


async def test_an_operator_registers_blocks_and_takes_off_a_driver(staff):
    """INCAR-AU02, SGEM-4.2-05, SGEM-4.2-06."""
    new = {"customer_id": "C-1", "name": "Bob", "surname": "Byron", "cards": [{"uid": "04A1B2C3"}]}
    made = (await staff.ask("POST", "/drivers", json=new)).json()
    again = await staff.ask("POST", "/drivers", json=new | {"cards": []})
    assert (again.status_code, named(again)) == (422, {"$.customer_id"})

    blocked = await staff.ask("POST", f"/drivers/{made['id']}/block", json={"reason": "unpaid"})
    assert blocked.json()["state"] == "BLOCKED"
    standing = {"driver_class": "professional", "ends_at": "2030-01-01T00:00:00Z"}
    changed = await staff.ask("PUT", f"/drivers/{made['id']}/standing", json=standing)
    assert changed.json()["driver_class"] == "professional"
    assert (await staff.ask("DELETE", f"/drivers/{made['id']}")).status_code == 204

    assert {each["state"] for each in await staff.get(f"/drivers/{made['id']}/tokens")} == {"REMOVED"}
    assert [each["state"] for each in (await staff.get("/drivers?state=GONE"))["items"]] == ["GONE"]


async def test_an_operator_imports_drivers_and_is_told_of_each_line(staff):
    """SGEM-4.2-01, X-58."""
    file = "customer_id,name,surname,phones\nC-1,Ada,Lovelace,+393331234567\nC-2,Bob,Byron,+393331234567\n"

    answer = await staff.ask("POST", "/drivers/import", content=file, headers={"Content-Type": "text/csv"})

    report = answer.json()
    assert (report["registered"], report["refused"]) == (1, 1)
    assert report["lines"][1]["faults"] == ["phones[0]: this phone number is somebody's already"]


async def test_an_operator_says_whom_the_provider_works_with_and_where_drivers_may_charge(desk, staff):  # noqa: F811
    """X-41."""
    assert (await staff.ask("PUT", "/agreements/NL-CPO", json={"allowed": False})).status_code == 204
    assert [each["cpo"] for each in (await staff.get("/agreements"))["items"]] == ["NL-CPO"]
    assert (await staff.ask("PUT", "/agreements/nonsense", json={"allowed": True})).status_code == 422
    assert (await staff.ask("DELETE", "/agreements/NL-CPO")).status_code == 204
    assert (await staff.ask("DELETE", "/agreements/NL-CPO")).status_code == 404

    limits = {"name": "fleet", "countries": ["NLD"]}
    assert (await staff.ask("PUT", "/driver-classes/fleet", json=limits)).status_code == 200
    assert (await staff.ask("PUT", "/driver-classes/other", json=limits)).status_code == 422
    assert await staff.get("/driver-classes") == [limits | {"locations": []}]
    assert (await staff.ask("DELETE", "/driver-classes/fleet")).status_code == 204


@pytest.mark.parametrize("purpose", ["confirm", "reset", "change"])
async def test_a_link_leads_to_a_page_that_does_nothing_by_itself_and_shows_no_token(api, purpose):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=BASE) as browser:
        answer = await browser.get(f"/links/{purpose}?token=secret<script>")

    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert "secret" not in answer.text and "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_what_no_store_can_keep_is_refused_and_not_a_failure(stranger, staff):
    odd = "a\u0000b"
    asked = [
        await stranger.ask("POST", "/driver/login", json={"email": odd, "password": odd}),
        await stranger.ask("POST", "/driver/password/letter", json={"email": f"{odd}@x.y"}),
        await staff.ask("POST", "/drivers/nobody/block", json={"reason": odd}),
        await staff.ask("GET", "/drivers/a%00b"),
        await staff.ask("PUT", "/agreements/NL-CPO", json={"allowed": True, "note": odd}),
        await stranger.ask("POST", "/sign-up/confirmation", json={"token": odd}),
    ]

    assert {each.status_code for each in asked} <= {401, 404, 422}
