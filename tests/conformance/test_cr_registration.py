"""Platforms register at the hub: what they give, what they get, and what is found out about them meanwhile.

Source: OCPI 2.2.1, credentials.asciidoc (Registration, POST method, Credentials object).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.conformance.conftest import HUB, _leave, party_id
from tests.conformance.samples import at, example
from tests.conformance.seen import known, shown
from tests.hubs import HubProcess
from tests.parties import CONFIGURATION, PartyPlatform, Refused

ROLES = ("CPO", "EMSP", "NAP", "NSP", "OTHER", "SCSP")


@pytest.fixture
async def comer() -> AsyncIterator[Callable[..., Any]]:
    """Return a function that makes a platform which is not registered: ``await comer("CPO")``."""
    made: list[PartyPlatform] = []

    async def coming(*roles: str | tuple[str, str, str], **rest: Any) -> PartyPlatform:
        parties = [(role, "NL", party_id()) if isinstance(role, str) else role for role in roles]
        platform = PartyPlatform(f"{parties[0][0]} {parties[0][2]}", parties, **rest)
        made.append(await platform.__aenter__())
        return platform

    yield coming
    await asyncio.gather(*(_leave(each) for each in made if each.hub_token))
    await asyncio.gather(*(each.__aexit__() for each in made))


async def looked(hub: HubProcess, platform: PartyPlatform) -> str:
    """Have a platform look at the hub with a new CREDENTIALS_TOKEN_A, and return that."""
    token_a = await hub.invite(platform.name)
    platform.hub_url = hub.versions_url
    await platform.look_at_hub(platform.version, token_a)
    return token_a


@pytest.mark.checklist(
    "CR-01", "CR-02", "CR-05", "CR-06", "CR-07", "CR-08", "CR-10", "CR-11", "CR-12", "CR-44", "CR-46"
)
async def test_post_with_token_a_registers_and_answers_the_hubs_credentials(hub: HubProcess, comer: Any) -> None:
    cpo = await comer("CPO")
    token_a, another = await hub.invite("one"), await hub.invite("two")

    answered = await cpo.register(hub.versions_url, token_a)

    (token_b,) = cpo.tokens
    token_c = answered["token"]
    assert token_a != another
    assert set(answered) == {"token", "url", "roles"}
    assert answered["url"] == hub.versions_url
    (role,) = answered["roles"]
    assert (role["role"], role["country_code"], role["party_id"]) == ("HUB", "NL", "HUB")
    assert 0 < len(role["business_details"]["name"]) <= 100
    assert token_c not in (token_a, token_b)
    assert 1 <= len(token_c) <= 64
    assert all("!" <= each <= "~" for each in token_c)
    statuses = [(await cpo.send("GET", hub.versions_url, token=each)).status for each in (token_c, token_a, token_b)]
    assert statuses == [200, 401, 401]
    assert (await cpo.get("hubclientinfo", token=token_c)).status == 200


@pytest.mark.checklist("CR-03", "CR-04", "CR-13", "CR-36", "CR-42")
async def test_the_hub_looks_at_the_platform_with_token_b_before_it_answers(hub: HubProcess, comer: Any) -> None:
    platform = await comer("CPO", versions=("2.3.0", "2.1.1", "2.2.1"))

    await platform.register(hub.versions_url, await hub.invite("CPO"))
    seen = list(platform.log)[:2]

    assert [(each.method, each.path) for each in seen] == [
        ("GET", "/ocpi/versions"),
        ("GET", "/ocpi/2.2.1/details"),
    ]
    assert all(each.sender is None and each.receiver is None for each in seen)
    assert not [each for each in platform.inbox if each.module == "credentials"]


@pytest.mark.checklist("CR-13")
async def test_every_request_of_the_hub_carries_token_b(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    await cpo.put("locations", at(cpo, "L1"), example("Location.minimal", cpo, id="L1"), to=HUB)
    await cpo.get("tokens", to=emsp.party)
    await emsp.received(module="locations")
    await cpo.received(module="locations", method="GET")  # the hub's own pull

    for platform in (cpo, emsp):
        assert {each.token for each in platform.log} == {each for each in map(_encoded, platform.tokens)}


def _encoded(token: str) -> str:
    import base64

    return base64.b64encode(token.encode()).decode()


@pytest.mark.checklist("CR-09")
async def test_a_hub_of_2_2_1_names_no_connected_party_among_its_roles(join: Any) -> None:
    cpo, _ = await join("CPO"), await join("EMSP")

    credentials = (await cpo.credentials_call("GET")).data

    assert [each["role"] for each in credentials["roles"]] == ["HUB"]


@pytest.mark.checklist("CR-09")
async def test_a_hub_of_2_3_0_names_those_reachable_through_it_and_itself_as_hub_party_id(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP", "NSP", versions=("2.3.0",))

    credentials = (await emsp.credentials_call("GET")).data

    listed = {(each["role"], f"{each['country_code']}-{each['party_id']}") for each in credentials["roles"]}
    assert credentials["hub_party_id"] == "NLHUB"
    assert ("CPO", cpo.party) in listed
    assert emsp.party not in {party for _, party in listed}
    assert not [role for role, _ in listed if role == "HUB"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.checklist("CR-37")
async def test_parties_of_every_role_register(role: str, join: Any, hub: HubProcess) -> None:
    platform = await join(role)

    assert (await shown(hub, platform))["roles"][0]["role"] == role


@pytest.mark.checklist("CR-28", "CR-29")
async def test_a_platform_may_have_several_roles_and_a_role_for_several_parties(join: Any, hub: HubProcess) -> None:
    platform = await join("CPO", "CPO", "EMSP")

    roles = (await shown(hub, platform))["roles"]
    assert [(each["role"], each["country_code"], each["party_id"]) for each in roles] == platform.roles


@pytest.mark.parametrize("token_b", ["x", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", "a:b=c==", "Zz9" * 21 + "~"])
@pytest.mark.checklist("CR-38")
async def test_any_printable_token_b_of_1_to_64_characters_is_used(
    token_b: str, join: Any, comer: Any, hub: HubProcess
) -> None:
    cpo, emsp = await join("CPO"), await comer("EMSP")
    token_a = await looked(hub, emsp)
    emsp.tokens.add(token_b)

    answer = await emsp.post_credentials(token_a, emsp.credentials(token_b))
    routed = await cpo.get("tokens", to=emsp.party)

    assert (answer.code, routed.code) == (1000, 1000)


@pytest.mark.parametrize("token_b", ["", "a b", "tab\t", "café", "x" * 65, "zero\u200b"])
@pytest.mark.checklist("CR-45", "CR-32")
async def test_a_token_b_that_cannot_be_sent_is_refused_and_token_a_lives(
    token_b: str, comer: Any, hub: HubProcess
) -> None:
    cpo = await comer("CPO")
    token_a = await looked(hub, cpo)

    refused = await cpo.post_credentials(token_a, cpo.credentials(token_b))
    registered = await cpo.post_credentials(token_a)

    assert (refused.status, refused.code) == (200, 2001)
    assert "token" in refused.message
    assert registered.code == 1000


FULL = {
    "name": "Ladestraße Zürich & 充電 AG",
    "website": "https://laden.example",
    "logo": {
        "url": "https://laden.example/logo.png",
        "thumbnail": "https://laden.example/small.png",
        "category": "OPERATOR",
        "type": "png",
        "width": 512,
        "height": 512,
    },
}


@pytest.mark.checklist("CR-39")
async def test_full_business_details_are_kept_as_given(comer: Any, hub: HubProcess) -> None:
    cpo = await comer("CPO")
    token_a = await looked(hub, cpo)
    body = cpo.credentials(cpo.new_token())
    body["roles"][0]["business_details"] = FULL

    assert (await cpo.post_credentials(token_a, body)).code == 1000
    assert (await shown(hub, cpo))["roles"][0]["business_details"] == FULL


@pytest.mark.checklist("CR-40")
async def test_a_token_speaks_for_its_own_platform_alone(join: Any) -> None:
    cpo, other = await join("CPO"), await join("CPO")
    body = example("Location.minimal", other, id="L1")

    stolen = await cpo.put("locations", at(other, "L1"), body, to=HUB, sender=other.party)
    own = await other.put("locations", at(other, "L1"), body, to=HUB)

    assert cpo.hub_token != other.hub_token
    assert (stolen.status, stolen.code) == (200, 2001)
    assert own.code == 1000


@pytest.mark.checklist("CR-41")
async def test_of_simultaneous_posts_with_one_token_a_one_registers(comer: Any, hub: HubProcess) -> None:
    one, two = await comer("CPO"), await comer("CPO")
    token_a = await looked(hub, one)
    two.hub_endpoints, two.hub_url = one.hub_endpoints, one.hub_url

    answers = await asyncio.gather(one.post_credentials(token_a), two.post_credentials(token_a))

    assert sorted(answer.status for answer in answers) == [200, 401]
    assert len({one.party, two.party} & set(await known(hub))) == 1


@pytest.mark.checklist("CR-47", "CR-07")
async def test_ids_in_lower_case_register_and_are_the_same_party(join: Any, comer: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await comer("EMSP")
    token_a = await looked(hub, emsp)
    body = emsp.credentials(emsp.new_token())
    for role in body["roles"]:
        role["country_code"], role["party_id"] = role["country_code"].lower(), role["party_id"].lower()

    assert (await emsp.post_credentials(token_a, body)).code == 1000
    assert (await cpo.get("tokens", to=emsp.party)).code == 1000
    again = await comer(emsp.roles[0])
    with pytest.raises(Refused):
        await again.register(hub.versions_url, await hub.invite("again"))


BROKEN: dict[str, Callable[[Any], Any]] = {
    "no token": lambda it: it.pop("token"),
    "no url": lambda it: it.pop("url"),
    "no roles": lambda it: it.pop("roles"),
    "empty roles": lambda it: it.update(roles=[]),
    "roles no list": lambda it: it.update(roles=it["roles"][0]),
    "unknown role": lambda it: it["roles"][0].update(role="CPOX"),
    "role in lower case": lambda it: it["roles"][0].update(role="cpo"),
    "long party_id": lambda it: it["roles"][0].update(party_id="ABCD"),
    "long country_code": lambda it: it["roles"][0].update(country_code="NLD"),
    "party_id no string": lambda it: it["roles"][0].update(party_id=123),
    "no business_details": lambda it: it["roles"][0].pop("business_details"),
    "nameless": lambda it: it["roles"][0].update(business_details={}),
    "long name": lambda it: it["roles"][0]["business_details"].update(name="x" * 101),
    "url no URL": lambda it: it.update(url="not a url"),
    "url other scheme": lambda it: it.update(url="ftp://host.example/versions"),
    "token a number": lambda it: it.update(token=12345),
}


@pytest.mark.checklist("CR-27", "CR-32", "CR-33")
async def test_credentials_that_break_a_rule_are_refused_in_post_and_put(comer: Any, hub: HubProcess) -> None:
    cpo = await comer("CPO")
    token_a = await looked(hub, cpo)
    bodies = {}
    for name, breaking in BROKEN.items():
        bodies[name] = cpo.credentials("token-b")
        breaking(bodies[name])

    posted = {name: await cpo.post_credentials(token_a, body) for name, body in bodies.items()}
    assert (await cpo.post_credentials(token_a)).code == 1000
    put = {name: await cpo.credentials_call("PUT", body=body) for name, body in bodies.items()}

    assert {name: (answer.status, answer.code) for name, answer in posted.items()} == dict.fromkeys(BROKEN, (200, 2001))
    assert {name: (answer.status, answer.code) for name, answer in put.items()} == dict.fromkeys(BROKEN, (200, 2001))
    assert (await cpo.credentials_call("GET")).data["token"] == cpo.hub_token


@pytest.mark.checklist("CR-30")
async def test_a_role_of_a_party_twice_is_refused(comer: Any, hub: HubProcess) -> None:
    mine = party_id()
    cpo = await comer(("CPO", "NL", mine), ("CPO", "NL", mine.lower()))
    token_a = await looked(hub, cpo)

    answer = await cpo.post_credentials(token_a)

    assert (answer.status, answer.code) == (200, 2001)
    assert "roles[1]" in answer.message
    assert cpo.party not in await known(hub)


@pytest.mark.checklist("CR-31", "CR-48")
@pytest.mark.parametrize("whose", ["another platform's", "the hub's"])
async def test_a_party_that_is_taken_is_refused(whose: str, join: Any, comer: Any, hub: HubProcess) -> None:
    first = await join("CPO")
    taken = first.roles[0] if whose == "another platform's" else ("CPO", "NL", "HUB")
    second = await comer(taken)
    token_a = await looked(hub, second)

    answer = await second.post_credentials(token_a)

    assert (answer.status, answer.code) == (200, 2001)
    assert f"{taken[1]}-{taken[2]}" in answer.message
    assert (await shown(hub, first))["versions_url"] == first.versions_url


@pytest.mark.checklist("CR-14", "CR-15", "CR-16", "CR-35", "CR-36")
async def test_methods_are_allowed_by_whether_one_is_registered(comer: Any, hub: HubProcess) -> None:
    cpo = await comer("CPO")
    token_a = await looked(hub, cpo)
    body = cpo.credentials("token-b")

    invited = {name: await cpo.credentials_call(name, token=token_a, body=body) for name in ("PUT", "DELETE", "PATCH")}
    assert (await cpo.post_credentials(token_a)).code == 1000
    registered = {name: await cpo.credentials_call(name, body=body) for name in ("POST", "PATCH")}

    assert [answer.status for answer in invited.values()] == [405, 405, 405]
    assert [answer.status for answer in registered.values()] == [405, 405]
    assert invited["PUT"].headers["allow"] == "GET, POST"
    assert registered["POST"].headers["allow"] == "DELETE, GET, PUT"
    assert all(answer.code == 2001 for answer in (*invited.values(), *registered.values()))


@pytest.mark.checklist("CR-17", "CR-36")
async def test_get_returns_the_credentials_in_force_to_whom_they_are_of(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    answers = [await each.credentials_call("GET") for each in (cpo, emsp)]

    assert [answer.data["token"] for answer in answers] == [cpo.hub_token, emsp.hub_token]
    assert all(answer.sender is None and answer.receiver is None for answer in answers)


@pytest.mark.checklist("CR-36")
async def test_credentials_are_the_hubs_business_even_if_routing_headers_name_a_party(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    _, country_code, pid = emsp.roles[0]
    url = cpo.hub_endpoints["credentials", "SENDER"]
    before = len(emsp.log)

    headers = {"OCPI-to-country-code": country_code, "OCPI-to-party-id": pid}
    answer = await cpo.send("GET", url, headers=headers)

    assert answer.data["token"] == cpo.hub_token
    assert [each for each in emsp.log[before:] if each.module in CONFIGURATION - {"hubclientinfo"}] == []
    assert json.loads(answer.body)["status_code"] == 1000
