"""Orders to stations: answered at once with what we make of them, later with what the station did.

The later answer is a task kept until it is done; OCPI repeats none that is lost.

Source: OCPI 2.3.0, mod_commands.asciidoc, mod_charging_profiles.asciidoc, mod_sessions.asciidoc
(Set: Charging Preferences).
"""

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hub.cpms.bookings.book import LONGEST_RESERVATION
from hub.cpms.bookings.store import Place
from hub.cpms.bookings.watch import BookingWatch
from hub.cpms.bookings.wishes import Driver
from hub.cpms.desk import OperatorDesk, new_id
from hub.cpms.ports import Authorization, CommandResultType, Cpms, OpenReservation, Outlet
from hub.cpms.store import Reservation
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party, Request, Response
from hub.ocpi.modules import chargingprofiles, commands, sessions
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Outcome
from hub.ocpi.receiving import NoSuchObject, child
from hub.ocpi.times import date_time, moment

log = logging.getLogger(__name__)

#: How long a station may take to answer, in seconds.
TIMEOUT = 30

#: What says that an EVSE knows a command (mod_locations, Capability).
_CAPABILITIES = {"RESERVE_NOW": "RESERVABLE", "UNLOCK_CONNECTOR": "UNLOCK_CAPABLE"}


class StationCommands:
    """Commands, charging profiles and charging preferences of one operator.

    Args:
        start_timeout: how long a station may take to charge, its driver connecting the car, in seconds.
    """

    def __init__(self, desk: OperatorDesk, cpms: Cpms, watch: BookingWatch, *, start_timeout: int = TIMEOUT) -> None:
        self._start_timeout = start_timeout
        self._desk = desk
        self._cpms = cpms
        self._watch = watch
        self._party = desk.party
        self._tasks: set[asyncio.Task[None]] = set()
        self._reserving: set[tuple[Party, str]] = set()

    async def stop(self) -> None:
        """Give up what has not been answered yet."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Return when every order has been answered."""
        while self._tasks:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    # -- commands ----------------------------------------------------------------------------------

    async def start_session(self, request: Request) -> Response:
        """START_SESSION; the token is its eMSP's own and is not checked again (mod_commands)."""
        order = request.value
        if not _own_token(request, order["token"]):
            return _response("REJECTED")
        if order.get("connector_id") and not order.get("evse_uid"):
            raise InvalidParameters("$.evse_uid: required when connector_id is set")
        outlet, evse = await self._place(order)
        if "START_SESSION_CONNECTOR_REQUIRED" in (evse.get("capabilities") or []) and not order.get("connector_id"):
            raise InvalidParameters("$.connector_id: required by this EVSE")
        authorization = _command_authorization(order)
        self._desk.hold(outlet, authorization)

        async def start() -> CommandResultType:
            if await self._desk.book.keeps_from(outlet, Driver.of(authorization)):
                return "EVSE_OCCUPIED"
            await self._watch.hand_over(outlet, authorization)
            return await self._cpms.start_session(outlet, authorization)

        return self._carry_on(request, start, timeout=self._start_timeout)

    async def stop_session(self, request: Request) -> Response:
        """STOP_SESSION of the asking eMSP's own session; one whose car is awaited still is given up."""
        known = await self._desk.store.sessions.get(self._party, request.value["session_id"])
        if known is None or known["status"] not in ("ACTIVE", "PENDING"):
            return _response("UNKNOWN_SESSION")
        if _provider(known) != request.sender:
            return _response("REJECTED")
        return self._carry_on(request, lambda: self._cpms.stop_session(known["id"]))

    async def reserve_now(self, request: Request) -> Response:
        """RESERVE_NOW; the station knows the reservation by the id of its Session, unique among all eMSPs."""
        order = request.value
        expires_at = moment(order["expiry_date"])
        outlet, evse = await self._place(order)
        if not _knows(evse, "RESERVE_NOW"):
            return _response("NOT_SUPPORTED")
        ahead = expires_at - self._desk.clock()
        if not _own_token(request, order["token"]) or not datetime.timedelta() < ahead <= LONGEST_RESERVATION:
            return _response("REJECTED")
        asker = _asker(request)
        known = await self._desk.store.reservation(asker, order["reservation_id"])
        session_id = known.session_id if known and known.state == "OPEN" else new_id()
        authorization = _command_authorization(order)
        taken = OpenReservation(
            reservation_id=session_id, outlet=outlet, authorization=authorization, expires_at=expires_at
        )

        key = (asker, order["reservation_id"].upper())
        if key in self._reserving:  # the same one twice at once would be two
            return _response("REJECTED")
        self._reserving.add(key)

        async def reserve() -> CommandResultType:
            try:
                return await taking()
            finally:
                self._reserving.discard(key)

        async def taking() -> CommandResultType:
            place = Place.of(outlet.location_id, outlet.evse_uid)
            if not await self._desk.book.reserve(place, session_id, expires_at):
                return "EVSE_OCCUPIED"
            result = await self._cpms.reserve_now(taken)
            if result != "ACCEPTED":
                await self._desk.book.give_back(place, session_id)
            else:
                reservation = Reservation(
                    session_id, asker, order["reservation_id"], outlet.location_id, order["response_url"], expires_at
                )
                await self._desk.open_reservation(reservation, taken)
                self._desk.hold(outlet, authorization)
            return result

        async def give_back() -> None:
            """Let go what a station that was too slow was asked to keep."""
            if known is None or known.state != "OPEN":
                await self._cpms.cancel_reservation(session_id)
                await self._desk.book.give_back(Place.of(outlet.location_id, outlet.evse_uid), session_id)

        return self._carry_on(request, reserve, late=give_back)

    async def cancel_reservation(self, request: Request) -> Response:
        """CANCEL_RESERVATION; another eMSP's reservation is not known to this one."""
        known = await self._desk.store.reservation(_asker(request), request.value["reservation_id"])

        async def cancel() -> CommandResultType:
            if known is None or known.state != "OPEN":
                return "UNKNOWN_RESERVATION"
            result = await self._cpms.cancel_reservation(known.session_id)
            if result in ("ACCEPTED", "UNKNOWN_RESERVATION"):  # what its station does not keep, nobody does
                await self._desk.close_reservation(known.session_id, "CANCELED", self._desk.clock(), Outcome.CANCELED)
            return result

        return self._carry_on(request, cancel)

    async def unlock_connector(self, request: Request) -> Response:
        """UNLOCK_CONNECTOR, for help desks; where another eMSP's driver charges it would end his session."""
        outlet, evse = await self._place(request.value)
        if not _knows(evse, "UNLOCK_CONNECTOR"):
            return _response("NOT_SUPPORTED")
        session_id = self._desk.session_at(outlet)
        charging = await self._desk.store.sessions.get(self._party, session_id) if session_id is not None else None
        if charging is not None and _provider(charging) != request.sender:
            return _response("REJECTED")
        return self._carry_on(request, lambda: self._cpms.unlock_connector(outlet))

    async def _place(self, order: JSONObject) -> tuple[Outlet, JSONObject]:
        """Return the outlet an order means, with its EVSE.

        Raises:
            UnknownLocation: we have no such Location, EVSE or Connector.
        """
        evse_uid = order.get("evse_uid")
        if evse_uid:
            outlet = await self._desk.outlet(order["location_id"], evse_uid, order.get("connector_id"))
        else:
            outlet = await self._desk.free_outlet(order["location_id"])
        location = await self._desk.store.locations.get(self._party, order["location_id"])
        evse = child(location, "evses", outlet.evse_uid) if outlet else None
        if outlet is None or evse is None:
            raise UnknownLocation
        return outlet, evse

    def _carry_on(
        self,
        request: Request,
        run: Callable[[], Awaitable[CommandResultType]],
        *,
        timeout: int = TIMEOUT,
        late: Callable[[], Awaitable[None]] | None = None,
    ) -> Response:
        """Answer ACCEPTED now; what the station does with the command goes to the response_url.

        Args:
            late: undoes what was not answered in time.
        """

        async def carry_on() -> None:
            result = await _within(run, "TIMEOUT", "FAILED", timeout)
            await self._post(request, commands.post_result, {"result": result})
            if result == "TIMEOUT" and late is not None:
                await late()

        self._keep(carry_on())
        return _response("ACCEPTED", timeout)

    # -- charging profiles -------------------------------------------------------------------------

    async def set_charging_profile(self, request: Request) -> Response:
        """SetChargingProfile: limit a session of the sender's."""
        known, refusal = await self._session(request)
        if known is None:
            return refusal

        async def run() -> JSONObject:
            result = await self._cpms.set_charging_profile(known["id"], request.value["charging_profile"])
            if result == "ACCEPTED":
                await self._desk.store.add_profile_setter(known["id"], _asker(request))
            return {"result": result}

        return self._profile(request, run, chargingprofiles.post_charging_profile_result)

    async def clear_charging_profile(self, request: Request) -> Response:
        """ClearChargingProfile of a session of the sender's."""
        known, refusal = await self._session(request)
        if known is None:
            return refusal

        async def run() -> JSONObject:
            return {"result": await self._cpms.clear_charging_profile(known["id"])}

        return self._profile(request, run, chargingprofiles.post_clear_profile_result)

    async def get_active_charging_profile(self, request: Request) -> Response:
        """ActiveChargingProfile of a session of the sender's, for the next ``duration`` seconds."""
        known, refusal = await self._session(request)
        if known is None:
            return refusal
        duration = int(request.parameters["duration"])

        async def run() -> JSONObject:
            profile = await self._cpms.active_charging_profile(known["id"], duration)
            return {"result": "ACCEPTED", "profile": profile} if profile is not None else {"result": "UNKNOWN"}

        return self._profile(request, run, chargingprofiles.post_active_charging_profile_result)

    async def _session(self, request: Request) -> tuple[JSONObject | None, Response]:
        known = await self._desk.store.sessions.get(self._party, request.params["session_id"])
        if known is None or known["status"] != "ACTIVE":
            return None, _profile_response("UNKNOWN_SESSION")
        if _provider(known) != request.sender:
            # Only the owner of the token may, without a contract that says more (mod_charging_profiles).
            return None, _profile_response("REJECTED")
        return known, _profile_response("ACCEPTED")

    def _profile(self, request: Request, run: Callable[[], Awaitable[JSONObject]], operation: Operation) -> Response:
        async def carry_on() -> None:
            result = await _within(run, {"result": "REJECTED"}, {"result": "REJECTED"})
            await self._post(request, operation, result)

        self._keep(carry_on())
        return _profile_response("ACCEPTED")

    # -- charging preferences ----------------------------------------------------------------------

    async def put_charging_preferences(self, request: Request) -> Response:
        """Judge a driver's wishes for a running session (mod_sessions, ChargingPreferencesResponse).

        Raises:
            NoSuchObject: no such session, or its EVSE cannot take preferences (404 and 2001).
        """
        known = await self._desk.store.sessions.get(self._party, request.params["session_id"])
        if known is None or request.sender != _provider(known):
            raise NoSuchObject(f"There is no Session {request.params['session_id']}")
        location = await self._desk.store.locations.get(self._party, known["location_id"])
        evse = child(location, "evses", known["evse_uid"]) or {}
        if "CHARGING_PREFERENCES_CAPABLE" not in (evse.get("capabilities") or []):
            raise NoSuchObject("The EVSE is not CHARGING_PREFERENCES_CAPABLE")
        verdict = _judged(request.value, known)
        if verdict == "ACCEPTED":
            store, wishes = self._desk.store, request.value | {"last_updated": date_time(self._desk.clock())}
            await store.database.transact(lambda tx: store.preferences.put(tx, self._party, known["id"], wishes))
            await self._desk.seals.prefer(known["id"], request.value["profile_type"], self._desk.clock())
        return Response.of(sessions.ChargingPreferencesResponse, verdict)

    # -- results -----------------------------------------------------------------------------------

    async def _post(self, request: Request, operation: Operation, result: JSONObject) -> None:
        asked = request.value or {}
        url = asked.get("response_url") or request.parameters["response_url"]
        await self._desk.post_result(
            url,
            Request(
                operation,
                self._party,
                request.sender,
                body=Body(operation.body, value=result),
                correlation_id=request.correlation_id,
            ),
        )

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _within(run: Callable[[], Awaitable[Any]], late: Any, broken: Any, timeout: int = TIMEOUT) -> Any:
    """Return what a station answers; ``late`` if it does not in time, ``broken`` if the adapter fails."""
    try:
        async with asyncio.timeout(timeout):
            return await run()
    except TimeoutError:
        return late
    except Exception:
        log.exception("the CPMS failed on an order")
        return broken


def _judged(wishes: JSONObject, session: JSONObject) -> str:
    if wishes["profile_type"] in ("CHEAP", "GREEN"):
        # Without an end and an amount there is nothing to shift.
        if not wishes.get("departure_time"):
            return "DEPARTURE_REQUIRED"
        if wishes.get("energy_need") is None:
            return "ENERGY_NEED_REQUIRED"
    if wishes.get("departure_time") and moment(wishes["departure_time"]) <= moment(session["last_updated"]):
        return "NOT_POSSIBLE"
    return "ACCEPTED"


def _response(result: str, timeout: int = TIMEOUT) -> Response:
    return Response.of(commands.CommandResponse, {"result": result, "timeout": timeout})


def _profile_response(result: str) -> Response:
    return Response.of(chargingprofiles.ChargingProfileResponse, {"result": result, "timeout": TIMEOUT})


def _asker(request: Request) -> Party:
    assert request.sender is not None, "Functional Modules have a sender"
    return request.sender


def _provider(session: JSONObject) -> Party:
    return Party.of(session["cdr_token"]["country_code"], session["cdr_token"]["party_id"])


def _own_token(request: Request, token: JSONObject) -> bool:
    """Whether the token is the sender's: others' are not allowed (mod_commands)."""
    return Party.of(token["country_code"], token["party_id"]) == request.sender


def _command_authorization(order: JSONObject) -> Authorization:
    return Authorization(token=order["token"], method="COMMAND", reference=order.get("authorization_reference"))


def _knows(evse: JSONObject, command: str) -> bool:
    """Whether an EVSE that lists its capabilities lists the one for a command."""
    capabilities = evse.get("capabilities") or []
    return not capabilities or _CAPABILITIES[command] in capabilities
