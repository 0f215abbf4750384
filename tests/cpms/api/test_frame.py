"""The way of every request: who may, what is refused and how, in JSON and CSV (RASD-N07, RASD-N19, DD-C-AUTH)."""

import csv
import io
import json
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from hub.api.answers import entity_tag
from hub.api.declaring import Call, route
from hub.api.principals import Principal
from hub.api.problems import Conflict
from hub.api.realms import Access
from hub.api.shapes import ListQuery, Name, Page, Shape, cursor_number, within
from hub.cpms.api.scopes import ROLES, Scope
from hub.database import Database
from tests.clocks import ManualClock
from tests.cpms.api.conftest import ALL_ROLES, Caller, House, Rooms


class Part(Shape, frozen=True, kw_only=True):
    """A part."""

    amount: Annotated[Decimal, within(0, 100)]


class Thing(Shape, frozen=True, kw_only=True):
    """A thing."""

    name: Name
    count: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    parts: list[Part] = msgspec.field(default_factory=list)
    note: str | None = None


class ThingRoutes:
    """Things that are kept in a list, to see what a request does."""

    tag = "things"

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.fail: Exception | None = None

    @route("GET", "/things", scope=Scope.STATIONS_READ)
    async def list_things(self, call: Call, query: ListQuery) -> Page[Thing]:
        """List them."""
        start = cursor_number(query) or 0
        end = start + query.limit
        return Page(items=self.things[start:end], next=str(end) if end < len(self.things) else None)

    @route("POST", "/things", scope=Scope.STATIONS_WRITE, status=201, max_body=2000)
    async def create_thing(self, call: Call, body: Thing) -> Thing:
        """Make one."""
        if self.fail:
            raise self.fail
        self.things.append(body)
        return body

    @route("GET", "/things/{name}", scope=Scope.STATIONS_READ)
    async def get_thing(self, call: Call, name: str) -> Thing:
        """Show one."""
        return Thing(name=name)

    @route("GET", "/things/first", scope=Scope.STATIONS_READ)
    async def get_first(self, call: Call) -> Thing:
        """Show the first."""
        return Thing(name="the first")

    @route("PUT", "/things", scope=Scope.STATIONS_WRITE, consumes=("text/csv",))
    async def put_things(self, call: Call, body: bytes) -> None:
        """Take a file."""
        self.things = [Thing(name=line) for line in body.decode().split()]


@pytest.fixture
def things() -> ThingRoutes:
    return ThingRoutes()


@pytest.fixture
async def shop(database: Database, clock: ManualClock, things: ThingRoutes) -> House:
    return House(database, clock, (things,))


@pytest.fixture
async def owner(shop: House) -> Caller:
    return await shop.key(*Scope)


# -- who may -------------------------------------------------------------------------------------------------------


async def test_every_route_refuses_strangers_and_every_role_without_its_scope(
    database: Database, clock: ManualClock
) -> None:
    """Generated from the declarations: RASD-F14, RASD-N19, DD-C-AUTH."""
    house = House(database, clock, Rooms(database).routes)
    callers = {role: await house.staff(role, stepped_up=True) for role in ALL_ROLES}
    tried = 0
    for operation in house.api.operations:
        access, method = operation.declared.access, operation.declared.method
        path = "/" + "/".join("x" if each.startswith("{") else each for each in operation.segments)
        if access is Access.PUBLIC:
            continue
        stranger = await house.stranger().ask(method, path)
        assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Bearer"), operation.name
        if access is Access.SIGNED_IN:
            continue
        for role, caller in callers.items():
            if access not in ROLES[role]:
                answer = await caller.ask(method, path)
                assert (answer.status_code, answer.json()["scope"]) == (403, access), (operation.name, role)
                tried += 1
        keyed = await house.key(*(each for each in Scope if each != access))
        assert (await keyed.ask(method, path)).status_code == 403, operation.name
    assert tried > 60


def test_every_role_has_what_the_table_says_and_no_scope_is_nobodys() -> None:
    assert ROLES["admin"] == set(Scope)
    assert not any(each.endswith((":write", ":control", ":raw")) for each in ROLES["viewer"])
    assert Scope.TARIFFS_WRITE in ROLES["finance"] and Scope.TARIFFS_WRITE not in ROLES["operator"]
    assert Scope.STATIONS_CONTROL in ROLES["operator"] and Scope.STATIONS_CONTROL not in ROLES["finance"]
    assert all(Scope.ACCOUNTS_WRITE not in ROLES[role] for role in ALL_ROLES[1:])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer eml_x", "Token emk_x"])
async def test_what_is_no_token_opens_nothing(house: House, header: str) -> None:
    answer = await house.stranger().ask("GET", "/accounts", headers={"Authorization": header})

    assert answer.status_code == 401


async def test_strangers_learn_nothing_of_what_paths_there_are(house: House) -> None:
    answers = [await house.stranger().ask(method, "/nowhere") for method in ("GET", "OPTIONS", "BREW")]

    assert [each.status_code for each in answers] == [401, 401, 401]


def test_nobody_may_what_asks_for_a_token() -> None:
    assert not Principal(kind="nobody", id="", name="").may(Access.SIGNED_IN)


# -- methods and paths ---------------------------------------------------------------------------------------------


async def test_unknown_paths_and_methods_are_refused_as_problems(owner: Caller) -> None:
    nowhere = await owner.ask("GET", "/nowhere")
    method = await owner.ask("DELETE", "/things")

    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "application/problem+json")
    assert (method.status_code, method.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST, PUT")
    assert method.json()["type"] == "/cpms/api/v1/problems/method-not-allowed"


async def test_head_is_get_without_its_body_and_options_names_the_methods(owner: Caller) -> None:
    get, head = await owner.ask("GET", "/things"), await owner.ask("HEAD", "/things")
    options = await owner.ask("OPTIONS", "/things")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST, PUT")


async def test_a_fixed_segment_goes_before_a_parameter_and_an_id_may_hold_a_slash(owner: Caller) -> None:
    assert (await owner.get("/things/first"))["name"] == "the first"
    assert (await owner.get("/things/NL%2FABC%20%C3%9F"))["name"] == "NL/ABC ß"


@pytest.mark.parametrize("path", ["/things/%00", "/things/%ff", "/things//", "//things"])
async def test_a_path_that_no_store_could_keep_leads_nowhere(owner: Caller, path: str) -> None:
    assert (await owner.ask("GET", path)).status_code in (404, 200)


# -- bodies and queries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("$.name", "required")]),
        ({"name": "a" * 101}, [("$.name", "is longer than 100 characters")]),
        ({"name": "a\tb"}, [("$.name", "must be one line of text without control characters")]),
        ({"name": "a", "colour": 1}, [("$.colour", "unknown")]),
        ({"name": "a", "count": 10}, [("$.count", "is greater than the maximum of 9")]),
        ({"name": "a", "count": "1"}, [("$.count", 'must be of type "integer"')]),
        (
            {"name": "a", "parts": [{"amount": 1}, {"amount": -1}]},
            [("$.parts[1].amount", "is less than the minimum of 0")],
        ),
        ({"name": "a", "note": 1}, [("$.note", 'must be of types "null", "string"')]),
        ({"name": "a", "note": "\0"}, [("$.note", "must not contain U+0000")]),
        ({"count": -1, "parts": 1}, [("$.name", "required"), ("$.count", ""), ("$.parts", "")]),
        ([], [("$", 'must be of type "object"')]),
    ],
)
async def test_every_fault_of_a_body_is_told_with_path_and_rule_and_nothing_is_done(
    owner: Caller, things: ThingRoutes, body: Any, errors: list[tuple[str, str]]
) -> None:
    answer = await owner.ask("POST", "/things", json=body)

    told = [(each["path"], each["rule"]) for each in answer.json()["errors"]]
    assert answer.status_code == 422
    assert sorted(path for path, _ in told) == sorted(path for path, _ in errors)
    assert all(rule in dict(told)[path] for path, rule in errors), told
    assert things.things == []


@pytest.mark.parametrize("text", [b"", b"{", b"nan", b'"\xff"', b"[" * 200_000, b'{"name":"a"} x'])
async def test_what_is_no_json_is_malformed(owner: Caller, text: bytes) -> None:
    answer = await owner.ask("POST", "/things", content=text[:2000], headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (400, "/cpms/api/v1/problems/malformed")


async def test_a_name_that_stands_twice_is_refused(owner: Caller) -> None:
    text = b'{"name":"a","name":"b"}'

    answer = await owner.ask("POST", "/things", content=text, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "$.name")


async def test_a_body_of_another_kind_or_too_large_is_refused(owner: Caller, things: ThingRoutes) -> None:
    form = await owner.ask("POST", "/things", data={"name": "a"})
    packed = await owner.ask("POST", "/things", json={"name": "a"}, headers={"Content-Encoding": "gzip"})
    large = await owner.ask("POST", "/things", json={"name": "a" * 3000})

    async def chunks() -> Any:
        for _ in range(3):
            yield b" " * 1000

    streamed = await owner.ask("POST", "/things", content=chunks(), headers={"Content-Type": "application/json"})

    assert [each.status_code for each in (form, packed, large, streamed)] == [415, 415, 413, 413]
    assert form.headers["accept-post"] == "application/json"
    assert things.things == []


async def test_a_file_is_taken_as_it_is_where_it_was_declared(owner: Caller, things: ThingRoutes) -> None:
    answer = await owner.ask("PUT", "/things", content=b"a b", headers={"Content-Type": "text/csv; charset=utf-8"})

    assert answer.status_code == 204
    assert [each.name for each in things.things] == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "query.limit"), ("limit=1001", "query.limit"), ("limit=x", "query.limit"),
        ("limit=1&limit=2", "query.limit"), ("colour=1", "query.colour"), ("cursor=", "query.cursor"),
        ("cursor=x", "query.cursor"), ("cursor=%00", "query.cursor"), ("format=xml", "query.format"),
    ],
)  # fmt: skip
async def test_every_fault_of_a_query_is_told_with_its_path(owner: Caller, query: str, path: str) -> None:
    answer = await owner.ask("GET", f"/things?{query}")

    assert (answer.status_code, [each["path"] for each in answer.json()["errors"]]) == (422, [path])


async def test_a_query_where_none_is_declared_is_refused(owner: Caller) -> None:
    assert (await owner.ask("GET", "/things/x?limit=1")).json()["errors"] == [
        {"path": "query.limit", "rule": "unknown"}
    ]


# -- answers -------------------------------------------------------------------------------------------------------


async def test_a_list_is_read_page_by_page_with_its_links(owner: Caller, things: ThingRoutes) -> None:
    things.things = [Thing(name=str(number)) for number in range(5)]
    found, url = [], "/things?limit=2"
    while url:
        answer = await owner.ask("GET", url)
        found += [each["name"] for each in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url", "")

    assert found == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("asked", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
async def test_a_list_as_csv_is_whole_and_holds_no_formulas(owner: Caller, things: ThingRoutes, asked: Any) -> None:
    names = ["=1+1", "+1", "-1", "@x", "a,b", 'say "a"'] + [str(number) for number in range(200)]
    things.things = [Thing(name=name, parts=[Part(amount=Decimal("1.50"))]) for name in names]

    answer = await owner.ask("GET", "/things", **asked)

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="things.csv"'
    assert [each["name"] for each in rows[:6]] == ["'=1+1", "'+1", "'-1", "'@x", "a,b", 'say "a"']
    assert (len(rows), rows[0]["count"], rows[0]["note"]) == (206, "0", "")
    assert json.loads(rows[0]["parts"]) == [{"amount": 1.50}]


async def test_a_page_as_csv_is_a_page(owner: Caller, things: ThingRoutes) -> None:
    things.things = [Thing(name=str(number)) for number in range(5)]

    answer = await owner.ask("GET", "/things?format=csv&limit=2")

    assert answer.text == "name,count,parts,note\r\n0,0,[],\r\n1,0,[],\r\n"
    assert 'rel="next"' in answer.headers["link"]


async def test_what_has_not_changed_is_not_sent_again(owner: Caller) -> None:
    first = await owner.ask("GET", "/things/a")

    again = await owner.ask("GET", "/things/a", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["etag"] == entity_tag(Thing(name="a"))


async def test_amounts_are_exact(owner: Caller) -> None:
    text = b'{"name":"a","parts":[{"amount":0.10000000000000000001}]}'

    answer = await owner.ask("POST", "/things", content=text, headers={"Content-Type": "application/json"})

    assert b"0.10000000000000000001" in answer.content


async def test_a_request_keeps_its_id_and_is_named_in_its_problem(owner: Caller) -> None:
    given = await owner.ask("GET", "/nowhere", headers={"X-Request-ID": "r-1"})
    made = await owner.ask("GET", "/nowhere", headers={"X-Request-ID": "x" * 200})

    assert given.headers["x-request-id"] == given.json()["request_id"] == "r-1"
    assert len(made.headers["x-request-id"]) == 36


async def test_a_fault_of_ours_says_nothing_of_itself(
    owner: Caller, things: ThingRoutes, caplog: pytest.LogCaptureFixture
) -> None:
    things.fail = RuntimeError("the secret of the house")

    answer = await owner.ask("POST", "/things", json={"name": "a"})

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "the secret of the house" in caplog.text


# -- the audit log -------------------------------------------------------------------------------------------------


async def test_every_change_is_in_the_audit_log_whoever_made_the_route(owner: Caller, things: ThingRoutes) -> None:
    await owner.ask("POST", "/things", json={"name": "a"}, headers={"X-Request-ID": "r-1"})
    await owner.get("/things")
    things.fail = Conflict("no")
    await owner.ask("POST", "/things", json={"name": "b"})

    (entry,) = (await owner.get("/audit"))["items"]

    assert (entry["actor_kind"], entry["actor"], entry["action"]) == ("key", "machine", "create_thing")
    assert (entry["target"], entry["request_id"], entry["status"]) == ("/things", "r-1", 201)
    assert entry["after"]["name"] == "a"
    assert entry["at"].startswith("2026-01-01T12:00:00")


async def test_the_log_tells_from_what_to_what_and_no_secret(house: House, admin: Caller) -> None:
    who = await house.insert("v@cpo.test", "viewer")
    await admin.ask("PATCH", f"/accounts/{who}", json={"role": "finance"})
    await admin.ask("PUT", f"/accounts/{who}/password", json={"password": "a very new password"})

    entries = (await admin.get(f"/audit?target=/accounts/{who}"))["items"]
    whole = (await admin.ask("GET", "/audit")).text

    assert [(each["before"]["role"], each["after"]["role"]) for each in entries] == [("viewer", "finance")]
    assert "a very new password" not in whole
    assert {"log_in", "step_up", "change_account", "reset_password"} <= {
        each["action"] for each in (await admin.get("/audit"))["items"]
    }


async def test_the_log_is_filtered_and_read_as_csv(owner: Caller) -> None:
    for number in range(3):
        await owner.ask("POST", "/things", json={"name": str(number)}, headers={"X-Request-ID": f"r-{number}"})

    one = await owner.get("/audit?request_id=r-1")
    none = await owner.get("/audit?since=2026-02-01T00:00:00Z")
    as_csv = (await owner.ask("GET", "/audit?format=csv&action=create_thing")).text

    assert [each["after"]["name"] for each in one["items"]] == ["1"]
    assert none["items"] == []
    assert as_csv.count("\r\n") == 4


async def test_nobody_can_change_or_remove_what_the_log_tells(house: House) -> None:
    methods = {each.declared.method for each in house.api.operations if each.segments[0] == "audit"}

    assert methods == {"GET"}
