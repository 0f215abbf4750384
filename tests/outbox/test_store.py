"""The outbox when the store fails for a while, and with several nodes on one."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.database import Database, DatabaseUnavailable, open_database
from hub.ocpi.errors import ReceiverTimeout
from hub.ocpi.messages import Response
from hub.ocpi.outbox import (
    Delivery,
    Outbox,
)
from tests.outbox.scene import ALF, Failing, Make, Parties, destination, patch, spread, states, until


async def test_what_became_of_a_delivery_is_kept_until_the_store_takes_it(
    database: Database, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ocpi.outbox._PAUSE", 0.01)
    failing: Any = Failing(database, 0)
    outbox = make(failing)
    await outbox.start()
    await outbox.drain()

    await spread(database, outbox, patch(), [destination(ALF)])
    failing.failures = 1
    await outbox.drain()
    await outbox.drain()

    assert await states(database) == [("NL-ALF", "done", 1, "")]


async def test_what_is_pending_is_read_when_the_store_is_back(
    database: Database, make: Make, parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ocpi.outbox._PAUSE", 0.01)
    sleeping = make(at_once=0)
    await sleeping.start()
    await spread(database, sleeping, patch(), [destination(ALF)])
    await sleeping.stop()

    failing: Any = Failing(database, 2)
    awake = make(failing)
    await awake.start()
    await awake.drain()

    assert len(parties.got[ALF]) == 1


@pytest.mark.parametrize("store", ["postgres"], indirect=True)  # a data folder has one server
async def test_the_node_that_leads_delivers_for_all_and_another_takes_over(
    database: Database, parties: Parties, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ocpi.outbox._LEAD_EVERY", 0.02)
    second_store = await open_database(store)
    senders: list[str] = []

    def sender(name: str) -> Callable[[Delivery], Any]:
        async def send(delivery: Delivery) -> Response:
            senders.append(name)
            return await parties.send(delivery)

        return send

    first = Outbox(database, sender("first"), versions={})
    second = Outbox(second_store, sender("second"), versions={})
    await first.start()
    await second.start()
    await spread(second_store, second, patch(n=1), [destination(ALF)])
    await until(lambda: len(senders) == 1)
    await first.drain()
    await first.stop()
    await database.close()
    await spread(second_store, second, patch(n=2), [destination(ALF)])
    await until(lambda: len(senders) == 2)
    await second.drain()

    assert senders == ["first", "second"]
    assert [state for _, state, _, _ in await states(second_store)] == ["done", "done"]
    await second.stop()
    await second_store.close()


async def test_a_node_that_loses_the_lead_leaves_what_waits_to_the_other(
    database: Database, make: Make, parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = [True]

    async def try_lead() -> bool:
        if not leads[0]:
            raise DatabaseUnavailable("the connection that held the lead is lost; wait")
        return True

    failing: Any = Failing(database, 0)
    failing.try_lead = try_lead
    monkeypatch.setattr("hub.ocpi.outbox._LEAD_EVERY", 0.01)
    outbox = make(failing)
    await outbox.start()
    parties.hold(ALF)
    parties.answers[ALF] = [ReceiverTimeout()]
    for uid in ("E1", "E2"):
        await spread(database, outbox, patch(uid), [destination(ALF)])
    await until(lambda: parties.flying[ALF] == 1)

    leads[0] = False
    await until(lambda: outbox.couriers.waiting == 0)
    parties.hold(ALF).set()
    await outbox.drain()
    left = await states(database)
    leads[0] = True
    await until(lambda: len(parties.got[ALF]) == 3)
    await outbox.drain()

    assert [(state, attempts) for _, state, attempts, _ in left] == [("pending", 0), ("pending", 0)]
    assert [uid for uid, _ in parties.got[ALF]] == ["E1", "E1", "E2"]
    assert {state for _, state, _, _ in await states(database)} == {"done"}
