"""Drivers at a simulated station: they come, plug in, charge, and leave; and what befalls the station meanwhile.

A driver plugs in when a remote start waits for a cable, and leaves when the charge is over or the car is
full. With cards, drivers come of their own accord too. All that is random comes from the station's seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.ocpp.simulation.car import CAR_POWER, Car
from hub.ocpp.simulation.connector import Connector
from hub.ocpp.simulation.station import Station

_TICK = 1.0  # seconds between two looks
_HURRY = (2.0, 8.0)  # seconds a driver takes to plug in or to leave
_LINGER = (5.0, 30.0)  # seconds a full car stays
_FAULT_EVERY = (60.0, 180.0)
_FAULT_LASTS = (5.0, 30.0)


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Who comes of his own accord.

    Attributes:
        cards: id tokens of the drivers; none: only remote starts charge.
        every: seconds between two visits of a connector, on average.
    """

    cards: Sequence[str] = ()
    every: float = 300.0


class Drivers:
    """The drivers of one station."""

    def __init__(self, station: Station, visits: Visits) -> None:
        self._station = station
        self._visits = visits

    def start(self) -> None:
        """Let them come."""
        for each in self._station.connectors:
            self._station.keep(self._attend(each))
            if self._visits.cards:
                self._station.keep(self._visit(each))
        for fault, befalls in (("drop", self._drop), ("faulted", self._fail), ("power-loss", self._power_loss)):
            if fault in self._station.faults:
                self._station.keep(befalls())

    async def _pause(self, between: tuple[float, float]) -> None:
        await self._station.clock.sleep(self._station.chance.uniform(*between))

    def _car(self) -> Car:
        chance = self._station.chance
        return Car(
            battery=chance.uniform(40_000, 80_000),
            soc=chance.uniform(10, 60),
            max_power=CAR_POWER * self._station.speed,
        )

    async def _attend(self, connector: Connector) -> None:
        """See to the cable of one connector."""
        while True:
            await self._station.clock.sleep(_TICK)
            waits = connector.grant is not None or (connector.transaction is not None and connector.car is None)
            if waits and connector.car is None and "unplugged" not in self._station.faults:
                await self._pause(_HURRY)
                self._plug(connector)
            elif connector.car is not None and connector.transaction is None and connector.grant is None:
                await self._leave(connector)
            elif connector.transaction is not None and connector.car is not None and connector.car.full:
                await self._pause(_LINGER)
                self._unplug(connector)

    async def _leave(self, connector: Connector) -> None:
        await self._pause(_HURRY)
        if connector.transaction is None and connector.grant is None:
            self._unplug(connector)

    def _plug(self, connector: Connector) -> None:
        if connector.car is None and connector.status not in ("Faulted", "Unavailable"):
            self._station.plug(connector.evse_id, self._car())

    def _unplug(self, connector: Connector) -> None:
        if connector.car is not None:
            self._station.unplug(connector.evse_id)

    async def _visit(self, connector: Connector) -> None:
        chance = self._station.chance
        while True:
            await self._station.clock.sleep(chance.expovariate(1 / self._visits.every))
            if connector.status != "Available":
                continue
            self._plug(connector)
            await self._station.present(chance.choice(self._visits.cards), connector.evse_id)

    async def _drop(self) -> None:
        while True:
            await self._pause(_FAULT_EVERY)
            self._station.lose_link()
            await self._pause(_FAULT_LASTS)
            self._station.restore_link()

    async def _fail(self) -> None:
        while True:
            await self._pause(_FAULT_EVERY)
            connector = self._station.chance.choice(self._station.connectors)
            self._station.charging.fail(connector, "GroundFailure")
            await self._pause(_FAULT_LASTS)
            self._station.charging.mend(connector)

    async def _power_loss(self) -> None:
        while True:
            await self._pause(_FAULT_LASTS)
            if any(each.transaction is not None for each in self._station.connectors):
                self._station.power_loss()
                await self._pause(_FAULT_LASTS)
                self._station.power_return()
                await self._pause(_FAULT_EVERY)
