"""What chargers tell, whatever OCPP version they speak, and whom they tell it.

A version's dialect (``v16``, ``v201``, ``v21``) turns CALLs of a station into the messages below and
puts them to an ``Operator``; the station gets its answer when the operator's coroutine has
returned, which is when the fact is committed. The other way round, ``Commands`` are what an
operator may have a station do; they and the shared words live in ``commands.py`` and ``words.py`` and
can be had from here.

Energy is in Wh, power in W, current in A, voltage in V, temperature in Celsius, state of charge in
percent; times are aware and in UTC.

Source: OCPP 1.6 edition 2; OCPP 1.6 security whitepaper edition 3; OCPP 2.0.1 edition 3, part 2.
"""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from hub.ocpp.commands import (
    Answer,
    AnswerInvalid,
    CallRefused,
    CallTimeout,
    ChargerError,
    ChargerOffline,
    Chargers,
    Commands,
    InvalidCommand,
    NotSpoken,
    Presence,
)  # fmt: skip
from hub.ocpp.words import (
    EVSE,
    LONGEST_ID_TAG,
    SIGNED_ALONE,
    ChargingProfile,
    ChargingState,
    ConnectorStatus,
    DataAnswer,
    IdToken,
    JSONObject,
    NeedsStatus,
    Sample,
    SchedulePeriod,
    TokenInfo,
    TokenStatus,
    Variable,
    id_tag,
)  # fmt: skip

__all__ = [
    "EVSE", "LONGEST_ID_TAG", "SIGNED_ALONE", "Answer", "AnswerInvalid", "BootNotified", "CallRefused", "CallTimeout",
    "ChargerError", "ChargerEvent", "ChargerOffline", "Chargers", "ChargingProfile", "ChargingState", "Commands",
    "Connected", "ConnectorStatus", "DataAnswer", "DataTransferred", "Disconnected", "IdToken", "InvalidCommand",
    "JSONObject", "Metered", "NeedsStatus", "NotSpoken", "Operator", "Presence", "Registration", "Reported",
    "ReservationChanged", "Sample", "SchedulePeriod", "StatusChanged", "TokenInfo", "TokenPresented", "TokenStatus",
    "TransactionAnswer", "TransactionEvent", "Variable", "id_tag",
]  # fmt: skip

# -- what a station tells and waits for ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class BootNotified:
    """A station has started, or comes back.

    Attributes:
        reason: 2.0.1's BootReasonEnumType; 1.6 says none.
    """

    station_id: str
    vendor: str
    model: str
    reason: str = "Unknown"
    serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None
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
        certificate_hashes: what to ask of OCSP about it (OCSPRequestDataType).
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
        reason: why it ended: 2.0.1's stoppedReason, or 1.6's own HardReset, SoftReset and UnlockCommand. Local
            where a station gives none, as both versions say.
        time_spent_charging: in seconds.
        cable_max_current: in A.
        extra: what else the version tells, as sent: costDetails, operationMode and others of 2.1.
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
    cable_max_current: int | None = None
    extra: JSONObject = field(default_factory=dict)


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
    """A reservation ended at the station.

    Attributes:
        status: NoTransaction (2.1): it was used, and nothing was charged.
    """

    station_id: str
    reservation_id: int
    status: Literal["Expired", "Removed", "NoTransaction"]


@dataclass(frozen=True, kw_only=True)
class Reported:
    """Anything else a station reports: firmware, logs, security events, device model, monitoring, certificates.

    Attributes:
        kind: the action's name in the version spoken, such as FirmwareStatusNotification or NotifyReport. One is
            ours: SamplesDropped, sampled values that are no numbers.
        payload: as sent; of SamplesDropped the ``action``, and as ``dropped`` each ``sampledValue`` with its ``rule``.
        at: by the station's clock where the message has a time, else by ours.
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

    async def charging_needs(self, station_id: str, said: JSONObject) -> NeedsStatus:
        """Take what a car needs (NotifyEVChargingNeedsRequest); where it is Accepted its TxProfile follows (K15)."""
        ...

    async def charging_schedule(self, station_id: str, said: JSONObject) -> bool:
        """Judge how a car will charge (NotifyEVChargingScheduleRequest); return whether it may."""
        ...

    async def told(self, event: ChargerEvent) -> None: ...
