"""``kill -9`` loses nothing that was acknowledged: a real hub process is killed at random moments under load.

What the hub has answered with a success before it died must be there after the restart: pushes, registrations, lent
callbacks and deliveries. Ten kills in ``make test``, fifty in ``make soak``.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform
from tests.telling import Tell

KILLS = 50 if os.environ.get("SOAK") else 10
OBJECTS = 20  # pushed by as many workers
RATE = 200  # requests per second in all
EXAMPLES = Path(__file__).parent / "examples" / "2.2.1"

LOCATION = json.loads((EXAMPLES / "Location.minimal.json").read_text())
COMMAND = json.loads((EXAMPLES / "StartSession.minimal.json").read_text())
LOST = (httpx.TransportError, json.JSONDecodeError)  # what a dying hub answers


def moment(number: int) -> str:
    """Return a DateTime that grows with its number."""
    seconds = number % 86_400
    return f"2026-01-{1 + number // 86_400:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


@dataclass
class Acknowledged:
    """What the hub has said yes to."""

    pushes: dict[str, str] = field(default_factory=dict)  # by Location, the newest last_updated
    platforms: list[PartyPlatform] = field(default_factory=list)
    callbacks: set[str] = field(default_factory=set)  # the askers' own URLs
    count: int = 0


class Load:
    """Two subscribers, a pusher, and a pair that exchanges commands."""

    def __init__(self, hub: HubProcess, seed: int) -> None:
        self.hub = hub
        self.chance = random.Random(seed)
        self.told = Acknowledged()
        self.numbers: defaultdict[str, int] = defaultdict(int)
        self.cpo = PartyPlatform("Pusher", [("CPO", "NL", "PSH")])
        self.emsps = [PartyPlatform(f"Subscriber {n}", [("EMSP", "NL", f"SB{n}")]) for n in range(2)]
        self.cpo.answer(Answer({"result": "ACCEPTED", "timeout": 30}), module="commands")
        self.joined = 0
        self.seconds = 0.0  # under load

    async def push(self, name: str) -> None:
        """One worker: PUTs of one Location, each newer than the last, as long as the hub answers.

        What an answer takes is no pause from the load: the next request has its own time.
        """
        due = time.monotonic()
        while True:
            due = max(due + OBJECTS / RATE * self.chance.uniform(0.5, 1.5), time.monotonic() - 1)
            await asyncio.sleep(due - time.monotonic())
            self.numbers[name] += 1
            at = moment(self.numbers[name])
            body = {**LOCATION, "country_code": "NL", "party_id": "PSH", "id": name, "last_updated": at}
            reply = await self.cpo.put("locations", f"/NL/PSH/{name}", body, to="NL-HUB")
            assert reply.code == 1000, reply.body
            self.told.pushes[name] = at
            self.told.count += 1

    async def command(self) -> None:
        """STARTs, each with a response_url of its own."""
        asker = self.emsps[0]
        while True:
            await asyncio.sleep(0.05)
            url = f"{asker.url('commands', 'SENDER')}/START_SESSION/{self.chance.getrandbits(64):x}"
            token = {**COMMAND["token"], "country_code": "NL", "party_id": "SB0"}
            reply = await asker.post(
                "commands", "/START_SESSION", {**COMMAND, "response_url": url, "token": token}, to="NL-PSH"
            )
            assert reply.code == 1000, reply.body
            self.told.callbacks.add(url)
            self.told.count += 1

    async def register(self, tokens: list[str]) -> None:
        """Registrations, one after the other."""
        while tokens:
            await asyncio.sleep(self.chance.uniform(0, 0.3))
            self.joined += 1
            letters = f"{self.joined:03}"
            platform = await PartyPlatform(f"Joiner {letters}", [("NSP", "NL", letters)], offered=OFFERED).__aenter__()
            try:
                await platform.register(self.hub.versions_url, tokens.pop())
            except BaseException:
                await platform.__aexit__()
                raise
            self.told.platforms.append(platform)

    async def until_killed(self, tokens: list[str]) -> None:
        """Run the load, kill the hub at a random moment, and wait until everybody has noticed."""
        workers = [self.push(f"L{number:02}") for number in range(OBJECTS)]
        tasks = [asyncio.ensure_future(each) for each in (*workers, self.command(), self.register(tokens))]
        begun = time.monotonic()
        await asyncio.sleep(self.chance.uniform(0.3, 1.0))
        self.hub.stop(signal.SIGKILL)
        self.seconds += time.monotonic() - begun
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, LOST):
                raise outcome

    async def check(self) -> None:
        """Compare what was acknowledged with what is there."""
        await self.check_pushes()
        await self.check_deliveries()
        await self.check_callbacks()
        for platform in self.told.platforms:
            reply = await platform.send("GET", platform.hub_url)
            assert reply.status == 200, f"{platform.name} was registered and is unknown"

    async def check_pushes(self) -> None:
        for name, at in self.told.pushes.items():
            reply = await self.cpo.get("locations", f"/NL/PSH/{name}", role="RECEIVER", to="NL-HUB")
            assert reply.data["last_updated"] >= at, f"{name}: {at} was acknowledged"

    async def check_deliveries(self) -> None:
        async def arrived() -> None:
            for emsp in self.emsps:
                while missing := {k: v for k, v in self.told.pushes.items() if newest(emsp).get(k, "") < v}:
                    assert missing
                    await asyncio.sleep(0.05)

        async with asyncio.timeout(15):
            await arrived()

    async def check_callbacks(self) -> None:
        """Every lent URL that the CPO knows of an acknowledged command leads to the asker's own."""
        asked = [each.json["response_url"] for each in self.cpo.inbox if each.module == "commands"]
        before = len(self.emsps[0].inbox)
        for url in asked:
            reply = await self.cpo.send("POST", url, body={"result": "ACCEPTED"}, headers=FROM_PUSHER)
            assert reply.status in (200, 404), reply.body
        answered = {each.path for each in self.emsps[0].inbox[before:] if each.module == "commands"}
        assert {httpx.URL(url).path for url in self.told.callbacks} <= answered
        self.told.callbacks.clear()
        self.cpo.inbox.clear()


OFFERED = (("sessions", "RECEIVER"),)  # no subscriber of Locations
FROM_PUSHER = {"OCPI-from-country-code": "NL", "OCPI-from-party-id": "PSH"}


def newest(platform: PartyPlatform) -> dict[str, str]:
    """Return the newest last_updated a subscriber has heard, by Location."""
    found: dict[str, str] = {}
    for each in platform.inbox:
        if each.module == "locations" and each.method == "PUT":
            name = each.tail.rsplit("/", 1)[-1]
            found[name] = max(found.get(name, ""), each.json["last_updated"])
    return found


async def test_a_killed_hub_has_lost_nothing_it_acknowledged(tmp_path: Path, tell: Tell) -> None:
    seed = random.randrange(1_000_000)
    hub = HubProcess(tmp_path / "data").start()
    load = Load(hub, seed)
    async with contextlib.AsyncExitStack() as platforms:
        for platform in (load.cpo, *load.emsps):
            await platforms.enter_async_context(platform)
            await platform.register(hub.versions_url, await hub.invite(platform.name))
        try:
            for _ in range(KILLS):
                tokens = [await hub.invite(f"Joiner {n}") for n in range(2)]
                await load.until_killed(tokens)
                hub.start()
                await load.check()
        finally:
            if hub.process is not None:
                hub.stop()
            for platform in load.told.platforms:
                await platform.__aexit__()
    told = load.told
    assert told.count > KILLS * 20, "there was no load worth the name"
    summary = (
        f"kill -9: {KILLS} kills, {told.count} acknowledged pushes and commands ({told.count / load.seconds:.0f}/s),"
        f" {len(told.platforms)} registrations, none lost (seed {seed})"
    )
    tell(summary)
