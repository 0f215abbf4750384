"""Stations as suggestions need them: what CPOs told over OCPI becomes a suggestion with an offer in a free time."""

import datetime
from zoneinfo import ZoneInfo

from hub.emsp.companion.needs import Slot
from hub.emsp.companion.stations import KnownStations, joined
from hub.emsp.companion.suggesting import Situation, suggestions
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Point
from hub.emsp.search.viewing import Viewer
from hub.emsp.store import Store
from tests.clocks import ManualClock
from tests.rooms import CPO, EMSP, evse, location, tariff

HERE = Point(52.3731, 4.8922)
TEXT = [{"language": "nl", "text": "Nachttarief"}, {"language": "en", "text": "Night price"}]


async def known(database, clock, **changes):
    store = Store(database, EMSP)
    await store.index.open()

    async def put(tx):
        await store.locations.put(tx, CPO, "LOC1", location(**changes))
        await store.tariffs.put(tx, CPO, "T1", tariff(end_date_time="2026-01-01T18:00:00Z", tariff_alt_text=TEXT))

    await database.transact(put)
    return KnownStations(Finder(store, store.index, clock=clock.now), Viewer(store, clock=clock.now), clock=clock)


async def test_a_tariff_a_cpo_told_that_ends_is_an_offer_a_driver_hears_of(database):
    """RASD-R11."""
    clock = ManualClock()
    stations = await known(database, clock)

    (station,) = await stations.around(HERE, 1000)
    (made,) = suggestions(
        Situation(
            now=clock.now(), zone=ZoneInfo("Europe/Amsterdam"), stations=(station,),
            favourites=frozenset({("NL-CPO", "LOC1")}),
        )
    )  # fmt: skip

    assert (made.reason, made.offer, made.detail, made.place) == ("OFFER", "NL-CPO/T1", "Night price", "Harbour")
    assert await stations.station("nl-cpo", "loc1") == station


async def test_what_is_taken_or_not_there_is_not_suggested(database):
    stations = await known(database, ManualClock(), evses=[evse(status="CHARGING")])

    taken = await stations.station("NL-CPO", "LOC1")

    assert taken.slots == ()
    assert await stations.station("NL-CPO", "LOC2") is None
    assert await stations.station("nobody", "LOC1") is None


def test_slots_that_touch_are_one_time():
    at = [datetime.datetime(2026, 1, 1, hour, tzinfo=datetime.UTC) for hour in range(6)]

    assert joined([Slot(start=at[3], end=at[4]), Slot(start=at[0], end=at[1]), Slot(start=at[1], end=at[2])]) == (
        Slot(start=at[0], end=at[2]), Slot(start=at[3], end=at[4]),
    )  # fmt: skip
