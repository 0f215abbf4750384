"""Following a charge: its progress, what should have come and did not, and cards at the charger."""

import asyncio
from decimal import Decimal

import pytest

from hub.emsp.charging.cases import cases
from hub.emsp.charging.charges import progress
from tests.emsp.charging.world import PRICE, SPOT, bill, under_way
from tests.rooms import NOW

# -- progress --------------------------------------------------------------------------------------


async def test_progress_shows_energy_power_state_of_charge_cost_and_time(road, desk):
    """RASD-R9."""
    charge = await under_way(road, desk)
    await road.clock.advance(600)
    dimensions = [{"type": "POWER", "volume": 11}, {"type": "STATE_OF_CHARGE", "volume": 60}]

    await road.session(
        reference=charge.reference, kwh=2, total_cost=PRICE, start_date_time="2026-01-05T11:00:00Z",
        charging_periods=[{"start_date_time": NOW, "dimensions": dimensions}],
    )  # fmt: skip

    seen = progress(await road.charge(charge.id), road.clock.now())
    assert (seen.kwh, seen.kw, seen.soc, seen.cost, seen.currency, seen.seconds) == (
        2,
        11,
        60,
        Decimal("3.60"),
        "EUR",
        600,
    )


async def test_power_follows_from_energy_where_the_cpo_tells_none(road, desk):
    charge = await under_way(road, desk)
    await road.clock.advance(360)

    await road.session(reference=charge.reference, kwh=1)

    assert progress(await road.charge(charge.id), road.clock.now()).kw == 10


async def test_without_updates_time_passes_and_nothing_is_wrong(road, desk):
    """X-44."""
    charge = await under_way(road, desk)
    await road.wait(minutes=40)

    seen = progress(await road.charge(charge.id), road.clock.now())

    assert (seen.state, seen.seconds, seen.cost, seen.soc) == ("CHARGING", 2400, None, None)
    assert await cases(road.emsp.store.database) == []


async def test_a_driver_sees_his_charge_live_and_nobody_elses(road, desk):
    charge = await under_way(road, desk)
    ada, bob = road.charging.live.of_driver("ada"), road.charging.live.of_driver("bob", tick=0.01)

    first = await anext(ada)
    await road.session(reference=charge.reference, kwh=4)
    second = await asyncio.wait_for(anext(ada), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(bob), 0.1)

    assert (first.kwh, second.kwh) == (0, 4)
    await ada.aclose()


# -- the watchdog ----------------------------------------------------------------------------------


async def test_a_result_that_never_came_is_a_case_and_told_until_it_comes(road, desk):
    charge = await desk.start("ada", SPOT)

    await road.wait(minutes=4)
    (case,) = await cases(road.emsp.store.database)
    await road.result(charge.id, "ACCEPTED")

    assert (case.kind, case.subject, case.owner) == ("RESULT_MISSING", charge.id, "NL-CPO")
    assert await road.events() == ["CHARGE_FAILED", "START_ACCEPTED"]
    assert await cases(road.emsp.store.database) == []
    assert len(await cases(road.emsp.store.database, closed=True)) == 1


async def test_a_start_without_a_session_is_a_case(road, desk):
    """X-53: the cable was not inserted, and the station did not say so."""
    charge = await desk.start("ada", SPOT)
    await road.result(charge.id, "ACCEPTED")

    await road.wait(minutes=11)

    assert [each.kind for each in await cases(road.emsp.store.database)] == ["SESSION_MISSING"]
    assert (await road.charge(charge.id)).outcome == "NO_SESSION"
    assert road.money.released == [charge.id]


async def test_a_charge_that_does_not_stop_is_a_case(road, desk):
    charge = await under_way(road, desk)
    await road.charging.stopping.stop("ada", charge.id)

    await road.wait(minutes=6)

    assert [each.kind for each in await cases(road.emsp.store.database)] == ["STOP_MISSING"]


async def test_a_session_that_ended_without_a_cdr_is_a_case_until_it_comes(road, desk):
    charge = await under_way(road, desk)
    await road.session("COMPLETED", reference=charge.reference)

    await road.wait(hours=25)
    missing = [each.kind for each in await cases(road.emsp.store.database)]
    await bill(road)

    assert missing == ["CDR_MISSING"]
    assert await cases(road.emsp.store.database) == []


async def test_a_cdr_without_a_session_is_a_case(road, desk):
    await bill(road, session_id="S9")

    assert [(each.kind, each.subject) for each in await cases(road.emsp.store.database)] == [
        ("CDR_WITHOUT_SESSION", "NL-CPO/C1")
    ]


async def test_a_session_of_a_token_nobody_has_is_a_case(road, desk):
    await road.session(uid="CARD-stranger", kind="RFID")

    assert [each.kind for each in await cases(road.emsp.store.database)] == ["ORDER_MISSING"]


# -- cards -----------------------------------------------------------------------------------------


async def test_a_card_at_the_charger_becomes_a_charge_of_its_driver(road, desk):
    """SGEM-4.1-07, 08: he follows and stops it as any other."""
    await road.session(uid="CARD-ADA", kind="RFID", auth_method="AUTH_REQUEST", authorization_reference="REF-7")

    (charge,) = await desk.all_of("ada")
    assert (charge.origin, charge.state, charge.reference) == ("CARD", "CHARGING", "REF-7")
    assert (await road.charging.stopping.stop("ada", charge.id)).state == "STOPPING"
    await road.session("COMPLETED", uid="CARD-ADA", kind="RFID", kwh=3, authorization_reference="REF-7")
    assert await road.events() == ["CHARGE_STARTED", "CHARGE_ENDED"]
