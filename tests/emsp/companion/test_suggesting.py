"""Which charges make sense: pure functions of a situation."""

import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.emsp.companion.agenda import Busy
from hub.emsp.companion.needs import Offer, Slot, Station
from hub.emsp.companion.positions import Haunt, Seen, haunts
from hub.emsp.companion.suggesting import SHORTEST, Situation, frames, gaps, over_because, suggestions
from hub.emsp.search.geometry import Point

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
HERE = Point(52.614, 4.231)
AWAY = Point(52.700, 4.231)


def at(hours):
    return NOW + datetime.timedelta(hours=hours)


def slot(start, end):
    return Slot(start=at(start), end=at(end))


def busy(start, end, **details):
    return Busy(uid="u1", start=at(start), end=at(end), **details)


FREE = (slot(0, 8),)


def station(location_id="LOC1", point=HERE, slots=FREE, offers=()):
    return Station(
        owner="NL-CPO", location_id=location_id, name=f"At {location_id}", point=point, slots=slots, offers=offers
    )


OFFER = Offer(id="NL-CPO/NIGHT", text="0.20 EUR per kWh", end=at(6))
MARKED = frozenset({("NL-CPO", "LOC1")})


def of(*stations, **known):
    return Situation(now=NOW, zone=ZoneInfo("Europe/Amsterdam"), stations=stations, **known)


def test_an_offer_at_a_favourite_is_suggested_in_a_time_without_appointments():
    """RASD-R11, RASD-F11."""
    found = suggestions(of(station(offers=(OFFER,)), favourites=MARKED, busy=(busy(0, 3),)))

    (only,) = found
    assert (only.reason, only.start, only.end, only.detail) == ("OFFER", at(3), at(5), "0.20 EUR per kWh")
    assert only.expires == at(4.5)


def test_an_offer_that_ends_before_the_driver_has_time_is_not_suggested():
    found = suggestions(of(station(offers=(OFFER,)), favourites=MARKED, busy=(busy(0, 5.75),)))

    assert [each.reason for each in found] == ["AGENDA"]


def test_an_offer_where_the_driver_never_is_is_not_suggested():
    assert suggestions(of(station(offers=(OFFER,)))) == []


def test_a_frame_between_appointments_is_suggested_where_the_driver_often_is():
    """RASD-R12."""
    found = suggestions(of(station(), haunts=(Haunt(point=HERE, days=5),), busy=(busy(0, 1), busy(2, 9))))

    assert [(each.reason, each.start, each.end) for each in found] == [("AGENDA", at(1), at(2))]


def test_a_charger_close_to_an_appointment_is_suggested_for_its_time():
    """RASD-R12."""
    found = suggestions(of(station(), busy=(busy(2, 4, title="Dentist", point=HERE),)))

    assert [(each.reason, each.start, each.end, each.detail) for each in found] == [
        ("APPOINTMENT", at(2), at(4), "Dentist")
    ]


def test_a_known_charger_close_by_is_suggested_now():
    """RASD-R13."""
    near = suggestions(of(station(), favourites=MARKED, position=HERE))
    far = suggestions(of(station(), favourites=MARKED, position=AWAY))
    later = suggestions(of(station(slots=(slot(2, 8),)), favourites=MARKED, position=HERE))

    assert [(each.reason, each.start) for each in near] == [("NEAR", NOW)]
    assert (far, later) == ([], [])


def test_a_charge_is_suggested_when_the_last_one_is_long_ago():
    """RASD-F11."""
    usual = datetime.timedelta(days=4)
    due = suggestions(of(station(), favourites=MARKED, last_charge=at(-24 * 6), usual_gap=usual))
    early = suggestions(of(station(), favourites=MARKED, last_charge=at(-24 * 5), usual_gap=usual))

    assert [(each.reason, each.detail) for each in due] == [("OVERDUE", "6")]
    assert early == []


def test_one_station_is_suggested_for_its_best_reason():
    situation = of(
        station(offers=(OFFER,)), favourites=MARKED, position=HERE, busy=(busy(5, 6),), last_charge=at(-24 * 30)
    )

    assert [each.reason for each in suggestions(situation)] == ["OFFER"]


def test_the_same_situation_an_hour_later_has_the_same_keys():
    first = of(station(offers=(OFFER,)), station("LOC2"), favourites=MARKED, haunts=(Haunt(point=HERE, days=3),))
    later = Situation(**(vars(first) | {"now": at(1)}))

    assert [each.key for each in suggestions(first)] == [each.key for each in suggestions(later)]


def test_a_suggestion_is_over_when_its_offer_its_frame_or_its_station_is_gone():
    """X-24."""
    (made,) = suggestions(of(station(offers=(OFFER,)), favourites=MARKED))

    assert over_because(made, station(offers=(OFFER,)), NOW) is None
    assert over_because(made, station(offers=(OFFER,)), at(1.5)) == "its time has passed"
    assert over_because(made, station(), NOW) == "the offer has ended"
    assert over_because(made, station(slots=(slot(3, 8),), offers=(OFFER,)), NOW) == "At LOC1 is taken at that time"
    assert over_because(made, None, NOW) == "At LOC1 is not there any more"


hours = st.integers(0, 96).map(lambda number: number / 2)
spans = st.tuples(hours, st.integers(1, 20)).map(lambda each: (each[0], each[0] + each[1] / 2))


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8))
def test_no_frame_meets_an_appointment_or_leaves_its_slot(appointments, slots):
    taken = [busy(*each) for each in appointments]
    free = [slot(*each) for each in slots]

    for frame in frames(free, of(busy=tuple(taken))):
        assert frame.end - frame.start >= SHORTEST
        assert all(frame.end <= each.start or frame.start >= each.end for each in taken)
        assert any(each.start <= frame.start and frame.end <= each.end for each in free)


@given(st.lists(spans, max_size=8))
def test_gaps_and_appointments_together_are_the_whole_time(appointments):
    taken = [busy(*each) for each in appointments]
    free = gaps(taken, NOW, at(48))

    for half_hour in range(96):
        start, end = at(half_hour / 2), at(half_hour / 2 + 0.5)
        is_taken = any(each.start < end and start < each.end for each in taken)
        is_free = any(each.start <= start and end <= each.end for each in free)
        assert is_taken != is_free


def test_a_haunt_is_where_a_driver_was_on_three_days():
    home = [Seen(point=Point(52.61401, 4.23099 + day / 1e6), at=at(24 * -day)) for day in range(3)]
    visit = [Seen(point=AWAY, at=at(minutes / 60)) for minutes in range(10)]

    (only,) = haunts(home + visit)

    assert (only.days, round(only.point.lat, 4)) == (3, 52.6140)
