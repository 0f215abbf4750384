"""What the hub says it offers, to whom.

Source: OCPI 2.2.1, version_information_endpoint.asciidoc.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.conformance.transport.conftest import Trio, heard, joined, shared
from tests.conformance.transport.speech import ROUTING
from tests.hubs import HubProcess
from tests.parties import OFFERED, Answer, Endpoint, Oddities, PartyPlatform

#: The ModuleID table of 2.2.1: functional modules, each with two interfaces.
FUNCTIONAL = {"cdrs", "chargingprofiles", "commands", "locations", "sessions", "tariffs", "tokens"}
CUSTOM = "nltnm-weather"


async def details(platform: PartyPlatform, version: str = "2.2.1", token: str | None = None) -> list[dict[str, str]]:
    """Return the Endpoints of the hub's version details."""
    answer = await platform.send("GET", platform.hub_versions[version], token=token)
    assert (answer.status, answer.code, answer.data["version"]) == (200, 1000, version)
    endpoints: list[dict[str, str]] = answer.data["endpoints"]
    return endpoints


def pairs(endpoints: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(each["identifier"], each["role"]) for each in endpoints]


@pytest.mark.checklist("VE-01", "VE-02", "VE-03", "VE-16", "VE-19")
async def test_the_versions_are_2_2_1_and_2_3_0_each_once(trio: Trio) -> None:
    answer = await trio.cpo.send("GET", trio.cpo.hub_url)

    assert (answer.status, answer.code) == (200, 1000)
    assert sorted(each["version"] for each in answer.data) == ["2.2.1", "2.3.0"]
    for each in answer.data:
        assert urlsplit(each["url"]).scheme == "http"
        assert len(each["url"]) <= 255


@pytest.mark.checklist("VE-04", "VE-05", "VE-06", "VE-08", "VE-13", "VE-17", "VE-07")
async def test_the_details_list_every_module_of_the_version_and_no_other(trio: Trio) -> None:
    endpoints = await details(trio.cpo)

    wanted = {(module, role) for module in FUNCTIONAL for role in ("SENDER", "RECEIVER")}
    wanted |= {("credentials", "SENDER"), ("hubclientinfo", "SENDER")}
    assert sorted(pairs(endpoints)) == sorted(wanted)
    assert all(set(each) == {"identifier", "role", "url"} and len(each["url"]) <= 255 for each in endpoints)


@pytest.mark.checklist("VE-08", "VE-13")
async def test_2_3_0_has_its_two_new_modules_as_well(trio: Trio) -> None:
    listed = pairs(await details(trio.cpo, "2.3.0"))

    new = {"invoicereconciliation", "bookings"}
    assert {module for module, _ in listed} == FUNCTIONAL | new | {"credentials", "hubclientinfo"}
    assert len(set(listed)) == len(listed)


@pytest.mark.checklist("VE-09", "VE-10")
async def test_versions_and_details_are_read_with_either_token(hub: HubProcess, trio: Trio) -> None:
    token_a = await hub.invite("reader")

    by_a = await trio.cpo.send("GET", trio.cpo.hub_url, token=token_a)
    by_c = await trio.cpo.send("GET", trio.cpo.hub_url)

    assert by_a.data == by_c.data
    assert await details(trio.cpo, token=token_a) == await details(trio.cpo)


@pytest.mark.checklist("VE-12", "RT-11", "RT-30")
async def test_configuration_modules_have_no_routing_headers_and_are_not_routed(trio: Trio) -> None:
    cpo, emsp, _ = trio
    to_emsp = {"OCPI-to-country-code": "NL", "OCPI-to-party-id": emsp.party[3:]}
    to_emsp |= {"OCPI-from-country-code": "NL", "OCPI-from-party-id": cpo.party[3:]}
    urls = [cpo.hub_url, *cpo.hub_versions.values(), cpo.hub_endpoints["credentials", "SENDER"]]

    answers = [await cpo.send("GET", url, headers=to_emsp) for url in urls]
    answers.append(await cpo.send("GET", cpo.hub_endpoints["hubclientinfo", "SENDER"], headers=to_emsp))

    assert {each.code for each in answers} == {1000}
    assert not any(ROUTING & set(each.headers) for each in answers)
    assert emsp.log == []


@pytest.mark.checklist("RT-30", "VE-12")
async def test_the_hubs_own_requests_to_configuration_modules_have_no_routing_headers(hub: HubProcess) -> None:
    async with joined(hub, "EMSP") as (emsp,):
        async with joined(hub, "CPO"):
            await emsp.received(module="hubclientinfo")

        own = [each for each in emsp.log if each.module in ("versions", "details", "credentials", "hubclientinfo")]

    assert {"versions", "details", "hubclientinfo"} <= {each.module for each in own}
    assert not any(ROUTING & set(each.headers) for each in own)


@pytest.mark.checklist("VE-14", "VE-20", "TR-26")
async def test_urls_stay_the_same_and_hold_their_version(trio: Trio) -> None:
    for version in ("2.2.1", "2.3.0"):
        first, again = await details(trio.cpo, version), await details(trio.emsp, version)

        assert first == again
        assert all(f"/{version}/" in each["url"] for each in first)
        assert len({each["url"] for each in first}) == len(first)


@pytest.mark.checklist("VE-15", "VE-16")
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.1.1", "2.2", "3.0", "2.2.1x", "versions", "2.3.0%00", "details"])
async def test_versions_not_offered_are_404(trio: Trio, version: str) -> None:
    base = trio.cpo.hub_url.removesuffix("/versions")

    answers = [await trio.cpo.send("GET", f"{base}/{version}{rest}") for rest in ("", "/credentials", "/sender/tokens")]

    if version == "versions":
        answers = answers[1:]
    assert {each.status for each in answers} == {404}


@pytest.mark.checklist("VE-18")
async def test_the_role_of_a_partys_credentials_endpoint_is_disregarded(hub: HubProcess, trio: Trio) -> None:
    async with joined(hub, "EMSP", oddities=Oddities(credentials_role="RECEIVER")) as (emsp,):
        answer = await trio.cpo.get("tokens", to=emsp.party)

        shown = await asyncio.to_thread(hub.emall, "party", "rotate", emsp.party)

    assert answer.code == 1000
    assert shown["status"] == "CONNECTED"
    assert [each.method for each in emsp.log if each.module == "credentials"] == ["PUT"]


# -- custom modules --------------------------------------------------------------------------------


class Weather(NamedTuple):
    """Two that have agreed on a custom module, one of them speaking 2.3.0."""

    asker: PartyPlatform
    giver: PartyPlatform
    newer: PartyPlatform


def with_custom(role: str) -> list[Endpoint]:
    return [*OFFERED[role], (CUSTOM, "SENDER"), (CUSTOM, "RECEIVER")]


@shared
async def weather(hub: HubProcess) -> AsyncIterator[Weather]:
    async with (
        joined(hub, "EMSP", offered=with_custom("EMSP")) as (asker,),
        joined(hub, "CPO", offered=with_custom("CPO")) as (giver,),
        joined(hub, "CPO", offered=with_custom("CPO"), versions=("2.3.0",)) as (newer,),
    ):
        for each in (asker, giver, newer):
            await each.look_at_hub(each.version)
        yield Weather(asker, giver, newer)


@pytest.mark.checklist("VE-07")
async def test_a_custom_module_is_listed_to_those_alone_who_announced_it(weather: Weather, trio: Trio) -> None:
    told = [pairs(await details(each, each.version)) for each in weather]
    not_told = [pairs(await details(each)) for each in trio]

    assert all({(CUSTOM, "SENDER"), (CUSTOM, "RECEIVER")} <= set(each) for each in told)
    assert not any(module == CUSTOM for each in not_told for module, _ in each)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("to", ["giver", "newer"])
async def test_a_custom_module_is_routed_untouched(weather: Weather, method: str, to: str) -> None:
    asker, receiver = weather.asker, getattr(weather, to)
    text = b'{ "b": 1.50, "b": null,\n"a": [[]] }' if method != "GET" else None
    said = b'{"data": {"z": 1.10, "a": null}, "status_code": 1900, "timestamp": "2026-01-01T00:00:00Z", "more": 1}'
    receiver.answer(Answer(body=said, http_status=202), module=CUSTOM)
    receiver.inbox.clear()

    answer = await asker.call(method, CUSTOM, "/any/depth%2Fhere/1/2/3?q=a%20b&q=c", to=receiver.party, content=text)

    (got,) = heard(receiver)
    assert (got.method, got.tail, got.body) == (method, "/any/depth%2Fhere/1/2/3", text or b"")
    assert got.path.endswith(f"/{receiver.version}/receiver/{CUSTOM}/any/depth%2Fhere/1/2/3")
    assert (got.sender, got.receiver) == (asker.party, receiver.party)
    assert (answer.status, answer.body) == (202, said)
    assert (answer.sender, answer.receiver) == (receiver.party, asker.party)
    receiver.forget_answers()


async def test_a_custom_module_is_closed_to_those_without_it(weather: Weather, trio: Trio) -> None:
    url = weather.asker.hub_endpoints[CUSTOM, "RECEIVER"]
    giver = weather.giver
    giver.inbox.clear()
    trio.cpo.hub_endpoints[CUSTOM, "RECEIVER"] = url

    from_outside = await trio.cpo.call("PUT", CUSTOM, "/1", to=giver.party, body={})
    to_outside = await weather.asker.call("PUT", CUSTOM, "/1", to=trio.cpo.party, body={})
    to_all = await weather.asker.call("PUT", CUSTOM, "/1", to="NL-HUB", body={})
    to_nobody = await weather.asker.call("PUT", CUSTOM, "/1", body={})
    del trio.cpo.hub_endpoints[CUSTOM, "RECEIVER"]

    assert from_outside.status == 404
    assert [each.status for each in (to_outside, to_all, to_nobody)] == [200] * 3
    assert all(2000 <= each.code < 4000 for each in (to_outside, to_all, to_nobody))
    assert heard(giver) == heard(trio.cpo) == []


@pytest.mark.parametrize("where", ["?cursor=abc", "/next/abc?page=2"])
async def test_pages_of_a_custom_module_are_followed_through_the_hub(weather: Weather, where: str) -> None:
    asker, giver = weather.asker, weather.giver
    link = f'<{giver.url(CUSTOM, "SENDER")}{where}>; rel="next"'
    giver.answer(Answer([1], headers={"Link": link}), module=CUSTOM)
    giver.inbox.clear()

    first = await asker.get(CUSTOM, to=giver.party)
    giver.forget_answers()
    url = re.fullmatch(r'<(.*)>; rel="next"', first.headers["link"])[1]
    giver.answer(Answer([2]), module=CUSTOM)
    headers = {"OCPI-to-country-code": "NL", "OCPI-to-party-id": giver.party[3:]}
    second = await asker.send("GET", url, headers=headers)
    giver.forget_answers()

    assert url.startswith(asker.hub_endpoints[CUSTOM, "SENDER"])
    assert second.data == [2]
    assert heard(giver)[-1].tail + _query(heard(giver)[-1].query) == where


def _query(query: dict[str, str]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in query.items())
