"""The stations a driver marked."""

from dataclasses import dataclass

from hub.database.contract import Database, Transaction
from hub.emsp.companion.needs import Clock
from hub.ocpi.times import stamp

_MOST = 200


class TooManyFavourites(Exception):
    """There is no room for another favourite; take one away first."""


@dataclass(frozen=True, kw_only=True)
class Favourite:
    """A station, by its CPO (CC-PID) and its Location's id in upper case.

    Attributes:
        name: what the driver calls it.
    """

    owner: str
    location_id: str
    name: str


class Favourites:
    """All drivers' favourites."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, driver_id: str, favourite: Favourite) -> None:
        """Mark a station, or name it anew.

        Raises:
            TooManyFavourites: there is no room for it.
        """
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> None:
            touched = await tx.execute(
                "INSERT INTO emsp_favourite (driver_id, owner, location_id, name, created) SELECT $1, $2, $3, $4, $5"
                " WHERE (SELECT COUNT(*) FROM emsp_favourite WHERE driver_id = $1"
                " AND NOT (owner = $2 AND location_id = $3)) < $6"
                " ON CONFLICT (driver_id, owner, location_id) DO UPDATE SET name = excluded.name",
                driver_id, favourite.owner, favourite.location_id.upper(), favourite.name, now, _MOST,
            )  # fmt: skip
            if not touched:
                raise TooManyFavourites(f"{_MOST} favourites are kept; take one away first")

        await self._database.transact(work)

    async def of(self, driver_id: str) -> list[Favourite]:
        """Return a driver's, in the order they were marked."""
        rows = await self._database.fetch(
            "SELECT owner, location_id, name FROM emsp_favourite WHERE driver_id = $1 ORDER BY id", driver_id
        )
        return [Favourite(owner=owner, location_id=location_id, name=name) for owner, location_id, name in rows]

    async def remove(self, driver_id: str, owner: str, location_id: str) -> bool:
        """Take a mark away; False: there was none."""

        async def work(tx: Transaction) -> bool:
            touched = await tx.execute(
                "DELETE FROM emsp_favourite WHERE driver_id = $1 AND owner = $2 AND location_id = $3",
                driver_id, owner, location_id.upper(),
            )  # fmt: skip
            return touched > 0

        return await self._database.transact(work)
