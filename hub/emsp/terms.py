"""What the operator of a provider decides: read from a JSON file, shown to its staff as it is in force.

::

    {
      "charging": {"horizon": {"professional": 3}, "tolerance": 300, "ad_hoc": true},
      "money": {
        "margins": {"EUR": {"percent": 10, "fixed": 0.35}},
        "vat": {"NLD": 21},
        "estimates": {"EUR": 5000},
        "tolerance": {"percent": 1}
      }
    }

Whatever is left out is as ``docs/requirements.md`` asks for it. Times are in seconds, estimates and minimums in minor
units of their currency.

Source: INCAR-PRO02, RASD-D3, RASD-F06, SGEM-4.1-17, SGEM-4.3-04.
"""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec

from hub.api import judging
from hub.api.problems import Problem
from hub.api.shapes import Shape, within
from hub.emsp.charging.ground import Terms as Charging
from hub.emsp.money.checking import Tolerance
from hub.emsp.money.retail import Margin, RetailPrices
from hub.emsp.money.till import Terms as Money
from hub.emsp.money.vat import STANDARD_RATES
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, read_tariff

Seconds = Annotated[int, msgspec.Meta(ge=0, le=30 * 24 * 3600)]
Days = Annotated[int, msgspec.Meta(ge=0, le=366)]
Minor = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Percent = Annotated[Decimal, within(0, 1000)]


class ChargingTerms(Shape, frozen=True, kw_only=True):
    """Bookings and charges.

    Attributes:
        horizon: by class of driver, how many days after today he can book.
        other_horizon: that of every other class.
        slots: the most half hours of one booking.
        no_show: how long after its start a booking waits for its driver.
        tolerance: how long a driver has to leave after his time.
        payment: how long he has to confirm a payment.
        result, session, stop, cdr: how long a command's result, a Session, the end after a stop and a CDR may take.
        unheard: how long after its last news a charge is given up, after its case, and its money let go.
        ad_hoc: whether somebody without account may charge.
    """

    horizon: dict[str, Days] = msgspec.field(default_factory=lambda: {"professional": 3})
    other_horizon: Days = 1
    slots: Annotated[int, msgspec.Meta(ge=1, le=4)] = 4
    no_show: Seconds = 15 * 60
    tolerance: Seconds = 5 * 60
    payment: Seconds = 15 * 60
    result: Seconds = 3 * 60
    session: Seconds = 10 * 60
    stop: Seconds = 5 * 60
    cdr: Seconds = 24 * 3600
    unheard: Seconds = 7 * 24 * 3600
    ad_hoc: bool = False

    def in_force(self) -> Charging:
        """Return them as the room of charging has them."""
        spans = {
            name: datetime.timedelta(seconds=getattr(self, name))
            for name in ("no_show", "tolerance", "payment", "result", "session", "stop", "cdr", "unheard")
        }
        horizon = {name.lower(): days for name, days in self.horizon.items()}
        return Charging(horizon=horizon, other_horizon=self.other_horizon, slots=self.slots, **spans)


class MarginTerms(Shape, frozen=True, kw_only=True):
    """What is put on a CPO's price before taxes: ``percent`` of it, and ``fixed`` per charge."""

    percent: Percent = Decimal(0)
    fixed: Annotated[Decimal, within(0, 1_000_000)] = Decimal(0)


class ToleranceTerms(Shape, frozen=True, kw_only=True):
    """How far a CDR may be from what is known.

    Attributes:
        minor: of its price; what is more of it and ``percent`` counts.
        time: between Session and CDR.
        kwh: between its parts, and between Session and CDR.
        power: the most a car can draw on average, in kW.
    """

    minor: Minor = 2
    percent: Percent = Decimal(1)
    time: Seconds = 15 * 60
    kwh: Annotated[Decimal, within(0, 1_000_000)] = Decimal("0.1")
    power: Annotated[Decimal, within(1, 1_000_000)] = Decimal(1000)


class MoneyTerms(Shape, frozen=True, kw_only=True):
    """Prices, taxes, what is set aside, and what a CDR may say.

    Attributes:
        tariffs: OCPI Tariffs of the provider's own, at most one per currency; they come before margins.
        margins: by currency; where there is none, the CPO's price is passed on.
        vat: in percent, by ISO 3166-1 alpha-3, instead of the standard rate.
        estimates: what is set aside for a charge, by currency.
        minimum: what a wallet must have for a charge it does not cover, by currency.
        kept: how long money stays set aside for a charge that gets no bill which can be booked.
    """

    tariffs: list[JSONObject] = msgspec.field(default_factory=list)
    margins: dict[str, MarginTerms] = msgspec.field(default_factory=dict)
    vat: dict[str, Percent] = msgspec.field(default_factory=dict)
    estimates: dict[str, Minor] = msgspec.field(default_factory=dict)
    minimum: dict[str, Minor] = msgspec.field(default_factory=dict)
    kept: Seconds = 30 * 24 * 3600
    tolerance: ToleranceTerms = ToleranceTerms()

    def in_force(self) -> Money:
        """Return them as the room of money has them."""
        told = self.tolerance
        margins = {code: Margin(each.percent, each.fixed) for code, each in self.margins.items()}
        return Money(
            prices=RetailPrices(
                tariffs={each["currency"]: each for each in self.tariffs},
                margins=margins,
                rates={**STANDARD_RATES, **self.vat},
            ),
            tolerance=Tolerance(
                minor=told.minor,
                percent=told.percent,
                time=datetime.timedelta(seconds=told.time),
                kwh=told.kwh,
                power=told.power,
            ),
            minimum=self.minimum,
            kept=datetime.timedelta(seconds=self.kept),
        )


class ProviderTerms(Shape, frozen=True, kw_only=True):
    """The terms of the provider."""

    charging: ChargingTerms = ChargingTerms()
    money: MoneyTerms = MoneyTerms()


def read_terms(path: Path) -> ProviderTerms:
    """Return the terms of a JSON file.

    Raises:
        ValueError: it holds none; the message says where.
    """
    try:
        terms: ProviderTerms = judging.body(path.read_bytes(), ProviderTerms)
    except Problem as error:
        raise ValueError(f"{path}: {error}") from error
    for number, each in enumerate(terms.money.tariffs):
        try:
            read_tariff(each, f"$.money.tariffs[{number}]")
        except Unpriceable as error:
            raise ValueError(f"{path}: {error}") from error
    currencies = [each["currency"] for each in terms.money.tariffs]
    if len(set(currencies)) < len(currencies):
        raise ValueError(f"{path}: $.money.tariffs: two of one currency")
    return terms
