"""Still alive: how the hub finds out that a party is away, and that it is back.

A hub of its own, for which seconds are what minutes are for others.

Source: OCPI 2.2.1, mod_hub_client_info.asciidoc (Still alive check, Scenarios).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import at, example
from tests.conformance.seen import client_info, eventually, told
from tests.conformance.test_cr_registration import comer
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform

__all__ = ["comer"]

QUICK = (
    ("EMALL_STILL_ALIVE_AFTER", "1"),
    ("EMALL_PROBE_FIRST", "0.4"),
    ("EMALL_PROBE_EVERY", "1"),
    ("EMALL_OFFLINE_AFTER_TIMEOUTS", "3"),
)


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that soon asks whether parties are alive."""
    options = ("--rooms", "hub", "--forward-timeout", "0.3")
    process = HubProcess(tmp_path_factory.mktemp("restless") / "data", options, QUICK).start()
    yield process
    assert process.stop() == 0


def asked(platform: PartyPlatform) -> int:
    """Return how often a platform was asked for its versions."""
    return sum(each.module == "versions" for each in platform.log)


@pytest.mark.checklist("HC-17")
async def test_a_silent_party_is_asked_for_its_versions_and_stays_connected(restless: HubProcess, join: Any) -> None:
    witness, silent = await join("EMSP", at=restless), await join("CPO", at=restless)
    before = asked(silent)

    async def again() -> bool | None:
        return True if asked(silent) > before else None

    await eventually(again, seconds=4)
    probe = [each for each in silent.log if each.module == "versions"][-1]

    assert probe.method == "GET"
    assert probe.sender is None and probe.receiver is None
    assert (await client_info(witness, silent.party))["CPO"]["status"] == "CONNECTED"


@pytest.mark.checklist("HC-13", "HE-14")
async def test_who_refuses_connections_is_offline_at_once_and_connected_when_a_probe_finds_it(
    restless: HubProcess, join: Any
) -> None:
    witness, cpo = await join("EMSP", at=restless), await join("CPO", at=restless)
    await cpo.close()

    refused = await witness.get("locations", to=cpo.party)
    away = await told(witness, cpo.party, "OFFLINE")
    witness.inbox.clear()
    await cpo.open()
    back = await told(witness, cpo.party, "CONNECTED")

    assert refused.code == 4003
    assert back["last_updated"] > away["last_updated"]
    assert (await witness.get("locations", to=cpo.party)).code == 1000


@pytest.mark.checklist("HC-13", "HC-17")
async def test_a_party_that_died_in_silence_is_found_out(restless: HubProcess, join: Any) -> None:
    witness, cpo = await join("EMSP", at=restless), await join("CPO", at=restless)

    await cpo.close()

    assert (await told(witness, cpo.party, "OFFLINE"))["role"] == "CPO"


@pytest.mark.checklist("HC-13", "HE-14")
async def test_any_call_of_an_offline_party_makes_it_connected(restless: HubProcess, join: Any) -> None:
    witness, cpo = await join("EMSP", at=restless), await join("CPO", at=restless)
    await cpo.close()
    await witness.get("locations", to=cpo.party)
    await told(witness, cpo.party, "OFFLINE")
    witness.inbox.clear()

    cpo.answer(Answer(http_status=503, body=b"-"), module="versions")  # no probe would find it alive
    await cpo.open()
    await cpo.get("hubclientinfo")

    assert await told(witness, cpo.party, "CONNECTED")
    assert (await witness.get("locations", to=cpo.party)).code == 1000


@pytest.mark.checklist("HC-13")
async def test_three_requests_without_an_answer_in_a_row_make_a_party_offline(restless: HubProcess, join: Any) -> None:
    witness, cpo = await join("EMSP", at=restless), await join("CPO", at=restless)
    cpo.answer(Answer(hang=True), module="locations")

    codes = [(await witness.get("locations", to=cpo.party)).code for _ in range(3)]
    await told(witness, cpo.party, "OFFLINE")

    assert codes == [4002, 4002, 4002]


async def test_the_hub_pulls_what_changed_when_a_party_is_back_and_replays_nothing_to_it(
    restless: HubProcess, join: Any, comer: Any
) -> None:
    emsp, cpo = await join("EMSP", at=restless), await comer("CPO")
    known = example("Location.minimal", cpo, id="KNOWN", last_updated="2026-01-01T00:00:00Z")
    cpo.objects["locations"] = [known]
    await cpo.register(restless.versions_url, await restless.invite(cpo.name))
    await _listed(emsp, cpo, "KNOWN")
    await emsp.close()
    assert (await cpo.get("tokens", to=emsp.party)).code == 4003
    missed = example("Location.minimal", cpo, id="MISSED", last_updated="2026-02-02T00:00:00Z")
    assert (await cpo.put("locations", at(cpo, "MISSED"), missed, to=HUB)).code == 1000
    await cpo.close()

    await emsp.open()
    assert (await emsp.get("locations", to=cpo.party)).code == 4003
    cpo.objects["locations"] = [known, example("Location.minimal", cpo, id="NEW", last_updated="2026-03-03T00:00:00Z")]
    before = len(cpo.inbox)
    await cpo.open()
    await _listed(emsp, cpo, "NEW")
    pull = next(each for each in cpo.inbox[before:] if (each.module, each.method) == ("locations", "GET"))
    await cpo.put("locations", at(cpo, "CONTROL"), example("Location.minimal", cpo, id="CONTROL"), to=HUB)
    pushes = await emsp.received(module="locations", method="PUT")

    assert pull.query["date_from"] == "2026-01-01T00:00:00Z"
    assert [push.json["id"] for push in pushes] == ["CONTROL"]


async def _listed(asking: PartyPlatform, owner: PartyPlatform, identifier: str) -> None:
    """Wait until the hub lists an object of a party."""

    async def look() -> bool | None:
        page = await asking.get("locations", to=HUB)
        return True if identifier in {each["id"] for each in page.data} else None

    await eventually(look)
