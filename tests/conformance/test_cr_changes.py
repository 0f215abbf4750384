"""Registered platforms change their credentials, their parties and their version, or leave.

Source: OCPI 2.2.1, credentials.asciidoc (PUT, DELETE, Updating the credentials); 2.3.0 likewise.
"""

import asyncio
from typing import Any

import pytest

from tests.conformance.conftest import HUB, party_id
from tests.conformance.samples import at, example, unique
from tests.conformance.seen import eventually, known, shown
from tests.conformance.test_cr_registration import comer, looked
from tests.hubs import HubProcess
from tests.parties import CONFIGURATION, Answer, PartyPlatform

__all__ = ["comer"]


async def status(platform: PartyPlatform, token: str) -> int:
    return (await platform.send("GET", platform.hub_url, token=token)).status


@pytest.mark.checklist("CR-18", "CR-20", "CR-11")
async def test_put_answers_a_new_token_and_the_former_ends_when_it_is_used(join: Any) -> None:
    cpo = await join("CPO")
    former = cpo.hub_token

    put = await cpo.put_credentials()
    before_use = await status(cpo, former)
    used = await status(cpo, cpo.hub_token)
    after_use = await status(cpo, former)

    assert put.data["token"] == cpo.hub_token != former
    assert (before_use, used, after_use) == (200, 200, 401)


async def test_a_platform_that_lost_the_answer_to_its_put_goes_on_with_the_former_token(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    former = emsp.hub_token

    lost = await emsp.credentials_call("PUT", body=emsp.credentials(emsp.new_token()))
    routed = await emsp.get("locations", to=cpo.party)
    again = await emsp.put_credentials()

    assert (lost.code, emsp.hub_token != former, routed.code, again.code) == (1000, True, 1000, 1000)
    assert await status(emsp, emsp.hub_token) == 200
    assert [await status(emsp, each) for each in (former, lost.data["token"])] == [401, 401]


@pytest.mark.checklist("CR-19", "CR-21")
async def test_put_has_the_hub_fetch_the_endpoints_again_and_use_them_with_the_new_token_b(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    (old_b,) = emsp.tokens
    emsp.offered = [each for each in emsp.offered if each != ("tokens", "SENDER")]
    before = len(emsp.log)

    put = await emsp.put_credentials()
    seen = [(each.method, each.path) for each in emsp.log[before:] if each.module in CONFIGURATION | {"details"}]
    gone = await cpo.get("tokens", to=emsp.party)
    directed = await cpo.put("locations", at(cpo, "L1"), example("Location.minimal", cpo, id="L1"), to=emsp.party)

    assert put.code == 1000
    assert seen[:2] == [("GET", "/ocpi/versions"), ("GET", "/ocpi/2.2.1/details")]
    assert gone.code == 3003
    assert directed.code == 1000
    assert old_b not in emsp.tokens


@pytest.mark.parametrize("way", [("2.2.1", "2.3.0"), ("2.3.0", "2.2.1")])
async def test_put_to_another_versions_endpoint_switches_to_that_version_and_back(
    way: tuple[str, str], join: Any
) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP", versions=("2.2.1", "2.3.0")[:: 1 if way[0] == "2.3.0" else -1])
    body = example("Location.minimal", cpo)
    seen = []

    for number in (None, way[1], way[0]):
        if number is not None:
            answer = await emsp.put_credentials(version=number)
            assert ("hub_party_id" in answer.data) == (number == "2.3.0")
        location = body | {"id": unique("SWITCH")}
        await cpo.put("locations", at(cpo, location["id"]), location, to=emsp.party)
        (copy,) = await emsp.received(method="PUT", tail=at(cpo, location["id"]))
        seen.append(copy.version)

    assert seen == [way[0], way[1], way[0]]


@pytest.mark.checklist("CR-22", "CR-23", "CR-16", "CR-52")
async def test_delete_ends_the_token_and_all_communication(join: Any, hub: HubProcess) -> None:
    cpo, emsp, witness = await join("CPO"), await join("EMSP"), await join("EMSP")

    deleted = await emsp.credentials_call("DELETE")
    before = len(emsp.log)
    statuses = [
        (await emsp.get("locations", to=cpo.party)).status,
        (await emsp.credentials_call("GET")).status,
        (await emsp.credentials_call("DELETE")).status,
        await status(emsp, emsp.hub_token),
    ]
    directed = await cpo.get("tokens", to=emsp.party)
    await cpo.put("locations", at(cpo, "L1"), example("Location.minimal", cpo, id="L1"), to=HUB)
    await witness.received(module="locations", method="PUT")

    assert (deleted.status, deleted.code) == (200, 1000)
    assert statuses == [401, 401, 401, 401]
    assert directed.code == 4001
    assert emsp.log[before:] == []
    assert emsp.party not in await known(hub)


@pytest.mark.checklist("CR-34")
async def test_a_platform_that_left_registers_again_with_a_new_token_a(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    await emsp.credentials_call("DELETE")
    await emsp.register(hub.versions_url, await hub.invite("again"))

    assert (await cpo.get("tokens", to=emsp.party)).code == 1000


@pytest.mark.checklist("CR-50", "CR-51")
async def test_parties_added_by_put_are_routed_to_and_those_left_out_are_not(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    second = ("EMSP", "BE", party_id())
    address = f"BE-{second[2]}"

    early = await cpo.get("tokens", to=address)
    first, emsp.roles = emsp.party, [*emsp.roles, second]
    await emsp.put_credentials()
    added = [(await cpo.get("tokens", to=each)).code for each in (first, address)]
    emsp.roles = [second]
    await emsp.put_credentials()
    left = [(await cpo.get("tokens", to=each)).code for each in (first, address)]

    assert early.code == 4001
    assert added == [1000, 1000]
    assert left == [4001, 1000]
    assert (await emsp.get("locations", to=cpo.party, sender=first)).code == 2001


@pytest.mark.checklist("CR-31")
async def test_a_put_cannot_take_another_platforms_party(join: Any, hub: HubProcess) -> None:
    cpo, other = await join("CPO"), await join("CPO")
    body = cpo.credentials("token-b")
    body["roles"][0] |= {"party_id": other.roles[0][2].lower()}

    answer = await cpo.credentials_call("PUT", body=body)

    assert (answer.status, answer.code) == (200, 2001)
    assert (await shown(hub, other))["versions_url"] == other.versions_url
    assert (await shown(hub, cpo))["versions_url"] == cpo.versions_url


async def test_an_invitation_limits_the_roles_in_post_and_later_in_put(comer: Any, hub: HubProcess) -> None:
    platform = await comer("EMSP", "CPO")
    both = platform.roles
    token_a = await hub.invite("limited", "EMSP", "NSP")
    platform.hub_url = hub.versions_url
    await platform.look_at_hub("2.2.1", token_a)

    refused = await platform.post_credentials(token_a)
    platform.roles = both[:1]
    taken = await platform.post_credentials(token_a)
    platform.roles = both
    later = await platform.put_credentials()

    assert [answer.code for answer in (refused, taken, later)] == [2001, 1000, 2001]
    assert "CPO" in refused.message


async def test_an_expired_token_a_opens_nothing(hub: HubProcess, comer: Any) -> None:
    cpo = await comer("CPO")
    token_a = (await asyncio.to_thread(hub.emall, "party", "invite", "--name", "late", "--expires", "1s"))["token"]

    async def expired() -> int | None:
        answer = await cpo.send("GET", hub.versions_url, token=token_a)
        return answer.status if answer.status != 200 else None

    assert await eventually(expired) == 401


# -- the hub as Sender -----------------------------------------------------------------------------


async def rotated(hub: HubProcess, platform: PartyPlatform) -> Any:
    return await asyncio.to_thread(hub.emall, "party", "rotate", platform.party)


@pytest.mark.checklist("CR-54", "CR-18")
async def test_the_operator_of_the_hub_replaces_the_tokens_of_a_connection(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    before, (old_b,) = emsp.hub_token, emsp.tokens

    await rotated(hub, emsp)
    routed = [await emsp.get("locations", to=cpo.party), await cpo.get("tokens", to=emsp.party)]

    assert emsp.hub_token != before
    assert old_b not in emsp.tokens
    assert [answer.code for answer in routed] == [1000, 1000]
    assert await status(emsp, before) == 401


@pytest.mark.parametrize("it_took", ["the new token", "nothing"])
async def test_a_rotation_whose_answer_is_lost_locks_nobody_out(it_took: str, join: Any, hub: HubProcess) -> None:
    emsp = await join("EMSP")
    before, offered = emsp.hub_token, []

    def lose(request: Any) -> Answer:
        offered.append(request.json["token"])
        return Answer(http_status=502, body=b"a proxy lost it")

    emsp.answer(lose, module="credentials", method="PUT", times=1)
    with pytest.raises(AssertionError, match="lost"):
        await rotated(hub, emsp)
    used = offered[0] if it_took == "the new token" else before

    assert (await emsp.send("GET", emsp.hub_url, token=used)).status == 200
    emsp.hub_token = used
    emsp.forget_answers()
    await rotated(hub, emsp)
    assert await status(emsp, emsp.hub_token) == 200
    assert await status(emsp, used) == 401


async def test_a_rotation_that_is_refused_changes_nothing(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    before = emsp.hub_token
    emsp.answer(Answer(status_code=2000, status_message="not today"), module="credentials")

    with pytest.raises(AssertionError, match="not today"):
        await rotated(hub, emsp)

    assert (await emsp.credentials_call("GET", token=before)).data["token"] == before
    assert (await cpo.get("tokens", to=emsp.party)).code == 1000


@pytest.mark.parametrize("versions", [("2.2.1",), ("2.2.1", "2.3.0")])
async def test_the_hub_registers_at_a_platform_as_sender(
    versions: tuple[str, ...], join: Any, hub: HubProcess, comer: Any
) -> None:
    cpo, emsp = await join("CPO"), await comer("EMSP", versions=versions)
    token_a = emsp.invite()

    order = ("party", "register", "--url", emsp.versions_url, "--token", token_a)
    registered = await asyncio.to_thread(hub.emall, *order)

    assert (registered["version"], registered["parties"]) == (versions[-1], [emsp.party])
    posted = next(each for each in emsp.log if (each.module, each.method) == ("credentials", "POST"))
    assert posted.json["url"] == hub.versions_url
    assert (await cpo.get("tokens", to=emsp.party)).code == 1000
    assert (await emsp.get("locations", to=cpo.party)).code == 1000


@pytest.mark.checklist("CR-26", "CR-25")
@pytest.mark.parametrize("lack", ["no credentials endpoint", "no mutual version", "a party that is taken"])
async def test_the_hub_does_not_stay_registered_where_it_cannot(
    lack: str, join: Any, hub: HubProcess, comer: Any
) -> None:
    taken, emsp = await join("EMSP"), await comer("EMSP")
    if lack == "no credentials endpoint":
        emsp.answer(Answer({"version": "2.2.1", "endpoints": [
            {"identifier": "tokens", "role": "SENDER", "url": emsp.url("tokens", "SENDER")}
        ]}), module="details")  # fmt: skip
    elif lack == "no mutual version":
        emsp.versions = ["2.1.1"]
    else:
        emsp.roles = taken.roles
    wanted = {"no credentials endpoint": [], "no mutual version": [], "a party that is taken": ["POST", "DELETE"]}

    order = ("party", "register", "--url", emsp.versions_url, "--token", emsp.invite())
    with pytest.raises(AssertionError):
        await asyncio.to_thread(hub.emall, *order)

    assert [each.method for each in emsp.log if each.module == "credentials"] == wanted[lack]
    assert emsp.versions_url not in {(await shown(hub, taken))["versions_url"]}


async def test_looking_does_not_register(comer: Any, hub: HubProcess) -> None:
    cpo = await comer("CPO")

    token_a = await looked(hub, cpo)

    assert [(await cpo.get("locations", token=token_a, to=HUB)).status, cpo.log] == [401, []]
