"""Both engines keep the promises of hub/database/contract.py."""

import asyncio

from hub.database import Database, Transaction


async def put(tx: Transaction, channel: str, counter: int = 1) -> None:
    """Write one row of the room's own table."""
    await tx.execute(
        "INSERT INTO hub_channel (channel, counter, payload) VALUES ($1, $2, '')"
        " ON CONFLICT (channel) DO UPDATE SET counter = excluded.counter",
        channel,
        counter,
    )


async def test_a_work_is_read_back_after_its_commit(database: Database) -> None:
    await database.transact(lambda tx: put(tx, "a", 7))

    assert await database.fetch("SELECT counter FROM hub_channel WHERE channel = $1", "a") == [(7,)]
