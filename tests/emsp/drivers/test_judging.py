"""What a CPO is answered in real time, and what a driver is told who may not charge (GEM-UC-1502, X-64)."""

import datetime

import pytest

from hub.emsp.drivers.authorizations import AuthorizationQuery
from hub.emsp.drivers.classes import DriverClass
from hub.emsp.drivers.judging import Denied
from hub.emsp.drivers.means import Card
from hub.ocpi.messages import Party
from hub.ocpi.modules import locations, tokens
from hub.ocpi.receiving import NoSuchToken
from tests.emsp.drivers.conftest import joined, person
from tests.rooms import CPO, EMSP, ask, location

PLACE = {"location_id": "LOC1", "evse_uids": ["EVSE1"]}


@pytest.fixture
async def card(desk, ada):
    return await desk.means.add_card(ada.id, Card(uid="04:A1:B2:C3", label="0001"))


async def asked(emsp, uid="04A1B2C3", kind="RFID", place=PLACE, cpo=CPO):
    """Return the AuthorizationInfo a CPO is answered."""
    answer = await emsp(ask(tokens.authorize, place, sender=cpo, token_uid=uid, query=f"type={kind}"))
    return answer.value


async def say(desk, cpo, allowed):
    await desk.store.database.transact(lambda tx: desk.agreements.say(tx, cpo, allowed=allowed))


async def limit(desk, **limits):
    wanted = DriverClass(name="standard", **limits)
    await desk.store.database.transact(lambda tx: desk.classes.put(tx, wanted))


async def test_a_card_may_charge_and_its_reference_is_found_again(emsp, desk, ada, card):
    """SGEM-4.1-07, SGEM-4.1-08, GEM-FTR-979."""
    info = await asked(emsp)

    assert (info["allowed"], info["location"], info["token"]["uid"]) == ("ALLOWED", PLACE, "04A1B2C3")
    found = await desk.authorizations.find(info["authorization_reference"].upper())
    assert (found.driver_id, found.token_uid, found.cpo, found.location_id, found.evse_uids) == (
        ada.id, "04A1B2C3", "NL-CPO", "LOC1", ["EVSE1"]
    )  # fmt: skip


async def test_a_card_is_asked_about_without_a_place(emsp, card):
    info = await asked(emsp, place=None)

    assert info["allowed"] == "ALLOWED" and "location" not in info


async def test_an_unknown_token_is_unknown_and_the_attempt_is_kept(emsp, desk):
    """X-52, GEM-FTR-967."""
    with pytest.raises(NoSuchToken):
        await asked(emsp, "FFFFFFFF")

    (kept,) = (await desk.authorizations.page(AuthorizationQuery())).items
    assert (kept.allowed, kept.token_uid, kept.driver_id, kept.cpo) == ("UNKNOWN", "FFFFFFFF", "", "NL-CPO")


async def test_a_stolen_card_is_blocked_and_its_driver_is_told_why(emsp, desk, ada, card):
    await desk.means.block(ada.id, card.id, "This card was reported stolen.")

    info = await asked(emsp)

    assert (info["allowed"], info["info"]) == (
        "BLOCKED", {"language": "en", "text": "This card was reported stolen."}
    )  # fmt: skip
    assert "authorization_reference" not in info and info["token"]["valid"] is False
    (kept,) = (await desk.authorizations.page(AuthorizationQuery(driver_id=ada.id))).items
    assert (kept.allowed, kept.reason) == ("BLOCKED", "This card was reported stolen.")


async def test_a_card_that_is_found_again_may_charge(emsp, desk, ada, card):
    await desk.means.block(ada.id, card.id)
    await desk.means.unblock(ada.id, card.id)

    assert (await asked(emsp))["allowed"] == "ALLOWED"


async def test_a_card_taken_off_the_account_is_no_longer_valid(emsp, desk, ada, card):
    """X-52."""
    await desk.means.remove(ada.id, card.id)

    info = await asked(emsp)

    assert info["allowed"] == "BLOCKED" and "taken off" in info["info"]["text"]


async def test_a_token_that_has_ended_is_expired(emsp, desk, clock):
    made = await desk.means.ad_hoc(clock.now() + datetime.timedelta(hours=1))
    assert (await asked(emsp, made.uid, "AD_HOC_USER"))["allowed"] == "ALLOWED"

    await clock.advance(3600)

    info = await asked(emsp, made.uid, "AD_HOC_USER")
    assert info["allowed"] == "EXPIRED" and "expired" in info["info"]["text"]


async def test_a_cpo_we_have_no_agreement_with_is_refused(emsp, desk, ada, card):
    """X-41, INCAR-UC005."""
    await say(desk, "NL-CPO", False)

    info = await asked(emsp)
    assert info["allowed"] == "NOT_ALLOWED" and "agreement" in info["info"]["text"]
    assert (await asked(emsp, cpo=Party("FR", "XYZ")))["allowed"] == "ALLOWED"


async def test_agreements_can_be_with_those_alone_that_are_named(emsp, desk, ada, card):
    await say(desk, "*", False)
    await say(desk, "NL-CPO", True)

    assert (await asked(emsp))["allowed"] == "ALLOWED"
    assert (await asked(emsp, cpo=Party("FR", "XYZ")))["allowed"] == "NOT_ALLOWED"


async def test_an_empty_purse_is_no_credit(emsp, purse, card):
    purse.said = "You have 0.40 EUR left, and 5 EUR are needed."

    info = await asked(emsp)

    assert (info["allowed"], info["info"]["text"]) == ("NO_CREDIT", purse.said)


async def test_a_class_of_drivers_charges_in_its_countries_alone(emsp, desk, card):
    await emsp(ask(locations.put_location, location(), sender=CPO, country_code="NL", party_id="CPO",
                   location_id="LOC1"))  # fmt: skip
    await limit(desk, countries=["DEU"])
    refused = await asked(emsp)

    await limit(desk, countries=["DEU", "NLD"])

    assert (refused["allowed"], (await asked(emsp))["allowed"]) == ("NOT_ALLOWED", "ALLOWED")
    assert "location" not in refused
    assert (await asked(emsp, place={"location_id": "UNKNOWN"}))["allowed"] == "NOT_ALLOWED"
    assert (await asked(emsp, place=None))["allowed"] == "NOT_ALLOWED"


async def test_a_class_of_drivers_charges_at_its_locations_alone(emsp, desk, card):
    await limit(desk, locations=["NL-CPO/loc1"])

    assert (await asked(emsp))["allowed"] == "ALLOWED"
    assert (await asked(emsp, place={"location_id": "LOC2"}))["allowed"] == "NOT_ALLOWED"
    assert (await asked(emsp, cpo=Party("FR", "XYZ")))["allowed"] == "NOT_ALLOWED"


async def test_a_driver_is_told_in_his_language(emsp, desk, mailbox):
    driver = await joined(desk, mailbox, person=person(language="it"))
    made = await desk.tokens.app_token(driver.id)
    await desk.means.block(driver.id, made.id)

    info = await asked(emsp, made.uid, "APP_USER")

    assert info["info"]["language"] == "it" and "fornitore" in info["info"]["text"]


async def test_a_token_an_operator_put_by_hand_is_judged_by_itself(emsp, desk):
    await emsp.orders()["emsp.put_token"]({"uid": "HAND-1"})
    await emsp.orders()["emsp.put_token"]({"uid": "HAND-2", "valid": False})

    assert (await asked(emsp, "HAND-1"))["allowed"] == "ALLOWED"
    assert (await asked(emsp, "HAND-2"))["allowed"] == "BLOCKED"
    await say(desk, "*", False)
    assert (await asked(emsp, "HAND-1"))["allowed"] == "NOT_ALLOWED"


async def test_whether_a_user_is_still_valid_can_be_told_without_a_cpo(desk, ada):
    """SGEM-4.1-09."""
    token = await desk.tokens.app_token(ada.id)
    await desk.means.block(ada.id, token.id)

    with pytest.raises(Denied, match="is blocked") as denied:
        await desk.judge.allow(ada.id, CPO, "LOC1")
    assert denied.value.allowed == "BLOCKED"


async def test_what_was_booked_is_judged_anew_when_it_begins_and_keeps_its_reference(desk, ada, purse):
    purse.said = "You have no payment method."
    booked = await desk.judge.allow(ada.id, CPO, "LOC1", "EVSE1", begins=False)
    with pytest.raises(Denied, match="payment method"):
        await desk.judge.allow(ada.id, CPO, "LOC1", "EVSE1", before=booked)
    purse.said = None

    begun = await desk.judge.allow(ada.id, CPO, "LOC1", "EVSE1", before=booked)

    kept = (await desk.authorizations.page(AuthorizationQuery(driver_id=ada.id))).items
    assert begun == booked and booked.token["contract_id"].startswith(f"{EMSP.country_code}-")
    assert sorted(each.allowed for each in kept) == ["ALLOWED", "NO_CREDIT"]
    assert [each.reference for each in kept if each.allowed == "ALLOWED"] == [booked.reference]
