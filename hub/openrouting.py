"""Open Routing: who a request without OCPI-to headers is for, found by its content.

A broadcast is no answer here but for pushes that may be everyone's (the router spreads those): where
the receiver cannot be told, the request is refused.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Open Routing Request).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hub.callbacks import Callbacks
from hub.catalogue import Catalogue
from hub.keeping import fold, token_key
from hub.ocpi.errors import InvalidParameters, OcpiError, UnknownEndpoint, UnknownLocation, UnknownToken
from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.messages import Party, Request
from hub.ocpi.modules import cdrs, commands, tokens


class UnknownTokenOwner(UnknownToken):
    """Nobody connected is known to have issued this Token."""

    http_status = 404


@dataclass(frozen=True)
class OpenRouting:
    """Finds receivers in the hub's own copy and in what it has lent."""

    catalogue: Catalogue
    callbacks: Callbacks

    async def receiver(self, request: Request) -> Party:
        """Return the party a request is for.

        Raises:
            UnknownLocation, UnknownToken, UnknownEndpoint: nobody has what the request names.
            InvalidParameters: it cannot be told, or several have it.
        """
        operation = request.operation
        if operation is tokens.authorize:
            return await self._token_owner(request)
        if operation is commands.cancel_reservation:
            reservation = fold(request.value["reservation_id"])
            return self._one(await self.callbacks.reserved(reservation, self._sender(request)))
        if operation is cdrs.post_cdr:
            return _named(request.value.get("cdr_token"))
        if operation.module == "sessions" and operation.pushes:
            return await self._session_peer(request)
        if operation.module == "bookings" and operation.pushes:
            return await self._booking_peer(request)
        if operation.module == "chargingprofiles" and operation.role == "SENDER":
            return await self._peer(request, "sessions", request.params["session_id"])
        return await self._object_owner(request)

    async def _token_owner(self, request: Request) -> Party:
        kind = request.parameters.get("type") or "RFID"
        key = token_key(request.params["token_uid"], kind)
        owners = [owner for owner, *_ in await self.catalogue.holders("tokens", key, self._sender(request))]
        if not owners:
            raise UnknownTokenOwner
        return self._one(owners)

    async def _session_peer(self, request: Request) -> Party:
        """The eMSP of a Session: named by the Session, or by the copy of it that the CPO told before."""
        token = (request.value or {}).get("cdr_token")
        if token:
            return _named(token)
        return await self._peer(request, "sessions", request.params["session_id"])

    async def _booking_peer(self, request: Request) -> Party:
        """The eMSP of a Booking: named by the request it came from, or by the copy that the CPO told before."""
        asked = (request.value or {}).get("booking_requests")
        if asked:
            return _named(asked[0].get("booking_request"))
        return await self._peer(request, "bookings", request.params["booking_id"])

    async def _peer(self, request: Request, kind: str, identifier: str) -> Party:
        sender = self._sender(request)
        holders = await self.catalogue.holders(kind, fold(identifier), sender)
        peers = [Party.parse(peer) for owner, peer, *_ in holders if owner == sender and peer]
        if not peers:
            raise UnknownEndpoint(f"The hub knows no such object of {sender}: name a receiver")
        return self._one(peers)

    async def _object_owner(self, request: Request) -> Party:
        """The party that owns what the request names: a Location, a Session, any object of a Sender interface."""
        known = {**(request.value if isinstance(request.value, dict) else {}), **request.params}
        for field, kind in _NAMED_BY:
            identifier = known.get(field)
            if isinstance(identifier, str) and identifier:
                holders = await self.catalogue.holders(kind, fold(identifier), self._sender(request))
                if not holders:
                    unknown = UnknownEndpoint(f"Nobody has {field} {identifier}")
                    raise UnknownLocation if kind == "locations" else unknown
                return self._one(owner for owner, *_ in holders)
        module = REGISTRY[request.operation.module]
        raise InvalidParameters(f"The receiver of this {module.identifier} request cannot be told: name one")

    @staticmethod
    def _sender(request: Request) -> Party:
        assert request.sender is not None, "functional modules have a sender"
        return request.sender

    @staticmethod
    def _one(parties: Iterable[Party]) -> Party:
        found = list(dict.fromkeys(parties))
        if not found:
            raise InvalidParameters("The receiver cannot be told: name one")
        if len(found) > 1:
            raise InvalidParameters(f"{', '.join(map(str, found))} all have it: name a receiver")
        return found[0]


#: Which field tells whose an object is, the most telling first.
_NAMED_BY = (
    ("booking_location_id", "booking_locations"),
    ("booking_id", "bookings"),
    ("session_id", "sessions"),
    ("location_id", "locations"),
    ("tariff_id", "tariffs"),
)


def _named(token: Any) -> Party:
    if not isinstance(token, dict):
        raise OcpiError("The receiver cannot be told: name one")
    return Party.of(str(token.get("country_code", "")), str(token.get("party_id", "")))
