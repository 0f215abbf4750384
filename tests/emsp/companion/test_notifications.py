"""What a driver is told: once, by the channels he chose, in his language, when he wants to hear it."""

import asyncio
import datetime
import json

import pytest

from hub.database import open_database
from hub.emsp.charging.notices import ENDED, TEXTS, WHY
from hub.emsp.companion import delivering
from hub.emsp.companion.delivering import Courier
from hub.emsp.companion.needs import NotTaken, Refused, TargetGone
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.preferences import Preferences, PreferenceStore, Quiet
from hub.emsp.companion.subscriptions import Subscription, Subscriptions
from hub.emsp.money.needs import Event
from hub.emsp.money.needs import Told as Paid
from hub.emsp.texts import catalogue, fields_of, languages, reasons, words
from tests.clocks import ManualClock
from tests.emsp.companion.people import ANNA, BEN, People, Postbox, Said

BROWSER = Subscription(endpoint="https://push.test/1", p256dh="key", auth="secret")


class Scene:
    """A notifier and a courier with channels that remember."""

    def __init__(self, database):
        self.database = database
        self.clock = ManualClock()
        self.people = People()
        self.mail, self.sms, self.push = Postbox(), Postbox(), Postbox()
        self.notifier = Notifier(database, clock=self.clock)
        self.published = []
        self.courier = self.another_courier()
        self.preferences = PreferenceStore(database)
        self.subscriptions = Subscriptions(database)

    def another_courier(self):
        return Courier(
            self.database,
            clock=self.clock,
            contacts=self.people,
            channels={"EMAIL": self.mail, "SMS": self.sms, "PUSH": self.push},
            publish=lambda kind, data: self.published.append((kind, data["event"])),
        )

    async def choose(self, **chosen):
        await self.preferences.put(ANNA, Preferences(**chosen), now=self.clock.now())

    async def states(self):
        rows = await self.database.fetch(
            "SELECT channel, state, attempts, reason FROM emsp_notification_delivery ORDER BY id"
        )
        return [tuple(row) for row in rows]

    async def later(self, **time):
        await self.clock.advance(datetime.timedelta(**time).total_seconds())
        await self.courier.work()


@pytest.fixture
def scene(database):
    return Scene(database)


def ended(key="end/1", driver_id=ANNA):
    data = {"place": "Harbour", "kwh": "10.00", "why": "The battery is full.", "reason": "BATTERY_FULL"}
    return Said(key=key, event="CHARGE_ENDED", driver_id=driver_id, data=data)


async def test_a_driver_hears_that_his_charge_has_ended(scene):
    """RASD-R10."""
    await scene.subscriptions.add(ANNA, BROWSER, now=scene.clock.now())

    await scene.notifier.tell(ended())
    await scene.courier.work()

    assert [each.to for each in scene.mail.taken] == ["anna@example.org"]
    assert json.loads(scene.push.taken[0].to)["endpoint"] == BROWSER.endpoint
    assert scene.mail.taken[0].text.startswith("Your charge at Harbour has ended: 10.00 kWh. The battery is full.")
    assert await scene.states() == [("PUSH", "SENT", 1, None), ("EMAIL", "SENT", 1, None)]
    assert scene.published == [("notification", "CHARGE_ENDED")]


async def test_the_report_after_a_charge_has_energy_cost_and_emissions_in_his_language(scene):
    """GEM-FTR-951."""
    data = {
        "place": "Haven", "kwh": "12,5", "cost": "6,10 EUR", "start": "10:00", "end": "11:00", "km": "69",
        "co2": "3,4", "co2_source": "landenmix NLD 2024", "receipt": "R-1",
    }  # fmt: skip

    await scene.notifier.tell(Said(key="r/1", event="CHARGE_REPORT", driver_id=BEN, data=data))
    await scene.courier.work()

    (letter,) = scene.mail.taken
    assert letter.subject == "Uw laadbeurt bij Haven: 12,5 kWh"
    assert "Kosten: 6,10 EUR" in letter.text
    assert "3,4 kg CO2 (landenmix NLD 2024)" in letter.text


async def test_however_many_things_are_told_one_look_tells_them_all(scene, monkeypatch):
    monkeypatch.setattr(delivering, "_SOME", 3)
    for number in range(8):
        await scene.notifier.tell(ended(key=f"end/{number}"))

    await scene.courier.work()

    assert len(scene.mail.taken) == 8


async def test_a_channel_that_does_not_answer_holds_up_no_other(scene):
    await scene.subscriptions.add(ANNA, BROWSER, now=scene.clock.now())
    await scene.notifier.tell(ended())
    answering = asyncio.Event()
    take = scene.mail.send

    async def late(message):
        await answering.wait()
        await take(message)

    scene.mail.send = late
    working = asyncio.create_task(scene.courier.work())
    async with asyncio.timeout(30):
        while not scene.push.taken:
            await asyncio.sleep(0.001)
    assert scene.mail.taken == []
    answering.set()
    await working

    assert len(scene.mail.taken) == 1


async def test_the_same_thing_is_told_once_however_often_it_is_said(scene):
    for _ in range(3):
        await scene.notifier.tell(ended())
        await scene.courier.work()

    assert scene.mail.asked == 1


async def test_what_is_undone_is_not_told(scene):
    async def work(tx):
        await scene.notifier.note(tx, ended())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await scene.database.transact(work)
    await scene.courier.work()

    assert scene.mail.asked == 0
    assert await scene.notifier.of(ANNA) == []


async def test_a_channel_that_is_away_is_tried_again_later_and_later(scene):
    scene.mail.trouble = [NotTaken("away"), NotTaken("away")]

    await scene.notifier.tell(ended())
    await scene.courier.work()
    await scene.later(seconds=29)
    first = await scene.states()
    await scene.later(seconds=1)
    await scene.later(seconds=59)
    second = await scene.states()
    await scene.later(seconds=1)

    assert first == [("EMAIL", "PENDING", 1, "away")]
    assert second == [("EMAIL", "PENDING", 2, "away")]
    assert await scene.states() == [("EMAIL", "SENT", 3, None)]


async def test_what_nobody_took_in_time_has_failed(scene):
    scene.mail.trouble = [NotTaken("away")] * 100

    await scene.notifier.tell(ended())
    for _ in range(30):
        await scene.later(hours=1)

    ((channel, state, _, reason),) = await scene.states()
    assert (channel, state, reason) == ("EMAIL", "FAILED", "too late; away")
    assert scene.mail.taken == []


async def test_what_is_refused_is_not_tried_again(scene):
    scene.mail.trouble = [Refused("550 no such user")]

    await scene.notifier.tell(ended())
    await scene.courier.work()
    await scene.later(hours=1)

    assert await scene.states() == [("EMAIL", "FAILED", 1, "550 no such user")]


async def test_a_driver_is_never_told_twice_because_a_process_died_while_telling(scene):
    async def dies(message):
        scene.mail.asked += 1
        await asyncio.Event().wait()

    scene.mail.send = dies
    await scene.notifier.tell(ended())
    telling = asyncio.create_task(scene.courier.work())
    while not scene.mail.asked:
        await asyncio.sleep(0.01)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)

    await scene.later(minutes=4)
    meanwhile = await scene.states()
    await scene.later(minutes=2)

    assert scene.mail.asked == 1
    assert meanwhile == [("EMAIL", "SENDING", 1, None)]
    assert await scene.states() == [("EMAIL", "FAILED", 1, "it is not known whether it was sent")]


async def test_two_processes_tell_a_driver_once(scene):
    other = scene.another_courier()
    for number in range(10):
        await scene.notifier.tell(ended(f"end/{number}"))

    await asyncio.gather(scene.courier.work(), other.work())

    assert sorted(each.key for each in scene.mail.taken) == sorted(f"end/{number}" for number in range(10))


async def test_a_notification_outlives_a_restart(store):
    database = await open_database(store)
    await Scene(database).notifier.tell(ended())
    await database.close()

    database = await open_database(store)
    scene = Scene(database)
    await scene.courier.start()
    async with asyncio.timeout(5):
        while await scene.states() != [("EMAIL", "SENT", 1, None)]:
            await asyncio.sleep(0.01)
    await scene.courier.stop()
    await database.close()

    assert len(scene.mail.taken) == 1


async def test_a_running_courier_hears_of_what_is_told(scene):
    await scene.courier.start()

    await scene.notifier.tell(ended())
    async with asyncio.timeout(5):
        while not scene.mail.taken:
            await asyncio.sleep(0.01)
    await scene.courier.stop()

    assert scene.mail.taken[0].key == "end/1"


async def test_a_driver_chooses_channels_by_kind(scene):
    await scene.choose(channels={"CHARGE_ENDED": ("SMS",), "BOOKING": ()})

    await scene.notifier.tell(ended())
    await scene.notifier.tell(Said(key="b/1", event="BOOKING_REMINDER"))
    await scene.courier.work()

    assert [each.to for each in scene.sms.taken] == ["+31600000001"]
    assert scene.mail.taken == []
    assert [each.event for each in await scene.notifier.of(ANNA)] == ["BOOKING_REMINDER", "CHARGE_ENDED"]


async def test_what_can_wait_waits_for_the_end_of_the_quiet_hours(scene):
    await scene.clock.advance(10 * 3600)  # 23:00 in Amsterdam
    await scene.choose(quiet=Quiet(start=datetime.time(22), end=datetime.time(7)))

    await scene.notifier.tell(Said(key="p/1", event="CHARGE_PAID"))
    await scene.notifier.tell(ended())
    await scene.later(hours=7, minutes=59)
    before = [each.key for each in scene.mail.taken]
    await scene.later(minutes=1)

    assert before == ["end/1"]
    assert [each.key for each in scene.mail.taken] == ["end/1", "p/1"]


async def test_offers_and_suggestions_are_told_to_who_agreed_and_to_nobody_else(scene):
    """RASD-R11."""
    await scene.choose(channels={"OFFER": ("EMAIL",)})
    data = {"place": "Harbour", "offer": "0.20 EUR per kWh", "start": "17:00", "end": "18:00"}

    await scene.notifier.tell(Said(key="o/1", event="SUGGESTION_OFFER", data=data))
    await scene.courier.work()
    scene.people.purposes.add((ANNA, "MARKETING"))
    await scene.notifier.tell(Said(key="o/2", event="SUGGESTION_OFFER", data=data))
    await scene.courier.work()

    assert [each.key for each in scene.mail.taken] == ["o/2"]
    assert scene.mail.taken[0].text == "Harbour, 17:00 to 18:00: 0.20 EUR per kWh"


async def test_a_browser_that_is_gone_is_forgotten(scene):
    await scene.subscriptions.add(ANNA, BROWSER, now=scene.clock.now())
    scene.push.trouble = [TargetGone("410")]

    await scene.notifier.tell(ended())
    await scene.courier.work()

    assert await scene.subscriptions.of(ANNA) == []
    assert ("PUSH", "FAILED", 1, "410") in await scene.states()


async def test_whoever_logged_in_last_on_a_device_is_told_there(scene):
    await scene.subscriptions.add(ANNA, BROWSER, now=scene.clock.now())
    await scene.subscriptions.add(BEN, BROWSER, now=scene.clock.now())

    assert await scene.subscriptions.of(ANNA) == []
    assert await scene.subscriptions.of(BEN) == [BROWSER]


async def test_a_driver_who_is_gone_is_told_nothing_and_nobody_else_waits_for_him(scene):
    await scene.notifier.tell(ended("end/0", driver_id="nobody"))
    await scene.notifier.tell(ended())
    await scene.courier.work()

    assert [each.key for each in scene.mail.taken] == ["end/1"]


async def test_a_driver_reads_his_list_and_nobody_elses(scene):
    for number in range(3):
        await scene.notifier.tell(ended(f"end/{number}"))
    newest, middle, oldest = await scene.notifier.of(ANNA)

    assert [each.key for each in (newest, middle, oldest)] == ["end/2", "end/1", "end/0"]
    assert await scene.notifier.of(ANNA, before=middle.id) == [oldest]
    assert not await scene.notifier.read(BEN, newest.id)
    assert await scene.notifier.read(ANNA, newest.id)
    assert (await scene.notifier.of(ANNA, limit=1))[0].read_at == scene.clock.now()


async def test_what_the_money_says_is_taken_as_it_is(scene):
    await scene.notifier.tell(Paid(key="m/1", event=Event.PAYMENT_FAILED, driver_id=ANNA, text="Add another card."))
    await scene.courier.work()

    assert (scene.mail.taken[0].subject, scene.mail.taken[0].text) == (
        "Something needs your attention", "Add another card.",
    )  # fmt: skip


def test_every_language_has_the_texts_of_english_with_the_same_fields_and_others_their_causes_write_in_english():
    english, causes = catalogue("en"), TEXTS.keys() | {each.value for each in Event}

    assert languages() >= {"en", "nl"}
    for language in languages():
        entries = catalogue(language)
        assert english.keys() <= entries.keys() <= english.keys() | causes
        for name, entry in english.items():
            assert fields_of(entries[name]["text"]) == fields_of(entry["text"])
        for name in entries.keys() & TEXTS.keys() - english.keys():
            assert fields_of(entries[name]["text"]) <= fields_of(TEXTS[name])


def test_every_language_has_words_for_every_reason():
    for language in languages() - {"en"}:
        assert reasons(language).keys() == WHY.keys() | ENDED.keys()


@pytest.mark.parametrize(
    ("data", "subject", "text"),
    [
        (
            {"starts_at": "05.01. 14:00", "why": "somebody else was faster.", "reason": "SLOT_TAKEN"},
            "Uw boeking is niet aanvaard", "Uw boeking van 05.01. 14:00 is niet aanvaard: iemand anders was sneller.",
        ),
        ({"starts_at": "05.01. 14:00", "why": "a new reason.", "reason": "NEW"}, "Uw boeking", "It was refused."),
        ({}, "Uw boeking", "It was refused."),
    ],
)  # fmt: skip
def test_a_reason_is_said_in_the_drivers_language_or_all_of_it_in_english(data, subject, text):
    found = words(language="nl", event="BOOKING_REFUSED", kind="BOOKING", text="It was refused.", data=data)

    assert (found.subject, found.text) == (subject, text)
