"""Deliveries: the copies of a push on their way, each to one party, in the order of the pushes.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Broadcast Push, Offline behaviour).
"""

import asyncio
import signal
from typing import Any

import pytest

from hub.ocpi.deliveries import retry
from tests.conformance.conftest import HUB
from tests.conformance.samples import at, example, unique
from tests.conformance.seen import deliveries, eventually, reception, set_option, settled
from tests.conformance.test_br_broadcast import copy, push
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform


async def test_the_states_of_deliveries_are_shown(join: Any, hub: HubProcess) -> None:
    """What has arrived is done, what was refused has failed and says why; both with object and correlation id."""
    cpo, good, bad = await join("CPO"), await join("EMSP"), await join("EMSP")
    bad.answer(Answer(status_code=2001, status_message="not so"), method="PUT", module="locations")
    location = await push(cpo)
    await copy(good, location)
    await settled(hub, good), await settled(hub, bad)

    (done,) = await asyncio.to_thread(hub.emall, "deliveries", "list", "--party", good.party)
    (failed,) = await asyncio.to_thread(hub.emall, "deliveries", "list", "--party", bad.party, "--state", "failed")

    assert (done["state"], done["party"], done["attempts"]) == ("done", good.party, 1)
    assert (failed["state"], failed["party"], failed["attempts"]) == ("failed", bad.party, 1)
    assert "not so" in failed["reason"]
    assert done["object"] == failed["object"] == f"locations/{cpo.party}/{location['id'].upper()}"
    assert done["correlation_id"] == copy_of(good, location).headers["x-correlation-id"] == failed["correlation_id"]


def copy_of(platform: PartyPlatform, location: Any) -> Any:
    return next(each for each in platform.inbox if each.method == "PUT" and each.json == location)


async def test_a_failed_delivery_is_sent_again_on_order_with_the_object_as_it_is_now(
    join: Any, hub: HubProcess
) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    emsp.answer(Answer(status_code=2001), method="PUT", module="locations", times=1)
    location = await push(cpo)
    (failed,) = await settled(hub, emsp)
    assert failed["state"] == "failed"
    newer = {"name": "Newer", "last_updated": "2026-06-01T00:00:00Z"}
    await cpo.patch("locations", at(cpo, location["id"]), newer, to=HUB)
    await emsp.received(method="PATCH", module="locations")

    await asyncio.to_thread(hub.emall, "deliveries", "retry", str(failed["id"]))
    again = (await emsp.received(2, method="PUT", module="locations"))[-1]

    assert again.json == location | newer


async def test_a_retry_of_a_broadcast_sends_nobody_what_was_addressed_to_another(join: Any, hub: HubProcess) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    emsp.answer(Answer(status_code=2001), method="PUT", module="locations", times=1)
    public = await push(cpo)
    await settled(hub, emsp)
    private = public | {"name": "For the other", "last_updated": "2026-06-02T00:00:00Z"}
    await cpo.put("locations", at(cpo, public["id"]), private, to=other.party)
    (failed,) = await deliveries(hub, emsp)

    async with reception(hub) as store:
        await retry(store.database, failed["id"])
    _, again = await emsp.received(2, method="PUT", module="locations")

    assert again.json == public


async def test_a_party_that_wants_the_present_state_is_told_it_when_it_is_back(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    await set_option(hub, emsp.party, present_state=True)

    async def told() -> Any:
        """Miss a push and come back until one is made up for: the setting takes effect within a second."""
        await emsp.close()
        missed = await push(cpo)
        await settled(hub, emsp)
        await emsp.open()
        await emsp.get("hubclientinfo")
        await copy(emsp, await push(cpo))
        return next((each for each in emsp.inbox if each.method == "PUT" and each.json == missed), None)

    arrived = await eventually(told)

    assert arrived.sender == HUB
    assert "told the present state" in str([each["reason"] for each in await settled(hub, emsp)])


async def test_behind_a_slow_connected_party_the_queue_holds_the_newest_state_of_each_object_in_order(
    join: Any, hub: HubProcess
) -> None:
    cpo, slow = await join("CPO"), await join("EMSP")
    gate: list[Any] = []
    slow.answer(Answer(delay=1.0), method="PUT", module="locations", times=1)
    first, second = await push(cpo), await push(cpo)
    await slow.received(method="PUT", module="locations")

    for name in ("one", "two", "three"):
        moment = f"2026-06-0{len(gate) + 1}T00:00:00Z"
        gate.append(await cpo.patch("locations", at(cpo, second["id"]), {"name": name, "last_updated": moment}, to=HUB))
    third = await push(cpo)
    latest = third | {"name": "latest", "last_updated": "2026-06-04T00:00:00Z"}
    await cpo.put("locations", at(cpo, third["id"]), latest, to=HUB)
    came = await slow.received(3, module="locations", method="PUT")
    found = await settled(hub, slow)

    assert [answer.code for answer in gate] == [1000] * 3
    assert [each.json for each in came] == [
        first,
        second | {"name": "three", "last_updated": "2026-06-03T00:00:00Z"},
        latest,
    ]
    assert [each.method for each in slow.inbox if each.module == "locations"].count("PATCH") == 0
    assert [each["state"] for each in found] == ["done"] * 7
    assert sum("conflated" in each["reason"] for each in found) == 4


async def test_a_party_that_answers_3000_gets_the_push_again_while_it_is_connected(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    emsp.answer(Answer(status_code=3000), method="PUT", module="locations", times=1)

    location = await push(cpo)
    first, again = await emsp.received(2, method="PUT", module="locations", timeout=10)
    (delivery,) = await settled(hub, emsp)

    assert first.json == again.json == location
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert first.headers["x-correlation-id"] == again.headers["x-correlation-id"]
    assert (delivery["state"], delivery["attempts"]) == ("done", 2)


@pytest.mark.checklist("HE-08", "HC-18")
async def test_nothing_is_replayed_to_a_party_that_was_away(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    await emsp.close()
    missed = await push(cpo)
    (delivery,) = await settled(hub, emsp)

    await emsp.open()
    await emsp.get("hubclientinfo")
    control = await push(cpo)
    await copy(emsp, control)

    assert (delivery["state"], "pulls" in delivery["reason"]) == ("failed", True)
    assert [each.json["id"] for each in emsp.inbox if (each.method, each.module) == ("PUT", "locations")] == [
        control["id"]
    ]
    assert missed["id"] in {each["id"] for each in (await emsp.get("locations", to=HUB)).data}


@pytest.mark.checklist("HE-08")
async def test_a_directed_push_to_a_party_that_is_away_is_not_queued(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    await emsp.close()
    location = example("Location.minimal", cpo, id=unique("L"))

    refused = await cpo.put("locations", at(cpo, location["id"]), location, to=emsp.party)
    await emsp.open()
    await emsp.get("hubclientinfo")
    control = await push(cpo)
    await copy(emsp, control)

    assert refused.code == 4003
    assert [each.json["id"] for each in emsp.inbox if each.method == "PUT" and each.module == "locations"] == [
        control["id"]
    ]


async def test_for_a_pair_that_keeps_nothing_a_push_is_forwarded_and_not_kept(join: Any, hub: HubProcess) -> None:
    cpo, discreet, emsp = await join("CPO"), await join("EMSP"), await join("EMSP")
    await set_option(hub, discreet.party, keep_nothing=[cpo.party])

    async def forgetful() -> bool | None:
        """Push Locations until one is not kept: the setting takes effect within a second."""
        location = example("Location.minimal", cpo, id=unique("SECRET"))
        answer = await cpo.put("locations", at(cpo, location["id"]), location, to=discreet.party)
        assert answer.code == 1000
        assert copy_of(discreet, location).receiver == discreet.party
        listed = {each["id"] for each in (await discreet.get("locations", to=HUB)).data}
        return True if location["id"] not in listed else None

    await eventually(forgetful, seconds=2)
    kept = example("Location.minimal", cpo, id=unique("KEPT"))
    await cpo.put("locations", at(cpo, kept["id"]), kept, to=emsp.party)

    assert {each["id"] for each in (await emsp.get("locations", to=HUB)).data} == {kept["id"]}


async def test_an_acknowledged_push_is_delivered_after_the_hub_was_killed(
    join: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    killed = HubProcess(tmp_path_factory.mktemp("killed") / "data").start()
    cpo, slow = await join("CPO", at=killed), await join("EMSP", at=killed)
    slow.answer(Answer(delay=0.5), method="PUT", module="locations", times=1)
    await push(cpo)
    await slow.received(method="PUT", module="locations")
    waiting = await push(cpo)

    killed.stop(signal.SIGKILL)
    assert [each["state"] for each in await deliveries(killed, slow)] == ["pending", "pending"]
    killed.start()
    received = await copy(slow, waiting)

    assert received.sender == HUB
    assert {each["state"] for each in await settled(killed, slow)} == {"done"}
    await asyncio.gather(*(each.credentials_call("DELETE") for each in (cpo, slow)))
    assert killed.stop() == 0
