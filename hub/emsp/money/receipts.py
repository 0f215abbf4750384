"""Receipts: one per CDR that is booked and per credit, numbered without gaps, never changed.

A receipt does not hold its driver's name: that is put on the paper when it is written, so an erased driver's receipts
stay, and are nobody's.

Source: Directive 2006/112/EC, articles 226 and 226b (simplified invoices); GEM-UC-1519 (kWh, roaming, CO2); GDPR,
article 17(3)(b).
"""

from dataclasses import dataclass
from decimal import Decimal

from hub.database.contract import Database, Row, Transaction
from hub.emsp.money.amounts import Money, plain
from hub.emsp.money.retail import RetailPrice
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject


@dataclass(frozen=True)
class Receipt:
    """A receipt as it was given out.

    Attributes:
        at: in microseconds since 1970, UTC.
    """

    number: str
    subject: str
    driver_id: str
    money: Money
    at: int
    document: JSONObject


class Receipts:
    """All receipts of a provider."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(
        self, tx: Transaction, subject: str, driver_id: str, document: JSONObject, money: Money, *, year: int, at: int
    ) -> str:
        """Write a receipt and return its number; the number is given in the transaction that books it.

        Raises:
            Conflict: there is one for this subject.
        """
        rows = await tx.fetch(
            "INSERT INTO emsp_receipt_count (year, given) VALUES ($1, 1) ON CONFLICT (year)"
            " DO UPDATE SET given = emsp_receipt_count.given + 1 RETURNING given",
            str(year),
        )
        number = f"R-{year}-{rows[0][0]:06}"
        await tx.execute(
            "INSERT INTO emsp_receipt (number, subject, driver_id, currency, amount, at, document)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            number,
            subject,
            driver_id,
            money.currency,
            money.minor,
            at,
            codec.encode(document | {"number": number}),
        )
        return number

    async def get(self, number: str) -> Receipt | None:
        """Return a receipt by its number."""
        rows = await self._database.fetch(f"{_SELECT} WHERE number = $1", number)
        return _receipt(rows[0]) if rows else None

    async def for_subject(self, subject: str) -> Receipt | None:
        """Return the receipt of a CDR (``cdr/OWNER/ID``) or credit (``credit/OWNER/ID``)."""
        rows = await self._database.fetch(f"{_SELECT} WHERE subject = $1", subject)
        return _receipt(rows[0]) if rows else None

    async def of(self, driver_id: str, since: int = 0, until: int = 2**62, *, limit: int = 10_000) -> list[Receipt]:
        """Return a driver's receipts of a time, the oldest first."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE driver_id = $1 AND at >= $2 AND at < $3 ORDER BY at, number LIMIT $4",
            driver_id,
            since,
            until,
            limit,
        )
        return [_receipt(row) for row in rows]

    async def latest(self, driver_id: str, *, limit: int, skip: int = 0) -> list[Receipt]:
        """Return a driver's latest receipts, the newest first."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE driver_id = $1 ORDER BY at DESC, number DESC LIMIT $2 OFFSET $3", driver_id, limit, skip
        )
        return [_receipt(row) for row in rows]

    async def drivers(self, since: int, until: int) -> list[str]:
        """Return the drivers with receipts in a time."""
        rows = await self._database.fetch(
            "SELECT DISTINCT driver_id FROM emsp_receipt WHERE at >= $1 AND at < $2 ORDER BY driver_id", since, until
        )
        return [driver_id for (driver_id,) in rows]


def for_cdr(cdr: JSONObject, price: RetailPrice, issued: str) -> JSONObject:
    """Return what a receipt says of a CDR; amounts as text in its currency."""
    place = cdr["cdr_location"]
    said: JSONObject = {
        "kind": "RECEIPT",
        "issued": issued,
        "currency": price.net.currency,
        "cdr": f"{cdr['country_code']}-{cdr['party_id']}/{cdr['id']}",
        "operator": f"{cdr['country_code']}-{cdr['party_id']}",
        "session_id": cdr.get("session_id"),
        "contract_id": cdr["cdr_token"]["contract_id"],
        "evse_id": place["evse_id"],
        "place": ", ".join(filter(None, (place.get("name"), place["address"], place["city"], place["country"]))),
        "start": cdr["start_date_time"],
        "end": cdr["end_date_time"],
        "kwh": plain(cdr["total_energy"]),
        "hours": plain(cdr["total_time"]),
        "net": price.net.text,
        "vat_percent": f"{price.vat_percent.normalize():f}",
        "vat_country": price.country,
        "vat": price.vat.text,
        "gross": price.gross.text,
        "how": price.how,
        "lines": list(price.lines),
    }
    grams = emissions(cdr)
    return said | ({"co2_kg": str((grams / 1000).quantize(Decimal("0.001")))} if grams is not None else {})


def credit_of(document: JSONObject, issued: str) -> JSONObject:
    """Return what the receipt of a credit says: the other one, taken back."""
    negative = {name: _negative(document[name]) for name in ("net", "vat", "gross", "kwh")}
    return document | negative | {"kind": "CREDIT", "issued": issued, "credits": document["number"], "lines": []}


def emissions(cdr: JSONObject) -> Decimal | None:
    """Return the CO2 of a CDR in grams, as the energy mix of its first Tariff tells it; None: it does not.

    Source: OCPI 2.3.0, mod_locations.asciidoc (EnvironmentalImpact: CARBON_DIOXIDE in g/kWh).
    """
    for tariff in cdr.get("tariffs") or ():
        for each in (tariff.get("energy_mix") or {}).get("environ_impact") or ():
            if each["category"] == "CARBON_DIOXIDE":
                return Decimal(str(each["amount"])) * Decimal(str(cdr["total_energy"]))
    return None


def _negative(text: str) -> str:
    return text.removeprefix("-") if text.startswith("-") else f"-{text}"


_SELECT = "SELECT number, subject, driver_id, currency, amount, at, document FROM emsp_receipt"


def _receipt(row: Row) -> Receipt:
    number, subject, driver_id, currency, amount, at, document = row
    return Receipt(number, subject, driver_id, Money.of_minor(amount, currency), at, codec.decode(document))
