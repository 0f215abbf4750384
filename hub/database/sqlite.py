"""The embedded store: one SQLite file, one writer thread, many works in one durable commit.

The standard library's module runs here in threads of our own: aiosqlite crosses threads for every statement, this
engine once for every batch of works, there and back. A work's coroutine is driven by ``send(None)`` in the writer
thread, where its awaits complete at once.
"""

import asyncio
import logging
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Literal, NamedTuple, TypeVar

from hub.database.contract import Conflict, DatabaseUnavailable, Listener, Row, Work
from hub.database.listeners import Listeners
from hub.database.schema import APPLIED, pending, script

T = TypeVar("T")
logger = logging.getLogger(__name__)

FILE_NAME = "emall.db"
APPLICATION_ID = 0x454D414C  # "EMAL", so that a foreign file is not taken for ours
BUSY_TIMEOUT = 10_000  # milliseconds to wait for the write lock of another process
POLL_INTERVAL = 0.2  # seconds between looks for commits of other processes
GROUP_LIMIT = 512  # works in one commit, so that another process gets its turn

_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another process has held its write lock for 10 s; end that process or try again",
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk reports an error; look at the disk and its free space",
    sqlite3.SQLITE_READONLY: "it may not be written; give this user write permission on the folder and its files",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; give this user write permission on the folder and its files",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup or choose another data folder",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file; move it away or choose another data folder",
}
_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}

_PLACEHOLDER = re.compile(r"\$(\d+)")
_translated: dict[str, str] = {}

_BUMP = (
    "INSERT INTO hub_channel (channel, counter, payload) VALUES (?1, ?2, ?3) ON CONFLICT (channel)"
    " DO UPDATE SET counter = hub_channel.counter + excluded.counter, payload = excluded.payload RETURNING counter"
)


def translate(sql: str) -> str:
    """Return the statement with SQLite's placeholders; the rooms' statements are few, so each is kept."""
    known = _translated.get(sql)
    if known is None:
        known = _translated[sql] = _PLACEHOLDER.sub(r"?\1", sql)
    return known


def explain(error: BaseException, path: Path) -> BaseException:
    """Return what a caller should see for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return error
    if code in _UNIQUE:
        return Conflict(str(error))
    remedy = _REMEDIES.get(code & 0xFF)
    return DatabaseUnavailable(f"{path}: {remedy}") if remedy else error


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the file, made if it is missing.

    Raises:
        DatabaseUnavailable: the folder or the file cannot be used, or the file is not ours.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        _claim(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except OSError as error:
        remedy = "choose another data folder or give this user write permission on it"
        raise DatabaseUnavailable(f"{path.parent}: {error.strerror}; {remedy}") from error
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return connection


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Mark an empty file as ours; refuse a file that is marked otherwise."""
    (identity,) = connection.execute("PRAGMA application_id").fetchone()
    if identity == APPLICATION_ID:
        return
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise DatabaseUnavailable(f"{path}: it belongs to another program; choose another data folder")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date; of processes that come together one does it, the others find it done."""
    try:
        for name in pending(_applied(connection)):
            _apply(connection, name)
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _apply(connection: sqlite3.Connection, name: str) -> None:
    """Apply one migration whole, unless another process has meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if name in pending(_applied(connection)):
            for statement in statements(script(name, "sqlite")):
                connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a script one by one; ``executescript`` would commit before it begins."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _applied(connection: sqlite3.Connection) -> list[str]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tortoise_migrations'").fetchall():
        return []
    return [name for (name,) in connection.execute(APPLIED)]


class _Job(NamedTuple):
    work: Work[Any]
    future: asyncio.Future[Any]


class _Outcome(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class SqliteTransaction:
    """One work's view of the writer connection; its awaits complete at once."""

    __slots__ = ("_connection", "_execute", "notes")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self.notes: list[tuple[str, str]] = []

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        return self._execute(_translated.get(sql) or translate(sql), args).fetchall()

    async def execute(self, sql: str, *args: Any) -> int:
        return self._execute(_translated.get(sql) or translate(sql), args).rowcount

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(translate(sql), rows)

    def notify(self, channel: str, payload: str = "") -> None:
        self.notes.append((channel, payload))


class _Writer(Thread):
    """The one thread that writes: takes all works that wait, runs each, commits once, hands all results back."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, listeners: Listeners) -> None:
        super().__init__(name="emall-writer", daemon=True)
        self._path = path
        self._loop = loop
        self._listeners = listeners
        self._connection = connect(path)
        migrate(self._connection, path)
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
        before = self.seen.copy()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            notes: list[tuple[str, str]] = []
            outcomes = [self._run(job, notes) for job in jobs]
            notes = self._bump(notes)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.seen = before
            if self._connection.in_transaction:
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
        """Count the notifications for other processes; add "" for a channel on which one of theirs was missed."""
        if not notes:
            return notes
        payloads: dict[str, list[str]] = defaultdict(list)
        for channel, payload in dict.fromkeys(notes):
            payloads[channel].append(payload)
        told = list(dict.fromkeys(notes))
        for channel, new in payloads.items():
            ((counter,),) = self._connection.execute(_BUMP, (channel, len(new), new[-1])).fetchall()
            if counter != self.seen.get(channel, 0) + len(new):
                told.append((channel, ""))
            # Known before the commit, so that the poll never takes our own commit for a foreign one.
            self.seen[channel] = counter
        return told

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
        self._writer.start()

    async def fetch(self, sql: str, *args: Any, cheap: bool = False) -> list[Row]:
        if cheap:
            return self.fetch_now(sql, *args)
        return await self._loop.run_in_executor(self._pool, self._read, self._far, sql, args)

    def fetch_now(self, sql: str, *args: Any) -> list[Row]:
        return self._read(self._near, sql, args)

    def _read(self, connection: sqlite3.Connection, sql: str, args: Sequence[Any]) -> list[Row]:
        try:
            return connection.execute(_translated.get(sql) or translate(sql), args).fetchall()
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def transact(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue the work; all works of one turn of the event loop go to the writer together."""
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
    return connection
