"""Stations as suggestions need them, from what CPOs told: present state, free slots, and Tariffs that end."""

import datetime
from collections.abc import Iterable

from hub.emsp.companion.needs import Clock, Offer, Slot, Station
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Point
from hub.emsp.search.queries import Car, Query
from hub.emsp.search.viewing import Viewer
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment

_MOST = 20  # EVSEs around a point
_NOW = datetime.timedelta(hours=1)  # for how long what is free now may be suggested, where nothing can be booked


class KnownStations:
    """All Locations a driver may see."""

    def __init__(self, finder: Finder, viewer: Viewer, *, clock: Clock) -> None:
        self._finder = finder
        self._viewer = viewer
        self._clock = clock

    async def around(self, point: Point, radius: float) -> list[Station]:
        """Return stations within a distance in metres, the nearest first."""
        answer = await self._finder.find(Query(near=point, radius=radius, limit=_MOST))
        named = dict.fromkeys((each.place.owner, each.place.location_id) for each in answer.found)
        found = [await self.station(*each) for each in named]
        return [each for each in found if each is not None]

    async def station(self, owner: str, location_id: str) -> Station | None:
        """Return one; None: it is gone."""
        try:
            party = Party.parse(owner)
        except ValueError:
            return None
        details = await self._viewer.view(party, location_id, Car())
        if details is None:
            return None
        location, now = details.location, self._clock.now()
        slots = [Slot(start=each.starts_at, end=each.ends_at) for each in details.slots]
        if any(each.free for each in details.groups):
            slots.append(Slot(start=now, end=now + _NOW))
        at = location["coordinates"]
        return Station(
            owner=str(party),
            location_id=location_id.upper(),
            name=location.get("name") or location["address"],
            point=Point(float(at["latitude"]), float(at["longitude"])),
            slots=joined(slots),
            offers=tuple(_offer(party, each) for each in details.offers),
        )


def joined(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """Return the times in which any slot is free: what touches is one."""
    found = list[Slot]()
    for each in sorted(slots, key=lambda one: one.start):
        if found and each.start <= found[-1].end:
            found[-1] = Slot(start=found[-1].start, end=max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)


def _offer(owner: Party, tariff: JSONObject) -> Offer:
    texts = tariff.get("tariff_alt_text") or ()
    start = tariff.get("start_date_time")
    return Offer(
        id=f"{owner}/{tariff['id'].upper()}",
        text=next((each["text"] for each in texts if each["language"] == "en"), texts[0]["text"] if texts else ""),
        start=moment(start) if start else None,
        end=moment(tariff["end_date_time"]),
    )
