"""The demo: a hub with our CPMS and eMSP, two external platforms, a city, and one roaming story, checked.

Started by ``make demo``. ``DEMO=once`` ends after the story (exit code 0 if every step held, else 1
naming the step); ``PORT=`` moves all ports. Every step looks at what really arrived at the other end.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel

from examples import city

JSON = Any

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0  # seconds until something that must arrive is missed

HUB, CPMS, EMSP, SAMPLE_CPO, SAMPLE_EMSP = "NL-HUB", "NL-CPO", "NL-MSP", "BE-CPX", "FR-MSX"

console = Console(highlight=False)


class StepFailed(Exception):
    """A step of the story did not hold."""


class Demo:
    """The processes of the demo, and the story they play."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.hub_port, self.cpo_port, self.emsp_port = free_ports(port, 3)
        self.hub_url = f"http://127.0.0.1:{self.hub_port}"
        self.versions_url = f"{self.hub_url}/ocpi/versions"
        self.cpo_url = f"http://127.0.0.1:{self.cpo_port}"
        self.emsp_url = f"http://127.0.0.1:{self.emsp_port}"
        self.http = httpx.Client(timeout=15, trust_env=False)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.number = 0

    # -- the story ---------------------------------------------------------------------------------

    def play(self) -> None:
        """Play every step; raise StepFailed at the first that does not hold."""
        self.step("The hub starts, with our CPMS and our eMSP behind their own OCPI doors", self.start_hub)
        self.step("Two external platforms register by the credentials handshake", self.handshake)
        self.step(f"{city.CITY} is imported into our CPMS and broadcast", self.import_city)
        self.step("The sample CPO's Locations and Tariffs reach our eMSP", self.external_city)
        self.step("A driver's app finds chargers, ours and the sample CPO's, over the eMSP's API", self.find_chargers)
        self.step("Tokens are pushed to every CPO", self.tokens)
        self.step("A card is authorized in real time, by its eMSP at an external platform", self.authorization)
        self.step("A driver of the sample eMSP charges at our CPMS", self.charge_at_ours)
        self.step("A driver of our eMSP charges at the sample CPO", self.charge_at_theirs)
        self.step("A driver of the sample eMSP charges at the sample CPO: 2.3.0 with 2.2.1", self.charge_between)

    def step(self, title: str, play: Callable[[], None]) -> None:
        """Play one step and say that it held."""
        self.number += 1
        console.print(f"\n[bold cyan]{self.number}. {title}[/]")
        try:
            play()
        except (StepFailed, httpx.HTTPError, OSError, KeyError, ValueError, StopIteration) as error:
            raise StepFailed(f"step {self.number}, {title}: {type(error).__name__}: {error}") from error

    def start_hub(self) -> None:
        """Start ``emall serve`` on SQLite, and wait until it answers."""
        environment = {"EMALL_CPMS": "simulator", "EMALL_SIMULATOR_SPEED": "240", "EMALL_SIMULATOR_TICK": "1"}
        self.run(
            [
                *emall(), "serve", "--port", str(self.hub_port), "--data", str(self.folder),
                "--allow-private-peers", "--hub-id", HUB, "--cpo-id", CPMS, "--emsp-id", EMSP,
            ],
            environment,
        )  # fmt: skip
        until(lambda: self.answers(self.versions_url) == 401, "the hub answers")
        held(f"{self.versions_url} answers, and to strangers 401")

        def ours() -> bool:
            listed = {party for each in self.emall("party", "list") for party in each["parties"]}
            return {CPMS, EMSP} <= listed

        until(ours, "our own parties are registered")
        held(f"{CPMS} and {EMSP} are registered like any other platform")

    def handshake(self) -> None:
        """Invite both samples by the real command and start them; they do the rest."""
        for name, role, port, module, party in (
            ("Sample CPO", "CPO", self.cpo_port, "examples.sample_cpo", SAMPLE_CPO),
            ("Sample eMSP", "EMSP", self.emsp_port, "examples.sample_emsp", SAMPLE_EMSP),
        ):
            invited = self.emall("party", "invite", "--name", name, "--role", role)
            url = invited["versions_url"]
            self.run([sys.executable, "-m", module, "--port", str(port), "--hub", url, "--token", invited["token"]])

            def connected(party: str = party) -> JSON:
                listed = self.emall("party", "list")
                return next((e for e in listed if party in e["parties"] and e["status"] == "CONNECTED"), None)

            connection = until(connected, f"{name} is connected")
            held(f"{name} ({party}) is CONNECTED and speaks {connection['version']}")

    def import_city(self) -> None:
        """Import through the CPMS; the sample eMSP must have every object in the end."""
        locations, tariffs = city.internal_locations(), city.internal_tariffs()
        for module, objects in (("tariffs", tariffs), ("locations", locations)):
            file = self.folder / f"{module}.json"
            file.write_text(json.dumps(objects))
            told = self.emall("import", module, str(file))
            check(told["imported"] == len(objects), f"{told['imported']} of {len(objects)} {module} imported")
        wanted = {each["id"] for each in locations}
        until(lambda: wanted <= self.known("locations", CPMS), "the Locations have arrived")
        until(lambda: {"AC", "DC"} <= self.known("tariffs", CPMS), "the Tariffs have arrived")
        held(f"{len(locations)} Locations and {len(tariffs)} Tariffs stand at the sample eMSP")

    def known(self, module: str, owner: str) -> set[str]:
        """Return the ids the sample eMSP has of a party."""
        return {
            each["id"] for each in self.sample_emsp()[module] if f"{each['country_code']}-{each['party_id']}" == owner
        }

    def external_city(self) -> None:
        """What the sample CPO pushed in 2.2.1 must be at our eMSP, which speaks 2.3.0."""
        count = len(city.external_locations())
        theirs = [each["id"] for each in city.external_locations()]
        until(lambda: set(theirs) <= {each["id"] for each in self.emall("emsp", "list", "locations")}, "they arrived")
        held(f"{count} Locations of the sample CPO stand at our eMSP")
        tariffs = until(
            lambda: [each for each in self.emall("emsp", "list", "tariffs") if each["party_id"] == "CPX"], "tariffs"
        )
        check("tax_included" in tariffs[0], "raised from 2.2.1: its Tariffs say tax_included now")

    def find_chargers(self) -> None:
        """Search at the eMSP: everything the hub told it, with distance, price and how old the news is."""
        key = self.emall("emsp", "key", "create", "--name", "app", "--scope", "chargers:read")["key"]
        at = city.internal_locations()[0]["coordinates"]
        asked = {"near": f"{at['latitude']},{at['longitude']}", "available": "true", "limit": "100", "kwh": "20"}

        def search(**more: str) -> JSON:
            answer = self.http.get(
                f"{self.hub_url}/emsp/api/v1/search",
                params=asked | more,
                headers={"Authorization": f"Bearer {key}"},
            )
            return answer.raise_for_status().json()

        owners = until(lambda: {CPMS, SAMPLE_CPO} <= {each["owner"] for each in search()["items"]}, "both are found")
        check(bool(owners), f"free chargers of {CPMS} and of {SAMPLE_CPO} are found the same way")
        nearest = search(sort="price")["items"][0]
        price = nearest["price"]
        held(
            f"20 kWh are cheapest at {nearest['owner']} {nearest['location_id']}, {nearest['metres']} m away:"
            f" {price['amount']} {price['currency']} in {nearest['hours']} h"
        )
        seen = search(standards="CHADEMO", least_power="900000")
        check(not seen["items"], f"no charger has 900 kW for CHAdeMO: {[each['wish'] for each in seen['reasons']]}")

    def tokens(self) -> None:
        """Both eMSPs' tokens must be at both CPOs."""
        self.emall("emsp", "token", "OUR-CARD-1")
        wanted = {"APP-1", "CARD-1", "OUR-CARD-1"}
        until(lambda: wanted <= {each["uid"] for each in self.sample_cpo()["tokens"]}, "the sample CPO has them")
        held(f"the sample CPO knows {', '.join(sorted(wanted))}")
        until(lambda: wanted <= {each["uid"] for each in self.emall("cpms", "list", "tokens")}, "our CPMS has them")
        held("our CPMS knows them too")

    def authorization(self) -> None:
        """A card with whitelist NEVER at our station: the sample eMSP is asked, through the hub."""
        place = ("--location", "CPO-001", "--evse", "CPO-001-1", "--token", "CARD-1")
        check(self.emall("cpms", "present", *place)["result"] == "ACCEPTED", "the station lets the card charge")
        asked = self.sample_emsp()["authorized"]
        check(asked[-1]["by"] == CPMS, f"the sample eMSP was asked by {CPMS} for {asked[-1]['uid']}")
        session = self.session_at_emsp(lambda each: each["cdr_token"]["uid"] == "CARD-1")
        check(session["auth_method"] == "AUTH_REQUEST", "the Session says AUTH_REQUEST")
        check(self.emall("cpms", "present", *place)["result"] == "STOPPED", "the same card stops it")
        self.cdr_at_emsp(session["id"])

    def charge_at_ours(self) -> None:
        """External eMSP, internal CPMS."""
        self.charge_by_sample(CPMS, "CPO-002", "CPO-002-1")

    def charge_between(self) -> None:
        """External eMSP (2.3.0), external CPO (2.2.1)."""
        self.charge_by_sample(SAMPLE_CPO, "CPX-002", "CPX-002-1")

    def charge_by_sample(self, cpo: str, location_id: str, evse_uid: str) -> None:
        """START_SESSION with its later result, updates, STOP_SESSION, CDR: as the sample eMSP sees them."""
        wish = {"to": cpo, "location_id": location_id, "evse_uid": evse_uid}
        order = self.ask_sample("/drive", wish)
        held(f"START_SESSION to {cpo}: {order['response']}, at once")
        self.result_at_emsp(order["uid"])
        session = self.session_at_emsp(
            lambda each: each["evse_uid"] == evse_uid and each["status"] == "ACTIVE" and each.get("updates", 0) >= 2
        )
        held(f"Session {session['id'][:8]} is ACTIVE, {session['updates']} updates, {session['kwh']} kWh so far")
        order = self.ask_sample("/stop", {"to": cpo, "session_id": session["id"]})
        held(f"STOP_SESSION: {order['response']}, at once")
        self.result_at_emsp(order["uid"])
        self.cdr_at_emsp(session["id"])

    def charge_at_theirs(self) -> None:
        """Internal eMSP, external CPO."""
        place = ("--location", "CPX-001", "--evse", "CPX-001-1")
        order = self.emall("emsp", "start", "--to", SAMPLE_CPO, "--token", "OUR-CARD-1", *place)
        check(order["response"] == "ACCEPTED", f"START_SESSION to {SAMPLE_CPO}: {order['response']}, at once")
        self.our_result(order["uid"])

        def active() -> JSON:
            found = [each for each in self.emall("emsp", "list", "sessions") if each["evse_uid"] == "CPX-001-1"]
            return next((each for each in found if each["kwh"] > 0), None)

        session = until(active, "our eMSP sees the Session grow")
        held(f"Session {session['id'][:8]} is {session['status']} at our eMSP, {session['kwh']} kWh so far")
        order = self.emall("emsp", "stop", "--to", SAMPLE_CPO, "--session", session["id"])
        self.our_result(order["uid"])

        def booked() -> JSON:
            found = self.emall("emsp", "list", "cdrs")
            return next((each for each in found if each["session_id"] == session["id"]), None)

        cdr = until(booked, "the CDR is booked")
        cost = cdr["total_cost"]["before_taxes"]
        check(cost > 0, f"CDR booked at our eMSP: {cdr['total_energy']} kWh, {cost} {cdr['currency']} before taxes")

    # -- what arrived ------------------------------------------------------------------------------

    def result_at_emsp(self, uid: str) -> None:
        """Wait for a command's asynchronous result at the sample eMSP."""

        def result() -> JSON:
            return next(each["result"] for each in self.sample_emsp()["commands"] if each["uid"] == uid)

        found = until(result, "the asynchronous result arrives")
        check(found == "ACCEPTED", f"its result came later, by the lent response_url: {found}")

    def our_result(self, uid: str) -> None:
        """Wait for a command's asynchronous result at our eMSP."""
        found = until(lambda: self.emall("emsp", "order", uid)["result"], "the asynchronous result arrives")
        check(found == "ACCEPTED", f"its result came later, by the lent response_url: {found}")

    def session_at_emsp(self, wanted: Callable[[JSON], bool]) -> JSON:
        """Wait for a Session at the sample eMSP."""
        return until(
            lambda: next((e for e in self.sample_emsp()["sessions"] if wanted(e)), None), "the Session arrives"
        )

    def cdr_at_emsp(self, session_id: str) -> None:
        """Wait for the CDR of a Session at the sample eMSP, and its COMPLETED Session."""
        cdrs = lambda: [each for each in self.sample_emsp()["cdrs"] if each["session_id"] == session_id]  # noqa: E731
        (cdr,) = until(cdrs, "the CDR arrives")
        cost = cdr["total_cost"]["before_taxes"]
        check(cost >= 0, f"CDR arrived: {cdr['total_energy']} kWh, {cost} {cdr['currency']} before taxes")
        self.session_at_emsp(lambda each: each["id"] == session_id and each["status"] == "COMPLETED")
        held("its Session is COMPLETED")

    def sample_emsp(self) -> JSON:
        return self.http.get(f"{self.emsp_url}/state").json()

    def sample_cpo(self) -> JSON:
        return self.http.get(f"{self.cpo_url}/state").json()

    def ask_sample(self, path: str, wish: JSON) -> JSON:
        """Use the app of the sample eMSP's driver."""
        response = self.http.post(self.emsp_url + path, json=wish)
        if response.status_code != 200:
            raise StepFailed(f"{path}: {response.text}")
        return response.json()

    # -- processes ---------------------------------------------------------------------------------

    def emall(self, *arguments: str) -> JSON:
        """Run the command line on the running hub, and return its JSON."""
        done = subprocess.run(
            [*emall(), *arguments, "--data", str(self.folder), "--json"], capture_output=True, text=True, timeout=60,
            cwd=ROOT, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StepFailed(f"emall {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def run(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Start a process whose output goes to a file of the demo's folder."""
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        self.processes.append(
            subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env={**os.environ, **(environment or {})})
        )

    def answers(self, url: str) -> int | None:
        """Return the HTTP status of a GET; None if nobody answers. A hub that has ended is a failure."""
        if self.processes[0].poll() is not None:
            raise StepFailed(f"the hub ended: {(self.folder / '0.log').read_text()[-500:]}")
        try:
            return self.http.get(url).status_code
        except httpx.HTTPError:
            return None

    def stop(self) -> None:
        """End what was started, the samples first."""
        for process in reversed(self.processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                continue
            process.kill()
            process.wait()
        self.http.close()

    def logs(self) -> Iterator[str]:
        """Yield the last lines of every process."""
        for file in sorted(self.folder.glob("*.log")):
            yield f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}"


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
        time.sleep(0.1)
    raise StepFailed(f"not within {PATIENCE:g} s: {what}")


def held(what: str) -> None:
    """Say that something is as it must be."""
    console.print(f"   [green]✓[/] {what}")


def check(condition: bool, what: str) -> None:
    """Say that something is as it must be, or fail the step."""
    if not condition:
        raise StepFailed(what)
    held(what)


def free_ports(first: int, count: int) -> list[int]:
    """Return ports from ``first`` on; one that is taken is replaced, and that is said."""
    ports: list[int] = []
    for wanted in range(first, first + count):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                probe.bind(("127.0.0.1", 0))
                console.print(f"port {wanted} is taken; {probe.getsockname()[1]} is used instead")
            ports.append(probe.getsockname()[1])
    return ports


def wait_for_end(demo: Demo) -> None:
    """Show where things are and stay up until interrupted."""
    lines = [
        f"hub            {demo.versions_url}",
        f"our CPMS       {demo.hub_url}/cpms/ocpi/versions   ({CPMS})",
        f"our eMSP       {demo.hub_url}/emsp/ocpi/versions   ({EMSP})",
        f"sample CPO     {demo.cpo_url}/state   ({SAMPLE_CPO}, OCPI 2.2.1)",
        f"sample eMSP    {demo.emsp_url}/state   ({SAMPLE_EMSP}, OCPI 2.3.0)",
        f"data           {demo.folder}",
        "",
        f"try: .venv/bin/emall party list --data {demo.folder}",
        f"     .venv/bin/emall emsp list cdrs --data {demo.folder}",
    ]
    console.print(Panel("\n".join(lines), title="running; Ctrl-C ends it", expand=False))
    while demo.processes[0].poll() is None:
        time.sleep(0.5)
    raise StepFailed("the hub ended by itself")


def main() -> int:
    """Play the story; return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="emall-demo-") as folder:
        demo = Demo(Path(folder), int(os.environ.get("PORT") or 8000))
        try:
            demo.play()
            console.print("\n[bold green]Every step held.[/]")
            if os.environ.get("DEMO") != "once":
                wait_for_end(demo)
        except StepFailed as error:
            console.print(f"\n[bold red]✗ {error}[/]", soft_wrap=True)
            for log in demo.logs():
                console.print(log, markup=False, soft_wrap=True)
            return 1
        except KeyboardInterrupt:
            console.print("\nended")
        finally:
            demo.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
