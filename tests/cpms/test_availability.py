"""Stations are told whether they may serve anybody, until they know."""

import asyncio
import datetime

import pytest

from hub.cpms.premises import Premises
from hub.cpms.store import Store
from hub.ocpp.commands import Answer, CallTimeout, ChargerError
from hub.ocpp.events import BootNotified, Connected
from tests.cpms.operating import FakeChargers
from tests.rooms import CPO, evse, location


class Station:
    """A station that remembers what it is told of its availability, and answers as a test says."""

    version = "1.6"

    def __init__(self):
        self.told, self.answer = [], "Accepted"

    async def change_availability(self, place, *, operative):
        self.told.append((place.evse_id, operative))
        if isinstance(self.answer, ChargerError):
            raise self.answer
        return Answer(status=self.answer)


class House:
    def __init__(self, database, clock, chargers):
        self.store, self.clock, self.chargers = Store(database, CPO), clock, chargers
        self.premises = Premises(self.store, clock=clock)
        self.premises.operate(chargers)

    async def start(self):
        await self.premises.start()

    async def stop(self):
        await self.premises.stop()

    async def connect(self, station_id="ST1"):
        station = self.chargers.stations.setdefault(station_id, Station())
        await self.premises.told(Connected(station_id=station_id, version="1.6", at=self.clock.now()))
        return station

    async def boot(self, station_id="ST1"):
        await self.premises.told(BootNotified(station_id=station_id, vendor="V", model="M", at=self.clock.now()))


async def told(station, *wanted):
    """Wait, in the world's time, until a station was told this and no more."""
    async with asyncio.timeout(5):
        while station.told != list(wanted):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert station.told == list(wanted)


@pytest.fixture
async def house(database, clock):
    made = House(database, clock, FakeChargers(clock))
    store = made.store
    value = location(evses=[evse("ST1-1"), evse("ST1-2")])
    await database.transact(lambda tx: store.put_for_everyone(tx, store.locations, value))
    await made.start()
    yield made
    await made.stop()


async def test_a_station_hears_once_that_it_is_disabled_and_once_that_it_is_not(house):
    """SGEM-4.4-04, DD-R12."""
    station = await house.connect()

    await house.premises.stations.operate("ST1", "DISABLED", 2)
    await told(station, (2, False))
    await house.premises.stations.operate("ST1", "TEST", 1)
    await house.premises.stations.operate("ST1", "ACTIVE", 2)

    await told(station, (2, False), (2, True))


async def test_a_maintenance_begins_and_ends_at_the_station(house):
    """DD-DEF3."""
    station = await house.connect()
    begins = house.clock.now() + minutes(10)
    await house.premises.maintenances.order("LOC1", ["ST1-1"], begins=begins, ends=begins + minutes(5))
    await told(station)

    await house.clock.advance(600)
    await told(station, (1, False))
    await house.clock.advance(300)

    await told(station, (1, False), (1, True))


async def test_a_station_that_was_away_hears_of_it_when_it_is_back(house):
    await house.premises.stations.operate("ST1", "DISABLED")
    await asyncio.sleep(0.05)

    station = await house.connect()

    await told(station, (1, False), (2, False))


async def test_what_was_told_is_remembered_over_a_restart_and_said_again_after_a_boot(house, database, clock):
    station = await house.connect()
    await house.premises.stations.operate("ST1", "DISABLED", 1)
    await told(station, (1, False))
    await house.stop()
    again = House(database, clock, house.chargers)

    await again.start()
    await told(station, (1, False))
    await again.boot()

    await told(station, (1, False), (1, False))
    await again.stop()
    await house.start()


@pytest.mark.parametrize("answer", ["Rejected", CallTimeout()])
async def test_a_station_that_does_not_do_so_is_told_again(house, answer):
    station = await house.connect()
    station.answer = answer
    await house.premises.stations.operate("ST1", "DISABLED", 1)
    await told(station, (1, False))

    station.answer = "Scheduled"
    await house.clock.advance(30)

    await told(station, (1, False), (1, False))
    await house.clock.advance(60)
    await told(station, (1, False), (1, False))


def minutes(count):
    return datetime.timedelta(minutes=count)
