"""Logging in and out, forgotten passwords, changed addresses (RASD-UC02)."""

import datetime

import pytest

from hub.api.problems import Forbidden, NotFound, TooManyRequests, Unauthorized
from tests.emsp.drivers.conftest import DEVICE, PASSWORD, desk_of, faults_of, form, joined, person, vehicle

NEW = "another good password"


async def log_in(desk, email="ada@example.org", password=PASSWORD):
    return await desk.proving.log_in(email, password, DEVICE)


async def test_a_driver_logs_in_is_known_by_his_token_and_logs_out(desk, ada):
    """RASD-R2."""
    made = await log_in(desk, "Ada@Example.ORG")

    who = await desk.logins.principal(made.token)
    assert (who.kind, who.id, who.name) == ("driver", ada.id, "Ada Lovelace")

    await desk.logins.end(ada.id, who.login_id)
    assert await desk.logins.principal(made.token) is None


async def test_a_wrong_password_is_said_to_be_wrong_and_nobody_is_logged_in(desk, ada):
    """X-05."""
    assert set(await faults_of(log_in(desk, password="wrong"))) == {"$.password"}
    assert await desk.logins.of_driver(ada.id) == []


async def test_an_unknown_address_is_said_to_be_unknown(desk, ada):
    """X-06."""
    assert set(await faults_of(log_in(desk, "nobody@example.org"))) == {"$.email"}


async def test_where_no_hints_are_given_both_are_refused_in_the_same_words(emsp, mailbox, purse, clock):
    desk = desk_of(emsp, mailbox, purse, clock, hints=False)
    await joined(desk, mailbox)
    words = []

    for email, password in (("nobody@example.org", PASSWORD), ("ada@example.org", "wrong")):
        with pytest.raises(Unauthorized) as refused:
            await log_in(desk, email, password)
        words.append((str(refused.value), refused.value.faults))

    assert words[0] == words[1] == ("E-mail address or password is wrong", ())


async def test_an_address_that_is_not_confirmed_does_not_log_in(desk):
    await desk.signing_up.sign_up(form())

    with pytest.raises(Forbidden, match="not confirmed"):
        await log_in(desk)


async def test_guessing_is_stopped_even_where_the_next_guess_is_right(desk, ada, clock):
    for _ in range(10):
        await faults_of(log_in(desk, password="wrong"))

    with pytest.raises(TooManyRequests) as refused:
        await log_in(desk)

    assert int(refused.value.headers["Retry-After"]) == 900
    await clock.advance(900)
    assert (await log_in(desk)).driver_id == ada.id


async def test_devices_are_listed_and_each_can_be_logged_out_by_its_own_driver_alone(desk, ada):
    first, second = await log_in(desk), await log_in(desk)
    current = (await desk.logins.principal(second.token)).login_id

    listed = await desk.logins.of_driver(ada.id, current)
    assert [(each.agent, each.current) for each in listed] in [
        [("test", False), ("test", True)], [("test", True), ("test", False)]
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await desk.logins.end("somebody else", current)
    await desk.logins.end(ada.id, current)

    assert await desk.logins.principal(second.token) is None
    assert await desk.logins.principal(first.token) is not None


async def test_logging_out_everywhere_ends_every_log_in(desk, ada):
    made = [await log_in(desk) for _ in range(3)]

    await desk.logins.end_all(ada.id)

    assert [await desk.logins.principal(each.token) for each in made] == [None] * 3


async def test_a_log_in_ends_unused_after_a_month_and_used_after_three(desk, ada, clock):
    unused, used = await log_in(desk), await log_in(desk)
    for _ in range(3):
        await clock.advance(datetime.timedelta(days=29).total_seconds())
        assert await desk.logins.principal(used.token) is not None

    assert await desk.logins.principal(unused.token) is None
    await clock.advance(datetime.timedelta(days=3, seconds=1).total_seconds())
    assert await desk.logins.principal(used.token) is None


@pytest.mark.parametrize("token", ["", "edl_", "eml_abc", "edl_" + "x" * 43])
async def test_a_token_nobody_was_given_is_nobodys(desk, token):
    assert await desk.logins.principal(token) is None


async def test_tokens_and_links_are_not_in_the_store(desk, mailbox, ada):
    made = await log_in(desk)
    await desk.proving.forgotten("ada@example.org")

    rows = await desk.store.database.fetch("SELECT token_hash FROM emsp_driver_login")
    rows += await desk.store.database.fetch("SELECT token_hash FROM emsp_letter")

    kept = {row[0] for row in rows}
    assert len(kept) == 2 and not kept & {made.token, mailbox.link()}


async def test_a_forgotten_password_is_replaced_by_link_and_every_log_in_ends(desk, mailbox, ada):
    before = await log_in(desk)
    await desk.proving.forgotten("ada@example.org")

    await desk.proving.reset(mailbox.link(), NEW, NEW)

    assert await desk.logins.principal(before.token) is None
    assert set(await faults_of(log_in(desk))) == {"$.password"}
    assert (await log_in(desk, password=NEW)).driver_id == ada.id
    assert set(await faults_of(desk.proving.reset(mailbox.link(), NEW, NEW))) == {"$.token"}


async def test_a_link_to_a_new_password_works_for_an_hour(desk, mailbox, ada, clock):
    await desk.proving.forgotten("ada@example.org")
    await clock.advance(3600)

    assert set(await faults_of(desk.proving.reset(mailbox.link(), NEW, NEW))) == {"$.token"}


async def test_a_link_of_one_purpose_does_not_serve_another(desk, mailbox, ada):
    await desk.proving.forgotten("ada@example.org")

    assert set(await faults_of(desk.proving.change_email(mailbox.link()))) == {"$.token"}


async def test_nobody_learns_from_a_forgotten_password_whether_an_address_has_an_account(desk, mailbox, ada):
    sent = len(mailbox.letters)

    await desk.proving.forgotten("nobody@example.org")

    assert len(mailbox.letters) == sent


async def test_a_mailbox_is_not_flooded(desk, ada):
    for _ in range(10):
        await desk.proving.forgotten("ada@example.org")

    with pytest.raises(TooManyRequests):
        await desk.proving.forgotten("ada@example.org")


async def test_changing_the_password_asks_for_the_old_one_and_ends_the_other_log_ins(desk, ada):
    here, there = await log_in(desk), await log_in(desk)
    login_id = (await desk.logins.principal(here.token)).login_id
    change = desk.proving.change_password

    assert set(await faults_of(change(ada.id, "wrong", NEW, again=NEW, login_id=login_id))) == {"$.old"}
    assert set(await faults_of(change(ada.id, PASSWORD, NEW, again="x", login_id=login_id))) == {"$.new_again"}
    await change(ada.id, PASSWORD, NEW, again=NEW, login_id=login_id)

    assert await desk.logins.principal(here.token) is not None
    assert await desk.logins.principal(there.token) is None
    assert (await log_in(desk, password=NEW)).driver_id == ada.id


async def test_the_address_changes_once_the_new_one_is_confirmed_and_the_old_one_is_told(desk, mailbox, ada):
    """SGEM-4.2-07."""
    await desk.proving.ask_new_email(ada.id, "countess@example.org", PASSWORD)
    assert mailbox.letters[-1].to == "countess@example.org"
    assert (await log_in(desk)).driver_id == ada.id

    changed = await desk.proving.change_email(mailbox.link())

    assert changed.email == "countess@example.org" and mailbox.letters[-1].to == "ada@example.org"
    assert (await log_in(desk, "countess@example.org")).driver_id == ada.id
    assert set(await faults_of(log_in(desk))) == {"$.email"}


async def test_an_address_somebody_has_is_not_given_to_another(desk, mailbox, ada):
    bob = await joined(desk, mailbox, person=person(email="bob@example.org"), vehicle=vehicle("AA 111 AA"))
    await desk.proving.ask_new_email(bob.id, "new@example.org", PASSWORD)
    link = mailbox.link()
    await desk.proving.ask_new_email(ada.id, "new@example.org", PASSWORD)
    await desk.proving.change_email(mailbox.link())

    assert set(await faults_of(desk.proving.change_email(link))) == {"$.email"}
    assert set(await faults_of(desk.proving.ask_new_email(bob.id, "NEW@example.org", PASSWORD))) == {"$.email"}
