"""What stations of 1.6 are told, order by order as the frame that leaves; and what becomes of their answers."""

import datetime
from decimal import Decimal

import pytest

from hub.ocpp.events import (
    EVSE,
    Answer,
    CallRefused,
    ChargerOffline,
    ChargingProfile,
    DataAnswer,
    IdToken,
    InvalidCommand,
    NotSpoken,
    SchedulePeriod,
    TokenInfo,
    Variable,
    id_tag,
)
from tests.ocpp.dialects.census import ORDERED
from tests.ocpp.dialects.playing import NOW, NOW_TEXT, Play

CARD = IdToken(id_token="04A2")
LATER = NOW + datetime.timedelta(hours=1)
LATER_TEXT = "2026-01-01T13:00:00.000Z"
EVSE_2 = EVSE(station_id="CS-1", evse_id=2, connector_id=1)
STATION = EVSE(station_id="CS-1", evse_id=0)
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
LIMIT = ChargingProfile(
    id=3, stack_level=1, purpose="TxProfile", kind="Absolute", unit="A", transaction_id="4711", start_at=NOW,
    duration=3600, min_charging_rate=Decimal("6.05"), valid_from=NOW, valid_to=LATER, recurrency="Daily",
    periods=(SchedulePeriod(start=0, limit=Decimal("15.99"), phases=3), SchedulePeriod(start=600, limit=Decimal(6))),
)  # fmt: skip
LIMIT_WRITTEN = {
    "chargingProfileId": 3, "transactionId": 4711, "stackLevel": 1, "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute", "recurrencyKind": "Daily", "validFrom": NOW_TEXT, "validTo": LATER_TEXT,
    "chargingSchedule": {
        "duration": 3600, "startSchedule": NOW_TEXT, "chargingRateUnit": "A", "minChargingRate": 6.0,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 15.9, "numberPhases": 3}, {"startPeriod": 600, "limit": 6.0},
        ],
    },
}  # fmt: skip
ROOF = ChargingProfile(
    id=1, stack_level=0, purpose="ChargingStationMaxProfile", kind="Relative", unit="W",
    periods=(SchedulePeriod(start=0, limit=Decimal(11000)),),
)  # fmt: skip

#: (the call of a method, the action, the payload that leaves)
ORDERS = [
    (
        lambda to: to.remote_start(id_token=CARD, remote_start_id=9, evse=EVSE_2, group_id_token="G"),
        "RemoteStartTransaction", {"idTag": "04A2", "connectorId": 2},
    ),
    (
        lambda to: to.remote_start(id_token=CARD, remote_start_id=9, evse=STATION, profile=LIMIT),
        "RemoteStartTransaction", {"idTag": "04A2", "chargingProfile": LIMIT_WRITTEN},
    ),
    (lambda to: to.remote_stop("4711"), "RemoteStopTransaction", {"transactionId": 4711}),
    (lambda to: to.unlock(EVSE_2), "UnlockConnector", {"connectorId": 2}),
    (lambda to: to.reset(immediate=True), "Reset", {"type": "Hard"}),
    (lambda to: to.reset(immediate=False), "Reset", {"type": "Soft"}),
    (
        lambda to: to.change_availability(EVSE_2, operative=False),
        "ChangeAvailability", {"connectorId": 2, "type": "Inoperative"},
    ),
    (
        lambda to: to.change_availability(STATION, operative=True),
        "ChangeAvailability", {"connectorId": 0, "type": "Operative"},
    ),
    (
        lambda to: to.reserve_now(
            reservation_id=5, evse=EVSE_2, id_token=CARD, expires_at=LATER, group_id_token="FLEET"
        ),
        "ReserveNow",
        {"connectorId": 2, "expiryDate": LATER_TEXT, "idTag": "04A2", "parentIdTag": "FLEET", "reservationId": 5},
    ),
    (
        lambda to: to.reserve_now(reservation_id=5, evse=None, id_token=CARD, expires_at=LATER),
        "ReserveNow", {"connectorId": 0, "expiryDate": LATER_TEXT, "idTag": "04A2", "reservationId": 5},
    ),
    (lambda to: to.cancel_reservation(5), "CancelReservation", {"reservationId": 5}),
    (
        lambda to: to.set_charging_profile(EVSE_2, LIMIT),
        "SetChargingProfile", {"connectorId": 2, "csChargingProfiles": LIMIT_WRITTEN},
    ),
    (
        lambda to: to.set_charging_profile(STATION, ROOF),
        "SetChargingProfile",
        {"connectorId": 0, "csChargingProfiles": {
            "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "ChargePointMaxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000.0}],
            },
        }},
    ),
    (lambda to: to.clear_charging_profile(profile_id=3), "ClearChargingProfile", {"id": 3}),
    (
        lambda to: to.clear_charging_profile(evse=STATION, purpose="ChargingStationMaxProfile", stack_level=0),
        "ClearChargingProfile",
        {"connectorId": 0, "chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 0},
    ),
    (
        lambda to: to.composite_schedule(EVSE_2, duration=600, unit="A"),
        "GetCompositeSchedule", {"connectorId": 2, "duration": 600, "chargingRateUnit": "A"},
    ),
    (
        lambda to: to.send_local_list(version=4, entries=[(CARD, TokenInfo(status="NoCredit"))], full=True),
        "SendLocalList",
        {"listVersion": 4, "updateType": "Full",
         "localAuthorizationList": [{"idTag": "04A2", "idTagInfo": {"status": "Blocked"}}]},
    ),
    (
        lambda to: to.send_local_list(version=4, entries=[(CARD, None)], full=False),
        "SendLocalList",
        {"listVersion": 4, "updateType": "Differential", "localAuthorizationList": [{"idTag": "04A2"}]},
    ),
    (
        lambda to: to.send_local_list(version=1, entries=[], full=True),
        "SendLocalList", {"listVersion": 1, "updateType": "Full"},
    ),
    (lambda to: to.clear_cache(), "ClearCache", {}),
    (
        lambda to: to.trigger("MeterValues", EVSE_2),
        "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2},
    ),
    (
        lambda to: to.trigger("TransactionEvent", EVSE_2),
        "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2},
    ),
    (lambda to: to.trigger("Heartbeat", STATION), "TriggerMessage", {"requestedMessage": "Heartbeat"}),
    (
        lambda to: to.trigger("SignChargingStationCertificate"),
        "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"},
    ),
    (
        lambda to: to.trigger("LogStatusNotification"),
        "ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"},
    ),
    (
        lambda to: to.update_firmware(location="https://fw/1", retrieve_at=NOW, request_id=8, retries=2),
        "UpdateFirmware", {"location": "https://fw/1", "retrieveDate": NOW_TEXT, "retries": 2},
    ),
    (
        lambda to: to.update_firmware(
            location="https://fw/1", retrieve_at=NOW, request_id=8, signing_certificate="PEM", signature="SIG"
        ),
        "SignedUpdateFirmware",
        {"requestId": 8, "firmware": {"location": "https://fw/1", "retrieveDateTime": NOW_TEXT,
                                      "signingCertificate": "PEM", "signature": "SIG"}},
    ),
    (
        lambda to: to.get_log(kind="SecurityLog", location="https://l/", request_id=8, oldest_at=NOW, latest_at=LATER),
        "GetLog",
        {"logType": "SecurityLog", "requestId": 8,
         "log": {"remoteLocation": "https://l/", "oldestTimestamp": NOW_TEXT, "latestTimestamp": LATER_TEXT}},
    ),
    (
        lambda to: to.install_certificate("CSMSRootCertificate", "PEM"),
        "InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"},
    ),
    (
        lambda to: to.certificate_signed("PEM", "ChargingStationCertificate"),
        "CertificateSigned", {"certificateChain": "PEM"},
    ),
    (lambda to: to.delete_certificate(HASH), "DeleteCertificate", {"certificateHashData": HASH}),
    (
        lambda to: to.data_transfer("ACME", "QR", {"a": 1}),
        "DataTransfer", {"vendorId": "ACME", "messageId": "QR", "data": '{"a": 1}'},
    ),
    (lambda to: to.set_variables([Variable(name="K", value="1")]), "ChangeConfiguration", {"key": "K", "value": "1"}),
]  # fmt: skip


@pytest.fixture
def play():
    return Play("1.6")


@pytest.mark.parametrize(("order", "action", "payload"), ORDERS)
async def test_an_order_leaves_as_this_frame(play, order, action, payload):
    commands, link = play.commands()

    await order(commands)

    assert link.sent == [(action, payload)]


async def test_every_message_1_6_has_for_stations_is_sent_by_some_method(play):
    sent = {action for _, action, _ in ORDERS}
    by_answers = {"GetConfiguration", "GetLocalListVersion", "GetDiagnostics", "GetInstalledCertificateIds"}  # below

    assert sent | by_answers == ORDERED["1.6"]


@pytest.mark.parametrize(
    ("order", "action", "status", "accepted"),
    [
        (lambda to: to.unlock(EVSE_2), "UnlockConnector", "Unlocked", True),
        (lambda to: to.unlock(EVSE_2), "UnlockConnector", "UnlockFailed", False),
        (lambda to: to.change_availability(EVSE_2, operative=True), "ChangeAvailability", "Scheduled", True),
        (lambda to: to.cancel_reservation(1), "CancelReservation", "Rejected", False),
        (lambda to: to.clear_charging_profile(), "ClearChargingProfile", "Unknown", False),
    ],
)
async def test_a_stations_answer_keeps_its_word(play, order, action, status, accepted):
    commands, _ = play.commands(**{action: {"status": status}})

    answer = await order(commands)

    assert answer == Answer(status=status, payload={"status": status})
    assert answer.accepted is accepted


async def test_an_answer_without_a_status_is_accepted(play):
    commands, _ = play.commands(UpdateFirmware={})

    answer = await commands.update_firmware(location="https://fw/1", retrieve_at=NOW, request_id=8)

    assert answer == Answer(status="Accepted", payload={})


@pytest.mark.parametrize(
    "order",
    [
        lambda to: to.transaction_status("1"),
        lambda to: to.cost_updated("1", Decimal(1)),
        lambda to: to.set_display_message({}),
        lambda to: to.clear_display_message(1),
        lambda to: to.collect("GetBaseReport", {}),
        lambda to: to.reset(immediate=True, evse_id=1),
        lambda to: to.install_certificate("V2GRootCertificate", "PEM"),
        lambda to: to.installed_certificates(["V2GRootCertificate"]),
        lambda to: to.certificate_signed("PEM", "V2GCertificate"),
        lambda to: to.clear_charging_profile(purpose="ChargingStationExternalConstraints"),
        lambda to: to.send("GetTransactionStatus", {}),
    ],
)
async def test_what_1_6_has_no_message_for_is_not_spoken(play, order):
    commands, link = play.commands()

    with pytest.raises(NotSpoken):
        await order(commands)

    assert link.sent == []


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        (lambda to: to.remote_stop("TX-A"), "have numbers"),
        (lambda to: to.trigger("Unheard"), r"TriggerMessage: \$\.requestedMessage"),
        (lambda to: to.set_variables([Variable(name="K" * 51, value="1")]), r"ChangeConfiguration: \$\.key"),
        (lambda to: to.send_local_list(version=4, entries=[(CARD, None)], full=True), "full list"),
        (
            lambda to: to.update_firmware(location="https://x/", retrieve_at=NOW, request_id=1, signature="S"),
            "signingCertificate",
        ),
        (lambda to: to.data_transfer("V" * 256), r"\$\.vendorId"),
    ],
)
async def test_what_is_not_valid_does_not_leave(play, order, rule):
    commands, link = play.commands()

    with pytest.raises(InvalidCommand, match=rule):
        await order(commands)

    assert link.sent == []


async def test_why_a_station_cannot_be_reached_is_passed_on(play):
    commands, _ = play.commands(Reset=ChargerOffline("CS-1 is not connected"))

    with pytest.raises(ChargerOffline):
        await commands.reset(immediate=True)


async def test_a_token_too_long_for_1_6_goes_out_and_comes_back_as_its_tag(play):
    app = IdToken(id_token="5f0f1f5e-9c6c-4a53-9d3a-0f4c1d7c2b11", type="Central")
    commands, link = play.commands()

    await commands.remote_start(id_token=app, remote_start_id=1, evse=EVSE_2)
    (_, sent), = link.sent  # fmt: skip
    await play.says(
        "StartTransaction", {"connectorId": 2, "idTag": sent["idTag"], "meterStart": 0, "timestamp": NOW_TEXT}
    )

    assert play.told().id_token.id_token == id_tag(app.id_token)


async def test_a_composite_schedule_is_told_in_words_both_versions_share(play):
    commands, _ = play.commands(
        GetCompositeSchedule={
            "status": "Accepted", "connectorId": 2, "scheduleStart": NOW_TEXT,
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0, "numberPhases": 3}],
            },
        },
    )  # fmt: skip

    answer = await commands.composite_schedule(EVSE_2, duration=600)

    assert answer.payload["schedule"] == {
        "start_at": NOW_TEXT, "duration": 600, "unit": "A", "periods": [{"start": 0, "limit": 16.0, "phases": 3}],
    }  # fmt: skip


async def test_a_refused_composite_schedule_has_none(play):
    commands, _ = play.commands(GetCompositeSchedule={"status": "Rejected"})

    answer = await commands.composite_schedule(EVSE_2, duration=600)

    assert answer == Answer(status="Rejected", payload={"status": "Rejected"})


async def test_a_vendors_answer_is_returned(play):
    commands, _ = play.commands(DataTransfer={"status": "UnknownMessageId", "data": "?"})

    assert await commands.data_transfer("ACME") == DataAnswer(status="UnknownMessageId", data="?")


# -- settings ----------------------------------------------------------------------------------------


class Configured:
    """A station's configuration, which refuses to be asked for more keys than it says."""

    def __init__(self, keys, most):
        self.keys = keys | ({"GetConfigurationMaxKeys": str(most)} if most else {})
        self.most = most

    def get(self, payload):
        wanted = payload.get("key", list(self.keys))
        assert not self.most or "key" not in payload or len(wanted) <= self.most
        known = [{"key": key, "readonly": key == "RO", "value": self.keys[key]} for key in wanted if key in self.keys]
        return {"configurationKey": known, "unknownKey": [key for key in wanted if key not in self.keys]}


async def test_all_keys_are_returned_if_none_is_named(play):
    commands, link = play.commands(GetConfiguration=Configured({"A": "1", "RO": "2"}, None).get)

    variables = await commands.get_variables()

    assert variables == [Variable(name="A", value="1"), Variable(name="RO", value="2", readonly=True)]
    assert link.sent == [("GetConfiguration", {})]


async def test_keys_are_asked_for_by_as_many_as_the_station_takes(play):
    station = Configured({f"K{n}": str(n) for n in range(7)}, 3)
    commands, link = play.commands(GetConfiguration=station.get)
    wanted = [Variable(name=f"K{n}") for n in range(7)] + [Variable(name="Unheard")]

    variables = await commands.get_variables(wanted)
    await commands.get_variables(wanted[:2])

    assert [each.value for each in variables] == ["0", "1", "2", "3", "4", "5", "6", None]
    assert [each.status for each in variables] == ["Accepted"] * 7 + ["UnknownVariable"]
    asked = [payload["key"] for _, payload in link.sent]
    assert [len(each) for each in asked] == [1, 3, 3, 2, 2]
    assert asked[0] == ["GetConfigurationMaxKeys"]


async def test_keys_are_asked_for_at_once_if_the_station_names_no_limit(play):
    commands, link = play.commands(GetConfiguration=Configured({"A": "1", "B": "2"}, None).get)

    await commands.get_variables([Variable(name="A"), Variable(name="b")])

    assert link.sent[-1] == ("GetConfiguration", {"key": ["A", "b"]})


@pytest.mark.parametrize(
    ("told", "status"),
    [("Accepted", "Accepted"), ("RebootRequired", "RebootRequired"), ("NotSupported", "UnknownVariable")],
)
async def test_a_changed_key_says_what_became_of_it(play, told, status):
    commands, _ = play.commands(ChangeConfiguration={"status": told})

    changed = await commands.set_variables([Variable(name="A", value="1"), Variable(name="B")])

    assert changed == [Variable(name="A", value="1", status=status), Variable(name="B", status=status)]


# -- local lists -------------------------------------------------------------------------------------


def cards(count):
    return [(IdToken(id_token=f"C{n}"), TokenInfo(status="Accepted")) for n in range(count)]


async def test_a_long_list_goes_out_in_messages_of_rising_versions_the_last_of_which_is_meant(play):
    station = Configured({"SendLocalListMaxLength": "2"}, None)
    commands, link = play.commands(GetConfiguration=station.get)

    answer = await commands.send_local_list(version=10, entries=cards(5), full=True)

    sent = [payload for action, payload in link.sent if action == "SendLocalList"]
    assert answer.accepted
    assert [(each["listVersion"], each["updateType"]) for each in sent] == [
        (8, "Full"), (9, "Differential"), (10, "Differential"),
    ]  # fmt: skip
    assert [entry["idTag"] for each in sent for entry in each["localAuthorizationList"]] == [f"C{n}" for n in range(5)]


async def test_a_list_the_station_refuses_goes_no_further(play):
    station = Configured({"SendLocalListMaxLength": "2"}, None)
    commands, link = play.commands(GetConfiguration=station.get, SendLocalList={"status": "VersionMismatch"})

    answer = await commands.send_local_list(version=10, entries=cards(5), full=False)

    assert answer.status == "VersionMismatch"
    assert [action for action, _ in link.sent] == ["GetConfiguration", "SendLocalList"]


async def test_a_list_with_more_messages_than_versions_does_not_leave(play):
    station = Configured({"SendLocalListMaxLength": "2"}, None)
    commands, link = play.commands(GetConfiguration=station.get)

    with pytest.raises(InvalidCommand, match="3 messages"):
        await commands.send_local_list(version=2, entries=cards(5), full=True)

    assert [action for action, _ in link.sent] == ["GetConfiguration"]


async def test_the_version_of_the_list_is_told(play):
    commands, _ = play.commands(GetLocalListVersion={"listVersion": -1})

    assert await commands.local_list_version() == -1


# -- logs and certificates ---------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
@pytest.mark.parametrize(("told", "status"), [({"fileName": "diag.zip"}, "Accepted"), ({}, "Rejected")])
async def test_a_station_without_getlog_is_asked_for_its_diagnostics(play, code, told, status):
    commands, link = play.commands(GetLog=CallRefused(code), GetDiagnostics=lambda payload: told)

    answer = await commands.get_log(kind="DiagnosticsLog", location="https://l/", request_id=1, oldest_at=NOW)

    assert answer == Answer(status=status, payload=told)
    assert link.sent[1] == ("GetDiagnostics", {"location": "https://l/", "startTime": NOW_TEXT})


@pytest.mark.parametrize(("kind", "code"), [("SecurityLog", "NotImplemented"), ("DiagnosticsLog", "InternalError")])
async def test_diagnostics_are_no_security_log_and_no_way_round_an_error(play, kind, code):
    commands, link = play.commands(GetLog=CallRefused(code))

    with pytest.raises(CallRefused):
        await commands.get_log(kind=kind, location="https://l/", request_id=1)

    assert len(link.sent) == 1


async def test_installed_certificates_are_asked_for_kind_by_kind_and_told_as_in_2_0_1(play):
    def told(payload):
        found = payload["certificateType"] == "ManufacturerRootCertificate"
        return {"status": "Accepted", "certificateHashData": [HASH]} if found else {"status": "NotFound"}

    commands, link = play.commands(GetInstalledCertificateIds=told)

    answer = await commands.installed_certificates()
    none = await commands.installed_certificates(["CSMSRootCertificate"])

    assert answer.payload == {
        "status": "Accepted",
        "certificateHashDataChain": [{"certificateType": "ManufacturerRootCertificate", "certificateHashData": HASH}],
    }
    assert none == Answer(status="NotFound", payload={"status": "NotFound"})
    assert len(link.sent) == 3
