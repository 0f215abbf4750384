"""Stations: added, changed, operated and taken away; how they are, and what their vendors add to them.

Source: SGEM-4.4-01 .. 04, RASD-R18, RASD-F16, DD-R6, DD-C-ISS, GEM-UC-1529.
"""

from typing import Annotated, Any

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.refusals import refusals
from hub.api.shapes import ListQuery, Name, Page, Shape
from hub.cpms.api.scopes import Scope
from hub.cpms.extensions import Extension
from hub.cpms.overview import StationState
from hub.cpms.premises import Premises
from hub.cpms.stations import NewStation
from hub.cpms.stationstore import OperationalState, Station
from hub.ocpi.objects import JSONObject


class StationQuery(ListQuery, frozen=True, kw_only=True):
    """Which stations: all, or those at one site."""

    location_id: Name | None = None


class Operation(Shape, frozen=True, kw_only=True):
    """How a station is to be operated; ``evse_id`` 0 is the whole of it."""

    state: OperationalState
    evse_id: Annotated[int, msgspec.Meta(ge=0, le=999)] = 0


class ExtensionShape(Shape, frozen=True, kw_only=True):
    """The JSON Schema of what a vendor's stations have beyond all others; a model of "" is all of the vendor."""

    vendor: Name
    model: Annotated[str, msgspec.Meta(max_length=50)] = ""
    schema: dict[str, Any]


class ExtensionKey(Shape, frozen=True, kw_only=True):
    """Which schema."""

    vendor: Name
    model: Annotated[str, msgspec.Meta(max_length=50)] = ""


class StationRoutes:
    """The stations."""

    tag = "stations"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._stations = premises.stations

    @route("GET", "/stations", scope=Scope.STATIONS_READ, answers=Page[Station])
    async def list_stations(self, call: Call, query: StationQuery) -> Page[JSONObject]:
        """List the stations, with their places and states, by id."""
        found = [
            each
            for each in await self._stations.all(location_id=query.location_id)
            if query.cursor is None or each["station_id"] > query.cursor
        ]
        items = found[: query.limit]
        return Page(items=items, next=items[-1]["station_id"] if len(found) > query.limit else None)

    @route("GET", "/stations/{station_id}", scope=Scope.STATIONS_READ, answers=Station)
    async def get_station(self, call: Call, station_id: str) -> JSONObject:
        """Show a station."""
        with refusals():
            return await self._stations.station(station_id)

    @route("POST", "/stations", scope=Scope.STATIONS_WRITE, status=201, takes=NewStation, answers=Station)
    async def add_station(self, call: Call, body: JSONObject) -> JSONObject:
        """Add a station to a site, with EVSEs it brings or at EVSEs that are there."""
        with refusals():
            return await self._stations.add(body, also=lambda tx, _: call.trail.record(tx, status=201, after=body))

    @route("PUT", "/stations/{station_id}", scope=Scope.STATIONS_WRITE, takes=NewStation, answers=Station)
    async def change_station(self, call: Call, station_id: str, body: JSONObject) -> JSONObject:
        """Change a station to what is said; without places it stays where it is."""
        if body["station_id"] != station_id:
            raise invalid("$.station_id", f"must be {station_id}, as in the path")
        with refusals():
            before = await self._stations.station(station_id)
            call.expect(before)
            return await self._stations.change(
                station_id, body, also=lambda tx, _: call.trail.record(tx, before=before, after=body)
            )

    @route("DELETE", "/stations/{station_id}", scope=Scope.STATIONS_WRITE, problems=(Conflict,))
    async def remove_station(self, call: Call, station_id: str) -> None:
        """Take a station away; EVSEs that only it served are REMOVED."""
        with refusals():
            before = await self._stations.station(station_id)
            await self._stations.remove(station_id, also=lambda tx, _: call.trail.record(tx, before=before))

    @route("PUT", "/stations/{station_id}/state", scope=Scope.STATIONS_CONTROL, answers=Station)
    async def operate_station(self, call: Call, station_id: str, body: Operation) -> JSONObject:
        """Have a station, or one of its EVSEs, be ACTIVE, in TEST (for test tokens only) or DISABLED."""
        with refusals():
            await self._stations.operate(
                station_id, body.state, body.evse_id, also=lambda tx, _: call.trail.record(tx, after=body)
            )
            return await self._stations.station(station_id)

    @route("GET", "/stations/{station_id}/status", scope=Scope.STATIONS_READ)
    async def get_station_status(self, call: Call, station_id: str) -> StationState:
        """Show how a station is: connectors, cars, their energy and what limits it, battery, connection."""
        with refusals():
            return await self._premises.overview.station(await self._stations.station(station_id))

    # -- vendors -----------------------------------------------------------------------------------

    @route("GET", "/extensions", scope=Scope.STATIONS_READ)
    async def list_extensions(self, call: Call, query: ListQuery) -> Page[ExtensionShape]:
        """List the schemas of vendors' parameters."""
        found = await self._stations.extensions.all()
        return Page(items=[_shape(each) for each in found])

    @route("PUT", "/extensions", scope=Scope.STATIONS_WRITE)
    async def put_extension(self, call: Call, body: ExtensionShape) -> ExtensionShape:
        """Set the schema of a vendor's parameters; every station of it that there is must meet it."""
        with refusals():
            await self._stations.extensions.put(
                Extension(body.vendor, body.model, body.schema),
                also=lambda tx, _: call.trail.record(tx, after=body),
            )
        return body

    @route("DELETE", "/extensions", scope=Scope.STATIONS_WRITE)
    async def remove_extension(self, call: Call, query: ExtensionKey) -> None:
        """Forget the schema of a vendor's parameters."""
        if not await self._stations.extensions.remove(
            query.vendor, query.model, also=lambda tx, gone: call.trail.record(tx, status=204, before=_shape(gone))
        ):
            raise NotFound("There is no such schema")


def _shape(extension: Extension) -> ExtensionShape:
    return ExtensionShape(vendor=extension.vendor, model=extension.model, schema=extension.schema)
