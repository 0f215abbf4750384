"""What 2.1 has beyond 2.0.1."""

import pytest

from hub.ocpp.events import Reported, ReservationChanged
from tests.ocpp.dialects.playing import NOW, NOW_TEXT, Play

HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}


@pytest.fixture
def play():
    return Play("2.1")


async def test_what_a_transaction_of_2_1_tells_beyond_2_0_1_is_kept(play):
    await play.says(
        "TransactionEvent",
        {
            "eventType": "Updated", "timestamp": NOW_TEXT, "triggerReason": "OperationModeChanged", "seqNo": 3,
            "evseSleep": True,
            "transactionInfo": {
                "transactionId": "TX", "operationMode": "ChargingOnly", "transactionLimit": {"maxEnergy": 5.0},
            },
        },
    )  # fmt: skip

    assert play.told().trigger == "OperationModeChanged"
    assert play.told().extra == {
        "evseSleep": True, "operationMode": "ChargingOnly", "transactionLimit": {"maxEnergy": 5.0},
    }  # fmt: skip


async def test_a_reservation_used_without_a_transaction_is_told(play):
    await play.says("ReservationStatusUpdate", {"reservationId": 5, "reservationUpdateStatus": "NoTransaction"})

    assert play.told() == ReservationChanged(station_id="CS-1", reservation_id=5, status="NoTransaction")


async def test_the_status_of_certificates_could_not_be_found_out(play):
    asked = [{"certificateHashData": HASH, "source": "OCSP", "urls": ["http://ocsp.example.net"]}]

    answer = await play.says("GetCertificateChainStatus", {"certificateStatusRequests": asked})

    assert answer["certificateStatus"] == [
        {"certificateHashData": HASH, "source": "OCSP", "status": "Failed", "nextUpdate": NOW_TEXT}
    ]


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("NotifyPriorityCharging", {"transactionId": "TX", "activated": True}, {}),
        ("NotifySettlement",
         {"pspRef": "P", "status": "Settled", "settlementAmount": 4.2, "settlementTime": NOW_TEXT}, {}),
        ("NotifyDERAlarm", {"controlType": "VoltVar", "timestamp": NOW_TEXT}, {}),
        ("NotifyPeriodicEventStream",
         {"id": 1, "pending": 0, "basetime": NOW_TEXT, "data": [{"t": 0.0, "v": "1"}]}, {}),
        ("PullDynamicScheduleUpdate", {"chargingProfileId": 1}, {"status": "Rejected"}),
        ("OpenPeriodicEventStream",
         {"constantStreamData": {"id": 1, "variableMonitoringId": 1, "params": {}}}, {"status": "Accepted"}),
        ("ClosePeriodicEventStream", {"id": 1}, {}),
        ("VatNumberValidation", {"vatNumber": "DE1"}, {"status": "Rejected", "vatNumber": "DE1"}),
    ],
)  # fmt: skip
async def test_what_2_1_adds_is_told_and_answered(play, action, payload, answer):
    assert await play.says(action, payload) == answer
    assert play.told() == Reported(station_id="CS-1", kind=action, payload=payload, at=NOW)


async def test_what_2_1_adds_can_be_sent(play):
    commands, link = play.commands()

    answer = await commands.send("UsePriorityCharging", {"transactionId": "TX", "activate": True})

    assert answer.accepted
    assert link.sent == [("UsePriorityCharging", {"transactionId": "TX", "activate": True})]
