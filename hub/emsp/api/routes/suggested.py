"""What is suggested to a driver, and what he lets us know for it: calendars, positions (RASD-R11 to R13, UC09)."""

from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, Problem, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.emsp.api.routes.wishes import Latitude, Longitude
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.agenda import LONGEST, BadCalendar
from hub.emsp.companion.calendars import Calendars, TooManyCalendars
from hub.emsp.companion.needs import Contacts
from hub.emsp.companion.positions import MOST, NoConsent, Positions, Seen
from hub.emsp.companion.suggesting import Suggestion
from hub.emsp.companion.suggestions import NoSuchSuggestion, SuggestionExpired, Suggestions, explained
from hub.emsp.search.geometry import Point

_PURPOSE = "CALENDAR"


class SuggestionOver(Problem):
    """The suggestion has expired."""

    status = 410


class SuggestionSeen(Shape, frozen=True, kw_only=True):
    """A charge that makes sense.

    Attributes:
        reason: OFFER, AGENDA, APPOINTMENT, NEAR or OVERDUE; ``text`` says it in your language.
        expires: from when on it does not hold any more.
        offer: OWNER/TARIFF it stands on.
    """

    id: str
    reason: str
    text: str
    owner: str
    location_id: str
    place: str
    start: Moment
    end: Moment
    expires: Moment
    offer: str | None


class CalendarSeen(Shape, frozen=True, kw_only=True):
    """A calendar of yours.

    Attributes:
        host: where it is read; null: it was uploaded.
        reason: why it could not be read the last time.
    """

    id: str
    name: str
    host: str | None
    read_at: Moment | None
    reason: str | None


class CalendarName(Shape, frozen=True, kw_only=True):
    """What the calendar is called."""

    name: Name = "calendar"


class CalendarUrl(Shape, frozen=True, kw_only=True):
    """Where a calendar is read from now on; https, http or webcal."""

    name: Name
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Kept(Shape, frozen=True, kw_only=True):
    """What was made."""

    id: str


class Position(Shape, frozen=True, kw_only=True):
    """Where the phone was."""

    latitude: Latitude
    longitude: Longitude
    at: Moment


class Track(Shape, frozen=True, kw_only=True):
    """Some positions."""

    positions: Annotated[list[Position], msgspec.Meta(min_length=1, max_length=MOST)]


class Added(Shape, frozen=True, kw_only=True):
    """How many of them are new, and of the last thirty days."""

    added: int


class SuggestionRoutes:
    """A driver's suggestions."""

    tag = "companion"

    def __init__(self, suggestions: Suggestions, contacts: Contacts) -> None:
        self._suggestions = suggestions
        self._contacts = contacts

    @route("GET", "/suggestions", scope=Scope.OWN)
    async def list_suggestions(self, call: Call) -> Page[SuggestionSeen]:
        """List what was suggested to you and is not over, the soonest first."""
        made = await self._suggestions.of(call.principal.id)
        return Page(items=[await self._seen(call.principal.id, each.id, each.suggestion) for each in made])

    @route("POST", "/suggestions", scope=Scope.OWN)
    async def look_for_suggestions(self, call: Call) -> Page[SuggestionSeen]:
        """Look now for what makes sense, and list it; without it that is done every quarter of an hour."""
        await self._suggestions.look(call.principal.id)
        return await self.list_suggestions(call)

    @route("POST", "/suggestions/{suggestion_id}/take", scope=Scope.OWN, problems=(SuggestionOver,))
    async def take_suggestion(self, call: Call, suggestion_id: str) -> SuggestionSeen:
        """Show what to book, if the suggestion still holds; if not, it is over, and why is said."""
        try:
            found = await self._suggestions.take(call.principal.id, suggestion_id)
        except NoSuchSuggestion as error:
            raise NotFound("You were made no such suggestion") from error
        except SuggestionExpired as error:
            raise SuggestionOver(str(error)) from error
        return await self._seen(call.principal.id, suggestion_id, found)

    @route("DELETE", "/suggestions/{suggestion_id}", scope=Scope.OWN, status=204)
    async def dismiss_suggestion(self, call: Call, suggestion_id: str) -> None:
        """Show one no more."""
        if not await self._suggestions.dismiss(call.principal.id, suggestion_id):
            raise NotFound("You were made no such suggestion")

    async def _seen(self, driver_id: str, suggestion_id: str, made: Suggestion) -> SuggestionSeen:
        contact = await self._contacts.contact(driver_id)
        zone, language = (contact.zone, contact.language) if contact else ("UTC", "en")
        return SuggestionSeen(
            id=suggestion_id, reason=made.reason, text=explained(made, ZoneInfo(zone), language), owner=made.owner,
            location_id=made.location_id, place=made.place, start=made.start, end=made.end, expires=made.expires,
            offer=made.offer,
        )  # fmt: skip


class KnownRoutes:
    """What a driver lets us know of his time and his places; each with a consent of its own."""

    tag = "companion"

    def __init__(self, calendars: Calendars, positions: Positions, contacts: Contacts) -> None:
        self._calendars = calendars
        self._positions = positions
        self._contacts = contacts

    @route("GET", "/calendars", scope=Scope.OWN)
    async def list_calendars(self, call: Call) -> Page[CalendarSeen]:
        """List your calendars."""
        return Page(
            items=[
                CalendarSeen(id=each.id, name=each.name, host=each.host, read_at=each.read_at, reason=each.reason)
                for each in await self._calendars.of(call.principal.id)
            ]
        )

    @route(
        "POST", "/calendars", scope=Scope.OWN, status=201, consumes=("text/calendar",), max_body=LONGEST + 1,
        problems=(Conflict,),
    )  # fmt: skip
    async def upload_calendar(self, call: Call, query: CalendarName, body: bytes) -> Kept:
        """Upload a calendar (iCalendar); needs the consent CALENDAR."""
        await self._check_consent(call)
        try:
            return Kept(id=await self._calendars.upload(call.principal.id, query.name, body))
        except BadCalendar as error:
            raise invalid("$", str(error)) from error
        except TooManyCalendars as error:
            raise Conflict(str(error)) from error

    @route("POST", "/calendars/subscriptions", scope=Scope.OWN, status=201, problems=(Conflict,))
    async def subscribe_to_calendar(self, call: Call, body: CalendarUrl) -> Kept:
        """Have a calendar read from a URL, now and every hour; needs the consent CALENDAR."""
        await self._check_consent(call)
        try:
            return Kept(id=await self._calendars.subscribe(call.principal.id, body.name, body.url))
        except BadCalendar as error:
            raise invalid("$.url", str(error)) from error
        except TooManyCalendars as error:
            raise Conflict(str(error)) from error

    @route("DELETE", "/calendars/{calendar_id}", scope=Scope.OWN, status=204)
    async def remove_calendar(self, call: Call, calendar_id: str) -> None:
        """Forget a calendar, and all that stood in it."""
        if not await self._calendars.remove(call.principal.id, calendar_id):
            raise NotFound("You have no such calendar")

    async def _check_consent(self, call: Call) -> None:
        if not await self._contacts.agreed(call.principal.id, _PURPOSE):
            raise Conflict(f"Calendars are kept only of drivers who agreed to it; agree to {_PURPOSE} first")

    @route("GET", "/positions", scope=Scope.OWN)
    async def list_positions(self, call: Call, query: ListQuery) -> Page[Position]:
        """List where your phone was, as far as it is kept, the newest first."""
        found, start = await self._positions.of(call.principal.id), cursor_number(query) or 0
        end = start + query.limit
        rows = [Position(latitude=each.point.lat, longitude=each.point.lon, at=each.at) for each in found[start:end]]
        return Page(items=rows, next=str(end) if end < len(found) else None)

    @route("POST", "/positions", scope=Scope.OWN, status=201, problems=(Conflict,))
    async def add_positions(self, call: Call, body: Track) -> Added:
        """Tell where your phone was; needs the consent LOCATION_HISTORY, and is kept for thirty days."""
        seen = [Seen(point=Point(each.latitude, each.longitude), at=each.at) for each in body.positions]
        try:
            return Added(added=await self._positions.add(call.principal.id, seen))
        except NoConsent as error:
            raise Conflict(str(error)) from error

    @route("DELETE", "/positions", scope=Scope.OWN, status=204)
    async def forget_positions(self, call: Call) -> None:
        """Delete all your positions."""
        await self._positions.forget(call.principal.id)
