"""Distances, boxes and corridors on a sphere."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.emsp.search.geometry import Box, Point, around, beside, corridor, distance

points = st.builds(Point, st.floats(-85, 85), st.floats(-180, 179.99))


def inside(boxes, point):
    parts = [part for box in boxes for part in box.parts()]
    return any(
        part.south - 1e-9 <= point.lat <= part.north + 1e-9 and part.west - 1e-9 <= point.lon <= part.east + 1e-9
        for part in parts
    )


@given(points, points)
def test_distance_is_the_same_both_ways(one, other):
    assert distance(one, other) == pytest.approx(distance(other, one))


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (Point(52.3731, 4.8922), Point(51.9225, 4.4792), 57.5),
        (Point(0, 179.5), Point(0, -179.5), 111.2),
        (Point(10, 10), Point(10, 10), 0),
    ],
    ids=["Amsterdam to Rotterdam", "over 180 degrees", "nowhere"],
)
def test_known_distances(one, other, km):
    assert distance(one, other) / 1000 == pytest.approx(km, abs=0.1)


@given(points, st.floats(1, 500_000), st.floats(0, 2 * math.pi), st.floats(0, 1))
def test_everything_within_a_radius_lies_in_its_box(center, radius, bearing, part):
    lat, away = math.radians(center.lat), radius * part / 6_371_009
    north = math.asin(math.sin(lat) * math.cos(away) + math.cos(lat) * math.sin(away) * math.cos(bearing))
    turn = math.atan2(
        math.sin(bearing) * math.sin(away) * math.cos(lat), math.cos(away) - math.sin(lat) * math.sin(north)
    )
    point = Point(math.degrees(north), (center.lon + math.degrees(turn) + 180) % 360 - 180)

    assert inside([around(center, radius)], point)


def test_a_box_over_180_degrees_is_two():
    assert Box(-1, 179, 1, -179).parts() == [Box(-1, 179, 1, 180.0), Box(-1, -180.0, 1, -179)]


@given(st.floats(-60, 60), st.floats(-170, 170), st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 1))
def test_a_corridor_holds_what_lies_beside_its_route(lat, lon, north, east, part):
    route = [Point(lat, lon), Point(lat + north, lon + east)]
    assume(distance(*route) > 1000)
    point = Point(lat + north * part, lon + east * part)

    spot = beside(route, point)

    assert spot.off < 1_000
    assert spot.along == pytest.approx(distance(*route) * part, rel=0.05, abs=200)
    assert inside(list(corridor(route, 2_000)), point)
