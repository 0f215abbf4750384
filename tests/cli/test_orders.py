"""Orders reach one server, once, and are answered; without a server they are taken back."""

import asyncio

import pytest

from hub import orders
from hub.database import Database
from hub.ocpi.errors import UnableToUseClientApi
from hub.ocpi.objects import JSON
from hub.orders import NoServer, Refused, give
from tests.cli.conftest import ON_BOTH, serving

pytestmark = ON_BOTH


async def rows(database: Database) -> list[tuple[str, str, bytes]]:
    return [
        (kind, state, bytes(arguments))
        for kind, state, arguments in await database.fetch("SELECT kind, state, arguments FROM hub_order")
    ]


async def echo(arguments: JSON) -> JSON:
    return {"heard": arguments}


async def test_an_order_is_carried_out_and_leaves_nothing_behind(database: Database) -> None:
    async with serving(database, {"echo": echo}):
        answer = await give(database, "echo", {"name": "Zoë", "amount": 0.25})

    assert answer["heard"]["name"] == "Zoë"
    assert float(answer["heard"]["amount"]) == 0.25
    assert await rows(database) == []


async def test_an_order_given_before_the_server_listens_is_taken_at_its_start(database: Database) -> None:
    given = asyncio.create_task(give(database, "echo", 1))
    while not await rows(database):
        await asyncio.sleep(0.01)

    async with serving(database, {"echo": echo}):
        assert await given == {"heard": 1}


async def test_without_a_server_the_order_is_taken_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PATIENCE", 0.2)

    with pytest.raises(NoServer):
        await give(database, "echo", 1)

    assert await rows(database) == []


async def test_a_withdrawn_order_is_never_carried_out(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PATIENCE", 0.1)
    carried_out = []

    async def remember(arguments: JSON) -> JSON:
        carried_out.append(arguments)
        return None

    with pytest.raises(NoServer):
        await give(database, "remember", "too late")
    async with serving(database, {"remember": remember}):
        await give(database, "remember", "in time")

    assert carried_out == ["in time"]


async def test_of_two_servers_only_one_takes_an_order(database: Database) -> None:
    carried_out = []

    async def remember(arguments: JSON) -> JSON:
        carried_out.append(arguments)
        return None

    async with serving(database, {"remember": remember}), serving(database, {"remember": remember}):
        await asyncio.gather(*(give(database, "remember", number) for number in range(20)))

    assert sorted(carried_out) == list(range(20))


async def test_a_slow_order_does_not_hold_up_others(database: Database) -> None:
    release = asyncio.Event()

    async def wait(_: JSON) -> JSON:
        await release.wait()
        return "waited"

    async with serving(database, {"wait": wait, "echo": echo}):
        slow = asyncio.create_task(give(database, "wait", None))
        assert await give(database, "echo", 1) == {"heard": 1}
        release.set()
        assert await slow == "waited"


async def test_the_arguments_are_erased_when_the_order_is_taken(database: Database) -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def look(_: JSON) -> JSON:
        seen.extend(await rows(database))
        return None

    async with serving(database, {"look": look}):
        await give(database, "look", {"token": "secret"})

    assert seen == [("look", "taken", b"")]


@pytest.mark.parametrize(
    ("fault", "message", "code"),
    [
        (Refused("it is suspended; resume it"), "it is suspended; resume it", 1),
        (Refused("no such option; see the list", exit=2), "no such option; see the list", 2),
        (
            UnableToUseClientApi("they answered 404"),
            "they answered 404 (OCPI status 3001); 'emall doctor' tells how things are",
            1,
        ),
    ],
)
async def test_a_refusal_comes_back_with_its_exit_code(
    database: Database, fault: Exception, message: str, code: int
) -> None:
    async def refuse(_: JSON) -> JSON:
        raise fault

    async with serving(database, {"refuse": refuse}):
        with pytest.raises(Refused) as caught:
            await give(database, "refuse", None)

    assert (str(caught.value), caught.value.exit) == (message, code)


async def test_a_fault_of_the_server_tells_no_details_and_the_next_order_is_served(database: Database) -> None:
    async def fail(_: JSON) -> JSON:
        raise RuntimeError("TOKEN_B is abc")

    async with serving(database, {"fail": fail, "echo": echo}):
        with pytest.raises(Refused, match=r"fail failed in the server .RuntimeError.; its log says more"):
            await give(database, "fail", None)
        assert await give(database, "echo", 1) == {"heard": 1}


async def test_an_order_nobody_knows_is_refused(database: Database) -> None:
    async with serving(database, {}):
        with pytest.raises(Refused, match="cannot do dance"):
            await give(database, "dance", None)


async def test_an_order_that_is_not_finished_in_time_says_so(database: Database) -> None:
    async def wait(_: JSON) -> JSON:
        await asyncio.Event().wait()

    async with serving(database, {"wait": wait}):
        with pytest.raises(Refused, match=r"not finished after 0\.1 s"):
            await give(database, "wait", None, timeout=0.1)


async def test_a_server_that_stops_tells_whoever_waits(database: Database) -> None:
    async def wait(_: JSON) -> JSON:
        await asyncio.Event().wait()

    async with serving(database, {"wait": wait}):
        given = asyncio.create_task(give(database, "wait", None))
        while [state for _, state, _ in await rows(database)] != ["taken"]:
            await asyncio.sleep(0.01)

    with pytest.raises(Refused, match="the server stopped"):
        await given


async def test_an_order_whose_giver_died_is_not_carried_out_later(database: Database) -> None:
    carried_out = []

    async def remember(arguments: JSON) -> JSON:
        carried_out.append(arguments)
        return None

    insert = "INSERT INTO hub_order (id, kind, arguments, state, result, created) VALUES ($1, $2, $3, 'new', $3, $4)"
    await database.transact(lambda tx: tx.execute(insert, "old", "remember", b"", 1_600_000_000_000_000))
    async with serving(database, {"remember": remember}):
        await give(database, "remember", "new")

    assert carried_out == ["new"]
    assert await rows(database) == []
