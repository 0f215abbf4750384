"""Simulated stations: the contract, and what a driver or an operator makes happen at them."""

import pytest

from adapters.cpms.simulator import BATTERY, SimulatedCpms, power
from hub.cpms.ports import ReservationEnded, SessionEnded, SessionStarted, StatusChanged
from hub.ocpi.errors import UnknownLocation
from tests.adapters.contract import COMMANDED, OTHERS, OUTLET, CpmsContract


class TestSimulatedCpms(CpmsContract):
    @pytest.fixture
    def cpms(self, clock):
        return SimulatedCpms(clock=clock)

    async def test_a_known_card_starts_a_session_and_stops_its_own(self, started, desk, clock):
        assert await started.present_token("CARD-1", "RFID", OUTLET) == "ACCEPTED"
        assert await started.present_token("card-1", "RFID", OUTLET) == "STOPPED"

        (start,) = desk.heard(SessionStarted)
        assert start.authorization.method == "WHITELIST"
        assert len(desk.heard(SessionEnded)) == 1

    async def test_an_unknown_card_starts_nothing(self, started, desk):
        assert await started.present_token("NOBODY", "RFID", OUTLET) == "REJECTED"
        assert desk.told == []

    async def test_a_card_does_not_stop_another_drivers_session(self, started, desk):
        await started.start_session(OUTLET, OTHERS)

        assert await started.present_token("CARD-1", "RFID", OUTLET) == "EVSE_OCCUPIED"
        assert desk.heard(SessionEnded) == []

    async def test_a_full_car_takes_no_more_and_parks(self, started, desk, clock):
        await started.start_session(OUTLET, COMMANDED)
        await clock.advance(6 * 3600)
        (start,) = desk.heard(SessionStarted)

        await started.stop_session(start.session_id)

        (end,) = desk.heard(SessionEnded)
        assert end.kwh == BATTERY * 0.8
        assert start.at < end.charged_until < end.at

    async def test_a_broken_evse_ends_its_session(self, started, desk):
        await started.start_session(OUTLET, COMMANDED)

        await started.set_status(OUTLET, "OUTOFORDER")

        assert len(desk.heard(SessionEnded)) == 1
        assert desk.heard(StatusChanged)[-1].status == "OUTOFORDER"
        assert await started.start_session(OUTLET, COMMANDED) == "EVSE_INOPERATIVE"

    async def test_a_broken_evse_cancels_its_reservation(self, started, desk, clock):
        await started.reserve_now(self.reservation(clock))

        await started.set_status(OUTLET, "OUTOFORDER")

        (event,) = desk.heard(ReservationEnded)
        assert (event.reservation_id, event.canceled) == ("R1", True)

    async def test_a_connector_under_power_stays_locked(self, started):
        assert await started.unlock_connector(OUTLET) == "ACCEPTED"
        await started.start_session(OUTLET, COMMANDED)
        assert await started.unlock_connector(OUTLET) == "REJECTED"

    async def test_a_fault_is_what_the_station_answers(self, clock, desk):
        cpms = SimulatedCpms(clock=clock, faults={"EVSE1": "TIMEOUT"})
        await cpms.start(desk, [], [])

        assert await cpms.start_session(OUTLET, COMMANDED) == "TIMEOUT"
        assert await cpms.reserve_now(self.reservation(clock)) == "TIMEOUT"
        assert desk.told == []

    async def test_speed_makes_more_energy_in_the_same_time(self, clock, desk):
        cpms = SimulatedCpms(clock=clock, speed=60)
        await cpms.start(desk, [], [])
        await cpms.start_session(OUTLET, COMMANDED)
        await clock.advance(15)
        (start,) = desk.heard(SessionStarted)

        await cpms.stop_session(start.session_id)

        (end,) = desk.heard(SessionEnded)
        assert end.kwh == pytest.approx(50 * 60 * 15 / 3600, rel=0.01)

    async def test_an_order_makes_a_card_appear_at_a_station(self, started, desk):
        present = started.orders()["cpms.present_token"]

        assert await present({"location_id": "LOC1", "evse_uid": "EVSE1", "uid": "CARD-1"}) == {"result": "ACCEPTED"}
        with pytest.raises(UnknownLocation):
            await present({"location_id": "LOC1", "evse_uid": "NOPE", "uid": "CARD-1"})

    async def test_an_order_breaks_an_evse(self, started, desk):
        await started.orders()["cpms.set_status"]({"location_id": "LOC1", "evse_uid": "EVSE1", "status": "INOPERATIVE"})

        assert [event.status for event in desk.heard(StatusChanged)] == ["INOPERATIVE"]


def test_power_falls_when_the_battery_is_nearly_full():
    shares = [power(OUTLET, kwh) for kwh in (0, 30, 40, 46, 48)]

    assert shares[0] == shares[1] == 50.0
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0
