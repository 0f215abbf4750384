"""What is written of stations while they speak: what boots tell, what they were let pass, when they were heard."""

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from hub.database.contract import DatabaseUnavailable
from hub.ocpp.boots import Identity
from hub.ocpp.leniency import Leniencies
from hub.ocpp.stations import Stations

log = logging.getLogger(__name__)

_SEEN_EVERY = 60.0  # seconds


class Register(Protocol):
    """Where links write what they learn of their stations."""

    def leniencies(self, identity: Identity) -> frozenset[str]:
        """Return what a make of station is let pass."""
        ...

    async def identified(self, station_id: str, identity: Identity) -> None:
        """Note what a boot told that was not known."""
        ...

    async def lenient(self, station_id: str, names: Iterable[str]) -> None:
        """Note which leniencies a station has needed so far."""
        ...

    async def gone(self, station_id: str, last_seen: datetime.datetime) -> None:
        """Note when a station that is gone was last heard."""
        ...


class NoRegister:
    """Notes nothing and lets nothing pass."""

    def leniencies(self, identity: Identity) -> frozenset[str]:
        return frozenset()

    async def identified(self, station_id: str, identity: Identity) -> None: ...

    async def lenient(self, station_id: str, names: Iterable[str]) -> None: ...

    async def gone(self, station_id: str, last_seen: datetime.datetime) -> None: ...


class StationRegister:
    """Notes in the tables of stations.

    A store that fails costs these notes and nothing else: no station is refused an answer for them.
    """

    def __init__(self, stations: Stations, leniencies: Leniencies) -> None:
        self._stations = stations
        self._leniencies = leniencies
        self._seen: dict[str, datetime.datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, heard: Callable[[], dict[str, datetime.datetime]]) -> None:
        """Begin to note when stations were last heard."""
        self._task = asyncio.create_task(self._watch(heard))

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _watch(self, heard: Callable[[], dict[str, datetime.datetime]]) -> None:
        while True:
            await asyncio.sleep(_SEEN_EVERY)
            await self.note(heard())

    async def note(self, heard: dict[str, datetime.datetime]) -> None:
        """Write the times that have changed."""
        new = {station_id: at for station_id, at in heard.items() if self._seen.get(station_id) != at}
        try:
            await self._stations.seen(new)
            self._seen = heard
        except DatabaseUnavailable as error:
            log.warning("when stations were last seen cannot be noted: %s", error)

    def leniencies(self, identity: Identity) -> frozenset[str]:
        return self._leniencies.of(identity)

    async def identified(self, station_id: str, identity: Identity) -> None:
        await self._stations.identify(station_id, identity)

    async def lenient(self, station_id: str, names: Iterable[str]) -> None:
        await self._stations.granted(station_id, names)

    async def gone(self, station_id: str, last_seen: datetime.datetime) -> None:
        await self._stations.seen({station_id: last_seen})
