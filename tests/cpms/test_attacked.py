"""What unlucky stations and rude eMSPs try: nothing is billed wrongly, lost, or taken from another's driver."""

import asyncio
import datetime
from decimal import Decimal

import pytest

from adapters.cpms.rest import RestCpms
from hub.cpms import commands as station_commands
from hub.cpms import unclaimed
from hub.cpms.connectors import MOST, Connectors
from hub.cpms.ports import Authorization, OpenReservation
from hub.ocpi.messages import Party
from hub.ocpi.modules import bookings, commands
from hub.ocpp.errors import InternalError
from hub.ocpp.events import EVSE, IdToken, StatusChanged
from tests.cpms.operating import HERE, NEXT, Operation, minutes
from tests.cpms.test_remote import URL, leave, order, results, starts
from tests.rooms import ask, evse, location, token

OTHER = Party("NL", "OTH")
RESERVED = {"reservation_id": "R1", "expiry_date": "2026-01-01T13:00:00.000Z"}


@pytest.fixture
def station(operation):
    return operation.chargers.connect()


@pytest.fixture
async def outlet(operation):
    return await operation.endpoints.desk.outlet("LOC1", "ST1-1")


async def put(operation, operation_, value, **more):
    """Put an order of an eMSP, and wait for what comes of it."""
    answer = await operation.endpoints(ask(operation_, value, **more))
    await operation.endpoints.stations.settled()
    return answer.value["result"]


# -- transactions -----------------------------------------------------------------------------------


async def test_an_end_under_a_number_its_station_has_used_is_no_repetition(operation):
    """A station of 2.0.1 that does not count must not lose what it took."""
    await operation.tell(operation.told("Started", 0, 1000, id_token=IdToken(id_token="CARD-1", type="ISO14443")))
    await operation.later(900)
    await operation.tell(operation.told("Updated", 0, 3000))
    await operation.later(900)

    await operation.tell(operation.told("Ended", 0, 7000))

    assert await operation.billed() == [Decimal(6)]


async def test_a_stop_under_the_number_of_a_transaction_that_is_over_ends_the_one_that_goes_on(operation):
    """A station of 1.6 that never heard our number counts by itself, and may come upon one of ours."""
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    await operation.tell(operation.stopped(number, 4000))
    await operation.later(900)
    await operation.tell(operation.started(meter=4000))
    await operation.later(900)

    stop = operation.stopped(number, 7000)
    for _ in range(2):
        await operation.tell(stop)

    assert await operation.billed() == [Decimal(3), Decimal(3)]


def test_a_status_dated_ahead_of_us_does_not_outlast_what_follows(clock):
    told = Connectors(None)
    now = clock.now()

    told.take(StatusChanged(evse=HERE, status="Charging", at=now + datetime.timedelta(days=365)), now)
    told.take(StatusChanged(evse=HERE, status="Available", at=now + minutes(1)), now + minutes(1))

    assert told.get(HERE).status == "Available"


def test_a_station_that_makes_up_connectors_is_remembered_no_more_than_others(clock):
    told = Connectors(None)

    for number in range(1, 2000):
        place = EVSE(station_id="ST1", evse_id=number, connector_id=1)
        told.take(StatusChanged(evse=place, status="Available", at=clock.now()), clock.now())

    assert len(told.of_station("ST1")) == MOST


@pytest.mark.parametrize("kind", ["Started", "Updated", "Ended"])
async def test_a_station_that_makes_up_transactions_fills_no_table(operation, monkeypatch, kind):
    """What it may tell of in a day is bounded by its outlets; a driver with leave to charge is served all the same."""
    monkeypatch.setattr(unclaimed, "MOST", 3)

    answers = [
        await asyncio.gather(
            operation.tell(operation.told(kind, 0, 1000, transaction_id=f"X{number}")), return_exceptions=True
        )
        for number in range(10)
    ]
    card = IdToken(id_token="CARD-1", type="ISO14443")
    await operation.tell(operation.told("Started", 0, 1000, id_token=card, evse=NEXT))
    await operation.later(900)
    await operation.tell(operation.told("Ended", 1, 4000, evse=NEXT))

    ((kept,),) = await operation.database.fetch("SELECT count(*) FROM cpms_transaction")
    assert [isinstance(each, InternalError) for (each,) in answers] == [False] * 6 + [True] * 4
    assert kept == 7
    assert await operation.billed() == [Decimal(3)]


async def test_a_station_that_was_refused_a_made_up_transaction_is_heard_again_the_next_day(operation, monkeypatch):
    monkeypatch.setattr(unclaimed, "MOST", 1)
    for number in range(2):
        await operation.tell(operation.told("Ended", 0, 1000, transaction_id=f"X{number}"))
    with pytest.raises(InternalError):
        await operation.tell(operation.told("Ended", 0, 1000, transaction_id="X2"))

    await operation.clock.advance(86_400)
    await operation.tell(operation.told("Ended", 0, 1000, transaction_id="X2"))

    assert (await operation.database.fetch("SELECT count(*) FROM cpms_transaction"))[0][0] == 3


async def test_cables_that_are_plugged_in_before_a_card_is_shown_count_as_nobodys_until_then(operation, monkeypatch):
    monkeypatch.setattr(unclaimed, "MOST", 1)
    card = IdToken(id_token="CARD-1", type="ISO14443")

    for number in range(5):
        name = f"T{number}"
        await operation.tell(operation.told("Started", 0, 1000, transaction_id=name))
        await operation.tell(operation.told("Updated", 1, 1000, transaction_id=name, id_token=card))
        await operation.later(60)
        await operation.tell(operation.told("Ended", 2, 1000, transaction_id=name))

    assert len(await operation.cdrs()) == 5


# -- orders to start --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_start_that_is_told_an_hour_after_its_order_is_billed_to_who_gave_it(
    operation, station, outlet, version
):
    """The station accepted, began and lost its connection; nobody else knows the app's token."""
    station.version = version
    app = Authorization(token=token(uid="APP-1", type="APP_USER"), method="COMMAND")
    task = asyncio.create_task(operation.cpms.start_session(outlet, app))
    while not station.told:
        await asyncio.sleep(0)
    number = station.told[-1][1]["remote_start_id"]
    begun = operation.clock.now() + datetime.timedelta(seconds=5)
    await operation.later(3600)
    await task

    if version == "1.6":
        called = (await operation.tell(operation.started(uid="APP-1", at=begun))).transaction_id
        await operation.tell(operation.stopped(called, 7000))
    else:
        named = {"id_token": IdToken(id_token="APP-1", type="Central"), "remote_start_id": number}
        await operation.tell(operation.told("Started", 0, 1000, at=begun, offline=True, **named))
        await operation.tell(operation.told("Ended", 1, 7000))

    assert await operation.billed() == [Decimal(6)]
    assert await operation.cases() == []


async def test_of_two_drivers_who_start_at_the_same_moment_one_is_first(operation, station, outlet):
    tasks = [asyncio.create_task(operation.cpms.start_session(outlet, leave(uid=uid))) for uid in ("CARD-1", "CARD-2")]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [each.result() for each in done] == ["EVSE_OCCUPIED"]
    assert len(station.told) <= 1


async def test_where_a_car_is_awaited_nobody_reserves(operation, station, outlet, hub):
    task = asyncio.create_task(operation.cpms.start_session(outlet, leave()))
    while not station.told:
        await asyncio.sleep(0)

    await put(operation, commands.reserve_now, order(token=token(uid="CARD-2"), **RESERVED))

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert results(hub) == ["EVSE_OCCUPIED"]
    assert station.names() == ["remote_start"]


# -- other eMSPs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mine", [{}, {"uid": "CARD-9", "group_id": "FLEET"}])
async def test_another_emsps_token_of_the_same_number_or_group_does_not_use_a_reservation(
    operation, station, hub, mine
):
    await put(operation, commands.reserve_now, order(token=token(group_id="FLEET"), **RESERVED))
    starts(operation, station)

    foreign = token(country_code="NL", party_id="OTH", **mine)
    await put(operation, commands.start_session, order(token=foreign), sender=OTHER)

    (session,) = await operation.sessions()
    assert results(hub) == ["ACCEPTED", "EVSE_OCCUPIED"]
    assert (session["status"], session["cdr_token"]["party_id"]) == ("RESERVATION", "EMP")


async def test_a_reservation_asked_for_twice_at_once_is_one(operation, station, hub):
    asked = [order(evse_uid=uid, **RESERVED) for uid in ("ST1-1", "ST1-2")]

    await asyncio.gather(*(put(operation, commands.reserve_now, each) for each in asked))

    assert results(hub) == ["ACCEPTED"]
    assert len(await operation.sessions()) == 1


async def test_a_second_card_is_judged_where_the_first_was_refused(operation, station):
    station.version = "2.0.1"
    await operation.know(token(uid="BAD", valid=False))
    await operation.tell(operation.told("Started", 0, 1000))
    await operation.tell(operation.told("Updated", 1, 1000, id_token=IdToken(id_token="BAD", type="ISO14443")))
    await operation.later(30)

    good = IdToken(id_token="CARD-1", type="ISO14443")
    answer = await operation.tell(operation.told("Updated", 2, 1000, id_token=good))
    await operation.later(900)
    await operation.tell(operation.told("Ended", 3, 7000))

    assert answer.token.status == "Accepted"
    assert station.names().count("remote_stop") == 1
    assert await operation.billed() == [Decimal(6)]


async def test_nor_at_another_makers_cpms(outlet):
    adapter = RestCpms("http://other.test", "key")
    until = datetime.datetime(2026, 1, 1, 13, tzinfo=datetime.UTC)
    held = OpenReservation(reservation_id="S1", outlet=outlet, authorization=leave(), expires_at=until)
    adapter._holds["S1"] = held

    foreign = adapter._reserved_for(outlet, leave(country_code="NL", party_id="OTH"))
    own = adapter._reserved_for(outlet, leave())
    await adapter.stop()

    assert (foreign, own) == (None, "S1")


async def test_a_reservation_its_station_knows_nothing_of_is_over_when_it_is_canceled(operation, station, hub):
    await put(operation, commands.reserve_now, order(**RESERVED))
    station.answers["cancel_reservation"] = "Rejected"

    await put(operation, commands.cancel_reservation, {"response_url": URL, "reservation_id": "R1"})

    assert results(hub) == ["ACCEPTED", "UNKNOWN_RESERVATION"]
    assert [each["status"] for each in await operation.sessions()] == ["COMPLETED"]


async def test_another_emsp_does_not_unlock_where_a_driver_charges(operation, station):
    """OCPP 1.6, 5.18: the station would end the transaction first."""
    await operation.tell(operation.started())
    place = {"response_url": URL, "location_id": "LOC1", "evse_uid": "ST1-1", "connector_id": "1"}

    refused = await put(operation, commands.unlock_connector, place, sender=OTHER)
    own = await put(operation, commands.unlock_connector, place)

    assert (refused, own) == ("REJECTED", "ACCEPTED")
    assert station.names() == ["unlock"]


async def test_a_reservation_its_station_was_too_slow_for_keeps_nobody_away(operation, station, hub, monkeypatch):
    async def silent(**named):
        await asyncio.Event().wait()

    station.answers["reserve_now"] = silent
    within = station_commands._within
    monkeypatch.setattr(station_commands, "_within", lambda run, late, broken, _: within(run, late, broken, 0.1))
    await put(operation, commands.reserve_now, order(**RESERVED))
    monkeypatch.undo()
    del station.answers["reserve_now"]

    foreign = order(token=token(country_code="NL", party_id="OTH"), **RESERVED)
    await put(operation, commands.reserve_now, foreign, sender=OTHER)

    assert results(hub) == ["TIMEOUT", "ACCEPTED"]


@pytest.fixture
async def booked(operation, clock):
    """EVSE 1 is kept for somebody else than CARD-1."""
    here = [evse(uid, capabilities=["RESERVABLE"]) for uid in ("ST1-1", "ST1-2")]
    await operation.endpoints.orders()["cpms.import"]({"kind": "locations", "objects": [location(evses=here)]})
    await operation.places.reread(location_id="LOC1")
    await operation.endpoints.bookings.offer()
    offers = await operation.endpoints.store.booking_locations.all()
    offer = next(each for each in offers if each["booking_option"]["evse_uid"] == "ST1-1")
    wish = {
        "country_code": "DE", "party_id": "EMP", "request_id": "B1", "authorization_reference": "REF-B",
        "location_id": "LOC1", "booking_location_id": offer["id"], "tokens": [],
        "period": {"start_date_time": "2026-01-01T12:30:00Z", "end_date_time": "2026-01-01T13:30:00Z"},
    }  # fmt: skip
    made = (await operation.endpoints(ask(bookings.post_booking, wish))).value
    await clock.advance(1800)
    assert made["reservation_status"] == "RESERVED"


async def test_a_booking_of_one_evse_keeps_nobody_from_the_other(operation, booked):
    """Authorize of 1.6 does not say at which connector the driver stands."""
    presented = await operation.present(at=None)
    next_to_it = await operation.tell(operation.started(where=NEXT))

    assert (presented.status, next_to_it.token.status) == ("Accepted", "Accepted")


async def test_leave_given_at_the_station_is_none_at_the_evse_that_is_booked(operation, booked):
    """X-42."""
    await operation.present(at=None)

    answer = await operation.tell(operation.started())

    assert answer.token.status == "NotAtThisLocation"


# -- restarts ---------------------------------------------------------------------------------------


async def test_a_place_taken_away_under_a_session_keeps_no_server_from_starting(operation, hub, database, clock):
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    left = {"kind": "locations", "objects": [location(evses=[evse("ST1-2")])]}
    await operation.endpoints.orders()["cpms.import"](left)
    await operation.stop()

    again = Operation(hub, database, clock)
    await again.places.start()
    await again.endpoints.start()
    await again.tell(again.stopped(number, 7000))

    assert await again.billed() == [Decimal(6)]
    await again.stop()
