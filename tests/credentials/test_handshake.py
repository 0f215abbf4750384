"""Platforms register with the hub, change and leave; over HTTP, on both stores.

Source: OCPI 2.2.1 and 2.3.0, credentials.asciidoc; checklist CR.
"""

import asyncio
import dataclasses
from typing import Any

import pytest

from hub.credentials.connections import Connections
from hub.ocpi.errors import UnknownEndpoint
from hub.ocpi.messages import Party
from tests.parties import Answer, Oddities, PartyPlatform, Received, Refused
from tests.receptions import RunningHouse, week


async def registered(hub: RunningHouse, platform: PartyPlatform, **rest: Any) -> Any:
    return await platform.register(hub.versions_url, await hub.invite(platform.name), **rest)


async def test_post_registers_a_platform_and_answers_valid_credentials(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-02, CR-05, CR-06, CR-08, CR-10, CR-46."""
    token_a = await hub.invite("Alpha")

    answered = await alpha.register(hub.versions_url, token_a)

    assert answered["url"] == hub.versions_url
    assert [(each["role"], each["country_code"], each["party_id"]) for each in answered["roles"]] == [
        ("HUB", "NL", "HUB")
    ]
    assert "hub_party_id" not in answered
    assert 32 <= len(answered["token"]) <= 64
    assert all("!" <= each <= "~" for each in answered["token"])
    connection = hub.connection("NL-ALF")
    assert (connection.name, connection.version, connection.status) == ("Alpha", "2.2.1", "CONNECTED")
    assert connection.endpoints["locations", "SENDER"] == alpha.url("locations", "SENDER")


async def test_versions_and_details_are_fetched_with_token_b_before_the_answer(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    """CR-03, CR-04, CR-13, CR-42."""
    await registered(hub, alpha)

    assert [(each.method, each.module, each.version) for each in alpha.log] == [
        ("GET", "versions", ""),
        ("GET", "details", "2.2.1"),
    ]
    assert all(each.sender is None and each.receiver is None for each in alpha.log)


async def test_token_c_is_new_and_opens_everything_while_token_a_and_b_open_nothing(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    """CR-07, CR-11, CR-12, CR-44, TR-05."""
    token_a = await hub.invite("Alpha")
    token_c = (await alpha.register(hub.versions_url, token_a))["token"]
    (token_b,) = alpha.tokens

    opened = await alpha.get("hubclientinfo")
    refused = [(await alpha.get("hubclientinfo", token=token)).status for token in (token_a, token_b)]

    assert len({token_a, token_b, token_c}) == 3
    assert opened.code == 1000
    assert refused == [401, 401]


async def test_token_a_opens_versions_and_credentials_alone(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """TR-07, VE-09."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)

    asked = await alpha.get("locations", to="NL-HUB", token=token_a)
    own = await alpha.credentials_call("GET", token=token_a)

    assert asked.status == 401
    assert (own.status, own.data["token"]) == (200, token_a)


async def test_each_invitation_has_a_token_of_its_own(hub: RunningHouse) -> None:
    """CR-01."""
    assert await hub.invite("Alpha") != await hub.invite("Alpha")


async def test_get_returns_the_credentials_in_force(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-17."""
    answered = await registered(hub, alpha)

    assert (await alpha.credentials_call("GET")).data == answered


async def test_a_registered_platform_may_not_post_again(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-14."""
    await registered(hub, alpha)

    reply = await alpha.credentials_call("POST", body=alpha.credentials("another-token"))

    assert reply.status == 405
    assert reply.code == 2001


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_platform_that_is_only_invited_may_post_and_get(
    hub: RunningHouse, alpha: PartyPlatform, method: str
) -> None:
    """CR-15, CR-16, CR-35."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)

    reply = await alpha.credentials_call(method, token=token_a, body=alpha.credentials("b"))

    assert reply.status == 405


async def test_put_gives_a_new_token_and_the_former_ends_when_it_is_used(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    """CR-18, CR-19, CR-20."""
    await registered(hub, alpha)
    former = alpha.hub_token
    alpha.log.clear()

    reply = await alpha.put_credentials()

    assert [each.module for each in alpha.log] == ["versions", "details"]
    assert (await alpha.get("hubclientinfo", token=former)).code == 1000, "the answer may have been lost"
    assert reply.data["token"] != former
    assert (await alpha.get("hubclientinfo")).code == 1000
    assert (await alpha.get("hubclientinfo", token=former)).status == 401
    await hub.settled()
    assert (await alpha.get("hubclientinfo", token=former)).status == 401
    assert (await alpha.get("hubclientinfo")).code == 1000


async def test_the_former_token_ends_after_an_hour_though_the_new_one_was_never_used(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    await registered(hub, alpha)
    former = alpha.hub_token
    await alpha.put_credentials()

    hub.clock.move(3599)
    before = await alpha.get("hubclientinfo", token=former)
    hub.clock.move(2)
    after = await alpha.get("hubclientinfo", token=former)

    assert (before.status, after.status) == (200, 401)
    assert (await alpha.get("hubclientinfo")).status == 200


async def test_a_platform_that_lost_the_answer_to_its_put_puts_again_with_the_former_token(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    await registered(hub, alpha)
    former = alpha.hub_token
    await alpha.put_credentials()
    lost = alpha.hub_token

    alpha.hub_token = former
    again = await alpha.put_credentials()

    assert again.code == 1000
    assert (await alpha.get("hubclientinfo")).status == 200
    assert (await alpha.get("hubclientinfo", token=former)).status == 401
    assert (await alpha.get("hubclientinfo", token=lost)).status == 401


async def test_put_uses_the_new_token_b_and_endpoints_from_then_on(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-21."""
    await registered(hub, alpha)
    alpha.offered.remove(("tariffs", "SENDER"))

    await alpha.put_credentials()

    connection = hub.connection("NL-ALF")
    assert {connection.token} == alpha.tokens
    assert ("tariffs", "SENDER") not in connection.endpoints


async def test_put_switches_to_the_version_of_the_endpoint_called(hub: RunningHouse, beta: PartyPlatform) -> None:
    await registered(hub, beta, version="2.2.1")
    assert hub.connection("DE-BET").version == "2.2.1"

    reply = await beta.put_credentials(version="2.3.0")

    assert reply.data["hub_party_id"] == "NLHUB"
    connection = hub.connection("DE-BET")
    assert connection.version == "2.3.0"
    assert connection.endpoints["tokens", "SENDER"] == beta.url("tokens", "SENDER", "2.3.0")


async def test_a_failed_put_changes_nothing(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-33."""
    await registered(hub, alpha)
    before, token = hub.connection("NL-ALF"), alpha.hub_token
    alpha.answer(Answer(status_code=3000), module="details")

    reply = await alpha.credentials_call("PUT", body=alpha.credentials(alpha.new_token()))

    assert reply.code == 3001
    assert hub.connection("NL-ALF") is before
    assert (await alpha.get("hubclientinfo", token=token)).code == 1000


async def test_parties_come_and_go_by_put(hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform) -> None:
    """CR-50, CR-51."""
    await registered(hub, alpha)
    alpha.roles = [("CPO", "NL", "ALF"), ("CPO", "NL", "NEW")]
    await alpha.put_credentials()
    assert hub.connection("NL-NEW") is hub.connection("NL-ALF")

    alpha.roles = [("CPO", "NL", "NEW")]
    await alpha.put_credentials()

    assert hub.connections.find("NL-ALF") is None
    beta.roles = [("CPO", "NL", "ALF")]
    await registered(hub, beta)
    assert hub.connection("NL-ALF").name == "Beta"


async def test_delete_ends_the_token_and_frees_the_parties(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-22, CR-34, CR-52."""
    await registered(hub, alpha)

    deleted = await alpha.credentials_call("DELETE")

    assert deleted.code == 1000
    assert (await alpha.get("hubclientinfo")).status == 401
    assert (await alpha.credentials_call("DELETE")).status == 401
    assert hub.connections.all() == []
    await registered(hub, alpha)
    assert (await alpha.get("hubclientinfo")).code == 1000


@pytest.mark.parametrize(
    ("module", "answer", "status_code"),
    [
        ("versions", Answer(http_status=500, status_code=3000), 3001),
        ("versions", Answer(body=b"<html>"), 3001),
        ("versions", Answer(data="2.2.1"), 3001),
        ("versions", Answer(data=[{"version": "2.1.1", "url": "http://127.0.0.1/x"}]), 3002),
        ("details", Answer(status_code=2000), 3001),
        ("details", Answer(data={"version": "2.2.1", "endpoints": []}), 3001),
        ("details", Answer(data={"version": "2.2.1"}), 3001),
    ],
)
async def test_a_failed_post_says_why_and_does_not_burn_token_a(
    hub: RunningHouse, alpha: PartyPlatform, module: str, answer: Answer, status_code: int
) -> None:
    """CR-24, CR-25, CR-32, CR-43, CR-49."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)
    alpha.answer(answer, module=module)

    reply = await alpha.post_credentials(token_a)

    assert (reply.status, reply.code) == (200, status_code)
    assert reply.message
    assert hub.connections.all() == []
    alpha.forget_answers()
    assert (await alpha.post_credentials(token_a)).code == 1000


async def test_a_platform_that_cannot_be_reached_is_3001(hub: RunningHouse, alpha: PartyPlatform) -> None:
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)
    await alpha.close()

    assert (await alpha.post_credentials(token_a)).code == 3001


@pytest.mark.parametrize("offered", [[], [("hubclientinfo", "RECEIVER")]])
async def test_a_platform_without_any_functional_module_is_3003(
    hub: RunningHouse, offered: list[tuple[str, str]]
) -> None:
    """CR-26, CR-55."""
    async with PartyPlatform("Empty", offered=offered) as platform:
        with pytest.raises(Refused, match="3003"):
            await registered(hub, platform)

    assert hub.connections.all() == []


@pytest.mark.parametrize(
    "change",
    [
        {"token": None},
        {"token": ""},
        {"token": "x" * 65},
        {"token": "two words"},
        {"token": "tab\there"},
        {"token": "größe"},
        {"url": "no url"},
        {"url": "http://["},
        {"roles": []},
        {"roles": None},
        {"roles": [{"role": "CPO", "party_id": "ALF", "country_code": "NL"}]},
        {"roles": [{"role": "KING", "party_id": "ALF", "country_code": "NL", "business_details": {"name": "A"}}]},
        {"roles": [{"role": "CPO", "party_id": "LONG", "country_code": "NL", "business_details": {"name": "A"}}]},
        {"roles": [{"role": "CPO", "party_id": "HUB", "country_code": "nl", "business_details": {"name": "A"}}]},
    ],
)
async def test_credentials_that_break_a_rule_are_refused_in_post_and_put(
    hub: RunningHouse, alpha: PartyPlatform, change: dict[str, Any]
) -> None:
    """CR-27, CR-45, CR-48."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)
    wrong = {**alpha.credentials(alpha.new_token()), **change}

    posted = await alpha.post_credentials(token_a, wrong)
    await alpha.post_credentials(token_a)
    put = await alpha.credentials_call("PUT", body=wrong)

    for reply in (posted, put):
        assert (reply.status, reply.code) == (200, 2001)
        assert reply.message.startswith("$")
    assert hub.connection("NL-ALF").status == "CONNECTED"


async def test_a_role_twice_on_one_platform_is_refused(hub: RunningHouse) -> None:
    """CR-30."""
    async with PartyPlatform("Twice", [("CPO", "NL", "TWO"), ("CPO", "nl", "two")]) as platform:
        with pytest.raises(Refused, match="2001"):
            await registered(hub, platform)


async def test_a_party_of_another_platform_is_refused(
    hub: RunningHouse, alpha: PartyPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    """CR-31, CR-47."""
    await registered(hub, alpha)
    async with PartyPlatform("Thief", [("CPO", "nl", "alf")]) as thief:
        with pytest.raises(Refused, match="another platform"):
            await registered(hub, thief)
        (there,) = hub.connections.all()
        assert f"'emall party remove {there.id}' frees the party" in caplog.text

        thief.roles = [("EMSP", "NL", "ALF")]
        await registered(hub, thief)

    assert {each.name for each in hub.connections.all()} == {"Alpha", "Thief"}


async def test_the_same_party_registering_on_two_platforms_at_once_is_registered_on_one(hub: RunningHouse) -> None:
    """CR-31."""
    async with PartyPlatform("One", [("CPO", "NL", "ONE")]) as one, PartyPlatform("Two", [("CPO", "NL", "ONE")]) as two:
        outcomes = await asyncio.gather(registered(hub, one), registered(hub, two), return_exceptions=True)

    assert sum(isinstance(each, Refused) for each in outcomes) == 1
    assert len(hub.connections.all()) == 1


async def test_simultaneous_posts_with_one_token_register_once(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-41."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)

    replies = await asyncio.gather(*(alpha.post_credentials(token_a) for _ in range(5)))

    assert sorted(each.status for each in replies) in ([200, 401, 401, 401, 401], [200] * 5)
    assert sum(each.json["status_code"] == 1000 for each in replies) == 1
    assert len(hub.connections.all()) == 1


@pytest.mark.parametrize("role", ["CPO", "EMSP", "NAP", "NSP", "OTHER", "SCSP"])
async def test_parties_of_every_role_register(hub: RunningHouse, role: str) -> None:
    """CR-37."""
    async with PartyPlatform(role, [(role, "NL", "ANY")]) as platform:
        await registered(hub, platform)

    assert [each.role for each in hub.connection("NL-ANY").roles] == [role]


async def test_several_parties_and_roles_share_a_platform(hub: RunningHouse) -> None:
    """CR-28, CR-29."""
    roles = [("CPO", "NL", "AAA"), ("CPO", "NL", "BBB"), ("EMSP", "NL", "AAA")]
    async with PartyPlatform("Several", roles) as platform:
        await registered(hub, platform)

    connection = hub.connection("NL-BBB")
    assert [(each.role, str(each.party)) for each in connection.roles] == [
        ("CPO", "NL-AAA"),
        ("CPO", "NL-BBB"),
        ("EMSP", "NL-AAA"),
    ]
    assert [str(each) for each in connection.parties] == ["NL-AAA", "NL-BBB"]


async def test_an_invitation_that_names_its_parties_is_for_no_others(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """Whoever is invited as a CPO is not any CPO."""
    token_a = await hub.invite("Alpha", roles=["CPO"], parties=[("CPO", Party("NL", "ALF"))])
    alpha.roles = [("CPO", "NL", "BET")]
    with pytest.raises(Refused, match=r"CPO NL-BET is not among those invited \(CPO NL-ALF\)"):
        await alpha.register(hub.versions_url, token_a)

    alpha.roles = [("CPO", "NL", "ALF")]
    await alpha.register(hub.versions_url, token_a)

    assert hub.connection("NL-ALF").status == "CONNECTED"


async def test_an_invitation_limits_the_roles(hub: RunningHouse, alpha: PartyPlatform) -> None:
    token_a = await hub.invite("Alpha", roles=["CPO"])
    both = [("CPO", "NL", "ALF"), ("EMSP", "NL", "ALF")]
    alpha.roles = both
    with pytest.raises(Refused, match="EMSP NL-ALF is not among those invited"):
        await alpha.register(hub.versions_url, token_a)

    alpha.roles = both[:1]
    await alpha.register(hub.versions_url, token_a)
    alpha.roles = both

    assert (await alpha.credentials_call("PUT", body=alpha.credentials("b"))).code == 2001


async def test_an_invitation_expires(hub: RunningHouse, alpha: PartyPlatform) -> None:
    token_a = await hub.invite("Alpha", expires=week())

    hub.clock.move(7 * 86_400 - 1)
    assert (await alpha.send("GET", hub.versions_url, token=token_a)).status == 200
    hub.clock.move(1)

    assert (await alpha.send("GET", hub.versions_url, token=token_a)).status == 401


@pytest.mark.parametrize("token", ["x", "!~" * 32, "a:b=c/d+e", "=" * 64])
async def test_any_printable_token_b_works(hub: RunningHouse, alpha: PartyPlatform, token: str) -> None:
    """CR-38."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)
    alpha.tokens.add(token)

    reply = await alpha.post_credentials(token_a, alpha.credentials(token))

    assert reply.code == 1000
    assert hub.connection("NL-ALF").token == token


async def test_full_business_details_are_kept(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-39."""
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)
    details = {
        "name": "Lädeküste ⚡",
        "website": "https://alpha.example",
        "logo": {
            "url": "https://alpha.example/logo.png",
            "thumbnail": "https://alpha.example/small.png",
            "category": "OPERATOR",
            "type": "png",
            "width": 512,
            "height": 256,
        },
    }
    given = alpha.credentials(alpha.new_token())
    given["roles"][0]["business_details"] = details

    await alpha.post_credentials(token_a, given)

    assert hub.connection("NL-ALF").roles[0].business_details == details


async def test_the_hub_of_2_3_0_lists_the_parties_reachable_through_it(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """CR-09: the opposite in 2.3.0."""
    await registered(hub, alpha)

    answered = await registered(hub, beta)

    assert answered["hub_party_id"] == "NLHUB"
    assert [(each["role"], each["country_code"] + each["party_id"]) for each in answered["roles"]] == [("CPO", "NLALF")]
    assert (await alpha.credentials_call("GET")).data["roles"][0]["role"] == "HUB"


async def test_the_hub_of_2_3_0_names_itself_as_long_as_nobody_is_reachable(
    hub: RunningHouse, beta: PartyPlatform
) -> None:
    answered = await registered(hub, beta)

    assert [(each["role"], each["country_code"] + each["party_id"]) for each in answered["roles"]] == [
        ("OTHER", "NLHUB")
    ]


async def test_a_platform_that_does_not_encode_tokens_is_found_out_and_spoken_to_so(hub: RunningHouse) -> None:
    async with PartyPlatform("Raw", oddities=Oddities(raw_token=True)) as platform:
        await registered(hub, platform)

    assert hub.connection("NL-ALF").quirks.raw_token


async def test_endpoints_without_a_role_are_taken_for_what_the_parties_imply(hub: RunningHouse) -> None:
    async with PartyPlatform("Roleless", oddities=Oddities(roleless=True)) as platform:
        await registered(hub, platform)

    connection = hub.connection("NL-ALF")
    assert connection.quirks.roleless_endpoints
    assert {
        pair for pair in connection.endpoints if pair[0] in ("locations", "tokens", "commands", "hubclientinfo")
    } == {
        ("locations", "SENDER"),
        ("tokens", "RECEIVER"),
        ("commands", "RECEIVER"),
        ("hubclientinfo", "RECEIVER"),
    }


async def test_the_role_of_a_credentials_endpoint_is_disregarded(hub: RunningHouse) -> None:
    """VE-18."""
    async with PartyPlatform("Receiver", oddities=Oddities(credentials_role="RECEIVER")) as platform:
        await registered(hub, platform)

    assert hub.connection("NL-ALF").endpoints["credentials", "SENDER"].endswith("/credentials")


async def test_lower_case_ids_are_the_same_party_and_remembered_as_its_way(hub: RunningHouse) -> None:
    """CR-47."""
    async with PartyPlatform("Lower", oddities=Oddities(lower_case_ids=True)) as platform:
        await registered(hub, platform)

    assert hub.connection("NL-ALF").quirks.lower_case_ids


async def test_an_endpoint_the_guard_forbids_is_3001(hub: RunningHouse, alpha: PartyPlatform) -> None:
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)
    endpoints = [
        {"identifier": "credentials", "role": "SENDER", "url": f"{alpha.origin}/ocpi/2.2.1/credentials"},
        {"identifier": "locations", "role": "SENDER", "url": "ftp://alpha.example/locations"},
    ]
    alpha.answer(Answer({"version": "2.2.1", "endpoints": endpoints}), module="details")

    assert (await alpha.post_credentials(token_a)).code == 3001


async def test_2_2_is_registered_where_an_operator_allows_it_alone(hub: RunningHouse) -> None:
    """VE-16."""
    async with PartyPlatform("Old", versions=("2.2",)) as platform:
        plain = hub.reception.authenticate(f"Token {await hub.invite('Old')}")
        allowed = hub.reception.authenticate(f"Token {await hub.invite('Old', options={'allow_2_2': True})}")
        given = platform.credentials(platform.new_token())

        assert "2.2" not in [each["version"] for each in await hub.reception.versions(plain)]
        with pytest.raises(UnknownEndpoint):
            await hub.reception.credentials(plain, "2.2", "POST", given, "")
        with pytest.raises(UnknownEndpoint):
            await hub.reception.version_details(plain, "2.2")
        assert "2.2" in [each["version"] for each in await hub.reception.versions(allowed)]
        details = await hub.reception.version_details(allowed, "2.2")
        await hub.reception.credentials(allowed, "2.2", "POST", given, "")

    assert details["version"] == "2.2"
    assert all("/ocpi/2.2/" in each["url"] for each in details["endpoints"])
    assert (hub.connection("Old").version, hub.connection("Old").spoken) == ("2.2.1", "2.2")


async def test_a_registration_survives_a_restart(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await registered(hub, alpha)
    again = Connections(hub.store)
    await again.start()

    found = again.find("NL-ALF")
    assert found is not None
    assert dataclasses.asdict(found) == dataclasses.asdict(hub.connection("NL-ALF"))
    assert {found.token} == alpha.tokens


async def test_a_versions_url_that_needs_a_slash_is_found_out(hub: RunningHouse, alpha: PartyPlatform) -> None:
    def slashed(request: Received) -> Answer:
        if not request.path.endswith("/"):
            return Answer(http_status=404, body=b"not here")
        return Answer([{"version": "2.2.1", "url": f"{alpha.origin}/ocpi/2.2.1/details"}])

    alpha.answer(slashed, module="versions")

    await registered(hub, alpha)

    assert hub.connection("NL-ALF").quirks.trailing_slash


async def test_a_single_version_that_is_no_list_is_taken_for_one(hub: RunningHouse, alpha: PartyPlatform) -> None:
    alpha.answer(Answer({"version": "2.2.1", "url": f"{alpha.origin}/ocpi/2.2.1/details"}), module="versions")

    await registered(hub, alpha)

    assert hub.connection("NL-ALF").quirks.single_for_list


async def test_a_platform_that_refuses_its_own_token_in_both_forms_is_3001(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    token_a = await hub.invite("Alpha")
    alpha.hub_url = hub.versions_url
    await alpha.look_at_hub("2.2.1", token_a)

    reply = await alpha.post_credentials(token_a, alpha.credentials("a-token-it-does-not-know"))

    assert reply.code == 3001
    assert "401" in reply.message
    assert len(alpha.log) == 2


async def test_a_platform_without_a_credentials_endpoint_is_3003(hub: RunningHouse, alpha: PartyPlatform) -> None:
    endpoint = {"identifier": "locations", "role": "SENDER", "url": alpha.url("locations", "SENDER")}
    alpha.answer(Answer({"version": "2.2.1", "endpoints": [endpoint]}), module="details")

    with pytest.raises(Refused, match="3003"):
        await registered(hub, alpha)


async def test_a_put_that_meets_a_removal_is_refused(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await registered(hub, alpha)
    alpha.answer(Answer(alpha._details("2.2.1"), delay=0.3), module="details")

    putting = asyncio.create_task(alpha.credentials_call("PUT", body=alpha.credentials(alpha.new_token())))
    while len(alpha.log) < 4:
        await asyncio.sleep(0.01)
    connection_id = hub.connection("NL-ALF").id
    await hub.store.database.transact(lambda tx: hub.store.remove(tx, connection_id))

    assert (await putting).status == 401
    await hub.settled()
    assert hub.connections.all() == []


async def test_a_put_that_meets_the_registration_of_the_same_party_is_refused(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    await registered(hub, alpha)
    alpha.answer(Answer(alpha._details("2.2.1"), delay=0.5), module="details")
    alpha.roles = [("CPO", "NL", "ALF"), ("CPO", "NL", "NEW")]
    putting = asyncio.create_task(alpha.credentials_call("PUT", body=alpha.credentials(alpha.new_token())))
    async with PartyPlatform("Quick", [("CPO", "NL", "NEW")]) as quick:
        while len(alpha.log) < 4:
            await asyncio.sleep(0.01)
        await registered(hub, quick)

    assert (await putting).code == 2001
    assert [str(each) for each in hub.connection("Alpha").parties] == ["NL-ALF"]


@pytest.mark.parametrize(("hub_party_id", "code"), [("DEHUB", 1000), ("X", 2001), (None, 1000)])
async def test_another_hub_is_known_by_its_hub_party_id(
    hub: RunningHouse, beta: PartyPlatform, hub_party_id: str | None, code: int
) -> None:
    token_a = await hub.invite("Beta")
    beta.hub_url = hub.versions_url
    await beta.look_at_hub("2.3.0", token_a)
    given = {**beta.credentials(beta.new_token()), "hub_party_id": hub_party_id}

    assert (await beta.post_credentials(token_a, given)).code == code

    if hub_party_id == "DEHUB":
        assert str(hub.connection("Beta").hub_party) == "DE-HUB"
        assert not hub.connection("Beta").speaks_for(hub.house.roles[0].party)
