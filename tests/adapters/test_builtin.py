"""The built-in CPMS keeps the contract with stations that are real to it: WebSockets, OCPP, a meter, a driver."""

import asyncio
from typing import Any

import pytest

from hub.cpms.builtin import BuiltinCpms, Rules
from hub.cpms.places import Place, Places
from hub.cpms.plans import Plans
from hub.cpms.ports import ReservationEnded, SessionEnded, SessionStarted, StatusChanged
from hub.cpms.stations import Stations
from hub.cpms.statuskeeping import StatusKeeper
from hub.cpms.store import Store
from hub.cpms.watching import Limits
from hub.ocpi.times import moment
from hub.ocpp.admission import OpenGate
from hub.ocpp.central_system import CentralSystem
from hub.ocpp.simulation.car import Car
from hub.ocpp.simulation.link import Address
from hub.ocpp.simulation.station import Station
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201
from tests.adapters.contract import COMMANDED, OUTLET, CpmsContract, FakeDesk
from tests.clocks import ManualClock
from tests.cpms.operating import Centre
from tests.ocpp.plain import listening
from tests.rooms import CPO, evse, location

PLACE = Place(evse_id=1, connector_id=1, location_id="LOC1", evse_uid="EVSE1", connector="1")


class SocketClock(ManualClock):
    """Time that moves on only when what is under way on sockets and in the store has had its time in the world."""

    async def advance(self, seconds: float) -> None:
        end = self._at.timestamp() + seconds
        while (left := end - self._at.timestamp()) > 0:
            await asyncio.sleep(0.01)
            await super().advance(min(left, 10))
        await asyncio.sleep(0.1)


class Board:
    """Where statuses are published, once written: the desk hears of them here."""

    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        at = moment(data["at"])
        told = {name: data[name] for name in ("location_id", "evse_uid", "status")}
        self.desk.told.append(StatusChanged(**told, at=at))


class Driver:
    """Plugs in when he may charge, and leaves when he no longer does."""

    def __init__(self, station: Station) -> None:
        self.station = station

    async def drive(self) -> None:
        connector = self.station.connector(1)
        while True:
            await self.station.until(lambda: connector.grant is not None, timeout=600)
            self.station.plug(car=Car(max_power=50_000))
            await self.station.until(lambda: connector.transaction is not None, timeout=600)
            await self.station.until(lambda: connector.transaction is None, timeout=600)
            self.station.unplug()


class Site:
    """A CPMS, its central system, and one station with a driver."""

    def __init__(self, database: Any, desk: FakeDesk, clock: ManualClock, version: str) -> None:
        self.database, self.desk, self.clock, self.version = database, desk, clock, version
        store = Store(database, CPO)
        self.store, self.places = store, Places(store)
        stations = Stations(store, self.places, clock=clock.now)
        self.stations = stations
        self.plans = Plans(database, clock=clock.now)
        self.statuses = StatusKeeper(store, stations, self.plans, clock=clock, feed=Board(desk))
        self.cpms = self.made()
        self.station: Any = None

    def made(self) -> BuiltinCpms:
        rules = Rules(limits=Limits(look=1))
        return BuiltinCpms(
            database=self.database, places=self.places, party=("NL", "CPO"), centre=Centre(), clock=self.clock,
            rules=rules, witnesses=[self.statuses],
        )  # fmt: skip

    async def open(self) -> None:
        there = location(evses=[evse("EVSE1", status="UNKNOWN")])

        async def work(tx: Any) -> None:
            await self.store.put_for_everyone(tx, self.store.locations, there)
            await self.stations.stored.place(tx, "SIM1", [PLACE])

        await self.database.transact(work)
        await self.places.start()
        await self.stations.start()
        await self.plans.start()
        await self.statuses.start()
        self.serve(self.cpms)

    async def switch_on(self) -> None:
        """Open the door to stations, and switch one on."""
        listener = listening()
        self.port = listener.getsockname()[1]
        await self.central.start(listener)
        address = Address(url=f"ws://127.0.0.1:{self.port}/ocpp", station_id="SIM1")
        self.station = Station(address, version=self.version, max_power=50_000, clock=self.clock, answer_timeout=0.3)
        await self.station.start()
        self.driver = asyncio.create_task(Driver(self.station).drive())

    def serve(self, cpms: BuiltinCpms) -> None:
        operator = cpms.operator
        dialects = [Dialect16(operator, self.clock.now), Dialect201(operator, self.clock.now)]
        self.central = CentralSystem(dialects, operator, OpenGate(), now=self.clock.now)
        cpms.operate(self.central)

    async def ready(self) -> None:
        """Return when the station is in operation."""
        await self.station.until(lambda: self.station.registered and self.station.connector(1).told == "Available")
        async with asyncio.timeout(10):
            while await self.status() != "AVAILABLE" or not self.statuses.online("SIM1"):
                await asyncio.sleep(0.01)
        self.desk.told.clear()

    async def status(self) -> str:
        there = await self.store.locations.get(CPO, "LOC1")
        return str(there["evses"][0]["status"]) if there else ""

    async def close(self) -> None:
        if self.station is not None:
            self.driver.cancel()
            await asyncio.gather(self.driver, return_exceptions=True)
            await self.station.stop()
        await self.central.stop()
        for each in (self.statuses, self.plans, self.stations, self.places):
            await each.stop()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
class TestBuiltinCpms(CpmsContract):
    @pytest.fixture
    def clock(self):
        return SocketClock()

    @pytest.fixture
    async def site(self, sqlite_stores, tmp_path, desk, clock, version):
        from hub.database import open_database

        database = await open_database(sqlite_stores.fresh(tmp_path / "data"))
        made = Site(database, desk, clock, version)
        await made.open()
        yield made
        await made.close()
        await database.close()

    @pytest.fixture
    def cpms(self, site):
        """The CPMS; it is in operation once it has started and its station has booted."""
        start = site.cpms.start

        async def started(*args):
            await start(*args)
            if site.station is None:
                await site.switch_on()
                boot = asyncio.create_task(site.ready())
                while not boot.done():
                    await site.clock.advance(1)
                await boot

        site.cpms.start = started
        return site.cpms

    @pytest.fixture(autouse=True)
    def _site(self, site):
        self.site = site

    async def left_open(self, cpms, *, running=(), reserved=()):
        """Have a first run begin what is left open, under the ids of the contract."""
        site, first = self.site, FakeDesk()
        await cpms.start(first, [], [])
        for each in running:
            await cpms.start_session(each.outlet, each.authorization)
            await site.clock.advance(each.kwh / 50 * 3600)
            await self.rename(each.session_id)
        for each in reserved:
            assert await cpms.reserve_now(each) == "ACCEPTED"
        await cpms.stop()
        site.desk.told.clear()

    async def rename(self, session_id):
        change = "UPDATE cpms_transaction SET session_id = $1"
        await self.site.database.transact(lambda tx: tx.execute(change, session_id))

    async def test_a_card_at_the_reader_charges_and_stops(self, started, site, desk, clock):
        assert (await site.station.present("CARD-1")).status == "Accepted"
        await clock.advance(1800)
        await site.station.present("CARD-1")
        await clock.advance(5)

        (end,) = desk.heard(SessionEnded)
        assert desk.heard(SessionStarted)[0].authorization.method == "WHITELIST"
        assert end.kwh == pytest.approx(25, abs=0.5)

    async def test_an_unknown_card_charges_nothing(self, started, site, desk, clock):
        assert (await site.station.present("NOBODY")).status != "Accepted"
        await clock.advance(60)

        assert desk.heard(SessionStarted) == []

    async def test_an_answer_that_is_lost_starts_and_bills_once(self, started, site, desk, clock):
        action = "StartTransaction" if site.version == "1.6" else "TransactionEvent"
        site.station.link.losing[action] = 1

        task = asyncio.create_task(started.start_session(OUTLET, COMMANDED))
        await clock.advance(300)
        assert await task == "ACCEPTED"
        (start,) = desk.heard(SessionStarted)
        stop = asyncio.create_task(started.stop_session(start.session_id))
        await clock.advance(300)
        await stop

        assert len(desk.heard(SessionStarted)) == len(desk.heard(SessionEnded)) == 1

    async def test_a_station_that_was_away_tells_what_it_charged_meanwhile(self, started, site, desk, clock):
        await started.start_session(OUTLET, COMMANDED)
        (start,) = desk.heard(SessionStarted)
        await clock.advance(300)
        site.station.lose_link()
        await clock.advance(900)
        site.station.unplug()
        await clock.advance(600)

        assert await started.stop_session(start.session_id) == "EVSE_INOPERATIVE"
        site.station.restore_link()
        await clock.advance(120)

        (end,) = desk.heard(SessionEnded)
        assert end.kwh == pytest.approx(50 * 1200 / 3600, abs=0.5)

    async def test_a_broken_evse_cancels_its_reservation(self, started, site, desk, clock):
        await started.reserve_now(self.reservation(clock))
        site.station.connector(1).error_code = "OtherError"
        site.station.tell()
        await clock.advance(5)

        (event,) = desk.heard(ReservationEnded)
        assert (event.reservation_id, event.canceled) == ("R1", True)
