"""One Location, looked at by a driver (RASD-UC04)."""

import datetime
from collections.abc import Callable

from hub.emsp.search.details import Details, groups_of, offers_of, slots_of
from hub.emsp.search.geometry import Point, distance
from hub.emsp.search.prices import Prices, Retail, as_told
from hub.emsp.search.queries import Car
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment


class Viewer:
    """Shows Locations.

    Args:
        retail: makes the driver's price of the CPO's.
    """

    def __init__(self, store: Store, *, clock: Callable[[], datetime.datetime], retail: Retail = as_told) -> None:
        self._store = store
        self._clock = clock
        self._retail = retail

    async def view(self, owner: Party, location_id: str, car: Car, *, near: Point | None = None) -> Details | None:
        """Return what a driver sees of a Location; None: there is none he may see."""
        location = await self._store.locations.get(owner, location_id)
        if location is None or not location["publish"]:
            return None
        now = self._clock()
        at = location["coordinates"]
        here = Point(float(at["latitude"]), float(at["longitude"]))
        return Details(
            owner=owner,
            location=location,
            metres=distance(near, here) if near is not None else None,
            told_at=moment(location["last_updated"]),
            groups=await groups_of(location, Prices(self._store, car, now, retail=self._retail)),
            slots=slots_of(await self._bookable(owner, location_id), now),
            offers=offers_of(await self._tariffs(owner, location), now),
        )

    async def _bookable(self, owner: Party, location_id: str) -> list[JSONObject]:
        offers = await self._store.booking_locations.find(owner=str(owner))
        return [each for each in offers if each["location_id"].upper() == location_id.upper()]

    async def _tariffs(self, owner: Party, location: JSONObject) -> list[JSONObject]:
        connectors = (each for evse in location.get("evses") or () for each in evse["connectors"])
        ids = dict.fromkeys(each for connector in connectors for each in connector.get("tariff_ids") or ())
        found = [await self._store.tariffs.get(owner, each) for each in ids]
        return [each for each in found if each is not None]
