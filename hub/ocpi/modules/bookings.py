"""Charging booked ahead: what can be booked when, and the Bookings made.

The CPO owns both; an eMSP asks with a BookingRequest and hears of the outcome on its own Receiver
interface. Where the chapter contradicts itself: docs/errata.md, E-20 and following.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.modules.common import PAGED, Role, TokenType
from hub.ocpi.modules.comparing import out_of_order
from hub.ocpi.modules.locations import ConnectorFormat, ConnectorType, EVSEPosition, PowerType, VehicleType
from hub.ocpi.objects import URL, CiString2, CiString3, CiString36, DateTime, JSONObject, NonEmpty, Number, String
from hub.ocpi.schema import rule
from hub.ocpi.times import microseconds

# The values of an enum read better side by side.
# fmt: off
AccessMethod = Literal["OPEN", "TOKEN", "LICENSE_PLATE", "ACCESS_CODE", "INTERCOM", "PARKING_TICKET"]

CanceledReason = Literal[
    "POWER_OUTAGE", "BROKEN_CHARGER", "FULL", "BLOCKED", "TRAFFIC", "BROKEN_VEHICLE", "NO_CANCELED", "UNKNOWN",
]

ReservationRequestStatus = Literal["PENDING", "ACCEPTED", "DECLINED", "FAILED"]

ReservationStatus = Literal["PENDING", "RESERVED", "CANCELED", "FAILED", "NO_SHOW", "FULFILLED", "REJECTED", "UNKNOWN"]
# fmt: on


class AccessInformation(TypedDict):
    """One way into the site, and what it takes: a plate, a code."""

    method: AccessMethod
    value: NotRequired[String | None]


class BookingOption(TypedDict):
    """What is booked: a certain EVSE, or whatever fits the vehicle.

    Attributes:
        evse_uid: ``#NA`` while none is assigned.
        max_vehicle_weight: in kg.
        max_vehicle_height: in cm, as all other lengths here.
    """

    evse_uid: NotRequired[CiString36 | None]
    connector_id: NotRequired[CiString36 | None]
    parking_id: NotRequired[CiString36 | None]
    evse_position: NotRequired[list[EVSEPosition] | None]
    vehicle_types: NotRequired[list[VehicleType] | None]
    connector_format: NotRequired[list[ConnectorFormat] | None]
    connector_types: NotRequired[list[ConnectorType] | None]
    power_types: NotRequired[list[PowerType] | None]
    max_vehicle_weight: NotRequired[Number | None]
    max_vehicle_height: NotRequired[Number | None]
    max_vehicle_length: NotRequired[Number | None]
    max_vehicle_width: NotRequired[Number | None]
    min_parking_space_length: NotRequired[Number | None]
    min_parking_space_width: NotRequired[Number | None]
    dangerous_goods_allowed: NotRequired[bool | None]
    drive_through: NotRequired[bool | None]
    refrigeration_outlet: NotRequired[bool | None]


class BookingTerms(TypedDict):
    """The rules of a booking; all times in minutes."""

    rfid_auth_required: NotRequired[bool | None]
    token_groups_supported: NotRequired[bool | None]
    remote_auth_supported: NotRequired[bool | None]
    supported_access_methods: Annotated[list[AccessMethod], NonEmpty()]
    change_until_minutes: Number
    cancel_until_minutes: Number
    change_not_allowed: NotRequired[bool | None]
    early_start_allowed: NotRequired[bool | None]
    early_start_time: NotRequired[Number | None]
    noshow_timeout: NotRequired[Number | None]
    noshow_fee: NotRequired[bool | None]
    late_stop_allowed: NotRequired[bool | None]
    late_stop_time: NotRequired[Number | None]
    overlapping_bookings_allowed: NotRequired[bool | None]
    min_booking_duration: NotRequired[Number | None]
    max_booking_duration: NotRequired[Number | None]
    booking_terms: NotRequired[URL | None]


class BookingToken(TypedDict):
    """A Token that may use the booking."""

    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36


class Cancellation(TypedDict):
    """Who gave the booking up, and why."""

    cancellation_reason: CanceledReason
    who_canceled: Role


class Period(TypedDict):
    """From when to when (UTC)."""

    start_date_time: DateTime
    end_date_time: DateTime


class Policy(TypedDict):
    """Whether one must book, and how many places are left to those who did not."""

    reservation_required: bool
    ad_hoc: NotRequired[Number | None]


class Timeslot(TypedDict):
    """From when to when (UTC), with how much power, in W."""

    start_date_time: DateTime
    end_date_time: DateTime
    min_power: NotRequired[Number | None]
    max_power: NotRequired[Number | None]
    green_energy_support: NotRequired[bool | None]


class BookingRequest(TypedDict):
    """What an eMSP wants booked, changed or cancelled; ``power_required`` in kW.

    A change or cancellation has the ``request_id`` of the first request.
    """

    country_code: CiString2
    party_id: CiString3
    request_id: CiString36
    booking_option: NotRequired[BookingOption | None]
    location_id: CiString36
    booking_location_id: CiString36
    tokens: NotRequired[list[BookingToken] | None]
    access_information: NotRequired[list[AccessInformation] | None]
    period: Period
    authorization_reference: CiString36
    power_required: NotRequired[int | None]
    canceled: NotRequired[Cancellation | None]


class BookingRequestStatus(TypedDict):
    """A request that was received, and what became of it."""

    request_status: ReservationRequestStatus
    booking_request: BookingRequest
    request_received: DateTime


class Booking(TypedDict):
    """A booking as the CPO has it."""

    id: CiString36
    country_code: CiString2
    party_id: CiString3
    request_id: CiString36
    booking_option: NotRequired[BookingOption | None]
    location_id: CiString36
    booking_tokens: NotRequired[list[BookingToken] | None]
    tariff_ids: NotRequired[list[CiString36] | None]
    period: Timeslot
    reservation_status: ReservationStatus
    canceled: NotRequired[Cancellation | None]
    access_information: NotRequired[list[AccessInformation] | None]
    authorization_reference: CiString36
    booking_terms: BookingTerms
    booking_requests: Annotated[list[BookingRequestStatus], NonEmpty()]
    last_updated: DateTime


class Calendar(TypedDict):
    """When something is free (UTC); bookings begin and end in steps of ``timeslot_increment`` minutes."""

    id: CiString36
    begin_from: DateTime
    end_before: DateTime
    timeslot_increment: NotRequired[int | None]
    available_timeslots: Annotated[list[Timeslot], NonEmpty()]
    last_updated: DateTime


class BookingLocation(TypedDict):
    """What can be booked at a Location, and when."""

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    location_id: CiString36
    booking_option: NotRequired[BookingOption | None]
    policy: NotRequired[Policy | None]
    tariff_ids: NotRequired[list[CiString36] | None]
    booking_terms: NotRequired[BookingTerms | None]
    calendars: NotRequired[list[Calendar] | None]
    last_updated: DateTime


@rule(Period)
def period_ends_after_it_starts(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A period cannot end before it starts."""
    yield from out_of_order(value, path, "start_date_time", "end_date_time")


@rule(Timeslot)
def timeslot_ends_after_it_starts(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A timeslot cannot end before it starts."""
    yield from out_of_order(value, path, "start_date_time", "end_date_time")


@rule(Calendar)
def calendar_ends_after_it_begins(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A calendar cannot end before it begins."""
    yield from out_of_order(value, path, "begin_from", "end_before")


def has_timeslot(value: JSONObject, first: int | None, last: int | None) -> bool:
    """Whether a BookingLocation has a timeslot that starts at or after ``first`` and before ``last``.

    Args:
        first, last: in microseconds since 1970, UTC; None: no bound.
    """
    starts = (
        microseconds(slot["start_date_time"])
        for calendar in value.get("calendars") or ()
        for slot in calendar.get("available_timeslots") or ()
    )
    return any((first is None or at >= first) and (last is None or at < last) for at in starts)


_TIMESLOTS = (("timeslot_from", DateTime), ("timeslot_to", DateTime))

# Not for all as a module: BookingLocations may be everyone's, a Booking is one driver's.
module = Module("bookings", owner="CPO")

list_booking_locations = module.sender.list("/booking_locations", BookingLocation, query_typed=PAGED + _TIMESLOTS)
get_own_booking_location = module.sender.get("/booking_locations/{booking_location_id}", BookingLocation)
get_own_calendar = module.sender.get("/booking_locations/{booking_location_id}/{calendar_id}", Calendar)
list_bookings = module.sender.list("", Booking, query_typed=PAGED)
post_booking = module.sender.post("", BookingRequest, Booking)

get_booking_location, put_booking_location, patch_booking_location = module.receiver.client_owned(
    "/booking_locations/{booking_location_id}", BookingLocation
)
get_calendar, put_calendar, patch_calendar = module.receiver.client_owned(
    "/booking_locations/{booking_location_id}/{calendar_id}", Calendar
)
get_booking, put_booking, patch_booking = module.receiver.client_owned("/{booking_id}", Booking)
