"""The Status of EVSEs, kept as stations tell: written before they are answered, told on as it changes."""

import asyncio
import dataclasses
import datetime
import time

import pytest

from hub.api.feed import Feed
from hub.cpms.bookings.store import Entry, Place, write
from hub.cpms.places import Places
from hub.cpms.plans import Maintenances, NoSuchPlan, Plan, Plans
from hub.cpms.stations import Stations
from hub.cpms.statuskeeping import StatusKeeper, StatusRules
from hub.cpms.store import TABLE, Store
from hub.cpms.tellers import LocationTeller
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Response
from hub.ocpi.modules import locations
from hub.ocpi.owed import Owed
from hub.ocpp.events import Connected, Disconnected, StatusChanged, TransactionEvent
from hub.ocpp.words import EVSE
from tests.clocks import ManualClock
from tests.rooms import CPO, HUB, FakeHub, evse, location

MINUTE = datetime.timedelta(minutes=1)


class House:
    """A site of two stations whose Status is kept, and a hub that is told."""

    def __init__(self, database, clock, hub):
        self.database, self.clock, self.hub = database, clock, hub
        self.store = Store(database, CPO)
        self.places = Places(self.store)
        self.stations = Stations(self.store, self.places, clock=clock.now)
        self.plans = Plans(database, clock=clock.now)
        self.maintenances = Maintenances(self.plans, self.places, clock=clock.now)
        self.feed = Feed(database)
        self.keeper = StatusKeeper(
            self.store, self.stations, self.plans, clock=clock, rules=StatusRules(grace=60), feed=self.feed
        )
        self.owed = Owed(
            database, TABLE, party=CPO, hub_party=HUB, hub=hub, call_url=hub.call_url,
            tellers={"location": LocationTeller(CPO)},
        )  # fmt: skip

    async def start(self):
        for each in (self.places, self.stations, self.plans, self.keeper, self.owed):
            await each.start()

    async def stop(self):
        for each in (self.owed, self.keeper, self.plans, self.stations, self.places):
            await each.stop()

    async def import_site(self, **changes):
        value = location(evses=[evse("ST1-1"), evse("ST1-2"), evse("ST2-1")]) | changes
        await self.database.transact(lambda tx: self.store.put_for_everyone(tx, self.store.locations, value))
        await self.places.reread(location_id=value["id"])

    async def connect(self, station_id="ST1"):
        await self.keeper.told(Connected(station_id=station_id, version="1.6", at=self.clock.now()))

    async def disconnect(self, station_id="ST1"):
        await self.keeper.told(Disconnected(station_id=station_id, at=self.clock.now()))

    async def tell(self, status, evse_id=1, station_id="ST1", at=None, **more):
        place = EVSE(station_id=station_id, evse_id=evse_id, connector_id=1 if evse_id else 0)
        await self.keeper.told(StatusChanged(evse=place, status=status, at=at or self.clock.now(), **more))

    async def transact(self, kind, state=None, **more):
        at = self.clock.now()
        await self.keeper.told(TransactionEvent(
            kind=kind, station_id="ST1", transaction_id="TX", at=at, received_at=at, message_id="m", trigger="t",
            charging_state=state, **more,
        ))  # fmt: skip

    async def evse(self, uid="ST1-1"):
        kept = await self.store.locations.get(CPO, "LOC1")
        return next(each for each in kept["evses"] if each["uid"] == uid)

    async def status(self, uid="ST1-1"):
        return (await self.evse(uid))["status"]

    async def becomes(self, status, uid="ST1-1"):
        """Wait, in the world's time, for what a moved clock or an operator sets going."""
        async with asyncio.timeout(5):
            while await self.status(uid) != status:
                await asyncio.sleep(0.01)


@pytest.fixture
async def house(database, clock, hub):
    made = House(database, clock, hub)
    await made.import_site()
    await made.start()
    yield made
    await made.stop()


async def test_what_a_connector_says_is_the_status_when_the_station_is_answered(house):
    """RASD-F15, INCAR-RO02, GEM-UC-1529."""
    await house.connect()
    for said, status in [("Available", "AVAILABLE"), ("Charging", "CHARGING"), ("Faulted", "OUTOFORDER")]:
        await house.tell(said)

        assert await house.status() == status
    assert await house.status("ST1-2") == "UNKNOWN"
    assert await house.status("ST2-1") == "AVAILABLE"  # nobody was ever heard of there


async def test_last_updated_is_when_it_changed_and_that_of_what_did_not_change_stays(house):
    await house.connect()
    await house.clock.advance(100)
    before = await house.evse("ST1-2")

    await house.tell("Charging", at=house.clock.now() - datetime.timedelta(seconds=3))

    assert (await house.evse())["last_updated"] == "2026-01-01T12:01:37.000Z"
    assert await house.evse("ST1-2") == before
    await house.clock.advance(50)
    await house.tell("SuspendedEV")
    assert (await house.evse())["last_updated"] == "2026-01-01T12:01:37.000Z"


@pytest.mark.parametrize("skew", [-86_400, 86_400])
async def test_a_station_whose_clock_is_wrong_spoils_no_date(house, skew):
    await house.connect()
    await house.clock.advance(100)

    await house.tell("Charging", at=house.clock.now() + datetime.timedelta(seconds=skew))

    assert (await house.evse())["last_updated"] == "2026-01-01T12:01:40.000Z"


async def test_what_is_told_late_changes_nothing_and_after_a_reconnect_a_clock_may_be_set_back(house):
    await house.connect()
    await house.tell("Charging")
    await house.tell("Available", at=house.clock.now() - MINUTE)
    assert await house.status() == "CHARGING"

    await house.connect()
    await house.tell("Available", at=house.clock.now() - MINUTE)

    assert await house.status() == "AVAILABLE"


async def test_only_what_changed_is_told_as_a_patch(house):
    """DD-R10: forwarded to eMSPs."""
    await house.connect()
    await house.owed.settled()
    house.hub.asked.clear()

    await house.tell("Charging")
    await house.owed.settled()

    told = house.hub.heard(locations.patch_evse)
    assert [(each.params["evse_uid"], each.value) for each in told] == [
        ("ST1-1", {"status": "CHARGING", "last_updated": "2026-01-01T12:00:00.000Z"})
    ]
    assert house.hub.heard(locations.put_location) == []


async def test_a_transaction_tells_a_charging_car_from_one_that_only_stands_there(house):
    place = EVSE(station_id="ST1", evse_id=1, connector_id=1)
    await house.connect()
    await house.tell("Occupied")
    assert await house.status() == "BLOCKED"

    await house.transact("Started", "Charging", evse=place)
    assert await house.status() == "CHARGING"
    await house.transact("Ended")
    assert await house.status() == "BLOCKED"


async def test_a_transaction_whose_end_is_still_to_come_does_not_hold_a_free_place(house):
    """Available comes before the queued StopTransaction."""
    await house.connect()
    await house.transact("Started", evse=EVSE(station_id="ST1", evse_id=1, connector_id=1))
    await house.tell("Charging")

    await house.tell("Available")

    assert await house.status() == "AVAILABLE"


async def test_a_transaction_that_went_on_before_a_restart_goes_on(house):
    await house.connect()
    await house.tell("Occupied")
    await house.stop()
    again = House(house.database, house.clock, house.hub)

    await again.start()
    await again.transact("Updated", evse=EVSE(station_id="ST1", evse_id=1))

    assert await again.status() == "CHARGING"

    await again.stop()
    await house.start()


async def test_a_lost_connection_shows_after_its_grace_and_ends_with_it(house):
    """X-69, GEM-FTR-1299."""
    await house.connect()
    await house.tell("Available")
    await house.tell("Available", 2)

    await house.disconnect()
    await house.clock.advance(59)
    assert await house.status() == "AVAILABLE"
    await house.clock.advance(1)
    await house.becomes("UNKNOWN")
    await house.becomes("UNKNOWN", "ST1-2")
    assert not house.keeper.online("ST1")

    await house.connect()
    assert await house.status() == "AVAILABLE"
    assert house.keeper.online("ST1")


async def test_after_a_restart_stations_have_the_grace_to_come_back(house):
    await house.connect()
    await house.tell("Available")
    await house.stop()
    again = House(house.database, house.clock, house.hub)

    await again.start()
    assert await again.status() == "AVAILABLE"
    await again.clock.advance(60)
    await again.becomes("UNKNOWN")

    await again.stop()
    await house.start()


async def test_what_a_station_says_of_itself_holds_for_all_its_evses(house):
    await house.connect()
    for evse_id in (1, 2):
        await house.tell("Available", evse_id)

    await house.tell("Unavailable", 0)

    assert [await house.status(each) for each in ("ST1-1", "ST1-2")] == ["INOPERATIVE", "INOPERATIVE"]


async def test_an_operator_takes_evses_out_of_use_and_into_test(house):
    """SGEM-4.4-04."""
    await house.connect()
    await house.tell("Available")
    await house.tell("Available", 2)

    await house.stations.operate("ST1", "DISABLED")
    await house.becomes("INOPERATIVE")
    await house.becomes("INOPERATIVE", "ST1-2")
    await house.stations.operate("ST1", "ACTIVE")
    await house.becomes("AVAILABLE")
    await house.stations.operate("ST1", "TEST", 2)

    await house.becomes("INOPERATIVE", "ST1-2")
    assert await house.status() == "AVAILABLE"


async def test_a_maintenance_is_planned_begins_and_ends_by_the_clock(house):
    """DD-DEF3, RASD-R30: present and future occupation."""
    await house.connect()
    await house.tell("Available")
    begins = house.clock.now() + 10 * MINUTE

    await house.maintenances.order("LOC1", ["ST1-1"], begins=begins, ends=begins + 5 * MINUTE, note="new cable")

    planned = {
        "period_begin": "2026-01-01T12:10:00.000Z", "period_end": "2026-01-01T12:15:00.000Z", "status": "INOPERATIVE",
    }  # fmt: skip
    await until(lambda: scheduled(house), [planned])
    assert await house.status() == "AVAILABLE"
    await house.clock.advance(600)
    await house.becomes("INOPERATIVE")
    assert (await house.evse())["last_updated"] == "2026-01-01T12:10:00.000Z"
    await house.clock.advance(300)
    await house.becomes("AVAILABLE")
    assert await scheduled(house) == []


async def test_a_maintenance_outlives_a_restart_and_begins_though_nobody_was_there(house):
    await house.connect()
    await house.tell("Available")
    begins = house.clock.now() + MINUTE
    await house.maintenances.order("LOC1", ["ST1-1"], begins=begins, ends=None)
    await house.stop()
    await house.clock.advance(120)
    again = House(house.database, house.clock, house.hub)

    await again.start()
    await again.becomes("INOPERATIVE")
    (plan,) = await again.maintenances.all()
    await again.connect()
    await again.maintenances.end(plan.reference)
    await again.becomes("AVAILABLE")

    assert await again.maintenances.all() == []
    await again.stop()
    await house.start()


async def test_a_maintenance_waits_for_the_car_that_charges(house):
    await house.connect()
    await house.tell("Charging")

    await house.maintenances.order("LOC1", ["ST1-1"], begins=house.clock.now(), ends=None)
    await until(lambda: scheduled(house), [{"period_begin": "2026-01-01T12:00:00.000Z", "status": "INOPERATIVE"}])
    assert await house.status() == "CHARGING"

    await house.tell("Available")
    assert await house.status() == "INOPERATIVE"


async def test_a_maintenance_that_cannot_be_is_refused(house):
    now = house.clock.now()

    with pytest.raises(InvalidParameters, match=r"\$\.ends"):
        await house.maintenances.order("LOC1", ["ST1-1"], begins=now, ends=now)
    with pytest.raises(InvalidParameters, match=r"\$\.evse_uids\[1\]"):
        await house.maintenances.order("LOC1", ["ST1-1", "ST9-9"], begins=now, ends=None)
    with pytest.raises(InvalidParameters, match=r"\$\.evse_uids"):
        await house.maintenances.order("LOC1", [], begins=now, ends=None)
    with pytest.raises(NoSuchPlan):
        await house.maintenances.end("none")


async def test_a_reservation_is_shown_while_it_lasts(house):
    """RASD-R30."""
    await house.connect()
    await house.tell("Available")
    begins = house.clock.now() + MINUTE
    plan = Plan(
        kind="RESERVATION", reference="B1", location_id="LOC1", evse_uid="ST1-1", begins=begins, ends=begins + MINUTE
    )

    await house.database.transact(lambda tx: house.plans.put(tx, plan))
    await until(lambda: scheduled(house), [plan.schedule()])
    await house.clock.advance(60)
    await house.becomes("RESERVED")
    await house.database.transact(lambda tx: house.plans.drop(tx, "RESERVATION", "B1"))

    await house.becomes("AVAILABLE")


async def test_a_booking_is_shown_ahead_then_reserved_and_free_again_when_nobody_came(house):
    """RASD-R30, X-42, X-13."""
    await house.connect()
    await house.tell("Available")
    begins = house.clock.now() + 30 * MINUTE
    booked = Entry(
        id="B1", asker="DE-EMP", request_id="R1", place=Place.of("LOC1", "ST1-1"), starts_at=begins,
        ends_at=begins + 30 * MINUTE, state="RESERVED",
    )  # fmt: skip

    await house.database.transact(lambda tx: write(tx, booked))
    await until(lambda: scheduled(house), [{
        "period_begin": "2026-01-01T12:30:00.000Z", "period_end": "2026-01-01T13:00:00.000Z", "status": "RESERVED",
    }])  # fmt: skip
    assert await house.status() == "AVAILABLE"
    await house.clock.advance(1800)
    await house.becomes("RESERVED")
    await house.database.transact(lambda tx: write(tx, dataclasses.replace(booked, state="NO_SHOW")))

    await house.becomes("AVAILABLE")
    assert await scheduled(house) == []


async def test_many_changes_at_a_site_are_told_as_it_is_in_the_end(house):
    """200 changes a second are not 200 requests."""
    await house.connect()
    await house.owed.settled()
    house.hub.asked.clear()

    said = ["Charging", "SuspendedEV", "Finishing", "Available"] * 25
    await asyncio.gather(*(house.tell(each, evse_id) for each in said for evse_id in (1, 2)))
    await house.owed.settled()

    assert [await house.status(each) for each in ("ST1-1", "ST1-2")] == ["AVAILABLE", "AVAILABLE"]
    assert 0 < len(house.hub.heard(locations.patch_evse)) < 20
    assert house.hub.asked[-1].value["status"] == "AVAILABLE"


async def test_200_changes_in_a_second_at_a_site_of_100_leave_within_a_second(house):
    """RASD-F15: within 1 s, by the clock of the world."""
    await house.import_site(evses=[evse(f"S{number}-1") for number in range(100)])
    for number in range(100):
        await house.connect(f"S{number}")
    await house.owed.settled()
    left, told, tellings = {}, {}, []

    def leaves(request):
        left[request.params["evse_uid"], request.value.get("status")] = time.monotonic()
        return Response()

    house.hub.answers[locations.patch_evse] = leaves
    begun = time.monotonic()
    for number in range(200):
        status, uid = ("Charging", "Faulted")[number // 100], f"S{number % 100}"
        told[f"{uid}-1", {"Charging": "CHARGING", "Faulted": "OUTOFORDER"}[status]] = time.monotonic()
        tellings.append(asyncio.create_task(house.tell(status, 1, uid)))
        await asyncio.sleep(max(0.0, begun + (number + 1) / 200 - time.monotonic()))
    await asyncio.gather(*tellings)
    await house.owed.settled()

    last = {key for key in told if key[1] == "OUTOFORDER"}
    assert last <= left.keys()  # of what came before some may have been overtaken
    assert max(left[key] - told[key] for key in left.keys() & told.keys()) < 1


async def test_each_change_is_heard_live(house):
    await house.connect()
    reader = house.feed.subscribe(frozenset({"status"}))

    await house.tell("Charging")

    event = await reader.next(1)
    assert event.data == {
        "location_id": "LOC1", "evse_uid": "ST1-1", "status": "CHARGING", "at": "2026-01-01T12:00:00.000Z",
    }  # fmt: skip


async def test_what_a_station_says_that_stands_nowhere_is_kept_for_when_it_does(house):
    await house.connect("NEW")
    await house.tell("Charging", 1, "NEW")

    await house.import_site(id="LOC2", evses=[evse("NEW-1")])
    await house.connect("NEW")

    kept = await house.store.locations.get(CPO, "LOC2")
    assert kept["evses"][0]["status"] == "CHARGING"


async def scheduled(house, uid="ST1-1"):
    return (await house.evse(uid)).get("status_schedule")


async def until(found, wanted):
    async with asyncio.timeout(5):
        while await found() != wanted:
            await asyncio.sleep(0.01)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def hub():
    return FakeHub()
