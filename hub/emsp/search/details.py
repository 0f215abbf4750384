"""Everything a driver sees of one Location: where it is, what it offers, what is free, what it costs.

Sockets are grouped by connector, with speed and price (RASD-UC04).
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from hub.emsp.search.index import Place, places_of
from hub.emsp.search.prices import Estimate, Prices
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment


@dataclass(frozen=True, kw_only=True)
class Socket:
    """One connector of an EVSE.

    Attributes:
        power: in W.
        price: of the wanted energy, by the Tariffs of this connector; None: its CPO told none.
    """

    evse_uid: str
    evse_id: str | None
    connector_id: str
    status: str
    power: int
    physical_reference: str | None
    reservable: bool
    price: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """The sockets of one connector standard, format and power.

    Attributes:
        free: how many are AVAILABLE.
    """

    standard: str
    format: str
    current: str
    power: int
    free: int
    sockets: tuple[Socket, ...]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """When an EVSE can be booked, with how much power."""

    evse_uid: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Details:
    """One Location, for a driver.

    Attributes:
        metres: from where the driver is; None: he has not said.
        told_at: when its CPO last changed something, so that nobody takes old news for new (X-61).
        offers: Tariffs that hold for a while only.
    """

    owner: Party
    location: JSONObject
    metres: float | None
    told_at: datetime.datetime
    groups: tuple[Group, ...]
    slots: tuple[Slot, ...] = ()
    offers: tuple[JSONObject, ...] = field(default=())


async def groups_of(location: JSONObject, prices: Prices) -> tuple[Group, ...]:
    """Return the sockets of a Location, the fastest group first."""
    await prices.learn(places_of(location))
    grouped: dict[tuple[str, str, str, int], list[Socket]] = {}
    for evse in location.get("evses") or []:
        for connector in evse["connectors"]:
            for alone in places_of({**location, "evses": [evse | {"connectors": [connector]}]}):
                socket = _socket(evse, connector, alone.power, await prices.of(alone))
                current = "DC" if connector["power_type"] == "DC" else "AC"
                kind = (connector["standard"], connector["format"], current, socket.power)
                grouped.setdefault(kind, []).append(socket)
    found = [_group(key, sockets) for key, sockets in grouped.items()]
    return tuple(sorted(found, key=lambda each: (-each.power, each.standard)))


def _socket(evse: JSONObject, connector: JSONObject, power: int, price: Estimate | None) -> Socket:
    return Socket(
        evse_uid=evse["uid"],
        evse_id=evse.get("evse_id"),
        connector_id=connector["id"],
        status=evse["status"],
        power=power,
        physical_reference=evse.get("physical_reference"),
        reservable="RESERVABLE" in (evse.get("capabilities") or []),
        price=price,
    )


def _group(key: tuple[str, str, str, int], sockets: list[Socket]) -> Group:
    standard, shape, current, power = key
    free = sum(each.status == "AVAILABLE" for each in sockets)
    return Group(standard=standard, format=shape, current=current, power=power, free=free, sockets=tuple(sockets))


def slots_of(offers: Iterable[JSONObject], now: datetime.datetime) -> tuple[Slot, ...]:
    """Return what can be booked at a Location from now on, the earliest first."""
    found = [
        Slot(
            evse_uid=(offer.get("booking_option") or {}).get("evse_uid") or "#NA",
            starts_at=max(moment(slot["start_date_time"]), now),
            ends_at=moment(slot["end_date_time"]),
        )
        for offer in offers
        for calendar in offer.get("calendars") or ()
        for slot in calendar.get("available_timeslots") or ()
        if moment(slot["end_date_time"]) > now
    ]
    return tuple(sorted(found, key=lambda each: (each.starts_at, each.evse_uid)))


def offers_of(tariffs: Iterable[JSONObject], now: datetime.datetime) -> tuple[JSONObject, ...]:
    """Return the Tariffs that hold now and end some time: what is on offer (RASD-R31)."""
    return tuple(
        each
        for each in tariffs
        if each.get("end_date_time")
        and moment(each["end_date_time"]) > now
        and (not each.get("start_date_time") or moment(each["start_date_time"]) <= now)
    )


def cheapest(groups: Iterable[Group]) -> Decimal | None:
    """Return the lowest price of some groups; None: none is told."""
    prices = [each.price.amount for group in groups for each in group.sockets if each.price is not None]
    return min(prices, default=None)


def place_of(location: JSONObject, evse_uid: str) -> Place | None:
    """Return an EVSE of a Location as it is indexed."""
    return next((each for each in places_of(location) if each.evse_uid == evse_uid.upper()), None)
