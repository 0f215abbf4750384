"""Results of commands: how they find the asker through the URL the hub lent, and who may use it.

Source: OCPI 2.2.1, mod_commands.asciidoc (Flow, Sender Interface, response_url).
"""

import asyncio
from typing import Any

import pytest

from tests.conformance.samples import arrival, command, example, heard, path_of, report, response_url, unique
from tests.parties import Answer, PartyPlatform, Received


async def asked(
    emsp: PartyPlatform, cpo: PartyPlatform, name: str = "START_SESSION", **changes: Any
) -> tuple[str, str]:
    """Send a command, and return its own response_url and the one the CPO got."""
    objects = {"START_SESSION": "StartSession", "RESERVE_NOW": "ReserveNow"}
    body = command(objects[name], emsp, response_url=response_url(emsp, name, unique("ask")), **changes)
    before = len(heard(cpo, "commands"))
    answer = await emsp.post("commands", f"/{name}", body, to=cpo.party)
    assert answer.code == 1000
    return body["response_url"], heard(cpo, "commands")[before].json["response_url"]


async def results(emsp: PartyPlatform, url: str, count: int = 1) -> list[Received]:
    """Return what was posted to a URL of the asker."""
    return await emsp.received(count, path=path_of(url, emsp.origin).partition("?")[0])


@pytest.mark.checklist("CM-08")
async def test_the_result_reaches_the_exact_url_unchanged_and_with_the_askers_own_token(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own = response_url(emsp, "any", "where%2Fever", f"{unique('ask')};v=1") + "?a=b%20c&empty=&r=1%2F2"
    before = len(heard(cpo, "commands"))
    body = command("StartSession", emsp, response_url=own)
    await emsp.post("commands", "/START_SESSION", body, to=cpo.party)
    result = example("CommandResult.full")

    answer = await report(cpo, heard(cpo, "commands")[before].json["response_url"], result, to=emsp.party)

    (copy,) = await results(emsp, own)
    assert (answer.status, answer.code, answer.sender) == (200, 1000, emsp.party)
    assert (copy.json, copy.query) == (result, {"a": "b c", "empty": "", "r": "1/2"})
    assert emsp._holds(copy, emsp.tokens)
    assert not emsp._holds(copy, cpo.tokens | {cpo.hub_token})


@pytest.mark.checklist("CM-09")
async def test_a_result_has_the_routing_headers_and_message_ids_of_every_routed_request(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own, lent = await asked(emsp, cpo)
    ids = {"X-Request-ID": unique("request"), "X-Correlation-ID": unique("correlation")}

    answer = await report(cpo, lent, {"result": "ACCEPTED"}, to=emsp.party, headers=ids)

    (copy,) = await results(emsp, own)
    assert (copy.sender, copy.receiver) == (cpo.party, emsp.party)
    assert copy.headers["x-correlation-id"] == ids["X-Correlation-ID"]
    assert copy.headers["x-request-id"] != ids["X-Request-ID"]
    assert (answer.sender, answer.receiver) == (emsp.party, cpo.party)
    assert {name: answer.headers[name] for name in ids} == ids


@pytest.mark.checklist("CM-10")
async def test_a_result_without_routing_headers_finds_its_way(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    own, lent = await asked(emsp, cpo)

    answer = await report(cpo, lent, {"result": "FAILED"})

    (copy,) = await results(emsp, own)
    assert (answer.code, copy.json) == (1000, {"result": "FAILED"})
    assert (copy.sender, copy.receiver) == (cpo.party, emsp.party)


RESULTS = [
    "ACCEPTED", "CANCELED_RESERVATION", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "FAILED", "NOT_SUPPORTED", "REJECTED",
    "TIMEOUT", "UNKNOWN_RESERVATION",
]  # fmt: skip


@pytest.mark.checklist("CM-11", "CM-12")
async def test_every_result_passes_and_one_url_takes_them_all(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    own, lent = await asked(emsp, cpo, "RESERVE_NOW")

    answers = [await report(cpo, lent, {"result": each}, to=emsp.party) for each in RESULTS]

    assert [each.code for each in answers] == [1000] * len(RESULTS)
    assert [each.json["result"] for each in await results(emsp, own, len(RESULTS))] == RESULTS


@pytest.mark.checklist("CM-12")
async def test_a_reservation_is_cancelled_later_at_the_url_it_was_accepted_at(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own, lent = await asked(emsp, cpo, "RESERVE_NOW")
    await report(cpo, lent, {"result": "ACCEPTED"}, to=emsp.party)

    await report(cpo, lent, {"result": "CANCELED_RESERVATION"}, to=emsp.party)

    got = [each.json["result"] for each in await results(emsp, own, 2)]
    assert got == ["ACCEPTED", "CANCELED_RESERVATION"]


@pytest.mark.checklist("CM-13")
async def test_results_of_simultaneous_commands_do_not_mix(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    bodies = [
        (asker, command("StartSession", asker, location_id=unique("LOC"))) for asker in (emsp, other) for _ in range(10)
    ]
    before = len(heard(cpo, "commands"))
    await asyncio.gather(*(asker.post("commands", "/START_SESSION", body, to=cpo.party) for asker, body in bodies))
    lent = {each.json["location_id"]: each.json["response_url"] for each in heard(cpo, "commands")[before:]}

    texts = {location_id: [{"language": "en", "text": location_id}] for location_id in lent}
    await asyncio.gather(
        *(
            report(cpo, url, {"result": "ACCEPTED", "message": texts[location_id]})
            for location_id, url in reversed(lent.items())
        )
    )

    for asker, body in bodies:
        (copy,) = await results(asker, body["response_url"])
        assert copy.json["message"] == texts[body["location_id"]]


@pytest.mark.checklist("CM-14")
async def test_a_result_that_comes_before_the_command_response_is_delivered(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    cpo.answer(Answer({"result": "ACCEPTED", "timeout": 30}, delay=0.5), module="commands")
    before = len(heard(cpo, "commands"))
    body = command("StartSession", emsp)

    asking = asyncio.create_task(emsp.post("commands", "/START_SESSION", body, to=cpo.party))
    await cpo.received(before + 1, module="commands")
    early = await report(
        cpo, heard(cpo, "commands")[before].json["response_url"], {"result": "ACCEPTED"}, to=emsp.party
    )

    assert (early.code, asking.done()) == (1000, False)
    assert (await results(emsp, body["response_url"]))[0].json == {"result": "ACCEPTED"}
    assert (await asking).data == {"result": "ACCEPTED", "timeout": 30}


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        (Answer(None, 2001, 200, "unknown command"), 200, 2001),
        (Answer(None, 2001, 404, "unknown command"), 404, 2001),
        (Answer(None, 3000, 200, "full disk"), 200, 3000),
        (Answer(body=b"<html>no</html>", http_status=502), 200, 4000),
    ],
)
@pytest.mark.checklist("CM-15")
async def test_the_askers_answer_to_a_result_is_the_answer_to_the_cpo(
    told: Answer, status: int, code: int, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own, lent = await asked(emsp, cpo)
    emsp.answer(told, path=path_of(own, emsp.origin))

    answer = await report(cpo, lent, {"result": "ACCEPTED"}, to=emsp.party)

    assert (answer.status, answer.code) == (status, code)
    if told.status_message:
        assert answer.message == told.status_message


@pytest.mark.checklist("CM-16")
async def test_only_the_cpo_that_got_the_command_can_report_its_result(
    cpo: PartyPlatform, emsp: PartyPlatform, stranger: PartyPlatform
) -> None:
    own, lent = await asked(emsp, cpo)

    answers = [
        await report(stranger, lent, {"result": "ACCEPTED"}, to=emsp.party),
        await report(stranger, lent, {"result": "ACCEPTED"}),
        await report(emsp, lent, {"result": "ACCEPTED"}),
    ]

    assert [(each.status, each.code) for each in answers] == [(200, 2001)] * 3
    assert not [each for each in emsp.inbox if each.path == path_of(own, emsp.origin)]


@pytest.mark.checklist("CM-17")
async def test_a_lent_url_needs_the_token_of_the_party_it_was_lent_to(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    own, lent = await asked(emsp, cpo)

    wrong = await report(cpo, lent, {"result": "ACCEPTED"}, token="somebody's")
    none = await report(cpo, lent, {"result": "ACCEPTED"}, headers={"Authorization": ""})

    assert [(each.status, each.code) for each in (wrong, none)] == [(401, 2001)] * 2
    assert not [each for each in emsp.inbox if each.path == path_of(own, emsp.origin)]


@pytest.mark.checklist("CM-18")
async def test_an_asker_that_is_gone_harms_nobody_else(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    dead = f"http://127.0.0.1:1/{unique('nobody')}"
    before = len(heard(cpo, "commands"))
    body = command("StartSession", emsp, response_url=dead)
    await emsp.post("commands", "/START_SESSION", body, to=cpo.party)
    own, lent = await asked(other, cpo)

    lost = await report(cpo, heard(cpo, "commands")[before].json["response_url"], {"result": "ACCEPTED"}, to=emsp.party)
    fine = await report(cpo, lent, {"result": "ACCEPTED"}, to=other.party)

    assert (lost.status, lost.code) == (200, 4003)
    assert fine.code == 1000
    assert (await results(other, own))[0].json == {"result": "ACCEPTED"}
    assert (await emsp.post("commands", "/START_SESSION", command("StartSession", emsp), to=cpo.party)).code == 1000


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        ({"result": "MAYBE"}, "$.result"),
        ({"result": "accepted"}, "$.result"),
        ({}, "$.result"),
        ({"result": "ACCEPTED", "message": [{"language": "en"}]}, "$.message[0].text"),
        ({"result": "ACCEPTED", "message": {"language": "en", "text": "x"}}, "$.message"),
    ],
)
@pytest.mark.checklist("CM-19")
async def test_an_invalid_result_is_refused_and_reaches_nobody(
    result: Any, fault: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    own, lent = await asked(emsp, cpo)

    answer = await report(cpo, lent, result, to=emsp.party)

    assert (answer.status, answer.code) == (200, 2001)
    assert fault in answer.message
    assert not [each for each in emsp.inbox if each.path == path_of(own, emsp.origin)]
    assert (await report(cpo, lent, {"result": "ACCEPTED"}, to=emsp.party)).code == 1000
    await arrival(emsp, path=path_of(own, emsp.origin))


async def test_a_result_to_a_url_nobody_lent_is_404(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    _, lent = await asked(emsp, cpo)

    answer = await report(cpo, lent[:-1] + ("A" if lent[-1] != "A" else "B"), {"result": "ACCEPTED"}, to=emsp.party)

    assert (answer.status, answer.code) == (404, 2001)
