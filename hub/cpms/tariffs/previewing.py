"""What a charge would cost by a Tariff, and why, before anybody has charged.

Source: REQUIREMENTS DD-R8; OCPI 2.3.0, mod_tariffs.asciidoc.
"""

import datetime
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal

from hub.ocpi.errors import InvalidParameters
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Bill, Unpriceable, price
from hub.ocpi.times import date_time

_FOUR = Decimal("0.0001")


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A charge as it may be.

    Attributes:
        start: when charging begins, after the reservation if there is one.
        minutes: of charging; then of ``parking``; of ``reserved`` before.
        power: in kW; without it the energy over the time.
        current: in A over all phases.
        time_zone: of the Location.
    """

    start: datetime.datetime
    kwh: Decimal
    minutes: Decimal
    parking: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    power: Decimal | None = None
    current: Decimal | None = None
    time_zone: str = "UTC"


def preview(tariff: JSONObject, charge: Charge) -> Bill:
    """Return what a charge costs, with the reasons.

    Raises:
        InvalidParameters: the time zone is unknown, or the Tariff cannot be priced.
    """
    try:
        zone = zoneinfo.ZoneInfo(charge.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidParameters(f"$.time_zone: {charge.time_zone} is not in tzdata") from error
    periods, until = _periods(charge, tariff["id"])
    try:
        return price([tariff], periods, until=until, zone=zone, currency=tariff["currency"])
    except Unpriceable as error:
        raise InvalidParameters(str(error)) from error


def _periods(charge: Charge, tariff_id: str) -> tuple[list[JSONObject], datetime.datetime]:
    at = charge.start - _minutes(charge.reserved)
    periods: list[JSONObject] = []
    for kind, minutes, more in (
        ("RESERVATION_TIME", charge.reserved, []),
        ("TIME", charge.minutes, _flow(charge)),
        ("PARKING_TIME", charge.parking, []),
    ):
        if minutes or kind == "TIME":
            told = [{"type": kind, "volume": (minutes / 60).quantize(_FOUR)}, *more]
            periods.append({"start_date_time": date_time(at), "dimensions": told, "tariff_id": tariff_id})
        at += _minutes(minutes)
    return periods, at


def _flow(charge: Charge) -> list[JSONObject]:
    told = [("ENERGY", charge.kwh)]
    for name, value in (("POWER", charge.power), ("CURRENT", charge.current)):
        if value is not None:
            told += [(f"MIN_{name}", value), (f"MAX_{name}", value)]
    return [{"type": kind, "volume": volume} for kind, volume in told]


def _minutes(minutes: Decimal) -> datetime.timedelta:
    return datetime.timedelta(minutes=float(minutes))
