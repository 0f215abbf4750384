"""Notify when free: told once per wish, however the news comes."""

import asyncio
import datetime

import pytest

from hub.emsp.companion.needs import Station
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.waiting import FreeWishes, TooManyWishes, UnknownPlace
from hub.emsp.search.geometry import Point
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from tests.clocks import ManualClock
from tests.emsp.companion.people import ANNA, BEN, Town
from tests.rooms import CPO, evse, location

HOUR = datetime.timedelta(hours=1)
PLACE = Station(owner="NL-CPO", location_id="LOC1", name="Harbour", point=Point(52.37, 4.89))


class Scene:
    def __init__(self, database):
        self.database = database
        self.clock = ManualClock()
        self.store = Store(database, Party("NL", "MSP"))
        self.notifier = Notifier(database, clock=self.clock)
        self.wishes = self.another()

    def another(self):
        return FreeWishes(self.database, clock=self.clock, stations=Town(PLACE), notifier=self.notifier)

    async def status(self, *statuses):
        evses = [evse(f"EVSE{number}", status=each) for number, each in enumerate(statuses, 1)]
        await self.database.transact(lambda tx: self.store.locations.put(tx, CPO, "LOC1", location(evses=evses)))

    async def wish(self, driver_id=ANNA, evse_uid="", hours=2):
        return await self.wishes.add(driver_id, "NL-CPO", "loc1", evse_uid, self.clock.now() + hours * HOUR)

    async def told(self, driver_id=ANNA):
        return [each.text for each in await self.notifier.of(driver_id)]


@pytest.fixture
async def scene(database):
    made = Scene(database)
    await made.store.index.open()
    await made.status("CHARGING", "CHARGING")
    return made


TEXT = "Harbour is free now. Nobody keeps it for you: start or book before others do."


async def test_whoever_waits_is_told_once_when_a_place_is_free(scene):
    """RASD-F11 (availability)."""
    wish = await scene.wish()
    await scene.wishes.work()
    before = await scene.told()

    for status in ("AVAILABLE", "CHARGING", "AVAILABLE"):
        await scene.status("CHARGING", status)
        await asyncio.sleep(0.05)
        await scene.wishes.work()

    (after,) = await scene.wishes.of(ANNA)
    assert (before, await scene.told()) == ([], [TEXT])
    assert (wish.state, after.state) == ("WAITING", "TOLD")


async def test_a_running_room_hears_of_it(scene):
    await scene.wishes.start()
    await scene.wish()

    await scene.status("AVAILABLE", "CHARGING")
    async with asyncio.timeout(5):
        while not await scene.told():
            await asyncio.sleep(0.01)
    await scene.wishes.stop()

    assert await scene.told() == [TEXT]


async def test_whoever_waits_for_one_evse_is_not_told_of_another(scene):
    await scene.wish(evse_uid="evse2")

    await scene.status("AVAILABLE", "CHARGING")
    await scene.wishes.start()
    await asyncio.sleep(0.1)
    await scene.wishes.stop()

    assert await scene.told() == []


async def test_what_is_free_already_is_told_at_once(scene):
    await scene.status("AVAILABLE", "CHARGING")

    wish = await scene.wish()

    assert (wish.state, await scene.told()) == ("TOLD", [TEXT])


async def test_everybody_who_waits_is_told_and_two_processes_tell_each_once(scene):
    other = scene.another()
    await scene.wish(ANNA)
    await scene.wish(BEN)
    await scene.status("AVAILABLE", "CHARGING")
    for each in (scene.wishes, other):
        each._heard("")

    await asyncio.gather(scene.wishes.work(), other.work())

    assert (await scene.told(ANNA), await scene.told(BEN)) == ([TEXT], [TEXT])


async def test_a_wish_made_while_the_place_becomes_free_is_not_missed(scene):
    for _ in range(10):
        await scene.status("CHARGING", "CHARGING")
        await asyncio.gather(scene.wish(), scene.status("AVAILABLE", "CHARGING"))
        await asyncio.sleep(0.02)
        await scene.wishes.work()

    assert {each.state for each in await scene.wishes.of(ANNA)} == {"TOLD"}
    assert len(await scene.told()) == 10


async def test_who_waited_long_enough_or_cancelled_is_not_told(scene):
    old, cancelled = await scene.wish(hours=1), await scene.wish(BEN, hours=5)
    assert not await scene.wishes.cancel(ANNA, cancelled.id)
    assert await scene.wishes.cancel(BEN, cancelled.id)

    await scene.clock.advance(3600)
    await scene.wishes.work()
    await scene.status("AVAILABLE", "CHARGING")
    scene.wishes._heard("")
    await scene.wishes.work()

    assert (await scene.told(ANNA), await scene.told(BEN)) == ([], [])
    assert [each.state for each in await scene.wishes.of(ANNA)] == ["EXPIRED"]
    assert old.state == "WAITING"


async def test_a_driver_waits_for_ten_places_at_most_and_only_for_what_is_there(scene):
    for _ in range(10):
        await scene.wish()

    with pytest.raises(TooManyWishes):
        await scene.wish()
    with pytest.raises(UnknownPlace):
        await scene.wishes.add(BEN, "NL-CPO", "nowhere", "", scene.clock.now() + HOUR)
