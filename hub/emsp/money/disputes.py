"""CDRs that are contested: what a CPO claims stands in the books as disputed until an operator, or the CPO, decides.

Source: GEM-UC-1511 (X-72); SGEM-4.1-17 (X-56: not billed as is).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money import ledger
from hub.emsp.money.amounts import Money
from hub.emsp.money.checking import Finding
from hub.emsp.money.ledger import Ledger, entries
from hub.ocpi import codec
from hub.ocpi.objects import JSON


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """A contested CDR.

    Attributes:
        state: OPEN, ACCEPTED, REJECTED or WITHDRAWN.
        opened: in microseconds since 1970, UTC; decided likewise.
    """

    id: str
    owner: str
    cdr_id: str
    driver_id: str | None
    state: str
    findings: list[JSON]
    note: str | None
    opened: int
    decided: int | None


class Disputes:
    """All disputes; what changes one is part of the caller's transaction."""

    def __init__(self, database: Database, books: Ledger) -> None:
        self._database = database
        self._ledger = books

    async def open(
        self,
        tx: Transaction,
        owner: str,
        cdr_id: str,
        findings: Sequence[Finding],
        *,
        claimed: Money,
        driver_id: str | None,
        at: int,
    ) -> str:
        """Contest a CDR and return the dispute's id.

        Raises:
            Conflict: it is contested.
        """
        dispute_id = str(uuid.uuid4())
        await tx.execute(
            "INSERT INTO emsp_dispute (id, owner, cdr_id, driver_id, state, findings, opened)"
            " VALUES ($1, $2, $3, $4, 'OPEN', $5, $6)",
            dispute_id,
            owner,
            cdr_id,
            driver_id,
            codec.encode([each.as_json() for each in findings]),
            at,
        )
        moved = entries((ledger.DISPUTED, ledger.cpo(owner), claimed))
        await self._ledger.book(tx, _key(owner, cdr_id), moved, currency=claimed.currency, at=at, memo="disputed")
        return dispute_id

    async def decide(self, tx: Transaction, dispute: Dispute, state: str, *, note: str | None, at: int) -> bool:
        """Close an open dispute; False: it was closed before."""
        touched = await tx.execute(
            "UPDATE emsp_dispute SET state = $1, note = $2, decided = $3 WHERE id = $4 AND state = 'OPEN'",
            state,
            note,
            at,
            dispute.id,
        )
        if touched:
            key = _key(dispute.owner, dispute.cdr_id)
            await self._ledger.reverse(tx, f"{key}/closed", key, at=at, memo=state.lower())
        return touched > 0

    async def get(self, dispute_id: str) -> Dispute | None:
        """Return a dispute."""
        rows = await self._database.fetch(f"{_SELECT} WHERE id = $1", dispute_id)
        return _dispute(rows[0]) if rows else None

    async def about(self, owner: str, cdr_id: str) -> Dispute | None:
        """Return the dispute about a CDR."""
        rows = await self._database.fetch(f"{_SELECT} WHERE owner = $1 AND cdr_id = $2", owner, cdr_id.upper())
        return _dispute(rows[0]) if rows else None

    async def list(self, state: str | None = None, *, after: int = 0, limit: int = 100) -> list[Dispute]:
        """Return disputes, the oldest first.

        Args:
            after: ``opened`` of the last one of the page before.
        """
        rows = await self._database.fetch(
            f"{_SELECT} WHERE (CAST($1 AS TEXT) IS NULL OR state = $1) AND opened > $2 ORDER BY opened, id LIMIT $3",
            state,
            after,
            limit,
        )
        return [_dispute(row) for row in rows]


def _key(owner: str, cdr_id: str) -> str:
    return f"dispute/{owner}/{cdr_id}"


_SELECT = "SELECT id, owner, cdr_id, driver_id, state, findings, note, opened, decided FROM emsp_dispute"


def _dispute(row: Row) -> Dispute:
    number, owner, cdr_id, driver_id, state, findings, note, opened, decided = row
    return Dispute(
        id=number, owner=owner, cdr_id=cdr_id, driver_id=driver_id, state=state, findings=codec.decode(findings),
        note=note, opened=opened, decided=decided,
    )  # fmt: skip
