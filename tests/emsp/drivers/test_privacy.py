"""What a driver may ask of us: all we know, to be forgotten, and what he agreed to."""

import json

import pytest

from hub.api.problems import Conflict, NotFound
from hub.emsp.drivers.authorizations import AuthorizationQuery
from hub.emsp.drivers.means import Card, Phone
from hub.emsp.drivers.privacy import Consent
from hub.ocpi import codec
from hub.ocpi.modules import tokens
from tests.emsp.drivers.conftest import DEVICE, PASSWORD, joined
from tests.rooms import CPO, ask


@pytest.fixture
async def known(emsp, desk, ada):
    """Ada with everything a driver can have."""
    await desk.means.add_card(ada.id, Card(uid="04A1B2C3", label="Ada's card"))
    await desk.means.add_phone(ada.id, Phone(phone="+393331234567", label="Ada's phone"))
    await desk.proving.log_in("ada@example.org", PASSWORD, DEVICE)
    await desk.privacy.consent(ada.id, Consent(purpose="OFFERS", given=True, version="2026-01"))
    await emsp(ask(tokens.authorize, {"location_id": "LOC1"}, sender=CPO, token_uid="04A1B2C3", query="type=RFID"))
    return ada


async def test_everything_known_is_exported_and_no_secret_with_it(desk, known):
    async def charges(driver_id):
        return "charges", [{"driver": driver_id}]

    desk.privacy.recalls.append(charges)

    export = await desk.privacy.export(known.id)

    text = codec.encode(export).decode()
    assert set(export) == {"driver", "vehicles", "tokens", "logins", "identities", "consents", "authorizations",
                           "charges"}  # fmt: skip
    for fact in ("Lovelace", "ada@example.org", "AB123CD", "+393331234567", "04A1B2C3", "LOC1", "OFFERS", "192.0.2.1"):
        assert fact in text
    assert "argon2" not in text and json.loads(text)


async def test_a_driver_who_is_erased_is_known_by_nothing_but_a_random_id(emsp, desk, known):
    await desk.privacy.erase(known.id)

    text = codec.encode(await desk.privacy.export(known.id)).decode()
    for fact in ("Ada", "Lovelace", "ada@example.org", "1985", "AB123CD", "+393331234567", "192.0.2.1"):
        assert fact not in text
    assert {each["valid"] for each in await desk.store.tokens.all()} == {False}
    kept = (await desk.authorizations.page(AuthorizationQuery(driver_id=known.id))).items
    assert [each.location_id for each in kept] == ["LOC1"]
    assert await desk.tokens.driver_of_token("04A1B2C3") == known.id


async def test_what_the_erased_driver_had_is_free_for_others(desk, known, mailbox):
    await desk.privacy.erase(known.id)

    again = await joined(desk, mailbox)

    assert again.id != known.id and again.email == "ada@example.org"


async def test_another_room_erases_with_us_or_nothing_is_erased(desk, known):
    async def owes(tx, driver_id):
        raise Conflict("There is a debt of 3.20 EUR; pay it first")

    desk.privacy.forgets.append(owes)

    with pytest.raises(Conflict, match="debt"):
        await desk.privacy.erase(known.id)

    assert (await desk.people.get(known.id)).name == "Ada"


async def test_a_consent_holds_until_it_is_taken_back_and_both_are_kept(desk, ada):
    assert not await desk.privacy.agrees(ada.id, "OFFERS")
    await desk.privacy.consent(ada.id, Consent(purpose="OFFERS", given=True, version="1"))
    assert await desk.privacy.agrees(ada.id, "OFFERS")

    await desk.privacy.consent(ada.id, Consent(purpose="OFFERS", given=False, version="1"))

    assert not await desk.privacy.agrees(ada.id, "OFFERS")
    assert [each.given for each in await desk.privacy.consents(ada.id)] == [True, False]


async def test_nobody_is_not_known(desk):
    for asked in (desk.privacy.export("nobody"), desk.privacy.erase("nobody")):
        with pytest.raises(NotFound):
            await asked
