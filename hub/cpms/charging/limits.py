"""Limits for the EVSEs of a site: what each may be drawing, what is free, what can be told without exceeding anything.

All currents are in mA per phase.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.cpms.charging.evses import SiteEvse
from hub.cpms.charging.schedules import clipped
from hub.cpms.charging.shares import SetProfile, Share
from hub.cpms.charging.sites import SitePower
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE


@dataclass(frozen=True, kw_only=True)
class Car:
    """A transaction that is going on.

    Attributes:
        transaction_id: as the station calls it.
        phases: how many phases the car was measured to load; None: as many as its EVSE has.
        kwh: what it has got.
        most: what it says it can take; ``urgent``: whether that is hardly enough until it leaves.
        periods: how many periods of a schedule it can read; None: any number.
    """

    session_id: str
    evse: EVSE
    transaction_id: str
    phases: int | None = None
    kwh: float = 0.0
    most: int | None = None
    urgent: bool = False
    periods: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.evse.station_id, self.evse.evse_id


@dataclass(frozen=True)
class Order:
    """A limit a station is to be told; ``car`` None is the default of the EVSE."""

    site_evse: SiteEvse
    share: Share
    amount: int
    car: Car | None = None


def limited_by(found: SetProfile | None, amount: int, site_evse: SiteEvse, plain: JSONObject) -> JSONObject:
    """Return the plain profile of an amount or, where an eMSP has set one, that one with the amount as its ceiling."""
    if found is None:
        return plain
    return clipped(found.profile, amount, site_evse.feed, begun_at=found.at)


def replaced(order: Order) -> int:
    """Return the limit an order replaces."""
    rated, share = order.site_evse.rated, order.share
    if order.car is None:
        return rated if share.default is None else share.default
    if share.share is None or share.transaction_id != order.car.transaction_id:
        return share.most(rated)
    return share.share


def is_new(order: Order) -> bool:
    """Whether a station has to be told even if the limit is the one it has: it has none for this transaction."""
    if order.car is None:
        return order.share.default is None
    return order.share.share is None or order.share.transaction_id != order.car.transaction_id


def after(order: Order) -> Share:
    """Return what the EVSE goes by once it was told."""
    if order.car is None:
        return dataclasses.replace(order.share, default=order.amount)
    phases = phases_of(order.site_evse, order.car)
    return dataclasses.replace(order.share, share=order.amount, transaction_id=order.car.transaction_id, phases=phases)


def phases_of(site_evse: SiteEvse, car: Car) -> int:
    """Return how many phases a car loads; a rectifier's are those of its EVSE, whatever the car takes."""
    known = None if site_evse.feed.direct else car.phases
    return min(known or site_evse.feed.phases, site_evse.feed.phases)


def over(known: Mapping[tuple[str, int], Share], cars: Mapping[tuple[str, int], Car]) -> dict[tuple[str, int], Share]:
    """Return the shares of transactions that are over, as they are now: their profiles ended with them."""
    return {
        key: dataclasses.replace(each, share=None, transaction_id=None)
        for key, each in known.items()
        if each.share is not None and key not in cars
    }


def measured(car: Car, share: Share | None) -> Car:
    """Return a car with the phases it was held to, if it was not measured since this side started."""
    same = share is not None and share.transaction_id == car.transaction_id
    return dataclasses.replace(car, phases=car.phases or share.phases) if same and share is not None else car


def with_more_phases(
    evses: Iterable[SiteEvse], known: Mapping[tuple[str, int], Share], cars: Mapping[tuple[str, int], Car]
) -> dict[tuple[str, int], Share]:
    """Return the shares of cars that load more phases than they are held to, as they have to be counted."""
    found = {}
    for each in evses:
        share, car = known.get(each.key), cars.get(each.key)
        if share is None or car is None or share.transaction_id != car.transaction_id:
            continue
        if phases_of(each, car) > share.phases:
            found[each.key] = dataclasses.replace(share, phases=phases_of(each, car))
    return found


def only(site_evse: SiteEvse, phases: int) -> int | None:
    """Return what a station is told a car may load at most; None: it may load all phases of its EVSE.

    A car that loads fewer is counted on those, and so has to be held to them: it could go over to the others.
    """
    return phases if phases < site_evse.feed.phases else None


def frees_phases(order: Order) -> bool:
    """Whether a transaction that goes on is to load fewer phases than its station was told."""
    car, share = order.car, order.share
    if car is None or share.share is None or share.transaction_id != car.transaction_id:
        return False
    return phases_of(order.site_evse, car) < share.phases


def lowered(order: Order) -> Order:
    """Return an order without what it raises."""
    return dataclasses.replace(order, amount=min(order.amount, replaced(order)))


def idle(power: SitePower, site_evse: SiteEvse) -> int:
    """Return what an EVSE may draw unasked."""
    return min(power.idle, site_evse.rated)


def draw(power: SitePower, site_evse: SiteEvse, share: Share) -> dict[int, int]:
    """Return what an EVSE may be drawing by what it goes by, on each phase of the grid."""
    rated = site_evse.rated
    drawn = dict.fromkeys(power.loaded(site_evse.uid, site_evse.feed.phases), share.idle(rated))
    if share.share is not None:
        drawn |= dict.fromkeys(power.loaded(site_evse.uid, share.phases), share.most(rated))
    return drawn


def free(power: SitePower, evses: Iterable[SiteEvse], known: Mapping[tuple[str, int], Share]) -> dict[int, int]:
    """Return what nobody may be drawing, by phase; less than nothing where the limit was lowered below it."""
    left = dict(power.capacity)
    for each in evses:
        take(left, draw(power, each, known.get(each.key, each.untold)))
    return left


def affordable(power: SitePower, orders: Iterable[Order], left: dict[int, int]) -> list[Order]:
    """Return the orders that can be given, one after the other, without a phase above its limit."""
    found = []
    shares: dict[tuple[str, int], Share] = {}
    for order in orders:
        before = shares.get(order.site_evse.key, order.share)
        told = after(dataclasses.replace(order, share=before))
        drawn = draw(power, order.site_evse, before)
        more = {
            phase: max(amount - drawn.get(phase, 0), 0) for phase, amount in draw(power, order.site_evse, told).items()
        }
        if all(left[phase] >= amount for phase, amount in more.items() if amount):
            take(left, more)
            shares[order.site_evse.key] = told
            found.append(order)
    return found


def take(left: dict[int, int], drawn: Mapping[int, int]) -> None:
    """Take from what is left what is drawn, phase by phase."""
    for phase, amount in drawn.items():
        left[phase] -= amount
