"""Reminders: a driver is told of a booking half an hour before it begins, if it was not made within that time."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from hub.database.contract import Database
from hub.emsp.companion.needs import Booked, Bookings, Clock, Stations
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.rounds import Rounds
from hub.emsp.texts import written
from hub.ocpi.objects import JSON

AHEAD = datetime.timedelta(minutes=30)

_EVENT = "BOOKING_REMINDER"
_EVERY = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class _Said:
    key: str
    driver_id: str
    text: str
    data: Mapping[str, JSON]
    event: str = _EVENT


class Reminders:
    """Looks ahead; one that was moved by its CPO is reminded of again."""

    def __init__(
        self, database: Database, *, clock: Clock, bookings: Bookings, stations: Stations, notifier: Notifier
    ) -> None:
        self._clock = clock
        self._bookings = bookings
        self._stations = stations
        self._notifier = notifier
        self._rounds = Rounds("reminders", self.work, clock=clock, pause=_EVERY, leads=database.try_lead)

    async def start(self) -> None:
        """Begin to look."""
        await self._rounds.start()

    async def stop(self) -> None:
        """End."""
        await self._rounds.stop()

    async def work(self) -> None:
        """Remind of what begins soon."""
        now = self._clock.now()
        for each in await self._bookings.beginning(now, now + AHEAD):
            if each.made < each.start - AHEAD:
                await self._remind(each)

    async def _remind(self, booked: Booked) -> None:
        station = await self._stations.station(booked.owner, booked.location_id)
        zone = ZoneInfo(booked.zone)
        data: dict[str, JSON] = {
            "booking_id": booked.id, "place": station.name if station else booked.location_id,
            "start": f"{booked.start.astimezone(zone):%H:%M}", "end": f"{booked.end.astimezone(zone):%H:%M}",
        }  # fmt: skip
        said = _Said(
            key=f"reminder/{booked.id}/{booked.start.isoformat()}",
            driver_id=booked.driver_id,
            text=written("en", _EVENT, data).text,
            data=data,
        )
        await self._notifier.tell(said)
