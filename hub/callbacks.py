"""URLs of parties that pass through the hub become the hub's own, lent to one party.

A ``response_url`` (commands, chargingprofiles), a ``Link`` of a routed list and a ``Location`` of a
CDR name an address on one platform that another platform shall call. That one has no token there:
the hub lends it an address of its own, remembers whose it is and who may use it, and leads the call
on (docs/errata.md: the text does not say how).

A lent ``response_url`` stays good after use: a CPO that cancels a reservation calls it again
(mod_commands). It survives a restart and is kept ``callback_days``, past any expiry_date.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Literal

from hub.database import Database, Transaction
from hub.ocpi.errors import InvalidParameters, UnknownEndpoint
from hub.ocpi.messages import Party
from hub.ocpi.times import microseconds

Kind = Literal["result", "link", "location"]
_DAY = 86_400_000_000  # in microseconds


@dataclass(frozen=True)
class Lent:
    """One lent URL.

    Attributes:
        uid: its last segment at the hub.
        url: the exact URL of the party that gave it.
        owner: the party whose URL it is; ``owner_connection`` its connection.
        borrower: the party that may use it; ``borrower_connection`` its connection.
        correlation_id: of the request it came with.
    """

    uid: str
    kind: Kind
    url: str
    owner: Party
    owner_connection: str
    borrower: Party
    borrower_connection: str
    module: str
    correlation_id: str


class Callbacks:
    """Lends and redeems URLs.

    Args:
        days: how long a lent URL is kept at least.
    """

    def __init__(self, database: Database, days: int = 60) -> None:
        self._database = database
        self._days = max(days, 30)

    def new(self, kind: Kind, url: str, owner: tuple[Party, str], borrower: tuple[Party, str], module: str,
            correlation_id: str) -> Lent:  # fmt: skip
        """Return a URL to be lent; ``store`` it before anyone hears of it."""
        return Lent(secrets.token_urlsafe(16), kind, url, *owner, *borrower, module, correlation_id)

    async def store(
        self, tx: Transaction, lent: Lent, *, reservation: str = "", expiry_date: str | None = None
    ) -> None:
        """Keep a lent URL; a reservation's is found again by the reservation's id."""
        at = _now()
        until = at + self._days * _DAY
        if expiry_date:
            until = max(until, microseconds(expiry_date) + self._days * _DAY)
        await tx.execute(
            "INSERT INTO hub_lent (uid, kind, url, owner, owner_connection, borrower, borrower_connection, module,"
            " correlation_id, reservation, created, expires, due, answered)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0)",
            lent.uid, lent.kind, lent.url, str(lent.owner), lent.owner_connection, str(lent.borrower),
            lent.borrower_connection, lent.module, lent.correlation_id, reservation, at, until,
        )  # fmt: skip

    async def redeem(self, uid: str, kind: Kind, party: Party | None, connection: str) -> Lent:
        """Return a lent URL to the one that may use it; ``party`` is None where the caller named no sender.

        Raises:
            UnknownEndpoint: no such URL was lent, or it has expired.
            InvalidParameters: it was lent to another party.
        """
        if not uid.isprintable():  # PostgreSQL takes no U+0000
            raise UnknownEndpoint("There is no such URL here")
        rows = await self._database.fetch(
            "SELECT uid, kind, url, owner, owner_connection, borrower, borrower_connection, module, correlation_id,"
            " expires FROM hub_lent WHERE uid = $1",
            uid, cheap=True,
        )  # fmt: skip
        if not rows or rows[0][1] != kind or rows[0][9] < _now():
            raise UnknownEndpoint("There is no such URL here")
        row = rows[0]
        lent = Lent(row[0], row[1], row[2], Party.parse(row[3]), row[4], Party.parse(row[5]), row[6], row[7], row[8])
        if lent.borrower_connection != connection or party not in (None, lent.borrower):
            raise InvalidParameters("This URL was lent to another party: only the party asked may answer")
        return lent

    async def reserved(self, reservation: str, asker: Party) -> list[Party]:
        """Return who was asked for a reservation by this asker, newest first."""
        rows = await self._database.fetch(
            "SELECT borrower FROM hub_lent WHERE reservation = $1 AND owner = $2 ORDER BY created DESC",
            reservation, str(asker),
        )  # fmt: skip
        return list(dict.fromkeys(Party.parse(borrower) for (borrower,) in rows))

    async def expect(self, uid: str, timeout: float) -> None:
        """Remember when a result is due, ``timeout`` seconds from now, so that ``trace`` can say it is overdue.

        Later than it is kept it cannot be, whatever a party promises.
        """
        due = _now() + round(min(timeout * 1_000_000, self._days * _DAY))
        await self._database.transact(lambda tx: tx.execute("UPDATE hub_lent SET due = $1 WHERE uid = $2", due, uid))

    async def answered(self, uid: str) -> None:
        """Remember that a result has come."""
        at = _now()
        await self._database.transact(
            lambda tx: tx.execute("UPDATE hub_lent SET answered = $1 WHERE uid = $2", at, uid)
        )

    async def prune(self) -> None:
        """Forget what has expired."""
        at = _now()
        await self._database.transact(lambda tx: tx.execute("DELETE FROM hub_lent WHERE expires < $1", at))


async def overdue(database: Database, correlation_id: str) -> list[tuple[Party, str, int]]:
    """Return (who was asked, module, when the result was due in microseconds) of results that are overdue."""
    rows = await database.fetch(
        "SELECT borrower, module, due FROM hub_lent"
        " WHERE correlation_id = $1 AND due > 0 AND due < $2 AND answered = 0",
        correlation_id, _now(),
    )  # fmt: skip
    return [(Party.parse(borrower), module, due) for borrower, module, due in rows]


def _now() -> int:
    return time.time_ns() // 1000
