"""A driver's charges with what they cost, emitted and how far they bring him (GEM-FTR-970), and the report of each."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.emsp.companion.emissions import CountryMix, Emissions, emissions
from hub.emsp.companion.needs import Charged, Charges, Contacts
from hub.emsp.companion.notifier import Notifier
from hub.ocpi.objects import JSON

#: kWh a car takes for 100 km, where nothing is known of it.
CONSUMPTION = Decimal(18)


@dataclass(frozen=True, kw_only=True)
class Past:
    """One charge of the history.

    Attributes:
        km: how far its energy brings the driver's car.
    """

    charge: Charged
    emissions: Emissions
    km: Decimal


@dataclass(frozen=True, kw_only=True)
class Totals:
    """All charges of a time together.

    Attributes:
        cost: by currency.
        kg: of CO2, of those charges of which it is known.
        unknown: charges whose emissions nobody knows; ``kg`` is without them.
    """

    charges: int
    kwh: Decimal
    km: Decimal
    cost: Mapping[str, Decimal]
    kg: Decimal
    unknown: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a driver is told after a charge (GEM-FTR-951)."""

    key: str
    driver_id: str
    text: str
    data: Mapping[str, JSON] = field(default_factory=dict)
    event: str = "CHARGE_REPORT"


def past(charge: Charged, countries: Mapping[str, CountryMix], consumption: Decimal = CONSUMPTION) -> Past:
    """Return a charge with what it emitted and how far it brings a car.

    Args:
        consumption: of the car, in kWh for 100 km.
    """
    km = (charge.kwh * 100 / consumption).quantize(Decimal(1))
    return Past(charge=charge, emissions=emissions(charge, countries), km=km)


def totals(charges: Iterable[Past]) -> Totals:
    """Return the sums of some charges."""
    listed = list(charges)
    cost = defaultdict[str, Decimal](Decimal)
    for each in listed:
        if each.charge.cost is not None:
            cost[each.charge.currency] += each.charge.cost
    known = [each.emissions.kg for each in listed if each.emissions.kg is not None]
    return Totals(
        charges=len(listed),
        kwh=sum((each.charge.kwh for each in listed), Decimal(0)),
        km=sum((each.km for each in listed), Decimal(0)),
        cost=dict(cost),
        kg=sum(known, Decimal(0)),
        unknown=len(listed) - len(known),
    )


def report_of(found: Past, zone: ZoneInfo, receipt: str = "") -> Report:
    """Return the report of a charge; its key makes it one however often its CDR comes.

    Args:
        receipt: its number; "": there is none.
    """
    charge = found.charge
    start, end = (f"{each.astimezone(zone):%Y-%m-%d %H:%M}" for each in (charge.start, charge.end))
    cost = f"{charge.cost} {charge.currency}" if charge.cost is not None else None
    kg = str(found.emissions.kg) if found.emissions.kg is not None else None
    return Report(
        key=f"report/{charge.reference}",
        driver_id=charge.driver_id,
        text=f"You charged {charge.kwh} kWh at {charge.name} from {start} to {end}.",
        data={
            "place": charge.name, "kwh": str(charge.kwh), "cost": cost, "start": start, "end": end,
            "km": str(found.km), "co2": kg, "co2_source": found.emissions.label, "receipt": receipt or None,
        },
    )  # fmt: skip


class History:
    """The histories of all drivers.

    Args:
        countries: what electricity emits, where stations do not tell.
    """

    def __init__(
        self, *, charges: Charges, contacts: Contacts, notifier: Notifier, countries: Mapping[str, CountryMix]
    ) -> None:
        self._charges = charges
        self._contacts = contacts
        self._notifier = notifier
        self._countries = countries

    async def of(
        self, driver_id: str, start: datetime.datetime, end: datetime.datetime, *, consumption: Decimal = CONSUMPTION
    ) -> list[Past]:
        """Return a driver's charges that ended in a time, oldest first."""
        found = await self._charges.of_driver(driver_id, start, end)
        return [past(each, self._countries, consumption) for each in found]

    async def report(self, charge: Charged, *, receipt: str = "", consumption: Decimal = CONSUMPTION) -> None:
        """Tell a driver of a charge whose CDR has come; once."""
        contact = await self._contacts.contact(charge.driver_id)
        if contact is not None:
            found = past(charge, self._countries, consumption)
            await self._notifier.tell(report_of(found, ZoneInfo(contact.zone), receipt))
