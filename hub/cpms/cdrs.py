"""CDRs of the operator: made once from a session's end, and credited when one was wrong; never changed.

Nothing here is stored or sent; energy is in kWh, times in hours.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR, Credit CDRs).
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub.cpms.metering import cdr_periods
from hub.cpms.sessions import bill
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Outcome
from hub.ocpi.times import date_time, moment

_TEN_THOUSANDTH = Decimal("0.0001")

#: What a credited CDR's id gets at its end (mod_cdrs, Credit CDRs); with it an id may have 39 characters.
CREDIT = "-C"

_FROM_SESSION = (
    "country_code", "party_id", "end_date_time", "cdr_token", "auth_method", "authorization_reference", "meter_id",
    "currency", "last_updated",
)  # fmt: skip


def cdr(
    ended: JSONObject,
    seal: JSONObject,
    *,
    signed_data: JSONObject | None = None,
    outcome: Outcome | None = None,
    more: Mapping[str, Any] | None = None,
) -> JSONObject:
    """Return the CDR of a COMPLETED Session.

    Args:
        signed_data: as the station signed its meter.
        outcome: what became of the reservation, if it was not used.
        more: further fields: invoice_reference_id, home_charging_compensation, remark.
    """
    end = moment(ended["end_date_time"])
    costs = bill(ended, seal | {"open": None}, end, outcome)
    periods = cdr_periods(ended, seal["tariffs"], seal)
    used = {each.get("tariff_id") for each in periods}
    made: JSONObject = {name: ended[name] for name in _FROM_SESSION if ended.get(name) not in (None, [])}
    made |= {
        "id": ended["id"],
        "session_id": ended["id"],
        "start_date_time": seal.get("reserved_at") or ended["start_date_time"],
        "cdr_location": seal["cdr_location"],
        "tariffs": [each for each in seal["tariffs"] if each["id"] in used],
        "charging_periods": periods,
        "total_energy": ended["kwh"],
        "total_time": _total_time(ended, outcome),
        **costs.cdr_costs(),
        **(more or {}),
    }
    if parking := volume(periods, "PARKING_TIME"):
        made["total_parking_time"] = parking
    if signed_data is not None:
        made["signed_data"] = signed_data
    return made


def reservation_cdr(ended: JSONObject, seal: JSONObject, outcome: Outcome) -> JSONObject | None:
    """Return the CDR of a reservation that never became a charging session; None if it costs nothing."""
    made = cdr(ended, seal | {"reserved_at": ended["start_date_time"]}, outcome=outcome)
    return made if made["total_cost"]["before_taxes"] else None


def _total_time(ended: JSONObject, outcome: Outcome | None) -> Decimal:
    """Return the duration of the charging session; of a reservation that never became one it is nothing."""
    if outcome is not None:
        return Decimal(0)
    lasted = moment(ended["end_date_time"]) - moment(ended["start_date_time"])
    return (Decimal(lasted // datetime.timedelta(milliseconds=1)) / 3_600_000).quantize(_TEN_THOUSANDTH)


def volume(periods: list[JSONObject], dimension: str) -> Decimal:
    """Return how much of a dimension there was in all: kWh or hours."""
    found = [each["volume"] for period in periods for each in period["dimensions"] if each["type"] == dimension]
    return sum((Decimal(str(each)) for each in found), Decimal(0))


def credit(wrong: JSONObject, at: datetime.datetime) -> JSONObject:
    """Return the Credit CDR that takes a CDR back: all its data, the total_cost negative."""
    return wrong | {
        "id": wrong["id"] + CREDIT,
        "credit": True,
        "credit_reference_id": wrong["id"],
        "total_cost": _negative(wrong["total_cost"]),
        "last_updated": date_time(at),
    }


def corrected(wrong: JSONObject, new_id: str, changes: Mapping[str, Any], at: datetime.datetime) -> JSONObject:
    """Return the CDR that takes the place of a credited one; a change to None takes a field away."""
    made = wrong | dict(changes) | {"id": new_id, "last_updated": date_time(at)}
    return {name: each for name, each in made.items() if each is not None and not name.startswith("credit")}


def _negative(price: JSONObject) -> JSONObject:
    made: JSONObject = {"before_taxes": -price["before_taxes"]}
    if price.get("taxes"):
        made["taxes"] = [each | {"amount": -each["amount"]} for each in price["taxes"]]
    return made
