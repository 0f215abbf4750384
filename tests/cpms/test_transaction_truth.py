"""No kWh is billed twice and none is lost, however stations tell of a transaction; on both stores."""

import asyncio
from decimal import Decimal

import pytest

from hub.cpms.builtin import Rules
from hub.cpms.doorkeeper import NotOperating
from hub.cpms.ports import Authorization
from hub.cpms.transactions import message_of
from hub.cpms.watching import Limits
from hub.ocpi.errors import ReceiverUnreachable
from hub.ocpi.modules import tokens
from hub.ocpp.events import Answer, CallTimeout, IdToken
from tests.cpms.operating import HERE, NEXT, STATION, Operation, minutes
from tests.rooms import evse, location, token


async def charged(operation, start=None):
    """Charge 6 kWh in half an hour, and return our number of the transaction."""
    answer = await operation.tell(start or operation.started(meter=1000))
    await operation.later(900)
    await operation.tell(operation.metered(answer.transaction_id, 4000))
    await operation.later(900)
    return answer.transaction_id


# -- what 1.6 tells ---------------------------------------------------------------------------------


async def test_a_transaction_of_1_6_is_a_session_and_one_cdr(operation):
    """SGEM-4.1-15, SGEM-4.1-16."""
    number = await charged(operation)

    answer = await operation.tell(operation.stopped(number, 7000, reason="EVDisconnected"))

    (session,) = await operation.sessions()
    assert answer.token.status == "Accepted"
    assert (session["status"], session["evse_uid"], session["auth_method"]) == ("COMPLETED", "ST1-1", "WHITELIST")
    assert await operation.billed() == [Decimal(6)]
    assert await operation.cases() == []


async def test_a_start_repeated_a_minute_later_under_another_message_id_gets_the_same_number(operation):
    """Its answer was lost; identity is a natural key the database enforces."""
    first = operation.started()
    answer = await operation.tell(first)
    await operation.later(60)

    again = await operation.tell(operation.started(at=first.at))

    assert again.transaction_id == answer.transaction_id
    assert len(await operation.sessions()) == 1


async def test_the_same_token_starting_again_at_the_same_meter_later_is_another_transaction(operation):
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.tell(operation.stopped(number, 1000))
    await operation.later(60)

    another = await operation.tell(operation.started(meter=1000))

    assert another.transaction_id != number


async def test_a_repeated_stop_bills_once(operation):
    number = await charged(operation)
    stop = operation.stopped(number, 7000)

    for _ in range(3):
        await operation.tell(stop)

    assert await operation.billed() == [Decimal(6)]


async def test_meter_values_that_come_twice_or_late_change_no_bill(operation):
    number = await charged(operation)
    late = operation.metered(number, 6500)
    await operation.later(60)
    await operation.tell(operation.stopped(number, 7000))

    await operation.tell(late)
    await operation.tell(late)

    assert await operation.billed() == [Decimal(6)]


async def test_a_transaction_told_only_after_it_was_over_is_billed_as_it_was(operation):
    """1.6, 3.7: the station was offline, and sends what it kept, in order."""
    begun = operation.started(meter=1000)
    await operation.later(1800)
    over = operation.stopped(None, 9000)
    await operation.later(7200)

    number = (await operation.tell(begun)).transaction_id
    await operation.tell(operation.stopped(number, 9000, at=over.at))

    (cdr,) = await operation.cdrs()
    assert await operation.billed() == [Decimal(8)]
    assert (cdr["start_date_time"], cdr["end_date_time"]) == ("2026-01-01T12:00:00.000Z", "2026-01-01T12:30:00.000Z")


async def test_a_station_does_not_stop_another_stations_transaction(operation):
    number = await charged(operation)

    await operation.tell(operation.stopped(number, 5000, station_id="OTHER"))

    assert await operation.billed() == []
    assert await operation.cases() == ["STOP_WITHOUT_START"]
    await operation.tell(operation.stopped(number, 7000))
    assert await operation.billed() == [Decimal(6)]


async def test_a_stop_under_a_number_the_station_made_up_ends_the_only_transaction_it_can_mean(operation):
    await charged(operation)

    stop = operation.stopped("-1", 7000)
    for _ in range(2):
        await operation.tell(stop)

    assert await operation.billed() == [Decimal(6)]
    assert await operation.cases() == []


@pytest.mark.parametrize("uid", [None, "CARD-2"])
async def test_a_stop_under_a_number_that_is_another_transactions_is_a_case_if_nobody_can_say_whose_it_is(
    operation, uid
):
    """1.6, 4.10: idTag may be left out; whose energy it is must then be looked into, and never be dropped."""
    number = await charged(operation)
    await operation.tell(operation.stopped(number, 7000))
    await operation.later(900)
    stop = operation.stopped(number, 9000, uid=uid)

    for _ in range(2):
        await operation.tell(stop)

    (case,) = await operation.cpms.cases.all()
    assert (case.kind, case.transaction_id != int(number)) == ("STOP_WITHOUT_START", True)
    assert await operation.billed() == [Decimal(6)]


async def test_a_stop_without_an_id_tag_under_a_number_nobody_knows_ends_no_transaction_and_is_a_case(operation):
    number = await charged(operation)
    await operation.tell(operation.stopped("4711", 7000, uid=None))

    assert await operation.cases() == ["STOP_WITHOUT_START"]
    assert await operation.billed() == []
    await operation.tell(operation.stopped(number, 7500))
    assert await operation.billed() == [Decimal("6.5")]


async def test_a_stop_without_a_start_is_not_billed_but_kept(operation):
    """X-56."""
    stop = operation.stopped("-1", 7000)

    await operation.tell(stop)
    await operation.tell(stop)

    (case,) = await operation.cpms.cases.all()
    assert case.kind == "STOP_WITHOUT_START"
    assert await operation.billed() == []


async def test_a_stop_that_comes_before_its_start_is_billed_when_the_start_comes(operation):
    start = operation.started(meter=1000)
    await operation.later(1800)
    stop = operation.stopped("0", 7000)
    await operation.tell(stop)

    await operation.tell(start)
    await operation.tell(start)
    await operation.tell(stop)

    assert await operation.billed() == [Decimal(6)]
    assert await operation.cases() == []


async def test_available_before_the_queued_stop_ends_nothing(operation):
    number = await charged(operation)

    await operation.status("Available")
    await operation.later(120)
    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]
    await operation.tell(operation.stopped(number, 7000))

    assert await operation.billed() == [Decimal(6)]


async def test_a_transaction_after_power_was_lost_ends_as_its_station_tells(operation):
    number = await charged(operation)

    await operation.boot()
    await operation.tell(operation.stopped(number, 6800, uid=None, reason="PowerLoss"))

    assert await operation.billed() == [Decimal("5.8")]


async def test_a_transaction_whose_stop_is_lost_is_billed_by_its_last_reading(operation):
    """The station has booted without having stopped it, and never tells of it again."""
    await charged(operation)
    await operation.boot()

    await operation.later(3700)

    assert await operation.billed() == [Decimal(3)]
    assert await operation.cases() == ["START_WITHOUT_STOP"]


async def test_a_new_transaction_at_the_same_connector_makes_the_former_doubtful(operation):
    await charged(operation)
    await operation.know(token(uid="CARD-2"))

    await operation.tell(operation.started(meter=9000, uid="CARD-2"))
    await operation.later(3700)

    assert sorted(each["status"] for each in await operation.sessions()) == ["ACTIVE", "COMPLETED"]
    assert await operation.billed() == [Decimal(3)]


async def test_a_silent_station_is_asked_for_its_meter(operation):
    """X-55, SGEM-4.1-14."""
    commands = operation.chargers.connect()
    await operation.tell(operation.started())

    await operation.later(290)
    assert commands.told == []
    await operation.later(10)

    assert commands.told == [("trigger", ("TransactionEvent", HERE))]
    await operation.later(301)
    assert commands.names() == ["trigger", "trigger"]


async def test_a_station_that_does_not_answer_is_asked_again(operation):
    commands = operation.chargers.connect()
    commands.answers["trigger"] = CallTimeout()
    await operation.tell(operation.started())

    await operation.later(700)

    assert commands.names() == ["trigger", "trigger"]


async def test_negative_energy_is_not_billed(operation):
    """X-56, SGEM-4.1-17."""
    number = (await operation.tell(operation.started(meter=50_000))).transaction_id
    await operation.later(1800)

    await operation.tell(operation.stopped(number, 20_000))

    assert [each["status"] for each in await operation.sessions()] == ["INVALID"]
    assert await operation.billed() == []
    assert await operation.cases() == ["INVALID_USAGE"]
    assert operation.centre.warnings == ["USAGE_INVALID"]


async def test_an_end_before_the_start_is_not_billed(operation):
    """X-56."""
    number = (await operation.tell(operation.started(meter=1000))).transaction_id

    await operation.tell(operation.stopped(number, 2000, at=operation.clock.now() - minutes(10)))

    assert await operation.billed() == []
    assert await operation.cases() == ["INVALID_USAGE"]


async def test_more_energy_than_the_outlet_gives_is_not_billed(operation):
    """X-56."""
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(600)

    await operation.tell(operation.stopped(number, 900_000))

    assert await operation.billed() == []
    assert await operation.cases() == ["INVALID_USAGE"]


async def test_a_clock_ahead_of_ours_is_bounded_by_ours_and_recorded(operation):
    ahead = operation.clock.now() + minutes(90)
    number = (await operation.tell(operation.started(meter=1000, at=ahead))).transaction_id
    await operation.later(1800)

    await operation.tell(operation.stopped(number, 7000, at=ahead + minutes(30)))

    (cdr,) = await operation.cdrs()
    assert (cdr["start_date_time"], cdr["end_date_time"]) == ("2026-01-01T12:00:00.000Z", "2026-01-01T12:30:00.000Z")
    assert await operation.cases() == ["CLOCK_SKEW"]


async def test_what_an_unknown_token_took_is_recorded_stopped_and_not_billed(operation, hub):
    """X-56; a transaction without authorization, started while the station was offline."""
    hub.answers[tokens.authorize] = ReceiverUnreachable()
    commands = operation.chargers.connect()

    answer = await operation.tell(operation.started(uid="STRANGER", offline=True))
    await operation.later(10)
    await operation.tell(operation.stopped(answer.transaction_id, 1500, uid="STRANGER"))

    assert answer.token.status == "Invalid"
    assert ("remote_stop", (answer.transaction_id,)) in commands.told
    assert await operation.sessions() == []
    assert await operation.cases() == ["UNAUTHORIZED"]


async def test_a_refused_token_that_took_nothing_is_no_case(operation, hub):
    await operation.know(token(valid=False))

    answer = await operation.tell(operation.started())
    await operation.tell(operation.stopped(answer.transaction_id, 1000))

    assert answer.token.status == "Blocked"
    assert await operation.cases() == []


async def test_a_transaction_where_no_connector_of_ours_is_is_a_case(operation):
    there = HERE.__class__(station_id=STATION, evse_id=7, connector_id=1)

    answer = await operation.tell(operation.started(where=there))

    assert answer.token.status == "NotAtThisLocation"


async def test_energy_taken_where_the_place_was_taken_away_meanwhile_is_a_case(operation):
    """Its start was ordered there, and queued by the station; its stop is not refused for ever either."""
    outlet = await operation.endpoints.desk.outlet("LOC1", "ST1-1")
    task = asyncio.create_task(operation.cpms.start_session(outlet, Authorization(token=token(), method="COMMAND")))
    while not await operation.sessions():
        await asyncio.sleep(0.005)
    left = {"kind": "locations", "objects": [location(evses=[evse("ST1-2")])]}
    await operation.endpoints.orders()["cpms.import"](left)

    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    await operation.tell(operation.stopped(number, 4000))

    (case,) = await operation.cpms.cases.all()
    assert (case.kind, float(case.detail["wh"])) == ("NO_PLACE", 3000)
    assert [each["status"] for each in await operation.sessions()] == ["INVALID"]
    assert await operation.billed() == []
    await task


async def test_the_same_token_elsewhere_is_refused_if_the_operator_wants_that(hub, database, clock):
    operation = await Operation(hub, database, clock, Rules(concurrent=False)).start()
    await operation.know(token())
    await operation.tell(operation.started())

    answer = await operation.tell(operation.started(where=NEXT))

    assert answer.token.status == "ConcurrentTx"
    assert len(await operation.sessions()) == 1
    await operation.stop()


# -- what 2.0.1 tells --------------------------------------------------------------------------------


async def test_a_transaction_of_2_0_1_is_a_session_and_one_cdr(operation):
    card = IdToken(id_token="CARD-1")
    await operation.tell(operation.told("Started", 0, 1000, id_token=card))
    await operation.later(900)
    await operation.tell(operation.told("Updated", 1, 4000.5, charging_state="Charging"))
    await operation.later(900)

    answer = await operation.tell(operation.told("Ended", 2, 7000.5, id_token=card, reason="Local"))

    assert answer.token.status == "Accepted"
    assert await operation.billed() == [Decimal("6.0005")]


async def test_the_end_told_before_the_start_is_billed_when_the_start_comes(operation):
    card = IdToken(id_token="CARD-1")
    start = operation.told("Started", 0, 1000, id_token=card)
    await operation.later(1800)
    await operation.tell(operation.told("Ended", 2, 7000))
    assert await operation.billed() == []

    await operation.tell(start)

    assert await operation.billed() == [Decimal(6)]


async def test_a_card_shown_after_the_cable_starts_the_session_then(operation):
    await operation.tell(operation.told("Started", 0, 1000))
    assert await operation.sessions() == []
    await operation.later(300)

    answer = await operation.tell(operation.told("Updated", 1, 1000, id_token=IdToken(id_token="CARD-1")))

    (session,) = await operation.sessions()
    assert answer.token.status == "Accepted"
    assert session["start_date_time"] == "2026-01-01T12:05:00.000Z"


async def test_an_end_without_a_reading_waits_for_the_messages_that_are_missing(operation):
    card = IdToken(id_token="CARD-1")
    await operation.tell(operation.told("Started", 0, 1000, id_token=card))
    await operation.later(900)
    missing = operation.told("Updated", 1, 4000)
    await operation.later(900)
    await operation.tell(operation.told("Ended", 2))
    assert await operation.billed() == []

    await operation.tell(missing)

    assert await operation.billed() == [Decimal(3)]


async def test_what_is_missing_for_too_long_is_waited_for_no_more(operation):
    await operation.tell(operation.told("Started", 0, 1000, id_token=IdToken(id_token="CARD-1")))
    await operation.later(900)
    await operation.tell(operation.told("Updated", 1, 4000))
    await operation.tell(operation.told("Ended", 3))

    await operation.later(3700)

    assert await operation.billed() == [Decimal(3)]


@pytest.mark.parametrize("seq_no", [2, 1])
async def test_a_start_that_comes_after_its_end_was_given_up_is_billed_and_the_case_closed(
    operation, hub, database, clock, seq_no
):
    """The station's queue was told out of order, hours apart; between the two the server was restarted, too."""
    start = operation.told("Started", 0, 1000, id_token=IdToken(id_token="CARD-1"))
    await operation.later(1800)
    await operation.tell(operation.told("Ended", seq_no, 7000))
    await operation.later(3 * 3600, look=1800)
    assert await operation.cases() == ["STOP_WITHOUT_START"]
    await operation.stop()

    again = await Operation(hub, database, clock).start()
    for _ in range(2):
        await again.tell(start)

    (cdr,) = await again.cdrs()
    assert await again.billed() == [Decimal(6)]
    assert (cdr["start_date_time"], cdr["end_date_time"]) == ("2026-01-01T12:00:00.000Z", "2026-01-01T12:30:00.000Z")
    assert await again.cases() == []
    await again.stop()


async def test_an_end_whose_start_never_comes_is_a_case(operation):
    await operation.tell(operation.told("Ended", 5, 7000))

    await operation.later(3700)

    assert await operation.billed() == []
    assert await operation.cases() == ["STOP_WITHOUT_START"]


async def test_a_silent_station_of_2_0_1_is_asked_whether_the_transaction_goes_on(operation):
    """X-55: GetTransactionStatus."""
    operation.chargers.stations.clear()
    commands = operation.chargers.connect(version="2.0.1")
    commands.answers["transaction_status"] = Answer(status="Ongoing", payload={"messagesInQueue": False})
    await operation.tell(operation.told("Started", 0, 1000, id_token=IdToken(id_token="CARD-1")))
    await operation.later(200)
    await operation.tell(operation.told("Updated", 1, 2500))

    await operation.later(310)
    assert commands.names() == ["transaction_status", "trigger"]
    commands.answers["transaction_status"] = Answer(status="Ended", payload={"messagesInQueue": False})
    await operation.later(310)

    assert await operation.billed() == [Decimal("1.5")]


async def test_a_doubted_transaction_that_its_station_knows_goes_on(hub, database, clock):
    limits = Limits(silence=100_000, lost=600)
    operation = await Operation(hub, database, clock, Rules(limits=limits)).start()
    await operation.know(token())
    commands = operation.chargers.connect(version="2.0.1")
    commands.answers["transaction_status"] = Answer(status="Ongoing")
    await operation.tell(operation.told("Started", 0, 1000, id_token=IdToken(id_token="CARD-1")))

    await operation.boot()
    await operation.later(700)

    assert commands.names() == ["transaction_status"]
    assert [each["status"] for each in await operation.sessions()] == ["ACTIVE"]
    await operation.stop()


# -- restarts ---------------------------------------------------------------------------------------


async def test_a_session_goes_on_over_a_restart_of_the_server(operation, hub, database, clock):
    number = await charged(operation)
    await operation.stop()

    again = await Operation(hub, database, clock).start()
    await again.tell(again.metered(number, 6000))
    await again.tell(again.stopped(number, 7000))

    assert await again.billed() == [Decimal(6)]
    await again.stop()


async def test_nothing_told_while_the_server_restarts_is_lost(operation, hub, database, clock):
    """A start whose Session was not told yet, and an end that was not: both are told at the next start."""
    number = await charged(operation)
    ledger, stop = operation.cpms.ledger, message_of(operation.stopped(number, 7000))
    await operation.database.transact(lambda tx: ledger.store.add_message(tx, int(number), stop))
    await operation.stop()

    again = await Operation(hub, database, clock).start()

    assert await again.billed() == [Decimal(6)]
    await again.stop()


async def test_stations_are_told_to_wait_while_the_server_does_not_operate(operation):
    await operation.stop()

    with pytest.raises(NotOperating):
        await operation.tell(operation.started())
    assert await operation.sessions() == []
