"""Drivers without an account, where the operator serves them."""

import pytest

from hub.emsp.terms import ChargingTerms, ProviderTerms
from hub.ocpi.modules import tokens
from tests.emsp.driving.conftest import RETURN, Rider
from tests.emsp.driving.test_api import told
from tests.emsp.driving.test_refusals import problem
from tests.emsp.driving.test_rooms import charged

PHONE = "+31699999999"


@pytest.fixture
def terms(request):
    return ProviderTerms(charging=ChargingTerms(ad_hoc=getattr(request, "param", True)))


async def guest(provider):
    answer = await provider.stranger().ask("POST", "/guests", json={})
    assert answer.status_code == 201, answer.text
    return Rider(provider, answer.json()["token"], answer.json()["driver_id"])


async def test_a_guest_charges_as_soon_as_he_can_pay_and_pays(provider):
    """AD_HOC_USER: no Token of a stranger is told to CPOs before he has a valid payment method."""
    rider = await guest(provider)
    unpaid = await rider.post("/charges", {"code": "NL*CPO*E1"})
    await provider.emsp.owed.settled()
    before = provider.hub.heard(tokens.put_token)
    await rider.post("/payment-methods", {"token": "sim_ok", "return_url": RETURN})

    started = await rider.post("/charges", {"code": "NL*CPO*E1"})
    charge = await provider.charge(started.json()["id"])
    await told(provider, started.json())
    await charged(provider, charge)

    problem(unpaid, 402, "PAYMENT_REFUSED", "$.payment_method")
    assert before == []
    assert (started.status_code, charge.token["type"]) == (201, "AD_HOC_USER")
    assert [each["state"] for each in (await rider.get("/bills"))["items"]] == ["PAID"]


async def test_a_guest_is_one_for_a_day(provider):
    rider = await guest(provider)
    await rider.post("/payment-methods", {"token": "sim_ok", "return_url": RETURN})
    await provider.clock.advance(25 * 3600)

    problem(await rider.post("/charges", {"code": "NL*CPO*E1"}), 403, "UNKNOWN_DRIVER")
    assert provider.commands("START") == []


async def test_one_address_does_not_bring_guests_without_end(provider):
    for _ in range(30):
        await guest(provider)

    answer = await provider.stranger().ask("POST", "/guests", json={})

    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


async def test_a_number_nobody_registered_is_told_by_sms_that_it_cannot_pay(provider):
    """SGEM-4.1-04: an informative reply."""
    reply = await provider.charging.sms.received("M1", PHONE, "START NL*CPO*E1")

    assert "payment method" in reply
    assert provider.commands("START") == []


@pytest.mark.parametrize("terms", [False], indirect=True)
async def test_where_guests_are_not_served_they_are_told_to_sign_up(provider):
    answer = await provider.stranger().ask("POST", "/guests", json={})

    assert "Sign up" in problem(answer, 403, "NO_GUESTS")["detail"]
    assert "not known here" in await provider.charging.sms.received("M1", PHONE, "START NL*CPO*E1")
