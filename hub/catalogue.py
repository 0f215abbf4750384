"""The hub's copy of what parties own and push: who may see what, and in which order.

A row is one object as its owner last said it, in the version it was said in. An object broadcast
to all has no ``peer``; a directed one is kept only for its two parties and names the other as
``peer``. ``seq`` is the order of creation, which is the order of pages: an object that changes
keeps its place, so a crawl along ``seq`` neither skips nor doubles. ``last_updated`` of others'
objects is never touched.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pagination, GET All via Hubs).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.database import Database, Transaction
from hub.heads import head
from hub.keeping import Level, UnknownObject, fold, key_of, merged, said_in
from hub.ocpi import codec
from hub.ocpi.errors import UnknownLocation
from hub.ocpi.messages import Body, Party, Request
from hub.ocpi.receiving import check_size
from hub.ocpi.times import microseconds

PUBLIC = ""  # the peer of an object that everyone may see
_ANCHOR_EVERY = 1000
_SELECT = (
    "SELECT seq, version, body, last_updated FROM hub_object"
    " WHERE kind = $1 AND owner = $2 AND object_key = $3 AND peer = $4"
)


@dataclass(frozen=True)
class Page:
    """Some objects of a list: each with the version it is in.

    Attributes:
        total: how many match in all (X-Total-Count).
        after: the cursor of the next page; None on the last.
    """

    objects: list[tuple[str, bytes]]
    total: int
    after: int | None


@dataclass(frozen=True)
class Query:
    """What a list is asked for; times in microseconds."""

    date_from: int | None = None
    date_to: int | None = None
    offset: int = 0
    limit: int = 100
    after: int | None = None


@dataclass
class _Anchors:
    """Positions of every thousandth public object of a kind, good while none is deleted."""

    deleted: int
    seqs: list[int] = field(default_factory=lambda: [0])


class Catalogue:
    """What the hub remembers of its parties' objects."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._anchors: dict[str, _Anchors] = {}
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
        current = await self._current(tx, level.kind, owner, key, peer)
        if request.operation.method == "DELETE":
            if current is None:
                raise UnknownObject
            await self._delete(tx, level.kind, owner, key, peer)
            return False
        body = request.body
        assert body is not None, "PUT and PATCH have a judged body"
        if current is None:
            raise UnknownLocation if level.kind == "locations" else UnknownObject
        version, whole, created = merged(current.version, current.body, request, body, level)
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
            await self._write(tx, kind, owner, key, peer, version, text, moment, None)
        return not changed

    async def keep_new(self, tx: Transaction, kind: str, peer: str, body: Body) -> bool:
        """Keep an object once: one that is here already stays as it is (a CDR is never changed)."""
        text = body.text(body.version)
        said = head(text)
        owner, key = str(Party.of(said.country_code or "", said.party_id or "")), fold(said.id or "")
        if await self._current(tx, kind, owner, key, peer) is not None:
            return False
        version = body.version.number if body.version else "2.3.0"
        await self._write(tx, kind, owner, key, peer, version, text, microseconds(said.last_updated or ""), None)
        return True

    async def keep_pulled(
        self, tx: Transaction, kind: str, owner: Party, key: str, peer: str, version: str, text: bytes, moment: int
    ) -> bool:
        """Keep an object pulled from its owner unless what is here is as new; True if it was kept."""
        current = await self._current(tx, kind, str(owner), key, peer)
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
        if current is not None:
            await tx.execute(
                "UPDATE hub_object SET version = $1, body = $2, last_updated = $3 WHERE seq = $4",
                version, body, moment, current.seq,
            )  # fmt: skip
            return
        await tx.execute(
            "INSERT INTO hub_object (kind, owner, object_key, peer, version, body, last_updated)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            kind, owner, key, peer, version, body, moment,
        )  # fmt: skip
        await _count(tx, kind, peer, 1, 0)

    async def _delete(self, tx: Transaction, kind: str, owner: str, key: str, peer: str) -> None:
        await tx.execute(
            "DELETE FROM hub_object WHERE kind = $1 AND owner = $2 AND object_key = $3 AND peer = $4",
            kind, owner, key, peer,
        )  # fmt: skip
        await _count(tx, kind, peer, -1, 1)

    async def _current(self, tx: Transaction, kind: str, owner: str, key: str, peer: str) -> "_Row | None":
        rows = await tx.fetch(
            self._select,
            kind, owner, key, peer,
        )  # fmt: skip
        return _Row(*rows[0]) if rows else None

    # -- reading --------------------------------------------------------------------------------

    async def page(self, kind: str, viewer: Party, query: Query) -> Page:
        """Return a page of what ``viewer`` may see of a kind, oldest first."""
        rows = await self._database.fetch(
            "SELECT peer, total, deleted FROM hub_count WHERE kind = $1 AND peer IN ($2, $3)",
            kind, PUBLIC, str(viewer), cheap=True,
        )  # fmt: skip
        counts = {peer: (total, deleted) for peer, total, deleted in rows}
        owns = kind in ("sessions", "cdrs", "bookings")
        visible = _Visible(kind, str(viewer), directed=str(viewer) in counts or owns, owns=owns, query=query)
        filtered = query.date_from is not None or query.date_to is not None
        if visible.directed or filtered:
            (row,) = await self._database.fetch(f"SELECT count(*) {visible.where}", *visible.args)
            total = row[0]
        else:
            total = counts.get(PUBLIC, (0, 0))[0]
        after, skip = query.after or 0, 0
        if query.after is None and query.offset:
            if query.offset >= total:
                return Page([], total, None)
            after, skip = await self._position(visible, filtered, query.offset, counts)
        rows = await self._database.fetch(
            f"SELECT seq, version, body {visible.where} AND seq > ${len(visible.args) + 1}"
            f" ORDER BY seq LIMIT ${len(visible.args) + 2} OFFSET ${len(visible.args) + 3}",
            *visible.args, after, query.limit + 1, skip, cheap=True,
        )  # fmt: skip
        last = rows[query.limit - 1][0] if len(rows) > query.limit else None
        return Page([(version, bytes(body)) for _, version, body in rows[: query.limit]], total, last)

    async def _position(
        self, visible: "_Visible", filtered: bool, offset: int, counts: Mapping[str, tuple[int, int]]
    ) -> tuple[int, int]:
        """Return the seq to go on after and how many to skip then, for the object at ``offset``.

        Without a filter a thousand positions are skipped at a stride: new objects come at the end
        and a deletion is counted, so what was found stays true until then.
        """
        if visible.directed or filtered:
            return 0, offset
        deleted = counts.get(PUBLIC, (0, 0))[1]
        anchors = self._anchors.get(visible.kind)
        if anchors is None or anchors.deleted != deleted:
            anchors = self._anchors[visible.kind] = _Anchors(deleted)
        wanted = offset // _ANCHOR_EVERY
        while len(anchors.seqs) <= wanted:
            rows = await self._database.fetch(
                "SELECT seq FROM hub_object WHERE kind = $1 AND peer = $2 AND seq > $3 ORDER BY seq LIMIT 1 OFFSET $4",
                visible.kind, PUBLIC, anchors.seqs[-1], _ANCHOR_EVERY - 1,
            )  # fmt: skip
            if not rows:
                break
            anchors.seqs.append(rows[0][0])
        found = min(wanted, len(anchors.seqs) - 1)
        return anchors.seqs[found], offset - found * _ANCHOR_EVERY

    async def find(self, kind: str, owner: Party, key: str, viewer: Party) -> tuple[str, bytes] | None:
        """Return (version, text) of an object as ``viewer`` may see it."""
        rows = await self._database.fetch(
            "SELECT version, body, peer FROM hub_object WHERE kind = $1 AND owner = $2 AND object_key = $3"
            " AND (peer IN ($4, $5) OR owner = $5) ORDER BY peer DESC",
            kind, str(owner), key, PUBLIC, str(viewer), cheap=True,
        )  # fmt: skip
        return (rows[0][0], bytes(rows[0][1])) if rows else None

    async def holders(self, kind: str, key: str, viewer: Party) -> list[tuple[Party, str, str, bytes]]:
        """Return (owner, peer, version, text) of the objects of an id that ``viewer`` may know, for Open Routing."""
        rows = await self._database.fetch(
            "SELECT owner, peer, version, body FROM hub_object WHERE kind = $1 AND object_key = $2"
            " AND (peer IN ($3, $4) OR owner = $4)",
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
    seq: int
    version: str
    body: bytes
    moment: int


class _Visible:
    """The rows of a list as SQL: what everyone may see, and what is the viewer's own business."""

    def __init__(self, kind: str, viewer: str, *, directed: bool, owns: bool, query: Query) -> None:
        self.kind = kind
        self.directed = directed
        self.args: list[Any] = [kind, PUBLIC]
        where = "FROM hub_object AS o WHERE kind = $1"
        if not directed:
            where += " AND peer = $2"
        elif owns:
            self.args.append(viewer)
            where += " AND (peer IN ($2, $3) OR owner = $3)"
        else:
            # What was told this party itself stands before what was told everyone.
            self.args.append(viewer)
            where += (
                " AND peer IN ($2, $3) AND (peer = $3 OR NOT EXISTS (SELECT 1 FROM hub_object AS own"
                " WHERE own.kind = $1 AND own.owner = o.owner AND own.object_key = o.object_key AND own.peer = $3))"
            )
        for bound, comparison in ((query.date_from, ">="), (query.date_to, "<")):
            if bound is not None:
                self.args.append(bound)
                where += f" AND last_updated {comparison} ${len(self.args)}"
        self.where = where


async def _count(tx: Transaction, kind: str, peer: str, more: int, deleted: int) -> None:
    await tx.execute(
        "INSERT INTO hub_count (kind, peer, total, deleted) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (kind, peer) DO UPDATE SET total = hub_count.total + $3, deleted = hub_count.deleted + $4",
        kind, peer, more, deleted,
    )  # fmt: skip
