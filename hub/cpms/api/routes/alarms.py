"""Alarms: what is to be looked at, and who has (GEM-UC-1529)."""

import datetime
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound
from hub.api.refusals import refusals
from hub.api.shapes import ListQuery, Name, Page, Shape, cursor_number
from hub.cpms.alarms import Alarm, Alarms, Severity
from hub.cpms.api.scopes import Scope


class AlarmQuery(ListQuery, frozen=True, kw_only=True):
    """Which alarms, the newest first.

    Attributes:
        open: only those that are not over; ``unacknowledged``: only those nobody has seen.
    """

    open: bool = False
    unacknowledged: bool = False
    station_id: Name | None = None
    rule: Name | None = None


class AlarmShape(Shape, frozen=True, kw_only=True):
    """Something to look at.

    Attributes:
        subject: what it is about: a station, ``STATION/EVSE``, ``STATION/EVSE Component.Variable``, or a session.
        cleared_at: when it was over; null: it is not.
    """

    id: int
    rule: str
    severity: Severity
    station_id: str
    subject: str
    message: str
    raised_at: datetime.datetime
    cleared_at: datetime.datetime | None
    acknowledged_at: datetime.datetime | None
    acknowledged_by: str | None
    note: str | None


class Acknowledgement(Shape, frozen=True, kw_only=True):
    """What whoever has seen an alarm says of it."""

    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class AlarmRoutes:
    """The alarms."""

    tag = "alarms"

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    @route("GET", "/alarms", scope=Scope.ALARMS_READ)
    async def list_alarms(self, call: Call, query: AlarmQuery) -> Page[AlarmShape]:
        """List alarms."""
        found = await self._alarms.list(
            open_only=query.open,
            unacknowledged_only=query.unacknowledged,
            station_id=query.station_id,
            rule=query.rule,
            before=cursor_number(query),
            limit=query.limit + 1,
        )
        items = [_shape(each) for each in found[: query.limit]]
        return Page(items=items, next=str(items[-1].id) if len(found) > query.limit else None)

    @route("GET", "/alarms/{alarm_id}", scope=Scope.ALARMS_READ)
    async def get_alarm(self, call: Call, alarm_id: str) -> AlarmShape:
        """Show an alarm."""
        with refusals():
            return _shape(await self._alarms.get(_number(alarm_id)))

    @route("POST", "/alarms/{alarm_id}/acknowledge", scope=Scope.ALARMS_WRITE)
    async def acknowledge_alarm(self, call: Call, alarm_id: str, body: Acknowledgement) -> AlarmShape:
        """Say that an alarm has been seen. One whose end no station can tell is over with that."""
        with refusals():
            alarm = await self._alarms.acknowledge(
                _number(alarm_id),
                by=call.principal.name,
                note=body.note,
                also=lambda tx, alarm: call.trail.record(tx, after=_shape(alarm)),
            )
        return _shape(alarm)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFound("There is no such alarm")
    return int(text)


def _shape(alarm: Alarm) -> AlarmShape:
    return AlarmShape(**{name: getattr(alarm, name) for name in AlarmShape.__struct_fields__})
