"""What the built-in CPMS needs of the rooms beside it.

``places``, ``status``, ``alarms`` and ``charging`` are pieces of their own; this file is all it knows of them.
"""

import datetime
from typing import Literal, Protocol

from hub.cpms.ports import Outlet, ProfileResultType
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE, BootNotified, ChargerEvent, NeedsStatus, TransactionEvent


class Clock(Protocol):
    """Where the time comes from; tests move their own."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class Places(Protocol):
    """Which charger outlet is which OCPI outlet."""

    def outlet(self, evse: EVSE) -> Outlet | None:
        """Return what a station's connector is in OCPI, with connector_id 0 the EVSE's first; None: it is nowhere."""
        ...

    def evse(self, outlet: Outlet) -> EVSE | None:
        """Return the station's connector that an outlet is; None: no station stands there."""
        ...

    def of_station(self, station_id: str) -> list[tuple[EVSE, Outlet]]:
        """Return the connectors of a station and what they are, in the station's order."""
        ...


class Witness(Protocol):
    """Whoever follows what stations tell: status, alarms, inventories, live events."""

    async def told(self, event: ChargerEvent | BootNotified | TransactionEvent) -> None:
        """Take what a station told, once it is durable; it is answered when all witnesses have returned.

        A transaction is told with its EVSE and its number, also where its message has neither; what went on when
        this side stopped is told as Updated at the start.
        """
        ...


#: What the operation centre is warned of.
Concern = Literal["SESSION_TOO_LONG", "SESSION_NOT_STOPPED", "USAGE_INVALID"]


class OperationCentre(Protocol):
    """Where the operator's people are warned."""

    async def warn(self, kind: Concern, *, station_id: str, session_id: str, text: str) -> None:
        """Raise an alarm about a session; the same one twice is one."""
        ...


class Negotiation(Protocol):
    """What becomes of what cars say they need, and of the schedules they choose (OCPP 2.0.1, K15)."""

    async def needs(self, station_id: str, said: JSONObject) -> NeedsStatus:
        """Take a NotifyEVChargingNeedsRequest; a TxProfile follows what is Accepted."""
        ...

    async def schedule(self, station_id: str, said: JSONObject) -> bool:
        """Judge a NotifyEVChargingScheduleRequest."""
        ...


class Charging(Protocol):
    """Limits of sessions, as OCPI's ChargingProfiles set them; each names the station's transaction."""

    async def set(self, evse: EVSE, transaction_id: str, profile: JSONObject) -> ProfileResultType: ...

    async def clear(self, evse: EVSE, transaction_id: str) -> ProfileResultType: ...

    async def active(self, evse: EVSE, duration: int) -> JSONObject | None:
        """Return the ActiveChargingProfile of the next ``duration`` seconds; None if there is none."""
        ...
