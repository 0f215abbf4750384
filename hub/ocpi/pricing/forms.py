"""What pricing reads of Tariffs and CDRs, decoded straight into exact values.

Only the fields that bear on a price are named; msgspec skips the others. Absence may be said as
null or as [] (transport_and_format.asciidoc), so every optional field admits both.

Source: OCPI 2.3.0, mod_tariffs.asciidoc, mod_cdrs.asciidoc; OCPI 2.3.0 Bookings, mod_tariffs.asciidoc.
"""

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, Union, cast

import msgspec

from hub.ocpi.objects import JSONObject

T = TypeVar("T")

_Nothing = list[Any] | None

Dimension = Literal["ENERGY", "FLAT", "PARKING_TIME", "TIME"]


class Unpriceable(ValueError):
    """What was given cannot be priced; the text names the JSON path and the rule."""


class PriceComponent(msgspec.Struct, frozen=True):
    """The price of one dimension; ``vat`` in percent, ``step_size`` in Wh or seconds."""

    type: Dimension
    price: Decimal
    step_size: int = 0
    vat: Decimal | _Nothing = None


class TariffRestrictions(msgspec.Struct, frozen=True):
    """When a TariffElement applies; units as in ``hub.ocpi.modules.tariffs``."""

    start_time: str | _Nothing = None
    end_time: str | _Nothing = None
    start_date: str | _Nothing = None
    end_date: str | _Nothing = None
    min_kwh: Decimal | _Nothing = None
    max_kwh: Decimal | _Nothing = None
    min_current: Decimal | _Nothing = None
    max_current: Decimal | _Nothing = None
    min_power: Decimal | _Nothing = None
    max_power: Decimal | _Nothing = None
    min_duration: int | _Nothing = None
    max_duration: int | _Nothing = None
    day_of_week: list[str] | None = None
    reservation: str | _Nothing = None
    booking: str | _Nothing = None


class TariffElement(msgspec.Struct, frozen=True):
    """Price components under the same restrictions."""

    price_components: list[PriceComponent]
    restrictions: TariffRestrictions | None = None


class PriceLimit(msgspec.Struct, frozen=True):
    """The least or most a session costs."""

    before_taxes: Decimal
    after_taxes: Decimal | _Nothing = None


class Tariff(msgspec.Struct, frozen=True):
    """A price list."""

    id: str
    currency: str
    elements: list[TariffElement]
    tax_included: Literal["YES", "NO", "N/A"] = "NO"
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None


class Volume(Protocol):
    """An amount of one dimension: of time in hours, of current in A, of power in kW.

    Only energy is read exactly: hours become whole microseconds, and current and power are only compared.
    """

    volume: float


class Energy(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="ENERGY"):
    """An amount of energy, in kWh."""

    volume: Decimal


def _volume(kind: str) -> type[Volume]:
    made = msgspec.defstruct(kind, [("volume", float)], tag_field="type", tag=kind, frozen=True, gc=False)
    return cast(type[Volume], made)


#: The other dimensions of a ChargingPeriod by name, each a class, so that msgspec tells them apart.
VOLUMES = {
    kind: _volume(kind)
    for kind in (
        "CURRENT", "ENERGY_EXPORT", "ENERGY_IMPORT", "MAX_CURRENT", "MIN_CURRENT", "MAX_POWER", "MIN_POWER",
        "PARKING_TIME", "POWER", "RESERVATION_TIME", "RESERVATION_EXPIRES", "RESERVATION_OVERTIME", "STATE_OF_CHARGE",
        "TIME",
    )
}  # fmt: skip

if TYPE_CHECKING:
    CdrDimension = Energy | Volume
else:
    CdrDimension = Union[(Energy, *VOLUMES.values())]


class ChargingPeriod(msgspec.Struct, frozen=True, gc=False):
    """A part of a session under one Tariff, up to the next period or the end."""

    start_date_time: datetime.datetime
    dimensions: list[CdrDimension]
    tariff_id: str | _Nothing = None


class Cdr(msgspec.Struct, frozen=True):
    """What of a CDR bears on its price; its Tariffs stay text, for they repeat from CDR to CDR."""

    currency: str
    end_date_time: datetime.datetime
    charging_periods: list[ChargingPeriod]
    tariffs: list[msgspec.Raw] | None = None


_encoder = msgspec.json.Encoder(decimal_format="number")
_periods = msgspec.json.Decoder(ChargingPeriod)
_cdrs = msgspec.json.Decoder(Cdr)
_tariffs = msgspec.json.Decoder(Tariff)


def read_cdr(text: bytes) -> Cdr:
    """Return a CDR of the newest version from its JSON.

    Raises:
        Unpriceable: it is no CDR.
    """
    return _read(_cdrs, text, "$")


def read_tariff(value: JSONObject | bytes, path: str = "$") -> Tariff:
    """Return a Tariff of the newest version from its JSON, decoded or not.

    Raises:
        Unpriceable: it is no Tariff; what is wrong is named from ``path`` on.
    """
    return _read(_tariffs, value if isinstance(value, bytes) else _encoder.encode(value), path)


def read_period(value: JSONObject, path: str = "$") -> ChargingPeriod:
    """Return a ChargingPeriod from decoded JSON.

    Raises:
        Unpriceable: it is no ChargingPeriod; what is wrong is named from ``path`` on.
    """
    return _read(_periods, _encoder.encode(value), path)


def _read(decoder: msgspec.json.Decoder[T], text: bytes, path: str) -> T:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, ArithmeticError, UnicodeDecodeError, RecursionError) as error:
        rule, _, where = str(error).partition(" - at `$")
        raise Unpriceable(f"{path}{where.rstrip('`')}: {rule}") from error


def given(value: T | list[Any] | None) -> T | None:
    """Return an optional field's value; None however its absence was said."""
    return None if isinstance(value, list) else value


def utc(at: datetime.datetime) -> datetime.datetime:
    """Return a moment as aware UTC; a DateTime without designator is UTC (types.asciidoc)."""
    return at if at.tzinfo is not None else at.replace(tzinfo=datetime.UTC)
