"""What is told of money: receipts, statements, bill data records, usage records."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
import xmlschema

from hub.cpms.cdrs import credit
from hub.emsp.money.billdata import bill_data
from hub.emsp.money.needs import Payer
from hub.emsp.money.papers import Letterhead, receipt_pdf, statement_pdf
from hub.emsp.money.statements import Month, Statements, as_csv
from hub.emsp.money.usage import usage_records
from tests.cpms.test_sessions import cost_of
from tests.emsp.money.conftest import AT
from tests.rooms import tariff

JANUARY = Month(2026, 1)
SELLER = Letterhead("Emall", ("Street 1", "Testford"), "NL001234567B01")
SCHEMA = Path(__file__).parents[3] / "schemas" / "emsp" / "billdata.xsd"
GREEN = {"energy_mix": {"is_green_energy": False, "environ_impact": [{"category": "CARBON_DIOXIDE", "amount": 148.3}]}}


@pytest.fixture
async def billed(desk):
    """A desk with a charge, another that was credited, and one in dispute."""
    await desk.save()
    await desk.charged(reference="ONE", session_id="S1")
    second = await desk.charged(reference="TWO", session_id="S2")
    await desk.session("S3", "THREE")
    await desk.keep(cost_of(tariff()) | {"id": "S3", "session_id": "S3", "total_energy": 90})
    await desk.work()
    await desk.keep(credit(second, AT))
    await desk.work()
    return desk


async def test_receipts_are_numbered_without_gaps_in_the_order_they_are_given(billed):
    numbers = [each.number for each in await billed.till.receipts.of("anna")]

    assert numbers == ["R-2026-000001", "R-2026-000002", "R-2026-000003"]


async def test_a_receipt_says_what_was_charged_where_and_what_of_it_is_vat(billed):
    """INCAR-AC03, GEM-UC-1519, SGEM-4.3-05."""
    receipt = await billed.till.receipts.get("R-2026-000001")

    said = receipt.document
    assert {name: said[name] for name in ("net", "vat", "gross", "vat_percent", "vat_country", "kwh", "hours")} == {
        "net": "8.50", "vat": "1.79", "gross": "10.29", "vat_percent": "21", "vat_country": "NLD", "kwh": "20",
        "hours": "1",
    }  # fmt: skip
    assert said["place"] == "Harbour, Quay 1, Testford, NLD"


async def test_a_receipt_has_the_emissions_its_tariff_tells(desk):
    """GEM-UC-1519."""
    await desk.session()
    await desk.keep(cost_of(tariff(**GREEN)))

    await desk.work()

    (receipt,) = await desk.till.receipts.of("anna")
    assert receipt.document["co2_kg"] == "2.966"


async def test_a_receipt_is_a_pdf_and_always_the_same_one(billed):
    receipt = await billed.till.receipts.get("R-2026-000001")
    payer = await billed.people.payer("anna")

    first, again = receipt_pdf(receipt, payer, SELLER), receipt_pdf(receipt, payer, SELLER)

    assert first.startswith(b"%PDF-")
    assert first == again


async def test_a_credit_and_letters_the_type_does_not_have_are_written_too(billed):
    receipt = await billed.till.receipts.get("R-2026-000003")

    assert receipt.document["credits"] == "R-2026-000002"
    assert receipt_pdf(receipt, Payer(driver_id="anna", name="Łukasz Ωmega 🚗"), SELLER).startswith(b"%PDF-")


async def test_an_erased_drivers_receipts_stay_without_a_name(billed):
    rows = await billed.database.fetch("SELECT document FROM emsp_receipt")

    assert not any(b"Anna" in bytes(document) for (document,) in rows)


async def test_a_statement_has_the_receipts_of_its_month_and_their_sum(billed):
    """SGEM-4.3-01."""
    statements = Statements(billed.till.receipts)

    january = await statements.of("anna", JANUARY)
    february = await statements.of("anna", Month.parse("2026-02"))

    assert [str(each) for each in january.totals] == ["10.29 EUR"]
    assert len(january.receipts) == 3
    assert february.receipts == []


async def test_a_statement_is_a_csv_that_a_spreadsheet_can_read(billed):
    statement = await Statements(billed.till.receipts).of("anna", JANUARY)

    rows = list(csv.DictReader(io.StringIO(as_csv(statement))))

    assert [row["gross"] for row in rows] == ["10.29", "10.29", "-10.29"]
    assert rows[0]["evse_id"] == "NL*CPO*EEVSE1"


async def test_a_long_statement_has_several_pages_and_an_empty_one_says_so(billed):
    statements = Statements(billed.till.receipts)
    january = await statements.of("anna", JANUARY)
    payer = await billed.people.payer("anna")

    long = statement_pdf(type(january)("anna", JANUARY, list(january.receipts) * 40), payer, SELLER)
    empty = statement_pdf(await statements.of("ben", JANUARY), payer, SELLER)

    assert long.count(b"/Type /Page\n") > 1
    assert empty.count(b"/Type /Page\n") == 1


async def test_bill_data_records_of_all_subscribers_are_valid_by_their_schema(billed):
    """SGEM-4.3-01: XML, all session information after tariff rules."""
    parts = [part async for part in bill_data(Statements(billed.till.receipts), billed.people, JANUARY, "DE-EMP")]

    document = "".join(parts)
    schema = xmlschema.XMLSchema(str(SCHEMA))
    schema.validate(document)
    told = schema.to_dict(document)
    (subscriber,) = told["subscriber"]
    assert subscriber["@name"] == "Anna Ø. Müller"
    assert [record["gross"] for record in subscriber["record"]] == [
        Decimal("10.29"), Decimal("10.29"), Decimal("-10.29"),
    ]  # fmt: skip
    assert subscriber["total"] == [{"@currency": "EUR", "$": Decimal("10.29")}]


async def test_a_month_without_charges_is_valid_bill_data_too(desk):
    parts = [part async for part in bill_data(Statements(desk.till.receipts), desk.people, JANUARY, "DE-EMP")]

    xmlschema.XMLSchema(str(SCHEMA)).validate("".join(parts))


async def test_every_cdr_has_a_usage_record_whatever_became_of_it(billed):
    """SGEM-3-03, SGEM-4.1-16."""
    found = [each async for each in usage_records(billed.till.verdicts, billed.people, 0, 2**62)]

    verdicts = {each["cdr_id"]: (each["verdict"], each["cost"], each["price"]) for each in found}
    assert verdicts == {
        "S1": ("BOOKED", "10.20", "10.29"),
        "S2": ("CREDITED", "10.20", "10.29"),
        "S2-C": ("CREDIT", "-10.20", "-10.29"),
        "S3": ("DISPUTED", "10.20", "0.00"),
    }
    assert {each["phone"] for each in found} == {"+31612345678"}


@pytest.mark.parametrize("text", ["2026", "2026-13", "January"])
def test_what_is_no_month_is_refused(text):
    with pytest.raises(ValueError, match=r"time data|unconverted data"):
        Month.parse(text)


def test_december_ends_with_the_year():
    assert str(Month(2026, 12).ends) == "2027-01-01 00:00:00+00:00"
