"""How the stations are, for who wants to charge and for who operates them."""

import asyncio
import datetime
from decimal import Decimal

import pytest

from hub.cpms.plans import Plan
from hub.cpms.premises import Premises
from hub.cpms.readings import Reading, with_sample
from hub.cpms.store import Store
from hub.ocpi.receiving import NoSuchLocation
from hub.ocpp.events import Connected, Disconnected, Metered, StatusChanged, TransactionEvent
from hub.ocpp.words import EVSE, Sample
from tests.rooms import CPO, evse, location, tariff


def socket(identifier, standard="IEC_62196_T2", power=11_000, **changes):
    return evse()["connectors"][0] | {
        "id": identifier, "standard": standard, "power_type": "AC_3_PHASE", "max_electric_power": power,
    } | changes  # fmt: skip


class House:
    def __init__(self, database, clock):
        self.store, self.clock = Store(database, CPO), clock
        self.premises = Premises(self.store, clock=clock)

    async def put(self, **changes):
        bays = [
            evse("ST1-1", connectors=[socket("1"), socket("2", "CHADEMO", 50_000)]),
            evse("ST1-2", connectors=[socket("1")]),
        ]
        site = location(evses=bays) | changes
        await self.store.database.transact(lambda tx: self.store.put_for_everyone(tx, self.store.locations, site))
        await self.store.database.transact(lambda tx: self.store.put_for_everyone(tx, self.store.tariffs, tariff()))

    async def tell(self, event):
        await self.premises.told(event)
        await self.premises.places.reread(location_id="LOC1")

    async def status(self, status, evse_id=1, connector_id=1, **more):
        await self.tell(StatusChanged(
            evse=EVSE(station_id="ST1", evse_id=evse_id, connector_id=connector_id), status=status,
            at=self.clock.now(), **more,
        ))  # fmt: skip

    async def connect(self):
        await self.tell(Connected(station_id="ST1", version="2.0.1", at=self.clock.now()))
        for evse_id, connector_id in ((1, 1), (1, 2), (2, 1)):
            await self.status("Available", evse_id, connector_id)

    async def charge(self, kind="Updated", evse_id=1, **measured):
        at = self.clock.now()
        samples = tuple(
            Sample(at=at, value=Decimal(value), measurand=_MEASURANDS[name], unit="")
            for name, value in measured.items()
        )
        await self.tell(TransactionEvent(
            kind=kind, station_id="ST1", transaction_id="T1", at=at, received_at=at, message_id="m", trigger="t",
            evse=EVSE(station_id="ST1", evse_id=evse_id, connector_id=1), samples=samples, charging_state="Charging",
        ))  # fmt: skip

    async def sockets(self):
        site = await self.premises.overview.site("LOC1")
        return {each.standard: each for each in site.sockets}

    async def station(self):
        return await self.premises.overview.station({"station_id": "ST1", "max_power": 22})


_MEASURANDS = {
    "energy": "Energy.Active.Import.Register", "power": "Power.Active.Import", "soc": "SoC",
    "offered": "Power.Offered", "temperature": "Temperature",
}  # fmt: skip


@pytest.fixture
async def house(database, clock):
    made = House(database, clock)
    await made.put()
    await made.premises.start()
    await made.connect()
    yield made
    await made.premises.stop()


async def test_outside_sees_free_sockets_by_type_and_speed_with_their_price(house):
    """RASD-R17, RASD-F15, DD-C-ESS, INCAR-RO02."""
    await house.status("Occupied", 2)

    site = await house.premises.overview.site("loc1")

    assert (site.location_id, site.latitude, site.longitude) == ("LOC1", "52.373100", "4.892200")
    found = [(each.standard, each.speed, each.power, each.total, each.free) for each in site.sockets]
    assert found == [("CHADEMO", "RAPID", 50.0, 1, 1), ("IEC_62196_T2", "FAST", 11.0, 2, 1)]
    (offer,) = site.sockets[0].offers
    assert (offer.tariff_id, offer.currency, offer.energy, offer.flat, offer.time) == (
        "T1", "EUR", Decimal("0.4"), Decimal("0.5"), None,
    )  # fmt: skip


async def test_a_site_that_is_not_there_has_no_status(house):
    with pytest.raises(NoSuchLocation):
        await house.premises.overview.site("LOC9")


async def test_when_all_are_taken_the_first_that_is_free_again_is_told_if_anybody_can_say(house):
    """DD-C-ESS, RASD-F15: the estimate is honest, or not there."""
    await house.status("Occupied", 1)
    await house.charge("Started", soc=20)
    await house.status("Occupied", 2)
    await house.charge("Started", evse_id=2)
    assert (await house.sockets())["IEC_62196_T2"].free == 0
    assert (await house.sockets())["IEC_62196_T2"].first_free_at is None

    await house.clock.advance(600)
    await house.charge(soc=30)

    # 10 % in 10 minutes: the other 70 % take 70 minutes more.
    expected = house.clock.now() + datetime.timedelta(minutes=70)
    assert (await house.sockets())["IEC_62196_T2"].first_free_at == expected
    assert (await house.sockets())["CHADEMO"].first_free_at == expected  # of the same EVSE
    house.premises.overview.ends_by = lambda place: house.clock.now() + datetime.timedelta(minutes=5)
    assert (await house.sockets())["IEC_62196_T2"].first_free_at == house.clock.now() + datetime.timedelta(minutes=5)


async def test_what_is_planned_tells_when_it_is_free_again(house):
    now = house.clock.now()
    for uid, hours in (("ST1-1", 2), ("ST1-2", 1)):
        plan = Plan(
            kind="RESERVATION", reference=uid, location_id="LOC1", evse_uid=uid, begins=now,
            ends=now + datetime.timedelta(hours=hours),
        )  # fmt: skip
        await house.store.database.transact(lambda tx, plan=plan: house.premises.plans.put(tx, plan))
    async with asyncio.timeout(5):
        while (found := (await house.sockets())["IEC_62196_T2"]).free:
            await asyncio.sleep(0.01)

    assert found.first_free_at == now + datetime.timedelta(hours=1)


async def test_a_free_socket_has_no_estimate(house):
    await house.status("Occupied", 1)
    await house.charge("Started", soc=99)

    found = (await house.sockets())["IEC_62196_T2"]

    assert (found.free, found.first_free_at) == (1, None)


async def test_inside_sees_each_car_and_its_energy(house):
    """RASD-R18, RASD-F16, DD-R6, DD-C-ISS."""
    await house.status("Occupied", 1)
    await house.charge("Started", energy=1000, soc=50)
    await house.clock.advance(300)
    await house.charge(energy=3500, power=22_000, soc=55, offered=50_000, temperature=41)

    state = await house.station()

    assert (state.online, state.cars_charging, state.power) == (True, 1, Decimal(22_000))
    first, second = state.evses
    assert (first.state, first.status, second.state, second.status) == ("IN_USE", "CHARGING", "ACTIVE", "AVAILABLE")
    assert (first.car.energy, first.car.power, first.car.soc) == (2500, 22_000, 55)
    assert first.car.ends_at == house.clock.now() + datetime.timedelta(minutes=45)
    assert (first.offered, first.temperature) == (50_000, 41)
    assert [each.status for each in first.connectors] == ["Occupied", "Available"]
    assert second.car is None

    await house.status("Available", 1)
    assert (await house.station()).cars_charging == 0


async def test_a_battery_of_the_station_is_a_source_of_its_own(house):
    """RASD-R18: battery level."""
    place = EVSE(station_id="ST1", evse_id=0)
    await house.tell(Metered(evse=place, samples=(
        Sample(at=house.clock.now(), value=Decimal(64), measurand="SoC", unit="Percent"),
    )))  # fmt: skip

    station = {"station_id": "ST1", "battery": {"capacity": 200, "power": 150}}
    state = await house.premises.overview.station(station)

    assert (state.battery.capacity, state.battery.power, state.battery.soc) == (200, 150, 64)
    assert (await house.station()).battery.soc == 64


async def test_a_station_without_connection_is_marked_so(house):
    """X-69: remote monitoring and control are unavailable."""
    await house.tell(Disconnected(station_id="ST1", at=house.clock.now()))

    state = await house.station()

    assert (state.online, state.away_since) == (False, house.clock.now())


NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def soc(value, minutes):
    return Sample(at=NOW + datetime.timedelta(minutes=minutes), value=Decimal(value), measurand="SoC", unit="Percent")


@pytest.mark.parametrize(
    ("samples", "full_after"),
    [
        ([], None),
        ([soc(20, 0)], None),
        ([soc(20, 0), soc("20.5", 10)], None),  # too little to say
        ([soc(20, 0), soc(25, 0.5)], None),  # too soon to say
        ([soc(20, 0), soc(19, 10)], None),
        ([soc(20, 0), soc(60, 40)], 80),
        ([soc(20, 0), soc(60, 40), soc(50, 30)], 80),  # told late
        ([soc(100, 5)], 5),
    ],
)
def test_when_a_battery_is_full_is_said_only_from_what_was_seen(samples, full_after):
    reading = Reading()
    for each in samples:
        reading = with_sample(reading, each)

    assert reading.full_at() == (None if full_after is None else NOW + datetime.timedelta(minutes=full_after))
