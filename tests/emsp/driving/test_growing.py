"""What time costs is seen while it passes, also where the CPO tells nothing: an estimate, said to be one (RASD-R9)."""

import datetime
from decimal import Decimal

import pytest

from hub.emsp.charging.growing import after
from hub.ocpi.modules import tariffs
from hub.ocpi.times import date_time
from tests.emsp.charging.world import NOON, told
from tests.emsp.driving.test_api import under_way
from tests.rooms import tariff

HOURLY = [{"type": "ENERGY", "price": 0.4, "step_size": 1}, {"type": "TIME", "price": 6, "step_size": 1}]
AT_REST = [{"type": "ENERGY", "price": 0.4, "step_size": 1}, {"type": "PARKING_TIME", "price": 6, "step_size": 1}]


def parts(*dimensions, start=NOON):
    return {
        "start_date_time": date_time(start),
        "dimensions": [{"type": kind, "volume": volume} for kind, volume in dimensions],
    }  # fmt: skip


@pytest.fixture
async def ada(provider):
    return await provider.driver("ada")


async def prices(provider, components):
    value = tariff(elements=[{"price_components": components}])
    await provider.emsp(told(tariffs.put_tariff, value, tariff_id="T1"))


async def update(provider, charge, **changes):
    known = await provider.charge(charge["id"])
    names = {"reference": known.reference, "uid": known.token["uid"], "start_date_time": date_time(NOON)}
    await provider.session("ACTIVE", **names | changes)


async def seen(rider, charge):
    shown = await rider.get(f"/charges/{charge['id']}")
    return shown["cost"], shown["estimated"]


@pytest.mark.parametrize(
    ("components", "periods"),
    [
        (HOURLY, None),
        (HOURLY, [parts(("ENERGY", 0), ("TIME", 0))]),
        (AT_REST, [parts(("ENERGY", 0)), parts(("PARKING_TIME", 0))]),
    ],
    ids=["nothing told", "periods told", "parking told"],
)
async def test_the_cost_grows_with_time_until_the_cpo_tells_it(provider, ada, components, periods):
    """X-44: 6 EUR an hour and the 21 % of the Netherlands."""
    await prices(provider, components)
    charge = await under_way(provider, ada)
    await update(provider, charge, charging_periods=periods or [])

    shown = [await seen(ada, charge)]
    for _ in range(2):
        await provider.wait(minutes=10)
        shown.append(await seen(ada, charge))
    await update(provider, charge, kwh=1, total_cost={"before_taxes": 3}, charging_periods=periods or [])
    shown.append(await seen(ada, charge))
    await provider.wait(minutes=10)

    assert shown == [(0, False), (1.21, True), (2.42, True), (3.63, False)]
    assert await seen(ada, charge) == (4.84, True)


async def test_what_time_does_not_cost_is_not_estimated(provider, ada):
    await update(provider, charge := await under_way(provider, ada), kwh=2)
    before = await seen(ada, charge)

    await provider.wait(minutes=10)

    known = await provider.charge(charge["id"])
    assert await seen(ada, charge) == before == (1.57, False)
    assert known.estimate_due is None


async def test_a_limit_of_money_ends_a_charge_whose_cpo_tells_nothing(provider, ada):
    """RASD-F07: what time has cost is owed at least."""
    await prices(provider, HOURLY)
    charge = await under_way(provider, ada, limits={"cost": 2, "currency": "EUR"})

    await provider.wait(minutes=16)
    before = len(provider.commands("STOP"))
    await provider.wait(minutes=1)

    stopped = await provider.charge(charge["id"])
    assert (before, len(provider.commands("STOP"))) == (0, 1)
    assert (stopped.state, stopped.stop_reason) == ("STOPPING", "MONEY_LIMIT")


def test_nothing_but_time_passes():
    session = {
        "start_date_time": date_time(NOON), "last_updated": date_time(NOON), "kwh": 5,
        "total_cost": {"before_taxes": 1}, "charging_periods": [parts(("ENERGY", 5), ("TIME", 1), ("POWER", 7))],
    }  # fmt: skip

    later = after(session, datetime.timedelta(minutes=30))

    (period,) = later["charging_periods"]
    assert {each["type"]: each["volume"] for each in period["dimensions"]} == {
        "ENERGY": 5, "TIME": Decimal("1.5"), "POWER": 7,
    }  # fmt: skip
    assert (later["last_updated"], later["kwh"], "total_cost" in later) == ("2026-01-05T11:30:00.000Z", 5, False)
