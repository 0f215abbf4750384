"""Single rules of the arithmetic that no example of the specification shows."""

import zoneinfo
from decimal import Decimal

import pytest

from hub.ocpi.pricing import Outcome, Tax, Unpriceable, price, price_cdr
from tests.pricing.cases import AMSTERDAM, Visit, breakdown, cdr, element, energy, flat, money, parking, tariff, time

MONDAY = "2026-06-01"


def day_and_night(**night):
    return tariff(element(time("6.00"), **night), element(time("1.00")))


def test_a_night_wraps_around_midnight():
    """22:00 to 06:00 at 6.00 per hour: of 21:00 to 07:00 eight hours, 48.00, and two at 1.00."""
    bill = Visit(f"{MONDAY}T21:00").charges(600).costs(day_and_night(start_time="22:00", end_time="06:00"))

    assert money(bill)[0] == "50.00"


@pytest.mark.parametrize(
    ("day", "cost"),
    [
        ("2026-06-01", "4.00"),  # 00:00 to 04:00, all of it night
        ("2026-03-29", "3.00"),  # the clock is put forward at 02:00: only three hours pass
        ("2026-10-25", "5.00"),  # it is put back at 03:00: five hours pass
    ],
)
def test_hours_are_those_that_pass_when_the_clock_is_put(day, cost):
    made = tariff(element(time("1.00"), start_time="00:00", end_time="04:00"))

    bill = Visit(f"{day}T00:00").charges(12 * 60).costs(made)

    assert money(bill)[0] == cost


def test_an_hour_that_comes_twice_is_dear_twice():
    """On 25 October 02:00 to 03:00 comes twice; from 02:30 on it costs 6.00, each time: 2 x 3.00 + 4 x 0.50."""
    made = tariff(element(time("6.00"), start_time="02:30", end_time="03:00"), element(time("1.00")))

    bill = Visit("2026-10-25T02:00").charges(120).costs(made)

    assert money(bill)[0] == "7.00"


def test_a_time_that_does_not_come_begins_when_the_clock_has_passed_it():
    """On 29 March there is no 02:30: 02:00 is followed by 03:00, which is later than 02:30."""
    made = tariff(element(time("6.00"), start_time="02:30", end_time="04:00"), element(time("1.00")))

    bill = Visit("2026-03-29T01:00").charges(120).costs(made)

    assert money(bill)[0] == "7.00"


@pytest.mark.parametrize(("zone", "cost"), [("Europe/Amsterdam", "6.00"), ("Europe/Helsinki", "1.00")])
def test_the_time_of_day_is_that_of_the_location(zone, cost):
    made = day_and_night(start_time="21:00", end_time="22:00")
    visit = Visit(f"{MONDAY}T21:00").charges(60)

    bill = price([made], visit.periods, until=visit.at, zone=zoneinfo.ZoneInfo(zone), currency="EUR")

    assert money(bill)[0] == cost


def test_a_weekday_ends_at_midnight_even_in_the_middle_of_a_night():
    """Errata E-71: 1 June 2026 is a Monday."""
    made = day_and_night(start_time="22:00", end_time="06:00", day_of_week=["MONDAY"])

    bill = Visit(f"{MONDAY}T23:00").charges(120).costs(made)

    assert money(bill)[0] == "7.00"


def test_dates_count_from_the_first_day_up_to_the_last_excluded():
    made = day_and_night(start_date="2026-06-02", end_date="2026-06-03")

    assert money(Visit("2026-06-01T23:00").charges(120).costs(made))[0] == "7.00"
    assert money(Visit("2026-06-02T23:00").charges(120).costs(made))[0] == "7.00"
    assert money(Visit("2026-06-03T10:00").charges(60).costs(made))[0] == "1.00"


def test_until_midnight_is_the_end_of_the_day():
    made = day_and_night(start_time="20:00", end_time="00:00")

    assert money(Visit(f"{MONDAY}T23:00").charges(120).costs(made))[0] == "7.00"


@pytest.mark.parametrize(
    "whole_day", [{"start_time": "00:00"}, {"end_time": "00:00"}, {"start_time": "10:00", "end_time": "10:00"}]
)
def test_a_period_that_ends_when_it_begins_is_the_whole_day(whole_day):
    bill = Visit(f"{MONDAY}T09:00").charges(120).costs(day_and_night(**whole_day))

    assert money(bill)[0] == "12.00"


def test_kilowatt_hours_change_their_price_where_the_limit_lies():
    """20 kWh in one period: 10 at 0.50, 10 at 0.20; minima are inclusive, maxima exclusive."""
    made = tariff(element(energy("0.50"), max_kwh=10), element(energy("0.20"), min_kwh=10))

    bill = Visit(MONDAY).charges(60, "20").costs(made)

    assert breakdown(bill) == [("ENERGY", "10", "5"), ("ENERGY", "10", "2")]
    assert money(Visit(MONDAY).charges(30, "10").charges(30, "1").costs(made))[0] == "5.20"


def test_a_current_nobody_told_matches_no_limit_while_the_car_charges():
    made = tariff(
        element(time("9.00"), min_current=1), element(time("8.00"), max_current=99), element(time("1.00")),
        element(parking("2.00"), max_current=1),
    )  # fmt: skip

    assert money(Visit(MONDAY).charges(60, "5").parks(60).costs(made))[0] == "3.00"
    assert money(Visit(MONDAY).charges(60, "5", CURRENT=16).costs(made))[0] == "9.00"


def test_a_period_whose_current_crosses_a_limit_matches_neither_side():
    """Errata E-69: the CPO should have started another period."""
    made = tariff(element(energy("9"), min_current=32), element(energy("8"), max_current=32), element(energy("1")))

    assert money(Visit(MONDAY).charges(60, "1", MIN_CURRENT=10, MAX_CURRENT=40).costs(made))[0] == "1.00"


def test_25_minutes_in_four_decimals_begin_no_further_step():
    """Errata E-68: 0.4167 h are 1500.12 s."""
    quarter = tariff(element(time("1.20", step_size=300), parking("1.20", step_size=300)))
    visit = Visit(MONDAY).charges(25)

    assert breakdown(visit.costs(quarter)) == [("TIME", "25", "0.5")]
    # The same where the clock cannot help: one period with both kinds of time.
    visit.periods[0]["dimensions"].append({"type": "PARKING_TIME", "volume": Decimal("0.4167")})
    visit.at = visit.at + (visit.at - visit.at)
    assert breakdown(visit.costs(quarter))[-1] == ("PARKING_TIME", "25", "0.5")


def test_charging_after_parking_does_not_undo_that_parking_is_rounded():
    """Errata E-60."""
    made = tariff(element(time("1.00", step_size=600), parking("2.00", step_size=600)))

    bill = Visit(MONDAY).charges(21).parks(16).charges(5).costs(made)

    assert sorted(breakdown(bill)) == [("PARKING_TIME", "20", "0.667"), ("TIME", "26", "0.433")]


def test_the_step_of_the_last_tariff_counts_when_a_driver_changes_to_another():
    """mod_cdrs, step_size: it is not taken into account when switching between two Tariffs."""
    cheap = tariff(element(energy("0.10", step_size=1000)), id="CHEAP")
    fast = tariff(element(energy("1.00", step_size=500)), id="FAST")
    visit = Visit(MONDAY, tariff_id="CHEAP").charges(30, "4.3")
    visit.tariff_id = "FAST"

    bill = visit.charges(30, "1.1").costs(cheap, fast)

    assert [(line.tariff_id, str(line.quantity)) for line in bill.lines] == [("CHEAP", "4.3"), ("FAST", "1.2")]


def test_a_flat_fee_may_become_active_later_and_is_owed_once():
    """Errata E-62."""
    late = tariff(element(flat("5.00"), min_duration=3600), element(energy("0")))

    assert money(Visit(MONDAY).charges(59).costs(late))[0] == "0.00"
    assert money(Visit(MONDAY).charges(90).charges(90).costs(late))[0] == "5.00"


def test_a_flat_fee_of_parking_is_parkings():
    """Errata E-63."""
    made = tariff(element(energy("1.00")), element(parking("0"), flat("2.00")))

    bill = Visit(MONDAY).charges(60, "1").parks(10).costs(made)

    assert {part: str(price_.before_taxes) for part, price_ in bill.parts.items()} == {
        "energy": "1.0000", "parking": "2.0000",
    }  # fmt: skip


BOOKED = tariff(
    element(flat("1.00"), time("2.00"), booking="BOOKING"),
    element(flat("9.00"), booking="BOOKING_EXPIRES"),
    element(flat("5.00"), booking="BOOKING_CANCELLATION_FEES"),
    element(time("12.00"), booking="BOOKING_OVERTIME"),
    element(energy("0.50")),
)


def test_a_booking_has_its_own_prices():
    """A fee of 1.00 and 30 min at 2.00, 10 kWh at 0.50, and 15 min too long at 12.00."""
    visit = Visit(MONDAY).waits(30).charges(60, "10")
    visit.part(15, "TIME", "0", RESERVATION_OVERTIME="0.25")

    assert money(visit.costs(BOOKED))[0] == "10.00"


def test_a_booking_that_was_not_used_or_canceled_costs_what_its_elements_say():
    expired = Visit(MONDAY).part(30, "RESERVATION_EXPIRES").costs(BOOKED)
    canceled = Visit(MONDAY).waits(30).costs(BOOKED, outcome=Outcome.CANCELED)

    assert money(expired)[0] == "10.00"
    assert money(canceled)[0] == "5.00"


def test_an_expired_reservation_owes_no_least_price():
    """Errata E-70: it is no Charging Session."""
    least = {"before_taxes": 3}
    made = tariff(element(time("1.00"), reservation="RESERVATION"), element(energy("0.10")), min_price=least)

    assert money(Visit(MONDAY).waits(60).costs(made))[0] == "1.00"
    assert money(Visit(MONDAY).waits(60).charges(5, "1").costs(made))[0] == "3.00"


def test_limits_before_and_after_taxes_each_hold():
    made = tariff(element(energy("1.00", vat=20)), max_price={"before_taxes": 10, "after_taxes": 11})

    assert money(Visit(MONDAY).charges(60, "9.5").costs(made)) == ("9.50", "11.00")
    assert money(Visit(MONDAY).charges(60, "20").costs(made)) == ("10.00", "11.00")


def test_taxes_shrink_with_a_price_that_is_limited():
    made = tariff(element(energy("1.00", vat=20)), max_price={"before_taxes": 10})

    assert money(Visit(MONDAY).charges(60, "20").costs(made)) == ("10.00", "12.00")


def test_a_limit_of_a_price_with_unknown_taxes_in_it_is_the_one_with_taxes():
    made = tariff(
        element(energy("1.00")), tax_included="YES", max_price={"before_taxes": 9, "after_taxes": 10}
    )  # fmt: skip

    assert money(Visit(MONDAY).charges(60, "20").costs(made))[1] == "10.00"


def test_a_least_price_that_names_no_taxes_has_those_of_its_components():
    made = tariff(element(energy("1.00", vat=20)), min_price={"before_taxes": 1})

    assert money(Visit(MONDAY).charges(60).costs(made)) == ("1.00", "1.20")


def test_no_vat_is_not_the_same_as_none_of_it():
    """mod_tariffs (2.2.1): not providing a VAT is different from 0 %."""
    unknown = Visit(MONDAY).charges(60, "1").costs(tariff(element(energy("1.00"))))
    zero = Visit(MONDAY).charges(60, "1").costs(tariff(element(energy("1.00", vat=0))))

    assert unknown.total.as_json() == {"before_taxes": Decimal("1.00")}
    assert zero.total.as_json()["taxes"] == [{"name": "VAT", "percentage": 0, "amount": Decimal("0.00")}]


def test_where_no_taxes_apply_none_are_told():
    made = tariff(element(energy("1.00", vat=20)), tax_included="N/A")

    assert money(Visit(MONDAY).charges(60, "1").costs(made, taxes=(Tax("GST", Decimal(5)),))) == ("1.00", "1.00")


@pytest.mark.parametrize(("currency", "total"), [("JPY", "13"), ("EUR", "12.50"), ("BHD", "12.500")])
def test_a_total_has_the_minor_unit_of_its_currency(currency, total):
    bill = Visit(MONDAY).charges(60, "1").costs(tariff(element(energy("12.5001")), currency=currency))

    assert money(bill)[0] == total


def test_energy_that_flows_back_is_paid_back():
    assert money(Visit(MONDAY).charges(60, "-2.5").costs(tariff(element(energy("0.40")))))[0] == "-1.00"


def test_a_period_without_a_tariff_costs_nothing():
    visit = Visit(MONDAY).charges(60, "10").charges(60, "10")
    del visit.periods[0]["tariff_id"]
    made = tariff(element(energy("1.00")))

    bill = price([made], visit.periods, until=visit.at, zone=AMSTERDAM, currency="EUR")

    assert money(bill)[0] == "10.00"


def test_a_bill_says_why():
    made = tariff(element(energy("0.50"), start_time="17:00"), element(energy("0.25", step_size=500)))

    bill = Visit(f"{MONDAY}T16:00").charges(120, "4.2").costs(made)

    assert [line.rule for line in bill.lines] == [
        "2.1 kWh ENERGY of the charging session at 0.25/kWh; elements[1].price_components[0] of Tariff T1",
        "2.1 kWh ENERGY of the charging session at 0.50/kWh; elements[0].price_components[0] of Tariff T1; "
        "first whose restrictions match: start_time 17:00",
    ]
    assert bill.as_json()["lines"][0]["charging_periods"] == [0]


def test_a_step_is_explained():
    bill = Visit(MONDAY).charges(60, "4.2").costs(tariff(element(energy("0.25", step_size=500))))

    assert bill.lines[0].rule.endswith("; 4.2 kWh in steps of 500 Wh")


def test_a_limit_is_told_with_what_it_changed():
    made = tariff(element(energy("1.00")), max_price={"before_taxes": 5})

    assert Visit(MONDAY).charges(60, "9").costs(made).as_json()["limits"] == [
        {"tariff_id": "T1", "rule": "max_price", "from": {"before_taxes": 9}, "to": {"before_taxes": 5}}
    ]


def test_absence_said_as_an_empty_list_is_absence():
    """transport_and_format: null, [] and nothing at all are the same."""
    made = tariff(element(energy("1.00", vat=[]), start_time=[], day_of_week=[], min_kwh=[]), max_price=None)

    assert money(Visit(MONDAY).charges(60, "2").costs(made))[0] == "2.00"


def test_what_a_price_depends_on_must_be_there():
    visit = Visit(MONDAY, tariff_id="NONE").charges(60, "1")
    made = tariff(element(energy("1.00")))

    with pytest.raises(Unpriceable, match=r"charging_periods\[0\].tariff_id: NONE is not among the tariffs"):
        price([made], visit.periods, until=visit.at, zone=AMSTERDAM, currency="EUR")
    with pytest.raises(Unpriceable, match="currency: USD, but Tariff T1 has EUR"):
        price([made], [], until=visit.at, zone=AMSTERDAM, currency="USD")
    with pytest.raises(Unpriceable, match=r"^tariffs\[0\].elements: Expected `array`"):
        price([made | {"elements": 1}], [], until=visit.at, zone=AMSTERDAM, currency="EUR")
    with pytest.raises(Unpriceable, match=r"^charging_periods\[0\]: .*`dimensions`"):
        price([made], [{"start_date_time": "2026-01-01T00:00:00Z"}], until=visit.at, zone=AMSTERDAM, currency="EUR")
    with pytest.raises(Unpriceable):
        price_cdr(b"{", AMSTERDAM)


@pytest.mark.parametrize(
    "made",
    [
        tariff(element(energy("1.00"), min_duration=10**12), element(energy("1.00"))),
        tariff(element(energy("1E+300"))),
        tariff(element(time("1.00", step_size=10**30))),
    ],
    ids=["a moment", "an amount", "a step"],
)
def test_what_cannot_be_computed_with_cannot_be_priced(made):
    """No number of a Tariff has bounds; who reads one of a stranger hears that it has no price, and goes on."""
    with pytest.raises(Unpriceable, match="beyond what can be computed with"):
        Visit(MONDAY).charges(60, "2").costs(made)


def test_a_period_of_years_is_refused_and_not_cut_into_thousands():
    made = tariff(element(time("1.00"), start_time="10:00"))
    visit = Visit("1970-01-01").charges(60)

    with pytest.raises(Unpriceable, match="longer than a year"):
        price([made], [visit.periods[0] | {"tariff_id": "T1"}], until=Visit(MONDAY).at, zone=AMSTERDAM, currency="EUR")


def test_a_tariff_of_which_nothing_is_used_costs_nothing():
    made = tariff(element(energy("1.00")))

    assert price_cdr(cdr([made], Visit(MONDAY).parks(10)), AMSTERDAM).total.before_taxes == 0


def test_a_moment_without_designator_is_utc():
    """types.asciidoc, DateTime."""
    visit = Visit(f"{MONDAY}T16:00").charges(60, "2").charges(60, "2")
    made = tariff(element(energy("1.00"), start_time="17:00"), element(energy("0.10")))
    for period in visit.periods:
        period |= {"start_date_time": period["start_date_time"].removesuffix("Z"), "tariff_id": "T1"}

    bill = price([made], visit.periods, until=visit.at.replace(tzinfo=None), zone=AMSTERDAM, currency="EUR")

    assert money(bill)[0] == "2.20"
