"""Platforms of 2.2.1 and of 2.3.0 behind one hub: each hears the other in its own version.

Source: OCPI 2.2.1 and 2.3.0, the object tables; changelog.asciidoc of 2.3.0.
"""

import json
from typing import Any

import pytest

from hub.ocpi.modules.cdrs import CDR
from hub.ocpi.modules.locations import Location
from hub.ocpi.modules.sessions import Session
from hub.ocpi.modules.tariffs import Tariff
from hub.ocpi.modules.tokens import Token
from hub.ocpi.versions import VERSIONS
from tests.conformance.conftest import HUB
from tests.conformance.samples import arrival, at, cdr, command, example, report, session, unique
from tests.conformance.test_ga_get_all import of

WAYS = [("2.2.1", "2.3.0"), ("2.3.0", "2.2.1")]
BOTH = pytest.mark.parametrize(("sent", "heard"), WAYS, ids=["up", "down"])


@BOTH
@pytest.mark.parametrize("size", ["minimal", "full"])
async def test_what_is_broadcast_is_valid_in_the_receivers_version(size: str, sent: str, heard: str, join: Any) -> None:
    cpo, emsp = await join("CPO", versions=(sent,)), await join("EMSP", versions=(heard,))
    same = await join("EMSP", versions=(sent,))
    location = example(f"Location.{size}", cpo, version=sent, id=unique("L"))
    tariff = example(f"Tariff.{size}", cpo, version=sent, id=unique("T"))
    card = example(f"Token.{size}", emsp, version=heard, uid=unique("U"))

    await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
    await cpo.put("tariffs", at(cpo, tariff["id"]), tariff, to=HUB)
    await emsp.put("tokens", at(emsp, card["uid"]), card, to=HUB, query={"type": card["type"]})

    for platform, module, declared, version in (
        (emsp, "locations", Location, heard),
        (emsp, "tariffs", Tariff, heard),
        (cpo, "tokens", Token, sent),
    ):
        copy = await arrival(platform, method="PUT", module=module)
        VERSIONS[version].judge(copy.body, declared)
        assert copy.version == version
    for module, value in (("locations", location), ("tariffs", tariff)):
        assert (await arrival(same, method="PUT", module=module)).json == value


@BOTH
async def test_sessions_and_cdrs_arrive_in_the_receivers_version_with_the_same_money(
    sent: str, heard: str, join: Any
) -> None:
    cpo, emsp = await join("CPO", versions=(sent,)), await join("EMSP", versions=(heard,))
    running, bill = session(cpo, emsp), cdr(cpo, emsp, size="full")

    answers = [
        await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party),
        await cpo.post("cdrs", "", bill, to=emsp.party),
    ]
    heard_session = await arrival(emsp, method="PUT", module="sessions")
    heard_bill = await arrival(emsp, method="POST", module="cdrs")

    assert [answer.code for answer in answers] == [1000, 1000]
    VERSIONS[heard].judge(heard_session.body, Session)
    VERSIONS[heard].judge(heard_bill.body, CDR)
    amount = {"2.2.1": "excl_vat", "2.3.0": "before_taxes"}
    assert heard_bill.json["total_cost"][amount[heard]] == bill["total_cost"][amount[sent]]
    assert heard_bill.json["last_updated"] == bill["last_updated"]


@BOTH
async def test_a_patch_is_said_in_the_receivers_version(sent: str, heard: str, join: Any) -> None:
    cpo, emsp = await join("CPO", versions=(sent,)), await join("EMSP", versions=(heard,))
    location = example("Location.minimal", cpo, version=sent, id=unique("L"))
    await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
    change = {"facilities": ["CAFE"], "last_updated": "2026-05-01T10:00:00Z", "x_unknown": {"kept": True}}

    await cpo.patch("locations", at(cpo, location["id"]), change, to=HUB)
    copy = await arrival(emsp, method="PATCH", module="locations")

    VERSIONS[heard].judge(copy.body, Location, partial=True)
    assert copy.json == change


@BOTH
async def test_lists_are_answered_in_the_askers_version(sent: str, heard: str, join: Any) -> None:
    cpo, emsp = await join("CPO", versions=(sent,)), await join("EMSP", versions=(heard,))
    location = example("Location.full", cpo, version=sent, id=unique("L"))
    cpo.objects["tariffs"] = [example("Tariff.full", cpo, version=sent)]
    await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)

    (listed,) = await of(emsp, cpo)
    single = await emsp.get("locations", at(cpo, location["id"]), role="RECEIVER", to=HUB)
    routed = await emsp.get("tariffs", to=cpo.party)

    for value, declared in ((listed, Location), (single.data, Location), (routed.data[0], Tariff)):
        VERSIONS[heard].judge(json.dumps(value).encode(), declared)
    assert listed["last_updated"] == location["last_updated"]


@BOTH
async def test_unknown_fields_pass_through_a_translation(sent: str, heard: str, join: Any) -> None:
    cpo, emsp = await join("CPO", versions=(sent,)), await join("EMSP", versions=(heard,))
    extra = {"x_vendor": {"deep": [1, {"a": "é"}], "number": 1.5}}
    evse = example("EVSE.minimal", version=sent) | extra
    location = example("Location.minimal", cpo, version=sent, id=unique("L"), evses=[evse]) | extra

    await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
    copy = await arrival(emsp, method="PUT", module="locations")

    assert copy.json["x_vendor"] == extra["x_vendor"]
    assert copy.json["evses"][0]["x_vendor"] == extra["x_vendor"]


@BOTH
async def test_a_command_and_its_result_cross_versions(sent: str, heard: str, join: Any) -> None:
    emsp, cpo = await join("EMSP", versions=(sent,)), await join("CPO", versions=(heard,))
    body = command("StartSession", emsp, location_id="LOC")

    answer = await emsp.post("commands", "/START_SESSION", body, to=cpo.party)
    asked = await arrival(cpo, module="commands", method="POST")
    result = await report(cpo, asked.json["response_url"], {"result": "ACCEPTED"}, to=emsp.party)
    told = await arrival(emsp, module="commands", method="POST")

    assert (answer.code, answer.data["result"], result.code) == (1000, "ACCEPTED", 1000)
    assert f"/{heard}/" in asked.json["response_url"]
    assert told.json == {"result": "ACCEPTED"}


async def test_a_hub_of_2_3_0_tells_its_clients_of_2_2_1_of_parties_and_the_reverse(join: Any) -> None:
    newer, older = await join("EMSP", versions=("2.3.0",)), await join("CPO")

    for platform, other in ((newer, older), (older, newer)):
        listed = [each async for page in platform.pages("hubclientinfo") for each in page.data]
        assert other.roles[0][2] in {each["party_id"] for each in listed}


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_traffic_within_a_version_passes_byte_for_byte(version: str, join: Any) -> None:
    cpo, emsp = await join("CPO", versions=(version,)), await join("EMSP", versions=(version,))
    identifier = unique("L")
    value = example("Location.full", cpo, version=version, id=identifier)
    content = json.dumps(value, indent=3).replace('"publish"', ' "publish" ').encode()

    for to in (HUB, emsp.party):
        answer = await cpo.call("PUT", "locations", at(cpo, identifier), to=to, content=content)
        assert answer.code == 1000
    copies = await emsp.received(2, method="PUT", module="locations")

    assert [copy.body for copy in copies] == [content, content]
