"""What every CPMS adapter must pass; ``test_<adapter>.py`` subclasses ``CpmsContract``.

An adapter says which orders it ``supports``; what it does not support it must refuse, never pretend.
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, get_args

import pytest

from hub.cpms.ports import (
    Authorization,
    CommandResultType,
    Cpms,
    CpmsEvent,
    OpenReservation,
    Outlet,
    ProfileResultType,
    Refusal,
    ReservationEnded,
    RunningSession,
    SessionEnded,
    SessionStarted,
    SessionUpdated,
    StatusChanged,
)
from hub.ocpi.objects import JSONObject
from tests.clocks import ManualClock

TOKEN = {
    "country_code": "DE", "party_id": "EMP", "uid": "CARD-1", "type": "RFID", "contract_id": "DE-EMP-C1",
    "issuer": "EMP", "valid": True, "whitelist": "ALLOWED", "last_updated": "2026-01-01T00:00:00Z",
}  # fmt: skip
OUTLET = Outlet(location_id="LOC1", evse_uid="EVSE1", connector_id="1", power=50.0)
COMMANDED = Authorization(token=TOKEN, method="COMMAND", reference="REF-1")
OTHERS = Authorization(token=TOKEN | {"uid": "CARD-2"}, method="COMMAND")

EVERYTHING = frozenset({"start_session", "reserve_now", "unlock_connector", "charging_profiles"})


def watts(profile: JSONObject) -> float:
    """Return the first limit of a ChargingProfile in W, of three phases at 230 V."""
    limit = float(profile["charging_profile_period"][0]["limit"])
    return limit if profile["charging_rate_unit"] == "W" else limit * 230 * 3


class FakeDesk:
    """Remembers what it is told, and knows one card."""

    def __init__(self) -> None:
        self.told: list[CpmsEvent] = []

    async def tell(self, event: CpmsEvent) -> None:
        self.told.append(event)

    async def authorize(self, uid: str, token_type: str, outlet: Outlet) -> Authorization | Refusal:
        known = uid.upper() == TOKEN["uid"]
        return Authorization(token=TOKEN, method="WHITELIST") if known else Refusal(reason="UNKNOWN")

    async def keeps_from(self, uid: str, token_type: str, outlet: Outlet) -> bool:
        return False

    async def outlet(self, location_id: str, evse_uid: str, connector_id: str | None = None) -> Outlet | None:
        return OUTLET if (location_id, evse_uid) == ("LOC1", "EVSE1") else None

    async def cost(self, session_id: str, update: SessionUpdated | None = None) -> Decimal | None:
        return None

    async def correct(self, event: SessionEnded) -> bool:
        return False

    def heard(self, kind: type) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]


class CpmsContract:
    """The contract; subclasses provide the fixture ``cpms``."""

    supports: frozenset[str] = EVERYTHING

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def desk(self) -> FakeDesk:
        return FakeDesk()

    @pytest.fixture
    async def started(self, cpms: Cpms, desk: FakeDesk) -> Any:
        await cpms.start(desk, [], [])
        yield cpms
        await cpms.stop()

    async def left_open(
        self, cpms: Cpms, *, running: Sequence[RunningSession] = (), reserved: Sequence[OpenReservation] = ()
    ) -> None:
        """Have the system behind the adapter know of what the last run left open, where it has a memory of its own."""

    def need(self, capability: str) -> None:
        if capability not in self.supports:
            pytest.skip(f"the adapter does not support {capability}")

    def reservation(self, clock: ManualClock, **changes: Any) -> OpenReservation:
        values: dict[str, Any] = {
            "reservation_id": "R1",
            "outlet": OUTLET,
            "authorization": COMMANDED,
            "expires_at": clock.now() + datetime.timedelta(minutes=30),
        }
        return OpenReservation(**(values | changes))

    async def test_every_order_is_answered_by_a_result_of_the_standard(self, started, clock):
        results = [
            await started.stop_session("no such session"),
            await started.cancel_reservation("no such reservation"),
            await started.unlock_connector(OUTLET),
            await started.reserve_now(self.reservation(clock)),
            await started.start_session(OUTLET, COMMANDED),
        ]

        assert set(results) <= set(get_args(CommandResultType))
        assert "ACCEPTED" not in results[:2]

    async def test_what_is_not_supported_is_refused_and_tells_nothing(self, started, desk, clock):
        orders = {
            "start_session": lambda: started.start_session(OUTLET, COMMANDED),
            "reserve_now": lambda: started.reserve_now(self.reservation(clock)),
            "unlock_connector": lambda: started.unlock_connector(OUTLET),
        }

        for name in orders.keys() - self.supports:
            assert await orders[name]() == "NOT_SUPPORTED"
        assert desk.told == []

    async def test_a_profile_of_an_unknown_session_is_not_accepted(self, started):
        profile = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 1000}]}

        results = {
            await started.set_charging_profile("no such session", profile),
            await started.clear_charging_profile("no such session"),
        }

        assert results <= set(get_args(ProfileResultType)) - {"ACCEPTED"}
        assert await started.active_charging_profile("no such session", 900) is None

    async def test_a_session_is_told_from_its_start_to_its_end(self, started, desk, clock):
        self.need("start_session")

        assert await started.start_session(OUTLET, COMMANDED) == "ACCEPTED"
        await clock.advance(600)
        (start,) = desk.heard(SessionStarted)
        assert await started.stop_session(start.session_id) == "ACCEPTED"
        await clock.advance(1)

        (end,) = desk.heard(SessionEnded)
        updates = desk.heard(SessionUpdated)
        assert (start.outlet, start.authorization) == (OUTLET, COMMANDED)
        assert {event.session_id for event in (*updates, end)} == {start.session_id}
        assert [event.kwh for event in updates] == sorted(event.kwh for event in updates)
        assert 0 < updates[-1].kwh <= end.kwh <= 50.0 * 601 / 3600
        assert start.at <= updates[0].at <= end.at

    async def test_an_evse_is_charging_during_a_session_and_available_again_after_it(self, started, desk, clock):
        self.need("start_session")

        await started.start_session(OUTLET, COMMANDED)
        await clock.advance(30)
        (start,) = desk.heard(SessionStarted)
        await started.stop_session(start.session_id)
        await clock.advance(1)

        changes = desk.heard(StatusChanged)
        # Before and after it a car may stand there, which is told as BLOCKED.
        assert [event.status for event in changes if event.status != "BLOCKED"] == ["CHARGING", "AVAILABLE"]
        assert {(event.location_id, event.evse_uid) for event in changes} == {("LOC1", "EVSE1")}

    async def test_an_occupied_evse_starts_nothing(self, started, desk, clock):
        self.need("start_session")
        await started.start_session(OUTLET, COMMANDED)

        assert await started.start_session(OUTLET, OTHERS) == "EVSE_OCCUPIED"
        assert len(desk.heard(SessionStarted)) == 1

    async def test_a_session_ends_once(self, started, desk, clock):
        self.need("start_session")
        await started.start_session(OUTLET, COMMANDED)
        (start,) = desk.heard(SessionStarted)

        assert await started.stop_session(start.session_id) == "ACCEPTED"
        assert await started.stop_session(start.session_id) != "ACCEPTED"
        assert len(desk.heard(SessionEnded)) == 1

    async def test_a_session_left_open_goes_on_from_its_meter(self, cpms, desk, clock):
        self.need("start_session")
        left = RunningSession(session_id="S1", outlet=OUTLET, authorization=COMMANDED, started_at=clock.now(), kwh=12.5)
        await self.left_open(cpms, running=[left])

        await cpms.start(desk, [left], [])
        await clock.advance(60)
        assert await cpms.stop_session("S1") == "ACCEPTED"
        await cpms.stop()

        (end,) = desk.heard(SessionEnded)
        assert end.session_id == "S1"
        assert end.kwh > 12.5
        assert desk.heard(SessionStarted) == []

    async def test_a_reserved_evse_is_kept_for_its_token(self, started, desk, clock):
        self.need("reserve_now")
        assert await started.reserve_now(self.reservation(clock)) == "ACCEPTED"

        assert await started.start_session(OUTLET, OTHERS) != "ACCEPTED"
        assert await started.start_session(OUTLET, COMMANDED) == "ACCEPTED"

        (start,) = desk.heard(SessionStarted)
        assert start.session_id == "R1"
        await clock.advance(3600)
        assert desk.heard(ReservationEnded) == []

    async def test_a_reservation_expires(self, started, desk, clock):
        self.need("reserve_now")
        await started.reserve_now(self.reservation(clock))

        await clock.advance(1801)

        (event,) = desk.heard(ReservationEnded)
        assert (event.reservation_id, event.canceled) == ("R1", False)
        assert desk.heard(StatusChanged)[-1].status == "AVAILABLE"

    async def test_a_reservation_left_open_still_expires(self, cpms, desk, clock):
        self.need("reserve_now")
        await self.left_open(cpms, reserved=[self.reservation(clock)])

        await cpms.start(desk, [], [self.reservation(clock)])
        await clock.advance(1801)
        await cpms.stop()

        assert [event.reservation_id for event in desk.heard(ReservationEnded)] == ["R1"]

    async def test_a_cancelled_reservation_is_gone(self, started, desk, clock):
        self.need("reserve_now")
        await started.reserve_now(self.reservation(clock))

        assert await started.cancel_reservation("R1") == "ACCEPTED"
        assert await started.cancel_reservation("R1") == "UNKNOWN_RESERVATION"
        await clock.advance(3600)

        assert desk.heard(ReservationEnded) == []
        assert await started.start_session(OUTLET, OTHERS) == "ACCEPTED"

    async def test_the_same_reservation_again_replaces_the_first(self, started, desk, clock):
        self.need("reserve_now")
        await started.reserve_now(self.reservation(clock))
        longer = self.reservation(clock, expires_at=clock.now() + datetime.timedelta(hours=2))

        assert await started.reserve_now(longer) == "ACCEPTED"
        await clock.advance(3600)
        assert desk.heard(ReservationEnded) == []
        await clock.advance(3601)
        assert len(desk.heard(ReservationEnded)) == 1

    async def test_a_profile_limits_what_flows(self, started, desk, clock):
        self.need("charging_profiles")
        await started.start_session(OUTLET, COMMANDED)
        (start,) = desk.heard(SessionStarted)
        profile = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 6000}]}

        assert await started.set_charging_profile(start.session_id, profile) == "ACCEPTED"
        active = await started.active_charging_profile(start.session_id, 900)
        await clock.advance(3600)
        await started.stop_session(start.session_id)

        (end,) = desk.heard(SessionEnded)
        assert end.kwh == pytest.approx(6.0, abs=0.1)
        # A station that is limited by current tells it in A, and rounds down: a limit is a maximum.
        assert 5_800 <= watts(active["charging_profile"]) <= 6_000

    async def test_a_profile_is_cleared_once(self, started, desk, clock):
        self.need("charging_profiles")
        await started.start_session(OUTLET, COMMANDED)
        (start,) = desk.heard(SessionStarted)
        profile = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 16}]}
        await started.set_charging_profile(start.session_id, profile)

        assert await started.clear_charging_profile(start.session_id) == "ACCEPTED"
        assert await started.clear_charging_profile(start.session_id) == "UNKNOWN"
