"""The provider's shelf of Locations, with the index kept true by every write."""

from hub.database.contract import Transaction
from hub.emsp.search.index import Index, Place
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.shelves import YES, Shelf

#: Told of each EVSE that can be found and has another status: its owner, Location, uid and status, by line.
STATUS = "emsp_status"


class IndexedLocations(Shelf):
    """A shelf that indexes what is put on it, in the same transaction."""

    def __init__(self, index: Index, table: str, *, page_limit: int) -> None:
        super().__init__(index.database, table, "location", page_limit=page_limit)
        self._index = index

    async def put(
        self,
        tx: Transaction,
        owner: Party,
        object_id: str,
        value: JSONObject,
        *,
        receiver: str | None = None,
        received: int = YES,
    ) -> bool:
        """Write a Location and the index's rows of it; return whether it is new."""
        created = await super().put(tx, owner, object_id, value, receiver=receiver, received=received)
        for place in await self._index.put(tx, value):
            tx.notify(STATUS, status_line(place))
        return created

    async def delete(self, tx: Transaction, owner: Party, object_id: str) -> bool:
        """Remove a Location, from the index too."""
        present = await self.get_in(tx, owner, object_id)
        if present is not None:
            await self._index.put(tx, present | {"evses": []})
        return await super().delete(tx, owner, object_id)


def status_line(place: Place) -> str:
    """Return how a changed status is told."""
    return "\n".join((place.owner, place.location_id, place.evse_uid, place.status))
