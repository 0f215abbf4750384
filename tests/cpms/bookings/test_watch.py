"""What the clock brings about for bookings: the battery reads like a day at the station."""

import asyncio

import pytest

from hub.cpms.authorization import BOOKED
from hub.cpms.ports import StatusChanged
from hub.ocpi.modules import bookings, cdrs, commands, locations
from tests.cpms.bookings.conftest import at
from tests.rooms import ask, evse, location, token

STOLEN = {"uid": "CARD-9", "contract_id": "DE-EMP-C9"}


async def start(operator, evse_uid="EVSE1", **changes):
    """START_SESSION; return what the station made of it."""
    order = {
        "response_url": "https://asker.test/1", "token": token(**changes), "location_id": "LOC1", "evse_uid": evse_uid,
    }  # fmt: skip
    await operator.cpms(ask(commands.start_session, order))
    await operator.cpms.stations.settled()


def results(hub):
    return [request.value["result"] for _, request in hub.called]


async def status(operator, evse_uid="EVSE1"):
    location = await operator.cpms.store.locations.get(operator.cpms.party, "LOC1")
    return next(each["status"] for each in location["evses"] if each["uid"] == evse_uid)


async def state(operator, booking):
    return (await operator.booking(booking["id"]))["reservation_status"]


async def heard(operator, location_id):
    """Return once the watch has heard of a Location; on PostgreSQL word of it takes a moment."""
    async with asyncio.timeout(5):
        while location_id not in operator.cpms.bookings._changed:
            await asyncio.sleep(0.01)


async def test_the_station_is_kept_in_time_and_everyone_sees_it_reserved(operator, clock, hub):
    """INCAR-UC005: RESERVED is pushed shortly before the booking begins, not earlier."""
    await operator.book()

    await clock.advance(24 * 60)
    await operator.look()
    before = await status(operator)
    await clock.advance(60)
    await operator.look()
    await operator.cpms.owed.settled()

    assert (before, await status(operator)) == ("AVAILABLE", "RESERVED")
    assert hub.heard(locations.patch_evse)[-1].value["status"] == "RESERVED"


async def test_only_the_driver_who_booked_may_charge(operator, clock, hub, stations):
    """X-42: a second user is refused until the booking expires; RASD-R34: the booked one starts."""
    booking = await operator.book()
    await clock.advance(27 * 60)
    await operator.look()
    outlet = await operator.cpms.desk.outlet("LOC1", "EVSE1")

    await start(operator, **STOLEN)
    at_the_reader = await operator.cpms.desk.authorize("CARD-9", "RFID", outlet)
    await start(operator)

    assert results(hub) == ["EVSE_OCCUPIED", "ACCEPTED"]
    assert at_the_reader == BOOKED
    assert await state(operator, booking) == "FULFILLED"


async def test_a_driver_may_come_with_another_token_of_his_emsp_that_names_the_booking(operator, clock, hub):
    booking = await operator.book(tokens=None)
    await clock.advance(30 * 60)
    await operator.look()
    order = {
        "response_url": "https://asker.test/1", "token": token(uid="APP-7", type="APP_USER"), "location_id": "LOC1",
        "evse_uid": "EVSE1", "authorization_reference": "REF-1",
    }  # fmt: skip

    await operator.cpms(ask(commands.start_session, order))
    await operator.cpms.stations.settled()

    assert results(hub) == ["ACCEPTED"]
    assert await state(operator, booking) == "FULFILLED"


async def test_who_does_not_come_within_15_minutes_loses_the_slot(operator, clock, hub):
    """RASD-F06: the booking is cancelled and the socket is free for the next."""
    booking = await operator.book()
    await clock.advance(26 * 60)
    await operator.look()

    await clock.advance(18 * 60)  # 12:44
    await operator.look()
    early = await state(operator, booking)
    await clock.advance(60)
    await operator.look()
    await operator.cpms.owed.settled()

    assert (early, await state(operator, booking)) == ("RESERVED", "NO_SHOW")
    assert hub.heard(bookings.put_booking)[-1].value["reservation_status"] == "NO_SHOW"
    assert await operator.slots() == []
    assert await status(operator) == "AVAILABLE"
    assert (await operator.book(first=30, minutes=30))["reservation_status"] == "RESERVED"


async def test_a_cancelled_booking_frees_its_station_at_once(operator, clock):
    wish = await operator.wish()
    await operator.ask(wish)
    await clock.advance(27 * 60)
    await operator.look()

    await operator.ask(wish | {"canceled": {"cancellation_reason": "TRAFFIC", "who_canceled": "EMSP"}})
    await operator.look()

    assert await status(operator) == "AVAILABLE"
    assert await operator.slots() == []


async def test_the_charge_ends_with_its_frame(operator, clock, hub):
    """RASD-F07: at the end of the frame, if the battery is not full before; its CDR names the booking."""
    booking = await operator.book(minutes=30)
    await clock.advance(30 * 60)
    await operator.look()
    await start(operator)

    await clock.advance(29 * 60)
    await operator.look()
    running = operator.cpms.desk.session_at(await operator.cpms.desk.outlet("LOC1", "EVSE1"))
    await clock.advance(60)
    await operator.look()
    await operator.cpms.owed.settled()

    assert running is not None
    assert operator.cpms.desk.session_at(await operator.cpms.desk.outlet("LOC1", "EVSE1")) is None
    (cdr,) = hub.heard(cdrs.post_cdr)
    assert cdr.value["booking_id"] == booking["id"]


async def test_a_place_stays_his_who_booked_it_until_the_frame_is_over_though_he_has_charged(operator, clock, hub):
    """RASD-F08."""
    booking = await operator.book()
    await clock.advance(30 * 60)
    await operator.look()
    await start(operator)
    outlet = await operator.cpms.desk.outlet("LOC1", "EVSE1")
    await clock.advance(20 * 60)

    assert await operator.cpms.cpms.stop_session(operator.cpms.desk.session_at(outlet)) == "ACCEPTED"
    await operator.look()
    shown, taken = await status(operator), await operator.slots()
    another = await operator.cpms.desk.authorize("CARD-9", "RFID", outlet)
    await clock.advance(40 * 60)
    await operator.look()
    afterwards = await operator.cpms.desk.authorize("CARD-9", "RFID", outlet)

    assert await state(operator, booking) == "FULFILLED"
    assert (shown, len(taken)) == ("RESERVED", 2)
    assert (another == BOOKED, afterwards == BOOKED) == (True, False)
    assert await status(operator) == "AVAILABLE"


async def test_who_booked_may_charge_again_within_his_frame(operator, clock, hub):
    await operator.book()
    await clock.advance(30 * 60)
    await operator.look()
    await start(operator)
    outlet = await operator.cpms.desk.outlet("LOC1", "EVSE1")
    await operator.cpms.cpms.stop_session(operator.cpms.desk.session_at(outlet))
    await operator.look()

    await start(operator)

    assert results(hub) == ["ACCEPTED", "ACCEPTED"]


async def test_a_place_kept_beyond_a_charge_goes_over_to_the_next_booking(operator, clock):
    await operator.book(minutes=60)
    await operator.book(first=60, minutes=30)
    await clock.advance(30 * 60)
    await operator.look()
    await start(operator)
    outlet = await operator.cpms.desk.outlet("LOC1", "EVSE1")
    await operator.cpms.cpms.stop_session(operator.cpms.desk.session_at(outlet))
    await operator.look()

    await clock.advance(60 * 60)
    await operator.look()

    assert await status(operator) == "RESERVED"


async def test_a_neighbour_has_five_minutes_and_is_then_stopped(operator, clock, hub):
    """RASD-D3: back-to-back bookings tolerate a five-minute overrun."""
    booking = await operator.book()
    await start(operator, **STOLEN)  # twelve o'clock: the place is free until half past

    await clock.advance(34 * 60)
    await operator.look()
    tolerated = await status(operator)
    await clock.advance(60)
    await operator.look()
    await operator.look()

    assert tolerated == "CHARGING"
    assert await status(operator) == "RESERVED"
    await start(operator)
    assert await state(operator, booking) == "FULFILLED"


async def test_a_booking_the_station_could_never_keep_is_cancelled_by_the_operator(operator, clock, stations):
    """The driver is told in time, and it is no no-show of his."""
    booking = await operator.book()
    await stations.set_status(await operator.cpms.desk.outlet("LOC1", "EVSE1"), "INOPERATIVE")

    await clock.advance(46 * 60)
    await operator.look()

    ended = await operator.booking(booking["id"])
    assert ended["reservation_status"] == "CANCELED"
    assert ended["canceled"] == {"cancellation_reason": "BROKEN_CHARGER", "who_canceled": "CPO"}


async def test_a_station_that_cannot_reserve_is_kept_by_the_book(operator, clock, hub, stations):
    async def cannot(reservation):
        return "NOT_SUPPORTED"

    stations.reserve_now = cannot
    booking = await operator.book()
    await clock.advance(28 * 60)
    await operator.look()
    reserved = await status(operator)

    await start(operator, **STOLEN)
    await start(operator)

    assert reserved == "RESERVED"
    assert results(hub) == ["EVSE_OCCUPIED", "ACCEPTED"]
    assert await state(operator, booking) == "FULFILLED"


async def test_late_changes_are_declined(operator, clock):
    wish = await operator.wish()
    await operator.ask(wish)
    await clock.advance(26 * 60)
    await operator.look()

    changed = await operator.ask(wish | {"period": {"start_date_time": at(60), "end_date_time": at(90)}})

    assert [each["request_status"] for each in changed["booking_requests"]] == ["ACCEPTED", "DECLINED"]


async def test_slots_whose_holder_is_nobody_are_given_back(operator, clock):
    """This side stopped after the slots were taken and before the station had answered."""
    from hub.cpms.bookings.store import Place

    await operator.cpms.desk.book.reserve(Place("LOC1", "EVSE1"), "nobody", clock.now().replace(minute=20))
    await operator.cpms.bookings.stop()

    await clock.advance(301)
    await operator.cpms.bookings.start()

    assert await operator.slots() == []


async def test_a_new_day_is_offered_when_it_comes(operator, clock):
    await clock.advance(24 * 3600)
    await operator.look()

    offer = (await operator.offers())[0]

    assert [each["id"] for each in offer["calendars"]] == ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"]


async def test_a_location_made_while_it_runs_is_offered_at_the_next_look(operator):
    await operator.look()
    new = location(id="LOC2", evses=[evse("EVSE9", capabilities=["RESERVABLE"])])

    await operator.cpms.orders()["cpms.import"]({"kind": "locations", "objects": [new]})
    await heard(operator, "LOC2")
    await operator.look()

    assert "LOC2" in [each["location_id"] for each in await operator.offers()]


@pytest.mark.parametrize("late", [True, False])
async def test_a_status_told_by_the_station_stays_its_own(operator, clock, late):
    """A station's own words about its EVSE are not overwritten by the book."""
    await operator.book()
    await clock.advance((31 if late else 1) * 60)
    await operator.look()
    event = StatusChanged(location_id="LOC1", evse_uid="EVSE1", status="OUTOFORDER", at=clock.now())

    await operator.cpms.desk.tell(event)

    assert await status(operator) == "OUTOFORDER"
