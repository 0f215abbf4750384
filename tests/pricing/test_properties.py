"""What is true of every bill: neither the order nor the cutting of periods can change it, and more is never cheaper."""

import datetime
import random
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.ocpi.pricing import divided, price, price_cdr
from hub.ocpi.times import date_time, moment
from tests.pricing.cases import AMSTERDAM, Visit, cdr, element, energy, flat, parking, tariff, time

prices = st.decimals("0", "9.99", places=4).map(str)
steps = st.sampled_from([0, 1, 60, 300, 900])
vats = st.sampled_from([None, 0, 9, Decimal("5.2"), 21])
times_of_day = st.sampled_from(["00:00", "02:30", "06:00", "09:00", "17:00", "23:30"])


@st.composite
def restrictions(draw):
    found = {}
    if draw(st.booleans()):
        found["start_time"] = draw(times_of_day)
    if draw(st.booleans()):
        found["end_time"] = draw(times_of_day)
    if draw(st.integers(0, 3)) == 0:
        found["day_of_week"] = draw(
            st.lists(st.sampled_from(["MONDAY", "SATURDAY", "SUNDAY"]), min_size=1, unique=True)
        )
    if draw(st.integers(0, 3)) == 0:
        found[draw(st.sampled_from(["min_kwh", "max_kwh"]))] = Decimal(draw(st.integers(0, 30)))
    if draw(st.integers(0, 3)) == 0:
        found[draw(st.sampled_from(["min_duration", "max_duration"]))] = draw(st.integers(0, 20000))
    if draw(st.integers(0, 5)) == 0:
        found[draw(st.sampled_from(["min_power", "max_power"]))] = draw(st.integers(1, 20))
    return found


@st.composite
def tariffs(draw, *, limited=True, step=steps):
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        makers = draw(st.lists(st.sampled_from([energy, time, parking, flat]), min_size=1, max_size=3, unique=True))
        components = [make(draw(prices), vat=draw(vats), step_size=draw(step)) for make in makers]
        elements.append(element(*components, **draw(restrictions())))
    more = {"tax_included": draw(st.sampled_from(["YES", "NO", "N/A"]))}
    if limited and draw(st.integers(0, 3)) == 0:
        more["max_price"] = {"before_taxes": draw(st.integers(1, 20)), "after_taxes": draw(st.integers(20, 30))}
    return tariff(*elements, **more)


#: Over the nights on which Amsterdam's clocks are put forward and back, and some others.
starts = st.builds(
    lambda day, minute: f"{day}T{minute // 60:02}:{minute % 60:02}",
    st.sampled_from(["2026-03-28", "2026-10-24", "2026-10-25", "2026-06-01", "2026-06-06"]),
    st.integers(0, 1439),
)
parts = st.lists(
    st.tuples(st.sampled_from(["TIME", "PARKING_TIME"]), st.integers(1, 400), st.decimals("0", "30", places=3)),
    min_size=1,
    max_size=4,
)


@st.composite
def visits(draw):
    visit = Visit(draw(starts))
    for kind, minutes, kwh in draw(parts):
        visit.part(minutes, kind, str(kwh) if kind == "TIME" else "0")
    return visit


@given(tariffs(), visits(), st.randoms(use_true_random=False))
def test_the_order_in_which_periods_are_listed_does_not_matter(made, visit, shuffled: random.Random):
    bill = visit.costs(made)
    shuffled.shuffle(visit.periods)

    assert visit.costs(made).total == bill.total


@given(tariffs(), visits())
def test_periods_cut_where_the_price_changes_cost_the_same(made, visit):
    """mod_cdrs: a CPO shall start a new period there, and may start more."""
    bill = visit.costs(made)
    since, kwh, told = moment(visit.periods[0]["start_date_time"]), Decimal(0), []
    ends = [*(moment(each["start_date_time"]) for each in visit.periods[1:]), visit.at]

    for period, until in zip(visit.periods, ends, strict=True):
        made_of = divided(period, until=until, tariff=made, zone=AMSTERDAM, since=since, kwh=kwh)
        told += [each.period for each in made_of]
        kwh += sum(each["volume"] for each in period["dimensions"] if each["type"] == "ENERGY")
    again = price([made], told, until=visit.at, zone=AMSTERDAM, currency="EUR")

    assert again.total == bill.total
    assert len(told) >= len(visit.periods)


@given(tariffs(), visits())
def test_divided_periods_use_up_exactly_what_was_there(made, visit):
    for period, until in zip(
        visit.periods, [*(moment(each["start_date_time"]) for each in visit.periods[1:]), visit.at], strict=True
    ):
        since = moment(visit.periods[0]["start_date_time"])
        pieces = divided(period, until=until, tariff=made, zone=AMSTERDAM, since=since, kwh=Decimal(0))

        assert _energy([each.period for each in pieces]) == _energy([period])
        assert pieces[-1].until == until
        assert [each.until for each in pieces[:-1]] == [moment(each.period["start_date_time"]) for each in pieces[1:]]


def _energy(periods: list[dict[str, Any]]) -> Decimal:
    found = [each["volume"] for period in periods for each in period["dimensions"] if each["type"] == "ENERGY"]
    return sum((Decimal(each) for each in found), Decimal(0))


@given(tariffs(limited=False), visits(), st.integers(1, 60))
def test_a_period_cut_in_two_at_any_minute_costs_the_same(made, visit, minute):
    """Time alone, so that there is nothing to interpolate."""
    visit.periods = [
        each | {"dimensions": [part for part in each["dimensions"] if part["type"] != "ENERGY"]}
        for each in visit.periods
    ]
    bill = visit.costs(made)
    last = visit.periods[-1]
    start = moment(last["start_date_time"])
    length = (visit.at - start).total_seconds() / 60
    if minute >= length:
        return
    [dimension] = last["dimensions"]
    visit.periods[-1:] = [
        _part(last, dimension["type"], start, minute),
        _part(last, dimension["type"], start + datetime.timedelta(minutes=minute), length - minute),
    ]

    assert visit.costs(made).total == bill.total


def _part(period, kind, start, minutes):
    hours = (Decimal(minutes) / 60).quantize(Decimal("0.0001"))
    return period | {"start_date_time": date_time(start), "dimensions": [{"type": kind, "volume": hours}]}


@given(prices, prices, prices, visits())
def test_the_parts_add_up_where_nothing_is_rounded_up(kwh, hour, parked, visit):
    made = tariff(element(energy(kwh, step_size=0), time(hour, step_size=0), parking(parked, step_size=0)))

    bill = visit.costs(made)

    exact = sum((line.cost for line in bill.lines), Decimal(0))
    assert abs(bill.total.before_taxes - exact) <= Decimal("0.005")
    assert abs(sum(part.before_taxes for part in bill.parts.values()) - exact) <= Decimal("0.0002")


@given(prices, prices, steps, visits(), st.integers(1, 120))
def test_who_stays_longer_never_pays_less(hour, parked, step, visit, more):
    made = tariff(element(time(hour, step_size=step), parking(parked, step_size=step)))
    before = visit.costs(made).total.before_taxes

    visit.part(more, "PARKING_TIME")

    assert visit.costs(made).total.before_taxes >= before - _steps_lost(made, step)


@given(prices, prices, steps, visits(), st.decimals("0", "50", places=4))
def test_who_takes_more_energy_in_the_same_time_never_pays_less(kwh, hour, step, visit, more):
    made = tariff(element(energy(kwh, step_size=step), time(hour), flat("0.5")))
    visit.charges(30, "5")
    before = visit.costs(made).total.before_taxes

    visit.periods[-1]["dimensions"][1]["volume"] += more

    assert visit.costs(made).total.before_taxes >= before


def _steps_lost(made, step):
    """Return what charging may lose: it is not rounded up any more once parking follows (mod_cdrs, step_size)."""
    return Decimal(step) / 3600 * made["elements"][0]["price_components"][0]["price"] + Decimal("0.01")


@given(st.sampled_from([("JPY", 0), ("EUR", 2), ("BHD", 3), ("CLF", 4)]), prices, vats, visits())
def test_a_total_is_in_whole_minor_units_and_its_taxes_too(currency, kwh, vat, visit):
    made = tariff(element(energy(kwh, vat=vat), flat(kwh, vat=9)), currency=currency[0])

    total = visit.costs(made).total

    for amount in (total.before_taxes, total.after_taxes, *(each.amount for each in total.taxes)):
        assert -int(amount.as_tuple().exponent) == currency[1]


@given(prices, vats, visits())
def test_a_price_with_taxes_in_it_is_kept_to_the_cent(kwh, vat, visit):
    made = tariff(element(energy(kwh, vat=vat)), tax_included="YES")
    bare = tariff(element(energy(kwh)), tax_included="N/A")

    assert visit.costs(made).total.after_taxes == visit.costs(bare).total.after_taxes


@given(tariffs(), visits())
def test_a_cdr_in_bytes_costs_what_its_periods_cost(made, visit):
    for period in visit.periods:
        period["tariff_id"] = made["id"]

    assert price_cdr(cdr([made], visit), AMSTERDAM).as_json() == visit.costs(made).as_json()
