"""Direct routing: what goes through unchanged, there and back.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Message Routing; Timestamps and Objects send via Hubs),
status_codes.asciidoc (4xxx); types.asciidoc (CiString).
"""

import json
import string
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.conformance.samples import at, example, session, unique
from tests.conformance.transport.conftest import Trio, heard, joined, shared
from tests.conformance.transport.speech import check_envelope, path, request, routing, told
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform

PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))


@shared
async def newer(hub: HubProcess) -> AsyncIterator[PartyPlatform]:
    """An eMSP that speaks 2.3.0."""
    async with joined(hub, "EMSP", versions=("2.3.0",)) as (platform,):
        yield platform


@pytest.mark.checklist("RT-04", "RT-25")
async def test_method_segments_and_query_are_kept(trio: Trio) -> None:
    cpo, emsp, _ = trio
    query = "type=APP_USER&colour=red%20%26%20blue&colour=x&empty=&plus=a+b&%C3%BC=1"
    url = cpo.hub_endpoints["tokens", "SENDER"]
    mine = session(cpo, emsp)
    tail = at(cpo, mine["id"])

    await told(url, request(cpo, "POST", f"{path(url)}/U%201/authorize?{query}", headers=routing(cpo, emsp.party)))
    await cpo.patch("sessions", tail, {"kwh": 1, "last_updated": "2026-05-01T00:00:00Z"}, to=emsp.party)
    await cpo.get("sessions", tail, role="RECEIVER", to=emsp.party)

    first, second, third = heard(emsp)
    assert (first.method, first.tail) == ("POST", "/U%201/authorize")
    assert first.query == {"type": "APP_USER", "colour": "red & blue", "empty": "", "plus": "a b", "ü": "1"}
    assert (second.method, second.tail, second.query) == ("PATCH", tail, {})
    assert (third.method, third.tail, third.body) == ("GET", tail, b"")


@pytest.mark.checklist("RT-05")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_body_arrives_byte_for_byte(trio: Trio, method: str) -> None:
    cpo, emsp, _ = trio
    body = session(cpo, emsp, kwh=12.500, last_updated="2019-01-01T00:00:00", odd={"é": [1e2, -0.0, "\\u00e9"]})
    text = json.dumps(body, indent=3).replace("12.5", "12.500").encode() + b" \n"

    await cpo.call(method, "sessions", at(cpo, body["id"]), content=text, to=emsp.party)

    (got,) = heard(emsp)
    assert (got.method, got.body) == (method, text)


@pytest.mark.checklist("RT-05")
async def test_last_updated_is_the_owners_even_across_versions_and_in_copies(trio: Trio, newer: PartyPlatform) -> None:
    cpo, emsp, _ = trio
    body = example("Location.full", cpo, id=unique("LOC"), last_updated="2019-05-05T05:05:05Z")
    tail = at(cpo, body["id"])

    await cpo.put("locations", tail, body, to="NL-HUB")
    (same,) = await emsp.received(module="locations", tail=tail)
    (raised,) = await newer.received(module="locations", tail=tail)
    listed = await newer.get("locations", f"/{body['id']}", to="NL-HUB")

    for each in (same.json, raised.json, listed.data):
        assert each["last_updated"] == body["last_updated"]
        assert [evse["last_updated"] for evse in each["evses"]] == [evse["last_updated"] for evse in body["evses"]]


ANSWERS = {
    "success": Answer(),
    "success with a message": Answer(status_message="very well"),
    "a success code of its own": Answer(status_code=1999),
    "2000": Answer(status_code=2000, status_message="no"),
    "2001 with data": Answer(["$.kwh"], status_code=2001, status_message="$.kwh: too much"),
    "2003": Answer(status_code=2003),
    "2004": Answer(status_code=2004),
    "2999": Answer(status_code=2999, status_message="ours"),
    "3000": Answer(status_code=3000, status_message="oops", data={"trace": 1}),
    "3001": Answer(status_code=3001),
    "3999": Answer(status_code=3999),
    "404 with 2003": Answer(http_status=404, status_code=2003, status_message="unknown"),
    "400 with 2001": Answer(http_status=400, status_code=2001),
}


@pytest.mark.checklist("RT-06", "RT-12", "RT-16", "RT-17", "RT-29")
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_a_receivers_answer_comes_back_unchanged(trio: Trio, newer: PartyPlatform, answer: Answer) -> None:
    cpo, emsp, _ = trio
    for receiver in (emsp, newer):
        mine = session(cpo, receiver)
        receiver.answer(answer, module="sessions")

        got = await cpo.put("sessions", at(cpo, mine["id"]), mine, to=receiver.party)

        assert (got.status, got.code) == (answer.http_status, answer.status_code)
        assert (got.data, got.json.get("status_message")) == (answer.data, answer.status_message)
        assert (got.sender, got.receiver) == (receiver.party, cpo.party)
        receiver.forget_answers()


@pytest.mark.checklist("RT-06")
async def test_the_envelope_comes_back_byte_for_byte(trio: Trio) -> None:
    said = b'{ "timestamp": "2020-01-01T00:00:00",\n "data": [ {"odd": 1.00} ], "status_code": 1000, "extra": "x" }'
    trio.emsp.answer(Answer(body=said), module="tokens")

    got = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert got.body == said


@pytest.mark.checklist("RT-12")
@pytest.mark.parametrize(
    ("status", "relayed"), [(201, 201), (202, 202), (404, 404), (409, 409), (401, 200), (429, 200)]
)
async def test_the_receivers_http_status_is_relayed_unless_it_would_be_taken_for_the_hubs(
    trio: Trio, status: int, relayed: int
) -> None:
    cpo, emsp, _ = trio
    mine = session(cpo, emsp)
    code = 1000 if status < 300 else 2000
    emsp.answer(Answer(http_status=status, status_code=code), module="sessions")

    got = await cpo.put("sessions", at(cpo, mine["id"]), mine, to=emsp.party)

    assert got.status == relayed
    assert got.code == (4000 if status == 401 else code)


@pytest.mark.checklist("RT-27")
@pytest.mark.parametrize("wrong", [{}, {"OCPI-from-party-id": "XXX", "OCPI-to-party-id": "YYY"}])
async def test_routing_headers_of_an_answer_are_right_whatever_the_receiver_sent(
    trio: Trio, wrong: dict[str, str]
) -> None:
    cpo, emsp, _ = trio
    emsp.answer(Answer([], headers=wrong), module="tokens")

    got = await cpo.get("tokens", to=emsp.party)

    assert (got.sender, got.receiver) == (emsp.party, cpo.party)
    assert len(got.headers.get_list("OCPI-from-party-id")) == 1


async def test_other_headers_of_a_receiver_stay_at_the_hub(trio: Trio) -> None:
    trio.emsp.answer(Answer([], headers={"Set-Cookie": "a=b", "X-Secret": "1", "Server": "x"}), module="tokens")

    got = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert not {"set-cookie", "x-secret", "server"} & set(got.headers)


@pytest.mark.parametrize("at_the_hub", ["own", "elsewhere"])
async def test_a_location_header_of_a_push_never_names_the_receivers_address(trio: Trio, at_the_hub: str) -> None:
    cpo, emsp, _ = trio
    mine = session(cpo, emsp)
    tail = at(cpo, mine["id"])
    there = emsp.url("sessions", "RECEIVER") + tail if at_the_hub == "own" else f"{emsp.origin}/internal/7"
    emsp.answer(Answer(http_status=201, headers={"Location": there}), module="sessions")

    created = await cpo.put("sessions", tail, mine, to=emsp.party)

    own = cpo.hub_endpoints["sessions", "RECEIVER"] + tail
    assert created.headers.get("location") == (own if at_the_hub == "own" else None)


@pytest.mark.parametrize("status_code", [2000, 3000])
async def test_urls_in_a_refusal_stay_at_the_hub(trio: Trio, status_code: int) -> None:
    headers = {"Link": f'<{trio.emsp.origin}/x>; rel="next"', "Location": f"{trio.emsp.origin}/y"}
    trio.emsp.answer(Answer(status_code=status_code, headers=headers), module="tokens")

    got = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert got.code == status_code
    assert not {"link", "location"} & set(got.headers)


@pytest.mark.checklist("RT-24")
@pytest.mark.parametrize(
    "identifier",
    [PRINTABLE[start : start + 19] for start in range(0, len(PRINTABLE), 19)]
    + ["%2F", "a/b", "..%2F", "?a=b#c", "100%", "+ +"],
)
async def test_identifiers_with_any_printable_character_arrive_as_they_are(trio: Trio, identifier: str) -> None:
    cpo, emsp, other = trio
    mine = session(cpo, emsp, id=identifier)
    tail = at(cpo, quote(identifier, safe=""))
    place = example("Location.minimal", cpo, id=identifier)
    base = cpo.hub_endpoints["sessions", "RECEIVER"]
    text = json.dumps(mine).encode()

    sent = await told(base, request(cpo, "PUT", path(base) + tail, headers=routing(cpo, emsp.party), body=text))
    (got,) = heard(emsp)
    pushed = await cpo.put("locations", tail, place, to="NL-HUB")
    (copy,) = await other.received(module="locations", tail=tail)
    kept = await emsp.get("locations", "/" + quote(identifier, safe=""), to="NL-HUB")

    assert (sent.code, got.tail, got.json["id"]) == (1000, tail, identifier)
    assert (pushed.code, copy.tail, copy.json) == (1000, tail, place)
    assert kept.data == place


@pytest.mark.checklist("RT-24")
async def test_unencoded_characters_that_a_path_may_hold_arrive_as_they_are(trio: Trio) -> None:
    cpo, emsp, _ = trio
    identifier = "a:b@c!d$e&f'g(h)i*j+k,l;m=n~o_p-q.r"
    mine = session(cpo, emsp, id=identifier)
    base = cpo.hub_endpoints["sessions", "RECEIVER"]
    tail = at(cpo, identifier)

    sent = await told(
        base, request(cpo, "PUT", path(base) + tail, headers=routing(cpo, emsp.party), body=json.dumps(mine).encode())
    )

    assert (sent.code, heard(emsp)[0].tail) == (1000, tail)


@pytest.mark.checklist("RB-01")
@pytest.mark.parametrize("dots", [".", "..", "%2e", "%2E%2E", ".%2e", "%2e."])
@pytest.mark.parametrize("where", ["{dots}/x", "NL/{dots}/x", "NL/{party}/{dots}", "{dots}/{dots}/credentials"])
async def test_dot_segments_are_refused_and_lead_nowhere(trio: Trio, dots: str, where: str) -> None:
    cpo, emsp, _ = trio
    base = path(cpo.hub_endpoints["sessions", "RECEIVER"])
    target = f"{base}/{where.format(dots=dots, party=cpo.party[3:])}"
    text = json.dumps(session(cpo, emsp)).encode()

    for method in ("GET", "PUT"):
        answer = await told(
            cpo.hub_url,
            request(cpo, method, target, headers=routing(cpo, emsp.party), body=text if method == "PUT" else b""),
        )
        check_envelope(answer)
        assert (answer.status, answer.code) == (404, 2001)
    assert heard(emsp) == []


@pytest.mark.checklist("RB-01")
@pytest.mark.parametrize(
    "target", ["/ocpi/../ocpi/versions", "/x/../ocpi/versions", "/ocpi/2.2.1/%2e%2e/versions", "/./ocpi/versions"]
)
async def test_dot_segments_lead_to_no_configuration_module_either(trio: Trio, target: str) -> None:
    answer = await told(trio.cpo.hub_url, request(trio.cpo, "GET", target))

    assert answer.status == 404


@pytest.mark.checklist("RB-10")
@pytest.mark.parametrize(
    "tail",
    ["//x", "/NL//x", "/NL/{p}/x//y", "/NL/{p}", "/NL", "", "/NL/{p}/x/y/z/q", "/NL/{p}/%00", "/NL/{p}/%0d%0aX:1",
     "/NL/{p}/%ff%fe", "/NL/{p}/%c0%ae", "/NL/{p}/%7f", "/NL/{p}/%E2%80%A8", "/NL/{p}/x;/../../y/",
     "/NL/{p}/" + "a/" * 500],
)  # fmt: skip
async def test_odd_url_structures_are_refused(trio: Trio, tail: str) -> None:
    cpo, emsp, _ = trio
    base = path(cpo.hub_endpoints["tariffs", "RECEIVER"])
    body = json.dumps(example("Tariff.minimal", cpo, id="x")).encode()
    target = base + tail.format(p=cpo.party[3:])

    answer = await told(cpo.hub_url, request(cpo, "PUT", target, headers=routing(cpo, emsp.party), body=body))

    check_envelope(answer)
    assert answer.status in (404, 405)
    assert heard(emsp) == []


@pytest.mark.checklist("RB-14")
async def test_a_large_page_is_relayed_whole(trio: Trio) -> None:
    token = example("Token.minimal", trio.emsp)
    tokens = [token | {"uid": f"{number:036}", "issuer": string.ascii_letters} for number in range(5000)]
    said = json.dumps({"data": tokens, "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}).encode()
    trio.emsp.answer(Answer(body=said, headers={"X-Total-Count": "5000", "X-Limit": "5000"}), module="tokens")

    got = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert (got.body, got.headers["x-total-count"]) == (said, "5000")


@pytest.mark.checklist("RB-14")
@pytest.mark.parametrize(("size", "code"), [(32 * 2**20, 1000), (32 * 2**20 + 1, 4000)])
async def test_answers_up_to_32_mib_are_relayed_and_larger_ones_are_a_failure_of_the_receiver(
    trio: Trio, size: int, code: int
) -> None:
    head, end = b'{"data": ["', b'"], "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}'
    said = head + b"x" * (size - len(head) - len(end)) + end
    trio.emsp.answer(Answer(body=said), module="tokens")

    got = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert (got.status, got.code) == (200, code)
    assert (got.body == said) is (code == 1000)


#: Answers that are no JSON in UTF-8, some of them only deep inside.
BROKEN = [
    b'{"data": "\xff", "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}',
    b'{"data": ["\xed\xa0\x80"], "status_code": 2001, "timestamp": "2026-01-01T00:00:00Z"}',
    b'{"data": [NaN], "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}',
    b'{"data": ["a\nb"], "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}',
    b'{"data": [1,], "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}',
    b'{"data": [], "status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"',
    b"<html>welcome</html>",
    b"",
    b'{"data": []}',
    b'{"data": [], "status_code": "1000", "timestamp": "2026-01-01T00:00:00Z"}',
    b"[" * 100_000,
]


@pytest.mark.checklist("TR-38", "TR-36")
@pytest.mark.parametrize("said", BROKEN, ids=range(len(BROKEN)))
async def test_an_answer_that_is_no_ocpi_is_not_passed_on(trio: Trio, said: bytes) -> None:
    trio.emsp.answer(Answer(body=said), module="tokens")

    got = await trio.cpo.get("tokens", to=trio.emsp.party)

    check_envelope(got)
    assert (got.status, got.code) == (200, 4000)
