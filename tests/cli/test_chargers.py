"""``emall chargers simulate`` as a process, against a real WebSocket."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hub.database import open_database
from hub.ocpp.simulation.faults import FAULTS
from tests.cli.test_serving import Served
from tests.ocpp.simulation.central import Central


async def simulate(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "chargers", "simulate", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def central():
    async with Central().serving() as made:
        yield made


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_stations_connect_and_a_signal_ends_them(central: Central, version: str) -> None:
    process = await simulate("--url", central.url, "--count", "3", "--version", version, "--prefix", "CP")
    async with asyncio.timeout(20):
        while len(central.of("BootNotification")) < 3:
            await asyncio.sleep(0.05)

    process.send_signal(signal.SIGINT)
    code, out, err = await ended(process)

    assert (code, err) == (0, "")
    assert sorted(central.points) == ["CP0001", "CP0002", "CP0003"]
    assert out.splitlines()[-1].endswith("of 3 stations registered, 0 charging, 0.0 kWh delivered")


async def test_by_hand_each_line_is_done_and_answered_and_the_last_one_ends_it(central: Central) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "chargers", "simulate", "--url", central.url, "--by-hand",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip

    assert process.stdin is not None
    process.stdin.write(b"plug SIM0001\npresent SIM0001 CARD-1\nfly\n")
    async with asyncio.timeout(30):
        while not central.of("StartTransaction"):
            await asyncio.sleep(0.05)
    out, err = await asyncio.wait_for(process.communicate(b""), 30)

    told = [json.loads(line) for line in out.splitlines()[:-1]]
    assert (process.returncode, err) == (0, b"")
    assert told[0] == {"stations": ["SIM0001"]}
    assert [each.get("status") for each in told[1:]] == ["Preparing", "Charging", None]
    assert (told[2]["card"], "error" in told[3]) == ("Accepted", True)
    assert len(central.of("StartTransaction")) == 1


async def test_what_cannot_work_is_said_in_one_line_and_by_the_exit_code(central: Central) -> None:
    central.password = "wanted password"

    ends = [
        await ended(await simulate(*arguments))
        for arguments in (
            ("--url", central.url, "--password", "another password"),
            ("--url", "ws://127.0.0.1:1/ocpp"),
            ("--url", "http://127.0.0.1:1/ocpp"),
            ("--url", central.url, "--faults", "rain"),
        )
    ]

    assert [code for code, _, _ in ends] == [1, 1, 2, 2]
    assert all(len(err.splitlines()) == 1 and err.startswith("emall: ") for _, _, err in ends)
    assert "the password was refused; give the --password" in ends[0][2]
    assert "check --url" in ends[1][2]


async def test_with_data_the_stations_are_made_known_and_stand_at_a_location(central: Central, tmp_path: Path) -> None:
    served = await asyncio.to_thread(Served, tmp_path / "data")
    central.password = "a password of theirs"
    process = await simulate(
        "--url", central.url, "--data", str(served.data), "--count", "2", "--connectors", "2",
        "--password", central.password,
    )  # fmt: skip
    async with asyncio.timeout(30):
        while len(central.of("BootNotification")) < 2 and process.returncode is None:
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    code, _, err = await ended(process)

    stations = await asyncio.to_thread(served.emall, "cpms", "station", "list", "--json")
    locations = await asyncio.to_thread(served.emall, "cpms", "list", "locations", "--json")
    store = await open_database(served.data)
    placed = await store.fetch("SELECT station_id, location_id FROM cpms_station ORDER BY station_id")
    await store.close()
    await asyncio.to_thread(served.stop)

    assert (code, err) == (0, "")
    assert [tuple(each) for each in placed] == [(each, locations.value[0]["id"]) for each in ("SIM0001", "SIM0002")]
    assert [(each["id"], each["security_profile"]) for each in stations.value] == [("SIM0001", 1), ("SIM0002", 1)]
    assert [each["uid"] for location in locations.value for each in location["evses"]] == [
        "SIM0001-1", "SIM0001-2", "SIM0002-1", "SIM0002-2",
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_an_emsps_order_ends_at_a_charger_and_its_cdr_at_the_emsp(version: str, tmp_path: Path) -> None:
    """Issue 3, section 7.1: hub, CPMS and eMSP in one process, the charge points in another, a WebSocket between."""
    served = await asyncio.to_thread(Served, tmp_path / "data", "--ocpp-port", "0")
    assert served.process.stdout is not None
    told = await asyncio.to_thread(served.process.stdout.readline)
    process = await simulate(
        "--url", told.split()[-1].removesuffix("/ID"), "--data", str(served.data), "--version", version, "--speed", "60"
    )

    async def emall(*arguments: str) -> Any:
        done = await asyncio.to_thread(served.emall, *arguments, "--json")
        return done.value if done.code == 0 else []

    async def until(ask: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(60):
            while not (found := await ask()):
                await asyncio.sleep(0.2)
            return found

    async def free() -> Any:
        locations = await emall("cpms", "list", "locations")
        return [each["id"] for each in locations if each["evses"][0]["status"] == "AVAILABLE"]

    async def listed(room: str, kind: str) -> Any:
        return await emall(room, "list", kind)

    await emall("emsp", "token", "CARD-1")
    (location_id,) = await until(free)
    await emall(
        "emsp", "start", "--to", "NL-CPO", "--token", "CARD-1", "--location", location_id, "--evse", "SIM0001-1"
    )
    (session,) = await until(lambda: listed("cpms", "sessions"))
    await until(lambda: _active(listed("cpms", "sessions")))
    await emall("emsp", "stop", "--to", "NL-CPO", "--session", session["id"])
    (cdr,) = await until(lambda: listed("emsp", "cdrs"))
    process.send_signal(signal.SIGTERM)
    code, _, err = await ended(process)
    await asyncio.to_thread(served.stop)

    assert (code, err) == (0, "")
    assert cdr["id"] == session["id"]
    assert cdr["total_energy"] > 0


async def _active(sessions: Awaitable[Any]) -> bool:
    return [each["status"] for each in await sessions] == ["ACTIVE"]


async def test_the_help_names_every_fault() -> None:
    _, out, _ = await ended(await simulate("--help"))

    assert [name for name in FAULTS if name not in out] == []
