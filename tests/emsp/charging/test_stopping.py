"""How a charge ends: by its driver, a limit, its slot, a full battery; and how he would like to be charged."""

from decimal import Decimal

import pytest

from hub.emsp.charging.cases import cases
from hub.emsp.charging.charges import Limits
from hub.emsp.charging.needs import Allowance
from hub.emsp.charging.notices import of_driver
from hub.ocpi.errors import ReceiverUnreachable
from hub.ocpi.modules import sessions
from tests.emsp.charging.world import NOON, PRICE, SPOT, refusal, under_way
from tests.rooms import NOW


async def test_a_stop_for_a_session_not_started_or_not_the_users_is_refused(road, desk):
    """X-45."""
    charge = await desk.start("ada", SPOT)
    stop = road.charging.stopping.stop

    assert (await refusal(stop("ada", charge.id))).code == "NOT_YET"
    assert (await refusal(stop("bob", charge.id))).code == "UNKNOWN_SESSION"
    assert (await refusal(stop("ada", "nothing"))).code == "UNKNOWN_SESSION"
    assert road.commands("STOP") == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [("UNKNOWN_SESSION", "UNKNOWN_SESSION"), ("REJECTED", "STOP_REJECTED"), (ReceiverUnreachable(), "CPO_UNREACHABLE")],
)
async def test_a_stop_that_is_refused_leaves_the_charge_going_and_may_be_tried_again(road, desk, answer, code):
    charge = await under_way(road, desk)
    road.answers("STOP", answer)

    assert (await refusal(road.charging.stopping.stop("ada", charge.id))).code == code
    assert (await road.charge(charge.id)).state == "CHARGING"
    road.answers("STOP", "ACCEPTED")
    assert (await road.charging.stopping.stop("ada", charge.id)).state == "STOPPING"
    assert (await road.charging.stopping.stop("ada", charge.id)).state == "STOPPING"
    assert len(road.commands("STOP")) == 2


async def test_a_stop_that_fails_at_the_station_is_told(road, desk):
    charge = await under_way(road, desk)
    stopping = await road.charging.stopping.stop("ada", charge.id)

    await road.result(stopping.stop_order, "FAILED", "STOP_SESSION")

    assert (await road.charge(charge.id)).state == "CHARGING"
    assert (await road.events())[-1] == "STOP_FAILED"


@pytest.mark.parametrize(
    ("limits", "update", "reason"),
    [
        (Limits(energy=5000), {"kwh": 5}, "ENERGY_LIMIT"),
        (Limits(cost=Decimal("3.60"), currency="EUR"), {"kwh": 1, "total_cost": PRICE}, "MONEY_LIMIT"),
        (Limits(until=NOON), {"kwh": 1}, "TIME_LIMIT"),
    ],
)
async def test_a_limit_stops_the_charge_once(road, desk, limits, update, reason):
    """Of money, energy or time; watched on every update, whatever the CPO answers."""
    charge = await under_way(road, desk, limits=limits)

    for _ in range(3):
        await road.session(reference=charge.reference, **update)
        await road.charging.clockwork.look()
    await road.session("COMPLETED", reference=charge.reference, **update)

    assert len(road.commands("STOP")) == 1
    assert (await road.charge(charge.id)).stop_reason == reason


async def test_a_stop_by_limit_that_the_cpo_refuses_is_a_case_and_not_sent_again(road, desk):
    charge = await under_way(road, desk, limits=Limits(energy=5000))
    road.answers("STOP", "REJECTED")

    for kwh in (5, 6, 7):
        await road.session(reference=charge.reference, kwh=kwh)
        await road.charging.clockwork.look()

    assert len(road.commands("STOP")) == 1
    assert [each.kind for each in await cases(road.emsp.store.database)] == ["STOP_MISSING"]


async def test_a_stop_by_limit_waits_for_a_cpo_that_cannot_be_reached(road, desk):
    charge = await under_way(road, desk, limits=Limits(energy=5000))
    road.answers("STOP", ReceiverUnreachable())
    await road.session(reference=charge.reference, kwh=5)
    await road.charging.clockwork.look()

    road.answers("STOP", "ACCEPTED")
    await road.wait(seconds=31)
    await road.wait(seconds=31)

    assert len(road.commands("STOP")) == 2
    assert (await road.charge(charge.id)).state == "STOPPING"


async def test_the_wallets_limit_ends_a_charge_too(road, desk):
    road.money.allowance = Allowance(limit=Decimal("2.00"), currency="EUR")
    charge = await under_way(road, desk, limits=Limits(cost=Decimal("9.00"), currency="EUR"))

    await road.session(reference=charge.reference, kwh=1, total_cost=PRICE)

    assert (await road.charge(charge.id)).state == "STOPPING"


async def test_a_charge_ends_with_its_slot_also_where_the_cpo_sends_no_updates(road, desk, booked):
    """RASD-F07."""
    charge = await desk.start_booking("ada", booked.id)
    await road.session(reference=charge.reference)

    await road.wait(minutes=59)
    before = len(road.commands("STOP"))
    await road.wait(minutes=1)
    await road.session("COMPLETED", reference=charge.reference)

    assert (before, len(road.commands("STOP"))) == (0, 1)
    assert (await of_driver(road.emsp.store.database, "ada"))[-1].told.data["reason"] == "SLOT_OVER"


async def test_a_full_battery_is_told_as_such(road, desk):
    """RASD-R10, F07."""
    charge = await under_way(road, desk)
    periods = [{"start_date_time": NOW, "dimensions": [{"type": "STATE_OF_CHARGE", "volume": 100}]}]

    await road.session("COMPLETED", reference=charge.reference, kwh=30, charging_periods=periods)

    notice = (await of_driver(road.emsp.store.database, "ada"))[-1]
    assert notice.told.text == "Your charge has ended: 30.00 kWh. The battery is full."


async def test_preferences_go_to_the_cpo_with_the_end_of_the_booking(road, desk, booked):
    charge = await desk.start_booking("ada", booked.id)
    await road.session(reference=charge.reference)
    road.hub.answers[sessions.put_charging_preferences] = lambda request: type(
        "Answer", (), {"raise_for_status": lambda self: self, "value": "ACCEPTED"}
    )()

    answer = await road.charging.stopping.prefer("ada", charge.id, {"profile_type": "CHEAP"})

    (request,) = road.hub.heard(sessions.put_charging_preferences)
    assert (answer, request.value) == (
        "ACCEPTED", {"profile_type": "CHEAP", "departure_time": "2026-01-05T12:30:00.000Z"},
    )  # fmt: skip


async def test_a_stop_that_never_reaches_its_cpo_becomes_a_case_all_the_same(road, desk):
    """X-22: each try is as late as the first one."""
    charge = await under_way(road, desk, limits=Limits(energy=5000))
    road.answers("STOP", ReceiverUnreachable())
    await road.session(reference=charge.reference, kwh=5)

    for _ in range(12):
        await road.wait(seconds=31)

    assert [each.kind for each in await cases(road.emsp.store.database)] == ["STOP_MISSING"]
