"""Sessions through the hub: told to one eMSP, added to by PATCH, and what the driver wishes of them.

Source: OCPI 2.2.1, mod_sessions.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.samples import HUB, arrival, at, example, session, unique
from tests.parties import Answer, PartyPlatform

LATER = "2026-05-01T10:00:00Z"


def period(kwh: float, start: str = "2026-03-14T08:12:05Z") -> Any:
    """Return a ChargingPeriod."""
    return {"start_date_time": start, "dimensions": [{"type": "ENERGY", "volume": kwh}]}


async def told(cpo: PartyPlatform, emsp: PartyPlatform, **changes: Any) -> Any:
    """Push a Session to an eMSP, and return it."""
    value = session(cpo, emsp, **changes)
    answer = await cpo.put("sessions", at(cpo, value["id"]), value, to=emsp.party)
    assert answer.code == 1000
    return value


async def listed(viewer: PartyPlatform, session_id: str) -> Any:
    """Return a Session as the hub lists it to a party; None if it does not."""
    async for page in viewer.pages("sessions", to=HUB, query={"date_from": "2020-01-01T00:00:00Z"}):
        for each in page.data:
            if each["id"] == session_id:
                return each
    return None


@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.checklist("SE-01")
async def test_a_session_put_to_an_emsp_arrives_as_it_was(size: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    known = session(cpo, emsp)
    value = example(f"Session.{size}", cpo, id=known["id"], cdr_token=known["cdr_token"])

    answer = await cpo.put("sessions", at(cpo, value["id"]), value, to=emsp.party)

    copy = await arrival(emsp, tail=at(cpo, value["id"]))
    assert (answer.status, answer.code, answer.sender) == (201, 1000, emsp.party)
    assert (copy.method, copy.role, copy.json) == ("PUT", "RECEIVER", value)


@pytest.mark.checklist("SE-02")
async def test_a_patch_of_a_session_arrives_as_it_was(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await told(cpo, emsp, status="ACTIVE")
    change = {"kwh": 40.5, "status": "COMPLETED", "last_updated": LATER}

    answer = await cpo.patch("sessions", at(cpo, value["id"]), change, to=emsp.party)

    copy = await arrival(emsp, tail=at(cpo, value["id"]), method="PATCH")
    assert (answer.status, answer.code, copy.json) == (200, 1000, change)


@pytest.mark.checklist("SE-03")
async def test_a_cpo_reads_the_session_an_emsp_holds(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await told(cpo, emsp)

    answer = await cpo.get("sessions", at(cpo, value["id"]), role="RECEIVER", to=emsp.party)

    assert (answer.code, answer.data) == (1000, value)
    assert (await arrival(emsp, tail=at(cpo, value["id"]), method="GET")).role == "RECEIVER"


@pytest.mark.checklist("SE-04")
async def test_an_emsp_lists_the_sessions_of_a_cpo_and_its_own_at_the_hub(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    value = await told(cpo, emsp)
    cpo.objects["sessions"] = [value]
    query = {"date_from": "2026-03-14T09:26:53Z", "date_to": "2026-03-14T09:26:54Z"}

    theirs = await emsp.get("sessions", to=cpo.party, query=query)

    assert theirs.data == [value]
    asked = (await cpo.received(module="sessions", role="SENDER", method="GET", tail=""))[-1]
    assert (asked.sender, asked.query) == (emsp.party, query)
    assert await listed(emsp, value["id"]) == value
    assert await listed(other, value["id"]) is None


@pytest.mark.parametrize(
    "data",
    ["ACCEPTED", "DEPARTURE_REQUIRED", "ENERGY_NEED_REQUIRED", "NOT_POSSIBLE", "PROFILE_TYPE_NOT_SUPPORTED"],
)
@pytest.mark.checklist("SE-05", "SE-10")
async def test_charging_preferences_reach_the_cpo_and_its_answer_is_one_string(
    data: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value = await told(cpo, emsp, status="ACTIVE")
    tail = f"/{value['id']}/charging_preferences"
    wishes = example("ChargingPreferences.full")
    cpo.answer(Answer(data), tail=tail)

    answer = await emsp.put("sessions", tail, wishes, role="SENDER", to=cpo.party)

    asked = await arrival(cpo, tail=tail)
    assert (asked.method, asked.role, asked.json) == ("PUT", "SENDER", wishes)
    assert (answer.code, answer.data) == (1000, data)


@pytest.mark.checklist("SE-06")
async def test_a_patch_adds_charging_periods_and_an_empty_or_absent_list_changes_none(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value = await told(cpo, emsp, status="ACTIVE", charging_periods=[period(1)])
    tail = at(cpo, value["id"])

    await cpo.patch("sessions", tail, {"charging_periods": [period(2)], "last_updated": LATER}, to=emsp.party)
    added = await listed(emsp, value["id"])
    await cpo.patch("sessions", tail, {"charging_periods": [], "last_updated": LATER}, to=emsp.party)
    await cpo.patch("sessions", tail, {"charging_periods": None, "last_updated": LATER}, to=emsp.party)
    await cpo.patch("sessions", tail, {"kwh": 9.5, "last_updated": LATER}, to=emsp.party)

    assert added["charging_periods"] == [period(1), period(2)]
    assert await listed(emsp, value["id"]) == added | {"kwh": 9.5}


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"])
@pytest.mark.checklist("SE-07")
async def test_every_session_status_passes(status: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await told(cpo, emsp, status=status)

    assert (await arrival(emsp, tail=at(cpo, value["id"]))).json["status"] == status


@pytest.mark.checklist("SE-07")
async def test_the_word_reserved_of_the_prose_is_no_session_status(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = session(cpo, emsp, status="RESERVED")

    answer = await cpo.put("sessions", at(cpo, value["id"]), value, to=emsp.party)

    assert (answer.status, answer.code) == (200, 2001)
    assert "$.status" in answer.message


@pytest.mark.checklist("SE-08")
async def test_a_session_with_thousands_of_charging_periods_passes_whole(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value = await told(cpo, emsp, charging_periods=[period(number / 8) for number in range(5000)])

    assert (await arrival(emsp, tail=at(cpo, value["id"]))).json == value
    assert await listed(emsp, value["id"]) == value


@pytest.mark.checklist("SE-09")
async def test_a_put_replaces_charging_periods_and_without_them_they_are_gone(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value = await told(cpo, emsp, charging_periods=[period(1), period(2)])
    tail = at(cpo, value["id"])

    await cpo.put("sessions", tail, value | {"charging_periods": [period(3)]}, to=emsp.party)
    replaced = await listed(emsp, value["id"])
    del value["charging_periods"]
    await cpo.put("sessions", tail, value, to=emsp.party)

    assert replaced["charging_periods"] == [period(3)]
    assert await listed(emsp, value["id"]) == value


@pytest.mark.checklist("SE-11")
async def test_a_cpos_404_with_2001_for_charging_preferences_reaches_the_emsp(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    tail = f"/{unique('SESSION')}/charging_preferences"
    cpo.answer(Answer(None, 2001, 404, "not capable"), tail=tail)

    answer = await emsp.put("sessions", tail, example("ChargingPreferences.full"), role="SENDER", to=cpo.party)

    assert (answer.status, answer.code, answer.message, answer.sender) == (404, 2001, "not capable", cpo.party)


@pytest.mark.checklist("SE-12")
async def test_a_session_has_no_urls_for_its_inner_objects(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await told(cpo, emsp)
    tail = at(cpo, value["id"], "charging_periods")

    answer = await cpo.patch("sessions", tail, {"last_updated": LATER}, to=emsp.party)

    assert (answer.status, answer.code) == (404, 2001)
    assert not [each for each in emsp.inbox if each.tail == tail]


async def test_a_driver_cannot_wish_for_another_emsps_session(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    value = await told(cpo, emsp, status="ACTIVE")
    tail = f"/{value['id']}/charging_preferences"

    answer = await other.put("sessions", tail, example("ChargingPreferences.full"), role="SENDER", to=cpo.party)

    assert (answer.status, answer.code) == (200, 2001)
    assert not [each for each in cpo.inbox if each.tail == tail]
