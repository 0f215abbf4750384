"""Meter values told phase by phase."""

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from hub.cpms.phases import loaded, whole
from hub.cpms.readings import Readings
from hub.cpms.running import Running
from hub.cpms.transaction_store import Kept
from hub.cpms.transactions import message_of
from hub.ocpp.events import EVSE, Metered, Sample, TransactionEvent

AT = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
LATER = AT + datetime.timedelta(minutes=1)
REGISTER, POWER, CURRENT = "Energy.Active.Import.Register", "Power.Active.Import", "Current.Import"


def phases(measurand, *values, at=AT, names=("L1", "L2", "L3"), **more):
    return [
        Sample(at=at, value=Decimal(str(value)), measurand=measurand, phase=name, **more)
        for name, value in zip(names, values, strict=False)
    ]


def told(*samples):
    return TransactionEvent(
        kind="Updated", station_id="ST1", transaction_id="T1", at=LATER, received_at=LATER, message_id="m",
        trigger="t", seq_no=1, samples=samples, evse=EVSE(station_id="ST1", evse_id=1),
    )  # fmt: skip


def test_where_no_total_is_told_the_phases_are_added():
    message = message_of(
        told(*phases(REGISTER, 100, 200, 300.5), *phases(POWER, 2000, 1000, 500), *phases(CURRENT, 10, 5, 2))
    )

    assert (message.register, message.power, message.current) == (600_500, 3500, 17_000)


def test_a_total_counts_for_itself():
    message = message_of(told(*phases(REGISTER, 100, 200, 300), Sample(at=AT, value=Decimal(601))))

    assert message.register == 601_000


def test_each_moment_is_added_for_itself_and_phases_to_neutral_too():
    names = ("L1-N", "L2-N", "L3-N")
    samples = [*phases(POWER, 1, 2, 3, names=names), *phases(POWER, 4, 5, 6, at=LATER, names=names)]

    assert [(each.at, each.value, each.phase) for each in whole(samples)] == [(AT, 6, None), (LATER, 15, None)]


@pytest.mark.parametrize(
    "samples",
    [phases("Voltage", 230, 231, 229), phases(POWER, 5, names=("N",)), phases(POWER, 5, names=("L1-L2",))],
)
def test_what_is_no_part_of_a_whole_is_not_added(samples):
    assert whole(samples) == []


@pytest.mark.parametrize(
    ("values", "count"),
    [((16, 16, 16), 3), ((16, 0.2, 0.1), 1), ((0, 16, 0), 2), ((0.3, 0.2, 0), None), ((16, 0), None), ((), None)],
)
def test_the_phases_a_car_loads_are_known_where_all_three_are_measured_and_one_carries(values, count):
    assert loaded(phases(CURRENT, *values)) == count


def test_currents_that_name_no_phase_say_nothing_of_phases():
    assert loaded([Sample(at=AT, value=Decimal(16), measurand=CURRENT)]) is None


async def test_what_an_evse_draws_now_is_the_sum_of_its_phases():
    """RASD-F16."""
    readings = Readings()

    await readings.told(Metered(evse=EVSE(station_id="ST1", evse_id=1), samples=tuple(phases(POWER, 2000, 1000, 500))))

    assert readings.of("ST1", 1).power == 3500


def heard(*loads):
    """Return what is known of a car after readings of it."""
    kept = Kept(station_id="ST1", key="k", evse_id=1, connector_id=1, session_id="S1", outlet=None, authorization=None,
                verdict="", started_at=AT)  # fmt: skip
    run = Running(kept=kept, heard_at=AT)
    for number, values in enumerate(loads):
        run.hear(replace(message_of(told(*phases(CURRENT, *values))), key=str(number)))
    return run.phases


async def test_few_phases_are_believed_after_some_readings_and_all_of_them_at_once():
    one, three = (16, 0, 0), (16, 16, 16)

    assert [heard(one), heard(one, one), heard(one, one, one)] == [None, None, 1]
    assert [heard(three), heard(one, three), heard(three, one, one, one)] == [3, 3, 3]
    assert heard((0, 0, 0), (0, 0, 0), (0, 0, 0), one) is None
