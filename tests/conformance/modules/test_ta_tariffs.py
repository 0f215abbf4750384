"""Tariffs through the hub: put, read, listed, deleted.

Source: OCPI 2.2.1, mod_tariffs.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.samples import HUB, arrival, at, example, unique
from tests.parties import Answer, PartyPlatform


async def put(cpo: PartyPlatform, to: str = HUB, **changes: Any) -> Any:
    """Push a Tariff, and return it."""
    value = example("Tariff.minimal", cpo, **{"id": unique("TARIFF")} | changes)
    answer = await cpo.put("tariffs", at(cpo, value["id"]), value, to=to)
    assert (answer.status, answer.code) == (201, 1000)
    return value


@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.parametrize("way", ["broadcast", "directed"])
@pytest.mark.checklist("TA-01")
async def test_a_tariff_arrives_as_it_was(size: str, way: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = example(f"Tariff.{size}", cpo, id=unique("TARIFF"))

    answer = await cpo.put("tariffs", at(cpo, value["id"]), value, to=HUB if way == "broadcast" else emsp.party)

    copy = await arrival(emsp, tail=at(cpo, value["id"]))
    assert (answer.status, answer.code) == (201, 1000)
    assert (copy.method, copy.role, copy.json) == ("PUT", "RECEIVER", value)


@pytest.mark.checklist("TA-02")
async def test_a_cpo_reads_its_tariff_from_the_hub_and_from_an_emsp(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(cpo)
    await arrival(emsp, tail=at(cpo, value["id"]), method="PUT")

    answers = [await cpo.get("tariffs", at(cpo, value["id"]), role="RECEIVER", to=each) for each in (HUB, emsp.party)]

    assert [(each.code, each.data) for each in answers] == [(1000, value)] * 2
    assert (await arrival(emsp, tail=at(cpo, value["id"]), method="GET")).role == "RECEIVER"


@pytest.mark.parametrize("way", ["broadcast", "directed"])
@pytest.mark.checklist("TA-03")
async def test_a_deleted_tariff_is_gone_from_the_hub_and_its_delete_reaches_the_emsp(
    way: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    to = HUB if way == "broadcast" else emsp.party
    value = await put(cpo, to)
    tail = at(cpo, value["id"])
    await arrival(emsp, tail=tail, method="PUT")

    answer = await cpo.delete("tariffs", tail, to=to)

    assert (answer.status, answer.code) == (200, 1000)
    assert (await arrival(emsp, tail=tail, method="DELETE")).body == b""
    assert (await cpo.get("tariffs", tail, role="RECEIVER", to=HUB)).status == 404
    assert value["id"] not in [each["id"] async for page in emsp.pages("tariffs", to=HUB) for each in page.data]


@pytest.mark.checklist("TA-04")
async def test_an_emsp_lists_the_tariffs_of_the_hub_and_of_a_party(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(cpo)
    cpo.objects["tariffs"] = [value]

    everyones = [each async for page in emsp.pages("tariffs", to=HUB) for each in page.data]
    theirs = await emsp.get("tariffs", to=cpo.party)

    assert value in everyones
    assert theirs.data == [value]


@pytest.mark.parametrize(
    "changes",
    [
        {"elements": [{"price_components": [{"type": "FLAT", "price": 0.0, "step_size": 0}]}]},
        {"type": "AD_HOC_PAYMENT", "elements": [{"price_components": [{"type": "TIME", "price": 2, "step_size": 60}]}]},
        {"type": "PROFILE_GREEN"},
    ],
)
@pytest.mark.checklist("TA-05")
async def test_free_of_charge_and_ad_hoc_tariffs_pass(changes: Any, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(cpo, emsp.party, **changes)

    assert (await arrival(emsp, tail=at(cpo, value["id"]))).json == value


@pytest.mark.checklist("TA-06")
async def test_an_emsps_error_for_the_delete_of_an_unknown_tariff_reaches_the_cpo(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    tail = at(cpo, unique("TARIFF"))
    emsp.answer(Answer(None, 2001, 404, "no such Tariff"), tail=tail)

    directed = await cpo.delete("tariffs", tail, to=emsp.party)
    broadcast = await cpo.delete("tariffs", tail, to=HUB)

    assert (directed.status, directed.code, directed.message) == (404, 2001, "no such Tariff")
    assert (broadcast.code, len(await emsp.received(tail=tail))) == (2001, 1)


@pytest.mark.checklist("TA-07")
async def test_a_tariff_cannot_be_patched(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(cpo)

    answers = [await cpo.patch("tariffs", at(cpo, value["id"]), value, to=each) for each in (HUB, emsp.party)]

    assert [(each.status, each.headers["allow"]) for each in answers] == [(405, "DELETE, GET, PUT")] * 2
    assert not [each for each in emsp.inbox if each.method == "PATCH" and each.module == "tariffs"]
