"""Suggestions as they are made, told and taken: each once, and none that is over (RASD-UC09, X-24)."""

import dataclasses
import datetime
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from hub.database.contract import Database, DatabaseUnavailable, Transaction
from hub.emsp.companion.calendars import Calendars
from hub.emsp.companion.favourites import Favourites
from hub.emsp.companion.needs import Charges, Clock, Contacts, Station, Stations
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.positions import Positions, haunts
from hub.emsp.companion.rounds import Rounds
from hub.emsp.companion.suggesting import HORIZON, Situation, Suggestion, over_because, suggestions
from hub.emsp.search.geometry import Point
from hub.emsp.texts import words
from hub.ocpi import codec
from hub.ocpi.objects import JSON
from hub.ocpi.times import date_time, moment, stamp

log = logging.getLogger(__name__)

_EVERY = 15 * 60.0  # seconds
_AROUND = 2_000.0  # metres around a place of the driver
_PLACES = 5  # haunts that are looked around
_MOST_NEW = 3  # suggestions a driver is told at once
_PRESENT = datetime.timedelta(minutes=30)  # a position that says where he is now
_REMEMBERED = datetime.timedelta(days=90)  # of charges


class SuggestionExpired(Exception):
    """The suggestion has expired; the message says why."""


class NoSuchSuggestion(Exception):
    """The driver was made no such suggestion."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A suggestion that was made to a driver."""

    id: str
    suggestion: Suggestion


@dataclass(frozen=True, kw_only=True)
class _Said:
    key: str
    event: str
    driver_id: str
    text: str
    data: Mapping[str, JSON]


class Suggestions:
    """Makes suggestions of what the other files know."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        contacts: Contacts,
        stations: Stations,
        charges: Charges,
        calendars: Calendars,
        positions: Positions,
        favourites: Favourites,
        notifier: Notifier,
    ) -> None:
        self._database = database
        self._clock = clock
        self._contacts = contacts
        self._stations = stations
        self._charges = charges
        self._calendars = calendars
        self._positions = positions
        self._favourites = favourites
        self._notifier = notifier
        self._rounds = Rounds("suggestions", self.work, clock=clock, pause=_EVERY, leads=database.try_lead)

    async def start(self) -> None:
        """Begin to look for what makes sense, now and again."""
        await self._rounds.start()

    async def stop(self) -> None:
        """End."""
        await self._rounds.stop()

    async def work(self) -> None:
        """Read calendars again, forget old positions, and look at every driver something is known of."""
        await self._calendars.refresh()
        await self._positions.sweep()
        rows = await self._database.fetch(
            "SELECT driver_id FROM emsp_favourite UNION SELECT driver_id FROM emsp_calendar"
            " UNION SELECT driver_id FROM emsp_position"
        )
        for (driver_id,) in rows:
            try:
                await self.look(driver_id)
            except DatabaseUnavailable:
                raise
            except Exception:
                log.exception("no suggestions were made to one driver")

    async def look(self, driver_id: str) -> list[Suggestion]:
        """Make and tell what is new for a driver."""
        contact = await self._contacts.contact(driver_id)
        if contact is None or not await self._contacts.agreed(driver_id, "MARKETING"):
            return []
        zone = ZoneInfo(contact.zone)
        new = list[Suggestion]()
        for each in suggestions(await self.situation(driver_id, zone)):
            if len(new) < _MOST_NEW and await self._make(driver_id, each, zone):
                new.append(each)
        return new

    async def situation(self, driver_id: str, zone: ZoneInfo) -> Situation:
        """Return what is known of a driver now, and what he agreed may be used."""
        now = self._clock.now()
        busy = None
        if await self._contacts.agreed(driver_id, "CALENDAR"):
            busy = await self._calendars.busy(driver_id, now, now + HORIZON, zone)
        seen = await self._positions.of(driver_id)
        position = seen[0].point if seen and now - seen[0].at <= _PRESENT else None
        places = haunts(seen)
        marked = [(each.owner, each.location_id) for each in await self._favourites.of(driver_id)]
        points = [each.point for each in places[:_PLACES]] + [each.point for each in busy or () if each.point]
        if position is not None:
            points.append(position)
        charges = await self._charges.of_driver(driver_id, now - _REMEMBERED, now)
        ends = [each.end for each in charges]
        return Situation(
            now=now,
            zone=zone,
            stations=tuple((await self._candidates(points, marked)).values()),
            busy=busy,
            haunts=places,
            position=position,
            favourites=frozenset(marked),
            last_charge=ends[-1] if ends else None,
            usual_gap=(ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else None,
        )

    async def _candidates(self, points: list[Point], marked: list[tuple[str, str]]) -> dict[tuple[str, str], Station]:
        found = dict[tuple[str, str], Station]()
        for owner, location_id in marked:
            if (station := await self._stations.station(owner, location_id)) is not None:
                found[station.owner, station.location_id] = station
        for point in points:
            for each in await self._stations.around(point, _AROUND):
                found.setdefault((each.owner, each.location_id), each)
        return found

    async def _make(self, driver_id: str, suggestion: Suggestion, zone: ZoneInfo) -> bool:
        """Write a suggestion down and have it told, in one transaction; False: it was made before."""
        made, now = str(uuid.uuid4()), stamp(self._clock.now())

        async def work(tx: Transaction) -> bool:
            touched = await tx.execute(
                "INSERT INTO emsp_suggestion (id, driver_id, key, document, created, expires, dismissed)"
                " VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (driver_id, key) DO NOTHING",
                made, driver_id, suggestion.key, _written(suggestion), now, stamp(suggestion.expires),
            )  # fmt: skip
            if touched:
                await self._notifier.note(tx, _said(made, driver_id, suggestion, zone))
            return touched > 0

        return await self._database.transact(work)

    # -- the driver's list -------------------------------------------------------------------------

    async def of(self, driver_id: str) -> list[Made]:
        """Return what was suggested to a driver and is not over, the soonest first."""
        rows = await self._database.fetch(
            "SELECT id, document FROM emsp_suggestion WHERE driver_id = $1 AND expires > $2 AND dismissed = 0",
            driver_id, stamp(self._clock.now()),
        )  # fmt: skip
        found = [Made(id=number, suggestion=_read(document)) for number, document in rows]
        return sorted(found, key=lambda each: (each.suggestion.start, each.id))

    async def take(self, driver_id: str, suggestion_id: str) -> Suggestion:
        """Return a suggestion the driver tapped on, if it still holds: what to book.

        Raises:
            NoSuchSuggestion: he was made no such one.
            SuggestionExpired: it does not hold any more, and is shown no more.
        """
        rows = await self._database.fetch(
            "SELECT document FROM emsp_suggestion WHERE id = $1 AND driver_id = $2", suggestion_id, driver_id
        )
        if not rows:
            raise NoSuchSuggestion
        suggestion = _read(rows[0][0])
        station = await self._stations.station(suggestion.owner, suggestion.location_id)
        why = over_because(suggestion, station, self._clock.now())
        if why is not None:
            await self.dismiss(driver_id, suggestion_id)
            raise SuggestionExpired(f"The suggestion has expired: {why}.")
        return suggestion

    async def dismiss(self, driver_id: str, suggestion_id: str) -> bool:
        """Show a suggestion no more; False: he was made no such one."""

        async def work(tx: Transaction) -> bool:
            touched = await tx.execute(
                "UPDATE emsp_suggestion SET dismissed = 1 WHERE id = $1 AND driver_id = $2", suggestion_id, driver_id
            )
            return touched > 0

        return await self._database.transact(work)


def explained(suggestion: Suggestion, zone: ZoneInfo, language: str) -> str:
    """Return what a driver reads of a suggestion, with its reason."""
    said = _said("", "", suggestion, zone)
    return words(language=language, event=said.event, kind="SUGGESTION", text=said.text, data=said.data).text


def _said(made: str, driver_id: str, suggestion: Suggestion, zone: ZoneInfo) -> _Said:
    start, end = (f"{each.astimezone(zone):%Y-%m-%d %H:%M}" for each in (suggestion.start, suggestion.end))
    data: dict[str, JSON] = {
        "suggestion_id": made, "place": suggestion.place, "start": start, "end": end, "offer": suggestion.detail,
        "appointment": suggestion.detail, "days": suggestion.detail, "text": suggestion.place,
    }  # fmt: skip
    event = f"SUGGESTION_{suggestion.reason}"
    shown = words(language="en", event=event, kind="SUGGESTION", text="", data=data)
    key = f"suggestion/{driver_id}/{suggestion.key}"
    return _Said(key=key, event=event, driver_id=driver_id, text=shown.text, data=data)


_MOMENTS = ("start", "end", "expires")


def _written(suggestion: Suggestion) -> bytes:
    document = dataclasses.asdict(suggestion)
    return codec.encode(document | {name: date_time(document[name]) for name in _MOMENTS})


def _read(document: bytes) -> Suggestion:
    found = codec.decode(document)
    return Suggestion(**(found | {name: moment(found[name]) for name in _MOMENTS}))
