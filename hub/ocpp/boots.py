"""What a BootNotification says of its station, in every version.

Source: OCPP 1.6, 6.3 (BootNotification.req); OCPP 2.0.1 part 2, B01 and ChargingStationType.
"""

from dataclasses import dataclass

from hub.ocpp.words import JSONObject

BOOT = "BootNotification"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What kind of station it is, as it tells at boot; "" where it does not."""

    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware_version: str = ""


#: Of a station that has not told yet.
UNTOLD = Identity()


def identity_of(payload: JSONObject, version: str) -> Identity:
    """Return what a boot's payload says; it need not be valid, for a lenient reading begins with whose it is."""
    if version == "1.6":
        serial = _text(payload, "chargePointSerialNumber") or _text(payload, "chargeBoxSerialNumber")
        return Identity(
            vendor=_text(payload, "chargePointVendor"),
            model=_text(payload, "chargePointModel"),
            serial_number=serial,
            firmware_version=_text(payload, "firmwareVersion"),
        )
    station = payload.get("chargingStation")
    station = station if isinstance(station, dict) else {}
    return Identity(
        vendor=_text(station, "vendorName"),
        model=_text(station, "model"),
        serial_number=_text(station, "serialNumber"),
        firmware_version=_text(station, "firmwareVersion"),
    )


def _text(payload: JSONObject, name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""


def interval_of(answer: JSONObject) -> int | None:
    """Return the seconds between heartbeats an accepted station was told; None: it was told none."""
    interval = answer.get("interval")
    if answer.get("status") == "Accepted" and isinstance(interval, int) and interval > 0:
        return interval
    return None
