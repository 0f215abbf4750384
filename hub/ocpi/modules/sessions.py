"""Charging sessions as they go on, and what the driver wishes of them.

Source: OCPI 2.3.0, mod_sessions.asciidoc.
"""

from collections.abc import Iterator
from typing import Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.modules.cdrs import AuthMethod, CdrToken, ChargingPeriod
from hub.ocpi.modules.common import PAGED, Price, ProfileType
from hub.ocpi.modules.comparing import out_of_order
from hub.ocpi.objects import CiString2, CiString3, CiString36, DateTime, JSONObject, Number, String3, String255
from hub.ocpi.schema import rule

ChargingPreferencesResponse = Literal[
    "ACCEPTED", "DEPARTURE_REQUIRED", "ENERGY_NEED_REQUIRED", "NOT_POSSIBLE", "PROFILE_TYPE_NOT_SUPPORTED"
]

SessionStatus = Literal["ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"]


class ChargingPreferences(TypedDict):
    """What a driver wishes: until when (UTC) and how much, in kWh."""

    profile_type: ProfileType
    departure_time: NotRequired[DateTime | None]
    energy_need: NotRequired[Number | None]
    discharge_allowed: NotRequired[bool | None]


class Session(TypedDict):
    """One charging session, or the reservation it may begin with.

    Attributes:
        kwh: energy charged so far, in kWh.
        evse_uid: ``#NA`` while a reservation has no EVSE yet; ``connector_id`` likewise.
        currency: ISO 4217.
    """

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    start_date_time: DateTime
    end_date_time: NotRequired[DateTime | None]
    kwh: Number
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: NotRequired[CiString36 | None]
    location_id: CiString36
    evse_uid: CiString36
    connector_id: CiString36
    meter_id: NotRequired[String255 | None]
    currency: String3
    charging_periods: NotRequired[list[ChargingPeriod] | None]
    total_cost: NotRequired[Price | None]
    status: SessionStatus
    last_updated: DateTime


@rule(Session)
def ends_after_start(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A session cannot end before it starts."""
    yield from out_of_order(value, path, "start_date_time", "end_date_time")


module = Module("sessions", owner="CPO")

list_sessions = module.sender.list("", Session, query_required=("date_from",), query_typed=PAGED)
put_charging_preferences = module.sender.put(
    "/{session_id}/charging_preferences", ChargingPreferences, ChargingPreferencesResponse
)

get_session, put_session, patch_session = module.receiver.client_owned("/{session_id}", Session)
