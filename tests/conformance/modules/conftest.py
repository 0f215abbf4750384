"""Platforms that a whole file of tests shares: registering each anew for every test would take the most time.

The tests of a file run in one event loop; ids are unique (``samples.unique``), so that what one
test pushes is never what another waits for.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.conformance.conftest import _leave, party_id
from tests.hubs import HubProcess
from tests.parties import PartyPlatform

Enlist = Callable[..., Awaitable[PartyPlatform]]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of a file of this folder in the loop its platforms live in."""
    for item in items:
        if "conformance/modules/" in str(item.path) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@shared
async def enlist(hub: HubProcess) -> AsyncIterator[Enlist]:
    """Return a function that registers a platform at the hub for the rest of the file."""
    async with contextlib.AsyncExitStack() as joined:

        async def enlisting(*roles: str, at: HubProcess = hub, **rest: Any) -> PartyPlatform:
            parties = [(role, "NL", party_id()) for role in roles]
            platform = PartyPlatform(f"{parties[0][0]} {parties[0][2]}", parties, **rest)
            _enlisted.append(platform)
            await joined.enter_async_context(platform)
            await platform.register(at.versions_url, await at.invite(platform.name))
            joined.push_async_callback(_leave, platform)
            return platform

        yield enlisting
        _enlisted.clear()


_enlisted: list[PartyPlatform] = []


@pytest.fixture(autouse=True)
def _as_by_themselves() -> Iterator[None]:
    """After a test all shared platforms answer by themselves again."""
    yield
    for platform in _enlisted:
        platform.forget_answers()


@shared
async def cpo(enlist: Enlist) -> PartyPlatform:
    """A CPO that speaks 2.2.1."""
    return await enlist("CPO")


@shared
async def emsp(enlist: Enlist) -> PartyPlatform:
    """An eMSP that speaks 2.2.1."""
    return await enlist("EMSP")


@shared
async def other(enlist: Enlist) -> PartyPlatform:
    """Another eMSP that speaks 2.2.1."""
    return await enlist("EMSP")


@shared
async def stranger(enlist: Enlist) -> PartyPlatform:
    """Another CPO that speaks 2.2.1."""
    return await enlist("CPO")
