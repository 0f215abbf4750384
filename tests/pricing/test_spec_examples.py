"""Every Tariff of the specification, priced; the totals are computed by hand, here in the text.

The files are read where they lie, as in ``tests/test_spec_examples.py``; 2.2.1's come raised by its version steps.
"""

from decimal import Decimal

import pytest

from hub.ocpi.pricing import Outcome, Tax
from tests.pricing.cases import EXAMPLES, Visit, breakdown, element, energy, example, flat, money, parking, tariff, time

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason=f"the specification's examples are not at {EXAMPLES}")

MONDAY, SATURDAY = "2026-06-01", "2026-06-06"


@pytest.fixture(params=["2.2.1", "2.3.0"])
def spec(request):
    """Return a Tariff of the specification, in each version that has it."""
    return lambda name: example(name, request.param)


def test_a_quarter_per_kwh(spec):
    """20 kWh x 0.25 = 5.00; 10 %: 5.50."""
    bill = Visit(MONDAY).charges(60, "20").costs(spec("tariff_8_simple_025kwh"))

    assert money(bill) == ("5.00", "5.50")


def test_a_start_fee_comes_on_top(spec):
    """0.50 + 20 x 0.25 = 5.50; 0.50 x 1.2 + 5.00 x 1.1 = 6.10."""
    bill = Visit(MONDAY).charges(60, "20").costs(spec("tariff_9_025kwh_start"))

    assert money(bill) == ("5.50", "6.10")
    assert breakdown(bill) == [("FLAT", "1", "0.5"), ("ENERGY", "20", "5")]


def test_a_minimum_price_is_billed_when_less_than_two_kwh_are_charged(spec):
    """20 kWh: 5.00 and 5.50; 1.9 kWh would be 0.475 and 0.5225, the least is 0.50 and 0.55."""
    much = Visit(MONDAY).charges(60, "20").costs(spec("tariff_12_025kwh_min_price"))
    little = Visit(MONDAY).charges(60, "1.9").costs(spec("tariff_12_025kwh_min_price"))
    nothing = Visit(MONDAY).charges(60).costs(spec("tariff_12_025kwh_min_price"))

    assert money(much) == ("5.00", "5.50")
    assert money(little) == money(nothing) == ("0.50", "0.55")
    assert [each.rule for each in little.limited] == ["min_price"]
    assert not much.limited


def test_parking_is_billed_by_quarters_of_an_hour(spec):
    """0.50 + 5.00 + 45 min of 2.00/h = 1.50: 7.00; 0.60 + 5.50 + 1.80 = 7.90."""
    bill = Visit(MONDAY).charges(60, "20").parks(40).costs(spec("tariff_10_025kwh_parking_start"))

    assert money(bill) == ("7.00", "7.90")
    assert breakdown(bill)[-1] == ("PARKING_TIME", "45", "1.5")


def test_a_maximum_price_holds_before_and_after_taxes(spec):
    """50 kWh: 13.00 and 14.35, at most 10 and 11; 30 kWh: 0.50 + 7.50 = 8.00, 0.60 + 8.25 = 8.85."""
    much = Visit(MONDAY).charges(60, "50").costs(spec("tariff_6_025kwh_start_max_price"))
    less = Visit(MONDAY).charges(60, "30").costs(spec("tariff_6_025kwh_start_max_price"))

    assert money(much) == ("10.00", "11.00")
    assert money(less) == ("8.00", "8.85")
    assert [(each.rule, str(each.before.after_taxes)) for each in much.limited] == [("max_price", "14.35")]


def test_two_euro_per_hour_of_charging_and_nothing_for_parking(spec):
    """2.5 h x 2.00 = 5.00; 10 %: 5.50; the time after is not billed."""
    bill = Visit(MONDAY).charges(150, "20").parks(30).costs(spec("tariff_1_simple_2hour"))

    assert money(bill) == ("5.00", "5.50")


def test_the_tariff_that_is_put_in_the_push_example(spec):
    """2 per hour in steps of 5 minutes, 10 %: 61 minutes are 65: 2.1667, with tax 2.3833."""
    bill = Visit(MONDAY).charges(61, "20").costs(spec("tariff_put_example"))

    assert money(bill) == ("2.17", "2.38")


def test_north_american_taxes_are_not_known_beforehand():
    """2.5 h x 2.00 = 5.00, plus what the place asks: GST 5 % = 0.25, QST 9.975 % = 0.49875."""
    exclusive = example("tariff_19_simple_north_american_exclusive")
    place = (Tax("GST", Decimal(5), "123 RT"), Tax("QST", Decimal("9.975"), "456 TQ"))

    bare = Visit(MONDAY).charges(150).costs(exclusive)
    bill = Visit(MONDAY).charges(150).costs(exclusive, taxes=place)

    assert bare.total.as_json() == {"before_taxes": Decimal("5.00")}
    assert bill.total.as_json() == {
        "before_taxes": Decimal("5.00"),
        "taxes": [
            {"name": "GST", "account_number": "123 RT", "percentage": 5, "amount": Decimal("0.25")},
            {"name": "QST", "account_number": "456 TQ", "percentage": Decimal("9.975"), "amount": Decimal("0.50")},
        ],
    }


def test_a_price_may_have_the_taxes_in_it():
    """2.5 h x 2.10 = 5.25 in all; with 5 % in it: 5.00 and 0.25."""
    inclusive = example("tariff_20_simple_north_american_inclusive")

    bare = Visit(MONDAY).charges(150).costs(inclusive)
    known = Visit(MONDAY).charges(150).costs(inclusive, taxes=(Tax("GST", Decimal(5)),))

    assert money(bare) == ("5.25", "5.25")
    assert money(known) == ("5.00", "5.25")


def test_charging_by_the_hour_and_dearer_parking(spec):
    """150 min x 3.00 = 7.50, 45 min x 5.00 = 3.75: 11.25; 8.25 + 4.50 = 12.75."""
    bill = Visit(MONDAY).charges(150).parks(42).costs(spec("tariff_13_simple_3hour_5parking"))

    assert money(bill) == ("11.25", "12.75")
    assert breakdown(bill) == [("TIME", "150", "7.5"), ("PARKING_TIME", "45", "3.75")]


def test_ad_hoc_with_an_odd_tax(spec):
    """2.5 h x 1.90 = 4.75; 5.2 %: 4.997."""
    bill = Visit(MONDAY).charges(150).costs(spec("tariff_2_alt_text"))

    assert money(bill) == ("4.75", "5.00")


def test_the_tariff_that_ocpi_cannot_say_is_billed_as_it_says(spec):
    """0.40 + 2.5 x 1.90 = 5.15; 0.50 + 4.997 = 5.497."""
    bill = Visit(MONDAY).charges(150).costs(spec("tariff_11_not_possible_alt_text"))

    assert money(bill) == ("5.15", "5.50")


def test_energy_is_billed_by_tenths_of_a_kwh(spec):
    """20.45 kWh are 20.5: 5.125 + 0.50 = 5.625; 5.6375 + 0.60 = 6.2375. The table of 2.3.0 forgets the step (E-65)."""
    bill = Visit(MONDAY).charges(60, "20.45").costs(spec("tariff_3_alt_url"))

    assert money(bill) == ("5.63", "6.24")
    assert breakdown(bill) == [("FLAT", "1", "0.5"), ("ENERGY", "20.5", "5.125")]


def test_the_complex_tariff_on_a_monday(spec):
    """2.50 + 165 min x 1.00 = 2.75 + 45 min x 5.00 = 3.75: 9.00; 2.875 + 3.30 + 4.125 = 10.30."""
    bill = (
        Visit(f"{MONDAY}T09:30").charges(165, "10", MAX_CURRENT=16, MIN_CURRENT=10).parks(42)
    ).costs(spec("tariff_4_complex"))  # fmt: skip

    assert money(bill) == ("9.00", "10.30")
    assert breakdown(bill) == [("FLAT", "1", "2.5"), ("TIME", "165", "2.75"), ("PARKING_TIME", "45", "3.75")]


def test_the_complex_tariff_on_a_saturday(spec):
    """2.50 + 114 min x 1.25 = 2.375 + 75 min x 6.00 = 7.50: 12.375; 2.875 + 2.85 + 8.25 = 13.975 (E-66).

    The text has 2.28 for 114 minutes, which is 1.20 per hour; the Tariff says 1.25.
    """
    bill = (
        Visit(f"{SATURDAY}T13:30").charges(114, "50", MIN_CURRENT=43, MAX_CURRENT=48).parks(71)
    ).costs(spec("tariff_4_complex"))  # fmt: skip

    assert money(bill) == ("12.38", "13.98")
    assert breakdown(bill) == [("FLAT", "1", "2.5"), ("TIME", "114", "2.375"), ("PARKING_TIME", "75", "7.5")]


def test_the_complex_tariff_of_a_weekday_above_32_a(spec):
    """2.50 + 61 min, which are 70 in steps of ten, x 2.00 = 2.3333: 4.8333; 2.875 + 2.80 = 5.675."""
    bill = Visit(f"{MONDAY}T09:30").charges(61, "50", MIN_CURRENT=32).costs(spec("tariff_4_complex"))

    assert money(bill) == ("4.83", "5.68")


def test_the_complex_tariff_cut_where_parking_becomes_free(spec):
    """On Saturday parking costs 6.00 until 17:00: of 16:30 to 17:30 half an hour, 3.00."""
    bill = Visit(f"{SATURDAY}T16:00").charges(30, "5", MAX_CURRENT=16).parks(60).costs(spec("tariff_4_complex"))

    assert breakdown(bill)[-1] == ("PARKING_TIME", "30", "3")


def test_free_of_charge(spec):
    bill = Visit(MONDAY).charges(150, "20").parks(30).costs(spec("tariff_5_free_of_charge"))

    assert bill.total.before_taxes == 0
    assert not bill.total.taxes


def test_a_reservation_by_the_hour(spec):
    """15 min x 5.00 = 1.25 + 0.50 + 5.00 = 6.75; 1.50 + 0.60 + 5.50 = 7.60."""
    bill = Visit(MONDAY).waits(15).charges(60, "20").costs(spec("tariff_15_reservation_5_euro_per_hour"))

    assert money(bill) == ("6.75", "7.60")
    assert str(bill.parts["reservation"].before_taxes) == "1.2500"


def test_a_reservation_with_a_fee(spec):
    """2.00 + 15 min x 5.00 = 1.25, + 0.50 + 5.00 = 8.75; 2.40 + 1.50 + 0.60 + 5.50 = 10.00."""
    bill = Visit(MONDAY).waits(13).charges(60, "20").costs(spec("tariff_16_reservation_2_euro_fee_5_euro_per_hour"))

    assert money(bill) == ("8.75", "10.00")
    assert str(bill.parts["reservation"].before_taxes) == "3.2500"
    assert str(bill.parts["fixed"].before_taxes) == "0.5000"


def test_a_reservation_that_is_used_does_not_cost_the_expiry_fee(spec):
    """22 min are 30: 1.00, + 0.50 + 5.00 = 6.50; 1.20 + 0.60 + 5.50 = 7.30."""
    bill = Visit(MONDAY).waits(22).charges(60, "20").costs(spec("tariff_17_reservation_with_expire_fee"))

    assert money(bill) == ("6.50", "7.30")


def test_a_reservation_that_expires_costs_the_fee_and_its_time(spec):
    """4.00 + 60 min x 2.00 = 6.00; 20 %: 7.20."""
    bill = Visit(MONDAY).waits(60).costs(spec("tariff_17_reservation_with_expire_fee"))

    assert money(bill) == ("6.00", "7.20")
    assert money(bill) == money(
        Visit(MONDAY).waits(60).costs(spec("tariff_17_reservation_with_expire_fee"), outcome=Outcome.EXPIRED)
    )


def test_the_time_of_a_used_reservation_is_the_cheaper_one(spec):
    """22 min are 30: 1.50, + 0.50 + 5.00 = 7.00; 1.80 + 0.60 + 5.50 = 7.90."""
    bill = Visit(MONDAY).waits(22).charges(60, "20").costs(spec("tariff_18_reservation_with_expire_time"))

    assert money(bill) == ("7.00", "7.90")


def test_the_time_of_an_expired_reservation_is_that_of_its_own_element(spec):
    """90 min x 6.00 = 9.00; 20 %: 10.80."""
    bill = Visit(MONDAY).waits(90).costs(spec("tariff_18_reservation_with_expire_time"))

    assert money(bill) == ("9.00", "10.80")


def test_power_decides_what_a_kwh_costs(spec):
    """1 kWh x 0.20 + 40 x 0.50 + 0.5 x 0.20 = 20.30."""
    bill = (
        Visit(MONDAY)
        .charges(10, "1", MIN_POWER=6, MAX_POWER=6)
        .charges(50, "40", MIN_POWER=48, MAX_POWER=48)
        .charges(8, "0.5", MIN_POWER=4, MAX_POWER=4)
    ).costs(spec("tariffrestriction_example_max_power"))

    assert money(bill)[0] == "20.30"
    assert breakdown(bill) == [("ENERGY", "40", "20"), ("ENERGY", "1.5", "0.3")]


def test_power_that_is_not_told_is_energy_over_time(spec):
    """1 kWh in 10 min is 6 kW, 40 kWh in 50 min is 48 kW, 0.5 kWh in 8 min is 3.75 kW."""
    bill = (
        Visit(MONDAY).charges(10, "1").charges(50, "40").charges(8, "0.5")
    ).costs(spec("tariffrestriction_example_max_power"))  # fmt: skip

    assert money(bill)[0] == "20.30"


def test_the_first_half_hour_is_free(spec):
    """5 kWh in 30 min free, 1.2 kWh x 0.25 = 0.30."""
    told = Visit(MONDAY).charges(30, "5").charges(10, "1.2").costs(spec("tariffrestriction_example_max_duration"))
    dear = Visit(MONDAY).charges(90, "9").costs(spec("tariffrestriction_example_max_duration"))

    assert money(told)[0] == "0.30"
    # Not told in periods, the energy is spread evenly: 3 kWh free, 3 x 0.25, 3 x 0.40.
    assert money(dear)[0] == "1.95"


# -- step_size -------------------------------------------------------------------------------------


def test_switching_to_another_element_and_then_to_parking(spec):
    """5 min x 1.20 = 0.10, 5 min x 2.40 = 0.20, 15 min x 1.00 = 0.25: 0.55."""
    bill = Visit(f"{MONDAY}T16:55").charges(10).parks(2).costs(spec("tariff_14_step_size"))

    assert money(bill)[0] == "0.55"
    assert breakdown(bill) == [("TIME", "5", "0.1"), ("TIME", "5", "0.2"), ("PARKING_TIME", "15", "0.25")]


def test_switching_to_another_element_without_parking(spec):
    """35 min are 45 by the later element: 25 min x 1.20 = 0.50, 20 min x 2.40 = 0.80: 1.30."""
    bill = Visit(f"{MONDAY}T16:35").charges(35).costs(spec("tariff_14_step_size"))

    assert money(bill)[0] == "1.30"
    assert breakdown(bill) == [("TIME", "25", "0.5"), ("TIME", "20", "0.8")]


def test_switching_to_free_parking(spec):
    """12 min x 2.40 = 0.48; of 20 min parking the 8 before 20:00 are billed, as 15: 0.25; 0.73."""
    bill = Visit(f"{MONDAY}T19:40").charges(12).parks(20).costs(spec("tariff_14_step_size"))

    assert money(bill)[0] == "0.73"
    assert breakdown(bill) == [("TIME", "12", "0.48"), ("PARKING_TIME", "15", "0.25")]


def test_charging_is_not_rounded_when_parking_follows():
    """21 min charging stay 21, 7 min parking are 10."""
    visit = Visit(MONDAY).charges(21).parks(7)

    bill = visit.costs(tariff(element(time("1.00", step_size=300), parking("1.00", step_size=300))))

    assert breakdown(bill) == [("TIME", "21", "0.35"), ("PARKING_TIME", "10", "0.167")]


def test_the_step_is_taken_of_the_whole_energy_by_the_last_component():
    """4.3 kWh before 17:00 and 1.1 after are 5.4, billed as 5.5: 4.3 x 0.20 + 1.2 x 0.27 = 1.184."""
    two = tariff(element(energy("0.20", step_size=500), end_time="17:00"), element(energy("0.27", step_size=500)))

    bill = Visit(f"{MONDAY}T16:00").charges(60, "4.3").charges(60, "1.1").costs(two)

    assert breakdown(bill) == [("ENERGY", "4.3", "0.86"), ("ENERGY", "1.2", "0.324")]
    assert money(bill)[0] == "1.18"


def test_the_step_is_taken_of_the_whole_time_by_the_last_component():
    """6 min before 17:00 and 22 after are 28, billed as 30: 6 min x 5.00 = 0.50, 24 min x 7.00 = 2.80."""
    two = tariff(element(time("5.00", step_size=600), end_time="17:00"), element(time("7.00", step_size=600)))

    bill = Visit(f"{MONDAY}T16:54").charges(28).costs(two)

    assert breakdown(bill) == [("TIME", "6", "0.5"), ("TIME", "24", "2.8")]


def test_only_parking_is_rounded_where_both_are_priced():
    """21 min x 1.00 = 0.35, 16 min are 20 x 2.00 = 0.6667."""
    both = tariff(element(time("1.00", step_size=600), parking("2.00", step_size=600)))

    bill = Visit(MONDAY).charges(21).parks(16).costs(both)

    assert breakdown(bill) == [("TIME", "21", "0.35"), ("PARKING_TIME", "20", "0.667")]


@pytest.mark.parametrize(("step", "cost"), [(1, "0.029"), (25, "0.031"), (500, "0.125")])
def test_the_steps_of_the_price_component_note(step, cost):
    """115.2 Wh are 116, 125 and 500 Wh at 0.25 per kWh: 0.029, 0.03125, 0.125."""
    bill = Visit(MONDAY).charges(1, "0.1152").costs(tariff(element(energy("0.25", step_size=step))))

    assert breakdown(bill)[0][2] == cost


def test_the_cdr_of_the_specification():
    """1.973 h in steps of 5 min are 2 h at 2.00: 4.00; 10 %: 4.40 (cdr_example)."""
    bill = Visit(MONDAY).charges(118.38).costs(tariff(element(time("2.00", vat=10, step_size=300))))

    assert money(bill) == ("4.00", "4.40")


def test_a_flat_fee_is_once_in_a_session():
    bill = Visit(MONDAY).charges(10, "1").parks(5).charges(10, "1").costs(tariff(element(flat("1.00"))))

    assert money(bill)[0] == "1.00"
