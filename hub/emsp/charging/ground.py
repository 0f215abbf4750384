"""What every desk of this room stands on, and how a place is found."""

import datetime
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.database.contract import Database, Transaction
from hub.emsp.asking import Asking
from hub.emsp.charging.needs import (
    AsTold,
    Costs,
    Driver,
    Drivers,
    Money,
    NoMoney,
    NotAllowed,
    Permission,
    Spot,
)
from hub.emsp.charging.refusals import Refused
from hub.emsp.store import Store
from hub.ocpi.errors import OcpiError
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child
from hub.ocpi.slots import MOST, zone_of
from hub.ocpi.times import moment


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The rules of the provider.

    Attributes:
        horizon: by driver class: today and how many days after it can be booked (INCAR-PRO02).
        slots: the most half hours of one booking (RASD-F02).
        no_show: how long after its start a booking waits for its driver (RASD-F06).
        tolerance: how long a neighbour may overrun (RASD-D3).
        payment: how long a driver has to confirm a payment.
        result, session, stop, cdr: how long a result, a Session, the end after a stop, and a CDR may take.
        unheard: how long after its last news a charge is given up, and its money let go.
        again: how long before something that did not work is tried again.
    """

    horizon: Mapping[str, int] = field(default_factory=lambda: {"professional": 3})
    other_horizon: int = 1
    slots: int = MOST
    no_show: datetime.timedelta = datetime.timedelta(minutes=15)
    tolerance: datetime.timedelta = datetime.timedelta(minutes=5)
    payment: datetime.timedelta = datetime.timedelta(minutes=15)
    result: datetime.timedelta = datetime.timedelta(minutes=3)
    session: datetime.timedelta = datetime.timedelta(minutes=10)
    stop: datetime.timedelta = datetime.timedelta(minutes=5)
    cdr: datetime.timedelta = datetime.timedelta(hours=24)
    unheard: datetime.timedelta = datetime.timedelta(days=7)
    again: datetime.timedelta = datetime.timedelta(seconds=30)

    def days(self, driver: Driver) -> int:
        """Return how many days after today a driver may book."""
        return self.horizon.get(driver.driver_class, self.other_horizon)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The provider's memory and voice, its rules, and the rooms beside this one."""

    store: Store
    asking: Asking
    drivers: Drivers
    now: Callable[[], datetime.datetime]
    money: Money = field(default_factory=NoMoney)
    costs: Costs = field(default_factory=AsTold)
    rules: Callable[[], Terms] = Terms

    @property
    def terms(self) -> Terms:
        """The rules that hold now."""
        return self.rules()

    @property
    def database(self) -> Database:
        return self.store.database

    async def driver(self, driver_id: str) -> Driver:
        """Return a driver who may charge.

        Raises:
            Refused: he may not.
        """
        found = await self.drivers.driver(driver_id)
        if found is None:
            raise Refused("UNKNOWN_DRIVER")
        return found

    async def allowed(
        self, driver_id: str, place: Spot, *, before: Permission | None = None, begins: bool = True
    ) -> Permission:
        """Return a driver's leave to charge at a station; nothing is sent to its CPO without it (X-41, X-43).

        Args:
            before: what was given when the charge was booked.
            begins: whether the charge begins now.

        Raises:
            Refused: he may not.
        """
        try:
            return await self.drivers.allow(driver_id, place, before=before, begins=begins)
        except NotAllowed as error:
            code, field_ = _REFUSALS.get(error.allowed, ("NO_TOKEN", None))
            raise Refused(code, field_, reason=str(error)) from error

    async def admitted(self, driver_id: str, place: Spot) -> None:
        """Return if a driver's contract covers a station he may charge at later.

        Raises:
            Refused: it does not.
        """
        if not await self.drivers.admits(driver_id, place):
            raise Refused("NO_AGREEMENT")


#: By OCPI AllowedType: what a driver is refused for, and the field that is to blame.
_REFUSALS: Mapping[str, tuple[str, str | None]] = {
    "NO_CREDIT": ("PAYMENT_REFUSED", "$.payment_method"),
    "NOT_ALLOWED": ("NO_AGREEMENT", None),
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """An EVSE as its CPO told it."""

    spot: Spot
    location: JSONObject
    evse: JSONObject

    @property
    def zone(self) -> datetime.tzinfo:
        return zone_of(self.location)

    @property
    def status(self) -> str:
        status: str = self.evse["status"]
        return status

    @property
    def reservable(self) -> bool:
        return "RESERVABLE" in (self.evse.get("capabilities") or ())


async def find(store: Store, spot: Spot) -> Found:
    """Return an EVSE by its ids.

    Raises:
        Refused: no CPO told of it.
    """
    location = await store.locations.get(spot.owner, spot.location_id)
    evse = child(location, "evses", spot.evse_uid)
    if location is None or evse is None or evse["status"] == "REMOVED":
        raise Refused("UNKNOWN_PLACE", "$.place")
    if spot.connector_id is not None and child(evse, "connectors", spot.connector_id) is None:
        raise Refused("UNKNOWN_PLACE", "$.place.connector_id")
    return Found(spot=spot, location=location, evse=evse)


async def find_code(store: Store, code: str) -> Found:
    """Return an EVSE by the code on its socket: its EVSE-ID, typed or in a QR link ``/c/{EVSE-ID}``.

    Raises:
        Refused: no CPO told of it.
    """
    typed = code.strip().rstrip("/").rsplit("/c/", 1)[-1]
    place = await store.index.of_code(typed)
    if place is None:
        raise Refused("UNKNOWN_PLACE", "$.code")
    return await find(store, Spot.of(place.owner, place.location_id, place.evse_uid))


async def offer_told(tx: Transaction, owner: Party, value: JSONObject) -> None:
    """Note where a BookingLocation is to be found; called with each that is put on the shelf."""
    evse_uid = ((value.get("booking_option") or {}).get("evse_uid") or "").upper()
    await tx.execute(
        "INSERT INTO emsp_booking_offer (owner, number, location_id, evse_uid) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (owner, number) DO UPDATE SET location_id = excluded.location_id, evse_uid = excluded.evse_uid",
        str(owner), value["id"].upper(), value["location_id"].upper(), "" if evse_uid == "#NA" else evse_uid,
    )  # fmt: skip
    # Whoever waits for something free there looks at once.
    touched = await tx.execute(
        "UPDATE emsp_standing_request SET due_at = 0 WHERE owner = $1 AND location_id = $2"
        " AND kind = 'WHEN_AVAILABLE' AND state = 'WAITING'",
        str(owner), value["location_id"].upper(),
    )  # fmt: skip
    if touched:
        tx.notify(OFFERS)


#: Notified when what somebody waits for may have become free.
OFFERS = "emsp_offers"


async def offer_of(store: Store, spot: Spot) -> JSONObject | None:
    """Return the BookingLocation of an EVSE, or else one for whatever fits at its Location; None: there is none."""
    rows = await store.database.fetch(
        "SELECT number FROM emsp_booking_offer WHERE owner = $1 AND location_id = $2 AND evse_uid IN ($3, '')"
        " ORDER BY evse_uid DESC LIMIT 1",
        str(spot.owner), spot.location_id, spot.evse_uid,
    )  # fmt: skip
    return await store.booking_locations.get(spot.owner, rows[0][0]) if rows else None


def free_times(offer: JSONObject) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """Return when a BookingLocation is free, as its Calendars say."""
    return sorted(
        (moment(slot["start_date_time"]), moment(slot["end_date_time"]))
        for calendar in offer.get("calendars") or ()
        for slot in calendar.get("available_timeslots") or ()
    )


def is_free(offer: JSONObject, start: datetime.datetime, end: datetime.datetime) -> bool:
    """Whether all of a period is free; times that touch are one."""
    at = start
    for begins, ends in free_times(offer):
        if begins <= at < ends:
            at = ends
    return at >= end


def refusal_of(error: OcpiError) -> Refused:
    """Return what a failed request means: no connection (X-09, X-14, X-22), or a CPMS that cannot (X-10)."""
    unreachable = (error.transient and error.status_code >= 4000) or error.status_code == 4001
    return Refused("CPO_UNREACHABLE" if unreachable else "CPO_ERROR")


def new_id() -> str:
    """Return the id of something new."""
    return str(uuid.uuid4())


def keyed_id(driver_id: str, key: str | None) -> str:
    """Return the id of what a driver asks for under a key: the same one for the same key."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{driver_id}\n{key}")) if key else new_id()
