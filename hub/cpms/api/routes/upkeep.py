"""Firmware, logs and charging profiles of connected stations.

Source: OCPP 1.6 edition 2 (UpdateFirmware, GetDiagnostics, SetChargingProfile); OCPP 2.0.1 edition 3
part 2, K, L, N.
"""

import secrets
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from hub.api.declaring import Call, route
from hub.api.shapes import Moment, Shape, within
from hub.cpms.api.ordering import (
    TROUBLE,
    URL,
    Number,
    StationAnswer,
    Text50,
    Text255,
    in_utc,
    station_problems,
    told,
)
from hub.cpms.api.routes.settings import PEM
from hub.cpms.api.scopes import Scope
from hub.ocpp.commands import Chargers
from hub.ocpp.words import EVSE, ChargingProfile, SchedulePeriod


class Firmware(Shape, frozen=True, kw_only=True):
    """An order to update.

    Attributes:
        location: URL of the firmware.
        retrieve_at: when to fetch it; now where it is left out.
        signing_certificate, signature: of the firmware (security extensions).
    """

    location: URL
    retrieve_at: Moment | None = None
    retries: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    signing_certificate: PEM | None = None
    signature: Annotated[str, msgspec.Meta(min_length=1, max_length=800)] | None = None


class LogRequest(Shape, frozen=True, kw_only=True):
    """An order to upload a log; where it goes is a URL the station can write to."""

    kind: Literal["DiagnosticsLog", "SecurityLog"] = "DiagnosticsLog"
    location: URL
    oldest_at: Moment | None = None
    latest_at: Moment | None = None


class Requested(Shape, frozen=True, kw_only=True):
    """What the station makes of it; its later notifications name the request_id."""

    request_id: int
    answer: StationAnswer


class Period(Shape, frozen=True, kw_only=True):
    """From ``start`` seconds on, at most ``limit``."""

    start: Number
    limit: Annotated[Decimal, within(0, 10_000_000)]
    phases: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None


class Profile(Shape, frozen=True, kw_only=True):
    """A charging profile for an EVSE; EVSE 0 is the whole station.

    Attributes:
        duration: in seconds.
    """

    evse_id: Number
    id: Number
    stack_level: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    purpose: Literal["ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile", "ChargingStationExternalConstraints"]
    kind: Literal["Absolute", "Recurring", "Relative"] = "Absolute"
    unit: Literal["W", "A"] = "W"
    periods: Annotated[list[Period], msgspec.Meta(min_length=1, max_length=1024)]
    start_at: Moment | None = None
    duration: Number | None = None
    min_charging_rate: Annotated[Decimal, within(0, 10_000_000)] | None = None
    recurrency: Literal["Daily", "Weekly"] | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    transaction_id: Text255 | None = None


class ClearQuery(Shape, frozen=True, kw_only=True):
    """Which profiles to clear: those that match all that is given."""

    profile_id: Number | None = None
    evse_id: Number | None = None
    purpose: Text50 | None = None
    stack_level: Number | None = None


class ScheduleQuery(Shape, frozen=True, kw_only=True):
    """For how long, in seconds, and in which unit."""

    evse_id: Number = 0
    duration: Annotated[int, msgspec.Meta(ge=1, le=86_400 * 7)] = 86_400
    unit: Literal["W", "A"] | None = None


class UpkeepRoutes:
    """Firmware, logs and charging profiles."""

    tag = "upkeep"

    def __init__(self, chargers: Chargers) -> None:
        self._chargers = chargers

    @route("POST", "/stations/{station_id}/firmware", scope=Scope.STATIONS_CONTROL, step_up=True, problems=TROUBLE)
    async def update_firmware(self, call: Call, station_id: str, body: Firmware) -> Requested:
        """Have the firmware updated."""
        request_id = _request_id()
        with station_problems():
            answer = await self._chargers.commands(station_id).update_firmware(
                location=body.location,
                retrieve_at=in_utc(body.retrieve_at) if body.retrieve_at is not None else call.now,
                request_id=request_id,
                retries=body.retries,
                signing_certificate=body.signing_certificate,
                signature=body.signature,
            )
        return Requested(request_id=request_id, answer=told(call, body, answer))

    @route("POST", "/stations/{station_id}/logs", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def request_log(self, call: Call, station_id: str, body: LogRequest) -> Requested:
        """Have a log uploaded."""
        request_id = _request_id()
        with station_problems():
            answer = await self._chargers.commands(station_id).get_log(
                kind=body.kind,
                location=body.location,
                request_id=request_id,
                oldest_at=in_utc(body.oldest_at) if body.oldest_at is not None else None,
                latest_at=in_utc(body.latest_at) if body.latest_at is not None else None,
            )
        return Requested(request_id=request_id, answer=told(call, body, answer))

    @route("POST", "/stations/{station_id}/charging-profiles", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def set_station_profile(self, call: Call, station_id: str, body: Profile) -> StationAnswer:
        """Set a charging profile at the station."""
        with station_problems():
            commands = self._chargers.commands(station_id)
            answer = await commands.set_charging_profile(_evse(station_id, body.evse_id), _profile(body))
        return told(call, body, answer)

    @route("DELETE", "/stations/{station_id}/charging-profiles", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def clear_station_profiles(self, call: Call, station_id: str, query: ClearQuery) -> StationAnswer:
        """Clear charging profiles at the station."""
        with station_problems():
            answer = await self._chargers.commands(station_id).clear_charging_profile(
                profile_id=query.profile_id,
                evse=_evse(station_id, query.evse_id) if query.evse_id is not None else None,
                purpose=query.purpose,
                stack_level=query.stack_level,
            )
        return told(call, query, answer)

    @route("GET", "/stations/{station_id}/composite-schedule", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def get_composite_schedule(self, call: Call, station_id: str, query: ScheduleQuery) -> StationAnswer:
        """Ask what the station will do, all profiles counted in."""
        with station_problems():
            commands = self._chargers.commands(station_id)
            place = _evse(station_id, query.evse_id)
            answer = await commands.composite_schedule(place, duration=query.duration, unit=query.unit)
        return told(call, None, answer)


def _request_id() -> int:
    return secrets.randbelow(2**31 - 1) + 1


def _evse(station_id: str, evse_id: int) -> EVSE:
    return EVSE(station_id=station_id, evse_id=evse_id)


def _profile(body: Profile) -> ChargingProfile:
    said = {name: getattr(body, name) for name in body.__struct_fields__ if name not in ("evse_id", "periods")}
    for name in ("start_at", "valid_from", "valid_to"):
        said[name] = in_utc(said[name]) if said[name] is not None else None
    periods = tuple(SchedulePeriod(start=each.start, limit=each.limit, phases=each.phases) for each in body.periods)
    return ChargingProfile(periods=periods, **said)
