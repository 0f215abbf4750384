"""Ways by an OSRM server.

Source: OSRM HTTP API, route service (v1).
"""

import datetime

import httpx

from adapters.routing import polyline
from adapters.routing.directions import ARRIVED, said
from hub.emsp.companion.routing import Direction, NoRoute, Way
from hub.emsp.search.geometry import Point
from hub.ocpi.objects import JSON


class OsrmRouter:
    """Asks one server.

    Args:
        url: the operator's own choice, without a trailing slash.
        timeout: in seconds.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def ways(self, start: Point, end: Point, *, most: int, departure: datetime.datetime | None) -> list[Way]:
        """Return up to ``most`` ways; it knows no traffic, so the departure changes nothing.

        Raises:
            NoRoute: it is away, or answered what cannot be read.
        """
        line = f"{start.lon:.6f},{start.lat:.6f};{end.lon:.6f},{end.lat:.6f}"
        asked = {
            "overview": "full", "geometries": "polyline6", "steps": "true",
            "alternatives": str(most - 1) if most > 1 else "false",
        }  # fmt: skip
        try:
            answer = await self._client.get(f"{self._url}/route/v1/driving/{line}", params=asked)
            read = answer.json()
            # "NoRoute" and "NoSegment" come with HTTP 400: they are answers, and say that there is no way.
            if read["code"] in ("NoRoute", "NoSegment"):
                return []
            answer.raise_for_status()
            return [_way(each) for each in read["routes"][:most]]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise NoRoute(f"OSRM at {self._url}: {error!r}") from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _way(route: JSON) -> Way:
    points = polyline.decode(route["geometry"])
    told = tuple(_direction(step) for leg in route.get("legs") or () for step in leg["steps"])
    return Way(
        points=points, metres=float(route["distance"]), seconds=float(route["duration"]), by="OSRM", directions=told
    )


def _direction(step: JSON) -> Direction:
    """Return a RouteStep in words; OSRM names what is to be done and says nothing."""
    maneuver, street = step["maneuver"], step.get("name") or ""
    kind = maneuver["type"]
    if kind == "arrive":
        text = ARRIVED
    elif kind == "depart":
        text = f"Start on {street}" if street else "Start"
    elif kind in ("roundabout", "rotary") and maneuver.get("exit"):
        text = f"At the roundabout take exit {maneuver['exit']}" + (f" into {street}" if street else "")
    else:
        text = said(maneuver.get("modifier", ""), street)
    return Direction(text=text, metres=float(step["distance"]), seconds=float(step["duration"]))
