"""Charging by SMS: what is understood, what is answered, and what follows later."""

import pytest

from hub.emsp.charging.sms import Message, Unreadable, read
from tests.emsp.charging.world import SPOT

ADA = "+31600000001"


@pytest.fixture
async def write(road):
    road.answers("START", "ACCEPTED")
    road.answers("STOP", "ACCEPTED")
    count = iter(range(1000))

    async def written(text, phone=ADA):
        return await road.charging.sms.received(f"M{next(count)}", phone, text)

    return written


@pytest.mark.parametrize(
    "text", ["", "Hello", "START", "START NL*CPO*E1 a lot", "STOP it now", "STATUS please", "START E 5 K"]
)
def test_a_malformed_sms_is_answered_with_what_can_be_written(text):
    """X-50, SGEM-4.1-01."""
    with pytest.raises(Unreadable) as raised:
        read(text)

    assert "START" in str(raised.value) or "20 KWH" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("start nl*cpo*e1 20 kwh", 20, "KWH"),
        ("START NL*CPO*E1 15,5 EUR", 15.5, "EUR"),
        ("Start NL*CPO*E1 90MIN", 90, "MIN"),
    ],
)
def test_a_start_may_have_a_limit(text, amount, unit):
    message = read(text)

    assert (message.word, message.code, float(message.limit[0]), message.limit[1]) == (
        "START",
        "NL*CPO*E1",
        amount,
        unit,
    )


def test_stop_and_status_are_words_of_their_own():
    assert (read("stop"), read(" Status ")) == (Message(word="STOP"), Message(word="STATUS"))


async def test_an_sms_starts_shows_and_stops_a_charge(road, write):
    """SGEM-4.1-05: the command goes out as for any other user; what happens later follows by SMS."""
    started = await write("START NL*CPO*E1 20 KWH")
    (charge,) = await road.charging.charges.all_of("ada")
    await road.session(reference=charge.reference)
    await road.clock.advance(600)
    await road.session(reference=charge.reference, kwh=2, start_date_time="2026-01-05T11:00:00Z")
    status, stopped = await write("STATUS"), await write("STOP")
    await road.session("COMPLETED", reference=charge.reference, kwh=2)
    await road.charging.clockwork.look()

    assert (charge.origin, charge.spot, charge.energy_limit) == ("SMS", SPOT, 20_000)
    assert "being started" in started
    assert status == "You are charging: 10 min, 2.00 kWh."
    assert "being stopped" in stopped
    assert road.sms.sent[-1] == (ADA, "Your charge has ended: 2.00 kWh. You stopped it.")


async def test_the_same_sms_again_is_answered_the_same_and_changes_nothing(road, write):
    first = await road.charging.sms.received("M", ADA, "START NL*CPO*E1")

    assert await road.charging.sms.received("M", ADA, "START NL*CPO*E1") == first
    assert len(road.commands("START")) == 1
    assert len(road.sms.sent) == 1


@pytest.mark.parametrize(("status", "said"), [("CHARGING", "not free"), ("INOPERATIVE", "out of order")])
async def test_a_station_disabled_or_in_use_is_refused_with_a_reply(road, write, status, said):
    """X-51, SGEM-4.1-02."""
    await road.location(status=status)

    assert said in await write("START NL*CPO*E1")
    assert road.commands("START") == []


async def test_an_unknown_or_no_longer_valid_user_is_told_the_reason(road, write):
    """X-52."""
    assert "not known here" in await write("START NL*CPO*E1", "+31699999999")
    del road.drivers.known["ada"]
    assert "account cannot be used" in await write("START NL*CPO*E1")
    assert road.commands("START") == []


async def test_a_driver_without_account_charges_where_such_ones_are_served(road, write):
    road.drivers.ad_hoc_served = True

    assert "being started" in await write("START NL*CPO*E1", "+31699999999")


async def test_a_cable_not_inserted_in_time_is_told_by_sms_and_the_start_released(road, write):
    """X-53, SGEM-4.1-06."""
    await write("START NL*CPO*E1")
    (charge,) = await road.charging.charges.all_of("ada")

    await road.result(charge.id, "TIMEOUT")
    await road.charging.clockwork.look()

    assert "connect the cable" in road.sms.sent[-1][1]
    assert (await road.charge(charge.id)).state == "FAILED"
    assert road.money.released == [charge.id]


@pytest.mark.parametrize("text", ["STOP", "STOP NL*CPO*E1", "STATUS"])
async def test_an_end_without_a_session_is_refused_with_a_reply(road, write, text):
    """X-54, SGEM-4.1-13."""
    assert "no charge running" in await write(text)
    assert road.commands("STOP") == []


async def test_a_reply_waits_for_a_network_that_is_broken(road, write):
    road.sms.broken = True
    with pytest.raises(ConnectionError):
        await write("HELP")

    road.sms.broken = False
    await road.charging.clockwork.look()

    assert [phone for phone, _ in road.sms.sent] == [ADA]
