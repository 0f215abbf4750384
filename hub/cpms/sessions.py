"""A session's OCPI objects, from what the stations tell: Session, ChargingPeriods, CDR.

Nothing here is stored or sent. Energy is in kWh, times in hours, money in the tariff's currency.

Source: OCPI 2.3.0, mod_sessions.asciidoc, mod_cdrs.asciidoc, mod_tariffs.asciidoc (step_size).
"""

import datetime
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from hub.cpms.ports import Authorization, Outlet, SessionEnded, SessionStarted
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, moment

_HUNDREDTH, _TEN_THOUSANDTH = Decimal("0.01"), Decimal("0.0001")

#: A Location's fields that a CdrLocation repeats.
_CDR_LOCATION = ("id", "name", "address", "city", "postal_code", "state", "country", "coordinates")


def cdr_token(token: JSONObject) -> JSONObject:
    """Return the CdrToken that names a Token."""
    return {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


def session(party: Party, event: SessionStarted, currency: str) -> JSONObject:
    """Return the ACTIVE Session of a start."""
    opened = _opened(party, event.session_id, event.outlet, event.authorization, event.at, currency)
    return opened | {"status": "ACTIVE"}


def reserved_session(
    party: Party, session_id: str, outlet: Outlet, authorization: Authorization, at: datetime.datetime, currency: str
) -> JSONObject:
    """Return the Session a reservation makes (mod_sessions, Reservation; the enum says RESERVATION)."""
    return _opened(party, session_id, outlet, authorization, at, currency) | {"status": "RESERVATION"}


def _opened(
    party: Party, session_id: str, outlet: Outlet, authorization: Authorization, at: datetime.datetime, currency: str
) -> JSONObject:
    opened: JSONObject = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": session_id,
        "start_date_time": date_time(at),
        "kwh": Decimal(0),
        "cdr_token": cdr_token(authorization.token),
        "auth_method": authorization.method,
        "location_id": outlet.location_id,
        "evse_uid": outlet.evse_uid,
        "connector_id": outlet.connector_id,
        "currency": currency,
        "charging_periods": [],
        "last_updated": date_time(at),
    }
    if authorization.reference:
        opened["authorization_reference"] = authorization.reference
    return opened


def advanced(now: JSONObject, kwh: float, at: datetime.datetime, tariffs: Iterable[JSONObject]) -> JSONObject:
    """Return a Session after the meter moved: one more ChargingPeriod, and what it costs so far."""
    energy = Decimal(str(kwh)).quantize(_TEN_THOUSANDTH)
    periods = now.get("charging_periods") or []
    since = moment(now["last_updated"]) if periods else moment(now["start_date_time"])
    period = {
        "start_date_time": date_time(since),
        "dimensions": [
            {"type": "ENERGY", "volume": energy - now["kwh"]},
            {"type": "TIME", "volume": hours(since, at)},
        ],
    }
    tariff = next(iter(tariffs), None)
    if tariff:
        period["tariff_id"] = tariff["id"]
    changed = now | {
        "kwh": energy,
        "charging_periods": [*periods, period],
        "last_updated": date_time(max(at, moment(now["last_updated"]))),
    }
    if tariff:
        changed["total_cost"] = total(costs(tariff, changed["charging_periods"]))
    return changed


def completed(now: JSONObject, event: SessionEnded, tariffs: Iterable[JSONObject]) -> JSONObject:
    """Return a Session as it ends; parking after the energy has a ChargingPeriod of its own."""
    until = min(event.charged_until or event.at, event.at)
    tariffs = list(tariffs)
    ended = advanced(now, event.kwh, max(until, moment(now["last_updated"])), tariffs)
    if event.at > until:
        parked = {
            "start_date_time": date_time(until),
            "dimensions": [{"type": "PARKING_TIME", "volume": hours(until, event.at)}],
        }
        ended["charging_periods"] = [*ended["charging_periods"], parked]
        if tariffs:
            ended["total_cost"] = total(costs(tariffs[0], ended["charging_periods"]))
    at = date_time(max(event.at, moment(now["last_updated"])))
    return ended | {"status": "COMPLETED", "end_date_time": date_time(event.at), "last_updated": at}


def hours(start: datetime.datetime, end: datetime.datetime) -> Decimal:
    """Return the time between two moments in hours, never negative."""
    seconds = max((end - start).total_seconds(), 0.0)
    return (Decimal(str(seconds)) / 3600).quantize(_TEN_THOUSANDTH)


def sealed(location: JSONObject, outlet: Outlet, tariffs: list[JSONObject]) -> JSONObject:
    """Return what a CDR says of place and price: as they are when the session starts (mod_cdrs)."""
    evse = next(each for each in location["evses"] if each["uid"] == outlet.evse_uid)
    connector = next(each for each in evse["connectors"] if each["id"] == outlet.connector_id)
    place = {name: location[name] for name in _CDR_LOCATION if location.get(name) is not None}
    place |= {
        "evse_uid": evse["uid"],
        "evse_id": evse.get("evse_id") or "#NA",
        "connector_id": connector["id"],
        "connector_standard": connector["standard"],
        "connector_format": connector["format"],
        "connector_power_type": connector["power_type"],
    }
    return {"cdr_location": place, "tariffs": tariffs}


def cdr(ended: JSONObject, seal: JSONObject) -> JSONObject:
    """Return the CDR of a COMPLETED Session."""
    periods = ended["charging_periods"]
    parking = volume(periods, "PARKING_TIME")
    made: JSONObject = {
        name: ended[name]
        for name in (
            "country_code", "party_id", "start_date_time", "end_date_time", "cdr_token", "auth_method",
            "authorization_reference", "currency", "charging_periods", "last_updated",
        )
        if ended.get(name) is not None
    }  # fmt: skip
    made |= {
        "id": ended["id"],
        "session_id": ended["id"],
        "cdr_location": seal["cdr_location"],
        "tariffs": seal["tariffs"],
        "total_energy": ended["kwh"],
        "total_time": hours(moment(ended["start_date_time"]), moment(ended["end_date_time"])),
        "total_cost": {"before_taxes": Decimal(0)},
    }
    if parking:
        made["total_parking_time"] = parking
    if seal["tariffs"]:
        parts = costs(seal["tariffs"][0], periods)
        made["total_cost"] = total(parts)
        named = {"FLAT": "fixed", "ENERGY": "energy", "TIME": "time", "PARKING_TIME": "parking"}
        made |= {f"total_{named[each]}_cost": price for each, price in parts.items()}
    return made


def volume(periods: Iterable[JSONObject], dimension: str) -> Decimal:
    """Return how much of a dimension there was in all: kWh or hours."""
    found = [each["volume"] for period in periods for each in period["dimensions"] if each["type"] == dimension]
    return sum((Decimal(str(each)) for each in found), Decimal(0))


def costs(tariff: JSONObject, periods: Iterable[JSONObject]) -> dict[str, JSONObject]:
    """Return the Price of each dimension of a plain Tariff: the elements that stand without restrictions."""
    periods = list(periods)
    parts: dict[str, JSONObject] = {}
    for element in tariff["elements"]:
        if element.get("restrictions"):
            continue
        for component in element["price_components"]:
            # Of several elements the first that prices a dimension counts (mod_tariffs, TariffElement).
            if component["type"] not in parts:
                amount = Decimal(str(component["price"])) * _billed(component, periods)
                parts[component["type"]] = _price(amount, component.get("vat"), tariff.get("tax_included", "NO"))
    return parts


def _billed(component: JSONObject, periods: list[JSONObject]) -> Decimal:
    """Return the units billed: kWh or hours, rounded up to whole steps of Wh or seconds."""
    if component["type"] == "FLAT":
        return Decimal(1)
    used = volume(periods, component["type"])
    step = Decimal(component.get("step_size") or 1) / (1000 if component["type"] == "ENERGY" else 3600)
    return (used / step).to_integral_value(ROUND_CEILING) * step


def _price(amount: Decimal, vat: object, tax_included: str) -> JSONObject:
    if vat is None or tax_included == "N/A":
        return {"before_taxes": amount.quantize(_TEN_THOUSANDTH)}
    percentage = Decimal(str(vat))
    before = amount / (1 + percentage / 100) if tax_included == "YES" else amount
    tax = before * percentage / 100
    return {
        "before_taxes": before.quantize(_TEN_THOUSANDTH),
        "taxes": [{"name": "VAT", "percentage": percentage, "amount": tax.quantize(_TEN_THOUSANDTH)}],
    }


def total(parts: dict[str, JSONObject]) -> JSONObject:
    """Return the sum of Prices, in whole hundredths; taxes of one percentage become one."""
    taxes: dict[Decimal, Decimal] = {}
    for price in parts.values():
        for tax in price.get("taxes", ()):
            taxes[tax["percentage"]] = taxes.get(tax["percentage"], Decimal(0)) + tax["amount"]
    summed: JSONObject = {"before_taxes": _rounded(sum((each["before_taxes"] for each in parts.values()), Decimal(0)))}
    if taxes:
        summed["taxes"] = [
            {"name": "VAT", "percentage": percentage, "amount": _rounded(amount)}
            for percentage, amount in sorted(taxes.items())
        ]
    return summed


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_HUNDREDTH, ROUND_HALF_UP)
