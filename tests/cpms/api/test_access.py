"""Log-in, tokens, step-up, keys: who may use the operator API.

RASD-F14, RASD-R16, RASD-UC12, DD-R5, DD-F1, DD-C-AUTH.
"""

import asyncio

import pytest

from hub.cpms.api.scopes import ROLES, Scope
from tests.cpms.api.conftest import ALL_ROLES, PASSWORD, Caller, House


async def test_a_manager_logs_in_and_is_who_he_is(house: House) -> None:
    """RASD-R16, RASD-UC12, DD-R5, DD-F1."""
    await house.insert("Boss@CPO.test", "operator")

    made = await house.stranger().post("/login", {"email": "boss@cpo.TEST", "password": PASSWORD})

    me = await Caller(house.api, made["token"]).get("/me")
    assert (me["kind"], me["name"], me["role"]) == ("account", "Boss@CPO.test", "operator")
    assert set(me["scopes"]) == ROLES["operator"]


async def test_a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words(house: House) -> None:
    """X-30: no hint which of the two was wrong."""
    await house.insert("boss@cpo.test", "admin")

    wrong = await house.stranger().ask("POST", "/login", json={"email": "boss@cpo.test", "password": "x"})
    unknown = await house.stranger().ask("POST", "/login", json={"email": "none@cpo.test", "password": "x"})

    told = [{**each.json(), "request_id": ""} for each in (wrong, unknown)]
    assert wrong.status_code == unknown.status_code == 401
    assert told[0] == told[1]


async def test_every_missing_field_of_a_log_in_is_named(house: House) -> None:
    """X-29."""
    answer = await house.stranger().ask("POST", "/login", json={})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"path": "$.email", "rule": "required"},
        {"path": "$.password", "rule": "required"},
    ]


async def test_guessing_a_password_is_stopped_even_where_the_next_guess_is_right(house: House) -> None:
    await house.insert("boss@cpo.test", "admin")
    for _ in range(10):
        await house.stranger().ask("POST", "/login", json={"email": "boss@cpo.test", "password": "x"})

    stopped = await house.stranger().ask("POST", "/login", json={"email": "boss@cpo.test", "password": PASSWORD})
    await house.clock.advance(15 * 60)
    later = await house.stranger().ask("POST", "/login", json={"email": "boss@cpo.test", "password": PASSWORD})

    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "900")
    assert later.status_code == 201


async def test_guessing_many_accounts_from_one_address_is_stopped(house: House) -> None:
    for number in range(50):
        await house.stranger().ask("POST", "/login", json={"email": f"{number}@cpo.test", "password": "x"})

    answer = await house.stranger().ask("POST", "/login", json={"email": "new@cpo.test", "password": "x"})

    assert answer.status_code == 429


async def test_a_log_in_ends_when_it_is_not_used_and_when_its_time_is_over(house: House) -> None:
    idle, used = await house.staff("viewer"), await house.staff("viewer")

    for _ in range(11):
        await house.clock.advance(59 * 60)
        assert (await used.ask("GET", "/me")).status_code == 200
    assert (await idle.ask("GET", "/me")).status_code == 401
    await house.clock.advance(59 * 60)
    await house.clock.advance(59 * 60)

    assert (await used.ask("GET", "/me")).status_code == 401


async def test_whoever_logs_out_is_out_and_his_other_devices_stay(house: House) -> None:
    one, other = await house.staff("viewer"), await house.staff("viewer")

    assert (await one.ask("POST", "/logout")).status_code == 204

    assert (await one.ask("GET", "/me")).status_code == 401
    assert [each["current"] for each in await other.get("/me/logins")] == [True]


async def test_a_staff_member_ends_a_log_in_of_his_own_and_of_nobody_else(house: House) -> None:
    viewer, operator = await house.staff("viewer"), await house.staff("operator")
    (theirs,) = await operator.get("/me/logins")

    refused = await viewer.ask("DELETE", f"/me/logins/{theirs['id']}")
    done = await operator.ask("DELETE", f"/me/logins/{theirs['id']}")

    assert (refused.status_code, done.status_code) == (404, 204)
    assert (await operator.ask("GET", "/me")).status_code == 401


async def test_a_new_password_ends_every_other_log_in(house: House) -> None:
    one, other = await house.staff("viewer"), await house.staff("viewer")
    change = {"old": PASSWORD, "new": "another long password"}

    assert (await one.ask("PUT", "/me/password", json=change)).status_code == 204

    assert (await one.ask("GET", "/me")).status_code == 200
    assert (await other.ask("GET", "/me")).status_code == 401
    old = {"email": "viewer@cpo.test", "password": PASSWORD}
    assert (await house.stranger().ask("POST", "/login", json=old)).status_code == 401
    await house.stranger().post("/login", old | {"password": change["new"]})


async def test_a_password_is_changed_by_whoever_knows_the_old_one_and_a_short_one_is_refused(house: House) -> None:
    viewer = await house.staff("viewer")

    wrong = await viewer.ask("PUT", "/me/password", json={"old": "wrong", "new": "another long password"})
    short = await viewer.ask("PUT", "/me/password", json={"old": PASSWORD, "new": "short"})

    assert wrong.status_code == 403
    assert short.json()["errors"] == [{"path": "$.new", "rule": "is shorter than 12 characters"}]
    assert "short" not in short.text.replace("shorter", "")


async def test_what_is_dangerous_asks_for_the_password_again_for_five_minutes(house: House) -> None:
    admin = await house.staff("admin")
    new = {"email": "new@cpo.test", "name": "New", "role": "viewer", "password": PASSWORD}

    without = await admin.ask("POST", "/accounts", json=new)
    given = await admin.post("/me/step-up", {"password": PASSWORD})
    stepped = Caller(house.api, admin.token, given["token"])
    await stepped.post("/accounts", new)
    await house.clock.advance(5 * 60)
    late = await stepped.ask("POST", "/accounts", json=new | {"email": "late@cpo.test"})

    assert (without.status_code, without.json()["type"]) == (403, "/cpms/api/v1/problems/step-up-required")
    assert late.json()["type"] == "/cpms/api/v1/problems/step-up-required"


async def test_a_step_up_is_good_for_its_own_log_in_only(house: House) -> None:
    stepped, other = await house.staff("admin", stepped_up=True), await house.staff("admin")
    borrowed = Caller(house.api, other.token, str(stepped.http.headers["x-step-up"]))

    answer = await borrowed.ask("POST", "/accounts", json={})

    assert answer.json()["type"].endswith("step-up-required")


async def test_nobody_signs_up_and_staff_is_inserted_and_removed_by_administrators_alone(house: House) -> None:
    """RASD-F14."""
    new = {"email": "new@cpo.test", "name": "New", "role": "viewer", "password": PASSWORD}
    admin = await house.staff("admin", stepped_up=True)

    refused = {role: await (await house.staff(role)).ask("POST", "/accounts", json=new) for role in ALL_ROLES[1:]}
    stranger = await house.stranger().ask("POST", "/accounts", json=new)
    made = await admin.post("/accounts", new)
    token = (await house.stranger().post("/login", {"email": "new@cpo.test", "password": PASSWORD}))["token"]
    removed = await admin.ask("DELETE", f"/accounts/{made['id']}")

    assert {each.status_code for each in refused.values()} == {403}
    assert stranger.status_code == 401
    assert removed.status_code == 204
    assert (await Caller(house.api, token).ask("GET", "/me")).status_code == 401


async def test_an_address_has_one_account_however_it_is_written(house: House, admin: Caller) -> None:
    new = {"email": "New@cpo.test", "name": "New", "role": "viewer", "password": PASSWORD}
    await admin.post("/accounts", new)

    answer = await admin.ask("POST", "/accounts", json=new | {"email": "nEW@CPO.test"})

    assert answer.status_code == 409


async def test_of_two_who_insert_the_same_address_at_once_one_succeeds(house: House, admin: Caller) -> None:
    new = {"email": "new@cpo.test", "name": "New", "role": "viewer", "password": PASSWORD}

    answers = await asyncio.gather(*(admin.ask("POST", "/accounts", json=new) for _ in range(4)))

    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]


async def test_the_last_administrator_stays_even_when_two_remove_each_other_at_once(house: House) -> None:
    one = await house.staff("admin", stepped_up=True)
    other = await house.insert("other@cpo.test", "admin")
    (me,) = [each["id"] for each in (await one.get("/accounts"))["items"] if each["id"] != other]

    answers = await asyncio.gather(*(one.ask("DELETE", f"/accounts/{each}") for each in (me, other)))
    left = await house.database.fetch("SELECT count(*) FROM cpms_account WHERE role = 'admin'")

    assert sorted(each.status_code for each in answers)[0] == 204
    assert left[0][0] == 1


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"active": False}])
async def test_the_last_administrator_cannot_lose_his_power(
    house: House, admin: Caller, change: dict[str, object]
) -> None:
    (me,) = (await admin.get("/accounts"))["items"]

    answer = await admin.ask("PATCH", f"/accounts/{me['id']}", json=change)

    assert answer.status_code == 409
    assert (await admin.get(f"/accounts/{me['id']}"))["role"] == "admin"


async def test_another_role_counts_at_once_and_ends_log_ins(house: House, admin: Caller) -> None:
    viewer = await house.staff("viewer")
    who = (await viewer.get("/me"))["id"]

    changed = await admin.ask("PATCH", f"/accounts/{who}", json={"role": "finance"})

    assert changed.json()["role"] == "finance"
    assert (await viewer.ask("GET", "/me")).status_code == 401


async def test_a_change_of_what_has_changed_meanwhile_is_refused(house: House, admin: Caller) -> None:
    who = await house.insert("v@cpo.test", "viewer")
    tag = (await admin.ask("GET", f"/accounts/{who}")).headers["etag"]
    first = await admin.ask("PATCH", f"/accounts/{who}", json={"name": "First"}, headers={"If-Match": tag})

    second = await admin.ask("PATCH", f"/accounts/{who}", json={"name": "Second"}, headers={"If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 412)
    assert (await admin.get(f"/accounts/{who}"))["name"] == "First"


async def test_a_key_may_what_its_scopes_say_until_it_is_revoked(house: House, admin: Caller) -> None:
    """RASD-N07, RASD-N19."""
    made = await admin.post("/keys", {"name": "erp", "scopes": ["accounts:read"]})
    machine = Caller(house.api, made["key"])

    allowed = await machine.ask("GET", "/accounts")
    refused = await machine.ask("GET", "/audit")
    await admin.ask("DELETE", f"/keys/{made['id']}")
    revoked = await machine.ask("GET", "/accounts")

    assert (allowed.status_code, refused.status_code, revoked.status_code) == (200, 403, 401)
    (listed,) = (await admin.get("/keys"))["items"]
    assert listed["used_at"] is not None and listed["revoked_at"] is not None
    assert made["key"] not in str(listed)


async def test_a_key_ends_when_it_was_to_end(house: House, admin: Caller) -> None:
    ends = house.clock.now().replace(minute=30).isoformat()
    made = await admin.post("/keys", {"name": "erp", "scopes": ["accounts:read"], "expires_at": ends})
    machine = Caller(house.api, made["key"])

    before = await machine.ask("GET", "/accounts")
    await house.clock.advance(30 * 60)
    after = await machine.ask("GET", "/accounts")

    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_key_gives_no_scope_its_maker_has_not(house: House) -> None:
    maker = await house.key(Scope.KEYS_WRITE, Scope.STATIONS_READ)

    refused = await maker.ask("POST", "/keys", json={"name": "x", "scopes": ["accounts:write"]})
    made = await maker.ask("POST", "/keys", json={"name": "x", "scopes": ["stations:read"]})

    assert (refused.status_code, made.status_code) == (403, 201)


async def test_a_key_has_no_password_and_no_log_ins(house: House) -> None:
    machine = await house.key(Scope.ACCOUNTS_READ)

    answers = [
        await machine.ask("POST", "/logout"),
        await machine.ask("GET", "/me/logins"),
        await machine.ask("POST", "/me/step-up", json={"password": PASSWORD}),
        await machine.ask("PUT", "/me/password", json={"old": PASSWORD, "new": "another long password"}),
    ]

    assert [each.status_code for each in answers] == [403] * 4


async def test_nothing_that_opens_a_door_is_kept_in_the_clear(house: House, admin: Caller) -> None:
    made = await admin.post("/keys", {"name": "erp", "scopes": ["accounts:read"]})
    secrets = [PASSWORD, made["key"], admin.token, str(admin.http.headers["x-step-up"])]

    kept = [
        repr(row)
        for table in ("cpms_account", "cpms_login", "cpms_key", "cpms_audit")
        for row in await house.database.fetch(f"SELECT * FROM {table}")
    ]

    assert kept
    assert [each for each in secrets if any(each in row for row in kept)] == []
