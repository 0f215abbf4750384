"""Any order, repetition and delay of a transaction's messages bills the same energy, once."""

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.database import open_database
from hub.ocpp.events import IdToken, TransactionEvent
from tests.clocks import ManualClock
from tests.cpms.operating import STATION, Operation
from tests.rooms import FakeHub, token

CARD = IdToken(id_token="CARD-1")


@st.composite
def deliveries(draw, count):
    """Every one of ``count`` messages at least once, some more often, in any order."""
    again = draw(st.lists(st.integers(0, count - 1), max_size=4))
    return draw(st.permutations([*range(count), *again]))


async def _billed(stores, messages, order, answered) -> list[Decimal]:
    """Return what is billed when ``messages(operation)`` arrive in an order; ``answered`` puts our number into each."""
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(stores.fresh(Path(folder) / "data"))
        operation = await Operation(FakeHub(), database, ManualClock()).start()
        await operation.know(token())
        told, number = await messages(operation), None
        for place in order:
            answer = await operation.tell(answered(told[place], number))
            number = answer.transaction_id or number
            await operation.later(1)
        billed = await operation.billed()
        assert len(await operation.cdrs()) == len([each for each in await operation.sessions() if each["kwh"]])
        await operation.stop()
        await database.close()
        return billed


async def _of_2_0_1(operation: Operation) -> list[TransactionEvent]:
    """A start, three readings and an end; energy from 1,000 to 9,500.5 Wh."""
    told = [operation.told("Started", 0, 1000, id_token=CARD)]
    for seq_no, wh in enumerate((3000, 6000, 9000), start=1):
        await operation.clock.advance(600)
        told.append(operation.told("Updated", seq_no, wh))
    await operation.clock.advance(600)
    return [*told, operation.told("Ended", 4, 9500.5, id_token=CARD)]


async def _of_1_6(operation: Operation) -> list[TransactionEvent]:
    """A start, two readings and a stop; energy from 1,000 to 9,500 Wh."""
    told = [operation.started(meter=1000)]
    for wh in (3000, 6000):
        await operation.clock.advance(600)
        told.append(operation.metered(None, wh))
    await operation.clock.advance(600)
    return [*told, operation.stopped(None, 9500)]


def _as_it_is(event, number):
    return event


def _numbered(event, number):
    """Put in what a station of 1.6 knows: our number, or, as long as it has none, one of its own."""
    if event.kind == "Started":
        return event
    return TransactionEvent(**{**vars(event), "transaction_id": number or "-1"})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=deliveries(5))
def test_a_transaction_of_2_0_1_is_billed_once_however_it_is_told(sqlite_stores, order):
    assert asyncio.run(_billed(sqlite_stores, _of_2_0_1, order, _as_it_is)) == [Decimal("8.5005")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=deliveries(4))
def test_a_transaction_of_1_6_is_billed_once_however_it_is_told(sqlite_stores, order):
    assert asyncio.run(_billed(sqlite_stores, _of_1_6, order, _numbered)) == [Decimal("8.5")]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=deliveries(5), restart=st.integers(1, 5))
def test_a_restart_between_any_two_messages_bills_no_more_and_no_less(sqlite_stores, order, restart):
    async def play() -> list[Decimal]:
        with tempfile.TemporaryDirectory() as folder:
            database = await open_database(sqlite_stores.fresh(Path(folder) / "data"))
            clock = ManualClock()
            operation = await Operation(FakeHub(), database, clock).start()
            await operation.know(token())
            told = await _of_2_0_1(operation)
            for count, place in enumerate(order, start=1):
                await operation.tell(told[place])
                if count == restart:
                    await operation.stop()
                    operation = await Operation(FakeHub(), database, clock).start()
            billed = await operation.billed()
            assert operation.cpms.ledger.runs.by_number(STATION, "T1") is None
            await operation.stop()
            await database.close()
            return billed

    assert asyncio.run(play()) == [Decimal("8.5005")]
