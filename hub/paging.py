"""Pages of the hub's lists: whose objects stand on them, in which order, and how many there are.

A list is in order of creation, by ``seq``: an object that changes keeps its place, so a crawl along
the places neither skips nor doubles. What a viewer was told himself stands in the place of what
everyone was told of the same object, if it is the newer: so the places of nearly all lists are those of
the public objects, which are counted and can be skipped at a stride. Only the few objects that single
parties know of stand beside them.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pagination, GET All via Hubs).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from hub.database import Database
from hub.ocpi.messages import Party

PUBLIC = ""  # the peer of an object that everyone may see
_ANCHOR_EVERY = 1000

#: Kinds of which nothing is everyone's: both parties of an object list it.
_BETWEEN_TWO = ("sessions", "cdrs", "bookings")


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

    @property
    def filtered(self) -> bool:
        return self.date_from is not None or self.date_to is not None

    def admits(self, moment: int) -> bool:
        """Whether an object of this ``last_updated`` is asked for."""
        return (self.date_from is None or moment >= self.date_from) and (self.date_to is None or moment < self.date_to)


@dataclass
class _Anchors:
    """Positions of every thousandth public object of a kind, good while none is deleted."""

    deleted: int
    seqs: list[int] = field(default_factory=lambda: [0])


class _Own(NamedTuple):
    """An object of which a viewer was told something himself, or told others: what he sees of it.

    Attributes:
        place: where it stands in the list.
        seq: the row that is the newest.
        public: the ``last_updated`` of the public object in this place; None where there is none.
    """

    place: int
    seq: int
    moment: int
    public: int | None


class Paging:
    """Reads pages out of ``hub_object``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._anchors: dict[str, _Anchors] = {}

    async def page(self, kind: str, viewer: Party, query: Query) -> Page:
        """Return a page of what ``viewer`` may see of a kind, oldest first."""
        if kind in _BETWEEN_TWO:
            return await self._rows(_Rows(kind, str(viewer), query, _BETWEEN), query)
        rows = await self._database.fetch(
            "SELECT peer, total, deleted FROM hub_count WHERE kind = $1 AND peer IN ($2, $3)"
            " UNION ALL SELECT '*', 1, 0 WHERE EXISTS"
            " (SELECT 1 FROM hub_object WHERE owner = $3 AND kind = $1 AND peer > $2)",
            kind, PUBLIC, str(viewer), cheap=True,
        )  # fmt: skip
        counts = {peer: (total, deleted) for peer, total, deleted in rows}
        total, deleted = counts.pop(PUBLIC, (0, 0))
        if any(own for own, _ in counts.values()):
            return await self._with_own(kind, str(viewer), query, total, deleted)
        public = _Rows(kind, str(viewer), query, _PUBLIC)
        if query.filtered:
            return await self._rows(public, query)
        after, skip = query.after or 0, 0
        if query.after is None and query.offset:
            if query.offset >= total:
                return Page([], total, None)
            after, skip = await self._position(kind, deleted, query.offset)
        return await self._read(public, query, total, after, skip)

    async def _rows(self, rows: "_Rows", query: Query) -> Page:
        """Return a page of rows that have to be counted."""
        total = await self._count(rows)
        if query.after is not None or not query.offset:
            return await self._read(rows, query, total, query.after or 0)
        if query.offset >= total:
            return Page([], total, None)
        return await self._read(rows, query, total, await self._seq_at(rows, total, query.offset - 1))

    async def _read(self, rows: "_Rows", query: Query, total: int, after: int, skip: int = 0) -> Page:
        found = await self._database.fetch(
            f"SELECT seq, version, body {rows.where} AND seq > ${len(rows.args) + 1}"
            f" ORDER BY seq LIMIT ${len(rows.args) + 2} OFFSET ${len(rows.args) + 3}",
            *rows.args, after, query.limit + 1, skip, cheap=not query.filtered,
        )  # fmt: skip
        last = found[query.limit - 1][0] if len(found) > query.limit else None
        return Page([(version, bytes(body)) for _, version, body in found[: query.limit]], total, last)

    async def _count(self, rows: "_Rows") -> int:
        ((count,),) = await self._database.fetch(f"SELECT count(*) {rows.where}", *rows.args)
        return int(count)

    async def _seq_at(self, rows: "_Rows", total: int, position: int) -> int:
        """Return the place of the object at a position, sought from the nearer end."""
        order, skip = ("ASC", position) if position < total / 2 else ("DESC", total - 1 - position)
        found = await self._database.fetch(
            f"SELECT seq {rows.where} ORDER BY seq {order} LIMIT 1 OFFSET ${len(rows.args) + 1}", *rows.args, skip
        )
        return int(found[0][0]) if found else _NOWHERE

    # -- all public objects: counted, and skipped at a stride ----------------------------------------

    async def _position(self, kind: str, deleted: int, offset: int) -> tuple[int, int]:
        """Return the place to go on after and how many to skip then, for the public object at ``offset``.

        New objects come at the end and a deletion is counted, so what was found stays true until then.
        """
        anchors = self._anchors.get(kind)
        if anchors is None or anchors.deleted != deleted:
            anchors = self._anchors[kind] = _Anchors(deleted)
        wanted = offset // _ANCHOR_EVERY
        while len(anchors.seqs) <= wanted:
            rows = await self._database.fetch(
                _PUBLIC_SEQ, kind, PUBLIC, anchors.seqs[-1], _ANCHOR_EVERY - 1
            )  # fmt: skip
            if not rows:
                break
            anchors.seqs.append(rows[0][0])
        found = min(wanted, len(anchors.seqs) - 1)
        return anchors.seqs[found], offset - found * _ANCHOR_EVERY

    async def _public_at(self, kind: str, deleted: int, position: int) -> int:
        after, skip = await self._position(kind, deleted, position)
        rows = await self._database.fetch(_PUBLIC_SEQ, kind, PUBLIC, after, skip)
        return int(rows[0][0]) if rows else _NOWHERE

    # -- with what a viewer was told himself ---------------------------------------------------------

    async def _with_own(self, kind: str, viewer: str, query: Query, total: int, deleted: int) -> Page:
        """Return a page of the public objects, and among them what the viewer knows by himself."""
        known = await self._own(kind, viewer)
        own = [each for each in known if query.admits(each.moment)]
        public = _Rows(kind, viewer, query, _PUBLIC)
        if query.filtered:
            # Of an object the viewer knows more of, the public row may be asked for where his is not, and vice versa.
            count, more = await self._count(public), [each.place for each in own]
            less = [each.place for each in known if each.public is not None and query.admits(each.public)]
            at = partial(self._seq_at, public, count)
        else:
            count, more, less = total, [each.place for each in own if each.public is None], []
            at = partial(self._public_at, kind, deleted)
        total, after = count - len(less) + len(more), query.after or 0
        others = _Rows(kind, viewer, query, _OTHERS)
        if query.after is None and query.offset:
            if query.offset >= total:
                return Page([], total, None)
            begin = max(0, query.offset - len(more))
            after = await at(begin - 1) if begin else 0
            skip = query.offset - (begin + bisect_right(more, after) - bisect_right(less, after))
            after = await self._skip(others, own, after, skip)
        return await self._merged(others, [each for each in own if each.place > after], query, total, after)

    async def _skip(self, others: "_Rows", own: Sequence[_Own], after: int, skip: int) -> int:
        """Return the place of the object so many behind a place, which are few: as many as the viewer's own."""
        if not skip:
            return after
        rows = await self._database.fetch(
            f"SELECT seq {others.where} AND seq > ${len(others.args) + 1} ORDER BY seq LIMIT ${len(others.args) + 2}",
            *others.args, after, skip,
        )  # fmt: skip
        places = sorted([*(seq for (seq,) in rows), *(each.place for each in own if each.place > after)])
        return int(places[skip - 1])

    async def _own(self, kind: str, viewer: str) -> list[_Own]:
        """Return what a viewer sees of the objects of which he was told, or told, something not public; in order."""
        rows = await self._database.fetch(_OWN, kind, PUBLIC, viewer)
        objects: dict[tuple[str, str], list[Any]] = {}
        for owner, key, *row in rows:
            objects.setdefault((owner, key), []).append(row)
        return sorted(map(_seen, objects.values()), key=lambda each: each.place)

    async def _merged(self, others: "_Rows", own: Sequence[_Own], query: Query, total: int, after: int) -> Page:
        """Return the page after a place, of the other public objects and the viewer's own."""
        rows = await self._database.fetch(
            f"SELECT seq, version, body {others.where} AND seq > ${len(others.args) + 1}"
            f" ORDER BY seq LIMIT ${len(others.args) + 2}",
            *others.args, after, query.limit + 1,
        )  # fmt: skip
        found = {place: (version, bytes(body)) for place, version, body in rows}
        found |= await self._bodies(own[: query.limit + 1])
        places = sorted(found)
        last = places[query.limit - 1] if len(places) > query.limit else None
        return Page([found[place] for place in places[: query.limit]], total, last)

    async def _bodies(self, own: Sequence[_Own]) -> dict[int, tuple[str, bytes]]:
        if not own:
            return {}
        places = {each.seq: each.place for each in own}
        marks = ", ".join(f"${number}" for number in range(1, len(places) + 1))
        sql = f"SELECT seq, version, body FROM hub_object WHERE seq IN ({marks})"  # noqa: S608 -- placeholders
        rows = await self._database.fetch(sql, *places)
        return {places[seq]: (version, bytes(body)) for seq, version, body in rows}


def _seen(rows: list[Any]) -> _Own:
    """Return what is seen of one object, of its rows (seq, moment, public seq, public moment)."""
    seq, moment, public_seq, public_moment = max(rows, key=lambda row: (row[1], row[0]))
    if public_seq is None:
        return _Own(min(row[0] for row in rows), seq, moment, None)
    if public_moment > moment:
        return _Own(public_seq, public_seq, public_moment, public_moment)
    return _Own(public_seq, seq, moment, public_moment)


_NOWHERE = 2**63 - 1  # the place of what was deleted meanwhile
_PUBLIC_SEQ = "SELECT seq FROM hub_object WHERE kind = $1 AND peer = $2 AND seq > $3 ORDER BY seq LIMIT 1 OFFSET $4"

#: The rows only a viewer knows: those told him, and those he told others.
_OWN_ROWS = """(
    SELECT owner, object_key, seq, last_updated FROM hub_object WHERE kind = $1 AND peer = $3
    UNION SELECT owner, object_key, seq, last_updated FROM hub_object WHERE owner = $3 AND kind = $1 AND peer > $2
)"""
_THE_PUBLIC = "hub_object AS p ON p.kind = $1 AND p.object_key = o.object_key AND p.owner = o.owner AND p.peer = $2"
_OWN = (
    "SELECT o.owner, o.object_key, o.seq, o.last_updated, p.seq, p.last_updated"  # noqa: S608 -- our own columns
    f" FROM {_OWN_ROWS} AS o LEFT JOIN {_THE_PUBLIC}"
)

# The rows of a list, as conditions: everyone's, all but those of which the viewer knows more, and those between two.
_PUBLIC = "peer = $2"
_OTHERS = f"peer = $2 AND seq NOT IN (SELECT p.seq FROM {_OWN_ROWS} AS o JOIN {_THE_PUBLIC})"  # noqa: S608 -- our own columns
_BETWEEN = "(peer IN ($2, $3) OR owner = $3)"


class _Rows:
    """The rows of a list as SQL, with the arguments of its condition and of the filters."""

    def __init__(self, kind: str, viewer: str, query: Query, condition: str) -> None:
        self.args: list[Any] = [kind, PUBLIC]
        if "$3" in condition:
            self.args.append(viewer)
        where = f"FROM hub_object WHERE kind = $1 AND {condition}"
        for bound, comparison in ((query.date_from, ">="), (query.date_to, "<")):
            if bound is not None:
                self.args.append(bound)
                where += f" AND last_updated {comparison} ${len(self.args)}"
        self.where = where
