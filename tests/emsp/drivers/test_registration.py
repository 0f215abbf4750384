"""Drivers registered by an operator, one by one and many at once (SGEM-4.2-01 to 4.2-06)."""

import asyncio

import pytest

from hub.api.problems import Invalid, NotFound
from hub.emsp.drivers.means import Card
from hub.emsp.drivers.people import DriverQuery
from hub.emsp.drivers.registration import Registration
from hub.ocpi.modules import tokens
from tests.emsp.drivers.conftest import DEVICE, faults_of
from tests.rooms import CPO, ask

NEW = "another good password"


def registration(**changes):
    plain = {
        "customer_id": "C-1", "name": "Ada", "surname": "Lovelace", "email": "ada@example.org",
        "cards": [Card(uid="04A1B2C3")], "phones": ["+39 333 1234567"],
    }  # fmt: skip
    return Registration(**plain | changes)


def table(*lines, head="customer_id,name,surname,email,cards,phones"):
    return "\r\n".join([head, *lines]).encode()


async def drivers(desk):
    return (await desk.people.page(DriverQuery())).items


async def test_a_driver_is_registered_with_everything_he_charges_with(desk):
    """SGEM-4.2-03, INCAR-AU02."""
    driver = await desk.registrar.register(registration())

    made = await desk.tokens.of_driver(driver.id)
    assert sorted((each.type, each.phone) for each in made) == [
        ("APP_USER", None), ("OTHER", "+393331234567"), ("RFID", None)
    ]  # fmt: skip
    assert len(await desk.store.tokens.all()) == 3


async def test_he_chooses_his_password_by_a_link(desk, mailbox):
    driver = await desk.registrar.register(registration())
    await desk.proving.forgotten("ada@example.org")

    await desk.proving.reset(mailbox.link(), NEW, NEW)

    assert (await desk.proving.log_in("ada@example.org", NEW, DEVICE)).driver_id == driver.id


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"customer_id": "c-1"}, "$.customer_id"),
        ({"phones": ["0039 333 1234567"]}, "$.phones[0]"),
        ({"cards": [Card(uid="04:a1:b2:c3")]}, "$.cards[0].uid"),
        ({"email": "ADA@example.org"}, "$.email"),
    ],
)
async def test_a_customer_id_phone_card_or_address_that_another_has_is_refused(desk, change, path):
    """X-58, SGEM-4.2-02."""
    await desk.registrar.register(registration())
    other = {"customer_id": "C-2", "email": "bob@example.org", "cards": [], "phones": []}

    faults = await faults_of(desk.registrar.register(registration(**other | change)))

    assert set(faults) == {path}
    assert len(await drivers(desk)) == 1 and len(await desk.store.tokens.all()) == 3


async def test_of_many_that_race_for_a_customer_id_exactly_one_gets_it(desk):
    forms = [registration(email=None, cards=[], phones=[]) for _ in range(4)]

    results = await asyncio.gather(*(desk.registrar.register(each) for each in forms), return_exceptions=True)

    assert sorted(isinstance(each, Invalid) for each in results) == [False, True, True, True]


async def test_many_are_registered_from_a_csv_and_each_line_is_told_what_became_of_it(desk):
    """SGEM-4.2-01, SGEM-4.2-05."""
    report = await desk.registrar.register_all(
        table(
            "C-1,Ada,Lovelace,ada@example.org,04A1B2C3 04A1B2C4,+39 333 1;+393331234567",
            "C-2,Bob,,no address,!,",
            "C-3,Cy,Young,,04A1B2C3,+393331234568",
            "C-4,Dee,Dee,,04A1B2C3,",
            "c-3,Eve,Moor,,,",
        )
    )

    assert [(each.number, each.driver_id is not None, each.faults) for each in report.lines] == [
        (2, False, ["phones[0]: must be a phone number with its country code, such as +39 02 1234567"]),
        (3, False, ["surname: required", "email: must be an e-mail address", "cards: ! is no uid"]),
        (4, True, []),
        (5, False, ["cards[0].uid: this card is somebody's already"]),
        (6, False, ["customer_id: another driver has this customer id"]),
    ]
    assert (report.registered, report.refused) == (1, 4)


async def test_the_same_file_again_registers_nobody_twice(desk):
    file = table(*(f"C-{number},Name,Surname,,," for number in range(20)))
    first = await desk.registrar.register_all(file)

    second = await desk.registrar.register_all(file)

    assert (first.registered, second.registered, second.refused) == (20, 0, 20)
    assert len(await drivers(desk)) == 20


@pytest.mark.parametrize(
    "file",
    [b"", b"\xff\xfe", table(head="customer_id,name"), table(head="customer_id,name,surname,shoe_size"),
     table('C-1,"Ada,Lovelace')],
)  # fmt: skip
async def test_what_is_no_such_csv_is_refused_whole(desk, file):
    assert set(await faults_of(desk.registrar.register_all(file))) == {"$"}


async def test_a_line_with_more_cells_than_columns_is_refused(desk):
    report = await desk.registrar.register_all(table("C-1,Ada,Lovelace,,,,surplus"))

    assert report.lines[0].faults == ["$: has more cells than the first line"]


async def verdict(emsp, uid="04A1B2C3"):
    return (await emsp(ask(tokens.authorize, sender=CPO, token_uid=uid, query="type=RFID"))).value["allowed"]


async def test_a_blocked_driver_charges_nowhere_and_may_look_at_his_account(emsp, desk, mailbox):
    driver = await desk.registrar.register(registration())
    await desk.proving.forgotten("ada@example.org")
    await desk.proving.reset(mailbox.link(), NEW, NEW)

    await desk.registrar.block(driver.id, "Please pay your last bill.")

    assert await verdict(emsp) == "BLOCKED"
    assert [each["valid"] for each in await desk.store.tokens.all()] == [False] * 3
    made = await desk.proving.log_in("ada@example.org", NEW, DEVICE)
    assert await desk.logins.principal(made.token) is not None
    await desk.registrar.unblock(driver.id)
    assert await verdict(emsp) == "ALLOWED"


async def test_a_contract_ends_on_its_day(emsp, desk, clock):
    driver = await desk.registrar.register(registration())
    await desk.registrar.change(driver.id, driver_class="fleet", ends_at=clock.now())

    assert await verdict(emsp) == "EXPIRED"
    assert (await desk.people.get(driver.id)).driver_class == "fleet"


async def test_who_is_taken_off_has_no_valid_token_and_no_log_in_and_his_numbers_are_free(emsp, desk):
    """SGEM-4.2-06."""
    driver = await desk.registrar.register(registration())

    await desk.registrar.deregister(driver.id)

    assert await verdict(emsp) == "BLOCKED"
    assert [each["valid"] for each in await desk.store.tokens.all()] == [False] * 3
    assert (await desk.registrar.register(registration(cards=[]))).id != driver.id
    for again in (desk.registrar.deregister, desk.registrar.block, desk.registrar.unblock):
        with pytest.raises(NotFound):
            await again(driver.id)


async def test_drivers_are_listed_by_what_is_known_of_them(desk):
    for number in range(3):
        await desk.registrar.register(registration(customer_id=f"C-{number}", email=None, cards=[], phones=[]))

    first = await desk.people.page(DriverQuery(limit=2))
    second = await desk.people.page(DriverQuery(limit=2, cursor=first.next))
    one = await desk.people.page(DriverQuery(customer_id="c-1"))

    assert len(first.items) == 2 and len(second.items) == 1 and second.next is None
    assert [each.customer_id for each in one.items] == ["C-1"]
