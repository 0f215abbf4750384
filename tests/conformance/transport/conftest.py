"""Platforms that stay registered for all tests of a file, each test finding their inboxes empty."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from tests.conformance.conftest import HubProcess, party_id
from tests.parties import PartyPlatform


class Trio(NamedTuple):
    """A CPO, the eMSP it deals with, and another eMSP that has no business with either."""

    cpo: PartyPlatform
    emsp: PartyPlatform
    other: PartyPlatform


@contextlib.asynccontextmanager
async def joined(
    hub: HubProcess, *roles: str | tuple[str, ...], **rest: Any
) -> AsyncIterator[tuple[PartyPlatform, ...]]:
    """Register one platform for each of ``roles`` ("CPO"; ("CPO", "EMSP"): two parties on one), and let them go."""
    async with contextlib.AsyncExitStack() as stack:
        platforms = []
        for each in roles:
            parties = [(role, "NL", party_id()) for role in ((each,) if isinstance(each, str) else each)]
            platforms.append(PartyPlatform(f"{parties[0][0]} {parties[0][2]}", parties, **rest))
            await stack.enter_async_context(platforms[-1])
        tokens = await asyncio.gather(*(hub.invite(each.name) for each in platforms))
        for platform, token in zip(platforms, tokens, strict=True):
            await platform.register(hub.versions_url, token)
            stack.push_async_callback(_leave, platform)
        yield tuple(platforms)


async def _leave(platform: PartyPlatform) -> None:
    with contextlib.suppress(Exception):
        await platform.unregister()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(hub: HubProcess) -> AsyncIterator[Trio]:
    """The three of this file."""
    async with joined(hub, "CPO", "EMSP", "EMSP") as platforms:
        yield Trio(*platforms)


@pytest.fixture
def trio(three: Trio) -> Trio:
    """The three of this file, who have heard nothing yet and answer as by themselves."""
    for platform in three:
        platform.inbox.clear()
        platform.log.clear()
        platform.objects.clear()
        platform.forget_answers()
    return three
