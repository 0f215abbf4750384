"""Where a driver's phone was: kept only with his consent, for a while, deleted when he says so.

What suggestions need of it are haunts: places he comes to again and again.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.database.contract import Database, Transaction
from hub.emsp.companion.needs import Clock, Contacts
from hub.emsp.search.geometry import Point
from hub.ocpi.times import stamp, stamped

PURPOSE = "LOCATION_HISTORY"
KEPT = datetime.timedelta(days=30)
MOST = 500  # positions at once
_CELL = 0.005  # degrees: some 500 m of latitude, less of longitude
_OFTEN = 3  # days on which a place was come to
_MILLIONTH = 1_000_000


class NoConsent(Exception):
    """Positions are kept only of drivers who agreed to it; agree to LOCATION_HISTORY first."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A position at a moment."""

    point: Point
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Haunt:
    """A place that was come to on several days."""

    point: Point
    days: int


def haunts(seen: Iterable[Seen]) -> tuple[Haunt, ...]:
    """Return the places of some positions that were come to often, the most used first."""
    cells = defaultdict[tuple[int, int], list[Seen]](list)
    for each in seen:
        cells[round(each.point.lat / _CELL), round(each.point.lon / _CELL)].append(each)
    found = [
        Haunt(point=_middle(each), days=days)
        for each in cells.values()
        if (days := len({one.at.date() for one in each})) >= _OFTEN
    ]
    return tuple(sorted(found, key=lambda each: (-each.days, each.point.lat, each.point.lon)))


def _middle(seen: Sequence[Seen]) -> Point:
    return Point(sum(each.point.lat for each in seen) / len(seen), sum(each.point.lon for each in seen) / len(seen))


class Positions:
    """All drivers' positions."""

    def __init__(self, database: Database, *, clock: Clock, contacts: Contacts) -> None:
        self._database = database
        self._clock = clock
        self._contacts = contacts

    async def add(self, driver_id: str, seen: Sequence[Seen]) -> int:
        """Keep positions, and return how many are new; those of the future or too old are not kept.

        Raises:
            NoConsent: the driver did not agree, or does not any more.
        """
        if not await self._contacts.agreed(driver_id, PURPOSE):
            raise NoConsent(NoConsent.__doc__)
        now = self._clock.now()
        rows = [
            (driver_id, round(each.point.lat * _MILLIONTH), round(each.point.lon * _MILLIONTH), stamp(each.at))
            for each in seen[:MOST]
            if now - KEPT < each.at <= now
        ]

        async def work(tx: Transaction) -> int:
            added = 0
            for row in rows:
                added += await tx.execute(
                    "INSERT INTO emsp_position (driver_id, lat, lon, at) VALUES ($1, $2, $3, $4)"
                    " ON CONFLICT (driver_id, at) DO NOTHING",
                    *row,
                )
            return added

        return await self._database.transact(work)

    async def of(self, driver_id: str) -> list[Seen]:
        """Return what is kept of a driver, the newest first; of one who took back his consent, nothing."""
        if not await self._contacts.agreed(driver_id, PURPOSE):
            return []
        rows = await self._database.fetch(
            "SELECT lat, lon, at FROM emsp_position WHERE driver_id = $1 AND at > $2 ORDER BY at DESC",
            driver_id, stamp(self._clock.now() - KEPT),
        )  # fmt: skip
        return [Seen(point=Point(lat / _MILLIONTH, lon / _MILLIONTH), at=stamped(when)) for lat, lon, when in rows]

    async def forget(self, driver_id: str) -> int:
        """Delete all positions of a driver, and return how many there were."""

        async def work(tx: Transaction) -> int:
            return await tx.execute("DELETE FROM emsp_position WHERE driver_id = $1", driver_id)

        return await self._database.transact(work)

    async def sweep(self) -> int:
        """Delete what is too old, and what is kept of drivers who took back their consent; return how much."""
        before = stamp(self._clock.now() - KEPT)

        async def work(tx: Transaction) -> int:
            return await tx.execute("DELETE FROM emsp_position WHERE at <= $1", before)

        swept = await self._database.transact(work)
        for (driver_id,) in await self._database.fetch("SELECT DISTINCT driver_id FROM emsp_position"):
            if not await self._contacts.agreed(driver_id, PURPOSE):
                swept += await self.forget(driver_id)
        return swept
