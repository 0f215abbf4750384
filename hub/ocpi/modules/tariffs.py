"""What charging costs: price components that apply under restrictions.

Source: OCPI 2.3.0, mod_tariffs.asciidoc; OCPI 2.3.0 Bookings, mod_tariffs.asciidoc (booking).
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import CLIENT_OWNED, Module
from hub.ocpi.modules.common import PAGED, DisplayText
from hub.ocpi.modules.locations import EnergyMix, TimeOfDay
from hub.ocpi.objects import URL, CiString2, CiString3, CiString36, DateTime, NonEmpty, Number, String3, Text

BookingRestrictionType = Literal["BOOKING", "BOOKING_EXPIRES", "BOOKING_CANCELLATION_FEES", "BOOKING_OVERTIME"]

DayOfWeek = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]

ReservationRestrictionType = Literal["RESERVATION", "RESERVATION_EXPIRES"]

TariffDimensionType = Literal["ENERGY", "FLAT", "PARKING_TIME", "TIME"]

TariffType = Literal["AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"]

TaxIncluded = Literal["YES", "NO", "N/A"]

#: A local date of the Location, such as 2015-12-24.
Date = Annotated[str, Text(10, pattern=r"^[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$")]


class PriceComponent(TypedDict):
    """The price of one dimension: per kWh, per hour, or once.

    Attributes:
        vat: in percent.
        step_size: the block that is billed, in Wh or in seconds.
    """

    type: TariffDimensionType
    price: Number
    vat: NotRequired[Number | None]
    step_size: int


class PriceLimit(TypedDict):
    """The least or most a session costs, in the currency of the Tariff."""

    before_taxes: Number
    after_taxes: NotRequired[Number | None]


class TariffRestrictions(TypedDict):
    """When a TariffElement applies: when all that is set here matches.

    Attributes:
        start_time: local time of the Location; ``end_time`` before it wraps to the next day.
        start_date: local date, inclusive; ``end_date`` exclusive.
        min_kwh: in kWh, inclusive; ``max_kwh`` exclusive.
        min_current: in A, the sum over all phases; ``max_current`` likewise.
        min_power: in kW; ``max_power`` likewise.
        min_duration: in seconds, inclusive; ``max_duration`` exclusive.
    """

    start_time: NotRequired[TimeOfDay | None]
    end_time: NotRequired[TimeOfDay | None]
    start_date: NotRequired[Date | None]
    end_date: NotRequired[Date | None]
    min_kwh: NotRequired[Number | None]
    max_kwh: NotRequired[Number | None]
    min_current: NotRequired[Number | None]
    max_current: NotRequired[Number | None]
    min_power: NotRequired[Number | None]
    max_power: NotRequired[Number | None]
    min_duration: NotRequired[int | None]
    max_duration: NotRequired[int | None]
    day_of_week: NotRequired[list[DayOfWeek] | None]
    reservation: NotRequired[ReservationRestrictionType | None]
    booking: NotRequired[BookingRestrictionType | None]


class TariffElement(TypedDict):
    """Price components under the same restrictions."""

    price_components: Annotated[list[PriceComponent], NonEmpty()]
    restrictions: NotRequired[TariffRestrictions | None]


class Tariff(TypedDict):
    """A price list of a CPO; of several elements for a dimension the first that matches counts.

    Attributes:
        currency: ISO 4217.
        start_date_time: UTC.
        end_date_time: UTC.
    """

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    currency: String3
    type: NotRequired[TariffType | None]
    tariff_alt_text: NotRequired[list[DisplayText] | None]
    tariff_alt_url: NotRequired[URL | None]
    min_price: NotRequired[PriceLimit | None]
    max_price: NotRequired[PriceLimit | None]
    elements: Annotated[list[TariffElement], NonEmpty()]
    tax_included: TaxIncluded
    start_date_time: NotRequired[DateTime | None]
    end_date_time: NotRequired[DateTime | None]
    energy_mix: NotRequired[EnergyMix | None]
    last_updated: DateTime


module = Module("tariffs", owner="CPO", broadcast=True)

list_tariffs = module.sender.list("", Tariff, query_typed=PAGED)

get_tariff = module.receiver.get(CLIENT_OWNED + "/{tariff_id}", Tariff)
put_tariff = module.receiver.put(CLIENT_OWNED + "/{tariff_id}", Tariff)
delete_tariff = module.receiver.delete(CLIENT_OWNED + "/{tariff_id}")
