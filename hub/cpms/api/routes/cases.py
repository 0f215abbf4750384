"""Usage data somebody has to look at: listed, and closed with a note (X-56)."""

import dataclasses
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Page, Shape, cursor_number
from hub.cpms.api.scopes import Scope
from hub.cpms.cases import Case, Cases
from hub.ocpi.objects import JSONObject


class CaseQuery(ListQuery, frozen=True, kw_only=True):
    """Which cases, the oldest first: those that are open, or all."""

    open_only: bool = True


class UsageCase(Shape, frozen=True, kw_only=True):
    """What was metered and could not be billed as it is, or was with a doubt.

    Attributes:
        kind: such as UNAUTHORIZED, INVALID_USAGE, STOP_WITHOUT_START.
        closed_at: null while nobody has closed it.
    """

    id: int
    kind: str
    station_id: str
    transaction_id: int
    session_id: str
    detail: JSONObject
    opened_at: Moment
    closed_at: Moment | None
    note: str | None


class Closing(Shape, frozen=True, kw_only=True):
    """What was found, or done about it."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class CaseRoutes:
    """The cases."""

    tag = "cases"

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    @route("GET", "/cases", scope=Scope.SESSIONS_READ)
    async def list_cases(self, call: Call, query: CaseQuery) -> Page[UsageCase]:
        """List cases."""
        after = cursor_number(query) or 0
        found = [each for each in await self._cases.all(open_only=query.open_only) if each.id > after]
        page = [_shown(each) for each in found[: query.limit]]
        return Page(items=page, next=str(page[-1].id) if len(found) > query.limit else None)

    @route("POST", "/cases/{case_id}/close", scope=Scope.SESSIONS_CONTROL, problems=(Conflict,))
    async def close_case(self, call: Call, case_id: str, body: Closing) -> UsageCase:
        """Close a case with a note."""
        number = _number(case_id)
        before = await self._known(number)
        after = dataclasses.replace(before, note=body.note, closed_at=call.now)
        closed = await self._cases.close(
            number,
            note=body.note,
            closed_at=call.now,
            also=lambda tx, _: call.trail.record(tx, before=_shown(before), after=_shown(after)),
        )
        if not closed:
            raise Conflict("The case is closed")
        return _shown(await self._known(number))

    async def _known(self, number: int) -> Case:
        found = next((each for each in await self._cases.all(open_only=False) if each.id == number), None)
        if found is None:
            raise NotFound("There is no such case")
        return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise invalid("path.case_id", "must be a whole number")
    return int(text)


def _shown(case: Case) -> UsageCase:
    return UsageCase(**dataclasses.asdict(case))
