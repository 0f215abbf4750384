"""What a driver was billed in a month: all receipts and credits of it, as data and as CSV.

Source: SGEM-4.3-01 (monthly), 4.3-05 (date, time, station, energy and amount per session); RFC 4180.
"""

import csv
import datetime
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hub.emsp.money.amounts import Money
from hub.emsp.money.moments import micros
from hub.emsp.money.receipts import Receipt, Receipts

#: The columns of the CSV, by what a receipt calls them.
COLUMNS = (
    "number", "kind", "issued", "start", "end", "place", "evse_id", "operator", "session_id", "kwh", "hours", "net",
    "vat_country", "vat_percent", "vat", "gross", "currency",
)  # fmt: skip

#: A cell that begins with one of these is a formula to a spreadsheet; a quote before it makes it text.
_FORMULA = ("=", "+", "@", "\t", "\r")


@dataclass(frozen=True)
class Month:
    """A calendar month, in UTC."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Return the month of ``2026-01``.

        Raises:
            ValueError: it is none.
        """
        at = datetime.datetime.strptime(text, "%Y-%m").replace(tzinfo=datetime.UTC)
        return cls(at.year, at.month)

    @property
    def begins(self) -> datetime.datetime:
        """Its first moment."""
        return datetime.datetime(self.year, self.month, 1, tzinfo=datetime.UTC)

    @property
    def ends(self) -> datetime.datetime:
        """The first moment of the next month."""
        return (self.begins + datetime.timedelta(days=32)).replace(day=1)

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"


@dataclass(frozen=True)
class Statement:
    """A driver's month."""

    driver_id: str
    month: Month
    receipts: Sequence[Receipt]

    @property
    def totals(self) -> list[Money]:
        """What it comes to, one amount per currency."""
        sums: dict[str, int] = defaultdict(int)
        for receipt in self.receipts:
            sums[receipt.money.currency] += receipt.money.minor
        return [Money.of_minor(minor, currency) for currency, minor in sorted(sums.items())]


class Statements:
    """Months of drivers."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    async def of(self, driver_id: str, month: Month) -> Statement:
        """Return a driver's month."""
        found = await self._receipts.of(driver_id, micros(month.begins), micros(month.ends))
        return Statement(driver_id, month, found)

    async def drivers(self, month: Month) -> list[str]:
        """Return everyone who was billed something in a month."""
        return await self._receipts.drivers(micros(month.begins), micros(month.ends))


def as_csv(statement: Statement) -> str:
    """Return a month as CSV."""
    return table(COLUMNS, [receipt.document for receipt in statement.receipts])


def table(columns: Sequence[str], rows: Sequence[dict[str, object]]) -> str:
    """Return rows as CSV with a head."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(columns)
    lines.writerows([[_cell(row.get(name)) for name in columns] for row in rows])
    return written.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
