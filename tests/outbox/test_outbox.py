"""The outbox on both stores: what is committed goes to everyone, in order, and nobody waits for another."""

import asyncio
from typing import Any

import pytest

from hub.database import Database, Transaction
from hub.ocpi.errors import UnknownLocation
from hub.ocpi.outbox import (
    OFFLINE,
    Destination,
    Outbox,
    list_deliveries,
)
from tests.outbox.scene import ALF, BET, GAM, Make, Parties, destination, patch, spread, states, until


async def test_a_push_is_stored_once_and_reaches_every_destination(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    await spread(database, outbox, patch(status="CHARGING"), [destination(ALF), destination(BET)])
    await outbox.drain()

    assert parties.got == {ALF: [("E1", {"status": "CHARGING"})], BET: [("E1", {"status": "CHARGING"})]}
    assert await states(database) == [("NL-ALF", "done", 1, ""), ("NL-BET", "done", 1, "")]
    assert await database.fetch("SELECT count(*) FROM ocpi_push") == [(1,)]


async def test_a_push_that_was_undone_is_never_sent(database: Database, outbox: Outbox, parties: Parties) -> None:
    async def work(tx: Transaction) -> None:
        await outbox.enqueue(tx, patch(n=1), [destination(ALF)])
        raise UnknownLocation

    with pytest.raises(UnknownLocation):
        await database.transact(work)
    await spread(database, outbox, patch(n=2), [destination(ALF)])
    await outbox.drain()

    assert parties.got == {ALF: [("E1", {"n": 2})]}


async def test_a_push_for_nobody_leaves_nothing(database: Database, outbox: Outbox) -> None:
    assert await spread(database, outbox, patch(), []) is None

    assert await database.fetch("SELECT count(*) FROM ocpi_push") == [(0,)]


async def test_a_destination_gets_what_concerns_different_objects_in_order(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    for uid in ("E1", "E2", "E3"):
        await spread(database, outbox, patch(uid, n=1), [destination(ALF)])
    await outbox.drain()

    assert [uid for uid, _ in parties.got[ALF]] == ["E1", "E2", "E3"]


async def test_a_slow_destination_holds_up_only_itself(database: Database, outbox: Outbox, parties: Parties) -> None:
    slow = parties.hold(ALF)
    for uid in ("E1", "E2"):
        await spread(database, outbox, patch(uid, n=1), [destination(ALF), destination(BET)])
    await until(lambda: len(parties.got[BET]) == 2)

    assert len(parties.got[ALF]) == 1
    slow.set()
    await outbox.drain()
    assert len(parties.got[ALF]) == 2


async def test_two_parties_of_one_connection_are_two_destinations(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    parties.hold(ALF)
    await spread(database, outbox, patch(n=1), [Destination("shared", ALF), Destination("shared", BET)])
    await until(lambda: len(parties.got) == 2)

    assert parties.flying[ALF] == 1
    parties.hold(ALF).set()


async def test_what_waits_is_conflated_and_its_row_tells_into_what(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    slow = parties.hold(ALF)
    for number in range(4):
        fields: dict[str, Any] = {f"f{number}": number}
        await spread(database, outbox, patch("E1", **fields), [destination(ALF)])
    newest = (await list_deliveries(database))[0].id
    slow.set()
    await outbox.drain()

    assert parties.got[ALF] == [("E1", {"f0": 0}), ("E1", {"f1": 1, "f2": 2, "f3": 3})]
    assert await states(database) == [
        ("NL-ALF", "done", 1, ""),
        ("NL-ALF", "done", 0, f"conflated into {newest}"),
        ("NL-ALF", "done", 0, f"conflated into {newest}"),
        ("NL-ALF", "done", 1, ""),
    ]


async def test_nothing_is_sent_to_a_party_known_to_be_offline_but_it_is_recorded(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    away = destination(BET, deliverable=False, reason=OFFLINE)
    await spread(database, outbox, patch(), [destination(ALF), away])
    await spread(database, outbox, patch(), [away])
    await outbox.drain()

    assert BET not in parties.got
    assert [each for each in await states(database) if each[0] == "NL-BET"] == [("NL-BET", "failed", 0, OFFLINE)] * 2


async def test_no_more_than_so_many_are_in_flight_together(database: Database, make: Make, parties: Parties) -> None:
    outbox = make(at_once=2)
    await outbox.start()
    for party in (ALF, BET, GAM):
        parties.hold(party)

    await spread(database, outbox, patch(), [destination(party) for party in (ALF, BET, GAM)])
    await until(lambda: sum(parties.flying.values()) == 2)
    assert (outbox.couriers.in_flight, outbox.couriers.waiting) == (2, 1)
    for party in (ALF, BET, GAM):
        parties.hold(party).set()
    await outbox.drain()

    assert parties.most == 2
    assert len(parties.got) == 3


async def test_a_full_queue_fails_its_oldest(database: Database, make: Make, parties: Parties) -> None:
    outbox = make(queue_limit=2)
    await outbox.start()
    parties.hold(ALF)

    for number in range(4):
        await spread(database, outbox, patch(f"E{number}"), [destination(ALF)])
        while not outbox.couriers.in_flight:  # the first is on its way, the others wait
            await asyncio.sleep(0.01)
    parties.hold(ALF).set()
    await outbox.drain()

    assert [uid for uid, _ in parties.got[ALF]] == ["E0", "E2", "E3"]
    assert ("NL-ALF", "failed", 0, "queue full; the party pulls") in await states(database)
