"""The words of OCPP that events and commands share, whatever version is spoken.

Energy is in Wh, power in W, current in A, voltage in V, temperature in Celsius, state of charge in
percent; times are aware and in UTC.

Source: OCPP 1.6 edition 2; OCPP 2.0.1 edition 3, part 2.
"""

import datetime
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

JSONObject = dict[str, Any]

#: Characters of an id tag of 1.6.
LONGEST_ID_TAG = 20

#: The measurand of a signed value of 1.6 beside which no plain one stood.
SIGNED_ALONE = "SignedData"

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

#: What becomes of what a car needs (NotifyEVChargingNeedsStatusEnumType).
NeedsStatus = Literal["Accepted", "Rejected", "Processing"]


@dataclass(frozen=True, kw_only=True)
class EVSE:
    """A place to charge at, as its station counts.

    Attributes:
        evse_id: from 1; 0 is the whole station. 1.6 has connectors only: its connector n is connector 1 of EVSE n.
        connector_id: from 1 within the EVSE; 0 where the station has not said which.
    """

    station_id: str
    evse_id: int
    connector_id: int = 0


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """Who wants to charge, as a station tells it.

    Attributes:
        id_token: of 1.6 at most 20 characters: a longer one we sent comes back as its ``id_tag``.
        type: of 2.0.1's IdTokenEnumType; what 1.6 tells is ISO14443 unless the operator knows better.
        additional: further identifiers (2.0.1, AdditionalInfoType): pairs of identifier and its type.
    """

    id_token: str
    type: str = "ISO14443"
    additional: tuple[tuple[str, str], ...] = ()


def id_tag(id_token: str) -> str:
    """Return a token as 1.6 can carry it, in at most 20 characters.

    A longer one, such as the UUID of an app, is folded to 80 bits of its hash. Each token is folded the same
    way every time and without regard to case, so who waits for a token finds it by its ``id_tag``.

    Source: OCPP 1.6 edition 2, IdToken (CiString20Type).
    """
    if len(id_token) <= LONGEST_ID_TAG:
        return id_token
    return hashlib.blake2b(id_token.upper().encode(), digest_size=LONGEST_ID_TAG // 2).hexdigest().upper()


@dataclass(frozen=True, kw_only=True)
class TokenInfo:
    """What becomes of a presented token.

    Attributes:
        expires_at: until when a station may remember this.
        group_id_token: tokens of one group may stop each other's transactions (1.6: parentIdTag).
        message: shown to the driver where the station has a display.
        language: of the message and of the driver, such as ``de`` (2.0.1, RFC 5646).
        evse_ids: where alone the token may charge; empty: everywhere at the station (2.0.1).
        certificate_status: of a contract certificate that was given (2.0.1, AuthorizeCertificateStatusEnumType).
    """

    status: TokenStatus
    expires_at: datetime.datetime | None = None
    group_id_token: str | None = None
    charging_priority: int | None = None
    message: str | None = None
    language: str | None = None
    evse_ids: tuple[int, ...] = ()
    certificate_status: str | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One sampled value, in the base unit of its measurand.

    A message has eight of them or more: one takes 0.4 us to make, as a frozen dataclass 3.2 us.

    Attributes:
        measurand: such as Energy.Active.Import.Register, Power.Active.Import, Current.Import, SoC.
            ``SIGNED_ALONE`` is ours: only ``signed`` says something, the value means nothing.
        unit: Wh, W, varh, var, VA, VAh, A, V, Celsius, Hertz, Percent; multipliers and prefixes are worked in;
            "" where there is none.
        context: such as Sample.Periodic, Transaction.Begin, Transaction.End.
        location: where it was measured; both versions say Outlet when a station says nothing.
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


@dataclass(frozen=True, kw_only=True)
class SchedulePeriod:
    """From ``start`` seconds after the schedule's start on, at most ``limit`` W or A.

    A limit goes out with one decimal, cut off: never more than was meant.
    """

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
        instance: of the variable.
        component_instance: of the component; evse_id and connector_id: the place it belongs to.
        status: of the last get or set (Accepted, Rejected, UnknownVariable, RebootRequired ...).
    """

    name: str
    value: str | None = None
    component: str = ""
    instance: str | None = None
    component_instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    attribute: str = "Actual"
    readonly: bool = False
    status: str = "Accepted"


@dataclass(frozen=True, kw_only=True)
class DataAnswer:
    """What a vendor's message is answered with."""

    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: Any = None
