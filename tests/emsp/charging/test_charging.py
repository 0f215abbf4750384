"""Starting, following and stopping a charge: every answer, every result, in every order they may come."""

import asyncio
from decimal import Decimal

import pytest

from hub.emsp.charging.cases import cases
from hub.emsp.charging.charges import Limits, progress
from hub.emsp.charging.ground import find_code
from hub.emsp.charging.needs import Allowance
from hub.emsp.charging.notices import of_driver
from hub.ocpi.errors import ReceiverUnreachable, ServerError
from hub.ocpi.modules import cdrs, sessions
from tests.emsp.charging.world import HALF, NOON, SPOT, refusal
from tests.rooms import CPO, NOW, ask

LATER = NOON + HALF
PRICE = {"before_taxes": Decimal("3.00"), "taxes": [{"name": "VAT", "amount": Decimal("0.60")}]}


@pytest.fixture
async def desk(road):
    road.answers("START", "ACCEPTED")
    road.answers("STOP", "ACCEPTED")
    return road.charging.charges


@pytest.fixture
async def booked(road, desk):
    """A booking of Ada's, 15:00 hours of the clock from now, whose time has just begun."""
    await road.offer()
    made = await road.charging.bookings.book("ada", SPOT, LATER, LATER + 2 * HALF)
    await road.clock.advance(30 * 60)
    return made


def cdr(**changes):
    return {
        "country_code": "NL", "party_id": "CPO", "id": "C1", "start_date_time": NOW, "end_date_time": NOW,
        "session_id": "S1", "auth_method": "COMMAND", "currency": "EUR", "total_cost": PRICE, "total_energy": 9,
        "total_time": 1, "cdr_token": {
            "country_code": "DE", "party_id": "EMP", "uid": "APP-ada", "type": "APP_USER", "contract_id": "X",
        },
        "cdr_location": {
            "id": "LOC1", "address": "Quay 1", "city": "Testford", "country": "NLD", "evse_uid": "EVSE1",
            "evse_id": "NL*CPO*E1", "coordinates": {"latitude": "52.373100", "longitude": "4.892200"},
            "connector_id": "1", "connector_standard": "IEC_62196_T2", "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "charging_periods": [{"start_date_time": NOW, "dimensions": [{"type": "ENERGY", "volume": 9}]}],
        "last_updated": NOW,
    } | changes  # fmt: skip


async def bill(road, **changes):
    await road.emsp(ask(cdrs.post_cdr, cdr(**changes), sender=CPO))


async def under_way(road, desk, **how):
    charge = await desk.start("ada", SPOT, **how)
    await road.result(charge.id, "ACCEPTED")
    await road.session(reference=charge.reference)
    return await road.charge(charge.id)


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
    road.agreed.everybody = False
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


# -- stopping and ends -----------------------------------------------------------------------------


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
