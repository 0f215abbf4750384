"""Hostile content: it is refused or is data, and the hub goes on.

Source: OCPI 2.2.1, status_codes.asciidoc (no HTTP error for what reached the OCPI layer); RFC 8259, RFC 9112.
"""

import asyncio
import contextlib
import gzip
import json
from urllib.parse import quote

import pytest

from tests.conformance.samples import at, example, session, unique
from tests.conformance.transport.conftest import Trio, heard
from tests.conformance.transport.speech import Line, check_envelope, encoded, path, request, routing, told

STRINGS = [
    "'; DROP TABLE hub_object; --",
    '" OR ""="',
    "$(touch /tmp/x) `id` | cat",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "<script>alert(1)</script>",
    "%s%n%x {0} \\0 \\x00",
    "../../etc/passwd",
    "\u202egnirts \ufeff\u0301 ﷽ 💥",
    "NULL",
    "$1 ? :name",
]


@pytest.mark.checklist("RB-04", "TR-36")
@pytest.mark.parametrize("text", STRINGS)
async def test_strings_of_other_languages_are_data(trio: Trio, text: str) -> None:
    cpo, emsp, _ = trio
    ascii_id = "".join(each for each in text if 0x20 <= ord(each) < 0x7F)[:30] + unique("")
    words = {"name": text, "directions": [{"language": "en", "text": text}]}
    place = example("Location.minimal", cpo, id=ascii_id) | words
    tail = at(cpo, quote(ascii_id, safe=""))

    pushed = await cpo.put("locations", tail, place, to="NL-HUB")
    (copy,) = await emsp.received(module="locations", tail=tail)
    read = await emsp.get("locations", "/" + quote(ascii_id, safe=""), to="NL-HUB")
    asked = await emsp.get("locations", to="NL-HUB", query={"limit": 1, "date_from": moment(), "id": text})

    assert (pushed.status, pushed.code) == (201, 1000)
    assert copy.json == read.data == place
    assert asked.code == 1000


def moment() -> str:
    return "2026-01-01T00:00:00Z"


@pytest.mark.checklist("RB-03", "TR-36")
@pytest.mark.parametrize("depth", [50, 101, 1_000, 5_000, 100_000])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
async def test_deep_nesting_is_refused_or_passed(trio: Trio, depth: int, brackets: str) -> None:
    cpo, emsp, _ = trio
    mine = session(cpo, emsp)
    opening, closing = brackets[:-1], brackets[-1]
    deep = opening * depth + ("1" if opening != "[" else "") + closing * depth
    text = json.dumps(mine)[:-1] + f', "deep": {deep}}}'

    answer = await cpo.call("PUT", "sessions", at(cpo, mine["id"]), content=text.encode(), to=emsp.party)

    check_envelope(answer)
    assert (answer.status, answer.code) in ((201, 1000), (400, 2001))
    assert len(heard(emsp)) == (answer.code == 1000)
    assert (answer.code == 1000) is (depth < 100)


@pytest.mark.checklist("RB-07", "TR-36")
@pytest.mark.parametrize(
    "number", ["1e308", "1e309", "-1e400", "1" + "0" * 400, "0." + "1" * 400, "1E-400", "-0", "9" * 5000]
)
@pytest.mark.parametrize("field", ["kwh", "unknown"])
async def test_extreme_numbers_are_refused_or_passed_as_they_are(trio: Trio, number: str, field: str) -> None:
    cpo, emsp, _ = trio
    mine = session(cpo, emsp)
    del mine["kwh"]
    rest = json.dumps(mine)[1:]
    text = f'{{"{field}": {number}, {rest}' if field == "kwh" else f'{{"kwh": 1, "unknown": {number}, {rest}'

    answer = await cpo.call("PUT", "sessions", at(cpo, mine["id"]), content=text.encode(), to=emsp.party)

    check_envelope(answer)
    assert (answer.status, answer.code) in ((201, 1000), (200, 2001), (400, 2001))
    assert [each.body for each in heard(emsp)] == ([text.encode()] if answer.code == 1000 else [])


@pytest.mark.checklist("RB-07", "TR-36", "RB-03")
@pytest.mark.parametrize("number", ["1e309", "1" + "0" * 400, "1E-400"])
async def test_extreme_numbers_in_a_copy_can_be_read_again(trio: Trio, number: str) -> None:
    cpo, emsp, _ = trio
    place = example("Location.minimal", cpo, id=unique("LOC"))
    text = json.dumps(place)[:-1] + f', "unknown": {number}}}'

    pushed = await cpo.call("PUT", "locations", at(cpo, place["id"]), content=text.encode(), to="NL-HUB")
    change = {"name": "B", "last_updated": "2026-05-01T00:00:00Z"}
    patched = await cpo.patch("locations", at(cpo, place["id"]), change, to="NL-HUB")
    read = await emsp.get("locations", f"/{place['id']}", to="NL-HUB")

    assert pushed.status in (200, 201, 400)
    if pushed.code == 1000:
        assert (patched.status, patched.code, read.status) == (200, 1000, 200)


@pytest.mark.checklist("RB-09")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
async def test_other_encodings_are_refused(trio: Trio, encoding: str) -> None:
    cpo, emsp, _ = trio
    mine = session(cpo, emsp, nice="ü")
    text = json.dumps(mine, ensure_ascii=False).encode(encoding)
    headers = {"Content-Type": f"application/json; charset={encoding}"}

    answer = await cpo.call("PUT", "sessions", at(cpo, mine["id"]), content=text, to=emsp.party, headers=headers)

    assert (answer.status, answer.code) == (400, 2001)
    assert heard(emsp) == []


@pytest.mark.checklist("RB-09")
async def test_a_compressed_body_is_refused(trio: Trio) -> None:

    cpo, emsp, _ = trio
    mine = session(cpo, emsp)
    headers = {"Content-Encoding": "gzip"}
    text = gzip.compress(json.dumps(mine).encode())

    answer = await cpo.call("PUT", "sessions", at(cpo, mine["id"]), content=text, to=emsp.party, headers=headers)

    assert (answer.status, answer.code) == (400, 2001)
    assert heard(emsp) == []


HEADERS = [
    ("X-Correlation-ID", "x" * 8000),
    ("X-Correlation-ID", ""),
    ("X-Request-ID", "a\tb"),
    ("X-Request-ID", "\x80\xff"),
    ("OCPI-to-party-id", "' OR 1=1"),
    ("OCPI-to-party-id", "\xff\xfe\xfd"),
    ("OCPI-to-country-code", "N" * 5000),
    ("OCPI-from-party-id", "%00"),
    ("OCPI-from-country-code", "{}"),
    ("Content-Type", "a" * 5000),
    ("Accept", "application/xml"),
    ("Accept-Encoding", "br;q=nonsense"),
    ("Expect", "something"),
    ("Range", "bytes=0-1"),
    ("If-None-Match", "*"),
    ("Connection", "close, upgrade"),
    ("Upgrade", "h2c"),
    ("X-Forwarded-For", "' ; --"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Content-Length", "0"),
]


@pytest.mark.checklist("RB-05", "TR-36")
@pytest.mark.parametrize(("name", "value"), HEADERS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(HEADERS)])
async def test_hostile_header_values_are_refused_or_handled(trio: Trio, name: str, value: str) -> None:
    cpo, emsp, _ = trio
    url = cpo.hub_endpoints["tokens", "SENDER"]
    given = routing(cpo, emsp.party) | {name: value}

    answer = await told(url, request(cpo, "GET", path(url), headers=given))

    check_envelope(answer)
    assert (answer.status, answer.code) in ((200, 1000), (200, 2001), (200, 4001))
    assert [each.method for each in heard(emsp)] == (["GET"] if answer.code == 1000 else [])


@pytest.mark.checklist("RB-11", "TR-36")
@pytest.mark.parametrize(
    "content",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /ocpi/versions HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n",
        b"GET /ocpi/versions HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /ocpi/versions HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /ocpi/vérsions HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"GET http://elsewhere.example/ocpi/versions HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=range(17),
)
async def test_broken_http_takes_nothing_down(trio: Trio, content: bytes) -> None:
    line = await Line.to(trio.cpo.hub_url)

    await line.say(content)
    with contextlib.suppress(OSError):  # the hub may have closed it already
        line.writer.write_eof()
    async with asyncio.timeout(5):
        answered = await _rest(line)
    await line.close()
    then = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert not answered.startswith(b"HTTP/1.1 5")
    assert not answered.startswith(b"HTTP/1.1 2")
    assert then.code == 1000


async def _rest(line: Line) -> bytes:
    try:
        return await line.reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.checklist("RB-11")
async def test_a_body_that_ends_early_changes_nothing(trio: Trio) -> None:
    cpo, emsp, _ = trio
    place = example("Location.minimal", cpo, id=unique("LOC"))
    url = cpo.hub_endpoints["locations", "RECEIVER"] + at(cpo, place["id"])
    whole = request(cpo, "PUT", path(url), headers=routing(cpo, "NL-HUB"), body=json.dumps(place).encode())
    line = await Line.to(url)

    await line.say(whole[:-10])
    await line.close()
    there = await emsp.get("locations", f"/{place['id']}", to="NL-HUB")

    assert there.status == 404
    assert heard(emsp) == []


@pytest.mark.checklist("RB-12")
async def test_stalled_clients_do_not_block_others(trio: Trio) -> None:
    cpo, emsp, _ = trio
    url = cpo.hub_endpoints["sessions", "RECEIVER"] + at(cpo, "S1")
    start = request(cpo, "PUT", path(url), headers=[*routing(cpo, emsp.party).items(), ("Content-Length", "5000")])
    lines = [await Line.to(url) for _ in range(30)]
    for number, line in enumerate(lines):
        await line.say(start[: 40 + number] if number % 2 else start + b'{"id"')

    answers = await asyncio.gather(*(cpo.get("tokens", to=emsp.party) for _ in range(10)))
    for line in lines:
        await line.close()

    assert {each.code for each in answers} == {1000}


@pytest.mark.checklist("RB-13")
async def test_of_many_pushes_on_one_connection_none_is_lost_or_doubled(trio: Trio) -> None:
    cpo, emsp, other = trio
    names = [unique("LOC") for _ in range(30)]
    base = cpo.hub_endpoints["locations", "RECEIVER"]
    line = await Line.to(base)
    for name in names:  # one after the other without waiting for answers (RFC 9112, 9.3.2)
        body = json.dumps(example("Location.minimal", cpo, id=name)).encode()
        await line.say(request(cpo, "PUT", path(base) + at(cpo, name), headers=routing(cpo, "NL-HUB"), body=body))

    answers = [await line.hear() for _ in names]
    await line.close()
    copies = [await each.received(30, module="locations") for each in (emsp, other)]

    assert {(each.status, each.code) for each in answers} == {(201, 1000)}
    assert [[each.json["id"] for each in got] for got in copies] == [names, names]


@pytest.mark.checklist("TR-36", "RB-05")
@pytest.mark.parametrize("header", ["", "Token", encoded("x")])
async def test_a_token_in_the_url_opens_nothing(trio: Trio, header: str) -> None:
    target = f"{path(trio.cpo.hub_url)}?Authorization=Token%20{encoded(trio.cpo.hub_token)}"
    line = f"GET {target} HTTP/1.1\r\nHost: hub\r\n" + (f"Cookie: {header}\r\n" if header else "") + "\r\n"

    assert (await told(trio.cpo.hub_url, line.encode())).status == 401
