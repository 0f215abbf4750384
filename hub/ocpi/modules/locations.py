"""Where drivers can charge: Locations, their EVSEs and Connectors, and the parking places.

Source: OCPI 2.3.0 edition 2, mod_locations.asciidoc.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.modules.common import PAGED, DisplayText, TokenType
from hub.ocpi.modules.comparing import Distinct, Ordered, opens_before_it_closes
from hub.ocpi.objects import (
    URL,
    Bounds,
    CiString,
    CiString2,
    CiString3,
    CiString4,
    CiString25,
    CiString36,
    CiString48,
    DateTime,
    JSONObject,
    NonEmpty,
    Number,
    OpenEnum,
    String3,
    String4,
    String10,
    String12,
    String16,
    String45,
    String50,
    String64,
    String100,
    String255,
    Text,
)
from hub.ocpi.schema import rule

# The values of an enum read better side by side.
# fmt: off
Capability = Annotated[str, OpenEnum(
    "CHARGING_PROFILE_CAPABLE", "CHARGING_PREFERENCES_CAPABLE", "CHIP_CARD_SUPPORT", "CONTACTLESS_CARD_SUPPORT",
    "CREDIT_CARD_PAYABLE", "DEBIT_CARD_PAYABLE", "PED_TERMINAL", "REMOTE_START_STOP_CAPABLE", "RESERVABLE",
    "RFID_READER", "START_SESSION_CONNECTOR_REQUIRED", "TOKEN_GROUP_CAPABLE", "UNLOCK_CAPABLE",
)]

ConnectorCapability = Annotated[str, OpenEnum("ISO_15118_2_PLUG_AND_CHARGE", "ISO_15118_20_PLUG_AND_CHARGE")]

ConnectorFormat = Literal["SOCKET", "CABLE"]

ConnectorType = Annotated[str, OpenEnum(
    "CHADEMO", "CHAOJI", "DOMESTIC_A", "DOMESTIC_B", "DOMESTIC_C", "DOMESTIC_D", "DOMESTIC_E", "DOMESTIC_F",
    "DOMESTIC_G", "DOMESTIC_H", "DOMESTIC_I", "DOMESTIC_J", "DOMESTIC_K", "DOMESTIC_L", "DOMESTIC_M", "DOMESTIC_N",
    "DOMESTIC_O", "GBT_AC", "GBT_DC", "IEC_60309_2_single_16", "IEC_60309_2_three_16", "IEC_60309_2_three_32",
    "IEC_60309_2_three_64", "IEC_62196_T1", "IEC_62196_T1_COMBO", "IEC_62196_T2", "IEC_62196_T2_COMBO",
    "IEC_62196_T3A", "IEC_62196_T3C", "MCS", "NEMA_5_20", "NEMA_6_30", "NEMA_6_50", "NEMA_10_30", "NEMA_10_50",
    "NEMA_14_30", "NEMA_14_50", "PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN", "SAE_J3400", "TESLA_R", "TESLA_S",
)]

EnergySourceCategory = Literal["NUCLEAR", "GENERAL_FOSSIL", "COAL", "GAS", "GENERAL_GREEN", "SOLAR", "WIND", "WATER"]

EnvironmentalImpactCategory = Annotated[str, OpenEnum("NUCLEAR_WASTE", "CARBON_DIOXIDE")]

EVSEPosition = Literal["LEFT", "RIGHT", "CENTER"]

Facility = Annotated[str, OpenEnum(
    "HOTEL", "RESTAURANT", "CAFE", "MALL", "SUPERMARKET", "SPORT", "RECREATION_AREA", "NATURE", "MUSEUM",
    "BIKE_SHARING", "BUS_STOP", "TAXI_STAND", "TRAM_STOP", "METRO_STATION", "TRAIN_STATION", "AIRPORT", "PARKING_LOT",
    "CARPOOL_PARKING", "FUEL_STATION", "WIFI",
)]

ImageCategory = Annotated[str, OpenEnum("CHARGER", "ENTRANCE", "LOCATION", "NETWORK", "OPERATOR", "OTHER", "OWNER")]

ParkingDirection = Literal["PARALLEL", "PERPENDICULAR", "ANGLE"]

ParkingRestriction = Annotated[str, OpenEnum(
    "CUSTOMERS", "DISABLED", "EMPLOYEES", "EV_ONLY", "MOTORCYCLES", "PLUGGED", "TAXIS", "TENANTS",
)]

ParkingType = Annotated[str, OpenEnum(
    "ALONG_MOTORWAY", "PARKING_GARAGE", "PARKING_LOT", "ON_DRIVEWAY", "ON_STREET", "UNDERGROUND_GARAGE",
)]

PowerType = Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]

Status = Literal[
    "AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "RESERVED", "UNKNOWN",
]

VehicleType = Annotated[str, OpenEnum(
    "MOTORCYCLE", "PERSONAL_VEHICLE", "PERSONAL_VEHICLE_WITH_TRAILER", "VAN", "SEMI_TRACTOR", "RIGID",
    "TRUCK_WITH_TRAILER", "BUS", "DISABLED",
)]
# fmt: on

#: Degrees of WGS 84 with five to seven decimals.
Latitude = Annotated[str, Text(10, pattern=r"^-?[0-9]{1,2}\.[0-9]{5,7}$")]
Longitude = Annotated[str, Text(11, pattern=r"^-?[0-9]{1,3}\.[0-9]{5,7}$")]

#: A local time of the Location, such as 18:15.
TimeOfDay = Annotated[str, Text(5, pattern=r"^(?:[0-1][0-9]|2[0-3]):[0-5][0-9]$")]

#: A percentage, 0 to 100.
Percentage = Annotated[float, Bounds(ge=0, le=100)]

#: A size in pixels of at most five digits.
Pixels = Annotated[int, Bounds(ge=0, le=99_999)]


class GeoLocation(TypedDict):
    """A point on earth (WGS 84)."""

    latitude: Latitude
    longitude: Longitude


class AdditionalGeoLocation(TypedDict):
    """Another point that matters to drivers, such as an entrance."""

    latitude: Latitude
    longitude: Longitude
    name: NotRequired[DisplayText | None]


class Image(TypedDict):
    """Where an image is, and its size in pixels; ``type`` such as png."""

    url: URL
    thumbnail: NotRequired[URL | None]
    category: ImageCategory
    type: CiString4
    width: NotRequired[Pixels | None]
    height: NotRequired[Pixels | None]


class BusinessDetails(TypedDict):
    """A company as drivers know it."""

    name: String100
    website: NotRequired[URL | None]
    logo: NotRequired[Image | None]


class EnergySource(TypedDict):
    """The share of one source, in percent."""

    source: EnergySourceCategory
    percentage: Percentage


class EnvironmentalImpact(TypedDict):
    """What one kWh leaves behind, in g/kWh."""

    category: EnvironmentalImpactCategory
    amount: Number


class EnergyMix(TypedDict):
    """Where the energy of a Location or Tariff comes from."""

    is_green_energy: bool
    energy_sources: NotRequired[list[EnergySource] | None]
    environ_impact: NotRequired[list[EnvironmentalImpact] | None]
    supplier_name: NotRequired[String64 | None]
    energy_product_name: NotRequired[String64 | None]


class EVSEParking(TypedDict):
    """A parking place from which an EVSE can be used."""

    parking_id: CiString36
    evse_position: NotRequired[EVSEPosition | None]


class ExceptionalPeriod(TypedDict):
    """A period (UTC) in which the regular hours do not hold."""

    period_begin: DateTime
    period_end: DateTime


class RegularHours(TypedDict):
    """Local hours of a day of the week, Monday is 1."""

    weekday: Annotated[int, Bounds(ge=1, le=7)]
    period_begin: TimeOfDay
    period_end: TimeOfDay


class Hours(TypedDict):
    """When a Location is open; closings count over openings."""

    twentyfourseven: bool
    regular_hours: NotRequired[list[RegularHours] | None]
    exceptional_openings: NotRequired[list[ExceptionalPeriod] | None]
    exceptional_closings: NotRequired[list[ExceptionalPeriod] | None]


class PublishTokenType(TypedDict):
    """Tokens that may be shown a Location that is not published: those that match all that is set."""

    uid: NotRequired[CiString36 | None]
    type: NotRequired[TokenType | None]
    visual_number: NotRequired[String64 | None]
    issuer: NotRequired[String64 | None]
    group_id: NotRequired[CiString36 | None]


class StatusSchedule(TypedDict):
    """A status planned for a period (UTC)."""

    period_begin: DateTime
    period_end: NotRequired[DateTime | None]
    status: Status


class Parking(TypedDict):
    """A parking place.

    Attributes:
        max_vehicle_weight: in kg.
        max_vehicle_height: in cm, as all other lengths here.
        time_limit: in minutes.
    """

    id: CiString36
    physical_reference: NotRequired[String12 | None]
    vehicle_types: Annotated[list[VehicleType], NonEmpty()]
    max_vehicle_weight: NotRequired[Number | None]
    max_vehicle_height: NotRequired[Number | None]
    max_vehicle_length: NotRequired[Number | None]
    max_vehicle_width: NotRequired[Number | None]
    parking_space_length: NotRequired[Number | None]
    parking_space_width: NotRequired[Number | None]
    dangerous_goods_allowed: NotRequired[bool | None]
    direction: NotRequired[ParkingDirection | None]
    drive_through: NotRequired[bool | None]
    restricted_to_type: bool
    reservation_required: bool
    time_limit: NotRequired[Number | None]
    roofed: NotRequired[bool | None]
    images: NotRequired[list[Image] | None]
    lighting: NotRequired[bool | None]
    refrigeration_outlet: NotRequired[bool | None]
    standards: NotRequired[list[CiString36] | None]
    apds_reference: NotRequired[CiString | None]


class Connector(TypedDict):
    """A plug or socket of an EVSE; one at a time is in use.

    Attributes:
        max_voltage: in V.
        max_amperage: in A.
        max_electric_power: in W.
    """

    id: CiString36
    standard: ConnectorType
    format: ConnectorFormat
    power_type: PowerType
    max_voltage: int
    max_amperage: int
    max_electric_power: NotRequired[int | None]
    tariff_ids: NotRequired[list[CiString36] | None]
    terms_and_conditions: NotRequired[URL | None]
    capabilities: NotRequired[list[ConnectorCapability] | None]
    last_updated: DateTime


class EVSE(TypedDict):
    """What supplies one vehicle at a time; it is never deleted, its status becomes REMOVED."""

    uid: CiString36
    evse_id: NotRequired[CiString48 | None]
    status: Status
    status_schedule: NotRequired[list[StatusSchedule] | None]
    capabilities: NotRequired[list[Capability] | None]
    connectors: Annotated[list[Connector], NonEmpty()]
    floor_level: NotRequired[String4 | None]
    coordinates: NotRequired[GeoLocation | None]
    physical_reference: NotRequired[String16 | None]
    directions: NotRequired[list[DisplayText] | None]
    parking_restrictions: NotRequired[list[ParkingRestriction] | None]
    parking: NotRequired[list[EVSEParking] | None]
    images: NotRequired[list[Image] | None]
    accepted_service_providers: NotRequired[list[String50] | None]
    last_updated: DateTime


class Location(TypedDict):
    """A place with EVSEs that belong together; ``country`` in ISO 3166-1 alpha-3, ``time_zone`` as in tzdata."""

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    publish: bool
    publish_allowed_to: NotRequired[list[PublishTokenType] | None]
    name: NotRequired[String255 | None]
    address: String255
    city: String45
    postal_code: NotRequired[String10 | None]
    state: NotRequired[String45 | None]
    country: String3
    coordinates: GeoLocation
    related_locations: NotRequired[list[AdditionalGeoLocation] | None]
    parking_type: NotRequired[ParkingType | None]
    evses: NotRequired[list[EVSE] | None]
    parking_places: NotRequired[list[Parking] | None]
    directions: NotRequired[list[DisplayText] | None]
    operator: NotRequired[BusinessDetails | None]
    suboperator: NotRequired[BusinessDetails | None]
    owner: NotRequired[BusinessDetails | None]
    facilities: NotRequired[list[Facility] | None]
    time_zone: String255
    opening_times: NotRequired[Hours | None]
    charging_when_closed: NotRequired[bool | None]
    images: NotRequired[list[Image] | None]
    energy_mix: NotRequired[EnergyMix | None]
    help_phone: NotRequired[CiString25 | None]
    last_updated: DateTime


@rule(PublishTokenType)
def names_a_token(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """Something must name the Token, and what names it must be complete."""
    if not (value.get("uid") or value.get("visual_number") or value.get("group_id")):
        yield f"{path}: one of uid, visual_number and group_id is required"
    if value.get("uid") and not value.get("type"):
        yield f"{path}.type: required when uid is set"
    if value.get("visual_number") and not value.get("issuer"):
        yield f"{path}.issuer: required when visual_number is set"


rule(Hours)(opens_before_it_closes)
rule(ExceptionalPeriod)(Ordered("period_begin", "period_end"))
rule(EVSE)(Distinct("connectors", "id"))
rule(Location)(Distinct("evses", "uid"))
rule(Location)(Distinct("parking_places", "id"))

module = Module("locations", owner="CPO", broadcast=True)

list_locations = module.sender.list("", Location, query_typed=PAGED)
get_own_location = module.sender.get("/{location_id}", Location)
get_own_evse = module.sender.get("/{location_id}/{evse_uid}", EVSE)
get_own_connector = module.sender.get("/{location_id}/{evse_uid}/{connector_id}", Connector)

get_location, put_location, patch_location = module.receiver.client_owned("/{location_id}", Location)
get_evse, put_evse, patch_evse = module.receiver.client_owned("/{location_id}/{evse_uid}", EVSE)
get_connector, put_connector, patch_connector = module.receiver.client_owned(
    "/{location_id}/{evse_uid}/{connector_id}", Connector
)
