"""What is said: bodies, envelopes, codes, and what is passed on as it came.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Request format, Response format, No data available),
status_codes.asciidoc.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.conformance.samples import at, cdr_token, example, session, unique
from tests.conformance.transport.conftest import Trio, heard
from tests.conformance.transport.speech import check_envelope, encoded, http
from tests.parties import Answer, PartyPlatform, Reply

#: Texts that are no JSON (RFC 8259), each with what is wrong with it.
NOT_JSON = {
    "nothing": b"",
    "blanks": b"  \n",
    "an open object": b'{"id": "L1"',
    "a comma too many": b'{"id": "L1",}',
    "single quotes": b"{'id': 'L1'}",
    "NaN": b'{"id": NaN}',
    "Infinity": b'{"id": -Infinity}',
    "broken UTF-8": b'{"id": "\xff\xfe"}',
    "half a surrogate in UTF-8": b'{"id": "\xed\xa0\x80"}',
    "a raw control character": b'{"id": "a\nb"}',
    "a byte order mark": b'\xef\xbb\xbf{"id": "L1"}',
    "UTF-16": '{"id": "L1"}'.encode("utf-16"),
    "two values": b'{"id": "L1"} {}',
    "a leading zero": b'{"id": 01}',
    "XML": b"<location/>",
    "a form": b"id=L1&name=x",
    "absurd nesting": b"[" * 200_000 + b"]" * 200_000,
    "an absurdly nested unknown field": b'{"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}

#: JSON that is no Location.
NO_LOCATION: dict[str, bytes] = {
    "a list": b"[]",
    "a string": b'"L1"',
    "null": b"null",
    "a number": b"3",
    "true": b"true",
    "an empty object": b"{}",
    "a wrong type": b'{"id": 3}',
    "an unknown value": b'{"id": "L1", "parking_type": "NOWHERE"}',
}


def own(platform: PartyPlatform, **changes: Any) -> tuple[str, Any]:
    """Return path and body of a new Location."""
    identifier = unique("LOC")
    return at(platform, identifier), example("Location.minimal", platform, id=identifier) | changes


@pytest.mark.checklist("TR-18", "MI-09", "TR-17")
@pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_no_json_is_http_400(trio: Trio, text: bytes) -> None:
    ids = {"X-Request-ID": "r-400", "X-Correlation-ID": "c-400"}

    pushed = await trio.cpo.call("PUT", "locations", at(trio.cpo, "L1"), content=text, to="NL-HUB", headers=ids)
    registered = await http(
        "PUT", trio.cpo.hub_endpoints["credentials", "SENDER"], content=text,
        headers={"Authorization": f"Token {encoded(trio.cpo.hub_token)}", **ids},
    )  # fmt: skip

    for answer in (pushed, registered):
        check_envelope(answer)
        assert (answer.status, answer.code) == (400, 2001)
        assert {name: answer.headers[name] for name in ids} == ids
    assert heard(trio.emsp) == []


@pytest.mark.checklist("TR-19", "TR-32")
@pytest.mark.parametrize("text", NO_LOCATION.values(), ids=NO_LOCATION.keys())
async def test_json_of_the_wrong_content_is_2001_under_http_200(trio: Trio, text: bytes) -> None:
    to_all = await trio.cpo.call("PUT", "locations", at(trio.cpo, "L1"), content=text, to="NL-HUB")
    to_one = await trio.cpo.call("PUT", "locations", at(trio.cpo, "L1"), content=text, to=trio.emsp.party)

    for answer in (to_all, to_one):
        check_envelope(answer)
        assert (answer.status, answer.code) == (200, 2001)
        assert answer.message.startswith("$")
    assert heard(trio.emsp) == heard(trio.other) == []


async def test_a_content_error_names_the_path_and_the_rule(trio: Trio) -> None:
    path, body = own(trio.cpo)
    body["coordinates"]["latitude"] = "north"

    answer = await trio.cpo.put("locations", path, body, to="NL-HUB")

    assert "$.coordinates.latitude" in answer.message


@pytest.mark.checklist("RB-08")
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"id": "$ID", "id": "X", $REST}', "$.id"),
        ('{"name": "A", "name": "A", "id": "$ID", $REST}', "$.name"),
        ('{"unknown": {"a": 1, "a": 2}, "id": "$ID", $REST}', "$.unknown.a"),
        ('{"images": [], "id": "$ID", "imag\\u0065s": null, $REST}', "$.images"),
    ],
)
async def test_a_repeated_key_is_2001(trio: Trio, text: str, path: str) -> None:
    where, body = own(trio.cpo)
    rest = json.dumps({name: value for name, value in body.items() if name != "id"})[1:-1]
    content = text.replace("$ID", body["id"]).replace("$REST", rest).encode()

    answer = await trio.cpo.call("PUT", "locations", where, content=content, to="NL-HUB")
    asked = await trio.cpo.get("locations", f"/{body['id']}", to="NL-HUB")

    assert (answer.status, answer.code) == (200, 2001)
    assert path in answer.message
    assert asked.status == 404


@pytest.mark.checklist("TR-10", "TR-31")
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "APPLICATION/JSON"],
)
async def test_a_body_of_json_is_read_however_its_type_is_written(trio: Trio, content_type: str) -> None:
    path, body = own(trio.cpo)

    answer = await trio.cpo.put("locations", path, body, to="NL-HUB", headers={"Content-Type": content_type})

    assert (answer.status, answer.code) == (201, 1000)


@pytest.mark.checklist("TR-31")
@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/octet-stream", "???", ""])
async def test_a_body_of_another_type_is_refused_or_read_as_json(trio: Trio, content_type: str) -> None:
    path, body = own(trio.cpo)

    answer = await trio.cpo.put("locations", path, body, to="NL-HUB", headers={"Content-Type": content_type})
    there = await trio.cpo.get("locations", f"/{body['id']}", to="NL-HUB")

    check_envelope(answer)
    assert answer.status < 500
    assert (there.status == 200) is (answer.code == 1000)


@pytest.mark.checklist("TR-11")
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
async def test_without_a_body_the_content_type_may_be_there_or_not(trio: Trio, headers: dict[str, str]) -> None:
    tariff = example("Tariff.minimal", trio.cpo, id=unique("T"))
    await trio.cpo.put("tariffs", at(trio.cpo, tariff["id"]), tariff, to="NL-HUB")

    read = await trio.emsp.get("tariffs", to="NL-HUB", headers=headers)
    deleted = await trio.cpo.delete("tariffs", at(trio.cpo, tariff["id"]), to="NL-HUB", headers=headers)

    assert (read.code, deleted.code) == (1000, 1000)


@pytest.mark.checklist("TR-12", "TR-13", "TR-14", "TR-15", "TR-23", "TR-37", "TR-36")
async def test_every_answer_has_the_response_format(trio: Trio) -> None:
    cpo, emsp, _ = trio
    path, body = own(cpo)
    calls = {
        "created": cpo.put("locations", path, body, to="NL-HUB"),
        "updated": cpo.patch("locations", path, {"name": "B", "last_updated": "2026-05-01T00:00:00Z"}, to="NL-HUB"),
        "a list": emsp.get("locations", to="NL-HUB"),
        "one": emsp.get("locations", f"/{body['id']}", to="NL-HUB"),
        "nothing": emsp.get("locations", "/nothing", to="NL-HUB"),
        "routed": cpo.get("tokens", to=emsp.party),
        "unknown receiver": cpo.get("tokens", to="XX-XXX"),
        "no receiver": cpo.get("tokens"),
        "wrong sender": cpo.get("tokens", to=emsp.party, sender="XX-XXX"),
        "wrong body": cpo.put("locations", path, {"id": 3}, to="NL-HUB"),
        "wrong method": cpo.post("locations", path, body, to="NL-HUB"),
        "wrong query": emsp.get("locations", to="NL-HUB", query={"limit": "many"}),
        "unknown module": cpo.send("GET", f"{_base(cpo)}/receiver/nothing"),
        "unknown version": cpo.send("GET", f"{_base(cpo)}x"),
        "beside OCPI": cpo.send("GET", _base(cpo).partition("/ocpi/")[0] + "/robots.txt"),
        "versions": cpo.send("GET", cpo.hub_url),
        "details": cpo.send("GET", cpo.hub_versions["2.2.1"]),
        "credentials": cpo.credentials_call("GET"),
        "client info": cpo.get("hubclientinfo"),
    }

    answers = {name: await call for name, call in calls.items()}

    for each in answers.values():
        check_envelope(each)
    lists = {name for name, each in answers.items() if isinstance(each.data, list)}
    objects = {name for name, each in answers.items() if isinstance(each.data, dict)}
    assert lists == {"a list", "routed", "versions", "client info"}
    assert objects == {"one", "details", "credentials"}
    assert {name for name, each in answers.items() if each.status >= 400} == {
        "nothing", "wrong method", "unknown module", "unknown version", "beside OCPI",
    }  # fmt: skip


def _base(platform: PartyPlatform) -> str:
    return platform.hub_versions["2.2.1"]


@pytest.mark.checklist("TR-09", "TR-38")
async def test_what_the_hub_sends_is_json_in_utf_8_and_says_so(trio: Trio) -> None:
    cpo, emsp, _ = trio
    path, body = own(cpo, name="Ladesäule „Süd“ \\ 充電 🔌")

    await cpo.put("locations", path, body, to="NL-HUB")
    await emsp.received(module="locations")
    await cpo.patch("locations", path, {"name": "É", "last_updated": "2026-05-01T00:00:00Z"}, to="NL-HUB")
    await emsp.post("tokens", f"/{unique('U')}/authorize", {"location_id": "x"}, role="SENDER", to=cpo.party)
    await emsp.received(2, module="locations")

    with_body = [each for platform in trio for each in platform.log if each.body]
    assert {each.method for each in with_body} >= {"PUT", "PATCH"}
    for each in with_body:
        assert each.headers["content-type"] == "application/json"
        json.loads(each.body.decode("utf-8"))
    assert heard(emsp)[0].json["name"] == body["name"]


@pytest.mark.checklist("TR-24")
@pytest.mark.parametrize("data", [None, {}, [], "done", 7, {"any": ["thing"]}], ids=str)
async def test_where_the_text_defines_no_data_any_is_accepted_and_relayed(trio: Trio, data: Any) -> None:
    cpo, emsp, _ = trio
    emsp.answer(Answer(data), module="sessions")
    running = session(cpo, emsp)

    answer = await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    kept = await cpo.get("sessions", at(cpo, running["id"]), role="RECEIVER", to="NL-HUB")

    assert (answer.code, answer.data) == (1000, data)
    assert kept.data == running


@pytest.mark.checklist("TR-24")
async def test_any_data_in_answer_to_a_broadcast_copy_is_a_success(trio: Trio) -> None:
    trio.emsp.answer(Answer({"odd": [1]}), module="locations")
    path, body = own(trio.cpo)

    await trio.cpo.put("locations", path, body, to="NL-HUB")
    await trio.emsp.received(module="locations")
    await trio.cpo.patch("locations", path, {"name": "B", "last_updated": "2026-05-01T00:00:00Z"}, to="NL-HUB")
    both = await trio.emsp.received(2, module="locations")

    assert [each.method for each in both] == ["PUT", "PATCH"]


@pytest.mark.checklist("TR-28", "RT-05")
async def test_fields_the_text_does_not_know_pass_through(trio: Trio) -> None:
    cpo, emsp, _ = trio
    path, body = own(cpo, **{"nltnm-colour": {"deep": [1.50, None, "ü"]}, "x": False})
    body["evses"] = [example("EVSE.minimal", extra=["kept"])]
    text = json.dumps(body, indent=1).encode()

    answer = await cpo.call("PUT", "locations", path, content=text, to="NL-HUB")
    (copy,) = await emsp.received(module="locations")
    read = await emsp.get("locations", f"/{body['id']}", to="NL-HUB")
    sent = await cpo.call("PUT", "locations", path, content=text, to=emsp.party)
    (_, directed) = await emsp.received(2, module="locations")

    assert (answer.code, sent.code) == (1000, 1000)
    assert copy.body == directed.body == text
    assert read.data == body


@pytest.mark.checklist("TR-29")
async def test_na_is_a_legal_evse_and_connector_of_a_session(trio: Trio) -> None:
    cpo, emsp, _ = trio
    reserved = session(cpo, emsp, evse_uid="#NA", connector_id="#NA", status="RESERVATION")

    answer = await cpo.put("sessions", at(cpo, reserved["id"]), reserved, to=emsp.party)

    (request,) = await emsp.received(module="sessions")
    assert (answer.code, request.json) == (1000, reserved)


@pytest.mark.checklist("TR-29")
async def test_na_is_legal_in_a_cdr_of_a_reservation(trio: Trio) -> None:
    cpo, emsp, _ = trio
    bill = example("CDR.full", cpo, id=unique("CDR"), cdr_token=cdr_token(emsp))
    bill["cdr_location"] |= {"evse_uid": "#NA", "evse_id": "#NA", "connector_id": "#NA"}

    answer = await cpo.post("cdrs", "", bill, to=emsp.party)

    (request,) = await emsp.received(module="cdrs")
    assert (answer.code, request.json["cdr_location"]["evse_uid"]) == (1000, "#NA")


@pytest.mark.checklist("TR-30")
async def test_unknown_query_parameters_are_ignored(trio: Trio) -> None:
    path, body = own(trio.cpo)

    pushed = await trio.cpo.put("locations", path, body, to="NL-HUB", query={"dry_run": "1", "limit": "-3"})
    listed = await trio.emsp.get("locations", to="NL-HUB", query={"colour": "red", "x[]": "a b&c"})
    versions = await trio.cpo.send("GET", trio.cpo.hub_url + "?x=1")

    assert (pushed.code, listed.code, versions.code) == (1000, 1000, 1000)
    assert body["id"] in [each["id"] for each in listed.data]


@pytest.mark.checklist("TR-33")
async def test_a_body_in_chunks_is_read(trio: Trio) -> None:
    cpo, emsp, _ = trio
    path, body = own(cpo, name="in pieces")
    text = json.dumps(body).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 7):
            yield text[start : start + 7]
            await asyncio.sleep(0)

    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        response = await client.put(
            f"{cpo.hub_endpoints['locations', 'RECEIVER']}{path}", content=pieces(),
            headers={"Authorization": f"Token {encoded(cpo.hub_token)}"},
        )  # fmt: skip
    (copy,) = await emsp.received(module="locations")

    assert Reply(response.status_code, response.headers, response.content).code == 1000
    assert copy.body == text


@pytest.mark.checklist("TR-27")
@pytest.mark.parametrize("module", ["locations", "tariffs", "tokens", "sessions", "cdrs", "hubclientinfo"])
async def test_lists_are_found_with_and_without_a_slash_at_the_end(trio: Trio, module: str) -> None:
    query = {"date_from": "2020-01-01T00:00:00Z", "limit": "1"}

    without = await trio.emsp.get(module, to="NL-HUB", query=query)
    with_one = await trio.emsp.get(module, "/", to="NL-HUB", query=query)

    assert (without.status, without.code) == (with_one.status, with_one.code) == (200, 1000)
    assert without.data == with_one.data
    assert without.headers["x-total-count"] == with_one.headers["x-total-count"]


@pytest.mark.checklist("TR-27")
async def test_every_url_of_the_hub_is_found_with_a_slash_at_the_end(trio: Trio) -> None:
    cpo, emsp, _ = trio
    path, body = own(cpo)

    pushed = await cpo.put("locations", path + "/", body, to="NL-HUB")
    own_urls = [cpo.hub_url, *cpo.hub_versions.values(), cpo.hub_endpoints["credentials", "SENDER"]]
    read = [await cpo.send("GET", url + "/") for url in own_urls]
    routed = await cpo.get("tokens", "/", to=emsp.party)

    assert (pushed.status, pushed.code, routed.code) == (201, 1000, 1000)
    assert [each.code for each in read] == [1000] * 4
    assert (await emsp.received(module="locations"))[0].tail == path
