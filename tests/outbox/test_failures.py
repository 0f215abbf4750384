"""What comes of what goes wrong: a refusal, a failure that may pass, a party that is away."""

import asyncio

import pytest

from hub.database import Database, Transaction
from hub.ocpi.errors import ReceiverTimeout, ReceiverUnreachable
from hub.ocpi.messages import Response
from hub.ocpi.outbox import (
    OFFLINE,
    Destination,
    Outbox,
    retry_delay,
)
from tests.outbox.scene import (
    ALF,
    BET,
    Clock,
    Make,
    Parties,
    destination,
    patch,
    spread,
    states,
    until,
)


async def test_a_refusal_is_final_and_the_next_one_goes(database: Database, outbox: Outbox, parties: Parties) -> None:
    parties.answers[ALF] = [Response(status_code=2001, status_message="no such field")]

    await spread(database, outbox, patch("E1"), [destination(ALF)])
    await spread(database, outbox, patch("E2"), [destination(ALF)])
    await outbox.drain()

    assert await states(database) == [
        ("NL-ALF", "failed", 1, "2001 no such field"),
        ("NL-ALF", "done", 1, ""),
    ]


@pytest.mark.parametrize(
    "trouble",
    [
        Response(status_code=3000, status_message="no luck"),
        Response(status_code=4003, status_message="someone behind me"),
        ReceiverTimeout(),
        RuntimeError("a fault of ours"),
    ],
    ids=["3000", "answered 4003", "timeout", "internal error"],
)
async def test_a_transient_failure_is_tried_again_later_and_in_order(
    database: Database, outbox: Outbox, parties: Parties, clock: Clock, trouble: Response | Exception
) -> None:
    parties.answers[ALF] = [trouble]

    await spread(database, outbox, patch("E1"), [destination(ALF)])
    await spread(database, outbox, patch("E2"), [destination(ALF)])
    await outbox.drain()
    before = await states(database)
    clock.now += 1.01
    outbox.couriers.tick()
    await outbox.drain()

    assert [(state, attempts) for _, state, attempts, _ in before] == [("pending", 1), ("pending", 0)]
    assert [uid for uid, _ in parties.got[ALF]] == ["E1", "E1", "E2"]
    assert await states(database) == [("NL-ALF", "done", 2, ""), ("NL-ALF", "done", 1, "")]


async def test_a_queue_that_rests_is_not_woken_by_a_new_push_and_goes_on_by_itself(
    database: Database, make: Make, parties: Parties
) -> None:
    outbox = make(clock=asyncio.get_running_loop().time, chance=lambda: -1.99)  # rests of 4 ms
    await outbox.start()
    parties.answers[ALF] = [ReceiverTimeout()]

    await spread(database, outbox, patch("E1"), [destination(ALF)])
    await until(lambda: outbox.couriers.in_flight == 0 and bool(parties.got[ALF]))
    await spread(database, outbox, patch("E2"), [destination(ALF)])
    await until(lambda: len(parties.got[ALF]) == 3)

    assert [uid for uid, _ in parties.got[ALF]] == ["E1", "E1", "E2"]


@pytest.mark.parametrize(
    ("attempts", "jitter", "seconds"),
    [(1, 0.5, 1.0), (1, 0.0, 0.8), (1, 1.0, 1.2), (2, 0.5, 4.0), (3, 0.5, 15.0), (4, 0.5, 60.0), (5, 0.5, 240.0)],
)
def test_each_attempt_waits_longer_and_by_chance_a_fifth_more_or_less(
    attempts: int, jitter: float, seconds: float
) -> None:
    assert retry_delay(attempts, jitter) == pytest.approx(seconds)


def test_after_the_sixth_attempt_there_is_none() -> None:
    assert retry_delay(6, 0.5) is None


async def test_what_fails_again_and_again_is_failed_in_the_end(
    database: Database, outbox: Outbox, parties: Parties, clock: Clock
) -> None:
    parties.answers[ALF] = [ReceiverTimeout("No answer within 30 s")] * 6

    await spread(database, outbox, patch(), [destination(ALF)])
    for _ in range(6):
        await outbox.drain()
        clock.now += 300
        outbox.couriers.tick()

    assert len(parties.got[ALF]) == 6
    assert await states(database) == [("NL-ALF", "failed", 6, "4002 No answer within 30 s")]


async def test_a_refused_connection_fails_all_that_waits_and_nothing_is_replayed(
    database: Database, outbox: Outbox, parties: Parties, clock: Clock
) -> None:
    parties.answers[ALF] = [ReceiverUnreachable()]
    connection = [Destination("one connection", ALF), Destination("one connection", BET)]
    parties.hold(BET)

    async def both(tx: Transaction) -> None:
        for uid in ("E1", "E2"):
            await outbox.enqueue(tx, patch(uid), connection)

    await database.transact(both)
    await until(lambda: outbox.couriers.in_flight == 1)
    parties.hold(BET).set()
    await outbox.drain()
    clock.now += 1000
    outbox.couriers.tick()
    await spread(database, outbox, patch("E3"), connection[:1])
    await outbox.drain()

    assert [uid for uid, _ in parties.got[ALF]] == ["E1", "E3"]
    assert await states(database) == [
        ("NL-ALF", "failed", 1, OFFLINE),
        ("NL-BET", "done", 1, ""),
        ("NL-ALF", "failed", 0, OFFLINE),
        ("NL-BET", "failed", 0, OFFLINE),
        ("NL-ALF", "done", 1, ""),
    ]


async def test_what_is_in_flight_when_its_party_goes_offline_is_not_tried_again(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    parties.hold(ALF)
    parties.answers[ALF] = [ReceiverTimeout("too late")]
    await spread(database, outbox, patch(), [destination(ALF)])
    await until(lambda: parties.flying[ALF] == 1)

    outbox.offline(destination(ALF).connection_id)
    parties.hold(ALF).set()
    await outbox.drain()

    assert await states(database) == [("NL-ALF", "failed", 1, "4002 too late")]


async def test_a_queue_that_rests_forgets_its_rest_when_its_party_goes_offline(
    database: Database, outbox: Outbox, parties: Parties, clock: Clock
) -> None:
    parties.answers[ALF] = [ReceiverTimeout()]
    await spread(database, outbox, patch("E1"), [destination(ALF)])
    await outbox.drain()

    outbox.offline(destination(ALF).connection_id)
    await spread(database, outbox, patch("E2"), [destination(ALF)])
    await outbox.drain()
    clock.now += 1000
    outbox.couriers.tick()
    await outbox.drain()

    assert [uid for uid, _ in parties.got[ALF]] == ["E1", "E2"]


async def test_what_stands_in_line_when_its_party_goes_offline_is_not_sent(
    database: Database, make: Make, parties: Parties
) -> None:
    outbox = make(at_once=1)
    await outbox.start()
    parties.hold(ALF)
    await spread(database, outbox, patch(), [destination(ALF), destination(BET)])
    await until(lambda: parties.flying[ALF] == 1)

    outbox.offline(destination(BET).connection_id)
    parties.hold(ALF).set()
    await outbox.drain()

    assert BET not in parties.got
    assert await states(database) == [("NL-ALF", "done", 1, ""), ("NL-BET", "failed", 0, OFFLINE)]
