"""Charging periods and Tariffs for tests of prices, in as few words as a test can say them."""

import datetime
import os
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from hub.ocpi import codec
from hub.ocpi.modules.tariffs import Tariff
from hub.ocpi.pricing import Bill, price
from hub.ocpi.times import date_time
from hub.ocpi.versions import VERSIONS

AMSTERDAM = zoneinfo.ZoneInfo("Europe/Amsterdam")
_ROOT = Path(__file__).parent.parent.parent
_SHOWN = {"TIME": 60, "PARKING_TIME": 60}  # in minutes
EXAMPLES = Path(os.environ.get("EMALL_SPEC_EXAMPLES") or _ROOT.parent / "shared" / "specification")


def example(name: str, version: str = "2.3.0") -> dict[str, Any]:
    """Return a Tariff of the specification, raised to the newest version."""
    value = codec.decode((EXAMPLES / version / f"{name}.json").read_bytes())
    raised: dict[str, Any] = VERSIONS[version].up(value, Tariff)
    return raised


def element(*components: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    """Return a TariffElement; each component has a step_size of 1 unless it says another."""
    made: dict[str, Any] = {"price_components": [{"step_size": 1} | each for each in components]}
    return made | {"restrictions": restrictions} if restrictions else made


def energy(price_: str, **more: Any) -> dict[str, Any]:
    return {"type": "ENERGY", "price": Decimal(price_)} | more


def time(price_: str, **more: Any) -> dict[str, Any]:
    return {"type": "TIME", "price": Decimal(price_)} | more


def parking(price_: str, **more: Any) -> dict[str, Any]:
    return {"type": "PARKING_TIME", "price": Decimal(price_)} | more


def flat(price_: str, **more: Any) -> dict[str, Any]:
    return {"type": "FLAT", "price": Decimal(price_)} | more


def tariff(*elements: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a Tariff T1 in euros, its prices without taxes."""
    return {
        "country_code": "NL", "party_id": "CPO", "id": "T1", "currency": "EUR", "tax_included": "NO",
        "elements": list(elements), "last_updated": "2026-01-01T00:00:00Z",
    } | changes  # fmt: skip


class Visit:
    """A car at a station, told part by part; times are the station's wall clock."""

    def __init__(self, start: str, *, zone: zoneinfo.ZoneInfo = AMSTERDAM, tariff_id: str = "T1") -> None:
        self.zone = zone
        self.at = datetime.datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(datetime.UTC)
        self.tariff_id = tariff_id
        self.periods: list[dict[str, Any]] = []

    def part(self, minutes: float, kind: str, kwh: str = "0", **told: Any) -> "Visit":
        """Add a period of one kind of time."""
        hours = (Decimal(str(minutes)) / 60).quantize(Decimal("0.0001"))
        dimensions = [{"type": kind, "volume": hours}]
        if Decimal(kwh):
            dimensions.append({"type": "ENERGY", "volume": Decimal(kwh)})
        dimensions += [{"type": name, "volume": Decimal(str(volume))} for name, volume in told.items()]
        self.periods.append(
            {"start_date_time": date_time(self.at), "dimensions": dimensions, "tariff_id": self.tariff_id}
        )
        self.at += datetime.timedelta(minutes=minutes)
        return self

    def charges(self, minutes: float, kwh: str = "0", **told: Any) -> "Visit":
        return self.part(minutes, "TIME", kwh, **told)

    def parks(self, minutes: float, **told: Any) -> "Visit":
        return self.part(minutes, "PARKING_TIME", **told)

    def waits(self, minutes: float) -> "Visit":
        """Add time of a reservation."""
        return self.part(minutes, "RESERVATION_TIME")

    def costs(self, *tariffs: dict[str, Any], **more: Any) -> Bill:
        """Return the bill; a single Tariff is taken whatever its id."""
        if len(tariffs) == 1:
            for period in self.periods:
                period["tariff_id"] = tariffs[0]["id"]
        more.setdefault("currency", tariffs[0]["currency"])
        return price(tariffs, self.periods, until=self.at, zone=self.zone, **more)


def money(bill: Bill) -> tuple[str, str]:
    """Return a bill's total before and after taxes."""
    return str(bill.total.before_taxes), str(bill.total.after_taxes)


def breakdown(bill: Bill) -> list[tuple[str, str, str]]:
    """Return a bill's lines as the tables of the specification have them: dimension, kWh or minutes, cost."""
    shown = [line.quantity * _SHOWN.get(line.dimension, 1) for line in bill.lines]
    return [(line.dimension, _short(each), _short(line.cost)) for line, each in zip(bill.lines, shown, strict=True)]


def _short(amount: Decimal) -> str:
    text = f"{amount.quantize(Decimal('0.001')):f}"
    return text.rstrip("0").rstrip(".")


def cdr(tariffs: list[dict[str, Any]], visit: Visit) -> bytes:
    """Return what of a CDR bears on its price, as JSON."""
    value = {
        "currency": tariffs[0]["currency"], "end_date_time": date_time(visit.at), "tariffs": tariffs,
        "charging_periods": visit.periods,
    }  # fmt: skip
    return msgspec.json.Encoder(decimal_format="number").encode(value)
