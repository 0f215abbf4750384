"""Receipts and monthly statements as PDF: the same receipt is the same file, byte for byte.

Letters that the built-in type does not have are written as a question mark; amounts and numbers never need any.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from hub.emsp.money.amounts import Money
from hub.emsp.money.needs import Payer
from hub.emsp.money.receipts import Receipt
from hub.emsp.money.statements import Statement
from hub.ocpi.objects import JSONObject

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, A4[0] - 56, A4[1] - 64, 64  # points
_LINE = 15


@dataclass(frozen=True)
class Letterhead:
    """Who gives a paper out.

    Attributes:
        lines: address.
        vat_number: under which VAT is paid.
    """

    name: str
    lines: tuple[str, ...] = ()
    vat_number: str | None = None


def receipt_pdf(receipt: Receipt, payer: Payer, seller: Letterhead) -> bytes:
    """Return a receipt as PDF."""
    said = receipt.document
    credit = said["kind"] == "CREDIT"
    paper = _Paper(f"{'Credit' if credit else 'Receipt'} {receipt.number}", seller, payer)
    if credit:
        paper.pair("Credits", said["credits"])
    for name, value in _charge(said):
        paper.pair(name, value)
    paper.rule()
    currency = said["currency"]
    for line in said["lines"]:
        paper.amount(f"{line['part']}: {line['rule'].split(';')[0]}", f"{Money(line['cost'], currency)}")
    paper.amount("Price before VAT", f"{said['net']} {currency}")
    paper.amount(f"VAT {said['vat_country']} {said['vat_percent']} %", f"{said['vat']} {currency}")
    paper.amount("Total", f"{said['gross']} {currency}", bold=True)
    return paper.bytes()


def statement_pdf(statement: Statement, payer: Payer, seller: Letterhead) -> bytes:
    """Return a month as PDF, as many pages as it takes."""
    paper = _Paper(f"Statement {statement.month}", seller, payer)
    paper.columns(("Receipt", "Start", "Place", "kWh", "Total"), bold=True)
    for receipt in statement.receipts:
        said = receipt.document
        start = said["start"][:16].replace("T", " ")
        paper.columns((receipt.number, start, said["place"], said["kwh"], str(receipt.money)))
    paper.rule()
    for total in statement.totals:
        paper.amount("Total", str(total), bold=True)
    if not statement.receipts:
        paper.pair("Charges", "none in this month")
    return paper.bytes()


def _charge(said: JSONObject) -> Iterable[tuple[str, str]]:
    yield "Issued", said["issued"]
    yield "Place", said["place"]
    yield "EVSE", f"{said['evse_id']} (operator {said['operator']})"
    yield "Start", said["start"]
    yield "End", said["end"]
    yield "Energy", f"{said['kwh']} kWh"
    yield "Time", f"{said['hours']} h"
    yield "Contract", said["contract_id"]
    yield "Session", said.get("session_id") or "-"
    yield "Price", said["how"]
    if "co2_kg" in said:
        yield "CO2", f"{said['co2_kg']} kg"


class _Paper:
    def __init__(self, title: str, seller: Letterhead, payer: Payer) -> None:
        self._file = io.BytesIO()
        # Without "invariant" the file holds the moment it was made.
        self._canvas = Canvas(self._file, pagesize=A4, invariant=1)
        self._canvas.setTitle(title)
        self._canvas.setAuthor(seller.name)
        self._y: float = _TOP
        self._text(_LEFT, seller.name, bold=True)
        self._lines([*seller.lines, *([f"VAT {seller.vat_number}"] if seller.vat_number else [])])
        self._y -= _LINE
        self._lines([line for line in (payer.name, *payer.lines) if line])
        self._y -= _LINE
        self._text(_LEFT, title, bold=True, size=16)
        self._y -= 2 * _LINE

    def pair(self, name: str, value: str) -> None:
        """Write what something is."""
        self._room()
        self._text(_LEFT, name)
        for part in _wrapped(value, 70):
            self._room()
            self._text(_LEFT + 90, part)
            self._y -= _LINE

    def amount(self, name: str, value: str, *, bold: bool = False) -> None:
        """Write an amount at the right."""
        self._room()
        self._text(_LEFT, name[:80], bold=bold)
        self._text(_RIGHT, value, bold=bold, right=True)
        self._y -= _LINE

    def columns(self, cells: Sequence[str], *, bold: bool = False) -> None:
        """Write a line of a statement."""
        self._room()
        number, start, place, kwh, total = cells
        for left, cell in ((_LEFT, number), (_LEFT + 92, start), (_LEFT + 190, place[:34])):
            self._text(left, cell, bold=bold, size=9)
        for right, cell in ((_RIGHT - 80, kwh), (_RIGHT, total)):
            self._text(right, cell, bold=bold, size=9, right=True)
        self._y -= _LINE

    def rule(self) -> None:
        """Draw a line."""
        self._canvas.line(_LEFT, self._y + _LINE / 2, _RIGHT, self._y + _LINE / 2)
        self._y -= _LINE / 2

    def bytes(self) -> bytes:
        """Return the file."""
        self._canvas.save()
        return self._file.getvalue()

    def _room(self) -> None:
        if self._y < _BOTTOM:
            self._canvas.showPage()
            self._y = _TOP

    def _lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._y -= _LINE
            self._text(_LEFT, line)
        self._y -= _LINE

    def _text(self, x: float, text: str, *, bold: bool = False, size: int = 10, right: bool = False) -> None:
        self._canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
        # The fonts every reader has hold what Windows-1252 holds.
        shown = text.encode("cp1252", "replace").decode("cp1252")
        (self._canvas.drawRightString if right else self._canvas.drawString)(x, self._y, shown)


def _wrapped(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, max(len(text), 1), width)]
