"""The present state of what was pushed: what an operator's retry sends, and what a party that was away is told.

Nothing is replayed as it was said. What is sent is what everyone is told of the object now: never what was
addressed to a single party, and nothing where the object is gone, but that it is.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Offline behaviour).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from hub.catalogue import Catalogue
from hub.database import Database, Transaction
from hub.keeping import Level, descend, key_of, level_of
from hub.ocpi import codec
from hub.ocpi.deliveries import Missed, missed, note_told
from hub.ocpi.errors import OcpiError
from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.messages import Body, Party, Request, message_id
from hub.ocpi.outbox import OFFLINE, Destination, Outbox, Push
from hub.ocpi.queues import QUEUE_FULL
from hub.ocpi.versions import VERSIONS


@dataclass(frozen=True)
class Present:
    """Tells objects as they are now."""

    database: Database
    catalogue: Catalogue

    async def of(self, push: Push) -> Push:
        """Return what to send instead of a push: the PUT of what it was about, or a DELETE that still holds.

        Raises:
            OcpiError: what it was about is no longer here.
        """
        level = _level(push)
        found = await self.catalogue.find(level.kind, push.owner, _key(push, level), None)
        now = _put(push, found, push.operation.path)
        if now is None:
            raise OcpiError("nothing is sent: the object is no longer here")
        return now

    async def tell(self, outbox: Outbox, connection_id: str) -> None:
        """Tell a party that is back, unasked, the present state of each object whose push it missed."""
        told: set[tuple[Party, str]] = set()
        after = -1
        while rows := await missed(self.database, VERSIONS, connection_id, (OFFLINE, QUEUE_FULL), after):
            after = rows[-1].id
            work = partial(self._tell, outbox=outbox, connection_id=connection_id, rows=rows, told=told)
            await self.database.transact(work)

    async def _tell(
        self, tx: Transaction, *, outbox: Outbox, connection_id: str, rows: list[Missed], told: set[tuple[Party, str]]
    ) -> None:
        """Enqueue what some rows are about; what another node has told is left out.

        An object is read and its push enqueued in one transaction, so that a newer push comes after it.
        """
        for row in rows:
            if not await note_told(tx, row.id) or row.push is None or (row.party, row.push.key) in told:
                continue
            level = _level(row.push)
            found = await self.catalogue.public(tx, level.kind, row.push.owner, _key(row.push, level))
            now = _put(row.push, found, _whole(row.push.operation.module, level))
            if now is not None:
                told.add((row.party, row.push.key))
                now = replace(now, correlation_id=message_id())
                await outbox.enqueue(tx, now, [Destination(connection_id, row.party)])


def _put(push: Push, found: tuple[str, bytes] | None, path: str) -> Push | None:
    """Return the PUT of what stands at ``path``, the DELETE if that is what was said; None if it is gone."""
    if found is None:
        return push if push.operation.method == "DELETE" else None
    put = _operation(push.operation.module, path)
    level, (version, text) = level_of(put), found
    if level is not None and level.inner:
        part = descend(codec.decode(text), push.params, level)
        if part is None:
            return None
        text = codec.encode(part)
    body = Body(put.body, text=text, version=VERSIONS[version], owner=push.owner)
    return replace(push, operation=put, params=_needed(push.params, put), body=body)


def _level(push: Push) -> Level:
    level = level_of(push.operation)
    assert level is not None, "what is pushed is kept"
    return level


def _key(push: Push, level: Level) -> str:
    return key_of(Request(push.operation, push.sender, None, push.params, query=push.query), level)


def _operation(module: str, path: str) -> Operation:
    operations = REGISTRY[module].receiver.operations
    return next(each for each in operations if (each.method, each.path) == ("PUT", path))


def _whole(module: str, level: Level) -> str:
    """Return the path of the whole object of a kind."""
    levels = ((each.path, level_of(each)) for each in REGISTRY[module].receiver.operations if each.method == "PUT")
    return next(path for path, other in levels if other and other.kind == level.kind and not other.inner)


def _needed(params: Mapping[str, str], operation: Operation) -> dict[str, str]:
    return {name: value for name, value in params.items() if f"{{{name}}}" in operation.segments}
