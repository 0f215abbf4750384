"""Cars and meters, and whom a station lets charge without asking."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ocpp.simulation.car import Car, Meter
from hub.ocpp.simulation.configuration import Configuration
from hub.ocpp.simulation.tokens import Tokens
from hub.ocpp.words import TokenInfo

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
offers = st.lists(st.tuples(st.floats(0, 350_000), st.floats(0, 7200)), max_size=20)


@given(soc=st.floats(0, 100), offers=offers)
def test_charging_only_raises_the_level_and_energy_is_what_the_battery_got(
    soc: float, offers: list[tuple[float, float]]
) -> None:
    """RASD-A05."""
    car, levels, taken = Car(soc=soc), [soc], 0.0

    for offered, seconds in offers:
        energy = car.charge(offered, seconds)
        assert 0 <= energy <= offered * seconds / 3600 + 1e-6
        taken += energy
        levels.append(car.soc)

    assert levels == sorted(levels)
    assert car.soc <= 100
    assert taken == pytest.approx((car.soc - soc) / 100 * car.battery, abs=car.battery * 1e-5)


def test_power_falls_above_80_percent_and_is_nothing_when_full_or_paused() -> None:
    powers = [Car(soc=soc).takes(50_000) for soc in (20, 80, 90, 99.9, 100)]

    assert powers[:3] == [50_000, 50_000, 25_000]
    assert powers[3] == pytest.approx(5_000)
    assert powers[4] == Car(paused=True).takes(50_000) == 0


def test_a_register_of_few_digits_begins_again() -> None:
    meter = Meter(energy=1_000_250.7, digits=6)

    assert meter.register == 250
    assert Meter(energy=1_000_250.7).register == 1_000_250


def test_the_list_stands_above_the_cache_and_what_is_too_old_is_expired() -> None:
    tokens = Tokens(Configuration())
    tokens.remember("CARD-1", TokenInfo(status="Accepted"))
    tokens.remember("CARD-2", TokenInfo(status="Accepted", expires_at=NOW))
    tokens.replace(1, {"card-1": TokenInfo(status="Blocked")})

    found = [tokens.offline(token, NOW).status for token in ("CARD-1", "CARD-2", "STRANGER")]
    tokens.change(2, {"CARD-1": None})

    assert found == ["Blocked", "Expired", "Unknown"]
    assert tokens.offline("CARD-1", NOW).status == "Accepted"


def test_a_station_asks_unless_it_may_know_for_itself() -> None:
    configuration = Configuration()
    tokens = Tokens(configuration)
    tokens.remember("CARD-1", TokenInfo(status="Accepted"))

    before = tokens.at_once("CARD-1", NOW)
    configuration.put("LocalPreAuthorize", "true")

    assert before is None
    assert tokens.at_once("CARD-1", NOW) is not None
    assert tokens.at_once("CARD-2", NOW) is None
