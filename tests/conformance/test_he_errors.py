"""Errors of the hub, and parties that are away, slow or broken.

Source: OCPI 2.2.1, status_codes.asciidoc (4xxx), transport_and_format.asciidoc (Offline behaviour); error path X-49.
"""

import asyncio
import base64
import json
import time
from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import arrival, at, cdr, example, session, unique
from tests.conformance.seen import eventually
from tests.conformance.test_ga_get_all import of
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform, Reply


def ocpi(reply: Reply) -> tuple[int, int]:
    """Return HTTP status and OCPI status code of an answer that is in the OCPI response format."""
    envelope = json.loads(reply.body)
    assert {"status_code", "timestamp"} <= set(envelope)
    assert reply.headers["content-type"] == "application/json"
    return reply.status, envelope["status_code"]


@pytest.mark.checklist("HE-01", "HE-07", "HE-11")
@pytest.mark.parametrize("address", ["NL-ZZ9", "XX-NON"])
async def test_an_unknown_receiver_is_4001_from_the_hub(address: str, join: Any) -> None:
    emsp = await join("EMSP")

    answer = await emsp.get("locations", to=address)

    assert ocpi(answer) == (200, 4001)
    assert address in answer.message
    assert (answer.sender, answer.receiver) == (HUB, emsp.party)


@pytest.mark.checklist("HE-02", "HE-07", "HE-11")
async def test_a_receiver_that_does_not_answer_in_time_is_4002(join: Any) -> None:
    """The forward timeout of this hub is two seconds; meanwhile others are served."""
    slow, good, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    slow.answer(Answer(hang=True), module="locations")
    started = time.monotonic()

    hanging = asyncio.create_task(emsp.get("locations", to=slow.party))
    await slow.received(module="locations")
    quick = await emsp.get("locations", to=good.party)
    between = time.monotonic() - started
    answer = await hanging

    assert (quick.code, between < 1.5) == (1000, True)
    assert ocpi(answer) == (200, 4002)
    assert (answer.sender, answer.receiver) == (HUB, emsp.party)


@pytest.mark.checklist("HE-03", "HE-07", "HE-11", "HE-14")
async def test_a_receiver_that_refuses_connections_is_4003_until_it_is_back(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    await cpo.close()
    away = [await emsp.get("locations", to=cpo.party) for _ in range(2)]
    await cpo.open()
    await cpo.get("hubclientinfo")
    back = await emsp.get("locations", to=cpo.party)

    assert [ocpi(answer) for answer in away] == [(200, 4003)] * 2
    assert {(answer.sender, answer.receiver) for answer in away} == {(HUB, emsp.party)}
    assert (back.code, back.sender) == (1000, cpo.party)


@pytest.mark.checklist("HE-04")
@pytest.mark.parametrize("http_status", [200, 400, 404, 500])
@pytest.mark.parametrize("status_code", [2000, 2001, 2003, 3000, 3001])
async def test_a_receivers_2xxx_and_3xxx_come_back_as_they_are(http_status: int, status_code: int, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    said = {"status_code": status_code, "status_message": "as I said", "timestamp": "2026-01-01T00:00:00Z", "x": 1}
    body = json.dumps(said).encode()
    cpo.answer(Answer(http_status=http_status, body=body), module="locations")

    answer = await emsp.get("locations", to=cpo.party)

    assert answer.json == said
    assert answer.status == (http_status if http_status < 500 else 200)
    assert answer.sender == cpo.party


BROKEN = {
    "HTML": Answer(body=b"<html>welcome</html>"),
    "a server error": Answer(http_status=500, body=b"oops"),
    "a bad gateway": Answer(http_status=502, body=b""),
    "nothing": Answer(body=b""),
    "cut JSON": Answer(body=b'{"status_code": 1000, "data"'),
    "a list": Answer(body=b"[]"),
    "no status_code": Answer(body=b'{"data": []}'),
    "status_code as text": Answer(body=b'{"status_code": "1000", "timestamp": "2026-01-01T00:00:00Z"}'),
    "success under 500": Answer([], http_status=500),
    "success under 404": Answer([], http_status=404),
}


@pytest.mark.checklist("HE-05", "HE-12", "HE-11")
@pytest.mark.parametrize("what", BROKEN)
async def test_a_receiver_that_does_not_speak_ocpi_is_an_error_in_the_ocpi_format(what: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    cpo.answer(BROKEN[what], module="locations")

    answer = await emsp.get("locations", to=cpo.party)

    http_status, status_code = ocpi(answer)
    assert http_status == 200
    assert 3000 <= status_code < 5000
    assert answer.data is None
    assert (answer.sender, answer.receiver) == (HUB, emsp.party)


@pytest.mark.checklist("HE-06")
async def test_a_party_that_unregistered_is_4001(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    await cpo.credentials_call("DELETE")

    assert ocpi(await emsp.get("locations", to=cpo.party)) == (200, 4001)


@pytest.mark.checklist("HE-09")
async def test_a_party_that_is_only_invited_is_4001(join: Any, hub: HubProcess) -> None:
    emsp = await join("EMSP")

    await hub.invite("QQ8", "CPO")

    assert ocpi(await emsp.get("locations", to="NL-QQ8")) == (200, 4001)


@pytest.mark.checklist("HE-10")
async def test_a_receivers_401_is_not_the_clients(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    cpo.tokens.clear()

    answer = await emsp.get("locations", to=cpo.party)

    assert ocpi(answer) == (200, 4000)
    assert "401" in answer.message
    assert (await emsp.get("hubclientinfo")).status == 200


@pytest.mark.checklist("HE-13")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_does_not_carry_the_token_anywhere(status: int, join: Any) -> None:
    cpo, elsewhere, emsp = await join("CPO"), await join("CPO"), await join("EMSP")
    target = elsewhere.url("locations", "SENDER")
    cpo.answer(Answer(http_status=status, headers={"Location": target}, body=b""), module="locations")
    (token_b,) = cpo.tokens

    answer = await emsp.get("locations", to=cpo.party)

    assert 3000 <= ocpi(answer)[1] < 5000
    assert base64.b64encode(token_b.encode()).decode() not in {each.token for each in elsewhere.log}


async def kept(emsp: PartyPlatform, cpo: PartyPlatform, module: str) -> list[Any]:
    since = {"date_from": "2026-01-01T00:00:00Z"} if module != "locations" else {}
    return await of(emsp, cpo, module=module, **since)


@pytest.mark.checklist("HE-03", "HE-08")
async def test_what_could_not_be_forwarded_is_kept_for_its_two_parties(join: Any) -> None:
    """X-49: 4003, and the update is stored; the party that was away finds it in the hub's list."""
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    location = example("Location.minimal", cpo, id=unique("X49"))
    running, bill = session(cpo, emsp), cdr(cpo, emsp)
    await cpo.put("locations", at(cpo, location["id"]), location, to=emsp.party)
    change = {"name": "while you were away", "last_updated": "2026-05-01T10:00:00Z"}
    await emsp.close()

    answers = [
        await cpo.patch("locations", at(cpo, location["id"]), change, to=emsp.party),
        await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party),
        await cpo.post("cdrs", "", bill, to=emsp.party),
    ]
    await emsp.open()

    assert [ocpi(answer) for answer in answers] == [(200, 4003)] * 3
    assert await kept(emsp, cpo, "locations") == [location | change]
    assert await kept(emsp, cpo, "sessions") == [running]
    assert await kept(emsp, cpo, "cdrs") == [bill]
    assert [await kept(other, cpo, module) for module in ("locations", "sessions", "cdrs")] == [[], [], []]


@pytest.mark.checklist("HE-02")
async def test_what_was_not_answered_in_time_is_kept_too_and_what_was_refused_is_not(join: Any) -> None:
    """X-49: 4002 with the update stored; a refusal of the receiver stores nothing."""
    cpo, emsp = await join("CPO"), await join("EMSP")
    late, refused = (example("Location.minimal", cpo, id=unique("X49")) for _ in range(2))
    emsp.answer(Answer(hang=True), module="locations", method="PUT", tail=at(cpo, late["id"]))
    emsp.answer(Answer(status_code=2001), module="locations", method="PUT", tail=at(cpo, refused["id"]))

    answers = [await cpo.put("locations", at(cpo, each["id"]), each, to=emsp.party) for each in (late, refused)]

    assert [ocpi(answer) for answer in answers] == [(200, 4002), (200, 2001)]
    assert await kept(emsp, cpo, "locations") == [late]


@pytest.mark.checklist("HE-01")
async def test_an_update_to_an_unknown_party_is_4001_and_reaches_nobody(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    location = example("Location.minimal", cpo, id=unique("X49"))

    answer = await cpo.put("locations", at(cpo, location["id"]), location, to="XX-NON")

    assert ocpi(answer) == (200, 4001)
    assert await kept(emsp, cpo, "locations") == []
    assert [each for each in emsp.inbox if each.method == "PUT" and each.module == "locations"] == []


@pytest.mark.checklist("HE-12")
async def test_a_module_the_receiver_does_not_offer_is_3003(join: Any) -> None:
    cpo, emsp = await join("CPO", offered=[("locations", "SENDER")]), await join("EMSP")

    answer = await emsp.get("tariffs", to=cpo.party)

    assert ocpi(answer) == (200, 3003)
    assert {each.module for each in cpo.inbox} <= {"locations"}


async def test_an_error_of_the_hub_echoes_both_message_ids(join: Any) -> None:
    emsp = await join("EMSP")

    answer = await emsp.get("locations", to="XX-NON", headers={"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"})

    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("r-1", "c-1")


async def test_the_way_of_a_message_can_be_traced_with_its_error(join: Any, hub: HubProcess) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    correlation_id = unique("trace")
    cpo.answer(Answer(status_code=2003, status_message="no such"), module="locations")

    await emsp.get("locations", to=cpo.party, headers={"X-Correlation-ID": correlation_id})

    async def traced() -> Any:
        hops = await asyncio.to_thread(hub.emall, "trace", correlation_id)
        return hops if len(hops) == 2 else None

    hops = await eventually(traced)
    received = await arrival(cpo, module="locations", sender=emsp.party)
    assert {hop["direction"] for hop in hops} == {"in", "out"}
    assert {str(hop["outcome"]) for hop in hops} == {"2003"}
    assert received.headers["x-correlation-id"] == correlation_id
