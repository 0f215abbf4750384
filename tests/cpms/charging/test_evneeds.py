"""What a car says it needs (K15): it is answered, its TxProfile follows, and its schedule is judged by that."""

import asyncio
from decimal import Decimal

import pytest

from hub.cpms.charging.evneeds import Negotiation
from hub.cpms.charging.evses import Outlets
from hub.cpms.charging.sharing import Sharing
from hub.ocpi.times import date_time
from hub.ocpp.events import EVSE
from tests.cpms.charging.test_sharing import LIMIT, Scene
from tests.cpms.operating import Operation


class Talk(Scene):
    """A site whose cars speak."""

    def __init__(self, database, count, power=LIMIT, **changes):
        super().__init__(database, count, power, **changes)
        outlets = Outlets(self.store, self.site)
        self.negotiation = Negotiation(outlets=outlets, cars=self.site.cars, clock=self.clock.now)
        self.sharing = Sharing(
            store=self.store, outlets=outlets, chargers=self.site, cars=self.negotiation.cars, tell=self._tell,
            clock=self.clock,
        )  # fmt: skip
        self.negotiation.serve(self.sharing)

    async def needs(self, station_id, said, transfer="AC_three_phase", **more):
        said = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": transfer, **said}, **more}
        status = await self.negotiation.needs(station_id, said)
        await asyncio.sleep(0)  # the answer goes out
        await self.sharing.look()
        return status

    async def chooses(self, station_id, *periods, unit="A"):
        schedule = {
            "id": 1, "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
        }  # fmt: skip
        said = {"evseId": 1, "timeBase": date_time(self.clock.now()), "chargingSchedule": schedule}
        taken = await self.negotiation.schedule(station_id, said)
        await asyncio.sleep(0)
        await self.sharing.look()
        return taken

    def profiles(self, station_id):
        """The TxProfiles a station was told, as their limits, with the phases they allow."""
        told = [each for each in self.site.stations[station_id].told if each.purpose == "TxProfile"]
        return [([period.limit for period in each.periods], each.periods[0].phases) for each in told]


def alternating(amperes, energy=20_000):
    return {
        "acChargingParameters": {
            "energyAmount": energy, "evMinCurrent": 6, "evMaxCurrent": amperes, "evMaxVoltage": 400,
        }
    }  # fmt: skip


async def test_what_a_car_cannot_take_is_given_to_the_others(database):
    talk = await Talk(database, 2).begin()
    talk.site.plug("S1")
    talk.site.plug("S2")
    await talk.sharing.look()

    status = await talk.needs("S1", alternating(10))

    assert status == "Accepted"
    assert talk.profiles("S1")[-1] == ([10], None)
    assert talk.site.shares() == {"S1": 10, "S2": 32}


async def test_a_profile_follows_also_where_nothing_changes(database):
    """K15 waits for one: within a minute, whatever was told before."""
    talk = await Talk(database, 1).begin()
    talk.site.plug("S1")
    await talk.sharing.look()

    await talk.needs("S1", alternating(32))
    await talk.sharing.look()

    assert talk.profiles("S1") == [([32], None)] * 2


async def test_a_profile_follows_at_a_site_without_a_limit(database):
    talk = await Talk(database, 1, None).begin()
    talk.site.plug("S1")

    await talk.needs("S1", alternating(16))

    assert talk.profiles("S1") == [([16], None)]


async def test_a_car_that_asks_for_one_phase_is_held_to_it_and_counted_on_it(database):
    talk = await Talk(database, 2).begin()
    talk.site.plug("S1")
    talk.site.plug("S2")

    await talk.needs("S1", alternating(32), transfer="AC_single_phase")

    assert talk.profiles("S1")[-1][1] == 1


@pytest.mark.parametrize(
    ("said", "watts"),
    [
        ({"evMaxCurrent": 100, "evMaxVoltage": 400, "evMaxPower": 11_040}, 11_040),
        ({"evMaxCurrent": 20, "evMaxVoltage": 345}, 6_900),
        ({"evMaxCurrent": 0, "evMaxVoltage": 0}, 22_080),
    ],
)
async def test_a_car_of_direct_current_is_told_watts(database, said, watts):
    talk = await Talk(database, 1, power_type="DC", max_electric_power=22_080).begin()
    talk.site.plug("S1")

    await talk.needs("S1", {"dcChargingParameters": said}, transfer="DC")

    ((limit,), _) = talk.profiles("S1")[-1]
    assert limit == watts


async def test_who_has_to_leave_soon_gets_more_until_its_driver_says_otherwise(database):
    talk = await Talk(database, 2).begin()
    talk.site.plug("S1")
    session = talk.site.plug("S2")
    leaves = date_time(talk.clock.now().replace(hour=talk.clock.now().hour + 1))

    await talk.needs("S2", alternating(32) | {"departureTime": leaves})
    urgent = talk.site.shares()
    await talk.wish(session, "REGULAR")
    await talk.sharing.look()

    assert urgent == {"S1": 18, "S2": 30}
    assert talk.site.shares() == {"S1": 24, "S2": 24}


async def test_an_emsps_profile_is_told_in_as_many_periods_as_the_car_reads(database):
    talk = await Talk(database, 1).begin()
    talk.site.plug("S1")
    periods = [{"start_period": 60 * each, "limit": Decimal(10 + each)} for each in (3, 1, 2, 0)]
    periods = [{"start_period": 60 * place, "limit": each["limit"]} for place, each in enumerate(periods)]
    said = {"charging_rate_unit": "A", "charging_profile_period": periods}
    await talk.sharing.set(EVSE(station_id="S1", evse_id=1), talk.site.stations["S1"].transaction, said)

    await talk.needs("S1", alternating(32), maxScheduleTuples=2)

    assert talk.profiles("S1")[-1] == ([13, 10], None)


async def test_needs_without_a_transaction_are_rejected_and_those_of_the_last_one_are_forgotten(database):
    talk = await Talk(database, 1).begin()
    nobody = await talk.needs("S1", alternating(10))
    talk.site.plug("S1")
    await talk.needs("S1", alternating(10))
    talk.site.unplug("S1")
    await talk.sharing.look()

    talk.site.plug("S1")
    await talk.sharing.look()

    assert nobody == "Rejected"
    assert talk.site.shares() == {"S1": 32}


async def test_a_schedule_within_the_limit_is_taken_and_one_above_it_is_told_the_limit_anew(database):
    talk = await Talk(database, 2).begin()
    talk.site.plug("S1")
    talk.site.plug("S2")
    await talk.sharing.look()
    before = talk.profiles("S1")

    within = await talk.chooses("S1", (0, 24.0), (3600, 6.0))
    power = await talk.chooses("S1", (0, 24 * 690), unit="W")
    same = talk.profiles("S1")
    above = await talk.chooses("S1", (0, 6.0), (3600, 25.0))

    assert (within, power, above) == (True, True, False)
    assert same == before
    assert talk.profiles("S1") == [*before, ([24], None)]


async def test_a_schedule_of_nobody_we_know_is_its_stations_business(database):
    talk = await Talk(database, 1).begin()

    assert await talk.chooses("S1", (0, 99.0))


class Deaf:
    async def needs(self, station_id, said):
        return "Processing"

    async def schedule(self, station_id, said):
        return False


@pytest.mark.parametrize(("negotiation", "answers"), [(Deaf(), ("Processing", False)), (None, ("Rejected", True))])
async def test_what_a_station_tells_reaches_who_shares_power(hub, database, clock, negotiation, answers):
    operation = Operation(hub, database, clock)
    operation.cpms.operate(operation.chargers, negotiation=negotiation)
    await operation.start()

    told = (await operation.operator.charging_needs("ST1", {}), await operation.operator.charging_schedule("ST1", {}))
    await operation.stop()

    assert told == answers
