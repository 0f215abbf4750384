"""May this token charge here: what is held, what is whitelisted, what its eMSP says, and what holds if it says nothing.

A station asks its own list first and comes here with what it does not find there. The order of the
questions is the order of the methods of ``Cascade.judge``.

Source: OCPI 2.3.0, mod_tokens.asciidoc (WhitelistType, AllowedType, Real-time authorization), mod_commands.asciidoc
(StartSession, ReserveNow).
"""

import asyncio
import datetime
import logging
from collections.abc import Callable

from hub.cpms.ports import Authorization, Outlet, Refusal, RefusalReason
from hub.cpms.store import Store
from hub.ocpi.answered import answered
from hub.ocpi.errors import OcpiError, ReceiverFailed, ServerError, UnknownToken
from hub.ocpi.messages import Body, Party, Request
from hub.ocpi.modules import tokens
from hub.ocpi.objects import JSONObject
from hub.ocpi.platforms import Platform
from hub.ocpi.times import utc_now

log = logging.getLogger(__name__)

#: How long an RFID Token of a START_SESSION or RESERVE_NOW is not asked about again at its station
#: (mod_commands, StartSession and ReserveNow).
COMMAND_HOLDS = datetime.timedelta(minutes=15)

#: How long an eMSP may take while the driver stands there, in seconds; a station waits 30 for its own answer.
AUTHORIZE_TIMEOUT = 10.0

_REASONS: dict[str, RefusalReason] = {
    "BLOCKED": "BLOCKED",
    "EXPIRED": "EXPIRED",
    "NO_CREDIT": "NO_CREDIT",
    "NOT_ALLOWED": "NOT_ALLOWED",
}

#: What a driver is told if his eMSP has said nothing.
_TOLD: dict[RefusalReason, str] = {
    "BLOCKED": "This token is blocked",
    "EXPIRED": "This token has expired",
    "NO_CREDIT": "There is not enough credit to charge",
    "NOT_ALLOWED": "This token may not charge at this location",
    "UNKNOWN": "This token is not known",
    "UNREACHABLE": "Your provider cannot be reached; please try again later",
    "IN_USE": "This token is charging already",
    "BOOKED": "This place is booked",
}


def refusal(reason: RefusalReason, info: str | None = None) -> Refusal:
    """Return a refusal with what the driver is told."""
    return Refusal(reason=reason, info=info or _TOLD[reason])


#: What a driver hears at an EVSE that is kept for another's booking (X-42).
BOOKED = refusal("BOOKED")


class Cascade:
    """The questions of one operator.

    Args:
        hub: where requests are put.
        timeout: how long an eMSP may take, in seconds.
    """

    def __init__(
        self,
        *,
        party: Party,
        store: Store,
        hub: Platform,
        timeout: float = AUTHORIZE_TIMEOUT,
        clock: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self._party = party
        self._store = store
        self._hub = hub
        self._timeout = timeout
        self._clock = clock
        self._held: dict[tuple[str, str, str], tuple[Authorization, datetime.datetime]] = {}

    def hold(self, outlet: Outlet, authorization: Authorization) -> None:
        """Remember the token of a command: its eMSP has authorized it for this station."""
        token, now = authorization.token, self._clock()
        self._held = {key: held for key, held in self._held.items() if held[1] > now}
        key = (token["uid"].upper(), token["type"], outlet.location_id.upper())
        self._held[key] = (authorization, now + COMMAND_HOLDS)

    async def judge(self, uid: str, token_type: str, outlet: Outlet) -> Authorization | Refusal:
        """Return the leave for a token presented at a station, or why there is none."""
        held = self._held.get((uid.upper(), token_type, outlet.location_id.upper()))
        if held is not None and held[1] > self._clock():
            return held[0]
        token = await self._store.token(uid, token_type)
        if token is not None and token["whitelist"] in ("ALWAYS", "ALLOWED"):
            # One that is declared invalid is denied here and now. ALLOWED_OFFLINE and NEVER are asked about all the
            # same, for "the state of the Token might have changed" (WhitelistType).
            return Authorization(token=token, method="WHITELIST") if token["valid"] else refusal("BLOCKED")
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(uid, token_type, outlet, token)
        except UnknownToken:
            return refusal("UNKNOWN")
        except (TimeoutError, ServerError) as error:
            return self._offline(token, error)
        except OcpiError as error:
            return self._offline(token, error) if error.transient else refusal("UNKNOWN")

    async def _ask(
        self, uid: str, token_type: str, outlet: Outlet, token: JSONObject | None
    ) -> Authorization | Refusal:
        """Ask the eMSP that issued the token; of an unknown one the hub knows whom to ask."""
        issuer = Party.of(token["country_code"], token["party_id"]) if token else None
        place = {"location_id": outlet.location_id, "evse_uids": [outlet.evse_uid]}
        response = await self._hub(
            Request(
                tokens.authorize,
                self._party,
                issuer,
                {"token_uid": uid},
                query=f"type={token_type}",
                body=Body(tokens.LocationReferences, value=place),
            )
        )
        try:
            info = answered(tokens.authorize, response)
        except ReceiverFailed as error:  # What it should not say is no leave, offline neither.
            log.warning("%s", error)
            return refusal("UNKNOWN")
        answerer, owner = response.sender or issuer, info["token"]
        if answerer not in (None, Party.of(owner["country_code"], owner["party_id"])):
            # Whose Token it is pays, so an eMSP gives leave by its own.
            log.warning("%s was asked about token %s and named another's", answerer, uid)
            return refusal("UNKNOWN")
        return _judged(info)

    def _offline(self, token: JSONObject | None, error: Exception) -> Authorization | Refusal:
        log.warning("the eMSP could not be asked: %s", error or type(error).__name__)
        if token is not None and token["valid"] and token["whitelist"] == "ALLOWED_OFFLINE":
            return Authorization(token=token, method="WHITELIST")
        return refusal("UNREACHABLE")


def _judged(info: JSONObject) -> Authorization | Refusal:
    """Return what an AuthorizationInfo says."""
    said = (info.get("info") or {}).get("text")
    if info.get("allowed") != "ALLOWED":
        return refusal(_REASONS.get(str(info.get("allowed")), "UNKNOWN"), said)
    return Authorization(
        token=info["token"], method="AUTH_REQUEST", reference=info.get("authorization_reference"), info=said
    )
