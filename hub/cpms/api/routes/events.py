"""Live events, for dashboards and machines: ``GET /events``."""

from typing import Annotated

import msgspec
from starlette.responses import Response

from hub.api.declaring import Call, Gate, route
from hub.api.feed import Feed
from hub.api.problems import invalid
from hub.api.realms import Access
from hub.api.shapes import Shape
from hub.api.streams import MEDIA_TYPE, EventStream
from hub.cpms.api.scopes import Scope

#: The scope that lets a caller hear a kind of event; a kind that is not here is told to nobody.
KINDS: dict[str, Scope] = {
    "status": Scope.STATIONS_READ,
    "connector": Scope.STATIONS_READ,
    "charger": Scope.STATIONS_READ,
    "station": Scope.STATIONS_READ,
    "alarm": Scope.ALARMS_READ,
    "session": Scope.SESSIONS_READ,
    "cdr": Scope.CDRS_READ,
    "tariff": Scope.TARIFFS_READ,
    "booking": Scope.BOOKINGS_READ,
    "charging": Scope.CHARGING_READ,
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
        """Tell what happens, as it happens.

        Each event has an id; a client that comes back gives the last one as Last-Event-ID and gets what
        it missed, or the event ``reset``: too much has happened since, look at everything.
        """
        after = query.last_event_id or call.headers.get("last-event-id") or None

        async def allowed() -> bool:
            token = call.headers.get("authorization", "").partition(" ")[2].strip()
            found = await self._gate.principal(token)
            return found is not None and found.scopes == call.principal.scopes

        return EventStream(self._feed, _kinds(query.kinds, call), after=after, allowed=allowed)


def _kinds(asked: str | None, call: Call) -> frozenset[str]:
    """Return the kinds a caller gets: of those he asked for what he may hear."""
    mine = {kind for kind, scope in KINDS.items() if scope in call.principal.scopes}
    if asked is None:
        return frozenset(mine)
    wanted = set(asked.split(","))
    if not wanted <= KINDS.keys():
        raise invalid("query.kinds", f"must be of {', '.join(sorted(KINDS))}")
    return frozenset(wanted & mine)
