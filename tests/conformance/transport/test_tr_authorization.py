"""Who may call: the Authorization header, both ways.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Authorization header).
"""

import asyncio
import json

import pytest

from tests.conformance.samples import at, example, unique
from tests.conformance.transport.conftest import Trio, heard, joined
from tests.conformance.transport.speech import check_envelope, encoded, http, path, routing, told
from tests.hubs import HubProcess
from tests.parties import Oddities, PartyPlatform

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def every_url(platform: PartyPlatform) -> list[str]:
    """Return each URL the hub has told a platform of."""
    return [platform.hub_url, *platform.hub_versions.values(), *platform.hub_endpoints.values()]


@pytest.mark.checklist("TR-01", "TR-02", "TR-03")
async def test_the_hub_presents_a_receivers_own_token_in_base64(hub: HubProcess) -> None:
    async with joined(hub, "CPO", "EMSP") as (cpo, emsp):
        token = "~~~???>>>~"  # needs + and / and = of the standard alphabet
        emsp.tokens.add(token)
        assert (await emsp.put_credentials(emsp.credentials(token))).code == 1000
        emsp.tokens.add(token)
        emsp.log.clear()

        answer = await cpo.get("tokens", to=emsp.party)

        assert answer.code == 1000
        assert [each.headers["authorization"] for each in emsp.log] == ["Token fn5+Pz8/Pj4+fg=="]


@pytest.mark.checklist("TR-01")
async def test_every_request_of_the_hub_carries_the_token_from_the_handshake_on(hub: HubProcess) -> None:
    async with joined(hub, "EMSP") as (emsp,):
        async with joined(hub, "CPO") as (cpo,):
            await cpo.put("locations", at(cpo, "L1"), example("Location.minimal", cpo, id="L1"), to="NL-HUB")
            await emsp.received(module="locations", method="PUT")
        await emsp.received(module="hubclientinfo")

        kinds = {each.module for each in emsp.log}
        headers = {each.headers.get("authorization") for each in emsp.log}

        assert {"versions", "details", "locations", "tokens", "hubclientinfo"} <= kinds
        assert headers == {f"Token {encoded(token)}" for token in emsp.tokens}


@pytest.mark.checklist("TR-04", "TR-05", "MI-09", "TR-17")
@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Token {encoded('nobody-has-this-token')}"}])
async def test_without_a_known_token_every_endpoint_and_method_is_401(trio: Trio, headers: dict[str, str]) -> None:
    ids = {"X-Request-ID": "request 1", "X-Correlation-ID": "correlation 1"}
    asked = [(method, url) for url in every_url(trio.cpo) for method in METHODS]

    answers = await asyncio.gather(*(http(method, url, headers=headers | ids) for method, url in asked))

    assert len(asked) >= 5 * 18
    for each in answers:
        check_envelope(each)
        assert (each.status, each.code) == (401, 2001)
        assert {name: each.headers[name] for name in ids} == ids


@pytest.mark.checklist("TR-06")
@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token ",
        "Bearer {encoded}",
        "Basic {encoded}",
        "{encoded}",
        "{token}",
        "Token{encoded}",
        "Token  {encoded}",
        "Token {encoded} {encoded}",
        "Token {encoded},",
        "Token {half}",
        "Token {swapped}",
        "Token !{encoded}",
    ],
)
async def test_a_header_that_holds_no_known_token_is_401(trio: Trio, header: str) -> None:
    token = trio.cpo.hub_token
    written = header.format(
        token=token, encoded=encoded(token), half=encoded(token)[:20], swapped=encoded(token.swapcase())
    )

    line = f"GET {path(trio.cpo.hub_url)} HTTP/1.1\r\nHost: hub\r\nAuthorization: {written}\r\n\r\n"

    answer = await told(trio.cpo.hub_url, line.encode())

    assert answer.status == 401


@pytest.mark.checklist("TR-07")
async def test_a_token_a_opens_versions_and_credentials_only(hub: HubProcess, trio: Trio) -> None:
    token_a = await hub.invite("somebody")
    open_urls = [trio.cpo.hub_url, *trio.cpo.hub_versions.values()]
    modules = {pair: url for pair, url in trio.cpo.hub_endpoints.items() if pair[0] != "credentials"}

    opened = [await trio.cpo.send("GET", url, token=token_a) for url in open_urls]
    closed = [await trio.cpo.send(method, url, token=token_a) for url in modules.values() for method in METHODS]
    to_emsp = await trio.cpo.get("tokens", to=trio.emsp.party, token=token_a)

    assert {(each.status, each.code) for each in opened} == {(200, 1000)}
    assert {each.status for each in [*closed, to_emsp]} == {401}
    assert heard(trio.emsp) == []


@pytest.mark.checklist("TR-08")
async def test_header_names_have_no_case(trio: Trio) -> None:
    headers = {
        "AUTHORIZATION": f"Token {encoded(trio.cpo.hub_token)}",
        "x-ReQuest-iD": "r1",
        "x-correlation-id": "c1",
        **{name.upper(): value for name, value in routing(trio.cpo, trio.emsp.party).items()},
    }

    answer = await http("GET", trio.cpo.hub_endpoints["tokens", "SENDER"], headers=headers)

    (request,) = heard(trio.emsp)
    assert (answer.code, request.sender, request.headers["x-correlation-id"]) == (1000, trio.cpo.party, "c1")
    assert answer.headers["X-Request-ID"] == "r1"


@pytest.mark.checklist("TR-39", "RT-08")
async def test_no_platform_learns_a_token_of_another(trio: Trio) -> None:
    cpo, emsp, other = trio
    secrets = {each.name: [each.hub_token, *each.tokens] for each in trio}

    await cpo.put("locations", at(cpo, "L2"), example("Location.minimal", cpo, id="L2"), to="NL-HUB")
    await cpo.get("tokens", to=emsp.party, headers={"Cookie": "a=b", "X-Own": cpo.hub_token})
    command = example("StartSession.minimal", response_url=emsp.url("commands", "SENDER"))
    command["token"] |= {"country_code": "NL", "party_id": emsp.party[3:]}
    started = await emsp.post("commands", "/START_SESSION", command, to=cpo.party)
    await other.received(module="locations")
    listed = await other.get("locations", to="NL-HUB")

    assert started.code == 1000
    for platform in trio:
        heard = "\n".join(f"{each.path} {each.query} {each.headers} {each.body!r}" for each in platform.log)
        foreign = [token for name, tokens in secrets.items() if name != platform.name for token in tokens]
        assert [token for token in foreign if token in heard or encoded(token) in heard] == []
    assert not any(token.encode() in listed.body for tokens in secrets.values() for token in tokens)


async def test_a_peer_that_does_not_encode_is_understood_and_answered_in_kind(hub: HubProcess, trio: Trio) -> None:
    async with joined(hub, "EMSP", oddities=Oddities(raw_token=True)) as (raw,):
        asked = await raw.get("locations", to="NL-HUB")
        reached = await trio.cpo.get("tokens", to=raw.party)
        shown = await asyncio.to_thread(hub.emall, "party", "show", raw.party)

        assert (asked.code, reached.code) == (1000, 1000)
        assert {each.headers["authorization"] for each in heard(raw)} == {f"Token {token}" for token in raw.tokens}
        assert '"raw_token": true' in json.dumps(shown)


async def test_each_platform_is_known_by_its_token_alone(trio: Trio) -> None:
    """The token identifies the platform: the same request with another's token is another's."""
    name = unique("LOC")
    body = example("Location.minimal", trio.cpo, id=name)

    with_other = await trio.cpo.put("locations", at(trio.cpo, name), body, to="NL-HUB", token=trio.other.hub_token)
    with_own = await trio.cpo.put("locations", at(trio.cpo, name), body, to="NL-HUB")

    assert (with_other.status, with_other.code) == (200, 2001)
    assert (with_own.status, with_own.code) == (201, 1000)
