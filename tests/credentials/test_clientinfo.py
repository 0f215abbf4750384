"""HubClientInfo: the list, and the pushes of every change.

Source: OCPI 2.2.1 and 2.3.0, mod_hub_client_info.asciidoc; checklist HC.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.credentials import admin
from hub.database import Database
from hub.ocpi import codec
from hub.ocpi.errors import ReceiverUnreachable
from hub.ocpi.messages import Party
from hub.ocpi.modules.hubclientinfo import ClientInfo
from hub.ocpi.versions import VERSIONS
from tests.parties import Answer, Oddities, PartyPlatform, Received
from tests.receptions import RunningHouse, running


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[RunningHouse]:
    """A hub of pages of two."""
    async with running(database, page_limit=2) as house:
        yield house


async def registered(hub: RunningHouse, *platforms: PartyPlatform) -> None:
    for platform in platforms:
        await platform.register(hub.versions_url, await hub.invite(platform.name))
    await hub.settled()


async def listed(platform: PartyPlatform, **query: Any) -> list[dict[str, Any]]:
    """Return the hub's whole list."""
    return [each async for page in platform.pages("hubclientinfo", query=query) for each in page.data]


def told(request: Received) -> tuple[str, str, str]:
    return f"{request.json['country_code']}-{request.json['party_id']}", request.json["role"], request.json["status"]


async def test_connected_parties_are_listed_once_per_role(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """HC-01, HC-02, HC-03, HC-04, HC-07, HC-10."""
    async with PartyPlatform("Dual", [("CPO", "NL", "DUO"), ("EMSP", "NL", "DUO")]) as dual:
        await registered(hub, alpha, dual)

        found = await listed(alpha)

    for each in found:
        VERSIONS["2.2.1"].judge(codec.encode(each), ClientInfo)
    assert [(each["party_id"], each["role"], each["status"]) for each in found] == [
        ("ALF", "CPO", "CONNECTED"),
        ("DUO", "CPO", "CONNECTED"),
        ("DUO", "EMSP", "CONNECTED"),
    ]


async def test_the_list_has_pages(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """HC-05."""
    roles = [("CPO", "NL", f"P{number:02}") for number in range(5)]
    async with PartyPlatform("Five", roles) as five:
        await registered(hub, alpha, five)

    first = await alpha.get("hubclientinfo")
    pages = [page async for page in alpha.pages("hubclientinfo", query={"limit": 1})]
    by_offset = await alpha.get("hubclientinfo", query={"offset": 4})

    assert (first.headers["x-total-count"], first.headers["x-limit"], len(first.data)) == ("6", "2", 2)
    assert [len(page.data) for page in pages] == [1] * 6
    assert [each["party_id"] for each in by_offset.data] == ["P03", "P04"]
    assert "link" not in by_offset.headers


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"offset": "-1"}, {"date_from": "yesterday"}])
async def test_a_wrong_parameter_is_refused(hub: RunningHouse, alpha: PartyPlatform, query: dict[str, str]) -> None:
    await registered(hub, alpha)

    assert (await alpha.get("hubclientinfo", query=query)).code == 2001


async def test_dates_choose_from_the_list(hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform) -> None:
    """HC-06."""
    await registered(hub, alpha)
    hub.clock.move(60)
    await registered(hub, beta)

    async def between(**query: str) -> list[str]:
        return [each["party_id"] for each in await listed(alpha, **query)]

    assert await between(date_from="2026-01-01T00:01:00Z") == ["BET"]
    assert await between(date_to="2026-01-01T00:01:00Z") == ["ALF"]
    assert await between(date_from="2026-01-01T00:00:00Z", date_to="2026-01-01T00:01:00.001Z") == ["ALF", "BET"]
    assert await between(date_from="2026-01-01T00:01:00.001Z") == []


async def test_a_new_party_is_pushed_to_the_others(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """HC-08, HC-09."""
    await registered(hub, alpha)
    await registered(hub, beta)

    (pushed,) = await alpha.received(module="hubclientinfo")

    assert (pushed.method, pushed.tail, pushed.version) == ("PUT", "/DE/BET", "2.2.1")
    assert told(pushed) == ("DE-BET", "EMSP", "CONNECTED")
    VERSIONS["2.2.1"].judge(pushed.body, ClientInfo)
    assert not [name for name in pushed.headers if name.startswith("ocpi-")]
    assert pushed.headers["x-request-id"] and pushed.headers["x-correlation-id"]
    assert pushed.headers["content-type"] == "application/json"
    assert beta.inbox == [], "nobody is told of itself"


async def test_every_change_of_state_is_pushed_in_order(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """HC-11, HC-12, HC-13."""
    await registered(hub, alpha, beta)
    alpha.inbox.clear()

    hub.clock.move(1)
    hub.presence.failed(hub.connection("DE-BET").id, ReceiverUnreachable())
    await hub.settled()
    hub.clock.move(1)
    await beta.get("hubclientinfo")
    await hub.settled()
    hub.clock.move(1)
    await beta.credentials_call("DELETE")
    await hub.settled()

    pushed = await alpha.received(3, module="hubclientinfo")
    assert [(told(each)[2], each.json["last_updated"]) for each in pushed] == [
        ("OFFLINE", "2026-01-01T00:00:01.000Z"),
        ("CONNECTED", "2026-01-01T00:00:02.000Z"),
        ("SUSPENDED", "2026-01-01T00:00:03.000Z"),
    ]
    assert [each for each in await listed(alpha) if each["party_id"] == "BET"] == [pushed[-1].json]


async def test_a_suspension_by_another_process_is_pushed(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    await registered(hub, alpha, beta)
    alpha.inbox.clear()

    await admin.suspend(hub.store, "Beta")
    await alpha.received(module="hubclientinfo")
    await admin.resume(hub.store, "Beta")

    pushed = await alpha.received(2, module="hubclientinfo")
    assert [told(each)[2] for each in pushed] == ["SUSPENDED", "CONNECTED"]


async def test_parties_that_come_and_go_by_put_are_told(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """HC-15."""
    await registered(hub, alpha, beta)
    alpha.inbox.clear()

    beta.roles = [("EMSP", "DE", "NEW")]
    await beta.put_credentials()
    await hub.settled()

    pushed = await alpha.received(2, module="hubclientinfo")
    assert {told(each) for each in pushed} == {("DE-NEW", "EMSP", "CONNECTED"), ("DE-BET", "EMSP", "SUSPENDED")}


async def test_a_put_that_changes_no_party_is_not_told(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    await registered(hub, alpha, beta)
    alpha.inbox.clear()
    before = await listed(alpha)

    hub.clock.move(60)
    await beta.put_credentials()
    await hub.settled()

    assert alpha.inbox == []
    assert await listed(alpha) == before


async def test_who_does_not_implement_the_receiver_is_not_called(hub: RunningHouse, beta: PartyPlatform) -> None:
    """HC-14."""
    async with PartyPlatform("Deaf", offered=[("locations", "SENDER")]) as deaf:
        await registered(hub, deaf, beta)

        assert deaf.inbox == []
        assert [each.module for each in deaf.log] == ["versions", "details"]


async def test_a_receiver_that_refuses_stays_connected_and_harms_nobody(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """HC-14."""
    async with PartyPlatform("Sulky", [("NSP", "NL", "SUL")]) as sulky:
        sulky.answer(Answer(http_status=500, body=b"no"), module="hubclientinfo")
        await registered(hub, alpha, sulky, beta)

        assert hub.connection("NL-SUL").status == "CONNECTED"
        assert {told(each)[0] for each in await alpha.received(2, module="hubclientinfo")} == {"NL-SUL", "DE-BET"}


async def test_a_receiver_that_is_gone_is_found_offline_by_the_push(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    await registered(hub, alpha)
    await alpha.close()

    await registered(hub, beta)

    assert hub.connection("NL-ALF").status == "OFFLINE"


async def test_an_offline_party_is_not_told_and_finds_the_list_when_it_is_back(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """HC-18, HE-08."""
    await registered(hub, alpha)
    hub.presence.failed(hub.connection("NL-ALF").id, ReceiverUnreachable())

    await registered(hub, beta)
    found = await listed(alpha)
    await hub.settled()

    assert [each["party_id"] for each in found] == ["ALF", "BET"]
    assert alpha.inbox == []
    assert [each["status"] for each in await listed(alpha)] == ["CONNECTED", "CONNECTED"]


async def test_what_was_not_told_before_a_crash_is_told_after_it(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform, database: Database
) -> None:
    await registered(hub, alpha, beta)
    await hub.herald.stop()
    hub.herald._told = 2**40  # the process that knew of the change is no more
    await admin.suspend(hub.store, "Beta")
    alpha.inbox.clear()

    async with running(database):
        (pushed,) = await alpha.received(module="hubclientinfo")

    assert told(pushed)[2] == "SUSPENDED"


async def test_an_invited_platform_is_not_listed_but_a_planned_party_is(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """HC-16."""
    await registered(hub, alpha)
    token_a = await hub.invite("Beta", parties=[("EMSP", Party("DE", "BET"))])
    await hub.invite("Nobody")

    assert [(each["party_id"], each["status"]) for each in await listed(alpha)] == [
        ("ALF", "CONNECTED"),
        ("BET", "PLANNED"),
    ]
    await beta.register(hub.versions_url, token_a)
    assert [each["status"] for each in await listed(alpha)] == ["CONNECTED", "CONNECTED"]


async def test_pushes_follow_the_ways_of_a_platform(hub: RunningHouse, beta: PartyPlatform) -> None:
    odd = Oddities(trailing_slash=True, lower_case_ids=True)
    async with PartyPlatform("Odd", oddities=odd) as platform:
        await registered(hub, platform)
        await admin.set_option(hub.store, "Odd", {"quirks.trailing_slash": True})
        await hub.settled()

        await registered(hub, beta)

        (pushed,) = await platform.received(module="hubclientinfo")
        assert pushed.path.endswith("/hubclientinfo/de/bet/")


async def test_who_no_longer_implements_the_receiver_is_not_told_what_waited_for_it(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    await registered(hub, alpha)
    put = asyncio.Event()
    alpha.answer(Answer(after=put), module="hubclientinfo")
    async with PartyPlatform("Third", [("NSP", "NL", "THD")]) as third:
        await beta.register(hub.versions_url, await hub.invite("Beta"))
        await alpha.received(module="hubclientinfo")
        await third.register(hub.versions_url, await hub.invite("Third"))
        alpha.offered.remove(("hubclientinfo", "RECEIVER"))
        await alpha.put_credentials()
        put.set()
        await hub.settled()

    assert [told(each)[0] for each in alpha.inbox] == ["DE-BET"]
