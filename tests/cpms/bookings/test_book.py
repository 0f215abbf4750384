"""What eMSPs ask of the booking book, and what they are told."""

import asyncio
import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.messages import Party
from hub.ocpi.modules import bookings, commands
from hub.ocpi.slots import MINUTES
from hub.ocpi.versions import VERSIONS
from tests.cpms.bookings.conftest import at, booking_token
from tests.rooms import EMSP, HUB, ask, token

OTHER = Party("FR", "XYZ")


async def test_what_can_be_booked_is_offered_to_everyone(operator, hub):
    """RASD-API3: the available slots of a given socket; only EVSEs that are RESERVABLE."""
    told = [each for each in hub.heard(bookings.put_booking_location)]

    assert {each.value["booking_option"]["evse_uid"] for each in told} == {"EVSE1", "EVSE2"}
    assert {each.receiver for each in told} == {HUB}
    offer = told[0].value
    VERSIONS["2.3.0"].judge(codec.encode(offer), bookings.BookingLocation)
    assert [each["id"] for each in offer["calendars"]] == ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
    assert offer["calendars"][0]["available_timeslots"] == [
        {"start_date_time": "2025-12-31T23:00:00.000Z", "end_date_time": "2026-01-01T23:00:00.000Z"}
    ]
    assert offer["calendars"][0]["timeslot_increment"] == MINUTES


async def test_a_booking_is_reserved_at_once_and_owed_to_its_emsp(operator, hub):
    """RASD-R4, RASD-API4, DD-R1, UC04."""
    wish = await operator.wish(first=0, minutes=120)

    booking = await operator.ask(wish)

    assert booking["reservation_status"] == "RESERVED"
    assert booking["booking_requests"] == [
        {"request_status": "ACCEPTED", "booking_request": wish, "request_received": "2026-01-01T12:00:00.000Z"}
    ]
    assert booking["authorization_reference"] == "REF-1"
    VERSIONS["2.3.0"].judge(codec.encode(booking), bookings.Booking)
    assert len(await operator.slots()) == 4
    await operator.cpms.owed.settled()
    (told,) = hub.heard(bookings.put_booking)
    assert (told.receiver, told.value) == (EMSP, booking)


async def test_a_booked_slot_is_offered_no_more(operator, hub):
    """RASD-R32: occupation is updated when a reservation is made, and told to everyone."""
    hub.asked.clear()

    await operator.book(first=30, minutes=60)
    await operator.cpms.owed.settled()

    (told,) = hub.heard(bookings.put_booking_location)
    assert told.value["calendars"][0]["available_timeslots"] == [
        {"start_date_time": "2025-12-31T23:00:00.000Z", "end_date_time": at(30)},
        {"start_date_time": at(90), "end_date_time": "2026-01-01T23:00:00.000Z"},
    ]


@pytest.mark.parametrize(
    "period",
    [
        (10, 70), (0, 150), (0, 45), (-60, 0), (4 * 24 * 60, 4 * 24 * 60 + 30),
    ],
    ids=["off the grid", "five slots", "half a slot", "in the past", "after the days that can be booked"],
)  # fmt: skip
async def test_what_the_grid_does_not_allow_is_rejected_and_takes_nothing(operator, period):
    """RASD-F02, RASD-F03."""
    first, end = period

    booking = await operator.book(first=first, minutes=end - first)

    assert booking["reservation_status"] == "REJECTED"
    assert booking["booking_requests"][0]["request_status"] == "DECLINED"
    assert await operator.slots() == []


async def test_a_slot_that_is_taken_is_rejected_and_its_holder_keeps_it(operator):
    """RASD-A01: no two reservations of one socket overlap; touching ends do."""
    first = await operator.book(first=30, minutes=60)

    overlapping = [await operator.book(first=start, minutes=60) for start in (0, 30, 60)]
    touching = [await operator.book(first=start, minutes=30) for start in (0, 90)]
    elsewhere = await operator.book(first=30, minutes=60, evse_uid="EVSE2")

    assert [each["reservation_status"] for each in overlapping] == ["REJECTED"] * 3
    assert [each["reservation_status"] for each in touching] == ["RESERVED"] * 2
    assert elsewhere["reservation_status"] == "RESERVED"
    assert (await operator.booking(first["id"]))["reservation_status"] == "RESERVED"


async def test_a_booking_takes_so_many_requests_and_can_be_cancelled_all_the_same(operator, monkeypatch):
    monkeypatch.setattr("hub.cpms.bookings.book.MOST_REQUESTS", 2)
    wish = await operator.wish()
    booking, moved = (
        await operator.ask(wish),
        await operator.ask(wish | {"period": (await operator.wish(first=60))["period"]}),
    )

    with pytest.raises(InvalidParameters, match="has had 2 requests"):
        await operator.ask(wish | {"period": (await operator.wish(first=120))["period"]})
    assert await operator.booking(booking["id"]) == moved

    canceled = wish | {"canceled": {"cancellation_reason": "UNKNOWN", "who_canceled": "EMSP"}}
    assert (await operator.ask(canceled))["reservation_status"] == "CANCELED"
    with pytest.raises(InvalidParameters, match="has had 2 requests"):
        await operator.ask(wish)


async def test_of_two_that_race_for_a_slot_exactly_one_wins(operator):
    """X-08."""
    wishes = [await operator.wish() for _ in range(10)]

    found = await asyncio.gather(*(operator.ask(wish) for wish in wishes))

    states = sorted(each["reservation_status"] for each in found)
    assert states == ["REJECTED"] * 9 + ["RESERVED"]
    assert len(await operator.slots()) == 2


wants = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.sampled_from(["EVSE1", "EVSE2"])), min_size=2)


@given(wants)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_asked_at_once_nothing_ever_overlaps(operator, wanted):
    wishes = [
        await operator.wish(first=first * MINUTES, minutes=count * MINUTES, evse_uid=uid)
        for first, count, uid in wanted
    ]

    found = await asyncio.gather(*(operator.ask(wish) for wish in wishes))

    held = [
        (each["booking_option"]["evse_uid"], minute)
        for each in found
        if each["reservation_status"] == "RESERVED"
        for minute in _half_hours(each["period"])
    ]
    assert len(held) == len(set(held))
    for each in found:  # RASD-A03: create, then cancel, restores what was
        if each["reservation_status"] == "RESERVED":
            await operator.cpms.desk.book.cancel(each["id"], "UNKNOWN")
    assert await operator.slots() == []


def _half_hours(period):
    at, end = (datetime.datetime.fromisoformat(period[name]) for name in ("start_date_time", "end_date_time"))
    while at < end:
        yield at
        at += datetime.timedelta(minutes=MINUTES)


async def test_a_request_that_comes_again_changes_nothing(operator):
    wish = await operator.wish()

    once, again = await asyncio.gather(operator.ask(wish), operator.ask(wish))

    assert once == again
    assert await operator.ask(wish) == once
    assert len(await operator.slots()) == 2


async def test_a_booking_is_changed_by_a_request_of_the_same_id(operator):
    wish = await operator.wish(first=0)
    made = await operator.ask(wish)

    changed = await operator.ask(wish | {"period": {"start_date_time": at(30), "end_date_time": at(120)}})

    assert (changed["id"], changed["reservation_status"]) == (made["id"], "RESERVED")
    assert changed["period"] == {"start_date_time": at(30), "end_date_time": at(120)}
    assert [each["request_status"] for each in changed["booking_requests"]] == ["ACCEPTED", "ACCEPTED"]
    assert len(await operator.slots()) == 3


async def test_a_change_is_taken_back_by_asking_for_what_was_booked_first(operator):
    wish = await operator.wish(first=0)
    await operator.ask(wish)
    await operator.ask(wish | {"period": {"start_date_time": at(30), "end_date_time": at(120)}})

    back = await operator.ask(wish)

    assert back["period"] == wish["period"]
    assert len(await operator.slots()) == 2


async def test_a_change_that_cannot_be_leaves_the_booking_as_it_was(operator):
    """X-17: the reservation stands."""
    wish = await operator.wish(first=0)
    made = await operator.ask(wish)
    await operator.book(first=60)
    before = await operator.slots()

    changed = await operator.ask(wish | {"period": {"start_date_time": at(30), "end_date_time": at(90)}})

    assert (changed["reservation_status"], changed["period"]) == ("RESERVED", made["period"])
    assert [each["request_status"] for each in changed["booking_requests"]] == ["ACCEPTED", "DECLINED"]
    assert await operator.slots() == before


async def test_a_booking_is_cancelled_by_its_emsp(operator, hub):
    """RASD-R5, RASD-R33, RASD-API5."""
    wish = await operator.wish()
    made = await operator.ask(wish)
    canceled = {"cancellation_reason": "TRAFFIC", "who_canceled": "EMSP"}

    ended = await operator.ask(wish | {"canceled": canceled})

    assert (ended["id"], ended["reservation_status"], ended["canceled"]) == (made["id"], "CANCELED", canceled)
    assert await operator.slots() == []
    offer = (await operator.offers())[0]
    assert len(offer["calendars"][0]["available_timeslots"]) == 1


async def test_what_is_over_can_neither_be_changed_nor_cancelled(operator):
    wish = await operator.wish()
    made = await operator.ask(wish)
    await operator.cpms.desk.book.cancel(made["id"], "BROKEN_CHARGER")

    canceled = {"cancellation_reason": "TRAFFIC", "who_canceled": "EMSP"}
    again = await operator.ask(wish | {"canceled": canceled})
    moved = await operator.ask(wish | {"period": {"start_date_time": at(30), "end_date_time": at(60)}})

    assert [again["reservation_status"], moved["reservation_status"]] == ["CANCELED", "CANCELED"]
    assert again["canceled"] == {"cancellation_reason": "BROKEN_CHARGER", "who_canceled": "CPO"}
    assert moved["booking_requests"][-1]["request_status"] == "DECLINED"


async def test_the_operator_cancels_and_the_emsp_is_told(operator, hub):
    made = await operator.book()
    await operator.cpms.owed.settled()
    hub.asked.clear()

    await operator.cpms.desk.book.cancel(made["id"], "POWER_OUTAGE")
    await operator.cpms.owed.settled()

    (told,) = hub.heard(bookings.put_booking)
    assert told.value["reservation_status"] == "CANCELED"
    assert told.value["canceled"] == {"cancellation_reason": "POWER_OUTAGE", "who_canceled": "CPO"}
    with pytest.raises(InvalidParameters):
        await operator.cpms.desk.book.cancel(made["id"], "POWER_OUTAGE")


async def test_nobody_books_for_somebody_else(operator):
    wish = await operator.wish()

    with pytest.raises(InvalidParameters, match=r"\$\.party_id"):
        await operator.ask(wish, sender=OTHER)
    with pytest.raises(InvalidParameters, match=r"\$\.tokens\[0\]\.party_id"):
        await operator.ask(wish | {"country_code": "FR", "party_id": "XYZ"}, sender=OTHER)
    assert await operator.slots() == []


async def test_the_same_request_id_of_two_emsps_is_two_bookings(operator):
    """A request_id is unique only among its own eMSP's."""
    wish = await operator.wish(request_id="R-1")
    theirs = await operator.wish(request_id="R-1", sender=OTHER, first=60)

    made, other = await operator.ask(wish), await operator.ask(theirs, sender=OTHER)

    assert made["id"] != other["id"]
    listed = await operator.cpms(ask(bookings.list_bookings, sender=OTHER))
    assert [each["id"] for each in listed.value] == [other["id"]]


async def test_what_does_not_exist_cannot_be_booked(operator):
    wish = await operator.wish()

    with pytest.raises(UnknownLocation, match="booking_location_id"):
        await operator.ask(wish | {"booking_location_id": "NOPE"})
    with pytest.raises(InvalidParameters, match="location_id"):
        await operator.ask(wish | {"location_id": "LOC9"})


@pytest.mark.parametrize(
    "option",
    [{"evse_uid": "EVSE2"}, {"connector_id": "9"}, {"connector_types": ["CHADEMO"]}, {"power_types": ["AC_1_PHASE"]}],
)
async def test_an_option_the_evse_does_not_have_is_rejected(operator, option):
    assert (await operator.book(booking_option=option))["reservation_status"] == "REJECTED"


async def test_booking_locations_and_calendars_are_had_one_by_one_and_by_timeslot(operator):
    offer, other = await operator.offers()

    whole = await operator.cpms(ask(bookings.get_own_booking_location, booking_location_id=offer["id"]))
    day = await operator.cpms(ask(bookings.get_own_calendar, booking_location_id=offer["id"], calendar_id="2026-01-02"))
    none = await operator.cpms(ask(bookings.list_booking_locations, query="timeslot_from=2026-02-01T00:00:00Z"))
    first = await operator.cpms(
        ask(bookings.list_booking_locations, query="limit=1&timeslot_from=2026-01-01T00:00:00Z")
    )
    link = first.headers["Link"]
    second = await operator.cpms(
        ask(bookings.list_booking_locations, query=link[link.index("?") + 1 : link.index(">")])
    )

    assert whole.value == offer
    assert day.value == offer["calendars"][1]
    assert (none.value, none.headers["X-Total-Count"]) == ([], "0")
    assert [first.value, second.value] == [[offer], [other]]
    assert "timeslot_from" in link


async def reserve_now(operator, reservation_id, minutes):
    order = {
        "response_url": "https://asker.test/1", "token": token(), "location_id": "LOC1", "evse_uid": "EVSE1",
        "reservation_id": reservation_id, "expiry_date": at(minutes),
    }  # fmt: skip
    await operator.cpms(ask(commands.reserve_now, order))
    await operator.cpms.stations.settled()


async def test_reserve_now_and_bookings_stand_in_one_book(operator, hub):
    """X-42, INCAR-UC005: no other booking until it expires."""
    await operator.book(first=30, minutes=60)

    await reserve_now(operator, "R1", 45)
    await reserve_now(operator, "R2", 15)
    late = await operator.book(first=0, minutes=30)

    assert [request.value["result"] for _, request in hub.called] == ["EVSE_OCCUPIED", "ACCEPTED"]
    assert late["reservation_status"] == "REJECTED"


async def test_a_reservation_that_is_cancelled_gives_its_slots_back(operator, hub):
    await reserve_now(operator, "R1", 15)
    order = {"response_url": "https://asker.test/2", "reservation_id": "R1"}

    await operator.cpms(ask(commands.cancel_reservation, order))
    await operator.cpms.stations.settled()

    assert await operator.slots() == []
    assert (await operator.book(first=0, minutes=30))["reservation_status"] == "RESERVED"


async def test_a_reservation_its_station_refuses_takes_nothing(operator, stations, hub):
    outlet = await operator.cpms.desk.outlet("LOC1", "EVSE1")
    await stations.set_status(outlet, "INOPERATIVE")

    await reserve_now(operator, "R1", 15)

    assert [request.value["result"] for _, request in hub.called] == ["EVSE_INOPERATIVE"]
    assert await operator.slots() == []


async def test_a_request_without_tokens_is_booked_by_its_reference(operator):
    booking = await operator.book(tokens=None)

    assert (booking["reservation_status"], booking["booking_tokens"]) == ("RESERVED", [])


async def test_what_a_booking_is_for_is_told_as_it_was_asked(operator):
    option = {"connector_id": "1", "connector_types": ["IEC_62196_T2_COMBO"]}

    booking = await operator.book(
        booking_option=option, access_information=[{"method": "LICENSE_PLATE", "value": "AB-1"}]
    )

    assert booking["booking_option"] == option | {"evse_uid": "EVSE1"}
    assert booking["access_information"] == [{"method": "LICENSE_PLATE", "value": "AB-1"}]
    assert booking["booking_tokens"] == [booking_token()]
    assert booking["tariff_ids"] == ["T1"]
