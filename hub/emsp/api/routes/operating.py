"""What the provider's staff sees and does of charging: drivers' charges, cases of what did not come, SMS that come.

Source: GEM-UC-1518, SGEM-4.1-01 to SGEM-4.1-06, SGEM-4.1-13, X-50 to X-54.
"""

from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number, pattern
from hub.emsp.api.routes.booking import Cpo, conditions
from hub.emsp.api.routes.charging import ChargeSeen, charge_seen
from hub.emsp.api.routes.refusing import TROUBLE, refusing
from hub.emsp.api.scopes import Scope
from hub.emsp.charging.cases import Case, case_of, cases, close_case
from hub.emsp.charging.charges import Charge, charges
from hub.emsp.charging.room import Charging
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject


class DriverChargesQuery(ListQuery, frozen=True, kw_only=True):
    """Which charges of drivers."""

    driver_id: Name | None = None
    owner: Cpo | None = None
    state: Name | None = None


class CasesQuery(ListQuery, frozen=True, kw_only=True):
    """Which cases: open ones, or closed ones."""

    closed: bool = False


class CaseSeen(Shape, frozen=True, kw_only=True):
    """Something that did not come, or came from nowhere.

    Attributes:
        kind: RESULT_MISSING, SESSION_MISSING, STOP_MISSING, CDR_MISSING, CDR_DISPUTED, ORDER_MISSING or
            CDR_WITHOUT_SESSION.
        subject: id of the charge, or OWNER/ID of the Session or CDR.
        closed_at: null while nobody has closed it and what was missing has not come.
    """

    id: int
    kind: str
    subject: str
    owner: str
    detail: JSONObject
    opened_at: Moment
    closed_at: Moment | None
    note: str | None


class Closing(Shape, frozen=True, kw_only=True):
    """What was found, or done about it."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class ShortMessage(Shape, frozen=True, kw_only=True):
    """A short message as its gateway hands it over.

    Attributes:
        id: the gateway's; the same one again is answered the same, and changes nothing.
        phone: E.164.
    """

    id: Annotated[str, pattern("^[\\u0020-\\u007e]+$", "printable ASCII", most=100)]
    phone: Annotated[
        str,
        pattern(
            "^\\+[1-9][0-9]{6,14}$", "a phone number in international form, such as +31612345678", least=8, most=16
        ),
    ]
    text: Annotated[str, msgspec.Meta(max_length=1000)]


class Reply(Shape, frozen=True, kw_only=True):
    """What is answered; it is also sent."""

    text: str


class OperatingRoutes:
    """Charges of all drivers, and cases."""

    tag = "operating"

    def __init__(self, charging: Charging) -> None:
        self._charging = charging

    @route("GET", "/driver-charges", scope=Scope.SESSIONS_READ)
    async def list_driver_charges(self, call: Call, query: DriverChargesQuery) -> Page[ChargeSeen]:
        """List charges, the newest first."""
        skip = cursor_number(query) or 0
        owner = str(Party.parse(query.owner)) if query.owner else None
        where, values = conditions(driver_id=query.driver_id, owner=owner, state=query.state)
        database, now = self._charging.ground.database, self._charging.ground.now()
        found = await charges(database, where, *values, most=query.limit + 1, skip=skip)
        following = str(skip + query.limit) if len(found) > query.limit else None
        return Page(items=[charge_seen(each, now) for each in found[: query.limit]], next=following)

    @route("GET", "/driver-charges/{charge_id}", scope=Scope.SESSIONS_READ)
    async def get_driver_charge(self, call: Call, charge_id: str) -> ChargeSeen:
        """Show a charge."""
        return charge_seen(await self._charge(charge_id), self._charging.ground.now())

    @route("POST", "/driver-charges/{charge_id}/stop", scope=Scope.SESSIONS_CONTROL, problems=TROUBLE)
    async def stop_driver_charge(self, call: Call, charge_id: str) -> ChargeSeen:
        """Stop a driver's charge."""
        charge = await self._charge(charge_id)
        with refusing():
            stopped = await self._charging.stopping.stop(charge.driver_id, charge_id)
        return charge_seen(stopped, self._charging.ground.now())

    async def _charge(self, charge_id: str) -> Charge:
        found = await charges(self._charging.ground.database, "id = $1", charge_id)
        if not found:
            raise NotFound("There is no such charge")
        return found[0]

    # -- cases -------------------------------------------------------------------------------------

    @route("GET", "/cases", scope=Scope.CASES_READ)
    async def list_cases(self, call: Call, query: CasesQuery) -> Page[CaseSeen]:
        """List cases, the oldest first."""
        database = self._charging.ground.database
        found = await cases(database, closed=query.closed, after=cursor_number(query) or 0, most=query.limit + 1)
        shown = [_case(each) for each in found[: query.limit]]
        return Page(items=shown, next=str(shown[-1].id) if len(found) > query.limit else None)

    @route("POST", "/cases/{case_id}/close", scope=Scope.CASES_WRITE, problems=(Conflict,))
    async def close_case(self, call: Call, case_id: str, body: Closing) -> CaseSeen:
        """Close a case with a note."""
        if not (case_id.isascii() and case_id.isdigit() and len(case_id) < 17):
            raise invalid("path.case_id", "must be a whole number")
        database = self._charging.ground.database
        if await case_of(database, int(case_id)) is None:
            raise NotFound("There is no such case")
        closed = await database.transact(lambda tx: close_case(tx, int(case_id), body.note, call.now))
        if closed is None:
            raise Conflict("The case is closed")
        return _case(closed)

    # -- SMS ---------------------------------------------------------------------------------------

    @route("POST", "/sms-messages", scope=Scope.SMS_RECEIVE)
    async def receive_sms(self, call: Call, body: ShortMessage) -> Reply:
        """Take a short message of a driver, and do what it says."""
        return Reply(text=await self._charging.sms.received(body.id, body.phone, body.text))


def _case(case: Case) -> CaseSeen:
    return CaseSeen(
        id=case.id, kind=case.kind, subject=case.subject, owner=case.owner, detail=case.detail,
        opened_at=case.opened_at, closed_at=case.closed_at, note=case.note,
    )  # fmt: skip
