"""Charging by SMS, as the provider's gateway hands it over (SGEM-4.1, X-50 to X-54): each refusal is a reply."""

import pytest

from hub.emsp.api.scopes import Scope
from tests.emsp.driving.test_api import told

PHONE = "+31600000001"


class Gateway:
    """The provider's SMS gateway: it hands messages over with a key of its own."""

    def __init__(self, machine):
        self.machine = machine
        self.count = 0

    async def write(self, text, phone=PHONE, **more):
        self.count += 1
        body = {"id": f"M{self.count}", "phone": phone, "text": text} | more
        answer = await self.machine.ask("POST", "/sms-messages", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["text"]


@pytest.fixture
async def sms(provider):
    await provider.driver("ada", phones=[PHONE])
    return Gateway(await provider.operator(Scope.SMS_RECEIVE))


async def test_a_malformed_sms_gets_an_informative_reply(provider, sms):
    """X-50."""
    reply = await sms.write("Hello?")

    assert "START" in reply
    assert provider.sms.sent == [(PHONE, reply)]


async def test_an_sms_starts_and_stops_a_charge_and_the_same_one_again_changes_nothing(provider, sms):
    """SGEM-4.1-05, SGEM-4.1-13."""
    first = await sms.write("START NL*CPO*E1", id="A")
    again = await sms.write("START NL*CPO*E1", id="A")
    (charge,) = await provider.charging.charges.all_of(provider.people["ada"])
    await told(provider, {"id": charge.id})

    stopped = await sms.write("STOP")

    assert (first, "being started" in first, "being stopped" in stopped) == (again, True, True)
    assert (len(provider.commands("START")), len(provider.commands("STOP"))) == (1, 1)


@pytest.mark.parametrize(("status", "said"), [("CHARGING", "not free"), ("INOPERATIVE", "out of order")])
async def test_an_sms_to_a_station_disabled_or_in_use_is_rejected_with_a_reply(provider, sms, status, said):
    """X-51."""
    await provider.location(status=status)

    assert said in await sms.write("START NL*CPO*E1")
    assert provider.commands("START") == []


async def test_an_sms_of_an_unknown_or_no_longer_valid_user_is_rejected_with_the_reason(provider, sms):
    """X-52."""
    unknown = await sms.write("START NL*CPO*E1", "+31699999999")
    await provider.assembly.drivers.registrar.block(provider.people["ada"], "unpaid")

    assert "not known here" in unknown
    assert "account cannot be used" in await sms.write("START NL*CPO*E1")
    assert provider.commands("START") == []


async def test_a_cable_not_inserted_in_time_is_told_by_sms_and_the_start_is_released(provider, sms):
    """X-53."""
    await sms.write("START NL*CPO*E1")
    (charge,) = await provider.charging.charges.all_of(provider.people["ada"])

    await provider.result(charge.id, "TIMEOUT")
    await provider.work()

    (payment,) = await provider.assembly.money.till.payments.of(provider.people["ada"])
    assert "connect the cable" in provider.sms.sent[-1][1]
    assert payment.state == "CANCELLED"


async def test_an_end_by_sms_without_a_session_is_rejected_with_a_reply(provider, sms):
    """X-54."""
    assert "no charge running" in await sms.write("STOP")
    assert provider.commands("STOP") == []


async def test_only_the_gateway_hands_sms_over(provider):
    ada = await provider.driver("ada")
    staff = await provider.operator(Scope.SESSIONS_CONTROL)
    body = {"id": "M", "phone": PHONE, "text": "STOP"}

    for caller in (ada, staff):
        assert (await caller.ask("POST", "/sms-messages", json=body)).status_code == 403
    malformed = await (await provider.operator(Scope.SMS_RECEIVE)).ask(
        "POST", "/sms-messages", json=body | {"phone": "0600000001"}
    )  # fmt: skip
    assert malformed.json()["errors"][0]["path"] == "$.phone"
