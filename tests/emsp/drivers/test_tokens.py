"""Each of a driver's Tokens is told to CPOs as it is made, changed, blocked and taken away (SGEM-4.2-04)."""

import asyncio
import datetime

import pytest

from hub.api.problems import Invalid, NotFound
from hub.emsp.drivers.contract_ids import is_valid
from hub.emsp.drivers.means import Card, Phone
from hub.ocpi.modules import tokens
from tests.emsp.drivers.conftest import faults_of, joined, person, vehicle
from tests.rooms import EMSP

CARD = Card(uid="04:A1:B2:C3", label="No. 0001")


async def told(emsp, hub):
    """Return the Tokens put to the hub, in order, and forget them."""
    await emsp.owed.settled()
    values = [request.value for request in hub.heard(tokens.put_token)]
    hub.asked.clear()
    return values


@pytest.fixture
async def bob(desk, mailbox, ada):
    return await joined(desk, mailbox, person=person(email="bob@example.org"), vehicle=vehicle("AA 111 AA"))


async def test_a_confirmed_account_gets_a_token_that_is_told_and_says_nothing_of_its_driver(emsp, hub, desk, ada):
    """RASD-F01, INCAR-AU04, GEM-UC-1514."""
    (token,) = await told(emsp, hub)

    assert (token["type"], token["valid"], token["whitelist"]) == ("APP_USER", True, "NEVER")
    assert token["group_id"] == ada.group_id and len(token["group_id"]) <= 20
    assert is_valid(token["contract_id"]) and token["contract_id"].startswith("DE-EMP-C")
    assert not {"Ada", "Lovelace", "ada@example.org"} & {str(each) for each in token.values()}


async def test_cards_and_phones_are_tokens_of_one_group(emsp, hub, desk, ada):
    await told(emsp, hub)
    await desk.means.add_card(ada.id, CARD)
    await desk.means.add_phone(ada.id, Phone(phone="+39 333 1234567"))

    card, phone = await told(emsp, hub)

    assert (card["uid"], card["type"], card["visual_number"], card["whitelist"]) == (
        "04A1B2C3", "RFID", "No. 0001", "ALLOWED_OFFLINE"
    )  # fmt: skip
    assert (phone["type"], phone["group_id"]) == ("OTHER", card["group_id"])
    assert "333" not in phone["uid"] and "visual_number" not in phone
    assert card["contract_id"] != phone["contract_id"]


async def test_what_is_blocked_or_taken_away_is_told_as_not_valid_and_on_no_whitelist(emsp, hub, desk, ada):
    """GEM-UC-1515, GEM-UC-1516, SGEM-4.2-06."""
    card = await desk.means.add_card(ada.id, CARD)
    await told(emsp, hub)

    await desk.means.block(ada.id, card.id, "lost")
    (blocked,) = await told(emsp, hub)
    await desk.means.unblock(ada.id, card.id)
    (allowed,) = await told(emsp, hub)
    await desk.means.remove(ada.id, card.id)
    (removed,) = await told(emsp, hub)

    states = [(each["valid"], each["whitelist"]) for each in (blocked, allowed, removed)]
    assert states == [(False, "NEVER"), (True, "ALLOWED_OFFLINE"), (False, "NEVER")]


async def test_a_card_taken_away_is_not_brought_back_by_unblocking(desk, ada):
    card = await desk.means.add_card(ada.id, CARD)
    await desk.means.remove(ada.id, card.id)

    with pytest.raises(NotFound):
        await desk.means.unblock(ada.id, card.id)


async def test_a_card_taken_away_can_be_added_again_by_its_driver(emsp, hub, desk, ada):
    card = await desk.means.add_card(ada.id, CARD)
    await desk.means.remove(ada.id, card.id)

    again = await desk.means.add_card(ada.id, CARD)

    assert (again.id, again.state, again.contract_id) == (card.id, "ACTIVE", card.contract_id)
    assert (await told(emsp, hub))[-1]["valid"] is True


async def test_nothing_is_told_twice(emsp, hub, desk, ada):
    card = await desk.means.add_card(ada.id, CARD)
    await told(emsp, hub)

    assert (await desk.means.add_card(ada.id, CARD)).id == card.id

    assert await told(emsp, hub) == []


async def test_a_card_or_phone_of_somebody_else_is_refused(desk, ada, bob):
    """X-58."""
    await desk.means.add_card(ada.id, CARD)
    await desk.means.add_phone(ada.id, Phone(phone="+393331234567"))

    assert set(await faults_of(desk.means.add_card(bob.id, Card(uid="04a1b2c3")))) == {"$.uid"}
    assert set(await faults_of(desk.means.add_phone(bob.id, Phone(phone="0039 333 1234567")))) == {"$.phone"}
    assert set(await faults_of(desk.means.add_phone(bob.id, Phone(phone="333 1234567")))) == {"$.phone"}


async def test_a_card_an_operator_put_by_hand_is_nobodys_to_claim(emsp, desk, ada):
    await emsp.orders()["emsp.put_token"]({"uid": "04A1B2C3"})

    assert set(await faults_of(desk.means.add_card(ada.id, CARD))) == {"$.uid"}


async def test_of_two_that_race_for_a_card_exactly_one_gets_it(desk, ada, bob):
    results = await asyncio.gather(*(desk.means.add_card(each.id, CARD) for each in (ada, bob)), return_exceptions=True)

    assert sorted(isinstance(each, Invalid) for each in results) == [False, True]


async def test_of_two_that_race_for_a_phone_exactly_one_gets_it(desk, ada, bob):
    results = await asyncio.gather(
        *(desk.means.add_phone(each.id, Phone(phone="+393331234567")) for each in (ada, bob)), return_exceptions=True
    )

    assert sorted(isinstance(each, Invalid) for each in results) == [False, True]


async def test_whose_a_token_or_a_phone_is_is_found(desk, ada):
    """SGEM-4.1-03."""
    card = await desk.means.add_card(ada.id, CARD)
    await desk.means.add_phone(ada.id, Phone(phone="+393331234567"))

    assert await desk.tokens.driver_of_token("04a1b2c3") == ada.id
    assert await desk.tokens.driver_of_token(card.uid, "RFID") == ada.id
    assert await desk.tokens.driver_of_token(card.uid, "APP_USER") is None
    assert (await desk.means.driver_of_phone("0039 333 123 45 67")).id == ada.id
    assert await desk.means.driver_of_phone("+39333999999") is None
    assert await desk.means.driver_of_phone("not a number") is None


async def test_a_phone_taken_away_is_free_for_another(desk, ada, bob):
    phone = await desk.means.add_phone(ada.id, Phone(phone="+393331234567"))
    await desk.means.remove(ada.id, phone.id)

    await desk.means.add_phone(bob.id, Phone(phone="+393331234567"))

    assert (await desk.means.driver_of_phone("+393331234567")).id == bob.id


async def test_a_casual_user_has_a_token_for_a_while_which_is_told_as_ended(emsp, hub, desk, clock):
    made = await desk.means.ad_hoc(clock.now() + datetime.timedelta(hours=2), phone="+393331234567")
    (before,) = await told(emsp, hub)
    await clock.advance(7200)

    await desk.sweep()
    await desk.sweep()

    (after,) = await told(emsp, hub)
    assert [(each["uid"], each["type"], each["valid"]) for each in (before, after)] == [
        (made.uid, "AD_HOC_USER", True), (made.uid, "AD_HOC_USER", False)
    ]  # fmt: skip
    assert before["country_code"] == EMSP.country_code


async def test_who_has_ended_is_looked_at_as_he_ends_and_not_at_every_sweep_for_a_month(desk, clock, monkeypatch):
    looked, tell_again = [], desk.tokens.tell_again

    async def counted(tx, driver):
        looked.append(driver.id)
        await tell_again(tx, driver)

    monkeypatch.setattr(desk.tokens, "tell_again", counted)
    made = await desk.means.ad_hoc(clock.now() + datetime.timedelta(hours=2))
    await clock.advance(7200)

    for _ in range(5):
        await desk.sweep()
        await clock.advance(61)

    assert looked == [made.driver_id] * 2  # what is written during a sweep is the next one's


async def test_a_registered_phone_is_not_a_casual_users(desk, ada, clock):
    await desk.means.add_phone(ada.id, Phone(phone="+393331234567"))

    assert set(await faults_of(desk.means.ad_hoc(clock.now(), phone="+393331234567"))) == {"$.phone"}
