"""How a station is registered and stays in touch: boots, heartbeats, readings by the clock.

Source: OCPP 1.6 edition 2, 4.2 Boot Notification, 4.6 Heartbeat; OCPP 2.0.1 edition 3, part 2, B01..B03, G02, J01.
"""

import contextlib
import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from hub.ocpp.simulation.link import LinkError

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station


class Registering:
    """The life of one station while it is connected."""

    def __init__(self, station: "Station") -> None:
        self.station = station

    async def live(self) -> None:
        """Boot until accepted, then say what is the case, and stay in touch."""
        with contextlib.suppress(LinkError):
            await self._boot()
            self.station.registered = True
            self.station.queue.open()
            await self.station.voice.station_status()
            for each in self.station.connectors:
                each.told = None
            self.station.tell()
            self.station.noted()
            await self._beat()

    async def _boot(self) -> None:
        while True:
            registration, at = await self._registration()
            self.station.set_clock(at)
            if registration.status == "Accepted":
                self.station.configuration.put("HeartbeatInterval", str(registration.interval))
                self.station.boot_reason = "Unknown"
                return
            # An interval of 0 leaves the pause to the station (OCPP 1.6, 4.2).
            await self.station.clock.sleep(registration.interval or 10.0)

    async def _registration(self) -> Any:
        while True:
            try:
                return await self.station.voice.boot(self.station.boot_reason)
            except LinkError:
                if not self.station.link.up:
                    raise
                await self.station.clock.sleep(10.0)

    async def _beat(self) -> None:
        while True:
            interval = self.station.configuration.number("HeartbeatInterval")
            await self.station.clock.sleep(interval or 3600)
            with contextlib.suppress(LinkError):
                self.station.set_clock(await self.station.voice.heartbeat())

    async def aligned(self) -> None:
        """Tell clock-aligned meter values where an interval is set."""
        while True:
            interval = self.station.configuration.number("ClockAlignedDataInterval")
            seconds = (self.station.now() - _midnight(self.station.now())).total_seconds()
            await self.station.clock.sleep(interval - seconds % interval if interval else 60.0)
            if interval and self.station.configuration.number("ClockAlignedDataInterval") == interval:
                for each in self.station.connectors:
                    self.station.notice(partial(self.station.voice.meter, each, "Sample.Clock"))


def _midnight(at: datetime.datetime) -> datetime.datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
