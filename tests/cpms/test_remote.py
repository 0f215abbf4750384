"""What stations are told, and every CommandResult it comes to."""

import asyncio
import datetime

import pytest

from hub.cpms.builtin import Rules
from hub.cpms.ports import Authorization, OpenReservation
from hub.cpms.watching import Limits
from hub.ocpi.modules import commands, sessions, tokens
from hub.ocpp.events import (
    Answer,
    CallRefused,
    CallTimeout,
    ChargerOffline,
    IdToken,
    NotSpoken,
    ReservationChanged,
)
from hub.ocpp.words import id_tag
from tests.cpms.operating import HERE, STATION, Operation
from tests.rooms import EMSP, ask, token

URL = "https://asker.test/results/1"
APP = {"uid": "app-user-0123456789-0123456789", "type": "APP_USER"}


@pytest.fixture
async def operation(hub, database, clock):
    made = await Operation(hub, database, clock).start()
    yield made
    await made.stop()


@pytest.fixture
def station(operation):
    return operation.chargers.connect()


@pytest.fixture
async def outlet(operation):
    return await operation.endpoints.desk.outlet("LOC1", "ST1-1")


def leave(**changes):
    return Authorization(token=token(**changes), method="COMMAND", reference="REF")


def order(**changes):
    return {"response_url": URL, "token": token(), "location_id": "LOC1", "evse_uid": "ST1-1"} | changes


def starts(operation, station, uid="CARD-1", where=HERE):
    """Have the station begin a transaction as soon as it is told to, as one with a car connected does."""

    async def remote_start(**named):
        asyncio.get_running_loop().call_soon(lambda: operation.endpoints.stations._keep(begin()))
        return Answer(status="Accepted")

    async def begin():
        await operation.tell(operation.started(uid=uid, where=where))

    station.answers["remote_start"] = remote_start


def results(hub):
    return [request.value["result"] for _, request in hub.called if request.operation is commands.post_result]


async def waiting(operation, work):
    """Return the task of an order once its station has answered, and waits for the car."""
    task = asyncio.create_task(work)
    for _ in range(200):
        if await operation.sessions() or task.done():
            break
        await asyncio.sleep(0.005)
    return task


# -- START_SESSION -----------------------------------------------------------------------------------


async def test_a_start_session_ends_at_a_station_and_its_session_is_told(operation, station, hub):
    starts(operation, station)

    await operation.endpoints(ask(commands.start_session, order(authorization_reference="REF")))
    await operation.endpoints.stations.settled()
    await operation.endpoints.owed.settled()

    (session,) = await operation.sessions()
    assert results(hub) == ["ACCEPTED"]
    assert (session["status"], session["auth_method"], session["authorization_reference"]) == (
        "ACTIVE", "COMMAND", "REF",
    )  # fmt: skip
    assert hub.heard(sessions.put_session)


async def test_a_driver_whose_car_is_not_connected_yet_sees_a_pending_session(operation, station, outlet):
    task = await waiting(operation, operation.cpms.start_session(outlet, leave()))

    assert [each["status"] for each in await operation.sessions()] == ["PENDING"]
    await operation.tell(operation.started())

    assert await task == "ACCEPTED"
    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]


@pytest.mark.parametrize("seconds", [0, -90])
async def test_a_pending_session_becomes_active_at_its_emsp_whatever_the_stations_clock(
    operation, station, outlet, hub, seconds
):
    """A start that has the date of the waiting, or an earlier one, is told all the same."""
    task = await waiting(operation, operation.cpms.start_session(outlet, leave()))
    await operation.endpoints.owed.settled()
    pending = hub.heard(sessions.put_session)[-1].value

    at = operation.clock.now() + datetime.timedelta(seconds=seconds)
    await operation.tell(operation.started(at=at))
    await operation.endpoints.owed.settled()

    active = hub.heard(sessions.patch_session)[-1].value
    assert (pending["status"], active["status"], await task) == ("PENDING", "ACTIVE", "ACCEPTED")
    assert active["last_updated"] >= pending["last_updated"]


async def test_a_car_that_is_not_connected_in_time_releases_the_start(operation, station, outlet):
    """X-13, X-53."""
    task = await waiting(operation, operation.cpms.start_session(outlet, leave()))

    await operation.clock.advance(61)

    assert await task == "TIMEOUT"
    assert [each["status"] for each in await operation.sessions()] == ["INVALID"]
    station.answers["remote_start"] = "Rejected"
    assert await operation.cpms.start_session(outlet, leave()) == "REJECTED"  # and not EVSE_OCCUPIED


async def test_a_stop_before_the_car_is_connected_gives_the_start_up(operation, station, outlet, hub):
    """X-45: the Session is told as PENDING, so its eMSP can stop it."""
    await operation.endpoints(ask(commands.start_session, order()))
    await waiting(operation, operation.endpoints.stations.settled())
    (pending,) = await operation.sessions()

    stop = ask(commands.stop_session, {"response_url": URL, "session_id": pending["id"]})
    answer = await operation.endpoints(stop)
    await operation.endpoints.stations.settled()

    assert (answer.value["result"], sorted(results(hub))) == ("ACCEPTED", ["ACCEPTED", "FAILED"])
    assert [each["status"] for each in await operation.sessions()] == ["INVALID"]
    assert (await operation.endpoints(stop)).value["result"] == "UNKNOWN_SESSION"
    station.answers["remote_start"] = "Rejected"
    assert await operation.cpms.start_session(outlet, leave()) == "REJECTED"  # and not EVSE_OCCUPIED


async def test_a_start_that_was_waited_for_when_the_server_stopped_is_released(operation, station, outlet, hub):
    task = await waiting(operation, operation.cpms.start_session(outlet, leave()))
    task.cancel()
    await operation.stop()
    again = await Operation(hub, operation.database, operation.clock).start()
    await again.later(61)

    assert [each["status"] for each in await again.sessions()] == ["INVALID"]
    await again.stop()


async def test_a_transaction_that_begins_after_the_driver_was_told_timeout_is_seen_and_billed(
    operation, station, outlet
):
    task = await waiting(operation, operation.cpms.start_session(outlet, leave()))
    await operation.clock.advance(61)
    assert await task == "TIMEOUT"

    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(1800)
    await operation.tell(operation.stopped(number, 3000))

    (cdr,) = await operation.cdrs()
    assert (cdr["auth_method"], cdr["authorization_reference"], cdr["total_energy"]) == ("COMMAND", "REF", 2)
    assert sorted(each["status"] for each in await operation.sessions()) == ["COMPLETED", "INVALID"]


async def test_a_station_of_2_0_1_is_matched_by_the_number_of_the_order(operation, station, outlet):
    station.answers["remote_start"] = CallTimeout()
    assert await operation.cpms.start_session(outlet, leave()) == "TIMEOUT"
    ((_, told),) = station.told

    await operation.tell(operation.told("Started", 0, 1000, remote_start_id=told["remote_start_id"]))

    (session,) = await operation.sessions()
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF")


async def test_the_number_of_another_stations_order_is_none_of_this_ones(operation, station, outlet):
    station.answers["remote_start"] = CallTimeout()
    await operation.cpms.start_session(outlet, leave())
    ((_, told),) = station.told

    await operation.tell(
        operation.told("Started", 0, 1000, station_id="OTHER", remote_start_id=told["remote_start_id"])
    )

    assert await operation.sessions() == []


async def test_an_order_is_used_once(operation, station, outlet):
    starts(operation, station)
    assert await operation.cpms.start_session(outlet, leave()) == "ACCEPTED"
    ((_, told),) = station.told
    number = operation.cpms.ledger.runs.at(HERE)[0].kept.called
    await operation.tell(operation.stopped(number, 1000))

    await operation.tell(operation.told("Started", 0, 1000, remote_start_id=told["remote_start_id"]))

    assert len(await operation.sessions()) == 1


async def test_a_token_too_long_for_1_6_is_known_again_by_what_1_6_can_carry(operation, station, outlet, hub):
    starts(operation, station, uid=id_tag(APP["uid"]))

    assert await operation.cpms.start_session(outlet, leave(**APP)) == "ACCEPTED"

    (session,) = await operation.sessions()
    assert session["cdr_token"]["uid"] == APP["uid"]
    assert hub.heard(tokens.authorize) == []


async def test_a_station_that_asks_about_the_token_it_was_told_of_gets_leave_at_once(operation, station, outlet, hub):
    task = await waiting(operation, operation.cpms.start_session(outlet, leave(**APP)))

    assert (await operation.present(id_tag(APP["uid"]), at=None)).status == "Accepted"
    assert hub.heard(tokens.authorize) == []
    task.cancel()


async def test_where_no_station_stands_or_none_is_connected_nothing_is_started(operation, outlet):
    """X-69."""
    assert await operation.cpms.start_session(outlet, leave()) == "EVSE_INOPERATIVE"


async def test_a_station_that_is_lost_meanwhile_starts_nothing(operation, station, outlet):
    """X-69."""
    station.answers["remote_start"] = ChargerOffline()

    assert await operation.cpms.start_session(outlet, leave()) == "EVSE_INOPERATIVE"
    assert await operation.sessions() == []


async def test_a_driver_who_has_plugged_in_already_starts_with_an_app(operation, station, outlet):
    """His own car makes the EVSE BLOCKED (decision 0022)."""
    starts(operation, station)
    plugged = outlet.__class__(**{**vars(outlet), "status": "BLOCKED"})

    assert await operation.cpms.start_session(plugged, leave()) == "ACCEPTED"


@pytest.mark.parametrize("status", ["INOPERATIVE", "OUTOFORDER", "PLANNED"])
async def test_a_disabled_station_is_not_even_asked(operation, station, outlet, status):
    """X-51."""
    disabled = outlet.__class__(**{**vars(outlet), "status": status})

    assert await operation.cpms.start_session(disabled, leave()) == "EVSE_INOPERATIVE"
    assert station.told == []


async def test_where_somebody_charges_nobody_else_starts(operation, station, outlet):
    """X-51."""
    await operation.know(token())
    await operation.tell(operation.started())

    assert await operation.cpms.start_session(outlet, leave(uid="CARD-2")) == "EVSE_OCCUPIED"
    assert station.told == []


async def test_where_a_car_is_awaited_nobody_else_starts(operation, station, outlet):
    task = await waiting(operation, operation.cpms.start_session(outlet, leave()))

    assert await operation.cpms.start_session(outlet, leave(uid="CARD-2")) == "EVSE_OCCUPIED"
    task.cancel()


@pytest.mark.parametrize(
    ("answer", "status", "result"),
    [
        ("Rejected", None, "REJECTED"),
        ("Rejected", "Available", "REJECTED"),
        ("Rejected", "Charging", "EVSE_OCCUPIED"),
        ("Rejected", "Reserved", "EVSE_OCCUPIED"),
        ("Rejected", "Faulted", "EVSE_INOPERATIVE"),
        ("Rejected", "Unavailable", "EVSE_INOPERATIVE"),
        (CallTimeout(), None, "TIMEOUT"),
        (CallRefused("NotSupported"), None, "NOT_SUPPORTED"),
        (CallRefused("NotImplemented"), None, "NOT_SUPPORTED"),
        (CallRefused("InternalError"), None, "FAILED"),
        (NotSpoken(), None, "NOT_SUPPORTED"),
    ],
)
async def test_what_a_station_answers_is_what_the_driver_is_told(operation, station, outlet, answer, status, result):
    station.answers["remote_start"] = answer
    if status:
        await operation.status(status)

    assert await operation.cpms.start_session(outlet, leave()) == result
    assert await operation.sessions() == []


# -- STOP_SESSION ------------------------------------------------------------------------------------


async def running(operation, meter=1000):
    await operation.know(token())
    number = (await operation.tell(operation.started(meter=meter))).transaction_id
    (session,) = await operation.sessions()
    return number, session["id"]


async def test_a_session_is_stopped_at_its_station(operation, station):
    _, session_id = await running(operation)

    async def remote_stop(called):
        operation.endpoints.stations._keep(stop(called))
        return Answer(status="Accepted")

    async def stop(called):
        await operation.tell(operation.stopped(called, 1000, uid=None, reason="Remote"))

    station.answers["remote_stop"] = remote_stop
    assert await operation.cpms.stop_session(session_id) == "ACCEPTED"
    assert [each["status"] for each in await operation.sessions()] == ["COMPLETED"]
    assert await operation.cpms.stop_session(session_id) == "REJECTED"


async def test_a_station_that_agrees_and_is_slow_has_agreed(operation, station):
    _, session_id = await running(operation)

    task = asyncio.create_task(operation.cpms.stop_session(session_id))
    await operation.clock.advance(16)

    assert await task == "ACCEPTED"
    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]


async def test_a_stop_for_a_session_that_is_none_is_rejected(operation, station, hub):
    """X-45, X-54, SGEM-4.1-13."""
    response = await operation.endpoints(ask(commands.stop_session, {"response_url": URL, "session_id": "NOPE"}))

    assert response.value["result"] == "UNKNOWN_SESSION"
    assert await operation.cpms.stop_session("NOPE") == "REJECTED"
    assert station.told == []


async def test_a_stop_for_another_drivers_session_is_rejected(operation, station, hub):
    """X-45."""
    _, session_id = await running(operation)
    stranger = EMSP.__class__("FR", "XYZ")
    request = ask(commands.stop_session, {"response_url": URL, "session_id": session_id}, sender=stranger)

    assert (await operation.endpoints(request)).value["result"] == "REJECTED"
    assert station.told == []


async def test_a_stop_at_a_station_without_a_connection_is_not_pretended(operation):
    """X-69."""
    _, session_id = await running(operation)

    assert await operation.cpms.stop_session(session_id) == "EVSE_INOPERATIVE"


# -- reservations ------------------------------------------------------------------------------------


def reservation(operation, outlet, **changes):
    values = {
        "reservation_id": "R1",
        "outlet": outlet,
        "authorization": leave(),
        "expires_at": operation.clock.now() + datetime.timedelta(minutes=30),
    }
    return OpenReservation(**(values | changes))


async def test_a_station_knows_a_reservation_by_a_number(operation, station, outlet):
    assert await operation.cpms.reserve_now(reservation(operation, outlet)) == "ACCEPTED"
    ((_, told),) = station.told
    assert await operation.cpms.cancel_reservation("R1") == "ACCEPTED"

    assert (told["evse"], told["id_token"]) == (HERE, IdToken(id_token="CARD-1"))
    assert station.told[1] == ("cancel_reservation", (told["reservation_id"],))
    assert await operation.cpms.cancel_reservation("R1") == "UNKNOWN_RESERVATION"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("Occupied", "EVSE_OCCUPIED"),
        ("Faulted", "EVSE_INOPERATIVE"),
        ("Unavailable", "EVSE_INOPERATIVE"),
        ("Rejected", "REJECTED"),
        (CallTimeout(), "TIMEOUT"),
        (ChargerOffline(), "EVSE_INOPERATIVE"),
        (CallRefused("NotImplemented"), "NOT_SUPPORTED"),
    ],
)
async def test_a_reservation_a_station_did_not_take_is_none(operation, station, outlet, answer, result):
    station.answers["reserve_now"] = answer

    assert await operation.cpms.reserve_now(reservation(operation, outlet)) == result
    station.answers["reserve_now"] = "Accepted"
    other = reservation(operation, outlet, reservation_id="R2")
    assert await operation.cpms.reserve_now(other) == "ACCEPTED"


async def test_a_reservation_a_station_did_not_answer_is_taken_back_as_soon_as_it_does(operation, station, outlet):
    """It may have taken it, and would refuse every other driver until it expires."""
    station.answers |= {"reserve_now": CallTimeout(), "cancel_reservation": CallTimeout()}
    await operation.cpms.reserve_now(reservation(operation, outlet))
    number = station.told[0][1]["reservation_id"]

    await operation.later(100)
    station.answers["cancel_reservation"] = "Accepted"
    await operation.later(180)

    assert station.told[1:] == [("cancel_reservation", (number,))] * 3


async def test_a_reservation_a_station_did_not_answer_is_taken_back_after_a_restart_too(operation, station, outlet):
    station.answers["reserve_now"] = CallTimeout()
    await operation.cpms.reserve_now(reservation(operation, outlet))
    await operation.stop()

    again = await Operation(operation.hub, operation.database, operation.clock).start()
    told = again.chargers.connect()
    await again.later(30)
    await again.stop()

    assert (station.names(), told.names()) == (["reserve_now"], ["cancel_reservation"])


async def test_a_reservation_that_has_expired_meanwhile_needs_no_taking_back(operation, station, outlet):
    station.answers["reserve_now"] = CallTimeout()
    await operation.cpms.reserve_now(reservation(operation, outlet))
    operation.chargers.stations.clear()
    await operation.later(1830)

    operation.chargers.stations[STATION] = station
    await operation.later(120)

    assert station.names() == ["reserve_now"]


async def test_a_reserved_evse_is_kept_from_everybody_else(operation, station, outlet):
    """X-42."""
    await operation.cpms.reserve_now(reservation(operation, outlet))

    assert await operation.cpms.start_session(outlet, leave(uid="CARD-2")) == "EVSE_OCCUPIED"
    other = reservation(operation, outlet, reservation_id="R2", authorization=leave(uid="CARD-2"))
    assert await operation.cpms.reserve_now(other) == "EVSE_OCCUPIED"
    assert station.names() == ["reserve_now"]


async def test_a_refused_change_of_a_reservation_leaves_it_as_it_was(operation, station, outlet):
    await operation.cpms.reserve_now(reservation(operation, outlet))
    station.answers["reserve_now"] = "Rejected"
    longer = operation.clock.now() + datetime.timedelta(hours=3)

    assert await operation.cpms.reserve_now(reservation(operation, outlet, expires_at=longer)) == "REJECTED"
    assert station.names() == ["reserve_now", "reserve_now"]
    assert await operation.cpms.start_session(outlet, leave(uid="CARD-2")) == "EVSE_OCCUPIED"
    await operation.later(1830)

    assert await operation.cpms.cancel_reservation("R1") == "UNKNOWN_RESERVATION"


async def test_a_reservation_that_moves_lets_the_first_evse_go(operation, station, outlet):
    await operation.cpms.reserve_now(reservation(operation, outlet))
    there = await operation.endpoints.desk.outlet("LOC1", "ST1-2")

    assert await operation.cpms.reserve_now(reservation(operation, there)) == "ACCEPTED"

    assert station.names() == ["reserve_now", "cancel_reservation", "reserve_now"]


async def reserved(operation, hub):
    expiry = "2026-01-01T13:00:00Z"
    request = ask(commands.reserve_now, order(reservation_id="R1", expiry_date=expiry))
    await operation.endpoints(request)
    await operation.endpoints.stations.settled()
    assert results(hub) == ["ACCEPTED"]


@pytest.mark.parametrize("named", [True, False])
async def test_a_used_reservation_is_the_session(operation, station, hub, named):
    await operation.know(token())
    await reserved(operation, hub)
    number = station.told[0][1]["reservation_id"]

    await operation.tell(operation.started(reservation_id=number if named else None))

    (session,) = await operation.sessions()
    assert session["status"] == "ACTIVE"
    await operation.later(3700)
    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]


async def test_a_reservation_started_from_afar_is_the_session(operation, station, hub, outlet):
    await reserved(operation, hub)
    starts(operation, station)

    assert await operation.cpms.start_session(outlet, leave()) == "ACCEPTED"

    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]


async def test_a_reserved_driver_who_does_not_come_in_time_keeps_the_reservation(operation, station, hub, outlet):
    """X-13: booking kept."""
    await reserved(operation, hub)
    task = asyncio.create_task(operation.cpms.start_session(outlet, leave()))
    while "remote_start" not in station.names():
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    await operation.clock.advance(61)

    assert await task == "TIMEOUT"
    assert [each["status"] for each in await operation.sessions()] == ["RESERVATION"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("Removed", ["ACCEPTED", "CANCELED_RESERVATION"]),
        ("Expired", ["ACCEPTED"]),
        ("NoTransaction", ["ACCEPTED"]),
    ],
)
async def test_a_reservation_that_ends_at_its_station_ends(operation, station, hub, status, told):
    await reserved(operation, hub)
    number = station.told[0][1]["reservation_id"]

    await operation.operator.told(ReservationChanged(station_id=STATION, reservation_id=number, status=status))

    assert [each["status"] for each in await operation.sessions()] == ["COMPLETED"]
    assert results(hub) == told


async def test_a_reservation_at_an_evse_that_breaks_is_canceled(operation, station, hub):
    await reserved(operation, hub)

    await operation.status("Faulted")

    assert results(hub) == ["ACCEPTED", "CANCELED_RESERVATION"]


async def test_a_reservation_outlives_the_server_and_expires(operation, station, hub):
    await reserved(operation, hub)
    await operation.stop()

    again = await Operation(hub, operation.database, operation.clock).start()
    await again.later(3700, look=3700)

    assert [each["status"] for each in await again.sessions()] == ["COMPLETED"]
    await again.stop()


# -- UNLOCK_CONNECTOR --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("Unlocked", "ACCEPTED"),
        ("UnlockFailed", "FAILED"),
        ("NotSupported", "NOT_SUPPORTED"),
        ("OngoingAuthorizedTransaction", "REJECTED"),
        ("UnknownConnector", "FAILED"),
    ],
)
async def test_a_connector_is_unlocked_or_it_is_said_why_not(operation, station, outlet, answer, result):
    station.answers["unlock"] = answer

    assert await operation.cpms.unlock_connector(outlet) == result
    assert station.told == [("unlock", (HERE,))]


async def test_an_outlet_without_a_station_cannot_be_unlocked(operation, station, outlet):
    nowhere = outlet.__class__(**{**vars(outlet), "evse_uid": "NOPE"})

    assert await operation.cpms.unlock_connector(nowhere) == "EVSE_INOPERATIVE"


# -- charging profiles -------------------------------------------------------------------------------

PROFILE = {
    "charging_rate_unit": "W", "min_charging_rate": 1400,
    "charging_profile_period": [{"start_period": 0, "limit": 6000}, {"start_period": 900, "limit": 11000.5}],
}  # fmt: skip


async def test_a_profile_of_a_session_is_its_transactions(operation, station):
    number, session_id = await running(operation)

    assert await operation.cpms.set_charging_profile(session_id, PROFILE) == "ACCEPTED"

    ((_, (evse, profile)),) = station.told
    assert evse == HERE
    assert (profile.purpose, profile.transaction_id, profile.unit) == ("TxProfile", number, "W")
    assert [(each.start, float(each.limit)) for each in profile.periods] == [(0, 6000), (900, 11000.5)]


@pytest.mark.parametrize("answer", ["Rejected", CallTimeout(), CallRefused("NotImplemented")])
async def test_a_profile_a_station_does_not_take_is_rejected(operation, station, answer):
    _, session_id = await running(operation)
    station.answers["set_charging_profile"] = answer

    assert await operation.cpms.set_charging_profile(session_id, PROFILE) == "REJECTED"
    assert await operation.cpms.set_charging_profile(session_id, {"charging_rate_unit": "W"}) == "REJECTED"
    assert await operation.cpms.set_charging_profile("NOPE", PROFILE) == "UNKNOWN"


async def test_a_profile_is_cleared_if_there_is_one(operation, station):
    _, session_id = await running(operation)
    answers = []
    for answer in ("Accepted", "Unknown", CallTimeout()):
        station.answers["clear_charging_profile"] = answer
        answers.append(await operation.cpms.clear_charging_profile(session_id))

    assert answers == ["ACCEPTED", "UNKNOWN", "REJECTED"]
    assert await operation.cpms.clear_charging_profile("NOPE") == "UNKNOWN"


async def test_the_active_profile_is_what_the_station_says_it_will_do(operation, station):
    _, session_id = await running(operation)
    schedule = {"start_at": "2026-01-01T12:00:00Z", "duration": 900, "unit": "A",
                "periods": [{"start": 0, "limit": 16.0, "phases": 3}]}  # fmt: skip
    station.answers["composite_schedule"] = Answer(status="Accepted", payload={"schedule": schedule})

    active = await operation.cpms.active_charging_profile(session_id, 900)

    assert active == {
        "start_date_time": "2026-01-01T12:00:00Z",
        "charging_profile": {
            "charging_rate_unit": "A",
            "duration": 900,
            "charging_profile_period": [{"start_period": 0, "limit": 16.0}],
        },
    }
    station.answers["composite_schedule"] = "Rejected"
    assert await operation.cpms.active_charging_profile(session_id, 900) is None
    station.answers["composite_schedule"] = CallTimeout()
    assert await operation.cpms.active_charging_profile(session_id, 900) is None
    assert await operation.cpms.active_charging_profile("NOPE", 900) is None


# -- what lasts too long -----------------------------------------------------------------------------


async def test_a_session_that_lasts_too_long_is_stopped_and_the_operation_centre_warned(hub, database, clock):
    """X-57, SGEM-4.1-18."""
    rules = Rules(limits=Limits(longest=7200, silence=1e9))
    operation = await Operation(hub, database, clock, rules).start()
    station = operation.chargers.connect()
    number, _ = await running(operation)

    await operation.later(7100, look=100)
    assert station.told == []
    await operation.later(200, look=100)

    assert station.told == [("remote_stop", (number,)), ("remote_stop", (number,))]
    assert operation.centre.warnings == ["SESSION_TOO_LONG", "SESSION_NOT_STOPPED"]
    await operation.stop()


async def test_a_session_with_a_frame_ends_with_it(operation, station):
    """RASD-F07."""
    number, session_id = await running(operation)
    end = operation.clock.now() + datetime.timedelta(minutes=30)

    assert await operation.cpms.end_by(session_id, end)
    await operation.later(1790, look=179)
    assert "remote_stop" not in station.names()
    await operation.later(30)

    assert ("remote_stop", (number,)) in station.told
    assert not await operation.cpms.end_by("NOPE", end)


async def test_a_frame_that_is_not_written_down_with_what_goes_with_it_is_none(operation, station):
    """The audit row of whoever has set it, such as."""
    _, session_id = await running(operation)

    async def full(tx, _):
        raise RuntimeError("the audit log is gone")

    with pytest.raises(RuntimeError):
        await operation.cpms.end_by(session_id, operation.clock.now() + datetime.timedelta(minutes=1), full)
    await operation.later(120)

    assert "remote_stop" not in station.names()


async def test_the_frame_of_a_session_outlives_the_server(operation, station):
    """RASD-F07."""
    number, session_id = await running(operation)
    await operation.cpms.end_by(session_id, operation.clock.now() + datetime.timedelta(minutes=30))
    await operation.stop()

    again = await Operation(operation.hub, operation.database, operation.clock).start()
    station = again.chargers.connect()
    await again.later(1830, look=305)

    assert ("remote_stop", (number,)) in station.told
    await again.stop()


@pytest.mark.parametrize("framed", [True, False])
async def test_a_full_battery_ends_a_session_with_a_frame_first(operation, station, framed):
    """RASD-F07: whichever comes first; without a frame a car may stand and pay for parking."""
    number, session_id = await running(operation)
    if framed:
        await operation.cpms.end_by(session_id, operation.clock.now() + datetime.timedelta(hours=5))
    soc = operation.register(100).__class__(at=operation.clock.now(), value=100, measurand="SoC", unit="Percent")
    await operation.tell(
        operation.metered(number, 5000).__class__(
            **{**vars(operation.metered(number, 5000)), "samples": (operation.register(1500), soc)}
        )
    )

    await operation.later(30)

    assert (("remote_stop", (number,)) in station.told) is framed


async def test_a_meter_that_moves_is_told_as_the_session(operation, station):
    number, _ = await running(operation)
    await operation.later(300)
    await operation.tell(operation.metered(number, 2500))
    await operation.later(30)

    (session,) = await operation.sessions()
    assert float(session["kwh"]) == 1.5
    await operation.status("SuspendedEV")
    await operation.later(300)
    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]
