"""A simulated station of OCPP 2.0.1 on a real WebSocket."""

import datetime
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub.ocpp.simulation.car import Car
from hub.ocpp.simulation.station import Station
from tests.clocks import ManualClock
from tests.ocpp.simulation.central import Central, passing, settled
from tests.ocpp.simulation.conftest import Switch

CARD = {"id_token": "CARD-1", "type": "ISO14443"}
PROFILE = {
    "id": 7, "stack_level": 1, "charging_profile_purpose": "TxProfile", "charging_profile_kind": "Relative",
    "charging_schedule": [{
        "id": 1, "charging_rate_unit": "W", "charging_schedule_period": [{"start_period": 0, "limit": 6000.0}],
    }],
}  # fmt: skip

On = Callable[..., Awaitable[Station]]


@pytest.fixture
def on(switch_on: Switch) -> On:
    async def switch(**options: Any) -> Station:
        return await switch_on(version="2.0.1", **options)

    return switch


def events(central: Central) -> list[tuple[str, str, int]]:
    return [(each["event_type"], each["trigger_reason"], each["seq_no"]) for each in central.of("TransactionEvent")]


async def test_a_charge_from_cable_to_goodbye(central: Central, on: On, clock: ManualClock) -> None:
    station = await on()

    station.plug(1, Car(soc=50))
    await station.present("CARD-1")
    await clock.advance(60)
    await station.present("CARD-1")
    station.unplug()
    await station.until(lambda: central.statuses()[-1] == "Available" and not station.queue)

    start, *_, end = central.of("TransactionEvent")
    assert central.of("BootNotification")[0]["reason"] == "PowerUp"
    assert central.statuses() == ["Available", "Occupied", "Available"]
    assert events(central) == [
        ("Started", "Authorized", 0), ("Updated", "MeterValuePeriodic", 1), ("Ended", "StopAuthorized", 2),
    ]  # fmt: skip
    assert (start["id_token"]["id_token"], start["evse"]) == ("CARD-1", {"id": 1, "connector_id": 1})
    assert end["transaction_info"]["stopped_reason"] == "Local"
    assert end["transaction_info"]["time_spent_charging"] == 60
    energy = [each["value"] for each in end["meter_value"][0]["sampled_value"]]
    assert energy == [pytest.approx(22_000 * 60 / 3600, abs=2)]


async def test_what_happens_offline_says_so_and_goes_on_counting(central: Central, on: On, clock: ManualClock) -> None:
    station = await on()
    station.plug()
    await station.present("CARD-1")
    await station.until(lambda: central.of("TransactionEvent") and not station.queue)

    station.lose_link()
    await clock.advance(60)
    station.unplug()
    station.restore_link()
    await station.until(lambda: len(central.of("TransactionEvent")) == 3)

    told = central.of("TransactionEvent")
    assert [each.get("offline") for each in told] == [None, True, True]
    assert [each["seq_no"] for each in told] == [0, 1, 2]
    assert told[-1]["transaction_info"]["stopped_reason"] == "EVDisconnected"


async def test_a_transaction_begins_where_the_station_is_told_to_begin_it(
    central: Central, on: On, clock: ManualClock
) -> None:
    station = await on()
    variable = {"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStartPoint"}}
    await central.send("SIM1", "SetVariables", set_variable_data=[variable | {"attribute_value": "EVConnected"}])

    station.plug()
    await station.until(lambda: central.of("TransactionEvent"))
    await station.present("CARD-1")
    await station.until(lambda: len(central.of("TransactionEvent")) == 2)

    assert events(central) == [("Started", "CablePluggedIn", 0), ("Updated", "Authorized", 1)]
    assert "id_token" not in central.of("TransactionEvent")[0]


async def test_a_remote_start_without_a_cable_times_out(central: Central, on: On, clock: ManualClock) -> None:
    station = await on(settings={"TxStartPoint": "Authorized"})

    answer = await central.send("SIM1", "RequestStartTransaction", id_token=CARD, remote_start_id=3, evse_id=1)
    await station.until(lambda: central.of("TransactionEvent"))
    await clock.advance(61)
    await station.until(lambda: len(central.of("TransactionEvent")) >= 2 and not station.queue)

    first, last = central.of("TransactionEvent")[0], central.of("TransactionEvent")[-1]
    assert answer.status == "Accepted"
    assert (first["trigger_reason"], first["transaction_info"]["remote_start_id"]) == ("RemoteStart", 3)
    assert (last["trigger_reason"], last["transaction_info"]["stopped_reason"]) == ("EVConnectTimeout", "Timeout")


async def test_a_remote_start_charges_by_its_profile_until_the_remote_stop(
    central: Central, on: On, clock: ManualClock
) -> None:
    station = await on()
    station.plug()
    await central.send("SIM1", "RequestStartTransaction", id_token=CARD, remote_start_id=3, charging_profile=PROFILE)
    await station.until(lambda: central.of("TransactionEvent"))
    number = central.of("TransactionEvent")[0]["transaction_info"]["transaction_id"]
    await clock.advance(2)

    assert station.connector(1).power == 6000
    status = await central.send("SIM1", "GetTransactionStatus", transaction_id=number)
    locked = await central.send("SIM1", "UnlockConnector", evse_id=1, connector_id=1)
    stopped = await central.send("SIM1", "RequestStopTransaction", transaction_id=number)
    await station.until(lambda: events(central)[-1][0] == "Ended")

    assert (status.ongoing_indicator, locked.status, stopped.status) == (
        True, "OngoingAuthorizedTransaction", "Accepted",
    )  # fmt: skip


async def test_variables_are_told_and_changed_one_by_one(central: Central, on: On) -> None:
    await on()

    def named(component: str, variable: str) -> dict[str, Any]:
        return {"component": {"name": component}, "variable": {"name": variable}}

    changed = await central.send(
        "SIM1",
        "SetVariables",
        set_variable_data=[
            named("OCPPCommCtrlr", "HeartbeatInterval") | {"attribute_value": "60"},
            named("OCPPCommCtrlr", "Nothing") | {"attribute_value": "60"},
            named("Nobody", "Nothing") | {"attribute_value": "60"},
            named("SmartChargingCtrlr", "RateUnit") | {"attribute_value": "A"},
            named("SecurityCtrlr", "BasicAuthPassword") | {"attribute_value": "short"},
        ],
    )
    got = await central.send(
        "SIM1",
        "GetVariables",
        get_variable_data=[
            named("OCPPCommCtrlr", "HeartbeatInterval"),
            named("SecurityCtrlr", "BasicAuthPassword"),
            named("OCPPCommCtrlr", "HeartbeatInterval") | {"attribute_type": "MaxSet"},
        ],
    )

    assert [each["attribute_status"] for each in changed.set_variable_result] == [
        "Accepted", "UnknownVariable", "UnknownComponent", "Rejected", "Rejected",
    ]  # fmt: skip
    assert [(each["attribute_status"], each.get("attribute_value")) for each in got.get_variable_result] == [
        ("Accepted", "60"), ("Rejected", None), ("NotSupportedAttributeType", None),
    ]  # fmt: skip


async def test_another_password_is_used_at_once(central: Central, on: On) -> None:
    central.password = "the first password"
    station = await on(password="the first password")
    central.password = "quite another password"

    await central.send(
        "SIM1",
        "SetVariables",
        set_variable_data=[
            {
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
                "attribute_value": "quite another password",
            }
        ],
    )
    await station.until(lambda: central.sockets == 2 and station.registered)


async def test_a_base_report_comes_in_parts_that_end(central: Central, on: On) -> None:
    station = await on(connectors=2)

    answer = await central.send("SIM1", "GetBaseReport", request_id=5, report_base="FullInventory")
    await station.until(lambda: central.of("NotifyReport") and not central.of("NotifyReport")[-1]["tbc"])

    parts = central.of("NotifyReport")
    told = [each for part in parts for each in part["report_data"]]
    assert answer.status == "Accepted"
    assert [part["seq_no"] for part in parts] == list(range(len(parts)))
    assert len(parts) > 1
    assert sum(each["variable"]["name"] == "AvailabilityState" for each in told) == 2


async def test_monitors_are_set_reported_and_cleared(central: Central, on: On) -> None:
    station = await on()
    monitor = {
        "value": 1, "type": "Delta", "severity": 4, "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
    }  # fmt: skip

    placed = await central.send("SIM1", "SetVariableMonitoring", set_monitoring_data=[monitor])
    await central.send("SIM1", "GetMonitoringReport", request_id=1)
    await station.until(lambda: central.of("NotifyMonitoringReport"))
    cleared = await central.send("SIM1", "ClearVariableMonitoring", id=[1, 2])

    assert placed.set_monitoring_result[0]["status"] == "Accepted"
    assert [each["status"] for each in cleared.clear_monitoring_result] == ["Accepted", "NotFound"]


async def test_a_reservation_that_ends_is_told(central: Central, on: On, clock: ManualClock) -> None:
    station = await on()
    order = {
        "id": 4, "id_token": CARD, "evse_id": 1,
        "expiry_date_time": (clock.now() + datetime.timedelta(minutes=30)).isoformat(),
    }  # fmt: skip

    await central.send("SIM1", "ReserveNow", **order)
    await station.until(lambda: central.statuses()[-1] == "Reserved")
    await clock.advance(1801)
    await station.until(lambda: central.of("ReservationStatusUpdate"))
    order["expiry_date_time"] = (clock.now() + datetime.timedelta(minutes=30)).isoformat()
    await central.send("SIM1", "ReserveNow", **order | {"id": 5})
    station.charging.fail(station.connector(1), "GroundFailure")
    await station.until(lambda: len(central.of("ReservationStatusUpdate")) == 2 and central.of("NotifyEvent"))

    assert [each["reservation_update_status"] for each in central.of("ReservationStatusUpdate")] == [
        "Expired", "Removed",
    ]  # fmt: skip
    assert central.statuses()[-1] == "Faulted"
    assert central.of("NotifyEvent")[0]["event_data"][0]["tech_code"] == "GroundFailure"


async def test_a_reset_on_idle_waits_for_the_transaction(central: Central, on: On, clock: ManualClock) -> None:
    station = await on()
    station.plug()
    await station.present("CARD-1")

    answer = await central.send("SIM1", "Reset", type="OnIdle")
    await settled()
    assert station.link.up
    station.unplug()
    await passing(clock, lambda: len(central.of("BootNotification")) == 2)

    assert answer.status == "Scheduled"
    assert central.of("BootNotification")[1]["reason"] == "ScheduledReset"


async def test_display_messages_are_shown_told_and_taken_away(central: Central, on: On) -> None:
    station = await on()
    message = {"id": 3, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Free until noon"}}

    shown = await central.send("SIM1", "SetDisplayMessage", message=message)
    unknown = await central.send(
        "SIM1", "SetDisplayMessage", message=message | {"id": 4, "transaction_id": "no such transaction"}
    )
    await central.send("SIM1", "GetDisplayMessages", request_id=1)
    await station.until(lambda: central.of("NotifyDisplayMessages"))
    cleared = [(await central.send("SIM1", "ClearDisplayMessage", id=3)).status for _ in range(2)]

    assert (shown.status, unknown.status, cleared) == ("Accepted", "UnknownTransaction", ["Accepted", "Unknown"])


async def test_profiles_are_reported(central: Central, on: On) -> None:
    station = await on()
    profile = PROFILE | {"charging_profile_purpose": "TxDefaultProfile"}

    await central.send("SIM1", "SetChargingProfile", evse_id=1, charging_profile=profile)
    answer = await central.send("SIM1", "GetChargingProfiles", request_id=1, charging_profile={})
    await station.until(lambda: central.of("ReportChargingProfiles"))
    none = await central.send("SIM1", "GetChargingProfiles", request_id=2, charging_profile={"stack_level": 9})
    schedule = await central.send("SIM1", "GetCompositeSchedule", evse_id=1, duration=600)

    assert (answer.status, none.status) == ("Accepted", "NoProfiles")
    assert schedule.schedule["charging_schedule_period"] == [{"start_period": 0, "limit": 6000.0}]


async def test_signed_firmware_is_checked_and_logs_are_told_with_their_request(
    central: Central, on: On, clock: ManualClock
) -> None:
    await on()
    firmware = {
        "location": "https://files/invalid.bin", "retrieve_date_time": clock.now().isoformat(), "signature": "x",
        "signing_certificate": "y",
    }  # fmt: skip

    await central.send("SIM1", "UpdateFirmware", request_id=8, firmware=firmware)
    await central.send(
        "SIM1", "GetLog", request_id=9, log_type="SecurityLog", log={"remote_location": "https://files/fail"}
    )
    await passing(clock, lambda: central.of("SecurityEventNotification"))

    assert [(each["status"], each["request_id"]) for each in central.of("FirmwareStatusNotification")] == [
        ("Downloading", 8), ("Downloaded", 8), ("InvalidSignature", 8),
    ]  # fmt: skip
    assert [each["status"] for each in central.of("LogStatusNotification")] == ["Uploading", "UploadFailure"]
