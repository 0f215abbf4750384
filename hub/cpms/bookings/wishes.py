"""What eMSPs ask of the book, and whose a Booking is.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc (BookingRequest, Booking, BookingOption).
"""

import dataclasses
import datetime

from hub.cpms.bookings.store import Place
from hub.cpms.ports import Authorization
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child
from hub.ocpi.times import date_time, moment


@dataclasses.dataclass(frozen=True)
class Wish:
    """A BookingRequest with what it is about."""

    asked: JSONObject
    asker: Party
    location: JSONObject
    evse: JSONObject
    at: datetime.datetime

    @property
    def place(self) -> Place:
        return Place.of(self.location["id"], self.evse["uid"])

    @property
    def period(self) -> tuple[datetime.datetime, datetime.datetime]:
        return moment(self.asked["period"]["start_date_time"]), moment(self.asked["period"]["end_date_time"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Driver:
    """Who wants to charge.

    Attributes:
        provider: the eMSP; None while a station has only read a card.
        reference: the eMSP's authorization_reference, where it gave one.
    """

    uid: str
    type: str
    provider: Party | None = None
    reference: str | None = None

    @classmethod
    def of(cls, authorization: Authorization) -> "Driver":
        """Return the driver of a token that may charge."""
        token = authorization.token
        provider = Party.of(token["country_code"], token["party_id"])
        return cls(uid=token["uid"], type=token["type"], provider=provider, reference=authorization.reference)

    def may_use(self, booking: JSONObject) -> bool:
        """Whether a booking is this driver's: by one of its Tokens, or by its authorization_reference."""
        if self.provider is not None and self.provider != asker_of(booking):
            return False
        if self.provider and self.reference and self.reference.upper() == booking["authorization_reference"].upper():
            return True
        tokens = booking.get("booking_tokens") or []
        return any((each["uid"].upper(), each["type"]) == (self.uid.upper(), self.type) for each in tokens)


def booking_from(wish: Wish) -> JSONObject:
    """Return what of a Booking the request decides."""
    option = wish.asked.get("booking_option") or {}
    connector = child(wish.evse, "connectors", option.get("connector_id") or wish.evse["connectors"][0]["id"])
    chosen = {name: each for name, each in option.items() if each is not None} | {"evse_uid": wish.evse["uid"]}
    return {
        "location_id": wish.location["id"],
        "booking_option": chosen,
        "booking_tokens": wish.asked.get("tokens") or [],
        "tariff_ids": (connector or {}).get("tariff_ids") or [],
        "period": dict(wish.asked["period"]),
        "access_information": wish.asked.get("access_information") or [],
    }


def answered(booking: JSONObject, wish: Wish, state: str, verdict: str) -> JSONObject:
    """Return a Booking after a request: its reservation_status, and the request's own request_status."""
    received = {"request_status": verdict, "booking_request": wish.asked, "request_received": date_time(wish.at)}
    return booking | {
        "reservation_status": state,
        "booking_requests": [*booking["booking_requests"], received],
        "last_updated": date_time(wish.at),
    }


def unmet(option: JSONObject, evse: JSONObject) -> str | None:
    """Return what of a BookingOption the EVSE does not have."""
    if (option.get("evse_uid") or "#NA") != "#NA" and option["evse_uid"].upper() != evse["uid"].upper():
        return "the BookingLocation is for another EVSE"
    connectors = evse["connectors"]
    if option.get("connector_id"):
        connectors = [each for each in connectors if each["id"].upper() == option["connector_id"].upper()]
    wanted = {"connector_types": "standard", "connector_format": "format", "power_types": "power_type"}
    for asked, field in wanted.items():
        values = option.get(asked)
        connectors = [each for each in connectors if not values or each[field] in values]
    return None if connectors else "the EVSE has no such Connector"


def asker_of(booking: JSONObject) -> Party:
    """Return the eMSP a Booking was made for."""
    asked = booking["booking_requests"][0]["booking_request"]
    return Party.of(asked["country_code"], asked["party_id"])
