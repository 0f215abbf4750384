"""Pages of the hub's own lists.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Pagination), types.asciidoc (DateTime).
"""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conformance.samples import at, cdr, example, session
from tests.conformance.transport.conftest import joined, shared
from tests.hubs import HubProcess
from tests.parties import PartyPlatform, Reply

COUNT, LIMIT = 25, 10
BEGIN = datetime(2026, 3, 1, 12, 0, 0)


def moment(number: int) -> str:
    """Return last_updated of the object of a number: one a minute."""
    return (BEGIN + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Book(NamedTuple):
    """A hub of pages of ten, and in it 25 Locations of one CPO and a few directed objects."""

    cpo: PartyPlatform
    emsp: PartyPlatform
    other: PartyPlatform


@pytest.fixture(scope="module")
def pager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    data = tmp_path_factory.mktemp("pager") / "data"
    process = HubProcess(data, environment=(("EMALL_PAGE_LIMIT", str(LIMIT)),)).start()
    yield process
    assert process.stop() == 0


@shared
async def book(pager: HubProcess) -> AsyncIterator[Book]:
    async with joined(pager, "CPO", "EMSP", "EMSP") as (cpo, emsp, other):
        for number in range(COUNT):
            body = example("Location.minimal", cpo, id=f"LOC{number}", last_updated=moment(number))
            assert (await cpo.put("locations", at(cpo, f"LOC{number}"), body, to="NL-HUB")).status == 201
        for receiver, count in ((emsp, 3), (other, 2)):
            for _ in range(count):
                bill, run = cdr(cpo, receiver), session(cpo, receiver)
                assert (await cpo.post("cdrs", "", bill, to=receiver.party)).code == 1000
                assert (await cpo.put("sessions", at(cpo, run["id"]), run, to=receiver.party)).code == 1000
        yield Book(cpo, emsp, other)


async def page(platform: PartyPlatform, module: str = "locations", **query: Any) -> Reply:
    return await platform.get(module, to="NL-HUB", query=query)


def numbers(*replies: Reply) -> list[int]:
    """Return the numbers of the Locations on pages."""
    return [int(each["id"].removeprefix("LOC")) for reply in replies for each in reply.data]


def next_url(reply: Reply) -> str | None:
    link = reply.headers.get("link")
    if link is None:
        return None
    found = re.fullmatch(r'<([^<>"\s]+)>; rel="next"', link)
    assert found is not None, link
    assert len(found[1]) <= 255
    return found[1]


async def crawl(platform: PartyPlatform, **query: Any) -> list[Reply]:
    return [each async for each in platform.pages("locations", to="NL-HUB", query=query)]


@pytest.mark.checklist("PG-01", "PG-02", "PG-03", "PG-04", "PG-05", "PG-07", "PG-12", "PG-13", "PG-16")
@pytest.mark.parametrize("limit", [None, 1, 7, 10])
async def test_following_the_links_gives_every_object_once_oldest_first(book: Book, limit: int | None) -> None:
    query = {"limit": limit} if limit else {}

    pages = await crawl(book.emsp, **query)

    assert numbers(*pages) == list(range(COUNT))
    assert {(each.headers["x-total-count"], each.headers["x-limit"]) for each in pages} == {(str(COUNT), str(LIMIT))}
    assert all(len(each.data) == (limit or LIMIT) for each in pages[:-1])
    assert [next_url(each) is not None for each in pages] == [True] * (len(pages) - 1) + [False]


@pytest.mark.checklist("PG-06")
@pytest.mark.parametrize(("offset", "limit"), [(0, 10), (0, 1), (3, 4), (20, 10), (24, 1)])
async def test_offset_is_the_position_of_the_first_object(book: Book, offset: int, limit: int) -> None:
    found = await page(book.emsp, offset=offset, limit=limit)

    assert numbers(found) == list(range(COUNT))[offset : offset + limit]
    assert found.headers["x-total-count"] == str(COUNT)


@pytest.mark.checklist("PG-06", "PG-11")
async def test_a_link_of_a_page_by_offset_goes_on_from_there_and_says_where(book: Book) -> None:
    found = await page(book.emsp, offset=5, limit=4)
    url = next_url(found)
    assert url is not None
    following = await book.emsp.send("GET", url, headers={"OCPI-to-country-code": "NL", "OCPI-to-party-id": "HUB"})

    assert numbers(following) == [9, 10, 11, 12]
    assert {name: parse_qs(urlsplit(url).query)[name] for name in ("offset", "limit")} == {
        "offset": ["9"],
        "limit": ["4"],
    }


@pytest.mark.checklist("PG-14", "PG-13", "PG-05")
@pytest.mark.parametrize("limit", [11, 2000, 10**17])
async def test_a_limit_above_the_hubs_is_served_with_fewer(book: Book, limit: int) -> None:
    found = await page(book.emsp, limit=limit)

    assert (len(found.data), found.headers["x-limit"]) == (LIMIT, str(LIMIT))
    assert next_url(found) is not None


@pytest.mark.checklist("PG-08", "PG-09", "PG-10")
async def test_date_from_is_inclusive_and_date_to_exclusive(book: Book) -> None:
    both = await page(book.emsp, date_from=moment(4), date_to=moment(9))
    only_from = await page(book.emsp, date_from=moment(20))
    only_to = await page(book.emsp, date_to=moment(3))
    limited = await page(book.emsp, date_from=moment(4), date_to=moment(9), limit=2, offset=1)

    assert numbers(both) == [4, 5, 6, 7, 8]
    assert numbers(only_from) == [20, 21, 22, 23, 24]
    assert numbers(only_to) == [0, 1, 2]
    assert numbers(limited) == [5, 6]
    assert [each.headers["x-total-count"] for each in (both, only_from, only_to, limited)] == ["5", "5", "3", "5"]


@pytest.mark.checklist("PG-11", "PG-04")
async def test_the_link_holds_the_filters(book: Book) -> None:
    pages = await crawl(book.emsp, date_from=moment(2), date_to=moment(23), limit=5)

    assert numbers(*pages) == list(range(2, 23))
    for each in pages[:-1]:
        query = parse_qs(urlsplit(next_url(each) or "").query)
        assert (query["date_from"], query["date_to"], query["limit"]) == ([moment(2)], [moment(23)], ["5"])


@pytest.mark.checklist("PG-08")
@pytest.mark.parametrize("module", ["cdrs", "sessions"])
async def test_the_count_is_of_what_the_client_may_see(book: Book, module: str) -> None:
    query = {"date_from": "2020-01-01T00:00:00Z", "limit": 1}

    counts = [
        (await page(each, module, **query)).headers["x-total-count"] for each in (book.emsp, book.other, book.cpo)
    ]

    assert counts == ["3", "2", "5"]


@pytest.mark.checklist("PG-15")
async def test_the_same_url_gives_the_same_objects_in_the_same_order(book: Book) -> None:
    pages = await crawl(book.emsp, limit=9)
    again = await crawl(book.emsp, limit=9)
    for_other = await crawl(book.other, limit=9)

    assert [each.data for each in pages] == [each.data for each in again] == [each.data for each in for_other]
    assert [next_url(each) for each in pages] == [next_url(each) for each in again]


@pytest.mark.checklist("PG-15", "PG-07")
async def test_a_crawl_skips_and_doubles_nothing_while_objects_change(book: Book) -> None:
    cpo = book.cpo
    tariffs = [f"T{number:02}" for number in range(30)]
    for name in tariffs[:25]:
        await cpo.put("tariffs", at(cpo, name), example("Tariff.minimal", cpo, id=name), to="NL-HUB")
    seen: list[str] = []
    changes = iter(tariffs[25:])

    async for each in book.emsp.pages("tariffs", to="NL-HUB", query={"limit": 6}):
        seen += [tariff["id"] for tariff in each.data]
        new, gone = next(changes), seen[0] if len(seen) == 6 else seen[-3]
        old = example("Tariff.minimal", cpo, id=seen[-1], last_updated="2026-08-01T00:00:00Z")
        await cpo.put("tariffs", at(cpo, new), example("Tariff.minimal", cpo, id=new), to="NL-HUB")
        await cpo.put("tariffs", at(cpo, seen[-1]), old, to="NL-HUB")
        await cpo.delete("tariffs", at(cpo, gone), to="NL-HUB")

    assert seen[:25] == tariffs[:25]
    assert seen == sorted(set(seen))


@pytest.mark.checklist("PG-17")
@pytest.mark.parametrize("offset", [25, 26, 10**6, 10**17])
async def test_an_offset_past_the_end_is_an_empty_list(book: Book, offset: int) -> None:
    found = await page(book.emsp, offset=offset)

    assert (found.status, found.code, found.data) == (200, 1000, [])
    assert (found.headers["x-total-count"], next_url(found)) == (str(COUNT), None)


@pytest.mark.checklist("PG-18")
@pytest.mark.parametrize("name", ["offset", "limit", "date_from", "date_to"])
@pytest.mark.parametrize(
    "value",
    ["x", "-1", "1.5", "1e3", "٣", "9" * 40, "2026-13-01T00:00:00Z", "2026-01-01", "' OR 1=1", "0x10", "+1", "%00"],
)
async def test_a_value_of_the_wrong_type_is_2001_and_names_the_parameter(book: Book, name: str, value: str) -> None:
    found = await page(book.emsp, **{name: value})

    assert (found.status, found.code) == (200, 2001)
    assert name in found.message


@pytest.mark.checklist("PG-19")
@pytest.mark.parametrize(
    "form", ["2026-03-01T12:20:00Z", "2026-03-01T12:20:00", "2026-03-01T12:20:00.0Z", "2026-03-01T12:20:00.000",
             "2026-03-01T12:19:59.001Z"],
)  # fmt: skip
async def test_all_forms_of_a_date_time_work_in_filters(book: Book, form: str) -> None:
    after = await page(book.emsp, date_from=form)
    before = await page(book.emsp, date_from=moment(18), date_to=form)

    assert numbers(after) == [20, 21, 22, 23, 24]
    assert numbers(before) == [18, 19]


@pytest.mark.checklist("PG-22")
async def test_date_from_after_date_to_is_an_empty_list(book: Book) -> None:
    found = await page(book.emsp, date_from=moment(9), date_to=moment(4))

    assert (found.code, found.data, found.headers["x-total-count"]) == (1000, [], "0")


@pytest.mark.checklist("PG-01", "PG-02")
@pytest.mark.parametrize("module", ["locations", "tariffs", "tokens", "sessions", "cdrs", "hubclientinfo"])
async def test_every_list_of_the_hub_is_paginated(book: Book, module: str) -> None:
    found = await book.cpo.get(
        module, to="NL-HUB", query={"limit": 1, "date_from": "2020-01-01T00:00:00Z", "date_to": "2100-01-01T00:00:00Z"}
    )

    assert isinstance(found.data, list)
    assert len(found.data) <= 1
    assert int(found.headers["x-total-count"]) >= len(found.data)
    assert found.headers["x-limit"] == str(LIMIT)
    assert (next_url(found) is not None) is (int(found.headers["x-total-count"]) > 1)
