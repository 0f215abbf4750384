"""A second process for the database tests: `python -m tests.database_child TASK STORE ...`."""

import asyncio
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hub.database import Database, DatabaseUnavailable, Transaction, lock_server, open_database


async def insert(tx: Transaction, key: str) -> None:
    """Write one row."""
    await tx.execute("INSERT INTO test (k, n) VALUES ($1, 1)", key)


async def notify(store: str, channel: str, *payloads: str) -> None:
    """Notify each payload in a commit of its own."""
    database = await open_database(store)
    for payload in payloads:

        async def work(tx: Transaction, payload: str = payload) -> None:
            tx.notify(channel, payload)

        await database.transact(work)
    await database.close()


async def insert_many(store: str, prefix: str, count: str) -> None:
    """Insert rows one commit each, as a command line would."""
    database = await open_database(store)
    for number in range(int(count)):
        await database.transact(lambda tx, key=f"{prefix}{number}": insert(tx, key))
    await database.close()


async def acknowledge(store: str) -> None:
    """Insert for ever with 16 callers; print each key once its transaction has returned."""
    database = await open_database(store)

    async def caller(name: int) -> None:
        number = 0
        while True:
            key = f"{name}-{number}"
            await database.transact(lambda tx, key=key: insert(tx, key))
            sys.stdout.write(f"{key}\n")
            sys.stdout.flush()
            number += 1

    await asyncio.gather(*(caller(name) for name in range(16)))


async def fill_disk(store: str) -> None:
    """Let the kernel refuse to grow any file; say what a caller sees, then whether the store recovers."""
    database = await open_database(store)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    outcomes = await asyncio.gather(*(_blob(database, number) for number in range(8)), return_exceptions=True)
    print("refused", sum(isinstance(outcome, DatabaseUnavailable) for outcome in outcomes))
    print(next(outcome for outcome in outcomes if isinstance(outcome, Exception)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await _blob(database, 100)
    print("kept", await database.fetch("SELECT count(*), max(k) FROM test"))
    await database.close()


async def _blob(database: Database, number: int) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO test (k, n, v) VALUES ($1, 1, $2)", str(number), bytes(500_000))

    await database.transact(work)


async def hold(store: str) -> None:
    """Hold the data folder until killed."""
    with lock_server(Path(store)):
        print("held", flush=True)
        await asyncio.sleep(3600)


async def modules(store: str) -> None:
    """Open, write and close a store; print which libraries that took."""
    database = await open_database(store)
    await database.transact(lambda tx: tx.fetch("SELECT 1"))
    await database.close()
    print(sorted({"tortoise", "asyncpg", "aiosqlite"} & set(sys.modules)))


TASKS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    task.__name__: task for task in (notify, insert_many, acknowledge, fill_disk, hold, modules)
}

if __name__ == "__main__":
    asyncio.run(TASKS[sys.argv[1]](*sys.argv[2:]))
