"""What the hub cannot register: platforms it cannot look at, without a mutual version or the endpoints it needs.

Source: OCPI 2.2.1, credentials.asciidoc (Errors during registration, Required endpoints not available),
status_codes.asciidoc (3xxx); error path X-46.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.seen import eventually, known, set_option
from tests.conformance.test_cr_registration import comer, looked
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform

__all__ = ["comer"]


def details(platform: PartyPlatform, *endpoints: tuple[str, str]) -> Answer:
    """Return version details with these (module, role) endpoints alone."""
    listed = [
        {"identifier": module, "role": role, "url": platform.url(module, role)}
        if module != "credentials"
        else {"identifier": module, "role": role, "url": f"{platform.origin}/ocpi/2.2.1/credentials"}
        for module, role in endpoints
    ]
    return Answer({"version": "2.2.1", "endpoints": listed})


ELSEWHERE = "http://127.0.0.1:1/ocpi/2.2.1"

#: What a platform shows when the hub looks at it, and the status the hub answers it with.
TROUBLE: dict[str, tuple[int, str, Callable[[PartyPlatform], Answer]]] = {
    "versions refused": (3001, "versions", lambda _: Answer(http_status=401, status_code=2001)),
    "versions missing": (3001, "versions", lambda _: Answer(http_status=404, status_code=2001)),
    "versions broken": (3001, "versions", lambda _: Answer(http_status=500, body=b"<html>")),
    "versions no JSON": (3001, "versions", lambda _: Answer(body=b"{")),
    "versions OCPI error": (3001, "versions", lambda _: Answer(status_code=3000)),
    "versions no list": (3001, "versions", lambda _: Answer("2.2.1")),
    "details unreachable": (3001, "versions", lambda _: Answer([{"version": "2.2.1", "url": ELSEWHERE}])),
    "details refused": (3001, "details", lambda _: Answer(http_status=404, status_code=2001)),
    "details no object": (3001, "details", lambda _: Answer([])),
    "details without endpoints": (3001, "details", lambda _: Answer({"version": "2.2.1"})),
    "no versions at all": (3002, "versions", lambda _: Answer([])),
    "2.1.1 alone": (3002, "versions", lambda each: Answer([{"version": "2.1.1", "url": each.versions_url}])),
    "2.2 alone": (3002, "versions", lambda each: Answer([{"version": "2.2", "url": each.versions_url}])),
    "2.3.0 alone": (3002, "versions", lambda each: Answer([{"version": "2.3.0", "url": each.versions_url}])),
    "no credentials endpoint": (3003, "details", lambda each: details(each, ("locations", "SENDER"))),
    "credentials alone": (3003, "details", lambda each: details(each, ("credentials", "SENDER"))),
    "no functional module": (
        3003,
        "details",
        lambda each: details(each, ("credentials", "SENDER"), ("hubclientinfo", "RECEIVER")),
    ),
}


@pytest.mark.parametrize("what", TROUBLE)
@pytest.mark.checklist("CR-24", "CR-25", "CR-26", "CR-32", "CR-43", "CR-49", "CR-55")
async def test_a_platform_that_cannot_be_looked_at_is_not_registered(what: str, comer: Any, hub: HubProcess) -> None:
    """Whatever is wrong is said, nothing is left half done, and CREDENTIALS_TOKEN_A is still good (X-46)."""
    status, module, shown = TROUBLE[what]
    cpo = await comer("CPO")
    token_a = await looked(hub, cpo)
    cpo.answer(shown(cpo), module=module)

    refused = await cpo.post_credentials(token_a)

    assert (refused.status, refused.code, refused.data) == (200, status, None)
    assert cpo.party not in await known(hub)
    cpo.forget_answers()
    assert (await cpo.post_credentials(token_a)).code == 1000
    assert (await cpo.get("hubclientinfo")).status == 200


@pytest.mark.checklist("CR-24", "CR-43")
async def test_a_platform_that_cannot_be_reached_is_3001(comer: Any, hub: HubProcess) -> None:
    cpo = await comer("CPO")
    token_a = await looked(hub, cpo)
    body = cpo.credentials(cpo.new_token()) | {"url": "http://127.0.0.1:1/ocpi/versions"}

    refused = await cpo.post_credentials(token_a, body)

    assert (refused.status, refused.code) == (200, 3001)
    assert cpo.party not in await known(hub)


@pytest.mark.checklist("CR-33", "CR-25", "CR-24")
async def test_a_put_that_fails_leaves_the_former_credentials_and_endpoints_in_force(
    join: Any, hub: HubProcess
) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    token, theirs = emsp.hub_token, set(emsp.tokens)

    for shown, module in ((Answer([]), "versions"), (Answer(http_status=500, body=b"-"), "details")):
        emsp.answer(shown, module=module)
        assert (await emsp.credentials_call("PUT", body=emsp.credentials("never-used"))).code in (3001, 3002)
        emsp.forget_answers()

    emsp.tokens = theirs
    assert (await emsp.credentials_call("GET", token=token)).data["token"] == token
    assert (await cpo.get("tokens", to=emsp.party)).code == 1000


@pytest.mark.checklist("CR-42")
async def test_endpoints_are_taken_from_the_url_the_versions_list_names_wherever_that_is(
    join: Any, comer: Any, hub: HubProcess
) -> None:
    emsp, cpo, elsewhere = await join("EMSP"), await comer("CPO"), await comer("CPO")
    token_a = await looked(hub, cpo)
    body = cpo.credentials(cpo.new_token())
    elsewhere.tokens = cpo.tokens
    cpo.answer(Answer([{"version": "2.2.1", "url": f"{elsewhere.origin}/ocpi/2.2.1/details"}]), module="versions")

    assert (await cpo.post_credentials(token_a, body)).code == 1000
    answer = await emsp.get("locations", to=cpo.party)

    assert answer.code == 1000
    assert [each.module for each in elsewhere.log][:1] == ["details"]
    assert await elsewhere.received(module="locations", method="GET")


async def test_2_2_is_neither_offered_nor_registered_unless_the_operator_allows_it(join: Any, hub: HubProcess) -> None:
    """2.2 is deprecated: it is spoken with those alone for whom an operator sets it (errata E-51)."""
    cpo, emsp = await join("CPO"), await join("EMSP")
    offered = {each["version"] for each in (await cpo.send("GET", hub.versions_url)).data}
    unknown = await cpo.send("GET", f"{hub.url}/ocpi/2.2")

    await set_option(hub, cpo.party, allow_2_2=True)
    cpo.versions = ["2.2.1", "2.2"]
    await eventually(lambda: _offered(cpo, "2.2"), seconds=2)
    await cpo.look_at_hub("2.2")
    switched = await cpo.put_credentials()
    routed = await cpo.get("tokens", to=emsp.party)
    back = await emsp.get("locations", to=cpo.party)

    assert (offered, unknown.status) == ({"2.2.1", "2.3.0"}, 404)
    assert cpo.hub_endpoints["tokens", "SENDER"].startswith(f"{hub.url}/ocpi/2.2/")
    assert (switched.code, routed.code, back.code) == (1000, 1000, 1000)
    assert (await cpo.received(module="locations", method="GET", version="2.2"))[-1].sender == emsp.party
    assert "2.2" not in {each["version"] for each in (await emsp.send("GET", hub.versions_url)).data}
    assert (await emsp.send("GET", f"{hub.url}/ocpi/2.2")).status == 404


async def _offered(platform: PartyPlatform, number: str) -> bool | None:
    versions = (await platform.send("GET", platform.hub_url)).data
    return True if number in {each["version"] for each in versions} else None
