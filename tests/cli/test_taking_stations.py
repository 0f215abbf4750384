"""A real server that takes stations: ``emall serve --ocpp-port``, from the first handshake to SIGTERM."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.cli.command import emall
from tests.cli.test_serving import Served
from tests.ocpp.papers import Authority
from tests.ocpp.plain import BOOT16, BOOT201, Station, eventually
from tests.ocpp.test_security import basic, by_tls, client


def url_of(served: Served) -> str:
    """Return where it says stations connect to."""
    assert served.process.stdout is not None
    line = served.process.stdout.readline()
    assert line.startswith("stations connect to "), line
    return line.removeprefix("stations connect to ").strip().removesuffix("ID")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    running = Served(tmp_path_factory.mktemp("stations") / "data", "--ocpp-port", "0", "--ocpp-unknown", "wait")
    yield running, url_of(running)
    code, seconds, told = running.stop()
    assert code == 0
    assert {line.partition(" ")[2] for line in told.splitlines()} <= {"came with a wrong password"}
    assert seconds < 8


async def station(url: str, version: str = "1.6", **options: Any) -> Station:
    return Station(await connect(url, subprotocols=[f"ocpp{version}"], proxy=None, close_timeout=1, **options))  # type: ignore[list-item]


@pytest.mark.parametrize(("version", "boot"), [("1.6", BOOT16), ("2.0.1", BOOT201), ("2.1", BOOT201)])
async def test_a_station_that_was_added_boots_and_is_accepted(
    served: tuple[Served, str], version: str, boot: dict[str, Any]
) -> None:
    running, url = served
    name = f"CP-{version}"
    password = running.emall("cpms", "station", "add", name, "--json").value["password"]

    charger = await station(url + name, version, **basic(name, password))
    answer = await charger.ask(2, "m1", "BootNotification", boot)

    assert answer[:2] == [3, "m1"]
    assert (answer[2]["status"], answer[2]["interval"] > 0) == ("Accepted", True)
    assert (await charger.ask(2, "m2", "Heartbeat", {}))[:2] == [3, "m2"]
    with pytest.raises(InvalidStatus):
        await station(url + name, version, **basic(name, "a wrong password"))
    await charger.close()


async def test_a_stranger_waits_until_he_is_added(served: tuple[Served, str]) -> None:
    running, url = served
    charger = await station(url + "STRANGER")
    assert (await charger.ask(2, "m1", "BootNotification", BOOT16))[2]["status"] == "Pending"
    (waiting,) = running.emall("cpms", "station", "list", "--waiting", "--json").value
    assert (waiting["id"], waiting["model"]) == ("STRANGER", "One")

    running.emall("cpms", "station", "add", "STRANGER", "--security-profile", "0")
    await asyncio.sleep(1)

    assert (await charger.ask(2, "m2", "BootNotification", BOOT16))[2]["status"] == "Accepted"
    await charger.close()


async def test_the_server_ends_with_a_word_to_its_stations(tmp_path: Path) -> None:
    running = Served(tmp_path / "data", "--ocpp-port", "0", "--ocpp-unknown", "accept")
    charger = await station(url_of(running) + "CP1")
    await charger.ask(2, "m1", "BootNotification", BOOT16)

    stopping = asyncio.create_task(asyncio.to_thread(running.stop))
    with pytest.raises(ConnectionClosed) as closed:
        await charger.hear(10)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert (await stopping)[0] == 0
    frames = emall("cpms", "frames", "--station", "CP1", "--json", EMALL_DATA=str(tmp_path / "data")).stdout
    assert [json.loads(line)["message_id"] for line in frames.splitlines()] == ["m1", "m1"]


async def test_stations_come_by_tls_where_there_is_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "papers")
    given = ("--ocpp-certificate", str(authority.issue("localhost")), "--ocpp-client-ca", str(authority.file))
    running = Served(tmp_path / "data", "--ocpp-port", "0", *given)
    url = url_of(running)
    running.emall("cpms", "station", "add", "CP1", "--security-profile", "3")

    charger = await station(url + "CP1", **by_tls(client(authority, authority.issue("CP1"))))

    assert url.startswith("wss://")
    assert (await charger.ask(2, "m1", "BootNotification", BOOT16))[2]["status"] == "Accepted"
    await charger.close()
    await eventually(lambda: running.process.poll() is None)
    assert running.stop()[0] == 0


def test_a_port_for_stations_that_is_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = emall("serve", "--data", str(tmp_path / "data"), "--port", "0", "--ocpp-port", port)

    outcome.refused(2, "give another --ocpp-host or --ocpp-port")


def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    given = ("--ocpp-port", "0", "--ocpp-certificate", str(tmp_path / "none.pem"))

    emall("serve", "--data", str(tmp_path / "data"), "--port", "0", *given).refused(2, "No such file")
