"""Suggestions as a driver gets them: with consent, once, each with its reason, and none that is over."""

import datetime
import textwrap
from zoneinfo import ZoneInfo

import pytest

from hub.emsp.companion.agenda import BadCalendar, busy_times
from hub.emsp.companion.calendars import Calendars, TooManyCalendars
from hub.emsp.companion.favourites import Favourite, Favourites
from hub.emsp.companion.needs import Offer, Slot, Station
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.positions import KEPT, NoConsent, Positions, Seen
from hub.emsp.companion.suggestions import NoSuchSuggestion, SuggestionExpired, Suggestions, explained
from hub.emsp.search.geometry import Point
from hub.ocpi.wire import Wire
from tests.clocks import ManualClock
from tests.emsp.companion.people import ANNA, BEN, Past, People, Town
from tests.serving import LoopServer

HERE = Point(52.614, 4.231)
HOUR = datetime.timedelta(hours=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def ics(*events):
    body = "".join(f"BEGIN:VEVENT\n{textwrap.dedent(each).strip()}\nEND:VEVENT\n" for each in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


DENTIST = """
    UID:dentist
    DTSTAMP:20260101T000000Z
    DTSTART;TZID=Europe/Amsterdam:20260101T150000
    DTEND;TZID=Europe/Amsterdam:20260101T170000
    SUMMARY:Dentist
    GEO:52.6141;4.2311
"""


class Scene:
    def __init__(self, database):
        self.database = database
        self.clock = clock = ManualClock()
        self.people = People()
        self.fetcher = Away()
        self.notifier = Notifier(database, clock=clock)
        self.calendars = Calendars(database, clock=clock, fetcher=self)
        self.positions = Positions(database, clock=clock, contacts=self.people)
        self.favourites = Favourites(database, clock=clock)
        self.town, self.past = Town(), Past()
        self.suggestions = Suggestions(
            database, clock=clock, contacts=self.people, stations=self.town, charges=self.past,
            calendars=self.calendars, positions=self.positions, favourites=self.favourites, notifier=self.notifier,
        )  # fmt: skip
        for purpose in ("MARKETING", "CALENDAR", "LOCATION_HISTORY"):
            self.people.purposes.add((ANNA, purpose))

    async def send(self, method, url, headers, body=None, *, timeout):
        return await self.fetcher.send(method, url, headers, body, timeout=timeout)

    def station(self, offers=(), hours=8):
        now = self.clock.now()
        return Station(
            owner="NL-CPO", location_id="LOC1", name="Harbour", point=HERE, offers=offers,
            slots=(Slot(start=now, end=now + hours * HOUR),),
        )  # fmt: skip

    async def with_an_offer(self):
        offer = Offer(id="NL-CPO/NIGHT", text="0.20 EUR per kWh", end=self.clock.now() + 6 * HOUR)
        self.town.stations = [self.station((offer,))]
        await self.favourites.put(ANNA, Favourite(owner="NL-CPO", location_id="loc1", name="Mine"))


class Away:
    async def send(self, method, url, headers, body=None, *, timeout):
        raise OSError("nobody is there")


@pytest.fixture
def scene(database):
    return Scene(database)


async def test_a_driver_is_told_of_an_offer_once_however_often_it_is_computed(scene):
    """RASD-R11."""
    await scene.with_an_offer()

    first = await scene.suggestions.look(ANNA)
    second = await scene.suggestions.look(ANNA)

    assert [each.reason for each in first] == ["OFFER"]
    assert second == []
    (told,) = await scene.notifier.of(ANNA)
    assert (told.kind, told.text) == ("OFFER", "Harbour, 2026-01-01 13:00 to 2026-01-01 15:00: 0.20 EUR per kWh")


async def test_the_list_shows_station_frame_and_reason_and_a_tap_leads_to_the_booking(scene):
    """RASD-UC09."""
    await scene.with_an_offer()
    await scene.suggestions.look(ANNA)

    (made,) = await scene.suggestions.of(ANNA)
    taken = await scene.suggestions.take(ANNA, made.id)

    assert explained(made.suggestion, AMSTERDAM, "nl").startswith("Harbour, 2026-01-01 13:00 tot")
    assert (taken.owner, taken.location_id) == ("NL-CPO", "LOC1")
    assert (taken.start, taken.end) == (scene.clock.now(), scene.clock.now() + 2 * HOUR)


async def test_a_suggestion_tapped_when_its_offer_is_gone_has_expired(scene):
    """X-24."""
    await scene.with_an_offer()
    await scene.suggestions.look(ANNA)
    (made,) = await scene.suggestions.of(ANNA)
    scene.town.stations = [scene.station()]

    with pytest.raises(SuggestionExpired, match="has expired: the offer has ended"):
        await scene.suggestions.take(ANNA, made.id)

    assert await scene.suggestions.of(ANNA) == []


async def test_a_suggestion_whose_time_has_passed_is_not_shown(scene):
    await scene.with_an_offer()
    await scene.suggestions.look(ANNA)

    await scene.clock.advance(2 * 3600)

    assert await scene.suggestions.of(ANNA) == []


async def test_nobody_takes_another_drivers_suggestion(scene):
    await scene.with_an_offer()
    await scene.suggestions.look(ANNA)
    (made,) = await scene.suggestions.of(ANNA)

    with pytest.raises(NoSuchSuggestion):
        await scene.suggestions.take(BEN, made.id)
    assert not await scene.suggestions.dismiss(BEN, made.id)


async def test_without_consent_nothing_is_suggested_and_no_calendar_is_read(scene):
    """RASD-UC09."""
    scene.town.stations = [scene.station()]
    await scene.calendars.upload(ANNA, "Mine", ics(DENTIST))

    scene.people.purposes.discard((ANNA, "CALENDAR"))
    without_calendar = await scene.suggestions.look(ANNA)
    scene.people.purposes = {(ANNA, "CALENDAR")}
    without_marketing = await scene.suggestions.look(ANNA)
    scene.people.purposes = {(ANNA, "CALENDAR"), (ANNA, "MARKETING")}
    with_both = await scene.suggestions.look(ANNA)

    assert (without_calendar, without_marketing) == ([], [])
    assert [(each.reason, each.detail) for each in with_both] == [("APPOINTMENT", "Dentist")]


async def test_the_worker_looks_at_everybody_something_is_known_of(scene):
    await scene.with_an_offer()

    await scene.suggestions.work()

    assert len(await scene.suggestions.of(ANNA)) == 1


# -- positions -------------------------------------------------------------------------------------


async def test_positions_are_kept_with_consent_only(scene):
    """RASD-R13."""
    seen = [Seen(point=HERE, at=scene.clock.now())]
    scene.people.purposes.clear()

    with pytest.raises(NoConsent):
        await scene.positions.add(ANNA, seen)
    scene.people.purposes.add((ANNA, "LOCATION_HISTORY"))

    assert await scene.positions.add(ANNA, seen) == 1
    assert await scene.positions.add(ANNA, seen) == 0
    assert await scene.positions.of(ANNA) == seen
    assert await scene.positions.of(BEN) == []


async def test_positions_are_deleted_when_the_driver_says_so_takes_back_his_consent_or_they_are_old(scene):
    async def count():
        return (await scene.database.fetch("SELECT COUNT(*) FROM emsp_position"))[0][0]

    async def add():
        await scene.positions.add(ANNA, [Seen(point=HERE, at=scene.clock.now())])

    await add()
    deleted, after_delete = await scene.positions.forget(ANNA), await count()
    await add()
    await scene.clock.advance(KEPT.total_seconds())
    await add()
    await scene.positions.sweep()
    after_month = await count()
    scene.people.purposes.discard((ANNA, "LOCATION_HISTORY"))
    shown = await scene.positions.of(ANNA)
    await scene.positions.sweep()

    assert (deleted, after_delete, after_month, shown, await count()) == (1, 0, 1, [], 0)


async def test_positions_of_the_future_are_not_kept(scene):
    assert await scene.positions.add(ANNA, [Seen(point=HERE, at=scene.clock.now() + HOUR)]) == 0


# -- calendars -------------------------------------------------------------------------------------


def times(text, days=2):
    start = datetime.datetime(2026, 3, 28, tzinfo=datetime.UTC)
    found = busy_times(text, start, start + days * 24 * HOUR, AMSTERDAM)
    return [(f"{each.start:%d %H:%M}", f"{each.end:%d %H:%M}") for each in found]


def test_a_weekly_appointment_keeps_its_hour_when_summer_begins():
    weekly = """
        UID:w
        DTSTART;TZID=Europe/Amsterdam:20260307T090000
        DTEND;TZID=Europe/Amsterdam:20260307T100000
        RRULE:FREQ=DAILY
        EXDATE;TZID=Europe/Amsterdam:20260330T090000
    """

    assert times(ics(weekly), days=4) == [
        ("28 08:00", "28 09:00"), ("29 07:00", "29 08:00"), ("31 07:00", "31 08:00"),
    ]  # fmt: skip


def test_what_is_cancelled_or_leaves_time_free_is_not_busy():
    cancelled = "UID:c\nDTSTART:20260328T100000Z\nDTEND:20260328T110000Z\nSTATUS:CANCELLED"
    free = "UID:f\nDTSTART:20260328T100000Z\nDTEND:20260328T110000Z\nTRANSP:TRANSPARENT"
    day = "UID:d\nDTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260329"
    floating = "UID:l\nDTSTART:20260328T200000\nDURATION:PT1H"

    assert times(ics(cancelled, free)) == []
    assert times(ics(day, floating)) == [("27 23:00", "28 23:00"), ("28 19:00", "28 20:00")]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"hello", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", ics(DENTIST) * 20_000,
        b"BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n",
        ics("UID:s\nDTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY"),
        ics("UID:s\nDTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2,3;BYSECOND=1,2,3"),
    ],
    ids=["nothing", "no calendar", "no text", "cut short", "too large", "an event alone", "every second", "fans out"],
)  # fmt: skip
async def test_what_is_no_calendar_is_refused_and_nothing_is_kept(scene, text):
    with pytest.raises(BadCalendar):
        await scene.calendars.upload(ANNA, "Mine", text)

    assert await scene.calendars.of(ANNA) == []


async def test_a_calendar_is_listed_taken_away_and_nobody_elses(scene):
    made = await scene.calendars.upload(ANNA, "Mine", ics(DENTIST))

    (kept,) = await scene.calendars.of(ANNA)
    assert (kept.id, kept.name, kept.host) == (made, "Mine", None)
    assert not await scene.calendars.remove(BEN, made)
    assert await scene.calendars.remove(ANNA, made)
    assert await scene.calendars.busy(ANNA, scene.clock.now(), scene.clock.now() + HOUR, AMSTERDAM) is None


async def test_there_is_room_for_ten_calendars(scene):
    for number in range(10):
        await scene.calendars.upload(ANNA, str(number), ics())

    with pytest.raises(TooManyCalendars, match="take one away"):
        await scene.calendars.upload(ANNA, "one more", ics())


class Files:
    """A web server with one calendar."""

    def __init__(self):
        self.status, self.text = 200, ics(DENTIST)

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.text})


async def test_a_calendar_at_a_url_is_read_again_and_stays_as_it_was_when_its_server_is_away(scene):
    files = Files()
    server = LoopServer(files)
    url = f"http://127.0.0.1:{await server.start()}/secret.ics"
    scene.fetcher = Wire(allow_private=True, max_answer=3_000_000)
    try:
        await scene.calendars.subscribe(ANNA, "Work", url)
        files.status = 500
        await scene.clock.advance(3600)
        await scene.calendars.refresh()
        (away,) = await scene.calendars.of(ANNA)
        files.status, files.text = 200, ics()
        await scene.clock.advance(3600)
        await scene.calendars.refresh()
        (back,) = await scene.calendars.of(ANNA)
    finally:
        await scene.fetcher.close()
        await server.stop()

    assert (away.host, away.reason) == ("127.0.0.1", "its server says 500")
    assert (back.reason, back.read_at) == (None, scene.clock.now())
    assert await scene.calendars.busy(ANNA, scene.clock.now(), scene.clock.now() + HOUR, AMSTERDAM) == ()


async def test_a_calendars_url_never_leads_into_our_own_network(scene):
    scene.fetcher = Wire(allow_private=False, max_answer=1000)

    for url in ("http://127.0.0.1/x.ics", "http://169.254.169.254/latest", "file:///etc/passwd", "webcal://[::1]/x"):
        with pytest.raises(BadCalendar, match="cannot be fetched"):
            await scene.calendars.subscribe(ANNA, "Work", url)

    await scene.fetcher.close()
    assert await scene.calendars.of(ANNA) == []


# -- favourites ------------------------------------------------------------------------------------


async def test_a_favourite_is_marked_named_anew_and_taken_away(scene):
    await scene.favourites.put(ANNA, Favourite(owner="NL-CPO", location_id="loc1", name="Home"))
    await scene.favourites.put(ANNA, Favourite(owner="NL-CPO", location_id="LOC1", name="Work"))

    assert await scene.favourites.of(ANNA) == [Favourite(owner="NL-CPO", location_id="LOC1", name="Work")]
    assert await scene.favourites.of(BEN) == []
    assert await scene.favourites.remove(ANNA, "NL-CPO", "Loc1")
    assert not await scene.favourites.remove(ANNA, "NL-CPO", "LOC1")
