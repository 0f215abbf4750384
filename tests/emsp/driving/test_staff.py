"""What the provider's staff sees and does of charging."""

import pytest

from hub.emsp.api.scopes import Scope
from tests.emsp.charging.world import HALF
from tests.emsp.driving.test_api import LATER, Stream, under_way, wanted


@pytest.fixture
async def ada(provider):
    return await provider.driver("ada")


async def test_the_staff_sees_charges_and_bookings_and_closes_cases(provider, ada):
    await provider.offer()
    await ada.post("/bookings", wanted(LATER + 8 * HALF, LATER + 9 * HALF))
    charge = (await ada.post("/charges", {"code": "NL*CPO*E1"})).json()
    await provider.wait(minutes=4)
    staff = await provider.operator(Scope.SESSIONS_READ, Scope.BOOKINGS_READ, Scope.CASES_READ, Scope.CASES_WRITE)

    (shown,) = (await staff.get(f"/driver-charges?driver_id={ada.driver_id}&owner=nl-cpo"))["items"]
    booked = (await staff.get("/driver-bookings?state=RESERVED"))["items"]
    (case,) = (await staff.get("/cases"))["items"]
    closed = await staff.ask("POST", f"/cases/{case['id']}/close", json={"note": "station was moved"})
    again = await staff.ask("POST", f"/cases/{case['id']}/close", json={"note": "again"})
    never = await staff.ask("POST", "/cases/999/close", json={"note": "again"})

    assert (shown["id"], shown["state"], shown["driver_id"]) == (charge["id"], "FAILED", ada.driver_id)
    assert (len(booked), case["kind"], case["subject"]) == (1, "RESULT_MISSING", charge["id"])
    assert (closed.json()["note"], again.status_code, never.status_code) == ("station was moved", 409, 404)
    assert (await staff.get("/cases?closed=true"))["items"] == [closed.json()]
    for path in ("/cases", "/driver-charges", "/driver-bookings", "/terms"):
        assert (await ada.ask("GET", path)).status_code == 403


async def test_the_staff_hears_of_a_case_as_it_is_raised_and_no_driver_does(provider, ada):
    staff = await provider.operator(Scope.CASES_READ)
    await provider.work()
    theirs, hers = Stream(staff, "/events"), Stream(ada, "/events")
    charge = (await ada.post("/charges", {"code": "NL*CPO*E1"})).json()

    await provider.wait(minutes=4)
    case, told_her = await theirs.next(), await hers.next()
    await theirs.close()
    await hers.close()

    assert (case["kind"], case["subject"]) == ("RESULT_MISSING", charge["id"])
    assert (told_her["event"], told_her["driver_id"]) == ("CHARGE_FAILED", ada.driver_id)
    assert hers.texts.empty()


async def test_the_staff_stops_a_charge_and_cancels_a_booking(provider, ada):
    await provider.offer()
    booking = (await ada.post("/bookings", wanted(LATER + 8 * HALF, LATER + 9 * HALF))).json()
    charge = await under_way(provider, ada)
    staff = await provider.operator(Scope.SESSIONS_CONTROL, Scope.BOOKINGS_WRITE)

    stopped = await staff.ask("POST", f"/driver-charges/{charge['id']}/stop")
    canceled = await staff.ask("POST", f"/driver-bookings/{booking['id']}/cancel")

    assert (stopped.json()["state"], canceled.json()["state"]) == ("STOPPING", "CANCELED")


async def test_the_terms_in_force_are_shown_to_the_staff(provider):
    staff = await provider.operator(Scope.TARIFFS_READ)

    terms = await staff.get("/terms")

    assert (terms["charging"]["tolerance"], terms["money"]["tolerance"]["percent"]) == (300, 1)
