"""Alarms by rule: raised once, over when it is over, seen by somebody, told to the operation centre."""

import asyncio
import datetime
from decimal import Decimal

import pytest

from adapters.operation_centre.webhook import WebhookCentre
from hub.api.feed import Feed
from hub.cpms.alarmrules import AlarmRules, Thresholds
from hub.cpms.alarms import Alarms, NoSuchAlarm, NotTaken
from hub.ocpp.events import Connected, Disconnected, Metered, Reported, StatusChanged, TransactionEvent
from hub.ocpp.words import EVSE, Sample
from tests.serving import LoopServer

PLACE = EVSE(station_id="ST1", evse_id=2, connector_id=1)


class Centre:
    """An operation centre that takes alarms, or does not."""

    def __init__(self):
        self.taken, self.away, self.closed = [], False, False

    async def warn(self, alarm):
        if self.away:
            raise NotTaken("away")
        self.taken.append((alarm.rule, alarm.subject))

    async def close(self):
        self.closed = True


class House:
    def __init__(self, database, clock):
        self.clock = clock
        self.away = {}
        self.centre = Centre()
        self.feed = Feed(database)
        self.alarms = Alarms(database, clock=clock, feed=self.feed, centre=self.centre)
        self.rules = AlarmRules(
            self.alarms, away=lambda: self.away.items(), clock=clock, feed=self.feed,
            thresholds=Thresholds(offline=300, silent=600, hot=70, cooled=5),
            sessions=lambda evse: "S1" if evse.evse_id == 2 else None,
        )  # fmt: skip

    async def start(self):
        await self.alarms.start()
        await self.rules.start()

    async def stop(self):
        await self.rules.stop()
        await self.alarms.stop()

    async def status(self, status, **more):
        await self.rules.told(StatusChanged(evse=PLACE, status=status, at=self.clock.now(), **more))

    async def transact(self, kind, *samples):
        at = self.clock.now()
        await self.rules.told(TransactionEvent(
            kind=kind, station_id="ST1", transaction_id="T", at=at, received_at=at, message_id="m", trigger="t",
            evse=PLACE, samples=samples,
        ))  # fmt: skip

    async def open(self):
        return [(each.rule, each.subject) for each in await self.alarms.list(open_only=True)]

    async def opens(self, *wanted):
        """Wait, in the world's time, for what a moved clock sets going."""
        async with asyncio.timeout(5):
            while await self.open() != list(wanted):
                await asyncio.sleep(0.01)


@pytest.fixture
async def house(database, clock):
    made = House(database, clock)
    await made.start()
    yield made
    await made.stop()


async def test_a_station_that_stays_away_raises_one_alarm_that_ends_when_it_is_back(house):
    """X-69, GEM-UC-1529."""
    house.away["ST1"] = house.clock.now()
    await house.rules.told(Disconnected(station_id="ST1", at=house.clock.now()))
    await house.clock.advance(299)
    assert await house.open() == []

    await house.clock.advance(1)
    await house.opens(("OFFLINE", "ST1"))
    await house.clock.advance(900)
    house.away.clear()
    await house.rules.told(Connected(station_id="ST1", version="1.6", at=house.clock.now()))

    assert await house.open() == []
    (alarm,) = await house.alarms.list()
    assert alarm.message == "ST1 has no connection since 2026-01-01T12:00:00.000Z"
    assert alarm.cleared_at == house.clock.now()


async def test_a_fault_is_open_until_the_connector_is_well(house):
    """GEM-UC-1529."""
    await house.status("Faulted", error_code="GroundFailure", info="RCD")
    await house.status("Faulted", error_code="GroundFailure")
    assert [each.message for each in await house.alarms.list()] == ["ST1/2 is out of order: GroundFailure RCD"]

    await house.status("Available")
    assert await house.open() == []
    await house.status("Faulted", error_code="OtherError")

    assert [each.cleared_at is None for each in await house.alarms.list()] == [True, False]


async def test_what_was_read_while_an_alarm_ended_does_not_bring_it_back(house, monkeypatch):
    """The list of open alarms is read anew when another process has changed it."""
    await house.status("Faulted", error_code="GroundFailure")
    fetch = house.alarms._database.fetch

    async def slow(*asked):
        rows = await fetch(*asked)
        if house.alarms.is_open("FAULT", "ST1/2"):
            await house.status("Available")
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(house.alarms._database, "fetch", slow)
        await house.alarms._read(())

    assert not house.alarms.is_open("FAULT", "ST1/2")


async def test_heat_is_over_some_degrees_below(house):
    def degrees(value):
        return Sample(at=house.clock.now(), value=Decimal(value), measurand="Temperature", unit="Celsius")

    await house.rules.told(Metered(evse=PLACE, samples=(degrees(70),)))
    assert await house.open() == []
    await house.transact("Updated", degrees("70.5"))
    assert await house.open() == [("TEMPERATURE", "ST1/2")]
    await house.transact("Updated", degrees(66))
    assert await house.open() == [("TEMPERATURE", "ST1/2")]
    await house.transact("Updated", degrees(65))

    assert await house.open() == []


async def test_a_hand_at_the_housing_is_over_when_somebody_has_seen_it(house):
    await house.rules.told(Reported(
        station_id="ST1", kind="SecurityEventNotification", at=house.clock.now(),
        payload={"type": "TamperDetectionActivated", "timestamp": "x", "techInfo": "door"},
    ))  # fmt: skip
    await house.rules.told(Reported(
        station_id="ST1", kind="SecurityEventNotification", at=house.clock.now(), payload={"type": "SettingSystemTime"},
    ))  # fmt: skip
    (alarm,) = await house.alarms.list(open_only=True)
    assert alarm.message == "Station ST1: TamperDetectionActivated door"

    seen = await house.alarms.acknowledge(alarm.id, by="anna@operator", note="our own people")

    assert (seen.acknowledged_by, seen.note, seen.acknowledged_at) == (
        "anna@operator", "our own people", house.clock.now(),
    )  # fmt: skip
    assert await house.open() == []


def noticed(component, variable, value, **more):
    return {
        "eventId": 1, "timestamp": "2026-01-01T12:00:00Z", "trigger": "Alerting", "actualValue": value,
        "eventNotificationType": "HardWiredNotification", "component": component, "variable": {"name": variable},
        **more,
    }  # fmt: skip


BOX, PLUG = {"name": "ChargingStation"}, {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}


async def notify(house, *events):
    payload = {"generatedAt": "2026-01-01T12:00:00Z", "seqNo": 0, "eventData": list(events)}
    await house.rules.told(Reported(station_id="ST1", kind="NotifyEvent", at=house.clock.now(), payload=payload))


@pytest.mark.parametrize(
    ("rule", "subject", "component", "variable", "value", "well"),
    [
        ("DOOR", "ST1 AccessBarrier.Tripped", {"name": "AccessBarrier"}, "Tripped", "true", "false"),
        ("DOOR", "ST1 caseaccesssensor[front].tripped", {"name": "caseaccesssensor", "instance": "front"}, "tripped",
         "TRUE", "false"),
        ("FAULT", "ST1 ElectricalFeed.Problem", {"name": "ElectricalFeed"}, "Problem", "true", "false"),
        ("FAULT", "ST1/2 EVSE.Overload", {"name": "EVSE", "evse": {"id": 2}}, "Overload", "true", "false"),
        ("FAULT", "ST1 RealTimeClock.Fallback", {"name": "RealTimeClock"}, "Fallback", "1", "0"),
        ("TAMPER", "ST1 ChargingStation.Tamper", BOX, "Tamper", "true", "false"),
        ("TEMPERATURE", "ST1/2 Connector.Temperature", PLUG, "Temperature", "120", "65.0"),
    ],
)  # fmt: skip
async def test_what_a_monitor_notices_is_an_alarm_until_it_is_well(
    house, rule, subject, component, variable, value, well
):
    """Issue 3, 2; GEM-UC-1529: 2.0.1 tells it by NotifyEvent, N07."""
    await notify(house, noticed(component, variable, value, techInfo="F12"))
    (alarm,) = await house.alarms.list(open_only=True)
    assert (alarm.rule, alarm.subject, alarm.message) == (rule, subject, f"{subject} is {value}: F12")

    await house.status("Available")  # A connector's status says nothing of its components.
    assert await house.open() == [(rule, subject)]
    await notify(house, noticed(component, variable, well, trigger="Delta"))

    assert await house.open() == []


async def test_a_monitor_that_clears_ends_its_alarm_whatever_the_value(house):
    await notify(house, noticed(PLUG, "Tripped", "true"), noticed(PLUG, "Temperature", "99"))

    await notify(
        house, noticed(PLUG, "Tripped", "true", cleared=True), noticed(PLUG, "Temperature", "69", cleared=True)
    )

    assert await house.open() == []


async def test_what_is_no_trouble_raises_nothing(house):
    await notify(
        house, noticed(PLUG, "AvailabilityState", "Faulted"), noticed(PLUG, "Temperature", "69"),
        noticed(PLUG, "Temperature", "warm"), noticed(PLUG, "Temperature", "NaN"), noticed(PLUG, "Problem", "maybe"),
    )  # fmt: skip

    assert await house.open() == []


async def test_an_open_door_of_1_6_is_told_by_a_vendors_words(house):
    await house.status("Available", error_code="OtherError", vendor_error_code="DoorOpen", info="cabinet")
    assert [(each.rule, each.message) for each in await house.alarms.list(open_only=True)] == [
        ("DOOR", "ST1/2: DoorOpen cabinet")
    ]

    await house.status("Available", info="door closed")

    assert await house.open() == []


async def test_a_replayed_message_is_an_attack_and_no_hand_at_the_housing(house):
    await house.rules.told(Reported(
        station_id="ST1", kind="SecurityEventNotification", at=house.clock.now(),
        payload={"type": "AttemptedReplayAttacks", "timestamp": "x"},
    ))  # fmt: skip

    assert await house.open() == [("SECURITY", "ST1")]


async def test_what_was_seen_and_goes_on_stays_open(house):
    await house.status("Faulted", error_code="OtherError")
    (alarm,) = await house.alarms.list()

    await house.alarms.acknowledge(alarm.id, by="anna@operator")

    assert await house.open() == [("FAULT", "ST1/2")]
    assert await house.alarms.list(unacknowledged_only=True) == []
    with pytest.raises(NoSuchAlarm):
        await house.alarms.acknowledge(4711, by="anna@operator")


async def test_a_transaction_that_says_nothing_raises_an_alarm_until_it_does(house):
    await house.transact("Started")
    await house.clock.advance(599)
    await house.transact("Updated")
    await house.clock.advance(599)
    assert await house.open() == []

    await house.clock.advance(1)
    await house.opens(("METER_SILENT", "ST1/2"))
    await house.transact("Updated")
    assert await house.open() == []
    await house.transact("Ended")
    await house.clock.advance(6000)

    assert await house.open() == []


async def test_an_over_long_session_warns_the_operation_centre(house):
    """X-57, SGEM-4.1-18."""
    await house.alarms.warn("SESSION_TOO_LONG", station_id="ST1", session_id="S1", text="Session S1: too long")
    await house.alarms.warn("SESSION_TOO_LONG", station_id="ST1", session_id="S1", text="Session S1: too long")

    await centre_has(house, [("SESSION_TOO_LONG", "S1")])


async def centre_has(house, wanted):
    async with asyncio.timeout(5):
        while house.centre.taken != wanted:
            await asyncio.sleep(0.01)


async def test_a_centre_that_is_away_is_told_when_it_is_back_and_in_order(house):
    house.centre.away = True
    await house.status("Faulted", error_code="OtherError")
    await house.alarms.warn("USAGE_INVALID", station_id="ST1", session_id="S1", text="?")
    await asyncio.sleep(0.1)
    assert house.centre.taken == []

    house.centre.away = False
    await house.clock.advance(30)

    await centre_has(house, [("FAULT", "ST1/2"), ("USAGE_INVALID", "S1")])


async def test_after_a_restart_what_is_open_is_known_and_what_was_not_told_is_told(house, database, clock):
    house.centre.away = True
    await house.status("Faulted", error_code="OtherError")
    await house.stop()
    again = House(database, clock)

    await again.start()
    await again.status("Faulted", error_code="OtherError")
    await centre_has(again, [("FAULT", "ST1/2")])
    await again.status("Available")

    assert [each.cleared_at for each in await again.alarms.list()] == [clock.now()]
    await again.stop()
    await house.start()


async def test_two_processes_raise_one_alarm(house, database, clock):
    other = House(database, clock)
    await other.alarms.start()

    raised = await asyncio.gather(*(
        each.alarms.raise_("FAULT", "ST1/2", station_id="ST1", message="?") for each in (house, other)
    ))  # fmt: skip

    assert sorted(raised) == [False, True]
    assert len(await house.alarms.list()) == 1
    await other.alarms.stop()


async def test_alarms_are_listed_by_station_and_rule_page_by_page(house):
    for number in range(5):
        await house.alarms.raise_("FAULT", f"ST{number % 2}/{number}", station_id=f"ST{number % 2}", message="?")

    first = await house.alarms.list(station_id="ST0", limit=2)
    rest = await house.alarms.list(station_id="ST0", limit=2, before=first[-1].id)

    assert [each.subject for each in (*first, *rest)] == ["ST0/4", "ST0/2", "ST0/0"]
    assert await house.alarms.list(rule="OFFLINE") == []
    assert (await house.alarms.get(rest[0].id)).subject == "ST0/0"
    with pytest.raises(NoSuchAlarm):
        await house.alarms.get(4711)


async def test_a_driver_hears_what_his_station_reports(house):
    """SGEM-4.1-12: a transient error, warning or hint becomes a message to the user."""
    reader = house.feed.subscribe(frozenset({"session"}))

    await house.status("Charging")
    await house.status("Charging", error_code="HighTemperature")
    await house.status("Charging", info="Cable is loose")
    await house.rules.told(StatusChanged(
        evse=EVSE(station_id="ST1", evse_id=1), status="Faulted", error_code="OtherError", at=house.clock.now(),
    ))  # fmt: skip

    told = [await reader.next(1), await reader.next(1)]
    assert [each.data["session_id"] for each in told] == ["S1", "S1"]
    assert [each.data["message"]["level"] for each in told] == ["warning", "info"]
    assert "hot" in told[0].data["message"]["text"]
    assert told[1].data["message"]["text"] == "Cable is loose"
    assert await reader.next(0.01) is None


async def test_a_driver_hears_what_a_station_of_2_0_1_reports_though_its_status_says_no_more_than_faulted(house):
    """SGEM-4.1-12."""
    reader = house.feed.subscribe(frozenset({"session"}))

    await house.status("Faulted")
    await notify(house, noticed(PLUG, "Temperature", "99"), noticed(PLUG, "Temperature", "99"))
    await notify(house, noticed(BOX, "Problem", "true"))

    told = [(await reader.next(1)).data for _ in range(2)]
    assert [each["message"]["code"] for each in told] == ["NoError", "TEMPERATURE"]
    assert [each["message"]["level"] for each in told] == ["error", "error"]
    assert "hot" in told[1]["message"]["text"]
    assert await reader.next(0.01) is None


async def test_an_alarm_is_posted_to_a_webhook_until_it_is_taken(house):
    status, heard = [503, 204], []

    async def app(scope, receive, send):
        body = (await receive())["body"]
        heard.append((dict(scope["headers"]), body))
        await send({"type": "http.response.start", "status": status.pop(0), "headers": []})
        await send({"type": "http.response.body", "body": b""})

    await house.status("Faulted", error_code="OtherError")
    (alarm,) = await house.alarms.list()
    server = LoopServer(lambda *scope: app(*scope))
    await server.start()
    centre = WebhookCentre(f"http://127.0.0.1:{server.port}/alarms", token="secret")
    with pytest.raises(NotTaken, match="HTTP 503"):
        await centre.warn(alarm)
    await centre.warn(alarm)
    await server.stop()
    with pytest.raises(NotTaken):
        await centre.warn(alarm)
    await centre.close()

    headers, body = heard[1]
    assert headers[b"authorization"] == b"Bearer secret"
    assert headers[b"idempotency-key"] == f"alarm-{alarm.id}".encode()
    assert b'"rule":"FAULT"' in body.replace(b" ", b"")


async def test_a_centre_is_closed_at_the_end(house):
    await house.stop()

    assert house.centre.closed


@pytest.fixture
def clock():
    from tests.clocks import ManualClock

    return ManualClock(datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC))
