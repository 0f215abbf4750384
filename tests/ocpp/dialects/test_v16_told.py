"""What stations of 1.6 say, as events; what they are answered. Frame by frame."""

import datetime
from decimal import Decimal

import pytest

from hub.ocpp.events import (
    EVSE,
    BootNotified,
    DataAnswer,
    DataTransferred,
    IdToken,
    Metered,
    Registration,
    Reported,
    Sample,
    StatusChanged,
    TokenInfo,
    TokenPresented,
    TransactionAnswer,
    TransactionEvent,
    id_tag,
)
from tests.ocpp.dialects.playing import NOW, NOW_TEXT, Play

AT_TEXT = "2025-12-31T23:00:00Z"
AT = datetime.datetime(2025, 12, 31, 23, tzinfo=datetime.UTC)
EVSE_2 = EVSE(station_id="CS-1", evse_id=2, connector_id=1)


@pytest.fixture
def play():
    return Play("1.6")


def metered(*sampled, at=AT_TEXT):
    return {"timestamp": at, "sampledValue": list(sampled)}


async def test_a_boot_is_told_with_all_it_says_and_answered_with_the_time(play):
    play.operator.registration = Registration(status="Pending", interval=30)

    answer = await play.says(
        "BootNotification",
        {
            "chargePointVendor": "ACME", "chargePointModel": "One", "chargeBoxSerialNumber": "BOX",
            "chargePointSerialNumber": "S1", "firmwareVersion": "1.2", "iccid": "89", "imsi": "262",
            "meterType": "M", "meterSerialNumber": "M1",
        },
    )  # fmt: skip

    assert answer == {"status": "Pending", "currentTime": NOW_TEXT, "interval": 30}
    assert play.told() == BootNotified(
        station_id="CS-1", vendor="ACME", model="One", serial_number="S1", firmware_version="1.2", iccid="89",
        imsi="262", meter_type="M", meter_serial_number="M1", at=NOW,
    )  # fmt: skip


async def test_the_deprecated_serial_number_counts_where_there_is_no_other(play):
    await play.says(
        "BootNotification", {"chargePointVendor": "A", "chargePointModel": "B", "chargeBoxSerialNumber": "BOX"}
    )

    assert play.told().serial_number == "BOX"


async def test_a_heartbeat_is_answered_with_the_time_and_told_to_nobody(play):
    assert await play.says("Heartbeat", {}) == {"currentTime": NOW_TEXT}
    assert play.operator.events == []


async def test_a_presented_tag_is_put_to_the_operator(play):
    play.operator.token = TokenInfo(status="Accepted", expires_at=AT, group_id_token="FLEET")

    answer = await play.says("Authorize", {"idTag": "04A2"})

    assert answer == {
        "idTagInfo": {"status": "Accepted", "expiryDate": "2025-12-31T23:00:00.000Z", "parentIdTag": "FLEET"}
    }
    assert play.told() == TokenPresented(station_id="CS-1", id_token=IdToken(id_token="04A2"))


@pytest.mark.parametrize(
    ("status", "written"),
    [
        ("Accepted", "Accepted"),
        ("Blocked", "Blocked"),
        ("ConcurrentTx", "ConcurrentTx"),
        ("Expired", "Expired"),
        ("Invalid", "Invalid"),
        ("NoCredit", "Blocked"),
        ("NotAllowedTypeEVSE", "Blocked"),
        ("NotAtThisLocation", "Blocked"),
        ("NotAtThisTime", "Blocked"),
        ("Unknown", "Invalid"),
    ],
)
async def test_ten_verdicts_become_five(play, status, written):
    play.operator.token = TokenInfo(status=status)

    answer = await play.says("Authorize", {"idTag": "04A2"})

    assert answer == {"idTagInfo": {"status": written}}


async def test_a_group_too_long_for_1_6_is_folded_the_same_way_every_time(play):
    play.operator.token = TokenInfo(status="Accepted", group_id_token="FLEET-OF-A-COMPANY-1234")
    one = await play.says("Authorize", {"idTag": "A"})
    play.operator.token = TokenInfo(status="Accepted", group_id_token="fleet-of-a-company-1234")
    same = await play.says("Authorize", {"idTag": "B"})
    play.operator.token = TokenInfo(status="Accepted", group_id_token="FLEET-OF-A-COMPANY-1235")
    other = await play.says("Authorize", {"idTag": "C"})

    assert one == same != other
    assert len(one["idTagInfo"]["parentIdTag"]) == 20


async def test_a_start_is_told_and_gets_its_number(play):
    play.operator.answer = TransactionAnswer(transaction_id="4711", token=TokenInfo(status="ConcurrentTx"))

    answer = await play.says(
        "StartTransaction",
        {"connectorId": 2, "idTag": "04A2", "meterStart": 1000, "timestamp": AT_TEXT, "reservationId": 5},
        message_id="m9",
    )

    assert answer == {"transactionId": 4711, "idTagInfo": {"status": "ConcurrentTx"}}
    assert play.told() == TransactionEvent(
        kind="Started", station_id="CS-1", transaction_id=None, at=AT, received_at=NOW, message_id="m9",
        trigger="StartTransaction", evse=EVSE_2, id_token=IdToken(id_token="04A2"), meter=1000, reservation_id=5,
    )  # fmt: skip


async def test_a_start_without_a_verdict_is_not_accepted(play):
    play.operator.answer = TransactionAnswer(transaction_id="1")

    answer = await play.says(
        "StartTransaction", {"connectorId": 2, "idTag": "04A2", "meterStart": 0, "timestamp": AT_TEXT}
    )

    assert answer["idTagInfo"] == {"status": "Invalid"}


async def test_a_start_without_a_number_is_not_answered_so_the_station_asks_again(play):
    play.operator.answer = TransactionAnswer(token=TokenInfo(status="Accepted"))

    with pytest.raises(RuntimeError, match="no number"):
        await play.says("StartTransaction", {"connectorId": 2, "idTag": "04A2", "meterStart": 0, "timestamp": AT_TEXT})


async def test_a_stop_is_told_with_its_data(play):
    play.operator.answer = TransactionAnswer(token=TokenInfo(status="Accepted"))

    answer = await play.says(
        "StopTransaction",
        {
            "transactionId": 4711, "meterStop": 8500, "timestamp": AT_TEXT, "idTag": "04A2", "reason": "PowerLoss",
            "transactionData": [metered({"value": "8.5", "unit": "kWh", "context": "Transaction.End"})],
        },
    )  # fmt: skip

    assert answer == {"idTagInfo": {"status": "Accepted"}}
    assert play.told() == TransactionEvent(
        kind="Ended", station_id="CS-1", transaction_id="4711", at=AT, received_at=NOW, message_id="m1",
        trigger="StopTransaction", id_token=IdToken(id_token="04A2"), meter=8500, reason="PowerLoss",
        samples=(Sample(at=AT, value=Decimal(8500), context="Transaction.End", location="Outlet"),),
    )  # fmt: skip


@pytest.mark.parametrize(
    "reason",
    [
        "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote", "SoftReset",
        "UnlockCommand", "DeAuthorized",
    ],
)  # fmt: skip
async def test_every_reason_of_1_6_is_told_in_its_own_word(play, reason):
    await play.says("StopTransaction", {"transactionId": 1, "meterStop": 1, "timestamp": AT_TEXT, "reason": reason})

    assert play.told().reason == reason


async def test_a_stop_that_says_neither_why_nor_who_is_local_and_answered_without_a_verdict(play):
    play.operator.answer = TransactionAnswer()

    answer = await play.says("StopTransaction", {"transactionId": 1, "meterStop": 1, "timestamp": AT_TEXT})

    assert answer == {}
    assert play.told().reason == "Local"
    assert play.told().id_token is None


async def test_meter_values_of_a_transaction_update_it_at_the_time_of_the_last(play):
    later = "2025-12-31T23:05:00Z"

    answer = await play.says(
        "MeterValues",
        {"connectorId": 2, "transactionId": 4711, "meterValue": [metered({"value": "2"}, at=later),
                                                               metered({"value": "1"})]},
    )  # fmt: skip

    told = play.told()
    assert answer == {}
    assert (told.kind, told.transaction_id, told.trigger, told.evse) == ("Updated", "4711", "MeterValues", EVSE_2)
    assert told.at == AT + datetime.timedelta(minutes=5)
    assert [each.value for each in told.samples] == [2, 1]


@pytest.mark.parametrize("transaction", [{}, {"transactionId": 0}, {"transactionId": -1}])
async def test_meter_values_of_no_transaction_are_the_connectors(play, transaction):
    await play.says("MeterValues", {"connectorId": 0, "meterValue": [metered({"value": "1"})], **transaction})

    assert play.told() == Metered(
        evse=EVSE(station_id="CS-1", evse_id=0), samples=(Sample(at=AT, value=Decimal(1), location="Outlet"),)
    )


@pytest.mark.parametrize(
    ("sampled", "wanted"),
    [
        ({"value": "12"}, Sample(at=AT, value=Decimal(12), location="Outlet")),
        ({"value": " 12.50 "}, Sample(at=AT, value=Decimal("12.5"), location="Outlet")),
        ({"value": "1.2345", "unit": "kWh"}, Sample(at=AT, value=Decimal("1234.5"), location="Outlet")),
        (
            {"value": "11", "unit": "kW", "measurand": "Power.Active.Import", "phase": "L1", "location": "Cable"},
            Sample(at=AT, value=Decimal(11000), measurand="Power.Active.Import", unit="W", phase="L1",
                   location="Cable"),
        ),
        (
            {"value": "3", "measurand": "Power.Offered"},
            Sample(at=AT, value=Decimal(3), measurand="Power.Offered", unit="W", location="Outlet"),
        ),
        (
            {"value": "80", "measurand": "SoC", "location": "EV", "context": "Trigger"},
            Sample(at=AT, value=Decimal(80), measurand="SoC", unit="Percent", location="EV", context="Trigger"),
        ),
        (
            {"value": "293.15", "measurand": "Temperature", "unit": "K"},
            Sample(at=AT, value=Decimal(20), measurand="Temperature", unit="Celsius", location="Outlet"),
        ),
        (
            {"value": "68", "measurand": "Temperature", "unit": "Fahrenheit"},
            Sample(at=AT, value=Decimal(20), measurand="Temperature", unit="Celsius", location="Outlet"),
        ),
        (
            {"value": "20", "measurand": "Temperature", "unit": "Celcius"},
            Sample(at=AT, value=Decimal(20), measurand="Temperature", unit="Celsius", location="Outlet"),
        ),
        (
            {"value": "0.98", "measurand": "Power.Factor"},
            Sample(at=AT, value=Decimal("0.98"), measurand="Power.Factor", unit="", location="Outlet"),
        ),
        (
            {"value": "2", "unit": "kvarh", "measurand": "Energy.Reactive.Import.Register"},
            Sample(at=AT, value=Decimal(2000), measurand="Energy.Reactive.Import.Register", unit="varh",
                   location="Outlet"),
        ),
    ],
)  # fmt: skip
async def test_what_a_sampled_value_leaves_out_is_what_the_standard_says(play, sampled, wanted):
    await play.says("MeterValues", {"connectorId": 1, "meterValue": [metered(sampled)]})

    assert play.told().samples == (wanted,)


@pytest.mark.parametrize(
    "value", ["", "n/a", "12,5", "NaN", "Infinity", "-inf", "1_000", "0x10", "1e400", "9" * 31, "١٢", "1 2"]
)
async def test_a_value_that_is_no_number_is_left_out_and_reported(play, value):
    bad = {"value": value, "measurand": "Voltage"}

    answer = await play.says("MeterValues", {"connectorId": 1, "meterValue": [metered(bad, {"value": "7"})]})

    values, report = play.operator.events
    assert answer == {}
    assert [each.value for each in values.samples] == [7]
    assert (report.kind, report.payload["action"]) == ("SamplesDropped", "MeterValues")
    assert [each["sampledValue"] for each in report.payload["dropped"]] == [bad]


async def test_meter_values_that_say_nothing_tell_nothing_but_that_and_once(play):
    await play.says("MeterValues", {"connectorId": 1, "meterValue": [metered({"value": "?"}, {"value": "!"})]})

    assert isinstance(play.told(), Reported)
    assert len(play.told().payload["dropped"]) == 2


async def test_a_signed_value_stands_beside_the_plain_one_it_signs(play):
    plain = {"value": "8500", "context": "Transaction.End"}
    signed = {"value": "OCMF|{}|{}", "context": "Transaction.End", "format": "SignedData"}
    power = {"value": "0", "measurand": "Power.Active.Import", "context": "Transaction.End"}

    await play.says(
        "StopTransaction",
        {"transactionId": 1, "meterStop": 8500, "timestamp": AT_TEXT,
         "transactionData": [metered(signed, power, plain)]},
    )  # fmt: skip

    energy = next(each for each in play.told().samples if each.unit == "Wh")
    assert (energy.value, energy.signed) == (8500, "OCMF|{}|{}")
    assert len(play.told().samples) == 2


async def test_a_signed_value_alone_is_kept_and_counts_as_no_energy(play):
    signed = {"value": "123", "format": "SignedData", "context": "Transaction.Begin"}

    await play.says("MeterValues", {"connectorId": 1, "transactionId": 3, "meterValue": [metered(signed)]})

    (sample,) = play.told().samples
    assert (sample.measurand, sample.value, sample.unit, sample.signed) == ("SignedData", 0, "", "123")
    assert sample.context == "Transaction.Begin"


async def test_a_status_is_told_with_its_error(play):
    answer = await play.says(
        "StatusNotification",
        {
            "connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted", "timestamp": AT_TEXT, "info": "wet",
            "vendorId": "ACME", "vendorErrorCode": "E7",
        },
    )  # fmt: skip

    assert answer == {}
    assert play.told() == StatusChanged(
        evse=EVSE_2, status="Faulted", at=AT, error_code="GroundFailure", info="wet", vendor_id="ACME",
        vendor_error_code="E7",
    )  # fmt: skip


async def test_connector_0_is_the_station_and_a_status_without_a_time_is_as_old_as_its_arrival(play):
    await play.says("StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Available"})

    assert play.told() == StatusChanged(evse=EVSE(station_id="CS-1", evse_id=0), status="Available", at=NOW)


async def test_a_vendors_message_is_put_and_its_answer_written_as_text(play):
    play.operator.data = DataAnswer(status="Accepted", data={"qr": 1})

    answer = await play.says("DataTransfer", {"vendorId": "ACME", "messageId": "QR", "data": "x"})

    assert answer == {"status": "Accepted", "data": '{"qr": 1}'}
    assert play.told() == DataTransferred(station_id="CS-1", vendor_id="ACME", message_id="QR", data="x")


async def test_an_unknown_vendor_is_answered_without_data(play):
    play.operator.data = DataAnswer(status="UnknownVendorId")

    assert await play.says("DataTransfer", {"vendorId": "ACME"}) == {"status": "UnknownVendorId"}


@pytest.mark.parametrize(("signs", "status"), [(True, "Accepted"), (False, "Rejected")])
async def test_a_signing_request_is_handed_on(play, signs, status):
    play.operator.signs = signs

    assert await play.says("SignCertificate", {"csr": "PEM"}) == {"status": status}
    assert play.told() == ("CS-1", "PEM", "ChargingStationCertificate")


@pytest.mark.parametrize(
    ("action", "payload", "at"),
    [
        ("FirmwareStatusNotification", {"status": "Installed"}, NOW),
        ("DiagnosticsStatusNotification", {"status": "Uploaded"}, NOW),
        ("LogStatusNotification", {"status": "Uploaded", "requestId": 4}, NOW),
        ("SignedFirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 4}, NOW),
        ("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": AT_TEXT}, AT),
    ],
)
async def test_what_is_only_reported_is_told_as_it_came(play, action, payload, at):
    assert await play.says(action, payload) == {}
    assert play.told() == Reported(station_id="CS-1", kind=action, payload=payload, at=at)


def test_a_tag_that_fits_is_itself_and_a_longer_one_is_folded_to_20_characters():
    uuid = "5f0f1f5e-9c6c-4a53-9d3a-0f4c1d7c2b11"

    assert id_tag("A" * 20) == "A" * 20
    assert len(id_tag("A" * 21)) == len(id_tag(uuid)) == 20
    assert id_tag(uuid) == id_tag(uuid.upper())
