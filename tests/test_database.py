"""Both engines keep the promises of hub/database/contract.py."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hub.database import Conflict, Database, DatabaseUnavailable, Transaction, open_database

INSERT = "INSERT INTO test (k, n) VALUES ($1, $2)"
BLOB = {"sqlite": "BLOB", "postgres": "BYTEA"}


@pytest.fixture
async def table(database: Database) -> Database:
    """A fresh store with a table of its own."""

    async def work(tx: Transaction) -> None:
        await tx.execute(f"CREATE TABLE test (k TEXT PRIMARY KEY, n BIGINT, v {BLOB[database.dialect]})")

    await database.transact(work)
    return database


@pytest.fixture
async def other(store: str, table: Database) -> AsyncIterator[Database]:
    """The same store opened a second time, as by another node."""
    opened = await open_database(store)
    yield opened
    await opened.close()


async def child(*arguments: str) -> asyncio.subprocess.Process:
    """Start a second process on a store."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.database_child", *arguments, stdout=asyncio.subprocess.PIPE
    )


async def output(process: asyncio.subprocess.Process) -> str:
    """Wait for a child and return what it printed."""
    text, _ = await process.communicate()
    assert process.returncode == 0
    return text.decode()


def put(key: str, number: int = 1) -> Callable[[Transaction], Awaitable[int]]:
    """Return a work that inserts one row."""

    async def work(tx: Transaction) -> int:
        return await tx.execute(INSERT, key, number)

    return work


async def keys(database: Database) -> set[str]:
    return {key for (key,) in await database.fetch("SELECT k FROM test")}


async def heard(said: list[Any], count: int = 1) -> list[Any]:
    """Wait until that much was heard, at most the second the contract allows."""
    async with asyncio.timeout(1):
        while len(said) < count:
            await asyncio.sleep(0.005)
    return said


async def test_a_work_is_read_back_once_it_has_returned(table: Database) -> None:
    assert await table.transact(put("a", 7)) == 1

    assert await table.fetch("SELECT k, n FROM test WHERE k = $1", "a") == [("a", 7)]
    assert await table.fetch("SELECT k, n FROM test WHERE k = $1", "a", cheap=True) == [("a", 7)]


async def test_works_run_in_the_order_they_were_given(table: Database) -> None:
    ran: list[int] = []

    async def work(tx: Transaction, number: int) -> None:
        await tx.execute(INSERT, str(number), number)
        ran.append(number)

    await asyncio.gather(*(table.transact(lambda tx, n=number: work(tx, n)) for number in range(50)))

    assert ran == list(range(50))


async def test_works_given_together_share_few_commits(table: Database, other: Database) -> None:
    def work_with(look: Callable[[Transaction], Awaitable[Any]]) -> Callable[[Transaction], Awaitable[Any]]:
        async def work(tx: Transaction) -> Any:
            await tx.execute(INSERT, str(random.random()), 1)
            return await look(tx)

        return work

    async def transaction_of(tx: Transaction) -> Any:
        if table.dialect == "postgres":
            return (await tx.fetch("SELECT txid_current()"))[0][0]
        # What another connection sees stays the same until the commit.
        return other.fetch_now("SELECT count(*) FROM test")[0][0]

    seen = await asyncio.gather(*(table.transact(work_with(transaction_of)) for _ in range(100)))

    assert len(set(seen)) <= 2


async def test_a_failing_work_is_undone_alone(table: Database) -> None:
    async def fails(tx: Transaction) -> None:
        await tx.execute(INSERT, "undone", 1)
        raise KeyError("this work fails")

    works = [put("before"), fails, put("after")]
    outcomes = await asyncio.gather(*(table.transact(work) for work in works), return_exceptions=True)

    assert isinstance(outcomes[1], KeyError)
    assert await keys(table) == {"before", "after"}


async def test_a_hurt_unique_constraint_is_a_conflict_and_hurts_nobody_else(table: Database) -> None:
    async def twice(tx: Transaction) -> None:
        await tx.execute(INSERT, "own", 1)
        await tx.execute(INSERT, "a", 2)

    works = [put("a"), twice, put("b")]
    outcomes = await asyncio.gather(*(table.transact(work) for work in works), return_exceptions=True)

    assert isinstance(outcomes[1], Conflict)
    assert await keys(table) == {"a", "b"}


async def test_a_work_that_hides_a_failed_statement_is_undone(table: Database) -> None:
    async def hides(tx: Transaction) -> None:
        await tx.execute(INSERT, "hidden", 1)
        try:
            await tx.execute(INSERT, "hidden", 2)
        except Exception:
            return

    with pytest.raises(Conflict):
        await table.transact(hides)

    assert await keys(table) == set()


async def test_a_caller_that_is_cancelled_does_not_undo_its_work(table: Database) -> None:
    async def call() -> None:
        await table.transact(put("a"))

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()

    await table.transact(put("b"))
    assert await keys(table) == {"a", "b"}


async def test_placeholders_may_repeat_and_stand_in_any_order(table: Database) -> None:
    async def work(tx: Transaction) -> list[tuple[Any, ...]]:
        await tx.execute("INSERT INTO test (n, k) VALUES ($2, $1)", "a", 5)
        return await tx.fetch("SELECT $1 || k || $1, n FROM test WHERE n = $2 OR k = $1", "-", 5)

    assert await table.transact(work) == [("-a-", 5)]


async def test_values_come_back_as_they_went_in(table: Database) -> None:
    values = [
        ("bytes", 0, bytes(range(256)) * 20_000),
        ("largest", 2**63 - 1, b""),
        ("ключ 🔌 'quoted' $1", -(2**63), None),
    ]

    async def work(tx: Transaction) -> None:
        await tx.executemany("INSERT INTO test (k, n, v) VALUES ($1, $2, $3)", values)

    await table.transact(work)

    assert sorted(await table.fetch("SELECT k, n, v FROM test")) == sorted(values)


async def test_execute_counts_rows_and_fetch_takes_returning(table: Database) -> None:
    async def work(tx: Transaction) -> tuple[Any, ...]:
        await tx.executemany(INSERT, [("a", 1), ("b", 2), ("c", 3)])
        changed = await tx.execute("UPDATE test SET n = n + 10 WHERE n >= $1", 2)
        gone = await tx.fetch("DELETE FROM test WHERE k = $1 RETURNING n", "c")
        return changed, gone, await tx.execute("DELETE FROM test WHERE k = $1", "never")

    assert await table.transact(work) == (2, [(13,)], 0)


async def test_a_listener_hears_own_commits_and_none_that_failed(table: Database) -> None:
    said: list[str] = []
    table.listen("news", said.append)

    async def tells(tx: Transaction) -> None:
        tx.notify("news", "kept")
        tx.notify("nobody listens", "x")

    async def fails(tx: Transaction) -> None:
        tx.notify("news", "undone")
        raise KeyError

    with pytest.raises(KeyError):
        await table.transact(fails)
    await table.transact(tells)

    assert await heard(said) == ["kept"]
    await asyncio.sleep(0.3)
    assert said == ["kept"]


async def test_a_listener_that_fails_silences_no_other(table: Database, caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []

    def fails(payload: str) -> None:
        raise KeyError(payload)

    async def tells(tx: Transaction) -> None:
        tx.notify("news", "x")

    table.listen("news", fails)
    table.listen("news", said.append)
    await table.transact(tells)

    assert await heard(said) == ["x"]
    assert "listener of channel news failed" in caplog.text


async def test_a_listener_hears_another_process(store: str, table: Database) -> None:
    said: list[str] = []
    table.listen("news", said.append)

    process = await child("notify", store, "news", "from afar")
    assert await process.wait() == 0

    assert await heard(said) == ["from afar"]


async def test_many_notifications_of_another_process_are_heard_or_summed_up(store: str, table: Database) -> None:
    said: list[str] = []
    table.listen("news", said.append)

    process = await child("notify", store, "news", *(str(number) for number in range(30)))
    await process.wait()

    await heard(said)
    await asyncio.sleep(0.3)
    assert said[-1] in ("29", "")
    assert "" in said or said == [str(number) for number in range(30)]


async def test_nodes_that_notify_at_once_miss_nothing_of_each_other(table: Database, other: Database) -> None:
    here: list[str] = []
    there: list[str] = []
    table.listen("news", here.append)
    other.listen("news", there.append)

    def tell(payload: str) -> Callable[[Transaction], Awaitable[None]]:
        async def work(tx: Transaction) -> None:
            tx.notify("news", payload)

        return work

    await asyncio.gather(
        *(node.transact(tell(f"{n}{i}")) for i in range(20) for n, node in (("h", table), ("t", other)))
    )
    await asyncio.sleep(0.5)

    for said, theirs in ((here, "t"), (there, "h")):
        assert "" in said or {f"{theirs}{i}" for i in range(20)} <= set(said)


async def test_a_command_line_writes_while_the_server_writes(store: str, table: Database) -> None:
    process = await child("insert_many", store, "cli", "40")
    writing = asyncio.create_task(process.wait())
    number = 0
    while not writing.done():
        await asyncio.gather(*(table.transact(put(f"server{number + i}")) for i in range(8)))
        number += 8

    assert writing.result() == 0
    assert len(await keys(table)) == 40 + number


async def test_kill_9_loses_nothing_acknowledged(store: str, table: Database) -> None:
    for _ in range(3):
        process = await child("acknowledge", store)
        assert process.stdout is not None
        first = await process.stdout.readline()
        await asyncio.sleep(random.uniform(0.02, 0.2))
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
        lines = (first + rest).decode().splitlines(keepends=True)
        acknowledged = {line.strip() for line in lines if line.endswith("\n")}

        kept = await keys(table)
        assert acknowledged
        assert acknowledged <= kept

        async def clear(tx: Transaction) -> None:
            await tx.execute("DELETE FROM test")

        await table.transact(clear)


async def test_closing_finishes_what_was_given_and_takes_no_more(store: str, table: Database) -> None:
    given = [table.transact(put(str(number))) for number in range(20)]

    await table.close()

    assert [await work for work in given] == [1] * 20
    with pytest.raises(DatabaseUnavailable, match="open it again"):
        await table.transact(put("late"))
    again = await open_database(store)
    assert len(await keys(again)) == 20
    await again.close()
