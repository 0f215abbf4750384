"""A server of a store, and the commands that speak to it."""

import json
import os
import select
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import PROGRAM, emall, environment


class Served:
    """A server in a process of its own.

    Attributes:
        data: its data folder.
        public_url: where it says it is ready.
    """

    def __init__(self, data: Path, *options: str, **variables: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [*PROGRAM, "serve", "--data", str(data), "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(variables),
        )  # fmt: skip
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        line = self.process.stdout.readline() if ready else ""
        assert line.startswith("emall is ready: "), (line, self.stop())
        self.public_url = line.removeprefix("emall is ready: ").split("/ocpi")[0].removesuffix("/cpms")

    def emall(self, *arguments: str, **variables: str) -> Any:
        return emall(*arguments, EMALL_DATA=str(self.data), **variables)

    def stop(self) -> tuple[int, float, str]:
        """Send SIGTERM; return exit code, seconds it took and what it told on stderr."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, time.monotonic() - started, told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One hub with our CPMS and eMSP for all tests here that leave it running."""
    running = Served(tmp_path_factory.mktemp("served") / "data", "--cpo-id", "de-abc")
    yield running
    assert running.stop()[0] == 0


def location(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "country_code": "DE", "party_id": "ABC", "id": f"LOC{number}", "publish": True, "address": "Marktplatz 1",
        "city": "Berlin", "country": "DEU", "coordinates": {"latitude": "52.516200", "longitude": "13.377700"},
        "time_zone": "Europe/Berlin", "last_updated": "2026-01-01T00:00:00Z",
    } | changes  # fmt: skip


def until(deadline: float, ask: Any) -> Any:
    """Ask until there is an answer."""
    end = time.monotonic() + deadline
    while not (found := ask()):
        assert time.monotonic() < end, "no answer in time"
        time.sleep(0.1)
    return found


# -- the server ------------------------------------------------------------------------------------


def test_an_invitation_made_while_it_runs_opens_it_at_once(served: Served) -> None:
    invited = served.emall("party", "invite", "--name", "Guest", "--json").value

    assert invited["versions_url"] == f"{served.public_url}/ocpi/versions"
    request = urllib.request.Request(invited["versions_url"], headers={"Authorization": f"Token {invited['token']}"})
    time.sleep(1)
    with urllib.request.urlopen(request) as answer:
        assert [each["version"] for each in json.load(answer)["data"]] == ["2.2.1", "2.3.0"]


def test_a_second_server_on_the_data_folder_is_refused(served: Served) -> None:
    served.emall("serve", "--port", "0").refused(2, "another server runs on it")


def test_a_port_in_use_is_refused(served: Served, tmp_path: Path) -> None:
    port = served.public_url.rpartition(":")[2]

    emall("serve", "--data", str(tmp_path), "--port", port).refused(2, f"127.0.0.1:{port}: address already in use")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    emall("serve", "--data", str(tmp_path / "file" / "data")).refused(2, "choose another data folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    emall("serve", "--data", str(tmp_path)).refused(2, "give this user write permission")


def test_a_host_that_is_not_here_is_refused(tmp_path: Path) -> None:
    emall("serve", "--data", str(tmp_path), "--host", "192.0.2.1").refused(2, "192.0.2.1:8000")


def test_rooms_without_a_hub_need_one_to_register_at(tmp_path: Path) -> None:
    emall("serve", "--data", str(tmp_path), "--rooms", "cpms", "--port", "0").refused(2, "--hub")


def test_it_stops_in_time_and_starts_with_the_ids_it_had(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert Served(data, "--rooms", "hub", "--hub-id", "DE-HUB").stop()[0] == 0

    emall("serve", "--data", str(data), "--rooms", "hub", "--port", "0", EMALL_HUB_ID="NL-XYZ").refused(
        2, "--hub-id NL-XYZ: it is DE-HUB in this store since the first start"
    )
    again = Served(data, "--rooms", "hub")
    checks = {each["check"]: each for each in again.emall("doctor", "--json").value["checks"]}
    code, seconds, told = again.stop()

    assert "hub_id DE-HUB" in checks["settings"]["note"] and checks["server"]["state"] == "ok"
    assert (code, told) == (0, "") and seconds < 10


def test_a_hub_on_postgres_is_found_by_its_data_folder_or_its_url(postgres_stores: Any, tmp_path: Path) -> None:
    url = postgres_stores.fresh()
    running = Served(tmp_path / "data", "--database", url)

    by_folder = running.emall("party", "list", "--json")
    by_url = emall("party", "list", "--json", "--database", url, "--data", str(tmp_path / "elsewhere"))
    invited = emall(
        "party", "invite", "--name", "A", "--json", EMALL_DATABASE=url, EMALL_DATA=str(tmp_path / "elsewhere")
    )
    code, _, _ = running.stop()
    postgres_stores.drop(url)

    assert {each["parties"][0] for each in by_folder.value} == {"NL-CPO", "NL-MSP"}
    assert [each["id"] for each in by_url.value] == [each["id"] for each in by_folder.value]
    assert invited.value["versions_url"] == f"{running.public_url}/ocpi/versions"
    assert code == 0 and not (tmp_path / "elsewhere").exists()


# -- the commands ----------------------------------------------------------------------------------


def test_an_export_arrives_at_the_parties_and_what_is_wrong_is_told(served: Served, tmp_path: Path) -> None:
    objects = [location(number) for number in range(300)]
    objects[7]["country"] = "GERMANY"
    del objects[250]["coordinates"]
    objects[251]["party_id"] = "XYZ"
    export = tmp_path / "locations.json"
    export.write_text(json.dumps(objects, indent=1))

    done = served.emall("import", "locations", str(export), "--json")

    assert done.code == 1 and "3 of 300 objects were left out" in done.stderr
    assert (done.value["read"], done.value["imported"]) == (300, 297)
    assert [(each["index"], each["id"], each["path"]) for each in done.value["invalid"]] == [
        (7, "LOC7", "$.country"), (250, "LOC250", "$.coordinates"), (251, "LOC251", "$.party_id"),
    ]  # fmt: skip
    line = export.read_text()[: export.read_text().index('"LOC7"')].count("\n")
    assert abs(done.value["invalid"][0]["line"] - line) < 5
    listed = until(20, lambda: len(deliveries(served, "done")) >= 297 and deliveries(served, "done"))
    assert {each["party"] for each in listed} == {"NL-MSP"}
    assert "locations/DE-ABC/LOC299" in {each["object"] for each in listed}


def deliveries(served: Served, state: str) -> Any:
    found = served.emall("deliveries", "list", "--state", state, "--party", "emall eMSP", "--json").value
    return [each for each in found if each["object"].startswith("locations/")]


def test_faults_of_an_export_are_lines_for_people(served: Served, tmp_path: Path) -> None:
    export = tmp_path / "locations.jsonl"
    export.write_text(json.dumps(location(1)) + "\n{broken\n" + json.dumps(location(2, publish="yes")) + "\n")

    done = served.emall("import", "locations", str(export))

    assert done.code == 1
    assert done.stdout.startswith("1 of 3 locations imported")
    first, second, last = done.stderr.splitlines()
    assert first.startswith(f"{export}:2: locations 1: $: ")
    assert second.startswith(f"{export}:3: locations 2 LOC2: $.publish: ")
    assert last == "emall: 2 of 3 objects were left out; correct them and import them again"


def test_objects_of_another_party_are_taken_over_when_told(served: Served, tmp_path: Path) -> None:
    export = tmp_path / "locations.json"
    export.write_text(json.dumps({"data": [location(900, country_code="FR", party_id="XYZ")], "status_code": 1000}))

    done = served.emall("import", "locations", str(export), "--party", "FR-XYZ", "--json")

    assert (done.code, done.value["imported"]) == (0, 1)
    until(10, lambda: "locations/DE-ABC/LOC900" in {each["object"] for each in deliveries(served, "done")})


def test_tariffs_are_imported_in_the_version_they_are_in(served: Served) -> None:
    tariff = {
        "country_code": "DE", "party_id": "ABC", "id": "T1", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.35, "vat": 19.0, "step_size": 1}]}],
    }  # fmt: skip

    found = emall("import", "tariffs", "-", "--json", "--data", str(served.data), stdin=json.dumps([tariff]).encode())
    forced = emall(
        "import", "tariffs", "-", "--ocpi-version", "2.3.0", "--json", "--data", str(served.data),
        stdin=json.dumps([tariff]).encode(),
    )  # fmt: skip

    assert (found.code, found.value["imported"], found.value["version"]) == (0, 1, "2.2.1")
    assert (forced.code, forced.value["imported"]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--ocpi-version", "1.0"), "--ocpi-version 1.0 is not served; give one of 2.2.1, 2.3.0"),
        (("--party", "everyone"), "--party: "),
    ],
)
def test_an_import_that_was_asked_for_wrongly_is_refused(
    arguments: tuple[str, ...], said: str, served: Served, tmp_path: Path
) -> None:
    (tmp_path / "export.json").write_text("[]")

    served.emall("import", "tariffs", str(tmp_path / "export.json"), *arguments).refused(2, said)


def test_a_file_that_is_not_there_is_refused(served: Served, tmp_path: Path) -> None:
    served.emall("import", "tariffs", str(tmp_path / "none.json")).refused(2, "No such file or directory")


def test_every_hop_of_a_message_is_traced(served: Served, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(json.dumps([location(500)]))
    served.emall("import", "locations", str(tmp_path / "export.json"))
    mine = until(10, lambda: [each for each in deliveries(served, "done") if each["object"].endswith("LOC500")])

    done = until(5, lambda: len((t := served.emall("trace", mine[0]["correlation_id"], "--json")).value) == 4 and t)

    hops = {(each["direction"], each["from"], each["to"], each["outcome"]) for each in done.value}
    assert hops == {
        ("out", "DE-ABC", "NL-HUB", "1000"),
        ("in", "DE-ABC", "NL-HUB", "1000"),
        ("out", "NL-HUB", "NL-MSP", "1000"),
        ("in", "NL-HUB", "NL-MSP", "1000"),
    }
    assert all(each["operation"].startswith("PUT locations.receiver") and each["ms"] >= 0 for each in done.value)
    assert [each["at"] for each in done.value] == sorted(each["at"] for each in done.value)


def test_a_message_nobody_knows_is_refused(served: Served) -> None:
    served.emall("trace", "nothing", "--json").refused(1, "no hop of nothing is known")


def test_a_delivery_is_sent_again(served: Served, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(json.dumps([location(600)]))
    served.emall("import", "locations", str(tmp_path / "export.json"))
    mine = until(10, lambda: [each for each in deliveries(served, "done") if each["object"].endswith("LOC600")])

    done = served.emall("deliveries", "retry", str(mine[0]["id"]), "--json")

    assert done.value == {"id": mine[0]["id"], "state": "pending"}

    def again() -> Any:
        found = [each for each in deliveries(served, "done") if each["id"] == mine[0]["id"]]
        return found and found[0]["updated"] > mine[0]["updated"]

    until(10, again)


def test_a_delivery_or_party_nobody_knows_is_refused(served: Served) -> None:
    served.emall("deliveries", "retry", "12345678900000").refused(1, "there is no delivery 12345678900000")
    served.emall("deliveries", "list", "--party", "nobody").refused(1, "nobody is no connection's id or name")


def test_a_route_is_explained_without_sending(served: Served) -> None:
    broadcast = served.emall("route", "explain", "--from", "DE-ABC", "--to", "hub", "PUT", "locations", "--json")
    directed = served.emall(
        "route", "explain", "--from", "NL-MSP", "--to", "DE-ABC", "POST", "commands", "/START_SESSION"
    )
    unknown = served.emall("route", "explain", "--from", "NL-MSP", "--to", "NL-XYZ", "get", "locations", "--json")

    verdicts = {each["party"]: (each["verdict"], bool(each["why"])) for each in broadcast.value}
    assert verdicts == {"NL-MSP": (True, True), "DE-ABC": (False, True)}
    assert directed.code == 0 and "yes" in directed.stdout
    assert [(each["party"], each["verdict"]) for each in unknown.value] == [("NL-XYZ", False)]
    assert "4001" in unknown.value[0]["why"]


@pytest.mark.parametrize(
    ("method", "module", "path", "why"),
    [
        ("PUT", "locations", "/DE/XYZ/L1", "no party of the sender's platform (2001)"),
        ("PATCH", "locations", "/DE/ABC/NOWHERE", "no such object to PATCH (2003)"),
        ("PUT", "acme", "/x", "none the sender announced (404)"),
    ],
)
def test_what_the_hub_would_refuse_is_explained_as_refused(served: Served, method, module, path, why) -> None:
    explained = served.emall("route", "explain", "--from", "DE-ABC", "--to", "hub", method, module, path, "--json")

    assert [each["verdict"] for each in explained.value] == [False]
    assert why in explained.value[0]["why"]


def test_a_route_between_what_are_no_parties_is_refused(served: Served) -> None:
    served.emall("route", "explain", "--from", "somebody", "--to", "-", "GET", "tokens").refused(2, "--from: ")


def test_the_doctor_asks_every_peer(served: Served) -> None:
    done = served.emall("doctor", "--json")

    states = {each["check"]: each["state"] for each in done.value["checks"]}
    assert (done.code, done.value["ok"]) == (0, True), done
    assert states["server"] == states["peer emall CPMS"] == states["peer emall eMSP"] == states["migrations"] == "ok"


def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    done = emall("doctor", "--json", EMALL_DATA=str(tmp_path / "none"), EMALL_HUB_ID="HUB")

    states = {each["check"]: each["state"] for each in done.value["checks"]}
    assert done.code == 1 and done.value["ok"] is False
    assert states == {"environment": "failed", "data folder": "warning", "database": "failed"}
    assert done.stderr.startswith("emall: 2 of 3 checks failed: environment, database")


def test_the_doctor_of_a_room_apart_tells_how_it_stands_with_the_hub(tmp_path: Path) -> None:
    hub = Served(tmp_path / "hub", "--rooms", "hub", "--allow-private-peers")
    invited = hub.emall("party", "invite", "--name", "apart", "--role", "EMSP", "--json").value
    options = ["--rooms", "emsp", "--emsp-id", "FR-APA", "--hub", invited["versions_url"], "--allow-private-peers"]
    apart = Served(tmp_path / "apart", *options, "--hub-token", invited["token"])
    done = apart.emall("doctor", "--json")
    refused = apart.emall("cpms", "list", "locations")
    apart.stop()
    hub.stop()

    assert (done.code, done.value["checks"][-1]["check"]) == (0, "hub of emsp"), done
    refused.refused(1, "give the command to one that runs the room it belongs to")


def test_the_doctor_finds_a_key_that_others_may_read(served: Served) -> None:
    key = served.data / "secret.key"
    key.chmod(0o644)
    try:
        done = served.emall("doctor", "--json")
    finally:
        key.chmod(0o600)

    assert done.code == 1
    assert "chmod 600" in next(each["note"] for each in done.value["checks"] if each["check"] == "data folder")


def test_a_party_that_is_suspended_gets_nothing_within_a_second(served: Served) -> None:
    served.emall("party", "suspend", "NL-MSP")
    explained = served.emall("route", "explain", "--from", "DE-ABC", "--to", "hub", "PUT", "locations", "--json").value
    time.sleep(1)
    listed = served.emall("party", "show", "NL-MSP", "--json").value
    served.emall("party", "resume", "NL-MSP")

    assert listed["status"] == "SUSPENDED"
    assert {each["party"]: each["verdict"] for each in explained}["NL-MSP"] is False
    assert served.emall("party", "show", "NL-MSP", "--json").value["status"] == "CONNECTED"


def test_a_platform_that_is_not_there_cannot_be_registered_at(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/versions"

        done = served.emall("party", "register", "--url", url, "--token", "TOKEN_A")

    done.refused(1, "OCPI status")


def test_a_connection_is_removed_by_the_server(tmp_path: Path) -> None:
    running = Served(tmp_path / "data", "--rooms", "hub")
    running.emall("party", "invite", "--name", "Guest")

    done = running.emall("party", "remove", "Guest", "--json")
    left = running.emall("party", "list", "--json")
    gone = running.emall("party", "remove", "Guest")
    running.stop()

    assert (done.code, left.value) == (0, [])
    gone.refused(1, "'Guest' is no connection")
