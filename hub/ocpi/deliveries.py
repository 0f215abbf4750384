"""The outbox's rows: a push once, and a delivery for each party it goes to.

The state of a delivery is pending, then done or failed, both final unless an operator has it sent again. Its id is
its push's id times 100,000 plus its number among the push's destinations, so ids ascend as pushes were stored and one
range of the primary key is one push.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from hub.database.contract import Database, Row, Transaction
from hub.ocpi import codec
from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.messages import Body, Dialect, Party
from hub.ocpi.queues import Delivery, Push, State, Verdict

#: Told to the node that delivers, with the push's id, when there is something to deliver.
CHANNEL = "deliveries"

#: Why a delivery that failed is not made any more: the party was told the object as it was when it returned.
TOLD_LATER = "party was away; it was told the present state when it returned"

SPAN = 100_000
_PAGE = 1_000  # rows read, or deleted, at once


class Destination(NamedTuple):
    """A party on a connection, and whether anything is sent there now.

    Attributes:
        reason: why not, if not.
    """

    connection_id: str
    party: Party
    deliverable: bool = True
    reason: str = ""


class DeliveryInfo(NamedTuple):
    """A delivery as an operator sees it; times in microseconds since 1970, UTC."""

    id: int
    connection_id: str
    party: str
    operation: str
    object_key: str
    correlation_id: str
    state: State
    attempts: int
    reason: str
    created: int
    updated: int


class Missed(NamedTuple):
    """A push that did not reach a party; None where this release does not know its operation or version."""

    id: int
    push: Push | None
    party: Party


def microseconds() -> int:
    """Return now, in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


async def insert(tx: Transaction, push: Push, destinations: Sequence[Destination], at: int) -> int:
    """Store a push and its deliveries; return the push's id."""
    assert len(destinations) <= SPAN, "delivery ids would run into the next push's"
    body = push.body
    ((push_id,),) = await tx.fetch(
        "INSERT INTO ocpi_push (operation, params, query, body, version, sender, owner, correlation_id, object_key,"
        " created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        str(push.operation), codec.encode(push.params).decode(), push.query,
        b"" if body is None else body.text(body.version),
        "" if body is None or body.version is None else body.version.number,
        str(push.sender), str(push.owner), push.correlation_id, push.key, at,
    )  # fmt: skip
    first = push_id * SPAN
    await tx.executemany(
        "INSERT INTO ocpi_delivery (id, push_id, connection_id, party, state, attempts, reason, again, created,"
        " updated) VALUES ($1, $2, $3, $4, $5, 0, $6, 0, $7, $7)",
        [
            (first + number, push_id, to, str(party), "pending" if deliverable else "failed", reason, at)
            for number, (to, party, deliverable, reason) in enumerate(destinations)
        ],
    )
    return cast(int, push_id)


async def settle(tx: Transaction, verdicts: Iterable[Verdict], at: int) -> None:
    """Record what became of deliveries; what is final already stays so."""
    await tx.executemany(
        "UPDATE ocpi_delivery SET state = $2, attempts = $3, reason = $4, updated = $5"
        " WHERE id = $1 AND state = 'pending'",
        [(*verdict, at) for verdict in verdicts],
    )


async def pending(
    database: Database, versions: Mapping[str, Dialect], *, push_id: int | None = None, after: int = -1
) -> tuple[list[Delivery], list[Verdict], int | None]:
    """Return a page of the deliveries that wait, in order, and what became of those that nobody can send any more.

    Args:
        database: where they are.
        versions: by number, the versions bodies may be in.
        push_id: only those of this push.
        after: the id of the last one seen.

    Returns:
        The deliveries, the verdicts, and the id to go on after; None at the end.
    """
    low = after if push_id is None else max(after, push_id * SPAN - 1)
    high = 2**63 - 1 if push_id is None else (push_id + 1) * SPAN
    rows = await database.fetch(
        "SELECT id, push_id, connection_id, party, attempts, again FROM ocpi_delivery"
        " WHERE state = 'pending' AND id > $1 AND id < $2 ORDER BY id LIMIT $3",
        low, high, _PAGE,
    )  # fmt: skip
    operations = _operations()
    pushes = {each: await _push(database, each, operations, versions) for each in {row[1] for row in rows}}
    found: list[Delivery] = []
    lost: list[Verdict] = []
    for delivery_id, of, connection_id, party, attempts, again in rows:
        push = pushes[of]
        if push is None:
            lost.append(Verdict(delivery_id, "failed", attempts, "this release has no such operation or version"))
        else:
            found.append(Delivery(delivery_id, push, connection_id, Party.parse(party), attempts, bool(again)))
    return found, lost, rows[-1][0] if len(rows) == _PAGE else None


def _operations() -> dict[str, Operation]:
    return {str(operation): operation for module in REGISTRY.values() for operation in module.operations}


async def _push(
    database: Database, push_id: int, operations: Mapping[str, Operation], versions: Mapping[str, Dialect]
) -> Push | None:
    """Return a stored push; None if this release does not know its operation or version."""
    ((name, params, query, text, number, sender, owner, correlation_id, key),) = await database.fetch(
        "SELECT operation, params, query, body, version, sender, owner, correlation_id, object_key"
        " FROM ocpi_push WHERE id = $1",
        push_id, cheap=True,
    )  # fmt: skip
    operation = operations.get(name)
    if operation is None or (number and number not in versions):
        return None
    belongs = Party.parse(owner)
    body = Body(
        operation.body,
        text=bytes(text),
        version=versions[number] if number else None,
        owner=belongs,
        partial=operation.method == "PATCH",
    )
    return Push(
        operation=operation,
        params=codec.decode(params.encode()),
        body=body if text else None,
        sender=Party.parse(sender),
        owner=belongs,
        correlation_id=correlation_id,
        key=key,
        query=query,
    )


async def list_deliveries(
    database: Database,
    *,
    party: Party | None = None,
    connection_id: str | None = None,
    correlation_id: str | None = None,
    state: State | None = None,
    limit: int = 100,
) -> list[DeliveryInfo]:
    """Return deliveries for an operator, the newest first."""
    asked = [
        ("d.party", str(party) if party else None),
        ("d.connection_id", connection_id),
        ("p.correlation_id", correlation_id),
        ("d.state", state),
    ]
    given = [(column, value) for column, value in asked if value is not None]
    where = " AND ".join(f"{column} = ${number}" for number, (column, _) in enumerate(given, 1))
    rows: list[Row] = await database.fetch(
        "SELECT d.id, d.connection_id, d.party, p.operation, p.object_key, p.correlation_id, d.state, d.attempts,"  # noqa: S608 -- our own columns
        " d.reason, d.created, d.updated FROM ocpi_delivery d JOIN ocpi_push p ON p.id = d.push_id"
        f"{' WHERE ' + where if where else ''} ORDER BY d.id DESC LIMIT ${len(given) + 1}",
        *(value for _, value in given), limit,
    )  # fmt: skip
    return [DeliveryInfo(*row) for row in rows]


async def retry(database: Database, delivery_id: int) -> None:
    """Have a delivery sent again, with the object as it is then; the node that delivers hears of it.

    Raises:
        LookupError: there is no such delivery.
        ValueError: it still waits.
    """
    at = microseconds()

    async def work(tx: Transaction) -> None:
        changed = await tx.execute(
            "UPDATE ocpi_delivery SET state = 'pending', again = 1, attempts = 0, reason = '', updated = $2"
            " WHERE id = $1 AND state <> 'pending'",
            delivery_id, at,
        )  # fmt: skip
        if changed:
            tx.notify(CHANNEL, str(delivery_id // SPAN))
        elif await tx.fetch("SELECT 1 FROM ocpi_delivery WHERE id = $1", delivery_id):
            raise ValueError(f"delivery {delivery_id} still waits; it is sent by itself")
        else:
            raise LookupError(f"there is no delivery {delivery_id}; see `emall deliveries list`")

    await database.transact(work)


async def missed(
    database: Database, versions: Mapping[str, Dialect], connection_id: str, reasons: tuple[str, str], after: int
) -> list["Missed"]:
    """Return some of the pushes a connection missed for these reasons or by not answering (4002), in order."""
    rows = await database.fetch(
        "SELECT id, push_id, party FROM ocpi_delivery WHERE state = 'failed' AND connection_id = $1 AND id > $2"
        " AND (reason IN ($3, $4) OR reason LIKE '4002 %') ORDER BY id LIMIT 100",
        connection_id, after, *reasons,
    )  # fmt: skip
    operations = _operations()
    return [
        Missed(delivery_id, await _push(database, push_id, operations, versions), Party.parse(party))
        for delivery_id, push_id, party in rows
    ]


async def note_told(tx: Transaction, delivery_id: int) -> bool:
    """Note that a party is told the present state instead of what it missed; False if that is noted already."""
    return await tx.execute(
        "UPDATE ocpi_delivery SET reason = $2 WHERE id = $1 AND state = 'failed' AND reason <> $2",
        delivery_id, TOLD_LATER,
    ) > 0  # fmt: skip


async def prune(database: Database, *, done_before: int, failed_before: int) -> None:
    """Forget deliveries created before these times, in microseconds, and the pushes that have none left."""
    for state, before in (("done", done_before), ("failed", failed_before)):
        await _delete(
            database,
            "DELETE FROM ocpi_delivery WHERE id IN"
            " (SELECT id FROM ocpi_delivery WHERE state = $1 AND created < $2 LIMIT $3)",
            state, before,
        )  # fmt: skip
    await _delete(
        database,
        "DELETE FROM ocpi_push WHERE id IN (SELECT p.id FROM ocpi_push p WHERE p.created < $1 AND NOT EXISTS"
        " (SELECT 1 FROM ocpi_delivery d WHERE d.id >= p.id * $2 AND d.id < (p.id + 1) * $2) LIMIT $3)",
        max(done_before, failed_before),
        SPAN,
    )


async def _delete(database: Database, sql: str, *args: object) -> None:
    """Run a limited DELETE until it finds less than its limit; short works let the others through."""
    while await database.transact(lambda tx: tx.execute(sql, *args, _PAGE)) == _PAGE:
        pass
