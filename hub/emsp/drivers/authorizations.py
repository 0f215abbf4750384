"""What was answered when a charge was to begin, found again by its reference in Session and CDR.

Refusals are kept as well, those of Tokens nobody knows too (GEM-FTR-967).

Source: OCPI 2.3.0, mod_tokens.asciidoc (AuthorizationInfo, authorization_reference).
"""

# ruff: noqa: S608  the only names put into a statement are our own columns

import uuid
from dataclasses import dataclass

from hub.api.credentials import moment_of, stored
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.database.contract import Database, Row
from hub.emsp.drivers.needs import Now

_COLUMNS = "reference, driver_id, token_uid, token_type, cpo, location_id, evse_uids, allowed, reason, at"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked: may this Token charge there.

    Attributes:
        cpo: CC-PID.
        location_id, evse_uids: empty where no place was told.
    """

    uid: str
    type: str
    cpo: str
    location_id: str = ""
    evse_uids: tuple[str, ...] = ()


class Authorization(Shape, frozen=True, kw_only=True):
    """One answer.

    Attributes:
        driver_id: "" where the Token is nobody's.
        allowed: OCPI AllowedType, or UNKNOWN.
        reason: what the driver was told.
    """

    reference: str
    driver_id: str
    token_uid: str
    token_type: str
    cpo: str
    location_id: str
    evse_uids: list[str]
    allowed: str
    reason: str
    at: Moment


class AuthorizationQuery(ListQuery, frozen=True, kw_only=True):
    """Which answers to list, the newest first."""

    driver_id: Name | None = None
    cpo: Name | None = None
    allowed: Name | None = None


class Authorizations:
    """The table of answers."""

    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now

    async def add(
        self, question: Question, *, driver_id: str, allowed: str, reason: str, reference: str | None = None
    ) -> str:
        """Keep an answer before it is given; return its reference.

        Args:
            reference: of leave that was given before and is given again: the first answer stands.
        """
        reference = reference or str(uuid.uuid4())
        await self._database.transact(
            lambda tx: tx.execute(
                f"INSERT INTO emsp_authorization ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                " ON CONFLICT (reference) DO NOTHING",
                reference,
                driver_id,
                question.uid,
                question.type,
                question.cpo,
                question.location_id,
                " ".join(question.evse_uids),
                allowed,
                reason,
                stored(self._now()),
            )
        )
        return reference

    async def find(self, reference: str) -> Authorization | None:
        """Return the authorization a Session or CDR names."""
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_authorization WHERE reference = $1", reference.lower()
        )
        return _authorization(rows[0]) if rows else None

    async def page(self, query: AuthorizationQuery) -> Page[Authorization]:
        """Return answers, the newest first."""
        wanted = {"driver_id": query.driver_id, "cpo": query.cpo, "allowed": query.allowed}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(given, start=3)) or "1 = 1"
        offset = cursor_number(query) or 0
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_authorization WHERE {where} ORDER BY at DESC, reference LIMIT $1 OFFSET $2",
            query.limit + 1,
            offset,
            *given.values(),
        )
        following = str(offset + query.limit) if len(rows) > query.limit else None
        return Page(items=[_authorization(row) for row in rows[: query.limit]], next=following)


def _authorization(row: Row) -> Authorization:
    reference, driver_id, token_uid, token_type, cpo, location_id, evse_uids, allowed, reason, at = row
    return Authorization(
        reference=reference,
        driver_id=driver_id,
        token_uid=token_uid,
        token_type=token_type,
        cpo=cpo,
        location_id=location_id,
        evse_uids=evse_uids.split(),
        allowed=allowed,
        reason=reason,
        at=moment_of(at),
    )
