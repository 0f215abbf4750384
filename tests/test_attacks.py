"""What a hostile platform, an invited one or a stranger tries, and what it does not get.

Source: OCPI 2.3.0, transport_and_format.asciidoc, credentials.asciidoc; docs/flow.md.
"""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.callbacks import Callbacks
from hub.cli.output import show
from hub.cli.serving import OneLine
from hub.database import Database
from hub.ocpi.client import Client, Envelope
from hub.ocpi.errors import HubError, UnknownEndpoint
from hub.ocpi.wire import BadAnswer, Wire
from tests.conformance.conftest import join  # noqa: F401 -- the fixture registers platforms here, too
from tests.conformance.samples import at, command, session
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform, Refused, _encoded, _headers


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub whose parties are not all friends."""
    process = HubProcess(tmp_path_factory.mktemp("attacked") / "data").start()
    yield process
    assert process.stop() == 0


async def statuses(watcher: PartyPlatform, *platforms: PartyPlatform) -> dict[str, str]:
    """Return what the hub says of the parties of platforms."""
    found = {}
    async for page in watcher.pages("hubclientinfo", query={"limit": 100}):
        found |= {f"{each['country_code']}-{each['party_id']}": each["status"] for each in page.data}
    return {each.party: found[each.party] for each in platforms}


async def test_a_lent_next_page_is_led_to_nobody_but_the_party_that_gave_it(join: Any) -> None:  # noqa: F811
    """Else the receiver named beside it would have its token sent to an address of the attacker's."""
    attacker, victim = await join("CPO", "EMSP"), await join("CPO")
    trap = f"{attacker.origin}/ocpi/2.2.1/sender/locations/trap"
    attacker.answer(Answer([], headers={"Link": f'<{trap}>; rel="next"'}), module="locations", method="GET")
    cpo, emsp = (f"{code}-{party}" for _, code, party in attacker.roles)
    first = await attacker.get("locations", sender=emsp, to=cpo)
    lent = first.headers["link"].partition("link=")[2].partition(">")[0]

    reply = await attacker.get("locations", sender=emsp, to=victim.party, query={"link": lent})

    assert reply.code == 2001
    assert [each.token for each in attacker.log if each.path.endswith("/trap")] == []


@pytest.mark.parametrize(
    "target", [b"?a=\xff", b"?a=\x7f", b"?a=\t", b"/\xc3\xa9", b"/%2E%2E", b"/a%2f..%2fb", b"/%00", b"/a%0Ab"]
)
async def test_a_request_that_cannot_travel_on_takes_nobody_offline(target: bytes, join: Any) -> None:  # noqa: F811
    attacker, victim = await join("EMSP"), await join("CPO")
    url = urlsplit(attacker.hub_endpoints["locations", "SENDER"])

    await raw_exchange(url.netloc, b"GET " + url.path.encode() + target + head(attacker, to=victim.party) + b"\r\n")

    assert await statuses(attacker, victim) == {victim.party: "CONNECTED"}


def head(platform: PartyPlatform, *, to: str = "", **more: str) -> bytes:
    """Return what follows the target in a request's head, but for the empty line."""
    headers = {
        "Host": urlsplit(platform.hub_url).netloc,
        "Authorization": f"Token {_encoded(platform.hub_token)}",
        "Connection": "close",
        **_headers("from", platform.party),
        **_headers("to", to),
        **more,
    }
    return (" HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())).encode()


async def raw_exchange(netloc: str, request: bytes) -> bytes:
    """Send bytes as they are and return whatever comes back."""
    host, _, port = netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection that may be gone already."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


ODD_PARTIES = [("..", "ABC"), ("N", "ABC"), ("--", "A-B"), ("", "ABC"), ("NL", ""), ("NL", "A/B"), ("N ", "ABC")]


@pytest.mark.parametrize("party", ODD_PARTIES)
async def test_a_party_without_a_proper_id_is_not_registered(party: tuple[str, str], join: Any) -> None:  # noqa: F811
    """Else news of the party ".." would be a URL no client sends, and everybody who is told of it OFFLINE."""
    friend = await join("EMSP")

    with pytest.raises(Refused, match=r"party_id|country_code"):
        await join(("CPO", *party))

    await asyncio.sleep(0.3)
    assert await statuses(friend, friend) == {friend.party: "CONNECTED"}


async def test_a_charging_profile_of_another_emsp_s_session_is_refused(join: Any) -> None:  # noqa: F811
    cpo, owner, attacker = await join("CPO"), await join("EMSP"), await join("EMSP")
    told = session(cpo, owner)
    await cpo.put("sessions", at(cpo, told["id"]), told, to=owner.party)
    where = attacker.url("chargingprofiles", "SENDER") + "/result"

    asked = await attacker.call(
        "GET", "chargingprofiles", f"/{told['id']}", to=cpo.party, query={"duration": 60, "response_url": where}
    )
    body = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": where}
    put = await attacker.put("chargingprofiles", f"/{told['id']}", body, to=cpo.party)
    cleared = await attacker.delete("chargingprofiles", f"/{told['id']}", to=cpo.party, query={"response_url": where})

    assert [each.code for each in (asked, put, cleared)] == [2001] * 3
    assert [each for each in cpo.inbox if each.module == "chargingprofiles"] == []


@pytest.mark.parametrize("timeout", [1e308, 10**30, 9.3e12])
async def test_a_result_promised_for_the_end_of_time_is_answered_all_the_same(timeout: float, join: Any) -> None:  # noqa: F811
    cpo, emsp = await join("CPO"), await join("EMSP")
    cpo.answer(Answer({"result": "ACCEPTED", "timeout": timeout}), module="commands")

    reply = await emsp.post("commands", "/START_SESSION", command("StartSession", emsp), to=cpo.party)

    assert (reply.code, reply.data["result"]) == (1000, "ACCEPTED")


async def test_a_total_of_thousands_of_digits_breaks_nothing(join: Any) -> None:  # noqa: F811
    cpo, emsp = await join("CPO"), await join("EMSP")
    cpo.answer(Answer([{}], headers={"X-Total-Count": "9" * 5000}), module="locations", method="GET")

    reply = await emsp.get("locations", to=cpo.party)

    assert reply.code == 1000


def memory(hub: HubProcess) -> int:
    """Return the resident memory of a hub's process, in bytes."""
    assert hub.process is not None
    return int(Path(f"/proc/{hub.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("start", [b"GET /ocpi/versions HTTP/1.1\r\n", b"GET /ocpi/"])
async def test_endless_headers_of_a_stranger_are_cut_off(start: bytes, hub: HubProcess) -> None:
    before = memory(hub)
    url = urlsplit(hub.url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(start)
    piece = b"X-Filler: " + b"x" * 1000 + b"\r\n" if b"HTTP" in start else b"x" * 1000
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 100_000_000:
            writer.write(piece * 100)
            sent += len(piece) * 100
            await asyncio.wait_for(writer.drain(), 5)
    grown = memory(hub) - before
    await closed(writer)

    assert sent < 100_000_000
    assert grown < 20_000_000


async def test_a_correlation_id_too_long_to_be_kept_is_refused(join: Any) -> None:  # noqa: F811
    cpo, emsp = await join("CPO"), await join("EMSP")

    refused = await emsp.get("locations", to=cpo.party, headers={"X-Correlation-ID": "x" * 30_000})
    taken = await emsp.get("locations", to=cpo.party, headers={"X-Correlation-ID": "x" * 1_000})

    assert (refused.code, taken.code) == (2001, 1000)


async def test_a_character_no_store_holds_is_an_unknown_url_and_no_failure(database: Database) -> None:
    with pytest.raises(UnknownEndpoint):
        await Callbacks(database).redeem("\0", "link", None, "")


async def test_trailers_are_no_headers(join: Any) -> None:  # noqa: F811
    """Else what a proxy in front has not looked at would say who sends, or to whom."""
    cpo, emsp = await join("CPO"), await join("EMSP")
    url = urlsplit(emsp.hub_endpoints["commands", "RECEIVER"])
    start = f"POST {url.path}/UNLOCK_CONNECTOR".encode() + head(emsp, **{"Transfer-Encoding": "chunked"})
    trailers = "".join(f"{name}: {value}\r\n" for name, value in _headers("to", cpo.party).items()).encode()
    body = json.dumps(command("UnlockConnector", emsp)).encode()

    answered = await raw_exchange(
        url.netloc, start + b"\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n" + trailers + b"\r\n"
    )

    assert b'"status_code":2' in answered
    assert [each for each in cpo.inbox if each.module == "commands"] == []


async def test_a_list_that_says_an_absurd_total_spoils_no_other(hub: HubProcess) -> None:
    async with PartyPlatform("Absurd", [("CPO", "NL", "ABS")]) as cpo:
        cpo.answer(Answer([{}], headers={"X-Total-Count": "9" * 5000}), module="locations", method="GET")

        await cpo.register(hub.versions_url, await hub.invite("Absurd"))

        await cpo.received(module="tariffs", method="GET")
        await cpo.credentials_call("DELETE")


class Endless:
    """A client of a peer each of whose pages leads to another."""

    def __init__(self) -> None:
        self.asked = 0

    async def call(self, method: str, url: str, token: str, **rest: Any) -> Envelope:
        self.asked += 1
        link = f'<https://peer.test/locations?offset={self.asked}>; rel="next"'
        return Envelope(200, 1000, None, [{}], {"link": link})


async def test_a_list_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ocpi.client._MOST_PAGES", 3)
    peer: Any = Endless()

    with pytest.raises(HubError, match="has no end"):
        [page async for page in Client.pages(peer, "https://peer.test/locations", "TOKEN")]

    assert peer.asked == 3


async def test_a_crowd_of_parties_or_endpoints_is_not_registered(join: Any) -> None:  # noqa: F811
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    with pytest.raises(Refused, match="at most"):
        await join(*(("EMSP", "XX", a + b + c) for a in letters[:2] for b in letters for c in letters))
    with pytest.raises(Refused, match="endpoints"):
        await join("EMSP", offered=[(f"custom{number}", "RECEIVER") for number in range(300)])


def test_what_peers_say_begins_no_entry_of_the_log_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said = "refused\nemall: all is well \x1b[2J"
    record = logging.LogRecord("hub", logging.WARNING, "", 0, "pull: %s", (said,), None)

    show(None, [said], as_json=False)

    assert OneLine().format(record) == "pull: refused\\nemall: all is well \\x1b[2J"
    assert capsys.readouterr().out == "refused\\nemall: all is well \\x1b[2J\n"


@pytest.mark.parametrize(("module", "odd"), [("tariffs", [{"elements": 3}]), ("cdrs", [{"total_cost": {}}])])
async def test_an_answer_that_cannot_be_translated_is_its_party_s_fault(module: str, odd: Any, join: Any) -> None:  # noqa: F811
    cpo, emsp = await join("CPO", versions=["2.3.0"]), await join("EMSP")
    cpo.answer(Answer(odd), module=module, method="GET")

    reply = await emsp.get(module, to=cpo.party)

    assert reply.code == 4000


async def test_a_platform_that_leads_back_to_the_hub_holds_up_only_itself(join: Any, hub: HubProcess) -> None:  # noqa: F811
    cpo, emsp, loop = await join("CPO"), await join("EMSP"), await join("CPO", "EMSP")
    body = loop.credentials(loop.hub_token) | {"url": hub.versions_url}
    await loop.credentials_call("PUT", body=body)

    circling = asyncio.create_task(loop.get("locations", to=loop.party))
    await asyncio.sleep(0.5)
    async with asyncio.timeout(1):
        meanwhile = await emsp.get("locations", to=cpo.party)

    assert meanwhile.code == 1000
    async with asyncio.timeout(10):
        assert (await circling).code >= 4000


async def trailing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with a body that is over and trailers that never are."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write((b"X-Filler: " + b"x" * 1000 + b"\r\n") * 100)
            await writer.drain()
    await closed(writer)


async def test_endless_trailers_of_an_answer_are_cut_off() -> None:
    wire = Wire(allow_private=True, max_answer=1024)
    async with await asyncio.start_server(trailing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BadAnswer, match="headers"):
            await wire.send("GET", f"http://127.0.0.1:{port}/", {}, timeout=5)
        await asyncio.sleep(0.1)
    await wire.close()
