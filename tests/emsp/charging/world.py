"""Drivers, their money, a CPO's booking book, and the words for what it tells."""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adapters.sms.simulator import SimulatedSms
from hub.emsp.charging.charges import charges
from hub.emsp.charging.needs import Allowance, Driver, NotAllowed, PaymentRefused, Permission, Spot
from hub.emsp.charging.notices import of_driver
from hub.emsp.charging.refusals import Refused
from hub.emsp.charging.room import Charging
from hub.emsp.endpoints import EmspEndpoints
from hub.ocpi.messages import Response
from hub.ocpi.modules import bookings, cdrs, commands, locations, sessions
from hub.ocpi.times import date_time
from tests.clocks import ManualClock
from tests.rooms import CPO, NOW, FakeHub, ask, evse, location, token

#: A Monday, 12:00 in Amsterdam.
NOON = datetime.datetime(2026, 1, 5, 11, tzinfo=datetime.UTC)
HALF = datetime.timedelta(minutes=30)
LATER = NOON + HALF
PRICE = {"before_taxes": Decimal("3.00"), "taxes": [{"name": "VAT", "amount": Decimal("0.60")}]}
SPOT = Spot.of("NL-CPO", "LOC1", "EVSE1")
TERMS = {"supported_access_methods": ["OPEN"], "change_until_minutes": 5, "cancel_until_minutes": 0}

COMMANDS = {
    "START": commands.start_session, "STOP": commands.stop_session, "RESERVE": commands.reserve_now,
    "CANCEL": commands.cancel_reservation,
}  # fmt: skip


class FakeDrivers:
    """Ada and Bob, each with a car and a Token; Pro drives for a living."""

    def __init__(self) -> None:
        self.known = {
            name: Driver(driver_id=name, vehicles=frozenset({f"{name}-car", "shared-car"}),
                         driver_class="professional" if name == "pro" else "standard")
            for name in ("ada", "bob", "pro")
        }  # fmt: skip
        self.phones = {"+31600000001": "ada"}
        self.ad_hoc_served = False
        self.denied: NotAllowed | None = None
        self.given: list[Permission] = []

    async def driver(self, driver_id):
        return self.known.get(driver_id)

    async def allow(self, driver_id, place, *, before=None, begins=True):
        if self.denied is not None:
            raise self.denied
        made = token(uid=f"APP-{driver_id}", type="APP_USER", contract_id=f"DE-EMP-{driver_id}")
        self.given.append(before or Permission(token=made, reference=f"REF-{len(self.given)}"))
        return self.given[-1]

    async def admits(self, driver_id, place):
        return self.denied is None

    async def driver_of_phone(self, phone):
        return self.phones.get(phone)

    async def ad_hoc(self, phone):
        if not self.ad_hoc_served:
            return None
        self.known[phone] = Driver(driver_id=phone)
        self.phones[phone] = phone
        return phone

    async def driver_of_token(self, tx, uid, kind):
        name = uid.removeprefix("APP-").removeprefix("CARD-").lower()
        return name if name in self.known else None


@dataclass
class Purse:
    """Money, as far as tests need it."""

    refuses: str | None = None
    allowance: Allowance = field(default_factory=Allowance)
    held: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    async def hold(self, driver_id, charge_id, place, *, return_url=""):
        if self.refuses:
            raise PaymentRefused(self.refuses)
        self.held.append(charge_id)
        return self.allowance

    async def release(self, charge_id):
        self.released.append(charge_id)


@dataclass
class Heard:
    """What drivers were told."""

    told: list[Any] = field(default_factory=list)

    async def tell(self, told):
        self.told.append(told)


class CpoBook:
    """A CPO that answers BookingRequests: what is wanted is RESERVED, or whatever ``status`` says."""

    def __init__(self, hub: FakeHub, clock: ManualClock) -> None:
        self.status = "RESERVED"
        self.refuses_cancelling = False
        self._hub, self._clock = hub, clock
        self.made: dict[str, dict[str, Any]] = {}
        hub.answers[bookings.post_booking] = self._answer

    def _answer(self, request):
        wish, now = request.value, date_time(self._clock.now())
        known = self.made.get(wish["request_id"])
        if wish.get("canceled") and known:
            if not self.refuses_cancelling:
                known = known | {"reservation_status": "CANCELED", "canceled": wish["canceled"]}
        elif known is None:
            known = {
                "id": f"B-{len(self.made) + 1}", "country_code": "NL", "party_id": "CPO",
                "request_id": wish["request_id"], "location_id": "LOC1", "period": wish["period"],
                "booking_option": wish["booking_option"], "reservation_status": self.status,
                "authorization_reference": wish["authorization_reference"], "booking_terms": TERMS,
                "booking_requests": [],
            }  # fmt: skip
        entry = {
            "request_status": "ACCEPTED",
            "booking_request": wish,
            "request_received": now,
        }
        made = known | {
            "booking_requests": [*known["booking_requests"], entry], "last_updated": now,
        }  # fmt: skip
        self.made[wish["request_id"]] = made
        return Response.of(bookings.Booking, made)


@dataclass
class Road:
    """Everything a story needs."""

    emsp: EmspEndpoints
    hub: FakeHub
    clock: ManualClock
    charging: Charging
    drivers: FakeDrivers
    money: Purse
    heard: Heard
    sms: SimulatedSms
    cpo: CpoBook
    updates: int = 0

    # -- the CPO tells -----------------------------------------------------------------------------

    async def location(self, *, status="AVAILABLE", capabilities=("RESERVABLE",), **changes):
        """Tell of a Location with two EVSEs."""
        value = location(
            evses=[
                evse(status=status, capabilities=list(capabilities), evse_id="NL*CPO*E1"),
                evse("EVSE2", capabilities=list(capabilities), evse_id="NL*CPO*E2"),
            ],
            **changes,
        )
        await self.emsp(told(locations.put_location, value, location_id="LOC1"))

    async def offer(self, *free, evse_uid="EVSE1"):
        """Tell of a BookingLocation that is free at some times; by default for four days."""
        free = free or ((NOON - 24 * 2 * HALF, NOON + 4 * 48 * HALF),)
        value = {
            "country_code": "NL", "party_id": "CPO", "id": f"BL-{evse_uid}", "location_id": "LOC1",
            "booking_option": {"evse_uid": evse_uid}, "booking_terms": TERMS,
            "calendars": [{
                "id": "C1", "begin_from": date_time(NOON - 48 * HALF), "end_before": date_time(NOON + 200 * HALF),
                "available_timeslots": [
                    {"start_date_time": date_time(start), "end_date_time": date_time(end)} for start, end in free
                ],
                "last_updated": date_time(self.clock.now()),
            }],
            "last_updated": date_time(self.clock.now()),
        }  # fmt: skip
        await self.emsp(told(bookings.put_booking_location, value, booking_location_id=value["id"]))

    async def booking_becomes(self, status, **changes):
        """Tell of the last Booking made that it is something else now."""
        last = list(self.cpo.made.values())[-1]
        value = last | {"reservation_status": status, "last_updated": self._later()} | changes
        await self.emsp(told(bookings.put_booking, value, booking_id=value["id"]))

    async def result(self, order_uid, result, command="START_SESSION"):
        """Tell what became of a command at the station."""
        request = ask(commands.post_result, {"result": result}, sender=CPO, command=command, uid=order_uid)
        await self.emsp(request)

    async def session(self, status="ACTIVE", *, kwh=0, reference=None, uid="APP-ada", kind="APP_USER", **changes):
        """Tell of a Session."""
        value = {
            "country_code": "NL", "party_id": "CPO", "id": "S1", "start_date_time": date_time(self.clock.now()),
            "kwh": kwh, "auth_method": "COMMAND", "location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1",
            "cdr_token": {"country_code": "DE", "party_id": "EMP", "uid": uid, "type": kind, "contract_id": "DE-EMP-C"},
            "currency": "EUR", "status": status, "last_updated": self._later(),
        } | ({"authorization_reference": reference} if reference else {}) | changes  # fmt: skip
        await self.emsp(told(sessions.put_session, value, session_id=value["id"]))

    def _later(self):
        self.updates += 1
        return date_time(self.clock.now() + datetime.timedelta(milliseconds=self.updates))

    # -- looking -----------------------------------------------------------------------------------

    async def wait(self, **how_long):
        """Let time pass, and do what is due."""
        await self.clock.advance(datetime.timedelta(**how_long).total_seconds())
        await self.charging.clockwork.look()

    async def charge(self, charge_id):
        return (await charges(self.emsp.store.database, "id = $1", charge_id))[0]

    async def events(self, driver_id="ada"):
        """Return what a driver was told, in the order it happened."""
        return [each.told.event for each in await of_driver(self.emsp.store.database, driver_id)]

    def commands(self, name):
        """Return the commands of a name that went out."""
        return self.hub.heard(COMMANDS[name])

    def answers(self, name, result):
        """Have the CPO answer a command so."""
        self.hub.answers[COMMANDS[name]] = (
            result
            if isinstance(result, Exception)
            else Response.of(commands.CommandResponse, {"result": result, "timeout": 30})
        )


def told(operation, value, **params):
    """Return a request of the CPO about an object of its own."""
    return ask(operation, value, sender=CPO, country_code="NL", party_id="CPO", **params)


async def refusal(awaitable):
    """Return why something is refused."""
    try:
        await awaitable
    except Refused as refused:
        return refused
    raise AssertionError("it was not refused")


def cdr(**changes):
    return {
        "country_code": "NL", "party_id": "CPO", "id": "C1", "start_date_time": NOW, "end_date_time": NOW,
        "session_id": "S1", "auth_method": "COMMAND", "currency": "EUR", "total_cost": PRICE, "total_energy": 9,
        "total_time": 1, "cdr_token": {
            "country_code": "DE", "party_id": "EMP", "uid": "APP-ada", "type": "APP_USER", "contract_id": "X",
        },
        "cdr_location": {
            "id": "LOC1", "address": "Quay 1", "city": "Testford", "country": "NLD", "evse_uid": "EVSE1",
            "evse_id": "NL*CPO*E1", "coordinates": {"latitude": "52.373100", "longitude": "4.892200"},
            "connector_id": "1", "connector_standard": "IEC_62196_T2", "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "charging_periods": [{"start_date_time": NOW, "dimensions": [{"type": "ENERGY", "volume": 9}]}],
        "last_updated": NOW,
    } | changes  # fmt: skip


async def bill(road, **changes):
    await road.emsp(ask(cdrs.post_cdr, cdr(**changes), sender=CPO))


async def under_way(road, desk, **how):
    charge = await desk.start("ada", SPOT, **how)
    await road.result(charge.id, "ACCEPTED")
    await road.session(reference=charge.reference)
    return await road.charge(charge.id)
