"""What a car says it needs, for whoever shares power; and whether the schedule it chose is within what it may draw.

The answer to a car's needs is the TxProfile of its transaction, which follows at once: its share, no more than the car
can take, on no more phases than it asks for. A car that has to take more than half of what it can until it leaves
is served as one whose driver wishes FAST. Needs are kept for as long as this side runs; without them a
car counts with all its outlet gives.

Source: OCPP 2.0.1 edition 3, part 2, K15 (charging with load leveling based on High Level Communication).
"""

import asyncio
import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.cpms.charging.evses import Outlets, SiteEvse
from hub.cpms.charging.limits import Car, limited_by, phases_of
from hub.cpms.charging.schedules import VOLTS, Feed, constant, exceeds
from hub.cpms.charging.sharing import Sharing
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment
from hub.ocpp.words import NeedsStatus

_PHASES = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}


@dataclass(frozen=True, kw_only=True)
class EVNeeds:
    """What a car said of itself.

    Attributes:
        most: what it can take, in mA per phase.
        phases: how many phases it asks for.
        urgent: whether it has to take more than half of that until it leaves.
        periods: how many periods of a schedule it can read.
    """

    transaction_id: str
    most: int | None = None
    phases: int | None = None
    urgent: bool = False
    periods: int | None = None


class Negotiation:
    """``hub.cpms.needs.Negotiation``, over the sharing of power.

    Args:
        cars: who charges now, without their needs.
    """

    def __init__(
        self, *, outlets: Outlets, cars: Callable[[], Iterable[Car]], clock: Callable[[], datetime.datetime]
    ) -> None:
        self._outlets = outlets
        self._cars = cars
        self._clock = clock
        self._needs: dict[tuple[str, int], EVNeeds] = {}

    def serve(self, sharing: Sharing) -> None:
        """Take who shares power; once, before the first car speaks."""
        self._sharing = sharing

    def cars(self) -> Iterator[Car]:
        """Yield who charges now, with what each needs."""
        for car in self._cars():
            needs = self._needs.get(car.key)
            if needs is None or needs.transaction_id != car.transaction_id:
                yield car
            else:
                phases = car.phases or needs.phases
                yield dataclasses.replace(
                    car, phases=phases, most=needs.most, urgent=needs.urgent, periods=needs.periods
                )

    async def needs(self, station_id: str, said: JSONObject) -> NeedsStatus:
        """Take a NotifyEVChargingNeedsRequest; a TxProfile follows what is Accepted.

        Rejected: no transaction goes on there that a TxProfile could be for.
        """
        found = await self._found(station_id, said)
        if found is None:
            return "Rejected"
        car, site_evse = found
        self._forget_others()
        self._needs[car.key] = _needs(said, car.transaction_id, site_evse.feed, self._clock())
        self._ask(car)
        return "Accepted"

    async def schedule(self, station_id: str, said: JSONObject) -> bool:
        """Judge a NotifyEVChargingScheduleRequest; where the car would draw too much it is told its limit anew."""
        found = await self._found(station_id, said)
        if found is None:
            return True
        car, site_evse = found
        feed = dataclasses.replace(site_evse.feed, phases=phases_of(site_evse, car))
        chosen = _chosen(said)
        if not exceeds(chosen, await self._allowed(car, site_evse, chosen), feed):
            return True
        self._ask(car)
        return False

    def _ask(self, car: Car) -> None:
        """Have a car told its limit, after its station has been answered."""
        self._sharing.telling.due.add(car.key)
        asyncio.get_running_loop().call_soon(self._sharing.wake)

    def _forget_others(self) -> None:
        going = {(car.key, car.transaction_id) for car in self._cars()}
        self._needs = {key: each for key, each in self._needs.items() if (key, each.transaction_id) in going}

    async def _found(self, station_id: str, said: JSONObject) -> tuple[Car, SiteEvse] | None:
        car = next((each for each in self.cars() if each.key == (station_id, int(said["evseId"]))), None)
        site_evse = await self._outlets.one(car.evse) if car is not None else None
        return (car, site_evse) if car is not None and site_evse is not None else None

    async def _allowed(self, car: Car, site_evse: SiteEvse, chosen: JSONObject) -> JSONObject:
        """Return what a car was told it may draw."""
        shares = self._sharing.shares
        known = (await shares.at_stations({car.evse.station_id})).get(site_evse.key, site_evse.untold)
        amount = min(known.most(site_evse.rated), car.most or site_evse.rated)
        found = await shares.profile(car.evse, car.transaction_id)
        plain = constant(amount, site_evse.feed, moment(chosen["start_date_time"]))
        return limited_by(found, amount, site_evse, plain)


def _needs(said: JSONObject, transaction_id: str, feed: Feed, now: datetime.datetime) -> EVNeeds:
    needs = said["chargingNeeds"]
    alternating, direct = needs.get("acChargingParameters") or {}, needs.get("dcChargingParameters") or {}
    phases = None if feed.direct else _PHASES.get(needs["requestedEnergyTransfer"])
    watts = _positive(direct.get("evMaxPower")) or _watts(direct)
    most = None
    if (amperes := _positive(alternating.get("evMaxCurrent"))) is not None:
        most = feed.milliamperes(amperes, "A")
        watts = amperes * VOLTS * min(phases or feed.phases, feed.phases)
    elif watts is not None:
        most = feed.milliamperes(watts, "W")
    energy = _positive(alternating.get("energyAmount") or direct.get("energyAmount"))
    return EVNeeds(
        transaction_id=transaction_id,
        most=most,
        phases=phases,
        urgent=_is_urgent(energy, watts, needs.get("departureTime"), now),
        periods=said.get("maxScheduleTuples"),
    )


def _is_urgent(energy: Decimal | None, watts: Decimal | None, departure: str | None, now: datetime.datetime) -> bool:
    """Whether a car needs more than half of what it can take until it leaves.

    Args:
        energy: in Wh.
    """
    if energy is None or watts is None or departure is None:
        return False
    seconds = Decimal(int((moment(departure) - now).total_seconds()))
    return energy * 3600 * 2 > watts * seconds


def _watts(direct: JSONObject) -> Decimal | None:
    amperes, volts = _positive(direct.get("evMaxCurrent")), _positive(direct.get("evMaxVoltage"))
    return amperes * volts if amperes is not None and volts is not None else None


def _positive(value: Any) -> Decimal | None:
    """Return a number; None: there is none that says anything."""
    number = Decimal(str(value)) if value is not None else Decimal(0)
    return number if number.is_finite() and number > 0 else None


def _chosen(said: JSONObject) -> JSONObject:
    """Return the schedule a car chose as a ChargingProfile; 2.1's periods may have no limit of charging."""
    schedule = said["chargingSchedule"]
    return {
        "start_date_time": said["timeBase"],
        "charging_rate_unit": schedule["chargingRateUnit"],
        "duration": schedule.get("duration"),
        "charging_profile_period": [
            {"start_period": each["startPeriod"], "limit": each["limit"]}
            for each in schedule["chargingSchedulePeriod"]
            if each.get("limit") is not None
        ],
    }
