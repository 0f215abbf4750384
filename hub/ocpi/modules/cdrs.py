"""What a charging session cost, in its final form: a CDR is never changed.

Source: OCPI 2.3.0, mod_cdrs.asciidoc; OCPI 2.3.0 Bookings, mod_cdrs.asciidoc (booking_id, two dimensions).
"""

from collections.abc import Iterator
from typing import Annotated, Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.modules.common import PAGED, Price, TokenType
from hub.ocpi.modules.comparing import out_of_order
from hub.ocpi.modules.locations import ConnectorFormat, ConnectorType, GeoLocation, PowerType
from hub.ocpi.modules.tariffs import Tariff
from hub.ocpi.objects import (
    CiString2,
    CiString3,
    CiString32,
    CiString36,
    CiString39,
    CiString48,
    DateTime,
    JSONObject,
    NonEmpty,
    Number,
    String3,
    String10,
    String20,
    String45,
    String255,
    String512,
    String5000,
)
from hub.ocpi.schema import rule

AuthMethod = Literal["AUTH_REQUEST", "COMMAND", "WHITELIST"]

#: CURRENT, ENERGY_EXPORT, ENERGY_IMPORT, POWER and STATE_OF_CHARGE are for Sessions only.
CdrDimensionType = Literal[
    "CURRENT",
    "ENERGY",
    "ENERGY_EXPORT",
    "ENERGY_IMPORT",
    "MAX_CURRENT",
    "MIN_CURRENT",
    "MAX_POWER",
    "MIN_POWER",
    "PARKING_TIME",
    "POWER",
    "RESERVATION_TIME",
    "RESERVATION_EXPIRES",
    "RESERVATION_OVERTIME",
    "STATE_OF_CHARGE",
    "TIME",
]


class CdrDimension(TypedDict):
    """An amount of one dimension: in A, kW, kWh, hours or percent, as its type says."""

    type: CdrDimensionType
    volume: Number


class CdrLocation(TypedDict):
    """The Location, EVSE and Connector of a CDR in one; ``#NA`` where a reservation had none."""

    id: CiString36
    name: NotRequired[String255 | None]
    address: String45
    city: String45
    postal_code: NotRequired[String10 | None]
    state: NotRequired[String20 | None]
    country: String3
    coordinates: GeoLocation
    evse_uid: CiString36
    evse_id: CiString48
    connector_id: CiString36
    connector_standard: ConnectorType
    connector_format: ConnectorFormat
    connector_power_type: PowerType


class CdrToken(TypedDict):
    """What of a Token a CDR needs."""

    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36


class ChargingPeriod(TypedDict):
    """A part of a session under one Tariff, up to the next period or the end."""

    start_date_time: DateTime
    dimensions: Annotated[list[CdrDimension], NonEmpty()]
    tariff_id: NotRequired[CiString36 | None]


class SignedValue(TypedDict):
    """One signed meter value; ``signed_data`` is in Base64."""

    nature: CiString32
    plain_data: String5000
    signed_data: String5000


class SignedData(TypedDict):
    """Signed meter values and the key (Base64) and method to check them with."""

    encoding_method: CiString36
    encoding_method_version: NotRequired[int | None]
    public_key: NotRequired[String512 | None]
    signed_values: Annotated[list[SignedValue], NonEmpty()]
    url: NotRequired[String512 | None]


class CDR(TypedDict):
    """The bill of one session; a Credit CDR takes back an earlier one.

    Attributes:
        currency: ISO 4217; all costs are in it.
        total_energy: in kWh.
        total_time: in hours.
        total_parking_time: in hours.
    """

    country_code: CiString2
    party_id: CiString3
    id: CiString39
    start_date_time: DateTime
    end_date_time: DateTime
    session_id: NotRequired[CiString36 | None]
    booking_id: NotRequired[CiString36 | None]
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: NotRequired[CiString36 | None]
    cdr_location: CdrLocation
    meter_id: NotRequired[String255 | None]
    currency: String3
    tariffs: NotRequired[list[Tariff] | None]
    charging_periods: Annotated[list[ChargingPeriod], NonEmpty()]
    signed_data: NotRequired[SignedData | None]
    total_cost: Price
    total_fixed_cost: NotRequired[Price | None]
    total_energy: Number
    total_energy_cost: NotRequired[Price | None]
    total_time: Number
    total_time_cost: NotRequired[Price | None]
    total_parking_time: NotRequired[Number | None]
    total_parking_cost: NotRequired[Price | None]
    total_reservation_cost: NotRequired[Price | None]
    remark: NotRequired[String255 | None]
    invoice_reference_id: NotRequired[CiString39 | None]
    credit: NotRequired[bool | None]
    credit_reference_id: NotRequired[CiString39 | None]
    home_charging_compensation: NotRequired[bool | None]
    last_updated: DateTime


@rule(CDR)
def credit_names_its_cdr(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A Credit CDR says which CDR it takes back; only its id may be longer than 36 characters."""
    if value.get("credit"):
        if not value.get("credit_reference_id") and not partial:
            yield f"{path}.credit_reference_id: required in a Credit CDR"
    elif len(value.get("id", "")) > 36:
        yield f"{path}.id: at most 36 characters, but in a Credit CDR"


@rule(CDR)
def ends_after_start(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """A session cannot end before it starts; times that parties agreed to leave out are 1970."""
    if not value.get("end_date_time", "").startswith("1970"):
        yield from out_of_order(value, path, "start_date_time", "end_date_time")


module = Module("cdrs", owner="CPO")

list_cdrs = module.sender.list("", CDR, query_typed=PAGED)

# The text leaves this URL to the eMSP; this is ours, and the Location header says it.
get_cdr = module.receiver.get("/{cdr_id}", CDR)
post_cdr = module.receiver.post("", CDR)
