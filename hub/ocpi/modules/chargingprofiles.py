"""Limits on the power of a session over time, set by an eMSP or SCSP.

Three requests are answered later at the asker's ``response_url``, each with a result of its own
kind; the last segment but one of a URL lent or given here says which.

Source: OCPI 2.3.0, mod_charging_profiles.asciidoc.
"""

from typing import Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.objects import URL, DateTime, Number

ChargingProfileResponseType = Literal["ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION"]

ChargingProfileResultType = Literal["ACCEPTED", "REJECTED", "UNKNOWN"]

ChargingRateUnit = Literal["W", "A"]


class ChargingProfilePeriod(TypedDict):
    """A limit (in A per phase or in W) from ``start_period`` on, in seconds from the profile's start."""

    start_period: int
    limit: Number


class ChargingProfile(TypedDict):
    """Limits over time.

    Attributes:
        start_date_time: UTC; without it the profile starts with the charging.
        duration: in seconds.
        min_charging_rate: in the unit of the profile.
    """

    start_date_time: NotRequired[DateTime | None]
    duration: NotRequired[int | None]
    charging_rate_unit: ChargingRateUnit
    min_charging_rate: NotRequired[Number | None]
    charging_profile_period: NotRequired[list[ChargingProfilePeriod] | None]


class ActiveChargingProfile(TypedDict):
    """The limits as the charge point has computed them, from ``start_date_time`` (UTC) on."""

    start_date_time: DateTime
    charging_profile: ChargingProfile


class ChargingProfileResponse(TypedDict):
    """Whether the CPO takes the request, and how long its result may take, in seconds."""

    result: ChargingProfileResponseType
    timeout: int


class ActiveChargingProfileResult(TypedDict):
    """The active profile of the EVSE, where it could tell it."""

    result: ChargingProfileResultType
    profile: NotRequired[ActiveChargingProfile | None]


class ChargingProfileResult(TypedDict):
    """Whether the EVSE took the profile."""

    result: ChargingProfileResultType


class ClearProfileResult(TypedDict):
    """Whether the EVSE gave up the profile."""

    result: ChargingProfileResultType


class SetChargingProfile(TypedDict):
    """The profile a session shall have."""

    charging_profile: ChargingProfile
    response_url: URL


_RESPONSE_URL = ("response_url", URL)

module = Module("chargingprofiles", owner=None)

put_active_charging_profile = module.sender.put("/{session_id}", ActiveChargingProfile)
post_active_charging_profile_result = module.sender.post(
    "/activechargingprofile/{uid}", ActiveChargingProfileResult, result=True
)
post_charging_profile_result = module.sender.post("/chargingprofile/{uid}", ChargingProfileResult, result=True)
post_clear_profile_result = module.sender.post("/clearprofile/{uid}", ClearProfileResult, result=True)

get_active_charging_profile = module.receiver.get(
    "/{session_id}",
    ChargingProfileResponse,
    response_url="query",
    query_required=("duration", "response_url"),
    query_typed=(("duration", int), _RESPONSE_URL),
)
set_charging_profile = module.receiver.put(
    "/{session_id}", SetChargingProfile, ChargingProfileResponse, response_url="body"
)
clear_charging_profile = module.receiver.delete(
    "/{session_id}",
    ChargingProfileResponse,
    response_url="query",
    query_required=("response_url",),
    query_typed=(_RESPONSE_URL,),
)
