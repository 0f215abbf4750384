"""Many simulated stations of one operator, and how they are doing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from hub.ocpp.simulation.drivers import Drivers, Visits
from hub.ocpp.simulation.link import CannotConnect
from hub.ocpp.simulation.station import Station

_AT_ONCE = 50  # stations that connect at the same time: more than a central system takes well is no use to anybody


@dataclass(frozen=True, kw_only=True)
class Doing:
    """How a fleet is doing.

    Attributes:
        energy: delivered since the start, in kWh.
        waiting: transaction messages not yet told.
    """

    stations: int
    registered: int
    charging: int
    faulted: int
    energy: float
    waiting: int

    def __str__(self) -> str:
        words = [f"{self.registered} of {self.stations} stations registered", f"{self.charging} charging"]
        words += [f"{self.faulted} faulted"] if self.faulted else []
        words += [f"{self.waiting} messages waiting"] if self.waiting else []
        return ", ".join([*words, f"{self.energy:.1f} kWh delivered"])


class Fleet:
    """Stations with their drivers.

    Args:
        visits: who comes; None: nobody does, and what happens there somebody does by hand.
    """

    def __init__(self, stations: Sequence[Station], visits: Visits | None) -> None:
        self.stations = stations
        self._visits = visits
        self._energy = sum(each.meter.energy for station in stations for each in station.connectors)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Fleet"]:
        """Have all stations connected for the time of a block.

        Raises:
            CannotConnect: the first attempt of one of them failed, for the reason given.
        """
        try:
            for start in range(0, len(self.stations), _AT_ONCE):
                some = self.stations[start : start + _AT_ONCE]
                await asyncio.gather(*(self._connected(each) for each in some))
            yield self
        finally:
            await asyncio.gather(*(each.stop() for each in self.stations))

    async def _connected(self, station: Station) -> None:
        await station.start()
        await station.until(lambda: station.link.up or station.link.failure, timeout=60)
        if station.link.failure is not None and not station.link.up:
            raise CannotConnect(str(station.link.failure), station.link.failure.status)
        if self._visits is not None:
            Drivers(station, self._visits).start()

    def doing(self) -> Doing:
        """Return how the stations are doing now."""
        connectors = [each for station in self.stations for each in station.connectors]
        return Doing(
            stations=len(self.stations),
            registered=sum(each.registered for each in self.stations),
            charging=sum(each.transaction is not None for each in connectors),
            faulted=sum(each.status == "Faulted" for each in connectors),
            energy=(sum(each.meter.energy for each in connectors) - self._energy) / 1000,
            waiting=sum(len(each.queue) for each in self.stations),
        )
