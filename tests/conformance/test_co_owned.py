"""Client Owned Objects: pushed by the party they belong to, under the URL that says so.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Client Owned Object Push, PUT, PATCH).
"""

from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import at, cdr, example, session, token, unique
from tests.conformance.test_br_broadcast import push
from tests.conformance.test_ga_get_all import of
from tests.parties import Answer, PartyPlatform

LATER = "2026-05-01T10:00:00Z"
MODULES = ("locations", "tariffs", "tokens", "sessions")


def example_of(module: str, owner: PartyPlatform, peer: PartyPlatform) -> tuple[Any, str]:
    """Return an object a party owns and its id in the URL."""
    identifier = unique("CO")
    if module == "tokens":
        return token(owner, uid=identifier), identifier
    if module == "sessions":
        return session(owner, peer, id=identifier), identifier
    name = {"locations": "Location.minimal", "tariffs": "Tariff.minimal"}[module]
    return example(name, owner, id=identifier), identifier


async def pair(module: str, join: Any) -> tuple[PartyPlatform, PartyPlatform]:
    """Return the party that owns a module's objects, and one that receives them."""
    cpo, emsp = await join("CPO"), await join("EMSP")
    return (emsp, cpo) if module == "tokens" else (cpo, emsp)


def pushes(platform: PartyPlatform) -> list[Any]:
    return [each for each in platform.inbox if each.method != "GET" and each.module != "hubclientinfo"]


@pytest.mark.checklist("CO-01", "CO-02", "CO-03")
@pytest.mark.parametrize("to", ["the hub", "a party"])
@pytest.mark.parametrize("module", MODULES)
async def test_url_and_object_say_the_same_owner_and_id_or_the_push_is_refused(module: str, to: str, join: Any) -> None:
    """An owner that is no party of the caller is refused too, however it is written."""
    owner, receiver = await pair(module, join)
    stranger = await join(owner.roles[0][0])
    receiving = HUB if to == "the hub" and module != "sessions" else receiver.party
    body, identifier = example_of(module, owner, receiver)
    foreign, theirs = example_of(module, stranger, receiver)
    name = "uid" if module == "tokens" else "id"

    answers = [
        await owner.put(module, at(owner, identifier), body | {"party_id": stranger.roles[0][2]}, to=receiving),
        await owner.put(module, at(owner, identifier), body | {"country_code": "BE"}, to=receiving),
        await owner.put(module, at(owner, identifier), body | {name: "OTHER"}, to=receiving),
        await owner.put(module, at(stranger, theirs), foreign, to=receiving),
        await owner.put(module, at(stranger, identifier), body, to=receiving),
        await (
            owner.delete(module, at(stranger, theirs), to=receiving)
            if module == "tariffs"
            else owner.patch(module, at(stranger, theirs), {"last_updated": LATER}, to=receiving)
        ),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(200, 2001)] * 6
    assert pushes(receiver) == []
    assert (await owner.put(module, at(owner, identifier), body, to=receiving)).code == 1000


@pytest.mark.checklist("CO-07")
@pytest.mark.parametrize("module", MODULES)
async def test_owner_and_id_are_compared_without_case_and_pass_as_they_are_written(module: str, join: Any) -> None:
    owner, receiver = await pair(module, join)
    body, identifier = example_of(module, owner, receiver)
    body |= {"country_code": "nl", "party_id": body["party_id"].lower()}
    path = at(owner, identifier.lower())

    answer = await owner.put(module, path, body, to=receiver.party)

    assert (answer.status, answer.code) == (201, 1000)
    assert [(each.tail, each.json) for each in pushes(receiver)] == [(path, body)]


REQUIRED = {
    "locations": ("id", "publish", "address", "city", "country", "coordinates", "time_zone", "last_updated"),
    "tariffs": ("id", "currency", "elements", "last_updated"),
    "tokens": ("uid", "type", "contract_id", "issuer", "valid", "whitelist", "last_updated"),
    "sessions": ("id", "start_date_time", "kwh", "cdr_token", "auth_method", "location_id", "currency", "status"),
}


@pytest.mark.checklist("CO-04", "CO-11")
@pytest.mark.parametrize("module", REQUIRED)
async def test_a_put_without_a_required_field_is_refused_naming_it(module: str, join: Any) -> None:
    owner, receiver = await pair(module, join)
    body, identifier = example_of(module, owner, receiver)

    for field in ("country_code", "party_id", *REQUIRED[module]):
        rest = {name: value for name, value in body.items() if name != field}
        for without in (rest, rest | {field: None}):
            answer = await owner.put(module, at(owner, identifier), without, to=receiver.party)
            assert (answer.status, answer.code) == (200, 2001), field
            assert field in answer.message

    assert pushes(receiver) == []


@pytest.mark.checklist("CO-04")
async def test_a_cdr_without_a_required_field_is_refused_naming_it(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    body = cdr(cpo, emsp)

    for field in set(body) - {"country_code", "party_id"}:
        answer = await cpo.post("cdrs", "", {k: v for k, v in body.items() if k != field}, to=emsp.party)
        assert (answer.status, answer.code) == (200, 2001), field
        assert field in answer.message

    assert pushes(emsp) == []


@pytest.mark.checklist("CO-05", "CO-10")
@pytest.mark.parametrize("to", ["the hub", "a party"])
@pytest.mark.parametrize("module", [each for each in MODULES if each != "tariffs"])  # Tariffs have no PATCH
async def test_a_patch_without_last_updated_is_2001(module: str, to: str, join: Any) -> None:
    owner, receiver = await pair(module, join)
    receiving = HUB if to == "the hub" and module != "sessions" else receiver.party
    body, identifier = example_of(module, owner, receiver)
    await owner.put(module, at(owner, identifier), body, to=receiving)
    change = {"valid": False} if module == "tokens" else {"name": "x"} if module == "locations" else {"kwh": 9}

    answer = await owner.patch(module, at(owner, identifier), change, to=receiving)

    assert (answer.status, answer.code) == (200, 2001)
    assert "last_updated" in answer.message
    assert [each.method for each in pushes(receiver)] in (["PUT"], [])


@pytest.mark.checklist("CO-08")
async def test_fields_left_out_of_a_patch_remain_at_the_hub_and_only_those_named_travel(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    full = example("Location.full", cpo, id=unique("CO"))
    await cpo.put("locations", at(cpo, full["id"]), full, to=HUB)
    change = {"name": "New", "last_updated": LATER}

    await cpo.patch("locations", at(cpo, full["id"]), change, to=HUB)
    (patch,) = await emsp.received(method="PATCH")

    assert patch.json == change
    assert await of(emsp, cpo) == [full | change]


@pytest.mark.checklist("CO-09")
async def test_a_cdr_of_another_owner_is_refused(join: Any) -> None:
    cpo, stranger, emsp = await join("CPO"), await join("CPO"), await join("EMSP")

    for to in (emsp.party, None):
        answer = await cpo.post("cdrs", "", cdr(stranger, emsp), to=to)
        assert (answer.status, answer.code) == (200, 2001)

    assert pushes(emsp) == []


@pytest.mark.checklist("CO-12")
async def test_an_error_for_a_patch_of_an_unknown_object_reaches_the_sender(join: Any) -> None:
    """Directed it is the receiver's own answer, to the hub it is the hub's."""
    cpo, emsp = await join("CPO"), await join("EMSP")
    emsp.answer(Answer(http_status=404, status_code=2003, status_message="never heard of it"), method="PATCH")
    change = {"name": "x", "last_updated": LATER}

    directed = await cpo.patch("locations", at(cpo, "NOBODY"), change, to=emsp.party)
    broadcast = await cpo.patch("locations", at(cpo, "NOBODY"), change, to=HUB)

    assert (directed.status, directed.code, directed.message) == (404, 2003, "never heard of it")
    assert (broadcast.code, broadcast.sender) == (2003, HUB)


async def test_a_token_of_another_emsp_starts_nothing(join: Any) -> None:
    """Ownership is looked at on every path, commands included."""
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    body = example("StartSession.minimal", response_url=emsp.url("commands", "SENDER") + "/1", token=token(other))

    answer = await emsp.post("commands", "/START_SESSION", body, to=cpo.party)

    assert (answer.status, answer.code) == (200, 2001)
    assert pushes(cpo) == []


async def test_a_session_that_is_anothers_can_be_neither_stopped_nor_preferred(join: Any) -> None:
    cpo, emsp, other = await join("CPO"), await join("EMSP"), await join("EMSP")
    running = session(cpo, emsp, status="ACTIVE")
    await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    stop = {"response_url": other.url("commands", "SENDER") + "/1", "session_id": running["id"]}
    preferences = example("ChargingPreferences.minimal")

    answers = [
        await other.post("commands", "/STOP_SESSION", stop, to=cpo.party),
        await other.put("sessions", f"/{running['id']}/charging_preferences", preferences, role="SENDER", to=cpo.party),
    ]

    assert [answer.code for answer in answers] == [2001, 2001]
    assert pushes(cpo) == []


async def test_a_platform_with_several_parties_pushes_for_each_and_for_no_other(join: Any) -> None:
    several, emsp, stranger = await join("CPO", "CPO"), await join("EMSP"), await join("CPO")
    second = f"NL-{several.roles[1][2]}"

    location = await push(several, sender=second)
    wrong = await several.put(
        "locations", at(several, "X"), example("Location.minimal", several, id="X"), to=HUB, sender=stranger.party
    )
    nameless = await several.put(
        "locations", at(several, "X"), example("Location.minimal", several, id="X"), to=HUB, sender=""
    )

    assert location["party_id"] == several.roles[1][2]
    assert (wrong.code, nameless.code) == (2001, 2001)
    assert await of(emsp, several) == []
