"""An EVSE's Status from what is known of it: the table, by hand."""

import itertools
from typing import get_args

import pytest

from hub.cpms.stationstore import OperationalState
from hub.cpms.status import Facts, status_of
from hub.ocpi.modules.locations import Status
from hub.ocpp.words import ChargingState, ConnectorStatus


@pytest.mark.parametrize(
    ("told", "status"),
    [
        # OCPP 1.6, ChargePointStatus
        ("Available", "AVAILABLE"), ("Preparing", "BLOCKED"), ("Charging", "CHARGING"), ("SuspendedEV", "CHARGING"),
        ("SuspendedEVSE", "CHARGING"), ("Finishing", "BLOCKED"), ("Reserved", "RESERVED"),
        ("Unavailable", "INOPERATIVE"), ("Faulted", "OUTOFORDER"),
        # OCPP 2.0.1, ConnectorStatusEnumType, beyond these
        ("Occupied", "BLOCKED"),
    ],
)  # fmt: skip
def test_each_status_of_ocpp_is_one_of_ocpi(told, status):
    """RASD-F15, INCAR-RO02."""
    assert status_of(Facts(connectors=(told,))) == status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        # A transaction says what Occupied does not; what is broken or out serves nobody.
        (Facts(connectors=("Occupied",), transaction="Charging"), "CHARGING"),
        (Facts(connectors=("Occupied",), transaction="SuspendedEVSE"), "CHARGING"),
        (Facts(connectors=("Occupied",), transaction="EVConnected"), "CHARGING"),
        (Facts(connectors=("Preparing",), transaction="EVConnected"), "CHARGING"),
        (Facts(connectors=("Available",), transaction="Idle"), "CHARGING"),
        (Facts(connectors=("Faulted",), transaction="Charging"), "OUTOFORDER"),
        (Facts(connectors=("Unavailable",), transaction="Idle"), "INOPERATIVE"),
        # Several connectors of one EVSE: one car, and one good connector is enough.
        (Facts(connectors=("Charging", "Unavailable")), "CHARGING"),
        (Facts(connectors=("Available", "Occupied")), "BLOCKED"),
        (Facts(connectors=("Available", "Reserved")), "RESERVED"),
        (Facts(connectors=("Faulted", "Available")), "AVAILABLE"),
        (Facts(connectors=("Faulted", "Unavailable")), "OUTOFORDER"),
        (Facts(connectors=("Unavailable", "Unavailable")), "INOPERATIVE"),
        # The station as a whole
        (Facts(connectors=("Available",), station="Faulted"), "OUTOFORDER"),
        (Facts(connectors=("Available",), station="Unavailable"), "INOPERATIVE"),
        (Facts(connectors=("Charging",), station="Available"), "CHARGING"),
        # What an operator has said and planned
        (Facts(connectors=("Available",), state="DISABLED"), "INOPERATIVE"),
        (Facts(connectors=("Available",), state="TEST"), "INOPERATIVE"),
        (Facts(connectors=("Charging",), state="TEST"), "INOPERATIVE"),
        (Facts(connectors=("Charging",), state="DISABLED"), "CHARGING"),
        (Facts(connectors=("Available",), maintenance=True), "INOPERATIVE"),
        (Facts(connectors=("Charging",), maintenance=True), "CHARGING"),
        (Facts(connectors=("Faulted",), maintenance=True), "OUTOFORDER"),
        (Facts(connectors=("Available",), reserved=True), "RESERVED"),
        (Facts(connectors=("Charging",), reserved=True), "CHARGING"),
        (Facts(connectors=("Occupied",), reserved=True), "BLOCKED"),
        (Facts(connectors=("Available",), reserved=True, maintenance=True), "INOPERATIVE"),
        # No connection, nothing told, not there yet or any more
        (Facts(connectors=("Available",), online=False), "UNKNOWN"),
        (Facts(connectors=("Charging",), transaction="Charging", online=False), "UNKNOWN"),
        (Facts(connectors=("Available",), online=False, maintenance=True), "INOPERATIVE"),
        (Facts(connectors=("Available",), online=False, state="DISABLED"), "INOPERATIVE"),
        (Facts(), "UNKNOWN"),
        (Facts(reserved=True), "RESERVED"),
        (Facts(present="PLANNED"), "PLANNED"),
        (Facts(present="PLANNED", online=False), "PLANNED"),
        (Facts(present="PLANNED", connectors=("Available",)), "AVAILABLE"),
        (Facts(present="REMOVED", connectors=("Charging",), transaction="Charging"), "REMOVED"),
    ],
)  # fmt: skip
def test_what_else_is_known_decides(facts, status):
    """RASD-R30, DD-DEF1, DD-DEF3, SGEM-4.4-04, X-69."""
    assert status_of(facts) == status


def test_what_a_station_without_connection_is_is_the_operators_choice():
    """X-69."""
    assert status_of(Facts(connectors=("Available",), online=False), offline="INOPERATIVE") == "INOPERATIVE"


TOLD = get_args(ConnectorStatus)
EVERYTHING = [
    Facts(connectors=connectors, station=station, transaction=transaction, present=present, state=state,
          maintenance=maintenance, reserved=reserved, online=online)
    for connectors in [(), *((each,) for each in TOLD), *itertools.combinations(TOLD, 2)]
    for station in (None, "Available", "Unavailable", "Faulted")
    for transaction in (None, *get_args(ChargingState)[:1])
    for present in ("AVAILABLE", "PLANNED", "REMOVED")
    for state in get_args(OperationalState)
    for maintenance in (False, True)
    for reserved in (False, True)
    for online in (False, True)
]  # fmt: skip


def test_whatever_is_known_the_status_is_one_of_ocpis_and_available_only_what_can_be_used():
    statuses = {}
    for facts in EVERYTHING:
        statuses.setdefault(status_of(facts), []).append(facts)

    assert statuses.keys() == set(get_args(Status))
    for facts in statuses["AVAILABLE"]:
        assert "Available" in facts.connectors
        assert facts.online
        assert facts.state == "ACTIVE"
        assert not (facts.maintenance or facts.reserved or facts.transaction)
        assert facts.station in (None, "Available")
    assert all(facts.present == "REMOVED" for facts in statuses["REMOVED"])
