"""Ways by a Valhalla server.

Source: Valhalla, turn-by-turn routing API (/route).
"""

import datetime

import httpx

from adapters.routing import polyline
from hub.emsp.companion.routing import Direction, NoRoute, Way
from hub.emsp.search.geometry import Point
from hub.ocpi.objects import JSON

_NO_WAY = frozenset({154, 170, 171, 442})  # too far, no edge near, no path: answers, not troubles


class ValhallaRouter:
    """Asks one server.

    Args:
        url: the operator's own choice, without a trailing slash.
        timeout: in seconds.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def ways(self, start: Point, end: Point, *, most: int, departure: datetime.datetime | None) -> list[Way]:
        """Return up to ``most`` ways.

        Raises:
            NoRoute: it is away, or answered what cannot be read.
        """
        asked: dict[str, JSON] = {
            "locations": [{"lat": each.lat, "lon": each.lon} for each in (start, end)],
            "costing": "auto", "units": "kilometers", "directions_type": "instructions", "alternates": most - 1,
        }  # fmt: skip
        if departure is not None:
            # Type 3 is a moment that is the same at both ends, unlike type 1, local to the start.
            asked["date_time"] = {"type": 3, "value": f"{departure.astimezone(datetime.UTC):%Y-%m-%dT%H:%M}"}
        try:
            answer = await self._client.post(f"{self._url}/route", json=asked)
            read = answer.json()
            if answer.status_code == 400 and read.get("error_code") in _NO_WAY:
                return []
            answer.raise_for_status()
            trips = [read["trip"], *(each["trip"] for each in read.get("alternates") or ())]
            return [_way(each) for each in trips[:most]]
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise NoRoute(f"Valhalla at {self._url}: {error!r}") from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _way(trip: JSON) -> Way:
    points = tuple(point for leg in trip["legs"] for point in polyline.decode(leg["shape"]))
    summary = trip["summary"]
    told = tuple(
        Direction(text=each["instruction"], metres=float(each["length"]) * 1000, seconds=float(each["time"]))
        for leg in trip["legs"]
        for each in leg.get("maneuvers") or ()
    )
    metres, seconds = float(summary["length"]) * 1000, float(summary["time"])
    return Way(points=points, metres=metres, seconds=seconds, by="Valhalla", directions=told)
