"""What an operator may do with deliveries: list them, have one sent again, and forget the old ones."""

import pytest

from hub.database import Database, open_database
from hub.ocpi.errors import OcpiError
from hub.ocpi.modules import locations
from hub.ocpi.outbox import (
    Outbox,
    Push,
    list_deliveries,
    retry,
)
from tests.outbox.scene import ALF, BET, GAM, Clock, Make, Parties, destination, patch, spread, states, until


async def test_an_operators_retry_sends_the_present_object(database: Database, make: Make, parties: Parties) -> None:
    async def present(push: Push) -> Push | None:
        return patch(push.params["evse_uid"], status="now") if push.params["evse_uid"] == "E1" else None

    outbox = make(present=present)
    await outbox.start()
    parties.answers[ALF] = [OcpiError("no"), OcpiError("no")]
    for uid in ("E1", "E2"):
        await spread(database, outbox, patch(uid, status="then"), [destination(ALF)])
    await outbox.drain()

    for each in await list_deliveries(database, state="failed"):
        await retry(database, each.id)
        await outbox.drain()

    assert parties.got[ALF][2:] == [("E2", {"status": "then"}), ("E1", {"status": "now"})]
    assert await states(database) == [("NL-ALF", "done", 1, "")] * 2


async def test_a_retry_by_another_process_is_heard_of(
    store: str, database: Database, outbox: Outbox, parties: Parties
) -> None:
    parties.answers[ALF] = [OcpiError("no")]
    await spread(database, outbox, patch(), [destination(ALF)])
    await outbox.drain()
    (failed,) = await list_deliveries(database)

    other = await open_database(store)
    await retry(other, failed.id)
    await other.close()
    await until(lambda: len(parties.got[ALF]) == 2)
    await outbox.drain()

    assert await states(database) == [("NL-ALF", "done", 1, "")]


async def test_only_what_is_there_and_does_not_wait_can_be_tried_again(
    database: Database, outbox: Outbox, parties: Parties
) -> None:
    parties.hold(ALF)
    await spread(database, outbox, patch(), [destination(ALF)])
    (waiting,) = await list_deliveries(database)

    with pytest.raises(ValueError, match="still waits"):
        await retry(database, waiting.id)
    with pytest.raises(LookupError, match="no delivery 77"):
        await retry(database, 77)
    parties.hold(ALF).set()


async def test_deliveries_are_listed_by_party_and_state(
    database: Database, outbox: Outbox, parties: Parties, clock: Clock
) -> None:
    parties.answers[ALF] = [OcpiError("no")]
    push_id = await spread(database, outbox, patch(), [destination(ALF), destination(BET)])
    await outbox.drain()

    everything = await list_deliveries(database)
    (failed,) = await list_deliveries(database, party=ALF, state="failed")

    assert push_id is not None
    assert [each.id for each in everything] == [push_id * 100_000 + 1, push_id * 100_000]
    assert await list_deliveries(database, limit=1) == everything[:1]
    assert await list_deliveries(database, party=BET, state="failed") == []
    assert (failed.operation, failed.object_key) == (str(locations.patch_evse), "locations/DE-ABC/LOC 1/2")
    assert (failed.correlation_id, failed.reason, failed.created) == ("c", "2000 no", clock.stamp())


async def test_what_is_old_is_forgotten_with_its_push(
    database: Database, outbox: Outbox, parties: Parties, clock: Clock
) -> None:
    parties.answers[ALF] = [OcpiError("no")]
    await spread(database, outbox, patch("E1"), [destination(ALF), destination(BET)])
    await spread(database, outbox, patch("E2"), [destination(BET)])
    await outbox.drain()

    left = []
    for days in (0.9, 0.2, 28.8, 0.2):
        clock.now += days * 86_400
        await outbox.prune()
        counts = await database.fetch("SELECT (SELECT count(*) FROM ocpi_delivery), (SELECT count(*) FROM ocpi_push)")
        left += counts

    assert left == [(3, 2), (1, 1), (1, 1), (0, 0)]


async def test_more_than_a_page_is_forgotten(
    database: Database, outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ocpi.deliveries._PAGE", 2)
    await spread(database, outbox, patch(), [destination(party) for party in (ALF, BET, GAM)])
    await outbox.drain()
    clock.now += 2 * 86_400

    await outbox.prune()

    assert await list_deliveries(database) == []
