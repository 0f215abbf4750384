"""X-Request-ID and X-Correlation-ID: echoed on every answer, new and kept on every hop.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Unique message IDs).
"""

import asyncio
import uuid

import pytest

from tests.conformance.samples import arrival, at, example, session, unique
from tests.conformance.transport.conftest import Trio, heard, joined
from tests.conformance.transport.speech import Line, check_envelope, encoded, http, path, request
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform

IDS = ("X-Request-ID", "X-Correlation-ID")

#: Ids as others may make them; the text only advises UUIDs.
ODD_IDS = ["774321", "a", "x" * 300, "Ünïcode", "semi;colon, comma", '"quoted"', "%2F../", "{json: true}", "a b"]


def ids(request_id: str = "req-1", correlation_id: str = "cor-1") -> dict[str, str]:
    return dict(zip(IDS, (request_id, correlation_id), strict=True))


@pytest.mark.checklist("MI-01", "MI-02")
async def test_every_answer_has_the_ids_of_its_request(trio: Trio) -> None:
    cpo, emsp, _ = trio
    body = example("Location.minimal", cpo, id=unique("LOC"))
    calls = [
        cpo.put("locations", at(cpo, body["id"]), body, to="NL-HUB", headers=ids("1", "a")),
        cpo.get("tokens", to=emsp.party, headers=ids("2", "b")),
        emsp.get("locations", to="NL-HUB", headers=ids("3", "c")),
        cpo.send("GET", cpo.hub_url, headers=ids("4", "d")),
        cpo.send("GET", cpo.hub_versions["2.2.1"], headers=ids("5", "e")),
        cpo.send("GET", cpo.hub_endpoints["credentials", "SENDER"], headers=ids("6", "f")),
        cpo.get("hubclientinfo", headers=ids("7", "g")),
        cpo.get("tokens", to="XX-XXX", headers=ids("8", "h")),
        cpo.put("locations", at(cpo, body["id"]), {}, to="NL-HUB", headers=ids("9", "i")),
    ]

    answers = await asyncio.gather(*calls)

    assert [tuple(each.headers[name] for name in IDS) for each in answers] == list(
        zip("123456789", "abcdefghi", strict=True)
    )


#: Where nothing of OCPI is, and the method it is asked with.
BESIDE = [
    (method, where)
    for where in ("/wp-login.php", "/ocpi", "/ocpi/2.2.1/nothing/locations", "/openapi/9.9.json", "/", "//", "/health")
    for method in ("GET", "DELETE")
    if (method, where) != ("GET", "/health")
]


@pytest.mark.checklist("MI-09", "MI-14", "TR-17")
@pytest.mark.parametrize(("method", "where"), BESIDE)
async def test_errors_beside_ocpi_have_the_response_format_and_both_ids(trio: Trio, method: str, where: str) -> None:
    cpo = trio.cpo
    base = cpo.hub_url.partition("/ocpi/")[0]

    answer = await cpo.send(method, base + where, headers=ids())

    check_envelope(answer)
    assert answer.status in (404, 405)
    assert {name: answer.headers[name] for name in IDS} == ids()


@pytest.mark.checklist("MI-09")
async def test_401_405_and_413_have_both_ids(trio: Trio) -> None:
    cpo = trio.cpo
    url = cpo.hub_endpoints["locations", "RECEIVER"] + at(cpo, "L1")
    line = await Line.to(url)
    await line.say(
        request(cpo, "PUT", path(url), headers={"Content-Length": str(2**40)}).replace(
            b"X-Request-ID: ", b"X-Request-ID: big-"
        )
    )

    too_large = await line.hear()
    unknown = await http("PUT", url, headers={"Authorization": "Token x", **ids()})
    not_allowed = await cpo.send("POST", url, body={}, headers=ids())
    await line.close()

    assert [each.status for each in (too_large, unknown, not_allowed)] == [413, 401, 405]
    assert too_large.headers["X-Request-ID"].startswith("big-")
    assert too_large.headers["X-Correlation-ID"]
    for each in (unknown, not_allowed):
        assert {name: each.headers[name] for name in IDS} == ids()


@pytest.mark.checklist("MI-03", "MI-05", "MI-06")
async def test_a_forwarded_request_has_a_new_request_id_and_the_same_correlation_id(trio: Trio) -> None:
    cpo, emsp, _ = trio

    await cpo.get("tokens", to=emsp.party, headers=ids("mine", "ours"))

    (forwarded,) = heard(emsp)
    assert forwarded.headers["x-correlation-id"] == "ours"
    assert forwarded.headers["x-request-id"] not in ("mine", "ours", "")


@pytest.mark.checklist("MI-04", "MI-08", "MI-10")
async def test_each_broadcast_copy_has_its_own_request_id_and_the_senders_correlation_id(trio: Trio) -> None:
    cpo, emsp, other = trio
    names = [unique("LOC") for _ in range(5)]

    for name in names:
        body = example("Location.minimal", cpo, id=name)
        await cpo.put("locations", at(cpo, name), body, to="NL-HUB", headers=ids(f"r-{name}", f"c-{name}"))
    copies = [each for platform in (emsp, other) for each in await platform.received(5, module="locations")]

    request_ids = [each.headers["x-request-id"] for each in copies]
    assert len(set(request_ids)) == 10
    assert all(str(uuid.UUID(each)) == each for each in request_ids)
    assert {(each.json["id"], each.headers["x-correlation-id"]) for each in copies} == {(n, f"c-{n}") for n in names}


@pytest.mark.checklist("MI-07", "MI-03", "MI-10", "MI-04")
async def test_what_the_hub_asks_of_its_own_accord_has_both_ids(hub: HubProcess) -> None:
    async with joined(hub, "EMSP") as (emsp,):
        async with joined(hub, "CPO"):
            await emsp.received(module="hubclientinfo")

        kinds = {each.module for each in emsp.log}
        request_ids = [each.headers["x-request-id"] for each in emsp.log]
        correlation_ids = [each.headers["x-correlation-id"] for each in emsp.log]

    assert {"versions", "details", "tokens", "hubclientinfo"} <= kinds
    assert len(set(request_ids)) == len(request_ids)
    for each in request_ids + [each for each in correlation_ids if len(each) == 36]:
        assert str(uuid.UUID(each)) == each
    assert all(correlation_ids)


@pytest.mark.checklist("MI-11")
@pytest.mark.parametrize("odd", ODD_IDS)
async def test_ids_of_others_may_be_anything_and_come_back_as_they_were(trio: Trio, odd: str) -> None:
    cpo, emsp, _ = trio
    line = await Line.to(cpo.hub_url)
    target = cpo.hub_endpoints["tokens", "SENDER"].partition("/ocpi/")[2]
    text = (
        f"GET /ocpi/{target} HTTP/1.1\r\nHost: hub\r\nAuthorization: Token {encoded(cpo.hub_token)}\r\n"
        f"X-Request-ID: {odd}\r\nX-Correlation-ID: {odd}\r\n"
        f"OCPI-to-country-code: NL\r\nOCPI-to-party-id: {emsp.party[3:]}\r\n\r\n"
    )

    await line.say(text.encode("utf-8"))
    answer = await line.hear()
    await line.close()

    wanted = odd.encode("utf-8").decode("latin-1")
    assert answer.code == 1000
    assert [answer.headers[name] for name in IDS] == [wanted, wanted]
    assert heard(emsp)[0].headers["x-correlation-id"] == wanted


@pytest.mark.checklist("MI-12")
@pytest.mark.parametrize("given", [{}, {"X-Request-ID": "only"}, {"X-Correlation-ID": "only"}])
async def test_a_request_without_ids_is_served_and_what_goes_on_has_both(trio: Trio, given: dict[str, str]) -> None:
    cpo, emsp, _ = trio
    authorization = {"Authorization": f"Token {encoded(cpo.hub_token)}"}
    to = {"OCPI-to-country-code": "NL", "OCPI-to-party-id": emsp.party[3:]}

    answer = await http("GET", cpo.hub_endpoints["tokens", "SENDER"], headers=authorization | to | given)

    (forwarded,) = heard(emsp)
    assert answer.code == 1000
    assert forwarded.headers["x-request-id"] != "only"
    assert forwarded.headers["x-correlation-id"]
    if "X-Correlation-ID" in given:
        assert forwarded.headers["x-correlation-id"] == "only"


@pytest.mark.checklist("MI-13")
async def test_ids_in_a_receivers_answer_do_not_replace_the_clients(trio: Trio) -> None:
    cpo, emsp, _ = trio
    emsp.answer(Answer(headers={"X-Request-ID": "wrong", "X-Correlation-ID": "wrong"}), module="sessions")
    mine = session(cpo, emsp)

    answer = await cpo.put("sessions", at(cpo, mine["id"]), mine, to=emsp.party, headers=ids())

    assert answer.headers.get_list("X-Request-ID") == ["req-1"]
    assert answer.headers.get_list("X-Correlation-ID") == ["cor-1"]


@pytest.mark.checklist("MI-06")
async def test_a_result_keeps_the_correlation_id_it_is_sent_with(trio: Trio) -> None:
    cpo, emsp, _ = trio
    body = _command(emsp)
    await emsp.post("commands", "/START_SESSION", body, to=cpo.party, headers=ids("r1", "the command's"))
    asked = await arrival(cpo, module="commands")

    result = {"result": "ACCEPTED"}
    await cpo.send("POST", asked.json["response_url"], body=result, headers=ids("r2", "the result's"))

    answered = await arrival(emsp, module="commands")
    assert asked.headers["x-correlation-id"] == "the command's"
    assert answered.headers["x-correlation-id"] == "the result's"
    assert answered.headers["x-request-id"] not in ("r1", "r2")


def _command(emsp: PartyPlatform) -> dict[str, object]:
    body: dict[str, object] = example("StartSession.minimal", response_url=emsp.url("commands", "SENDER") + "/1")
    body["token"] = example("Token.minimal", emsp)
    return body
