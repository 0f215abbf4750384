"""Two kinds of callers: drivers and staff; what each may, how often, and what a stranger sees."""

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from hub.api.principals import Principal
from hub.api.problems import TooManyRequests
from hub.api.rates import Rate, Rates
from hub.api.realms import Access
from hub.database import Database
from hub.emsp.api.scopes import DRIVER_SCOPES, ROLES, Scope
from tests.clocks import ManualClock
from tests.emsp.api.conftest import Provider


async def test_a_driver_is_who_he_is_until_his_log_in_ends(provider: Provider) -> None:
    ann = provider.driver("ann")
    me = await ann.get("/me")

    provider.drivers.gone.add("ann")
    afterwards = await ann.ask("GET", "/me")

    assert (me["kind"], me["id"], me["scopes"]) == ("driver", "ann", sorted(DRIVER_SCOPES))
    assert afterwards.status_code == 401


async def test_no_driver_may_what_is_the_staffs_and_no_staff_what_is_a_drivers_own(provider: Provider) -> None:
    """Generated from the declarations."""
    ann = provider.driver()
    for operation in provider.api.operations:
        access = operation.declared.access
        path = "/" + "/".join("x" if each.startswith("{") else each for each in operation.segments)
        if access is Access.PUBLIC or access is Access.SIGNED_IN or access in DRIVER_SCOPES:
            continue
        answer = await ann.ask(operation.declared.method, path)
        assert (answer.status_code, answer.json()["scope"]) == (403, access), operation.name

    assert all(Scope.OWN not in scopes for scopes in ROLES.values())


async def test_strangers_see_the_description_and_nothing_else(provider: Provider) -> None:
    nobody = provider.stranger()

    described = await nobody.get("/openapi.json")
    page = await nobody.ask("GET", "/docs")
    search = await nobody.ask("GET", "/search?near=52,4")

    assert list(jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(described)) == []
    assert described["servers"] == [{"url": "http://emsp.test/emsp/api/v1"}]
    assert (search.status_code, search.headers["content-type"]) == (401, "application/problem+json")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_the_page_to_try_the_api_asks_nobody_else_for_anything(provider: Provider) -> None:
    page = await provider.stranger().ask("GET", "/docs")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert not any(word in page.text for word in ("http://", "https://", "src=", "href=", "@import", "url("))


async def test_who_asks_too_often_is_told_when_to_ask_again(database: Database, clock: ManualClock) -> None:
    provider = Provider(database, clock, rates={"driver": Rate(per_second=0.5, burst=3)})

    mine = [(await provider.driver("ann").ask("GET", "/me")).status_code for _ in range(4)]
    refused = await provider.driver("ann").ask("GET", "/me")
    another = await provider.driver("bob").ask("GET", "/me")

    assert mine == [200, 200, 200, 429]
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert another.status_code == 200


def test_a_bucket_fills_again_as_time_passes() -> None:
    now = [0.0]
    rates = Rates({"driver": Rate(per_second=2, burst=2)}, clock=lambda: now[0])
    ann = Principal(kind="driver", id="ann", name="ann")
    rates.check(ann, "")
    rates.check(ann, "")
    with pytest.raises(TooManyRequests):
        rates.check(ann, "")

    now[0] = 0.5

    rates.check(ann, "")
    with pytest.raises(TooManyRequests):
        rates.check(ann, "")
