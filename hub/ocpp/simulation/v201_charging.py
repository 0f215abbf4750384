"""Charging profiles of a station of OCPP 2.0.1: what it answers, and how it reads and reports them.

Source: OCPP 2.0.1 edition 3, part 2, K.
"""

import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ocpp.v201 import call
from ocpp.v201 import call_result as result

from hub.ocpp.simulation.clock import moment, timestamp
from hub.ocpp.simulation.connector import Connector
from hub.ocpp.simulation.profiles import VOLTS, Installed
from hub.ocpp.simulation.voice import JSON
from hub.ocpp.words import ChargingProfile, SchedulePeriod

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station


class Charging201:
    """The answers of one station about charging profiles."""

    def __init__(self, station: "Station") -> None:
        self._station = station

    def _connector(self, evse_id: int | None) -> Connector | None:
        found = self._station.connectors
        return found[evse_id - 1] if evse_id and 0 < evse_id <= len(found) else None

    def on_set_charging_profile(self, evse_id: int, charging_profile: JSON, **_: Any) -> Any:
        """Install a profile; a TxProfile is for a transaction that runs (K01.FR.03, K01.FR.33)."""
        profile, connector = profile_of(charging_profile), self._connector(evse_id)
        if (evse_id and connector is None) or (profile.purpose == "ChargingStationMaxProfile" and evse_id):
            return result.SetChargingProfile(status="Rejected")
        if profile.purpose == "TxProfile":
            running = connector.transaction if connector is not None else None
            if running is None or profile.transaction_id != running.id:
                return result.SetChargingProfile(status="Rejected")
        self._station.profiles.put(evse_id, profile, self._station.now())
        return result.SetChargingProfile(status="Accepted")

    def on_clear_charging_profile(
        self, charging_profile_id: int | None = None, charging_profile_criteria: JSON = None, **_: Any
    ) -> Any:
        """Remove profiles."""
        criteria = charging_profile_criteria or {}
        cleared = self._station.profiles.clear(
            profile_id=charging_profile_id,
            evse_id=criteria.get("evse_id"),
            purpose=criteria.get("charging_profile_purpose"),
            stack_level=criteria.get("stack_level"),
        )
        return result.ClearChargingProfile(status="Accepted" if cleared else "Unknown")

    def on_get_composite_schedule(
        self, duration: int, evse_id: int, charging_rate_unit: str | None = None, **_: Any
    ) -> Any:
        """Tell what limits hold for the next while."""
        connector = self._connector(evse_id)
        if connector is None:
            return result.GetCompositeSchedule(status="Rejected")
        now, unit = self._station.now(), charging_rate_unit or "W"
        divisor = 1 if unit == "W" else VOLTS * connector.phases
        asked = self._station.charging.asked(connector)
        periods = self._station.profiles.composite(asked, now, duration, connector.max_power)
        schedule = {
            "evse_id": evse_id,
            "duration": duration,
            "schedule_start": timestamp(now),
            "charging_rate_unit": unit,
            "charging_schedule_period": [
                {"start_period": each.start, "limit": float(round(each.limit / divisor, 1))} for each in periods
            ],
        }
        return result.GetCompositeSchedule(status="Accepted", schedule=schedule)

    def on_get_charging_profiles(
        self, request_id: int, charging_profile: JSON, evse_id: int | None = None, **_: Any
    ) -> Any:
        """Report the profiles that match, one message each."""
        found = [
            each
            for each in self._station.profiles.installed
            if evse_id in (None, each.evse_id) and _matches(each.profile, charging_profile)
        ]
        if not found:
            return result.GetChargingProfiles(status="NoProfiles")

        async def report() -> None:
            for number, each in enumerate(found):
                request = _report(request_id, each, more=number + 1 < len(found))
                self._station.notice(partial(self._station.link.call, request))

        self._station.follow(report())
        return result.GetChargingProfiles(status="Accepted")


def profile_of(given: JSON) -> ChargingProfile:
    """Return a profile; of several schedules the first, as there is no ISO 15118 car to choose."""
    schedule = given["charging_schedule"][0]
    minimum = schedule.get("min_charging_rate")
    return ChargingProfile(
        id=given["id"],
        stack_level=given["stack_level"],
        purpose=given["charging_profile_purpose"],
        kind=given["charging_profile_kind"],
        recurrency=given.get("recurrency_kind"),
        valid_from=_moment(given.get("valid_from")),
        valid_to=_moment(given.get("valid_to")),
        transaction_id=given.get("transaction_id"),
        unit=schedule["charging_rate_unit"],
        duration=schedule.get("duration"),
        start_at=_moment(schedule.get("start_schedule")),
        min_charging_rate=Decimal(str(minimum)) if minimum is not None else None,
        periods=tuple(
            SchedulePeriod(
                start=each["start_period"], limit=Decimal(str(each["limit"])), phases=each.get("number_phases")
            )
            for each in schedule["charging_schedule_period"]
        ),
    )


def _moment(text: str | None) -> datetime.datetime | None:
    return moment(text) if text else None


def _matches(profile: ChargingProfile, wanted: JSON) -> bool:
    ids = wanted.get("charging_profile_id")
    return (
        (ids is None or profile.id in ids)
        and wanted.get("charging_profile_purpose") in (None, profile.purpose)
        and wanted.get("stack_level") in (None, profile.stack_level)
        and "CSO" in wanted.get("charging_limit_source", ["CSO"])
    )


def _report(request_id: int, installed: Installed, *, more: bool) -> Any:
    profile = installed.profile
    periods = [{"start_period": each.start, "limit": float(each.limit)} for each in profile.periods]
    schedule = {
        "id": profile.id,
        "charging_rate_unit": profile.unit,
        "charging_schedule_period": periods,
        "duration": profile.duration,
        "start_schedule": timestamp(profile.start_at) if profile.start_at is not None else None,
    }
    told = {
        "id": profile.id,
        "stack_level": profile.stack_level,
        "charging_profile_purpose": profile.purpose,
        "charging_profile_kind": profile.kind,
        "recurrency_kind": profile.recurrency,
        "transaction_id": profile.transaction_id,
        "charging_schedule": [schedule],
    }
    return call.ReportChargingProfiles(
        request_id=request_id,
        charging_limit_source="CSO",
        charging_profile=[told],
        evse_id=installed.evse_id,
        tbc=more,
    )
