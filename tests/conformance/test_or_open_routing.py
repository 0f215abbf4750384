"""Open Routing Requests: no OCPI-to headers, so the hub finds the receiver by content.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Open Routing Request; Party to Party Open Routing Request).
"""

from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import arrival, at, cdr, cdr_token, command, example, session, token, unique
from tests.conformance.test_br_broadcast import push
from tests.parties import Answer, PartyPlatform, Reply

LATER = "2026-05-01T10:00:00Z"


def functional(platform: PartyPlatform) -> list[Any]:
    """Return what a platform got from others, its own pulls by the hub left out."""
    return [each for each in platform.inbox if each.module != "hubclientinfo" and each.sender != HUB]


@pytest.mark.checklist("OR-01", "OR-02", "OR-03", "OR-04")
async def test_a_cdr_goes_to_the_emsp_its_cdr_token_names(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    value = cdr(cpo, emsp)

    answer = await cpo.post("cdrs", "", value)
    received = await arrival(emsp, method="POST", module="cdrs")

    assert (answer.status, answer.code) == (201, 1000)
    assert (answer.sender, answer.receiver) == (emsp.party, cpo.party)
    assert (received.sender, received.receiver, received.json) == (cpo.party, emsp.party, value)
    assert functional(other) == []


@pytest.mark.checklist("OR-01", "OR-02", "OR-03")
async def test_a_session_goes_to_the_emsp_its_cdr_token_names_and_its_changes_after_it(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    value = session(cpo, emsp, status="ACTIVE")
    change = {"kwh": 32, "last_updated": LATER}

    answers = [
        await cpo.put("sessions", at(cpo, value["id"]), value),
        await cpo.patch("sessions", at(cpo, value["id"]), change),
    ]

    assert [(answer.code, answer.sender) for answer in answers] == [(1000, emsp.party)] * 2
    assert [each.json for each in functional(emsp)] == [value, change]
    assert {(each.sender, each.receiver) for each in functional(emsp)} == {(cpo.party, emsp.party)}
    assert functional(other) == []


@pytest.mark.checklist("OR-06")
@pytest.mark.parametrize("name", ["StartSession", "ReserveNow", "UnlockConnector"])
async def test_a_command_goes_to_the_cpo_of_its_location(name: str, join: Any) -> None:
    cpo, other, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    location = await push(cpo)
    path = {"StartSession": "/START_SESSION", "ReserveNow": "/RESERVE_NOW", "UnlockConnector": "/UNLOCK_CONNECTOR"}[
        name
    ]

    answer = await emsp.post("commands", path, command(name, emsp, location_id=location["id"].lower()))
    received = await arrival(cpo, method="POST", module="commands")

    assert (answer.code, answer.data["result"], answer.sender) == (1000, "ACCEPTED", cpo.party)
    assert (received.sender, received.receiver, received.tail) == (emsp.party, cpo.party, path)
    assert functional(other) == []


@pytest.mark.checklist("OR-06")
async def test_stop_session_goes_to_the_cpo_of_the_session_and_cancel_to_that_of_the_reservation(join: Any) -> None:
    cpo, other, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    value = session(cpo, emsp, status="ACTIVE")
    await cpo.put("sessions", at(cpo, value["id"]), value, to=emsp.party)
    location = await push(cpo)
    reservation = unique("RES")
    reserve = command("ReserveNow", emsp, location_id=location["id"], reservation_id=reservation)
    await emsp.post("commands", "/RESERVE_NOW", reserve)

    answers = [
        await emsp.post("commands", "/STOP_SESSION", command("StopSession", emsp, session_id=value["id"])),
        await emsp.post(
            "commands", "/CANCEL_RESERVATION", command("CancelReservation", emsp, reservation_id=reservation)
        ),
    ]

    assert [(answer.code, answer.sender) for answer in answers] == [(1000, cpo.party)] * 2
    assert [each.tail for each in functional(cpo)] == ["/RESERVE_NOW", "/STOP_SESSION", "/CANCEL_RESERVATION"]
    assert functional(other) == []


@pytest.mark.checklist("OR-07", "OR-02", "OR-03")
async def test_authorize_goes_to_the_owner_of_the_token(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    value = token(emsp, uid=unique("UID"))
    emsp.objects["tokens"] = [value]
    await emsp.put("tokens", at(emsp, value["uid"]), value, to=HUB)

    answer = await cpo.post("tokens", f"/{value['uid']}/authorize", None, role="SENDER")
    unknown = await cpo.post("tokens", "/NOBODYS/authorize", None, role="SENDER")

    assert (answer.code, answer.data["allowed"], answer.sender) == (1000, "ALLOWED", emsp.party)
    assert [(each.tail, each.receiver) for each in functional(emsp)] == [(f"/{value['uid']}/authorize", emsp.party)]
    assert (unknown.status, unknown.code) == (404, 2004)
    assert functional(other) == []


@pytest.mark.checklist("OR-02", "OR-03")
async def test_a_charging_preference_and_a_profile_go_to_the_cpo_of_the_session(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    value = session(cpo, emsp, status="ACTIVE")
    await cpo.put("sessions", at(cpo, value["id"]), value, to=emsp.party)
    cpo.answer(Answer("ACCEPTED"), module="sessions", method="PUT")
    preferences = example("ChargingPreferences.minimal")
    profile = example("SetChargingProfile.minimal", response_url=emsp.url("chargingprofiles", "SENDER") + "/1")

    answers = [
        await emsp.put("sessions", f"/{value['id']}/charging_preferences", preferences, role="SENDER"),
        await emsp.put("chargingprofiles", f"/{value['id']}", profile),
    ]

    assert [(answer.code, answer.sender) for answer in answers] == [(1000, cpo.party)] * 2, answers
    assert [(each.module, each.sender) for each in functional(cpo)] == [
        ("sessions", emsp.party),
        ("chargingprofiles", emsp.party),
    ]


@pytest.mark.checklist("OR-02", "OR-03")
async def test_an_open_get_of_one_object_is_answered(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    value = cdr(cpo, emsp)
    location = await push(cpo)
    cpo.objects["locations"], cpo.objects["cdrs"] = [location], [value]

    answer = await emsp.get("locations", f"/{location['id']}")

    assert (answer.code, answer.data) == (1000, location)
    assert answer.sender in (cpo.party, HUB)


async def undeterminable(cpo: PartyPlatform, emsp: PartyPlatform) -> dict[str, Reply]:
    """Send open requests whose receiver nobody can tell."""
    stranger = {"country_code": "XX", "party_id": "NON"}
    lost = session(cpo, emsp)
    return {
        "location unknown": await emsp.post(
            "commands", "/START_SESSION", command("StartSession", emsp, location_id="?-1")
        ),
        "session unknown": await emsp.post("commands", "/STOP_SESSION", command("StopSession", emsp, session_id="?-2")),
        "reservation unknown": await emsp.post(
            "commands", "/CANCEL_RESERVATION", command("CancelReservation", emsp, reservation_id="?-3")
        ),
        "owner not connected": await cpo.post("cdrs", "", cdr(cpo, emsp, cdr_token=cdr_token(emsp) | stranger)),
        "session never told": await cpo.patch("sessions", at(cpo, lost["id"]), {"kwh": 1, "last_updated": LATER}),
        "preferences": await emsp.put(
            "sessions", "/NONE-4/charging_preferences", example("ChargingPreferences.minimal"), role="SENDER"
        ),
        "a list": await emsp.get("locations"),
        "object unknown": await emsp.get("locations", "/UNKNOWN-5"),
    }


@pytest.mark.checklist("OR-04", "OR-05", "OR-08")
async def test_where_the_receiver_cannot_be_told_it_is_an_error_and_nobody_is_called(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP", "CPO")

    answers = await undeterminable(cpo, emsp)

    for name, answer in answers.items():
        assert answer.status in (200, 404), name
        assert 2000 <= answer.code < 5000 and answer.message, name
        assert answer.code != 3000, name
    assert [functional(each) for each in (cpo, emsp, other)] == [[], [], []]


@pytest.mark.checklist("OR-05")
async def test_where_several_parties_have_it_the_asker_shall_name_one(join: Any) -> None:
    one, two, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    same = unique("TWICE")
    await push(one, id=same)
    await push(two, id=same)

    answer = await emsp.post("commands", "/START_SESSION", command("StartSession", emsp, location_id=same))

    assert (answer.status, answer.code) == (200, 2001)
    assert one.party in answer.message and two.party in answer.message
    assert functional(one) == functional(two) == []


@pytest.mark.checklist("OR-05")
async def test_a_change_of_a_session_that_two_emsps_were_told_of_goes_to_neither(join: Any) -> None:
    cpo, one, two = await join("CPO"), await join("EMSP"), await join("EMSP")
    for emsp in (one, two):
        value = session(cpo, emsp, id="SAME", status="ACTIVE")
        await cpo.put("sessions", at(cpo, "SAME"), value, to=emsp.party)

    answer = await cpo.patch("sessions", at(cpo, "SAME"), {"kwh": 2, "last_updated": LATER})

    assert (answer.status, answer.code) == (200, 2001)
    assert [each.method for each in (*functional(one), *functional(two))] == ["PUT", "PUT"]


@pytest.mark.checklist("OR-05", "OR-08")
async def test_an_open_push_that_may_be_everyones_is_broadcast(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    location = example("Location.minimal", cpo, id=unique("OPEN"))

    answer = await cpo.put("locations", at(cpo, location["id"]), location)
    received = await arrival(emsp, method="PUT", module="locations")

    assert (answer.status, answer.code) == (201, 1000)
    assert (received.json, received.receiver) == (location, emsp.party)


@pytest.mark.checklist("OR-04")
async def test_an_open_request_whose_receiver_is_away_or_refuses_is_no_success(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    emsp.answer(Answer(status_code=2001, status_message="no"), module="cdrs", times=1)

    refused = await cpo.post("cdrs", "", cdr(cpo, emsp))
    await emsp.close()
    away = await cpo.post("cdrs", "", cdr(cpo, emsp))

    assert (refused.code, refused.message, away.code) == (2001, "no", 4003)
