"""HubClientInfo: who is connected, as the hub lists it and pushes it.

Source: OCPI 2.2.1, mod_hub_client_info.asciidoc.
"""

import asyncio
import re
from typing import Any

import pytest

from hub.credentials import admin
from hub.ocpi.messages import Party
from tests.conformance.conftest import HUB, party_id
from tests.conformance.samples import at, example
from tests.conformance.seen import client_info, eventually, reception, settled, told
from tests.hubs import HubProcess
from tests.parties import Answer, Oddities, PartyPlatform

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
STATUSES = {"CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"}
OUTSIDE = ("CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP")


async def entries(platform: PartyPlatform, **query: Any) -> list[Any]:
    return [each async for page in platform.pages("hubclientinfo", query=query or None) for each in page.data]


@pytest.mark.checklist("HC-01", "HC-02", "HC-03", "HC-04", "HC-10")
async def test_the_hub_lists_connected_parties_as_valid_client_infos(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    listed = await entries(cpo)

    for each in listed:
        assert set(each) == {"party_id", "country_code", "role", "status", "last_updated"}
        assert (len(each["party_id"]), len(each["country_code"])) == (3, 2)
        assert each["role"] in OUTSIDE
        assert each["status"] in STATUSES
        assert DATE_TIME.fullmatch(each["last_updated"])
    assert (await client_info(cpo, emsp.party))["EMSP"]["status"] == "CONNECTED"
    assert (await client_info(emsp, cpo.party))["CPO"]["status"] == "CONNECTED"


@pytest.mark.checklist("HC-01")
async def test_the_list_carries_no_routing_headers_and_needs_none(join: Any) -> None:
    cpo = await join("CPO", "EMSP")  # with two parties a functional module would need OCPI-from

    answer = await cpo.get("hubclientinfo")

    assert (answer.status, answer.code, answer.sender, answer.receiver) == (200, 1000, None, None)


@pytest.mark.checklist("HC-05")
async def test_the_list_is_paginated(join: Any) -> None:
    cpo = await join(*["CPO"] * 5)

    whole = await entries(cpo)
    pages = [page async for page in cpo.pages("hubclientinfo", query={"limit": 2})]
    by_offset = await cpo.get("hubclientinfo", query={"offset": len(whole) - 2, "limit": 2})

    assert [each for page in pages for each in page.data] == whole
    assert {len(page.data) for page in pages[:-1]} == {2}
    assert {page.headers["x-total-count"] for page in pages} == {str(len(whole))}
    assert all(int(page.headers["x-limit"]) >= 2 for page in pages)
    assert by_offset.data == whole[-2:]
    assert "link" not in by_offset.headers
    assert (await cpo.get("hubclientinfo", query={"limit": "two"})).code == 2001


@pytest.mark.checklist("HC-06")
async def test_date_from_is_inclusive_and_date_to_exclusive(join: Any) -> None:
    cpo = await join("CPO")
    mine = (await client_info(cpo, cpo.party))["CPO"]
    at_it = mine["last_updated"]

    since = await client_info(cpo, cpo.party, date_from=at_it)
    until = await client_info(cpo, cpo.party, date_to=at_it)
    future = await entries(cpo, date_from="2099-01-01T00:00:00Z")
    wrong = await cpo.get("hubclientinfo", query={"date_from": "yesterday"})

    assert since["CPO"] == mine
    assert until == {}
    assert future == []
    assert wrong.code == 2001


@pytest.mark.checklist("HC-07", "HC-15")
async def test_each_role_of_a_party_is_listed_and_those_added_by_put_too(join: Any) -> None:
    witness, platform = await join("EMSP"), await join("CPO")
    first = platform.roles[0]
    added = ("NSP", "BE", party_id())
    platform.roles = [first, ("EMSP", *first[1:]), added]

    await platform.put_credentials()
    pushed = await told(witness, f"BE-{added[2]}", "CONNECTED")
    listed = await client_info(witness, platform.party)

    assert {role: each["status"] for role, each in listed.items()} == {"CPO": "CONNECTED", "EMSP": "CONNECTED"}
    assert pushed["role"] == "NSP"


@pytest.mark.checklist("HC-08", "HC-09")
async def test_a_new_party_is_put_to_the_connected_parties_without_routing_headers(join: Any) -> None:
    witness, newer = await join("EMSP"), await join("EMSP", versions=("2.3.0",))

    cpo = await join("CPO")
    _, country_code, pid = cpo.roles[0]
    pushes = []
    for platform in (witness, newer):
        value = await told(platform, cpo.party, "CONNECTED")
        pushes += [each for each in platform.inbox if each.module == "hubclientinfo" and each.json == value]

    for push in pushes:
        assert (push.method, push.role, push.tail) == ("PUT", "RECEIVER", f"/{country_code}/{pid}")
        assert not [name for name in push.headers if name.startswith("ocpi-")]
        assert push.headers["x-request-id"] and push.headers["x-correlation-id"]
        assert set(push.json) == {"party_id", "country_code", "role", "status", "last_updated"}
        assert push.json == (await client_info(witness, cpo.party))["CPO"]
    assert not [each for each in cpo.inbox if each.tail == f"/{country_code}/{pid}"]


@pytest.mark.checklist("HC-11", "HC-12")
async def test_who_leaves_is_suspended_in_the_list_and_told_so(join: Any) -> None:
    witness, leaving = await join("EMSP"), await join("CPO")
    before = (await client_info(witness, leaving.party))["CPO"]

    await leaving.credentials_call("DELETE")
    pushed = await told(witness, leaving.party, "SUSPENDED")

    assert (await client_info(witness, leaving.party))["CPO"] == pushed
    assert pushed["last_updated"] > before["last_updated"]


@pytest.mark.checklist("HC-12")
async def test_a_party_left_out_of_a_put_is_suspended(join: Any) -> None:
    witness, platform = await join("EMSP"), await join("CPO", "CPO")
    left = platform.roles.pop()

    await platform.put_credentials()

    assert (await told(witness, f"NL-{left[2]}", "SUSPENDED"))["role"] == "CPO"
    assert (await client_info(witness, platform.party))["CPO"]["status"] == "CONNECTED"


async def test_who_the_operator_suspends_and_resumes_is_told_and_shut_out_meanwhile(join: Any, hub: HubProcess) -> None:
    witness, cpo = await join("EMSP"), await join("CPO")

    await asyncio.to_thread(hub.emall, "party", "suspend", cpo.party)
    await told(witness, cpo.party, "SUSPENDED")
    directed, own = await witness.get("locations", to=cpo.party), await cpo.get("tokens", to=witness.party)
    await asyncio.to_thread(hub.emall, "party", "resume", cpo.party)

    async def resumed() -> bool | None:
        """Within a second the running hub has heard of what the command did."""
        return True if (await witness.get("locations", to=cpo.party)).code == 1000 else None

    await eventually(resumed, seconds=2)
    assert (directed.code, own.status) == (4003, 401)
    assert (await client_info(witness, cpo.party))["CPO"]["status"] == "CONNECTED"


@pytest.mark.checklist("HC-14")
async def test_parties_without_the_endpoint_are_not_called_and_failing_ones_stay_connected(join: Any) -> None:
    deaf = await join("EMSP", offered=[("locations", "RECEIVER"), ("tokens", "SENDER")])
    failing, refusing, witness = await join("EMSP"), await join("EMSP"), await join("EMSP")
    failing.answer(Answer(http_status=500, body=b"broken"), module="hubclientinfo")
    refusing.answer(Answer(status_code=2001), module="hubclientinfo")

    cpo = await join("CPO")
    await told(witness, cpo.party, "CONNECTED")
    await told(failing, cpo.party, "CONNECTED")
    await told(refusing, cpo.party, "CONNECTED")

    assert not [each for each in deaf.inbox if each.module == "hubclientinfo"]
    for platform in (deaf, failing, refusing):
        assert (await client_info(witness, platform.party))["EMSP"]["status"] == "CONNECTED"
        assert (await cpo.get("tokens", to=platform.party)).code == 1000


@pytest.mark.checklist("HC-16")
async def test_who_is_only_invited_is_absent_or_planned(join: Any, hub: HubProcess) -> None:
    witness, pid = await join("EMSP"), party_id()
    before = await entries(witness)

    await hub.invite("invited only")
    absent = await entries(witness)
    async with reception(hub) as store:
        await admin.invite(store, hub.versions_url, name="planned", parties=[("CPO", Party("NL", pid))])
    pushed = await told(witness, f"NL-{pid}", "PLANNED")

    assert absent == before
    assert (await client_info(witness, f"NL-{pid}"))["CPO"] == pushed
    assert (await witness.get("locations", to=f"NL-{pid}")).code in (4001, 4003)


@pytest.mark.checklist("HC-18", "HC-13")
async def test_an_offline_party_is_named_in_the_list_and_pushes_for_it_are_not_queued(
    join: Any, hub: HubProcess
) -> None:
    cpo, emsp, witness = await join("CPO"), await join("EMSP"), await join("EMSP")
    await emsp.close()

    refused = await cpo.get("tokens", to=emsp.party)
    await told(witness, emsp.party, "OFFLINE")
    await cpo.put("locations", at(cpo, "L1"), example("Location.minimal", cpo, id="L1"), to=HUB)
    (delivery,) = [each for each in await settled(hub, emsp) if each["object"].startswith("locations")]

    assert refused.code == 4003
    assert (await client_info(cpo, emsp.party))["EMSP"]["status"] == "OFFLINE"
    assert delivery["state"] == "failed"
    assert "party offline" in delivery["reason"]


async def test_a_lower_case_platform_is_addressed_in_lower_case(join: Any) -> None:
    quirky = await join("EMSP", oddities=Oddities(lower_case_ids=True))

    cpo = await join("CPO")
    await told(quirky, cpo.party, "CONNECTED")

    tails = {each.tail for each in quirky.inbox if each.module == "hubclientinfo"}
    assert f"/nl/{cpo.roles[0][2].lower()}" in tails
