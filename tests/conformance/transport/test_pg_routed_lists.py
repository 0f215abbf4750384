"""Pages of a party's list, read through the hub.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Pagination, Message Routing).
"""

import re
from typing import Any

import pytest

from tests.conformance.samples import example
from tests.conformance.transport.conftest import Trio, heard
from tests.conformance.transport.speech import routing
from tests.parties import Answer, PartyPlatform, Received, Reply


def link_of(reply: Reply) -> str:
    found = re.fullmatch(r'<([^<>"\s]+)>; rel="next"', reply.headers["link"])
    assert found is not None, reply.headers["link"]
    return found[1]


async def follow(platform: PartyPlatform, url: str, to: str) -> Reply:
    return await platform.send("GET", url, headers=routing(platform, to))


def tokens_of(emsp: PartyPlatform, count: int) -> list[Any]:
    return [example("Token.minimal", emsp, uid=f"U{number}") for number in range(count)]


@pytest.mark.checklist("PG-20")
async def test_parameters_reach_the_party_and_its_headers_come_back(trio: Trio) -> None:
    cpo, emsp, _ = trio
    emsp.objects["tokens"] = tokens_of(emsp, 7)
    query = {"offset": "2", "limit": "3", "date_from": "2020-01-01T00:00:00Z", "date_to": "2030-01-01T00:00:00Z"}

    answer = await cpo.get("tokens", to=emsp.party, query=query)

    assert heard(emsp)[0].query == query
    assert [each["uid"] for each in answer.data] == ["U2", "U3", "U4"]
    assert (answer.headers["x-total-count"], answer.headers["x-limit"]) == ("7", "3")


@pytest.mark.checklist("PG-21", "PG-20", "PG-07")
async def test_a_partys_list_is_read_to_its_end_along_the_hubs_links(trio: Trio) -> None:
    cpo, emsp, _ = trio
    emsp.objects["tokens"] = tokens_of(emsp, 11)

    pages = [each async for each in cpo.pages("tokens", to=emsp.party, query={"limit": 4})]

    assert [each["uid"] for page in pages for each in page.data] == [f"U{number}" for number in range(11)]
    assert [("link" in page.headers) for page in pages] == [True, True, False]
    assert all(link_of(page).startswith(cpo.hub_endpoints["tokens", "SENDER"] + "?") for page in pages[:-1])
    assert {each.headers["authorization"] for each in heard(emsp)} == {heard(emsp)[0].headers["authorization"]}


#: How a party may write the URL of its next page: below its origin, or anywhere.
LINKS = {
    "a cursor": "{endpoint}?cursor=a%2Fb%3D%3D&limit=2",
    "a slash before the query": "{endpoint}/?offset=2",
    "a path of its own": "{origin}/pages/7f3a",
    "a path and a query": "{origin}/pages/7f3a?x=1&y=a%20b",
    "too long for a URL": "{endpoint}?cursor=" + "c" * 300,
}


@pytest.mark.checklist("PG-23", "PG-21", "PG-04")
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
async def test_a_partys_own_kind_of_link_is_followed_through_the_hub(trio: Trio, link: str) -> None:
    cpo, emsp, _ = trio
    theirs = link.format(endpoint=emsp.url("tokens", "SENDER"), origin=emsp.origin)
    called: list[Received] = []

    def second(request: Received) -> Answer:
        called.append(request)
        return Answer([example("Token.minimal", emsp, uid="SECOND")])

    emsp.answer(Answer([], headers={"Link": f'<{theirs}>; rel="next"'}), module="tokens")
    first = await cpo.get("tokens", to=emsp.party)
    emsp.forget_answers()
    # A path of its own is no module's: whatever stands second in it is taken for the module's name.
    emsp.offered.append(("", ""))
    emsp.answer(second, method="GET")
    url = link_of(first)
    then = await follow(cpo, url, emsp.party)
    emsp.offered.remove(("", ""))

    assert len(url) <= 255
    assert url.startswith(cpo.hub_endpoints["tokens", "SENDER"])
    assert [each["uid"] for each in then.data] == ["SECOND"]
    assert then.sender == emsp.party
    (asked,) = called
    assert f"{emsp.origin}{asked.path}".rstrip("/") == theirs.partition("?")[0].rstrip("/")
    assert (asked.sender, asked.receiver) == (cpo.party, emsp.party)


async def test_a_lent_link_serves_the_party_it_was_lent_to_alone(trio: Trio) -> None:
    cpo, emsp, other = trio
    emsp.answer(Answer([], headers={"Link": f'<{emsp.origin}/pages/1>; rel="next"'}), module="tokens")
    url = link_of(await cpo.get("tokens", to=emsp.party))
    emsp.inbox.clear()

    stolen = await follow(other, url, emsp.party)
    wrong = await follow(cpo, re.sub("link=.*", "link=guess", url), emsp.party)

    assert (stolen.status, stolen.code) == (200, 2001)
    assert wrong.status == 404
    assert heard(emsp) == []


async def test_a_link_to_what_is_not_next_is_not_passed_on(trio: Trio) -> None:
    trio.emsp.answer(Answer([], headers={"Link": f'<{trio.emsp.origin}/first>; rel="first"'}), module="tokens")

    answer = await trio.cpo.get("tokens", to=trio.emsp.party)

    assert "link" not in answer.headers
