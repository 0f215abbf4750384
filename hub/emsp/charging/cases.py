"""What did not come, or came from nowhere: for the operator's people to look at.

A case is raised once and closed by a person with a note, or by itself when what was missing comes after all.
"""

# ruff: noqa: S608  the only texts put into a statement are this file's own

import datetime
from dataclasses import dataclass
from typing import Literal, get_args

from hub.database.contract import Database, Row, Transaction
from hub.ocpi import codec
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import stamp, stamped

#: RESULT_MISSING: a command was accepted and nothing came of it. SESSION_MISSING: a start succeeded without a Session.
#: STOP_MISSING: a charge that was told to stop goes on. CDR_MISSING: a Session ended unbilled.
#: CDR_DISPUTED: a bill that cannot be charged as it is.
#: ORDER_MISSING: a Session of a Token nobody has. CDR_WITHOUT_SESSION: a bill for no Session known here.
Kind = Literal[
    "RESULT_MISSING", "SESSION_MISSING", "STOP_MISSING", "CDR_MISSING", "ORDER_MISSING", "CDR_WITHOUT_SESSION",
    "CDR_DISPUTED",
]  # fmt: skip

KINDS: tuple[Kind, ...] = get_args(Kind)
_COLUMNS = "id, kind, subject, owner, detail, opened_at, closed_at, note"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case; open while ``closed_at`` is None.

    Attributes:
        subject: id of the charge, Session or CDR.
        owner: CC-PID of the CPO.
    """

    id: int
    kind: Kind
    subject: str
    owner: str
    detail: JSONObject
    opened_at: datetime.datetime
    closed_at: datetime.datetime | None
    note: str | None


async def open_case(
    tx: Transaction, kind: Kind, subject: str, owner: Party, detail: JSONObject, now: datetime.datetime
) -> None:
    """Raise a case, once."""
    await tx.execute(
        "INSERT INTO emsp_charge_case (kind, subject, owner, detail, opened_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (kind, subject) DO NOTHING",
        kind, subject, str(owner), codec.encode(detail), stamp(now),
    )  # fmt: skip
    tx.notify(CHANNEL, kind)


#: Notified when a case was raised.
CHANNEL = "emsp_charge_case"


async def came(
    tx: Transaction, subject: str, kinds: tuple[Kind, ...], now: datetime.datetime, note: str = "It came after all."
) -> None:
    """Close the cases about something that has come after all."""
    marks = ", ".join(f"${number}" for number in range(4, len(kinds) + 4))
    await tx.execute(
        "UPDATE emsp_charge_case SET closed_at = $1, note = $2"
        f" WHERE subject = $3 AND closed_at IS NULL AND kind IN ({marks})",
        stamp(now), note, subject, *kinds,
    )  # fmt: skip


async def close_case(tx: Transaction, case_id: int, note: str, now: datetime.datetime) -> Case | None:
    """Close a case with a note; None: there is no open one of this id."""
    rows = await tx.fetch(
        f"UPDATE emsp_charge_case SET closed_at = $1, note = $2 WHERE id = $3 AND closed_at IS NULL"
        f" RETURNING {_COLUMNS}",
        stamp(now), note, case_id,
    )  # fmt: skip
    return _case(rows[0]) if rows else None


async def cases(database: Database, *, closed: bool = False, after: int = 0, most: int = 100) -> list[Case]:
    """Return open cases, or closed ones, the oldest first."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM emsp_charge_case WHERE closed_at IS {'NOT ' if closed else ''}NULL AND id > $1"
        f" ORDER BY id LIMIT {most}",
        after,
    )
    return [_case(row) for row in rows]


async def newest(database: Database) -> int:
    """Return the id of the case raised last; 0: there was none."""
    rows = await database.fetch("SELECT coalesce(max(id), 0) FROM emsp_charge_case")
    number: int = rows[0][0]
    return number


async def case_of(database: Database, case_id: int) -> Case | None:
    """Return a case."""
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM emsp_charge_case WHERE id = $1", case_id)
    return _case(rows[0]) if rows else None


def _case(row: Row) -> Case:
    number, kind, subject, owner, detail, opened, closed, note = row
    return Case(
        id=number, kind=kind, subject=subject, owner=owner, detail=codec.decode(detail), opened_at=stamped(opened),
        closed_at=None if closed is None else stamped(closed), note=note,
    )  # fmt: skip
