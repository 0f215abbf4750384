"""A CPO and an eMSP of each version, that stay registered for all tests of a file."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest

from tests.conformance.transport.conftest import joined, shared
from tests.hubs import HubProcess
from tests.parties import PartyPlatform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of a file of this folder in the loop its platforms live in."""
    for item in items:
        if "conformance/types/" in str(item.path) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


class Pair(NamedTuple):
    """A CPO and an eMSP that speak the same version."""

    cpo: PartyPlatform
    emsp: PartyPlatform


@shared
async def pairs(hub: HubProcess) -> AsyncIterator[dict[str, Pair]]:
    """The pair of each version."""
    async with (
        joined(hub, "CPO", "EMSP", versions=("2.2.1",)) as older,
        joined(hub, "CPO", "EMSP", versions=("2.3.0",)) as newer,
    ):
        yield {"2.2.1": Pair(*older), "2.3.0": Pair(*newer)}


@pytest.fixture(autouse=True)
def _as_by_themselves(pairs: dict[str, Pair]) -> Iterator[None]:
    """After a test all shared platforms answer by themselves again."""
    yield
    for platform in (each for pair in pairs.values() for each in pair):
        platform.forget_answers()
