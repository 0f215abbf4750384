"""What a session costs, and what its Session and CDR say."""

import datetime
from decimal import Decimal

import pytest

from hub.cpms import sessions
from hub.cpms.ports import Authorization, Outlet, SessionEnded, SessionStarted
from hub.ocpi.times import date_time
from tests.rooms import CPO, location, tariff, token

START = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
OUTLET = Outlet(location_id="LOC1", evse_uid="EVSE1", connector_id="1", power=50)


def after(minutes: float) -> datetime.datetime:
    return START + datetime.timedelta(minutes=minutes)


def started(**changes):
    authorization = Authorization(token=token(), method="COMMAND", reference="REF")
    event = SessionStarted(session_id="S1", outlet=OUTLET, authorization=authorization, at=START)
    return sessions.session(CPO, event, "EUR") | changes


def ended(tariffs, *, kwh=20.0, minutes=60.0, charged=None):
    event = SessionEnded(session_id="S1", kwh=kwh, at=after(minutes), charged_until=after(charged) if charged else None)
    return sessions.completed(started(), event, tariffs)


def price(*components, **changes):
    parts = [{"step_size": 1} | dict(each) for each in components]
    return tariff(elements=[{"price_components": parts}], **changes)


def cost_of(tariff_, **changes):
    value = ended([tariff_], **changes)
    return sessions.cdr(value, sessions.sealed(location(), OUTLET, [tariff_]))


def test_a_session_repeats_the_reference_of_its_authorization():
    value = started()

    assert value["authorization_reference"] == "REF"
    assert value["auth_method"] == "COMMAND"
    assert value["cdr_token"] == {
        "country_code": "DE", "party_id": "EMP", "uid": "CARD-1", "type": "RFID", "contract_id": "DE-EMP-C1",
    }  # fmt: skip


def test_each_reading_adds_one_charging_period_with_what_it_brought():
    one = sessions.advanced(started(), 5.0, after(10), [tariff()])
    two = sessions.advanced(one, 7.5, after(20), [tariff()])

    assert [period["start_date_time"] for period in two["charging_periods"]] == [date_time(START), date_time(after(10))]
    assert sessions.volume(two["charging_periods"], "ENERGY") == Decimal("7.5")
    assert two["last_updated"] == date_time(after(20))
    assert two["total_cost"]["before_taxes"] == Decimal("3.50")


def test_energy_is_billed_in_whole_steps():
    cdr = cost_of(price({"type": "ENERGY", "price": 0.5, "step_size": 500}), kwh=5.4)

    assert cdr["total_energy"] == Decimal("5.4")
    assert cdr["total_cost"] == {"before_taxes": Decimal("2.75")}


def test_time_is_billed_by_the_hour():
    cdr = cost_of(price({"type": "TIME", "price": 2, "step_size": 300}), minutes=21)

    assert cdr["total_time"] == Decimal("0.35")
    assert cdr["total_time_cost"]["before_taxes"] == Decimal("0.8333")


def test_parking_after_charging_has_its_own_time_and_cost():
    cdr = cost_of(price({"type": "PARKING_TIME", "price": 6}), minutes=90, charged=60)

    assert cdr["total_parking_time"] == Decimal("0.5")
    assert cdr["total_parking_cost"]["before_taxes"] == Decimal("3.0000")
    assert sessions.volume(cdr["charging_periods"], "TIME") == Decimal("1")


def test_taxes_are_added_to_a_price_without_them():
    cdr = cost_of(price({"type": "ENERGY", "price": 0.4, "vat": 20}))

    assert cdr["total_cost"] == {
        "before_taxes": Decimal("8.00"),
        "taxes": [{"name": "VAT", "percentage": 20, "amount": Decimal("1.60")}],
    }


def test_taxes_are_taken_out_of_a_price_that_includes_them():
    cdr = cost_of(price({"type": "ENERGY", "price": 0.48, "vat": 20}, tax_included="YES"))

    assert cdr["total_cost"]["before_taxes"] == Decimal("8.00")
    assert cdr["total_cost"]["taxes"][0]["amount"] == Decimal("1.60")


def test_no_tax_where_none_applies():
    cdr = cost_of(price({"type": "ENERGY", "price": 0.4, "vat": 20}, tax_included="N/A"))

    assert cdr["total_cost"] == {"before_taxes": Decimal("8.00")}


def test_the_first_element_that_prices_a_dimension_counts():
    component = {"type": "FLAT", "price": 1, "step_size": 1}
    elements = [
        {"price_components": [component | {"price": 9}], "restrictions": {"day_of_week": ["MONDAY"]}},
        {"price_components": [component | {"price": 2}]},
        {"price_components": [component | {"price": 5}]},
    ]

    assert cost_of(tariff(elements=elements))["total_cost"]["before_taxes"] == Decimal("2.00")


def test_without_a_tariff_a_session_costs_nothing():
    value = ended([])
    cdr = sessions.cdr(value, sessions.sealed(location(), OUTLET, []))

    assert cdr["total_cost"] == {"before_taxes": 0}
    assert cdr["tariffs"] == []
    assert "total_cost" not in value


def test_a_cdr_keeps_the_place_as_it_was_at_the_start():
    seal = sessions.sealed(location(), OUTLET, [tariff()])

    assert seal["cdr_location"]["name"] == "Harbour"
    assert seal["cdr_location"]["connector_standard"] == "IEC_62196_T2_COMBO"
    assert seal["cdr_location"]["evse_id"] == "NL*CPO*EEVSE1"


@pytest.mark.parametrize("dimension", ["CURRENT", "POWER", "STATE_OF_CHARGE", "ENERGY_IMPORT", "ENERGY_EXPORT"])
def test_a_cdr_has_no_session_only_dimension(dimension):
    """Checklist CD-13."""
    cdr = cost_of(tariff())

    assert sessions.volume(cdr["charging_periods"], dimension) == 0
    assert sessions.volume(cdr["charging_periods"], "ENERGY") == 20
