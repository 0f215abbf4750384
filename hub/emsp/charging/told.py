"""What a CPO's Booking says of one of ours.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (Booking object, ReservationStatus).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from hub.emsp.charging.bookings import Booking, State
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment

_STATES: Mapping[str, State] = {
    "PENDING": "PENDING", "RESERVED": "RESERVED", "FULFILLED": "FULFILLED", "CANCELED": "CANCELED",
    "NO_SHOW": "NO_SHOW", "REJECTED": "REJECTED", "FAILED": "FAILED", "UNKNOWN": "PENDING",
}  # fmt: skip


def state_of(value: JSONObject) -> State:
    """Return the state a CPO has a Booking in."""
    return _STATES.get(value["reservation_status"], "PENDING")


def was_asked_for(value: JSONObject) -> bool:
    """Return whether a Booking is what its last request wanted."""
    last = (value.get("booking_requests") or [{}])[-1]
    wanted = (last.get("booking_request") or {}).get("period")
    return bool(last.get("request_status") == "ACCEPTED" and wanted == value["period"])


def changes_of(booking: Booking, value: JSONObject) -> dict[str, Any]:
    """Return what a CPO has changed of a booking's time and place."""
    start, end = moment(value["period"]["start_date_time"]), moment(value["period"]["end_date_time"])
    evse_uid = ((value.get("booking_option") or {}).get("evse_uid") or booking.spot.evse_uid).upper()
    found: dict[str, Any] = {}
    if (start, end) != (booking.starts_at, booking.ends_at):
        found |= {"starts_at": start, "ends_at": end}
    if evse_uid not in (booking.spot.evse_uid, "#NA"):
        found["spot"] = dataclasses.replace(booking.spot, evse_uid=evse_uid)
    return found
