"""Peers that depart from the text: the hub finds out where it can, shows it, and gets along with them.

Source: OCPI 2.2.1, transport_and_format.asciidoc, for what they depart from; errata E-40, E-50.
"""

import asyncio
from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import arrival, at, command, example, unique
from tests.conformance.seen import eventually, set_option, shown
from tests.conformance.test_br_broadcast import copy, push
from tests.conformance.test_cr_registration import comer
from tests.conformance.test_ga_get_all import of
from tests.hubs import HubProcess
from tests.parties import Answer, Oddities, PartyPlatform

__all__ = ["comer"]


async def has_quirk(hub: HubProcess, platform: PartyPlatform, name: str, value: Any = True) -> bool | None:
    return True if (await shown(hub, platform))["quirks"][name] == value else None


async def roams(odd: PartyPlatform, other: PartyPlatform) -> None:
    """Have an odd eMSP and a CPO exchange what they have, both ways, directed and broadcast."""
    location = await push(other)
    await copy(odd, location)
    directed = await push_to(other, odd)
    await copy(odd, directed)
    assert (await other.get("tokens", to=odd.party)).code == 1000
    assert (await odd.get("locations", to=other.party)).code == 1000
    assert {each["id"] for each in await of(odd, other)} == {location["id"], directed["id"]}
    answer = await odd.post("commands", "/START_SESSION", command("StartSession", odd), to=other.party)
    assert (answer.code, answer.data["result"]) == (1000, "ACCEPTED")


async def push_to(cpo: PartyPlatform, receiver: PartyPlatform) -> Any:
    location = example("Location.minimal", cpo, id=unique("TO"))
    answer = await cpo.put("locations", at(cpo, location["id"]), location, to=receiver.party)
    assert (answer.status, answer.code) in ((201, 1000), (200, 1000))
    return location


@pytest.mark.parametrize(
    ("oddity", "quirk"),
    [("raw_token", "raw_token"), ("trailing_slash", "trailing_slash"), ("roleless", "roleless_endpoints"),
     ("lower_case_ids", "lower_case_ids")],
)  # fmt: skip
async def test_a_departure_is_found_out_at_registration_shown_and_got_along_with(
    oddity: str, quirk: str, join: Any, hub: HubProcess
) -> None:
    odd: Any = {oddity: True}
    cpo, emsp = await join("CPO"), await join("EMSP", oddities=Oddities(**odd))

    quirks = (await shown(hub, emsp))["quirks"]
    await roams(emsp, cpo)

    assert {name for name, value in quirks.items() if value not in (False, "follow")} == {quirk}


async def test_the_profile_of_a_plain_platform_is_plain_and_party_show_prints_it(join: Any, hub: HubProcess) -> None:
    cpo = await join("CPO")

    printed = await asyncio.to_thread(hub.emall, "party", "show", cpo.party)

    assert set(printed["quirks"].values()) == {False, "follow"}
    assert set(printed["quirks"]) == {
        "raw_token", "trailing_slash", "no_201", "single_for_list", "lower_case_ids", "link", "roleless_endpoints",
        "lean",
    }  # fmt: skip


async def test_a_raw_token_is_sent_and_taken_as_it_is(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP", oddities=Oddities(raw_token=True))

    await push_to(cpo, emsp)

    assert emsp.inbox[-1].headers["authorization"] in {f"Token {token}" for token in emsp.tokens}


async def test_a_200_where_something_was_made_is_relayed_and_a_success(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP", oddities=Oddities(no_201=True))
    location = example("Location.minimal", cpo, id=unique("L"))

    answer = await cpo.put("locations", at(cpo, location["id"]), location, to=emsp.party)

    assert (answer.status, answer.code) == (200, 1000)
    assert await of(emsp, cpo) == [location]


async def test_a_bare_object_in_place_of_a_list_reaches_the_asker_as_a_list(
    join: Any, comer: Any, hub: HubProcess
) -> None:
    emsp, cpo = await join("EMSP"), await comer("CPO", oddities=Oddities(single_for_list=True))
    location = example("Location.minimal", cpo, id=unique("L"))
    cpo.objects["locations"] = [location]

    await cpo.register(hub.versions_url, await hub.invite(cpo.name))
    await cpo.get("hubclientinfo")
    await eventually(lambda: has_quirk(hub, cpo, "single_for_list"))
    answer = await emsp.get("locations", to=cpo.party)

    async def listed() -> list[Any] | None:
        return await of(emsp, cpo) or None

    assert answer.data == [location]
    assert await eventually(listed) == [location]


@pytest.mark.parametrize("link", ["none", "in a circle", "of another host"])
async def test_a_list_with_a_wrong_or_missing_link_is_read_by_position(
    link: str, join: Any, comer: Any, hub: HubProcess
) -> None:
    emsp, cpo = await join("EMSP"), await comer("CPO", oddities=Oddities(no_link=True))
    locations = [example("Location.minimal", cpo, id=f"L{n}") for n in range(70)]
    cpo.objects["locations"] = locations
    wrong = {
        "none": None,
        "in a circle": f'<{cpo.url("locations", "SENDER")}?limit=100>; rel="next"',
        "of another host": '<http://internal.example/locations?offset=50>; rel="next"',
    }[link]

    def page(request: Any) -> Answer:
        by_itself = cpo._page(request)
        headers = {**by_itself.headers, **({"Link": wrong} if wrong else {})}
        return Answer(by_itself.data, headers=headers)

    cpo.answer(page, module="locations", method="GET")
    await cpo.register(hub.versions_url, await hub.invite(cpo.name))
    await cpo.get("hubclientinfo")
    await eventually(lambda: has_quirk(hub, cpo, "link", "offset"))

    async def complete() -> list[Any] | None:
        listed = await of(emsp, cpo)
        return listed if len(listed) >= len(locations) else None

    assert await eventually(complete) == locations


async def test_an_asker_is_given_the_link_that_a_party_does_not_give(join: Any, comer: Any, hub: HubProcess) -> None:
    emsp, cpo = await join("EMSP"), await comer("CPO", oddities=Oddities(no_link=True))
    cpo.objects["locations"] = [example("Location.minimal", cpo, id=f"L{n}") for n in range(70)]
    await cpo.register(hub.versions_url, await hub.invite(cpo.name))
    await cpo.get("hubclientinfo")
    await eventually(lambda: has_quirk(hub, cpo, "link", "offset"))

    pages = [page async for page in emsp.pages("locations", to=cpo.party, query={"limit": 30})]

    assert [each["id"] for page in pages for each in page.data] == [f"L{n}" for n in range(70)]
    assert [len(page.data) for page in pages] == [30, 30, 10]
    assert all(hub.url in page.headers["link"] for page in pages[:-1])


async def test_a_peer_that_rejects_unknown_and_null_fields_gets_the_lean_form_and_others_all(
    join: Any, hub: HubProcess
) -> None:
    cpo, strict, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    await set_option(hub, strict.party, quirks_lean=True)
    rest = example("Location.minimal", cpo, evses=[example("EVSE.minimal", uid="E1")])
    odd = {"name": None, "x_unknown": {"a": 1}}

    async def lean() -> Any:
        """Push until the setting has taken effect, within a second."""
        location = rest | odd | {"id": unique("LEAN")}
        location["evses"] = [location["evses"][0] | {"x_inside": 1, "floor_level": None}]
        await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
        received, whole = await copy_of(strict, location["id"]), await copy_of(other, location["id"])
        assert whole == location
        return received if received != location else None

    received = await eventually(lean, seconds=3)

    assert received == rest | {"id": received["id"]}


async def copy_of(platform: PartyPlatform, identifier: str) -> Any:
    async def look() -> Any:
        return next(
            (each.json for each in platform.inbox if each.method == "PUT" and each.tail.endswith(identifier)), None
        )

    return await eventually(look)


async def test_the_address_of_a_lower_case_platform_stands_in_lower_case(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP", oddities=Oddities(lower_case_ids=True))

    answer = await cpo.get("tokens", to=emsp.party)
    received = await arrival(emsp, module="tokens", method="GET", sender=cpo.party)
    lower = await emsp.get("locations", to=cpo.party, sender=emsp.party.lower())

    assert received.receiver == emsp.party.lower()
    assert (answer.code, answer.sender, lower.code) == (1000, emsp.party, 1000)


async def test_a_credentials_endpoint_announced_as_receiver_is_taken_all_the_same(join: Any, hub: HubProcess) -> None:
    emsp = await join("EMSP", oddities=Oddities(credentials_role="RECEIVER"))
    before = emsp.hub_token

    await asyncio.to_thread(hub.emall, "party", "rotate", emsp.party)

    assert emsp.hub_token != before


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.checklist("GA-01")
async def test_the_hubs_own_urls_work_with_and_without_a_slash_at_the_end(
    slash: str, join: Any, hub: HubProcess
) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    location = example("Location.minimal", cpo, id=unique("SLASH"))

    answers = [
        await cpo.put("locations", at(cpo, location["id"]) + slash, location, to=HUB),
        await emsp.get("locations", slash, to=HUB),
        await emsp.get("locations", at(cpo, location["id"]) + slash, role="RECEIVER", to=HUB),
        await emsp.send("GET", hub.versions_url + slash),
        await emsp.send("GET", f"{hub.url}/ocpi/2.2.1{slash}"),
        await emsp.send("GET", f"{hub.url}/ocpi/2.2.1/credentials{slash}"),
    ]

    assert [answer.code for answer in answers] == [1000] * 6
    assert answers[2].data == location
