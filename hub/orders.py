"""How a command reaches the running server: an order is a row that the server takes, carries out and answers.

A row is ``new`` until a server takes it (then its arguments are erased, they may hold a token) and ``done`` or
``failed`` in the end. It is taken at most once, by whichever node is first. An order that nobody takes within
``PATIENCE`` is ``withdrawn``: no server runs. The giver deletes its row; what it leaves behind is pruned.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

from hub.database import Database, DatabaseUnavailable, Row, Transaction
from hub.ocpi import codec
from hub.ocpi.errors import OcpiError
from hub.ocpi.objects import JSON

log = logging.getLogger(__name__)

CHANNEL = "orders"
PATIENCE = 3.0  # seconds until an order nobody took is withdrawn
FRESH = 60.0  # seconds an order may be old when it is taken: its giver waits only that long, clocks aside
SWEEP = 1.0  # seconds between looks for orders whose notification was missed
KEPT = 3600.0  # seconds a row is kept whose giver has gone

Handler = Callable[[JSON], Awaitable[JSON]]


class NoServer(Exception):
    """Nobody took the order."""


class Refused(Exception):
    """What an operator asked for was not done; the message is one line that ends with a remedy.

    Attributes:
        exit: the exit code of the command: 1 refused or failed, 2 wrong use.
    """

    def __init__(self, message: str, *, exit: int = 1) -> None:  # noqa: A002 -- the word of the command line
        super().__init__(message)
        self.exit = exit


async def give(database: Database, kind: str, arguments: JSON, *, timeout: float = 60.0) -> JSON:
    """Return the running server's answer to an order.

    Args:
        kind: the name of its handler, such as ``party.register``.
        timeout: how long to wait once it is taken, in seconds.

    Raises:
        NoServer: no server took it; it never will be.
        Refused: the server could not do it, or has not finished in time.
    """
    name = secrets.token_hex(12)
    try:
        await database.transact(lambda tx: _put(tx, name, kind, codec.encode(arguments)))
        if await _left(database, name, "new", PATIENCE) == "new" and await _withdraw(database, name):
            raise NoServer
        if await _left(database, name, "taken", timeout) == "taken":
            raise Refused(f"the server took the order and has not finished after {timeout:g} s; look again later")
        return await _result(database, name)
    except asyncio.CancelledError:
        await asyncio.shield(_withdraw(database, name))
        raise


async def _put(tx: Transaction, name: str, kind: str, arguments: bytes) -> None:
    await tx.execute(
        "INSERT INTO hub_order (id, kind, arguments, state, result, created) VALUES ($1, $2, $3, 'new', $4, $5)",
        name, kind, arguments, b"", _now(),
    )  # fmt: skip
    tx.notify(CHANNEL, name)


async def _left(database: Database, name: str, state: str, patience: float) -> str:
    """Return the state that follows, or the same one when patience is at its end."""
    deadline = time.monotonic() + patience
    pause = 0.02
    while True:
        rows = await database.fetch("SELECT state FROM hub_order WHERE id = $1", name)
        found = rows[0][0] if rows else "gone"
        if found != state or time.monotonic() > deadline:
            return str(found)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)


async def _withdraw(database: Database, name: str) -> bool:
    """Take back an order nobody took; False if somebody was faster."""

    async def work(tx: Transaction) -> bool:
        return await tx.execute("DELETE FROM hub_order WHERE id = $1 AND state = 'new'", name) == 1

    return await database.transact(work)


async def _result(database: Database, name: str) -> JSON:
    rows = await database.fetch("SELECT state, result FROM hub_order WHERE id = $1", name)
    if not rows:
        raise Refused("the order's row is gone, so its outcome is unknown; look at the state of things and try again")
    ((state, result),) = rows
    await database.transact(lambda tx: tx.execute("DELETE FROM hub_order WHERE id = $1", name))
    value = codec.decode(result)
    if state == "failed":
        raise Refused(value["error"], exit=value["exit"])
    return value


async def serve(database: Database, handlers: Mapping[str, Handler]) -> None:
    """Carry out orders until cancelled, several at a time."""
    known = {"ping": _ping, **handlers}
    wake = asyncio.Event()
    database.listen(CHANNEL, lambda _: wake.set())
    await database.transact(_prune)
    async with asyncio.TaskGroup() as running:
        while True:
            wake.clear()
            try:
                for name, kind, arguments in await _take(database):
                    running.create_task(_carry_out(database, name, known.get(kind), kind, arguments))
            except DatabaseUnavailable as error:
                log.warning("orders cannot be read: %s", error)
            # Not wait_for, which in Python 3.11 may swallow a cancellation that comes with the wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP):
                    await wake.wait()


async def _ping(_: JSON) -> JSON:
    return {}


async def _prune(tx: Transaction) -> None:
    await tx.execute("DELETE FROM hub_order WHERE created < $1", _now() - int(KEPT * 1e6))


async def _take(database: Database) -> list[Row]:
    """Take all that is new; in a transaction of the server's only if there is something."""
    oldest = _now() - int(FRESH * 1e6)
    fresh = "SELECT id, kind, arguments FROM hub_order WHERE state = 'new' AND created > $1 ORDER BY created, id"
    if not await database.fetch(fresh, oldest):
        return []

    async def work(tx: Transaction) -> list[Row]:
        rows = await tx.fetch(fresh, oldest)
        update = "UPDATE hub_order SET state = 'taken', arguments = $2 WHERE id = $1 AND state = 'new'"
        return [row for row in rows if await tx.execute(update, row[0], b"") == 1]

    return await database.transact(work)


async def _carry_out(database: Database, name: str, handler: Handler | None, kind: str, arguments: bytes) -> None:
    state, result = "failed", {"error": "the server stopped before it had finished; try again", "exit": 1}
    try:
        state, result = await _outcome(handler, kind, codec.decode(arguments))
    finally:
        # Also when the server stops: whoever gave the order waits for a word.
        await asyncio.shield(_finish(database, name, state, codec.encode(result)))


async def _outcome(handler: Handler | None, kind: str, arguments: JSON) -> tuple[str, JSON]:
    if handler is None:
        return _failed(f"this server cannot do {kind}; give the command to one that runs the room it belongs to")
    try:
        return "done", await handler(arguments)
    except Refused as error:
        return _failed(str(error), error.exit)
    except OcpiError as error:
        return _failed(f"{error} (OCPI status {error.status_code}); 'emall doctor' tells how things are")
    except DatabaseUnavailable as error:
        return _failed(str(error), 2)
    except Exception as error:
        log.exception("order %s failed", kind)
        return _failed(f"{kind} failed in the server ({type(error).__name__}); its log says more")


def _failed(message: str, code: int = 1) -> tuple[str, JSON]:
    return "failed", {"error": message, "exit": code}


async def _finish(database: Database, name: str, state: str, result: bytes) -> None:
    update = "UPDATE hub_order SET state = $2, result = $3 WHERE id = $1"
    try:
        await database.transact(lambda tx: tx.execute(update, name, state, result))
    except DatabaseUnavailable as error:
        log.error("the outcome of order %s cannot be written: %s", name, error)


def _now() -> int:
    return time.time_ns() // 1000
