"""What a session costs, and what its Session and CDR say."""

import datetime
from decimal import Decimal

import pytest

from hub.cpms import cdrs, metering, sessions
from hub.cpms.ports import Authorization, Outlet, SessionEnded, SessionStarted, SessionUpdated
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


def seal(*tariffs):
    return sessions.sealed(location(), OUTLET, tariffs, at=START)


def ended(tariffs, *, kwh=20.0, minutes=60.0, charged=None, **more):
    until = after(charged) if charged else None
    event = SessionEnded(session_id="S1", kwh=kwh, at=after(minutes), charged_until=until, **more)
    return sessions.completed(started(), event, seal(*tariffs))


def price(*components, **changes):
    parts = [{"step_size": 1} | dict(each) for each in components]
    return tariff(elements=[{"price_components": parts}], **changes)


def cost_of(tariff_, **changes):
    return cdrs.cdr(ended([tariff_], **changes), seal(tariff_))


def test_a_session_repeats_the_reference_of_its_authorization():
    value = started()

    assert value["authorization_reference"] == "REF"
    assert value["auth_method"] == "COMMAND"
    assert value["cdr_token"] == {
        "country_code": "DE", "party_id": "EMP", "uid": "CARD-1", "type": "RFID", "contract_id": "DE-EMP-C1",
    }  # fmt: skip


def reading(minutes, kwh, **more):
    return SessionUpdated(session_id="S1", kwh=kwh, at=after(minutes), **more)


def told(now, sealed, *readings):
    for each in readings:
        now, sealed = sessions.advanced(now, each, sealed)
    return now, sealed


def kinds(periods):
    return [[(each["type"], str(each["volume"])) for each in period["dimensions"]] for period in periods]


def test_readings_that_change_no_price_make_one_charging_period():
    now, sealed = told(started(), seal(tariff()), reading(5, 2.5), reading(10, 5.0))

    assert now["kwh"] == Decimal("5.0")
    assert now["charging_periods"] == []
    assert kinds(metering.all_periods(now, sealed)) == [[("TIME", "0.1667"), ("ENERGY", "5.0000")]]
    assert now["last_updated"] == date_time(after(10))
    assert now["total_cost"]["before_taxes"] == Decimal("2.50")


def test_a_session_shows_a_period_after_a_quarter_of_an_hour_and_only_ever_adds():
    now, sealed = started(), seal(tariff())
    shown = []
    for minute in range(1, 61):
        before = now["charging_periods"]
        now, sealed = sessions.advanced(now, reading(minute, minute / 2), sealed)
        shown.append(len(now["charging_periods"]))

        assert now["charging_periods"][: len(before)] == before
    ends = sessions.completed(now, SessionEnded(session_id="S1", kwh=30, at=after(60)), sealed)

    assert shown[14] == 0
    assert shown[15] == 1
    assert shown[-1] == 3
    assert cdrs.volume(ends["charging_periods"], "ENERGY") == 30
    assert len(cdrs.cdr(ends, sealed)["charging_periods"]) == 1


def test_a_period_begins_where_the_price_changes_between_two_readings():
    """START is 13:00 in Amsterdam; from 13:30 on a kWh costs more."""
    changing = tariff(
        elements=[
            {
                "price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}],
                "restrictions": {"end_time": "13:30"},
            },
            {"price_components": [{"type": "ENERGY", "price": 2, "step_size": 1}]},
        ]
    )

    now, sealed = told(started(), seal(changing), reading(60, 10.0))
    ends = sessions.completed(now, SessionEnded(session_id="S1", kwh=10, at=after(60)), sealed)

    assert [each["start_date_time"] for each in ends["charging_periods"]] == [date_time(START), date_time(after(30))]
    assert kinds(ends["charging_periods"]) == [
        [("TIME", "0.5000"), ("ENERGY", "5.0000")],
        [("TIME", "0.5000"), ("ENERGY", "5.0000")],
    ]
    assert ends["total_cost"]["before_taxes"] == 15


def test_parking_begins_when_the_car_takes_no_more():
    now, sealed = told(
        started(), seal(tariff()), reading(30, 10), reading(40, 10, charging=False), reading(60, 10, charging=False)
    )
    ends = sessions.completed(now, SessionEnded(session_id="S1", kwh=10, at=after(70), charged_until=after(40)), sealed)

    assert kinds(ends["charging_periods"]) == [
        [("TIME", "0.5000"), ("ENERGY", "10.0000")], [("TIME", "0.1667")],
        [("PARKING_TIME", "0.3333")], [("PARKING_TIME", "0.1667")],
    ]  # fmt: skip
    assert kinds(cdrs.cdr(ends, sealed)["charging_periods"]) == [
        [("TIME", "0.6667"), ("ENERGY", "10.0000")], [("PARKING_TIME", "0.5000")],
    ]  # fmt: skip


def test_time_in_which_the_station_holds_energy_back_is_no_parking():
    """mod_cdrs, PARKING_TIME: the vehicle is not requesting power."""
    now, sealed = told(
        started(), seal(tariff()), reading(30, 10, charging=False, held_back=True),
        reading(60, 10, charging=False, held_back=True),
    )  # fmt: skip

    assert cdrs.volume(metering.all_periods(now, sealed), "TIME") == 1


def test_a_period_tells_the_least_and_most_of_current_and_power_and_the_last_state_of_charge():
    now, sealed = told(
        started(),
        seal(tariff()),
        reading(5, 2, power=22, current=32, soc=40),
        reading(10, 4, power=11.5, current=16, soc=45),
    )

    assert kinds(metering.all_periods(now, sealed)) == [
        [
            ("TIME", "0.1667"), ("ENERGY", "4.0000"), ("MIN_CURRENT", "16.0000"), ("MAX_CURRENT", "32.0000"),
            ("MIN_POWER", "11.5000"), ("MAX_POWER", "22.0000"), ("STATE_OF_CHARGE", "45.0000"),
        ]
    ]  # fmt: skip


def test_another_profile_of_the_driver_takes_another_tariff_from_then_on():
    """DD-R8, types of Tariffs: REGULAR until the driver chooses CHEAP."""
    regular = price({"type": "ENERGY", "price": 1}, id="R", type="REGULAR")
    cheap = price({"type": "ENERGY", "price": 0.5}, id="C", type="PROFILE_CHEAP")
    sealed = seal(cheap, regular)

    now, sealed = told(started(), sealed, reading(30, 10))
    now, sealed = sessions.preferred(now, sealed, "CHEAP", after(30))
    now, sealed = told(now, sealed, reading(60, 20))
    ends = sessions.completed(now, SessionEnded(session_id="S1", kwh=20, at=after(60)), sealed)

    assert [each["tariff_id"] for each in ends["charging_periods"]] == ["R", "C"]
    assert ends["total_cost"]["before_taxes"] == 15
    assert [each["id"] for each in cdrs.cdr(ends, sealed)["tariffs"]] == ["C", "R"]


def test_a_session_that_ends_as_it_began_has_a_period_and_owes_the_start_fee():
    cdr = cost_of(tariff(), kwh=0, minutes=0)

    assert kinds(cdr["charging_periods"]) == [[("TIME", "0.0000")]]
    assert cdr["total_cost"]["before_taxes"] == Decimal("0.50")


def test_time_reserved_before_a_session_is_a_period_of_its_own():
    hourly = tariff(
        elements=[
            {
                "price_components": [{"type": "TIME", "price": 6, "step_size": 1}],
                "restrictions": {"reservation": "RESERVATION"},
            },
            {"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}]},
        ]
    )
    sealed = seal(hourly) | {"reserved_at": date_time(after(-10))}
    ends = sessions.completed(
        sessions.started(started(), sealed), SessionEnded(session_id="S1", kwh=5, at=after(30)), sealed
    )
    cdr = cdrs.cdr(ends, sealed)

    assert cdr["start_date_time"] == date_time(after(-10))
    assert cdr["total_time"] == Decimal("0.5")
    assert cdr["total_reservation_cost"]["before_taxes"] == 1
    assert cdr["total_cost"]["before_taxes"] == 6


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
    assert cdrs.volume(cdr["charging_periods"], "TIME") == Decimal("1")


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
    cdr = cdrs.cdr(value, seal())

    assert cdr["total_cost"] == {"before_taxes": 0}
    assert cdr["tariffs"] == []
    assert "total_cost" not in value


def test_a_cdr_keeps_the_place_as_it_was_at_the_start():
    sealed = seal(tariff())

    assert sealed["cdr_location"]["name"] == "Harbour"
    assert sealed["cdr_location"]["connector_standard"] == "IEC_62196_T2_COMBO"
    assert sealed["cdr_location"]["evse_id"] == "NL*CPO*EEVSE1"


@pytest.mark.parametrize("dimension", ["CURRENT", "POWER", "STATE_OF_CHARGE", "ENERGY_IMPORT", "ENERGY_EXPORT"])
def test_a_cdr_has_no_session_only_dimension(dimension):
    """Checklist CD-13."""
    cdr = cost_of(tariff())

    assert cdrs.volume(cdr["charging_periods"], dimension) == 0
    assert cdrs.volume(cdr["charging_periods"], "ENERGY") == 20
