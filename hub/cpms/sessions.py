"""A session's OCPI objects, from what the stations tell: Session, and what is sealed at its start.

Nothing here is stored or sent. Energy is in kWh, times in hours, money in the tariff's currency. The
seal holds what a CDR will say of place and price as they were when the session began, and what the
Session does not show yet: the meter's last reading and the charging period that is still open.

Source: OCPI 2.3.0, mod_sessions.asciidoc, mod_cdrs.asciidoc (CDR).
"""

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal

from hub.cpms import choosing
from hub.cpms.metering import Reading, all_periods, lowered, metered
from hub.cpms.ports import Authorization, Outlet, SessionEnded, SessionStarted, SessionUpdated
from hub.cpms.zones import zone_of
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Bill, Outcome, after_taxes, price
from hub.ocpi.times import date_time, moment

_TEN_THOUSANDTH = Decimal("0.0001")

_CURRENCY = "EUR"  # of a Location without a Tariff

#: A Location's fields that a CdrLocation repeats, and the most characters it allows (errata E-05).
_CDR_LOCATION = {
    "id": 36, "name": 255, "address": 45, "city": 45, "postal_code": 10, "state": 20, "country": 3, "coordinates": 0,
}  # fmt: skip


def currency_of(tariffs: Sequence[JSONObject]) -> str:
    """Return the currency of a session: its Tariff's, or where there is none the one all else is in."""
    return str(tariffs[0]["currency"]) if tariffs else _CURRENCY


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


def sealed(
    location: JSONObject,
    outlet: Outlet,
    tariffs: Sequence[JSONObject],
    *,
    at: datetime.datetime,
    ad_hoc: bool = False,
    own: Sequence[JSONObject] = (),
    reserved_at: str | None = None,
) -> JSONObject:
    """Return what a CDR says of place and price: as they are when the session starts (mod_cdrs).

    Args:
        tariffs: of the connector, valid now or not.
        ad_hoc: whether the driver pays at the station, without a contract.
        own: Tariffs made for the token's eMSP; they come before all others.
        reserved_at: since when the outlet was kept for the driver, if it was.
    """
    valid, own = choosing.valid(tariffs, at), choosing.valid(own, at)
    counts = choosing.chosen(own, ad_hoc=ad_hoc) or choosing.chosen(valid, ad_hoc=ad_hoc)
    valid = [*own, *valid]
    if counts is not None:  # a session has one currency
        valid = [each for each in valid if each["currency"] == counts["currency"]]
    return {
        "cdr_location": _place(location, outlet),
        "time_zone": location.get("time_zone"),
        "tariffs": valid,
        "tariff_id": counts["id"] if counts else None,
        "ad_hoc": ad_hoc,
        "own": [each["id"] for each in own],
        "reserved_at": reserved_at,
        "last_updated": date_time(at),
    }


def _place(location: JSONObject, outlet: Outlet) -> JSONObject:
    evse = next(each for each in location["evses"] if each["uid"] == outlet.evse_uid)
    connector = next(each for each in evse["connectors"] if each["id"] == outlet.connector_id)
    place = {
        name: value[:most] if most and isinstance(value, str) else value
        for name, most in _CDR_LOCATION.items()
        if (value := location.get(name)) not in (None, [])
    }
    return place | {
        "evse_uid": evse["uid"],
        "evse_id": evse.get("evse_id") or "#NA",
        "connector_id": connector["id"],
        "connector_standard": connector["standard"],
        "connector_format": connector["format"],
        "connector_power_type": connector["power_type"],
    }


def preferred(now: JSONObject, seal: JSONObject, profile: str, at: datetime.datetime) -> tuple[JSONObject, JSONObject]:
    """Return a Session and its seal from when on a driver's profile_type counts: another Tariff may be for it.

    The period so far stays with the Tariff so far (mod_cdrs, step_size: a driver selects a different profile).
    """
    ad_hoc, made_for = bool(seal.get("ad_hoc")), seal.get("own") or []
    own = [each for each in seal["tariffs"] if each["id"] in made_for]
    counts = choosing.chosen(own, ad_hoc=ad_hoc, profile=profile)
    counts = counts or choosing.chosen(seal["tariffs"], ad_hoc=ad_hoc, profile=profile)
    if counts is None or counts["id"] == seal.get("tariff_id"):
        return now, seal
    taking = bool((seal.get("meter") or {}).get("taking", True))
    periods, seal = metered(now, seal, Reading(kwh=now["kwh"], at=at, taking=taking))
    changed = now | {"charging_periods": periods, "last_updated": _later(at, now)}
    return changed, seal | {"tariff_id": counts["id"]}


def started(now: JSONObject, seal: JSONObject, before: JSONObject | None = None) -> JSONObject:
    """Return a Session with the time its outlet was reserved before, as a charging period of its own.

    Args:
        before: the Session while its start was awaited. The station's clock may be behind the one that dated it.
    """
    if before is not None:
        now = now | {"last_updated": max(now["last_updated"], before["last_updated"])}
    if not seal.get("reserved_at"):
        return now
    return now | {"charging_periods": [_reservation_period(seal, moment(now["start_date_time"]))]}


def lapsed(now: JSONObject, seal: JSONObject, at: datetime.datetime) -> JSONObject:
    """Return the COMPLETED Session of a reservation that was not used, with the time it was kept."""
    held = seal | {"reserved_at": now["start_date_time"]}
    return now | {
        "charging_periods": [_reservation_period(held, at)],
        "status": "COMPLETED",
        "end_date_time": date_time(max(at, moment(now["start_date_time"]))),
        "last_updated": _later(at, now),
    }


def _reservation_period(seal: JSONObject, until: datetime.datetime) -> JSONObject:
    waited = _hours(moment(seal["reserved_at"]), until)
    period: JSONObject = {
        "start_date_time": seal["reserved_at"],
        "dimensions": [{"type": "RESERVATION_TIME", "volume": waited}],
    }
    return period | {"tariff_id": seal["tariff_id"]} if seal.get("tariff_id") else period


def advanced(now: JSONObject, event: SessionUpdated, seal: JSONObject) -> tuple[JSONObject, JSONObject]:
    """Return a Session after the meter moved, with what it costs so far; and its seal."""
    reading = Reading(
        kwh=_kwh(event.kwh),
        at=event.at,
        # Time in which the station holds back what the car asks for is no parking (mod_cdrs, PARKING_TIME).
        taking=event.charging or event.held_back,
        power=event.power,
        current=event.current,
        soc=event.soc,
    )
    return _moved(now, seal, reading)


def _moved(now: JSONObject, seal: JSONObject, reading: Reading) -> tuple[JSONObject, JSONObject]:
    periods, seal = metered(now, seal, reading)
    changed = now | {
        "kwh": max(reading.kwh, now["kwh"]),
        "charging_periods": periods,
        "last_updated": _later(reading.at, now),
    }
    return _with_cost(changed, seal, moment(seal["meter"]["at"])), seal


def completed(now: JSONObject, event: SessionEnded, seal: JSONObject) -> JSONObject:
    """Return a Session as it ends; parking after the energy has a ChargingPeriod of its own."""
    heard = moment((seal.get("meter") or {"at": now["start_date_time"]})["at"])
    end = max(event.at, heard)
    if event.invalid is None:
        # The end knows better than a reading on the way that was too high: what was not taken is not billed.
        now, seal = lowered(now, seal, _kwh(event.kwh))
    for reading in _last_readings(max(_kwh(event.kwh), now["kwh"]), event.charged_until, heard=heard, end=end):
        now, seal = _moved(now, seal, reading)
    ended = now | {
        "charging_periods": all_periods(now, seal) or [_nothing(now, seal)],
        "status": "COMPLETED",
        "end_date_time": date_time(end),
        "last_updated": _later(event.at, now),
    }
    return _with_cost(ended, seal | {"open": None}, end)


def resumed(ended: JSONObject, seal: JSONObject) -> tuple[JSONObject, JSONObject]:
    """Return an ended Session, and its seal, as if it still went on: its stop came after it had been given up."""
    told = [each for each in ended["charging_periods"] if any(one["volume"] for one in each["dimensions"])]
    going = {name: each for name, each in ended.items() if name not in ("end_date_time", "total_cost")}
    taking = bool((seal.get("meter") or {}).get("taking", True))
    meter = {"at": ended["end_date_time"], "taking": taking}
    return going | {"charging_periods": told}, seal | {"open": None, "meter": meter}


def _last_readings(
    kwh: Decimal, charged_until: datetime.datetime | None, *, heard: datetime.datetime, end: datetime.datetime
) -> Iterator[Reading]:
    """Yield what a session's end tells of the time since the last reading."""
    if charged_until is None:
        yield Reading(kwh=kwh, at=end, taking=True)
        return
    until = min(charged_until, end)
    if until > heard:
        yield Reading(kwh=kwh, at=until, taking=True, took=True)
    if end > until:
        yield Reading(kwh=kwh, at=end, taking=False, took=False)


def _nothing(now: JSONObject, seal: JSONObject) -> JSONObject:
    """Return the period of a session that ended as it began: a CDR has at least one."""
    period: JSONObject = {
        "start_date_time": now["start_date_time"],
        "dimensions": [{"type": "TIME", "volume": Decimal(0)}],
    }
    return period | {"tariff_id": seal["tariff_id"]} if seal.get("tariff_id") else period


def bill(session_: JSONObject, seal: JSONObject, until: datetime.datetime, outcome: Outcome | None = None) -> Bill:
    """Return what a Session costs until a moment, by what was sealed at its start."""
    return price(
        seal["tariffs"],
        all_periods(session_, seal),
        until=until,
        zone=zone_of(seal.get("time_zone")),
        currency=session_["currency"],
        outcome=outcome,
    )


def _with_cost(now: JSONObject, seal: JSONObject, until: datetime.datetime) -> JSONObject:
    if not seal.get("tariff_id"):
        return now
    return now | {"total_cost": bill(now, seal, until).total.as_json()}


def cost_of(session_: JSONObject) -> Decimal | None:
    """Return what a Session says it costs so far, taxes included; None: it has no Tariff."""
    total: JSONObject | None = session_.get("total_cost")
    return None if total is None else after_taxes(total)


def _kwh(kwh: float) -> Decimal:
    return Decimal(str(kwh)).quantize(_TEN_THOUSANDTH)


def _later(at: datetime.datetime, now: JSONObject) -> str:
    return str(max(date_time(at), now["last_updated"]))


def _hours(start: datetime.datetime, end: datetime.datetime) -> Decimal:
    seconds = Decimal((end - start) // datetime.timedelta(milliseconds=1)) / 1000
    return (max(seconds, Decimal(0)) / 3600).quantize(_TEN_THOUSANDTH)
