"""OCPI 2.2.1 (edition 2), as it differs from 2.3.0 with Bookings.

Where a version is newer only in what a known field means, nothing is changed: PARKING_TIME, for
one, was said more clearly. Module identifiers, version numbers and command types are enums in
2.2.1, but custom modules, later versions and commands have to be readable there too; they stay open.

Source: OCPI 2.3.0, changelog.asciidoc; both versions' property tables, compared row by row.
"""

from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from typing import Any, Literal, NotRequired, get_args

from hub.ocpi.modules.cdrs import CDR, CdrDimension, CdrLocation, CdrToken
from hub.ocpi.modules.common import Price, Role
from hub.ocpi.modules.credentials import Credentials, CredentialsRole
from hub.ocpi.modules.hubclientinfo import ClientInfo
from hub.ocpi.modules.locations import (
    EVSE,
    Connector,
    EnergyMix,
    EnvironmentalImpact,
    Image,
    Location,
    PublishTokenType,
)
from hub.ocpi.modules.tariffs import PriceLimit, Tariff, TariffRestrictions
from hub.ocpi.modules.tokens import Token
from hub.ocpi.objects import JSON, JSONObject, Number
from hub.ocpi.versions.steps import Added, AddedMandatory, Renamed, Rewritten, ValuesAdded, Version
from hub.ocpi.versions.v2_3_0 import V2_3_0

#: Amounts are computed exactly, whatever their digits; a rounding is written where one is meant.
_EXACT = Context(prec=2000, rounding=ROUND_HALF_UP, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])

_DECIMALS = 4  # of a number, unless said otherwise (types.asciidoc, number)


def _exact(number: JSON) -> Decimal:
    return Decimal(str(number)) if isinstance(number, float) else Decimal(number)


def _taxes_summed(price: JSONObject) -> Iterator[str]:
    """A Price of 2.2.1 names no taxes; it says the amount with them, if it is known."""
    taxes = price.pop("taxes", None)
    price["excl_vat"] = price.pop("before_taxes")
    if not taxes:
        return
    total = _exact(price["excl_vat"])
    for tax in taxes:
        total = _EXACT.add(total, _exact(tax["amount"]))
    price["incl_vat"] = total
    if taxes != [{"name": "VAT", "amount": taxes[0]["amount"]}]:
        yield "taxes summed into incl_vat"


def _taxes_named(price: JSONObject) -> None:
    price["before_taxes"] = price.pop("excl_vat")
    with_vat = price.pop("incl_vat", None)
    if isinstance(with_vat, int | float | Decimal):
        vat = _EXACT.subtract(_exact(with_vat), _exact(price["before_taxes"]))
        price["taxes"] = [{"name": "VAT", "amount": vat}]


def _prices_before_taxes(tariff: JSONObject) -> Iterator[str]:
    """Prices of 2.2.1 are without VAT: it is taken out where its percentage is known."""
    if tariff.get("tax_included") != "YES":
        return
    elements = []
    for at, element in enumerate(tariff["elements"]):
        components = [_before_vat(each) for each in element["price_components"]]
        elements.append({**element, "price_components": components})
        for index, (before, after) in enumerate(zip(element["price_components"], components, strict=True)):
            note = "still has taxes in it" if before is after else f"with VAT became {after['price']} without"
            yield f"elements[{at}].price_components[{index}].price {before['price']} {note}"
    tariff["elements"] = elements


def _before_vat(component: JSONObject) -> JSONObject:
    vat = component.get("vat")
    if not isinstance(vat, int | float | Decimal) or vat <= -100:
        return component
    price = _exact(component["price"])
    with_vat = _EXACT.add(1, _EXACT.divide(_exact(vat), 100))
    decimals = max(_DECIMALS, -int(price.as_tuple().exponent))
    return {**component, "price": _EXACT.divide(price, with_vat).quantize(Decimal(1).scaleb(-decimals), context=_EXACT)}


#: Elements for bookings that 2.2.1 can say of a reservation; the others it cannot say at all.
_RESERVATION = {"BOOKING": "RESERVATION", "BOOKING_EXPIRES": "RESERVATION_EXPIRES"}


def _bookings_as_reservations(tariff: JSONObject) -> Iterator[str]:
    """An element for bookings must not become one for every session: it becomes one for reservations, or goes."""
    bookings = [(element.get("restrictions") or {}).get("booking") for element in tariff["elements"]]
    if not any(bookings):
        return
    said = [not each or each in _RESERVATION for each in bookings]  # [] stands for absence, too
    kept = said if any(said) else [True] * len(said)  # a Tariff has at least one element
    elements = []
    for at, (element, booking, keep) in enumerate(zip(tariff["elements"], bookings, kept, strict=True)):
        if booking:
            yield f"elements[{at}] for {booking} " + ("became one for reservations" if keep else "dropped")
        if keep:
            elements.append(_for_reservations(element, booking) if booking else element)
    tariff["elements"] = elements


def _for_reservations(element: JSONObject, booking: str) -> JSONObject:
    restrictions = {name: each for name, each in element["restrictions"].items() if name != "booking"}
    restrictions["reservation"] = restrictions.get("reservation") or _RESERVATION.get(booking, "RESERVATION_EXPIRES")
    return {**element, "restrictions": restrictions}


def _known_impacts(mix: JSONObject) -> Iterator[str]:
    """An impact of an unknown category is nothing 2.2.1 could say: it is left out."""
    impacts = mix.get("environ_impact")
    if not impacts:
        return
    mix["environ_impact"] = [each for each in impacts if each["category"] in _IMPACTS.known]
    for each in impacts:
        if each["category"] not in _IMPACTS.known:
            yield f"environ_impact {each['category']} dropped"


def _hub_as_role(credentials: JSONObject) -> Iterator[str]:
    """A hub of 2.2.1 has the role HUB and names no party reachable through it (credentials.asciidoc)."""
    hub = credentials.pop("hub_party_id", None)
    if not isinstance(hub, str) or len(hub) < 3:
        return
    country_code, party_id = hub[:2], hub[2:]
    for role in credentials["roles"]:
        if (role["country_code"].upper(), role["party_id"].upper()) == (country_code.upper(), party_id.upper()):
            details = role["business_details"]
            break
    else:
        details = {"name": hub}
    yield f"roles became the role HUB of {hub}"
    credentials["roles"] = [
        {"role": "HUB", "country_code": country_code, "party_id": party_id, "business_details": details}
    ]


def _hub_as_party(credentials: JSONObject) -> None:
    roles = []
    for role in credentials["roles"]:
        if role["role"] == "HUB":
            credentials["hub_party_id"] = role["country_code"] + role["party_id"]
        roles.append({**role, "role": "OTHER"} if role["role"] == "HUB" else role)
    credentials["roles"] = roles


def _hub_as_other(client: JSONObject) -> None:
    if client["role"] == "HUB":
        client["role"] = "OTHER"


_IMPACTS = ValuesAdded(EnvironmentalImpact, "category", {})
_ROLE_WITH_HUB: Any = Literal[("HUB", *get_args(Role))]
_TOKEN_TYPE = {"EMAID": "OTHER"}
#: SAE J3400 is the Tesla plug, made a standard; for MCS the nearest is another plug no car has.
_CONNECTOR_TYPE = {"SAE_J3400": "TESLA_S", "MCS": "PANTOGRAPH_TOP_DOWN"}
#: A plug hardly any vehicle still has: nobody drives there for nothing.
_RARE_CONNECTOR = "TESLA_R"

V2_2_1 = Version(
    "2.2.1",
    newer=V2_3_0,
    modules=V2_3_0.modules - {"bookings", "invoicereconciliation"},
    steps=(
        Added(Location, ("parking_places", "help_phone")),
        ValuesAdded(Location, "facilities", {}),
        ValuesAdded(Location, "parking_type", {}),
        Added(EVSE, ("parking", "accepted_service_providers")),
        ValuesAdded(EVSE, "capabilities", {}),
        # A place for some drivers only must not look like one for all.
        ValuesAdded(
            EVSE, "parking_restrictions", {each: "CUSTOMERS" for each in ("EMPLOYEES", "TAXIS", "TENANTS")}, "CUSTOMERS"
        ),
        Added(Connector, ("capabilities",)),
        ValuesAdded(Connector, "standard", _CONNECTOR_TYPE, _RARE_CONNECTOR),
        ValuesAdded(Image, "category", {}, "OTHER"),
        _IMPACTS,
        Rewritten(EnergyMix, "impacts of unknown category", _known_impacts),
        ValuesAdded(PublishTokenType, "type", _TOKEN_TYPE, "OTHER"),
        ValuesAdded(Token, "type", _TOKEN_TYPE, "OTHER"),
        ValuesAdded(CdrToken, "type", _TOKEN_TYPE, "OTHER"),
        Rewritten(
            Price,
            "taxes named",
            _taxes_summed,
            _taxes_named,
            {"before_taxes": None, "taxes": None, "excl_vat": Number, "incl_vat": NotRequired[Number | None]},
        ),
        Renamed(PriceLimit, older="excl_vat", newer="before_taxes"),
        Renamed(PriceLimit, older="incl_vat", newer="after_taxes"),
        AddedMandatory(Tariff, "tax_included", "NO"),
        Rewritten(Tariff, "prices with taxes", _prices_before_taxes),
        Rewritten(Tariff, "elements for bookings", _bookings_as_reservations),
        Rewritten(TariffRestrictions, "booking", shape={"booking": None}),
        Added(CDR, ("booking_id",)),
        ValuesAdded(CdrLocation, "connector_standard", _CONNECTOR_TYPE, _RARE_CONNECTOR),
        ValuesAdded(
            CdrDimension,
            "type",
            {"RESERVATION_EXPIRES": "RESERVATION_TIME", "RESERVATION_OVERTIME": "RESERVATION_TIME"},
        ),
        Rewritten(Credentials, "hub_party_id", _hub_as_role, _hub_as_party, {"hub_party_id": None}),
        Rewritten(CredentialsRole, "role HUB", shape={"role": _ROLE_WITH_HUB}),
        Rewritten(ClientInfo, "role HUB", lift=_hub_as_other, shape={"role": _ROLE_WITH_HUB}),
    ),
)
