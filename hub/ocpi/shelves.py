"""A party's shelf: its objects of one kind, in one table, in the order they came.

A room names its table; the columns are the same for all (``ShelfColumns`` in the room's
``tables.py`` spells them): the object's address (kind, owner, object_id), its document, and for
what the party owns and owes, how much of it the receiver is known to have (decision 7 of the
design; ``hub.ocpi.owed`` does the telling).

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pagination).
"""

# ruff: noqa: S608  the only names put into a statement are the room's own table and columns

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hub.database.contract import Database, Transaction
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Body, Party, Response
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import microseconds

#: Whether a receiver has an object's present state.
NO, MAYBE, YES, REFUSED = range(4)

#: Who hears a broadcast: the hub, under whatever party id it has.
EVERYONE = ""

_FOREVER = 2**62


@dataclass(frozen=True)
class Page:
    """Part of a list.

    Attributes:
        total: how many objects match the filters, on all pages.
        following: query string of the next page; None on the last one.
    """

    objects: list[JSONObject]
    total: int
    limit: int
    following: str | None

    def response(self, declared: Any, url: str) -> Response:
        """Return the page as the answer to a list request that came to ``url``."""
        headers = {"X-Total-Count": str(self.total), "X-Limit": str(self.limit)}
        if self.following is not None:
            headers["Link"] = f'<{url}?{self.following}>; rel="next"'
        return Response(Body(list[declared], value=self.objects), headers=headers)


class Shelf:
    """Objects of one kind.

    Args:
        table: the room's table.
        kind: which objects these are; part of their key.
        page_limit: the most objects in one page (X-Limit).
    """

    def __init__(self, database: Database, table: str, kind: str, *, page_limit: int = 100) -> None:
        self._database = database
        self._table = table
        self.kind = kind
        self._page_limit = page_limit

    async def get(self, owner: Party, object_id: str) -> JSONObject | None:
        """Return an object; ids are CiStrings and compared without case."""
        rows = await self._database.fetch(self._select(), self.kind, str(owner), object_id.upper())
        return codec.decode(rows[0][0]) if rows else None

    async def texts(self, addresses: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Return those of some objects that are there, as JSON, with one question.

        Args:
            addresses: owner (CC-PID) and id, both in upper case, as in what is returned.
        """
        wanted = sorted(addresses)
        if not wanted:
            return {}
        # Asked for by powers of two, so that few different statements are prepared.
        wanted += wanted[-1:] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))
        marks = ", ".join(f"(${number}, ${number + 1})" for number in range(2, 2 * len(wanted) + 2, 2))
        rows = await self._database.fetch(
            f"WITH wanted (owner, object_id) AS (VALUES {marks}) SELECT o.owner, o.object_id, o.document FROM wanted w"
            f" JOIN {self._table} o ON o.kind = $1 AND o.owner = w.owner AND o.object_id = w.object_id",
            self.kind,
            *(part for address in wanted for part in address),
        )
        return {(owner, object_id): document for owner, object_id, document in rows}

    async def look_in(self, tx: Transaction, owner: Party, object_id: str) -> JSONObject | None:
        """Return an object as the transaction sees it, to be read only."""
        rows = await tx.fetch(self._select(), self.kind, str(owner), object_id.upper())
        return codec.decode(rows[0][0]) if rows else None

    async def get_in(self, tx: Transaction, owner: Party, object_id: str) -> JSONObject | None:
        """Return an object as the transaction sees it, locked where the store locks rows."""
        locked = " FOR UPDATE" if self._database.dialect == "postgres" else ""
        rows = await tx.fetch(self._select() + locked, self.kind, str(owner), object_id.upper())
        return codec.decode(rows[0][0]) if rows else None

    def _select(self) -> str:
        return f"SELECT document FROM {self._table} WHERE kind = $1 AND owner = $2 AND object_id = $3"

    async def put(
        self,
        tx: Transaction,
        owner: Party,
        object_id: str,
        value: JSONObject,
        *,
        receiver: str | None = None,
        received: int = YES,
    ) -> bool:
        """Write an object and return whether it is new.

        Args:
            receiver: whose it is to know: CC-PID, ``EVERYONE``, or None for nobody.
            received: NO for what the receiver has yet to be told. What it MAYBE has stays so.
        """
        rows = await tx.fetch(
            f"""INSERT INTO {self._table} (kind, owner, object_id, document, last_updated, revision, receiver,
                                          received, told, link, reason)
            VALUES ($1, $2, $3, $4, $5, 1, $6, $7, NULL, NULL, NULL)
            ON CONFLICT (kind, owner, object_id) DO UPDATE SET
                document = excluded.document, last_updated = excluded.last_updated,
                revision = {self._table}.revision + 1, receiver = excluded.receiver,
                received = CASE WHEN {self._table}.received = {MAYBE} THEN {MAYBE} ELSE excluded.received END
            RETURNING revision""",
            self.kind,
            str(owner),
            object_id.upper(),
            codec.encode(value),
            microseconds(value["last_updated"]),
            receiver,
            received,
        )
        if received == NO:
            tx.notify(owed_channel(self._table))
        return bool(rows[0][0] == 1)

    async def delete(self, tx: Transaction, owner: Party, object_id: str) -> bool:
        """Remove an object and return whether there was one."""
        touched = await tx.execute(
            f"DELETE FROM {self._table} WHERE kind = $1 AND owner = $2 AND object_id = $3",
            self.kind,
            str(owner),
            object_id.upper(),
        )
        return touched > 0

    async def page(
        self,
        parameters: Mapping[str, str],
        *,
        owner: Party | None = None,
        receivers: Sequence[str] = (),
        matching: Callable[[JSONObject], bool] | None = None,
    ) -> Page:
        """Return the page a list request asks for, oldest objects first.

        The next page is named by the last object's place (``after``), so that a crawl skips and
        doubles nothing while objects change; ``offset`` is honoured as a position.

        Args:
            receivers: for one of whom it must be; none: whoever it is for.
            matching: a filter on what is inside the objects; all that the others admit are read for it.

        Raises:
            InvalidParameters: a parameter is no DateTime or no whole number.
        """
        limit = min(_whole(parameters, "limit", self._page_limit), self._page_limit)
        where, args = self._filter(parameters, owner, receivers)
        if matching is not None:
            return await self._matching(parameters, where, args, limit, matching)
        total = (await self._database.fetch(f"SELECT count(*) FROM {self._table} WHERE {where}", *args))[0][0]
        n = len(args)
        rows = await self._database.fetch(
            f"SELECT seq, document FROM {self._table} WHERE {where} AND seq > ${n + 1} "
            f"ORDER BY seq LIMIT ${n + 2} OFFSET ${n + 3}",
            *args,
            _whole(parameters, "after", 0),
            limit + 1,
            _whole(parameters, "offset", 0),
        )
        found = [(seq, codec.decode(document)) for seq, document in rows]
        return _page(found, total, limit, parameters)

    async def _matching(
        self,
        parameters: Mapping[str, str],
        where: str,
        args: Sequence[Any],
        limit: int,
        matching: Callable[[JSONObject], bool],
    ) -> Page:
        rows = await self._database.fetch(f"SELECT seq, document FROM {self._table} WHERE {where} ORDER BY seq", *args)
        every = ((seq, codec.decode(document)) for seq, document in rows)
        fitting = [each for each in every if matching(each[1])]
        after, offset = _whole(parameters, "after", 0), _whole(parameters, "offset", 0)
        left = [each for each in fitting if each[0] > after][offset : offset + limit + 1]
        return _page(left, len(fitting), limit, parameters)

    def _filter(
        self, parameters: Mapping[str, str], owner: Party | None, receivers: Sequence[str]
    ) -> tuple[str, list[Any]]:
        where = "kind = $1 AND last_updated >= $2 AND last_updated < $3"
        args: list[Any] = [self.kind, _date(parameters, "date_from", 0), _date(parameters, "date_to", _FOREVER)]
        for column, values in (("owner", [str(owner)] if owner else []), ("receiver", receivers)):
            if values:
                places = ", ".join(f"${place}" for place in range(len(args) + 1, len(args) + len(values) + 1))
                where += f" AND {column} IN ({places})"
                args += values
        return where, args

    async def find(self, **columns: str) -> list[JSONObject]:
        """Return the objects with these values in the named columns, in the order they came."""
        where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
        rows = await self._database.fetch(
            f"SELECT document FROM {self._table} WHERE kind = $1 AND {where} ORDER BY seq",
            self.kind,
            *columns.values(),
        )
        return [codec.decode(document) for (document,) in rows]

    async def all(self) -> list[JSONObject]:
        """Return every object of this kind, in the order they came."""
        rows = await self._database.fetch(
            f"SELECT document FROM {self._table} WHERE kind = $1 ORDER BY seq",
            self.kind,
        )
        return [codec.decode(document) for (document,) in rows]


#: Filters of lists, which the URL of the next page repeats.
_FILTERS = ("date_from", "date_to", "timeslot_from", "timeslot_to")


def _page(found: Sequence[tuple[int, JSONObject]], total: int, limit: int, parameters: Mapping[str, str]) -> Page:
    """Return a page of what was found: its objects, and one more if others follow."""
    following = None
    if len(found) > limit > 0:
        kept = {name: parameters[name] for name in _FILTERS if parameters.get(name)}
        following = urlencode({**kept, "limit": limit, "after": found[limit - 1][0]})
    return Page([value for _, value in found[:limit]], total, limit, following)


def owed_channel(table: str) -> str:
    """Return the channel that says something on this table waits to be told."""
    return f"{table}_owed"


def _whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidParameters(f"query parameter {name}: must be a whole number, not negative")
    return int(text)


def _date(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if not text:
        return default
    try:
        return microseconds(text)
    except ValueError as error:
        raise InvalidParameters(f"query parameter {name}: must be a DateTime in UTC") from error
