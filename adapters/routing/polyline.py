"""Encoded polylines: a line of coordinates as text.

Source: Encoded Polyline Algorithm Format (Google); with six decimals, as OSRM and Valhalla write it.
"""

from collections.abc import Iterator

from hub.emsp.search.geometry import Point

_SIX = 1_000_000


def decode(text: str) -> tuple[Point, ...]:
    """Return the points of a line.

    Raises:
        ValueError: the text is cut short, or no polyline.
    """
    points, lat, lon = list[Point](), 0, 0
    steps = _steps(text)
    for step in steps:
        lat, lon = lat + step, lon + next(steps)
        points.append(Point(lat / _SIX, lon / _SIX))
    return tuple(points)


def _steps(text: str) -> Iterator[int]:
    value, shift, count = 0, 0, 0
    for each in text:
        bits = ord(each) - 63
        if not 0 <= bits < 64 or shift > 40:
            raise ValueError(f"{each!r} is not of a polyline")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits < 0x20:
            yield ~(value >> 1) if value & 1 else value >> 1
            value, shift, count = 0, 0, count + 1
    if shift or count % 2:
        raise ValueError("the polyline is cut short")
