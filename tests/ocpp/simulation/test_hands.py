"""What somebody does at simulated stations, told in words."""

import pytest

from hub.ocpp.simulation.hands import Hands
from tests.clocks import ManualClock
from tests.ocpp.simulation.central import Central, passing
from tests.ocpp.simulation.conftest import Switch


async def test_a_charge_is_made_by_hand(central: Central, switch_on: Switch, clock: ManualClock) -> None:
    station = await switch_on()
    hands = Hands([station])

    plugged = await hands.do(f"plug {station.id} soc=50 battery=40000")
    judged = await hands.do(f"present {station.id} CARD-1")
    await passing(clock, lambda: station.meter() > 100)
    seen = await hands.do(f"show {station.id}")
    again = await hands.do(f"present {station.id} CARD-1")
    gone = await hands.do(f"unplug {station.id}")
    await station.until(lambda: central.of("StopTransaction"))

    assert (plugged["status"], plugged["soc"]) == ("Preparing", 50.0)
    assert judged["card"] == "Accepted"
    assert seen["status"] == "Charging" and seen["meter"] > 100 and seen["soc"] > 50
    assert again["card"] == "Accepted"
    assert gone["status"] == "Available" and gone["soc"] is None
    assert [len(central.of(action)) for action in ("StartTransaction", "StopTransaction")] == [1, 1]


async def test_what_breaks_is_told_and_is_mended(central: Central, switch_on: Switch) -> None:
    station = await switch_on(connectors=2)
    await station.until(lambda: central.statuses(2))
    hands = Hands([station])

    broken = await hands.do(f"fail {station.id} 2 OverVoltage")
    await station.until(lambda: central.statuses(2)[-1] == "Faulted")
    mended = await hands.do(f"mend {station.id} 2")
    await station.until(lambda: central.statuses(2)[-1] == "Available")

    assert (broken["status"], mended["status"]) == ("Faulted", "Available")
    assert [each["error_code"] for each in central.of("StatusNotification") if each["status"] == "Faulted"] == [
        "OverVoltage"
    ]


async def test_a_network_that_fails_is_seen_at_the_station(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on()
    hands = Hands([station])

    await hands.do(f"lose {station.id}")
    await station.until(lambda: not station.registered)
    away = await hands.do(f"show {station.id}")
    await hands.do(f"restore {station.id}")
    await passing(clock, lambda: station.registered)

    assert not away["registered"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "say one of plug, "),
        ("dance STATION", "say one of plug, "),
        ("plug", "name a station"),
        ("plug NOBODY", "name a station"),
        ("plug STATION 7", "has connectors 1 to 1"),
        ("plug STATION colour=red", "nothing of a car"),
        ("plug STATION soc=much", "could not convert"),
        ("present STATION", "no card"),
        ("fail STATION 1 Rain", "no error code"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    central: Central, switch_on: Switch, line: str, why: str
) -> None:
    station = await switch_on()

    told = await Hands([station]).do(line.replace("STATION", station.id))

    assert why in told["error"]
    assert station.connector(1).status == "Available"
