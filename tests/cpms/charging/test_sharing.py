"""A site's power among its cars: fair, quick, and never more than there is, whatever stations do."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.cpms.charging.evses import Outlets
from hub.cpms.charging.sharing import Sharing
from hub.cpms.charging.sites import Battery, SitePower
from hub.cpms.ports import ProfileChanged
from hub.cpms.store import Store
from hub.ocpp.events import EVSE
from tests.clocks import ManualClock
from tests.cpms.charging.stations import Site
from tests.rooms import CPO, NOW, evse, location

LIMIT = SitePower(phases=(48_000, 48_000, 48_000))


def connector(**changes):
    return {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
        "max_amperage": 32, "last_updated": NOW,
    } | changes  # fmt: skip


class Scene:
    def __init__(self, database, count, power=LIMIT, **changes):
        self.site = Site(count)
        self.clock = ManualClock()
        self.store = Store(database, CPO)
        self.told = []
        self.power = power
        self.changes = changes
        self.sharing = Sharing(
            store=self.store, outlets=Outlets(self.store, self.site), chargers=self.site, cars=self.site.cars,
            tell=self._tell, clock=self.clock,
        )  # fmt: skip

    async def _tell(self, event):
        self.told.append(event)

    async def begin(self):
        evses = [evse(f"{each}-1", connectors=[connector(**self.changes)]) for each in self.site.stations]
        value = location(evses=evses)

        async def work(tx):
            await self.store.put_for_everyone(tx, self.store.locations, value)
            if self.power is not None:
                await self.sharing.powers.put(tx, "LOC1", self.power, self.clock.now())

        await self.store.database.transact(work)
        await self.sharing.look()
        return self

    async def limit(self, power):
        self.power = power
        await self.store.database.transact(lambda tx: self.sharing.powers.put(tx, "LOC1", power, self.clock.now()))
        await self.sharing.look()

    async def wish(self, session_id, profile_type):
        value = {"profile_type": profile_type, "last_updated": NOW}
        await self.store.database.transact(lambda tx: self.store.preferences.put(tx, CPO, session_id, value))
        self.sharing.wake()


async def test_cars_share_equally_what_the_site_may_draw(database):
    scene = await Scene(database, 4).begin()
    for each in ("S1", "S2", "S3"):
        scene.site.plug(each)

    await scene.sharing.look()

    assert scene.site.shares() == {"S1": 16, "S2": 16, "S3": 16}


async def test_who_leaves_leaves_his_share_and_who_comes_gets_one(database):
    """GEM-FTR-976: the load of a running charge is increased and decreased."""
    scene = await Scene(database, 3).begin()
    scene.site.plug("S1")
    scene.site.plug("S2")
    await scene.sharing.look()
    first = scene.site.shares()

    scene.site.plug("S3")
    await scene.sharing.look()
    second = scene.site.shares()
    scene.site.unplug("S1")
    await scene.sharing.look()

    assert first == {"S1": 24, "S2": 24}
    assert second == {"S1": 16, "S2": 16, "S3": 16}
    assert scene.site.shares() == {"S2": 24, "S3": 24}


async def test_nobody_is_raised_before_the_others_have_been_lowered(database):
    scene = await Scene(database, 2).begin()
    scene.site.plug("S1")
    await scene.sharing.look()
    scene.site.stations["S1"].trouble = "late"

    scene.site.plug("S2")
    await scene.sharing.look()
    held = scene.site.shares()
    scene.site.stations["S1"].trouble = ""
    await scene.clock.advance(31)
    await scene.sharing.look()

    assert held == {"S1": 32, "S2": 16}
    assert scene.site.shares() == {"S1": 24, "S2": 24}


async def test_a_station_that_is_offline_keeps_what_it_was_last_told(database):
    scene = await Scene(database, 3).begin()
    for each in ("S1", "S2"):
        scene.site.plug(each)
    await scene.sharing.look()
    scene.site.stations["S1"].online = False

    scene.site.plug("S3")
    await scene.sharing.look()

    assert scene.site.shares() == {"S1": 24, "S2": 12, "S3": 12}


async def test_a_restart_of_this_side_forgets_no_limit(database):
    scene = await Scene(database, 2).begin()
    scene.site.plug("S1")
    await scene.sharing.look()
    scene.site.stations["S1"].online = False

    other = Scene(database, 2)
    other.site = scene.site
    other.sharing = Sharing(
        store=scene.store, outlets=Outlets(scene.store, scene.site), chargers=scene.site, cars=scene.site.cars,
        tell=scene._tell, clock=scene.clock,
    )  # fmt: skip
    scene.site.plug("S2")
    await other.sharing.look()

    assert scene.site.shares() == {"S1": 32, "S2": 16}


async def test_a_station_that_cannot_be_limited_counts_with_all_it_has(database):
    scene = Scene(database, 3)
    scene.site.stations["S1"].trouble = "refused"
    await scene.begin()
    for each in ("S1", "S2", "S3"):
        scene.site.plug(each)

    await scene.sharing.look()

    assert scene.site.shares() == {"S1": 32, "S2": 8, "S3": 8}


async def test_a_fast_session_gets_more_than_a_green_one(database):
    scene = await Scene(database, 2).begin()
    fast, green = scene.site.plug("S1"), scene.site.plug("S2")
    await scene.wish(fast, "FAST")
    await scene.wish(green, "GREEN")

    await scene.sharing.look()

    assert scene.site.shares() == {"S1": 32, "S2": 16}


async def test_where_there_is_not_enough_for_all_those_with_least_energy_take_turns(database):
    scene = await Scene(database, 3, SitePower(phases=(13_000, 13_000, 13_000))).begin()
    for each in ("S1", "S2", "S3"):
        scene.site.plug(each)

    await scene.sharing.look()
    first = scene.site.shares()
    cars = scene.site.cars
    scene.sharing._cars = lambda: [_with_energy(car, 5.0 if first[car.evse.station_id] else 0.0) for car in cars()]
    await scene.clock.advance(901)
    await scene.sharing.look()
    second = scene.site.shares()

    assert sorted(first.values()) == [0, 6.5, 6.5]
    starved = next(each for each, share in first.items() if not share)
    assert second[starved] == 6.5


def _with_energy(car, kwh):
    import dataclasses

    return dataclasses.replace(car, kwh=kwh)


async def test_an_emsps_profile_is_kept_below_the_share_and_what_it_leaves_is_others(database):
    scene = await Scene(database, 2).begin()
    scene.site.plug("S1")
    scene.site.plug("S2")
    await scene.sharing.look()
    one = EVSE(station_id="S1", evse_id=1)
    said = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": Decimal(10)}]}

    result = await scene.sharing.set(one, scene.site.stations["S1"].transaction, said)
    await scene.sharing.look()
    limited = scene.site.shares()
    cleared = await scene.sharing.clear(one, scene.site.stations["S1"].transaction)
    await scene.sharing.look()
    again = await scene.sharing.clear(one, scene.site.stations["S1"].transaction)

    assert (result, cleared, again) == ("ACCEPTED", "ACCEPTED", "UNKNOWN")
    assert limited == {"S1": 10, "S2": 32}
    assert scene.site.shares() == {"S1": 24, "S2": 24}


async def test_a_profile_above_the_share_does_not_lift_it(database):
    scene = await Scene(database, 2).begin()
    scene.site.plug("S1")
    scene.site.plug("S2")
    await scene.sharing.look()
    said = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": Decimal(22_000)}]}

    await scene.sharing.set(EVSE(station_id="S1", evse_id=1), scene.site.stations["S1"].transaction, said)

    assert scene.site.shares() == {"S1": 24, "S2": 24}


async def test_who_has_set_a_profile_hears_when_another_one_is_active(database):
    """mod_charging_profiles: PUT ActiveChargingProfile when it changes."""
    scene = await Scene(database, 2).begin()
    session = scene.site.plug("S1")
    await scene.sharing.look()
    said = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": Decimal(30)}]}
    await scene.sharing.set(EVSE(station_id="S1", evse_id=1), scene.site.stations["S1"].transaction, said)
    scene.told.clear()

    scene.site.plug("S2")
    await scene.sharing.look()

    (event,) = [each for each in scene.told if isinstance(each, ProfileChanged)]
    assert event.session_id == session
    assert event.profile["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": 24}]


async def test_a_battery_adds_to_what_the_grid_gives_while_it_has_charge(database):
    scene = await Scene(database, 2, SitePower(phases=(16_000, 16_000, 16_000))).begin()
    scene.site.plug("S1")
    scene.site.plug("S2")
    await scene.sharing.look()
    before = scene.site.shares()

    helped = SitePower(phases=(16_000,) * 3, battery=Battery(power=11_040, soc=80))
    await scene.limit(helped)
    charged = scene.site.shares()
    await scene.limit(SitePower(phases=(16_000,) * 3, battery=Battery(power=11_040, soc=20)))

    assert before == {"S1": 8, "S2": 8}
    assert charged == {"S1": 16, "S2": 16}
    assert scene.site.shares() == {"S1": 8, "S2": 8}


async def test_single_phase_stations_on_different_phases_do_not_hinder_each_other(database):
    power = SitePower(
        phases=(20_000, 20_000, 10_000), rotation={"S1-1": (1, 2, 3), "S2-1": (2, 3, 1), "S3-1": (3, 1, 2)}
    )
    scene = await Scene(database, 3, power, power_type="AC_1_PHASE").begin()
    for each in ("S1", "S2", "S3"):
        scene.site.plug(each)

    await scene.sharing.look()

    assert scene.site.shares() == {"S1": 20, "S2": 20, "S3": 10}


TURNED = SitePower(
    phases=(20_000,) * 3, rotation={"S1-1": (1, 2, 3), "S2-1": (2, 3, 1), "S3-1": (3, 1, 2)}
)  # fmt: skip


async def test_cars_that_load_one_phase_are_counted_on_that_and_held_to_it(database):
    """What they leave of the other phases is given to others, so they may not go over to them."""
    scene = await Scene(database, 3, TURNED).begin()
    for each in ("S1", "S2", "S3"):
        scene.site.plug(each)
        scene.site.stations[each].onboard = 1
    await scene.sharing.look()
    shared = {name: round(each, 1) for name, each in scene.site.shares().items()}

    for each in scene.site.stations.values():
        each.measure()
    await scene.sharing.look()

    assert shared == {"S1": 6.6, "S2": 6.6, "S3": 6.6}
    assert scene.site.shares() == {"S1": 20, "S2": 20, "S3": 20}
    for each in scene.site.stations.values():
        each.onboard = 3  # a car that changes over to three phases is held to one
    assert max(scene.site.drawn(TURNED.rotation)) <= 20


async def test_a_station_that_does_not_confirm_the_phases_is_counted_on_all(database):
    scene = await Scene(database, 2, TURNED).begin()
    for each in ("S1", "S2"):
        scene.site.plug(each)
        scene.site.stations[each].onboard = 1
    await scene.sharing.look()
    scene.site.stations["S1"].trouble = "refused"

    for each in scene.site.stations.values():
        each.measure()
    await scene.sharing.look()

    assert scene.site.stations["S1"].loads == 1
    assert scene.site.shares() == {"S1": 10, "S2": 10}


async def test_a_car_that_loads_more_phases_than_it_was_held_to_is_counted_on_them(database):
    scene = await Scene(database, 2, TURNED).begin()
    for each in ("S1", "S2"):
        scene.site.plug(each)
        scene.site.stations[each].onboard = 1
    await scene.sharing.look()
    for each in scene.site.stations.values():
        each.measure()
    await scene.sharing.look()
    alone = scene.site.shares()

    scene.site.stations["S1"].measured = 3  # its station does not mind numberPhases
    await scene.sharing.look()

    assert alone == {"S1": 20, "S2": 20}
    assert scene.site.shares() == {"S1": 10, "S2": 10}


async def test_idle_power_is_set_aside_so_that_a_car_can_begin_while_its_station_is_offline(database):
    scene = await Scene(database, 3, SitePower(phases=(48_000,) * 3, idle=6_000)).begin()
    scene.site.stations["S3"].online = False
    scene.site.plug("S1")
    scene.site.plug("S2")
    await scene.sharing.look()

    scene.site.plug("S3")

    assert scene.site.shares() == {"S1": 21, "S2": 21, "S3": 6}


async def test_a_site_without_a_limit_any_more_is_let_go(database):
    scene = await Scene(database, 2).begin()
    scene.site.plug("S1")
    scene.site.plug("S2")
    await scene.sharing.look()

    await database.transact(lambda tx: scene.sharing.powers.delete(tx, "LOC1"))
    await scene.sharing.look()

    assert scene.site.shares() == {"S1": 32, "S2": 32}


async def test_a_change_is_shared_within_two_seconds_by_itself(database):
    scene = await Scene(database, 2).begin()
    scene.sharing.start()
    try:
        scene.site.plug("S1")
        scene.site.plug("S2")
        async with asyncio.timeout(2):
            while scene.site.shares() != {"S1": 24, "S2": 24}:
                await asyncio.sleep(0.02)
    finally:
        await scene.sharing.stop()


async def test_where_nothing_changes_nobody_is_told_anything(database):
    scene = await Scene(database, 2).begin()
    scene.site.plug("S1")
    await scene.sharing.look()
    told = [len(each.told) for each in scene.site.stations.values()]

    for _ in range(3):
        await scene.clock.advance(11)
        await scene.sharing.look()

    assert [len(each.told) for each in scene.site.stations.values()] == told


@pytest.mark.parametrize(
    "profile", [{"charging_rate_unit": "A"}, {"charging_rate_unit": "A", "charging_profile_period": []}]
)
async def test_a_profile_without_a_period_is_rejected(database, profile):
    scene = await Scene(database, 1).begin()
    scene.site.plug("S1")

    assert await scene.sharing.set(EVSE(station_id="S1", evse_id=1), "1", profile) == "REJECTED"


steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "plug",
                "unplug",
                "offline",
                "online",
                "restart",
                "lost",
                "late",
                "refused",
                "well",
                "profile",
                "one phase",
                "three phases",
                "measure",
                "measure",
            ]
        ),
        st.sampled_from(["S1", "S2", "S3", "S4"]),
        st.integers(1, 40),
    ),
    max_size=25,
)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # the store itself is tried by the others
@given(steps, st.sampled_from([0, 6_000]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_the_site_never_draws_more_than_it_may(database, done, idle):
    await database.transact(lambda tx: tx.execute("DELETE FROM cpms_share"))
    await database.transact(lambda tx: tx.execute("DELETE FROM cpms_set_profile"))
    rotation = {"S1-1": (1, 2, 3), "S2-1": (2, 3, 1), "S3-1": (3, 1, 2), "S4-1": (1, 2, 3)}
    scene = await Scene(database, 4, SitePower(phases=(40_000,) * 3, idle=idle, rotation=rotation)).begin()

    for what, station_id, seconds in done:
        station = scene.site.stations[station_id]
        if what == "plug" and station.transaction is None:
            scene.site.plug(station_id)
        elif what == "unplug":
            scene.site.unplug(station_id)
        elif what in ("offline", "online"):
            station.online = what == "online"
        elif what == "restart":
            station.restart()
        elif what in ("one phase", "three phases"):
            station.onboard = 1 if what == "one phase" else 3
        elif what == "measure" and station.online:
            station.measure()
        elif what == "profile" and station.transaction is not None:
            limit = {"start_period": 0, "limit": Decimal(seconds)}
            said = {"charging_rate_unit": "A", "charging_profile_period": [limit]}
            await scene.sharing.set(EVSE(station_id=station_id, evse_id=1), station.transaction, said)
        else:
            station.trouble = {"lost": "lost", "late": "late", "refused": "refused"}.get(what, "")
        assert max(scene.site.drawn(rotation)) <= 40
        await scene.clock.advance(seconds)
        await scene.sharing.look()
        assert max(scene.site.drawn(rotation)) <= 40

    for station in scene.site.stations.values():
        station.online, station.trouble = True, ""
    await scene.clock.advance(31)
    scene.sharing.wake()
    await scene.sharing.look()
    await scene.sharing.look()
    assert max(scene.site.drawn(rotation)) <= 40
