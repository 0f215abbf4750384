"""What a driver is told, how he wants to be told, and his favourites (RASD-R10, RASD-R11)."""

from typing import Annotated, Any

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.favourites import Favourite, Favourites, TooManyFavourites
from hub.emsp.companion.needs import Stations
from hub.emsp.companion.notifier import Notification, Notifier
from hub.emsp.companion.preferences import BadPreference, PreferenceStore, read_preferences
from hub.emsp.companion.subscriptions import BadSubscription, Subscriptions, read_subscription

Endpoint = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NotificationRow(Shape, frozen=True, kw_only=True):
    """One thing a driver was told.

    Attributes:
        kind: CHARGE, CHARGE_ENDED, BOOKING, PROBLEM, PAYMENT, STATION_FREE, SUGGESTION or OFFER.
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


class PushKeys(Shape, frozen=True, kw_only=True):
    """A browser's keys, base64url."""

    p256dh: Key
    auth: Key


class PushSubscription(Shape, frozen=True, kw_only=True):
    """A PushSubscription as a browser's ``toJSON`` gives it."""

    endpoint: Endpoint
    keys: PushKeys
    expirationTime: float | None = None


class PushEndpoint(Shape, frozen=True, kw_only=True):
    """Which subscription."""

    endpoint: Endpoint


class PushKey(Shape, frozen=True, kw_only=True):
    """What browsers subscribe with: applicationServerKey."""

    public_key: str


class CompanionRoutes:
    """A driver's own.

    Args:
        push_key: "": there is no web push.
    """

    tag = "companion"

    def __init__(
        self,
        *,
        notifier: Notifier,
        preferences: PreferenceStore,
        subscriptions: Subscriptions,
        favourites: Favourites,
        stations: Stations,
        push_key: str = "",
    ) -> None:
        self._notifier = notifier
        self._preferences = preferences
        self._subscriptions = subscriptions
        self._favourites = favourites
        self._stations = stations
        self._push_key = push_key

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

    @route("GET", "/web-push-key", scope=Scope.OWN)
    async def get_web_push_key(self, call: Call) -> PushKey:
        """Show the key a browser subscribes to web push with."""
        if not self._push_key:
            raise NotFound("There is no web push here")
        return PushKey(public_key=self._push_key)

    @route("GET", "/push-subscriptions", scope=Scope.OWN)
    async def list_push_subscriptions(self, call: Call) -> Page[PushEndpoint]:
        """List the browsers and apps that take your notifications."""
        found = await self._subscriptions.of(call.principal.id)
        return Page(items=[PushEndpoint(endpoint=each.endpoint) for each in found])

    @route("POST", "/push-subscriptions", scope=Scope.OWN, status=204)
    async def add_push_subscription(self, call: Call, body: PushSubscription) -> None:
        """Have notifications pushed to a browser."""
        try:
            subscription = read_subscription(msgspec.to_builtins(body))
        except BadSubscription as error:
            raise invalid(error.path, error.rule) from error
        await self._subscriptions.add(call.principal.id, subscription, now=call.now)

    @route("DELETE", "/push-subscriptions", scope=Scope.OWN, status=204)
    async def remove_push_subscription(self, call: Call, body: PushEndpoint) -> None:
        """Have nothing pushed there any more."""
        if not await self._subscriptions.remove(call.principal.id, body.endpoint):
            raise NotFound("You have no such subscription")

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
