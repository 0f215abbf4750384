"""Tokens stand neither in logs nor in the store, and no URL a peer gives leads the hub to a private address.

Source: OCPI 2.3.0, credentials.asciidoc (token); SECURITY.md.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conformance import samples
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform, Refused

#: Found on the path before any other: whatever a process logs, at any level, stands in a file.
LOGGING = """
import logging, sys
logging.basicConfig(filename={file!r}, level=logging.DEBUG, format="%(name)s %(levelname)s %(message)s")
sys.excepthook = lambda *what: logging.getLogger("crash").critical("", exc_info=what)
"""


def spellings(token: str) -> Iterator[bytes]:
    """Return how a token may stand somewhere: as it is, and as it travels in a header."""
    yield token.encode()
    yield base64.b64encode(token.encode()).rstrip(b"=")


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PartyPlatform, PartyPlatform]]:
    async with (
        PartyPlatform("Alpha", [("CPO", "NL", "ALF")]) as cpo,
        PartyPlatform("Beta", [("EMSP", "NL", "BET")]) as emsp,
    ):
        yield cpo, emsp


async def live(hub: HubProcess, cpo: PartyPlatform, emsp: PartyPlatform) -> set[str]:
    """Do all that tokens take part in, and return every token there was."""
    tokens = set()
    for platform in (cpo, emsp):
        tokens.add(invitation := await hub.invite(platform.name))
        await platform.register(hub.versions_url, invitation)
        tokens |= platform.tokens | {platform.hub_token}
    await cpo.put_credentials()
    await asyncio.to_thread(hub.emall, "party", "rotate", "NL-BET")
    asked = samples.example(
        "StartSession.minimal", token=samples.token(emsp), response_url=emsp.url("commands", "SENDER")
    )
    assert (await emsp.post("commands", "/START_SESSION", asked, to="NL-ALF")).code == 1000
    location = samples.example("Location.minimal", cpo, id="LOC1")
    assert (await cpo.put("locations", "/NL/ALF/LOC1", location, to="NL-HUB")).code == 1000
    await emsp.received(module="locations", method="PUT")
    await emsp.close()
    assert (await cpo.get("tokens", to="NL-BET")).code == 4003
    await emsp.open()
    wrong = "no-token-of-anybody-but-somebodys-secret"
    assert (await cpo.send("GET", cpo.hub_url, token=wrong)).status == 401
    for platform in (cpo, emsp):
        tokens |= platform.tokens | {platform.hub_token}
    return tokens | {wrong}


async def test_no_token_stands_in_the_logs_or_in_the_store(
    tmp_path: Path, pair: tuple[PartyPlatform, PartyPlatform]
) -> None:
    log, early = tmp_path / "log", tmp_path / "early"
    early.mkdir()
    (early / "sitecustomize.py").write_text(LOGGING.format(file=str(log)))
    hub = HubProcess(tmp_path / "data", environment=(("PYTHONPATH", str(early)), ("EMALL_LOG_LEVEL", "DEBUG"))).start()
    try:
        tokens = await live(hub, *pair)
        stored = b"".join(each.read_bytes() for each in (tmp_path / "data").iterdir() if each.name != "secret.key")
    finally:
        hub.stop()

    said = log.read_bytes()
    assert len(tokens) >= 9  # two of A, and of each platform the first and the second of B and of C, and a wrong one
    assert b"hub.credentials" in said, "nothing was logged: this shows nothing"
    assert b"NL" in stored
    for token in tokens:
        assert not [each for each in spellings(token) if each in said]
        assert not [each for each in spellings(token) if each in stored]


async def test_a_platform_at_a_private_address_is_not_called_and_not_registered(
    tmp_path: Path, pair: tuple[PartyPlatform, PartyPlatform]
) -> None:
    hub = HubProcess(tmp_path / "data", private_peers=False).start()
    try:
        with pytest.raises(Refused, match="3001"):
            await pair[0].register(hub.versions_url, await hub.invite("Alpha"))
    finally:
        hub.stop()

    assert pair[0].log == []


async def test_neither_a_response_url_nor_a_link_leads_to_a_private_address(
    tmp_path: Path, pair: tuple[PartyPlatform, PartyPlatform]
) -> None:
    """Both were lent while peers may be anywhere; then the hub runs as it does by itself."""
    cpo, emsp = pair
    hub = HubProcess(tmp_path / "data").start()
    try:
        for platform in pair:
            await platform.register(hub.versions_url, await hub.invite(platform.name))
        cpo.answer(
            Answer([], headers={"Link": f'<{cpo.origin}/elsewhere?page=2>; rel="next"', "X-Total-Count": "9"}),
            module="locations", method="GET",
        )  # fmt: skip
        asked = samples.example("StartSession.minimal", token=samples.token(emsp))
        asked |= {"response_url": f"{emsp.url('commands', 'SENDER')}/START_SESSION/1"}
        await emsp.post("commands", "/START_SESSION", asked, to="NL-ALF")
        lent = cpo.inbox[-1].json["response_url"]
        link = (await emsp.get("locations", to="NL-ALF")).headers["link"].partition(">")[0][1:]
        hub.stop()
        hub.private_peers = False
        hub.start()
        cpo.log.clear()
        emsp.log.clear()
        address = {f"OCPI-{way}-{name}": each for way, ids in (("from", ("NL", "BET")), ("to", ("NL", "ALF")))
                   for name, each in zip(("country-code", "party-id"), ids, strict=True)}  # fmt: skip

        again = await emsp.post("commands", "/START_SESSION", asked, to="NL-ALF")
        result = await cpo.send("POST", lent, body={"result": "ACCEPTED"})
        page = await emsp.send("GET", link, headers=address)

        assert (again.code, again.message.partition(":")[0]) == (2001, "$.response_url"), again.body
        assert (result.code, page.code) == (4003, 4003), (result.body, page.body)
        assert [*cpo.log, *emsp.log] == []
    finally:
        hub.stop()
