"""Bill data records: the charges of all subscribers in a month, as XML that ``schemas/emsp/billdata.xsd`` describes.

It is written subscriber by subscriber, so that no month is too large.

Source: SGEM-4.3-01 (monthly bill data records for all subscribers, with all session information after tariff rules).
"""

import re
from collections.abc import AsyncIterator, Iterator
from xml.sax.saxutils import escape, quoteattr

from hub.emsp.money.needs import Drivers, Payer
from hub.emsp.money.statements import Month, Statement, Statements
from hub.ocpi.objects import JSONObject

NAMESPACE = "urn:emall:billdata:1"

#: Elements of a record by what a receipt calls them, in the order of the schema; what a receipt lacks is left out.
_RECORD = (
    ("issued", "issued"), ("credits", "credits"), ("operator", "operator"), ("cdr", "cdr"), ("session", "session_id"),
    ("contract", "contract_id"), ("evse", "evse_id"), ("place", "place"), ("start", "start"), ("end", "end"),
    ("kwh", "kwh"), ("hours", "hours"), ("rule", "how"), ("net", "net"), ("vatCountry", "vat_country"),
    ("vatPercent", "vat_percent"), ("vat", "vat"), ("gross", "gross"), ("co2Kg", "co2_kg"),
)  # fmt: skip


async def bill_data(statements: Statements, drivers: Drivers, month: Month, provider: str) -> AsyncIterator[str]:
    """Yield the document of a month in parts.

    Args:
        provider: CC-PID.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<billData xmlns="{NAMESPACE}" provider={quoteattr(provider)} month="{month}">\n'
    for driver_id in await statements.drivers(month):
        payer = await drivers.payer(driver_id)
        yield "".join(_subscriber(payer, await statements.of(driver_id, month)))
    yield "</billData>\n"


def _subscriber(payer: Payer, statement: Statement) -> Iterator[str]:
    known = {"id": payer.driver_id, "customer": payer.customer_id, "name": payer.name, "phone": payer.phone}
    yield f"  <subscriber{_attributes(known)}>\n"
    for receipt in statement.receipts:
        yield from _record(receipt.number, receipt.document)
    for total in statement.totals:
        yield f'    <total currency="{total.currency}">{total.text}</total>\n'
    yield "  </subscriber>\n"


def _record(number: str, document: JSONObject) -> Iterator[str]:
    named = {"number": number, "kind": document["kind"], "currency": document["currency"]}
    yield f"    <record{_attributes(named)}>\n"
    for element, name in _RECORD:
        if document.get(name) not in (None, ""):
            yield f"      <{element}>{escape(_plain(str(document[name])))}</{element}>\n"
    yield "    </record>\n"


def _attributes(values: dict[str, str | None]) -> str:
    return "".join(f" {name}={quoteattr(_plain(value))}" for name, value in values.items() if value)


def _plain(text: str) -> str:
    """Return a text without the characters XML 1.0 cannot hold (2.2)."""
    return _NO_XML.sub("", text)


_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
