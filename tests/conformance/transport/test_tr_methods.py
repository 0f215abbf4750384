"""What may be called, what comes of it, and that nothing is sent twice.

Source: OCPI 2.2.1, status_codes.asciidoc; transport_and_format.asciidoc (Offline behaviour); the method
tables of the modules.
"""

import asyncio

import pytest

from tests.conformance.samples import at, example, session, unique
from tests.conformance.transport.conftest import Trio, heard
from tests.conformance.transport.speech import check_envelope
from tests.parties import Answer

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

#: What the method tables name, by interface and URL; all else there is "n/a".
NAMED: dict[tuple[str, str, str], str] = {
    ("locations", "SENDER", ""): "GET",
    ("locations", "SENDER", "/LOC1"): "GET",
    ("locations", "SENDER", "/LOC1/E1"): "GET",
    ("locations", "SENDER", "/LOC1/E1/1"): "GET",
    ("locations", "RECEIVER", "/NL/{}/LOC1"): "GET PUT PATCH",
    ("locations", "RECEIVER", "/NL/{}/LOC1/E1"): "GET PUT PATCH",
    ("locations", "RECEIVER", "/NL/{}/LOC1/E1/1"): "GET PUT PATCH",
    ("sessions", "SENDER", ""): "GET",
    ("sessions", "SENDER", "/S1/charging_preferences"): "PUT",
    ("sessions", "RECEIVER", "/NL/{}/S1"): "GET PUT PATCH",
    ("cdrs", "SENDER", ""): "GET",
    ("cdrs", "RECEIVER", ""): "POST",
    ("cdrs", "RECEIVER", "/C1"): "GET",
    ("tariffs", "SENDER", ""): "GET",
    ("tariffs", "RECEIVER", "/NL/{}/T1"): "GET PUT DELETE",
    ("tokens", "SENDER", ""): "GET",
    ("tokens", "SENDER", "/U1/authorize"): "POST",
    ("tokens", "RECEIVER", "/NL/{}/U1"): "GET PUT PATCH",
    ("commands", "SENDER", "/START_SESSION/1"): "POST",
    ("commands", "RECEIVER", "/START_SESSION"): "POST",
    ("commands", "RECEIVER", "/STOP_SESSION"): "POST",
    ("commands", "RECEIVER", "/RESERVE_NOW"): "POST",
    ("commands", "RECEIVER", "/CANCEL_RESERVATION"): "POST",
    ("commands", "RECEIVER", "/UNLOCK_CONNECTOR"): "POST",
    ("chargingprofiles", "SENDER", "/chargingprofile/1"): "POST",
    ("chargingprofiles", "SENDER", "/S1"): "PUT",
    ("chargingprofiles", "RECEIVER", "/S1"): "GET PUT DELETE",
    ("hubclientinfo", "SENDER", ""): "GET",
    ("credentials", "SENDER", ""): "GET POST PUT DELETE",
}


@pytest.mark.checklist("TR-35", "VE-15")
@pytest.mark.parametrize(("module", "role", "path"), NAMED, ids=lambda each: each or "-")
async def test_a_method_the_tables_do_not_name_is_405(trio: Trio, module: str, role: str, path: str) -> None:
    cpo, emsp, _ = trio
    named = set(NAMED[module, role, path].split())
    to = emsp.party if module not in ("hubclientinfo", "credentials") else None

    for method in [*sorted(METHODS - named), "OPTIONS", "PURGE"]:
        answer = await cpo.call(method, module, path.format(cpo.party[3:]), role=role, to=to, content=b"{}")

        check_envelope(answer)
        assert (method, answer.status, answer.code) == (method, 405, 2001)
        assert set(answer.headers["allow"].split(", ")) == named
    assert heard(emsp) == []


@pytest.mark.checklist("TR-35", "VE-15")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_versions_and_their_details_know_get_alone(trio: Trio, method: str) -> None:
    for url in (trio.cpo.hub_url, *trio.cpo.hub_versions.values()):
        answer = await trio.cpo.send(method, url, body={})

        assert (answer.status, answer.headers["allow"]) == (405, "GET")
        check_envelope(answer)


@pytest.mark.checklist("TR-20")
@pytest.mark.parametrize(
    ("module", "role", "path"),
    [
        ("locations", "SENDER", "/nowhere"),
        ("locations", "SENDER", "/{loc}/nowhere"),
        ("locations", "SENDER", "/{loc}/9f3b-a1/nowhere"),
        ("locations", "RECEIVER", "/NL/{cpo}/nowhere"),
        ("tariffs", "RECEIVER", "/NL/{cpo}/nowhere"),
        ("sessions", "RECEIVER", "/NL/{cpo}/nowhere"),
    ],
)
async def test_get_of_what_is_not_there_is_http_404(trio: Trio, module: str, role: str, path: str) -> None:
    cpo = trio.cpo
    body = example("Location.minimal", cpo, id=unique("LOC"))
    await cpo.put("locations", at(cpo, body["id"]), body, to="NL-HUB")

    answer = await cpo.get(module, path.format(loc=body["id"], cpo=cpo.party[3:]), role=role, to="NL-HUB")

    check_envelope(answer)
    assert answer.status == 404
    assert 2000 <= answer.code < 3000


@pytest.mark.checklist("TR-20", "RT-12")
async def test_a_receivers_404_comes_back_as_404(trio: Trio) -> None:
    trio.emsp.answer(Answer(http_status=404, status_code=2003, status_message="never heard of it"), method="GET")

    answer = await trio.cpo.get("sessions", at(trio.cpo, "S1"), role="RECEIVER", to=trio.emsp.party)

    assert (answer.status, answer.code, answer.message) == (404, 2003, "never heard of it")


@pytest.mark.checklist("TR-21")
@pytest.mark.parametrize(
    ("module", "name", "change"),
    [
        ("locations", "Location.minimal", {"city": "Delft"}),
        ("tariffs", "Tariff.minimal", {"currency": "NOK"}),
    ],
)
async def test_created_is_201_and_updated_200(trio: Trio, module: str, name: str, change: dict[str, str]) -> None:
    body = example(name, trio.cpo, id=unique("NEW"))
    path = at(trio.cpo, body["id"])

    first = await trio.cpo.put(module, path, body, to="NL-HUB")
    again = await trio.cpo.put(module, path, body, to="NL-HUB")
    changed = await trio.cpo.put(module, path, body | change, to="NL-HUB")

    assert [each.status for each in (first, again, changed)] == [201, 200, 200]
    assert {each.code for each in (first, again, changed)} == {1000}


@pytest.mark.checklist("TR-21")
async def test_a_new_evse_is_201_and_a_patch_200(trio: Trio) -> None:
    body = example("Location.minimal", trio.cpo, id=unique("LOC"))
    evse = example("EVSE.minimal")
    path = at(trio.cpo, body["id"])
    await trio.cpo.put("locations", path, body, to="NL-HUB")

    created = await trio.cpo.put("locations", f"{path}/{evse['uid']}", evse, to="NL-HUB")
    updated = await trio.cpo.put("locations", f"{path}/{evse['uid']}", evse, to="NL-HUB")
    change = {"status": "BLOCKED", "last_updated": "2026-05-01T00:00:00Z"}
    patched = await trio.cpo.patch("locations", f"{path}/{evse['uid']}", change, to="NL-HUB")

    assert [created.status, updated.status, patched.status] == [201, 200, 200]


@pytest.mark.checklist("TR-34", "RT-20", "RT-21")
async def test_a_party_that_hangs_gets_its_request_once_and_holds_nobody_up(trio: Trio) -> None:
    cpo, emsp, other = trio
    emsp.answer(Answer(hang=True), module="sessions")
    mine, theirs = session(cpo, emsp), session(cpo, other)

    waiting = asyncio.create_task(cpo.put("sessions", at(cpo, mine["id"]), mine, to=emsp.party))
    await emsp.received(module="sessions")
    meanwhile = [await cpo.put("sessions", at(cpo, theirs["id"]), theirs, to=other.party) for _ in range(5)]
    same = await cpo.get("tokens", to=emsp.party)
    still_waiting = not waiting.done()
    timed_out = await waiting

    assert still_waiting
    assert {each.code for each in meanwhile} == {1000}
    assert same.code == 1000
    assert (timed_out.status, timed_out.code) == (200, 4002)
    assert (timed_out.sender, timed_out.receiver) == ("NL-HUB", cpo.party)
    assert len([each for each in heard(emsp) if each.module == "sessions"]) == 1


@pytest.mark.checklist("TR-34", "RT-21")
@pytest.mark.parametrize("answer", [Answer(status_code=3000), Answer(http_status=503, body=b"later")])
async def test_a_request_that_failed_is_not_sent_again(trio: Trio, answer: Answer) -> None:
    cpo, emsp, _ = trio
    emsp.answer(answer, module="sessions")
    mine = session(cpo, emsp)

    failed = await cpo.put("sessions", at(cpo, mine["id"]), mine, to=emsp.party)
    emsp.forget_answers()
    await cpo.get("tokens", to=emsp.party)

    assert failed.code in (3000, 4000)
    assert [each.module for each in heard(emsp)] == ["sessions", "tokens"]
