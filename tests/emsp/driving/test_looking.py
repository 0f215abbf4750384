"""What is looked at all the time is found by an index, however many drivers and charges there have been."""

import re
import sqlite3

import pytest

from hub.database import schema


@pytest.fixture
def asked(provider, monkeypatch):
    """Return what the provider asks of its store."""
    database, heard = provider.emsp.store.database, list[str]()
    fetch = database.fetch

    async def listening(sql, *args, **rest):
        heard.append(sql)
        return await fetch(sql, *args, **rest)

    monkeypatch.setattr(database, "fetch", listening)
    return heard


async def test_no_look_reads_through_all_that_ever_was(provider, asked):
    """The planner is SQLite's, without statistics: the least it knows."""
    await provider.work()
    await provider.assembly.drivers.sweep()

    store = sqlite3.connect(":memory:")
    store.executescript(schema.script("0001_initial", "sqlite"))
    plans = {
        sql: [step[3] for step in store.execute(f"EXPLAIN QUERY PLAN {re.sub(r'[$][0-9]+', '1', sql)}")]
        for sql in asked
    }  # fmt: skip
    store.close()
    assert len(plans) > 15
    assert {sql: plan for sql, plan in plans.items() if any(step.startswith("SCAN") for step in plan)} == {}
    (over,) = [plan for sql, plan in plans.items() if "time_limit <=" in sql]
    assert "(stop_order=? AND state=?)" in over[0]
