"""What raises an alarm, and what ends it: rules over what stations tell, and over their silence.

Source: OCPP 1.6 edition 2, 7.6 (ChargePointErrorCode); OCPP 2.0.1 edition 3, part 2, N07 and appendix 1 (security
events); REQUIREMENTS GEM-UC-1529, SGEM-4.1-12, X-69.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.api.feed import Feed
from hub.cpms.alarms import Alarms
from hub.cpms.monitored import findings, says_open_door, subject_of
from hub.cpms.timers import Clock, Timer
from hub.ocpi.times import date_time
from hub.ocpp.events import Connected, Disconnected, Metered, Reported, StatusChanged, TransactionEvent
from hub.ocpp.words import EVSE, Sample

_WIDTH = 200  # alarms raised at once

#: Security events that say somebody is at the station, or on its line, who should not be.
_SECURITY_EVENTS = {"TamperDetectionActivated": "TAMPER", "AttemptedReplayAttacks": "SECURITY"}

#: What is said to a driver whose session meets an error, by 1.6's error code.
_FOR_DRIVERS = {
    "ConnectorLockFailure": "The plug could not be locked. Please plug it in again.",
    "EVCommunicationError": "The station cannot talk to your car. Please plug it in again.",
    "GroundFailure": "The station has switched off for your safety.",
    "HighTemperature": "The station is hot and charges more slowly, or not at all, until it has cooled down.",
    "OverCurrentFailure": "The station has switched off: your car drew too much current.",
    "OverVoltage": "Charging is interrupted: the voltage of the grid is too high.",
    "UnderVoltage": "Charging is interrupted: the voltage of the grid is too low.",
    "PowerMeterFailure": "The station's meter does not work. Charging may end.",
    "PowerSwitchFailure": "The station cannot switch the power. Please use another one.",
    "WeakSignal": "The station's connection is weak. Charging goes on.",
}

_PROBLEM = "The station reports a problem; charging may be interrupted."

#: What is said of an alarm a monitor raised, by its rule.
_ALARMED = {"TEMPERATURE": _FOR_DRIVERS["HighTemperature"]}


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When an alarm is raised.

    Attributes:
        offline: how long a station may be without connection, in seconds.
        silent: how long a transaction may say nothing, in seconds.
        hot: the highest temperature, in Celsius; the alarm is over ``cooled`` degrees below.
    """

    offline: float = 300.0
    silent: float = 1800.0
    hot: float = 80.0
    cooled: float = 5.0


@dataclass(frozen=True)
class _Silent:
    """Something that has said nothing since a moment, and may do so for so many seconds."""

    rule: str
    station_id: str
    subject: str
    since: datetime.datetime
    patience: float

    @property
    def end(self) -> datetime.datetime:
        return self.since + datetime.timedelta(seconds=self.patience)


class AlarmRules:
    """Watches what stations tell, and raises and clears alarms.

    Args:
        away: the stations without connection, and since when.
        sessions: returns the session that goes on at an EVSE, to which messages for its driver are told.
    """

    def __init__(
        self,
        alarms: Alarms,
        *,
        away: Callable[[], Iterable[tuple[str, datetime.datetime]]],
        clock: Clock,
        thresholds: Thresholds | None = None,
        feed: Feed | None = None,
        sessions: Callable[[EVSE], str | None] = lambda _: None,
    ) -> None:
        self._alarms = alarms
        self._away = away
        self._clock = clock
        self._limits = thresholds or Thresholds()
        self._feed = feed
        self.sessions = sessions
        self._heard: dict[tuple[str, str], datetime.datetime] = {}
        self._timer = Timer("alarm rules", self._look, clock)
        self._handlers: dict[type, Callable[[Any], Awaitable[None]]] = {
            Connected: self._connected,
            Disconnected: self._disconnected,
            StatusChanged: self._status,
            TransactionEvent: self._transaction,
            Metered: self._metered,
            Reported: self._reported,
        }

    async def start(self) -> None:
        """Keep an eye on who says nothing."""
        self._timer.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._timer.stop()

    async def told(self, event: object) -> None:
        """Take what a station told."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            await handler(event)

    # -- silence -----------------------------------------------------------------------------------

    async def _connected(self, event: Connected) -> None:
        await self._alarms.clear("OFFLINE", event.station_id)

    async def _disconnected(self, event: Disconnected) -> None:
        self._timer.wake_by(self._clock.now() + datetime.timedelta(seconds=self._limits.offline))

    async def _look(self) -> datetime.datetime | None:
        """Raise what silence asks for; return when the next one would have been silent for too long."""
        now, away = self._clock.now(), dict(self._away())
        for station_id in self._alarms.open_subjects("OFFLINE"):
            if station_id not in away:  # it was taken away, or has connected elsewhere
                await self._alarms.clear("OFFLINE", station_id)
        silent = [
            *(_Silent("OFFLINE", station_id, station_id, lost_at, self._limits.offline)
              for station_id, lost_at in away.items()),
            *(_Silent("METER_SILENT", station_id, subject, heard_at, self._limits.silent)
              for (station_id, subject), heard_at in self._heard.items()),
        ]  # fmt: skip
        due = [each for each in silent if each.end <= now and not self._alarms.is_open(each.rule, each.subject)]
        for start in range(0, len(due), _WIDTH):
            await asyncio.gather(*(self._raise_silent(each) for each in due[start : start + _WIDTH]))
        return min((each.end for each in silent if each.end > now), default=None)

    async def _raise_silent(self, silent: "_Silent") -> None:
        what = "has no connection" if silent.rule == "OFFLINE" else "says nothing of its transaction"
        text = f"{silent.subject} {what} since {date_time(silent.since)}"
        await self._alarms.raise_(silent.rule, silent.subject, station_id=silent.station_id, message=text)

    async def _transaction(self, event: TransactionEvent) -> None:
        if event.evse is None:
            return
        subject = subject_of(event.evse)
        key = (event.station_id, subject)
        if event.kind == "Ended":
            self._heard.pop(key, None)
        else:
            self._heard[key] = self._clock.now()
            self._timer.wake_by(self._clock.now() + datetime.timedelta(seconds=self._limits.silent))
        await self._alarms.clear("METER_SILENT", subject)
        await self._temperatures(event.evse, event.samples)

    # -- faults ------------------------------------------------------------------------------------

    async def _status(self, event: StatusChanged) -> None:
        subject = subject_of(event.evse)
        if event.status == "Faulted":
            what = " ".join(each for each in (event.error_code, event.vendor_error_code, event.info) if each)
            text = f"{subject} is out of order: {what}"
            await self._alarms.raise_("FAULT", subject, station_id=event.evse.station_id, message=text)
        else:
            await self._alarms.clear("FAULT", subject)
        await self._door(event, subject)
        if event.status == "Available":
            self._heard.pop((event.evse.station_id, subject), None)
            await self._alarms.clear("METER_SILENT", subject)
        self._tell_driver(event)

    async def _door(self, event: StatusChanged, subject: str) -> None:
        """Take what a station of 1.6 says of its door, which has no error code of its own; one status is the truth."""
        if says_open_door(event.vendor_error_code, event.info):
            text = f"{subject}: {' '.join(each for each in (event.vendor_error_code, event.info) if each)}"
            await self._alarms.raise_("DOOR", subject, station_id=event.evse.station_id, message=text)
        else:
            await self._alarms.clear("DOOR", subject)

    def _tell_driver(self, event: StatusChanged) -> None:
        """Tell the driver whose session meets an error, a warning or a hint what that means for him (SGEM-4.1-12).

        2.0.1 tells Faulted without saying why; that comes by NotifyEvent.
        """
        faulted = event.status == "Faulted"
        if event.error_code == "NoError" and not event.info and not faulted:
            return
        level = "error" if faulted else "info" if event.error_code == "NoError" else "warning"
        text = _FOR_DRIVERS.get(event.error_code) or event.info or _PROBLEM
        self._say(event.evse, text, level=level, code=event.error_code, at=event.at)

    def _say(self, evse: EVSE, text: str, *, level: str, code: str, at: datetime.datetime) -> None:
        """Tell the live events what the driver at an EVSE should know."""
        session_id = self.sessions(evse)
        if session_id is None or self._feed is None:
            return
        self._feed.publish(
            "session",
            {"session_id": session_id, "message": {"level": level, "text": text, "code": code},
             "station_id": evse.station_id, "evse_id": evse.evse_id, "at": date_time(at)},
        )  # fmt: skip

    # -- heat and hands ----------------------------------------------------------------------------

    async def _metered(self, event: Metered) -> None:
        await self._temperatures(event.evse, event.samples)

    async def _temperatures(self, evse: EVSE, samples: Iterable[Sample]) -> None:
        subject = subject_of(evse)
        for sample in samples:
            if sample.measurand != "Temperature":
                continue
            if sample.value > self._limits.hot:
                text = f"{subject} has {sample.value:f} °C{f' at its {sample.location}' if sample.location else ''}"
                await self._alarms.raise_("TEMPERATURE", subject, station_id=evse.station_id, message=text)
            elif sample.value <= self._limits.hot - self._limits.cooled:
                await self._alarms.clear("TEMPERATURE", subject)

    async def _reported(self, event: Reported) -> None:
        if event.kind == "NotifyEvent":
            await self._noticed(event)
        rule = _SECURITY_EVENTS.get(event.payload.get("type", ""))
        if event.kind != "SecurityEventNotification" or rule is None:
            return
        text = f"Station {event.station_id}: {event.payload['type']} {event.payload.get('techInfo') or ''}".rstrip()
        await self._alarms.raise_(rule, event.station_id, station_id=event.station_id, message=text)

    async def _noticed(self, event: Reported) -> None:
        hot, cooled = Decimal(str(self._limits.hot)), Decimal(str(self._limits.hot - self._limits.cooled))
        for each in findings(event.station_id, event.payload, hot=hot, cooled=cooled):
            if each.message is None:
                await self._alarms.clear(each.rule, each.subject)
            elif await self._alarms.raise_(each.rule, each.subject, station_id=event.station_id, message=each.message):
                self._say(each.evse, _ALARMED.get(each.rule, _PROBLEM), level="error", code=each.rule, at=event.at)
