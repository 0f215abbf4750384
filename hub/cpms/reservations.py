"""Reservations as stations know them: by a number, for a token, until a moment.

Source: OCPP 1.6, 5.13 ReserveNow; OCPP 2.0.1, part 2, H01-H04.
"""

# ruff: noqa: S608  the only names put into a statement are this file's own column list

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from hub.cpms.moments import at, microseconds
from hub.cpms.ports import Authorization, OpenReservation, Outlet
from hub.cpms.transaction_store import order_document, order_of
from hub.database.contract import Database, Row, Transaction
from hub.ocpi.messages import Party
from hub.ocpp.events import EVSE, TransactionEvent
from hub.ocpp.words import id_tag


@dataclass(frozen=True, kw_only=True)
class StationReservation:
    """One reservation.

    Attributes:
        id: OCPP's reservationId.
        reservation_id: ours, the id of its Session.
        evse: where; evse_id 0 if no station stands there.
    """

    id: int
    reservation_id: str
    evse: EVSE
    outlet: Outlet
    authorization: Authorization
    expires_at: datetime.datetime

    def of_provider(self, authorization: Authorization) -> bool:
        """Whether a token is of the eMSP the reservation was made for."""
        own, other = self.authorization.token, authorization.token
        return Party.of(own["country_code"], own["party_id"]) == Party.of(other["country_code"], other["party_id"])

    def allows(self, authorization: Authorization) -> bool:
        """Whether a token may use what is reserved: the same one, or one of its group, of the same eMSP."""
        own, other = self.authorization, authorization
        if not self.of_provider(authorization):
            return False
        same = own.token["uid"].upper() == other.token["uid"].upper() and own.token["type"] == other.token["type"]
        return same or (own.group_id is not None and own.group_id == other.group_id)


class Reservations:
    """The open reservations."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[str, StationReservation] = {}
        self._withdrawn: dict[int, StationReservation] = {}

    async def load(self, reserved: Sequence[OpenReservation]) -> None:
        """Take up what the last run left open; what the desk no longer knows is withdrawn."""
        self._withdrawn = {each.id: each for each in await self._of_state("WITHDRAWN")}
        kept = {each.reservation_id: each for each in await self._of_state("OPEN")}
        for each in reserved:
            known = kept.pop(each.reservation_id, None)
            if known is None:
                known = await self.put(each, EVSE(station_id="", evse_id=0))
            self._open[each.reservation_id] = known
        for forgotten in kept.values():
            self._open[forgotten.reservation_id] = forgotten
            await self.withdraw(forgotten)

    async def _of_state(self, state: str) -> list[StationReservation]:
        rows = await self._database.fetch(f"{_SELECT} WHERE state = $1 ORDER BY id", state)
        return [_reservation(row) for row in rows]

    async def put(self, reservation: OpenReservation, evse: EVSE) -> StationReservation:
        """Write a reservation down, before its station hears of it; the same one keeps its number."""

        async def work(tx: Transaction) -> Row:
            rows = await tx.fetch(
                "INSERT INTO cpms_station_reservation"
                " (reservation_id, station_id, evse_id, id_token, document, expires_at, state)"
                " VALUES ($1, $2, $3, $4, $5, $6, 'OPEN')"
                " ON CONFLICT (reservation_id) DO UPDATE SET station_id = excluded.station_id,"
                " evse_id = excluded.evse_id, id_token = excluded.id_token, document = excluded.document,"
                f" expires_at = excluded.expires_at, state = 'OPEN' RETURNING {_COLUMNS}",
                reservation.reservation_id,
                evse.station_id,
                evse.evse_id,
                reservation.authorization.token["uid"],
                order_document(reservation.outlet, reservation.authorization),
                microseconds(reservation.expires_at),
            )
            return rows[0]

        kept = _reservation(await self._database.transact(work))
        self._open[kept.reservation_id] = kept
        self._withdrawn.pop(kept.id, None)
        return kept

    async def restore(self, reservation: StationReservation) -> None:
        """Take back what ``put`` has changed: the station keeps to what it had."""
        former = OpenReservation(
            reservation_id=reservation.reservation_id,
            outlet=reservation.outlet,
            authorization=reservation.authorization,
            expires_at=reservation.expires_at,
        )
        await self.put(former, reservation.evse)

    async def over(self, reservation: StationReservation) -> bool:
        """Write down that a reservation is used, canceled or expired; False if somebody else has seen to it."""
        if self._open.pop(reservation.reservation_id, None) is None:
            return False
        await self._move(reservation, "OVER")
        return True

    async def withdraw(self, reservation: StationReservation) -> None:
        """Write down that nobody wants a reservation any more which its station may keep all the same."""
        if self._open.pop(reservation.reservation_id, None) is not None:
            await self._move(reservation, "WITHDRAWN")
            self._withdrawn[reservation.id] = reservation

    async def forget(self, reservation: StationReservation) -> None:
        """Write down that its station keeps a withdrawn reservation no more."""
        if self._withdrawn.pop(reservation.id, None) is not None:
            await self._move(reservation, "OVER")

    async def _move(self, reservation: StationReservation, state: str) -> None:
        statement = "UPDATE cpms_station_reservation SET state = $1 WHERE id = $2"
        await self._database.transact(lambda tx: tx.execute(statement, state, reservation.id))

    @property
    def withdrawn(self) -> list[StationReservation]:
        """What stations may keep though nobody wants it."""
        return list(self._withdrawn.values())

    def get(self, reservation_id: str) -> StationReservation | None:
        """Return an open reservation."""
        return self._open.get(reservation_id)

    def by_number(self, station_id: str, number: int) -> StationReservation | None:
        """Return an open reservation by what its station calls it."""
        found = (each for each in self._open.values() if (each.evse.station_id, each.id) == (station_id, number))
        return next(found, None)

    def at(self, evse: EVSE) -> StationReservation | None:
        """Return what an EVSE is kept for; with evse_id 0, the first of a station's."""
        for each in self._open.values():
            if each.evse.station_id == evse.station_id and evse.evse_id in (0, each.evse.evse_id):
                return each
        return None

    def used_by(self, event: TransactionEvent, evse: EVSE) -> StationReservation | None:
        """Return the reservation a new transaction uses: the one it names, else that of its outlet and token."""
        if event.reservation_id is not None:
            return self.by_number(event.station_id, event.reservation_id)
        kept = self.at(evse) if evse.evse_id else None
        if kept is None or event.id_token is None:
            return None
        uid = kept.authorization.token["uid"]
        return kept if event.id_token.id_token.upper() in (uid.upper(), id_tag(uid).upper()) else None

    def expired(self, now: datetime.datetime) -> list[StationReservation]:
        """Return the reservations whose time is over."""
        return [each for each in self._open.values() if each.expires_at <= now]


_COLUMNS = "id, reservation_id, station_id, evse_id, document, expires_at"
_SELECT = f"SELECT {_COLUMNS} FROM cpms_station_reservation"


def _reservation(row: Row) -> StationReservation:
    number, reservation_id, station_id, evse_id, document, expires_at = row
    outlet, authorization = order_of(document)
    return StationReservation(
        id=number,
        reservation_id=reservation_id,
        evse=EVSE(station_id=station_id, evse_id=evse_id),
        outlet=outlet,
        authorization=authorization,
        expires_at=at(expires_at),
    )
