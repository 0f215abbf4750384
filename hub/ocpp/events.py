"""What chargers tell and are told, whatever OCPP version they speak.

A version's dialect (``v16.py``, ``v201.py``) turns CALLs of a station into the messages below and
puts them to an ``Operator``; the station gets its answer when the operator's coroutine has
returned, which is when the fact is committed. The other way round, ``Commands`` are what an
operator may have a station do.

Energy is in Wh, power in W, current in A, voltage in V, temperature in Celsius, state of charge in
percent; times are aware and in UTC.

Source: OCPP 1.6 edition 2; OCPP 1.6 security whitepaper edition 3; OCPP 2.0.1 edition 3, part 2.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

JSONObject = dict[str, Any]

#: 1.6 tells all but Occupied; 2.0.1 tells Available, Occupied, Reserved, Unavailable and Faulted.
ConnectorStatus = Literal[
    "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Occupied", "Reserved",
    "Unavailable", "Faulted",
]  # fmt: skip

#: What a transaction is doing (2.0.1, ChargingStateEnumType).
ChargingState = Literal["Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Idle"]

#: How a token was judged (the values of 2.0.1's AuthorizationStatusEnumType; 1.6 knows the first five).
TokenStatus = Literal[
    "Accepted", "Blocked", "ConcurrentTx", "Expired", "Invalid", "NoCredit", "NotAllowedTypeEVSE",
    "NotAtThisLocation", "NotAtThisTime", "Unknown",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EVSE:
    """A place to charge at, as its station counts.

    Attributes:
        evse_id: from 1; 0 is the whole station. 1.6 has connectors only: connector n is EVSE n.
        connector_id: from 1 within the EVSE; 0 where the station has not said which.
    """

    station_id: str
    evse_id: int
    connector_id: int = 0


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """Who wants to charge, as a station tells it.

    Attributes:
        type: of 2.0.1's IdTokenEnumType; what 1.6 tells is ISO14443 unless the operator knows better.
        additional: further identifiers (2.0.1, AdditionalInfoType): pairs of identifier and its type.
    """

    id_token: str
    type: str = "ISO14443"
    additional: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class TokenInfo:
    """What becomes of a presented token.

    Attributes:
        expires_at: until when a station may remember this.
        group_id_token: tokens of one group may stop each other's transactions (1.6: parentIdTag).
        message: shown to the driver where the station has a display.
    """

    status: TokenStatus
    expires_at: datetime.datetime | None = None
    group_id_token: str | None = None
    charging_priority: int | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sampled value, in the base unit of its measurand.

    Attributes:
        measurand: such as Energy.Active.Import.Register, Power.Active.Import, Current.Import, SoC.
        unit: Wh, W, varh, var, VA, A, V, Celsius, Hertz, Percent; multipliers and prefixes are worked in.
        context: such as Sample.Periodic, Transaction.Begin, Transaction.End.
        signed: the signed meter value as the station gave it (1.6: the text; 2.0.1: SignedMeterValueType), untouched.
    """

    at: datetime.datetime
    value: Decimal
    measurand: str = "Energy.Active.Import.Register"
    unit: str = "Wh"
    phase: str | None = None
    location: str | None = None
    context: str = "Sample.Periodic"
    signed: Any = None


# -- what a station tells and waits for ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class BootNotified:
    """A station has started, or comes back."""

    station_id: str
    vendor: str
    model: str
    reason: str = "Unknown"
    serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a boot is answered with.

    Attributes:
        interval: of heartbeats if Accepted, else until the station may try again; in seconds.
    """

    status: Literal["Accepted", "Pending", "Rejected"]
    interval: int


@dataclass(frozen=True, kw_only=True)
class TokenPresented:
    """A station asks whether a token may charge.

    Attributes:
        evse: where, if the station said so.
        certificate: the contract certificate chain (PEM), where plug and charge gave one.
    """

    station_id: str
    id_token: IdToken
    evse: EVSE | None = None
    certificate: str | None = None
    certificate_hashes: tuple[JSONObject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TransactionEvent:
    """A transaction starts, goes on or ends; told late, twice or in another order as it may be.

    Attributes:
        transaction_id: as the station knows it; None for StartTransaction of 1.6, which waits for ours.
        message_id: of the frame; a repetition may carry another one.
        seq_no: 2.0.1's count of messages within the transaction.
        meter: the energy register, in Wh: meterStart or meterStop of 1.6.
        at: by the station's clock.
        received_at: by ours.
        trigger: 2.0.1's triggerReason; of 1.6 the message's name.
        offline: whether the station says it happened while it had no connection.
        reason: why it ended (stoppedReason).
        time_spent_charging: in seconds.
    """

    kind: Literal["Started", "Updated", "Ended"]
    station_id: str
    transaction_id: str | None
    at: datetime.datetime
    received_at: datetime.datetime
    message_id: str
    trigger: str
    evse: EVSE | None = None
    seq_no: int | None = None
    id_token: IdToken | None = None
    meter: int | None = None
    samples: tuple[Sample, ...] = ()
    charging_state: ChargingState | None = None
    offline: bool = False
    reason: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    time_spent_charging: int | None = None
    phases_used: int | None = None


@dataclass(frozen=True, kw_only=True)
class TransactionAnswer:
    """What a station is answered.

    Attributes:
        transaction_id: of 1.6's StartTransaction: the number we gave it, as text.
        token: None if the message named no token.
        total_cost: so far, in the tariff's currency, taxes included.
    """

    transaction_id: str | None = None
    token: TokenInfo | None = None
    total_cost: Decimal | None = None
    charging_priority: int | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataTransferred:
    """A vendor's own message."""

    station_id: str
    vendor_id: str
    message_id: str | None = None
    data: Any = None


@dataclass(frozen=True, kw_only=True)
class DataAnswer:
    """What a vendor's message is answered with."""

    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: Any = None


# -- what a station tells, and is only thanked for -------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Connected:
    """A station's socket is open and has spoken."""

    station_id: str
    version: str
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Disconnected:
    """A station's socket is closed, and no other has taken over."""

    station_id: str
    at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class StatusChanged:
    """A connector (or with evse_id 0 the station) has a status.

    Attributes:
        error_code: NoError, or one of 1.6's ChargePointErrorCode.
    """

    evse: EVSE
    status: ConnectorStatus
    at: datetime.datetime
    error_code: str = "NoError"
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metered:
    """Meter values that belong to no transaction."""

    evse: EVSE
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class ReservationChanged:
    """A reservation ended at the station."""

    station_id: str
    reservation_id: int
    status: Literal["Expired", "Removed"]


@dataclass(frozen=True, kw_only=True)
class Reported:
    """Anything else a station reports: firmware, logs, security events, device model, monitoring, certificates.

    Attributes:
        kind: the action's name in the version spoken, such as FirmwareStatusNotification or NotifyReport.
        payload: as sent.
    """

    station_id: str
    kind: str
    payload: JSONObject
    at: datetime.datetime


ChargerEvent = Connected | Disconnected | StatusChanged | Metered | ReservationChanged | Reported


class Operator(Protocol):
    """Whoever operates the stations; each answer is given after the fact is committed."""

    async def booted(self, event: BootNotified) -> Registration: ...

    async def token_presented(self, event: TokenPresented) -> TokenInfo: ...

    async def transaction(self, event: TransactionEvent) -> TransactionAnswer: ...

    async def data_transferred(self, event: DataTransferred) -> DataAnswer: ...

    async def certificate_requested(self, station_id: str, csr: str, kind: str) -> bool:
        """Take a signing request (PEM); the signed chain is sent later by ``Commands.certificate_signed``."""
        ...

    async def told(self, event: ChargerEvent) -> None: ...


# -- what a station is told ------------------------------------------------------------------------


class ChargerError(Exception):
    """A command got no answer of its own. Its subclasses say why."""


class ChargerOffline(ChargerError):
    """There is no connection to the station."""


class CallTimeout(ChargerError):
    """The station did not answer in time; it may have acted all the same."""


class CallRefused(ChargerError):
    """The station answered with a CALLERROR.

    Attributes:
        code: such as NotSupported; description and details as the station gave them.
    """

    def __init__(self, code: str, description: str = "", details: JSONObject | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = details or {}


class NotSpoken(ChargerError):
    """The OCPP version of the station has no such message."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a station makes of a command.

    Attributes:
        status: the version's own word: Accepted, Rejected, Unlocked, Scheduled, Occupied ...
        payload: the whole answer.
    """

    status: str
    payload: JSONObject = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the station does, or will do, as told."""
        return self.status in ("Accepted", "Unlocked", "Scheduled", "RebootRequired", "AcceptedCanceled")


@dataclass(frozen=True, kw_only=True)
class SchedulePeriod:
    """From ``start`` seconds after the schedule's start on, at most ``limit`` W or A."""

    start: int
    limit: Decimal
    phases: int | None = None


@dataclass(frozen=True, kw_only=True)
class ChargingProfile:
    """A charging profile in the words both versions share.

    Attributes:
        purpose: in 2.0.1's words: ChargingStationMaxProfile, TxDefaultProfile, TxProfile,
            ChargingStationExternalConstraints.
        unit: W or A.
        transaction_id: of a TxProfile.
    """

    id: int
    stack_level: int
    purpose: str
    kind: Literal["Absolute", "Recurring", "Relative"]
    unit: Literal["W", "A"]
    periods: tuple[SchedulePeriod, ...]
    start_at: datetime.datetime | None = None
    duration: int | None = None
    min_charging_rate: Decimal | None = None
    recurrency: Literal["Daily", "Weekly"] | None = None
    valid_from: datetime.datetime | None = None
    valid_to: datetime.datetime | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One setting of a station: a configuration key of 1.6, or a component's variable of 2.0.1.

    Attributes:
        component: "" for 1.6.
        status: of the last get or set (Accepted, Rejected, UnknownVariable, RebootRequired ...).
    """

    name: str
    value: str | None = None
    component: str = ""
    instance: str | None = None
    evse_id: int | None = None
    attribute: str = "Actual"
    readonly: bool = False
    status: str = "Accepted"


class Commands(Protocol):
    """Everything an operator may have one connected station do, whatever version it speaks.

    Raises (all of them): ChargerOffline, CallTimeout, CallRefused, NotSpoken.
    """

    version: str

    async def remote_start(
        self,
        *,
        id_token: IdToken,
        remote_start_id: int,
        evse: EVSE | None = None,
        group_id_token: str | None = None,
        profile: ChargingProfile | None = None,
    ) -> Answer: ...

    async def remote_stop(self, transaction_id: str) -> Answer: ...

    async def unlock(self, evse: EVSE) -> Answer: ...

    async def reset(self, *, immediate: bool, evse_id: int | None = None) -> Answer: ...

    async def change_availability(self, evse: EVSE, *, operative: bool) -> Answer: ...

    async def reserve_now(
        self,
        *,
        reservation_id: int,
        evse: EVSE | None,
        id_token: IdToken,
        expires_at: datetime.datetime,
        group_id_token: str | None = None,
    ) -> Answer: ...

    async def cancel_reservation(self, reservation_id: int) -> Answer: ...

    async def set_charging_profile(self, evse: EVSE, profile: ChargingProfile) -> Answer: ...

    async def clear_charging_profile(
        self,
        *,
        profile_id: int | None = None,
        evse: EVSE | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> Answer: ...

    async def composite_schedule(self, evse: EVSE, *, duration: int, unit: Literal["W", "A"] | None = None) -> Answer:
        """Ask what the station will do; the payload has ``schedule``: start_at, duration, unit, periods."""
        ...

    async def get_variables(self, variables: Sequence[Variable] = ()) -> list[Variable]:
        """Return settings; none named: all that the station tells in one answer."""
        ...

    async def set_variables(self, variables: Sequence[Variable]) -> list[Variable]: ...

    async def local_list_version(self) -> int: ...

    async def send_local_list(
        self, *, version: int, entries: Sequence[tuple[IdToken, TokenInfo | None]], full: bool
    ) -> Answer: ...

    async def clear_cache(self) -> Answer: ...

    async def trigger(self, message: str, evse: EVSE | None = None) -> Answer: ...

    async def transaction_status(self, transaction_id: str) -> Answer:
        """Ask whether a transaction goes on and whether messages of it are queued (2.0.1)."""
        ...

    async def update_firmware(
        self,
        *,
        location: str,
        retrieve_at: datetime.datetime,
        request_id: int,
        retries: int | None = None,
        signing_certificate: str | None = None,
        signature: str | None = None,
    ) -> Answer: ...

    async def get_log(self, *, kind: str, location: str, request_id: int) -> Answer:
        """Have a log uploaded: DiagnosticsLog or SecurityLog."""
        ...

    async def install_certificate(self, kind: str, certificate: str) -> Answer: ...

    async def certificate_signed(self, chain: str, kind: str) -> Answer: ...

    async def installed_certificates(self, kinds: Sequence[str] = ()) -> Answer: ...

    async def delete_certificate(self, hash_data: JSONObject) -> Answer: ...

    async def set_display_message(self, message: JSONObject) -> Answer: ...

    async def clear_display_message(self, message_id: int) -> Answer: ...

    async def data_transfer(self, vendor_id: str, message_id: str | None = None, data: Any = None) -> DataAnswer: ...

    async def raw(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> JSONObject:
        """Send any message of the station's version, its payload valid or not; return the answer's payload."""
        ...


@dataclass(frozen=True, kw_only=True)
class Presence:
    """A connected station.

    Attributes:
        version: 1.6, 2.0.1 or 2.1.
    """

    station_id: str
    version: str
    since: datetime.datetime
    last_seen: datetime.datetime


class Chargers(Protocol):
    """The stations there are connections to."""

    def commands(self, station_id: str) -> Commands:
        """Return the commands of a connected station.

        Raises:
            ChargerOffline: it is not connected.
        """
        ...

    def presence(self, station_id: str) -> Presence | None: ...

    def connected(self) -> list[Presence]: ...
