"""Reports that come in several messages, put together for whoever asked."""

import asyncio

import pytest

from hub.ocpp.events import CallRefused, CallTimeout, InvalidCommand, NotSpoken, Reported, Variable
from hub.ocpp.v201 import reports
from tests.clocks import settle
from tests.ocpp.dialects.playing import NOW_TEXT, Play


@pytest.fixture
def play():
    return Play("2.0.1")


def part(number, *, last=False, request=None, **more):
    return {"requestId": request, "seqNo": number, "generatedAt": NOW_TEXT, "tbc": not last, **more}


def data(name, *attributes, **place):
    return {
        "component": {"name": "Ctrlr", **place},
        "variable": {"name": name},
        "variableAttribute": list(attributes),
    }


async def asked(play, collecting, link):
    """Return the task that waits for a report, and the number it was asked for by."""
    task = asyncio.create_task(collecting)
    await settle()
    return task, link.sent[-1][1]["requestId"]


async def test_a_report_is_returned_once_its_last_message_is_here(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetBaseReport", {"reportBase": "SummaryInventory"}), link)

    await play.says("NotifyReport", part(0, request=number))
    await settle()
    assert not task.done()
    await play.says("NotifyReport", part(1, last=True, request=number))

    assert [each["seqNo"] for each in await task] == [0, 1]
    assert link.sent == [("GetBaseReport", {"reportBase": "SummaryInventory", "requestId": number})]
    assert [type(each) for each in play.operator.events] == [Reported, Reported]


PROFILE = {
    "id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
    "chargingSchedule": [
        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "payload", "message", "told"),
    [
        ("CustomerInformation", {"report": True, "clear": False}, "NotifyCustomerInformation", {"data": "Ada"}),
        ("GetReport", {}, "NotifyReport", {}),
        ("GetMonitoringReport", {}, "NotifyMonitoringReport", {}),
    ],
)
async def test_each_request_is_answered_by_messages_of_its_own(play, action, payload, message, told):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect(action, payload), link)

    await play.says(message, part(0, last=True, request=number, **told))

    assert await task == [part(0, last=True, request=number, **told)]


async def test_charging_profiles_are_reported_by_their_source_and_evse(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetChargingProfiles", {"chargingProfile": {}}), link)
    first = {
        "requestId": number, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [PROFILE], "tbc": True,
    }  # fmt: skip
    last = {**first, "evseId": 2, "tbc": False}

    await play.says("ReportChargingProfiles", first)
    await play.says("ReportChargingProfiles", last)

    assert await task == [first, last]


async def test_messages_that_come_twice_or_in_another_order_are_one_report(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetReport", {}), link)

    for message in (part(0), part(2, last=True), part(0), part(1), part(2, last=True)):
        await play.says("NotifyReport", {**message, "requestId": number})

    assert [each["seqNo"] for each in await task] == [0, 1, 2]


async def test_messages_without_a_number_end_with_the_one_that_is_not_continued(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetDisplayMessages", {}), link)
    first = {"requestId": number, "tbc": True, "messageInfo": [
        {"id": 1, "priority": "InFront", "message": {"format": "UTF8", "content": "A"}},
    ]}  # fmt: skip

    for message in (first, first, {"requestId": number}):
        await play.says("NotifyDisplayMessages", message)

    assert await task == [first, {"requestId": number}]


async def test_reports_of_other_stations_requests_and_kinds_are_not_mixed(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetReport", {}), link)
    other, other_number = await asked(play, commands.collect("GetReport", {}), link)

    await play.says("NotifyMonitoringReport", part(0, last=True, request=number))
    await play.says("NotifyReport", part(0, last=True, request=number + 7))
    assert number != other_number
    await play.says("NotifyReport", part(0, last=True, request=other_number))

    assert len(await other) == 1
    assert not task.done()
    task.cancel()


async def test_a_report_nobody_asked_for_is_told_all_the_same(play):
    await play.says("NotifyReport", part(0, last=True, request=1))

    assert play.told().kind == "NotifyReport"


@pytest.mark.parametrize(
    ("action", "payload", "status"),
    [
        ("GetBaseReport", {"reportBase": "FullInventory"}, "EmptyResultSet"),
        ("GetChargingProfiles", {"chargingProfile": {}}, "NoProfiles"),
        ("GetDisplayMessages", {}, "Unknown"),
    ],
)
async def test_nothing_to_report_is_an_empty_report(play, action, payload, status):
    commands, _ = play.commands(**{action: {"status": status}})

    assert await commands.collect(action, payload) == []


async def test_a_station_that_will_not_report_has_refused(play):
    commands, _ = play.commands(GetReport={"status": "NotSupported"})

    with pytest.raises(CallRefused) as refused:
        await commands.collect("GetReport", {})

    assert refused.value.code == "NotSupported"


async def test_a_report_that_breaks_off_is_a_timeout_and_is_forgotten(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetReport", {}, timeout=0.01), link)

    await play.says("NotifyReport", part(0, request=number))

    with pytest.raises(CallTimeout, match="after 1 messages"):
        await task
    await play.says("NotifyReport", part(1, last=True, request=number))


async def test_a_report_that_never_ends_fills_no_memory(play, monkeypatch):
    monkeypatch.setattr(reports, "MOST_PARTS", 3)
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetReport", {}, timeout=0.01), link)

    for count in range(5):
        await play.says("NotifyReport", part(count, request=number))

    with pytest.raises(CallTimeout, match="after 3 messages"):
        await task


async def test_only_what_is_answered_by_reports_can_be_collected(play):
    commands, link = play.commands()

    with pytest.raises(NotSpoken):
        await commands.collect("GetVariables", {"getVariableData": []})
    with pytest.raises(InvalidCommand):
        await commands.collect("GetBaseReport", {})

    assert link.sent == []


async def test_all_variables_of_a_station_are_its_full_inventory(play):
    commands, link = play.commands()
    task, number = await asked(play, commands.get_variables(), link)

    await play.says("NotifyReport", part(0, request=number, reportData=[
        data("A", {"value": "1", "mutability": "ReadOnly"}, {"type": "MaxSet", "value": "9"}),
    ]))  # fmt: skip
    await play.says("NotifyReport", part(1, last=True, request=number, reportData=[
        data("B", {"mutability": "WriteOnly"}, instance="I", evse={"id": 2, "connectorId": 1}),
    ]))  # fmt: skip

    assert await task == [
        Variable(component="Ctrlr", name="A", value="1", readonly=True),
        Variable(component="Ctrlr", name="A", value="9", attribute="MaxSet"),
        Variable(component="Ctrlr", name="B", component_instance="I", evse_id=2, connector_id=1),
    ]
    assert link.sent == [("GetBaseReport", {"reportBase": "FullInventory", "requestId": number})]


async def test_der_controls_of_2_1_are_collected_too():
    play = Play("2.1")
    commands, link = play.commands()
    task, number = await asked(play, commands.collect("GetDERControl", {}), link)

    await play.says("ReportDERControl", {"requestId": number})

    assert await task == [{"requestId": number}]
