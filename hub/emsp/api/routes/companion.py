"""What a driver is told, how he wants to be told, and his favourites (RASD-R10, RASD-R11)."""

from typing import Any

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.favourites import Favourite, Favourites, TooManyFavourites
from hub.emsp.companion.needs import Stations
from hub.emsp.companion.notifier import Notification, Notifier
from hub.emsp.companion.preferences import BadPreference, PreferenceStore, read_preferences


class NotificationRow(Shape, frozen=True, kw_only=True):
    """One thing a driver was told.

    Attributes:
        kind: CHARGE_ENDED, BOOKING, PROBLEM, PAYMENT, STATION_FREE, SUGGESTION or OFFER.
        read_at: when he has seen it; null: not yet.
    """

    id: int
    kind: str
    event: str
    text: str
    created_at: Moment
    read_at: Moment | None


class QuietHours(Shape, frozen=True, kw_only=True):
    """Hours of the day, as HH:MM by the driver's clock; an end before its start is on the next day."""

    start: str
    end: str


class PreferencesShape(Shape, frozen=True, kw_only=True):
    """How a driver wants to be told; what is left out is as the kind has it.

    Attributes:
        channels: by kind: any of EMAIL, SMS and PUSH; [] for nothing.
        waits: by kind: whether it waits for the end of the quiet hours.
    """

    channels: dict[str, list[str]] = msgspec.field(default_factory=dict)
    waits: dict[str, bool] = msgspec.field(default_factory=dict)
    quiet: QuietHours | None = None
    zone: str | None = None
    language: str | None = None


class FavouriteRow(Shape, frozen=True, kw_only=True):
    """A station a driver marked."""

    owner: str
    location_id: str
    name: str


class FavouriteName(Shape, frozen=True, kw_only=True):
    """What the driver calls it."""

    name: Name


class CompanionRoutes:
    """A driver's own."""

    tag = "companion"

    def __init__(
        self, *, notifier: Notifier, preferences: PreferenceStore, favourites: Favourites, stations: Stations
    ) -> None:
        self._notifier = notifier
        self._preferences = preferences
        self._favourites = favourites
        self._stations = stations

    @route("GET", "/notifications", scope=Scope.OWN, answers=Page[NotificationRow])
    async def list_notifications(self, call: Call, query: ListQuery) -> Page[NotificationRow]:
        """List what you were told, the newest first, whatever became of mails and messages."""
        found = await self._notifier.of(call.principal.id, before=cursor_number(query), limit=query.limit + 1)
        shown = found[: query.limit]
        more = str(shown[-1].id) if len(found) > query.limit else None
        return Page(items=[_row(each) for each in shown], next=more)

    @route("POST", "/notifications/{notification_id}/read", scope=Scope.OWN, status=204)
    async def read_notification(self, call: Call, notification_id: str) -> None:
        """Note that you have seen one."""
        number = int(notification_id) if notification_id.isascii() and notification_id.isdigit() else 0
        if number >= 2**62 or not await self._notifier.read(call.principal.id, number):
            raise NotFound("You were told no such thing")

    @route("GET", "/notification-preferences", scope=Scope.OWN, answers=PreferencesShape)
    async def get_notification_preferences(self, call: Call) -> Any:
        """Show how you want to be told."""
        return (await self._preferences.of(call.principal.id)).to_json()

    @route("PUT", "/notification-preferences", scope=Scope.OWN, answers=PreferencesShape)
    async def put_notification_preferences(self, call: Call, body: PreferencesShape) -> Any:
        """Choose channels by kind, and hours in which you want to be left alone."""
        try:
            chosen = read_preferences(msgspec.to_builtins(body))
        except BadPreference as error:
            raise invalid(error.path, error.rule) from error
        await self._preferences.put(call.principal.id, chosen, now=call.now)
        return chosen.to_json()

    @route("GET", "/favourites", scope=Scope.OWN, answers=Page[FavouriteRow])
    async def list_favourites(self, call: Call, query: ListQuery) -> Page[FavouriteRow]:
        """List the stations you marked."""
        start = cursor_number(query) or 0
        found = await self._favourites.of(call.principal.id)
        rows = [FavouriteRow(owner=each.owner, location_id=each.location_id, name=each.name) for each in found]
        end = start + query.limit
        return Page(items=rows[start:end], next=str(end) if end < len(rows) else None)

    @route("PUT", "/favourites/{owner}/{location_id}", scope=Scope.OWN, status=204, problems=(Conflict,))
    async def put_favourite(self, call: Call, owner: str, location_id: str, body: FavouriteName) -> None:
        """Mark a station, or name it anew."""
        named = Favourite(owner=owner.upper(), location_id=location_id.upper(), name=body.name)
        if await self._stations.station(named.owner, named.location_id) is None:
            raise NotFound("There is no such station")
        try:
            await self._favourites.put(call.principal.id, named)
        except TooManyFavourites as error:
            raise Conflict(str(error)) from error

    @route("DELETE", "/favourites/{owner}/{location_id}", scope=Scope.OWN, status=204)
    async def delete_favourite(self, call: Call, owner: str, location_id: str) -> None:
        """Take a mark away."""
        if not await self._favourites.remove(call.principal.id, owner.upper(), location_id):
            raise NotFound("You did not mark this station")


def _row(told: Notification) -> NotificationRow:
    return NotificationRow(
        id=told.id,
        kind=told.kind,
        event=told.event,
        text=told.text,
        created_at=told.created,
        read_at=told.read_at,
    )
