"""What the operator decides, read from his file."""

import datetime
from decimal import Decimal

import msgspec
import pytest

from hub.emsp.terms import ChargingTerms, ProviderTerms, read_terms
from tests.emsp.charging.world import HALF
from tests.emsp.driving.test_api import LATER, wanted
from tests.emsp.driving.test_refusals import problem
from tests.rooms import tariff


def written(tmp_path, value):
    path = tmp_path / "terms.json"
    path.write_bytes(value if isinstance(value, bytes) else msgspec.json.encode(value))
    return path


def test_terms_of_a_file_are_those_of_the_rooms(tmp_path):
    """RASD-D3, INCAR-PRO02, SGEM-4.1-17."""
    terms = read_terms(written(tmp_path, {
        "charging": {"horizon": {"Fleet": 7}, "tolerance": 600, "slots": 2},
        "money": {
            "margins": {"EUR": {"percent": 10}}, "vat": {"NLD": 9}, "minimum": {"EUR": 500},
            "tolerance": {"kwh": 0.5}, "tariffs": [tariff(currency="CHF")],
        },
    }))  # fmt: skip

    charging, money = terms.charging.in_force(), terms.money.in_force()
    assert (charging.horizon, charging.slots) == ({"fleet": 7}, 2)
    assert charging.tolerance == datetime.timedelta(minutes=10)
    assert (money.prices.margins["EUR"].percent, money.prices.rates["NLD"], money.prices.rates["DEU"]) == (10, 9, 19)
    assert (money.minimum, money.tolerance.kwh, list(money.prices.tariffs)) == (
        {"EUR": 500}, Decimal("0.5"), ["CHF"],
    )  # fmt: skip


def test_what_is_left_out_is_as_the_rooms_have_it():
    from hub.emsp.charging.ground import Terms as Charging
    from hub.emsp.money.till import Terms as Money

    assert ProviderTerms().charging.in_force() == Charging()
    assert ProviderTerms().money.in_force() == Money()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"{", "truncated"),
        ({"charging": {"tolerance": -1}}, r"\$\.charging\.tolerance"),
        ({"money": {"margin": {}}}, "margin"),
        ({"money": {"tariffs": [{"id": "T"}]}}, r"\$\.money\.tariffs\[0\]"),
        ({"money": {"tariffs": [tariff(), tariff(id="T2")]}}, "two of one currency"),
    ],
)
def test_a_file_that_holds_no_terms_is_refused_naming_the_place(tmp_path, value, said):
    with pytest.raises(ValueError, match=said):
        read_terms(written(tmp_path, value))


@pytest.fixture
def terms():
    return ProviderTerms(charging=ChargingTerms(slots=2, other_horizon=0))


async def test_the_api_keeps_to_the_terms(provider):
    """RASD-F02, INCAR-PRO02: two half hours at most, today only."""
    await provider.offer()
    rider = await provider.driver()

    shown = await rider.get("/locations/NL/CPO/LOC1/evses/EVSE1/slots")
    long = await rider.post("/bookings", wanted(LATER, LATER + 3 * HALF))
    far = await rider.post("/bookings", wanted(LATER + 48 * HALF, LATER + 49 * HALF))

    assert (shown["most"], shown["slots"][-1]["ends_at"]) == (2, "2026-01-05T23:00:00Z")
    assert "one to 2 half hours" in problem(long, 422, "TOO_LONG", "$.ends_at")["detail"]
    problem(far, 422, "BEYOND_HORIZON", "$.starts_at")
