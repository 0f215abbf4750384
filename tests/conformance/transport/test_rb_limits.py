"""How large and how often: 413 and 429.

Source: RFC 9110 (15.5.14), RFC 6585 (429); OCPI 2.2.1, transport_and_format.asciidoc (Response format).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.conformance.samples import at, example, unique
from tests.conformance.transport.conftest import Trio, heard, joined, shared
from tests.conformance.transport.speech import Line, check_envelope, encoded, path, request, routing
from tests.hubs import HubProcess
from tests.parties import PartyPlatform, Reply

LIMIT = 8 * 2**20


@pytest.mark.checklist("RB-02", "MI-09")
async def test_a_body_that_is_announced_too_large_is_413_before_any_of_it_is_read(trio: Trio) -> None:
    cpo, emsp, _ = trio
    url = cpo.hub_endpoints["locations", "RECEIVER"] + at(cpo, "L1")
    line = await Line.to(url)
    headers = [*routing(cpo, emsp.party).items(), ("Content-Length", str(LIMIT + 1))]

    await line.say(request(cpo, "PUT", path(url), headers=headers))
    answer = await line.hear()
    await line.close()

    check_envelope(answer)
    assert (answer.status, answer.code) == (413, 2001)
    assert answer.headers["x-request-id"]
    assert answer.headers["x-correlation-id"]
    assert heard(emsp) == []


@pytest.mark.checklist("RB-02")
async def test_a_body_in_chunks_is_413_as_soon_as_it_is_too_large(trio: Trio) -> None:
    cpo, emsp, _ = trio
    url = cpo.hub_endpoints["locations", "RECEIVER"] + at(cpo, "L1")
    line = await Line.to(url)
    headers = [*routing(cpo, emsp.party).items(), ("Transfer-Encoding", "chunked")]
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"

    await line.say(request(cpo, "PUT", path(url), headers=headers))
    for _ in range(LIMIT // 0x10000 + 1):
        await line.say(piece)  # it never ends; the answer comes all the same
    answer = await line.hear()
    await line.close()

    check_envelope(answer)
    assert (answer.status, answer.code) == (413, 2001)
    assert answer.headers["x-request-id"]
    assert heard(emsp) == []


@pytest.mark.checklist("RB-02")
@pytest.mark.parametrize("chunked", [False, True])
async def test_who_sends_ten_megabytes_anyway_gets_the_413(trio: Trio, chunked: bool) -> None:
    cpo = trio.cpo
    url = cpo.hub_endpoints["credentials", "SENDER"]
    text = b" " * 10_000_000

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 100_000):
            yield text[start : start + 100_000]

    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        response = await client.put(
            url, content=pieces() if chunked else text, headers={"Authorization": f"Token {encoded(cpo.hub_token)}"}
        )
    then = await cpo.get("tokens", to=trio.emsp.party)

    assert (response.status_code, response.json()["status_code"]) == (413, 2001)
    assert then.code == 1000


@pytest.mark.checklist("RB-02")
@pytest.mark.parametrize(("more", "status"), [(0, 201), (1, 413)])
async def test_a_body_of_just_eight_mebibytes_is_taken(trio: Trio, more: int, status: int) -> None:
    cpo = trio.cpo
    place = example("Location.minimal", cpo, id=unique("LOC"))
    text = json.dumps(place).encode()
    text += b" " * (LIMIT + more - len(text))

    answer = await cpo.call("PUT", "locations", at(cpo, place["id"]), content=text, to="NL-HUB")

    assert answer.status == status


async def test_a_large_body_without_a_token_is_401_before_it_is_read(trio: Trio) -> None:
    url = trio.cpo.hub_endpoints["locations", "RECEIVER"] + at(trio.cpo, "L1")
    line = await Line.to(url)

    await line.say(f"PUT {path(url)} HTTP/1.1\r\nHost: hub\r\nContent-Length: {2**33}\r\n\r\n".encode())
    answer = await line.hear()
    await line.close()

    assert answer.status == 401


# -- 429 -------------------------------------------------------------------------------------------

RATE = 20


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that takes twenty requests a second from each connection."""
    data = tmp_path_factory.mktemp("limited") / "data"
    process = HubProcess(data, environment=(("EMALL_RATE_LIMIT", str(RATE)),)).start()
    yield process
    assert process.stop() == 0


@shared
async def pair(limited: HubProcess) -> AsyncIterator[tuple[PartyPlatform, ...]]:
    async with joined(limited, "CPO", "EMSP") as platforms:
        yield platforms


async def burst(platform: PartyPlatform, count: int) -> list[Reply]:
    ids = {"X-Request-ID": "r1", "X-Correlation-ID": "c1"}
    return await asyncio.gather(*(platform.send("GET", platform.hub_url, headers=ids) for _ in range(count)))


@pytest.mark.checklist("MI-09", "TR-17")
async def test_more_than_the_rate_limit_is_429_with_retry_after(pair: tuple[PartyPlatform, ...]) -> None:
    cpo, emsp = pair

    answers = await burst(cpo, RATE * 3)
    neighbours = await emsp.send("GET", emsp.hub_url)
    refused = [each for each in answers if each.status == 429]
    taken = [each for each in answers if each.status == 200]

    assert len(taken) + len(refused) == len(answers)
    assert len(taken) >= RATE // 2
    assert len(refused) >= RATE // 2
    for each in refused:
        check_envelope(each)
        assert each.code == 2001
        assert int(each.headers["retry-after"]) >= 1
        assert (each.headers["x-request-id"], each.headers["x-correlation-id"]) == ("r1", "c1")
    assert neighbours.status == 200


async def test_after_retry_after_requests_are_taken_again(pair: tuple[PartyPlatform, ...]) -> None:
    cpo, _ = pair
    refused = next(each for each in await burst(cpo, RATE * 3) if each.status == 429)

    await asyncio.sleep(int(refused.headers["retry-after"]))  # the time is what is tested

    assert (await cpo.send("GET", cpo.hub_url)).status == 200


async def test_a_refused_request_reaches_nobody(pair: tuple[PartyPlatform, ...]) -> None:
    cpo, emsp = pair
    emsp.inbox.clear()

    answers = await asyncio.gather(*(cpo.get("tokens", to=emsp.party) for _ in range(RATE * 3)))

    taken = [each for each in answers if each.status == 200]
    assert 0 < len(taken) < len(answers)
    assert len(heard(emsp)) == len(taken)
