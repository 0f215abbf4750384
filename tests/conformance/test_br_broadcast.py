"""Broadcast Push: what a client pushes to the hub reaches all connected clients of the opposite role.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Broadcast Push; Party to Party Broadcast Push).
"""

import asyncio
import time
from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import at, cdr, example, session, token, unique
from tests.conformance.seen import settled
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform, Received, Reply

LATER = "2026-05-01T10:00:00Z"


async def push(cpo: PartyPlatform, *, to: str = HUB, sender: str | None = None, **changes: Any) -> Any:
    """Have a CPO push a Location to the hub, and return it."""
    _, country_code, pid = next(role for role in cpo.roles if sender in (None, f"{role[1]}-{role[2]}"))
    owner = {"country_code": country_code, "party_id": pid}
    location = example("Location.minimal", version=cpo.version, id=unique("BR")) | owner | changes
    answer = await cpo.put("locations", f"/{country_code}/{pid}/{location['id']}", location, to=to, sender=sender)
    assert (answer.status, answer.code) == (201, 1000), answer.message
    return location


def copies(platform: PartyPlatform, location: Any) -> list[Received]:
    return [each for each in platform.inbox if each.method == "PUT" and each.body and each.json == location]


async def copy(platform: PartyPlatform, location: Any) -> Received:
    await platform.received(method="PUT", tail=f"/{location['country_code']}/{location['party_id']}/{location['id']}")
    (found,) = copies(platform, location)
    return found


@pytest.mark.checklist("BR-01", "BR-02", "BR-06", "BR-07", "BR-09")
async def test_a_push_of_a_cpo_reaches_the_opposite_roles_that_have_the_module_and_nobody_else(
    join: Any, hub: HubProcess
) -> None:
    cpo, emsp, nsp, other = await join("CPO"), await join("EMSP"), await join("NSP"), await join("OTHER")
    rival = await join("CPO", offered=[("locations", "SENDER"), ("locations", "RECEIVER")])
    without = await join("EMSP", offered=[("tokens", "SENDER"), ("cdrs", "RECEIVER")])

    location = await push(cpo)
    for platform in (emsp, nsp, other):
        await copy(platform, location)

    for platform in (cpo, rival, without):
        assert await settled(hub, platform) == []
        assert copies(platform, location) == []


@pytest.mark.checklist("BR-03", "BR-04", "BR-05")
async def test_copies_come_from_the_hub_to_the_receiving_party_at_the_owners_url(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    location = example("Location.full", cpo, id="F1")

    answer = await cpo.put("locations", at(cpo, "F1"), location, to=HUB)
    received = await copy(emsp, location)

    assert (answer.sender, answer.receiver) == (HUB, cpo.party)
    assert (received.sender, received.receiver) == (HUB, emsp.party)
    assert (received.tail, received.json["last_updated"]) == (at(cpo, "F1"), location["last_updated"])


@pytest.mark.checklist("BR-08", "BR-02")
async def test_pushes_of_other_go_to_cpos_only(join: Any, hub: HubProcess) -> None:
    other, cpo, emsp = await join("OTHER"), await join("CPO"), await join("EMSP")
    another = await join("EMSP", offered=[("tokens", "RECEIVER"), ("tokens", "SENDER")])
    value = token(other, uid=unique("UID"))

    answer = await other.put("tokens", at(other, value["uid"]), value, to=HUB)
    (received,) = await cpo.received(module="tokens", method="PUT")

    assert answer.code == 1000
    assert received.json == value
    for platform in (emsp, another):
        assert await settled(hub, platform) == []


def broadcast_parts(owner: PartyPlatform) -> list[tuple[str, str, Any, tuple[str, ...]]]:
    """Return (method, module, body, path) of all pushes that may be everyone's, in an order that works."""
    evse = example("EVSE.minimal", uid="E1")
    location = example("Location.minimal", owner, id="L1", evses=[evse])
    moment = {"last_updated": LATER}
    return [
        ("PUT", "locations", location, ("L1",)),
        ("PATCH", "locations", {"name": "New", **moment}, ("L1",)),
        ("PUT", "locations", evse | moment, ("L1", "E1")),
        ("PATCH", "locations", {"status": "BLOCKED", **moment}, ("L1", "E1")),
        ("PUT", "locations", evse["connectors"][0] | moment, ("L1", "E1", "1")),
        ("PATCH", "locations", {"max_voltage": 401, **moment}, ("L1", "E1", "1")),
        ("PUT", "tariffs", example("Tariff.minimal", owner, id="T1"), ("T1",)),
        ("DELETE", "tariffs", None, ("T1",)),
    ]


@pytest.mark.checklist("BR-14", "BR-20", "BR-04")
async def test_locations_of_all_levels_tariffs_and_their_delete_are_broadcast(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    for method, module, body, path in broadcast_parts(cpo):
        answer = await cpo.call(method, module, at(cpo, *path), to=HUB, body=body)
        assert answer.code == 1000, (method, path, answer.message)
        came = await emsp.received(method=method, module=module, tail=at(cpo, *path))
        assert (came[-1].json, came[-1].sender) == (body, HUB)


@pytest.mark.checklist("BR-14")
async def test_tokens_are_broadcast(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    value = token(emsp, uid="U1")

    await emsp.put("tokens", at(emsp, "U1"), value, to=HUB)
    await cpo.received(method="PUT", module="tokens")
    await emsp.patch("tokens", at(emsp, "U1"), {"valid": False, "last_updated": LATER}, to=HUB)

    (patched,) = await cpo.received(method="PATCH", module="tokens")
    assert patched.json == {"valid": False, "last_updated": LATER}


@pytest.mark.checklist("BR-10", "BR-11")
@pytest.mark.parametrize("trouble", ["refuses", "breaks", "is away"])
async def test_what_goes_wrong_at_one_receiver_concerns_neither_the_sender_nor_the_others(
    trouble: str, join: Any
) -> None:
    cpo, bad, good = await join("CPO"), await join("EMSP"), await join("EMSP")
    if trouble == "refuses":
        bad.answer(Answer(http_status=404, status_code=2003), method="PUT")
    elif trouble == "breaks":
        bad.answer(Answer(http_status=500, body=b"<html>"), method="PUT")
    else:
        await bad.close()

    location = await push(cpo)

    assert (await copy(good, location)).sender == HUB


@pytest.mark.checklist("BR-12")
@pytest.mark.parametrize("module", ["locations", "tariffs", "tokens", "sessions", "cdrs"])
async def test_a_get_to_the_hub_is_never_spread(module: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    asking, owner = (cpo, emsp) if module == "tokens" else (emsp, cpo)
    await owner.get("hubclientinfo")
    await owner.received(method="GET", module=module)  # the hub's own pull, once it has heard of the platform
    before = len(owner.inbox)

    answer = await asking.get(module, to=HUB, query={"date_from": "2026-01-01T00:00:00Z"})

    assert (answer.code, answer.sender) == (1000, HUB)
    assert [each for each in owner.inbox[before:] if (each.method, each.module) == ("GET", module)] == []


@pytest.mark.checklist("BR-13")
async def test_cdrs_sessions_and_commands_to_the_hub_are_refused_and_nobody_is_called(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    value = session(cpo, emsp)
    start = example("StartSession.minimal", response_url=emsp.url("commands", "SENDER") + "/1", token=token(emsp))

    answers = [
        await cpo.post("cdrs", "", cdr(cpo, emsp), to=HUB),
        await cpo.put("sessions", at(cpo, value["id"]), value, to=HUB),
        await cpo.patch("sessions", at(cpo, value["id"]), {"kwh": 1, "last_updated": LATER}, to=HUB),
        await emsp.post("commands", "/START_SESSION", start, to=HUB),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(200, 2000)] * 4
    assert [each for each in (*emsp.inbox, *cpo.inbox) if each.method != "GET" and each.module != "hubclientinfo"] == []


@pytest.mark.checklist("BR-15", "BR-18", "BR-03")
async def test_every_party_of_a_platform_gets_one_copy(join: Any) -> None:
    cpo, platform = await join("CPO"), await join("EMSP", "EMSP", "NSP")

    location = await push(cpo)
    tail = at(cpo, location["id"])
    came = await platform.received(3, method="PUT", tail=tail)
    control = await push(cpo)
    await platform.received(3, method="PUT", tail=at(cpo, control["id"]))

    assert sorted(each.receiver or "" for each in came) == sorted(f"NL-{role[2]}" for role in platform.roles)
    assert len(copies(platform, location)) == 3


@pytest.mark.checklist("BR-19", "BR-11")
async def test_a_hanging_receiver_delays_neither_the_sender_nor_the_others(join: Any) -> None:
    cpo, hanging, good = await join("CPO"), await join("EMSP"), await join("EMSP")
    hanging.answer(Answer(delay=1.5), method="PUT")
    started = time.monotonic()

    for _ in range(3):
        await copy(good, await push(cpo))

    assert time.monotonic() - started < 1.5


@pytest.mark.checklist("BR-21")
@pytest.mark.parametrize("address", ["nl-hub", "Nl-hUb"])
async def test_the_hubs_id_has_no_case(address: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    location = await push(cpo, to=address)

    assert (await copy(emsp, location)).sender == HUB


@pytest.mark.checklist("BR-22", "BR-02")
async def test_a_party_of_both_roles_pushes_locations_as_cpo_and_tokens_as_emsp(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    both = await join("CPO", "EMSP")
    both.roles = [both.roles[0], ("EMSP", *both.roles[0][1:])]
    await both.put_credentials()
    value = token(both, uid="U1")

    location = await push(both)
    await both.put("tokens", at(both, "U1"), value, to=HUB)
    await copy(emsp, location)
    await cpo.received(method="PUT", module="tokens")
    theirs = await push(cpo)
    await copy(both, theirs)

    assert copies(cpo, location) == []
    assert [each for each in emsp.inbox if each.module == "tokens" and each.method == "PUT"] == []
    assert copies(both, location) == []
    assert len(await settled(hub, both)) == 1


@pytest.mark.checklist("BR-23")
async def test_who_registers_later_is_not_sent_old_pushes(join: Any, hub: HubProcess) -> None:
    cpo, first = await join("CPO"), await join("EMSP")
    location = await push(cpo)
    await copy(first, location)

    late = await join("EMSP")
    control = await push(cpo)
    await copy(late, control)

    assert copies(late, location) == []
    assert [each["object"].rsplit("/", 1)[-1] for each in await settled(hub, late)] == [control["id"].upper()]
    assert location["id"] in {each["id"] for each in (await late.get("locations", to=HUB)).data}


async def refusal_of(cpo: PartyPlatform, body: Any, *path: str, method: str = "PATCH") -> Reply:
    return await cpo.call(method, "locations", at(cpo, *path), to=HUB, body=body)


@pytest.mark.checklist("CO-10", "CO-11", "CO-12")
async def test_the_hub_judges_a_broadcast_itself_and_spreads_nothing_it_refuses(join: Any, hub: HubProcess) -> None:
    cpo, stranger, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    location = await push(cpo)
    own, theirs = location["id"], at(stranger, "X")
    before = await settled(hub, emsp)

    answers = {
        "unknown object": await refusal_of(cpo, {"name": "x", "last_updated": LATER}, "NOT-HERE"),
        "unknown EVSE": await refusal_of(cpo, {"status": "BLOCKED", "last_updated": LATER}, own, "NO-EVSE"),
        "no last_updated": await refusal_of(cpo, {"name": "x"}, own),
        "wrong enum": await refusal_of(cpo, {"parking_type": "FIELD", "last_updated": LATER}, own),
        "field missing": await refusal_of(
            cpo, {name: value for name, value in location.items() if name != "city"}, own, method="PUT"
        ),
        "foreign owner": await cpo.put("locations", theirs, example("Location.minimal", stranger, id="X"), to=HUB),
    }

    assert {name: answer.code for name, answer in answers.items()} == {
        "unknown object": 2003,
        "unknown EVSE": 2003,
        "no last_updated": 2001,
        "wrong enum": 2001,
        "field missing": 2001,
        "foreign owner": 2001,
    }
    assert "last_updated" in answers["no last_updated"].message
    assert "parking_type" in answers["wrong enum"].message
    assert await settled(hub, emsp) == before
    assert (await emsp.get("locations", at(cpo, own), role="RECEIVER", to=HUB)).data == location


async def test_broadcasts_at_once_each_arrive_once(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    pushed = await asyncio.gather(*(push(cpo) for _ in range(20)))

    for location in pushed:
        await copy(emsp, location)
