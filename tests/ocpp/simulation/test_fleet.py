"""Fleets: drivers, faults by name, and why stations cannot connect."""

from typing import Any

import pytest

from hub.ocpp.simulation.drivers import Visits
from hub.ocpp.simulation.faults import FAULTS, UnknownFault, named
from hub.ocpp.simulation.fleet import Fleet
from hub.ocpp.simulation.link import Address, CannotConnect
from hub.ocpp.simulation.station import Station
from tests.clocks import ManualClock
from tests.ocpp.simulation.central import Central, passing


def fleet(
    central: Central,
    clock: ManualClock,
    *,
    count: int = 2,
    visits: Visits | None = None,
    password: str | None = None,
    **options: Any,
) -> Fleet:
    stations = [
        Station(
            Address(url=central.url, station_id=f"SIM{number}", password=password),
            clock=clock,
            answer_timeout=2.0,
            **options,
        )
        for number in range(1, count + 1)
    ]
    return Fleet(stations, visits or Visits())


async def test_a_driver_plugs_in_after_a_remote_start_and_leaves_after_the_stop(
    central: Central, clock: ManualClock
) -> None:
    async with fleet(central, clock, count=1).running() as running:
        (station,) = running.stations
        await station.until(central.statuses)
        await central.send("SIM1", "RemoteStartTransaction", id_tag="APP-1")
        await passing(clock, lambda: running.doing().charging == 1 and not station.queue)
        await passing(clock, lambda: running.doing().energy > 0)
        await central.send("SIM1", "RemoteStopTransaction", transaction_id=1)
        await passing(clock, lambda: central.statuses()[-1] == "Available")

    assert central.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert str(running.doing()).startswith("0 of 1 stations registered, 0 charging, ")


async def test_with_the_fault_unplugged_nobody_plugs_in(central: Central, clock: ManualClock) -> None:
    async with fleet(central, clock, count=1, faults=["unplugged"]).running() as running:
        (station,) = running.stations
        await station.until(lambda: station.registered)
        await central.send("SIM1", "RemoteStartTransaction", id_tag="APP-1")
        await passing(clock, lambda: central.statuses()[-2:] == ["Preparing", "Available"])

    assert central.of("StartTransaction") == []


async def test_drivers_with_cards_come_of_their_own_accord(central: Central, clock: ManualClock) -> None:
    visits = Visits(cards=["CARD-1", "CARD-2"], every=60)

    async with fleet(central, clock, visits=visits).running() as running:
        await passing(clock, lambda: running.doing().charging == 2, step=5)

    assert {each["id_tag"] for each in central.of("StartTransaction")} <= {"CARD-1", "CARD-2"}


async def test_power_and_links_fail_and_return(central: Central, clock: ManualClock) -> None:
    visits = Visits(cards=["CARD-1"], every=10)

    async with fleet(
        central, clock, count=1, visits=visits, speed=60, faults=["power-loss", "drop", "faulted"]
    ).running():
        await passing(clock, lambda: any(each["reason"] == "PowerLoss" for each in central.of("StopTransaction")))
        await passing(clock, lambda: "Faulted" in central.statuses())

    assert central.sockets > 1


async def test_every_transaction_message_is_told_twice(central: Central, clock: ManualClock) -> None:
    async with fleet(central, clock, count=1, faults=["duplicate"]).running() as running:
        (station,) = running.stations
        await station.until(lambda: station.registered)
        station.plug()
        await station.present("CARD-1")
        await station.until(lambda: not station.queue)

    first, second = station.frames("StartTransaction")
    assert first.payload == second.payload
    assert first.message_id != second.message_id


async def test_a_register_begins_at_zero_again(central: Central, clock: ManualClock) -> None:
    async with fleet(central, clock, count=1, faults=["rollover", "late-meter", "clock-skew"]).running() as running:
        (station,) = running.stations
        await station.until(lambda: station.registered)
        station.plug()
        await station.present("CARD-1")
        await passing(clock, lambda: central.of("MeterValues"), step=30)
        station.unplug()
        await passing(clock, lambda: central.of("StopTransaction"))

    (start,), (stop,) = central.of("StartTransaction"), central.of("StopTransaction")
    assert start["meter_start"] == 999_500
    assert stop["meter_stop"] < 100_000
    assert len(central.of("MeterValues")[0]["meter_value"]) == 5
    assert start["timestamp"].startswith("2026-01-01T12:07")


async def test_a_mute_station_answers_nothing_and_a_refusing_one_rejects(central: Central, clock: ManualClock) -> None:
    async with fleet(central, clock, count=1, faults=["refusing"]).running() as running:
        await running.stations[0].until(lambda: central.statuses())
        assert (await central.send("SIM1", "RemoteStartTransaction", id_tag="APP-1")).status == "Rejected"
    async with fleet(central, clock, count=1, faults=["mute"]).running() as running:
        await running.stations[0].until(lambda: running.stations[0].registered)
        central.points["SIM1"]._response_timeout = 0.2
        with pytest.raises(TimeoutError):
            await central.send("SIM1", "RemoteStartTransaction", id_tag="APP-1")


async def test_why_a_station_cannot_connect_is_said(central: Central, clock: ManualClock) -> None:
    reasons = []
    for prepare in (
        lambda: setattr(central, "password", "another password"),
        lambda: (setattr(central, "password", None), setattr(central, "known", {"SIM1"})),
        lambda: setattr(central, "url", "ws://127.0.0.1:1/ocpp"),
    ):
        prepare()
        with pytest.raises(CannotConnect) as refused:
            async with fleet(central, clock, password="wrong password").running():
                pass
        reasons.append((refused.value.status, str(refused.value)))

    assert [status for status, _ in reasons] == [401, 404, None]
    assert "the password was refused" in reasons[0][1]
    assert "the station SIM2 is not known there" in reasons[1][1]
    assert "cannot be reached" in reasons[2][1]


def test_faults_are_known_by_name() -> None:
    assert named("drop, late-meter,") == {"drop", "late-meter"}
    assert named(FAULTS) == FAULTS.keys()
    with pytest.raises(UnknownFault, match="there is no fault 'rain'"):
        named("drop,rain")
