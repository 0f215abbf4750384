"""One connector: the facts about it, and the status that follows from them.

Nothing stores a status. It is derived from what is the case (a cable, a leave to charge, a
transaction, a reservation, a fault), so that no order of events can leave a wrong one behind.

Source: OCPP 1.6 edition 2, 4.9 Status Notification; OCPP 2.0.1 edition 3, part 2, G.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

from hub.ocpp.simulation.car import Car, Meter
from hub.ocpp.words import ChargingProfile, ConnectorStatus, IdToken


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """A connector kept for a token, or with evse_id 0 any of the station's."""

    id: int
    evse_id: int
    token: IdToken
    group: str | None
    expires_at: datetime.datetime

    def admits(self, token: IdToken, group: str | None) -> bool:
        """Whether the reservation is this token's, or its group's."""
        same = token.id_token.lower() == self.token.id_token.lower()
        return same or (group is not None and group == self.group)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Leave to charge that waits for a cable.

    Attributes:
        remote_start_id: of the remote start that gave it; None: the card was held to the reader.
        profile: the TxProfile that came with it.
    """

    token: IdToken
    group: str | None = None
    remote_start_id: int | None = None
    profile: ChargingProfile | None = None


@dataclass
class Transaction:
    """A transaction as its station knows it.

    Attributes:
        number: the station's own name of it, never used twice.
        id: as both sides call it; in 1.6 unknown until StartTransaction is answered.
        meter_start: in Wh.
        seq_no: of the next message (2.0.1).
        charging: seconds in which energy flowed.
        allowed: the central system has not taken the leave back.
        stopped_by: the card that ended it.
        kept: readings that wait to be told.
    """

    number: str
    evse_id: int
    started_at: datetime.datetime
    meter_start: int
    id: str | None = None
    token: IdToken | None = None
    group: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    seq_no: int = 0
    charging: float = 0.0
    allowed: bool = True
    over: bool = False
    sampled_at: datetime.datetime | None = None
    profile: ChargingProfile | None = None
    stopped_by: IdToken | None = None
    kept: list[Any] = field(default_factory=list)


@dataclass
class Connector:
    """One place to charge at.

    Attributes:
        max_power: what it gives at most, in W.
        operative: as an operator ordered; ``afterwards`` is what he ordered for when the transaction is over.
        finishing: a transaction is over and the cable is still there.
        told: the status last told and acknowledged.
    """

    evse_id: int
    max_power: float = 22_000.0
    phases: int = 3
    car: Car | None = None
    meter: Meter = field(default_factory=Meter)
    operative: bool = True
    afterwards: bool | None = None
    error_code: str = "NoError"
    grant: Grant | None = None
    transaction: Transaction | None = None
    reservation: Reservation | None = None
    finishing: bool = False
    limit: float | None = None
    metered_at: datetime.datetime | None = None
    told: ConnectorStatus | None = None

    @property
    def status(self) -> ConnectorStatus:
        """The status in 1.6's words, which tell more than 2.0.1's."""
        if self.error_code != "NoError":
            return "Faulted"
        if self.transaction is not None:
            return self._charging_status(self.transaction)
        if not self.operative:
            return "Unavailable"
        if self.finishing:
            return "Finishing"
        if self.reservation is not None and self.grant is None:
            return "Reserved"
        return "Preparing" if self.car is not None or self.grant is not None else "Available"

    def _charging_status(self, transaction: Transaction) -> ConnectorStatus:
        if transaction.token is None:
            return "Preparing"
        if not transaction.allowed or self.offered <= 0:
            return "SuspendedEVSE"
        if self.car is None or self.car.takes(self.offered) <= 0:
            return "SuspendedEV"
        return "Charging"

    def status_told_as(self, version: str) -> ConnectorStatus:
        """Return the status in a version's words."""
        status = self.status
        if version == "1.6":
            return status
        return status if status in ("Available", "Reserved", "Unavailable", "Faulted") else "Occupied"

    @property
    def offered(self) -> float:
        """What the station offers the car now, in W."""
        return self.max_power if self.limit is None else min(self.limit, self.max_power)

    @property
    def power(self) -> float:
        """What flows now, in W."""
        if self.transaction is None or self.transaction.over or self.car is None or self.error_code != "NoError":
            return 0.0
        return self.car.takes(self.offered) if self.transaction.allowed and self.transaction.token else 0.0

    def flow(self, at: datetime.datetime) -> None:
        """Let energy flow until a moment."""
        since, self.metered_at = self.metered_at, at
        seconds = (at - since).total_seconds() if since is not None else 0.0
        if seconds <= 0 or self.car is None or self.power <= 0:
            return
        self.meter.energy += self.car.charge(self.offered, seconds)
        if self.transaction is not None:
            self.transaction.charging += seconds
