"""What the provider asks of CPOs: commands and charging profiles, and the results that come later.

Source: OCPI 2.3.0, mod_commands.asciidoc, mod_charging_profiles.asciidoc, mod_sessions.asciidoc.
"""

import dataclasses
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from hub.database.contract import Transaction
from hub.emsp.store import Order, Store
from hub.ocpi.answered import answered
from hub.ocpi.errors import InvalidParameters, ReceiverFailed
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party, Request, now
from hub.ocpi.modules import bookings, chargingprofiles, commands, sessions
from hub.ocpi.objects import JSONObject
from hub.ocpi.platforms import Platform
from hub.ocpi.receiving import NoSuchObject
from hub.ocpi.times import moment

log = logging.getLogger(__name__)

#: How long a result is waited for at most, in seconds: a CPO may promise it for the end of time.
LONGEST = 24 * 60 * 60

#: By command: the operation that carries it.
COMMANDS: Mapping[str, Operation] = {
    "START_SESSION": commands.start_session,
    "STOP_SESSION": commands.stop_session,
    "RESERVE_NOW": commands.reserve_now,
    "CANCEL_RESERVATION": commands.cancel_reservation,
    "UNLOCK_CONNECTOR": commands.unlock_connector,
}

#: By what is asked about a charging profile: the operation that brings the result.
PROFILE_RESULTS: Mapping[str, Operation] = {
    "SET": chargingprofiles.post_charging_profile_result,
    "GET": chargingprofiles.post_active_charging_profile_result,
    "CLEAR": chargingprofiles.post_clear_profile_result,
}


class Asking:
    """The asking side of one provider.

    Args:
        hub: where requests are put.
        url_of: the URL of one of this platform's own endpoints.
    """

    def __init__(self, *, party: Party, store: Store, hub: Platform, url_of: Callable[[Request], str]) -> None:
        self._party = party
        self._store = store
        self._hub = hub
        self._url_of = url_of

    async def command(self, name: str, receiver: Party, body: Mapping[str, Any], *, uid: str | None = None) -> Order:
        """Send a command and return the order with the CPO's immediate answer.

        Args:
            uid: what the order is to be known by.

        Raises:
            OcpiError: the CPO or the hub refused the request.
            Conflict: an order of this uid was given before.
        """
        operation = COMMANDS[name]
        order = Order(uid or str(uuid.uuid4()), name, receiver)
        await self._store.ask(order)
        url = self._url_of(Request(commands.post_result, None, params={"command": name, "uid": order.uid}))
        request = Request(
            operation, self._party, receiver, body=Body(operation.body, value={**body, "response_url": url})
        )
        return await self._sent(order, request)

    async def set_profile(
        self, receiver: Party, session_id: str, profile: JSONObject, *, uid: str | None = None
    ) -> Order:
        """Set a ChargingProfile on a session."""
        order, url = await self._profile_order("SET", receiver, uid)
        value = {"charging_profile": profile, "response_url": url}
        body = Body(chargingprofiles.SetChargingProfile, value=value)
        request = Request(
            chargingprofiles.set_charging_profile, self._party, receiver, {"session_id": session_id}, body=body
        )
        return await self._sent(order, request)

    async def get_profile(self, receiver: Party, session_id: str, duration: int, *, uid: str | None = None) -> Order:
        """Ask for the ActiveChargingProfile of the next ``duration`` seconds."""
        order, url = await self._profile_order("GET", receiver, uid)
        request = Request(
            chargingprofiles.get_active_charging_profile,
            self._party,
            receiver,
            {"session_id": session_id},
            query=urlencode({"duration": duration, "response_url": url}),
        )
        return await self._sent(order, request)

    async def clear_profile(self, receiver: Party, session_id: str, *, uid: str | None = None) -> Order:
        """Take our ChargingProfile off a session."""
        order, url = await self._profile_order("CLEAR", receiver, uid)
        request = Request(
            chargingprofiles.clear_charging_profile,
            self._party,
            receiver,
            {"session_id": session_id},
            query=urlencode({"response_url": url}),
        )
        return await self._sent(order, request)

    async def set_preferences(self, receiver: Party, session_id: str, preferences: JSONObject) -> str:
        """Send a driver's ChargingPreferences and return the CPO's answer."""
        body = Body(sessions.ChargingPreferences, value=preferences)
        request = Request(
            sessions.put_charging_preferences, self._party, receiver, {"session_id": session_id}, body=body
        )
        answer: str = answered(request.operation, await self._hub(request))
        return answer

    async def book(self, receiver: Party, wish: JSONObject) -> JSONObject:
        """Send a BookingRequest and return the CPO's Booking, kept: made, changed, cancelled or refused.

        The same ``request_id`` asks for the same booking again; a repeated request changes nothing at the CPO.

        Raises:
            OcpiError: the CPO or the hub refused the request, or cannot be reached.
        """
        body = Body(bookings.BookingRequest, value=wish)
        request = Request(bookings.post_booking, self._party, receiver, body=body)
        booking: JSONObject = answered(request.operation, await self._hub(request))
        if Party.of(booking["country_code"], booking["party_id"]) != receiver:
            raise InvalidParameters(f"{receiver} answered with a Booking of somebody else")

        async def work(tx: Transaction) -> JSONObject:
            known = await self._store.bookings.get_in(tx, receiver, booking["id"])
            # What the CPO has told since may be here before its answer is.
            if known is not None and moment(known["last_updated"]) > moment(booking["last_updated"]):
                return known
            await self._store.bookings.put(tx, receiver, booking["id"], booking)
            return booking

        return await self._store.database.transact(work)

    async def finished(self, request: Request) -> None:
        """Take a station's result.

        Raises:
            NoSuchObject: nothing was asked under this URL.
        """
        uid = request.params["uid"]
        order = await self._store.order(uid)
        if order is None or request.sender != order.receiver:
            raise NoSuchObject
        await self._store.finished(uid, request.value)

    async def profile_changed(self, request: Request) -> None:
        """Take an ActiveChargingProfile the station changed by itself: the last one per session is kept."""
        assert request.sender is not None, "Functional Modules have a sender"
        owner, session_id = request.sender, request.params["session_id"]
        kept = {"profile": request.value, "last_updated": now()}

        async def work(tx: Transaction) -> None:
            await self._store.profiles.put(tx, owner, session_id, kept)

        await self._store.database.transact(work)

    async def _profile_order(self, command: str, receiver: Party, uid: str | None) -> tuple[Order, str]:
        order = Order(uid or str(uuid.uuid4()), command, receiver)
        await self._store.ask(order)
        return order, self._url_of(Request(PROFILE_RESULTS[command], None, params={"uid": order.uid}))

    async def _sent(self, order: Order, request: Request) -> Order:
        # A timeout is often left out; a result cannot be.
        answer = answered(request.operation, await self._hub(request), only=("result", "timeout"))
        result = answer.get("result")
        if result is None:
            raise ReceiverFailed(f"{request.operation} was answered without a result")
        await self._store.answered(order.uid, result)
        log.info("%s: %s", request, result)
        known = await self._store.order(order.uid)
        assert known is not None, "it was written before it was sent"
        return dataclasses.replace(known, timeout=min(max(answer.get("timeout") or 0, 0), LONGEST))
