"""The conformance table is complete and true."""

from tests.conformance import table
from tests.telling import Tell


def test_every_statement_of_the_checklist_has_a_test_or_a_reason() -> None:
    shown = table.marks()

    missing = [row.id for row in table.checklist() if row.id not in shown and row.id not in table.NOTES]

    assert missing == []


def test_no_test_claims_a_statement_that_does_not_exist() -> None:
    known = {row.id for row in table.checklist()}

    assert set(table.marks()) <= known


def test_the_published_table_is_what_the_tests_say(tell: Tell) -> None:
    rows, shown = table.checklist(), table.marks()
    noted = sum(row.id in table.NOTES for row in rows)
    tell(f"checklist: {sum(row.id in shown for row in rows)} of {len(rows)} statements have tests, {noted} a note")

    assert table.TABLE.read_text() == table.table()
