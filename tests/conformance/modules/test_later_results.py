"""Results that come later: lent before the request, kept over a restart, never invented, told when overdue.

Source: OCPI 2.2.1, mod_commands.asciidoc; transport_and_format.asciidoc (Pagination); mod_cdrs.asciidoc
(Response Headers).
"""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.database import open_database
from hub.ocpi.times import microseconds
from tests.conformance.modules.conftest import Enlist, shared
from tests.conformance.samples import arrival, cdr, command, example, heard, path_of, report, response_url, unique
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform


@pytest.fixture(scope="module")
def own_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that this file may stop and start."""
    process = HubProcess(tmp_path_factory.mktemp("later") / "data").start()
    yield process
    process.stop()


@shared
async def caller(enlist: Enlist, own_hub: HubProcess) -> PartyPlatform:
    """An eMSP at that hub."""
    return await enlist("EMSP", at=own_hub)


@shared
async def station(enlist: Enlist, own_hub: HubProcess) -> PartyPlatform:
    """A CPO at that hub."""
    return await enlist("CPO", at=own_hub)


async def test_a_url_is_lent_before_the_request_goes_out(station: PartyPlatform, caller: PartyPlatform) -> None:
    body = command("StartSession", caller)
    own = path_of(body["response_url"], caller.origin)
    station.answer(Answer(hang=True), module="commands", times=1)
    before = len(heard(station, "commands"))

    asking = asyncio.create_task(caller.post("commands", "/START_SESSION", body, to=station.party))
    await station.received(before + 1, module="commands")
    lent = heard(station, "commands")[before].json["response_url"]
    answer = await report(station, lent, {"result": "ACCEPTED"}, to=caller.party)

    # The hub got no CommandResponse: it says so, and yet the result of the station counts.
    assert (answer.code, (await arrival(caller, path=own)).json) == (1000, {"result": "ACCEPTED"})
    assert (await asking).code == 4002


async def test_a_lent_url_is_good_after_a_restart_of_the_hub(
    own_hub: HubProcess, station: PartyPlatform, caller: PartyPlatform
) -> None:
    body = command("ReserveNow", caller, response_url=response_url(caller, "RESERVE_NOW", unique("ask")))
    own = path_of(body["response_url"], caller.origin)
    await caller.post("commands", "/RESERVE_NOW", body, to=station.party)
    lent = heard(station, "commands")[-1].json["response_url"]
    await report(station, lent, {"result": "ACCEPTED"}, to=caller.party)

    assert await asyncio.to_thread(own_hub.stop) == 0
    await asyncio.to_thread(own_hub.start)
    answer = await report(station, lent, {"result": "CANCELED_RESERVATION"}, to=caller.party)
    stranger = await report(caller, lent, {"result": "ACCEPTED"})

    assert (answer.code, stranger.code) == (1000, 2001)
    results = [each.json["result"] for each in await caller.received(2, path=own)]
    assert results == ["ACCEPTED", "CANCELED_RESERVATION"]


async def test_no_result_is_ever_invented_and_an_overdue_one_is_marked_in_the_trace(
    own_hub: HubProcess, station: PartyPlatform, caller: PartyPlatform
) -> None:
    station.answer(Answer({"result": "ACCEPTED", "timeout": 1}), module="commands", times=1)
    body = command("StartSession", caller)
    own = path_of(body["response_url"], caller.origin)
    correlation_id = unique("overdue")
    headers = {"X-Correlation-ID": correlation_id}
    await caller.post("commands", "/START_SESSION", body, to=station.party, headers=headers)
    lent = heard(station, "commands")[-1].json["response_url"]

    overdue = await _traced(own_hub, correlation_id, lambda hops: "overdue" in [each["outcome"] for each in hops])
    invented = [each for each in caller.inbox if each.path == own]
    late = await report(station, lent, {"result": "TIMEOUT"}, to=caller.party, headers=headers)
    settled = await _traced(own_hub, correlation_id, lambda hops: len(hops) == 4)

    (mark,) = [each for each in overdue if each["outcome"] == "overdue"]
    assert (mark["from"], mark["operation"]) == (station.party, "result of commands")
    assert invented == []
    assert (late.code, (await arrival(caller, path=own)).json) == (1000, {"result": "TIMEOUT"})
    assert [each["direction"] for each in settled] == ["in", "out", "in", "out"]
    assert {each["outcome"] for each in settled} == {"1000"}


@pytest.mark.parametrize("expiry_date", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
async def test_a_lent_url_is_kept_thirty_days_and_past_the_expiry_of_its_reservation(
    expiry_date: str, own_hub: HubProcess, station: PartyPlatform, caller: PartyPlatform
) -> None:
    body = command("ReserveNow", caller, expiry_date=expiry_date)

    await caller.post("commands", "/RESERVE_NOW", body, to=station.party)

    database = await open_database(own_hub.data)
    rows = await database.fetch("SELECT created, expires FROM hub_lent WHERE url = $1", body["response_url"])
    await database.close()
    ((created, expires),) = rows
    month = 30 * 86_400_000_000  # in microseconds
    assert expires >= max(created, microseconds(expiry_date)) + month


async def _traced(hub: HubProcess, correlation_id: str, enough: Any) -> Any:
    """Return the hops of a message as soon as there are enough; the trace is written in steps."""
    async with asyncio.timeout(10):
        while True:
            hops = await asyncio.to_thread(hub.emall, "trace", correlation_id)
            if enough(hops):
                return hops


async def test_further_hosts_for_response_urls_are_a_setting_of_the_connection(
    own_hub: HubProcess, station: PartyPlatform, caller: PartyPlatform
) -> None:
    away = f"http://localhost:{urlsplit(caller.origin).port}/ocpi/2.2.1/sender/commands/{unique('away')}"
    body = command("StartSession", caller, response_url=away)

    refused = await caller.post("commands", "/START_SESSION", body, to=station.party)
    await asyncio.to_thread(own_hub.emall, "party", "set", caller.party, "response_hosts=localhost")
    async with asyncio.timeout(5):
        while (taken := await caller.post("commands", "/START_SESSION", body, to=station.party)).code != 1000:
            assert taken.code == 2001
    lent = heard(station, "commands")[-1].json["response_url"]
    answer = await report(station, lent, {"result": "ACCEPTED"}, to=caller.party)

    assert (refused.code, answer.code) == (2001, 1000)
    assert "localhost is no host of" in refused.message
    await arrival(caller, path=urlsplit(away).path)


async def test_a_link_of_a_routed_list_leads_back_through_the_hub_for_its_asker_alone(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    tariffs = [example("Tariff.minimal", cpo, id=f"T{number}") for number in range(7)]
    cpo.objects["tariffs"] = tariffs

    pages = [page async for page in emsp.pages("tariffs", to=cpo.party, query={"limit": 3})]

    links = [page.headers["link"] for page in pages[:-1]]
    assert [each for page in pages for each in page.data] == tariffs
    assert all(link.startswith(f"<{emsp.hub_endpoints['tariffs', 'SENDER']}?") for link in links)
    assert "link" not in pages[-1].headers


async def test_a_next_page_at_a_path_of_its_own_is_lent_to_its_asker_alone(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    where = f"{cpo.origin}/ocpi/2.2.1/sender/tariffs/next/{unique('page')}"
    cpo.answer(Answer([], headers={"Link": f'<{where}>; rel="next"'}), module="tariffs", tail="")
    second = [example("Tariff.minimal", cpo, id="T2")]
    cpo.answer(Answer(second), path=urlsplit(where).path)

    first = await emsp.get("tariffs", to=cpo.party)
    link = first.headers["link"].partition(">")[0][1:]
    theirs = await emsp.send("GET", link, headers=_to(emsp, cpo))
    others = await other.send("GET", link, headers=_to(other, cpo))

    assert link.startswith(emsp.hub_endpoints["tariffs", "SENDER"])
    assert len(link) <= 255
    assert (theirs.code, theirs.data) == (1000, second)
    assert (others.status, others.code, others.data) == (200, 2001, None)
    assert len([each for each in cpo.inbox if each.path == urlsplit(where).path]) == 1


async def test_the_location_of_a_cdr_is_good_after_a_restart_of_the_hub(
    own_hub: HubProcess, station: PartyPlatform, caller: PartyPlatform
) -> None:
    value = cdr(station, caller)
    caller.answer(lambda request: Answer(value), module="cdrs", method="GET", role="RECEIVER")
    posted = await station.post("cdrs", "", value, to=caller.party)

    await asyncio.to_thread(own_hub.stop)
    await asyncio.to_thread(own_hub.start)
    found = await station.send("GET", posted.headers["location"])
    others = await caller.send("GET", posted.headers["location"])

    assert (found.code, found.data) == (1000, value)
    assert (others.code, others.data) == (2001, None)


def _to(sender: PartyPlatform, receiver: PartyPlatform) -> dict[str, str]:
    _, country_code, party_id = receiver.roles[0]
    _, own_country_code, own_party_id = sender.roles[0]
    return {
        "OCPI-from-country-code": own_country_code, "OCPI-from-party-id": own_party_id,
        "OCPI-to-country-code": country_code, "OCPI-to-party-id": party_id,
    }  # fmt: skip
