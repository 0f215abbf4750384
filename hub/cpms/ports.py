"""What a CPMS must be able to do to be plugged into the hub, and what it tells.

Adapters implement ``Cpms``; ``hub.cpms.endpoints`` gives any of them its OCPI face. An adapter
translates and operates stations; OCPI objects, tokens and prices are kept on this side of the port.

Energy is in kWh, power in kW, times are aware and in UTC.
"""

import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from hub.ocpi.objects import JSON, JSONObject

#: What a station makes of a command (mod_commands.asciidoc, CommandResultType).
CommandResultType = Literal[
    "ACCEPTED", "CANCELED_RESERVATION", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "FAILED", "NOT_SUPPORTED",
    "REJECTED", "TIMEOUT", "UNKNOWN_RESERVATION",
]  # fmt: skip

#: What a station makes of a charging profile (mod_charging_profiles.asciidoc, ChargingProfileResultType).
ProfileResultType = Literal["ACCEPTED", "REJECTED", "UNKNOWN"]

#: How a driver was authorized (mod_cdrs.asciidoc, AuthMethod).
AuthMethod = Literal["AUTH_REQUEST", "COMMAND", "WHITELIST"]


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """One Connector of one EVSE, as the Location declares it.

    Attributes:
        power: the most the connector gives, in kW.
        status: the EVSE's Status as last told.
    """

    location_id: str
    evse_uid: str
    connector_id: str
    power: float = 11.0
    status: str = "AVAILABLE"


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """Leave to charge, given by the token's eMSP.

    Attributes:
        token: the OCPI Token, as Session and CDR name it.
        reference: the eMSP's ``authorization_reference``, repeated in Session and CDR.
        info: what the eMSP wants the driver told.
        unbilled: a test of the operator's own: nobody is told of the session, and no CDR is made.
    """

    token: JSONObject
    method: AuthMethod
    reference: str | None = None
    info: str | None = None
    unbilled: bool = False

    @property
    def group_id(self) -> str | None:
        """What tokens that may stop each other's sessions have in common."""
        return self.token.get("group_id")


#: Why a token may not charge: AllowedType of mod_tokens, UNKNOWN for a token nobody knows, UNREACHABLE for
#: one whose eMSP could not be asked, IN_USE for one that charges elsewhere, BOOKED where somebody else has booked.
RefusalReason = Literal["BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED", "UNKNOWN", "UNREACHABLE", "IN_USE", "BOOKED"]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """No leave to charge.

    Attributes:
        info: what the driver is told.
    """

    reason: RefusalReason
    info: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunningSession:
    """A session that was going on when this side stopped; the CPMS carries on with it."""

    session_id: str
    outlet: Outlet
    authorization: Authorization
    started_at: datetime.datetime
    kwh: float


@dataclass(frozen=True, kw_only=True)
class OpenReservation:
    """A reservation neither used nor over when this side stopped."""

    reservation_id: str
    outlet: Outlet
    authorization: Authorization
    expires_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class StatusChanged:
    """An EVSE has another Status."""

    location_id: str
    evse_uid: str
    status: str
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class SessionPending:
    """A station has taken the order to start, and waits for the car."""

    session_id: str
    outlet: Outlet
    authorization: Authorization
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class SessionCanceled:
    """What was pending will not start: the car was not connected in time, or the station gave up."""

    session_id: str
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class SessionStarted:
    """Energy may flow. A session that uses a reservation has the reservation's id as its own."""

    session_id: str
    outlet: Outlet
    authorization: Authorization
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class SessionUpdated:
    """The meter moved.

    Attributes:
        kwh: energy since the session's start, in kWh.
        charging: whether energy flows; while it does not, the time is parking.
        held_back: it does not flow because the station holds it back, by a charging profile or for another reason.
        power: of now, in kW.
        current: of now, in A, the sum over all phases, as MIN_CURRENT and MAX_CURRENT of a CDR count it.
        soc: the battery's state of charge, in percent.
    """

    session_id: str
    kwh: float
    at: datetime.datetime
    charging: bool = True
    held_back: bool = False
    power: float | None = None
    current: float | None = None
    soc: float | None = None


@dataclass(frozen=True, kw_only=True)
class SessionEnded:
    """The session is over: what a CDR is made from.

    Attributes:
        kwh: energy of the whole session, in kWh.
        charged_until: when energy last flowed; what follows until ``at`` is parking.
        signed_data: the SignedData a CDR repeats (mod_cdrs), where the station signs its meter.
        unbilled: a test session: no CDR is made of it.
        given_up: its station never ended it; should its stop come after all, ``Desk.correct`` is told.
        invalid: why what was metered cannot be billed as it is: the Session is INVALID, and no CDR is made of it.
    """

    session_id: str
    kwh: float
    at: datetime.datetime
    charged_until: datetime.datetime | None = None
    signed_data: JSONObject | None = None
    unbilled: bool = False
    given_up: bool = False
    invalid: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReservationEnded:
    """A reservation was not used: it expired, or the operator had to cancel it."""

    reservation_id: str
    canceled: bool
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class ProfileChanged:
    """The station charges by another ActiveChargingProfile than before, for a reason of its own."""

    session_id: str
    profile: JSONObject


CpmsEvent = (
    StatusChanged
    | SessionPending
    | SessionCanceled
    | SessionStarted
    | SessionUpdated
    | SessionEnded
    | ReservationEnded
    | ProfileChanged
)


class NoSuchPlace(Exception):
    """A session began where no Connector of the operator's is: it was taken away meanwhile."""


#: Carries out one kind of order of the operator; what it returns is shown to whoever gave it.
Handler = Callable[[Mapping[str, Any]], Awaitable[JSON]]


class Desk(Protocol):
    """What a CPMS may tell and ask its OCPI face."""

    async def tell(self, event: CpmsEvent) -> None:
        """Record an event; it is durable when this returns. An event told twice changes nothing.

        Raises:
            NoSuchPlace: of a SessionStarted; there will be no Session, and what it takes is for a person to look at.
        """
        ...

    async def authorize(self, uid: str, token_type: str, outlet: Outlet) -> Authorization | Refusal:
        """Return the leave for a token presented at a station, or why there is none."""
        ...

    async def keeps_from(self, uid: str, token_type: str, outlet: Outlet) -> bool:
        """Whether an outlet is kept just now for another's booking."""
        ...

    async def outlet(self, location_id: str, evse_uid: str, connector_id: str | None = None) -> Outlet | None:
        """Return an outlet of the operator's Locations (without a connector_id the EVSE's first); None: unknown."""
        ...

    async def cost(self, session_id: str, update: SessionUpdated | None = None) -> Decimal | None:
        """Return what a session costs, taxes included; None: that is not known.

        Args:
            update: what its meter says now, which need not have been told.
        """
        ...

    async def correct(self, event: SessionEnded) -> bool:
        """Bill a session that was given up as its stop says after all; done twice it is done once.

        False: it cannot be put right by itself, and a person has to look at it.
        """
        ...


class Cpms(Protocol):
    """A charging point management system behind the hub.

    Commands return what the station made of them and raise nothing: a station that cannot be
    reached is EVSE_INOPERATIVE, one that does not answer is TIMEOUT, a command the system does not
    know is NOT_SUPPORTED. The outlets named are known to the operator's Locations.
    """

    async def start(self, desk: Desk, running: Sequence[RunningSession], reserved: Sequence[OpenReservation]) -> None:
        """Begin to operate, with the sessions and reservations the last run left open."""
        ...

    async def stop(self) -> None:
        """Stop operating; sessions go on at the stations and are handed in at the next start."""
        ...

    async def start_session(self, outlet: Outlet, authorization: Authorization) -> CommandResultType:
        """Start charging; ``SessionStarted`` is told before or soon after this returns."""
        ...

    async def stop_session(self, session_id: str) -> CommandResultType: ...

    async def reserve_now(self, reservation: OpenReservation) -> CommandResultType:
        """Keep an outlet for a token; the same reservation_id replaces what was reserved."""
        ...

    async def cancel_reservation(self, reservation_id: str) -> CommandResultType: ...

    async def unlock_connector(self, outlet: Outlet) -> CommandResultType: ...

    async def set_charging_profile(self, session_id: str, profile: JSONObject) -> ProfileResultType:
        """Limit a session by a ChargingProfile; a maximum, not a target."""
        ...

    async def clear_charging_profile(self, session_id: str) -> ProfileResultType: ...

    async def active_charging_profile(self, session_id: str, duration: int) -> JSONObject | None:
        """Return the ActiveChargingProfile planned for the next ``duration`` seconds; None if there is none."""
        ...

    def orders(self) -> Mapping[str, Handler]:
        """What an operator may order of this system beyond OCPI, by order kind; usually nothing."""
        ...
