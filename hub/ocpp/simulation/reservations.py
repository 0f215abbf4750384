"""Reservations: connectors kept for a token until they are used, cancelled or over.

Source: OCPP 1.6 edition 2, 3.9 and 5.13; OCPP 2.0.1 edition 3, part 2, H.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal

from hub.ocpp.simulation.connector import Connector, Reservation
from hub.ocpp.words import IdToken

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

ReserveStatus = Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


class Reservations:
    """The reservations of one station.

    Attributes:
        made: those that are neither used nor over.
    """

    def __init__(self, station: "Station") -> None:
        self.station = station
        self.made: list[Reservation] = []
        self._timers: dict[int, asyncio.Task[None]] = {}

    def anywhere(self) -> list[Reservation]:
        """Return those that name no connector."""
        return [each for each in self.made if each.evse_id == 0]

    def use(self, connector: Connector, token: IdToken, group: str | None) -> int | None:
        """Use up the reservation a token has for a connector and return its id; None: it has none."""
        for each in self.made:
            if each.evse_id in (0, connector.evse_id) and each.admits(token, group):
                self._drop(each.id)
                return each.id
        return None

    def reserve(self, reservation: Reservation) -> ReserveStatus:
        """Keep a connector, or any (evse_id 0); the same id takes the former one's place."""
        places = [each for each in self.station.connectors if reservation.evse_id in (0, each.evse_id)]
        if not places:
            return "Rejected"
        former = next((each for each in self.made if each.id == reservation.id), None)
        if former is not None:
            self._drop(former.id)
        able = [each for each in places if each.status == "Available"]
        if not able or (reservation.evse_id == 0 and len(able) <= len(self.anywhere())):
            return _why_not(places)
        self.made.append(reservation)
        if reservation.evse_id:
            able[0].reservation = reservation
        self._time(reservation.id, self._expire(reservation))
        self.station.follow(self.station.told())
        return "Accepted"

    def cancel(self, reservation_id: int) -> bool:
        """Let a connector go; False: there is no such reservation."""
        if not self._drop(reservation_id):
            return False
        self.station.follow(self.station.told())
        return True

    async def _expire(self, reservation: Reservation) -> None:
        await self.station.clock.sleep((reservation.expires_at - self.station.now()).total_seconds())
        if self._drop(reservation.id):
            self.station.tell()
            await self.station.say(lambda: self.station.voice.reservation_ended(reservation, "Expired"))

    def _drop(self, reservation_id: int) -> bool:
        found = [each for each in self.made if each.id == reservation_id]
        for each in found:
            self.made.remove(each)
        for connector in self.station.connectors:
            if connector.reservation is not None and connector.reservation.id == reservation_id:
                connector.reservation = None
        self._untime(reservation_id)
        return bool(found)

    def remove(self, connector: Connector) -> None:
        """A reserved connector cannot be used any more: the central system is told (2.0.1, H01.FR.20)."""
        reservation = connector.reservation
        if reservation is None or not self._drop(reservation.id):
            return
        self.station.follow(self.station.say(lambda: self.station.voice.reservation_ended(reservation, "Removed")))

    def forget(self) -> None:
        """The power is gone: nothing is timed."""
        for reservation_id in list(self._timers):
            self._untime(reservation_id)

    def remember(self) -> None:
        """The power is back: reservations survive it (OCPP 1.6, 5.13)."""
        for reservation in self.made:
            self._time(reservation.id, self._expire(reservation))

    def _time(self, reservation_id: int, work: Coroutine[Any, Any, None]) -> None:
        self._untime(reservation_id)
        self._timers[reservation_id] = self.station.keep(work)

    def _untime(self, reservation_id: int) -> None:
        task = self._timers.pop(reservation_id, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()


def _why_not(places: list[Connector]) -> ReserveStatus:
    """Return why none of these can be reserved; who asked for any is told the mildest reason (OCPP 1.6, 5.13)."""
    statuses = {each.status for each in places}
    if statuses == {"Faulted"}:
        return "Faulted"
    if statuses <= {"Unavailable", "Faulted"}:
        return "Unavailable"
    return "Occupied"
