"""A simulated station of OCPP 1.6 on a real WebSocket."""

import datetime

import pytest

from hub.ocpp.simulation.car import CAR_POWER, Car
from tests.clocks import ManualClock
from tests.ocpp.simulation.central import Central, passing, settled
from tests.ocpp.simulation.conftest import Switch

PROFILE = {
    "charging_profile_id": 7, "stack_level": 1, "charging_profile_purpose": "TxProfile",
    "charging_profile_kind": "Relative",
    "charging_schedule": {
        "charging_rate_unit": "W", "charging_schedule_period": [{"start_period": 0, "limit": 6000.0}],
    },
}  # fmt: skip


async def test_a_station_boots_and_tells_its_connectors(central: Central, switch_on: Switch) -> None:
    station = await switch_on(connectors=2)

    await station.until(lambda: central.statuses(2))

    assert [name for name, _ in central.told][:2] == ["BootNotification", "StatusNotification"]
    assert [central.statuses(number) for number in (0, 1, 2)] == [["Available"]] * 3


async def test_a_station_boots_again_after_the_interval_until_it_is_accepted(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    accepting = central.answers["BootNotification"]
    central.answers["BootNotification"] = lambda _: accepting(_) | {"status": "Pending", "interval": 20}
    station = await switch_on(wait=False)
    await station.until(lambda: station.frames("BootNotification", sent=False, kind=3))
    station.plug()
    await clock.advance(19)
    assert len(central.of("BootNotification")) == 1

    central.answers["BootNotification"] = accepting
    await passing(clock, central.statuses)

    assert len(central.of("BootNotification")) == 2
    assert central.statuses() == ["Preparing"]


async def test_heartbeats_come_at_the_interval_given(central: Central, switch_on: Switch, clock: ManualClock) -> None:
    station = await switch_on()

    begun = clock.now()
    await passing(clock, lambda: len(station.frames("Heartbeat", sent=False, kind=3)) == 2, step=10)

    assert len(central.of("Heartbeat")) == 2
    assert clock.now() - begun >= datetime.timedelta(seconds=600)


async def test_a_charge_from_cable_to_goodbye(central: Central, switch_on: Switch, clock: ManualClock) -> None:
    station = await switch_on()

    station.plug(1, Car(soc=50))
    info = await station.present("CARD-1")
    await station.until(lambda: station.frames("StartTransaction", sent=False, kind=3))
    await clock.advance(120)
    await station.until(lambda: len(central.of("MeterValues")) == 2)
    await station.present("card-1")
    await station.until(lambda: central.of("StopTransaction"))
    station.unplug()
    await station.until(lambda: central.statuses()[-1] == "Available")

    (start,), (stop,) = central.of("StartTransaction"), central.of("StopTransaction")
    assert info.status == "Accepted"
    assert central.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert (start["id_tag"], start["meter_start"], stop["reason"]) == ("CARD-1", 0, "Local")
    assert stop["transaction_id"] == 1
    assert stop["meter_stop"] == pytest.approx(22_000 * 120 / 3600, abs=2)
    values = [each["meter_value"][0]["sampled_value"] for each in central.of("MeterValues")]
    assert {one["measurand"] for one in values[0]} == {
        "Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "SoC",
    }  # fmt: skip


async def test_a_car_that_is_full_suspends_and_takes_ever_less_before(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on(speed=60)
    station.plug(1, Car(soc=79, max_power=60 * CAR_POWER))
    await station.present("CARD-1")

    await clock.advance(32)
    power = station.connector(1).power
    await clock.advance(600)
    await station.until(lambda: central.statuses()[-1] == "SuspendedEV")

    assert 0 < power < 60 * 22_000
    assert station.soc() == 100.0


async def test_a_refused_card_starts_nothing(central: Central, switch_on: Switch) -> None:
    central.answers["Authorize"] = lambda _: {"id_tag_info": {"status": "Blocked"}}
    station = await switch_on()
    station.plug()

    info = await station.present("CARD-1")
    await settled()

    assert info.status == "Blocked"
    assert central.of("StartTransaction") == []


async def test_a_card_does_not_end_another_drivers_transaction(central: Central, switch_on: Switch) -> None:
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")

    info = await station.present("CARD-2")

    assert info.status == "Invalid"
    assert station.connector(1).transaction is not None


async def test_a_card_of_the_same_group_ends_it(central: Central, switch_on: Switch) -> None:
    central.answers["Authorize"] = lambda _: {"id_tag_info": {"status": "Accepted", "parent_id_tag": "FAMILY"}}
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")

    await station.present("CARD-2")
    await station.until(lambda: central.of("StopTransaction"))

    assert central.of("StopTransaction")[0]["id_tag"] == "CARD-2"


async def test_a_transaction_is_ended_when_its_start_is_answered_with_an_invalid_card(
    central: Central, switch_on: Switch
) -> None:
    central.answers["StartTransaction"] = lambda _: {"transaction_id": 9, "id_tag_info": {"status": "Invalid"}}
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")

    await station.until(lambda: central.of("StopTransaction"))

    assert central.of("StopTransaction")[0]["reason"] == "DeAuthorized"
    assert central.of("StopTransaction")[0]["transaction_id"] == 9


async def test_a_remote_start_waits_for_the_cable_and_gives_up(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on()

    answer = await central.send("SIM1", "RemoteStartTransaction", id_tag="APP-1", connector_id=1)
    await station.until(lambda: central.statuses()[-1] == "Preparing")
    await clock.advance(61)
    await station.until(lambda: central.statuses()[-1] == "Available")

    assert answer.status == "Accepted"
    assert central.of("StartTransaction") == []


async def test_a_remote_start_charges_by_its_profile_and_a_remote_stop_ends_it(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on()
    await central.send("SIM1", "RemoteStartTransaction", id_tag="APP-1", connector_id=1, charging_profile=PROFILE)

    await station.until(lambda: station.connector(1).grant)
    station.plug()
    await station.until(lambda: station.connector(1).transaction and station.connector(1).transaction.id)
    await clock.advance(5)
    assert station.connector(1).power == 6000
    stops = await central.send("SIM1", "RemoteStopTransaction", transaction_id=1)
    again = await central.send("SIM1", "RemoteStopTransaction", transaction_id=2)
    await station.until(lambda: central.of("StopTransaction"))

    assert (stops.status, again.status) == ("Accepted", "Rejected")
    assert central.of("StopTransaction")[0]["reason"] == "Remote"
    assert station.profiles.installed == []


async def test_only_the_reserving_card_may_use_a_reserved_connector(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on()
    expiry = (clock.now() + datetime.timedelta(minutes=30)).isoformat()

    answer = await central.send(
        "SIM1", "ReserveNow", connector_id=1, expiry_date=expiry, id_tag="CARD-1", reservation_id=5
    )
    await station.until(lambda: central.statuses()[-1] == "Reserved")
    other = await central.send("SIM1", "RemoteStartTransaction", id_tag="CARD-2", connector_id=1)
    station.plug()
    assert (await station.present("CARD-2")).status == "Invalid"
    await station.present("CARD-1")
    await station.until(lambda: central.of("StartTransaction"))

    assert (answer.status, other.status) == ("Accepted", "Rejected")
    assert central.of("StartTransaction")[0]["reservation_id"] == 5
    assert station.charging.reservations.made == []


async def test_a_reservation_expires_or_is_cancelled_once(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on()
    expiry = (clock.now() + datetime.timedelta(minutes=30)).isoformat()
    order = {"connector_id": 1, "expiry_date": expiry, "id_tag": "CARD-1"}

    await central.send("SIM1", "ReserveNow", reservation_id=5, **order)
    occupied = await central.send("SIM1", "ReserveNow", reservation_id=6, **order)
    await clock.advance(1801)
    await station.until(lambda: central.statuses()[-1] == "Available")
    await central.send("SIM1", "ReserveNow", reservation_id=7, **order)
    answers = [await central.send("SIM1", "CancelReservation", reservation_id=7) for _ in range(2)]

    assert occupied.status == "Occupied"
    assert [each.status for each in answers] == ["Accepted", "Rejected"]


async def test_messages_wait_for_the_link_and_come_in_order_with_their_own_times(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on(settings={"AllowOfflineTxForUnknownId": "true"})
    station.lose_link()
    station.plug()
    begun = clock.now()

    await station.present("CARD-1")
    await clock.advance(60)
    await station.present("CARD-1")
    assert len(station.queue) == 3
    station.restore_link()
    await station.until(lambda: central.of("StopTransaction"))

    told = [name for name, _ in central.told if name in ("StartTransaction", "MeterValues", "StopTransaction")]
    times = [central.of(name)[0]["timestamp"] for name in ("StartTransaction", "StopTransaction")]
    assert told == ["StartTransaction", "MeterValues", "StopTransaction"]
    assert [datetime.datetime.fromisoformat(each) for each in times] == [
        begun, begun + datetime.timedelta(seconds=60),
    ]  # fmt: skip
    assert central.of("MeterValues")[0]["transaction_id"] == central.of("StopTransaction")[0]["transaction_id"] == 1


async def test_after_a_lost_answer_the_same_is_told_under_another_message_id(
    central: Central, switch_on: Switch
) -> None:
    station = await switch_on(faults=["lost-answer"], answer_timeout=0.2)
    station.plug()

    await station.present("CARD-1")
    await station.until(lambda: len(central.of("StartTransaction")) == 2)
    await station.until(lambda: not station.queue)

    first, second = central.of("StartTransaction")
    ids = [each.message_id for each in station.frames("StartTransaction")]
    assert first == second
    assert len(set(ids)) == 2


async def test_a_message_that_is_refused_is_given_up_after_its_attempts(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    from ocpp.exceptions import InternalError

    central.answers["StartTransaction"] = lambda _: InternalError()
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")

    def refusals() -> int:
        return len(station.frames("StartTransaction", sent=False, kind=4))

    begun = clock.now()
    await passing(clock, lambda: refusals() == 3)
    await station.until(lambda: not station.queue)

    assert len(central.of("StartTransaction")) == 3
    assert clock.now() - begun >= datetime.timedelta(seconds=10 + 20)


async def test_power_that_fails_ends_a_transaction_when_it_returns(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")
    await station.until(lambda: central.of("StartTransaction"))
    await clock.advance(60)

    station.power_loss()
    await clock.advance(600)
    station.power_return()
    await station.until(lambda: central.of("StopTransaction"))

    (stop,) = central.of("StopTransaction")
    assert stop["reason"] == "PowerLoss"
    assert stop["meter_stop"] == pytest.approx(22_000 * 60 / 3600, abs=2)
    assert len(central.of("BootNotification")) == 2


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_a_reset_ends_what_runs_and_boots_again(
    central: Central, switch_on: Switch, clock: ManualClock, kind: str
) -> None:
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")
    # The ocpp package's server half stops reading when it cannot send an answer; so none is owed when the socket ends.
    await station.until(lambda: len(station.frames("StatusNotification", sent=False, kind=3)) == 4)

    answer = await central.send("SIM1", "Reset", type=kind)
    await passing(clock, lambda: central.of("StopTransaction") and len(central.of("BootNotification")) == 2)

    assert answer.status == "Accepted"
    assert central.of("StopTransaction")[0]["reason"] == f"{kind}Reset"


async def test_unavailability_waits_for_the_end_of_a_transaction(central: Central, switch_on: Switch) -> None:
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")

    answer = await central.send("SIM1", "ChangeAvailability", connector_id=1, type="Inoperative")
    assert station.connector(1).status == "Charging"
    station.unplug()
    await station.until(lambda: central.statuses()[-1] == "Unavailable")
    refused = await central.send("SIM1", "RemoteStartTransaction", id_tag="CARD-1", connector_id=1)

    assert (answer.status, refused.status) == ("Scheduled", "Rejected")


async def test_unlocking_ends_a_transaction(central: Central, switch_on: Switch) -> None:
    station = await switch_on()
    station.plug()
    await station.present("CARD-1")

    answer = await central.send("SIM1", "UnlockConnector", connector_id=1)
    await station.until(lambda: central.of("StopTransaction"))

    assert answer.status == "Unlocked"
    assert central.of("StopTransaction")[0]["reason"] == "UnlockCommand"
    assert (await central.send("SIM1", "UnlockConnector", connector_id=9)).status == "NotSupported"


async def test_settings_are_told_and_changed(central: Central, switch_on: Switch) -> None:
    await switch_on()

    answers = {
        name: (await central.send("SIM1", "ChangeConfiguration", key=name, value=value)).status
        for name, value in {
            "ConnectionTimeOut": "5", "NumberOfConnectors": "9", "NoSuchKey": "1", "HeartbeatInterval": "soon",
        }.items()
    }  # fmt: skip
    told = await central.send("SIM1", "GetConfiguration", key=["connectiontimeout", "NoSuchKey", "AuthorizationKey"])

    assert answers == {
        "ConnectionTimeOut": "Accepted", "NumberOfConnectors": "Rejected", "NoSuchKey": "NotSupported",
        "HeartbeatInterval": "Rejected",
    }  # fmt: skip
    assert told.unknown_key == ["NoSuchKey"]
    assert [each.get("value") for each in told.configuration_key] == ["5", None]


async def test_another_password_is_used_at_once(central: Central, switch_on: Switch) -> None:
    central.password = "first password"
    station = await switch_on(password="first password")

    central.password = "another password"
    answer = await central.send("SIM1", "ChangeConfiguration", key="AuthorizationKey", value=b"another password".hex())
    await station.until(lambda: central.sockets == 2 and station.registered)

    assert answer.status == "Accepted"


async def test_a_listed_card_charges_while_the_link_is_down(central: Central, switch_on: Switch) -> None:
    station = await switch_on()
    listed = [{"id_tag": "CARD-1", "id_tag_info": {"status": "Accepted"}}]

    answer = await central.send(
        "SIM1", "SendLocalList", list_version=4, update_type="Full", local_authorization_list=listed
    )
    older = await central.send(
        "SIM1", "SendLocalList", list_version=4, update_type="Differential", local_authorization_list=[]
    )
    version = await central.send("SIM1", "GetLocalListVersion")
    station.lose_link()
    station.plug()

    assert (answer.status, older.status, version.list_version) == ("Accepted", "VersionMismatch", 4)
    assert (await station.present("STRANGER")).status == "Unknown"
    assert (await station.present("CARD-1")).status == "Accepted"


async def test_firmware_and_diagnostics_are_told_step_by_step(
    central: Central, switch_on: Switch, clock: ManualClock
) -> None:
    await switch_on()

    await central.send("SIM1", "UpdateFirmware", location="ftp://files/new.bin", retrieve_date=clock.now().isoformat())
    await central.send("SIM1", "GetDiagnostics", location="ftp://files/logs")
    await passing(clock, lambda: len(central.of("FirmwareStatusNotification")) == 4)

    assert [each["status"] for each in central.of("FirmwareStatusNotification")] == [
        "Downloading", "Downloaded", "Installing", "Installed",
    ]  # fmt: skip
    assert [each["status"] for each in central.of("DiagnosticsStatusNotification")] == ["Uploading", "Uploaded"]
    assert len(central.of("BootNotification")) == 2


async def test_a_station_says_what_it_is_asked_for(central: Central, switch_on: Switch) -> None:
    station = await switch_on()

    answers = [
        (await central.send("SIM1", "TriggerMessage", requested_message=name)).status
        for name in ("Heartbeat", "MeterValues", "StatusNotification", "FirmwareStatusNotification")
    ]
    signing = await central.send("SIM1", "ExtendedTriggerMessage", requested_message="SignChargePointCertificate")
    await station.until(lambda: central.of("SignCertificate"))

    assert answers == ["Accepted"] * 4
    assert signing.status == "Accepted"
    assert central.of("Heartbeat") and central.of("MeterValues") and central.of("FirmwareStatusNotification")
    assert central.of("SignCertificate")[0]["csr"].startswith("-----BEGIN CERTIFICATE REQUEST-----")


async def test_a_composite_schedule_is_the_smallest_of_what_is_set(central: Central, switch_on: Switch) -> None:
    station = await switch_on()
    most = {
        "charging_profile_id": 1, "stack_level": 0, "charging_profile_purpose": "ChargePointMaxProfile",
        "charging_profile_kind": "Absolute",
        "charging_schedule": {
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": 16.0}, {"start_period": 600, "limit": 8.0}],
        },
    }  # fmt: skip

    without = await central.send("SIM1", "SetChargingProfile", connector_id=1, cs_charging_profiles=PROFILE)
    placed = await central.send("SIM1", "SetChargingProfile", connector_id=0, cs_charging_profiles=most)
    answer = await central.send("SIM1", "GetCompositeSchedule", connector_id=1, duration=900, charging_rate_unit="A")
    cleared = [(await central.send("SIM1", "ClearChargingProfile", id=1)).status for _ in range(2)]

    assert (without.status, placed.status) == ("Rejected", "Accepted")
    assert [(each["start_period"], each["limit"]) for each in answer.charging_schedule["charging_schedule_period"]] == [
        (0, 16.0), (600, 8.0),
    ]  # fmt: skip
    assert cleared == ["Accepted", "Unknown"]
    assert station.profiles.installed == []
