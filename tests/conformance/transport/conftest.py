"""Platforms that stay registered for all tests of a file, each test finding their inboxes empty."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from tests.conformance.conftest import _leave, party_id
from tests.conformance.samples import at, example, unique
from tests.hubs import HubProcess
from tests.parties import CONFIGURATION, PartyPlatform, Received

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of a file of this folder in the loop its platforms live in."""
    for item in items:
        if "conformance/transport/" in str(item.path) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


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
            await platform.credentials_call("GET")  # now the hub knows it has its answer, and begins to pull
            stack.push_async_callback(_leave, platform)
        await asyncio.gather(*(_pulled(each) for each in platforms))
        yield tuple(platforms)


async def _pulled(platform: PartyPlatform) -> None:
    """Wait until the hub has pulled what a platform offers: the lists its roles own, each from each party."""
    for role, module in (
        ("CPO", "locations"),
        ("CPO", "tariffs"),
        ("CPO", "sessions"),
        ("CPO", "cdrs"),
        ("EMSP", "tokens"),
    ):
        parties = {party[1:] for party in platform.roles if party[0] == role}
        if parties and (module, "SENDER") in platform.offered:
            await platform.received(len(parties), module=module, method="GET")


def heard(platform: PartyPlatform) -> list[Received]:
    """Return the requests to functional modules that a platform got."""
    return [each for each in platform.inbox if each.module not in CONFIGURATION]


@shared
async def three(hub: HubProcess) -> AsyncIterator[Trio]:
    """The three of this file."""
    async with joined(hub, "CPO", "EMSP", "EMSP") as platforms:
        yield Trio(*platforms)


@pytest_asyncio.fixture(loop_scope="module")
async def trio(three: Trio) -> Trio:
    """The three of this file, who have heard nothing yet and answer as by themselves.

    Copies come in order: when a broadcast of now has come, those of the tests before have come, too.
    """
    cpo, *hearers = three
    for platform in three:
        platform.forget_answers()
        platform.inbox.clear()
    mark = unique("MARK")
    pushed = await cpo.put("tariffs", at(cpo, mark), example("Tariff.minimal", cpo, id=mark), to="NL-HUB")
    assert pushed.code == 1000
    for platform in hearers:
        await platform.received(module="tariffs", tail=at(cpo, mark))
    for platform in three:
        platform.inbox.clear()
        platform.log.clear()
        platform.objects.clear()
    return three
