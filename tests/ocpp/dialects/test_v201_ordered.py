"""What stations of 2.0.1 are told, order by order as the frame that leaves; and what becomes of their answers."""

import datetime
from decimal import Decimal

import pytest

from hub.ocpp.events import (
    EVSE,
    Answer,
    ChargingProfile,
    DataAnswer,
    IdToken,
    InvalidCommand,
    NotSpoken,
    SchedulePeriod,
    TokenInfo,
    Variable,
)
from tests.ocpp.dialects.playing import NOW, NOW_TEXT, Play

CARD = IdToken(id_token="04A2", additional=(("Z", "PIN"),))
CARD_WRITTEN = {
    "idToken": "04A2", "type": "ISO14443", "additionalInfo": [{"additionalIdToken": "Z", "type": "PIN"}],
}  # fmt: skip
GROUP_WRITTEN = {"idToken": "FLEET", "type": "Central"}
LATER = NOW + datetime.timedelta(hours=1)
LATER_TEXT = "2026-01-01T13:00:00.000Z"
EVSE_2 = EVSE(station_id="CS-1", evse_id=2, connector_id=1)
ANY_OF_2 = EVSE(station_id="CS-1", evse_id=2)
STATION = EVSE(station_id="CS-1", evse_id=0)
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
MESSAGE = {"id": 1, "priority": "InFront", "message": {"format": "UTF8", "content": "Hello"}}
LIMIT = ChargingProfile(
    id=3, stack_level=1, purpose="TxProfile", kind="Absolute", unit="A", transaction_id="TX-A", start_at=NOW,
    duration=3600, min_charging_rate=Decimal("6.05"), valid_from=NOW, valid_to=LATER, recurrency="Daily",
    periods=(SchedulePeriod(start=0, limit=Decimal("15.99"), phases=3), SchedulePeriod(start=600, limit=Decimal(6))),
)  # fmt: skip
LIMIT_WRITTEN = {
    "id": 3, "transactionId": "TX-A", "stackLevel": 1, "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute", "recurrencyKind": "Daily", "validFrom": NOW_TEXT, "validTo": LATER_TEXT,
    "chargingSchedule": [{
        "id": 3, "duration": 3600, "startSchedule": NOW_TEXT, "chargingRateUnit": "A", "minChargingRate": 6.0,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 15.9, "numberPhases": 3}, {"startPeriod": 600, "limit": 6.0},
        ],
    }],
}  # fmt: skip

ORDERS = [
    (
        lambda to: to.remote_start(id_token=CARD, remote_start_id=9, evse=EVSE_2, group_id_token="FLEET",
                                   profile=LIMIT),
        "RequestStartTransaction",
        {"idToken": CARD_WRITTEN, "remoteStartId": 9, "evseId": 2, "groupIdToken": GROUP_WRITTEN,
         "chargingProfile": LIMIT_WRITTEN},
    ),
    (
        lambda to: to.remote_start(id_token=CARD, remote_start_id=9, evse=STATION),
        "RequestStartTransaction", {"idToken": CARD_WRITTEN, "remoteStartId": 9},
    ),
    (lambda to: to.remote_stop("TX-A"), "RequestStopTransaction", {"transactionId": "TX-A"}),
    (
        lambda to: to.cost_updated("TX-A", Decimal("4.20")),
        "CostUpdated", {"transactionId": "TX-A", "totalCost": 4.2},
    ),
    (lambda to: to.unlock(EVSE_2), "UnlockConnector", {"evseId": 2, "connectorId": 1}),
    (lambda to: to.unlock(ANY_OF_2), "UnlockConnector", {"evseId": 2, "connectorId": 1}),
    (lambda to: to.reset(immediate=True), "Reset", {"type": "Immediate"}),
    (lambda to: to.reset(immediate=False, evse_id=2), "Reset", {"type": "OnIdle", "evseId": 2}),
    (
        lambda to: to.change_availability(EVSE_2, operative=False),
        "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2, "connectorId": 1}},
    ),
    (
        lambda to: to.change_availability(ANY_OF_2, operative=True),
        "ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 2}},
    ),
    (
        lambda to: to.change_availability(STATION, operative=True),
        "ChangeAvailability", {"operationalStatus": "Operative"},
    ),
    (
        lambda to: to.reserve_now(reservation_id=5, evse=EVSE_2, id_token=CARD, expires_at=LATER,
                                  group_id_token="FLEET"),
        "ReserveNow",
        {"id": 5, "expiryDateTime": LATER_TEXT, "idToken": CARD_WRITTEN, "evseId": 2, "groupIdToken": GROUP_WRITTEN},
    ),
    (
        lambda to: to.reserve_now(reservation_id=5, evse=None, id_token=CARD, expires_at=LATER),
        "ReserveNow", {"id": 5, "expiryDateTime": LATER_TEXT, "idToken": CARD_WRITTEN},
    ),
    (lambda to: to.cancel_reservation(5), "CancelReservation", {"reservationId": 5}),
    (
        lambda to: to.set_charging_profile(EVSE_2, LIMIT),
        "SetChargingProfile", {"evseId": 2, "chargingProfile": LIMIT_WRITTEN},
    ),
    (lambda to: to.clear_charging_profile(profile_id=3), "ClearChargingProfile", {"chargingProfileId": 3}),
    (
        lambda to: to.clear_charging_profile(evse=STATION, purpose="ChargingStationMaxProfile", stack_level=0),
        "ClearChargingProfile",
        {"chargingProfileCriteria": {"evseId": 0, "chargingProfilePurpose": "ChargingStationMaxProfile",
                                     "stackLevel": 0}},
    ),
    (lambda to: to.clear_charging_profile(), "ClearChargingProfile", {}),
    (
        lambda to: to.composite_schedule(EVSE_2, duration=600, unit="A"),
        "GetCompositeSchedule", {"evseId": 2, "duration": 600, "chargingRateUnit": "A"},
    ),
    (
        lambda to: to.send_local_list(version=4, full=True,
                                      entries=[(CARD, TokenInfo(status="NoCredit", group_id_token="FLEET"))]),
        "SendLocalList",
        {"versionNumber": 4, "updateType": "Full",
         "localAuthorizationList": [
             {"idToken": CARD_WRITTEN, "idTokenInfo": {"status": "NoCredit", "groupIdToken": GROUP_WRITTEN}},
         ]},
    ),
    (
        lambda to: to.send_local_list(version=4, entries=[(CARD, None)], full=False),
        "SendLocalList",
        {"versionNumber": 4, "updateType": "Differential", "localAuthorizationList": [{"idToken": CARD_WRITTEN}]},
    ),
    (
        lambda to: to.send_local_list(version=1, entries=[], full=True),
        "SendLocalList", {"versionNumber": 1, "updateType": "Full"},
    ),
    (lambda to: to.clear_cache(), "ClearCache", {}),
    (
        lambda to: to.trigger("TransactionEvent", ANY_OF_2),
        "TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 2}},
    ),
    (
        lambda to: to.trigger("StatusNotification", ANY_OF_2),
        "TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}},
    ),
    (
        lambda to: to.trigger("SignChargingStationCertificate"),
        "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"},
    ),
    (
        lambda to: to.update_firmware(location="https://fw/1", retrieve_at=NOW, request_id=8, retries=2,
                                      signing_certificate="PEM", signature="SIG"),
        "UpdateFirmware",
        {"requestId": 8, "retries": 2,
         "firmware": {"location": "https://fw/1", "retrieveDateTime": NOW_TEXT, "signingCertificate": "PEM",
                      "signature": "SIG"}},
    ),
    (
        lambda to: to.get_log(kind="SecurityLog", location="https://l/", request_id=8, oldest_at=NOW, latest_at=LATER),
        "GetLog",
        {"logType": "SecurityLog", "requestId": 8,
         "log": {"remoteLocation": "https://l/", "oldestTimestamp": NOW_TEXT, "latestTimestamp": LATER_TEXT}},
    ),
    (
        lambda to: to.install_certificate("V2GRootCertificate", "PEM"),
        "InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": "PEM"},
    ),
    (
        lambda to: to.certificate_signed("PEM", "V2GCertificate"),
        "CertificateSigned", {"certificateChain": "PEM", "certificateType": "V2GCertificate"},
    ),
    (lambda to: to.installed_certificates(), "GetInstalledCertificateIds", {}),
    (
        lambda to: to.installed_certificates(["CSMSRootCertificate"]),
        "GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]},
    ),
    (lambda to: to.delete_certificate(HASH), "DeleteCertificate", {"certificateHashData": HASH}),
    (lambda to: to.set_display_message(MESSAGE), "SetDisplayMessage", {"message": MESSAGE}),
    (lambda to: to.clear_display_message(1), "ClearDisplayMessage", {"id": 1}),
    (
        lambda to: to.data_transfer("ACME", "QR", {"a": 1}),
        "DataTransfer", {"vendorId": "ACME", "messageId": "QR", "data": {"a": 1}},
    ),
]  # fmt: skip


@pytest.fixture(params=["2.0.1", "2.1"])
def play(request):
    """2.1 is told all of this as 2.0.1 is."""
    return Play(request.param)


@pytest.mark.parametrize(("order", "action", "payload"), ORDERS)
async def test_an_order_leaves_as_this_frame(play, order, action, payload):
    commands, link = play.commands()

    await order(commands)

    assert link.sent == [(action, payload)]


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        (lambda to: to.remote_stop("T" * 37), r"RequestStopTransaction: \$\.transactionId"),
        (lambda to: to.install_certificate("NoRoot", "PEM"), r"InstallCertificate: \$\.certificateType"),
        (lambda to: to.send_local_list(version=4, entries=[(CARD, None)], full=True), "full list"),
        (lambda to: to.set_display_message({"id": 1}), r"SetDisplayMessage: \$\.message"),
        (lambda to: to.trigger("Unheard"), r"TriggerMessage: \$\.requestedMessage"),
    ],
)
async def test_what_is_not_valid_does_not_leave(play, order, rule):
    commands, link = play.commands()

    with pytest.raises(InvalidCommand, match=rule):
        await order(commands)

    assert link.sent == []


async def test_the_version_of_the_commands_is_the_stations(play):
    commands, _ = play.commands()

    assert commands.version == play.version


async def test_what_only_1_6_has_is_not_spoken(play):
    commands, _ = play.commands()

    with pytest.raises(NotSpoken):
        await commands.send("RemoteStartTransaction", {"idTag": "A"})


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"ongoingIndicator": True, "messagesInQueue": True}, "Ongoing"),
        ({"ongoingIndicator": False, "messagesInQueue": False}, "Ended"),
        ({"messagesInQueue": True}, "Unknown"),
    ],
)
async def test_a_transactions_status_is_one_word(play, told, status):
    commands, link = play.commands(GetTransactionStatus=told)

    assert await commands.transaction_status("TX-A") == Answer(status=status, payload=told)
    assert link.sent == [("GetTransactionStatus", {"transactionId": "TX-A"})]


async def test_a_composite_schedule_is_told_in_words_both_versions_share(play):
    period = {"startPeriod": 0, "limit": 16.0, "numberPhases": 3}
    commands, _ = play.commands(
        GetCompositeSchedule={
            "status": "Accepted",
            "schedule": {
                "evseId": 2, "duration": 600, "scheduleStart": NOW_TEXT, "chargingRateUnit": "A",
                "chargingSchedulePeriod": [period],
            },
        },
    )  # fmt: skip

    answer = await commands.composite_schedule(EVSE_2, duration=600)

    assert answer.payload["schedule"] == {
        "start_at": NOW_TEXT, "duration": 600, "unit": "A", "periods": [{"start": 0, "limit": 16.0, "phases": 3}],
    }  # fmt: skip


async def test_a_refused_composite_schedule_has_none(play):
    commands, _ = play.commands(GetCompositeSchedule={"status": "Rejected"})

    assert "schedule" not in (await commands.composite_schedule(EVSE_2, duration=600)).payload


async def test_a_vendors_answer_is_returned(play):
    commands, _ = play.commands(DataTransfer={"status": "Accepted", "data": {"a": [1]}})

    assert await commands.data_transfer("ACME") == DataAnswer(status="Accepted", data={"a": [1]})


# -- the device model --------------------------------------------------------------------------------


class Modelled:
    """A station's device model, which refuses to be asked for more than it says."""

    def __init__(self, values, limits):
        self.values = values | {f"ItemsPerMessage/{name}": str(most) for name, most in limits.items()}
        self.limits = limits

    def get(self, payload):
        data = payload["getVariableData"]
        assert len(data) <= self.limits.get("GetVariables", 99)
        return {"getVariableResult": [self._told(each) for each in reversed(data)]}

    def _told(self, asked):
        name = "/".join(filter(None, [asked["variable"]["name"], asked["variable"].get("instance")]))
        if name not in self.values:
            return {**asked, "attributeStatus": "UnknownVariable"}
        return {**asked, "attributeStatus": "Accepted", "attributeValue": self.values[name]}

    def set(self, payload):
        data = payload["setVariableData"]
        assert len(data) <= self.limits.get("SetVariables", 99)
        return {
            "setVariableResult": [
                {"component": each["component"], "variable": each["variable"], "attributeStatus": "RebootRequired"}
                for each in data
            ]
        }


def variable(name, **more):
    return Variable(component="Ctrlr", name=name, **more)


async def test_a_variable_is_asked_for_by_all_that_names_it(play):
    commands, link = play.commands(GetVariables=Modelled({"Power": "11"}, {}).get)
    wanted = variable("Power", component_instance="A", evse_id=2, connector_id=1, attribute="MaxSet")

    (found,) = await commands.get_variables([wanted])

    assert (found.value, found.status, found.attribute) == ("11", "Accepted", "MaxSet")
    assert link.sent == [
        ("GetVariables", {"getVariableData": [{
            "component": {"name": "Ctrlr", "instance": "A", "evse": {"id": 2, "connectorId": 1}},
            "variable": {"name": "Power"}, "attributeType": "MaxSet",
        }]}),
    ]  # fmt: skip


async def test_variables_are_asked_for_by_as_many_as_the_station_takes_and_come_back_in_order(play):
    station = Modelled({f"V{n}": str(n) for n in range(5)}, {"GetVariables": 2})
    commands, link = play.commands(GetVariables=station.get)

    found = await commands.get_variables([*(variable(f"V{n}") for n in range(5)), variable("Unheard")])

    assert [each.value for each in found] == ["0", "1", "2", "3", "4", None]
    assert found[-1].status == "UnknownVariable"
    assert [len(payload["getVariableData"]) for _, payload in link.sent] == [1, 2, 2, 2]


async def test_variables_are_set_by_as_many_as_the_station_takes(play):
    station = Modelled({}, {"SetVariables": 2})
    commands, link = play.commands(GetVariables=station.get, SetVariables=station.set)

    changed = await commands.set_variables([variable(f"V{n}", value=str(n)) for n in range(3)])

    assert [(each.name, each.value, each.status) for each in changed] == [
        ("V0", "0", "RebootRequired"), ("V1", "1", "RebootRequired"), ("V2", "2", "RebootRequired"),
    ]  # fmt: skip
    assert [len(payload["setVariableData"]) for action, payload in link.sent if action == "SetVariables"] == [2, 1]


async def test_a_variable_the_station_says_nothing_of_is_not_set(play):
    other = {"component": {"name": "X"}, "variable": {"name": "Y"}, "attributeStatus": "Accepted"}
    commands, _ = play.commands(
        SetVariables={"setVariableResult": [other]},
        GetVariables={"getVariableResult": [other]},
    )

    (changed,) = await commands.set_variables([variable("V", value="1")])
    (found,) = await commands.get_variables([variable("V", value="old")])

    assert (changed.status, found.status, found.value) == ("Rejected", "Rejected", None)


# -- local lists -------------------------------------------------------------------------------------


async def test_a_long_list_goes_out_in_messages_of_rising_versions(play):
    def limits(payload):
        (asked,) = payload["getVariableData"]
        assert (asked["component"], asked["variable"]) == ({"name": "LocalAuthListCtrlr"}, {"name": "ItemsPerMessage"})
        return {"getVariableResult": [{**asked, "attributeStatus": "Accepted", "attributeValue": "2"}]}

    commands, link = play.commands(GetVariables=limits)
    entries = [(IdToken(id_token=f"C{n}"), TokenInfo(status="Accepted")) for n in range(3)]

    answer = await commands.send_local_list(version=10, entries=entries, full=True)

    sent = [payload for action, payload in link.sent if action == "SendLocalList"]
    assert answer.accepted
    assert [(each["versionNumber"], each["updateType"]) for each in sent] == [(9, "Full"), (10, "Differential")]


async def test_the_version_of_the_list_is_told(play):
    commands, _ = play.commands(GetLocalListVersion={"versionNumber": 3})

    assert await commands.local_list_version() == 3
