"""The hub and its parties register elsewhere, renew tokens and leave, as Sender of the handshake.

Source: OCPI 2.2.1 and 2.3.0, credentials.asciidoc; checklist CR.
"""

from collections.abc import AsyncIterator

import pytest

from hub.credentials.connections import PartyRole
from hub.credentials.registering import RotationUnanswered
from hub.database import Database
from hub.ocpi.errors import (
    InvalidParameters,
    NoMatchingEndpoints,
    OcpiError,
    ReceiverUnreachable,
    UnableToUseClientApi,
    UnsupportedVersion,
)
from hub.ocpi.messages import Party
from tests.parties import Answer, Oddities, PartyPlatform, Received
from tests.receptions import RunningHouse, running

CPO = Party("NL", "CPO")


@pytest.fixture
async def cpms(database: Database) -> AsyncIterator[RunningHouse]:
    """A party's own house, in the same store as the hub's."""
    own = PartyRole("CPO", CPO, {"name": "Our CPMS"})
    async with running(database, house="cpms", roles=[own], base="/cpms/ocpi") as house:
        yield house


async def test_we_register_at_a_platform_that_calls_us_back_meanwhile(hub: RunningHouse, beta: PartyPlatform) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())

    assert (connection.name, connection.version) == ("Beta", "2.3.0"), "the newest mutual version"
    assert {connection.token} == beta.tokens
    assert beta.hub_url == hub.versions_url
    assert ("locations", "RECEIVER") in beta.hub_endpoints, "it could look at us with the token of our POST"
    assert (await beta.get("hubclientinfo")).code == 1000
    assert [(each.method, each.module) for each in beta.log[:3]] == [
        ("GET", "versions"),
        ("GET", "details"),
        ("POST", "credentials"),
    ]


async def test_a_house_registers_at_our_own_hub_like_a_stranger(hub: RunningHouse, cpms: RunningHouse) -> None:
    connection = await cpms.registering.register(hub.versions_url, await hub.invite("CPMS"))

    assert connection.version == "2.3.0"
    assert [(each.role, str(each.party)) for each in connection.roles] == [("HUB", "NL-HUB")]
    assert connection.hub_party == Party("NL", "HUB")
    assert connection.speaks_for(Party("DE", "BET")), "the hub speaks for everyone behind it"
    assert not hub.connection("NL-CPO").speaks_for(Party("DE", "BET"))
    assert hub.connection("NL-CPO").house == "hub"
    assert hub.connections.find(connection.id) is None, "each house has its own connections"


async def test_a_platform_without_a_mutual_version_is_refused(hub: RunningHouse) -> None:
    async with PartyPlatform("Old", versions=("2.1.1", "2.2")) as old:
        with pytest.raises(UnsupportedVersion):
            await hub.registering.register(old.versions_url, old.invite())
        assert [each.module for each in old.log] == ["versions"]

        old.answer(Answer(old.credentials("token-c")), module="credentials", method="POST")
        connection = await hub.registering.register(old.versions_url, old.invite(), options={"allow_2_2": True})
        assert (connection.version, connection.spoken) == ("2.2.1", "2.2")


async def test_nothing_is_posted_to_a_platform_that_lacks_what_we_need(database: Database) -> None:
    """CR-53."""
    own = PartyRole("CPO", CPO, {"name": "Our CPMS"})
    async with (
        running(database, house="cpms", roles=[own], expects=[("tokens", "SENDER")]) as cpms,
        PartyPlatform("Poor", [("HUB", "NL", "HUB")], offered=[("locations", "RECEIVER")]) as poor,
    ):
        with pytest.raises(NoMatchingEndpoints, match="tokens as SENDER"):
            await cpms.registering.register(poor.versions_url, poor.invite())

    assert [each.method for each in poor.log] == ["GET", "GET"]


async def test_a_raw_platform_is_found_out_when_we_register(hub: RunningHouse) -> None:
    async with PartyPlatform("Raw", oddities=Oddities(raw_token=True)) as raw:
        connection = await hub.registering.register(raw.versions_url, raw.invite())
        assert (await raw.get("hubclientinfo")).code == 1000, "both forms are taken from it"

    assert connection.quirks.raw_token


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status_code=3001, status_message="no"), UnableToUseClientApi),
        (Answer(http_status=405, status_code=2001), InvalidParameters),
        (Answer(data={"token": "x"}), UnableToUseClientApi),
        (Answer(http_status=500, body=b"oops"), OcpiError),
    ],
)
async def test_a_refused_registration_leaves_nothing_half_done(
    hub: RunningHouse, beta: PartyPlatform, answer: Answer, kind: type[OcpiError]
) -> None:
    offered: list[str] = []

    def refuse(request: Received) -> Answer:
        offered.append(request.json["token"])
        return answer

    beta.answer(refuse, module="credentials")

    with pytest.raises(kind):
        await hub.registering.register(beta.versions_url, beta.invite())

    assert hub.connections.all() == []
    await hub.connections.reload()
    assert (await beta.send("GET", hub.versions_url, token=offered[0])).status == 401


async def test_a_platform_that_names_parties_of_another_is_unregistered_again(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    async with PartyPlatform("Thief", [("CPO", "NL", "ALF")]) as thief:
        with pytest.raises(InvalidParameters, match="another platform"):
            await hub.registering.register(thief.versions_url, thief.invite())

        assert thief.log[-1].method == "DELETE"
        assert not thief.tokens


async def test_a_rotation_gives_both_sides_new_tokens(hub: RunningHouse, beta: PartyPlatform) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    ours, theirs = connection.token, beta.hub_token

    rotated = await hub.registering.rotate(connection)

    assert rotated.token != ours
    assert {rotated.token} == beta.tokens
    assert beta.hub_token != theirs
    assert (await beta.get("hubclientinfo")).code == 1000
    assert (await beta.get("hubclientinfo", token=theirs)).status == 401


async def test_a_refused_rotation_changes_nothing(hub: RunningHouse, beta: PartyPlatform) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    theirs = beta.hub_token
    beta.answer(Answer(status_code=3001), module="credentials", method="PUT")

    with pytest.raises(UnableToUseClientApi):
        await hub.registering.rotate(connection)

    assert (await beta.get("hubclientinfo", token=theirs)).code == 1000
    (refused,) = [each.json["token"] for each in beta.log if each.method == "PUT"]
    assert (await beta.get("hubclientinfo", token=refused)).status == 401


async def test_a_rotation_that_cannot_be_sent_changes_nothing(hub: RunningHouse, beta: PartyPlatform) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    await beta.close()

    with pytest.raises(ReceiverUnreachable):
        await hub.registering.rotate(connection)

    await beta.open()
    assert (await beta.get("hubclientinfo")).code == 1000


@pytest.mark.parametrize("adopted", [True, False])
async def test_a_rotation_whose_answer_is_lost_locks_nobody_out(
    hub: RunningHouse, beta: PartyPlatform, adopted: bool
) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    former = beta.hub_token
    beta.answer(Answer(http_status=502, body=b"<html>a proxy's</html>"), module="credentials", method="PUT")

    with pytest.raises(RotationUnanswered):
        await hub.registering.rotate(connection)

    (sent,) = [each.json["token"] for each in beta.log if each.method == "PUT"]
    used, other = (sent, former) if adopted else (former, sent)
    assert (await beta.get("hubclientinfo", token=used)).code == 1000
    await hub.settled()
    hub.clock.move(7200)
    assert (await beta.get("hubclientinfo", token=used)).code == 1000
    if adopted:
        assert (await beta.get("hubclientinfo", token=other)).status == 401


async def test_use_of_the_new_token_while_our_put_is_under_way_ends_nothing(
    hub: RunningHouse, beta: PartyPlatform
) -> None:
    """The peer looks at our versions with the new token before it answers, and may still refuse."""
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    former = beta.hub_token

    seen: list[int] = []
    listening = hub.reception.authenticate

    def refuse(request: Received) -> Answer:
        new = request.json["token"]
        for token in (new, former):
            seen.append(200 if listening(f"Token {token}").id == connection.id else 401)
        return Answer(status_code=3001)

    beta.answer(refuse, module="credentials", method="PUT")
    with pytest.raises(UnableToUseClientApi):
        await hub.registering.rotate(connection)

    assert seen == [200, 200]
    await hub.settled()
    assert (await beta.get("hubclientinfo", token=former)).code == 1000


async def test_remove_tells_the_peer_first(hub: RunningHouse, beta: PartyPlatform) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())

    trouble = await hub.registering.remove(connection)

    assert trouble is None
    assert beta.log[-1].method == "DELETE"
    assert hub.connections.all() == []


async def test_remove_works_though_the_peer_cannot_be_told(hub: RunningHouse, beta: PartyPlatform) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    await beta.close()

    trouble = await hub.registering.remove(connection)

    assert trouble is not None
    assert hub.connections.all() == []
    assert (await beta.get("hubclientinfo")).status == 401


@pytest.mark.parametrize("wrong", [{"token": "two words"}, {"url": "nowhere"}, {"roles": []}])
async def test_a_rotation_answered_with_nonsense_locks_nobody_out(
    hub: RunningHouse, beta: PartyPlatform, wrong: dict[str, object]
) -> None:
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    former = beta.hub_token
    beta.answer(Answer({**beta.credentials("new"), **wrong}), module="credentials", method="PUT")

    with pytest.raises(RotationUnanswered):
        await hub.registering.rotate(connection)

    (sent,) = [each.json["token"] for each in beta.log if each.method == "PUT"]
    assert (await beta.get("hubclientinfo", token=former)).code == 1000
    assert (await beta.get("hubclientinfo", token=sent)).code == 1000


async def test_parties_of_another_are_not_taken_at_a_rotation(
    hub: RunningHouse, alpha: PartyPlatform, beta: PartyPlatform
) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    connection = await hub.registering.register(beta.versions_url, beta.invite())
    beta.roles = [("CPO", "NL", "ALF")]

    rotated = await hub.registering.rotate(connection)

    assert [str(each) for each in rotated.parties] == ["DE-BET"]
    assert {rotated.token} == beta.tokens, "the tokens are changed all the same"


async def test_a_platform_that_cannot_be_unregistered_again_is_not_taken_either(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    async with PartyPlatform("Thief", [("CPO", "NL", "ALF")]) as thief:
        thief.answer(Answer(http_status=500, body=b"no"), module="credentials", method="DELETE")
        with pytest.raises(InvalidParameters, match="another platform"):
            await hub.registering.register(thief.versions_url, thief.invite())

    assert [each.name for each in hub.connections.all()] == ["Alpha"]
