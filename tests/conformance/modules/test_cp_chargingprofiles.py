"""ChargingProfiles through the hub: three requests, three results, and updates of the active profile.

Source: OCPI 2.2.1, mod_charging_profiles.asciidoc.
"""

from typing import Any
from urllib.parse import quote

import pytest

from tests.conformance.modules.conftest import Enlist, shared
from tests.conformance.samples import arrival, at, example, path_of, report, session, unique
from tests.parties import Answer, PartyPlatform

#: By the method that asks: the example of its result.
RESULTS = {"GET": "ActiveChargingProfileResult", "PUT": "ChargingProfileResult", "DELETE": "ClearProfileResult"}


def own_url(asker: PartyPlatform) -> str:
    """Return a response_url that would suffer from any second encoding."""
    return f"{asker.url('chargingprofiles', 'SENDER')}/a%20b/{unique('ask')}?request_id=5%2F6&x=%26y"


async def asked(method: str, asker: PartyPlatform, cpo: PartyPlatform, session_id: str, **rest: Any) -> tuple[str, str]:
    """Make one of the three requests; return the asker's response_url and the one the CPO got."""
    own = own_url(asker)
    body = example("SetChargingProfile.full", response_url=own) if method == "PUT" else None
    query = {} if method == "PUT" else {"response_url": own}
    query |= {"duration": "900"} if method == "GET" else {}
    tail = f"/{quote(session_id, safe='')}"
    answer = await asker.call(method, "chargingprofiles", tail, body=body, query=query, to=cpo.party, **rest)
    assert (answer.status, answer.code) == (200, 1000)
    copy = await arrival(cpo, tail=tail, method=method)
    return own, (copy.json or copy.query)["response_url"]


@shared
async def scsp(enlist: Enlist) -> PartyPlatform:
    """A smart charging service provider."""
    return await enlist("SCSP")


@pytest.mark.checklist("CP-01")
async def test_a_charging_profile_arrives_with_nothing_changed_but_its_response_url(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    tail = f"/{unique('SESSION')}"
    body = example("SetChargingProfile.full", response_url=own_url(emsp))

    answer = await emsp.put("chargingprofiles", tail, body, to=cpo.party)

    copy = await arrival(cpo, tail=tail)
    assert (copy.method, copy.role) == ("PUT", "RECEIVER")
    assert copy.json == body | {"response_url": copy.json["response_url"]}
    assert copy.json["response_url"].startswith(cpo.hub_endpoints["chargingprofiles", "SENDER"])
    assert (answer.code, answer.data) == (1000, {"result": "ACCEPTED", "timeout": 30})


@pytest.mark.parametrize("session_id", ["S/1 %&?", "S-plain"])
@pytest.mark.checklist("CP-02", "CP-06")
async def test_duration_and_session_id_of_a_get_are_kept_and_its_response_url_is_lent(
    session_id: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    session_id = f"{session_id}{unique('')}"
    tail = f"/{quote(session_id, safe='')}"
    query = {"duration": "86400", "response_url": own_url(emsp), "extra": "kept"}

    answer = await emsp.call("GET", "chargingprofiles", tail, query=query, to=cpo.party)

    copy = await arrival(cpo, tail=tail)
    assert (copy.method, copy.role, answer.code) == ("GET", "RECEIVER", 1000)
    assert copy.query == query | {"response_url": copy.query["response_url"]}
    assert copy.query["response_url"].startswith(cpo.hub_endpoints["chargingprofiles", "SENDER"])
    assert len(copy.query["response_url"]) <= 255


@pytest.mark.checklist("CP-03")
async def test_a_delete_arrives_with_a_lent_response_url_in_its_query(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    session_id = unique("SESSION")

    own, lent = await asked("DELETE", emsp, cpo, session_id)

    assert lent != own
    assert lent.startswith(cpo.hub_endpoints["chargingprofiles", "SENDER"])


@pytest.mark.parametrize("way", ["directed", "open"])
@pytest.mark.checklist("CP-04")
async def test_an_active_charging_profile_reaches_the_emsp(way: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    running = session(cpo, emsp)
    await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    profile = example("ActiveChargingProfile.full")

    answer = await cpo.put(
        "chargingprofiles", f"/{running['id']}", profile, role="SENDER", to=emsp.party if way == "directed" else None
    )

    copy = await arrival(emsp, tail=f"/{running['id']}", module="chargingprofiles")
    assert (copy.method, copy.role, copy.json, copy.sender) == ("PUT", "SENDER", profile, cpo.party)
    assert (answer.code, answer.sender) == (1000, emsp.party)


@pytest.mark.checklist("CP-04", "CP-10")
async def test_an_active_charging_profile_reaches_an_scsp(cpo: PartyPlatform, scsp: PartyPlatform) -> None:
    tail = f"/{unique('SESSION')}"

    answer = await cpo.put(
        "chargingprofiles", tail, example("ActiveChargingProfile.full"), role="SENDER", to=scsp.party
    )

    assert (answer.code, answer.sender) == (1000, scsp.party)
    await arrival(scsp, tail=tail, role="SENDER")


@pytest.mark.parametrize("method", RESULTS)
@pytest.mark.checklist("CP-05")
async def test_each_kind_of_result_reaches_the_exact_url_of_its_asker(
    method: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own, lent = await asked(method, emsp, cpo, unique("SESSION"))
    result = example(f"{RESULTS[method]}.full")

    answer = await report(cpo, lent, result, to=emsp.party)

    copy = await arrival(emsp, path=path_of(own, emsp.origin).partition("?")[0])
    assert (copy.method, copy.json, copy.query) == ("POST", result, {"request_id": "5/6", "x": "&y"})
    assert (copy.sender, copy.receiver, answer.code) == (cpo.party, emsp.party, 1000)


@pytest.mark.parametrize("result", ["ACCEPTED", "REJECTED", "UNKNOWN"])
@pytest.mark.parametrize("method", RESULTS)
@pytest.mark.checklist("CP-05")
async def test_a_result_of_each_type_passes_and_any_other_is_refused(
    method: str, result: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    _, lent = await asked(method, emsp, cpo, unique("SESSION"))

    passed = await report(cpo, lent, {"result": result}, to=emsp.party)
    refused = await report(cpo, lent, {"result": "TIMEOUT"}, to=emsp.party)

    assert (passed.code, refused.code) == (1000, 2001)
    assert "$.result" in refused.message


@pytest.mark.parametrize("result", ["ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION"])
@pytest.mark.checklist("CP-07")
async def test_every_charging_profile_response_is_relayed(result: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    tail = f"/{unique('SESSION')}"
    cpo.answer(Answer({"result": result, "timeout": 12}), tail=tail)
    body = example("SetChargingProfile.minimal", response_url=own_url(emsp))

    answer = await emsp.put("chargingprofiles", tail, body, to=cpo.party)

    assert (answer.code, answer.data) == (1000, {"result": result, "timeout": 12})


@pytest.mark.parametrize(
    ("method", "query", "fault"),
    [
        ("GET", {"response_url": "here"}, "duration"),
        ("GET", {"duration": "900"}, "response_url"),
        ("GET", {"duration": "soon", "response_url": "here"}, "duration"),
        ("GET", {"duration": "-1", "response_url": "here"}, "duration"),
        ("DELETE", {}, "response_url"),
        ("PUT", {"charging_profile": None}, "$.charging_profile"),
        ("PUT", {"response_url": None}, "$.response_url"),
        ("PUT", {"charging_profile": {}}, "$.charging_profile.charging_rate_unit"),
    ],
)
@pytest.mark.checklist("CP-08")
async def test_a_request_that_lacks_a_required_parameter_is_refused(
    method: str, query: Any, fault: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    tail = f"/{unique('SESSION')}"
    given = {name: own_url(emsp) if value == "here" else value for name, value in query.items()}
    body = example("SetChargingProfile.minimal", response_url=own_url(emsp)) | given if method == "PUT" else None

    answer = await emsp.call(
        method, "chargingprofiles", tail, body=body, query={} if method == "PUT" else given, to=cpo.party
    )

    assert (answer.status, answer.code) == (200, 2001)
    assert fault in answer.message
    assert not [each for each in cpo.inbox if each.tail == tail]


@pytest.mark.parametrize("method", RESULTS)
@pytest.mark.checklist("CP-09")
async def test_answers_on_the_sender_interface_have_no_data(
    method: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    _, lent = await asked(method, emsp, cpo, unique("SESSION"))

    result = await report(cpo, lent, {"result": "ACCEPTED"}, to=emsp.party)
    update = await cpo.put(
        "chargingprofiles", "/S1", example("ActiveChargingProfile.full"), role="SENDER", to=emsp.party
    )

    assert [(each.code, "data" in each.json) for each in (result, update)] == [(1000, False)] * 2


@pytest.mark.parametrize("method", RESULTS)
@pytest.mark.checklist("CP-10")
async def test_an_scsp_asks_and_gets_its_result(method: str, cpo: PartyPlatform, scsp: PartyPlatform) -> None:
    own, lent = await asked(method, scsp, cpo, unique("SESSION"))

    answer = await report(cpo, lent, {"result": "ACCEPTED"}, to=scsp.party)

    copy = await arrival(scsp, path=path_of(own, scsp.origin).partition("?")[0])
    assert (answer.code, copy.receiver) == (1000, scsp.party)


@pytest.mark.parametrize("method", RESULTS)
@pytest.mark.checklist("CP-11")
async def test_of_several_parties_on_a_platform_the_one_that_asked_gets_the_result(
    method: str, cpo: PartyPlatform, enlist: Enlist
) -> None:
    platform = await enlist("EMSP", "EMSP")
    asker = "-".join(platform.roles[1][1:])
    own, lent = await asked(method, platform, cpo, unique("SESSION"), sender=asker)

    answer = await report(cpo, lent, {"result": "ACCEPTED"}, to=asker)

    copy = await arrival(platform, path=path_of(own, platform.origin).partition("?")[0])
    assert (answer.code, answer.sender, copy.receiver) == (1000, asker, asker)
