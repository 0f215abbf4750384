"""Parties are invited, shown, suspended, changed and removed from the command line."""

import asyncio
import base64
import datetime
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hub.credentials.connections import Connections
from hub.credentials.secrets import open_secrets
from hub.credentials.store import Store
from hub.database import Database
from hub.ocpi.errors import UnsupportedVersion
from hub.ocpi.objects import JSON
from hub.ocpi.times import moment, utc_now
from hub.recorded import record_settings
from hub.settings import Settings
from tests.cli.command import PROGRAM, emall, emall_beside, environment
from tests.cli.conftest import ON_BOTH, connect, serving


async def directory(database: Database, folder: str) -> Connections:
    found = Connections(Store(database, open_secrets(Path(folder)), "hub"))
    await found.reload()
    return found


def header(token: str) -> str:
    return "Token " + base64.b64encode(token.encode()).decode()


@ON_BOTH
async def test_an_invitation_opens_the_hub_until_it_expires(place: dict[str, str], database: Database) -> None:
    roles = ("--role", "CPO", "--role", "emsp")
    done = await emall_beside("party", "invite", "--name", "TNM", *roles, "--expires", "90m", "--json", **place)

    assert done.code == 0 and done.stdout.count("\n") == 1
    assert done.value.keys() == {"token", "versions_url", "expires_at"}
    assert done.value["versions_url"] == "http://127.0.0.1:8000/ocpi/versions"
    lifetime = moment(done.value["expires_at"]) - utc_now()
    assert datetime.timedelta(minutes=89) < lifetime < datetime.timedelta(minutes=91)
    caller: Any = (await directory(database, place["EMALL_DATA"])).authenticate(header(done.value["token"]))
    assert (caller.name, caller.roles, caller.version) == ("TNM", ("CPO", "EMSP"), None)


def test_an_invitation_comes_before_the_first_start_too(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"

    done = emall("party", "invite", "--name", "TNM", "--data", str(data), "--json", EMALL_PORT="8123")

    assert done.code == 0, done
    assert done.value["versions_url"] == "http://127.0.0.1:8123/ocpi/versions"
    assert (data / "secret.key").stat().st_mode & 0o077 == 0


def test_an_invitation_is_the_same_json_for_people(tmp_path: Path) -> None:
    done = emall("party", "invite", "--name", "TNM", "--data", str(tmp_path))

    assert done.value.keys() == {"token", "versions_url", "expires_at"}


async def test_an_invitation_names_the_url_the_server_is_reached_at(place: dict[str, str], database: Database) -> None:
    data = Path(place["EMALL_DATA"])
    await record_settings(database, Settings(data=data, public_url="https://hub.example.com"))

    done = await emall_beside("party", "invite", "--name", "TNM", "--json", EMALL_PORT="8123", **place)

    assert done.value["versions_url"] == "https://hub.example.com/ocpi/versions"


async def test_a_store_without_a_hub_invites_nobody(place: dict[str, str], database: Database) -> None:
    settings = Settings(data=Path(place["EMALL_DATA"]), rooms=frozenset({"cpms"})).served_at(8000)
    await record_settings(database, settings)

    done = await emall_beside("party", "invite", "--name", "TNM", "--json", **place)

    done.refused(2, "no hub runs on this store")


@ON_BOTH
async def test_connections_and_invitations_are_listed(place: dict[str, str], database: Database) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "The New Motion", ("CPO", "NL-TNM"), ("EMSP", "BE-TNM"))
    await emall_beside("party", "invite", "--name", "Later", **place)

    done = await emall_beside("party", "list", "--json", **place)

    known, invited = done.value
    assert (known["id"], known["name"], known["status"]) == ("aa11", "The New Motion", "CONNECTED")
    assert (known["parties"], known["roles"], known["version"]) == (["NL-TNM", "BE-TNM"], ["CPO", "EMSP"], "2.2.1")
    assert (invited["name"], invited["status"], invited["parties"]) == ("Later", "INVITED", [])
    for_people = await emall_beside("party", "list", **place)
    assert "aa11" in for_people.stdout and "NL-TNM,BE-TNM" in for_people.stdout


async def test_a_party_that_is_to_come_is_planned(place: dict[str, str], database: Database) -> None:
    named = ("--role", "CPO", "--role", "EMSP", "--party", "nl-abc")

    done = await emall_beside("party", "invite", "--name", "Soon", *named, "--json", **place)

    (invited,) = (await emall_beside("party", "list", "--json", **place)).value
    told = await database.fetch(
        "SELECT role, country_code, party_id, status FROM credentials_client_info ORDER BY role"
    )
    assert done.code == 0 and invited["roles"] == ["CPO NL-ABC", "EMSP NL-ABC"]
    assert told == [("CPO", "NL", "ABC", "PLANNED"), ("EMSP", "NL", "ABC", "PLANNED")]


@pytest.mark.parametrize("wrong", [("--party", "NL-ABC"), ("--role", "CPO", "--party", "NLABC")])
def test_parties_that_are_to_come_are_named_with_their_roles(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    emall("party", "invite", "--name", "Soon", *wrong, "--data", str(tmp_path)).refused(2, "--party")


def test_only_roles_of_ocpi_are_invited(tmp_path: Path) -> None:
    """A role that no version of OCPI has could never be registered."""
    emall("party", "invite", "--name", "Till", "--role", "PTP", "--data", str(tmp_path)).refused(2, "--role")


def test_an_empty_hub_lists_an_empty_array(tmp_path: Path, sqlite_stores: Any) -> None:
    data = str(sqlite_stores.fresh(tmp_path / "data"))

    assert emall("party", "list", "--data", data, "--json").stdout == "[]\n"


@pytest.mark.parametrize("named", ["aa11", "The New Motion", "NL-TNM", "be-tnm"])
async def test_a_connection_is_shown_by_id_name_or_party(named: str, place: dict[str, str], database: Database) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "The New Motion", ("CPO", "NL-TNM"), ("EMSP", "BE-TNM"))
    await connect(database, place["EMALL_DATA"], "bb22", "Other", ("CPO", "NL-OTH"))

    done = await emall_beside("party", "show", named, "--json", **place)

    assert done.value["id"] == "aa11"
    assert done.value["quirks"]["lean"] is True and done.value["quirks"]["raw_token"] is False
    assert [each["url"] for each in done.value["endpoints"]] == ["https://aa11.example.com/locations"]
    assert (done.value["roles"][1]["role"], done.value["roles"][1]["country_code"]) == ("EMSP", "BE")
    assert "token that" not in done.stdout and "token of" not in done.stdout


async def test_a_name_of_nobody_or_of_two_is_refused(place: dict[str, str], database: Database) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "One", ("CPO", "NL-TNM"))
    await connect(database, place["EMALL_DATA"], "bb22", "Two", ("EMSP", "NL-TNM"))

    (await emall_beside("party", "show", "NL-XYZ", **place)).refused(1, "'NL-XYZ' is no connection")
    (await emall_beside("party", "suspend", "NL-TNM", **place)).refused(1, "give the id, one of aa11, bb22")


async def test_a_suspended_connection_is_shut_out_until_resumed(place: dict[str, str], database: Database) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "TNM", ("CPO", "NL-TNM"))

    suspended = await emall_beside("party", "suspend", "NL-TNM", "--json", **place)
    again = await emall_beside("party", "suspend", "TNM", "--json", **place)
    seen_suspended = (await directory(database, place["EMALL_DATA"])).by_id("aa11")
    resumed = await emall_beside("party", "resume", "aa11", "--json", **place)
    seen_resumed = (await directory(database, place["EMALL_DATA"])).by_id("aa11")

    assert (suspended.value["status"], again.code, again.value["status"]) == ("SUSPENDED", 0, "SUSPENDED")
    assert resumed.value["status"] == "CONNECTED"
    assert seen_suspended is not None and seen_suspended.status == "SUSPENDED"
    assert seen_resumed is not None and seen_resumed.status == "CONNECTED"


@ON_BOTH
async def test_a_running_server_hears_of_a_suspension_within_a_second(
    place: dict[str, str], database: Database
) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "TNM", ("CPO", "NL-TNM"))
    connections = Connections(Store(database, open_secrets(Path(place["EMALL_DATA"])), "hub"))
    await connections.start()
    heard = asyncio.Event()
    connections.watch(lambda old, new: heard.set() if new is not None and new.status == "SUSPENDED" else None)

    await emall_beside("party", "suspend", "TNM", **place)

    await asyncio.wait_for(heard.wait(), 1)
    await connections.stop()


@ON_BOTH
async def test_options_and_quirks_are_set_and_unset(place: dict[str, str], database: Database) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "TNM", ("CPO", "NL-TNM"))

    changes = ("keep_nothing=NL-ABC,DE-XYZ", "present_state=true", "quirks.lean=null", "quirks.link=offset")
    done = await emall_beside("party", "set", "TNM", *changes, "--json", **place)
    unset = await emall_beside("party", "set", "TNM", "present_state=null", "--json", **place)

    assert done.value["options"] == {"keep_nothing": ["NL-ABC", "DE-XYZ"], "present_state": True}
    assert (done.value["quirks"]["lean"], done.value["quirks"]["link"]) == (False, "offset")
    assert unset.value["options"] == {"keep_nothing": ["NL-ABC", "DE-XYZ"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("colour=red", "option colour does not exist; there are allow_2_2"),
        ("allow_2_2=perhaps", 'option allow_2_2 cannot be "perhaps"; give true or false'),
        ("keep_nothing=[1]", "option keep_nothing cannot be [1]"),
        ("quirks.lean=1", "quirks.lean cannot be 1; give one of true, false"),
        ("quirks.dance=true", "quirks.dance does not exist"),
    ],
)
async def test_an_option_that_cannot_be_set_changes_nothing(
    change: str, said: str, place: dict[str, str], database: Database
) -> None:
    await connect(database, place["EMALL_DATA"], "aa11", "TNM", ("CPO", "NL-TNM"))

    (await emall_beside("party", "set", "TNM", "present_state=true", change, **place)).refused(2, said)

    assert json.loads((await database.fetch("SELECT options FROM credentials_connection"))[0][0]) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("party", "register", "--url", "https://tnm.example.com/versions", "--token", "TOKEN_A"),
        ("party", "rotate", "NL-TNM"),
        ("party", "remove", "NL-TNM"),
    ],
)
async def test_what_speaks_to_a_platform_needs_a_server(
    arguments: tuple[str, ...], sqlite_stores: Any, tmp_path: Path
) -> None:
    data = str(sqlite_stores.fresh(tmp_path / "data"))

    (await emall_beside(*arguments, "--data", data)).refused(2, "no server runs on this store; start one with")


@ON_BOTH
async def test_the_server_is_told_to_register(place: dict[str, str], database: Database) -> None:
    told: list[JSON] = []

    async def register(arguments: JSON) -> JSON:
        told.append(arguments)
        return {"id": "aa11", "name": "TNM", "status": "CONNECTED"}

    async with serving(database, {"party.register": register}):
        url = "https://tnm.example.com/versions"
        done = await emall_beside("party", "register", "--url", url, "--json", EMALL_TOKEN="TOKEN_A", **place)

    assert done.value == {"id": "aa11", "name": "TNM", "status": "CONNECTED"}
    assert told == [{"url": url, "token": "TOKEN_A", "name": ""}]


async def test_what_the_platform_refuses_is_told(place: dict[str, str], database: Database) -> None:
    async def register(_: JSON) -> JSON:
        raise UnsupportedVersion("it lists 2.0, we speak 2.2.1 and 2.3.0")

    async with serving(database, {"party.register": register}):
        url = "https://tnm.example.com/versions"
        done = await emall_beside("party", "register", "--url", url, "--token", "TOKEN_A", **place)

    done.refused(1, "it lists 2.0, we speak 2.2.1 and 2.3.0 (OCPI status 3002)")


async def test_an_interrupted_command_takes_its_order_back(place: dict[str, str], database: Database) -> None:
    command = [*PROGRAM, "party", "rotate", "NL-TNM"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(place))
    while not await database.fetch("SELECT 1 FROM hub_order"):
        await asyncio.sleep(0.02)

    run.send_signal(signal.SIGINT)
    stdout, stderr = await asyncio.to_thread(run.communicate)

    assert (run.returncode, stdout) == (1, "")
    assert stderr == "emall: interrupted; give the command again to finish\n"
    assert await database.fetch("SELECT 1 FROM hub_order") == []
