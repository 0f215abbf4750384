"""Starting, following and stopping a charge: every answer, every result, in every order they may come."""

import asyncio

import pytest

from hub.emsp.charging.cases import cases
from hub.emsp.charging.ground import find_code
from hub.emsp.charging.needs import NotAllowed
from hub.emsp.charging.notices import of_driver
from hub.ocpi.errors import ReceiverUnreachable, ServerError
from tests.emsp.charging.world import HALF, LATER, NOON, PRICE, SPOT, bill, refusal

# -- the way of a charge ---------------------------------------------------------------------------


async def test_a_charge_goes_from_the_order_to_the_bill(road, desk):
    """RASD-R7..R10: each step is what the CPO told, and the driver hears of each."""
    states = [(await desk.start("ada", SPOT)).state]
    (order,) = road.commands("START")
    charge_id, reference = order.value["response_url"].rsplit("/", 1)[-1], order.value["authorization_reference"]

    await road.result(charge_id, "ACCEPTED")
    states.append((await road.charge(charge_id)).state)
    await road.session(reference=reference)
    states.append((await road.charge(charge_id)).state)
    await road.session(reference=reference, kwh=9, total_cost=PRICE)
    states.append((await road.charging.stopping.stop("ada", charge_id)).state)
    await road.session("COMPLETED", reference=reference, kwh=9, total_cost=PRICE)
    states.append((await road.charge(charge_id)).state)
    await bill(road)
    states.append((await road.charge(charge_id)).state)

    assert states == ["ACCEPTED", "STARTED", "CHARGING", "STOPPING", "ENDED", "BILLED"]
    assert await road.events() == ["START_ACCEPTED", "CHARGE_STARTED", "CHARGE_ENDED", "CHARGE_BILLED"]
    assert [each.value["session_id"] for each in road.commands("STOP")] == ["S1"]
    assert await cases(road.emsp.store.database) == []


async def test_a_repeated_request_changes_nothing(road, desk):
    first = await desk.start("ada", SPOT, key="K")

    assert await desk.start("ada", SPOT, key="K") == first
    assert len(road.commands("START")) == 1


async def test_a_driver_who_taps_twice_starts_once(road, desk):
    outcomes = await asyncio.gather(desk.start("ada", SPOT), desk.start("ada", SPOT), return_exceptions=True)

    assert sorted(getattr(each, "code", "") for each in outcomes) == ["", "ALREADY_CHARGING"]
    assert len(road.commands("START")) == 1
    assert (len(set(road.money.held)), road.money.released) == (1, [])


@pytest.mark.parametrize("order", ["session first", "bill first"])
async def test_news_may_come_in_any_order(road, desk, order):
    charge = await desk.start("ada", SPOT)

    if order == "session first":
        await road.session(reference=charge.reference)
        await road.result(charge.id, "ACCEPTED")
        assert (await road.charge(charge.id)).state == "CHARGING"
    await bill(road, authorization_reference=charge.reference)
    await road.session("COMPLETED", reference=charge.reference)

    assert (await road.charge(charge.id)).state == "BILLED"


async def test_a_session_that_begins_after_a_timeout_is_the_truth(road, desk):
    charge = await desk.start("ada", SPOT)
    await road.result(charge.id, "TIMEOUT")

    await road.session(reference=charge.reference)

    assert (await road.charge(charge.id)).state == "CHARGING"


async def test_a_session_without_reference_is_found_by_token_and_place(road, desk):
    charge = await desk.start("ada", SPOT)

    await road.session()

    assert (await road.charge(charge.id)).session_id == "S1"


# -- why it does not start -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("TIMEOUT", "connect the cable"),
        ("EVSE_OCCUPIED", "is in use"),
        ("EVSE_INOPERATIVE", "out of order"),
        ("FAILED", "could not do it"),
        ("REJECTED", "refused"),
        ("NOT_SUPPORTED", "Use your card"),
    ],
)
async def test_each_result_has_its_own_message_and_money_is_let_go(road, desk, result, said):
    charge = await desk.start("ada", SPOT)

    await road.result(charge.id, result)
    await road.result(charge.id, result)
    await road.charging.clockwork.look()

    (notice,) = await of_driver(road.emsp.store.database, "ada")
    assert said in notice.told.text
    assert [each.event for each in road.heard.told] == ["CHARGE_FAILED"]
    assert road.money.released == [charge.id]
    assert (await road.charge(charge.id)).state == "FAILED"


async def test_a_car_that_is_not_connected_is_reconnected_and_the_booking_is_kept(road, desk, booked):
    """X-13, X-21: told to reconnect and retry; the second try works."""
    first = await desk.start_booking("ada", booked.id)
    await road.result(first.id, "TIMEOUT")
    kept = (await road.charging.bookings.of_driver("ada", booked.id)).state

    again = await desk.start_booking("ada", booked.id)
    await road.session(reference=again.reference)

    assert kept == "RESERVED"
    assert (await road.charge(again.id)).state == "CHARGING"
    assert (await road.charge(first.id)).state == "FAILED"
    assert (await road.charging.bookings.of_driver("ada", booked.id)).state == "FULFILLED"


@pytest.mark.parametrize(
    ("answer", "code"),
    [("REJECTED", "START_REJECTED"), ("NOT_SUPPORTED", "NOT_SUPPORTED"), (ReceiverUnreachable(), "CPO_UNREACHABLE"),
     (ServerError(), "CPO_ERROR")],
)  # fmt: skip
async def test_what_the_cpo_answers_at_once_is_the_drivers_answer(road, desk, answer, code):
    """X-14, X-22: a connection error is one."""
    road.answers("START", answer)

    assert (await refusal(desk.start("ada", SPOT))).code == code
    assert [each.state for each in await desk.all_of("ada")] == ["FAILED"]


async def test_a_start_before_the_slot_is_refused_until_it_begins(road, desk):
    """X-19: told to wait; nothing is sent."""
    await road.offer()
    made = await road.charging.bookings.book("ada", SPOT, LATER, LATER + HALF)

    refused = await refusal(desk.start_booking("ada", made.id))

    assert (refused.code, "12:30" in str(refused)) == ("TOO_EARLY", True)
    assert road.commands("START") == []


@pytest.mark.parametrize("looked", [True, False])
async def test_a_start_more_than_15_minutes_into_the_slot_is_too_late(road, desk, booked, looked):
    """X-20: told that the booking was cancelled automatically."""
    await road.clock.advance(15 * 60 + 1)
    if looked:
        await road.charging.clockwork.look()

    assert (await refusal(desk.start_booking("ada", booked.id))).code == "TOO_LATE"
    assert road.commands("START") == []


async def test_a_neighbour_has_five_minutes_to_leave(road, desk, booked):
    """RASD-D3: the next driver is told until when; his booking waits, and then the CPO is asked all the same."""
    await road.location(status="CHARGING")

    refused = await refusal(desk.start_booking("ada", booked.id))
    kept = (await road.charging.bookings.of_driver("ada", booked.id)).state
    sent = road.commands("START")
    await road.wait(minutes=5)

    assert (refused.code, "12:35" in str(refused), kept, sent) == ("NEIGHBOUR_THERE", True, "RESERVED", [])
    assert (await desk.start_booking("ada", booked.id)).state == "ACCEPTED"


async def test_a_car_that_is_plugged_in_already_may_be_his_own(road, desk):
    await road.location(status="BLOCKED")

    assert (await desk.on_the_fly("ada", SPOT, LATER)).state == "ACCEPTED"


async def test_a_driver_at_minute_15_is_not_cancelled_while_he_starts(road, desk, booked):
    await road.clock.advance(14 * 60 + 50)
    charge = await desk.start_booking("ada", booked.id)

    await road.wait(seconds=20)
    await road.session(reference=charge.reference)

    assert (await road.charging.bookings.of_driver("ada", booked.id)).state == "FULFILLED"


async def test_without_a_valid_payment_method_nothing_starts(road, desk, booked):
    """X-12, X-18: the driver is asked for a valid one."""
    road.money.refuses = "Your card has expired. Add another payment method."

    refused = await refusal(desk.start_booking("ada", booked.id))

    assert (refused.code, refused.field, str(refused)) == (
        "PAYMENT_REFUSED", "$.payment_method", "Your card has expired. Add another payment method.",
    )  # fmt: skip
    assert road.commands("START") == []


async def test_money_that_comes_when_the_charge_was_given_up_is_let_go(road, desk, monkeypatch):
    """The driver was asked to confirm and took too long; his bank's yes came while he was given up."""
    hold = road.money.hold

    async def late(*args, **rest):
        await road.wait(minutes=16)
        return await hold(*args, **rest)

    monkeypatch.setattr(road.money, "hold", late)
    refused = await refusal(desk.start("ada", SPOT))

    assert (refused.code, "not confirmed in time" in str(refused)) == ("PAYMENT_REFUSED", True)
    assert road.money.released[-1] == road.money.held[-1]
    assert road.commands("START") == []


async def test_without_an_agreement_or_at_a_cpo_that_has_not_joined_a_start_is_refused(road, desk):
    """X-43."""
    elsewhere = SPOT.of("FR-NEW", "LOC9", "E9")

    assert (await refusal(desk.start("ada", elsewhere))).code == "UNKNOWN_PLACE"
    road.drivers.denied = NotAllowed("NOT_ALLOWED", "no agreement")
    assert (await refusal(desk.start("ada", SPOT))).code == "NO_AGREEMENT"
    assert road.commands("START") == []


@pytest.mark.parametrize(
    ("status", "code"),
    [("CHARGING", "NOT_FREE"), ("RESERVED", "EVSE_RESERVED"), ("OUTOFORDER", "EVSE_INOPERATIVE")],
)
async def test_what_is_in_use_reserved_or_out_of_order_is_not_started(road, desk, status, code):
    """X-42, X-51."""
    await road.location(status=status)

    assert (await refusal(desk.start("ada", SPOT))).code == code


async def test_an_evse_booked_by_another_is_his_until_the_booking_expires(road, desk, booked):
    """X-42."""
    assert (await refusal(desk.start("bob", SPOT))).code == "EVSE_RESERVED"

    await road.wait(minutes=16)

    assert (await desk.start("bob", SPOT)).state == "ACCEPTED"


async def test_a_charge_that_nobody_booked_ends_when_the_next_booking_begins(road, desk):
    await road.offer()
    await road.charging.bookings.book("bob", SPOT, LATER + HALF, LATER + 2 * HALF)

    charge = await desk.start("ada", SPOT)

    assert charge.ends_by == LATER + HALF


async def test_a_start_where_one_has_a_booking_now_is_that_booking(road, desk, booked):
    charge = await desk.start("ada", SPOT)

    assert (charge.booking_id, charge.reference, charge.ends_by) == (booked.id, booked.reference, booked.ends_at)


# -- on the fly ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["NL*CPO*E1", "nlcpoe1", "https://emsp.test/c/NL*CPO*E1", " NL-CPO-E1/ "])
async def test_a_code_on_the_socket_starts_until_a_moment_of_the_grid(road, desk, code):
    """RASD-F04, UC05: scanned or typed, with or without separators."""
    await road.clock.advance(600)

    spot = (await find_code(road.emsp.store, code)).spot
    charge = await desk.on_the_fly("ada", spot, NOON + 2 * HALF)

    assert (charge.spot, charge.ends_by, charge.state) == (SPOT, NOON + 2 * HALF, "ACCEPTED")
    assert (await refusal(road.charging.bookings.book("bob", SPOT, LATER, LATER + HALF))).code in ("SLOT_TAKEN",)


async def test_on_the_fly_only_when_free(road, desk):
    await road.location(status="CHARGING")

    assert (await refusal(desk.on_the_fly("ada", SPOT, LATER))).code == "NOT_FREE"
    assert (await refusal(find_code(road.emsp.store, "NL*CPO*E9"))).code == "UNKNOWN_PLACE"


@pytest.mark.parametrize("known", ["ours", "the CPO's"])
async def test_an_end_that_overlaps_a_reservation_is_refused_with_the_time_it_begins(road, desk, known):
    """X-11: the form again; an earlier end works."""
    if known == "ours":
        await road.charging.bookings.book("bob", SPOT, LATER, LATER + HALF)
    else:
        await road.offer((NOON - HALF, LATER), (LATER + HALF, LATER + 9 * HALF))

    refused = await refusal(desk.on_the_fly("ada", SPOT, LATER + HALF))

    assert (refused.code, refused.field, "12:30" in str(refused)) == ("OVERLAPS_BOOKING", "$.ends_at", True)
    assert (await desk.on_the_fly("ada", SPOT, LATER)).state == "ACCEPTED"


@pytest.mark.parametrize(
    ("ends", "code"), [(NOON + HALF / 3, "OFF_GRID"), (NOON, "IN_THE_PAST"), (NOON + 5 * HALF, "TOO_LONG")]
)
async def test_an_end_on_the_fly_lies_on_the_grid_at_most_four_slots_ahead(desk, ends, code):
    assert (await refusal(desk.on_the_fly("ada", SPOT, ends))).code == code


async def test_on_the_fly_without_connection_keeps_nothing(road, desk):
    """X-14; X-12 likewise."""
    road.answers("START", ReceiverUnreachable())
    assert (await refusal(desk.on_the_fly("ada", SPOT, LATER))).code == "CPO_UNREACHABLE"
    road.money.refuses = "No valid payment method."
    assert (await refusal(desk.on_the_fly("ada", SPOT, LATER))).code == "PAYMENT_REFUSED"

    road.money.refuses = None
    road.answers("START", "ACCEPTED")
    assert (await desk.on_the_fly("bob", SPOT, LATER)).state == "ACCEPTED"
