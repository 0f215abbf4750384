"""Nothing passes between our eMSP and our CPMS but through the hub: three processes, and all they do is seen.

Each has a data folder of its own, a recorder before it that keeps every request it receives with its answer, and a
watchman in it (``tests/watched``) that keeps every peer it calls and every file it opens, and lets it call nobody but
the hub's address.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from examples import city
from tests.conformance.samples import unique
from tests.houses import House, opened
from tests.recorders import Recorded

pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

WATCHED = Path(__file__).parent / "watched"
PARTIES = ("cpms", "emsp")


class Watched:
    """The house, with what its watchmen wrote."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.hub_address = house.recorders["hub"].origin.removeprefix("http://")

    def noted(self, room: str, what: str) -> set[str]:
        lines = (self.folder / f"{room}.log").read_text().splitlines()
        return {line.removeprefix(f"{what} ") for line in lines if line.startswith(f"{what} ")}

    def received(self, room: str) -> list[Recorded]:
        return self.house.recorders[room].requests

    async def api(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """Ask the eMSP what a driver's app asks, through its recorder."""
        url = f"{self.house.recorders['emsp'].origin}/emsp/api/v1{path}"
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            return await client.request(method, url, **rest)


@shared
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")

    def watch(room: str, hub: str) -> tuple[tuple[str, str], ...]:
        """Return what has a party's process watched; the hub itself calls everybody."""
        if room not in PARTIES:
            return ()
        log = folder / f"{room}.log"
        return (("PYTHONPATH", str(WATCHED)), ("WATCH_LOG", str(log)), ("WATCH_PEER", hub.removeprefix("http://")))

    async with opened(folder, environment=watch) as house:
        for kind, objects in (("locations", city.internal_locations()), ("tariffs", city.internal_tariffs())):
            await house.order("cpms.import", kind=kind, objects=objects)
        yield Watched(house, folder)


@shared
async def story(watched: Watched) -> dict[str, Any]:
    """A driver's story from finding a charger to its CDR; what each step came to, by its name."""
    key = await asyncio.to_thread(watched.house.processes["emsp"].emall, "emsp", "key", "create", "--name", "app")
    bearer = {"Authorization": f"Bearer {key['key']}"}
    at = city.internal_locations()[0]["coordinates"]
    near = f"{at['latitude']},{at['longitude']}"

    async def find() -> Any:
        answer = await watched.api("GET", f"/search?near={near}&available=true&limit=5", headers=bearer)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    found = await until(find)
    place = {"to": found[0]["owner"], "location_id": found[0]["location_id"], "evse_uid": found[0]["evse_uid"]}
    card = await watched.house.order("emsp.put_token", uid=unique("CARD"))
    order = await watched.house.order("emsp.command", command="START_SESSION", token_uid=card["uid"], **place)

    async def active() -> Any:
        sessions = await watched.house.order("emsp.list", kind="sessions")
        return [each for each in sessions if each["cdr_token"]["uid"] == card["uid"]]

    session = (await until(active))[0]

    async def booked() -> Any:
        cdrs = await watched.house.order("emsp.list", kind="cdrs")
        return [each for each in cdrs if each.get("session_id") == session["id"]]

    await watched.house.order("emsp.command", command="STOP_SESSION", to=place["to"], session_id=session["id"])
    return {"found": found, "order": order, "session": session, "cdr": (await until(booked))[0]}


async def until(look: Any) -> Any:
    """Return what ``look`` sees as soon as it is something."""
    async with asyncio.timeout(30):
        while not (seen := await look()):
            await asyncio.sleep(0.1)
        return seen


async def test_the_driver_charges_at_our_cpms_through_the_hub(story: dict[str, Any]) -> None:
    assert story["order"]["response"] == "ACCEPTED"
    assert story["session"]["party_id"] == "CPO"
    assert story["cdr"]["cdr_token"]["uid"] == story["session"]["cdr_token"]["uid"]


async def test_neither_party_calls_anybody_but_the_hub(watched: Watched, story: dict[str, Any]) -> None:
    """Every connection a process makes is told by Python itself before it is made."""
    for room in PARTIES:
        assert watched.noted(room, "peer") == {watched.hub_address}, room


async def test_all_that_reaches_a_party_is_the_hubs_ocpi_and_the_drivers_own_requests(
    watched: Watched, story: dict[str, Any]
) -> None:
    for room in PARTIES:
        doors = (f"/{room}/ocpi/", "/emsp/api/v1/search") if room == "emsp" else (f"/{room}/ocpi/",)
        assert watched.received(room), room
        assert [each.path for each in watched.received(room) if not each.path.startswith(doors)] == []
        spoken = [each for each in watched.received(room) if each.path.startswith(f"/{room}/ocpi/")]
        assert all(each.headers["authorization"].startswith("Token ") for each in spoken)
        named = {each.headers["ocpi-to-party-id"] for each in spoken if "ocpi-to-party-id" in each.headers}
        assert named == {"CPO" if room == "cpms" else "MSP"}


async def test_what_the_cpms_tells_of_the_session_the_emsp_hears_from_the_hub_word_for_word(
    watched: Watched, story: dict[str, Any]
) -> None:
    """What entered the hub from the CPMS left it for the eMSP: the same CDR, nothing beside it."""
    told = cdrs_in(watched.received("hub"), story["cdr"]["id"])
    heard = cdrs_in(watched.received("emsp"), story["cdr"]["id"])

    assert told and told == heard


def cdrs_in(requests: list[Recorded], number: str) -> list[Any]:
    bodies = [json.loads(each.body) for each in requests if each.method == "POST" and each.path.endswith("/cdrs")]
    return [each for each in bodies if each["id"] == number]


async def test_neither_party_opens_a_file_of_another(watched: Watched, story: dict[str, Any]) -> None:
    folders = {room: str(process.data) for room, process in watched.house.processes.items()}

    for room in PARTIES:
        opened_files = watched.noted(room, "file")
        assert any(each.startswith(folders[room]) for each in opened_files), "it keeps its own store"
        others = [folder for name, folder in folders.items() if name != room]
        assert [each for each in opened_files if each.startswith(tuple(others))] == []


async def test_the_watchman_notices_a_call_to_anybody_else(tmp_path: Path) -> None:
    """This test can fail: a process that calls another address is seen, and does not get through."""
    log = tmp_path / "log"
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    call = f"import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', {port}))"
    environment = {**os.environ, "PYTHONPATH": str(WATCHED), "WATCH_LOG": str(log), "WATCH_PEER": "127.0.0.1:1"}

    process = await asyncio.create_subprocess_exec(
        "python3", "-c", call, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 1)

    assert b"is nobody this process knows" in said
    assert f"peer 127.0.0.1:{port}" in log.read_text().splitlines()
