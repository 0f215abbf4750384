"""``emall chargers simulate`` as a process, against a real WebSocket."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

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
    await asyncio.to_thread(served.stop)

    assert (code, err) == (0, "")
    assert [(each["id"], each["security_profile"]) for each in stations.value] == [("SIM0001", 1), ("SIM0002", 1)]
    assert [each["uid"] for location in locations.value for each in location["evses"]] == [
        "SIM0001-1", "SIM0001-2", "SIM0002-1", "SIM0002-2",
    ]  # fmt: skip


async def test_the_help_names_every_fault() -> None:
    _, out, _ = await ended(await simulate("--help"))

    assert [name for name in FAULTS if name not in out] == []
