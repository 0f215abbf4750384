"""Meters that show what cannot be, begin again at zero or are set back: what is certain is billed; on both stores."""

from decimal import Decimal

import pytest


async def test_a_register_that_begins_again_at_zero_is_counted_on(operation):
    number = (await operation.tell(operation.started(meter=9_999_000))).transaction_id
    await operation.later(1800)

    await operation.tell(operation.stopped(number, 5000))

    assert await operation.billed() == [Decimal(6)]
    assert await operation.cases() == ["METER_ROLLOVER"]


async def test_a_register_that_was_set_to_zero_is_not_taken_to_have_passed_a_limit_far_ahead(operation):
    """42 kWh could have flowed up to 100 kWh, where some registers end; of a reset, nobody knows what did."""
    number = (await operation.tell(operation.started(meter=60_000))).transaction_id
    await operation.later(4 * 3600, look=3600)

    await operation.tell(operation.stopped(number, 2000))

    (case,) = await operation.cpms.cases.all()
    assert (case.kind, case.detail["fault"]) == ("INVALID_USAGE", "its meter runs back from 60000 Wh to 2000 Wh")
    assert await operation.billed() == []


@pytest.mark.parametrize("wrong", [5_000_000, 9000])
async def test_a_reading_that_was_too_high_is_not_billed(operation, wrong):
    """SGEM-4.1-15: whether an outlet could have given it, or not."""
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    await operation.tell(operation.metered(number, wrong))
    await operation.later(900)

    await operation.tell(operation.stopped(number, 7000))

    (session,), (cdr,) = await operation.sessions(), await operation.cdrs()
    told = [each["volume"] for period in cdr["charging_periods"] for each in period["dimensions"]
            if each["type"] == "ENERGY"]  # fmt: skip
    assert (session["kwh"], sum(map(Decimal, told))) == (6, 6)
    assert await operation.billed() == [Decimal(6)]
    assert cdr["total_cost"] == session["total_cost"]


async def test_a_reading_no_outlet_could_give_is_not_shown(operation):
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)

    await operation.tell(operation.metered(number, 5_000_000))
    await operation.later(60)

    assert [each["kwh"] for each in await operation.sessions()] == [0]


async def test_a_meter_that_was_set_back_on_the_way_did_not_roll_over(operation):
    """95 kWh could have flowed in all, but not within the minute in which it was set back."""
    number = (await operation.tell(operation.started(meter=5000))).transaction_id
    await operation.later(7200, look=600)
    await operation.tell(operation.metered(number, 15_000))
    await operation.later(60)
    await operation.tell(operation.metered(number, 0))
    await operation.later(60)

    await operation.tell(operation.stopped(number, 100))

    assert await operation.billed() == [Decimal("10.1")]  # before it, and after it
    assert await operation.cases() == ["METER_SET_BACK"]


async def test_a_meter_that_says_zero_at_the_end_bills_what_it_said_before(operation):
    number = (await operation.tell(operation.started(meter=5000))).transaction_id
    for wh in (6000, 7500):
        await operation.later(900)
        await operation.tell(operation.metered(number, wh))

    await operation.tell(operation.stopped(number, 0))

    assert await operation.billed() == [Decimal("2.5")]
    assert await operation.cases() == ["METER_SET_BACK"]


@pytest.mark.parametrize("readings", [(6000, 4000, 7000), (6000, 200_000)])
async def test_a_meter_that_runs_back_more_than_once_or_jumps_as_well_bills_nothing(operation, readings):
    number = (await operation.tell(operation.started(meter=5000))).transaction_id
    for wh in readings:
        await operation.later(900)
        await operation.tell(operation.metered(number, wh))

    await operation.tell(operation.stopped(number, 100))

    assert await operation.billed() == []
    assert await operation.cases() == ["INVALID_USAGE"]
