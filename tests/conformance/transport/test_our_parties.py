"""Our own CPMS and eMSP, with the test as their hub; and the hub as a client of lists.

Each party runs in a process of its own (``--rooms cpms``) and registers at the test, which then
calls it directly: nothing between judges for it.

Source: OCPI 2.2.1, transport_and_format.asciidoc (GET, PUT, PATCH), status_codes.asciidoc, mod_sessions.asciidoc.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import _leave, party_id
from tests.conformance.samples import example, unique
from tests.conformance.transport.conftest import heard, shared
from tests.conformance.transport.speech import check_envelope
from tests.hubs import HubProcess
from tests.parties import PartyPlatform

CPO, EMSP = "NL-CPO", "NL-MSP"


@contextlib.asynccontextmanager
async def alone(room: str, data: Path) -> AsyncIterator[tuple[PartyPlatform, HubProcess]]:
    """Run a room apart, registered at a platform that is its hub."""
    async with PartyPlatform("Hub", [("HUB", "NL", "HUB")]) as fake:
        options = ("--rooms", room, "--hub", fake.versions_url, "--hub-token", fake.invite())
        process = HubProcess(data, options, (("EMALL_CPMS", "simulator"),))
        await asyncio.to_thread(process.start)
        yield fake, process
        assert await asyncio.to_thread(process.stop) == 0


@shared
async def cpms(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[PartyPlatform, HubProcess]]:
    """The hub of our CPMS, and its process."""
    async with alone("cpms", tmp_path_factory.mktemp("cpms") / "data") as both:
        yield both


@shared
async def emsp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PartyPlatform]:
    """The hub of our eMSP."""
    async with alone("emsp", tmp_path_factory.mktemp("emsp") / "data") as (fake, _):
        yield fake


#: Requests that reach the OCPI layer, for the one party or the other; most of them are wrong.
ASKED: list[tuple[str, str, str, str, str, Any]] = [
    ("cpms", "GET", "SENDER", "locations", "", None),
    ("cpms", "GET", "SENDER", "locations", "/nothing", None),
    ("cpms", "GET", "SENDER", "locations", "?limit=x", None),
    ("cpms", "GET", "SENDER", "tariffs", "", None),
    ("cpms", "GET", "SENDER", "sessions", "?date_from=2020-01-01T00:00:00Z", None),
    ("cpms", "GET", "SENDER", "cdrs", "?date_to=yesterday", None),
    ("cpms", "PUT", "SENDER", "sessions", "/nothing/charging_preferences", {"profile_type": "CHEAP"}),
    ("cpms", "GET", "RECEIVER", "tokens", "/NL/MSP/nothing", None),
    ("cpms", "PUT", "RECEIVER", "tokens", "/NL/MSP/U1", {"uid": "U1"}),
    ("cpms", "PATCH", "RECEIVER", "tokens", "/NL/MSP/U1", {"last_updated": "2026-01-01T00:00:00Z"}),
    (
        "cpms",
        "POST",
        "RECEIVER",
        "commands",
        "/STOP_SESSION",
        {"response_url": "https://x.example/1", "session_id": "?"},
    ),
    ("cpms", "POST", "RECEIVER", "commands", "/START_SESSION", {"response_url": "https://x.example/1"}),
    ("cpms", "PUT", "RECEIVER", "chargingprofiles", "/nothing", {}),
    ("cpms", "DELETE", "RECEIVER", "chargingprofiles", "/nothing?response_url=https://x.example/1", None),
    ("emsp", "GET", "SENDER", "tokens", "", None),
    ("emsp", "GET", "SENDER", "tokens", "?offset=-1", None),
    ("emsp", "POST", "SENDER", "tokens", "/nothing/authorize", None),
    ("emsp", "GET", "RECEIVER", "locations", "/NL/ABC/nothing", None),
    ("emsp", "PUT", "RECEIVER", "locations", "/NL/ABC/L1", {"id": "L1"}),
    ("emsp", "PATCH", "RECEIVER", "locations", "/NL/ABC/L1/E1", {"last_updated": "2026-01-01T00:00:00Z"}),
    ("emsp", "DELETE", "RECEIVER", "tariffs", "/NL/ABC/nothing", None),
    ("emsp", "PATCH", "RECEIVER", "sessions", "/NL/ABC/nothing", {"last_updated": "2026-01-01T00:00:00Z"}),
    ("emsp", "POST", "RECEIVER", "cdrs", "", {"id": "C1"}),
    ("emsp", "GET", "RECEIVER", "cdrs", "/nothing", None),
    ("emsp", "POST", "SENDER", "commands", "/START_SESSION/nobody-asked", {"result": "ACCEPTED"}),
]


@pytest.mark.checklist("TR-22", "TR-37", "TR-36")
@pytest.mark.parametrize(("room", "method", "role", "module", "path", "body"), ASKED)
async def test_our_parties_answer_with_a_status_code_of_the_tables(
    cpms: tuple[PartyPlatform, HubProcess],
    emsp: PartyPlatform,
    room: str,
    method: str,
    role: str,
    module: str,
    path: str,
    body: Any,
) -> None:
    hub, to = (cpms[0], CPO) if room == "cpms" else (emsp, EMSP)

    answer = await hub.call(method, module, path, role=role, to=to, body=body)

    check_envelope(answer)
    assert answer.status in (200, 404)
    assert answer.status == 200 or "nothing" in path or "nobody" in path
    assert answer.code < 4000
    assert (answer.sender, answer.receiver) == (to, "NL-HUB")


@pytest.mark.checklist("PG-24")
async def test_our_cpms_demands_date_from_of_who_lists_sessions(cpms: tuple[PartyPlatform, HubProcess]) -> None:
    hub, _ = cpms

    without = await hub.get("sessions", to=CPO)
    empty = await hub.get("sessions", to=CPO, query={"date_from": ""})
    with_it = await hub.get("sessions", to=CPO, query={"date_from": "2026-01-01T00:00:00Z"})

    assert [(each.status, each.code) for each in (without, empty)] == [(200, 2001)] * 2
    assert "date_from" in without.message
    assert (with_it.code, with_it.data) == (1000, [])


@pytest.mark.checklist("TR-25")
async def test_what_a_put_leaves_out_is_gone_at_our_emsp(emsp: PartyPlatform) -> None:
    full = example("Location.full", country_code="NL", party_id="ABC", id=unique("LOC"))
    minimal = example("Location.minimal", country_code="NL", party_id="ABC", id=full["id"])
    path = f"/NL/ABC/{full['id']}"

    await emsp.put("locations", path, full, to=EMSP)
    before = await emsp.get("locations", path, role="RECEIVER", to=EMSP)
    await emsp.put("locations", path, minimal, to=EMSP)
    after = await emsp.get("locations", path, role="RECEIVER", to=EMSP)

    assert before.data == full
    assert after.data == minimal


@pytest.mark.checklist("TR-25")
async def test_what_a_patch_leaves_out_stays_at_our_emsp(emsp: PartyPlatform) -> None:
    full = example("Location.full", country_code="NL", party_id="ABC", id=unique("LOC"))
    path = f"/NL/ABC/{full['id']}"
    change = {"name": "Renamed", "last_updated": "2026-09-01T00:00:00Z"}

    await emsp.put("locations", path, full, to=EMSP)
    await emsp.patch("locations", path, change, to=EMSP)
    after = await emsp.get("locations", path, role="RECEIVER", to=EMSP)

    assert after.data == full | change


@pytest.mark.checklist("TR-25")
async def test_a_patch_of_our_cpms_holds_what_changed_and_nothing_else(
    cpms: tuple[PartyPlatform, HubProcess], tmp_path: Path
) -> None:
    hub, process = cpms
    place = example("Location.minimal", version="2.3.0", country_code="NL", party_id="CPO", id=unique("LOC"))
    place["evses"] = [example("EVSE.minimal", version="2.3.0", uid="E1", status="AVAILABLE")]
    (tmp_path / "locations.json").write_text(json.dumps([place]))
    path = f"/NL/CPO/{place['id']}"

    await asyncio.to_thread(process.emall, "import", "locations", str(tmp_path / "locations.json"))
    (put,) = await hub.received(module="locations", method="PUT", tail=path)
    await asyncio.to_thread(process.emall, "cpms", "status", "--location", place["id"], "--evse", "E1", "INOPERATIVE")
    (patch,) = await hub.received(module="locations", method="PATCH")

    assert put.json["id"] == place["id"]
    assert (patch.tail, patch.sender, patch.receiver) == (f"{path}/E1", CPO, "NL-HUB")
    assert patch.json == {"status": "INOPERATIVE", "last_updated": patch.json["last_updated"]}


@pytest.mark.checklist("TR-16")
async def test_of_a_list_with_broken_objects_the_hub_takes_the_good_ones(hub: HubProcess) -> None:
    cpo = PartyPlatform("broken list", [("CPO", "NL", party_id())])
    at = {"last_updated": "2026-01-01T00:00:00Z"}
    good = [example("Tariff.minimal", cpo, id=f"GOOD{number}", **at) for number in range(60)]
    broken = [
        {"id": "NO-MORE", **at},
        example("Tariff.minimal", cpo, id="WRONG-TYPE", elements="none", **at),
        example("Tariff.minimal", cpo, id="FOREIGN", **at) | {"party_id": "ZZZ"},
        example("Tariff.minimal", cpo, id="LONG" * 10, **at),
    ]
    cpo.objects["tariffs"] = [good[0], *broken[:2], *good[1:], *broken[2:]]

    async with cpo:
        await cpo.register(hub.versions_url, await hub.invite(cpo.name))
        await cpo.credentials_call("GET")
        await cpo.received(module="cdrs")  # what is pulled last
        pulled = [each async for each in cpo.pages("tariffs", to="NL-HUB")]
        await _leave(cpo)

    own = [each["id"] for page in pulled for each in page.data if each["party_id"] == cpo.roles[0][2]]
    assert own == [each["id"] for each in good]
    assert len([each for each in heard(cpo) if each.module == "tariffs"]) == 2
