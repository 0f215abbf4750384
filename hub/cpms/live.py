"""What stations and sessions tell, put on the live feed when it is recorded."""

from collections.abc import Callable

from hub.api.feed import Feed
from hub.cpms.ports import (
    CpmsEvent,
    ReservationEnded,
    SessionCanceled,
    SessionEnded,
    SessionPending,
    SessionStarted,
    SessionUpdated,
    StatusChanged,
)
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time
from hub.ocpp.events import BootNotified, ChargerEvent, Connected, Disconnected, TransactionEvent
from hub.ocpp.events import StatusChanged as ConnectorChanged


class LiveStations:
    """A ``Witness`` that puts what stations tell on the feed: connections, boots, connectors' statuses."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def told(self, event: ChargerEvent | BootNotified | TransactionEvent) -> None:
        """Publish what a dashboard follows; the rest is in the frame log."""
        match event:
            case Connected():
                self._charger(event.station_id, "connected", version=event.version)
            case Disconnected():
                self._charger(event.station_id, "disconnected")
            case BootNotified():
                self._charger(event.station_id, "booted", vendor=event.vendor, model=event.model)
            case ConnectorChanged():
                self._feed.publish(
                    "connector",
                    {
                        "station_id": event.evse.station_id,
                        "evse_id": event.evse.evse_id,
                        "connector_id": event.evse.connector_id,
                        "status": event.status,
                        "error_code": event.error_code,
                        "at": date_time(event.at),
                    },
                )
            case _:
                pass

    def _charger(self, station_id: str, what: str, **more: str) -> None:
        self._feed.publish("charger", {"station_id": station_id, "event": what, **more})


def publish(feed: Feed, event: CpmsEvent) -> None:
    """Put what the desk has recorded on the feed."""
    match event:
        case StatusChanged():
            place = {"location_id": event.location_id, "evse_uid": event.evse_uid}
            feed.publish("status", {**place, "status": event.status, "at": date_time(event.at)})
        case SessionPending() | SessionStarted():
            outlet = event.outlet
            place = {
                "location_id": outlet.location_id,
                "evse_uid": outlet.evse_uid,
                "connector_id": outlet.connector_id,
            }
            what = "started" if isinstance(event, SessionStarted) else "pending"
            feed.publish("session", {"session_id": event.session_id, "event": what, **place})
        case SessionUpdated() | SessionEnded():
            what = "updated" if isinstance(event, SessionUpdated) else "ended"
            said = {"session_id": event.session_id, "event": what, "kwh": event.kwh, "at": date_time(event.at)}
            feed.publish("session", said)
        case SessionCanceled():
            feed.publish("session", {"session_id": event.session_id, "event": "canceled"})
        case ReservationEnded():
            what = "canceled" if event.canceled else "expired"
            feed.publish("booking", {"reservation_id": event.reservation_id, "event": what})
        case _:
            pass


def telling_bookings(feed: Feed) -> Callable[[JSONObject], None]:
    """Return what tells the feed of each Booking that is made or changes."""

    def tell(booking: JSONObject) -> None:
        feed.publish(
            "booking",
            {
                "id": booking["id"],
                "reservation_status": booking["reservation_status"],
                "location_id": booking["location_id"],
                "evse_uid": (booking.get("booking_option") or {}).get("evse_uid"),
                "period": booking["period"],
            },
        )

    return tell
