"""The audit log of an API: who changed what, when, from what to what. Rows are only ever added.

A change of our own tables writes its row in its own transaction (``Trail.record``). Whatever else a
caller has done, an order to a station above all, the application records when it is done; what may
have happed though no answer came is recorded as well.
"""

# ruff: noqa: S608  the only names put into a statement are our own table and the filter's words

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.api.principals import Principal
from hub.api.realms import Realm
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.database.contract import Database, Transaction
from hub.ocpi import codec
from hub.ocpi.objects import JSON
from hub.ocpi.times import EPOCH

MASK = "***"

_SECRET = re.compile(r"passw|secret|token$|^key$|authorizationkey|private|credential", re.IGNORECASE)
#: Beside one of these names stands what the value is of: a configuration key of 1.6, a variable of 2.0.1.
_NAMES = ("key", "name", "variable", "variableName")
_VALUES = ("value", "attributeValue")


class AuditEntry(Shape, frozen=True, kw_only=True):
    """One change.

    Attributes:
        actor_kind: account, key, or console for the command line.
        action: the operation's name.
        target: the path of what was changed.
        before: what was there; secrets are masked.
        after: what is there now, or what was ordered and answered.
        status: the HTTP status the caller got.
    """

    seq: int
    at: Moment
    actor_kind: str
    actor_id: str
    actor: str
    action: str
    target: str
    before: Any = None
    after: Any = None
    request_id: str = ""
    address: str = ""
    status: int = 200


class AuditQuery(ListQuery, frozen=True, kw_only=True):
    """Which changes to list, the newest first."""

    actor_id: Name | None = None
    action: Name | None = None
    target: Name | None = None
    request_id: Name | None = None
    since: Moment | None = None
    until: Moment | None = None


def plain(value: Any) -> JSON:
    """Return a value as decoded JSON."""
    return codec.decode(codec.encode(value))


def masked(value: JSON) -> JSON:
    """Return a value in which secrets are masked."""
    if isinstance(value, Mapping):
        found = {name: MASK if _hides(name, each) else masked(each) for name, each in value.items()}
        if any(_SECRET.search(_name(value[each])) for each in _NAMES if each in value):
            found |= {name: MASK for name in _VALUES if name in found}
        return found
    return [masked(each) for each in value] if isinstance(value, list | tuple) else value


def _name(value: JSON) -> str:
    """Return the name in ``"AuthorizationKey"`` or ``{"name": "BasicAuthPassword"}``."""
    return str(value.get("name", "")) if isinstance(value, Mapping) else str(value)


def _hides(name: str, value: JSON) -> bool:
    # "key" is the name of a setting in OCPP 1.6 and the secret itself nowhere but in our own answers.
    return isinstance(value, str) and name != "key" and _SECRET.search(name) is not None


class AuditLog:
    """The log on its table."""

    def __init__(self, database: Database, realm: Realm, clock: Callable[[], datetime.datetime]) -> None:
        self._database = database
        self._table = realm.audit_table
        self._clock = clock

    async def add(self, tx: Transaction, entry: Mapping[str, Any]) -> None:
        """Write a row; the columns are the attributes of ``AuditEntry``."""
        await tx.execute(
            f"INSERT INTO {self._table} (at, actor_kind, actor_id, actor, action, target, before, after,"
            " request_id, address, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            (self._clock() - EPOCH) // datetime.timedelta(microseconds=1),
            *(entry[name] for name in ("actor_kind", "actor_id", "actor", "action", "target")),
            *(_kept(entry[name]) for name in ("before", "after")),
            *(entry[name] for name in ("request_id", "address", "status")),
        )

    async def page(self, query: AuditQuery) -> Page[AuditEntry]:
        """Return entries, the newest first.

        Raises:
            Invalid: the cursor is none of ours.
        """
        where, args = _filter(query)
        rows = await self._database.fetch(
            f"SELECT seq, at, actor_kind, actor_id, actor, action, target, before, after, request_id, address, status"
            f" FROM {self._table} WHERE {where} ORDER BY seq DESC LIMIT ${len(args) + 1}",
            *args,
            query.limit + 1,
        )
        found = [_entry(row) for row in rows[: query.limit]]
        return Page(items=found, next=str(found[-1].seq) if len(rows) > query.limit else None)


class Trail:
    """What one caller changes in one request, on its way into the log."""

    def __init__(
        self, log: AuditLog, principal: Principal, *, action: str, target: str, request_id: str = "", address: str = ""
    ) -> None:
        self._log = log
        self._principal = principal
        self._about = {"action": action, "target": target, "request_id": request_id, "address": address}
        self.said: dict[str, JSON] = {}
        self.recorded = False

    def by(self, principal: Principal) -> "Trail":
        """Return the same trail under the name of whoever turned out to be the caller."""
        other = Trail(self._log, principal, **self._about)
        other.said = self.said
        return other

    def note(self, **said: JSON) -> None:
        """Say ``target``, ``before`` or ``after`` of a change that the application records."""
        self.said |= said

    async def record(self, tx: Transaction, *, status: int = 200, **said: JSON) -> None:
        """Record the change in the transaction that makes it; once per request is enough."""
        principal = self._principal
        entry = {"before": None, "after": None, "status": status, **self._about, **self.said, **said}
        await self._log.add(
            tx, entry | {"actor_kind": principal.kind, "actor_id": principal.id, "actor": principal.name}
        )
        self.recorded = True


def _kept(value: Any) -> bytes | None:
    """Return a value as the log keeps it: JSON without secrets."""
    return codec.encode(masked(plain(value))) if value is not None else None


def _filter(query: AuditQuery) -> tuple[str, list[Any]]:
    asked: list[tuple[str, Any]] = [
        (f"{name} = ", getattr(query, name)) for name in ("actor_id", "action", "target", "request_id")
    ]
    asked += [("at >= ", _stored(query.since)), ("at < ", _stored(query.until)), ("seq < ", cursor_number(query))]
    given = [(column, value) for column, value in asked if value is not None]
    where = " AND ".join(f"{column}${place}" for place, (column, _) in enumerate(given, start=1))
    return where or "seq > 0", [value for _, value in given]


def _stored(at: datetime.datetime | None) -> int | None:
    if at is None:
        return None
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    seq, at, kind, actor_id, actor, action, target, before, after, request_id, address, status = row
    return AuditEntry(
        seq=seq,
        at=EPOCH + datetime.timedelta(microseconds=at),
        actor_kind=kind,
        actor_id=actor_id,
        actor=actor,
        action=action,
        target=target,
        before=codec.decode(before) if before is not None else None,
        after=codec.decode(after) if after is not None else None,
        request_id=request_id,
        address=address,
        status=status,
    )
