"""The operator API as operators meet it: made by the command line, served by ``emall serve``."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.cli.command import emall
from tests.hubs import HubProcess

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path_factory.mktemp("data"), options=("--rooms", "hub,cpms")).start()
    yield hub
    if hub.process is not None:
        hub.stop()


@pytest.fixture(scope="module")
def api(running: HubProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{running.url}/cpms/api/v1", trust_env=False) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def made_key(running: HubProcess, *scopes: str) -> str:
    options = [word for scope in scopes for word in ("--scope", scope)]
    return str(running.emall("cpms", "key", "create", "--name", "test", *options)["key"])


def test_an_administrator_made_by_the_command_line_logs_in(running: HubProcess, api: httpx.Client) -> None:
    """RASD-F14, DD-F1: the first administrator."""
    made = emall(
        "cpms", "admin", "create", "--email", "boss@cpo.test", "--password-stdin", "--json",
        "--data", str(running.data), stdin=f"{PASSWORD}\n".encode(),
    )  # fmt: skip

    token = api.post("/login", json={"email": "boss@cpo.test", "password": PASSWORD}).json()["token"]

    assert made.value["role"] == "admin"
    assert api.get("/me", headers=bearer(token)).json()["name"] == "boss@cpo.test"


def test_a_key_made_by_the_command_line_works_until_it_is_revoked(running: HubProcess, api: httpx.Client) -> None:
    made = running.emall("cpms", "key", "create", "--name", "erp", "--scope", "sessions:read")

    allowed = api.get("/sessions", headers=bearer(made["key"]))
    refused = api.get("/cdrs", headers=bearer(made["key"]))
    listed = running.emall("cpms", "key", "list")
    running.emall("cpms", "key", "revoke", made["id"])
    revoked = api.get("/sessions", headers=bearer(made["key"]))

    assert [each.status_code for each in (allowed, refused, revoked)] == [200, 403, 401]
    assert [each["scopes"] for each in listed if each["name"] == "erp"] == [["sessions:read"]]


def test_a_key_without_named_scopes_does_everything_but_give_others_access(
    running: HubProcess, api: httpx.Client
) -> None:
    key = made_key(running)

    me = api.get("/me", headers=bearer(key)).json()

    assert {"stations:raw", "tariffs:write", "accounts:read"} <= set(me["scopes"])
    assert not {"accounts:write", "keys:write"} & set(me["scopes"])


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("admin", "create", "--email", "a@b"), b"", "--password-stdin"),
        (("admin", "create", "--email", "a@b", "--password-stdin"), b"short\n", "$.password"),
        (("admin", "create", "--email", "no address", "--password-stdin"), b"long enough for it\n", "$.email"),
        (("key", "create", "--name", " "), b"", "--name"),
        (("key", "revoke", "none"), b"", "no such key"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_remedy(
    running: HubProcess, arguments: tuple[str, ...], stdin: bytes, said: str
) -> None:
    outcome = emall("cpms", *arguments, "--data", str(running.data), stdin=stdin)

    outcome.refused(outcome.code, said)
    assert outcome.code in (1, 2)


def test_the_api_says_what_it_is_and_nothing_without_a_token(running: HubProcess, api: httpx.Client) -> None:
    """RASD-N19."""
    described = api.get("/openapi.json").json()
    public = {("/login", "post"), ("/openapi.json", "get"), ("/docs", "get")}
    public |= {("/problems", "get"), ("/problems/{slug}", "get")}

    open_to_all = {
        (path, method)
        for path, methods in described["paths"].items()
        for method, each in methods.items()
        if each["security"] == []
    }

    assert described["servers"][0]["url"] == f"{running.url}/cpms/api/v1"
    assert "/sessions" in described["paths"]
    assert open_to_all == public
    assert api.get("/sessions").status_code == 401


def test_a_body_too_large_is_refused_before_it_is_read_whole(running: HubProcess, api: httpx.Client) -> None:
    answer = api.post("/login", content=b" " * 3_000_000, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["type"] == "/cpms/api/v1/problems/too-large"


def test_the_records_of_the_cpms_are_offered_once_it_has_joined(running: HubProcess, api: httpx.Client) -> None:
    key = made_key(running)

    assert api.get("/locations", headers=bearer(key)).json() == {"items": [], "next": None}
    assert api.get("/sessions/none", headers=bearer(key)).status_code == 404
    assert api.post("/sessions/none/stop", headers=bearer(key)).status_code == 404


def test_a_server_with_open_streams_ends_at_once(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "data", options=("--rooms", "hub,cpms")).start()
    key = made_key(hub, "stations:read")
    opened, ended = threading.Event(), threading.Event()

    def read() -> None:
        with httpx.stream("GET", f"{hub.url}/cpms/api/v1/events", headers=bearer(key), timeout=20) as stream:
            for _ in stream.iter_lines():
                opened.set()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert opened.wait(10)

    started = time.monotonic()
    code = hub.stop()
    took = time.monotonic() - started

    assert code == 0
    assert ended.wait(5)
    assert took < 3


def test_json_on_stdout_is_all_there_is(running: HubProcess) -> None:
    command = [
        sys.executable,
        "-m",
        "hub",
        "cpms",
        "key",
        "create",
        "--name",
        "x",
        "--json",
        "--data",
        str(running.data),
    ]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    said: dict[str, Any] = json.loads(done.stdout)
    assert said["key"].startswith("emk_")


async def test_an_expert_sends_a_station_any_message_and_reads_what_passed(tmp_path: Path) -> None:
    """Issue 3, 2: any OCPP message as raw payload, through the real server to a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--rooms", "hub,cpms", "--ocpp-port", str(port), "--ocpp-unknown", "accept")
    hub = await asyncio.to_thread(HubProcess(tmp_path / "data", options=options).start)
    try:
        key = await asyncio.to_thread(made_key, hub)
        client = httpx.AsyncClient(base_url=f"{hub.url}/cpms/api/v1", trust_env=False, headers=bearer(key))
        uri = f"ws://127.0.0.1:{port}/ocpp/CP1"
        async with client, connect(uri, subprotocols=["ocpp1.6"], proxy=None) as station:  # type: ignore[list-item]
            boot = {"chargePointVendor": "Acme", "chargePointModel": "One"}
            await station.send(json.dumps([2, "b", "BootNotification", boot]))
            assert json.loads(await station.recv())[2]["status"] == "Accepted"
            asked = asyncio.create_task(client.post("/stations/CP1/ocpp/Reset", json={"type": "Soft"}))
            _, message_id, action, payload = json.loads(await station.recv())
            await station.send(json.dumps([3, message_id, {"status": "Accepted"}]))
            answer = await asked
            chargers = (await client.get("/chargers")).json()["items"]
            frames = await seen(client, "/stations/CP1/frames", 4)

        assert (action, payload) == ("Reset", {"type": "Soft"})
        assert (answer.status_code, answer.json()) == (200, {"status": "Accepted"})
        assert [each["station_id"] for each in chargers] == ["CP1"]
        assert [each["action"] for each in frames] == ["BootNotification", "", "Reset", ""]
    finally:
        await asyncio.to_thread(hub.stop)


async def seen(client: httpx.AsyncClient, path: str, count: int) -> list[dict[str, Any]]:
    """Return a list once it has so many items: frames are in the log a moment later."""
    async with asyncio.timeout(5):
        while True:
            items: list[dict[str, Any]] = (await client.get(path)).json()["items"]
            if len(items) >= count:
                return items
            await asyncio.sleep(0.05)
