"""Units, numbers and times of stations, as properties."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ocpp.commands import InvalidCommand
from hub.ocpp.errors import TypeConstraintViolation
from hub.ocpp.measuring import default_unit, exact, in_base_unit
from hub.ocpp.sending import slices, tenths
from hub.ocpp.times import date_time, moment
from tests.ocpp.dialects.generated import schema_of
from tests.ocpp.dialects.playing import Play

NUMBERS = st.decimals(-1_000_000_000, 1_000_000_000, places=6)
PREFIXED = [("kWh", "Wh"), ("kvarh", "varh"), ("kVAh", "VAh"), ("kW", "W"), ("kvar", "var"), ("kVA", "VA")]


@pytest.mark.parametrize(("prefixed", "base"), PREFIXED)
@given(number=NUMBERS)
def test_a_prefix_is_a_thousand_exactly(prefixed, base, number):
    assert in_base_unit(number, prefixed) == (number * 1000, base)
    assert in_base_unit(number, base) == (number, base)


@given(number=NUMBERS)
def test_temperatures_agree_whatever_their_scale(number):
    kelvin, _ = in_base_unit(number + Decimal("273.15"), "K")
    fahrenheit, unit = in_base_unit(number * 9 / 5 + 32, "Fahrenheit")

    assert kelvin == number
    assert abs(fahrenheit - number) < Decimal("1e-12")
    assert unit == "Celsius"


@given(number=NUMBERS)
def test_a_number_is_read_as_it_was_written(number):
    assert exact(str(number)) == number
    assert exact(f" {number} ") == number


@given(number=st.floats(-1e15, 1e15).filter(lambda number: number == 0 or abs(number) > 1e-15))
def test_a_float_is_the_number_its_text_shows(number):
    assert exact(number) == Decimal(repr(number))


@given(text=st.text() | st.from_regex(r"[-+0-9.eEInfaN_ ]{1,40}"))
def test_no_text_breaks_the_reading_of_a_number(text):
    number = exact(text)

    assert number is None or (number.is_finite() and (not number or -18 <= number.adjusted() <= 18))


@given(
    value=st.floats(-1e9, 1e9).map(lambda number: round(number, 3)),
    multiplier=st.integers(-6, 6),
    unit=st.sampled_from(["Wh", "kWh", "W", "kW", "A"]),
)
async def test_a_multiplier_of_2_0_1_is_a_power_of_ten_exactly(value, multiplier, unit):
    play = Play("2.0.1")
    sampled = {"value": value, "unitOfMeasure": {"unit": unit, "multiplier": multiplier}}

    await play.says(
        "MeterValues", {"evseId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sampled]}]}
    )

    (sample,) = play.told().samples
    prefix = 1000 if unit.startswith("k") else 1
    assert sample.value == Decimal(repr(value)) * prefix * Decimal(10) ** multiplier


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_every_measurand_has_a_unit_or_none_by_rule(version):
    schema = schema_of(version, "MeterValues")
    found = (
        schema["definitions"]["MeasurandEnumType"]["enum"]
        if "definitions" in schema
        else schema["properties"]["meterValue"]["items"]["properties"]["sampledValue"]["items"]["properties"][
            "measurand"
        ]["enum"]
    )

    without = {each for each in found if not default_unit(each) and not each.startswith("Display.")}

    assert without <= {"Power.Factor", "RPM"}


@given(limit=st.decimals(0, 100_000, places=4))
def test_a_limit_is_never_sent_higher_than_it_is(limit):
    sent = Decimal(repr(tenths(limit)))

    assert sent <= limit < sent + Decimal("0.1")


def test_a_limit_beyond_all_measure_is_sent_to_no_station():
    with pytest.raises(InvalidCommand, match=r"a rate of 1\.000e\+300"):
        tenths(Decimal("1e300"))


@given(items=st.lists(st.integers()), most=st.integers(1, 5))
def test_slices_are_all_items_and_none_is_too_long(items, most):
    parts = list(slices(items, most))

    assert [item for part in parts for item in part] == items
    assert all(1 <= len(part) <= most for part in parts)


@given(at=st.datetimes(datetime.datetime(1970, 1, 1), timezones=st.just(datetime.UTC)))
def test_a_moment_survives_the_wire_to_the_millisecond(at):
    assert at - moment(date_time(at)) < datetime.timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-01-01T12:00:00Z", (12, 0, 0)),
        ("2026-01-01t12:00:00z", (12, 0, 0)),
        ("2026-01-01T12:00:00.123456789+01:00", (11, 0, 0)),
        ("2026-01-01T12:00:00", (12, 0, 0)),
        ("2026-01-01T12:59:60Z", (12, 59, 59)),
    ],
)
def test_every_way_to_write_a_time_is_read(text, wanted):
    read = moment(text)

    assert (read.hour, read.minute, read.second) == wanted
    assert read.utcoffset() == datetime.timedelta(0)


@given(text=st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+-][0-9]{2}:[0-9]{2})", fullmatch=True))
def test_what_is_no_time_is_a_fault_and_nothing_worse(text):
    try:
        assert moment(text).tzinfo is datetime.UTC
    except TypeConstraintViolation as fault:
        assert "no dateTime" in str(fault)
