"""What an operator sees and does, on the store alone."""

import pytest

from hub.credentials import admin
from hub.credentials.admin import BadOption, NoSuchConnection
from tests.parties import PartyPlatform
from tests.receptions import RunningHouse, week


async def test_an_invitation_says_where_and_until_when(hub: RunningHouse) -> None:
    made = await admin.invite(hub.store, hub.versions_url, name="Alpha", roles=["CPO"], expires=week())
    hub.clock.move(1)
    endless = await admin.invite(hub.store, hub.versions_url, name="Beta")

    assert made["versions_url"] == hub.versions_url
    assert made["expires_at"] == "2026-01-08T00:00:00.000Z"
    assert endless["expires_at"] is None
    (first, second) = await admin.connections(hub.store)
    assert (first["name"], first["status"], first["roles"]) == ("Alpha", "INVITED", ["CPO"])
    hub.clock.move(7 * 86_400 - 1)
    assert [each["status"] for each in await admin.connections(hub.store)] == ["EXPIRED", "INVITED"]
    assert made["token"] not in str([first, second])


async def test_a_connection_is_listed_and_shown_without_its_tokens(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))

    (short,) = await admin.connections(hub.store)
    shown = await admin.connection(hub.store, "nl-alf")

    assert (short["name"], short["status"], short["version"]) == ("Alpha", "CONNECTED", "2.2.1")
    assert (short["parties"], short["roles"]) == (["NL-ALF"], ["CPO"])
    assert shown["versions_url"] == alpha.versions_url
    assert {"identifier": "locations", "role": "SENDER", "url": alpha.url("locations", "SENDER")} in shown["endpoints"]
    for token in (alpha.hub_token, *alpha.tokens):
        assert token not in str(shown)


async def test_a_suspended_invitation_is_withdrawn(hub: RunningHouse, alpha: PartyPlatform) -> None:
    token_a = await hub.invite("Alpha")

    withdrawn = await admin.suspend(hub.store, "Alpha")
    await hub.connections.reload()

    assert withdrawn["status"] == "WITHDRAWN"
    assert (await alpha.send("GET", hub.versions_url, token=token_a)).status == 401
    assert await admin.connections(hub.store) == []


async def test_two_platforms_of_one_name_are_told_apart(hub: RunningHouse) -> None:
    for party in ("ONE", "TWO"):
        async with PartyPlatform("Same", [("CPO", "NL", party)]) as platform:
            await platform.register(hub.versions_url, await hub.invite("Same"))

    assert {each["name"] for each in await admin.connections(hub.store)} == {"Same", "Same 2"}


@pytest.mark.parametrize("text", ["", "nobody", "NL-XXX"])
async def test_nobody_of_that_name(hub: RunningHouse, text: str) -> None:
    with pytest.raises(NoSuchConnection, match="party list"):
        await admin.connection(hub.store, text)


async def test_only_who_is_registered_has_options(hub: RunningHouse) -> None:
    await hub.invite("Alpha")

    with pytest.raises(NoSuchConnection, match="only invited"):
        await admin.set_option(hub.store, "Alpha", {"allow_2_2": True})
    with pytest.raises(NoSuchConnection, match="only invited"):
        await admin.resume(hub.store, "Alpha")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "red"),
        ("quirks.colour", "red"),
        ("quirks.lean", "yes"),
        ("quirks.lean", 1),
        ("quirks.link", "guess"),
        ("allow_2_2", "yes"),
        ("keep_nothing", "NLALF"),
        ("keep_nothing", 5),
        ("response_hosts", [1]),
    ],
)
async def test_an_option_that_cannot_be_changes_nothing(
    hub: RunningHouse, alpha: PartyPlatform, name: str, value: object
) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    before = await admin.connection(hub.store, "Alpha")

    with pytest.raises(BadOption):
        await admin.set_option(hub.store, "Alpha", {"present_state": True, name: value})

    assert await admin.connection(hub.store, "Alpha") == before


async def test_options_are_set_as_an_operator_writes_them(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))

    changes = {
        "keep_nothing": ["*", "de-bet"],
        "response_hosts": "a.example",
        "present_state": True,
        "quirks.link": "offset",
    }
    shown = await admin.set_option(hub.store, "Alpha", changes)

    assert shown["options"] == {"keep_nothing": ["*", "DE-BET"], "response_hosts": ["a.example"], "present_state": True}
    assert shown["quirks"]["link"] == "offset"
