"""OCPI's charging profiles as OCPP's: a session's profile is the TxProfile of its transaction, a maximum.

Source: OCPI 2.3.0, mod_charging_profiles.asciidoc; OCPP 1.6, 3.13, 5.16; OCPP 2.0.1, part 2, K.
"""

import datetime
import logging
from collections.abc import Callable
from decimal import Decimal

from hub.cpms.ports import ProfileResultType
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, moment, utc_now
from hub.ocpp.events import EVSE, ChargerError, Chargers, ChargingProfile, SchedulePeriod

log = logging.getLogger(__name__)

TX_PURPOSE, DEFAULT_PURPOSE = "TxProfile", "TxDefaultProfile"

#: Ids of profiles by their purpose: one per EVSE, so that the next one replaces it.
_FIRST_ID = {TX_PURPOSE: 10_000, DEFAULT_PURPOSE: 20_000}

#: A higher level would replace a lower one and not be limited by it, so nothing of ours is stacked (decision 0025);
#: every station has this one, and operators' own profiles may stand above it.
_STACK_LEVEL = 0


class StationProfiles:
    """``hub.cpms.needs.Charging``, put to each station as it is asked."""

    def __init__(self, chargers: Chargers, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._chargers = chargers
        self._clock = clock

    async def set(self, evse: EVSE, transaction_id: str, profile: JSONObject) -> ProfileResultType:
        """Limit a transaction."""
        if not profile.get("charging_profile_period"):
            return "REJECTED"  # a profile without a period limits nothing
        return "ACCEPTED" if await self.put(evse, transaction_id, profile) else "REJECTED"

    async def put(
        self, evse: EVSE, transaction_id: str | None, profile: JSONObject, *, phases: int | None = None
    ) -> bool:
        """Put a profile to a station, without a transaction as the EVSE's default; return whether it goes by it.

        Args:
            phases: how many phases may be loaded at most; None: all there are.
        """
        wanted = station_profile(evse, transaction_id, profile, now=self._clock(), phases=phases)
        try:
            answer = await self._chargers.commands(evse.station_id).set_charging_profile(evse, wanted)
        except ChargerError as error:
            log.warning("%s: a charging profile was not set: %r", evse.station_id, error)
            return False
        if not answer.accepted:
            log.warning("%s: a charging profile was refused: %s", evse.station_id, answer.status)
        return answer.accepted

    async def clear(self, evse: EVSE, transaction_id: str) -> ProfileResultType:
        """Take the limit of a transaction away."""
        try:
            commands = self._chargers.commands(evse.station_id)
            answer = await commands.clear_charging_profile(profile_id=_FIRST_ID[TX_PURPOSE] + evse.evse_id)
        except ChargerError as error:
            log.warning("%s: a charging profile was not cleared: %r", evse.station_id, error)
            return "REJECTED"
        return "ACCEPTED" if answer.accepted else "UNKNOWN"

    async def active(self, evse: EVSE, duration: int) -> JSONObject | None:
        """Return what the station will do; None if it does not say."""
        try:
            answer = await self._chargers.commands(evse.station_id).composite_schedule(evse, duration=duration)
        except ChargerError as error:
            log.warning("%s: no schedule: %r", evse.station_id, error)
            return None
        schedule = answer.payload.get("schedule")
        return active_profile(schedule, now=self._clock()) if answer.accepted and schedule else None


def station_profile(
    evse: EVSE,
    transaction_id: str | None,
    profile: JSONObject,
    *,
    now: datetime.datetime,
    phases: int | None = None,
) -> ChargingProfile:
    """Return an OCPI ChargingProfile as that of a transaction or, without one, the EVSE's default.

    Without a start it begins at once.
    """
    purpose = TX_PURPOSE if transaction_id is not None else DEFAULT_PURPOSE
    start = profile.get("start_date_time")
    least = profile.get("min_charging_rate")
    return ChargingProfile(
        id=_FIRST_ID[purpose] + evse.evse_id,
        stack_level=_STACK_LEVEL,
        purpose=purpose,
        kind="Absolute",
        unit=profile["charging_rate_unit"],
        periods=tuple(
            SchedulePeriod(start=each["start_period"], limit=Decimal(str(each["limit"])), phases=phases)
            for each in profile["charging_profile_period"]
        ),
        start_at=moment(start) if start else now,
        duration=profile.get("duration"),
        min_charging_rate=None if least is None else Decimal(str(least)),
        transaction_id=transaction_id,
    )


def active_profile(schedule: JSONObject, *, now: datetime.datetime) -> JSONObject:
    """Return a composite schedule as an ActiveChargingProfile."""
    return {
        "start_date_time": schedule.get("start_at") or date_time(now),
        "charging_profile": {
            "charging_rate_unit": schedule["unit"],
            "duration": schedule["duration"],
            "charging_profile_period": [
                {"start_period": each["start"], "limit": each["limit"]} for each in schedule["periods"]
            ],
        },
    }
