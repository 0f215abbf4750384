"""Stations that are not there: a ``Cpms`` whose EVSEs charge by a curve, for demonstrations and tests.

Each EVSE is a small state machine over OCPI's Status. Energy flows by the connector's power until
the battery is 80 % full and ever slower from there. It keeps no files: what was going on is handed
in again at the next start.

Energy is in kWh, power in kW.
"""

import asyncio
import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.cpms.ports import (
    Authorization,
    CommandResultType,
    Desk,
    Handler,
    OpenReservation,
    Outlet,
    ProfileResultType,
    Refusal,
    ReservationEnded,
    RunningSession,
    SessionEnded,
    SessionStarted,
    SessionUpdated,
    StatusChanged,
)
from hub.ocpi.errors import UnknownLocation
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, utc_now

BATTERY = 60.0  # kWh
FULL_POWER_UNTIL = 0.8  # of the battery
ARRIVES_WITH = 0.2  # of the battery
_VOLTS = 230.0

#: Statuses in which nothing can be started.
_OUT_OF_USE = frozenset({"BLOCKED", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "UNKNOWN"})

Place = tuple[str, str]  # location_id, evse_uid


class Clock(Protocol):
    """Where the stations' time comes from; tests move their own."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The time of the world."""

    def now(self) -> datetime.datetime:
        return utc_now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class _Charging:
    session_id: str
    outlet: Outlet
    authorization: Authorization
    metered_at: datetime.datetime
    kwh: float = 0.0
    charged_until: datetime.datetime | None = None
    limit: float | None = None  # kW
    task: "asyncio.Task[None] | None" = None


@dataclass
class _Station:
    """One EVSE: its Status, and at most one session or reservation."""

    place: Place
    status: str
    charging: _Charging | None = None
    reservation: OpenReservation | None = None
    expiry: "asyncio.Task[None] | None" = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def power(outlet: Outlet, kwh: float, limit: float | None = None) -> float:
    """Return the power a car takes at an outlet after ``kwh``, in kW; 0 when it is full."""
    full = ARRIVES_WITH + kwh / BATTERY
    if full >= 1:
        return 0.0
    share = 1.0 if full < FULL_POWER_UNTIL else max(0.1, (1 - full) / (1 - FULL_POWER_UNTIL))
    taken = outlet.power * share
    return taken if limit is None else min(taken, limit)


class SimulatedCpms:
    """A CPMS without chargers.

    Args:
        speed: how many times more energy flows than the outlet's power gives.
        tick: seconds between two readings of a meter.
        faults: by EVSE uid, what its station makes of every START_SESSION and RESERVE_NOW.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        speed: float = 1.0,
        tick: float = 15.0,
        faults: Mapping[str, CommandResultType] | None = None,
    ) -> None:
        self._clock: Clock = clock or RealClock()
        self._speed = speed
        self._tick = tick
        self._faults = dict(faults or {})
        self._stations: dict[Place, _Station] = {}
        self._sessions: dict[str, _Station] = {}
        self._reservations: dict[str, _Station] = {}
        self._desk: Desk | None = None

    # -- life --------------------------------------------------------------------------------------

    async def start(self, desk: Desk, running: Sequence[RunningSession], reserved: Sequence[OpenReservation]) -> None:
        """Begin to operate, with the sessions and reservations the last run left open."""
        self._desk = desk
        for each in running:
            station = self._station(each.outlet)
            charging = _Charging(each.session_id, each.outlet, each.authorization, self._clock.now(), each.kwh)
            self._plug(station, charging)
        for reservation in reserved:
            self._hold(self._station(reservation.outlet), reservation)

    async def stop(self) -> None:
        """Take a last reading of every meter and stop: while nobody simulates, nothing flows."""
        for station in self._stations.values():
            if station.charging is not None and self._desk is not None:
                await self._reading(station.charging)
        tasks = [task for each in self._stations.values() for task in self._tasks(each)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tasks(self, station: _Station) -> "list[asyncio.Task[None]]":
        tasks = [station.expiry, station.charging.task if station.charging else None]
        return [task for task in tasks if task is not None]

    # -- commands ----------------------------------------------------------------------------------

    async def start_session(self, outlet: Outlet, authorization: Authorization) -> CommandResultType:
        """Start charging, the cable being plugged in."""
        if outlet.evse_uid in self._faults:
            return self._faults[outlet.evse_uid]
        station = self._station(outlet)
        async with station.lock:
            if station.status in _OUT_OF_USE:
                return "EVSE_INOPERATIVE"
            if station.charging is not None or not _may_use(station, authorization):
                return "EVSE_OCCUPIED"
            session_id = self._release(station) or str(uuid.uuid4())
            at = self._clock.now()
            await self.desk.tell(
                SessionStarted(session_id=session_id, outlet=outlet, authorization=authorization, at=at)
            )
            await self._become(station, "CHARGING")
            self._plug(station, _Charging(session_id, outlet, authorization, at))
        return "ACCEPTED"

    async def stop_session(self, session_id: str) -> CommandResultType:
        """Stop charging; the car leaves at once."""
        station = self._sessions.get(session_id)
        if station is None:
            return "REJECTED"
        async with station.lock:
            if station.charging is None or station.charging.session_id != session_id:
                return "REJECTED"
            await self._unplug(station)
            await self._become(station, "AVAILABLE")
        return "ACCEPTED"

    async def reserve_now(self, reservation: OpenReservation) -> CommandResultType:
        """Keep an EVSE for a token until it expires."""
        outlet = reservation.outlet
        if outlet.evse_uid in self._faults:
            return self._faults[outlet.evse_uid]
        former = self._reservations.get(reservation.reservation_id)
        station = self._station(outlet)
        if former is not None and former is not station:
            await self.cancel_reservation(reservation.reservation_id)
        async with station.lock:
            if station.status in _OUT_OF_USE:
                return "EVSE_INOPERATIVE"
            held = station.reservation
            if station.charging is not None or (held and held.reservation_id != reservation.reservation_id):
                return "EVSE_OCCUPIED"
            self._release(station)
            self._hold(station, reservation)
            await self._become(station, "RESERVED")
        return "ACCEPTED"

    async def cancel_reservation(self, reservation_id: str) -> CommandResultType:
        """Let an EVSE go that was kept."""
        station = self._reservations.get(reservation_id)
        if station is None:
            return "UNKNOWN_RESERVATION"
        async with station.lock:
            if self._release(station) is None:
                return "UNKNOWN_RESERVATION"
            await self._become(station, "AVAILABLE")
        return "ACCEPTED"

    async def unlock_connector(self, outlet: Outlet) -> CommandResultType:
        """Unlock, unless energy flows."""
        return "REJECTED" if self._station(outlet).charging is not None else "ACCEPTED"

    # -- charging profiles -------------------------------------------------------------------------

    async def set_charging_profile(self, session_id: str, profile: JSONObject) -> ProfileResultType:
        """Limit a session to the profile's first period."""
        charging = self._charging(session_id)
        if charging is None:
            return "UNKNOWN"
        periods = profile.get("charging_profile_period") or []
        if not periods:
            return "REJECTED"
        watts = float(periods[0]["limit"]) * (_VOLTS * 3 if profile["charging_rate_unit"] == "A" else 1)
        self._meter(charging)
        charging.limit = watts / 1000
        return "ACCEPTED"

    async def clear_charging_profile(self, session_id: str) -> ProfileResultType:
        """Take the limit away."""
        charging = self._charging(session_id)
        if charging is None or charging.limit is None:
            return "UNKNOWN"
        self._meter(charging)
        charging.limit = None
        return "ACCEPTED"

    async def active_charging_profile(self, session_id: str, duration: int) -> JSONObject | None:
        """Return what the station plans: the power of now, held."""
        charging = self._charging(session_id)
        if charging is None:
            return None
        watts = round(power(charging.outlet, charging.kwh, charging.limit) * 1000, 1)
        return {
            "start_date_time": date_time(self._clock.now()),
            "charging_profile": {
                "charging_rate_unit": "W",
                "duration": duration,
                "charging_profile_period": [{"start_period": 0, "limit": watts}],
            },
        }

    # -- what happens at a station -----------------------------------------------------------------

    async def present_token(self, uid: str, token_type: str, outlet: Outlet) -> str:
        """A driver holds a card to the reader: starts a session, or stops the card's own.

        Returns:
            ACCEPTED, STOPPED, REJECTED (not authorized), or why the station cannot.
        """
        charging = self._station(outlet).charging
        if charging is not None and charging.authorization.token["uid"].upper() == uid.upper():
            await self.stop_session(charging.session_id)
            return "STOPPED"
        authorization = await self.desk.authorize(uid, token_type, outlet)
        if isinstance(authorization, Refusal):
            return "REJECTED"
        return await self.start_session(outlet, authorization)

    async def set_status(self, outlet: Outlet, status: str) -> None:
        """Something happens to an EVSE: its session ends, its reservation is canceled."""
        station = self._station(outlet)
        async with station.lock:
            if station.charging is not None:
                await self._unplug(station)
            reservation_id = self._release(station)
            await self._become(station, status)
        if reservation_id is not None:
            event = ReservationEnded(reservation_id=reservation_id, canceled=True, at=self._clock.now())
            await self.desk.tell(event)

    def orders(self) -> Mapping[str, Handler]:
        """What an operator may make happen at simulated stations, by order kind."""
        return {"cpms.present_token": self._order_present, "cpms.set_status": self._order_status}

    async def _order_present(self, arguments: Mapping[str, Any]) -> Any:
        outlet = await self._named(arguments)
        result = await self.present_token(arguments["uid"], arguments.get("type") or "RFID", outlet)
        return {"result": result}

    async def _order_status(self, arguments: Mapping[str, Any]) -> Any:
        await self.set_status(await self._named(arguments), arguments["status"])
        return {"status": arguments["status"]}

    async def _named(self, arguments: Mapping[str, Any]) -> Outlet:
        outlet = await self.desk.outlet(arguments["location_id"], arguments["evse_uid"], None)
        if outlet is None:
            raise UnknownLocation(f"there is no EVSE {arguments['evse_uid']} at Location {arguments['location_id']}")
        return outlet

    # -- the machine -------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk:
        """Who is told of what happens."""
        assert self._desk is not None, "the CPMS is started before it is used"
        return self._desk

    def _station(self, outlet: Outlet) -> _Station:
        place = (outlet.location_id, outlet.evse_uid)
        return self._stations.setdefault(place, _Station(place, outlet.status))

    def _charging(self, session_id: str) -> _Charging | None:
        station = self._sessions.get(session_id)
        return station.charging if station else None

    async def _become(self, station: _Station, status: str) -> None:
        station.status = status
        location_id, evse_uid = station.place
        await self.desk.tell(
            StatusChanged(location_id=location_id, evse_uid=evse_uid, status=status, at=self._clock.now())
        )

    def _plug(self, station: _Station, charging: _Charging) -> None:
        station.charging, station.status = charging, "CHARGING"
        self._sessions[charging.session_id] = station
        charging.task = asyncio.create_task(self._read(charging))

    async def _unplug(self, station: _Station) -> None:
        charging = station.charging
        assert charging is not None, "whoever unplugs has looked"
        if charging.task is not None:
            charging.task.cancel()
        self._meter(charging)
        station.charging = None
        del self._sessions[charging.session_id]
        await self.desk.tell(
            SessionEnded(
                session_id=charging.session_id,
                kwh=round(charging.kwh, 4),
                at=self._clock.now(),
                charged_until=charging.charged_until,
            )
        )

    async def _read(self, charging: _Charging) -> None:
        """Read the meter every tick until the car is full or leaves."""
        while charging.charged_until is None:
            await self._clock.sleep(self._tick)
            await self._reading(charging)

    async def _reading(self, charging: _Charging) -> None:
        self._meter(charging)
        await self.desk.tell(
            SessionUpdated(session_id=charging.session_id, kwh=round(charging.kwh, 4), at=self._clock.now())
        )

    def _meter(self, charging: _Charging) -> None:
        at = self._clock.now()
        hours = (at - charging.metered_at).total_seconds() / 3600 * self._speed
        room = BATTERY * (1 - ARRIVES_WITH)
        charging.kwh = min(room, charging.kwh + hours * power(charging.outlet, charging.kwh, charging.limit))
        charging.metered_at = at
        if charging.kwh >= room and charging.charged_until is None:
            charging.charged_until = at

    def _hold(self, station: _Station, reservation: OpenReservation) -> None:
        station.reservation, station.status = reservation, "RESERVED"
        self._reservations[reservation.reservation_id] = station
        station.expiry = asyncio.create_task(self._expire(station, reservation))

    def _release(self, station: _Station) -> str | None:
        """Let a reservation go; return its id if there was one."""
        reservation, station.reservation = station.reservation, None
        if reservation is None:
            return None
        self._reservations.pop(reservation.reservation_id, None)
        if station.expiry is not None and station.expiry is not asyncio.current_task():
            station.expiry.cancel()
        station.expiry = None
        return reservation.reservation_id

    async def _expire(self, station: _Station, reservation: OpenReservation) -> None:
        await self._clock.sleep(max(0.0, (reservation.expires_at - self._clock.now()).total_seconds()))
        async with station.lock:
            if station.reservation is not reservation:
                return
            self._release(station)
            await self._become(station, "AVAILABLE")
        event = ReservationEnded(reservation_id=reservation.reservation_id, canceled=False, at=self._clock.now())
        await self.desk.tell(event)


def _may_use(station: _Station, authorization: Authorization) -> bool:
    """Whether an EVSE is free for a token: not reserved, or reserved for it (uid and type name a token)."""
    if station.reservation is None:
        return True
    kept, given = station.reservation.authorization.token, authorization.token
    return all(kept[name] == given[name] for name in ("country_code", "party_id", "uid", "type"))
