"""An EVSE's Status, from all that is known of it: one function, one table of cases.

OCPP tells how each connector is, and OCPI says how an EVSE is for a driver. The first case that
holds decides; ``docs/decisions/0022-status-of-an-evse.md`` says why they stand in this order.

Source: OCPI 2.3.0, mod_locations.asciidoc (Status); OCPP 1.6 edition 2, 4.9 and 7.7; OCPP 2.0.1 edition 3,
part 2, ConnectorStatusEnumType and ChargingStateEnumType.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hub.cpms.stationstore import OperationalState
from hub.ocpi.modules.locations import Status
from hub.ocpp.words import ChargingState, ConnectorStatus

#: A car draws energy, or would as soon as it or the station lets it.
_CHARGES = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})

#: Something stands there and no session goes on.
_OCCUPIES = frozenset({"Preparing", "Finishing", "Occupied"})

_OUT = frozenset({"Faulted", "Unavailable"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of an EVSE.

    Attributes:
        connectors: how each of its connectors last said it is; those that never did are not in it.
        station: how the station as a whole said it is.
        transaction: what the transaction that goes on there is doing; None: none goes on.
        present: the EVSE's Status as it is.
        state: how the operator has it operated.
        maintenance, reserved: what is planned for now.
        online: whether its station is connected, or has been away for less than the grace.
    """

    connectors: tuple[ConnectorStatus, ...] = ()
    station: ConnectorStatus | None = None
    transaction: ChargingState | None = None
    present: str = "UNKNOWN"
    state: OperationalState = "ACTIVE"
    maintenance: bool = False
    reserved: bool = False
    online: bool = True

    @property
    def charging(self) -> bool:
        """Whether a car is served; Faulted and Unavailable connectors serve none."""
        told = not _CHARGES.isdisjoint(self.connectors)
        return told or (self.transaction is not None and not self.out)

    @property
    def out(self) -> bool:
        """Whether no connector can be used."""
        return self.station in _OUT or (bool(self.connectors) and _OUT.issuperset(self.connectors))

    @property
    def faulted(self) -> bool:
        """Whether that is for a fault."""
        return self.out and "Faulted" in (*self.connectors, self.station)


@dataclass(frozen=True)
class Case:
    """A Status, when it holds, and what it is then."""

    status: Status
    holds: Callable[[Facts], bool]
    why: str


#: The cases of a station that can be heard of, the first that holds decides.
_HEARD: tuple[Case, ...] = (
    Case("OUTOFORDER", lambda is_: is_.faulted, "the station says that it is broken"),
    Case("CHARGING", lambda is_: is_.charging, "a session goes on, also one that a pause or maintenance waits for"),
    Case("INOPERATIVE", lambda is_: is_.state == "DISABLED", "the operator has taken it out of use"),
    Case("INOPERATIVE", lambda is_: is_.maintenance, "it is worked on"),
    Case("INOPERATIVE", lambda is_: is_.out, "the station says that it is out of use"),
    Case("BLOCKED", lambda is_: not _OCCUPIES.isdisjoint(is_.connectors), "a car stands there without a session"),
    Case("RESERVED", lambda is_: is_.reserved or "Reserved" in is_.connectors, "it is kept for somebody"),
    Case("AVAILABLE", lambda is_: "Available" in is_.connectors, "a connector is free"),
)


def status_of(facts: Facts, *, offline: Literal["UNKNOWN", "INOPERATIVE"] = "UNKNOWN") -> Status:
    """Return the Status of an EVSE.

    Args:
        offline: what an EVSE is whose station has been away for longer than the grace.
    """
    if facts.present == "REMOVED":
        return "REMOVED"
    if facts.present == "PLANNED" and not facts.connectors:
        return "PLANNED"
    if facts.state == "TEST":
        return "INOPERATIVE"  # for every driver: only the operator's own testers charge there
    if not facts.online:
        return "INOPERATIVE" if facts.state == "DISABLED" or facts.maintenance else offline
    return next((case.status for case in _HEARD if case.holds(facts)), "UNKNOWN")
