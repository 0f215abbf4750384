"""The embedded store: one SQLite file, one writer thread, many works in one durable commit.

The standard library's module runs here in threads of our own: aiosqlite crosses threads for every statement, this
engine once for every batch of works, there and back. A work's coroutine is driven by ``send(None)`` in the writer
thread, where its awaits complete at once.
"""

import asyncio
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Literal, NamedTuple, TypeVar

from hub.database.contract import PAYLOAD_LIMIT, DatabaseUnavailable, Listener, Row, Work
from hub.database.listeners import Listeners
from hub.database.sqlitefile import CACHE, TRANSLATED, connect, explain, migrate, translate

T = TypeVar("T")
logger = logging.getLogger(__name__)

POLL_INTERVAL = 0.2  # seconds between looks for commits of other processes
GROUP_LIMIT = 512  # works in one commit, so that another process gets its turn

_BUMP = (
    "INSERT INTO hub_channel (channel, counter, payload) VALUES (?1, ?2, ?3) ON CONFLICT (channel)"
    " DO UPDATE SET counter = hub_channel.counter + excluded.counter, payload = excluded.payload RETURNING counter"
)


class _Job(NamedTuple):
    work: Work[Any]
    future: asyncio.Future[Any]


class _Outcome(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class SqliteTransaction:
    """One work's view of the writer connection; its awaits complete at once."""

    __slots__ = ("_connection", "_execute", "failed", "notes")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self.notes: list[tuple[str, str]] = []
        self.failed: sqlite3.Error | None = None

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        try:
            return self._execute(TRANSLATED.get(sql) or translate(sql), args).fetchall()
        except sqlite3.Error as error:
            self.failed = self.failed or error
            raise

    async def execute(self, sql: str, *args: Any) -> int:
        try:
            return self._execute(TRANSLATED.get(sql) or translate(sql), args).rowcount
        except sqlite3.Error as error:
            self.failed = self.failed or error
            raise

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._connection.executemany(translate(sql), rows)
        except sqlite3.Error as error:
            self.failed = self.failed or error
            raise

    def notify(self, channel: str, payload: str = "") -> None:
        if len(payload) > PAYLOAD_LIMIT:
            raise ValueError(f"a notification carries at most {PAYLOAD_LIMIT} characters")
        self.notes.append((channel, payload))


class _Writer(Thread):
    """The one thread that writes: takes all works that wait, runs each, commits once, hands all results back."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, listeners: Listeners) -> None:
        super().__init__(name="emall-writer", daemon=True)
        self._path = path
        self._loop = loop
        self._listeners = listeners
        self._connection = connect(path)
        try:
            migrate(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._inbox: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self.seen: dict[str, int] = dict(self._connection.execute("SELECT channel, counter FROM hub_channel"))

    def hand_over(self, jobs: list[_Job] | None) -> None:
        """Give the thread jobs; None ends it once all before are done."""
        self._inbox.put(jobs)

    def run(self) -> None:
        going = True
        while going:
            jobs, going = self._take()
            for start in range(0, len(jobs), GROUP_LIMIT):
                outcomes, notes = self._commit(jobs[start : start + GROUP_LIMIT])
                self._loop.call_soon_threadsafe(self._deliver, outcomes, notes)
        self._connection.close()

    def _take(self) -> tuple[list[_Job], bool]:
        """Return every job that waits, at least one, and whether more may come."""
        given = self._inbox.get()
        jobs: list[_Job] = []
        try:
            while given is not None:
                jobs.extend(given)
                given = self._inbox.get_nowait()
        except Empty:
            return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> tuple[list[_Outcome], list[tuple[str, str]]]:
        """Run the jobs in one transaction; if the store itself fails, all of them fail."""
        notes: list[tuple[str, str]] = []
        before: dict[str, int] = {}
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(job, notes) for job in jobs]
            if notes:
                notes = list(dict.fromkeys(notes))
                before = {channel: self.seen.get(channel, 0) for channel, _ in notes}
                notes += self._bump(notes)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.seen.update(before)
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            fault = explain(error, self._path)
            return [_Outcome(job.future, None, fault) for job in jobs], []
        return outcomes, notes

    def _run(self, job: _Job, notes: list[tuple[str, str]]) -> _Outcome:
        """Run one work in a savepoint of its own.

        A savepoint costs 1.5 us of the 16 us of a 4 kB upsert, so every work has one.
        """
        execute = self._connection.execute
        execute("SAVEPOINT work")
        transaction = SqliteTransaction(self._connection)
        try:
            result = _drive(job.work, transaction)
            if transaction.failed:  # PostgreSQL lets no work go on after a failed statement; neither do we.
                raise transaction.failed
        except BaseException as error:
            if not self._connection.in_transaction:
                raise  # SQLite has given up the whole transaction, as it does when the disk is full.
            execute("ROLLBACK TO work")
            execute("RELEASE work")
            return _Outcome(job.future, None, explain(error, self._path))
        execute("RELEASE work")
        notes += transaction.notes
        return _Outcome(job.future, result, None)

    def _bump(self, notes: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Count the notifications for other processes; return "" for each channel on which one of theirs was missed.

        Ours are seen before they are committed, so that the poll never takes our own commit for a foreign one.
        """
        missed = []
        payloads: dict[str, list[str]] = defaultdict(list)
        for channel, payload in notes:
            payloads[channel].append(payload)
        for channel, new in payloads.items():
            ((counter,),) = self._connection.execute(_BUMP, (channel, len(new), new[-1])).fetchall()
            if counter != self.seen.get(channel, 0) + len(new):
                missed.append((channel, ""))
            self.seen[channel] = counter
        return missed

    def _deliver(self, outcomes: list[_Outcome], notes: list[tuple[str, str]]) -> None:
        """In the event loop: wake the callers, then the listeners."""
        for future, result, error in outcomes:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        for channel, payload in notes:
            self._listeners.tell(channel, payload)


def _drive(work: Work[T], transaction: SqliteTransaction) -> T:
    """Run the coroutine to its end at once."""
    coroutine = work(transaction).__await__()
    try:
        next(coroutine)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("a work awaits nothing but its transaction")


class SqliteDatabase:
    """A data folder's store."""

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._listeners = Listeners()
        self._writer = _Writer(path, self._loop, self._listeners)
        self._near = _reader(path)
        self._far = _reader(path)
        self._pool = ThreadPoolExecutor(1, "emall-reader")
        self._waiting: list[_Job] = []
        self._poll: asyncio.Task[None] | None = None
        self._closed = False
        self._writer.start()

    async def fetch(self, sql: str, *args: Any, cheap: bool = False) -> list[Row]:
        if cheap:
            return self.fetch_now(sql, *args)
        return await self._loop.run_in_executor(self._pool, self._read, self._far, sql, args)

    def fetch_now(self, sql: str, *args: Any) -> list[Row]:
        return self._read(self._near, sql, args)

    def _read(self, connection: sqlite3.Connection, sql: str, args: Sequence[Any]) -> list[Row]:
        try:
            return connection.execute(TRANSLATED.get(sql) or translate(sql), args).fetchall()
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def transact(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue the work; all works of one turn of the event loop go to the writer together."""
        if self._closed:
            raise DatabaseUnavailable(f"{self._path}: it is closed; open it again")
        future: asyncio.Future[T] = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        self._waiting.append(_Job(work, future))
        return future

    def _hand_over(self) -> None:
        if self._waiting:
            self._writer.hand_over(self._waiting)
            self._waiting = []

    def listen(self, channel: str, callback: Listener) -> None:
        self._listeners.add(channel, callback)
        if self._poll is None:
            self._poll = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        """Find what other processes notified; own commits are counted as seen before they are visible."""
        version = None
        while True:
            try:
                if version != (version := self.fetch_now("PRAGMA data_version")):
                    self._look()
            except DatabaseUnavailable as error:
                logger.warning("cannot look for changes of other processes: %s", error)
            await asyncio.sleep(POLL_INTERVAL)

    def _look(self) -> None:
        seen = self._writer.seen
        for channel, counter, payload in self.fetch_now("SELECT channel, counter, payload FROM hub_channel"):
            missed = counter - seen.get(channel, 0)
            if missed > 0:
                seen[channel] = counter
                self._listeners.tell(channel, payload if missed == 1 else "")

    async def try_lead(self) -> bool:
        """A data folder has one server, so this is it."""
        return True

    async def close(self) -> None:
        self._closed = True
        if self._poll is not None:
            self._poll.cancel()
        self._hand_over()
        self._writer.hand_over(None)
        await self._loop.run_in_executor(None, self._writer.join)
        self._pool.shutdown()
        self._near.close()
        self._far.close()


def _reader(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    connection.execute("PRAGMA query_only = 1")
    connection.execute(f"PRAGMA cache_size = -{CACHE // 2}")
    return connection
