"""What became of each CDR, and the usage record that tells it: one row per CDR, written once.

Source: SGEM-3-03 (usage data records), 4.1-16 (session data for reporting).
"""

# ruff: noqa: S608  the only names put into a statement are our own columns

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money.amounts import Money, plain
from hub.emsp.money.moments import micros
from hub.ocpi import codec
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import after_taxes
from hub.ocpi.times import moment


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a CDR; ``EmspCdrVerdict`` tells of the fields."""

    owner: str
    cdr_id: str
    verdict: str
    session: str | None
    driver_id: str | None
    charge: str | None
    currency: str
    cost: int
    price: int
    ended: int
    document: JSONObject


#: Hears a verdict in the transaction that writes it.
Follower = Callable[[Transaction, Verdict], Awaitable[None]]


class Verdicts:
    """All verdicts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._judged_up_to = 0
        self._followers: tuple[Follower, ...] = ()

    def follow(self, follower: Follower) -> None:
        """Tell another one of every verdict from now on."""
        self._followers = (*self._followers, follower)

    async def unjudged(self, *, after: int = 0, limit: int = 100) -> list[tuple[int, Party, JSONObject]]:
        """Return CDRs that are kept and were not judged, in the order they came: (place, owner, CDR).

        Args:
            after: a place before those that are wanted.
        """
        rows = await self._database.fetch(
            "SELECT o.seq, o.owner, o.document FROM emsp_object AS o LEFT JOIN emsp_cdr_verdict AS v"
            " ON v.owner = o.owner AND v.cdr_id = o.object_id"
            " WHERE o.kind = 'cdr' AND o.seq > $1 AND v.cdr_id IS NULL ORDER BY o.seq LIMIT $2",
            max(after, self._judged_up_to),
            limit,
        )
        return [(seq, Party.parse(owner), codec.decode(document)) for seq, owner, document in rows]

    def judged_up_to(self, seq: int) -> None:
        """Look only at later CDRs from now on, but for those of works that were still open in another process."""
        self._judged_up_to = max(self._judged_up_to, seq - 1_000)

    async def add(self, tx: Transaction, verdict: Verdict) -> bool:
        """Write a verdict; False: the CDR has one, or another CDR bills its session."""
        touched = await tx.execute(
            "INSERT INTO emsp_cdr_verdict (owner, cdr_id, verdict, session, driver_id, charge, currency, cost, price,"
            " ended, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
            verdict.owner,
            verdict.cdr_id,
            verdict.verdict,
            verdict.session,
            verdict.driver_id,
            verdict.charge,
            verdict.currency,
            verdict.cost,
            verdict.price,
            verdict.ended,
            codec.encode(verdict.document),
        )
        return await self._told(tx, verdict, touched)

    async def change(self, tx: Transaction, verdict: Verdict, before: str) -> bool:
        """Give a CDR another verdict, if it has the one before."""
        touched = await tx.execute(
            "UPDATE emsp_cdr_verdict SET verdict = $1, session = $2, driver_id = $3, charge = $4, price = $5"
            " WHERE owner = $6 AND cdr_id = $7 AND verdict = $8",
            verdict.verdict,
            verdict.session,
            verdict.driver_id,
            verdict.charge,
            verdict.price,
            verdict.owner,
            verdict.cdr_id,
            before,
        )
        return await self._told(tx, verdict, touched)

    async def _told(self, tx: Transaction, verdict: Verdict, touched: int) -> bool:
        for each in self._followers if touched else ():
            await each(tx, verdict)
        return touched > 0

    async def of(self, owner: Party, cdr_id: str) -> Verdict | None:
        """Return what became of a CDR; None: it was not judged yet."""
        rows = await self._database.fetch(f"{_SELECT} WHERE owner = $1 AND cdr_id = $2", str(owner), cdr_id.upper())
        return _verdict(rows[0]) if rows else None

    async def billing(self, session: str) -> Verdict | None:
        """Return the CDR that bills a session (OWNER/SESSION in capitals)."""
        rows = await self._database.fetch(f"{_SELECT} WHERE session = $1", session)
        return _verdict(rows[0]) if rows else None

    async def ended(self, since: int, until: int, *, driver_id: str | None = None) -> list[Verdict]:
        """Return the verdicts on charges that ended in a time, in that order."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE ended >= $1 AND ended < $2 AND (CAST($3 AS TEXT) IS NULL OR driver_id = $3)"
            " ORDER BY ended, owner, cdr_id",
            since,
            until,
            driver_id,
        )
        return [_verdict(row) for row in rows]

    async def booked(self, since: int, until: int, *, driver_id: str) -> list[tuple[Verdict, JSONObject]]:
        """Return a driver's charges that are billed and ended in a time, each with its CDR, in that order."""
        rows = await self._database.fetch(
            f"SELECT o.document, {', '.join(f'v.{name}' for name in _COLUMNS)} FROM emsp_cdr_verdict AS v"
            " JOIN emsp_object AS o ON o.kind = 'cdr' AND o.owner = v.owner AND o.object_id = v.cdr_id"
            " WHERE v.driver_id = $1 AND v.verdict = 'BOOKED' AND v.ended >= $2 AND v.ended < $3"
            " ORDER BY v.ended, v.owner, v.cdr_id",
            driver_id,
            since,
            until,
        )
        return [(_verdict(row[1:]), codec.decode(row[0])) for row in rows]


def verdict_on(cdr: JSONObject, owner: Party, verdict: str, *, driver_id: str | None) -> Verdict:
    """Return a verdict that bills nobody yet."""
    total = cdr["total_cost"]
    cost = Money(after_taxes(total), cdr["currency"])
    return Verdict(
        owner=str(owner),
        cdr_id=cdr["id"].upper(),
        verdict=verdict,
        session=None,
        driver_id=driver_id,
        charge=None,
        currency=cdr["currency"],
        cost=cost.minor,
        price=0,
        ended=micros(moment(cdr["end_date_time"])),
        document=_usage(cdr),
    )


def session_key(cdr: JSONObject, owner: Party) -> str | None:
    """Return the name of the session a CDR ends; None: it names none."""
    session_id = cdr.get("session_id")
    return f"{owner}/{session_id}".upper() if session_id else None


def _usage(cdr: JSONObject) -> JSONObject:
    place, token = cdr["cdr_location"], cdr["cdr_token"]
    return {
        "cdr_id": cdr["id"],
        "operator": f"{cdr['country_code']}-{cdr['party_id']}",
        "session_id": cdr.get("session_id"),
        "authorization_reference": cdr.get("authorization_reference"),
        "evse_id": place["evse_id"],
        "location": place.get("name") or place["address"],
        "city": place["city"],
        "country": place["country"],
        "start": cdr["start_date_time"],
        "end": cdr["end_date_time"],
        "kwh": plain(cdr["total_energy"]),
        "hours": plain(cdr["total_time"]),
        "contract_id": token["contract_id"],
        "token_type": token["type"],
        "auth_method": cdr["auth_method"],
        "credits": cdr.get("credit_reference_id") if cdr.get("credit") else None,
    }


_COLUMNS = (
    "owner", "cdr_id", "verdict", "session", "driver_id", "charge", "currency", "cost", "price", "ended", "document",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM emsp_cdr_verdict"


def _verdict(row: Row) -> Verdict:
    return Verdict(**dict(zip(_COLUMNS[:-1], row[:-1], strict=True)), document=codec.decode(row[-1]))
