"""What chargers are told: the commands of one station, and the stations there are connections to.

Source: OCPP 1.6 edition 2; OCPP 1.6 security whitepaper edition 3; OCPP 2.0.1 edition 3, part 2.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from hub.ocpp.words import EVSE, ChargingProfile, DataAnswer, IdToken, JSONObject, TokenInfo, Variable


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


class AnswerInvalid(CallRefused):
    """The station answered, but not as its version's schema has it; ``details`` holds the answer as it came."""


class NotSpoken(ChargerError):
    """The OCPP version of the station has no such message."""


class InvalidCommand(ChargerError, ValueError):
    """What was to be sent is not valid in the station's version; nothing has been sent.

    The text names the action, the JSON path and the rule.
    """


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


class Commands(Protocol):
    """Everything an operator may have one connected station do, whatever version it speaks.

    Raises (all of them): ChargerOffline, CallTimeout, CallRefused, NotSpoken, InvalidCommand.
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
    ) -> Answer:
        """Have a transaction started; of 1.6 it has the token's ``id_tag`` and no ``remote_start_id``."""
        ...

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
        """Ask what the station will do.

        An accepted answer's payload has ``schedule``: ``start_at`` (a DateTime, or null), ``duration`` in seconds,
        ``unit`` (W or A) and ``periods``, each with ``start`` in seconds, ``limit`` and ``phases`` (or null).
        """
        ...

    async def get_variables(self, variables: Sequence[Variable] = ()) -> list[Variable]:
        """Return settings, in as many messages as the station's limits ask for; none named: all it has.

        All of 2.0.1 is its FullInventory, gathered from the NotifyReports it sends.
        """
        ...

    async def set_variables(self, variables: Sequence[Variable]) -> list[Variable]: ...

    async def local_list_version(self) -> int: ...

    async def send_local_list(
        self, *, version: int, entries: Sequence[tuple[IdToken, TokenInfo | None]], full: bool
    ) -> Answer:
        """Set or change the station's list; an entry without info is taken off it.

        A list longer than the station takes in one message goes out in several, and each takes a version number
        of its own, the last of them ``version``: step versions by no less than the number of entries. The first
        answer that is not Accepted ends it and is returned; the station's list then has a lower version.
        """
        ...

    async def clear_cache(self) -> Answer: ...

    async def trigger(self, message: str, evse: EVSE | None = None) -> Answer:
        """Have a message sent now, named as in 2.0.1; of 1.6, TransactionEvent means MeterValues."""
        ...

    async def transaction_status(self, transaction_id: str) -> Answer:
        """Ask whether a transaction goes on and whether messages of it are queued (2.0.1).

        The answer's status is ours: Ongoing, Ended or Unknown; its payload has ``messagesInQueue``.
        """
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

    async def get_log(
        self,
        *,
        kind: str,
        location: str,
        request_id: int,
        oldest_at: datetime.datetime | None = None,
        latest_at: datetime.datetime | None = None,
    ) -> Answer:
        """Have a log uploaded: DiagnosticsLog or SecurityLog.

        A station of 1.6 without the security extensions is asked by GetDiagnostics.
        """
        ...

    async def install_certificate(self, kind: str, certificate: str) -> Answer: ...

    async def certificate_signed(self, chain: str, kind: str) -> Answer: ...

    async def installed_certificates(self, kinds: Sequence[str] = ()) -> Answer: ...

    async def delete_certificate(self, hash_data: JSONObject) -> Answer: ...

    async def set_display_message(self, message: JSONObject) -> Answer: ...

    async def clear_display_message(self, message_id: int) -> Answer: ...

    async def cost_updated(self, transaction_id: str, total_cost: Decimal) -> Answer:
        """Tell what a transaction costs so far, taxes included, to be displayed (2.0.1)."""
        ...

    async def data_transfer(self, vendor_id: str, message_id: str | None = None, data: Any = None) -> DataAnswer: ...

    async def send(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> Answer:
        """Send any message of the station's version that has no method here, judged by the version's schema."""
        ...

    async def collect(self, action: str, payload: JSONObject, *, timeout: float = 60) -> list[JSONObject]:
        """Ask for what comes in messages of its own, and return them all, in order, once the last is here.

        The messages are those of 2.0.1 answered by reports: GetBaseReport, GetReport, GetMonitoringReport,
        GetDisplayMessages, GetChargingProfiles, CustomerInformation; of 2.1, GetDERControl. Each is told to the
        operator, too. A station's messages are served one after another: who waits for a report before answering one
        of them waits in vain.

        Args:
            payload: without ``requestId``, which is ours.
            timeout: in seconds, between one message and the next.

        Raises:
            CallRefused: the station's answer was not Accepted; its code is the answer's status.
        """
        ...

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
