"""The outbox on both stores: nothing acknowledged is lost, nobody waits for another, and every end is recorded."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from hub.database import Database, DatabaseUnavailable, Transaction, open_database
from hub.ocpi import codec
from hub.ocpi.errors import OcpiError, ReceiverTimeout, ReceiverUnreachable, UnknownLocation
from hub.ocpi.messages import Body, Party, Response
from hub.ocpi.modules import locations
from hub.ocpi.outbox import (
    OFFLINE,
    Delivery,
    Destination,
    Outbox,
    Push,
    list_deliveries,
    retry,
    retry_delay,
)

HUB, CPO = Party("NL", "HUB"), Party("DE", "ABC")
ALF, BET, GAM = Party("NL", "ALF"), Party("NL", "BET"), Party("NL", "GAM")
SECOND, DAY = 1_000_000, 86_400_000_000


def destination(party: Party, **rest: Any) -> Destination:
    return Destination(f"connection of {party}", party, **rest)


def patch(uid: str = "E1", /, *, correlation_id: str = "c", **fields: Any) -> Push:
    """Return the PATCH of an EVSE that says these fields."""
    operation = locations.patch_evse
    return Push(
        operation=operation,
        params={"country_code": "DE", "party_id": "ABC", "location_id": "LOC 1/2", "evse_uid": uid},
        body=Body(operation.body, text=codec.encode(fields), owner=CPO, partial=True),
        sender=HUB,
        owner=CPO,
        correlation_id=correlation_id,
        key="locations/DE-ABC/LOC 1/2",
    )


class Parties:
    """The parties behind ``send``: they record what they get, and answer as told.

    Attributes:
        got: by party, the (EVSE, body) of each request, in order.
        answers: by party, what it answers next; afterwards success.
        held: parties that take their time until they are let go.
        most: how many requests were in flight at once, at most.
    """

    def __init__(self) -> None:
        self.got: dict[Party, list[tuple[str, Any]]] = defaultdict(list)
        self.deliveries: list[Delivery] = []
        self.answers: dict[Party, list[Response | Exception]] = defaultdict(list)
        self.held: dict[Party, asyncio.Event] = {}
        self.flying: dict[Party, int] = defaultdict(int)
        self.most = 0

    async def send(self, delivery: Delivery) -> Response:
        party, push = delivery.party, delivery.push
        assert self.flying[party] == 0, "one in flight to a destination"
        assert push.body is not None
        self.deliveries.append(delivery)
        self.got[party].append((push.params["evse_uid"], codec.decode(push.body.text(None))))
        self.flying[party] += 1
        self.most = max(self.most, sum(self.flying.values()))
        try:
            await (self.held[party].wait() if party in self.held else asyncio.sleep(0))
        finally:
            self.flying[party] -= 1
        answer = self.answers[party].pop(0) if self.answers[party] else Response()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hold(self, party: Party) -> asyncio.Event:
        return self.held.setdefault(party, asyncio.Event())


class Clock:
    """Seconds and microseconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def seconds(self) -> float:
        return self.now

    def stamp(self) -> int:
        return round(self.now * SECOND)


Make = Callable[..., "Outbox"]


@pytest.fixture
def parties() -> Parties:
    return Parties()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(database: Database, parties: Parties, clock: Clock) -> AsyncIterator[Make]:
    """Return a maker of outboxes on the store; those still running at the end are stopped."""
    made: list[Outbox] = []

    def build(store: Database = database, **rest: Any) -> Outbox:
        settings: dict[str, Any] = {
            "versions": {},
            "clock": clock.seconds,
            "stamp": clock.stamp,
            "chance": lambda: 0.5,
        } | rest
        made.append(Outbox(store, parties.send, **settings))
        return made[-1]

    yield build
    for each in made:
        await each.stop(timeout=0)


@pytest.fixture
async def outbox(make: Make) -> Outbox:
    started = make()
    await started.start()
    await started.drain()
    return started


async def spread(database: Database, outbox: Outbox, push: Push, destinations: Sequence[Destination]) -> int | None:
    return await database.transact(lambda tx: outbox.enqueue(tx, push, destinations))


async def states(database: Database) -> list[tuple[str, str, int, str]]:
    """Return (party, state, attempts, reason) of all deliveries, as they were made."""
    rows = await list_deliveries(database, limit=1000)
    return [(each.party, each.state, each.attempts, each.reason) for each in reversed(rows)]


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another node does, at most ten seconds."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


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
    parties.hold(ALF).set()
    await outbox.drain()

    assert [uid for uid, _ in parties.got[ALF]] == ["E0", "E2", "E3"]
    assert ("NL-ALF", "failed", 0, "queue full; the party pulls") in await states(database)


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


def tell(push_id: str) -> Callable[[Transaction], Any]:
    """Return a work that notifies the outbox."""

    async def work(tx: Transaction) -> None:
        tx.notify("deliveries", push_id)

    return work


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


class Failing:
    """A store that fails as often as told, then works."""

    def __init__(self, database: Database, failures: int) -> None:
        self._database = database
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def transact(self, work: Any) -> Any:
        self._fail()
        return await self._database.transact(work)

    async def fetch(self, *args: Any, **rest: Any) -> Any:
        self._fail()
        return await self._database.fetch(*args, **rest)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("the store is away; wait for it")


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
