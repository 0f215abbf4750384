"""Fleets by groups of Tokens, made by operators; their reports for who manages them (GEM-FTR-1301, GEM-UC-1524)."""

import re
from decimal import Decimal
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, pattern
from hub.emsp.api.routes.histories import span
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.fleets import Fleet, Fleets, Line, Member, NotYourFleet, TokenTaken, UnknownToken
from hub.emsp.companion.needs import Contacts

#: OCPP 1.6 has 20 characters for a parentIdTag, which group_id becomes (mod_tokens).
_GROUP = "^[A-Za-z0-9_-]{1,20}$"

DriverId = Annotated[str, pattern("^[0-9a-f-]+$", "the id of a driver", least=36, most=36)]


class FleetForm(Shape, frozen=True, kw_only=True):
    """A fleet, and the driver who may see its reports."""

    name: Name
    manager: DriverId


class FleetSeen(Shape, frozen=True, kw_only=True):
    """A fleet.

    Attributes:
        group_id: of its Tokens, as CPOs are told them.
        manager: driver_id; "": nobody.
    """

    group_id: str
    name: str
    manager: str


class MemberForm(Shape, frozen=True, kw_only=True):
    """What a Token stands for."""

    vehicle: Name
    cost_centre: Annotated[str, msgspec.Meta(max_length=100)] = ""


class MemberSeen(Shape, frozen=True, kw_only=True):
    """A Token of a fleet."""

    token_uid: str
    vehicle: str
    cost_centre: str


class FleetPeriod(ListQuery, frozen=True, kw_only=True):
    """Charges that ended in a time; by default those of the last year."""

    since: Moment | None = None
    until: Moment | None = None


class FleetLine(Shape, frozen=True, kw_only=True):
    """What one Token charged, in one currency.

    Attributes:
        kg_co2: without the ``charges_without_co2``, of which nobody can say.
    """

    vehicle: str
    token_uid: str
    cost_centre: str
    charges: int
    kwh: Decimal
    currency: str
    cost: Decimal
    kg_co2: Decimal
    charges_without_co2: int


class FleetRoutes:
    """All fleets, for operators."""

    tag = "fleets"

    def __init__(self, fleets: Fleets, contacts: Contacts) -> None:
        self._fleets = fleets
        self._contacts = contacts

    @route("GET", "/fleets", scope=Scope.FLEETS_READ)
    async def list_fleets(self, call: Call) -> Page[FleetSeen]:
        """List the fleets."""
        return Page(items=[_fleet(each) for each in await self._fleets.all()])

    @route("PUT", "/fleets/{group_id}", scope=Scope.FLEETS_WRITE)
    async def put_fleet(self, call: Call, group_id: str, body: FleetForm) -> FleetSeen:
        """Make a fleet, or give it another name or manager."""
        if not re.fullmatch(_GROUP, group_id, re.ASCII):
            raise invalid("path.group_id", "must be 1 to 20 letters, digits, hyphens or underscores")
        if await self._contacts.contact(body.manager) is None:
            raise invalid("$.manager", "there is no such driver")
        await self._fleets.make(group_id, body.name, body.manager)
        return FleetSeen(group_id=group_id, name=body.name, manager=body.manager)

    @route("GET", "/fleets/{group_id}/members", scope=Scope.FLEETS_READ)
    async def list_fleet_members(self, call: Call, group_id: str) -> Page[MemberSeen]:
        """List the Tokens of a fleet."""
        return await members(self._fleets, group_id, None)

    @route("PUT", "/fleets/{group_id}/members/{token_uid}", scope=Scope.FLEETS_WRITE, problems=(Conflict,))
    async def put_fleet_member(self, call: Call, group_id: str, token_uid: str, body: MemberForm) -> MemberSeen:
        """Put a Token into a fleet, or change what it stands for; CPOs are told its group."""
        member = Member(token_uid=token_uid.upper(), vehicle=body.vehicle, cost_centre=body.cost_centre)
        try:
            await self._fleets.put(group_id, member)
        except NotYourFleet as error:
            raise NotFound("There is no such fleet") from error
        except UnknownToken as error:
            raise NotFound(str(error)) from error
        except TokenTaken as error:
            raise Conflict(str(error)) from error
        return _member(member)

    @route("DELETE", "/fleets/{group_id}/members/{token_uid}", scope=Scope.FLEETS_WRITE, status=204)
    async def remove_fleet_member(self, call: Call, group_id: str, token_uid: str) -> None:
        """Take a Token out of a fleet; CPOs are told."""
        if not await self._fleets.take_out(group_id, token_uid):
            raise NotFound("It is not in this fleet")

    @route("GET", "/fleets/{group_id}/report", scope=Scope.FLEETS_READ)
    async def report_fleet(self, call: Call, group_id: str, query: FleetPeriod) -> Page[FleetLine]:
        """Report what each Token of a fleet charged: energy, cost, CO2."""
        return await report(self._fleets, group_id, query, call, None)


class ManagedFleetRoutes:
    """The fleets a driver manages."""

    tag = "fleets"

    def __init__(self, fleets: Fleets) -> None:
        self._fleets = fleets

    @route("GET", "/driver/fleets", scope=Scope.OWN)
    async def list_managed_fleets(self, call: Call) -> Page[FleetSeen]:
        """List the fleets you manage."""
        return Page(items=[_fleet(each) for each in await self._fleets.all(manager=call.principal.id)])

    @route("GET", "/driver/fleets/{group_id}/members", scope=Scope.OWN)
    async def list_managed_members(self, call: Call, group_id: str) -> Page[MemberSeen]:
        """List the Tokens of a fleet you manage."""
        return await members(self._fleets, group_id, call.principal.id)

    @route("GET", "/driver/fleets/{group_id}/report", scope=Scope.OWN)
    async def report_managed_fleet(self, call: Call, group_id: str, query: FleetPeriod) -> Page[FleetLine]:
        """Report what each Token of a fleet you manage charged."""
        return await report(self._fleets, group_id, query, call, call.principal.id)


async def members(fleets: Fleets, group_id: str, manager: str | None) -> Page[MemberSeen]:
    """Return the Tokens of a fleet.

    Raises:
        NotFound: there is no such fleet, or another manages it.
    """
    try:
        return Page(items=[_member(each) for each in await fleets.members(group_id, manager=manager)])
    except NotYourFleet as error:
        raise NotFound(str(error)) from error


async def report(fleets: Fleets, group_id: str, query: FleetPeriod, call: Call, manager: str | None) -> Page[FleetLine]:
    """Return the lines of a fleet's report.

    Raises:
        NotFound: there is no such fleet, or another manages it.
    """
    start, end = span(query.since, query.until, call.now)
    try:
        return Page(items=[_line(each) for each in await fleets.report(group_id, start, end, manager=manager)])
    except NotYourFleet as error:
        raise NotFound(str(error)) from error


def _fleet(fleet: Fleet) -> FleetSeen:
    return FleetSeen(group_id=fleet.group_id, name=fleet.name, manager=fleet.manager)


def _member(member: Member) -> MemberSeen:
    return MemberSeen(token_uid=member.token_uid, vehicle=member.vehicle, cost_centre=member.cost_centre)


def _line(line: Line) -> FleetLine:
    return FleetLine(
        vehicle=line.member.vehicle, token_uid=line.member.token_uid, cost_centre=line.member.cost_centre,
        charges=line.charges, kwh=line.kwh, currency=line.currency, cost=line.cost, kg_co2=line.kg,
        charges_without_co2=line.unknown,
    )  # fmt: skip
