"""Prepaid money: held at a start, settled at the end, never below zero."""

import asyncio
import contextlib
import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.database.contract import Conflict
from hub.emsp.money.amounts import Money
from hub.emsp.money.errors import NoCredit
from hub.emsp.money.ledger import Ledger, wallet
from hub.emsp.money.wallet import Wallets

AT = 1_767_225_600_000_000
_drivers = (f"driver-{number}" for number in itertools.count())
_keys = (f"key-{number}" for number in itertools.count())


def eur(text):
    return Money(Decimal(text), "EUR")


@pytest.fixture
def ledger(database):
    return Ledger(database)


@pytest.fixture
def wallets(database, ledger):
    return Wallets(database, ledger)


async def filled(database, wallets, money):
    driver_id = next(_drivers)
    await database.transact(lambda tx: wallets.top_up(tx, driver_id, money, key=next(_keys), at=AT))
    return driver_id


async def state(wallets, driver_id):
    found = await wallets.of(driver_id, "EUR")
    return found.balance.text, found.held.text


async def test_a_top_up_counts_once(database, wallets):
    """SGEM-4.3-02."""
    driver_id = next(_drivers)

    for _ in range(2):
        await database.transact(lambda tx: wallets.top_up(tx, driver_id, eur("20"), key="top-up/1", at=AT))

    assert await state(wallets, driver_id) == ("20.00", "0.00")


async def test_what_is_held_is_not_available_and_what_was_not_used_is_again(database, wallets):
    """SGEM-4.3-03: reserve at the start, deduct at the end."""
    driver_id = await filled(database, wallets, eur("20"))

    await database.transact(lambda tx: wallets.hold(tx, driver_id, "r1", eur("15")))
    held = (await wallets.of(driver_id, "EUR")).available
    paid = await database.transact(lambda tx: wallets.settle(tx, "r1", eur("9.30"), at=AT))

    assert (held, paid) == (eur("5.00"), eur("9.30"))
    assert await state(wallets, driver_id) == ("10.70", "0.00")


async def test_a_charge_that_costs_more_than_its_hold_takes_what_is_free_and_no_more(database, wallets):
    driver_id = await filled(database, wallets, eur("20"))
    await database.transact(lambda tx: wallets.hold(tx, driver_id, "r1", eur("5")))
    await database.transact(lambda tx: wallets.hold(tx, driver_id, "r2", eur("8")))

    paid = await database.transact(lambda tx: wallets.settle(tx, "r1", eur("30"), at=AT))

    assert paid == eur("12.00")
    assert await state(wallets, driver_id) == ("8.00", "8.00")


async def test_a_hold_without_enough_is_refused(database, wallets):
    """X-59."""
    driver_id = await filled(database, wallets, eur("5"))

    with pytest.raises(NoCredit):
        await database.transact(lambda tx: wallets.hold(tx, driver_id, "r1", eur("5.01")))

    assert await state(wallets, driver_id) == ("5.00", "0.00")


async def test_a_charge_has_one_hold(database, wallets):
    driver_id = await filled(database, wallets, eur("20"))
    await database.transact(lambda tx: wallets.hold(tx, driver_id, "r1", eur("5")))

    with pytest.raises(Conflict):
        await database.transact(lambda tx: wallets.hold(tx, driver_id, "r1", eur("5")))

    assert await state(wallets, driver_id) == ("20.00", "5.00")


async def test_settling_and_releasing_twice_changes_nothing(database, wallets):
    driver_id = await filled(database, wallets, eur("20"))
    await database.transact(lambda tx: wallets.hold(tx, driver_id, "r1", eur("5")))
    await database.transact(lambda tx: wallets.settle(tx, "r1", eur("5"), at=AT))

    again = await database.transact(lambda tx: wallets.settle(tx, "r1", eur("5"), at=AT))
    await database.transact(lambda tx: wallets.release(tx, "r1"))

    assert again == eur("0.00")
    assert await state(wallets, driver_id) == ("15.00", "0.00")


steps = st.lists(
    st.tuples(st.sampled_from(["hold", "settle", "release", "top_up"]), st.integers(0, 3), st.integers(1, 2_000)),
    min_size=2,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begun=st.integers(0, 4_000), steps=steps)
async def test_a_wallet_is_never_below_zero_whatever_happens_at_once(database, begun, steps):
    """RASD-A06, SGEM-4.3-02: and it agrees with the books."""
    ledger = Ledger(database)
    wallets = Wallets(database, ledger)
    driver_id = await filled(database, wallets, Money.of_minor(begun, "EUR")) if begun else next(_drivers)

    async def step(kind, number, minor):
        reference, money = f"{driver_id}/{number}", Money.of_minor(minor, "EUR")
        work = {
            "hold": lambda tx: wallets.hold(tx, driver_id, reference, money),
            "settle": lambda tx: wallets.settle(tx, reference, money, at=AT),
            "release": lambda tx: wallets.release(tx, reference),
            "top_up": lambda tx: wallets.top_up(tx, driver_id, money, key=next(_keys), at=AT),
        }[kind]
        with contextlib.suppress(NoCredit, Conflict):
            await database.transact(work)
        found = await wallets.of(driver_id, "EUR")
        assert 0 <= found.held.minor <= found.balance.minor

    await asyncio.gather(*(step(*each) for each in steps))

    found = await wallets.of(driver_id, "EUR")
    holds = await database.fetch(
        "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM emsp_wallet_hold WHERE driver_id = $1 AND state = 'HELD'",
        driver_id,
    )
    assert found.held.minor == holds[0][0]
    assert -(await ledger.balance(wallet(driver_id), "EUR")).minor == found.balance.minor
