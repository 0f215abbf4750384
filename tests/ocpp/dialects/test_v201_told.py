"""What stations of 2.0.1 say, as events; what they are answered. Frame by frame."""

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
    Reported,
    ReservationChanged,
    Sample,
    StatusChanged,
    TokenInfo,
    TokenPresented,
    TransactionAnswer,
    TransactionEvent,
)
from hub.ocpp.v201 import Dialect201
from tests.ocpp.dialects.generated import schema_of
from tests.ocpp.dialects.playing import NOW, NOW_TEXT, Play

AT_TEXT = "2025-12-31T23:00:00.000Z"
AT = datetime.datetime(2025, 12, 31, 23, tzinfo=datetime.UTC)
HASH = {
    "hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1",
    "responderURL": "http://ocsp.example.net",
}  # fmt: skip
COMPONENT = {"component": {"name": "Connector", "evse": {"id": 1}}, "variable": {"name": "Problem"}}


@pytest.fixture(params=["2.0.1", "2.1"])
def play(request):
    """2.1 says all of this as 2.0.1 does."""
    return Play(request.param)


def event(**changes):
    return {
        "eventType": "Updated", "timestamp": AT_TEXT, "triggerReason": "MeterValuePeriodic", "seqNo": 3,
        "transactionInfo": {"transactionId": "TX-A"}, **changes,
    }  # fmt: skip


def metered(*sampled):
    return {"timestamp": AT_TEXT, "sampledValue": list(sampled)}


async def test_a_boot_is_told_with_all_it_says_and_answered_with_the_time(play):
    answer = await play.says(
        "BootNotification",
        {
            "reason": "Watchdog",
            "chargingStation": {
                "vendorName": "ACME", "model": "One", "serialNumber": "S1", "firmwareVersion": "1.2",
                "modem": {"iccid": "89", "imsi": "262"},
            },
        },
    )  # fmt: skip

    assert answer == {"status": "Accepted", "currentTime": NOW_TEXT, "interval": 300}
    assert play.told() == BootNotified(
        station_id="CS-1", vendor="ACME", model="One", reason="Watchdog", serial_number="S1", firmware_version="1.2",
        iccid="89", imsi="262", at=NOW,
    )  # fmt: skip


async def test_a_token_is_put_with_its_certificate_and_the_verdict_says_all(play):
    play.operator.token = TokenInfo(
        status="NotAtThisTime", expires_at=AT, group_id_token="FLEET", charging_priority=-3, message="Come back at 8",
        language="en", evse_ids=(1, 2), certificate_status="Accepted",
    )  # fmt: skip
    token = {
        "idToken": "DE8ACME1", "type": "eMAID",
        "additionalInfo": [{"additionalIdToken": "Z", "type": "PIN"}],
    }  # fmt: skip

    answer = await play.says(
        "Authorize", {"idToken": token, "certificate": "PEM", "iso15118CertificateHashData": [HASH]}
    )

    assert answer == {
        "idTokenInfo": {
            "status": "NotAtThisTime", "cacheExpiryDateTime": AT_TEXT, "chargingPriority": -3, "language1": "en",
            "evseId": [1, 2], "groupIdToken": {"idToken": "FLEET", "type": "Central"},
            "personalMessage": {"format": "UTF8", "language": "en", "content": "Come back at 8"},
        },
        "certificateStatus": "Accepted",
    }  # fmt: skip
    assert play.told() == TokenPresented(
        station_id="CS-1", id_token=IdToken(id_token="DE8ACME1", type="eMAID", additional=(("Z", "PIN"),)),
        certificate="PEM", certificate_hashes=(HASH,),
    )  # fmt: skip


async def test_a_message_too_long_for_a_display_is_cut(play):
    play.operator.token = TokenInfo(status="Accepted", message="x" * 600)

    answer = await play.says("Authorize", {"idToken": {"idToken": "A", "type": "Central"}})

    assert len(answer["idTokenInfo"]["personalMessage"]["content"]) == 512


async def test_a_transaction_event_is_told_with_all_it_says(play):
    play.operator.answer = TransactionAnswer(
        token=TokenInfo(status="Accepted"), total_cost=Decimal("4.20"), charging_priority=2, message="Thanks"
    )

    answer = await play.says(
        "TransactionEvent",
        {
            "eventType": "Ended", "timestamp": AT_TEXT, "triggerReason": "StopAuthorized", "seqNo": 9, "offline": True,
            "numberOfPhasesUsed": 3, "cableMaxCurrent": 32, "reservationId": 5, "evse": {"id": 2, "connectorId": 1},
            "transactionInfo": {
                "transactionId": "TX-A", "chargingState": "EVConnected", "timeSpentCharging": 1800,
                "stoppedReason": "SOCLimitReached", "remoteStartId": 77,
            },
            "idToken": {"idToken": "04A2", "type": "ISO14443"},
            "meterValue": [metered({"value": 8.5, "unitOfMeasure": {"unit": "kWh"}, "context": "Transaction.End"})],
        },
        message_id="m9",
    )  # fmt: skip

    assert answer == {
        "totalCost": 4.2, "chargingPriority": 2, "idTokenInfo": {"status": "Accepted"},
        "updatedPersonalMessage": {"format": "UTF8", "content": "Thanks"},
    }  # fmt: skip
    assert play.told() == TransactionEvent(
        kind="Ended", station_id="CS-1", transaction_id="TX-A", at=AT, received_at=NOW, message_id="m9",
        trigger="StopAuthorized", evse=EVSE(station_id="CS-1", evse_id=2, connector_id=1), seq_no=9,
        id_token=IdToken(id_token="04A2"), charging_state="EVConnected", offline=True, reason="SOCLimitReached",
        remote_start_id=77, reservation_id=5, time_spent_charging=1800, phases_used=3, cable_max_current=32,
        samples=(Sample(at=AT, value=Decimal(8500), context="Transaction.End", location="Outlet"),),
    )  # fmt: skip


@pytest.mark.parametrize(
    "trigger", schema_of("2.0.1", "TransactionEvent")["definitions"]["TriggerReasonEnumType"]["enum"]
)
async def test_every_trigger_of_2_0_1_is_told(play, trigger):
    await play.says("TransactionEvent", event(triggerReason=trigger))

    assert play.told().trigger == trigger


async def test_what_an_event_leaves_out_is_not_made_up(play):
    play.operator.answer = TransactionAnswer()

    answer = await play.says("TransactionEvent", event())

    assert answer == {}
    assert play.told() == TransactionEvent(
        kind="Updated", station_id="CS-1", transaction_id="TX-A", at=AT, received_at=NOW, message_id="m1",
        trigger="MeterValuePeriodic", seq_no=3,
    )  # fmt: skip


async def test_an_end_without_a_reason_is_local_and_an_evse_without_a_connector_has_none(play):
    await play.says("TransactionEvent", event(eventType="Ended", evse={"id": 2}))

    assert play.told().reason == "Local"
    assert play.told().evse == EVSE(station_id="CS-1", evse_id=2, connector_id=0)


async def test_a_transaction_that_costs_nothing_is_said_to_be_free(play):
    play.operator.answer = TransactionAnswer(total_cost=Decimal(0))

    assert await play.says("TransactionEvent", event(eventType="Ended")) == {"totalCost": 0.0}


async def test_vendors_data_of_a_transaction_are_told_as_extra(play):
    await play.says("TransactionEvent", event(customData={"vendorId": "ACME", "plug": 3}))

    assert play.told().extra == {"customData": {"vendorId": "ACME", "plug": 3}}


SIGNED = {"signedMeterData": "AAA", "signingMethod": "ECDSA", "encodingMethod": "OCMF", "publicKey": "K"}


@pytest.mark.parametrize(
    ("sampled", "wanted"),
    [
        ({"value": 12}, Sample(at=AT, value=Decimal(12), location="Outlet")),
        (
            {"value": 1.2345, "unitOfMeasure": {"unit": "kWh"}},
            Sample(at=AT, value=Decimal("1234.5"), location="Outlet"),
        ),
        (
            {"value": 12.5, "unitOfMeasure": {"unit": "Wh", "multiplier": 2}},
            Sample(at=AT, value=Decimal(1250), location="Outlet"),
        ),
        (
            {"value": 12345, "unitOfMeasure": {"unit": "kWh", "multiplier": -3}},
            Sample(at=AT, value=Decimal(12345), location="Outlet"),
        ),
        ({"value": 7, "unitOfMeasure": {}}, Sample(at=AT, value=Decimal(7), location="Outlet")),
        (
            {"value": 50, "measurand": "Frequency", "unitOfMeasure": {"unit": "Hz"}},
            Sample(at=AT, value=Decimal(50), measurand="Frequency", unit="Hertz", location="Outlet"),
        ),
        (
            {"value": 16, "measurand": "Current.Import", "phase": "L2", "context": "Sample.Clock", "location": "Inlet"},
            Sample(at=AT, value=Decimal(16), measurand="Current.Import", unit="A", phase="L2", location="Inlet",
                   context="Sample.Clock"),
        ),
        (
            {"value": 5, "measurand": "Energy.Apparent.Import", "unitOfMeasure": {"unit": "kVAh"}},
            Sample(at=AT, value=Decimal(5000), measurand="Energy.Apparent.Import", unit="VAh", location="Outlet"),
        ),
        ({"value": 8500, "signedMeterValue": SIGNED}, Sample(at=AT, value=Decimal(8500), location="Outlet",
                                                             signed=SIGNED)),
        (
            {"value": 3, "measurand": "Voltage", "unitOfMeasure": {"unit": "furlong"}},
            Sample(at=AT, value=Decimal(3), measurand="Voltage", unit="furlong", location="Outlet"),
        ),
    ],
)  # fmt: skip
async def test_a_sampled_value_is_told_in_its_base_unit(play, sampled, wanted):
    await play.says("TransactionEvent", event(meterValue=[metered(sampled)]))

    assert play.told().samples == (wanted,)


@pytest.mark.parametrize(
    "sampled",
    [
        {"value": 1e300},
        {"value": 1, "unitOfMeasure": {"multiplier": 10**9}},
        {"value": 1, "unitOfMeasure": {"multiplier": -19}},
    ],
)
async def test_a_value_no_meter_counts_to_is_left_out_and_reported(play, sampled):
    await play.says("MeterValues", {"evseId": 1, "meterValue": [metered(sampled, {"value": 7})]})

    values, report = play.operator.events
    assert [each.value for each in values.samples] == [7]
    assert report.kind == "SamplesDropped"
    assert [each["sampledValue"] for each in report.payload["dropped"]] == [sampled]


async def test_meter_values_belong_to_no_transaction_and_evse_0_is_the_main_meter(play):
    assert await play.says("MeterValues", {"evseId": 0, "meterValue": [metered({"value": 1})]}) == {}

    assert play.told() == Metered(
        evse=EVSE(station_id="CS-1", evse_id=0), samples=(Sample(at=AT, value=Decimal(1), location="Outlet"),)
    )


async def test_a_status_is_told(play):
    await play.says(
        "StatusNotification",
        {"timestamp": AT_TEXT, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1},
    )

    assert play.told() == StatusChanged(
        evse=EVSE(station_id="CS-1", evse_id=2, connector_id=1), status="Occupied", at=AT
    )


def noticed(component, variable, value):
    return {
        "eventId": 1, "timestamp": AT_TEXT, "trigger": "Delta", "actualValue": value,
        "eventNotificationType": "HardWiredNotification", "component": component, "variable": {"name": variable},
    }  # fmt: skip


async def test_a_connectors_state_told_by_an_event_is_its_status(play):
    """G01: a station may send NotifyEvent where others send StatusNotification; stations of 2.1 do."""
    connector = {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}
    events = [
        noticed(connector, "AvailabilityState", "Faulted"),
        noticed(connector, "Problem", "true"),
        noticed(connector, "AvailabilityState", "Dancing"),
        noticed({"name": "EVSE", "evse": {"id": 2}}, "AvailabilityState", "Unavailable"),
        noticed({"name": "Connector", "evse": {"id": 2}}, "AvailabilityState", "Unavailable"),
    ]

    answer = await play.says("NotifyEvent", {"generatedAt": AT_TEXT, "seqNo": 0, "eventData": events})

    report, *statuses = play.operator.events
    assert answer == {}
    assert (report.kind, len(report.payload["eventData"])) == ("NotifyEvent", 5)
    assert statuses == [StatusChanged(evse=EVSE(station_id="CS-1", evse_id=2, connector_id=1), status="Faulted", at=AT)]


@pytest.mark.parametrize("status", ["Expired", "Removed"])
async def test_a_reservation_that_ended_is_told(play, status):
    await play.says("ReservationStatusUpdate", {"reservationId": 5, "reservationUpdateStatus": status})

    assert play.told() == ReservationChanged(station_id="CS-1", reservation_id=5, status=status)


async def test_a_vendors_message_may_hold_anything_both_ways(play):
    play.operator.data = DataAnswer(status="Accepted", data={"qr": [1]})

    answer = await play.says("DataTransfer", {"vendorId": "ACME", "messageId": "QR", "data": {"a": None}})

    assert answer == {"status": "Accepted", "data": {"qr": [1]}}
    assert play.told() == DataTransferred(station_id="CS-1", vendor_id="ACME", message_id="QR", data={"a": None})


@pytest.mark.parametrize(
    ("said", "kind"),
    [({}, "ChargingStationCertificate"), ({"certificateType": "V2GCertificate"}, "V2GCertificate")],
)
async def test_a_signing_request_is_handed_on_with_its_kind(play, said, kind):
    assert await play.says("SignCertificate", {"csr": "PEM", **said}) == {"status": "Accepted"}
    assert play.told() == ("CS-1", "PEM", kind)


EXI = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "AAAA"}


async def test_without_a_public_key_infrastructure_questions_about_certificates_fail_in_so_many_words(play):
    assert await play.says("Get15118EVCertificate", EXI) == {"status": "Failed", "exiResponse": ""}
    assert await play.says("GetCertificateStatus", {"ocspRequestData": HASH}) == {"status": "Failed"}
    assert [each.kind for each in play.operator.events] == ["Get15118EVCertificate", "GetCertificateStatus"]


async def test_with_one_they_are_answered_by_it():
    class Infrastructure:
        async def ev_certificate(self, station_id, request):
            return f"{station_id}:{request['exiRequest']}"

        async def certificate_status(self, request):
            return f"OCSP:{request['serialNumber']}"

    play = Play("2.0.1")
    play.dialect = Dialect201(play.operator, certificates=Infrastructure())

    certificate = await play.says("Get15118EVCertificate", EXI)
    status = await play.says("GetCertificateStatus", {"ocspRequestData": HASH})

    assert certificate == {"status": "Accepted", "exiResponse": "CS-1:AAAA"}
    assert status == {"status": "Accepted", "ocspResult": "OCSP:1"}


SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}


async def test_what_a_car_needs_is_answered_as_the_operator_says():
    """K15: Accepted, if a profile follows; Rejected, if the schedule is above its limits."""
    play = Play("2.0.1")
    play.operator.needs, play.operator.signs = "Accepted", False

    needs = await play.says("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}})
    chosen = await play.says(
        "NotifyEVChargingSchedule", {"evseId": 1, "timeBase": AT_TEXT, "chargingSchedule": SCHEDULE}
    )

    assert (needs, chosen) == ({"status": "Accepted"}, {"status": "Rejected"})


@pytest.mark.parametrize(
    ("action", "payload", "answer", "at"),
    [
        ("ClearedChargingLimit", {"chargingLimitSource": "SO"}, {}, NOW),
        ("FirmwareStatusNotification", {"status": "Installed", "requestId": 1}, {}, NOW),
        ("LogStatusNotification", {"status": "Uploading"}, {}, NOW),
        ("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}}, {}, NOW),
        ("NotifyCustomerInformation",
         {"data": "x", "seqNo": 0, "generatedAt": AT_TEXT, "requestId": 1}, {}, AT),
        ("NotifyDisplayMessages", {"requestId": 1}, {}, NOW),
        ("NotifyEVChargingNeeds",
         {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}}, {"status": "Processing"}, NOW),
        ("NotifyEVChargingSchedule",
         {"evseId": 1, "timeBase": AT_TEXT, "chargingSchedule": SCHEDULE}, {"status": "Accepted"}, NOW),
        ("NotifyEvent",
         {"generatedAt": AT_TEXT, "seqNo": 0,
          "eventData": [{"eventId": 1, "timestamp": AT_TEXT, "trigger": "Alerting", "actualValue": "true",
                         "eventNotificationType": "HardWiredMonitor", **COMPONENT}]}, {}, AT),
        ("NotifyMonitoringReport", {"requestId": 1, "seqNo": 0, "generatedAt": AT_TEXT}, {}, AT),
        ("NotifyReport", {"requestId": 1, "seqNo": 0, "generatedAt": AT_TEXT}, {}, AT),
        ("PublishFirmwareStatusNotification", {"status": "Published", "location": ["https://fw/"]}, {}, NOW),
        ("ReportChargingProfiles",
         {"requestId": 1, "chargingLimitSource": "CSO", "evseId": 1,
          "chargingProfile": [{"id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile",
                               "chargingProfileKind": "Absolute", "chargingSchedule": [SCHEDULE]}]}, {}, NOW),
        ("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": AT_TEXT}, {}, AT),
    ],
)  # fmt: skip
async def test_what_is_only_reported_is_told_as_it_came(action, payload, answer, at):
    play = Play("2.0.1")

    assert await play.says(action, payload) == answer
    assert play.told() == Reported(station_id="CS-1", kind=action, payload=payload, at=at)
