"""Prices: Tariffs in every version, where they apply, what a charge would cost, and special offers.

What costs drivers money asks for the password again.

Source: REQUIREMENTS DD-R7, DD-R8, RASD-R23, RASD-R31, RASD-F22; OCPI 2.3.0, mod_tariffs.asciidoc.
"""

from decimal import Decimal
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number, within
from hub.cpms.api.ordering import in_utc
from hub.cpms.api.routes.targets import PricePlace, paged, place, targets
from hub.cpms.api.scopes import Scope
from hub.cpms.tariffs.making import Made, Version
from hub.cpms.tariffs.previewing import Charge, preview
from hub.cpms.tariffs.room import TariffRoom
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import NoSuchObject
from hub.ocpi.shelves import Shelf

_MOST = 1_000  # places of one request

CcPid = Annotated[str, msgspec.Meta(min_length=6, max_length=6)]
Id36 = Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
Amount = Annotated[Decimal, within(0, 1e9)]


class NewTariff(Shape, frozen=True, kw_only=True):
    """A Tariff to be made.

    Attributes:
        tariff: as OCPI has it; country_code, party_id and last_updated are filled in, an id is made if there is none.
        provider: CC-PID of the one eMSP it is for, such as DE-EMP; null: for everyone.
        note: why, for the operator's own people.
    """

    tariff: JSONObject
    provider: CcPid | None = None
    note: Annotated[str, msgspec.Meta(max_length=255)] = ""


class ChangedTariff(Shape, frozen=True, kw_only=True):
    """What a Tariff is to be from now on, and why."""

    tariff: JSONObject
    note: Annotated[str, msgspec.Meta(max_length=255)] = ""


class TariffView(Shape, frozen=True, kw_only=True):
    """A Tariff of the operator.

    Attributes:
        provider: CC-PID of the one eMSP it is for; null: for everyone.
        offer_id: the special offer it was made for.
        places: where it is assigned.
    """

    tariff: JSONObject
    provider: str | None
    offer_id: str | None
    places: list[PricePlace]


class VersionView(Shape, frozen=True, kw_only=True):
    """A Tariff as it was from one moment to another; ``applies_until`` null: still."""

    version: int
    tariff: JSONObject
    applies_from: Moment
    applies_until: Moment | None
    made_by: str
    note: str


class VersionQuery(ListQuery, frozen=True, kw_only=True):
    """Which versions; ``at``: only the one that applied then."""

    at: Moment | None = None


class Places(Shape, frozen=True, kw_only=True):
    """Where a Tariff applies, whole."""

    targets: Annotated[list[PricePlace], msgspec.Meta(max_length=_MOST)]


class NewCharge(Shape, frozen=True, kw_only=True):
    """A charge whose price is asked.

    Attributes:
        start: when charging begins.
        kwh: energy.
        minutes: of charging; ``parking`` after it; ``reserved`` before it.
        power: in kW; null: energy over time.
        current: in A, over all phases.
        time_zone: of the Location, as in tzdata.
        tariff: priced instead of the one in the path, so that a change can be tried before it is made.
    """

    start: Moment
    kwh: Amount
    minutes: Annotated[Decimal, within(0, 40_000)]
    parking: Annotated[Decimal, within(0, 40_000)] = Decimal(0)
    reserved: Annotated[Decimal, within(0, 40_000)] = Decimal(0)
    power: Amount | None = None
    current: Amount | None = None
    time_zone: Name = "UTC"
    tariff: JSONObject | None = None


class GroupView(Shape, frozen=True, kw_only=True):
    """A group of stations that get their prices together."""

    members: Annotated[list[PricePlace], msgspec.Meta(max_length=_MOST)]


class TariffRoutes:
    """The operator's Tariffs."""

    tag = "tariffs"

    def __init__(self, room: TariffRoom) -> None:
        self._room = room
        self._shelf: Shelf = room.store.tariffs

    @route("GET", "/tariffs", scope=Scope.TARIFFS_READ)
    async def list_tariffs(self, call: Call, query: ListQuery) -> Page[TariffView]:
        """List the Tariffs as they are now, the oldest first."""
        page = await self._shelf.page({"limit": str(query.limit), "after": str(cursor_number(query) or 0)})
        views = [await self._view(await self._made(each["id"])) for each in page.objects]
        return Page(items=views, next=page.following.rpartition("after=")[2] if page.following else None)

    @route("POST", "/tariffs", scope=Scope.TARIFFS_WRITE, status=201, step_up=True, problems=(Conflict,))
    async def create_tariff(self, call: Call, body: NewTariff) -> TariffView:
        """Make a Tariff; eMSPs are told at once, it applies where it is assigned."""
        try:
            made = await self._room.tariffs.create(
                body.tariff,
                provider=_party(body.provider),
                made_by=call.principal.name,
                note=body.note,
                also=lambda tx, made: call.trail.record(tx, status=201, target=made["id"], after=made),
            )
        except InvalidParameters as error:
            raise _refused(error, "body.tariff") from error
        return await self._view(await self._made(made["id"]))

    @route("GET", "/tariffs/{tariff_id}", scope=Scope.TARIFFS_READ)
    async def get_tariff(self, call: Call, tariff_id: str) -> TariffView:
        """Show a Tariff as it is now, and where it applies."""
        return await self._view(await self._made(tariff_id))

    @route("PUT", "/tariffs/{tariff_id}", scope=Scope.TARIFFS_WRITE, step_up=True)
    async def change_tariff(self, call: Call, tariff_id: str, body: ChangedTariff) -> TariffView:
        """Change a Tariff: a new version from now on; running sessions keep what they began with."""
        before = await self._made(tariff_id)
        call.expect(await self._view(before))
        try:
            await self._room.change(
                tariff_id,
                body.tariff,
                made_by=call.principal.name,
                note=body.note,
                also=lambda tx, after: call.trail.record(tx, before=before.tariff, after=after),
            )
        except InvalidParameters as error:
            raise _refused(error, "body.tariff") from error
        return await self._view(await self._made(tariff_id))

    @route("DELETE", "/tariffs/{tariff_id}", scope=Scope.TARIFFS_WRITE, status=204, step_up=True)
    async def remove_tariff(self, call: Call, tariff_id: str) -> None:
        """Remove a Tariff: no Connector names it any more, and eMSPs delete it; its versions stay."""
        before = await self._made(tariff_id)
        await self._room.tariffs.remove(
            tariff_id, also=lambda tx, _: call.trail.record(tx, status=204, before=before.tariff)
        )

    @route("GET", "/tariffs/{tariff_id}/versions", scope=Scope.TARIFFS_READ)
    async def list_tariff_versions(self, call: Call, tariff_id: str, query: VersionQuery) -> Page[VersionView]:
        """List the versions of a Tariff, also of one that was removed."""
        tariffs = self._room.tariffs
        if query.at is not None:
            found = await tariffs.version_at(tariff_id, in_utc(query.at))
            return Page(items=[] if found is None else [_version(found)])
        versions = await tariffs.versions(tariff_id)
        if not versions:
            await self._made(tariff_id)
        return paged([_version(each) for each in versions], query)

    @route("PUT", "/tariffs/{tariff_id}/places", scope=Scope.TARIFFS_WRITE, step_up=True)
    async def assign_tariff(self, call: Call, tariff_id: str, body: Places) -> TariffView:
        """Have a Tariff apply at these places and nowhere else; the Connectors tell eMSPs."""
        before = await self._view(await self._made(tariff_id))
        try:
            await self._room.tariffs.assign(
                tariff_id,
                targets(body.targets),
                also=lambda tx, _: call.trail.record(
                    tx, before=msgspec.to_builtins(before.places), after=msgspec.to_builtins(body.targets)
                ),
            )
        except InvalidParameters as error:
            raise _refused(error, "body") from error
        return await self._view(await self._made(tariff_id))

    @route("POST", "/tariffs/{tariff_id}/preview", scope=Scope.TARIFFS_READ, step_up=False)
    async def preview_tariff(self, call: Call, tariff_id: str, body: NewCharge) -> JSONObject:
        """Tell what a charge would cost, line by line, with the reasons."""
        charge = Charge(
            start=in_utc(body.start), kwh=body.kwh, minutes=body.minutes, parking=body.parking, reserved=body.reserved,
            power=body.power, current=body.current, time_zone=body.time_zone,
        )  # fmt: skip
        made = await self._made(tariff_id)
        try:
            tariff = made.tariff if body.tariff is None else self._room.tariffs.judged(body.tariff | {"id": tariff_id})
            return preview(tariff, charge).as_json()
        except InvalidParameters as error:
            raise _refused(error, "body") from error

    @route("GET", "/station-groups/{group_id}", scope=Scope.TARIFFS_READ)
    async def get_station_group(self, call: Call, group_id: str) -> GroupView:
        """Show a group of stations."""
        members = await self._room.places.group(group_id)
        if not members:
            raise NotFound("There is no such group")
        return GroupView(members=[place(each) for each in members])

    @route("PUT", "/station-groups/{group_id}", scope=Scope.TARIFFS_WRITE, step_up=True)
    async def put_station_group(self, call: Call, group_id: str, body: GroupView) -> GroupView:
        """Make or change a group of stations: Locations and EVSEs; what is assigned to it is theirs from now on."""
        before = [place(each) for each in await self._room.places.group(group_id)]
        try:
            await self._room.places.put_group(
                group_id,
                targets(body.members),
                at=call.now,
                also=lambda tx, _: call.trail.record(
                    tx, before=msgspec.to_builtins(before), after=msgspec.to_builtins(body.members)
                ),
            )
        except InvalidParameters as error:
            raise _refused(error, "body") from error
        return GroupView(members=[place(each) for each in await self._room.places.group(group_id)])

    async def _made(self, tariff_id: str) -> Made:
        try:
            return await self._room.tariffs.get(tariff_id)
        except NoSuchObject as error:
            raise NotFound("There is no such Tariff") from error

    async def _view(self, made: Made) -> TariffView:
        return TariffView(
            tariff=made.tariff,
            provider=None if made.provider is None else str(made.provider),
            offer_id=made.offer_id,
            places=[place(each) for each in await self._room.places.of(made.tariff["id"])],
        )


def _version(version: Version) -> VersionView:
    return VersionView(
        version=version.version,
        tariff=version.tariff,
        applies_from=version.applies_from,
        applies_until=version.applies_until,
        made_by=version.made_by,
        note=version.note,
    )


def _party(text: str | None) -> Party | None:
    if text is None:
        return None
    country_code, dash, party_id = text.partition("-")
    if not dash or len(country_code) != 2 or len(party_id) != 3:
        raise invalid("body.provider", "must be a country code and a party id, such as DE-EMP")
    return Party.of(country_code, party_id)


def _refused(error: InvalidParameters, where: str) -> Exception:
    path, _, rule = str(error).partition(": ")
    return invalid(where + path.removeprefix("$"), rule or path)
