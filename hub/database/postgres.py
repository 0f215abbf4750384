"""The store of several nodes: PostgreSQL, works of one process in one transaction after another, LISTEN/NOTIFY between.

Three kinds of connection: one writes, one listens (and holds the lead), a small pool reads. Each is opened anew when it
was lost. What was not yet acknowledged then fails towards its caller; nothing is tried again behind its back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Literal, NamedTuple, Self, TypeAlias, TypeVar

import asyncpg

from hub.database.contract import PAYLOAD_LIMIT, Conflict, DatabaseUnavailable, Listener, Row, Work
from hub.database.listeners import Listeners
from hub.database.schema import APPLIED, pending, script

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
logger = logging.getLogger(__name__)

GROUP_LIMIT = 256  # works in one commit
CONNECT_TIMEOUT = 5.0  # seconds
CLOSE_TIMEOUT = 2.0  # seconds
COMMAND_TIMEOUT = 30.0  # seconds; a server that has vanished without a word is noticed then
KEEPALIVE = 10.0  # seconds between questions whether the listening connection lives
CHANNEL = "emall"
RETRY_PAUSE = 0.5  # seconds between attempts to reach a server that went away
LEAD_KEY = 0x454D414C  # advisory lock of the node that leads: "EMAL"
MIGRATE_KEY = 0x454D4947


def explain(error: BaseException) -> BaseException:
    """Return what a caller should see for an error of PostgreSQL or of the way to it."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return Conflict(str(error))
    if isinstance(error, asyncpg.DiskFullError):
        return DatabaseUnavailable("PostgreSQL's disk is full; free some space")
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        return DatabaseUnavailable(f"PostgreSQL refuses us: {error}; check user and password in the URL")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return DatabaseUnavailable(f"PostgreSQL: {error}; create it or correct the URL")
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        return DatabaseUnavailable("two nodes wrote the same rows crosswise; try again")
    if isinstance(error, _LOST) or (isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)):
        return DatabaseUnavailable(
            f"PostgreSQL cannot be reached ({error}); see that it runs and that the URL is right"
        )
    return error


_LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # an answer asyncpg cannot place, as after the server ends a connection in its middle
)
_ANY = (*_LOST, asyncpg.PostgresError, asyncpg.InterfaceError)


async def connect(url: str) -> Connection:
    """Return a connection.

    Raises:
        DatabaseUnavailable: the URL is wrong, or the server is away or refuses us.
    """
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, command_timeout=COMMAND_TIMEOUT)
    except _ANY as error:
        raise explain(error) from error
    except ValueError as error:
        raise DatabaseUnavailable(
            f"the database URL is not right ({error}); it reads postgres://user:password@host:port/name"
        ) from error


async def migrate(connection: Connection) -> None:
    """Bring the schema up to date; of nodes that start together one does it, the others wait and find it done."""
    if not pending(await _applied(connection)):
        return
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATE_KEY})")
        for name in pending(await _applied(connection)):
            await connection.execute(script(name, "postgres"))


async def _applied(connection: Connection) -> list[str]:
    if await connection.fetchval("SELECT to_regclass('tortoise_migrations')") is None:
        return []
    return [name for (name,) in await connection.fetch(APPLIED)]


class PostgresTransaction:
    """One work's view of the writing connection."""

    __slots__ = ("_connection", "failed", "notes")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.notes: list[tuple[str, str]] = []
        self.failed: asyncpg.PostgresError | None = None

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        return [tuple(row) for row in await self._ask(self._connection.fetch(sql, *args))]

    async def execute(self, sql: str, *args: Any) -> int:
        count = (await self._ask(self._connection.execute(sql, *args))).rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        await self._ask(self._connection.executemany(sql, rows))

    async def _ask(self, answer: Awaitable[Any]) -> Any:
        """Return the server's answer; remember the first error, for a work that hides it cannot go on."""
        try:
            return await answer
        except asyncpg.PostgresError as error:
            self.failed = self.failed or error
            raise

    def notify(self, channel: str, payload: str = "") -> None:
        if len(payload) > PAYLOAD_LIMIT:
            raise ValueError(f"a notification carries at most {PAYLOAD_LIMIT} characters")
        self.notes.append((channel, payload))


class _Job(NamedTuple):
    work: Work[Any]
    future: asyncio.Future[Any]


class _Ear:
    """The connection that listens, and that holds the lead while it lives; opened anew whenever it was lost.

    All our channels travel on one of PostgreSQL's, so that nothing is missed between opening the store and the first
    ``listen``.
    """

    def __init__(self, url: str, connection: Connection, listeners: Listeners) -> None:
        self._url = url
        self._connection = connection
        self._listeners = listeners
        self._lock = asyncio.Lock()
        self._gone = asyncio.Event()
        self.own_pid = 0
        self._task: asyncio.Task[None]

    @classmethod
    async def open(cls, url: str, listeners: Listeners) -> Self:
        ear = cls(url, await connect(url), listeners)
        await ear._attend()
        ear._task = asyncio.get_running_loop().create_task(ear._stay())
        return ear

    async def _attend(self) -> None:
        self._gone.clear()
        self._connection.add_termination_listener(lambda _: self._gone.set())
        await self._connection.add_listener(CHANNEL, self._heard)

    def _heard(self, connection: object, pid: int, channel: str, text: object) -> None:
        if pid != self.own_pid:
            name, _, payload = str(text).partition(":")
            self._listeners.tell(name, payload)

    async def _stay(self) -> None:
        """Notice a lost connection at once if it was closed, within some seconds if it fell silent."""
        while True:
            try:
                await asyncio.wait_for(self._gone.wait(), KEEPALIVE)
            except TimeoutError:
                if await self._ask("SELECT true"):
                    continue
            self._connection.terminate()
            await asyncio.sleep(RETRY_PAUSE)
            await self._return()

    async def _return(self) -> None:
        try:
            self._connection = await connect(self._url)
            await self._attend()
        except (DatabaseUnavailable, *_ANY) as error:
            logger.warning("listening for other nodes: %s", error)
            self._gone.set()
            return
        for channel in self._listeners.channels:
            self._listeners.tell(channel, "")

    async def _ask(self, sql: str) -> bool:
        """Return the answer of the server, False if there is none."""
        async with self._lock:
            try:
                return bool(await self._connection.fetchval(sql, timeout=CONNECT_TIMEOUT))
            except _ANY:
                return False

    async def try_lead(self) -> bool:
        return await self._ask(f"SELECT pg_try_advisory_lock({LEAD_KEY})")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await _leave(self._connection)


class PostgresDatabase:
    """A database on a PostgreSQL server, shared with other nodes."""

    dialect: Literal["postgres"] = "postgres"

    def __init__(self, url: str, writer: Connection, pool: Pool, ear: _Ear, listeners: Listeners) -> None:
        self._url = url
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._pool = pool
        self._ear = ear
        self._listeners = listeners
        self._ear.own_pid = writer.get_server_pid()
        self._waiting: list[_Job] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._writing = self._loop.create_task(self._write())

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, migrate, and return the store."""
        listeners = Listeners()
        async with AsyncExitStack() as opened:
            try:
                writer = await connect(url)
                opened.push_async_callback(_leave, writer)
                await migrate(writer)
                pool = await asyncpg.create_pool(
                    url, min_size=1, max_size=4, timeout=CONNECT_TIMEOUT, command_timeout=COMMAND_TIMEOUT, reset=_as_is
                )
                opened.push_async_callback(_leave, pool)
                ear = await _Ear.open(url, listeners)
            except _ANY as error:
                raise explain(error) from error
            opened.pop_all()
        return cls(url, writer, pool, ear, listeners)

    async def fetch(self, sql: str, *args: Any, cheap: bool = False) -> list[Row]:
        try:
            try:
                rows = await self._pool.fetch(sql, *args)
            except (*_LOST, asyncpg.InterfaceError):
                rows = await self._pool.fetch(sql, *args)  # a read may be asked twice; this takes a new connection
        except _ANY as error:
            raise explain(error) from error
        return [tuple(row) for row in rows]

    def fetch_now(self, sql: str, *args: Any) -> list[Row]:
        raise NotImplementedError("PostgreSQL is asked with fetch")

    def transact(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue the work; all works of one turn of the event loop go into one transaction."""
        if self._closing:
            raise DatabaseUnavailable("the connection to PostgreSQL is closed; open it again")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Job(work, future))
        self._wake.set()
        return future

    async def _write(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                jobs = self._waiting[:GROUP_LIMIT]
                del self._waiting[:GROUP_LIMIT]
                await self._commit(jobs)

    async def _commit(self, jobs: list[_Job]) -> None:
        """Run the jobs in one transaction and hand the results back; if the store itself fails, all of them fail."""
        notes: list[tuple[str, str]] = []
        try:
            await self._begin()
            outcomes = [await self._run(job, notes) for job in jobs]
            if notes:
                await self._notify(notes)
            await self._writer.execute("COMMIT")
        except Exception as error:
            self._writer.terminate()
            _fail(jobs, explain(error))
            return
        for job, (result, fault) in zip(jobs, outcomes, strict=True):
            if not job.future.done():
                job.future.set_exception(fault) if fault else job.future.set_result(result)
        for channel, payload in notes:
            self._listeners.tell(channel, payload)

    async def _begin(self) -> None:
        """Begin on the writing connection; as nothing ran yet, a lost connection costs nobody more than a new one."""
        if not self._writer.is_closed():
            with suppress(*_LOST):
                await self._writer.execute("BEGIN; SAVEPOINT work")
                return
            self._writer.terminate()
        self._writer = await connect(self._url)
        self._ear.own_pid = self._writer.get_server_pid()
        await self._writer.execute("BEGIN; SAVEPOINT work")

    async def _run(self, job: _Job, notes: list[tuple[str, str]]) -> tuple[Any, BaseException | None]:
        """Run one work in a savepoint of its own; releasing it fails after an error the work hid."""
        transaction = PostgresTransaction(self._writer)
        try:
            result = await job.work(transaction)
            await self._writer.execute("RELEASE SAVEPOINT work; SAVEPOINT work")
        except BaseException as error:
            if self._writer.is_closed() or self._writing.cancelling():
                raise
            await self._writer.execute("ROLLBACK TO SAVEPOINT work")
            return None, explain(transaction.failed or error)
        notes += transaction.notes
        return result, None

    async def _notify(self, notes: list[tuple[str, str]]) -> None:
        texts = [f"{channel}:{payload}" for channel, payload in notes]
        await self._writer.execute(f"SELECT pg_notify('{CHANNEL}', t) FROM unnest($1::text[]) AS t", texts)  # noqa: S608 -- our constant

    def listen(self, channel: str, callback: Listener) -> None:
        self._listeners.add(channel, callback)

    async def try_lead(self) -> bool:
        return await self._ear.try_lead()

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        await self._writing
        await self._ear.close()
        await _leave(self._writer)
        await _leave(self._pool)


def _fail(jobs: list[_Job], fault: BaseException) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(fault)


async def _as_is(connection: object) -> None:
    """Give a connection back to the pool as it is: one statement has read, and asyncpg's reset is a second one."""


async def _leave(connection: Any) -> None:
    """Say goodbye to the server; without an answer, go all the same."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.close()
    except _ANY:
        connection.terminate()
