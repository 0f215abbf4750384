"""A provider with drivers, a hub that answers as told, and a clock that stands still."""

import pytest

from adapters.sms.simulator import SimulatedSms
from hub.emsp.charging.room import Charging
from hub.emsp.endpoints import EmspEndpoints
from tests.clocks import ManualClock
from tests.emsp.charging import world
from tests.emsp.charging.world import HALF, LATER, SPOT, CpoBook, FakeDrivers, Heard, Purse, Road
from tests.rooms import EMSP, HUB, FakeHub, url_of


@pytest.fixture
def clock():
    return ManualClock(world.NOON)


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
async def road(hub, database, clock):
    """The room on its provider, started but for its clockwork, which tests turn by hand."""
    emsp = EmspEndpoints(
        party=EMSP, hub_party=HUB, hub=hub, call_url=hub.call_url, url_of=url_of, database=database, clock=clock.now
    )
    money, heard, sms = Purse(), Heard(), SimulatedSms()
    drivers = FakeDrivers()
    charging = Charging(emsp, drivers, money=money, notifier=heard, sms=sms)
    await emsp.start()
    await emsp.pulling.settled()
    hub.asked.clear()
    made = Road(
        emsp=emsp, hub=hub, clock=clock, charging=charging, drivers=drivers, money=money, heard=heard,
        sms=sms, cpo=CpoBook(hub, clock),
    )  # fmt: skip
    await made.location()
    yield made
    await emsp.stop()


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
