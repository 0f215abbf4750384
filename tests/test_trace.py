"""The trace on both stores: what is noted is found again, in order, and takes no memory without bound."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.database import Database, DatabaseUnavailable
from hub.metrics import Metrics
from hub.ocpi.messages import Party
from hub.ocpi.modules import locations
from hub.trace import Hop, Trace, hops

CPO, HUB, EMSP = Party("DE", "ABC"), Party("NL", "HUB"), Party("NL", "TNM")
DAY = 86_400_000_000


class Clock:
    """Microseconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 100 * DAY

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def trace(database: Database, clock: Clock) -> AsyncIterator[Trace]:
    running = Trace(database, clock=clock)
    yield running
    await running.stop()


async def test_a_message_is_found_by_its_correlation_id_hop_by_hop(
    database: Database, trace: Trace, clock: Clock
) -> None:
    trace.hop("c1", "in", locations.patch_evse, CPO, HUB, 1000, 1.25, connection="Alfa")
    trace.hop("other", "in", locations.patch_evse, CPO, HUB, 1000, 1)
    clock.now += 5
    trace.hop("c1", "out", "PATCH locations", HUB, None, "4002", 30_000, connection="Beta", note="No answer")
    await trace.flush()

    assert await hops(database, "c1") == [
        Hop("c1", 100 * DAY, "in", str(locations.patch_evse), "DE-ABC", "NL-HUB", "Alfa", "1000", 1250, ""),
        Hop("c1", 100 * DAY + 5, "out", "PATCH locations", "NL-HUB", "", "Beta", "4002", 30_000_000, "No answer"),
    ]
    assert (await hops(database, "c1"))[0].ms == 1.25
    assert await hops(database, "unknown") == []


async def test_hops_are_stored_by_themselves_while_more_are_noted(database: Database, trace: Trace) -> None:
    async with asyncio.timeout(10):
        for number in (1, 2):
            trace.hop(f"c{number}", "in", "GET", CPO, HUB, 1000, 1)
            while not await hops(database, f"c{number}"):
                await asyncio.sleep(0.02)

    assert len(await hops(database, "c1")) == 1


async def test_a_hop_noted_while_others_are_stored_is_stored_too(database: Database, trace: Trace) -> None:
    trace.hop("c1", "in", "GET", CPO, HUB, 1000, 1)
    flushing = asyncio.create_task(trace.flush())
    await asyncio.sleep(0)
    trace.hop("c2", "in", "GET", CPO, HUB, 1000, 1)
    await trace.flush()
    await flushing

    assert len(await hops(database, "c2")) == 1


async def test_stopping_stores_what_is_noted(database: Database) -> None:
    trace = Trace(database)
    await trace.start()
    trace.hop("c1", "in", "GET", CPO, HUB, 1000, 1)

    await trace.stop()

    assert len(await hops(database, "c1")) == 1


async def test_what_finds_no_room_is_counted_and_not_kept(database: Database) -> None:
    trace = Trace(database, limit=2)

    for _ in range(5):
        trace.hop("c1", "in", "GET", CPO, HUB, 1000, 1)
    await trace.stop()

    assert len(await hops(database, "c1")) == 2
    assert trace.lost == 3


async def test_a_store_that_is_away_loses_hops_and_nothing_else(database: Database) -> None:
    class Away:
        async def transact(self, work: object) -> None:
            raise DatabaseUnavailable("away; wait")

    store: Any = Away()
    trace = Trace(store)
    await trace.start()
    await asyncio.sleep(0)  # it tries to forget what is old
    trace.hop("c1", "in", "GET", CPO, HUB, 1000, 1)

    await trace.stop()

    assert trace.lost == 1


async def test_what_is_old_is_forgotten(
    database: Database, trace: Trace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.trace._PAGE", 2)
    for _ in range(5):
        trace.hop("old", "in", "GET", CPO, HUB, 1000, 1)
        await trace.flush()
    clock.now += 4 * DAY
    trace.hop("new", "in", "GET", CPO, HUB, 1000, 1)
    await trace.flush()
    clock.now += 4 * DAY

    await trace.prune()

    assert await hops(database, "old") == []
    assert len(await hops(database, "new")) == 1


async def test_a_trace_that_was_started_forgets_by_itself(database: Database, trace: Trace, clock: Clock) -> None:
    trace.hop("old", "in", "GET", CPO, HUB, 1000, 1)
    await trace.flush()
    clock.now += 8 * DAY

    await trace.start()

    async with asyncio.timeout(10):
        while await hops(database, "old"):
            await asyncio.sleep(0.01)


def test_metrics_are_told_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    waiting = metrics.counter("emall_odd_total", "Odd things.", "what")
    metrics.gauge("emall_deliveries_waiting", "Deliveries that wait.", lambda: 3)

    for outcome in (1000, "1000", 2001):
        metrics.hop("in", locations.patch_evse, outcome, 500)
    waiting.add('a "quoted"\nback\\slash')

    assert metrics.hops.of("in", locations.patch_evse, 1000) == 1
    operation = str(locations.patch_evse)
    assert metrics.text() == (
        "# HELP emall_hops_total Hops of messages.\n"
        "# TYPE emall_hops_total counter\n"
        f'emall_hops_total{{direction="in",operation="{operation}",outcome="1000"}} 2\n'
        f'emall_hops_total{{direction="in",operation="{operation}",outcome="2001"}} 1\n'
        "# HELP emall_hop_seconds_total Time hops took.\n"
        "# TYPE emall_hop_seconds_total counter\n"
        f'emall_hop_seconds_total{{direction="in",operation="{operation}"}} 1.5\n'
        "# HELP emall_odd_total Odd things.\n"
        "# TYPE emall_odd_total counter\n"
        'emall_odd_total{what="a \\"quoted\\"\\nback\\\\slash"} 1\n'
        "# HELP emall_deliveries_waiting Deliveries that wait.\n"
        "# TYPE emall_deliveries_waiting gauge\n"
        "emall_deliveries_waiting 3\n"
    )


def test_a_metric_has_its_name_alone() -> None:
    metrics = Metrics()
    metrics.counter("emall_plain_total", "Plain.").add()

    with pytest.raises(ValueError, match="emall_plain_total"):
        metrics.gauge("emall_plain_total", "Again.", lambda: 0)

    assert "emall_plain_total 1\n" in metrics.text()
