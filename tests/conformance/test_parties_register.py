"""Our own CPMS and eMSP as platforms of their own: they register at a hub, and receive as the text says.

The hub here is a platform of the tests, so that theirs is the only code of the house under test.

Source: OCPI 2.2.1, credentials.asciidoc (Required endpoints not available), transport_and_format.asciidoc
(Broadcast Push, Client Owned Object Push).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import example, unique
from tests.hubs import HubProcess
from tests.parties import PartyPlatform

#: By room: what it is called, and what it receives from others.
ROOMS = {"cpms": ("NL-CPO", ("tokens",)), "emsp": ("NL-MSP", ("locations", "tariffs", "sessions"))}


def process_of(room: str, hub: PartyPlatform, data: Path) -> HubProcess:
    """Return one of our parties in a process of its own, that registers at a hub when it starts."""
    return HubProcess(data, ("--rooms", room, "--hub", hub.versions_url, "--hub-token", hub.invite()))


@contextlib.asynccontextmanager
async def running(process: HubProcess) -> AsyncIterator[HubProcess]:
    """Run it; the hub of the test answers meanwhile."""
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        code = await asyncio.to_thread(process.stop)
    assert code == 0


def a_hub(*without: str, version: str = "2.2.1") -> PartyPlatform:
    """Return a hub, perhaps without some modules."""
    hub = PartyPlatform("Hub", [("HUB", "NL", "HUB")], versions=(version,))
    hub.offered = [each for each in hub.offered if each[0] not in without]
    return hub


@pytest.mark.checklist("CR-53")
@pytest.mark.parametrize(("room", "missing"), [("cpms", "locations"), ("cpms", "cdrs"), ("emsp", "commands")])
async def test_a_party_that_misses_endpoints_it_expects_does_not_post(room: str, missing: str, tmp_path: Path) -> None:
    async with a_hub(missing) as hub:
        with pytest.raises(AssertionError, match="ended with 2"):
            async with running(process_of(room, hub, tmp_path / "data")):
                raise AssertionError("it registered")

        assert [each.module for each in hub.log] == ["versions", "details"]


@pytest.mark.checklist("BR-24", "CO-06")
@pytest.mark.parametrize("room", ROOMS)
async def test_our_party_answers_a_broadcast_to_the_hub_and_takes_no_post_of_client_owned_objects(
    room: str, tmp_path: Path
) -> None:
    party, modules = ROOMS[room]
    names = {"tokens": "Token.minimal", "locations": "Location.minimal", "tariffs": "Tariff.minimal"}

    async with a_hub() as hub, running(process_of(room, hub, tmp_path / "data")):
        for module in modules:
            posted = await hub.post(module, "/NL/TNM/X1", {}, sender=HUB, to=party)
            assert (posted.status, posted.code) == (405, 2001), module
            if module in names:
                answer = await pushed(hub, module, names[module], party)
                assert (answer.code, answer.sender, answer.receiver) == (1000, party, HUB)


async def pushed(hub: PartyPlatform, module: str, name: str, party: str) -> Any:
    """Have the hub pass on a push of a party behind it, as a copy of a broadcast."""
    identifier = unique("B")
    value = example(name, uid=identifier) if module == "tokens" else example(name, id=identifier)
    path = f"/{value['country_code']}/{value['party_id']}/{identifier}"
    return await hub.put(module, path, value, sender=HUB, to=party)


@pytest.mark.checklist("CR-13", "CR-53")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_our_party_registers_once_and_remembers(version: str, tmp_path: Path) -> None:
    hub = a_hub(version=version)
    async with hub:
        if version == "2.3.0":
            _as_2_3_0(hub)
        process = process_of("cpms", hub, tmp_path / "data")
        async with running(process):
            pass
        async with running(process):
            answer = await hub.get("locations", role="SENDER", sender=HUB, to="NL-CPO")

    assert [each.method for each in hub.log if each.module == "credentials"] == ["POST"]
    assert (answer.code, answer.sender) == (1000, "NL-CPO")


def _as_2_3_0(hub: PartyPlatform) -> None:
    """Have a hub name itself as 2.3.0 does: there is no role HUB, ``hub_party_id`` names it."""
    by_itself = hub.credentials

    def credentials(token: str) -> Any:
        said = by_itself(token)
        said["roles"] = [said["roles"][0] | {"role": "EMSP", "party_id": "TNM"}]
        return said | {"hub_party_id": "NLHUB"}

    hub.credentials = credentials  # type: ignore[method-assign]  # a hub of another version
