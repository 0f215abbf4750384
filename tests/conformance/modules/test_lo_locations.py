"""Locations through the hub, as a CPO and its eMSPs see them.

Source: OCPI 2.2.1, mod_locations.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.samples import HUB, arrival, at, example, unique
from tests.parties import Answer, PartyPlatform

LATER = "2026-05-01T10:00:00Z"


async def published(cpo: PartyPlatform, *heard_by: PartyPlatform, **changes: Any) -> Any:
    """Push a Location with an EVSE and a Connector to the hub, and return it once these platforms have it.

    A change that follows before a copy has gone out may be sent with it as one.
    """
    evse = example("EVSE.minimal", uid="E1")
    location = example("Location.minimal", cpo, id=unique("LOC"), evses=[evse], **changes)
    answer = await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
    assert (answer.status, answer.code) == (201, 1000)
    for each in heard_by:
        await arrival(each, tail=at(cpo, location["id"]), method="PUT")
    return location


async def kept(cpo: PartyPlatform, location: Any) -> Any:
    """Return a Location as the hub has it now."""
    return (await cpo.get("locations", at(cpo, location["id"]), role="RECEIVER", to=HUB)).data


#: The levels of a Location: what stands in the URL after its id, and what an example of the level is.
LEVELS = {
    "Location": ((), "Location.full", {}),
    "EVSE": (("E1",), "EVSE.full", {"uid": "E1"}),
    "Connector": (("E1", "1"), "Connector.full", {"id": "1"}),
}


@pytest.mark.parametrize("way", ["broadcast", "directed"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.checklist("LO-01", "LO-02", "LO-03")
async def test_a_put_of_each_level_arrives_at_the_same_url_with_the_same_body(
    level: str, way: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    segments, name, ids = LEVELS[level]
    location = await published(cpo, emsp) if segments else example("Location.full", cpo, id=unique("LOC"))
    body = example(name) | ids | {"last_updated": LATER} if segments else location
    tail = at(cpo, location["id"], *segments)

    answer = await cpo.put("locations", tail, body, to=HUB if way == "broadcast" else emsp.party)

    copy = await arrival(emsp, tail=tail, method="PUT")
    assert answer.code == 1000
    assert (copy.json, copy.role) == (body, "RECEIVER")
    assert copy.sender == (HUB if way == "broadcast" else cpo.party)


@pytest.mark.parametrize("way", ["broadcast", "directed"])
@pytest.mark.parametrize(
    ("segments", "change"),
    [
        ((), {"name": "Renamed"}),
        (("E1",), {"status": "CHARGING"}),
        (("E1", "1"), {"max_amperage": 63}),
    ],
)
@pytest.mark.checklist("LO-04")
async def test_a_patch_of_each_level_arrives_as_it_was_sent(
    segments: tuple[str, ...], change: Any, way: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    location = await published(cpo, emsp)
    tail = at(cpo, location["id"], *segments)
    change = change | {"last_updated": LATER}

    answer = await cpo.patch("locations", tail, change, to=HUB if way == "broadcast" else emsp.party)

    copy = await arrival(emsp, tail=tail, method="PATCH")
    assert (answer.status, answer.code) == (200, 1000)
    assert copy.json == change


@pytest.mark.checklist("LO-05")
async def test_what_was_pushed_to_the_hub_reads_back_on_all_three_levels(cpo: PartyPlatform) -> None:
    location = await published(cpo)
    (evse,) = location["evses"]

    answers = [
        await cpo.get("locations", at(cpo, location["id"], *segments), role="RECEIVER", to=HUB)
        for segments in ((), ("E1",), ("E1", "1"))
    ]

    assert [each.data for each in answers] == [location, evse, evse["connectors"][0]]
    unknown = await cpo.get("locations", at(cpo, location["id"], "E2"), role="RECEIVER", to=HUB)
    assert (unknown.status, unknown.data) == (404, None)


@pytest.mark.parametrize("segments", [(), ("E1",), ("E1", "1")])
@pytest.mark.checklist("LO-05")
async def test_a_cpo_reads_what_an_emsp_holds(
    segments: tuple[str, ...], cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    location = await published(cpo, emsp)
    (evse,) = location["evses"]
    part = (location, evse, evse["connectors"][0])[len(segments)]
    tail = at(cpo, location["id"], *segments)
    await cpo.put("locations", tail, part, to=emsp.party)

    answer = await cpo.get("locations", tail, role="RECEIVER", to=emsp.party)

    assert (answer.code, answer.data, answer.sender) == (1000, part, emsp.party)
    asked = await arrival(emsp, tail=tail, method="GET")
    assert asked.role == "RECEIVER"


@pytest.mark.checklist("LO-06")
async def test_an_emsp_lists_the_locations_of_the_hub_and_of_a_party(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    location = await published(cpo)
    cpo.objects["locations"] = [location]

    everyones = [each async for page in emsp.pages("locations", to=HUB) for each in page.data]
    theirs = await emsp.get("locations", to=cpo.party)

    assert location in everyones
    assert (theirs.data, theirs.headers["x-total-count"]) == ([location], "1")
    asked = (await cpo.received(module="locations", role="SENDER", method="GET"))[-1]
    assert (asked.sender, asked.tail) == (emsp.party, "")


@pytest.mark.parametrize("segments", [(), ("E1",), ("E1", "1")])
@pytest.mark.checklist("LO-07")
async def test_an_emsp_gets_one_object_of_a_cpos_sender_interface(
    segments: tuple[str, ...], cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    location = await published(cpo)
    (evse,) = location["evses"]
    part = (location, evse, evse["connectors"][0])[len(segments)]
    tail = "/" + "/".join((location["id"], *segments))
    cpo.answer(lambda request: Answer(part), module="locations", role="SENDER", tail=tail)

    directed = await emsp.get("locations", tail, to=cpo.party)
    opened = await emsp.get("locations", tail)
    from_the_hub = await emsp.get("locations", tail, to=HUB)

    assert [each.data for each in (directed, opened, from_the_hub)] == [part, part, part]
    assert [each.sender for each in (directed, opened, from_the_hub)] == [cpo.party, cpo.party, HUB]
    asked = await cpo.received(2, tail=tail, role="SENDER", method="GET")
    assert len(asked) == 2


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.checklist("LO-08")
async def test_an_update_of_an_evse_dates_its_location_and_nothing_else(method: str, cpo: PartyPlatform) -> None:
    location = await published(cpo)
    (evse,) = location["evses"]
    change = evse | {"status": "CHARGING", "last_updated": LATER}
    body = change if method == "PUT" else {"status": "CHARGING", "last_updated": LATER}

    await cpo.call(method, "locations", at(cpo, location["id"], "E1"), body=body, to=HUB)

    assert await kept(cpo, location) == location | {"evses": [change], "last_updated": LATER}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.checklist("LO-08")
async def test_an_update_of_a_connector_dates_its_evse_and_its_location(method: str, cpo: PartyPlatform) -> None:
    location = await published(cpo)
    (evse,) = location["evses"]
    change = evse["connectors"][0] | {"max_amperage": 63, "last_updated": LATER}
    body = change if method == "PUT" else {"max_amperage": 63, "last_updated": LATER}

    await cpo.call(method, "locations", at(cpo, location["id"], "E1", "1"), body=body, to=HUB)

    changed = evse | {"connectors": [change], "last_updated": LATER}
    assert await kept(cpo, location) == location | {"evses": [changed], "last_updated": LATER}


@pytest.mark.checklist("LO-09")
async def test_an_unpublished_location_travels_and_is_kept_with_its_tokens(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    allowed = [
        {"uid": "12345", "type": "RFID", "visual_number": "DE-LLU-1", "issuer": "Laadlust", "group_id": "G1"},
        {"group_id": "G2"},
    ]

    location = await published(cpo, publish=False, publish_allowed_to=allowed)

    copy = await arrival(emsp, tail=at(cpo, location["id"]), method="PUT")
    assert copy.json == location
    assert (await kept(cpo, location))["publish_allowed_to"] == allowed


@pytest.mark.checklist("LO-10")
async def test_an_evse_goes_by_status_removed_and_stays_in_its_location(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    location = await published(cpo, emsp)
    tail = at(cpo, location["id"], "E1")

    removed = await cpo.patch("locations", tail, {"status": "REMOVED", "last_updated": LATER}, to=HUB)
    deleted = await cpo.delete("locations", tail, to=HUB)
    directed = await cpo.delete("locations", tail, to=emsp.party)

    assert (removed.status, removed.code) == (200, 1000)
    assert [(each.status, each.headers["allow"]) for each in (deleted, directed)] == [(405, "GET, PATCH, PUT")] * 2
    assert [each["status"] for each in (await kept(cpo, location))["evses"]] == ["REMOVED"]
    assert (await arrival(emsp, tail=tail, method="PATCH")).json["status"] == "REMOVED"


@pytest.mark.checklist("LO-11")
async def test_a_location_with_a_thousand_evses_passes_whole(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    full = example("EVSE.full")
    evses = [full | {"uid": f"E{number}"} for number in range(1000)]
    location = example("Location.full", cpo, id=unique("LOC"), evses=evses)

    answer = await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)

    copy = await arrival(emsp, tail=at(cpo, location["id"]))
    assert (answer.status, copy.json) == (201, location)
    assert await kept(cpo, location) == location
