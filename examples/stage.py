"""The stage of the demo: its processes and ports, and how what happened is looked at.

A step *holds* something that was seen where it had to arrive, or fails with what it missed.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

JSON = Any

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0  # seconds until something that must arrive is missed

LOCATIONS = 24  # of our CPMS, with a station each

HUB, CPMS, EMSP, SAMPLE_CPO, SAMPLE_EMSP = "NL-HUB", "NL-CPO", "NL-MSP", "BE-CPX", "FR-MSX"

console = Console(highlight=False)


class StepFailed(Exception):
    """A step of the story did not hold."""


class Stage:
    """Everything that runs, and the ways to see and to do something there.

    Args:
        folder: of the data and the logs.
        port: the first of the ports.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.hub_port, self.cpo_port, self.emsp_port, self.ocpp_port = free_ports(port, 4)
        self.hub_url = f"http://127.0.0.1:{self.hub_port}"
        self.versions_url = f"{self.hub_url}/ocpi/versions"
        self.cpo_url = f"http://127.0.0.1:{self.cpo_port}"
        self.emsp_url = f"http://127.0.0.1:{self.emsp_port}"
        self.ocpp_url = f"ws://127.0.0.1:{self.ocpp_port}/ocpp"
        self.api_url = f"{self.hub_url}/cpms/api/v1"
        self.key = ""
        self.http = httpx.Client(timeout=15, trust_env=False)
        self.processes: list[subprocess.Popen[str]] = []
        self.app: Any = None  # of the driver of our eMSP, once she has signed up
        self.hands: dict[str, subprocess.Popen[str]] = {}

    # -- processes ---------------------------------------------------------------------------------

    def run(self, command: list[str], **variables: str) -> "subprocess.Popen[str]":
        """Start a process whose output goes to a file of the folder."""
        environment = {**os.environ, **variables}
        with self._log().open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, text=True, env=environment)
        self.processes.append(process)
        return process

    def _log(self) -> Path:
        return self.folder / f"{len(self.processes)}.log"

    def simulate(self, prefix: str, *options: str) -> None:
        """Start a fleet of simulated stations with somebody at hand; ``ready`` waits for it."""
        command = [*emall(), "chargers", "simulate", "--by-hand", "--url", self.ocpp_url, "--prefix", prefix, *options]
        with self._log().open("w") as log:
            process = subprocess.Popen(
                [*command, "--data", str(self.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                cwd=ROOT, text=True,
            )  # fmt: skip
        self.processes.append(process)
        self.hands[prefix] = process

    def ready(self, prefix: str) -> list[str]:
        """Wait until a fleet is connected; return its stations' ids."""
        return self._answer(self.hands[prefix])["stations"]

    def hand(self, what: str, station: str, connector: int = 1, *rest: str) -> JSON:
        """Do something at a simulated station; return how its connector is then."""
        process = self.hands[station[:2]]
        assert process.stdin is not None, "it was started with one"
        print(what, station, connector, *rest, file=process.stdin, flush=True)
        answer = self._answer(process)
        if "error" in answer:
            raise StepFailed(f"{what} {station}: {answer['error']}")
        return answer

    def _answer(self, process: "subprocess.Popen[str]") -> JSON:
        assert process.stdout is not None, "it was started with one"
        line = process.stdout.readline()
        if not line.startswith("{"):
            raise StepFailed("the simulated stations have ended")
        return json.loads(line)

    def stop(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)
                continue
            process.kill()
            process.communicate()
        self.http.close()

    def log(self, number: int) -> str:
        """Return what a process has told."""
        return (self.folder / f"{number}.log").read_text(errors="replace")

    def logs(self) -> Iterator[str]:
        """Yield the last lines of every process."""
        for file in sorted(self.folder.glob("*.log")):
            yield f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}"

    # -- the command line --------------------------------------------------------------------------

    def emall(self, *arguments: str, stdin: str | None = None) -> JSON:
        """Run the command line on the running hub, and return its JSON."""
        done = subprocess.run(
            [*emall(), *arguments, "--data", str(self.folder), "--json"], capture_output=True, text=True, timeout=60,
            cwd=ROOT, check=False, input=stdin,
        )  # fmt: skip
        if done.returncode:
            raise StepFailed(f"emall {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    # -- over HTTP ---------------------------------------------------------------------------------

    def answers(self, url: str) -> int | None:
        """Return the HTTP status of a GET; None if nobody answers. A hub that has ended is a failure."""
        if self.processes[0].poll() is not None:
            raise StepFailed(f"the hub ended: {self.log(0)[-500:]}")
        try:
            return self.http.get(url).status_code
        except httpx.HTTPError:
            return None

    def api(self, method: str, path: str, body: JSON = None, **headers: str) -> JSON:
        """Call the operator API with the key; return the JSON of its answer."""
        shown = {"Authorization": f"Bearer {self.key}"} | headers
        response = self.http.request(method, self.api_url + path, json=body, headers=shown)
        if not response.is_success:
            raise StepFailed(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.content else None

    def sample_emsp(self) -> JSON:
        """Return what has arrived at the sample eMSP."""
        return self.http.get(f"{self.emsp_url}/state").json()

    def sample_cpo(self) -> JSON:
        """Return what has arrived at the sample CPO."""
        return self.http.get(f"{self.cpo_url}/state").json()

    def ask_sample(self, path: str, wish: JSON) -> JSON:
        """Use the app of the sample eMSP's driver."""
        response = self.http.post(self.emsp_url + path, json=wish)
        if response.status_code != 200:
            raise StepFailed(f"{path}: {response.text}")
        return response.json()


def emall() -> list[str]:
    """Return the command, from the environment this runs in."""
    command = Path(sys.executable).parent / "emall"
    return [str(command)] if command.exists() else [sys.executable, "-m", "hub"]


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true value of a condition; StepFailed if there is none in time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise StepFailed(f"not within {PATIENCE:g} s: {what}")


def held(what: str) -> None:
    """Say that something is as it must be."""
    console.print(f"   [green]✓[/] {what}", soft_wrap=True)


def check(condition: bool, what: str) -> None:
    """Say that something is as it must be, or fail the step."""
    if not condition:
        raise StepFailed(f"not so: {what}")
    held(what)


def free_ports(first: int, count: int) -> list[int]:
    """Return ports from ``first`` on; one that is taken is replaced, and that is said."""
    with contextlib.ExitStack() as probes:
        ports: list[int] = []
        for wanted in range(first, first + count):
            probe = probes.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                probe.bind(("127.0.0.1", 0))
                console.print(f"port {wanted} is taken; {probe.getsockname()[1]} is used instead")
            ports.append(probe.getsockname()[1])
    return ports
