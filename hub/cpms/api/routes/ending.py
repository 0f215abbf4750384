"""When the time of a running session is up, decided by an operator (RASD-F07)."""

import datetime
from collections.abc import Awaitable
from typing import Protocol

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, invalid
from hub.api.shapes import Moment, Shape
from hub.cpms.api.ordering import in_utc
from hub.cpms.api.scopes import Scope
from hub.database.works import Also


class End(Shape, frozen=True, kw_only=True):
    """A moment that is to come."""

    at: Moment


class EndBy(Protocol):
    """Has a session end at a moment, and writes something in the same transaction; False: no such session goes on."""

    def __call__(self, session_id: str, at: datetime.datetime, also: Also[None], /) -> Awaitable[bool]: ...


class EndingRoutes:
    """Ends of sessions that go on."""

    tag = "records"

    def __init__(self, end_by: EndBy) -> None:
        self._end_by = end_by

    @route("PUT", "/sessions/{session_id}/end", scope=Scope.SESSIONS_CONTROL)
    async def set_session_end(self, call: Call, session_id: str, body: End) -> End:
        """Have a running session end at a moment, or when its car is full, whichever comes first."""
        at = in_utc(body.at)
        if at <= call.now:
            raise invalid("body.at", "must be to come; a session is stopped at once by POST .../stop")
        if not await self._end_by(session_id, at, lambda tx, _: call.trail.record(tx, after=body)):
            raise NotFound("No such session is running")
        return body
