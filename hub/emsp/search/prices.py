"""What a charge would cost at an EVSE, by its CPO's Tariff: roaming prices included, for they are all the same Tariffs.

The charge is the simplest one: the wanted energy at the power that EVSE and car have in common, beginning now.

Source: OCPI 2.3.0, mod_tariffs.asciidoc; ``hub.ocpi.pricing``.
"""

import datetime
import logging
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from hub.emsp.search.index import Place
from hub.emsp.search.queries import Car
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, price
from hub.ocpi.times import date_time, moment

log = logging.getLogger(__name__)

_LEAST = Decimal(1000)  # W: a connector that says less than this says nothing of use


@dataclass(frozen=True)
class Estimate:
    """What a charge is expected to cost and take.

    Attributes:
        amount: with taxes as far as the Tariff tells them, in ``currency``.
        hours: how long the energy takes.
    """

    amount: Decimal
    currency: str
    hours: Decimal


#: Turns what a CPO takes into what the driver pays (margin or retail tariff); None is no change.
Retail = Callable[[Place, Estimate, Decimal], Estimate]


class Prices:
    """Estimates for one search; a Tariff is read and priced once for all EVSEs that share it.

    Args:
        retail: makes the driver's price of the CPO's.
    """

    def __init__(self, store: Store, car: Car, now: datetime.datetime, *, retail: Retail | None = None) -> None:
        self._store = store
        self._car = car
        self._now = now
        self._retail = retail
        self._made: dict[tuple[str, tuple[str, ...], Decimal, str], Estimate | None] = {}

    async def of(self, place: Place) -> Estimate | None:
        """Return the estimate for an EVSE; None: its CPO has told no price."""
        key = (place.owner, place.tariffs, self._watts(place), place.zone)
        if key not in self._made:
            self._made[key] = await self._estimate(place)
        found = self._made[key]
        if found is None or self._retail is None:
            return found
        return self._retail(place, found, self._car.kwh)

    def hours(self, place: Place) -> Decimal:
        """Return how long the wanted energy takes there."""
        return (self._car.kwh * 1000 / self._watts(place)).quantize(Decimal("0.0001"))

    def _watts(self, place: Place) -> Decimal:
        most = self._car.most_dc if place.currents & 2 else self._car.most_ac
        return max(Decimal(min(place.power, most)), _LEAST)

    async def _estimate(self, place: Place) -> Estimate | None:
        tariff = await self._tariff(place)
        if tariff is None:
            return None
        hours = self.hours(place)
        until = self._now + datetime.timedelta(seconds=float(hours * 3600))
        power = self._watts(place) / 1000
        period: JSONObject = {
            "start_date_time": date_time(self._now),
            "dimensions": [
                {"type": "ENERGY", "volume": self._car.kwh},
                {"type": "TIME", "volume": hours},
                {"type": "MAX_POWER", "volume": power},
                {"type": "MIN_POWER", "volume": power},
            ],
            "tariff_id": tariff["id"],
        }
        try:
            bill = price([tariff], [period], until=until, zone=_zone(place.zone), currency=tariff["currency"])
        except Unpriceable as error:
            log.info("%s: Tariff %s: %s", place.owner, tariff["id"], error)
            return None
        total = bill.total
        return Estimate(total.after_taxes, tariff["currency"], hours)

    async def _tariff(self, place: Place) -> JSONObject | None:
        """Return the Tariff that holds for a driver now: the regular one of those told."""
        owner = Party.parse(place.owner)
        found = [await self._store.tariffs.get(owner, each) for each in place.tariffs]
        known = [each for each in found if each is not None and self._is_valid(each)]
        known.sort(key=lambda each: each.get("type") not in (None, "REGULAR"))
        return known[0] if known else None

    def _is_valid(self, tariff: JSONObject) -> bool:
        start, end = tariff.get("start_date_time"), tariff.get("end_date_time")
        return (start is None or moment(start) <= self._now) and (end is None or self._now < moment(end))


def _zone(name: str) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC
