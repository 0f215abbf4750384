"""The EVSEs of a Location as power is shared among them: what they give, and which station's they are."""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.cpms.charging.schedules import VOLTS, Feed
from hub.cpms.charging.shares import Share
from hub.cpms.needs import Places
from hub.cpms.outlets import outlet_of, power_of
from hub.cpms.store import Store
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE

_PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3, "DC": 3}


@dataclass(frozen=True, kw_only=True)
class SiteEvse:
    """One EVSE with a station behind it.

    Attributes:
        uid: of the Location's EVSE, in upper case.
        rated: the most it draws, in mA per phase.
    """

    uid: str
    evse: EVSE
    feed: Feed
    rated: int

    @property
    def key(self) -> tuple[str, int]:
        return self.evse.station_id, self.evse.evse_id

    @property
    def untold(self) -> Share:
        """What an EVSE goes by that was never told anything: all it has."""
        return Share(station_id=self.evse.station_id, evse_id=self.evse.evse_id)


class Outlets:
    """Finds them."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places

    async def at(self, location_id: str) -> list[SiteEvse]:
        """Return the EVSEs of a Location that stations stand behind."""
        location = await self._store.locations.get(self._store.party, location_id)
        if location is None:
            return []
        found = (self._site_evse(location, each) for each in location.get("evses") or [])
        return [each for each in found if each is not None]

    async def one(self, evse: EVSE) -> SiteEvse | None:
        """Return a station's EVSE; None: it is at no Location."""
        location_id = self.location_of(evse)
        if location_id is None:
            return None
        return next((each for each in await self.at(location_id) if each.key == (evse.station_id, evse.evse_id)), None)

    def location_of(self, evse: EVSE) -> str | None:
        """Return the Location a station's EVSE is at, in upper case."""
        outlet = self._places.outlet(EVSE(station_id=evse.station_id, evse_id=evse.evse_id))
        return outlet.location_id.upper() if outlet is not None else None

    def _site_evse(self, location: JSONObject, evse: JSONObject) -> SiteEvse | None:
        if evse["status"] == "REMOVED":
            return None
        stations = (self._places.evse(outlet_of(location, evse, each)) for each in evse["connectors"])
        found = next((each for each in stations if each is not None), None)
        if found is None:
            return None
        feed = _feed(evse["connectors"])
        rated = max(int(power_of(each) * 1_000_000 / (VOLTS * feed.phases)) for each in evse["connectors"])
        whole = EVSE(station_id=found.station_id, evse_id=found.evse_id)
        return SiteEvse(uid=evse["uid"].upper(), evse=whole, feed=feed, rated=rated)


def _feed(connectors: Iterable[JSONObject]) -> Feed:
    """Return how an EVSE draws its power: as its connector with the most phases."""
    kinds = [each["power_type"] for each in connectors]
    return Feed(phases=max(_PHASES.get(each, 3) for each in kinds), direct="DC" in kinds)
