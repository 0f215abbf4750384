"""Live events as server-sent events, over a real server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hub.api import feed as feeds
from hub.api import streams
from hub.api.feed import Feed, FeedEnded, SlowReader
from hub.cpms.api.routes.events import KINDS
from hub.cpms.api.scopes import Scope
from hub.database import Database, open_database
from tests.cpms.api.conftest import Caller, House
from tests.serving import LoopServer


class Reader:
    """One who reads a stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> dict[str, str]:
        """Return the next event, as its fields; a comment is {"": text}."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(5):
            async for line in self._lines:
                if not line:
                    return fields
                name, _, text = line.partition(": ")
                fields[name] = text
        raise StopAsyncIteration


class Served:
    """The API on a port."""

    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.url = f"http://127.0.0.1:{port}/cpms/api/v1/events"
        self.open = contextlib.AsyncExitStack()

    async def read(self, caller: Caller, query: str = "", **headers: str) -> Reader:
        client = await self.open.enter_async_context(httpx.AsyncClient(trust_env=False))
        headers = {"Authorization": f"Bearer {caller.token}", **headers}
        response = await self.open.enter_async_context(client.stream("GET", f"{self.url}?{query}", headers=headers))
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        reader = Reader(response.aiter_lines())
        assert await reader.next() == {"": "connected"}
        return reader


@pytest.fixture
async def served(house: House) -> AsyncIterator[Served]:
    server = LoopServer(house.api)
    made = Served(house, await server.start())
    yield made
    await made.open.aclose()
    await server.stop()


async def test_what_happens_is_told_to_whoever_may_hear_it(served: Served) -> None:
    feed = served.house.feed
    stations = await served.read(await served.house.key(Scope.STATIONS_READ))
    both = await served.read(await served.house.key(Scope.STATIONS_READ, Scope.CDRS_READ))

    feed.publish("cdr", {"id": "C1"})
    feed.publish("status", {"evse_uid": "E1", "status": "CHARGING"})

    told = await stations.next()
    assert (told["event"], told["data"]) == ("status", '{"evse_uid":"E1","status":"CHARGING"}')
    assert [(await both.next())["event"] for _ in range(2)] == ["cdr", "status"]


async def test_a_reader_names_the_kinds_he_wants(served: Served) -> None:
    reader = await served.read(await served.house.key(*Scope), "kinds=alarm,booking")

    for kind in ("status", "booking", "session", "alarm"):
        served.house.feed.publish(kind, {})

    assert [(await reader.next())["event"] for _ in range(2)] == ["booking", "alarm"]


async def test_an_unknown_kind_and_a_stranger_are_refused(house: House) -> None:
    unknown = await (await house.key(*Scope)).ask("GET", "/events?kinds=weather")
    stranger = await house.stranger().ask("GET", "/events")

    assert (unknown.status_code, unknown.json()["errors"][0]["path"]) == (422, "query.kinds")
    assert stranger.status_code == 401


async def test_a_reader_who_comes_back_gets_what_he_missed(served: Served) -> None:
    key = await served.house.key(*Scope)
    first = await served.read(key)
    for number in range(3):
        served.house.feed.publish("status", {"n": number})
    seen = (await first.next())["id"]

    by_header = await served.read(key, **{"Last-Event-ID": seen})
    by_query = await served.read(key, f"last_event_id={seen}")

    for reader in (by_header, by_query):
        assert [(await reader.next())["data"] for _ in range(2)] == ['{"n":1}', '{"n":2}']


async def test_a_reader_who_was_away_too_long_is_told_to_look_at_everything(served: Served) -> None:
    served.house.feed.publish("status", {})

    reader = await served.read(await served.house.key(*Scope), "last_event_id=gone-1")

    told = await reader.next()
    assert told["event"] == "reset"
    served.house.feed.publish("status", {"n": 1})
    assert (await reader.next())["data"] == '{"n":1}'


async def test_a_silent_stream_beats_and_ends_when_its_token_does(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = streams.EventStream.__init__.__kwdefaults__
    monkeypatch.setattr(streams.EventStream.__init__, "__kwdefaults__", {**defaults, "heartbeat": 0.05})
    viewer = await served.house.staff("viewer")
    reader = await served.read(viewer)

    assert await reader.next() == {"": "still here"}
    await viewer.ask("POST", "/logout")

    with pytest.raises(StopAsyncIteration):
        while True:
            await reader.next()


async def test_who_has_logged_out_is_told_nothing_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "TRUST", 0.0)
    viewer = await served.house.staff("viewer")
    reader = await served.read(viewer)

    await viewer.ask("POST", "/logout")
    served.house.feed.publish("status", {})

    with pytest.raises(StopAsyncIteration):
        await reader.next()


async def test_the_end_of_the_server_ends_the_streams(served: Served) -> None:
    reader = await served.read(await served.house.key(*Scope))

    served.house.feed.end()

    with pytest.raises(StopAsyncIteration):
        await reader.next()


async def test_a_reader_who_leaves_is_forgotten(served: Served) -> None:
    await served.read(await served.house.key(*Scope))
    assert len(served.house.feed._readers) == 1

    await served.open.aclose()

    async with asyncio.timeout(5):
        while served.house.feed._readers:
            await asyncio.sleep(0.01)


async def test_a_slow_reader_is_let_go_and_the_others_hear_everything(database: Database) -> None:
    feed = Feed(database)
    slow, quick = feed.subscribe(), feed.subscribe()
    heard = 0

    for number in range(feeds._QUEUE + 1):
        feed.publish("status", {"n": number})
        heard += await quick.next(0) is not None
    await feed.stop()

    assert heard == feeds._QUEUE + 1
    with pytest.raises(SlowReader):
        await slow.next(0)


async def test_a_connection_that_takes_nothing_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.05)
    feed, sent = Feed(database), []

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def allowed() -> bool:
        return True

    stream = streams.EventStream(feed, frozenset(KINDS), after=None, allowed=allowed)
    async with asyncio.timeout(5):
        await stream({"type": "http"}, receive, send)

    assert sent == ["http.response.start", "http.response.body"]  # no end: the server closes the connection
    assert not feed._readers


async def test_the_feed_ends_for_who_is_waiting(database: Database) -> None:
    feed = Feed(database)
    reader = feed.subscribe()
    waiting = asyncio.create_task(reader.next(60))
    await asyncio.sleep(0)

    feed.end()

    with pytest.raises(FeedEnded):
        await waiting


async def test_the_nodes_of_one_postgres_hear_each_other(store: str) -> None:
    if not store.startswith("postgres"):
        pytest.skip("one process has an SQLite file")
    one, other = await open_database(store), await open_database(store)
    here, there = Feed(one), Feed(other)
    reader, own = there.subscribe(), here.subscribe()

    here.publish("status", {"n": 1})
    here.publish("alarm", {"text": "x" * 3000})

    first, second = await reader.next(5), await reader.next(5)
    assert first is not None and second is not None
    assert (first.kind, first.data) == ("status", {"n": 1})
    assert second.kind == "reset"
    mine = [await own.next(0), await own.next(0), await own.next(0.1)]
    assert [each.kind if each else None for each in mine] == ["status", "alarm", None]
    assert mine[0] == first
    for feed, database in ((here, one), (there, other)):
        await feed.stop()
        await database.close()


def test_every_kind_of_event_has_a_scope_that_reads() -> None:
    assert all(scope.endswith(":read") for scope in KINDS.values())
