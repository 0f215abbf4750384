"""One charge, ordered from here, as faithful stations of both versions tell it: the same story in the same words."""

import contextlib

import pytest

from hub.ocpp.admission import OpenGate
from hub.ocpp.central_system import CentralSystem
from hub.ocpp.events import EVSE, BootNotified, IdToken, StatusChanged, TokenInfo, TransactionAnswer, TransactionEvent
from hub.ocpp.simulation.car import Car
from hub.ocpp.simulation.link import Address
from hub.ocpp.simulation.station import Station
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201
from tests.clocks import ManualClock
from tests.ocpp.dialects.playing import RecordingOperator
from tests.ocpp.plain import listening
from tests.ocpp.simulation.central import passing

REGISTER = "Energy.Active.Import.Register"
EVSE_1 = EVSE(station_id="SIM1", evse_id=1, connector_id=1)


@contextlib.asynccontextmanager
async def charging_station(version, operator, clock):
    """Run a central system and a simulated station that has booted."""
    central = CentralSystem([Dialect16(operator), Dialect201(operator)], operator, OpenGate())
    listener = listening()
    await central.start(listener)
    address = Address(url=f"ws://127.0.0.1:{listener.getsockname()[1]}/ocpp", station_id="SIM1")
    station = Station(address, version=version, clock=clock, answer_timeout=2.0)
    try:
        async with station.running():
            await station.until(lambda: any(isinstance(each, StatusChanged) for each in operator.events))
            yield station, central.commands("SIM1")
    finally:
        await central.stop()


def told(operator, kind):
    return [each for each in operator.events if isinstance(each, kind)]


def transaction(operator, kind):
    return [each for each in told(operator, TransactionEvent) if each.kind == kind]


def _energy(event):
    """Return the register an event tells of, in Wh."""
    told = [each.value for each in event.samples if each.measurand == REGISTER and each.unit == "Wh"]
    return int(max(told, default=event.meter or 0))


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charge_ordered_from_here_is_the_same_story_in_either_version(version):
    operator, clock = RecordingOperator(), ManualClock()
    operator.answer = TransactionAnswer(transaction_id="7", token=TokenInfo(status="Accepted"))

    async with charging_station(version, operator, clock) as (station, commands):
        station.plug(1, Car(soc=50))
        started = await commands.remote_start(id_token=IdToken(id_token="CARD-1"), remote_start_id=9, evse=EVSE_1)
        await station.until(lambda: any(each.id_token for each in told(operator, TransactionEvent)))
        await passing(clock, lambda: [each for each in transaction(operator, "Updated") if _energy(each) > 1000])
        (first, *_) = told(operator, TransactionEvent)
        number = first.transaction_id or "7"
        stopped = await commands.remote_stop(number)
        await station.until(lambda: transaction(operator, "Ended"))

    assert started.accepted
    assert stopped.accepted
    (boot,) = told(operator, BootNotified)
    (begun,), (ended,) = transaction(operator, "Started"), transaction(operator, "Ended")
    assert boot.station_id == "SIM1"
    assert begun.evse == EVSE_1
    assert (ended.transaction_id, ended.reason) == (number, "Remote")
    assert {each.id_token.id_token for each in told(operator, TransactionEvent) if each.id_token} == {"CARD-1"}
    energy = [_energy(each) for each in told(operator, TransactionEvent)]
    assert energy == sorted(energy)
    assert 1000 < energy[-1] < 10_000


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_simulated_station_tells_and_keeps_its_settings(version):
    operator, clock = RecordingOperator(), ManualClock()

    async with charging_station(version, operator, clock) as (_, commands):
        everything = await commands.get_variables()
        named = await commands.get_variables(everything[:30])

    assert len(everything) > 10
    assert [(each.name, each.value) for each in named] == [(each.name, each.value) for each in everything[:30]]
