"""What an operator's stations are told to do, and the CommandResult each answer comes to.

A station that cannot be reached is EVSE_INOPERATIVE, one that does not answer is TIMEOUT, one that
does not know the message is NOT_SUPPORTED; nothing is ACCEPTED by assumption.

Source: OCPI 2.3.0, mod_commands.asciidoc (CommandResultType); OCPP 1.6, 5; OCPP 2.0.1, part 2, F, G, H;
REQUIREMENTS X-13, X-42, X-45, X-51, X-53, X-69.
"""

import asyncio
import datetime
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping

from hub.cpms.identification import id_token_of
from hub.cpms.ledger import Ledger
from hub.cpms.listening import Listening
from hub.cpms.needs import Clock, Places
from hub.cpms.ports import (
    Authorization,
    CommandResultType,
    Desk,
    OpenReservation,
    Outlet,
    SessionCanceled,
    SessionPending,
)
from hub.cpms.remote_starts import RemoteStart, RemoteStarts
from hub.cpms.reservations import Reservations, StationReservation
from hub.cpms.running import Running
from hub.ocpp.events import (
    EVSE,
    Answer,
    CallRefused,
    CallTimeout,
    ChargerError,
    ChargerOffline,
    Chargers,
    Commands,
    NotSpoken,
)
from hub.ocpp.words import id_tag

log = logging.getLogger(__name__)

#: OCPI's Statuses of an EVSE that nothing can be started at, whatever its station says. BLOCKED is none of them: that
#: is a car in front of it, and most often the one whose driver has plugged in and now starts with an app.
_OUT_OF_USE = frozenset({"INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED"})

#: What a station's own words for a refusal mean (ReserveNow, UnlockConnector).
_REFUSALS: Mapping[str, CommandResultType] = {
    "Occupied": "EVSE_OCCUPIED",
    "Faulted": "EVSE_INOPERATIVE",
    "Unavailable": "EVSE_INOPERATIVE",
    "UnlockFailed": "FAILED",
    "UnknownConnector": "FAILED",
    "OngoingAuthorizedTransaction": "REJECTED",
    "NotSupported": "NOT_SUPPORTED",
    "NotImplemented": "NOT_SUPPORTED",
}

#: What a connector's status means for who wants to start there.
_BUSY = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved"})
_BROKEN = frozenset({"Faulted", "Unavailable"})

Order = Callable[[Commands], Awaitable[Answer]]


class Remote:
    """Orders to the stations of one operator.

    Args:
        car_timeout: how long a car is awaited that is to be charged, in seconds.
        stop_timeout: how long a station may take to end what it agreed to end, in seconds.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        chargers: Chargers,
        places: Places,
        ledger: Ledger,
        listening: Listening,
        starts: RemoteStarts,
        reservations: Reservations,
        clock: Clock,
        car_timeout: float,
        stop_timeout: float,
    ) -> None:
        self._desk = desk
        self._chargers = chargers
        self._places = places
        self._ledger = ledger
        self._listening = listening
        self._starts = starts
        self._reservations = reservations
        self._clock = clock
        self._car_timeout = car_timeout
        self._stop_timeout = stop_timeout
        self._starting: set[tuple[str, int]] = set()

    # -- start -------------------------------------------------------------------------------------

    async def start_session(self, outlet: Outlet, authorization: Authorization) -> CommandResultType:
        """Have a station charge for a token; return once it does, or once it is clear that it will not."""
        evse = self._places.evse(outlet)
        hindrance = self._hindrance(outlet, evse, authorization)
        if evse is None or hindrance is not None:
            return hindrance or "EVSE_INOPERATIVE"
        self._starting.add(_spot(evse))
        try:
            order = await self._order(evse, outlet, authorization)
        finally:
            self._starting.discard(_spot(evse))
        result = await self._ask(
            evse.station_id,
            lambda commands: commands.remote_start(
                id_token=id_token_of(authorization.token),
                remote_start_id=order.id,
                evse=evse,
                group_id_token=id_tag(authorization.group_id) if authorization.group_id else None,
            ),
        )
        if order.claimed:  # the transaction may be quicker than the answer
            await self._first(self._stop_timeout, order.used)
            return "ACCEPTED"
        if result != "ACCEPTED":
            await self._starts.release(order)
            return self._refused(evse) if result == "REJECTED" else result
        return await self._await_car(order)

    def _hindrance(self, outlet: Outlet, evse: EVSE | None, authorization: Authorization) -> CommandResultType | None:
        """Return why nothing can be started at an outlet, without asking its station."""
        if evse is None or self._chargers.presence(evse.station_id) is None or outlet.status in _OUT_OF_USE:
            return "EVSE_INOPERATIVE"
        going_on = [each for each in self._ledger.runs.at(evse) if each.doubted_at is None]
        if going_on or self._awaits(evse):
            return "EVSE_OCCUPIED"
        kept = self._reservations.at(evse)
        return "EVSE_OCCUPIED" if kept is not None and not kept.allows(authorization) else None

    def _awaits(self, evse: EVSE) -> bool:
        """Whether somebody's car is awaited at an EVSE, or an order for it is being written down."""
        return self._starts.waiting_at(evse) is not None or _spot(evse) in self._starting

    async def _order(self, evse: EVSE, outlet: Outlet, authorization: Authorization) -> RemoteStart:
        kept = self._reservations.at(evse)
        now = self._clock.now()
        return await self._starts.open(
            evse=evse,
            id_token=authorization.token["uid"],
            session_id=kept.reservation_id if kept is not None else str(uuid.uuid4()),
            outlet=outlet,
            authorization=authorization,
            asked_at=now,
            until=now + datetime.timedelta(seconds=self._car_timeout),
        )

    async def _await_car(self, order: RemoteStart) -> CommandResultType:
        """Wait until the station has begun a transaction: the car may have to be connected first."""
        if self._reservations.get(order.session_id) is None:
            await self._desk.tell(
                SessionPending(
                    session_id=order.session_id,
                    outlet=order.outlet,
                    authorization=order.authorization,
                    at=self._clock.now(),
                )
            )
        left = (order.until - self._clock.now()).total_seconds()
        await self._first(left, order.used, order.given_up)
        if order.used.done():
            return "ACCEPTED"
        if order.released:  # by its driver, where the time of the car was not over
            return "FAILED" if self._clock.now() < order.until else "TIMEOUT"
        return "TIMEOUT" if await self.release(order) else "ACCEPTED"

    async def release(self, order: RemoteStart) -> bool:
        """Give up a car that is not connected; False if it was after all."""
        if order.claimed or not await self._starts.release(order):
            return False
        if self._reservations.get(order.session_id) is None:
            await self._desk.tell(SessionCanceled(session_id=order.session_id, at=self._clock.now()))
        return True

    def _refused(self, evse: EVSE) -> CommandResultType:
        """Return why a station that says only Rejected will not start."""
        status = self._listening.statuses.get((evse.station_id, evse.evse_id))
        if status in _BROKEN:
            return "EVSE_INOPERATIVE"
        return "EVSE_OCCUPIED" if status in _BUSY else "REJECTED"

    # -- stop --------------------------------------------------------------------------------------

    async def stop_session(self, session_id: str) -> CommandResultType:
        """Have a station end a session; return once it has, or has agreed to.

        One whose car is still awaited is given up; no message of OCPP takes back a start that was accepted.
        """
        order = self._starts.waiting_for(session_id)
        if order is not None and await self.release(order):
            return "ACCEPTED"
        run = self._ledger.runs.by_session(session_id)
        if run is None or run.ended:
            return "REJECTED"
        result = await self.stop(run)
        if result == "ACCEPTED":
            await self._first(self._stop_timeout, run.over)
        return "ACCEPTED" if run.over.done() else result

    async def stop(self, run: Running) -> CommandResultType:
        """Tell a station to end a transaction."""
        called = run.kept.called
        return await self._ask(run.kept.station_id, lambda commands: commands.remote_stop(called))

    # -- reservations ------------------------------------------------------------------------------

    async def reserve_now(self, reservation: OpenReservation) -> CommandResultType:
        """Have a station keep an outlet for a token."""
        evse = self._places.evse(reservation.outlet)
        if evse is None or self._chargers.presence(evse.station_id) is None:
            return "EVSE_INOPERATIVE"
        former = self._reservations.get(reservation.reservation_id)
        kept = self._reservations.at(evse)
        if self._ledger.runs.at(evse) or self._awaits(evse) or (kept is not None and kept is not former):
            return "EVSE_OCCUPIED"
        if former is not None and former.evse.station_id and _spot(former.evse) != _spot(evse):
            await self.cancel_reservation(reservation.reservation_id)
        taken = await self._reservations.put(reservation, evse)
        result: CommandResultType = "TIMEOUT"  # so it is, too, for an eMSP that waits no longer
        try:
            result = await self._ask_to_reserve(taken, evse)
        finally:
            if result != "ACCEPTED":
                await self._not_reserved(taken, former, result)
        return result

    async def _ask_to_reserve(self, taken: StationReservation, evse: EVSE) -> CommandResultType:
        token = taken.authorization.token
        return await self._ask(
            evse.station_id,
            lambda commands: commands.reserve_now(
                reservation_id=taken.id,
                evse=evse,
                id_token=id_token_of(token),
                expires_at=taken.expires_at,
                group_id_token=id_tag(token["group_id"]) if token.get("group_id") else None,
            ),
        )

    async def _not_reserved(
        self, taken: StationReservation, former: StationReservation | None, result: CommandResultType
    ) -> None:
        """Have nothing be kept, or what was kept before; a station that has not answered may keep it all the same."""
        if former is not None and _spot(former.evse) == _spot(taken.evse):
            await self._reservations.restore(former)
        elif result == "TIMEOUT":
            await self._reservations.withdraw(taken)
        else:
            await self._reservations.over(taken)

    async def cancel_reservation(self, reservation_id: str) -> CommandResultType:
        """Have a station let an outlet go that was kept."""
        kept = self._reservations.get(reservation_id)
        if kept is None:
            return "UNKNOWN_RESERVATION"
        result = await self._ask_to_cancel(kept)
        if result in ("ACCEPTED", "UNKNOWN_RESERVATION"):
            await self._reservations.over(kept)
        return result

    async def take_back(self, withdrawn: StationReservation) -> None:
        """Have a station let go what it was asked to keep and did not answer; unanswered, it is asked again."""
        if await self._ask_to_cancel(withdrawn) not in ("TIMEOUT", "EVSE_INOPERATIVE"):
            await self._reservations.forget(withdrawn)

    async def _ask_to_cancel(self, kept: StationReservation) -> CommandResultType:
        result = await self._ask(kept.evse.station_id, lambda commands: commands.cancel_reservation(kept.id))
        # The only other answer there is: the station knows no such reservation.
        return "UNKNOWN_RESERVATION" if result == "REJECTED" else result

    async def unlock_connector(self, outlet: Outlet) -> CommandResultType:
        """Have a station let a plug go."""
        evse = self._places.evse(outlet)
        if evse is None:
            return "EVSE_INOPERATIVE"
        return await self._ask(evse.station_id, lambda commands: commands.unlock(evse))

    # -- asking ------------------------------------------------------------------------------------

    async def _ask(self, station_id: str, order: Order) -> CommandResultType:
        """Return what a station makes of an order."""
        try:
            answer = await order(self._chargers.commands(station_id))
        except ChargerError as error:
            log.warning("%s: %s", station_id, error or type(error).__name__)
            return _failed(error)
        return "ACCEPTED" if answer.accepted else _REFUSALS.get(answer.status, "REJECTED")

    async def _first(self, seconds: float, *done: "asyncio.Future[None]") -> None:
        """Return when one of them is done, or the time is over."""
        timer = asyncio.ensure_future(self._clock.sleep(max(seconds, 0)))
        try:
            await asyncio.wait([*done, timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()


def _spot(evse: EVSE) -> tuple[str, int]:
    return evse.station_id, evse.evse_id


def _failed(error: ChargerError) -> CommandResultType:
    if isinstance(error, ChargerOffline):
        return "EVSE_INOPERATIVE"
    if isinstance(error, CallTimeout):
        return "TIMEOUT"
    unknown = isinstance(error, CallRefused) and error.code in ("NotSupported", "NotImplemented")
    return "NOT_SUPPORTED" if unknown or isinstance(error, NotSpoken) else "FAILED"
