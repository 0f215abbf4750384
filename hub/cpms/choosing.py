"""Which Tariff of a connector a session is priced by.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (TariffType), mod_locations.asciidoc (Connector, tariff_ids).
"""

import datetime
from collections.abc import Iterable

from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment


def valid(tariffs: Iterable[JSONObject], at: datetime.datetime) -> list[JSONObject]:
    """Return the Tariffs that are active at a moment."""
    return [each for each in tariffs if _begun(each, at) and not _over(each, at)]


def chosen(tariffs: Iterable[JSONObject], *, ad_hoc: bool, profile: str | None = None) -> JSONObject | None:
    """Return the Tariff that counts; None if none of them is for such a session.

    Args:
        tariffs: valid ones, the preferred first among those of the same type.
        ad_hoc: whether the driver pays at the station, without a contract.
        profile: the profile_type of the driver's ChargingPreferences.
    """
    tariffs = list(tariffs)
    for kind in _types(ad_hoc=ad_hoc, profile=profile):
        for each in tariffs:
            if (each.get("type") or None) == kind:
                return each
    return None


def _types(*, ad_hoc: bool, profile: str | None) -> list[str | None]:
    """Return the types that may be taken, in this order; a Tariff without one is valid for all sessions."""
    if ad_hoc:
        return ["AD_HOC_PAYMENT", None]
    if profile in ("CHEAP", "FAST", "GREEN"):
        return [f"PROFILE_{profile}", "REGULAR", None]
    return ["REGULAR", None]


def _begun(tariff: JSONObject, at: datetime.datetime) -> bool:
    start = tariff.get("start_date_time")
    return not start or moment(start) <= at


def _over(tariff: JSONObject, at: datetime.datetime) -> bool:
    end = tariff.get("end_date_time")
    return bool(end) and moment(str(end)) <= at
