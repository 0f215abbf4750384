"""A real hub process for the whole run, and platforms that come and go."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.hubs import HubProcess
from tests.parties import PartyPlatform

HUB = "NL-HUB"


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The hub most tests share; what they register, they unregister."""
    process = HubProcess(tmp_path_factory.mktemp("hub") / "data").start()
    yield process
    assert process.stop() == 0


_numbers = itertools.count()


def party_id() -> str:
    """Return a party id nobody else has in this run."""
    number = next(_numbers)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[number // 676 % 26] + letters[number // 26 % 26] + letters[number % 26]


@pytest.fixture
async def join(hub: HubProcess) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that registers a platform at the hub: ``await join("CPO")``, ``join("CPO", "EMSP")``.

    Roles are names, or (role, country_code, party_id); keywords are those of ``PartyPlatform``.
    """
    joined: list[PartyPlatform] = []

    async def joining(*roles: str | tuple[str, str, str], at: HubProcess = hub, **rest: Any) -> PartyPlatform:
        parties = [(role, "NL", party_id()) if isinstance(role, str) else role for role in roles or ("CPO",)]
        platform = PartyPlatform(f"{parties[0][0]} {parties[0][2]}", parties, **rest)
        joined.append(await platform.__aenter__())
        await platform.register(at.versions_url, await at.invite(platform.name))
        return platform

    yield joining
    await asyncio.gather(*map(_leave, joined))  # at once, for each takes its time
    await asyncio.gather(*(platform.__aexit__() for platform in joined))


async def _leave(platform: PartyPlatform) -> None:
    """Unregister, however the test has left the platform."""
    with contextlib.suppress(Exception):
        if platform._server is None:
            await platform.open()
        await platform.credentials_call("DELETE")
