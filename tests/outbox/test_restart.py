"""What was pending is sent by whoever starts next, once; what is in flight when it stops is waited for."""

import asyncio

from hub.database import Database
from hub.ocpi.errors import ReceiverTimeout
from hub.ocpi.modules import locations
from hub.ocpi.outbox import (
    Destination,
    Outbox,
)
from tests.outbox.scene import (
    ALF,
    CPO,
    HUB,
    Make,
    Parties,
    destination,
    patch,
    spread,
    states,
    tell,
    until,
)


async def test_what_was_pending_is_sent_after_a_crash_and_what_was_merged_is_not_lost(
    database: Database, make: Make, parties: Parties
) -> None:
    crashed = make()
    await crashed.start()
    parties.hold(ALF)
    for number in range(3):
        await spread(database, crashed, patch(correlation_id=f"c{number}", **{f"f{number}": 1.5}), [destination(ALF)])
    await crashed.stop(timeout=0)  # what is in flight gets no verdict
    before = list(parties.got[ALF])
    parties.hold(ALF).set()

    # The next one reads all three and conflates them anew; nothing of the crashed one's memory is needed.
    other = make(at_once=0)
    await other.start()
    await other.drain()
    waiting = other.couriers.waiting
    await other.stop()
    fresh = make()
    await fresh.start()
    await fresh.drain()

    assert before == [("E1", {"f0": 1.5})]
    assert waiting == 1
    received = {name for _, fields in parties.got[ALF][1:] for name in fields}
    assert received == {"f0", "f1", "f2"}
    assert {state for _, state, _, _ in await states(database)} == {"done"}


async def test_a_stored_push_comes_back_as_it_was(database: Database, make: Make, parties: Parties) -> None:
    stored, sleeping = patch(n=1.10), make(at_once=0)
    await sleeping.start()
    await spread(database, sleeping, stored, [destination(ALF)])
    await sleeping.stop()

    awake = make()
    await awake.start()
    await awake.drain()

    (delivery,) = parties.deliveries
    push = delivery.push
    assert push.body is not None
    assert stored.body is not None
    assert push.body.text(None) == stored.body.text(None)
    assert (push.operation, push.params, push.sender, push.owner) == (stored.operation, stored.params, HUB, CPO)
    assert (push.correlation_id, push.key, push.query, push.path) == ("c", stored.key, "", stored.path)
    assert (push.body.partial, push.body.owner, push.body.declared) == (True, CPO, locations.EVSE)


async def test_what_this_release_cannot_say_is_failed(database: Database, make: Make) -> None:
    sleeping = make(at_once=0)
    await sleeping.start()
    await spread(database, sleeping, patch(), [destination(ALF)])
    await sleeping.stop()
    await database.transact(lambda tx: tx.execute("UPDATE ocpi_push SET operation = $1", "PUT gone.receiver/{id}"))

    awake = make()
    await awake.start()
    await awake.drain()

    assert await states(database) == [("NL-ALF", "failed", 0, "this release has no such operation or version")]


async def test_more_than_a_page_of_pending_deliveries_is_loaded(
    database: Database, make: Make, parties: Parties
) -> None:
    sleeping = make(at_once=0)
    await sleeping.start()
    many = [Destination(f"c{number}", ALF) for number in range(1100)]
    await spread(database, sleeping, patch(), many)
    await sleeping.stop()

    awake = make(at_once=1)  # ALF counts what is in flight to him, over all these connections
    await awake.start()
    await awake.drain()

    assert len(parties.got[ALF]) == 1100


async def test_what_comes_while_pending_deliveries_are_loaded_is_sent_once(
    database: Database, make: Make, parties: Parties
) -> None:
    sleeping = make(at_once=0)
    await sleeping.start()
    for number in range(20):
        await spread(database, sleeping, patch(f"OLD{number}"), [destination(ALF)])
    await sleeping.stop()

    awake = make()
    await awake.start()
    await asyncio.gather(*(spread(database, awake, patch(f"NEW{number}"), [destination(ALF)]) for number in range(20)))
    await awake.drain()

    received = [uid for uid, _ in parties.got[ALF]]
    assert received == [f"OLD{number}" for number in range(20)] + [f"NEW{number}" for number in range(20)]


async def test_what_was_read_before_it_was_told_of_is_sent_once(
    database: Database, make: Make, parties: Parties
) -> None:
    outbox = make()
    await outbox.start()
    await outbox.drain()
    parties.hold(ALF)

    await spread(database, outbox, patch(), [destination(ALF)])
    ((push_id,),) = await database.fetch("SELECT id FROM ocpi_push")
    await database.transact(tell(""))
    await until(lambda: outbox.couriers.in_flight == 1)
    await database.transact(tell(str(push_id)))
    parties.hold(ALF).set()
    await outbox.drain()

    assert len(parties.got[ALF]) == 1


async def test_what_rests_when_the_outbox_stops_stays_pending(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    parties.answers[ALF] = [ReceiverTimeout("late")]
    await spread(database, outbox, patch(), [destination(ALF)])
    await outbox.drain()

    await outbox.stop()

    assert await states(database) == [("NL-ALF", "pending", 1, "4002 late")]


async def test_an_outbox_that_never_ran_stops(make: Make) -> None:
    await make().stop()


async def test_stopping_waits_for_what_is_in_flight_and_leaves_the_rest_pending(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    parties.hold(ALF)
    for uid in ("E1", "E2"):
        await spread(database, outbox, patch(uid), [destination(ALF)])
    await until(lambda: parties.flying[ALF] == 1)

    stopping = asyncio.create_task(outbox.stop())
    await asyncio.sleep(0)
    parties.hold(ALF).set()
    await stopping

    assert [state for _, state, _, _ in await states(database)] == ["done", "pending"]
