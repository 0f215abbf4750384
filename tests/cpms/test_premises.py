"""The premises beside the built-in CPMS: what its stations tell reaches both."""

import datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.api.feed import Feed
from hub.cpms.premises import Premises
from hub.cpms.store import Store
from hub.ocpi.modules import locations, sessions
from hub.ocpp.events import Connected, StatusChanged
from tests.cpms.operating import HERE, STATION, Operation
from tests.rooms import CPO, token

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


class House:
    """An operator whose premises are kept."""

    def __init__(self, hub, database, clock):
        self.feed = Feed(database)
        self.operation = Operation(hub, database, clock)
        self.premises = Premises(Store(database, CPO), feed=self.feed, clock=clock)
        self.premises.operate(self.operation.chargers)
        self.premises.ask(self.operation.cpms)
        self.operation.cpms.witnesses.append(self.premises)
        self.clock = clock

    async def start(self):
        await self.premises.start()
        await self.operation.start()
        self.operation.chargers.connect()
        await self.premises.places.reread(location_id="LOC1")
        await self.operation.operator.told(Connected(station_id=STATION, version="1.6", at=self.clock.now()))
        await self.operation.know(token())

    async def stop(self):
        await self.operation.stop()
        await self.premises.stop()

    async def tell(self, status, **more):
        event = StatusChanged(evse=HERE, status=status, at=self.clock.now(), **more)
        await self.operation.operator.told(event)

    async def begin(self):
        """StartTransaction, always the same one; returns its number."""
        return (await self.operation.tell(self.operation.started(at=NOON, received_at=NOON))).transaction_id

    async def end(self, number):
        await self.operation.tell(self.operation.stopped(number, meter=3000))

    async def status(self):
        kept = await self.operation.endpoints.store.locations.get(CPO, "LOC1")
        return kept["evses"][0]["status"]


@pytest.fixture
async def house(hub, database, clock):
    made = House(hub, database, clock)
    await made.start()
    yield made
    await made.stop()


async def test_a_transaction_of_1_6_is_followed_from_start_to_stop_though_its_stop_names_no_evse(house):
    await house.tell("Preparing")
    assert await house.status() == "BLOCKED"

    number = await house.begin()
    assert await house.status() == "CHARGING"
    assert house.premises.readings.of(STATION, 1).transaction_id == number
    await house.end(number)

    assert await house.status() == "BLOCKED"
    assert house.premises.readings.of(STATION, 1) is None


async def test_a_start_told_again_after_the_stop_takes_no_place(house):
    await house.tell("Preparing")
    number = await house.begin()
    await house.end(number)

    await house.begin()

    assert await house.status() == "BLOCKED"


async def test_what_goes_on_before_a_restart_is_known_after_it(house, hub, database, clock):
    await house.tell("Preparing")
    await house.begin()
    await house.stop()
    again = House(hub, database, clock)

    await again.start()

    assert await again.status() == "CHARGING"
    await again.stop()
    await house.start()


async def test_the_driver_of_a_session_hears_what_his_station_reports(house):
    """SGEM-4.1-12, X-65, GEM-UC-1518."""
    number = await house.begin()
    assert number
    session = house.operation.cpms.ledger.runs.at(HERE)[0].kept.session_id
    reader = house.feed.subscribe(frozenset({"session"}))

    await house.tell("Charging", error_code="HighTemperature")

    event = await reader.next(1)
    assert (event.data["session_id"], event.data["message"]["level"]) == (session, "warning")


async def test_a_fault_that_ends_a_charge_is_told_the_emsp_as_far_as_ocpi_has_words(house, hub):
    """X-65, SGEM-4.1-12: the EVSE is OUTOFORDER, and the Session COMPLETED with what was charged; its driver's eMSP
    says the rest (tests/emsp/charging/test_interrupted.py).
    """
    number = await house.begin()
    await house.tell("Charging")

    await house.tell("Faulted", error_code="GroundFailure")
    await house.clock.advance(3600)
    await house.operation.tell(house.operation.stopped(number, meter=3000, uid=None, reason="Other"))
    await house.operation.endpoints.owed.settled()

    statuses = [each.value["status"] for each in hub.heard(locations.patch_evse)]
    assert statuses[-1] == "OUTOFORDER"
    ended: dict[str, Any] = {}
    for each in sessions_told(hub):
        ended |= each.value
    assert (ended["status"], float(ended["kwh"])) == ("COMPLETED", 2)


def sessions_told(hub):
    """Return what was told of Sessions, put or patched."""
    return [each for each in hub.asked if each.operation in (sessions.put_session, sessions.patch_session)]


async def test_the_time_of_a_car_that_has_to_leave_is_told(house):
    await house.begin()
    await house.tell("Charging")
    run = house.operation.cpms.ledger.runs.at(HERE)[0]
    run.ends_by = house.clock.now()
    await house.premises.places.reread(location_id="LOC1")

    state = await house.premises.overview.station({"station_id": STATION})

    assert state.evses[0].car.ends_at == run.ends_by
    assert state.evses[0].car.energy == Decimal(0)
