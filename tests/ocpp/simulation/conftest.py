"""A central system, and stations that end with their test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hub.ocpp.simulation.link import Address
from hub.ocpp.simulation.station import Station
from tests.clocks import ManualClock
from tests.ocpp.simulation.central import Central

Switch = Callable[..., Awaitable[Station]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def central(clock: ManualClock) -> AsyncIterator[Central]:
    made = Central()

    def at() -> str:
        return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    made.answers["BootNotification"] = lambda _: {"current_time": at(), "interval": 300, "status": "Accepted"}
    made.answers["Heartbeat"] = lambda _: {"current_time": at()}
    async with made.serving():
        yield made


@pytest.fixture
async def switch_on(central: Central, clock: ManualClock) -> AsyncIterator[Switch]:
    """Switches stations on; without ``wait=False`` until they are registered and have told their status."""
    async with AsyncExitStack() as running:

        async def switch(
            station_id: str = "SIM1", *, wait: bool = True, password: str | None = None, **options: Any
        ) -> Station:
            address = Address(url=central.url, station_id=station_id, password=password)
            station = Station(address, clock=clock, **({"answer_timeout": 2.0} | options))
            await running.enter_async_context(station.running())
            if wait:
                await station.until(lambda: station.registered and central.statuses())
            return station

        yield switch
