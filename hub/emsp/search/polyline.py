"""Routes as a line of text, as routing services answer them.

Source: Google Maps Platform, Encoded Polyline Algorithm Format (OSRM: precision 5; Valhalla: precision 6).
"""

from hub.emsp.search.geometry import Point


class BadPolyline(ValueError):
    """The text is no polyline."""


def decoded(text: str, *, precision: int = 5) -> list[Point]:
    """Return the points of an encoded polyline.

    Raises:
        BadPolyline: it is none, or leaves the earth.
    """
    scale = 10**precision
    numbers = _differences(text)
    if len(numbers) % 2:
        raise BadPolyline("it ends within a point")
    points, lat, lon = [], 0, 0
    for north, east in zip(numbers[::2], numbers[1::2], strict=True):
        lat, lon = lat + north, lon + east
        if abs(lat) > 90 * scale or abs(lon) > 180 * scale:
            raise BadPolyline("it leaves the earth; is its precision right?")
        points.append(Point(lat / scale, lon / scale))
    return points


def _differences(text: str) -> list[int]:
    """Return the signed numbers, five bits a character, the lowest first."""
    found, value, shift = [], 0, 0
    for each in text:
        bits = ord(each) - 63
        if not 0 <= bits < 64 or shift > 30:
            raise BadPolyline(f"{each!r} is no part of one")
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            found.append(~(value >> 1) if value & 1 else value >> 1)
            value, shift = 0, 0
    if shift:
        raise BadPolyline("it ends within a number")
    return found
