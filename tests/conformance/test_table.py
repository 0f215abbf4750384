"""The conformance table is complete and true."""

from tests.conformance import table


def test_every_statement_of_the_checklist_has_a_test_or_a_reason() -> None:
    shown = table.marks()

    missing = [row.id for row in table.checklist() if row.id not in shown and row.id not in table.NOTES]

    assert missing == []


def test_no_test_claims_a_statement_that_does_not_exist() -> None:
    known = {row.id for row in table.checklist()}

    assert set(table.marks()) <= known


def test_the_published_table_is_what_the_tests_say(record_testsuite_property) -> None:
    rows, shown = table.checklist(), table.marks()
    record_testsuite_property("checklist", f"{sum(row.id in shown for row in rows)} of {len(rows)}")

    assert table.TABLE.read_text() == table.table()
