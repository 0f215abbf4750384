"""Signing up: everything that is wrong is named, and nothing is written unless all is right (RASD-UC01)."""

import asyncio
import datetime

import pytest

from hub.api.problems import Invalid, TooManyRequests, Unavailable
from hub.emsp.drivers.catalogue import models
from hub.emsp.drivers.forms import CONNECTORS, SignUp
from hub.emsp.drivers.people import DriverQuery
from tests.emsp.drivers.conftest import desk_of, faults_of, form, joined, person, typed, vehicle


async def accounts(desk):
    return (await desk.people.page(DriverQuery())).items


async def test_a_driver_signs_up_with_a_vehicle_of_the_catalogue_and_confirms_his_address(desk, mailbox):
    """RASD-R1, RASD-F01, DD-C-MAIL."""
    await desk.signing_up.sign_up(form())
    (before,) = await accounts(desk)
    assert (mailbox.letters[0].to, before.confirmed) == ("ada@example.org", False)
    assert await desk.tokens.of_driver(before.id) == []

    driver = await desk.signing_up.confirm(mailbox.link())

    assert driver.confirmed and (driver.name, driver.birth_date) == ("Ada", "1985-12-10")
    (car,) = await desk.garage.of_driver(driver.id)
    assert (car.name, car.plate, car.max_ac_kw) == ("Renault Zoe R135", "AB123CD", 22)
    (token,) = await desk.tokens.of_driver(driver.id)
    assert token.type == "APP_USER"


async def test_an_unknown_model_is_typed_with_name_and_battery(desk, mailbox):
    driver = await joined(desk, mailbox, vehicle=typed())

    (car,) = await desk.garage.of_driver(driver.id)
    assert (car.name, str(car.battery_kwh), car.connectors, car.model_id) == (
        "Kit car", "21.5", ["IEC_62196_T2"], None
    )  # fmt: skip


async def test_a_typed_vehicle_names_every_field_that_is_missing(desk):
    """X-01: no account; each missing field is named."""
    faults = await faults_of(desk.signing_up.sign_up(form(vehicle=typed(name=None, battery_kwh=None, connectors=None))))

    assert set(faults) == {"$.vehicle.name", "$.vehicle.battery_kwh", "$.vehicle.connectors"}
    assert await accounts(desk) == []


async def test_passwords_that_differ_and_a_plate_that_cannot_exist_are_both_named_and_there_is_no_account(
    desk, mailbox
):
    """X-02."""
    wrong = SignUp(person=person(password_again="something else"), vehicle=vehicle("AB 12 CD"))

    faults = await faults_of(desk.signing_up.sign_up(wrong))

    assert set(faults) == {"$.person.password_again", "$.vehicle.plate"}
    assert (await accounts(desk), mailbox.letters) == ([], [])


@pytest.mark.parametrize("born", ["1985-02-30", "2026-01-01", "2030-01-01", "1800-01-01"])
async def test_a_birth_date_that_cannot_be_is_named(desk, born):
    assert set(await faults_of(desk.signing_up.check(person(birth_date=born)))) == {"$.birth_date"}


async def test_an_address_that_has_an_account_is_said_to_have_one_and_makes_no_second(desk, ada):
    """X-03."""
    again = form(person=person(email="ADA@example.org"), vehicle=vehicle("AA 111 AA"))

    faults = await faults_of(desk.signing_up.sign_up(again))

    assert "account with this e-mail address" in faults["$.person.email"]
    assert await faults_of(desk.signing_up.check(person())) == {"$.email": faults["$.person.email"]}
    assert len(await accounts(desk)) == 1


async def test_where_no_hints_are_given_the_owner_of_the_address_is_written_to_instead(emsp, mailbox, purse, clock):
    desk = desk_of(emsp, mailbox, purse, clock, hints=False)
    await joined(desk, mailbox)

    await desk.signing_up.sign_up(form(vehicle=vehicle("AA 111 AA")))

    assert mailbox.letters[-1].to == "ada@example.org" and "account already" in mailbox.letters[-1].subject
    assert len(await accounts(desk)) == 1
    await desk.signing_up.check(person())


async def test_a_licence_plate_is_of_one_vehicle_however_it_is_written(desk, mailbox, ada):
    """RASD-A07."""
    other = form(person=person(email="bob@example.org"), vehicle=vehicle("ab-123.cd"))

    assert set(await faults_of(desk.signing_up.sign_up(other))) == {"$.vehicle.plate"}

    await joined(desk, mailbox, person=person(email="bob@example.org"), vehicle=vehicle(plate_country="FR"))
    assert len(await accounts(desk)) == 2


async def test_of_two_that_race_for_an_address_one_gets_it_and_the_other_is_told(desk):
    both = [
        desk.signing_up.sign_up(form(vehicle=vehicle(plate))) for plate in ("AA 111 AA", "BB 222 BB")
    ]  # fmt: skip

    results = await asyncio.gather(*both, return_exceptions=True)

    (refused,) = [each for each in results if each is not None]
    assert isinstance(refused, Invalid) and [each.path for each in refused.faults] == ["$.person.email"]
    assert len(await accounts(desk)) == 1


async def test_of_many_that_race_for_a_plate_exactly_one_gets_it(desk):
    both = [desk.signing_up.sign_up(form(person=person(email=f"{number}@example.org"))) for number in range(5)]

    results = await asyncio.gather(*both, return_exceptions=True)

    assert results.count(None) == 1
    assert len(await accounts(desk)) == 1


async def test_a_link_works_once(desk, mailbox):
    await desk.signing_up.sign_up(form())
    await desk.signing_up.confirm(mailbox.link())

    assert set(await faults_of(desk.signing_up.confirm(mailbox.link()))) == {"$.token"}


async def test_a_link_is_sent_again_and_the_older_one_works_no_longer(desk, mailbox):
    await desk.signing_up.sign_up(form())
    first = mailbox.link()

    await desk.signing_up.send_again("ada@example.org")

    assert set(await faults_of(desk.signing_up.confirm(first))) == {"$.token"}
    assert (await desk.signing_up.confirm(mailbox.link())).confirmed


async def test_nobody_learns_from_asking_for_a_link_whether_an_address_waits_for_one(desk, mailbox, ada):
    sent = len(mailbox.letters)

    await desk.signing_up.send_again("ada@example.org")
    await desk.signing_up.send_again("nobody@example.org")

    assert len(mailbox.letters) == sent


async def test_an_account_nobody_confirmed_goes_and_its_address_and_plate_are_free_again(desk, mailbox, clock):
    await desk.signing_up.sign_up(form())
    await clock.advance(datetime.timedelta(hours=48, seconds=1).total_seconds())

    await desk.sweep()

    assert await accounts(desk) == []
    assert (await joined(desk, mailbox)).confirmed


async def test_a_letter_that_could_not_be_sent_can_be_asked_for_again(desk, mailbox):
    mailbox.shut = True
    with pytest.raises(Unavailable, match="ask for it again"):
        await desk.signing_up.sign_up(form())

    mailbox.shut = False
    await desk.signing_up.send_again("ada@example.org")

    assert (await desk.signing_up.confirm(mailbox.link())).confirmed


async def test_one_address_signs_up_only_so_often(desk):
    for _ in range(30):
        await desk.signing_up.check(person(), "192.0.2.7")

    with pytest.raises(TooManyRequests):
        await desk.signing_up.check(person(), "192.0.2.7")


async def test_the_last_vehicle_of_an_account_stays(desk, ada):
    """RASD-F01: an account has a vehicle; further ones come and go."""
    (first,) = await desk.garage.of_driver(ada.id)
    second = await desk.garage.bring(ada.id, typed("ZZ 999 ZZ"))

    await desk.garage.remove(ada.id, first.id)

    assert [each.id for each in await desk.garage.of_driver(ada.id)] == [second.id]
    with pytest.raises(Exception, match="last vehicle"):
        await desk.garage.remove(ada.id, second.id)


def test_the_catalogue_speaks_ocpis_words_and_is_plausible():
    for each in models().values():
        assert set(each.connectors) <= CONNECTORS
        assert 1 < each.battery_kwh < 200 and 0 < each.max_ac_kw <= 43 and 0 <= each.max_dc_kw <= 400
        assert bool(each.max_dc_kw) == bool({"IEC_62196_T2_COMBO", "CHADEMO"} & set(each.connectors))
    assert len(models()) > 80


async def test_letters_are_in_the_drivers_language_and_in_english_where_there_are_no_words_of_it(desk, mailbox):
    for language, plate in (("nl", "AB 123 CD"), ("fi", "AB 124 CD")):
        who = person(email=f"{language}@example.org", language=language)
        await desk.signing_up.sign_up(form(person=who, vehicle=vehicle(plate)))

    assert [each.subject for each in mailbox.letters] == ["Bevestig uw e-mailadres", "Confirm your e-mail address"]
    assert mailbox.link()
