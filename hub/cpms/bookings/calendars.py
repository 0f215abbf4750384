"""What can be booked, as eMSPs are told it: a BookingLocation per EVSE, a Calendar per day of its Location.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (BookingLocation, Calendar, BookingTerms).
"""

import datetime
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hub.cpms.bookings.store import free_runs
from hub.ocpi.messages import Party
from hub.ocpi.modules.bookings import has_timeslot
from hub.ocpi.objects import JSONObject
from hub.ocpi.slots import MINUTES, MOST, begin, days, zone_of
from hub.ocpi.times import date_time, microseconds


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The rules of every booking at this operator.

    Attributes:
        lead: how long before its start a station is kept for a booking; later it cannot be changed.
        no_show: how long after its start a booking waits for its driver (RASD-F06).
        tolerance: how long a neighbour may overrun before his session is stopped (RASD-D3).
        days: today and the days after it that can be booked.
    """

    lead: datetime.timedelta = datetime.timedelta(minutes=5)
    no_show: datetime.timedelta = datetime.timedelta(minutes=15)
    tolerance: datetime.timedelta = datetime.timedelta(minutes=5)
    days: int = 4

    def said(self) -> JSONObject:
        """Return them as BookingTerms; times in minutes."""
        return {
            "rfid_auth_required": False,
            "remote_auth_supported": True,
            "supported_access_methods": ["OPEN", "TOKEN"],
            "change_until_minutes": _minutes(self.lead),
            "cancel_until_minutes": 0,
            "change_not_allowed": False,
            "early_start_allowed": True,
            "early_start_time": _minutes(self.lead),
            "noshow_timeout": _minutes(self.no_show),
            "noshow_fee": False,
            "late_stop_allowed": False,
            "overlapping_bookings_allowed": True,
            "min_booking_duration": MINUTES,
            "max_booking_duration": MINUTES * MOST,
        }


def bookable(location: JSONObject, evse: JSONObject) -> bool:
    """Whether an EVSE can be booked at all: it is RESERVABLE and in use."""
    return (
        bool(location["publish"])
        and "RESERVABLE" in (evse.get("capabilities") or [])
        and evse["status"] not in ("REMOVED", "PLANNED")
    )


def number_of(party: Party, location_id: str, evse_uid: str) -> str:
    """Return the id of an EVSE's BookingLocation: always the same, in 36 characters."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{party}/{location_id.upper()}/{evse_uid.upper()}"))


def booking_location(
    party: Party,
    location: JSONObject,
    evse: JSONObject,
    occupied: Iterable[int],
    *,
    now: datetime.datetime,
    terms: Terms,
) -> JSONObject:
    """Return the BookingLocation of an EVSE.

    Args:
        occupied: slots that are somebody's.
    """
    connectors = evse["connectors"]
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": number_of(party, location["id"], evse["uid"]),
        "location_id": location["id"],
        "booking_option": {
            "evse_uid": evse["uid"],
            "connector_format": sorted({each["format"] for each in connectors}),
            "connector_types": sorted({each["standard"] for each in connectors}),
            "power_types": sorted({each["power_type"] for each in connectors}),
        },
        "policy": {"reservation_required": False},
        "tariff_ids": sorted({tariff for each in connectors for tariff in each.get("tariff_ids") or []}),
        "booking_terms": terms.said(),
        "calendars": list(_calendars(location, set(occupied), now, terms)),
        "last_updated": date_time(now),
    }


def _calendars(location: JSONObject, occupied: set[int], now: datetime.datetime, terms: Terms) -> Iterable[JSONObject]:
    for day, slots in days(now, terms.days, zone_of(location)):
        runs = free_runs(slots, occupied)
        if not runs:
            continue  # A Calendar has at least one timeslot; a day without one is not to be booked.
        yield {
            "id": day.isoformat(),
            "begin_from": date_time(begin(slots.start)),
            "end_before": date_time(begin(slots.stop)),
            "timeslot_increment": MINUTES,
            "available_timeslots": [
                {"start_date_time": date_time(begin(first)), "end_date_time": date_time(begin(end))}
                for first, end in runs
            ],
            "last_updated": date_time(now),
        }


def same_offer(one: JSONObject | None, other: JSONObject) -> bool:
    """Whether two BookingLocations offer the same, whenever each was made."""
    return one is not None and _undated(one) == _undated(other)


def within(parameters: Mapping[str, str]) -> Callable[[JSONObject], bool] | None:
    """Return the filter that ``timeslot_from`` and ``timeslot_to`` of a list request mean; None without them."""
    bounds = [parameters.get(name) for name in ("timeslot_from", "timeslot_to")]
    if not any(bounds):
        return None
    first, last = (microseconds(each) if each else None for each in bounds)
    return lambda value: has_timeslot(value, first, last)


def _undated(value: JSONObject) -> JSONObject:
    calendars = [{**each, "last_updated": ""} for each in value.get("calendars") or []]
    return value | {"calendars": calendars, "last_updated": ""}


def _minutes(length: datetime.timedelta) -> int:
    return length // datetime.timedelta(minutes=1)
