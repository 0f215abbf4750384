"""A start whose car is never connected, at the API: it is stopped or lapses, and its money is let go at once."""

import pytest

from hub.emsp.charging.notices import of_driver
from hub.ocpi.times import date_time
from tests.emsp.driving.test_api import LATER, told, under_way, wanted
from tests.emsp.driving.test_refusals import problem


@pytest.fixture
async def ada(provider):
    return await provider.driver("ada")


@pytest.fixture
async def awaited(provider, ada):
    """A charge of Ada's whose station waits for her car, as its PENDING Session tells."""
    made = (await ada.post("/charges", {"code": "NL*CPO*E1"})).json()
    await told(provider, made, "PENDING", total_cost={"before_taxes": 0.27})
    return made


async def money(provider, rider, charge):
    """Return what has become of what was set aside, and whether the charge holds it still."""
    await provider.work()
    (payment,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    known = await provider.charge(charge["id"])
    return payment.state, known.held, known.due_at


async def test_a_stop_before_plugging_in_gives_the_start_up_and_lets_the_money_go(provider, ada, awaited):
    stopped = await ada.ask("POST", f"/charges/{awaited['id']}/stop")
    await told(provider, awaited, "INVALID")
    await provider.result(awaited["id"], "FAILED")

    seen = await ada.get(f"/charges/{awaited['id']}")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "STOPPING")
    assert (seen["state"], seen["outcome"], seen["stop_reason"]) == ("ENDED", "GIVEN_UP", "DRIVER")
    assert (seen["message"], seen["cost"]) == ("You stopped it.", 0)
    assert await money(provider, ada, awaited) == ("CANCELLED", False, None)


async def test_a_station_that_begins_after_all_is_stopped_at_once(provider, ada, awaited):
    await ada.ask("POST", f"/charges/{awaited['id']}/stop")
    await told(provider, awaited, "INVALID")

    await told(provider, awaited, id="S2")
    await provider.work()

    late = (await ada.get("/charges?live=true"))["items"]
    assert [(each["session_id"], each["state"], each["stop_reason"]) for each in late] == [("S2", "STOPPING", "DRIVER")]
    assert [each.value["session_id"] for each in provider.commands("STOP")] == ["S1", "S2"]


@pytest.mark.parametrize("way", ["booked", "on the fly"])
async def test_a_start_given_up_keeps_a_booking_and_lets_a_place_taken_on_the_fly_go(provider, ada, way):
    await provider.offer()
    if way == "booked":
        booking = (await ada.post("/bookings", wanted())).json()
        await provider.clock.advance(30 * 60)
        made = (await ada.post(f"/bookings/{booking['id']}/start", {})).json()
    else:
        made = (await ada.post("/charges", {"code": "NL*CPO*E1", "ends_at": date_time(LATER)})).json()
    await told(provider, made, "PENDING")

    await ada.ask("POST", f"/charges/{made['id']}/stop")
    await told(provider, made, "INVALID")

    shown = await ada.get(f"/bookings/{made['booking_id']}")
    assert shown["state"] == ("RESERVED" if way == "booked" else "CANCELED")
    if way == "booked":
        assert (await ada.post(f"/bookings/{booking['id']}/start", {})).json()["state"] == "ACCEPTED"


async def test_where_the_cpo_cannot_give_a_start_up_the_driver_hears_not_yet_and_nothing_changes(
    provider, ada, awaited
):
    """X-45."""
    provider.answers("STOP", "UNKNOWN_SESSION")
    before = await ada.get(f"/charges/{awaited['id']}")

    said = problem(await ada.ask("POST", f"/charges/{awaited['id']}/stop"), 409, "NOT_CONNECTED")

    after = await ada.get(f"/charges/{awaited['id']}")
    assert "Unplug or wait" in said["detail"]
    assert (after["state"], after["outcome"]) == ("STARTED", before["outcome"])
    await told(provider, awaited)
    provider.answers("STOP", "ACCEPTED")
    assert (await ada.ask("POST", f"/charges/{awaited['id']}/stop")).json()["state"] == "STOPPING"


@pytest.mark.parametrize("first", ["Session", "result"])
async def test_a_start_that_never_became_a_charge_says_so_costs_nothing_and_holds_nothing(
    provider, ada, awaited, first
):
    """X-13: whichever of the two news comes first."""
    if first == "Session":
        await told(provider, awaited, "INVALID", total_cost={"before_taxes": 0.27})
        await provider.result(awaited["id"], "TIMEOUT")
    else:
        await provider.result(awaited["id"], "TIMEOUT")
        await told(provider, awaited, "INVALID", total_cost={"before_taxes": 0.27})

    seen = await ada.get(f"/charges/{awaited['id']}")
    assert (seen["state"], seen["outcome"], seen["cost"]) == ("FAILED", "TIMEOUT", None)
    assert seen["message"].startswith("The cable was not connected in time.")
    assert await money(provider, ada, awaited) == ("CANCELLED", False, None)
    assert (await provider.events(ada.driver_id)).count("CHARGE_FAILED") == 1


async def test_a_charge_its_cpo_calls_invalid_is_not_paid_and_told_in_whole_sentences(provider, ada):
    charge = await under_way(provider, ada)
    await told(provider, charge, kwh=1)

    await told(provider, charge, "INVALID", kwh=1)

    seen = await ada.get(f"/charges/{charge['id']}")
    notice = (await of_driver(provider.emsp.store.database, ada.driver_id))[-1].told
    assert (seen["state"], seen["outcome"], seen["cost"]) == ("ENDED", "SESSION_INVALID", 0)
    assert seen["message"] == "The operator says that the charge was not valid."
    assert await money(provider, ada, charge) == ("CANCELLED", False, None)
    assert notice.text == "Your charge has ended: 1.00 kWh. The operator says that the charge was not valid."


async def test_a_charge_that_ends_without_energy_waits_for_its_cdr(provider, ada, awaited):
    await told(provider, awaited)
    await told(provider, awaited, "COMPLETED")

    state, held, due_at = await money(provider, ada, awaited)
    assert (state, held, due_at is not None) == ("AUTHORISED", True, True)


async def test_who_books_her_own_time_again_hears_that_it_is_hers(provider, ada):
    await provider.offer()
    await ada.post("/bookings", wanted())

    said = problem(await ada.post("/bookings", wanted()), 409, "BOOKED_ALREADY", "$.starts_at")

    assert said["slots"][0]["state"] == "YOURS"
    assert "Somebody else" not in said["detail"]
