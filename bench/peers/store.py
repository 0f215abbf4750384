"""The plain store: a Location judged by pydantic and kept by Tortoise's ``update_or_create``."""

# ruff: noqa: D101, D103, D106  what it shows is how one writes this without us

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tortoise import Tortoise, fields
from tortoise.models import Model


class Connector(BaseModel):
    id: str = Field(max_length=36)
    standard: str
    format: str
    power_type: str
    max_voltage: int
    max_amperage: int
    max_electric_power: int | None = None
    tariff_ids: list[str] = []
    last_updated: datetime


class GeoLocation(BaseModel):
    latitude: str = Field(max_length=10, pattern=r"^-?\d{1,2}\.\d{5,7}$")
    longitude: str = Field(max_length=11, pattern=r"^-?\d{1,3}\.\d{5,7}$")


class DisplayText(BaseModel):
    language: str = Field(max_length=2)
    text: str = Field(max_length=512)


class EVSE(BaseModel):
    uid: str = Field(max_length=36)
    evse_id: str | None = Field(None, max_length=48)
    status: str
    capabilities: list[str] = []
    connectors: list[Connector] = Field(min_length=1)
    floor_level: str | None = Field(None, max_length=4)
    coordinates: GeoLocation | None = None
    physical_reference: str | None = Field(None, max_length=16)
    directions: list[DisplayText] = []
    parking_restrictions: list[str] = []
    last_updated: datetime


class Location(BaseModel):
    country_code: str = Field(max_length=2)
    party_id: str = Field(max_length=3)
    id: str = Field(max_length=36)
    publish: bool
    name: str | None = Field(None, max_length=255)
    address: str = Field(max_length=45)
    city: str = Field(max_length=45)
    postal_code: str | None = Field(None, max_length=10)
    country: str = Field(max_length=3)
    coordinates: GeoLocation
    evses: list[EVSE] = []
    directions: list[DisplayText] = []
    operator: dict[str, Any] | None = None
    suboperator: dict[str, Any] | None = None
    facilities: list[str] = []
    time_zone: str
    opening_times: dict[str, Any] | None = None
    charging_when_closed: bool | None = None
    images: list[dict[str, Any]] = []
    energy_mix: dict[str, Any] | None = None
    last_updated: datetime


class LocationRow(Model):
    id = fields.BigIntField(primary_key=True)
    country_code = fields.CharField(max_length=2)
    party_id = fields.CharField(max_length=3)
    location_id = fields.CharField(max_length=36)
    document = fields.TextField()
    last_updated = fields.DatetimeField()

    class Meta:
        table = "location"
        unique_together = (("country_code", "party_id", "location_id"),)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    url = f"sqlite://{os.environ['DATABASE']}?journal_mode=WAL&synchronous=FULL"
    await Tortoise.init(db_url=url, modules={"models": [__name__]}, _enable_global_fallback=True)
    await Tortoise.generate_schemas()
    yield
    await Tortoise.close_connections()


async def put_location(request: Request) -> JSONResponse:
    body = await request.body()
    try:
        location = Location.model_validate_json(body)
    except ValidationError as error:
        return JSONResponse({"status_code": 2001, "status_message": str(error)})
    _, created = await LocationRow.update_or_create(
        defaults={"document": body.decode(), "last_updated": location.last_updated},
        country_code=location.country_code,
        party_id=location.party_id,
        location_id=location.id,
    )
    return JSONResponse({"data": None, "status_code": 1000}, 201 if created else 200)


path = "/locations/{country_code}/{party_id}/{location_id}"
app = Starlette(routes=[Route(path, put_location, methods=["PUT"])], lifespan=lifespan)
