"""A CPMS with simulated stations, a hub that remembers, a fresh store on both engines."""

import pytest

from adapters.cpms.simulator import SimulatedCpms
from hub.cpms.endpoints import CpoEndpoints
from tests.clocks import ManualClock
from tests.rooms import CPO, HUB, FakeHub, location, tariff, token, url_of


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
def stations(clock):
    return SimulatedCpms(clock=clock)


def make(hub, database, stations, clock, **changes):
    """Return a CPMS, not started."""
    return CpoEndpoints(
        party=CPO, hub_party=HUB, hub=hub, call_url=hub.call_url, url_of=url_of, database=database,
        cpms=stations, clock=clock.now, **changes,
    )  # fmt: skip


@pytest.fixture
async def cpms(hub, database, stations, clock):
    made = make(hub, database, stations, clock)
    await made.orders()["cpms.import"]({"kind": "tariffs", "objects": [tariff()]})
    await made.orders()["cpms.import"]({"kind": "locations", "objects": [location()]})
    await made.start()
    await made.owed.settled()
    await made.pulling.settled()
    hub.asked.clear()
    yield made
    await made.stop()


async def received(database, kind):
    """Return how far the receivers of a kind have it: [(receiver, received, reason)]."""
    return await database.fetch("SELECT receiver, received, reason FROM cpms_object WHERE kind = $1 ORDER BY seq", kind)


@pytest.fixture
async def operation(hub, database, clock):
    """The CPMS we bring, at work: one token is known, and one charger is connected."""
    from tests.cpms.operating import Operation  # which stands on ``make``

    made = await Operation(hub, database, clock).start()
    await made.know(token())
    made.chargers.connect()
    yield made
    await made.stop()
