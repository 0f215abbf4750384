"""Charging: started by the code on the socket or on a booking, seen as it goes, limited, stopped.

Source: RASD-R6 to RASD-R10, RASD-F04, RASD-F07, RASD-UC05, RASD-UC07, RASD-UC08, INCAR-UC006, INCAR-UC007.
"""

import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response

from hub.api.declaring import Call, Gate, route
from hub.api.problems import invalid
from hub.api.shapes import ListQuery, Moment, Page, Shape, cursor_number, pattern, within
from hub.api.streams import MEDIA_TYPE, EventStream
from hub.emsp.api.routes.booking import ChargePoint, point_of
from hub.emsp.api.routes.events import Allowed
from hub.emsp.api.routes.money import Currency, Url
from hub.emsp.api.routes.progress import Lookers, ProgressSeen, progress_seen
from hub.emsp.api.routes.refusing import TROUBLE, in_path, refusing, wh
from hub.emsp.api.scopes import Scope
from hub.emsp.charging.charges import Charge, Limits, progress
from hub.emsp.charging.ground import find_code, offer_of
from hub.emsp.charging.notices import ENDED, sentence
from hub.emsp.charging.room import Charging
from hub.ocpi.pricing.currencies import minor_unit
from hub.ocpi.times import date_time

#: The code on a socket: its EVSE-ID, or the address a QR code leads to.
Code = Annotated[str, pattern("^[\\u0020-\\u007e]+$", "the code on a socket, in printable ASCII", most=255)]


class ChargeLimits(Shape, frozen=True, kw_only=True):
    """When a charge ends at the latest.

    Attributes:
        cost: all taxes included, in ``currency``.
        minutes: from now.
    """

    energy_kwh: Annotated[Decimal, within(0.1, 1000)] | None = None
    cost: Annotated[Decimal, within(0.01, 1_000_000)] | None = None
    currency: Currency | None = None
    minutes: Annotated[int, msgspec.Meta(ge=1, le=7 * 24 * 60)] | None = None


class RunningLimits(ChargeLimits, frozen=True, kw_only=True):
    """When a charge that goes on ends at the latest, and how fast it goes at most.

    Attributes:
        power_kw: sent to its CPO as a ChargingProfile; whether the station takes it is told, and then seen as
            ``limit_power_kw``. Without it a limit set before is taken off.
    """

    power_kw: Annotated[Decimal, within(0.1, 1000)] | None = None


class NewCharge(Shape, frozen=True, kw_only=True):
    """What is to be started: at the socket with a ``code``, or at a ``place``.

    Attributes:
        ends_at: until when the place is kept, on the half hour; without it the charge ends when a booking made here
            begins.
        return_url: where the driver comes back to from his bank's page.
    """

    code: Code | None = None
    place: ChargePoint | None = None
    ends_at: Moment | None = None
    limits: ChargeLimits = ChargeLimits()
    return_url: Url | None = None


class StartOfBooking(Shape, frozen=True, kw_only=True):
    """How the charge of a booking is to be started."""

    limits: ChargeLimits = ChargeLimits()
    return_url: Url | None = None


class ChargeSeen(ProgressSeen, frozen=True, kw_only=True):
    """A charge.

    Attributes:
        origin: APP, SMS, or CARD where it began at the charger.
        message: what the state means for the driver, where there is more to say.
        reference: its authorization_reference, which Session and CDR name.
        stop_reason: DRIVER, SLOT_OVER, BATTERY_FULL, MONEY_LIMIT, ENERGY_LIMIT, TIME_LIMIT or STATION.
        limit_cost: the lower of the driver's limit and what is set aside.
        limit_power_kw: the driver's, once the station has taken it.
    """

    driver_id: str
    origin: str
    place: ChargePoint
    booking_id: str | None
    session_id: str | None
    reference: str | None
    message: str | None
    stop_reason: str | None
    asked_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    limit_energy_kwh: Decimal | None
    limit_cost: Decimal | None
    limit_until: Moment | None
    limit_power_kw: Decimal | None


class ChargesQuery(ListQuery, frozen=True, kw_only=True):
    """Which charges: all, or those that go on."""

    live: bool = False


class SocketCode(Shape, frozen=True, kw_only=True):
    """What a code on a socket leads to.

    Attributes:
        status: OCPI Status; a charge on the fly starts where it is AVAILABLE.
        latest_end: until when it can be had now; null: not now.
    """

    place: ChargePoint
    evse_id: str | None
    location: str | None
    address: str
    city: str
    time_zone: str
    status: str
    bookable: bool
    latest_end: Moment | None


class Preferences(Shape, frozen=True, kw_only=True):
    """How a driver would like to be charged (OCPI ChargingPreferences).

    Attributes:
        profile_type: what has priority.
        departure_time: the end of his booking, if it is left out.
        energy_need: in kWh.
        discharge_allowed: whether the car may feed energy back.
    """

    profile_type: Literal["CHEAP", "FAST", "GREEN", "REGULAR"]
    departure_time: Moment | None = None
    energy_need: Annotated[Decimal, within(0, 1000)] | None = None
    discharge_allowed: bool | None = None


class PreferencesAnswer(Shape, frozen=True, kw_only=True):
    """What the CPO says to them: ACCEPTED, DEPARTURE_REQUIRED, ENERGY_NEED_REQUIRED, NOT_POSSIBLE or
    PROFILE_TYPE_NOT_SUPPORTED."""

    answer: str


class ChargingRoutes:
    """A driver's charges."""

    tag = "charging"

    def __init__(self, charging: Charging, gate: Gate) -> None:
        self._charging = charging
        self._gate = gate

    @route("GET", "/codes/{evse_id}", scope=Scope.OWN, problems=TROUBLE)
    async def read_code(self, call: Call, evse_id: str) -> SocketCode:
        """Show what a code on a socket leads to, typed or scanned."""
        ground = self._charging.ground
        with refusing(in_path):
            found = await find_code(ground.store, evse_id)
        latest = await self._charging.charges.latest_end(found, ground.now())
        open_now = found.status in ("AVAILABLE", "BLOCKED") and latest > ground.now()
        return SocketCode(
            place=point_of(found.spot), evse_id=found.evse.get("evse_id"), location=found.location.get("name"),
            address=found.location["address"], city=found.location["city"], time_zone=found.location["time_zone"],
            status=found.status, bookable=found.reservable or await offer_of(ground.store, found.spot) is not None,
            latest_end=latest if open_now else None,
        )  # fmt: skip

    # -- starting ----------------------------------------------------------------------------------

    @route("POST", "/charges", scope=Scope.OWN, status=201, idempotent=True, problems=TROUBLE)
    async def start_charge(self, call: Call, body: NewCharge) -> ChargeSeen:
        """Start a charge; its result comes later, and is told.

        Where the payment has to be confirmed first, the problem has an ``action_url``: let the driver confirm there,
        and start again under another key within a quarter of an hour.
        """
        if (body.code is None) == (body.place is None):
            raise invalid("$.code", "either this or place, and one of them")
        limits, desk, driver_id = _limits(body.limits, call.now), self._charging.charges, call.principal.id
        key, back = call.idempotency_key, body.return_url or ""
        with refusing(lambda path: path.replace("$.starts_at", "$.ends_at")):
            spot = (
                body.place.spot()
                if body.place
                else (await find_code(self._charging.ground.store, body.code or "")).spot
            )
            if body.ends_at is None:
                made = await desk.start(driver_id, spot, limits=limits, key=key, return_url=back)
            else:
                made = await desk.on_the_fly(driver_id, spot, body.ends_at, limits=limits, key=key, return_url=back)
        return self._seen(made)

    @route("POST", "/bookings/{booking_id}/start", scope=Scope.OWN, status=201, idempotent=True, problems=TROUBLE)
    async def start_booked_charge(self, call: Call, booking_id: str, body: StartOfBooking) -> ChargeSeen:
        """Start the charge of a booking, in its first 15 minutes."""
        with refusing():
            return self._seen(
                await self._charging.charges.start_booking(
                    call.principal.id, booking_id, limits=_limits(body.limits, call.now), key=call.idempotency_key,
                    return_url=body.return_url or "",
                )
            )  # fmt: skip

    # -- looking -----------------------------------------------------------------------------------

    @route("GET", "/charges", scope=Scope.OWN)
    async def list_charges(self, call: Call, query: ChargesQuery) -> Page[ChargeSeen]:
        """List the driver's charges, the newest first."""
        skip = cursor_number(query) or 0
        found = await self._charging.charges.all_of(
            call.principal.id, live=query.live, most=query.limit + 1, skip=skip
        )  # fmt: skip
        following = str(skip + query.limit) if len(found) > query.limit else None
        return Page(items=[self._seen(each) for each in found[: query.limit]], next=following)

    @route("GET", "/charges/{charge_id}", scope=Scope.OWN, problems=TROUBLE)
    async def get_charge(self, call: Call, charge_id: str) -> ChargeSeen:
        """Show a charge as it is now."""
        with refusing():
            return self._seen(await self._charging.charges.of_driver(call.principal.id, charge_id))

    @route("GET", "/live-charges", scope=Scope.OWN, produces=MEDIA_TYPE)
    async def stream_charges(self, call: Call) -> Response:
        """Tell how far the driver's charges are, as they go: energy, power, state of charge, cost and time.

        Each event ``progress`` is a state: first of all that go on, then of whatever changes, and now and then of the
        time, also where the CPO tells nothing.
        """
        source = Lookers(self._charging.live, call.principal.id)
        return EventStream(source, None, after=None, allowed=Allowed(call, self._gate))

    # -- while it goes on --------------------------------------------------------------------------

    @route("POST", "/charges/{charge_id}/stop", scope=Scope.OWN, problems=TROUBLE)
    async def stop_charge(self, call: Call, charge_id: str) -> ChargeSeen:
        """Stop a charge; that it has ended is told."""
        with refusing():
            return self._seen(await self._charging.stopping.stop(call.principal.id, charge_id))

    @route("PUT", "/charges/{charge_id}/limits", scope=Scope.OWN, problems=TROUBLE)
    async def limit_charge(self, call: Call, charge_id: str, body: RunningLimits) -> ChargeSeen:
        """Have a charge end at other limits than were said before, and draw no more power than is said."""
        limits = _limits(body, call.now, "$")
        with refusing():
            return self._seen(
                await self._charging.stopping.limit(call.principal.id, charge_id, limits, power=wh(body.power_kw))
            )

    @route("PUT", "/charges/{charge_id}/preferences", scope=Scope.OWN, problems=TROUBLE)
    async def prefer(self, call: Call, charge_id: str, body: Preferences) -> PreferencesAnswer:
        """Say how the car is to be charged: cheap, fast, green, by when, with how much."""
        said = {
            "profile_type": body.profile_type,
            "departure_time": None if body.departure_time is None else date_time(body.departure_time),
            "energy_need": body.energy_need,
            "discharge_allowed": body.discharge_allowed,
        }
        preferences = {name: value for name, value in said.items() if value is not None}
        with refusing():
            answer = await self._charging.stopping.prefer(call.principal.id, charge_id, preferences)
        return PreferencesAnswer(answer=answer)

    def _seen(self, charge: Charge) -> ChargeSeen:
        return charge_seen(charge, self._charging.ground.now())


def charge_seen(charge: Charge, now: datetime.datetime) -> ChargeSeen:
    """Return a charge as it is shown."""
    seen = msgspec.structs.asdict(progress_seen(progress(charge, now)))
    unit = minor_unit(charge.currency) if charge.currency else Decimal(1)
    return ChargeSeen(
        **seen, driver_id=charge.driver_id, origin=charge.origin, place=point_of(charge.spot),
        booking_id=charge.booking_id, session_id=charge.session_id, reference=charge.reference,
        message=_message(charge), stop_reason=charge.stop_reason, asked_at=charge.asked_at,
        started_at=charge.started_at, ended_at=charge.ended_at,
        limit_energy_kwh=None if charge.energy_limit is None else Decimal(charge.energy_limit) / 1000,
        limit_cost=None if charge.cost_limit is None else charge.cost_limit * unit, limit_until=charge.time_limit,
        limit_power_kw=None if charge.power_limit is None else Decimal(charge.power_limit) / 1000,
    )  # fmt: skip


def _message(charge: Charge) -> str | None:
    if charge.state == "FAILED" or (charge.state == "ENDED" and charge.outcome in ("SESSION_INVALID", "NO_NEWS")):
        return sentence(charge.outcome)
    if charge.state in ("ENDED", "BILLED"):
        return ENDED.get(charge.stop_reason or "", "").partition(";")[0] or None
    return None


def _limits(asked: ChargeLimits, now: datetime.datetime, path: str = "$.limits") -> Limits:
    if (asked.cost is None) != (asked.currency is None):
        raise invalid(f"{path}.{'cost' if asked.cost is None else 'currency'}", "required beside the other")
    until = None if asked.minutes is None else now + datetime.timedelta(minutes=asked.minutes)
    return Limits(energy=wh(asked.energy_kwh), cost=asked.cost, currency=asked.currency, until=until)
