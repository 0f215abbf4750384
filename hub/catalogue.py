"""The hub's copy of what parties own and push: who may see what, and in which order.

A row is one object as its owner last said it, in the version it was said in. An object broadcast
to all has no ``peer``; a directed one is kept only for its two parties and names the other as
``peer``. Of what was told everyone and what was told him, a viewer sees the newest, in lists
(``paging``) and alone; the owner sees the newest of all. What is told everyone takes the place of
all that is not newer. ``last_updated`` of others' objects is never touched.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pagination, GET All via Hubs).
"""

from dataclasses import dataclass

from hub.database import Database, Transaction
from hub.heads import head
from hub.keeping import Level, UnknownObject, fold, key_of, merged, said_in
from hub.ocpi import codec
from hub.ocpi.errors import UnknownLocation
from hub.ocpi.messages import Body, Party, Request
from hub.ocpi.receiving import check_size
from hub.ocpi.times import microseconds
from hub.paging import PUBLIC, Page, Paging, Query

__all__ = ["PUBLIC", "Catalogue", "Page", "Query"]

_ALWAYS = 2**63 - 1  # a moment nothing is newer than
_NEWEST_FIRST = "last_updated DESC, peer = '', seq DESC"  # equally old, the directed one was told later
_SELECT = (
    "SELECT peer, seq, version, body, last_updated FROM hub_object"  # noqa: S608 -- our own columns
    f" WHERE kind = $1 AND owner = $2 AND object_key = $3 AND peer IN ($4, $5) ORDER BY {_NEWEST_FIRST}"
)


class Catalogue:
    """What the hub remembers of its parties' objects."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._paging = Paging(database)
        # A read that decides a write takes its row where several nodes may write at once.
        self._select = _SELECT + (" FOR UPDATE" if database.dialect == "postgres" else "")

    # -- writing, inside the transaction of whoever acknowledges ---------------------------------

    async def keep(self, tx: Transaction, request: Request, level: Level, peer: str) -> bool:
        """Keep what a PUT, PATCH or DELETE of a Client Owned Object says; True if it made the object.

        Raises:
            UnknownObject: a PATCH or DELETE of what is not here (a Location's is UnknownLocation).
            InvalidParameters: the object outgrows what can be told whole.
        """
        owner = str(Party.of(request.params["country_code"], request.params["party_id"]))
        key = key_of(request, level)
        if request.operation.method == "PUT" and not level.inner:
            assert request.body is not None, "PUT has a judged body"
            return await self._put(tx, level.kind, owner, key, peer, request.body)
        told = await self._told(tx, level.kind, owner, key, peer)
        current = _of(peer, told)
        if request.operation.method == "DELETE":
            if current is None:
                raise UnknownObject
            await self._delete(tx, level.kind, owner, key, peer)
            return False
        body = request.body
        assert body is not None, "PUT and PATCH have a judged body"
        if not told:
            raise UnknownLocation if level.kind == "locations" else UnknownObject
        # What is told one party of an object everyone knows makes a copy of it, which is that pair's.
        version, whole, created = merged(told[0].version, told[0].body, request, body, level)
        text, moment = codec.encode(whole), microseconds(whole["last_updated"])
        check_size(text)
        await self._write(tx, level.kind, owner, key, peer, version, text, moment, current)
        return created

    async def _put(self, tx: Transaction, kind: str, owner: str, key: str, peer: str, body: Body) -> bool:
        """Keep a whole object, most often in the place of an older one; True if there was none."""
        version = body.version.number if body.version else "2.3.0"
        text, moment = body.text(body.version), microseconds(said_in(body).last_updated or "")
        changed = await tx.execute(
            "UPDATE hub_object SET version = $1, body = $2, last_updated = $3"
            " WHERE kind = $4 AND owner = $5 AND object_key = $6 AND peer = $7",
            version, text, moment, kind, owner, key, peer,
        )  # fmt: skip
        if not changed:
            await self._insert(tx, kind, owner, key, peer, version, text, moment)
        if peer == PUBLIC:
            await self._supersede(tx, kind, owner, key, moment)
        return not changed

    async def keep_new(self, tx: Transaction, kind: str, peer: str, body: Body) -> bool:
        """Keep an object once: one that is here already stays as it is (a CDR is never changed)."""
        text = body.text(body.version)
        said = head(text)
        owner, key = str(Party.of(said.country_code or "", said.party_id or "")), fold(said.id or "")
        if _of(peer, await self._told(tx, kind, owner, key, peer)) is not None:
            return False
        version = body.version.number if body.version else "2.3.0"
        await self._insert(tx, kind, owner, key, peer, version, text, microseconds(said.last_updated or ""))
        return True

    async def keep_pulled(
        self, tx: Transaction, kind: str, owner: Party, key: str, peer: str, version: str, text: bytes, moment: int
    ) -> bool:
        """Keep an object pulled from its owner unless what is here is as new; True if it was kept."""
        current = _of(peer, await self._told(tx, kind, str(owner), key, peer))
        if current is not None and current.moment >= moment:
            return False
        await self._write(tx, kind, str(owner), key, peer, version, text, moment, current)
        return True

    async def forget(self, tx: Transaction, owner: Party) -> None:
        """Forget what a party that left has told everyone; what it told one party stays that party's."""
        rows = await tx.fetch(
            "SELECT kind, count(*) FROM hub_object WHERE owner = $1 AND peer = $2 GROUP BY kind", str(owner), PUBLIC
        )
        for kind, gone in rows:
            await _count(tx, kind, PUBLIC, -gone, gone)
        await tx.execute("DELETE FROM hub_object WHERE owner = $1 AND peer = $2", str(owner), PUBLIC)

    async def _write(
        self,
        tx: Transaction,
        kind: str,
        owner: str,
        key: str,
        peer: str,
        version: str,
        body: bytes,
        moment: int,
        current: "_Row | None",
    ) -> None:
        if current is None:
            await self._insert(tx, kind, owner, key, peer, version, body, moment)
        else:
            await tx.execute(
                "UPDATE hub_object SET version = $1, body = $2, last_updated = $3 WHERE seq = $4",
                version, body, moment, current.seq,
            )  # fmt: skip
        if peer == PUBLIC:
            await self._supersede(tx, kind, owner, key, moment)

    async def _insert(
        self, tx: Transaction, kind: str, owner: str, key: str, peer: str, version: str, body: bytes, moment: int
    ) -> None:
        # Counted first: that takes the row of the count, so places are given in the order of the commits.
        await _count(tx, kind, peer, 1, 0)
        await tx.execute(
            "INSERT INTO hub_object (kind, owner, object_key, peer, version, body, last_updated)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            kind, owner, key, peer, version, body, moment,
        )  # fmt: skip

    async def _supersede(self, tx: Transaction, kind: str, owner: str, key: str, moment: int) -> None:
        """Let go of what single parties were told of an object, now that everyone was told something not older."""
        rows = await tx.fetch(
            "DELETE FROM hub_object WHERE kind = $1 AND owner = $2 AND object_key = $3 AND peer > $4"
            " AND last_updated <= $5 RETURNING peer",
            kind, owner, key, PUBLIC, moment,
        )  # fmt: skip
        for (peer,) in sorted(rows):
            await _count(tx, kind, peer, -1, 1)

    async def _delete(self, tx: Transaction, kind: str, owner: str, key: str, peer: str) -> None:
        """Take away what a pair was told; where everyone is told that an object is gone, it is gone for everyone."""
        await tx.execute(
            "DELETE FROM hub_object WHERE kind = $1 AND owner = $2 AND object_key = $3 AND peer = $4",
            kind, owner, key, peer,
        )  # fmt: skip
        await _count(tx, kind, peer, -1, 1)
        if peer == PUBLIC:
            await self._supersede(tx, kind, owner, key, _ALWAYS)

    async def _told(self, tx: Transaction, kind: str, owner: str, key: str, peer: str) -> "list[_Row]":
        """Return what a party was told of an object, by itself and with everyone, the newest first."""
        return [_Row(*row) for row in await tx.fetch(self._select, kind, owner, key, peer, PUBLIC)]

    # -- reading --------------------------------------------------------------------------------

    async def page(self, kind: str, viewer: Party, query: Query) -> Page:
        """Return a page of what ``viewer`` may see of a kind, oldest first."""
        return await self._paging.page(kind, viewer, query)

    async def find(self, kind: str, owner: Party, key: str, viewer: Party | None) -> tuple[str, bytes] | None:
        """Return (version, text) of an object as ``viewer`` may see it; without one, as everyone was told it."""
        rows = await self._database.fetch(
            "SELECT version, body FROM hub_object WHERE kind = $1 AND owner = $2 AND object_key = $3"  # noqa: S608 -- our own columns
            f" AND (peer IN ($4, $5) OR owner = $5) ORDER BY {_NEWEST_FIRST} LIMIT 1",
            kind, str(owner), key, PUBLIC, str(viewer) if viewer else PUBLIC, cheap=True,
        )  # fmt: skip
        return (rows[0][0], bytes(rows[0][1])) if rows else None

    async def public(self, tx: Transaction, kind: str, owner: Party, key: str) -> tuple[str, bytes] | None:
        """Return (version, text) of an object as everyone was told it, in a transaction that will tell it."""
        told = await self._told(tx, kind, str(owner), key, PUBLIC)
        return (told[0].version, bytes(told[0].body)) if told else None

    async def holders(self, kind: str, key: str, viewer: Party) -> list[tuple[Party, str, str, bytes]]:
        """Return (owner, peer, version, text) of the objects of an id that ``viewer`` may know, the newest first."""
        rows = await self._database.fetch(
            "SELECT owner, peer, version, body FROM hub_object WHERE kind = $1 AND object_key = $2"  # noqa: S608 -- our own columns
            f" AND (peer IN ($3, $4) OR owner = $4) ORDER BY {_NEWEST_FIRST}",
            kind, key, PUBLIC, str(viewer), cheap=True,
        )  # fmt: skip
        return [(Party.parse(owner), peer, version, bytes(body)) for owner, peer, version, body in rows]

    async def peers_of(self, kind: str, owner: Party, key: str) -> list[str]:
        """Return whom a directed object was told, as CC-PID; for judging who may speak of it."""
        rows = await self._database.fetch(
            "SELECT peer FROM hub_object WHERE kind = $1 AND object_key = $2 AND owner = $3",
            kind, key, str(owner), cheap=True,
        )  # fmt: skip
        return [peer for (peer,) in rows]

    async def owners_of(self, kind: str, prefix: str, viewer: Party) -> list[Party]:
        """Return the owners of the objects whose key begins so (a Token's uid, of any type)."""
        rows = await self._database.fetch(
            "SELECT DISTINCT owner FROM hub_object WHERE kind = $1 AND object_key >= $2 AND object_key < $3"
            " AND (peer IN ($4, $5) OR owner = $5)",
            kind, prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1), PUBLIC, str(viewer), cheap=True,
        )  # fmt: skip
        return [Party.parse(owner) for (owner,) in rows]


@dataclass(frozen=True)
class _Row:
    peer: str
    seq: int
    version: str
    body: bytes
    moment: int


def _of(peer: str, told: "list[_Row]") -> "_Row | None":
    """Return the row of this pair, or of everyone, among those an object has."""
    return next((row for row in told if row.peer == peer), None)


async def _count(tx: Transaction, kind: str, peer: str, more: int, deleted: int) -> None:
    await tx.execute(
        "INSERT INTO hub_count (kind, peer, total, deleted) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (kind, peer) DO UPDATE SET total = hub_count.total + $3, deleted = hub_count.deleted + $4",
        kind, peer, more, deleted,
    )  # fmt: skip
