"""Commands through the hub, from the request to the CommandResponse; results: test_cm_results.

Source: OCPI 2.2.1, mod_commands.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.samples import (
    HUB,
    arrival,
    command,
    example,
    heard,
    owned,
    path_of,
    report,
    response_url,
    token,
    unique,
)
from tests.parties import Answer, PartyPlatform

COMMANDS = {
    "CANCEL_RESERVATION": "CancelReservation",
    "RESERVE_NOW": "ReserveNow",
    "START_SESSION": "StartSession",
    "STOP_SESSION": "StopSession",
    "UNLOCK_CONNECTOR": "UnlockConnector",
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.checklist("CM-01")
async def test_each_command_arrives_with_nothing_changed_but_its_response_url(
    name: str, size: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    body = example(f"{COMMANDS[name]}.{size}", response_url=response_url(emsp))
    if "token" in body:
        body["token"] |= owned(emsp)
    before = len(heard(cpo, "commands"))

    answer = await emsp.post("commands", f"/{name}", body, to=cpo.party)

    copy = heard(cpo, "commands")[before]
    assert (copy.method, copy.role, copy.tail) == ("POST", "RECEIVER", f"/{name}")
    assert copy.json == body | {"response_url": copy.json["response_url"]}
    assert copy.json["response_url"] != body["response_url"]
    assert (answer.status, answer.code, answer.sender) == (200, 1000, cpo.party)


@pytest.mark.parametrize("result", ["NOT_SUPPORTED", "REJECTED", "ACCEPTED", "UNKNOWN_SESSION"])
@pytest.mark.checklist("CM-02")
async def test_the_command_response_is_relayed(result: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    response = example("CommandResponse.full", result=result)
    cpo.answer(Answer(response), module="commands")

    answer = await emsp.post("commands", "/STOP_SESSION", command("StopSession", emsp), to=cpo.party)

    assert (answer.status, answer.code, answer.data) == (200, 1000, response)


@pytest.mark.checklist("CM-03")
async def test_2003_for_an_unknown_location_is_relayed(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    cpo.answer(Answer(None, 2003, 200, "no such Location"), module="commands")

    answer = await emsp.post("commands", "/UNLOCK_CONNECTOR", command("UnlockConnector", emsp), to=cpo.party)

    assert (answer.status, answer.code, answer.message) == (200, 2003, "no such Location")
    assert (answer.sender, answer.data) == (cpo.party, None)


#: A field of each table that is missing, of the wrong type, too long or against its note.
BROKEN = [
    ("CANCEL_RESERVATION", {"reservation_id": None}, "$.reservation_id"),
    ("CANCEL_RESERVATION", {"reservation_id": "x" * 37}, "$.reservation_id"),
    ("CANCEL_RESERVATION", {"response_url": None}, "$.response_url"),
    ("RESERVE_NOW", {"expiry_date": "tomorrow"}, "$.expiry_date"),
    ("RESERVE_NOW", {"token": None}, "$.token"),
    ("RESERVE_NOW", {"reservation_id": 5}, "$.reservation_id"),
    ("RESERVE_NOW", {"location_id": None}, "$.location_id"),
    ("START_SESSION", {"token": None}, "$.token"),
    ("START_SESSION", {"location_id": None}, "$.location_id"),
    ("START_SESSION", {"connector_id": "1"}, "$.evse_uid"),
    ("START_SESSION", {"response_url": "https://x.example/" + "x" * 238}, "$.response_url"),
    ("STOP_SESSION", {"session_id": None}, "$.session_id"),
    ("UNLOCK_CONNECTOR", {"evse_uid": None}, "$.evse_uid"),
    ("UNLOCK_CONNECTOR", {"connector_id": None}, "$.connector_id"),
]


@pytest.mark.parametrize(("name", "broken", "fault"), BROKEN)
@pytest.mark.checklist("CM-04")
async def test_a_command_that_breaks_its_table_is_refused_with_path_and_reaches_nobody(
    name: str, broken: Any, fault: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    body = command(COMMANDS[name], emsp, **broken)
    before = len(heard(cpo, "commands"))

    answer = await emsp.post("commands", f"/{name}", body, to=cpo.party)

    assert (answer.status, answer.code) == (200, 2001)
    assert fault in answer.message
    assert len(heard(cpo, "commands")) == before


@pytest.mark.parametrize("name", ["OPEN_THE_GATE", "start_session", "START_SESSION/EXTRA", ""])
@pytest.mark.checklist("CM-05")
async def test_a_command_nobody_knows_is_refused(name: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    before = len(heard(cpo, "commands"))

    answer = await emsp.post("commands", f"/{name}", command("StartSession", emsp), to=cpo.party)

    assert (answer.status, answer.code) == (404, 2001)
    assert len(heard(cpo, "commands")) == before


@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW"])
@pytest.mark.checklist("CM-06")
async def test_a_command_with_a_token_of_another_emsp_is_refused(
    name: str, cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    before = len(heard(cpo, "commands"))

    answer = await emsp.post("commands", f"/{name}", command(COMMANDS[name], emsp, token=token(other)), to=cpo.party)

    assert (answer.status, answer.code) == (200, 2001)
    assert "$.token" in answer.message
    assert len(heard(cpo, "commands")) == before


@pytest.mark.checklist("CM-07")
async def test_the_lent_url_has_at_most_255_characters_also_for_one_of_255(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own = response_url(emsp, "START_SESSION", unique("ask"), "")
    own = own.ljust(255, "u")
    before = len(heard(cpo, "commands"))

    answer = await emsp.post(
        "commands", "/START_SESSION", command("StartSession", emsp, response_url=own), to=cpo.party
    )
    lent = heard(cpo, "commands")[before].json["response_url"]
    told = await report(cpo, lent, {"result": "ACCEPTED"}, to=emsp.party)

    assert (answer.code, told.code) == (1000, 1000)
    assert len(lent) <= 255
    assert lent.startswith(cpo.hub_endpoints["commands", "SENDER"] + "/")
    assert (await arrival(emsp, path=path_of(own, emsp.origin))).json == {"result": "ACCEPTED"}


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/commands/1",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/commands/1",
        "ftp://127.0.0.1/commands/1",
        "no URL",
        "http://",
        "http://[::1/x",
        "http://127.0.0.1@elsewhere.example/commands/1",
        "http://127.0.0.1:notaport/commands",
    ],
)
@pytest.mark.checklist("CM-18")
async def test_a_response_url_elsewhere_than_at_its_asker_is_refused_at_once(
    url: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    before = len(heard(cpo, "commands"))

    answer = await emsp.post(
        "commands", "/START_SESSION", command("StartSession", emsp, response_url=url), to=cpo.party
    )

    assert (answer.status, answer.code) == (200, 2001)
    assert "$.response_url" in answer.message
    assert len(heard(cpo, "commands")) == before


async def test_a_command_to_the_hub_itself_is_2000_and_reaches_nobody(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    before = len(heard(cpo, "commands"))

    answer = await emsp.post("commands", "/START_SESSION", command("StartSession", emsp), to=HUB)

    assert (answer.status, answer.code) == (200, 2000)
    assert len(heard(cpo, "commands")) == before


async def test_a_command_without_receiver_finds_the_cpo_by_its_location(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    location = example("Location.minimal", cpo, id=unique("LOC"))
    path = f"/{location['country_code']}/{location['party_id']}/{location['id']}"
    await cpo.put("locations", path, location, to=HUB)
    body = command("StartSession", emsp, location_id=location["id"])
    before = len(heard(cpo, "commands"))

    found = await emsp.post("commands", "/START_SESSION", body)
    unknown = await emsp.post("commands", "/START_SESSION", body | {"location_id": unique("LOC")})

    assert (found.code, found.sender) == (1000, cpo.party)
    assert (unknown.status, unknown.code) == (200, 2003)
    assert [each.receiver for each in heard(cpo, "commands")[before:]] == [cpo.party]
