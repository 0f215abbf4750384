"""A party of 2.2.1 and one of 2.3.0 through the hub: both speak their own, and both ways.

Source: OCPI 2.2.1 and 2.3.0, mod_commands.asciidoc, mod_charging_profiles.asciidoc, mod_sessions.asciidoc.
"""

import json
from typing import Any

import pytest

from tests.conformance.modules.conftest import Enlist, shared
from tests.conformance.samples import HUB, arrival, at, cdr, command, example, heard, path_of, report, session, unique
from tests.parties import PartyPlatform


@shared
async def new_cpo(enlist: Enlist) -> PartyPlatform:
    """A CPO that speaks 2.3.0."""
    return await enlist("CPO", versions=("2.3.0",))


@shared
async def new_emsp(enlist: Enlist) -> PartyPlatform:
    """An eMSP that speaks 2.3.0."""
    return await enlist("EMSP", versions=("2.3.0",))


@pytest.fixture(params=["2.2.1 asks 2.3.0", "2.3.0 asks 2.2.1"])
def pair(
    request: Any, cpo: PartyPlatform, emsp: PartyPlatform, new_cpo: PartyPlatform, new_emsp: PartyPlatform
) -> tuple[PartyPlatform, PartyPlatform]:
    """Return an eMSP and a CPO of different versions."""
    return (emsp, new_cpo) if request.param.startswith("2.2.1") else (new_emsp, cpo)


@pytest.mark.parametrize("result", ["ACCEPTED", "TIMEOUT"])
async def test_a_command_and_its_result_cross_the_versions(
    result: str, pair: tuple[PartyPlatform, PartyPlatform]
) -> None:
    asker, station = pair
    body = command("StartSession", asker)
    before = len(heard(station, "commands"))

    answer = await asker.post("commands", "/START_SESSION", body, to=station.party)
    (copy,) = heard(station, "commands")[before:]
    told = await report(station, copy.json["response_url"], {"result": result}, to=asker.party)

    assert (answer.code, answer.data) == (1000, {"result": "ACCEPTED", "timeout": 30})
    assert copy.version == station.version
    assert copy.json == body | {"response_url": copy.json["response_url"]}
    # The URL is lent under the version of the party that will call it, and leads to the asker's own.
    assert copy.json["response_url"].startswith(f"{station.hub_endpoints['commands', 'SENDER']}/")
    assert station.version in copy.json["response_url"]
    got = await arrival(asker, path=path_of(body["response_url"], asker.origin))
    assert (got.json, told.code) == ({"result": result}, 1000)


async def test_a_charging_profile_and_its_result_cross_the_versions(pair: tuple[PartyPlatform, PartyPlatform]) -> None:
    asker, station = pair
    tail = f"/{unique('SESSION')}"
    own = f"{asker.url('chargingprofiles', 'SENDER')}/{unique('ask')}"
    query = {"duration": "900", "response_url": own}
    result = example("ActiveChargingProfileResult.full", version=station.version)

    answer = await asker.call("GET", "chargingprofiles", tail, query=query, to=station.party)
    copy = await arrival(station, tail=tail)
    await report(station, copy.query["response_url"], result, to=asker.party)

    assert (answer.code, copy.version, copy.query["duration"]) == (1000, station.version, "900")
    assert (await arrival(asker, path=path_of(own, asker.origin))).json == result


async def test_sessions_and_cdrs_cross_the_versions_and_are_valid_there(
    pair: tuple[PartyPlatform, PartyPlatform],
) -> None:
    provider, operator = pair
    running, bill = session(operator, provider), cdr(operator, provider, size="full")
    # A price of 2.2.1 has excl_vat and incl_vat, one of 2.3.0 before_taxes and taxes.
    newer = provider.version == "2.3.0"

    put = await operator.put("sessions", at(operator, running["id"]), running, to=provider.party)
    posted = await operator.post("cdrs", "", bill, to=provider.party)

    assert (put.code, posted.code) == (1000, 1000)
    got = await arrival(provider, tail=at(operator, running["id"]))
    assert (got.json["id"], got.version) == (running["id"], provider.version)
    (paid,) = [each for each in heard(provider, "cdrs") if each.json["id"] == bill["id"]]
    assert ("before_taxes" in paid.json["total_cost"], "excl_vat" in paid.json["total_cost"]) == (newer, not newer)
    found = await operator.send("GET", posted.headers["location"])
    assert found.status in (200, 404), "the Location leads through, whatever lies there"


async def test_charging_preferences_and_their_answer_cross_the_versions(
    pair: tuple[PartyPlatform, PartyPlatform],
) -> None:
    asker, station = pair
    tail = f"/{unique('SESSION')}/charging_preferences"
    wishes = example("ChargingPreferences.full", version=asker.version)

    answer = await asker.put("sessions", tail, wishes, role="SENDER", to=station.party)

    copy = await arrival(station, tail=tail)
    assert (answer.code, copy.json, copy.version) == (1000, wishes, station.version)


async def test_a_broadcast_reaches_each_platform_in_its_own_version(
    new_cpo: PartyPlatform, emsp: PartyPlatform, new_emsp: PartyPlatform
) -> None:
    location = example("Location.full", new_cpo, version="2.3.0", id=unique("LOC"))

    await new_cpo.put("locations", at(new_cpo, location["id"]), location, to=HUB)

    same = await arrival(new_emsp, tail=at(new_cpo, location["id"]))
    older = await arrival(emsp, tail=at(new_cpo, location["id"]))
    assert json.loads(same.body) == location
    assert (older.version, older.json["id"]) == ("2.2.1", location["id"])
    # What 2.2.1 does not know is left out of what it gets, and not of what the hub keeps.
    assert "help_phone" in location
    assert "help_phone" not in older.json
    assert (await new_emsp.get("locations", f"/{location['id']}", to=HUB)).data == location
