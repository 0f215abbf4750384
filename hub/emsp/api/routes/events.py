"""Live events: a driver's own, and for operators those of all drivers: ``GET /events``."""

from typing import Annotated

import msgspec
from starlette.responses import Response

from hub.api.declaring import Call, Gate, route
from hub.api.feed import Event, Feed
from hub.api.problems import invalid
from hub.api.realms import Access
from hub.api.shapes import Shape
from hub.api.streams import MEDIA_TYPE, EventStream
from hub.emsp.api.scopes import Scope

#: The scope that lets an operator hear a kind of event; a kind that is not here is told to nobody.
KINDS: dict[str, Scope] = {
    "booking": Scope.BOOKINGS_READ,
    "session": Scope.SESSIONS_READ,
    "command": Scope.SESSIONS_READ,
    "case": Scope.CASES_READ,
    "cdr": Scope.CDRS_READ,
    "money": Scope.MONEY_READ,
    "notification": Scope.DRIVERS_READ,
    "suggestion": Scope.DRIVERS_READ,
}


class EventsQuery(Shape, frozen=True, kw_only=True):
    """Which events.

    Attributes:
        kinds: separated by commas; all that the caller may hear without it.
        last_event_id: as the header Last-Event-ID, for those who cannot send it.
    """

    kinds: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    last_event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class EventRoutes:
    """The feed, as server-sent events."""

    tag = "events"

    def __init__(self, feed: Feed, gate: Gate) -> None:
        self._feed = feed
        self._gate = gate

    @route("GET", "/events", scope=Access.SIGNED_IN, produces=MEDIA_TYPE)
    async def stream_events(self, call: Call, query: EventsQuery) -> Response:
        """Tell what happens, as it happens: a driver what is his own, operators what their role sees.

        Each event has an id; a client that comes back gives the last one as Last-Event-ID and gets what
        it missed, or the event ``reset``: too much has happened since, look at everything.
        """
        who = call.principal
        after = query.last_event_id or call.headers.get("last-event-id") or None

        def mine(event: Event) -> bool:
            return who.kind != "driver" or event.data.get("driver_id") == who.id

        return EventStream(
            self._feed, _kinds(query.kinds, call), after=after, allowed=Allowed(call, self._gate), wants=mine
        )


class Allowed:
    """Whether a caller may still listen."""

    def __init__(self, call: Call, gate: Gate) -> None:
        self._call = call
        self._gate = gate

    async def __call__(self) -> bool:
        """Return whether the token still holds, and for the same."""
        token = self._call.headers.get("authorization", "").partition(" ")[2].strip()
        found = await self._gate.principal(token)
        return found is not None and found.scopes == self._call.principal.scopes


def _kinds(asked: str | None, call: Call) -> frozenset[str]:
    """Return the kinds a caller gets: of those he asked for what he may hear."""
    is_driver = call.principal.kind == "driver"
    mine = {kind for kind, scope in KINDS.items() if is_driver or scope in call.principal.scopes}
    if asked is None:
        return frozenset(mine)
    wanted = set(asked.split(","))
    if not wanted <= KINDS.keys():
        raise invalid("query.kinds", f"must be of {', '.join(sorted(KINDS))}")
    return frozenset(wanted & mine)
