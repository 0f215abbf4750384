"""What the hub says of itself: versions and details, over HTTP.

Source: OCPI 2.2.1 and 2.3.0, version_information_endpoint.asciidoc; checklist VE.
"""

import base64

import pytest

from hub.ocpi import codec
from hub.ocpi.modules.versions import Version, VersionDetails
from hub.ocpi.versions import VERSIONS
from tests.parties import PartyPlatform
from tests.receptions import RunningHouse

NINE = {
    "cdrs",
    "chargingprofiles",
    "commands",
    "credentials",
    "hubclientinfo",
    "locations",
    "sessions",
    "tariffs",
    "tokens",
}


async def test_the_versions_are_listed_once_each_with_stable_urls(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """VE-01, VE-02, VE-03, VE-10, VE-12, VE-16, VE-19, VE-20."""
    await alpha.register(hub.versions_url, await hub.invite())

    first, again = [await alpha.send("GET", hub.versions_url) for _ in range(2)]

    VERSIONS["2.3.0"].judge(codec.encode(first.data), list[Version])
    assert [each["version"] for each in first.data] == ["2.2.1", "2.3.0"]
    assert first.data == again.data
    assert first.sender is None and first.receiver is None


@pytest.mark.parametrize("number", ["2.2.1", "2.3.0"])
async def test_the_details_offer_every_functional_module_in_both_roles(
    hub: RunningHouse, alpha: PartyPlatform, number: str
) -> None:
    """VE-04, VE-05, VE-06, VE-07, VE-08, VE-13, VE-14, VE-17."""
    await alpha.register(hub.versions_url, await hub.invite())

    details = (await alpha.send("GET", alpha.hub_versions[number])).data

    VERSIONS[number].judge(codec.encode(details), VersionDetails)
    pairs = [(each["identifier"], each["role"]) for each in details["endpoints"]]
    assert len(pairs) == len(set(pairs))
    assert details["version"] == number
    roles = {module: {role for other, role in pairs if other == module} for module, _ in pairs}
    assert set(roles) == NINE | ({"bookings", "invoicereconciliation"} if number == "2.3.0" else set())
    assert roles.pop("credentials") == {"SENDER"}
    assert roles.pop("hubclientinfo") == {"SENDER"}
    assert all(each == {"SENDER", "RECEIVER"} for each in roles.values())
    assert all(f"/{number}/" in each["url"] for each in details["endpoints"])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_versions_and_details_know_get_alone(hub: RunningHouse, alpha: PartyPlatform, method: str) -> None:
    """VE-15."""
    await alpha.register(hub.versions_url, await hub.invite())

    for url in (hub.versions_url, alpha.hub_versions["2.2.1"]):
        assert (await alpha.send(method, url, body={})).status == 405


async def test_a_custom_module_is_named_to_those_alone_who_announced_it(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    """VE-07."""
    alpha.offered.append(("nltnm-tokens", "RECEIVER"))
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    await beta.register(hub.versions_url, await hub.invite("Beta"))

    await alpha.look_at_hub("2.2.1")
    await beta.look_at_hub("2.3.0")

    assert {pair for pair in alpha.hub_endpoints if pair[0] == "nltnm-tokens"} == {
        ("nltnm-tokens", "SENDER"),
        ("nltnm-tokens", "RECEIVER"),
    }
    assert not [pair for pair in beta.hub_endpoints if pair[0] == "nltnm-tokens"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Token",
        "Bearer {encoded}",
        "Basic {encoded}",
        "token {encoded}",
        "Token {swapped}",
        "Token {encoded}x",
        "Token  {encoded}",
        "Token ====",
        "Token ümlaut",
        "{encoded}",
    ],
)
async def test_a_header_without_a_known_token_is_401(
    hub: RunningHouse, alpha: PartyPlatform, authorization: str | None
) -> None:
    """TR-04, TR-05, TR-06."""
    await alpha.register(hub.versions_url, await hub.invite())
    token = alpha.hub_token
    words = {
        "encoded": base64.b64encode(token.encode()).decode(),
        "swapped": base64.b64encode(token.swapcase().encode()).decode(),
    }
    header = authorization.format(**words).encode() if authorization is not None else None

    for method, url in (("GET", hub.versions_url), ("PUT", alpha.hub_endpoints["locations", "RECEIVER"] + "/NL/ALF/1")):
        reply = await alpha.send(method, url, headers={"Authorization": header})  # type: ignore[dict-item]
        assert reply.status == 401
        assert reply.code == 2001


async def test_a_token_is_taken_encoded_and_bare(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """TR-03; reading 1 of the checklist."""
    await alpha.register(hub.versions_url, await hub.invite())

    assert (await alpha.send("GET", hub.versions_url)).status == 200
    bare = {"Authorization": f"Token {alpha.hub_token}"}
    assert (await alpha.send("GET", hub.versions_url, headers=bare)).status == 200
