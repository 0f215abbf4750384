"""GET All via Hubs: the hub answers a list from what its parties own, exactly and page by page.

Source: OCPI 2.2.1, transport_and_format.asciidoc (GET All via Hubs, Pagination), mod_locations.asciidoc,
mod_sessions.asciidoc, mod_tariffs.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import at, cdr, example, session, token, unique
from tests.conformance.seen import eventually
from tests.conformance.test_br_broadcast import push
from tests.conformance.test_cr_registration import comer
from tests.hubs import HubProcess
from tests.parties import Oddities, PartyPlatform

__all__ = ["comer"]

LATER, LATEST = "2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z"


async def listed(platform: PartyPlatform, module: str = "locations", **query: Any) -> list[Any]:
    """Return a whole list of the hub, along its Links."""
    return [each async for page in platform.pages(module, to=HUB, query=query or None) for each in page.data]


async def of(platform: PartyPlatform, *owners: PartyPlatform, module: str = "locations", **query: Any) -> list[Any]:
    """Return the objects of some parties in a list of the hub."""
    parties = {each.party for each in owners}
    return [x for x in await listed(platform, module, **query) if f"{x['country_code']}-{x['party_id']}" in parties]


@pytest.mark.checklist("GA-01", "GA-02", "GA-03", "GA-09")
async def test_the_list_holds_the_objects_of_all_parties_as_they_were(join: Any) -> None:
    one, two, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    full = example("Location.full", one, id=unique("GA"), extra_field={"kept": [1.50, None]})
    await one.put("locations", at(one, full["id"]), full, to=HUB)
    locations = [full, await push(two), await push(one)]

    answer = await emsp.get("locations", to=HUB)

    assert (answer.status, answer.code) == (200, 1000)
    assert (answer.sender, answer.receiver) == (HUB, emsp.party)
    assert await of(emsp, one, two) == locations


@pytest.mark.checklist("GA-04", "GA-05", "GA-09")
async def test_the_combination_is_one_paginated_list_with_dates(join: Any) -> None:
    one, two, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    moments = [f"2031-01-0{day}T00:00:00Z" for day in range(1, 8)]
    pushed = [await push((one, two)[n % 2], last_updated=moment) for n, moment in enumerate(moments)]
    dates = {"date_from": moments[1], "date_to": moments[6]}

    pages = [page async for page in emsp.pages("locations", to=HUB, query={**dates, "limit": 2})]
    skipped = await emsp.get("locations", to=HUB, query={**dates, "limit": 2, "offset": 3})

    assert [each for page in pages for each in page.data] == pushed[1:6]
    assert [len(page.data) for page in pages] == [2, 2, 1]
    assert {page.headers["x-total-count"] for page in pages} == {"5"}
    assert "date_from=2031-01-02" in pages[0].headers["link"] and 'rel="next"' in pages[0].headers["link"]
    assert "link" not in pages[-1].headers
    assert skipped.data == pushed[4:6]


@pytest.mark.checklist("GA-04", "GA-09")
async def test_a_crawl_skips_and_doubles_nothing_while_objects_change(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    pushed = [await push(cpo, last_updated="2032-01-01T00:00:00Z") for _ in range(6)]
    seen = []

    async for page in emsp.pages("locations", to=HUB, query={"date_from": "2032-01-01T00:00:00Z", "limit": 2}):
        seen += [each["id"] for each in page.data]
        change = {"name": "moved", "last_updated": f"2032-02-0{len(seen)}T00:00:00Z"}
        await cpo.patch("locations", at(cpo, pushed[0]["id"]), change, to=HUB)
        await cpo.patch("locations", at(cpo, pushed[-1]["id"]), change, to=HUB)

    assert seen == [each["id"] for each in pushed]


@pytest.mark.checklist("GA-06", "GA-02")
async def test_locations_tariffs_tokens_sessions_and_cdrs_are_listed(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    tariff, card = example("Tariff.full", cpo, id="T1"), token(emsp, uid=unique("UID"))
    running, bill = session(cpo, emsp), cdr(cpo, emsp, size="full")
    location = await push(cpo)
    await cpo.put("tariffs", at(cpo, "T1"), tariff, to=HUB)
    await emsp.put("tokens", at(emsp, card["uid"]), card, to=HUB)
    await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    await cpo.post("cdrs", "", bill, to=emsp.party)

    assert await of(emsp, cpo) == [location]
    assert await of(emsp, cpo, module="tariffs") == [tariff]
    assert await of(cpo, emsp, module="tokens") == [card]
    assert await of(emsp, cpo, module="sessions", date_from="2026-01-01T00:00:00Z") == [running]
    assert await of(emsp, cpo, module="cdrs", date_from="2026-01-01T00:00:00Z") == [bill]


@pytest.mark.checklist("GA-07")
async def test_sessions_and_cdrs_of_other_emsps_and_directed_objects_of_others_are_not_shown(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    running, bill = session(cpo, emsp), cdr(cpo, emsp)
    private = example("Location.minimal", cpo, id=unique("PRIVATE"))
    await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    await cpo.post("cdrs", "", bill, to=emsp.party)
    await cpo.put("locations", at(cpo, private["id"]), private, to=emsp.party)
    since = {"date_from": "2020-01-01T00:00:00Z"}

    shown = [
        await of(other, cpo, module="sessions", **since),
        await of(other, cpo, module="cdrs", **since),
        await of(other, cpo),
        await of(emsp, cpo, module="sessions", **since),
        await of(emsp, cpo),
    ]
    single = await other.get("locations", at(cpo, private["id"]), role="RECEIVER", to=HUB)

    assert shown == [[], [], [], [running], [private]]
    assert (single.status, single.data) == (404, None)


@pytest.mark.checklist("GA-08")
async def test_a_party_that_is_away_does_not_spoil_the_list(join: Any) -> None:
    away, cpo, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    locations = [await push(away), await push(cpo)]

    await away.close()
    refused = await emsp.get("locations", to=away.party)

    assert refused.code == 4003
    assert await of(emsp, away, cpo) == locations


@pytest.mark.checklist("GA-09")
async def test_what_was_told_everyone_and_one_party_is_listed_once_as_it_was_told_that_one(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    public = await push(cpo)
    private = public | {"name": "For you"}
    await cpo.put("locations", at(cpo, public["id"]), private, to=emsp.party)

    assert (await of(emsp, cpo), await of(other, cpo)) == ([private], [public])


@pytest.mark.checklist("GA-09")
async def test_an_evse_s_status_told_to_one_is_what_that_one_lists_and_reads(join: Any) -> None:
    """INCAR-RO07: what was acknowledged is stored, though only the Location's broadcast was known."""
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    public = await push(cpo, evses=[example("EVSE.minimal", uid="E1", status="AVAILABLE")])
    place = at(cpo, public["id"], "E1")

    change = {"status": "CHARGING", "last_updated": LATER}
    full = public["evses"][0] | {"status": "BLOCKED", "last_updated": LATEST}

    said = []
    for tell, told in ((cpo.patch, change), (cpo.put, full)):
        answer = await tell("locations", place, told, to=emsp.party)
        (listed,) = await of(emsp, cpo)
        single = await emsp.get("locations", place, role="RECEIVER", to=HUB)
        said.append((answer.code, listed["evses"][0]["status"], single.data["status"]))

    assert said == [(1000, "CHARGING", "CHARGING"), (1000, "BLOCKED", "BLOCKED")]
    assert await of(other, cpo) == [public]


@pytest.mark.checklist("GA-09")
async def test_what_everyone_is_told_later_is_seen_by_the_one_told_before_and_by_the_owner(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    first = await push(cpo)
    await cpo.put("locations", at(cpo, first["id"]), first | {"last_updated": LATER}, to=emsp.party)
    news = first | {"name": "News", "last_updated": LATEST}
    await cpo.put("locations", at(cpo, first["id"]), news, to=HUB)

    seen = [(await each.get("locations", at(cpo, first["id"]), role="RECEIVER", to=HUB)).data for each in (cpo, emsp)]
    assert [await of(emsp, cpo), await of(cpo, cpo), seen] == [[news], [news], [news, news]]


@pytest.mark.checklist("GA-10", "GA-11")
async def test_changes_of_evses_and_connectors_are_in_the_location_with_the_new_date_of_all_parents(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    evses = [example("EVSE.minimal", uid=uid) for uid in ("E1", "E2")]
    location = await push(cpo, evses=evses)

    await cpo.patch(
        "locations", at(cpo, location["id"], "E1", "1"), {"max_amperage": 99, "last_updated": LATER}, to=HUB
    )
    (after_connector,) = await of(emsp, cpo)
    added = example("EVSE.minimal", uid="E3", last_updated=LATEST)
    await cpo.put("locations", at(cpo, location["id"], "E3"), added, to=HUB)
    (after_evse,) = await of(emsp, cpo)

    first, second = after_connector["evses"]
    assert [after_connector["last_updated"], first["last_updated"], first["connectors"][0]["last_updated"]] == [
        LATER
    ] * 3
    assert first["connectors"][0] == evses[0]["connectors"][0] | {"max_amperage": 99, "last_updated": LATER}
    assert second == evses[1]
    assert after_evse["last_updated"] == LATEST
    assert after_evse["evses"] == [first, second, added]


@pytest.mark.checklist("GA-11", "CO-08")
async def test_patch_changes_what_it_names_and_put_replaces_all(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    full = example("Location.full", cpo, id=unique("FULL"))
    await cpo.put("locations", at(cpo, full["id"]), full, to=HUB)

    change = {"name": None, "facilities": ["WIFI"], "last_updated": LATER}
    await cpo.patch("locations", at(cpo, full["id"]), change, to=HUB)
    (patched,) = await of(emsp, cpo)
    minimal = example("Location.minimal", cpo, id=full["id"], last_updated=LATEST)
    await cpo.put("locations", at(cpo, full["id"]), minimal, to=HUB)
    (replaced,) = await of(emsp, cpo)

    expected = {name: value for name, value in full.items() if name != "name"}
    assert {name: value for name, value in patched.items() if value is not None} == expected | {
        "facilities": ["WIFI"],
        "last_updated": LATER,
    }
    assert replaced == minimal


@pytest.mark.checklist("GA-12")
async def test_a_session_patch_adds_charging_periods(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    periods = [
        {"start_date_time": f"2026-04-01T1{n}:00:00Z", "dimensions": [{"type": "ENERGY", "volume": n + 0.5}]}
        for n in range(3)
    ]
    value = session(cpo, emsp, status="ACTIVE", charging_periods=periods[:1])
    await cpo.put("sessions", at(cpo, value["id"]), value, to=emsp.party)

    for n in (1, 2):
        change = {"charging_periods": [periods[n]], "kwh": n, "last_updated": f"2026-05-0{n}T00:00:00Z"}
        await cpo.patch("sessions", at(cpo, value["id"]), change, to=emsp.party)
    (kept,) = await of(emsp, cpo, module="sessions", date_from="2026-01-01T00:00:00Z")

    assert kept == value | {"charging_periods": periods, "kwh": 2, "last_updated": "2026-05-02T00:00:00Z"}


@pytest.mark.checklist("GA-13")
async def test_identifiers_are_compared_without_case(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    location = await push(cpo, id=unique("MixedCase"), evses=[example("EVSE.minimal", uid="Evse-1")])
    lower = f"/nl/{cpo.roles[0][2].lower()}/{location['id'].lower()}"

    single = await emsp.get("locations", lower + "/EVSE-1", role="RECEIVER", to=HUB)
    again = await cpo.put("locations", lower.upper(), location | {"id": location["id"].upper()}, to=HUB)
    patched = await cpo.patch("locations", lower, {"name": "Same", "last_updated": LATER}, to=HUB)

    assert (single.status, single.data["uid"]) == (200, "Evse-1")
    assert (again.status, again.code, patched.code) == (200, 1000, 1000)
    assert [each["name"] for each in await of(emsp, cpo)] == ["Same"]


@pytest.mark.checklist("GA-14")
async def test_a_deleted_tariff_is_gone(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    for name in ("T1", "T2"):
        await cpo.put("tariffs", at(cpo, name), example("Tariff.minimal", cpo, id=name), to=HUB)

    deleted = await cpo.delete("tariffs", at(cpo, "t1"), to=HUB)
    again = await cpo.delete("tariffs", at(cpo, "T1"), to=HUB)

    assert (deleted.status, deleted.code) == (200, 1000)
    assert 2000 <= again.code < 3000
    assert [each["id"] for each in await of(emsp, cpo, module="tariffs")] == ["T2"]
    assert (await emsp.get("tariffs", at(cpo, "T1"), role="RECEIVER", to=HUB)).status == 404


# -- what the hub pulls ------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [{}, {"no_link": True}, {"trailing_slash": True}, {"raw_token": True}])
async def test_what_a_party_offers_is_pulled_page_by_page_when_it_registers(
    odd: dict[str, Any], join: Any, comer: Any, hub: HubProcess
) -> None:
    """One object that breaks its rules, or is somebody else's, does not spoil its page."""
    emsp, cpo = await join("EMSP"), await comer("CPO", oddities=Oddities(**odd))
    good = [example("Location.minimal", cpo, id=f"P{n:03}") for n in range(120)]
    invalid = example("Location.minimal", cpo, id="BAD", coordinates={"latitude": "north", "longitude": "east"})
    foreign = example("Location.minimal", emsp, id="FOREIGN")
    cpo.objects["locations"] = [*good[:60], invalid, foreign, *good[60:]]
    cpo.objects["tariffs"] = [example("Tariff.minimal", cpo, id="T1")]

    await cpo.register(hub.versions_url, await hub.invite(cpo.name))
    await cpo.get("hubclientinfo")

    async def pulled() -> bool | None:
        complete = len(await of(emsp, cpo)) == 120 and await of(emsp, cpo, module="tariffs")
        return True if complete else None

    await eventually(pulled)
    pulls = [each for each in cpo.inbox if (each.module, each.method) == ("locations", "GET")]
    assert await of(emsp, cpo) == good
    assert not [each for each in await listed(emsp) if each["id"] in ("BAD", "FOREIGN")]
    assert len(pulls) == 3
    assert {(each.sender, each.receiver) for each in pulls} == {(HUB, cpo.party)}


async def test_sessions_that_are_pulled_are_shown_to_their_emsp_alone(join: Any, comer: Any, hub: HubProcess) -> None:
    emsp, other, cpo = await join("EMSP"), await join("EMSP"), await comer("CPO")
    recent = session(cpo, emsp, last_updated="2099-01-01T00:00:00Z")
    cpo.objects["sessions"] = [recent]

    await cpo.register(hub.versions_url, await hub.invite(cpo.name))
    await cpo.get("hubclientinfo")

    async def pulled() -> list[Any] | None:
        return await of(emsp, cpo, module="sessions", date_from="2026-01-01T00:00:00Z") or None

    assert await eventually(pulled) == [recent]
    assert await of(other, cpo, module="sessions", date_from="2026-01-01T00:00:00Z") == []
    (pull,) = [each for each in cpo.inbox if (each.module, each.method) == ("sessions", "GET")]
    assert pull.query["date_from"]


async def test_the_list_of_a_party_that_left_is_gone(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    await push(cpo)

    await cpo.credentials_call("DELETE")

    async def gone() -> bool | None:
        return True if not await of(emsp, cpo) else None

    assert await eventually(gone)
