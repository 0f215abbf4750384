"""Notify when free: a driver waits for an EVSE, and is told once when it is.

Whether it is free is decided by the row of the index, in the statement that takes the wish out of its waiting: so a
wish made while the EVSE becomes free is not missed, and two processes that hear of it tell one driver once.
"""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.emsp.companion.needs import Clock, Stations
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.rounds import Rounds
from hub.emsp.search.shelf import STATUS
from hub.ocpi.objects import JSON
from hub.ocpi.times import stamp, stamped

_LONGEST = datetime.timedelta(hours=24)
_MOST = 10  # wishes of a driver at a time
_SWEEP = 60.0  # seconds


class TooManyWishes(Exception):
    """A driver waits for ten places at most; cancel one first."""


class UnknownPlace(Exception):
    """There is no such station."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a driver waits for; the columns are explained at ``EmspFreeWish``."""

    id: str
    owner: str
    location_id: str
    evse_uid: str
    state: str
    until: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class _Said:
    key: str
    driver_id: str
    text: str
    data: Mapping[str, JSON]
    event: str = "STATION_FREE"


class FreeWishes:
    """All drivers' wishes."""

    def __init__(self, database: Database, *, clock: Clock, stations: Stations, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._stations = stations
        self._notifier = notifier
        self._changed = dict[tuple[str, str], None]()
        self._rounds = Rounds("drivers who wait", self.work, clock=clock, pause=_SWEEP)
        database.listen(STATUS, self._heard)

    def _heard(self, payload: str) -> None:
        owner, location_id, _, status = payload.split("\n") if payload else ("", "", "", "AVAILABLE")
        if status == "AVAILABLE":
            self._changed[owner, location_id] = None
            self._rounds.wake()

    async def start(self) -> None:
        """Begin to listen, and look at what happened before."""
        self._heard("")
        await self._rounds.start()

    async def stop(self) -> None:
        """End."""
        await self._rounds.stop()

    async def work(self) -> None:
        """Tell who waits for what became free, and end what was waited for too long."""
        try:
            await self._look()
        except BaseException:
            self._changed["", ""] = None  # What was heard of is looked for in the rows.
            raise

    async def _look(self) -> None:
        changed, self._changed = list(self._changed), {}
        if ("", "") in changed:
            rows = await self._database.fetch(
                "SELECT DISTINCT owner, location_id FROM emsp_free_wish WHERE state = 'WAITING'"
            )
            changed = [(owner, location_id) for owner, location_id in rows]
        for owner, location_id in changed:
            await self._tell(owner, location_id)
        now = stamp(self._clock.now())

        async def end(tx: Transaction) -> None:
            await tx.execute("UPDATE emsp_free_wish SET state = 'EXPIRED' WHERE state = 'WAITING' AND until <= $1", now)

        await self._database.transact(end)

    async def add(self, driver_id: str, owner: str, location_id: str, evse_uid: str, until: datetime.datetime) -> Wish:
        """Wait for an EVSE, or with "" for any of a Location; what is free already is told at once.

        Raises:
            UnknownPlace: there is no such station.
            TooManyWishes: the driver waits for too much.
        """
        location_id, evse_uid = location_id.upper(), evse_uid.upper()
        if await self._stations.station(owner, location_id) is None:
            raise UnknownPlace(f"there is no station {owner}/{location_id}")
        made, now = str(uuid.uuid4()), self._clock.now()
        until = min(until, now + _LONGEST)

        async def work(tx: Transaction) -> None:
            touched = await tx.execute(
                "INSERT INTO emsp_free_wish (id, driver_id, owner, location_id, evse_uid, state, created, until)"
                " SELECT $1, $2, $3, $4, $5, 'WAITING', $6, $7 WHERE (SELECT COUNT(*) FROM emsp_free_wish"
                " WHERE driver_id = $2 AND state = 'WAITING') < $8",
                made, driver_id, owner, location_id, evse_uid, stamp(now), stamp(until), _MOST,
            )  # fmt: skip
            if not touched:
                raise TooManyWishes(TooManyWishes.__doc__)

        await self._database.transact(work)
        await self._tell(owner, location_id)
        return next(each for each in await self.of(driver_id) if each.id == made)

    async def of(self, driver_id: str) -> list[Wish]:
        """Return a driver's wishes, the newest first."""
        rows = await self._database.fetch(
            "SELECT id, owner, location_id, evse_uid, state, until FROM emsp_free_wish WHERE driver_id = $1"
            " ORDER BY created DESC, id LIMIT 100",
            driver_id,
        )
        return [_wish(row) for row in rows]

    async def cancel(self, driver_id: str, wish_id: str) -> bool:
        """Wait no more; False: he does not wait under this id."""

        async def work(tx: Transaction) -> bool:
            touched = await tx.execute(
                "UPDATE emsp_free_wish SET state = 'CANCELLED' WHERE id = $1 AND driver_id = $2 AND state = 'WAITING'",
                wish_id, driver_id,
            )  # fmt: skip
            return touched > 0

        return await self._database.transact(work)

    async def _tell(self, owner: str, location_id: str) -> None:
        station = await self._stations.station(owner, location_id)
        place, now = station.name if station else location_id, stamp(self._clock.now())

        async def work(tx: Transaction) -> None:
            rows = await tx.fetch(
                "UPDATE emsp_free_wish SET state = 'TOLD' WHERE state = 'WAITING' AND owner = $1 AND location_id = $2"
                " AND until > $3 AND EXISTS (SELECT 1 FROM emsp_place p WHERE p.owner = emsp_free_wish.owner"
                " AND p.location_id = emsp_free_wish.location_id AND p.status = 'AVAILABLE'"
                " AND (emsp_free_wish.evse_uid = '' OR p.evse_uid = emsp_free_wish.evse_uid)) RETURNING id, driver_id",
                owner, location_id, now,
            )  # fmt: skip
            for wish_id, driver_id in rows:
                data = {"place": place, "owner": owner, "location_id": location_id}
                text = f"{place} is free now. Nobody keeps it for you: start or book before others do."
                await self._notifier.note(tx, _Said(key=f"free/{wish_id}", driver_id=driver_id, text=text, data=data))

        await self._database.transact(work)


def _wish(row: Row) -> Wish:
    number, owner, location_id, evse_uid, state, until = row
    return Wish(
        id=number, owner=owner, location_id=location_id, evse_uid=evse_uid, state=state, until=stamped(until)
    )  # fmt: skip
