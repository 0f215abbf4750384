"""Expected prices are those the driver will pay: search, detail, cost so far and bill have one rule."""

import datetime
import random
from decimal import Decimal

import pytest

from hub.emsp.costing import DriversCosts
from hub.emsp.money.retail import Margin, RetailPrices
from hub.emsp.retailing import retail
from hub.emsp.search.details import cheapest
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Point
from hub.emsp.search.prices import Expected
from hub.emsp.search.queries import Car, Query
from hub.emsp.search.viewing import Viewer
from hub.emsp.store import Store
from hub.ocpi.pricing import Price, price
from hub.ocpi.times import date_time
from tests.emsp.search.test_finding import AT, HERE, connector, place, put
from tests.rooms import CPO, EMSP, tariff

ZONE = datetime.UTC
WATTS = 10_000
TEN = Price(Decimal(10))


@pytest.fixture
async def provider(database):
    made = Store(database, EMSP)
    await made.index.open()
    return made


def component(kind, amount, vat):
    return {"type": kind, "price": amount, "step_size": 1} | ({} if vat is None else {"vat": vat})


def told(number, amounts, included, vat):
    """Return a Tariff of energy, time and a start."""
    parts = [component(kind, amount, vat) for kind, amount in zip(("ENERGY", "TIME", "FLAT"), amounts, strict=True)]
    return tariff(id=f"T{number}", tax_included=included, elements=[{"price_components": parts}])


def some(chance, number):
    """Return a Tariff, what a driver takes by it, and what the provider makes of prices."""
    amounts = [Decimal(chance.randrange(0, 99)) / 100 for _ in range(3)]
    said = told(number, amounts, chance.choice(["YES", "NO", "N/A"]), chance.choice([None, 20, 21]))
    margin = Margin(Decimal(chance.choice(["0", "10", "12.5"])), Decimal(chance.choice(["0", "0.35"])))
    own = told(99, amounts[::-1], "NO", None) if chance.random() < 0.25 else None
    prices = RetailPrices(tariffs={"EUR": own} if own else {}, margins={"EUR": margin})
    return said, Decimal(chance.randrange(1, 120)) / 2, prices, chance.choice(["NLD", "FIN"])


def charged(said, kwh, country):
    """Return Session and CDR of a charge that begins now: what its CPO tells while it goes on, and at its end."""
    hours = kwh * 1000 / WATTS
    end = AT + datetime.timedelta(seconds=float(hours * 3600))
    dimensions = [{"type": "ENERGY", "volume": kwh}, {"type": "TIME", "volume": hours}]
    period = {"start_date_time": date_time(AT), "dimensions": dimensions, "tariff_id": said["id"]}
    bill = price([said], [period], until=end, zone=ZONE, currency="EUR")
    shared = {
        "id": "S1", "currency": "EUR", "start_date_time": date_time(AT), "end_date_time": date_time(end),
        "charging_periods": [period],
    }  # fmt: skip
    number = said["id"][1:]
    session = shared | {"location_id": f"L{number}", "evse_uid": f"E{number}", "connector_id": "1", "kwh": kwh}
    return session, shared | {"cdr_location": {"country": country}} | bill.cdr_costs()


async def test_a_charge_has_one_price_in_search_detail_progress_and_bill(provider):
    """To the cent, over Tariffs with and without VAT, and whatever the provider makes of them."""
    chance = random.Random(4)
    for number in range(50):
        said, kwh, prices, country = some(chance, number)
        north = 500 * number
        spot = place(number, north, connectors=[connector(power=WATTS, tariff_ids=[said["id"]])], country=country)
        await put(provider, said, spot)
        paid, car = retail(lambda prices=prices: prices), Car(kwh=kwh)
        session, cdr = charged(said, kwh, country)
        billed = prices.of_cdr(cdr, ZONE).gross.amount

        found = await Finder(provider, provider.index, clock=lambda: AT, retail=paid).find(
            Query(near=Point(HERE.lat + north / 111_195, HERE.lon), radius=100, car=car)
        )
        seen = await Viewer(provider, clock=lambda: AT, retail=paid).view(CPO, f"L{number}", car)
        costs = DriversCosts(provider, lambda prices=prices: prices)
        so_far = await provider.database.transact(
            lambda tx, session=session, costs=costs: costs.so_far(tx, CPO, session)
        )

        (searched,) = [each.price.amount for each in found.found]
        assert (searched, cheapest(seen.groups), so_far) == (billed, billed, billed), (said, kwh, prices)


def quoted(prices, price=TEN, country="NLD", currency="EUR"):
    hours = Decimal(1)
    period = {
        "start_date_time": date_time(AT),
        "dimensions": [{"type": "ENERGY", "volume": Decimal(20)}, {"type": "TIME", "volume": hours}],
    }
    expected = Expected(
        price=price, currency=currency, periods=(period,), until=AT + datetime.timedelta(hours=1), zone=ZONE,
        hours=hours,
    )  # fmt: skip
    return retail(lambda: prices)(expected, country)


@pytest.mark.parametrize(
    ("margin", "country", "amount"),
    [
        (Margin(), "NLD", "12.10"),
        (Margin(percent=Decimal(10)), "NLD", "13.31"),
        (Margin(fixed=Decimal("0.35")), "NLD", "12.52"),
        (Margin(percent=Decimal(10)), "FIN", "13.81"),
    ],
)
def test_an_estimate_has_the_margin_and_the_vat_of_its_country(margin, country, amount):
    assert quoted(RetailPrices(margins={"EUR": margin}), country=country) == Decimal(amount)


def test_where_no_bill_can_be_made_no_price_is_told():
    assert quoted(RetailPrices(), country="USA") is None
    assert quoted(RetailPrices(tariffs={"EUR": tariff(currency="CHF")})) is None


def test_what_is_free_stays_free():
    assert quoted(RetailPrices(margins={"EUR": Margin(fixed=Decimal(1))}), Price(Decimal(0))) == 0


def test_an_estimate_is_by_the_providers_own_tariff_where_there_is_one():
    prices = RetailPrices(tariffs={"EUR": tariff()})

    assert quoted(prices) == Decimal("10.20")
    assert quoted(prices, Price(Decimal(5)), currency="CHF") == Decimal("6.05")
