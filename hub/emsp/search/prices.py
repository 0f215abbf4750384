"""What a charge would cost at an EVSE, by its CPO's Tariff: roaming prices included, for they are all the same Tariffs.

The charge is the simplest one: the wanted energy at the power that EVSE and car have in common, beginning now.

Source: OCPI 2.3.0, mod_tariffs.asciidoc; ``hub.ocpi.pricing``.
"""

import datetime
import functools
import logging
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.emsp.search.index import Place
from hub.emsp.search.queries import Car
from hub.emsp.store import Store
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Price, Unpriceable, price
from hub.ocpi.times import date_time, moment

log = logging.getLogger(__name__)

_LEAST = Decimal(1000)  # W: a connector that says less than this says nothing of use


@dataclass(frozen=True)
class Estimate:
    """What a charge is expected to cost and take.

    Attributes:
        amount: what the driver pays, in ``currency``.
        hours: how long the energy takes.
    """

    amount: Decimal
    currency: str
    hours: Decimal


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A charge as a CDR would tell of it.

    Attributes:
        price: what its CPO takes, with the taxes its Tariff says.
        until: when the last of its charging periods ends.
    """

    price: Price
    currency: str
    periods: Sequence[JSONObject]
    until: datetime.datetime
    zone: datetime.tzinfo
    hours: Decimal


#: Says what a driver pays for a charge in a country (ISO 3166-1 alpha-3); None: it cannot be said.
Retail = Callable[[Expected, str], Decimal | None]


def as_told(expected: Expected, country: str) -> Decimal | None:
    """Return what the CPO takes, with the taxes it tells."""
    return expected.price.after_taxes


class Prices:
    """Estimates for one search.

    Args:
        retail: makes the driver's price of the CPO's.
    """

    def __init__(self, store: Store, car: Car, now: datetime.datetime, *, retail: Retail = as_told) -> None:
        self._store = store
        self._car = car
        self._now = now.replace(second=0, microsecond=0)  # so that one minute's searches share their estimates
        self._retail = retail
        self._told: dict[tuple[str, str], bytes | None] = {}
        self._made: dict[tuple[object, ...], Estimate | None] = {}

    async def learn(self, places: Iterable[Place]) -> None:
        """Read the Tariffs of some EVSEs, all at once."""
        wanted = {(place.owner, each) for place in places for each in place.tariffs} - self._told.keys()
        if wanted:
            self._told |= dict.fromkeys(wanted) | await self._store.tariffs.texts(wanted)

    async def of(self, place: Place) -> Estimate | None:
        """Return the estimate for an EVSE; None: its CPO has told no price, or what the driver pays cannot be said."""
        await self.learn([place])
        told = (self._told[place.owner, each] for each in place.tariffs)
        texts, watts = tuple(each for each in told if each is not None), self._watts(place)
        key = (texts, place.zone, watts, place.country)
        if key not in self._made:
            expected = _expected(texts, zone=place.zone, kwh=self._car.kwh, watts=watts, now=self._now)
            self._made[key] = None if expected is None else self._estimate(expected, place.country)
        return self._made[key]

    def _estimate(self, expected: Expected, country: str) -> Estimate | None:
        amount = self._retail(expected, country)
        return None if amount is None else Estimate(amount, expected.currency, expected.hours)

    def hours(self, place: Place) -> Decimal:
        """Return how long the wanted energy takes there."""
        return _hours(self._car.kwh, self._watts(place))

    def _watts(self, place: Place) -> Decimal:
        most = self._car.most_dc if place.currents & 2 else self._car.most_ac
        return max(Decimal(min(place.power, most)), _LEAST)


def _hours(kwh: Decimal, watts: Decimal) -> Decimal:
    return (kwh * 1000 / watts).quantize(Decimal("0.0001"))


@functools.lru_cache(maxsize=8192)
def _expected(
    texts: tuple[bytes, ...], *, zone: str, kwh: Decimal, watts: Decimal, now: datetime.datetime
) -> Expected | None:
    """Return what a charge costs by the one of some Tariffs that holds; many EVSEs and searches ask the same."""
    tariff = _regular([codec.decode(each) for each in texts], now)
    if tariff is None:
        return None
    hours = _hours(kwh, watts)
    period: JSONObject = {
        "start_date_time": date_time(now),
        "dimensions": [
            {"type": "ENERGY", "volume": kwh},
            {"type": "TIME", "volume": hours},
            {"type": "MAX_POWER", "volume": watts / 1000},
            {"type": "MIN_POWER", "volume": watts / 1000},
        ],
        "tariff_id": tariff["id"],
    }
    until, there = now + datetime.timedelta(seconds=float(hours * 3600)), _zone(zone)
    try:
        bill = price([tariff], [period], until=until, zone=there, currency=tariff["currency"])
    except Unpriceable as error:
        log.info("%s-%s: Tariff %s: %s", tariff["country_code"], tariff["party_id"], tariff["id"], error)
        return None
    return Expected(
        price=bill.total, currency=tariff["currency"], periods=(period,), until=until, zone=there, hours=hours
    )  # fmt: skip


def _regular(tariffs: Iterable[JSONObject], now: datetime.datetime) -> JSONObject | None:
    """Return the Tariff that holds for a driver now: the regular one of those told."""
    valid = [each for each in tariffs if _is_valid(each, now)]
    return min(valid, key=lambda each: each.get("type") not in (None, "REGULAR"), default=None)


def _is_valid(tariff: JSONObject, now: datetime.datetime) -> bool:
    start, end = tariff.get("start_date_time"), tariff.get("end_date_time")
    return (start is None or moment(start) <= now) and (end is None or now < moment(end))


def _zone(name: str) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC
