"""What the operator has by OCPI: sessions and CDRs, the Tokens it was told, its Locations and Tariffs.

They are answered as OCPI has them. A running session can be stopped, a case be closed.

Source: OCPI 2.3.0, mod_sessions, mod_cdrs, mod_tokens, mod_locations, mod_tariffs.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound
from hub.api.shapes import ListQuery, Moment, Page, Shape, cursor_number
from hub.cpms.api.ordering import in_utc
from hub.cpms.api.scopes import Scope
from hub.cpms.ports import CommandResultType
from hub.cpms.store import Store, token_key
from hub.ocpi.modules.cdrs import CDR
from hub.ocpi.modules.locations import Location
from hub.ocpi.modules.sessions import Session
from hub.ocpi.modules.tariffs import Tariff
from hub.ocpi.modules.tokens import Token
from hub.ocpi.objects import JSONObject
from hub.ocpi.shelves import Shelf
from hub.ocpi.times import date_time

#: Stops a session, as the CPMS behind the port does.
StopSession = Callable[[str], Awaitable[CommandResultType]]


class RecordQuery(ListQuery, frozen=True, kw_only=True):
    """Which objects, the oldest first: those changed from ``since`` on and before ``until``."""

    since: Moment | None = None
    until: Moment | None = None


class TokenQuery(Shape, frozen=True, kw_only=True):
    """The type of a Token, which identifies it together with its uid."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "RFID"


class StopResult(Shape, frozen=True, kw_only=True):
    """What became of an order to stop: a CommandResultType."""

    result: str


class RecordRoutes:
    """The operator's shelves.

    Args:
        stop: stops a session.
    """

    tag = "records"

    def __init__(self, store: Store, stop: StopSession) -> None:
        self._store = store
        self._stop = stop

    @route("GET", "/sessions", scope=Scope.SESSIONS_READ, answers=Page[Session])
    async def list_sessions(self, call: Call, query: RecordQuery) -> Page[JSONObject]:
        """List sessions, running and ended."""
        return await _page(self._store.sessions, query)

    @route("GET", "/sessions/{session_id}", scope=Scope.SESSIONS_READ, answers=Session)
    async def get_session(self, call: Call, session_id: str) -> JSONObject:
        """Show a session."""
        return await self._own(self._store.sessions, session_id)

    @route("POST", "/sessions/{session_id}/stop", scope=Scope.SESSIONS_CONTROL, problems=(Conflict,))
    async def stop_session(self, call: Call, session_id: str) -> StopResult:
        """Stop a running session, wherever it was started from."""
        known = await self._own(self._store.sessions, session_id)
        if known["status"] != "ACTIVE":
            raise Conflict(f"The session is {known['status']}")
        result = await self._stop(known["id"])
        call.trail.note(after={"result": result})
        return StopResult(result=result)

    @route("GET", "/cdrs", scope=Scope.CDRS_READ, answers=Page[CDR])
    async def list_cdrs(self, call: Call, query: RecordQuery) -> Page[JSONObject]:
        """List CDRs."""
        return await _page(self._store.cdrs, query)

    @route("GET", "/cdrs/{cdr_id}", scope=Scope.CDRS_READ, answers=CDR)
    async def get_cdr(self, call: Call, cdr_id: str) -> JSONObject:
        """Show a CDR."""
        return await self._own(self._store.cdrs, cdr_id)

    @route("GET", "/tokens", scope=Scope.TOKENS_READ, answers=Page[Token])
    async def list_tokens(self, call: Call, query: RecordQuery) -> Page[JSONObject]:
        """List the Tokens eMSPs told."""
        return await _page(self._store.tokens, query)

    @route("GET", "/tokens/{uid}", scope=Scope.TOKENS_READ, answers=list[Token])
    async def get_token(self, call: Call, uid: str, query: TokenQuery) -> list[JSONObject]:
        """Show the Tokens with a uid and a type, one per eMSP that told it."""
        found = await self._store.tokens.find(object_id=token_key(uid, query.type).upper())
        if not found:
            raise NotFound("There is no such Token")
        return found

    @route("GET", "/locations", scope=Scope.STATIONS_READ, answers=Page[Location])
    async def list_locations(self, call: Call, query: RecordQuery) -> Page[JSONObject]:
        """List the Locations as eMSPs see them."""
        return await _page(self._store.locations, query)

    @route("GET", "/locations/{location_id}", scope=Scope.STATIONS_READ, answers=Location)
    async def get_location(self, call: Call, location_id: str) -> JSONObject:
        """Show a Location as eMSPs see it."""
        return await self._own(self._store.locations, location_id)

    @route("GET", "/published-tariffs", scope=Scope.TARIFFS_READ, answers=Page[Tariff])
    async def list_published_tariffs(self, call: Call, query: RecordQuery) -> Page[JSONObject]:
        """List the Tariffs as eMSPs see them."""
        return await _page(self._store.tariffs, query)

    async def _own(self, shelf: Shelf, object_id: str) -> JSONObject:
        found = await shelf.get(self._store.party, object_id)
        if found is None:
            raise NotFound(f"There is no such {shelf.kind}")
        return found


async def _page(shelf: Shelf, query: RecordQuery) -> Page[JSONObject]:
    parameters = {"limit": str(query.limit), "after": str(cursor_number(query) or 0)}
    for name, at in (("date_from", query.since), ("date_to", query.until)):
        if at is not None:
            parameters[name] = date_time(in_utc(at))
    page = await shelf.page(parameters)
    cursor = page.following.rpartition("after=")[2] if page.following else None
    return Page(items=page.objects, next=cursor)
