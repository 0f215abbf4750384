"""Bookings: made, refused, raced for, cancelled, not used; by the Bookings module and without it."""

import asyncio
import datetime

import pytest

from hub.emsp.charging.needs import NotAllowed, Spot
from hub.ocpi.errors import ReceiverTimeout, ReceiverUnreachable, ServerError
from hub.ocpi.modules import bookings
from tests.emsp.charging.world import HALF, NOON, SPOT, refusal

LATER = NOON + HALF
OTHER = Spot.of("NL-CPO", "LOC1", "EVSE2")


@pytest.fixture
async def desk(road):
    await road.offer()
    return road.charging.bookings


async def test_a_booking_is_asked_of_the_cpo_and_confirmed(road, desk):
    """RASD-R4: the BookingRequest names the driver's Token, the EVSE and the time."""
    made = await desk.book("ada", SPOT, LATER, LATER + 2 * HALF, vehicle_id="ada-car")

    (request,) = road.hub.heard(bookings.post_booking)
    assert request.value["period"] == {
        "start_date_time": "2026-01-05T11:30:00.000Z", "end_date_time": "2026-01-05T12:30:00.000Z",
    }  # fmt: skip
    assert request.value["booking_option"] == {"evse_uid": "EVSE1"}
    assert request.value["tokens"][0]["uid"] == "APP-ada"
    assert (made.state, made.number, made.way) == ("RESERVED", "B-1", "BOOKINGS")
    assert await road.events() == ["BOOKING_MADE"]


async def test_the_same_request_again_books_nothing_more(road, desk):
    first = await desk.book("ada", SPOT, LATER, LATER + HALF, key="K1")

    again = await desk.book("ada", SPOT, LATER, LATER + HALF, key="K1")

    assert again == first
    assert len(road.hub.heard(bookings.post_booking)) == 1


@pytest.mark.parametrize(
    ("starts", "ends", "code", "field"),
    [
        (LATER + HALF / 2, LATER + 2 * HALF, "OFF_GRID", "$.starts_at"),
        (LATER, LATER + HALF * 1.5, "OFF_GRID", "$.ends_at"),
        (LATER, LATER + 5 * HALF, "TOO_LONG", "$.ends_at"),
        (LATER, LATER, "TOO_LONG", "$.ends_at"),
        (NOON - HALF, NOON, "IN_THE_PAST", "$.starts_at"),
    ],
)
async def test_a_booking_is_one_to_four_half_hours_that_begin_at_00_or_30(desk, starts, ends, code, field):
    """RASD-F02, F03."""
    refused = await refusal(desk.book("ada", SPOT, starts, ends))

    assert (refused.code, refused.field) == (code, field)


async def test_private_drivers_book_today_and_tomorrow_and_professionals_three_days_ahead(desk):
    """INCAR-PRO02."""
    day = 48 * HALF

    assert (await refusal(desk.book("ada", SPOT, LATER + 2 * day, LATER + 2 * day + HALF))).code == "BEYOND_HORIZON"
    assert (await desk.book("ada", SPOT, LATER + day, LATER + day + HALF)).state == "RESERVED"
    assert (await desk.book("pro", SPOT, LATER + 3 * day, LATER + 3 * day + HALF)).state == "RESERVED"
    assert (await refusal(desk.book("pro", SPOT, LATER + 4 * day, LATER + 4 * day + HALF))).code == "BEYOND_HORIZON"


async def test_of_two_drivers_racing_for_a_slot_exactly_one_wins(road, desk):
    """X-08: one is refused, told to look again, and the CPO is asked for one of them only."""
    outcomes = await asyncio.gather(
        desk.book("ada", SPOT, LATER, LATER + 2 * HALF),
        desk.book("bob", SPOT, LATER + HALF, LATER + 3 * HALF),
        return_exceptions=True,
    )

    (lost,) = [each for each in outcomes if isinstance(each, Exception)]
    assert lost.code == "SLOT_TAKEN"
    assert "Look at the free times again" in str(lost)
    assert len(road.hub.heard(bookings.post_booking)) == 1


async def test_a_driver_or_a_vehicle_is_never_booked_at_two_places_at_once(road, desk):
    await road.offer(evse_uid="EVSE2")
    await desk.book("ada", SPOT, LATER, LATER + 2 * HALF, vehicle_id="shared-car")

    himself = await refusal(desk.book("ada", OTHER, LATER + HALF, LATER + 2 * HALF))
    his_car = await refusal(desk.book("bob", OTHER, LATER + HALF, LATER + 2 * HALF, vehicle_id="shared-car"))

    assert (himself.code, his_car.code, his_car.field) == ("DRIVER_ENGAGED", "VEHICLE_ENGAGED", "$.vehicle_id")


async def test_neighbours_touch_and_do_not_overlap(desk):
    await desk.book("ada", SPOT, LATER, LATER + HALF)

    assert (await desk.book("bob", SPOT, LATER + HALF, LATER + 2 * HALF)).state == "RESERVED"


async def test_without_connection_to_the_cpo_nothing_is_booked(road, desk):
    """X-09: the driver is told so, and the slot is free for the next one at once."""
    road.hub.answers[bookings.post_booking] = ReceiverUnreachable()

    refused = await refusal(desk.book("ada", SPOT, LATER, LATER + HALF))

    assert refused.code == "CPO_UNREACHABLE"
    assert [each.state for each in await desk.all_of("ada")] == ["FAILED"]
    road.hub.answers[bookings.post_booking] = road.cpo._answer
    assert (await desk.book("bob", SPOT, LATER, LATER + HALF)).state == "RESERVED"


async def test_a_booking_whose_answer_never_came_is_undone_at_the_cpo(road, desk):
    """X-09: the CPO may have said yes; it hears that nothing is wanted, until it has heard it."""

    def lost(request):
        road.cpo._answer(request)
        return ReceiverTimeout()

    road.hub.answers[bookings.post_booking] = lost
    await refusal(desk.book("ada", SPOT, LATER, LATER + HALF))
    await road.wait(seconds=31)
    road.hub.answers[bookings.post_booking] = road.cpo._answer

    await road.wait(seconds=31)

    assert [each["reservation_status"] for each in road.cpo.made.values()] == ["CANCELED"]
    assert [each.undo for each in await desk.all_of("ada")] == [False]


@pytest.mark.parametrize("failure", ["REJECTED", "FAILED", ServerError()])
async def test_when_the_cpms_cannot_process_a_booking_nothing_is_booked(road, desk, failure):
    """X-10, X-63: an explicit refusal."""
    if isinstance(failure, str):
        road.cpo.status = failure
    else:
        road.hub.answers[bookings.post_booking] = failure

    refused = await refusal(desk.book("ada", SPOT, LATER, LATER + HALF))

    assert refused.code == ("REFUSED_BY_CPO" if isinstance(failure, str) else "CPO_ERROR")
    assert (await desk.all_of("ada"))[0].state in ("REJECTED", "FAILED")


async def test_where_the_cpo_does_not_allow_reservation_it_is_refused(road):
    """X-40."""
    await road.location(capabilities=())

    refused = await refusal(road.charging.bookings.book("ada", SPOT, LATER, LATER + HALF))

    assert refused.code == "NOT_RESERVABLE"
    assert road.hub.asked == []


async def test_without_a_roaming_contract_nothing_is_sent_to_the_cpo(road, desk):
    """X-41."""
    road.drivers.denied = NotAllowed("NOT_ALLOWED", "no agreement")

    assert (await refusal(desk.book("ada", SPOT, LATER, LATER + HALF))).code == "NO_AGREEMENT"
    assert (await refusal(desk.book("nobody", SPOT, LATER, LATER + HALF))).code == "UNKNOWN_DRIVER"
    assert (await refusal(desk.book("ada", SPOT, LATER, LATER + HALF, vehicle_id="bob-car"))).code == "NOT_YOUR_VEHICLE"
    assert road.hub.asked == []


# -- cancelling ------------------------------------------------------------------------------------


async def test_a_booking_is_cancelled_and_its_slot_is_free_at_once(road, desk):
    """RASD-R5, F05."""
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)

    after = await desk.cancel("ada", made.id)

    assert after.reason == "DRIVER"
    assert (after.state, next(iter(road.cpo.made.values()))["reservation_status"]) == ("CANCELED", "CANCELED")
    assert await road.events() == ["BOOKING_MADE"]
    assert (await desk.book("bob", SPOT, LATER, LATER + HALF)).state == "RESERVED"


async def test_nobody_cancels_the_booking_of_another(desk):
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)

    assert (await refusal(desk.cancel("bob", made.id))).code == "UNKNOWN_BOOKING"


@pytest.mark.parametrize("looked", [True, False])
async def test_a_driver_who_cancels_too_late_hears_that_it_was_cancelled_automatically(road, desk, looked):
    """X-15: more than 15 minutes after the start of the slot."""
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    await road.clock.advance(46 * 60)
    if looked:
        await road.charging.clockwork.look()

    assert (await refusal(desk.cancel("ada", made.id))).code == "ALREADY_CANCELED"


async def test_once_the_charge_has_started_a_booking_cannot_be_cancelled(road, desk):
    """X-16: the session is not touched."""
    road.answers("START", "ACCEPTED")
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    await road.clock.advance(31 * 60)
    charge = await road.charging.charges.start_booking("ada", made.id)
    await road.session(reference=made.reference)

    refused = await refusal(desk.cancel("ada", made.id))

    assert refused.code == "CHARGE_STARTED"
    assert (await road.charge(charge.id)).state == "CHARGING"
    assert road.commands("STOP") == []


async def test_once_a_start_is_ordered_its_booking_cannot_be_cancelled(road, desk):
    """The car may charge any moment, and the place would be another's."""
    road.answers("START", "ACCEPTED")
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    await road.clock.advance(31 * 60)
    await road.charging.charges.start_booking("ada", made.id)

    refused = await refusal(desk.cancel("ada", made.id))

    assert (refused.code, (await desk.of_driver("ada", made.id)).state) == ("CHARGE_STARTED", "RESERVED")


async def test_a_booking_cancelled_while_its_charge_is_paid_for_is_not_started(road, desk, monkeypatch):
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    await road.clock.advance(31 * 60)
    hold = road.money.hold

    async def slow(*args, **rest):
        await desk.cancel("ada", made.id)
        return await hold(*args, **rest)

    monkeypatch.setattr(road.money, "hold", slow)
    refused = await refusal(road.charging.charges.start_booking("ada", made.id))

    assert (refused.code, (await desk.of_driver("ada", made.id)).state) == ("BOOKING_OVER", "CANCELED")
    assert road.money.released[-1] == road.money.held[-1]
    assert road.commands("START") == []


async def test_when_the_cpms_is_unreachable_the_reservation_still_stands(road, desk):
    """X-17."""
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    road.hub.answers[bookings.post_booking] = ReceiverUnreachable()

    refused = await refusal(desk.cancel("ada", made.id))

    assert refused.code == "CPO_UNREACHABLE"
    assert (await desk.of_driver("ada", made.id)).state == "RESERVED"
    assert (await refusal(desk.book("bob", SPOT, LATER, LATER + HALF))).code == "SLOT_TAKEN"


async def test_a_cancellation_the_cpo_declines_leaves_the_booking(road, desk):
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    road.cpo.refuses_cancelling = True

    assert (await refusal(desk.cancel("ada", made.id))).code == "REFUSED_BY_CPO"
    assert (await desk.of_driver("ada", made.id)).state == "RESERVED"


async def test_a_booking_nobody_uses_is_cancelled_after_15_minutes_and_its_slot_is_free(road, desk):
    """RASD-F06: here, for the driver, and at the CPO."""
    made = await desk.book("ada", SPOT, LATER, LATER + 2 * HALF)

    await road.wait(minutes=44)
    before = (await desk.of_driver("ada", made.id)).state
    await road.wait(minutes=2)
    await road.wait(minutes=1)

    assert (before, (await desk.of_driver("ada", made.id)).state) == ("RESERVED", "NO_SHOW")
    assert await road.events() == ["BOOKING_MADE", "BOOKING_NOT_USED"]
    assert next(iter(road.cpo.made.values()))["reservation_status"] == "CANCELED"
    assert (await desk.book("bob", SPOT, LATER + HALF, LATER + 2 * HALF)).state == "RESERVED"


# -- what the CPO tells ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "event"), [("CANCELED", "BOOKING_CANCELED_BY_CPO"), ("NO_SHOW", "BOOKING_NOT_USED")]
)
async def test_what_the_cpo_makes_of_a_booking_is_taken_over_and_told_to_the_driver(road, desk, status, event):
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    canceled = {"canceled": {"cancellation_reason": "BROKEN_CHARGER", "who_canceled": "CPO"}}

    await road.booking_becomes(status, **(canceled if status == "CANCELED" else {}))
    await road.booking_becomes(status, **(canceled if status == "CANCELED" else {}))

    assert (await desk.of_driver("ada", made.id)).state == status
    assert await road.events() == ["BOOKING_MADE", event]


async def test_a_pending_booking_is_confirmed_when_the_cpo_says_so(road, desk):
    road.cpo.status = "PENDING"
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)

    await road.booking_becomes("RESERVED")

    assert (made.state, (await desk.of_driver("ada", made.id)).state) == ("PENDING", "RESERVED")
    assert await road.events() == ["BOOKING_MADE"]


async def test_a_booking_the_cpo_moves_is_where_it_says(road, desk):
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    period = {"start_date_time": "2026-01-05T13:00:00Z", "end_date_time": "2026-01-05T13:30:00Z"}

    await road.booking_becomes("RESERVED", period=period)

    moved = await desk.of_driver("ada", made.id)
    assert moved.starts_at == datetime.datetime(2026, 1, 5, 13, tzinfo=datetime.UTC)
    assert await road.events() == ["BOOKING_MADE", "BOOKING_MOVED"]
    assert (await desk.book("bob", SPOT, LATER, LATER + HALF)).state == "RESERVED"


async def test_a_request_interrupted_before_its_answer_is_sent_again(road, desk, monkeypatch):
    """As after a crash: the same request_id makes the same booking at the CPO."""
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)
    await road.emsp.store.database.transact(
        lambda tx: tx.execute("UPDATE emsp_booking SET state = 'ASKED', due_at = 0, number = NULL")
    )

    await road.charging.clockwork.look()

    assert (await desk.of_driver("ada", made.id)).state == "RESERVED"
    assert len(road.cpo.made) == 1


# -- without the Bookings module -------------------------------------------------------------------


async def test_without_bookings_a_reservation_is_promised_and_made_when_the_slot_begins(road):
    """RESERVE_NOW keeps an EVSE from now on only; the driver is told that it is a promise until then."""
    road.answers("RESERVE", "ACCEPTED")
    desk = road.charging.bookings
    made = await desk.book("ada", SPOT, LATER, LATER + 2 * HALF)
    await road.wait(minutes=29)
    before = road.commands("RESERVE")

    await road.wait(minutes=1)
    (request,) = road.commands("RESERVE")
    pending = (await desk.of_driver("ada", made.id)).state
    await road.result(request.value["response_url"].rsplit("/", 1)[-1], "ACCEPTED", "RESERVE_NOW")

    assert (made.way, made.state, before, pending) == ("RESERVE_NOW", "PROMISED", [], "PENDING")
    assert request.value["expiry_date"] == "2026-01-05T11:45:00.000Z"
    assert (await desk.of_driver("ada", made.id)).state == "RESERVED"
    assert await road.events() == ["BOOKING_PROMISED", "BOOKING_MADE"]


@pytest.mark.parametrize("answer", ["REJECTED", "NOT_SUPPORTED", "later"])
async def test_a_promise_that_cannot_be_kept_is_told_at_the_beginning_of_the_slot(road, answer):
    """X-40, X-63."""
    road.answers("RESERVE", "ACCEPTED" if answer == "later" else answer)
    desk = road.charging.bookings
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)

    await road.wait(minutes=30)
    if answer == "later":
        (request,) = road.commands("RESERVE")
        await road.result(request.value["response_url"].rsplit("/", 1)[-1], "EVSE_OCCUPIED", "RESERVE_NOW")

    assert (await desk.of_driver("ada", made.id)).state == "REJECTED"
    assert await road.events() == ["BOOKING_PROMISED", "BOOKING_REFUSED"]


async def test_a_promise_is_tried_until_nobody_is_expected_any_more(road):
    road.answers("RESERVE", ReceiverUnreachable())
    desk = road.charging.bookings
    made = await desk.book("ada", SPOT, LATER, LATER + HALF)

    await road.wait(minutes=30)
    await road.wait(minutes=5)
    tried = len(road.commands("RESERVE"))
    await road.wait(minutes=11)

    assert tried == 2
    assert (await desk.of_driver("ada", made.id)).state == "FAILED"


async def test_a_promise_is_cancelled_without_asking_and_a_reservation_at_the_cpo(road):
    road.answers("RESERVE", "ACCEPTED")
    road.answers("CANCEL", "ACCEPTED")
    desk = road.charging.bookings
    promised = await desk.book("ada", SPOT, LATER, LATER + HALF)
    assert (await desk.cancel("ada", promised.id)).state == "CANCELED"
    assert road.commands("CANCEL") == []

    kept = await desk.book("ada", SPOT, LATER, LATER + HALF)
    await road.wait(minutes=30)

    assert (await desk.cancel("ada", kept.id)).state == "CANCELED"
    assert [each.value["reservation_id"] for each in road.commands("CANCEL")] == [kept.id]
