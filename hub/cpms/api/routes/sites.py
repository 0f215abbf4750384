"""Sites: the operator's Locations made and changed, how they are, and what is planned there.

Source: OCPI 2.3.0, mod_locations.asciidoc; SGEM-4.4-01, RASD-F15, DD-C-ESS, DD-DEF3.
"""

from typing import Annotated

import msgspec
from starlette.responses import Response

from hub.api.answers import HEADERS
from hub.api.declaring import Call, route
from hub.api.problems import Conflict
from hub.api.refusals import refusals
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape
from hub.cpms.api.ordering import in_utc
from hub.cpms.api.scopes import Scope
from hub.cpms.bulk import Bulk, Report, Written
from hub.cpms.overview import SiteStatus
from hub.cpms.plans import Plan
from hub.cpms.premises import Premises
from hub.cpms.sites import NewLocation
from hub.database.contract import Transaction
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.modules.locations import Location
from hub.ocpi.objects import JSONObject

#: The largest table or list taken at once, in bytes.
_LARGEST = 16 * 1024 * 1024


class NewMaintenance(Shape, frozen=True, kw_only=True):
    """An activity that makes EVSEs unavailable for a time.

    Attributes:
        ends: null while nobody knows; it is ended then by deleting it.
        note: what is done, for the operator's own people.
    """

    evse_uids: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=1000)]
    begins: Moment
    ends: Moment | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Maintenance(Shape, frozen=True, kw_only=True):
    """A maintenance at one site."""

    id: str
    location_id: str
    evse_uids: list[str]
    begins: Moment
    ends: Moment | None
    note: str


class SiteRoutes:
    """The sites."""

    tag = "sites"

    def __init__(self, premises: Premises, bulk: Bulk) -> None:
        self._premises = premises
        self._bulk = bulk

    @route("POST", "/sites", scope=Scope.STATIONS_WRITE, status=201, takes=NewLocation, answers=Location)
    async def create_site(self, call: Call, body: JSONObject) -> JSONObject:
        """Make a site. Owner, times and the EVSEs' statuses are filled in."""
        with refusals():
            made = await self._premises.stations.sites.create(
                body, also=lambda tx, made: call.trail.record(tx, status=201, after=made)
            )
        await self._premises.places.reread(location_id=made["id"])
        return made

    @route("PUT", "/sites/{location_id}", scope=Scope.STATIONS_WRITE, takes=NewLocation, answers=Location)
    async def change_site(self, call: Call, location_id: str, body: JSONObject) -> JSONObject:
        """Change a site to what is said. Without ``evses`` those stay; an EVSE that is left out is REMOVED."""
        with refusals():
            made = await self._premises.stations.sites.change(
                location_id, body, also=lambda tx, made: call.trail.record(tx, after=made)
            )
        await self._premises.places.reread(location_id=made["id"])
        return made

    @route("DELETE", "/sites/{location_id}", scope=Scope.STATIONS_WRITE)
    async def remove_site(self, call: Call, location_id: str) -> None:
        """Take a site out of use: it is not published, its EVSEs are REMOVED. Nothing is erased."""
        with refusals():
            await self._premises.stations.sites.remove(location_id, also=lambda tx, _: call.trail.record(tx))
        await self._premises.places.reread(location_id=location_id)

    @route("GET", "/sites/{location_id}/status", scope=Scope.STATIONS_READ)
    async def get_site_status(self, call: Call, location_id: str) -> SiteStatus:
        """Show which sockets are free, how fast, at what price, and when the first is free again."""
        with refusals():
            return await self._premises.overview.site(location_id)

    # -- what is planned ---------------------------------------------------------------------------

    @route("GET", "/maintenances", scope=Scope.STATIONS_READ)
    async def list_maintenances(self, call: Call, query: ListQuery) -> Page[Maintenance]:
        """List the maintenances that are not over, by begin."""
        found = _grouped(await self._premises.maintenances.all())
        start = [each.id for each in found].index(query.cursor) + 1 if query.cursor in {e.id for e in found} else 0
        items = found[start : start + query.limit]
        return Page(items=items, next=items[-1].id if len(found) > start + query.limit else None)

    @route("POST", "/sites/{location_id}/maintenances", scope=Scope.STATIONS_WRITE, status=201)
    async def order_maintenance(self, call: Call, location_id: str, body: NewMaintenance) -> Maintenance:
        """Plan a maintenance: told to partners at once, and to the stations when it begins and ends."""
        with refusals():
            reference = await self._premises.maintenances.order(
                location_id,
                body.evse_uids,
                begins=in_utc(body.begins),
                ends=None if body.ends is None else in_utc(body.ends),
                note=body.note,
                also=lambda tx, name: call.trail.record(tx, status=201, after=_made(name, location_id, body)),
            )
        return _made(reference, location_id, body)

    @route("DELETE", "/maintenances/{maintenance_id}", scope=Scope.STATIONS_WRITE)
    async def end_maintenance(self, call: Call, maintenance_id: str) -> None:
        """End a maintenance now, or do without it."""
        with refusals():
            await self._premises.maintenances.end(
                maintenance_id, also=lambda tx, gone: call.trail.record(tx, status=204, before=_grouped(gone))
            )

    # -- many at once ------------------------------------------------------------------------------

    @route(
        "POST", "/imports/stations", scope=Scope.STATIONS_WRITE, consumes=("text/csv", "application/json"),
        max_body=_LARGEST, problems=(Conflict,),
    )  # fmt: skip
    async def import_stations(self, call: Call, body: bytes) -> Report:
        """Create and change many: a CSV of connectors, or a JSON list of OCPI Locations.

        Each station of a CSV and each Location of a list is taken or left out by itself; the report says why.
        """

        async def also(tx: Transaction, written: Written) -> None:
            await call.trail.record(tx, target=written.target, after=written.value)

        with refusals():
            if call.headers.get("content-type", "").startswith("text/csv"):
                report = await self._bulk.import_csv(body, also=also)
            else:
                values = codec.decode(body)
                if not isinstance(values, list):
                    raise InvalidParameters("$: must be a list of Locations")
                report = await self._bulk.import_locations(values, also=also)
        call.trail.note(after={"read": report.read, "stored": report.stored})
        return report

    @route("GET", "/exports/stations", scope=Scope.STATIONS_READ, produces="text/csv")
    async def export_stations(self, call: Call) -> Response:
        """Export all connectors as a CSV that can be imported."""
        text = await self._bulk.export_csv()
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="stations.csv"'}
        return Response(text, headers=headers, media_type="text/csv; charset=utf-8")

    @route("GET", "/exports/locations", scope=Scope.STATIONS_READ, answers=list[Location])
    async def export_locations(self, call: Call) -> list[JSONObject]:
        """Export all Locations as OCPI has them."""
        return await self._bulk.export_locations()


def _made(reference: str, location_id: str, body: NewMaintenance) -> Maintenance:
    return Maintenance(
        id=reference,
        location_id=location_id,
        evse_uids=body.evse_uids,
        begins=body.begins,
        ends=body.ends,
        note=body.note,
    )


def _grouped(plans: list[Plan]) -> list[Maintenance]:
    """Return the plans of each maintenance as one."""
    found: dict[str, list[Plan]] = {}
    for plan in plans:
        found.setdefault(plan.reference, []).append(plan)
    return [
        Maintenance(
            id=reference,
            location_id=of[0].location_id,
            evse_uids=[each.evse_uid for each in of],
            begins=of[0].begins,
            ends=of[0].ends,
            note=of[0].note,
        )
        for reference, of in found.items()
    ]
