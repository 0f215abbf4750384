"""What a driver is refused, as his app is told it: a problem with a code, the field that is to blame, and what to do.

Each test is a sentence of the error paths of the requirements (X-08 to X-23, X-40 to X-45).
"""

import asyncio

import pytest

from hub.ocpi.errors import ReceiverTimeout, ReceiverUnreachable, ServerError
from hub.ocpi.modules import bookings
from hub.ocpi.times import date_time
from tests.emsp.charging.world import HALF, NOON
from tests.emsp.driving.test_api import LATER, PLACE, told, under_way, wanted
from tests.emsp.driving.test_rooms import charged


@pytest.fixture
async def ada(provider):
    return await provider.driver("ada")


@pytest.fixture
async def booked(provider, ada):
    """A booking of Ada's, whose time has just begun."""
    await provider.offer()
    made = (await ada.post("/bookings", wanted(LATER, LATER + 2 * HALF))).json()
    await provider.clock.advance(30 * 60)
    return made


def problem(answer, status, code, path=None):
    """Check that an answer is a problem of a kind, and return it."""
    value = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert (answer.status_code, value.get("code")) == (status, code), answer.text
    assert [each["path"] for each in value.get("errors", [])] == ([path] if path else [])
    return value


async def start(rider, booking):
    return await rider.post(f"/bookings/{booking['id']}/start", {})


# -- booking (RASD-UC04, INCAR-UC005) --------------------------------------------------------------


async def test_a_slot_taken_between_view_and_confirm_is_refused_with_the_slots_as_they_are_now(provider, ada):
    """X-08: exactly one of two concurrent bookings succeeds."""
    await provider.offer()
    bob = await provider.driver("bob")

    answers = await asyncio.gather(ada.post("/bookings", wanted()), bob.post("/bookings", wanted()))

    won, lost = sorted(answers, key=lambda each: each.status_code)
    said = problem(lost, 409, "SLOT_TAKEN", "$.starts_at")
    assert won.status_code == 201
    assert said["slots"][0] == {
        "starts_at": "2026-01-05T11:30:00Z",
        "ends_at": "2026-01-05T12:00:00Z",
        "state": "TAKEN",
    }
    assert len(provider.hub.heard(bookings.post_booking)) == 1


@pytest.mark.parametrize("error", [ReceiverUnreachable(), ReceiverTimeout()])
async def test_without_connection_to_the_cpos_cpms_the_driver_is_told_and_nothing_is_booked(provider, ada, error):
    """X-09."""
    await provider.offer()
    provider.hub.answers[bookings.post_booking] = error

    said = problem(await ada.post("/bookings", wanted()), 503, "CPO_UNREACHABLE")

    assert "no connection to the operator" in said["detail"]
    assert [each["state"] for each in (await ada.get("/bookings"))["items"]] == ["FAILED"]


@pytest.mark.parametrize("failure", ["REJECTED", "FAILED", ServerError()])
async def test_a_booking_the_cpms_cannot_process_is_an_error_and_nothing_is_booked(provider, ada, failure):
    """X-10."""
    await provider.offer()
    if isinstance(failure, str):
        provider.cpo.status = failure
    else:
        provider.hub.answers[bookings.post_booking] = failure

    answer = await ada.post("/bookings", wanted())

    if isinstance(failure, str):
        problem(answer, 409, "REFUSED_BY_CPO", "$.starts_at")
    else:
        problem(answer, 503, "CPO_ERROR")
    assert {each["state"] for each in (await ada.get("/bookings"))["items"]} <= {"REJECTED", "FAILED"}


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (wanted(LATER + HALF / 2, LATER + HALF), "OFF_GRID", "$.starts_at"),
        (wanted(LATER, LATER + HALF / 2), "OFF_GRID", "$.ends_at"),
        (wanted(LATER, LATER + 5 * HALF), "TOO_LONG", "$.ends_at"),
        (wanted(NOON - HALF, NOON), "IN_THE_PAST", "$.starts_at"),
        (wanted(LATER + 96 * HALF, LATER + 97 * HALF), "BEYOND_HORIZON", "$.starts_at"),
        (wanted(vehicle_id="another's"), "NOT_YOUR_VEHICLE", "$.vehicle_id"),
    ],
)
async def test_times_and_vehicles_that_cannot_be_booked_are_named(provider, ada, body, code, path):
    """RASD-F02, RASD-F03, INCAR-PRO02."""
    await provider.offer()

    problem(await ada.post("/bookings", body), 422, code, path)
    assert provider.hub.heard(bookings.post_booking) == []


async def test_where_the_cpo_does_not_allow_reservation_it_is_refused(provider, ada):
    """X-40."""
    await provider.location(capabilities=())

    problem(await ada.post("/bookings", wanted()), 409, "NOT_RESERVABLE", "$.place")
    assert (await ada.get("/locations/NL/CPO/LOC1/evses/EVSE1/slots"))["way"] is None


async def test_without_a_contract_with_the_cpo_or_when_blocked_nothing_is_sent_to_it(provider, ada):
    """X-41."""
    await provider.offer()
    desk = provider.assembly.drivers
    bob = await provider.driver("bob")
    await desk.registrar.block(bob.driver_id, "unpaid")
    await provider.emsp.owed.settled()
    provider.hub.asked.clear()
    await desk.store.database.transact(lambda tx: desk.agreements.say(tx, "NL-CPO", allowed=False))

    without = problem(await ada.post("/bookings", wanted()), 403, "NO_AGREEMENT")
    blocked = problem(await bob.post("/bookings", wanted()), 403, "UNKNOWN_DRIVER")

    assert ("does not cover" in without["detail"], "Contact us" in blocked["detail"]) == (True, True)
    assert provider.hub.asked == []


async def test_a_second_user_is_refused_a_reserved_evse_until_the_booking_expires(provider, ada, booked):
    """X-42: booked and started; after 15 minutes nobody came, and it is anybody's."""
    bob = await provider.driver("bob")

    booking = await bob.post("/bookings", wanted(LATER + HALF, LATER + 2 * HALF))
    started = await bob.post("/charges", {"place": PLACE})
    await provider.wait(minutes=16)
    after = await bob.post("/charges", {"place": PLACE})

    problem(booking, 409, "SLOT_TAKEN", "$.starts_at")
    problem(started, 409, "EVSE_RESERVED")
    assert after.status_code == 201


# -- cancelling (RASD-UC06) ------------------------------------------------------------------------


async def test_who_cancels_more_than_15_minutes_after_the_start_is_told_that_it_was_cancelled(provider, ada, booked):
    """X-15."""
    await provider.clock.advance(16 * 60)

    said = problem(await ada.ask("POST", f"/bookings/{booked['id']}/cancel"), 409, "ALREADY_CANCELED")

    assert "cancelled automatically" in said["detail"]


async def test_once_the_charge_has_started_a_booking_cannot_be_cancelled_and_the_session_is_untouched(
    provider, ada, booked
):
    """X-16."""
    charge = (await start(ada, booked)).json()
    await told(provider, charge)

    problem(await ada.ask("POST", f"/bookings/{booked['id']}/cancel"), 409, "CHARGE_STARTED")
    assert (await ada.get(f"/charges/{charge['id']}"))["state"] == "CHARGING"
    assert provider.commands("STOP") == []


async def test_a_cancellation_that_does_not_reach_the_cpms_leaves_the_reservation(provider, ada, booked):
    """X-17."""
    provider.hub.answers[bookings.post_booking] = ReceiverUnreachable()

    problem(await ada.ask("POST", f"/bookings/{booked['id']}/cancel"), 503, "CPO_UNREACHABLE")
    assert (await ada.get(f"/bookings/{booked['id']}"))["state"] == "RESERVED"


# -- on the fly (RASD-UC05) ------------------------------------------------------------------------


async def test_an_end_that_overlaps_a_reservation_is_refused_naming_when_that_begins(provider, ada):
    """X-11: the form again; its earlier end works."""
    await provider.offer()
    bob = await provider.driver("bob")
    await bob.post("/bookings", wanted())

    late = await ada.post("/charges", {"code": "NL*CPO*E1", "ends_at": date_time(LATER + HALF)})
    shown = await ada.get("/codes/NL*CPO*E1")
    early = await ada.post("/charges", {"code": "NL*CPO*E1", "ends_at": shown["latest_end"]})

    assert "12:30" in problem(late, 422, "OVERLAPS_BOOKING", "$.ends_at")["detail"]
    assert (shown["latest_end"], early.status_code) == ("2026-01-05T11:30:00Z", 201)


@pytest.mark.parametrize("pays", [None, "sim_decline", "sim_refused"])
async def test_without_a_valid_payment_method_the_driver_is_asked_for_one_and_nothing_starts(provider, pays):
    """X-12, X-18: on the fly, and on a booking, which is kept."""
    rider = await provider.driver(pays=pays)
    await provider.offer()
    fly = await rider.post("/charges", {"place": PLACE, "ends_at": date_time(LATER)})
    booking = (await rider.post("/bookings", wanted())).json()
    await provider.clock.advance(30 * 60)

    booked = await start(rider, booking)

    for answer in (fly, booked):
        said = problem(answer, 402, "PAYMENT_REFUSED", "$.payment_method")
        assert "payment method" in said["detail"]
    assert provider.commands("START") == []
    assert (await rider.get(f"/bookings/{booking['id']}"))["state"] == "RESERVED"


async def test_on_the_fly_a_driver_who_is_booked_elsewhere_hears_that_his_end_is_too_late(provider, ada):
    await ada.post("/bookings", wanted())
    place = PLACE | {"evse_uid": "EVSE2"}

    answer = await ada.post("/charges", {"place": place, "ends_at": date_time(LATER + HALF)})

    problem(answer, 409, "DRIVER_ENGAGED", "$.ends_at")


@pytest.mark.parametrize("way", ["booked", "on the fly"])
async def test_a_car_that_is_not_connected_is_reconnected_and_the_second_try_works(provider, ada, booked, way):
    """X-13, X-21: told to reconnect and retry; the booking is kept."""

    async def begin():
        if way == "booked":
            return (await start(ada, booked)).json()
        place = PLACE | {"evse_uid": "EVSE2"}
        return (await ada.post("/charges", {"place": place, "ends_at": date_time(LATER + HALF)})).json()

    if way == "on the fly":
        await ada.ask("POST", f"/bookings/{booked['id']}/cancel")
    first = await begin()
    await provider.result(first["id"], "TIMEOUT")
    failed = await ada.get(f"/charges/{first['id']}")
    again = await begin()

    assert (failed["state"], failed["outcome"], "connect the cable" in failed["message"]) == ("FAILED", "TIMEOUT", True)
    assert (again["state"], again["booking_id"]) == ("ACCEPTED", failed["booking_id"])
    assert (await provider.events(ada.driver_id))[-1] == "CHARGE_FAILED"


@pytest.mark.parametrize("way", ["booked", "on the fly"])
async def test_a_start_that_does_not_reach_the_cpms_is_a_connection_error(provider, ada, booked, way):
    """X-14, X-22."""
    provider.answers("START", ReceiverUnreachable())
    place = PLACE | {"evse_uid": "EVSE2"}

    answer = await (start(ada, booked) if way == "booked" else ada.post("/charges", {"place": place}))
    await provider.work()

    problem(answer, 503, "CPO_UNREACHABLE")
    (payment,) = await provider.assembly.money.till.payments.of(ada.driver_id)
    assert payment.state == "CANCELLED"


# -- starting a booking (RASD-UC07) ----------------------------------------------------------------


async def test_a_start_before_the_slot_is_refused_until_it_begins(provider, ada):
    """X-19."""
    await provider.offer()
    booking = (await ada.post("/bookings", wanted())).json()

    said = problem(await start(ada, booking), 409, "TOO_EARLY")

    assert "12:30" in said["detail"]
    assert provider.commands("START") == []


async def test_a_start_more_than_15_minutes_into_the_slot_is_too_late(provider, ada, booked):
    """X-20."""
    await provider.clock.advance(16 * 60)

    said = problem(await start(ada, booked), 409, "TOO_LATE")

    assert "cancelled automatically" in said["detail"]
    assert provider.commands("START") == []


# -- starting, following and stopping (INCAR-UC006, INCAR-UC007, RASD-UC08) -------------------------


async def test_a_payment_that_fails_at_the_end_is_told_and_the_debt_stays_open_until_another_method_pays(provider):
    """X-23: asked for another payment method; until then nothing is started."""
    rider = await provider.driver()
    (method,) = await provider.assembly.money.till.methods.of(rider.driver_id)
    charge = await provider.charging.charges.start(rider.driver_id, provider.spot)
    (payment,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    provider.gateway.happen(payment.reference, "CANCELLED")
    provider.gateway.mode = "decline"
    await charged(provider, charge)

    (owed,) = (await rider.get("/bills"))["items"]
    refused = await rider.post("/charges", {"place": PLACE})
    told_of = [each["event"] for each in (await rider.get("/notifications"))["items"]]
    provider.gateway.mode = None
    saved = await rider.post("/payment-methods", {"token": "sim_ok", "return_url": "https://app.example"})
    await provider.work()

    assert (owed["state"], owed["paid"]["amount"]) == ("OWED", 0)
    assert "is not paid" in problem(refused, 402, "PAYMENT_REFUSED", "$.payment_method")["detail"]
    assert "PAYMENT_FAILED" in told_of
    assert (saved.status_code, method.id != saved.json()["id"]) == (201, True)
    assert [each["state"] for each in (await rider.get("/bills"))["items"]] == ["PAID"]


async def test_at_a_cpo_without_agreement_or_that_has_not_joined_a_start_is_refused(provider, ada):
    """X-43."""
    desk = provider.assembly.drivers
    elsewhere = {"owner": "FR-NEW", "location_id": "LOC9", "evse_uid": "E9"}
    await desk.store.database.transact(lambda tx: desk.agreements.say(tx, "NL-CPO", allowed=False))

    problem(await ada.post("/charges", {"place": elsewhere}), 404, "UNKNOWN_PLACE", "$.place")
    problem(await ada.post("/charges", {"code": "FR*NEW*E9"}), 404, "UNKNOWN_PLACE", "$.code")
    problem(await ada.post("/charges", {"place": PLACE}), 403, "NO_AGREEMENT")
    assert provider.commands("START") == []


async def test_a_session_without_progress_is_shown_without_error(provider, ada):
    """X-44: only time passes."""
    charge = await under_way(provider, ada)
    await provider.wait(minutes=40)

    seen = await ada.get(f"/charges/{charge['id']}")

    assert (seen["state"], seen["seconds"], seen["soc"], seen["message"]) == ("CHARGING", 2400, None, None)


async def test_a_stop_for_a_session_not_started_or_not_the_users_is_refused(provider, ada):
    """X-45."""
    bob = await provider.driver("bob")
    charge = (await ada.post("/charges", {"place": PLACE})).json()

    problem(await ada.ask("POST", f"/charges/{charge['id']}/stop"), 409, "NOT_YET")
    problem(await bob.ask("POST", f"/charges/{charge['id']}/stop"), 404, "UNKNOWN_SESSION")
    problem(await bob.ask("GET", f"/charges/{charge['id']}"), 404, "UNKNOWN_SESSION")
    assert provider.commands("STOP") == []


@pytest.mark.parametrize(
    ("status", "code"), [("CHARGING", "NOT_FREE"), ("RESERVED", "EVSE_RESERVED"), ("INOPERATIVE", "EVSE_INOPERATIVE")]
)
async def test_a_station_in_use_reserved_or_disabled_is_not_started(provider, ada, status, code):
    """X-42, X-51."""
    await provider.location(status=status)

    problem(await ada.post("/charges", {"place": PLACE}), 409, code)
    problem(await ada.post("/charges", {"code": "NL*CPO*E1", "ends_at": date_time(LATER)}), 409, code)


@pytest.mark.parametrize("body", [{}, {"code": "NL*CPO*E1", "place": PLACE}])
async def test_a_start_says_where_by_code_or_by_place(ada, body):
    problem(await ada.post("/charges", body), 422, None, "$.code")
