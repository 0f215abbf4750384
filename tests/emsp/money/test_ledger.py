"""The books of the provider: whatever is booked sums to zero, once, and stays."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.emsp.money.amounts import Money
from hub.emsp.money.ledger import Entry, Ledger, Unbalanced, entries

AT = 1_767_225_600_000_000
ACCOUNTS = ["revenue", "vat/NLD", "gateway", "driver/a", "wallet/a", "cpo/NL-CPO"]
_numbers = itertools.count()


def eur(text):
    return Money(Decimal(text), "EUR")


moves = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(-10_000, 10_000)).filter(
    lambda move: move[0] != move[1]
)


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "text"),
    [("12.345", "EUR", 1235, "12.35 EUR"), ("1500", "JPY", 1500, "1500 JPY"), ("1.0005", "KWD", 1001, "1.001 KWD")],
)
def test_an_amount_has_the_decimals_of_its_currency(amount, currency, minor, text):
    money = Money(Decimal(amount), currency)

    assert (money.minor, str(money)) == (minor, text)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "BHD"]))
def test_minor_units_come_back_as_they_were(minor, currency):
    assert Money.of_minor(minor, currency).minor == minor


@pytest.mark.parametrize("amount", ["0", "-1", "0.004"])
def test_an_entry_that_moves_nothing_or_backwards_is_refused(amount):
    with pytest.raises(Unbalanced):
        Entry("gateway", "revenue", eur(amount))


def test_an_entry_to_the_same_account_is_refused():
    with pytest.raises(Unbalanced, match="itself"):
        Entry("revenue", "revenue", eur("1"))


async def test_two_currencies_in_one_transaction_are_refused_and_nothing_is_booked(database):
    ledger = Ledger(database)
    booked = [Entry("gateway", "revenue", eur("1")), Entry("gateway", "revenue", Money(Decimal(1), "JPY"))]

    with pytest.raises(Unbalanced):
        await database.transact(lambda tx: ledger.book(tx, "k", booked, currency="EUR", at=AT))

    assert await ledger.trial() == {}


async def test_an_event_is_booked_once_by_its_key(database):
    ledger = Ledger(database)
    booked = entries(("gateway", "wallet/a", eur("10")))

    first = await database.transact(lambda tx: ledger.book(tx, "top-up/1", booked, currency="EUR", at=AT))
    again = await database.transact(lambda tx: ledger.book(tx, "top-up/1", booked, currency="EUR", at=AT))

    assert (first, again) == (True, False)
    assert await ledger.balance("wallet/a", "EUR") == eur("-10.00")


async def test_a_transaction_is_taken_back_once_even_under_two_keys(database):
    ledger = Ledger(database)
    booked = entries(("driver/a", "revenue", eur("10")), ("driver/a", "vat/NLD", eur("2.10")))
    await database.transact(lambda tx: ledger.book(tx, "cdr/1", booked, currency="EUR", at=AT))

    done = [
        await database.transact(lambda tx, key=key: ledger.reverse(tx, key, "cdr/1", at=AT))
        for key in ("credit/1", "credit/1", "credit/2")
    ]

    assert done == [True, False, False]
    assert set((await ledger.trial()).values()) == {0}


async def test_what_was_never_booked_cannot_be_taken_back(database):
    ledger = Ledger(database)

    assert await database.transact(lambda tx: ledger.reverse(tx, "credit/1", "cdr/1", at=AT)) is False


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(booked=st.lists(st.lists(moves, min_size=1, max_size=5), max_size=6))
async def test_the_books_sum_to_zero_whatever_is_booked(database, booked):
    """RASD-A06: money moves, and none appears or is lost."""
    ledger = Ledger(database)

    for each in booked:
        made = entries(*((debit, credit, Money.of_minor(amount, "EUR")) for debit, credit, amount in each))
        key = f"event/{next(_numbers)}"
        await database.transact(lambda tx, made=made, key=key: ledger.book(tx, key, made, currency="EUR", at=AT))

    assert sum((await ledger.trial()).values()) == 0
