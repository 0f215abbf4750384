"""Remote control of connected stations: start, stop, unlock, reset, reserve, and any message as it is.

Source: GEM-UC-1529; OCPP 1.6 edition 2, 5; OCPP 2.0.1 edition 3 part 2, E, F, G, H.
"""

import secrets
from typing import Annotated, Any

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import invalid
from hub.api.shapes import ListQuery, Moment, Page, Shape
from hub.cpms.api.ordering import (
    TROUBLE,
    Number,
    Place,
    StationAnswer,
    Text50,
    Text255,
    in_utc,
    station_problems,
    told,
)
from hub.cpms.api.problems import StationOffline
from hub.cpms.api.scopes import Scope
from hub.ocpi.objects import JSONObject
from hub.ocpp.commands import Answer, Chargers, Presence
from hub.ocpp.words import EVSE, IdToken

#: The upper half of what an id may be: the CPMS counts its own orders and reservations from 1.
_FOREIGN = 2**30

#: The longest a caller may let a station take for a message of his own, in seconds.
_LONGEST = 300


class Charger(Shape, frozen=True, kw_only=True):
    """A station there is a connection to.

    Attributes:
        version: of OCPP: 1.6, 2.0.1 or 2.1.
    """

    station_id: str
    version: str
    since: Moment
    last_seen: Moment


class Token(Shape, frozen=True, kw_only=True):
    """Who is to charge."""

    id_token: Text255
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "ISO14443"

    def as_told(self) -> IdToken:
        """Return it as commands name it."""
        return IdToken(id_token=self.id_token, type=self.type)


class Start(Shape, frozen=True, kw_only=True):
    """An order to start; without an EVSE the station chooses."""

    token: Token
    evse_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    connector_id: Number = 0
    group_id_token: Text255 | None = None


class Stop(Shape, frozen=True, kw_only=True):
    """An order to stop a transaction, named as the station names it."""

    transaction_id: Text255


class Reset(Shape, frozen=True, kw_only=True):
    """An order to restart.

    Attributes:
        immediate: whether transactions are cut off; else it waits for their end.
        evse_id: of the EVSE alone (2.0.1).
    """

    immediate: bool = False
    evse_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class Availability(Shape, frozen=True, kw_only=True):
    """Whether a place is to be used; EVSE 0 is the whole station."""

    evse_id: Number = 0
    connector_id: Number = 0
    operative: bool


class Reservation(Shape, frozen=True, kw_only=True):
    """A place kept for a token.

    Attributes:
        reservation_id: ours; one is made where it is left out.
    """

    token: Token
    evse_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    expires_at: Moment
    reservation_id: Number | None = None
    group_id_token: Text255 | None = None


class ReservationAnswer(Shape, frozen=True, kw_only=True):
    """What the station makes of a reservation."""

    reservation_id: int
    answer: StationAnswer


class Trigger(Shape, frozen=True, kw_only=True):
    """A message the station is to send now, named as in 2.0.1."""

    message: Text50
    evse_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    connector_id: Number = 0


class DataTransfer(Shape, frozen=True, kw_only=True):
    """A vendor's own message."""

    vendor_id: Text255
    message_id: Text50 | None = None
    data: Any = None


class RawQuery(Shape, frozen=True, kw_only=True):
    """How a message goes out.

    Attributes:
        unchecked: true: it is not judged by its version's schema; the station sees it as it is.
        timeout: how long the station may take, in seconds.
    """

    unchecked: bool = False
    timeout: Annotated[int, msgspec.Meta(ge=1, le=_LONGEST)] | None = None


class ControlRoutes:
    """What connected stations are told."""

    tag = "control"

    def __init__(self, chargers: Chargers) -> None:
        self._chargers = chargers

    @route("GET", "/chargers", scope=Scope.STATIONS_READ)
    async def list_chargers(self, call: Call, query: ListQuery) -> Page[Charger]:
        """List the stations there are connections to, by id."""
        after = query.cursor or ""
        found = sorted((each for each in self._chargers.connected() if each.station_id > after), key=_id)
        page = [_charger(each) for each in found[: query.limit]]
        return Page(items=page, next=page[-1].station_id if len(found) > query.limit else None)

    @route("GET", "/chargers/{station_id}", scope=Scope.STATIONS_READ, problems=(StationOffline,))
    async def get_charger(self, call: Call, station_id: str) -> Charger:
        """Show the connection of a station."""
        found = self._chargers.presence(station_id)
        if found is None:
            raise StationOffline
        return _charger(found)

    @route("POST", "/stations/{station_id}/start", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def start_charging(self, call: Call, station_id: str, body: Start) -> StationAnswer:
        """Have a transaction started."""
        with station_problems():
            answer = await self._chargers.commands(station_id).remote_start(
                id_token=body.token.as_told(),
                remote_start_id=_FOREIGN + secrets.randbelow(_FOREIGN),
                evse=_place(station_id, body.evse_id, body.connector_id),
                group_id_token=body.group_id_token,
            )
        return told(call, body, answer)

    @route("POST", "/stations/{station_id}/stop", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def stop_charging(self, call: Call, station_id: str, body: Stop) -> StationAnswer:
        """Have a transaction stopped."""
        with station_problems():
            answer = await self._chargers.commands(station_id).remote_stop(body.transaction_id)
        return told(call, body, answer)

    @route("POST", "/stations/{station_id}/unlock", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def unlock_connector(self, call: Call, station_id: str, body: Place) -> StationAnswer:
        """Have a connector unlocked."""
        with station_problems():
            answer = await self._chargers.commands(station_id).unlock(body.at(station_id))
        return told(call, body, answer)

    @route("POST", "/stations/{station_id}/reset", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def reset_station(self, call: Call, station_id: str, body: Reset) -> StationAnswer:
        """Have the station restarted."""
        with station_problems():
            commands = self._chargers.commands(station_id)
            answer = await commands.reset(immediate=body.immediate, evse_id=body.evse_id)
        return told(call, body, answer)

    @route("POST", "/stations/{station_id}/availability", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def change_availability(self, call: Call, station_id: str, body: Availability) -> StationAnswer:
        """Take a place out of use, or back into it."""
        place = EVSE(station_id=station_id, evse_id=body.evse_id, connector_id=body.connector_id)
        with station_problems():
            answer = await self._chargers.commands(station_id).change_availability(place, operative=body.operative)
        return told(call, body, answer)

    @route("POST", "/stations/{station_id}/reservations", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def reserve_at_station(self, call: Call, station_id: str, body: Reservation) -> ReservationAnswer:
        """Have a place kept for a token, at the station alone: the booking book is not asked."""
        reservation_id = body.reservation_id or _FOREIGN + secrets.randbelow(_FOREIGN)
        expires_at = in_utc(body.expires_at)
        if expires_at <= call.now:
            raise invalid("$.expires_at", "must be in the future")
        with station_problems():
            answer = await self._chargers.commands(station_id).reserve_now(
                reservation_id=reservation_id,
                evse=_place(station_id, body.evse_id, 0),
                id_token=body.token.as_told(),
                expires_at=expires_at,
                group_id_token=body.group_id_token,
            )
        return ReservationAnswer(reservation_id=reservation_id, answer=told(call, body, answer))

    @route(
        "DELETE", "/stations/{station_id}/reservations/{reservation_id}",
        scope=Scope.STATIONS_CONTROL, problems=TROUBLE,
    )  # fmt: skip
    async def cancel_at_station(self, call: Call, station_id: str, reservation_id: str) -> StationAnswer:
        """Have a reservation given up."""
        if not (reservation_id.isascii() and reservation_id.isdigit() and len(reservation_id) < 11):
            raise invalid("path.reservation_id", "must be a whole number")
        with station_problems():
            answer = await self._chargers.commands(station_id).cancel_reservation(int(reservation_id))
        return told(call, None, answer)

    @route("POST", "/stations/{station_id}/trigger", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def trigger_message(self, call: Call, station_id: str, body: Trigger) -> StationAnswer:
        """Have a message sent now."""
        place = _place(station_id, body.evse_id, body.connector_id)
        with station_problems():
            answer = await self._chargers.commands(station_id).trigger(body.message, place)
        return told(call, body, answer)

    @route("DELETE", "/stations/{station_id}/cache", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def clear_cache(self, call: Call, station_id: str) -> StationAnswer:
        """Have the station forget the tokens it has seen."""
        with station_problems():
            answer = await self._chargers.commands(station_id).clear_cache()
        return told(call, None, answer)

    @route("POST", "/stations/{station_id}/data-transfer", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def transfer_data(self, call: Call, station_id: str, body: DataTransfer) -> StationAnswer:
        """Send a vendor's own message."""
        with station_problems():
            commands = self._chargers.commands(station_id)
            said = await commands.data_transfer(body.vendor_id, body.message_id, body.data)
        return told(call, body, Answer(status=said.status, payload={"status": said.status, "data": said.data}))

    @route("POST", "/stations/{station_id}/ocpp/{action}", scope=Scope.STATIONS_RAW, step_up=True, problems=TROUBLE)
    async def send_ocpp(
        self, call: Call, station_id: str, action: str, query: RawQuery, body: JSONObject
    ) -> JSONObject:
        """Send any message of the station's OCPP version, with the body as its payload; answers its answer's payload.

        The payload is judged by the version's schema, unless ``unchecked`` is asked for.
        """
        with station_problems():
            commands = self._chargers.commands(station_id)
            if query.unchecked:
                answer = await commands.raw(action, body, timeout=query.timeout)
            else:
                answer = (await commands.send(action, body, timeout=query.timeout)).payload
        call.trail.note(after={"asked": body, "unchecked": query.unchecked, "answer": answer})
        return answer


def _id(presence: Presence) -> str:
    return presence.station_id


def _charger(presence: Presence) -> Charger:
    return Charger(
        station_id=presence.station_id,
        version=presence.version,
        since=presence.since,
        last_seen=presence.last_seen,
    )


def _place(station_id: str, evse_id: int | None, connector_id: int) -> EVSE | None:
    if evse_id is None:
        return None
    return EVSE(station_id=station_id, evse_id=evse_id, connector_id=connector_id)
