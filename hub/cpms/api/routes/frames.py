"""The log of frames: what passed between stations and us, searched and exported."""

import datetime
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from starlette.responses import Response, StreamingResponse

from hub.api.answers import HEADERS
from hub.api.declaring import Call, route
from hub.api.problems import invalid
from hub.api.shapes import ListQuery, Moment, Page, Shape
from hub.cpms.api.scopes import Scope
from hub.database.contract import Database
from hub.ocpi import codec
from hub.ocpi.times import EPOCH, date_time
from hub.ocpp import framelog
from hub.ocpp.framelog import Noted, Search

_MICROSECOND = datetime.timedelta(microseconds=1)

NDJSON = "application/x-ndjson"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class FrameQuery(ListQuery, frozen=True, kw_only=True):
    """Which frames of a station: those that are all of it.

    Attributes:
        since, until: the first instant, and the first after the last.
        message_id: of the CALL and its answer alike.
        text: anywhere in the frame, capitals or not.
    """

    since: Moment | None = None
    until: Moment | None = None
    action: Text | None = None
    message_id: Text | None = None
    text: Text | None = None


class ExportQuery(Shape, frozen=True, kw_only=True):
    """Which frames of which stations; all of a station without more."""

    station_id: Text | None = None
    since: Moment | None = None
    until: Moment | None = None
    action: Text | None = None
    message_id: Text | None = None
    text: Text | None = None


class Frame(Shape, frozen=True, kw_only=True):
    """One frame.

    Attributes:
        direction: in from the station, out to it.
        action: of a CALL; of an answer "".
        text: as it was sent, without passwords.
    """

    station_id: str
    at: Moment
    direction: str
    message_id: str
    action: str
    text: str


class FrameRoutes:
    """The frames of the last weeks."""

    tag = "frames"

    def __init__(self, database: Database) -> None:
        self._database = database

    @route("GET", "/stations/{station_id}/frames", scope=Scope.FRAMES_READ)
    async def list_frames(self, call: Call, station_id: str, query: FrameQuery) -> Page[Frame]:
        """List the frames of a station, the oldest first."""
        begun, skip = _place(query.cursor)
        since = EPOCH + begun * _MICROSECOND if query.cursor else query.since
        wanted = Search(
            station_id=station_id,
            since=since,
            until=query.until,
            action=query.action,
            message_id=query.message_id,
            text=query.text,
        )
        found = await self._some(wanted, skip + query.limit + 1)
        page = found[skip : skip + query.limit]
        following = _cursor(page, begun, skip) if len(found) > skip + len(page) else None
        return Page(items=[_frame(each) for each in page], next=following)

    async def _some(self, wanted: Search, most: int) -> list[Noted]:
        found: list[Noted] = []
        async for each in framelog.search(self._database, wanted):
            found.append(each)
            if len(found) == most:
                break
        return found

    @route("GET", "/frames", scope=Scope.FRAMES_READ, produces=NDJSON)
    async def export_frames(self, call: Call, query: ExportQuery) -> Response:
        """Export frames of all stations, or of one, one JSON object per line."""
        wanted = Search(**msgspec.structs.asdict(query))

        async def lines() -> AsyncIterator[bytes]:
            async for each in framelog.search(self._database, wanted):
                yield codec.encode(each.as_json()) + b"\n"

        told = {**HEADERS, "Content-Disposition": f'attachment; filename="frames-{date_time(call.now)[:10]}.ndjson"'}
        return StreamingResponse(lines(), headers=told, media_type=NDJSON)


def _place(cursor: str | None) -> tuple[int, int]:
    """Return the moment a cursor names, in microseconds since 1970, and how many frames of it have been shown."""
    at, _, shown = (cursor or "0-0").partition("-")
    if not all(each.isascii() and each.isdigit() and len(each) <= 16 for each in (at, shown)):
        raise invalid("query.cursor", "must be the next of a page before")
    return int(at), int(shown)


def _cursor(page: list[Noted], begun: int, skipped: int) -> str:
    """Return where the next page begins: a moment can have many frames."""
    last = _micros(page[-1].at)
    shown = sum(_micros(each.at) == last for each in page)
    return f"{last}-{shown + skipped if last == begun else shown}"


def _micros(at: datetime.datetime) -> int:
    return (at - EPOCH) // _MICROSECOND


def _frame(noted: Noted) -> Frame:
    return Frame(**noted._asdict())
