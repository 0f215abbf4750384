"""Who stands at the station: what OCPP calls a token becomes OCPI's, and what the desk says of it becomes an answer.

Asked in this order: an order to start that waits for this token, the operator's own test tokens, leave
given to it here a moment ago, and the desk (``hub.cpms.authorization``).

AutoCharge is a car's MAC address where a token would be: 2.0.1 calls it MacAddress, of 1.6 stations
write ``VID:`` before it. Plug and charge gives the contract's eMAID.

Source: OCPP 2.0.1, part 2, C01-C07, IdTokenEnumType, AuthorizationStatusEnumType; OCPI 2.3.0,
mod_tokens.asciidoc (TokenType); REQUIREMENTS GEM-4.1.1-01, GEM-UC-1502, SGEM-4.4-05.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hub.cpms.needs import Places
from hub.cpms.ports import Authorization, Desk, Outlet, Refusal, RefusalReason
from hub.cpms.remote_starts import RemoteStarts
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE, IdToken, TokenInfo
from hub.ocpp.words import TokenStatus, id_tag

#: How long after it was given a leave holds for the transaction it was asked for.
LEAVE_HOLDS = datetime.timedelta(minutes=5)

_OCPI_TYPES: Mapping[str, str] = {
    "ISO14443": "RFID",
    "ISO15693": "RFID",
    "eMAID": "EMAID",
    "Central": "APP_USER",
    "MacAddress": "OTHER",
    "KeyCode": "OTHER",
    "Local": "OTHER",
}
_OCPP_TYPES: Mapping[str, str] = {"RFID": "ISO14443", "EMAID": "eMAID"}

_STATUSES: Mapping[RefusalReason, TokenStatus] = {
    "BLOCKED": "Blocked",
    "EXPIRED": "Expired",
    "NO_CREDIT": "NoCredit",
    "NOT_ALLOWED": "NotAtThisLocation",
    "UNKNOWN": "Unknown",
    "UNREACHABLE": "Invalid",
    "IN_USE": "ConcurrentTx",
    "BOOKED": "NotAtThisLocation",
}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What becomes of a token: ``authorization`` is None unless ``info`` is Accepted."""

    info: TokenInfo
    authorization: Authorization | None = None


def token_of(id_token: IdToken) -> tuple[str, str] | None:
    """Return the uid and TokenType OCPI knows a token by; None where a station charges without any."""
    if id_token.type == "NoAuthorization":
        return None
    if id_token.id_token.upper().startswith("VID:"):
        return id_token.id_token, "OTHER"
    return id_token.id_token, _OCPI_TYPES.get(id_token.type, "OTHER")


def id_token_of(token: JSONObject) -> IdToken:
    """Return an OCPI Token as a station is told of it."""
    return IdToken(id_token=token["uid"], type=_OCPP_TYPES.get(token["type"], "Central"))


def accepted(authorization: Authorization) -> Judgement:
    """Return the judgement of a token that may charge."""
    group = authorization.group_id
    info = TokenInfo(status="Accepted", group_id_token=id_tag(group) if group else None, message=authorization.info)
    return Judgement(info=info, authorization=authorization)


def refused(refusal: Refusal) -> Judgement:
    """Return the judgement of a token that may not."""
    return Judgement(info=TokenInfo(status=_STATUSES[refusal.reason], message=refusal.info))


class Identification:
    """Judges the tokens presented at stations.

    Args:
        desk: the operator's.
        tester: returns the leave of a test token by its uid; None: it is none.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        places: Places,
        starts: RemoteStarts,
        tester: Callable[[str], Authorization | None],
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._desk = desk
        self._places = places
        self._starts = starts
        self._tester = tester
        self._clock = clock
        self._given: dict[tuple[str, str], tuple[Authorization, datetime.datetime]] = {}

    async def judge(self, station_id: str, id_token: IdToken, evse: EVSE | None) -> Judgement:
        """Return what becomes of a token presented at a station."""
        now = self._clock()
        order = self._starts.presented(station_id, id_token, evse, now)
        if order is not None:
            return accepted(order.authorization)
        tester = self._tester(id_token.id_token)
        if tester is not None:
            return accepted(tester)
        outlets, token = self._outlets(station_id, evse), token_of(id_token)
        given = self._given.get((station_id, id_token.id_token.upper()))
        if given is not None and given[1] > now and not await self._all_booked(token, outlets):
            return accepted(given[0])
        if not outlets:
            return refused(Refusal(reason="NOT_ALLOWED", info="This station is not in operation"))
        if token is None:
            return refused(Refusal(reason="UNKNOWN"))
        said = await self._ask(token, outlets)
        if isinstance(said, Refusal):
            return refused(said)
        self._give(station_id, id_token, said)
        return accepted(said)

    async def _ask(self, token: tuple[str, str], outlets: Sequence[Outlet]) -> Authorization | Refusal:
        """Return what the desk says of a token, at the first outlet that is not booked by somebody else."""
        said: Authorization | Refusal = Refusal(reason="BOOKED")
        for outlet in outlets:
            said = await self._desk.authorize(*token, outlet)
            if not isinstance(said, Refusal) or said.reason != "BOOKED":
                return said
        return said

    async def _all_booked(self, token: tuple[str, str] | None, outlets: Sequence[Outlet]) -> bool:
        """Whether all outlets it can be are kept for others: leave was given where 1.6 did not say at which."""
        if token is None or not outlets:
            return False
        return all([await self._desk.keeps_from(*token, outlet) for outlet in outlets])

    def _give(self, station_id: str, id_token: IdToken, authorization: Authorization) -> None:
        now = self._clock()
        self._given = {key: given for key, given in self._given.items() if given[1] > now}
        self._given[station_id, id_token.id_token.upper()] = (authorization, now + LEAVE_HOLDS)

    def _outlets(self, station_id: str, evse: EVSE | None) -> list[Outlet]:
        """Return where a token may have been presented; Authorize of 1.6 says only at which station."""
        if evse is not None and evse.evse_id:
            outlet = self._places.outlet(evse)
            return [outlet] if outlet is not None else []
        return [outlet for _, outlet in self._places.of_station(station_id)]
