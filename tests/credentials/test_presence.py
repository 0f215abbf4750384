"""Who is CONNECTED and who is OFFLINE, found out by calls, answers, refusals and questions.

Source: OCPI 2.2.1 and 2.3.0, mod_hub_client_info.asciidoc (Still alive check); checklist HC.
"""

import itertools
from collections.abc import AsyncIterator

import pytest

from hub.credentials import admin
from hub.database import Database
from hub.ocpi.errors import HubError, ReceiverTimeout, ReceiverUnreachable
from tests.parties import Answer, PartyPlatform
from tests.receptions import RunningHouse, running


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[RunningHouse]:
    """A hub whose presence looks only when the test says so."""
    async with running(database, still_alive_after=300.0, probe_first=5.0, probe_every=300.0) as house:
        await house.presence.stop()
        yield house


async def registered(hub: RunningHouse, platform: PartyPlatform) -> str:
    """Register a platform, have it use its token, and return its connection's id."""
    await platform.register(hub.versions_url, await hub.invite(platform.name))
    await platform.get("hubclientinfo")
    platform.log.clear()
    hub.changes.clear()
    return hub.connection(platform.party).id


async def look(hub: RunningHouse) -> None:
    await hub.presence.look()
    await hub.presence.settled()


def asked(platform: PartyPlatform) -> int:
    """Return how often a platform was asked for its versions."""
    return sum(each.module == "versions" for each in platform.log)


async def test_a_platform_is_new_once_it_uses_its_token(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    assert hub.changes == [], "it may not have the answer yet"

    await alpha.get("hubclientinfo")
    await look(hub)

    assert hub.changes == [("Alpha", "PLANNED", "CONNECTED")]


async def test_a_platform_that_does_not_call_is_new_after_two_seconds(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await alpha.register(hub.versions_url, await hub.invite("Alpha"))
    hub.clock.move(1.9)
    await look(hub)
    assert hub.changes == []

    hub.clock.move(0.2)
    await look(hub)

    assert hub.changes == [("Alpha", "PLANNED", "CONNECTED")]


async def test_after_a_silence_a_platform_is_asked_for_its_versions(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """HC-17."""
    await registered(hub, alpha)

    hub.clock.move(299)
    await look(hub)
    assert asked(alpha) == 0
    hub.clock.move(1)
    await look(hub)
    await look(hub)

    assert asked(alpha) == 1
    assert alpha.log[0].sender is None and alpha.log[0].receiver is None
    assert hub.changes == []


async def test_a_call_or_an_answer_ends_the_silence(hub: RunningHouse, alpha: PartyPlatform) -> None:
    connection_id = await registered(hub, alpha)

    hub.clock.move(200)
    await alpha.get("hubclientinfo")
    hub.clock.move(200)
    hub.presence.answered(connection_id)
    hub.clock.move(200)
    await look(hub)

    assert asked(alpha) == 0


async def test_a_refused_connection_makes_a_platform_offline_at_once(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """HC-13."""
    connection_id = await registered(hub, alpha)

    hub.presence.failed(connection_id, ReceiverUnreachable())

    assert hub.connection("NL-ALF").status == "OFFLINE"
    assert hub.changes == [("Alpha", "CONNECTED", "OFFLINE")]
    await hub.settled()
    assert hub.connection("NL-ALF").status == "OFFLINE", "so it is in the store"
    assert hub.changes == [("Alpha", "CONNECTED", "OFFLINE")], "and is told once"


async def test_timeouts_make_a_platform_offline_after_three_in_a_row(hub: RunningHouse, alpha: PartyPlatform) -> None:
    connection_id = await registered(hub, alpha)

    for _ in range(2):
        hub.presence.failed(connection_id, ReceiverTimeout())
    hub.presence.answered(connection_id)
    for _ in range(2):
        hub.presence.failed(connection_id, ReceiverTimeout())
    assert hub.connection("NL-ALF").status == "CONNECTED"
    hub.presence.failed(connection_id, ReceiverTimeout())

    assert hub.connection("NL-ALF").status == "OFFLINE"


async def test_a_broken_answer_says_nothing_of_the_connection(hub: RunningHouse, alpha: PartyPlatform) -> None:
    connection_id = await registered(hub, alpha)

    for _ in range(5):
        hub.presence.failed(connection_id, HubError())

    assert hub.connection("NL-ALF").status == "CONNECTED"


async def test_a_silent_platform_that_is_gone_is_found_offline(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """HC-13."""
    await registered(hub, alpha)
    await alpha.close()

    hub.clock.move(300)
    await look(hub)

    assert hub.changes == [("Alpha", "CONNECTED", "OFFLINE")]


async def test_a_silent_platform_that_answers_errors_is_offline_after_three(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    await registered(hub, alpha)
    alpha.answer(Answer(http_status=503, body=b"maintenance"), module="versions")

    hub.clock.move(300)
    for _ in range(3):
        assert hub.changes == []
        await look(hub)

    assert hub.changes == [("Alpha", "CONNECTED", "OFFLINE")]


async def test_any_call_brings_a_platform_back(hub: RunningHouse, alpha: PartyPlatform) -> None:
    connection_id = await registered(hub, alpha)
    hub.presence.failed(connection_id, ReceiverUnreachable())

    await alpha.get("hubclientinfo")

    assert hub.connection("NL-ALF").status == "CONNECTED"
    assert hub.changes == [("Alpha", "CONNECTED", "OFFLINE"), ("Alpha", "OFFLINE", "CONNECTED")]


async def test_one_successful_question_brings_a_platform_back(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """HC-13."""
    connection_id = await registered(hub, alpha)
    hub.presence.failed(connection_id, ReceiverUnreachable())

    hub.clock.move(5)
    await look(hub)

    assert asked(alpha) == 1
    assert hub.changes == [("Alpha", "CONNECTED", "OFFLINE"), ("Alpha", "OFFLINE", "CONNECTED")]


async def test_questions_to_an_offline_platform_come_soon_and_then_less_often(
    hub: RunningHouse, alpha: PartyPlatform
) -> None:
    connection_id = await registered(hub, alpha)
    hub.presence.failed(connection_id, ReceiverUnreachable())
    alpha.answer(Answer(http_status=503, body=b"maintenance"), module="versions")
    moments = []

    for second in range(3000):
        before = asked(alpha)
        await hub.presence.look()
        await hub.presence.settled()
        if asked(alpha) > before:
            moments.append(second)
        hub.clock.move(1)

    pauses = [later - sooner for sooner, later in itertools.pairwise(moments)]
    assert moments[0] <= 5
    assert pauses == sorted(pauses)
    assert 100 < pauses[-1] <= 300


async def test_an_offline_platform_is_asked_again_after_a_restart(
    hub: RunningHouse, alpha: PartyPlatform, database: Database
) -> None:
    connection_id = await registered(hub, alpha)
    hub.presence.failed(connection_id, ReceiverUnreachable())
    await hub.settled()

    async with running(database, clock=hub.clock) as again:
        await again.presence.stop()
        again.clock.move(5)
        await look(again)

        assert asked(alpha) == 1
        assert again.connection("NL-ALF").status == "CONNECTED"


async def test_a_suspended_connection_stays_so_whatever_is_heard(hub: RunningHouse, alpha: PartyPlatform) -> None:
    connection_id = await registered(hub, alpha)
    await admin.suspend(hub.store, "Alpha")
    await hub.connections.reload()

    hub.presence.answered(connection_id)
    hub.presence.failed(connection_id, ReceiverUnreachable())
    hub.clock.move(400)
    await look(hub)

    assert (await alpha.get("hubclientinfo")).status == 401
    assert hub.connection("NL-ALF").status == "SUSPENDED"
    assert hub.changes == [("Alpha", "CONNECTED", "SUSPENDED")]
    assert asked(alpha) == 0


async def test_who_leaves_goes_suspended(hub: RunningHouse, alpha: PartyPlatform) -> None:
    """CR-23."""
    await registered(hub, alpha)

    await alpha.credentials_call("DELETE")
    hub.clock.move(400)
    await look(hub)

    assert hub.changes == [("Alpha", "CONNECTED", "SUSPENDED")]
    assert asked(alpha) == 0


async def test_when_a_platform_was_last_heard_is_shown_to_the_operator(hub: RunningHouse, alpha: PartyPlatform) -> None:
    await registered(hub, alpha)

    hub.clock.move(100)
    await alpha.get("hubclientinfo")
    hub.clock.move(20)
    await look(hub)

    assert (await admin.connection(hub.store, "NL-ALF"))["last_seen"] == "2026-01-01T00:01:40.000Z"
