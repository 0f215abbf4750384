"""Requests that are carried out once, however often they are sent: ``Idempotency-Key``.

The key stands in the store before the work is begun, and the answer with it when it is done; the same
request under the same key gets that answer. An answer of which nothing can be said (500, 503) is not
kept: the request may be sent again. What a process had begun when it died may be sent again after a
minute, and is then carried out anew; handlers therefore pass ``call.idempotency_key`` on to whatever
must not happen twice: a payment provider, a unique column.

Source: draft-ietf-httpapi-idempotency-key-header (the header; 422 for another request under a key, 409 while
the first is under way); Stripe API, Idempotent requests (24 hours).
"""

# ruff: noqa: S608  the only name put into a statement is our own table

import datetime
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from hub.api.answers import HEADERS
from hub.api.credentials import stored
from hub.api.principals import Principal
from hub.api.problems import Conflict, Fault, Problem, invalid
from hub.api.realms import Realm
from hub.database.contract import Database, Transaction

HEADER = "Idempotency-Key"

#: How long an answer is kept, and how long a request may take before another one takes its place.
KEPT = datetime.timedelta(hours=24)
LEASE = datetime.timedelta(minutes=1)

_UNDER_WAY = 0  # the status of a request that is not answered yet


class KeyReused(Problem):
    """The idempotency key was used for another request.

    Send the request under a key of its own.
    """

    status = 422


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request under a key.

    Attributes:
        id: of the caller and his key together.
        fingerprint: of method, path, query and body.
    """

    id: str
    fingerprint: str


def asked(caller: Principal, header: str | None, *parts: bytes) -> Asked:
    """Return a request under the key its header names.

    Raises:
        Invalid: there is no key, or it is none.
    """
    key = (header or "").strip().strip('"')
    if not key:
        raise invalid(f"header.{HEADER}", "required: choose one, and send it again if you send this again")
    if len(key) > 255 or not key.isascii() or not key.isprintable():
        raise invalid(f"header.{HEADER}", "must be at most 255 printable ASCII characters")
    return Asked(id=_hash(caller.kind.encode(), caller.id.encode(), key.encode()), fingerprint=_hash(*parts))


def _hash(*parts: bytes) -> str:
    made = hashlib.sha256()
    for each in parts:
        made.update(len(each).to_bytes(8, "big") + each)
    return made.hexdigest()


class Once:
    """The keys and answers on their table."""

    def __init__(self, database: Database, realm: Realm, clock: Callable[[], datetime.datetime]) -> None:
        self._database = database
        self._table = realm.idempotency_table
        self._clock = clock

    async def answer(self, request: Asked, work: Callable[[], Awaitable[Response]]) -> Response:
        """Return the kept answer, or carry a request out and keep its answer.

        Raises:
            KeyReused: the key was used for another request.
            Conflict: the same request is under way.
        """
        kept = await self._database.transact(lambda tx: self._begin(tx, request))
        if kept is not None:
            return kept
        try:
            response = await work()
        except BaseException:
            await self._forget(request)
            raise
        await self._keep(request, response)
        return response

    async def _begin(self, tx: Transaction, request: Asked) -> Response | None:
        """Return the kept answer; None: the caller is to make one."""
        now = self._clock()
        await tx.execute(f"DELETE FROM {self._table} WHERE begun_at < $1", stored(now - KEPT))
        ours = await tx.fetch(
            f"INSERT INTO {self._table} (id, fingerprint, begun_at, status) VALUES ($1, $2, $3, {_UNDER_WAY})"
            f" ON CONFLICT (id) DO UPDATE SET begun_at = excluded.begun_at WHERE {self._table}.status = {_UNDER_WAY}"
            f" AND {self._table}.begun_at < $4 AND {self._table}.fingerprint = excluded.fingerprint RETURNING id",
            request.id,
            request.fingerprint,
            stored(now),
            stored(now - LEASE),
        )
        return None if ours else await self._kept(tx, request)

    async def _kept(self, tx: Transaction, request: Asked) -> Response:
        rows = await tx.fetch(
            f"SELECT fingerprint, status, kind, tag, body FROM {self._table} WHERE id = $1", request.id
        )
        fingerprint, status, kind, tag, body = rows[0]
        if fingerprint != request.fingerprint:
            raise KeyReused(faults=[Fault(f"header.{HEADER}", "was used for another request")])
        if status == _UNDER_WAY:
            raise Conflict("The same request is under way; ask again in a moment", headers={"Retry-After": "1"})
        headers = {**HEADERS, "Idempotency-Replayed": "true", **({"ETag": tag} if tag else {})}
        return Response(bytes(body), status, headers=headers, media_type=kind or None)

    async def _keep(self, request: Asked, response: Response) -> None:
        await self._database.transact(
            lambda tx: tx.execute(
                f"UPDATE {self._table} SET status = $2, kind = $3, tag = $4, body = $5 WHERE id = $1",
                request.id,
                response.status_code,
                response.headers.get("content-type", ""),
                response.headers.get("etag", ""),
                bytes(response.body),
            )
        )

    async def _forget(self, request: Asked) -> None:
        await self._database.transact(
            lambda tx: tx.execute(f"DELETE FROM {self._table} WHERE id = $1 AND status = {_UNDER_WAY}", request.id)
        )
