"""Wrong use is exit code 2 and one line that helps; what needs little loads little."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hub.cli.commands import app
from tests.cli.command import PROGRAM, emall_inside, environment


def options(command: Any = None, name: str = "emall") -> Iterator[tuple[str, Any]]:
    """Yield each option of each command but --help and --version."""
    command = command or get_command(app)
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name not in ("help", "version"):
            yield name, parameter
    for child, each in getattr(command, "commands", {}).items():
        yield from options(each, f"{name} {child}")


def test_every_option_has_its_variable() -> None:
    found = [(name, option.opts[0], option.envvar) for name, option in options()]

    assert len(found) > 50
    for name, opt, variable in found:
        assert variable == "EMALL_" + opt.removeprefix("--").replace("-", "_").upper(), (name, opt)


def test_the_options_of_serve_are_those_scripts_depend_on() -> None:
    found = {option.opts[0]: option.default for name, option in options() if name == "emall serve"}

    assert found == {
        "--host": "127.0.0.1",
        "--port": 8000,
        "--data": Path("data"),
        "--database": None,
        "--public-url": "",
        "--rooms": "hub,cpms,emsp",
        "--hub-id": None,
        "--cpo-id": None,
        "--emsp-id": None,
        "--allow-private-peers": False,
        "--forward-timeout": 30,
        "--ocpp-port": None,
        "--ocpp-host": "127.0.0.1",
        "--ocpp-unknown": "refuse",
        "--ocpp-certificate": None,
        "--ocpp-key": None,
        "--ocpp-client-ca": None,
        "--cpms": "builtin",
        "--cpms-url": None,
        "--operation-centre": None,
        "--cpms-key": None,
        "--stripe-key": None,
        "--stripe-webhook-secret": None,
        "--hub": None,
        "--hub-token": None,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing command; see 'emall --help'"),
        (("dance",), "No such command 'dance'"),
        (("party",), "Missing command; see 'emall party --help'"),
        (("party", "dance"), "No such command 'dance'"),
        (("party", "list", "--dance"), "No such option: --dance"),
        (("party", "list", "more"), "unexpected extra argument"),
        (("party", "show"), "Missing argument 'ID'"),
        (("party", "invite"), "Missing option '--name'"),
        (("party", "invite", "--name", "A", "--role", "DRIVER"), "'DRIVER' is not one of"),
        (("party", "invite", "--name", " "), "--name is empty"),
        (("party", "invite", "--name", "A\nB"), "not printable"),
        (("party", "invite", "--name", "A", "--expires", "soon"), "--expires 'soon' is no time span"),
        (("party", "invite", "--name", "A", "--expires", "0d"), "is no time span"),
        (("party", "invite", "--name", "A", "--expires", "9999999999w"), "is no time span"),
        (("party", "register", "--url", "example.com", "--token", "A"), "--url 'example.com' is no http"),
        (("party", "register", "--url", "http://h", "--token", ""), "--token"),
        (("party", "set", "A", "keep_nothing"), "'keep_nothing' is not NAME=VALUE"),
        (("serve", "--ocpp-port", "1", "--ocpp-unknown", "shoot"), "--ocpp-unknown 'shoot' is not known"),
        (("serve", "--ocpp-port", "1", "--rooms", "hub"), "--ocpp-port is for room cpms"),
        (("serve", "--ocpp-port", "1", "--cpms", "rest"), "--ocpp-port is for our own CPMS"),
        (("serve", "--ocpp-port", "1", "--ocpp-key", "k.pem"), "give --ocpp-certificate too"),
        (("cpms", "station", "add", "A\nB"), "cannot be a station's id"),
        (("cpms", "station", "add", "A", "--password", "short"), "has 16 to 40 printable characters"),
        (("cpms", "station", "add", "A", "--security-profile", "0", "--password", "x" * 20), "has no password"),
        (("cpms", "station", "add", "A", "--security-profile", "0", "--new-password"), "has no password"),
        (("cpms", "station", "add", "A", "--password", "x" * 20, "--new-password"), "leave --new-password out"),
        (("cpms", "station", "add", "A", "--security-profile", "4"), "Invalid value for '--security-profile'"),
        (("cpms", "station", "add", "A", "--evse", "E1"), "--location and --evse belong together"),
        (("cpms", "station", "add", "A", "--versions", "1.5"), "'1.5' is no version spoken here"),
        (("cpms", "station", "lenient", "Acme", "--allow", "all"), "'all' is no leniency"),
        (("cpms", "frames", "--since", "soon"), "is no date and time"),
        (("serve", "--port", "http"), "Invalid value for '--port'"),
        (("serve", "--port", "65536"), "not in the range 0<=x<=65535"),
        (("serve", "--forward-timeout", "0"), "Invalid value for '--forward-timeout'"),
        (("serve", "--hub-id", "HUB"), "--hub-id 'HUB' is not CC-PID"),
        (("serve", "--rooms", "hub,attic"), "'attic' is no room"),
        (("serve", "--public-url", "example.com"), "--public-url 'example.com' is no http"),
        (("serve", "--database", "mysql://h"), "--database is no PostgreSQL URL"),
        (("deliveries", "list", "--state", "lost"), "Invalid value for '--state'"),
        (("deliveries", "retry", "first"), "Invalid value for 'DELIVERY_ID'"),
        (("route", "explain", "--from", "NL-TNM", "--to", "hub", "DANCE", "locations"), "Invalid value for 'METHOD'"),
        (("import", "locations"), "Missing argument 'FILE'"),
    ],
)
def test_wrong_use_is_one_line_that_helps(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    emall_inside(*arguments, EMALL_DATA=str(tmp_path / "none")).refused(2, said)

    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"EMALL_PORT": "http"}, "EMALL_PORT"),
        ({"EMALL_ALLOW_PRIVATE_PEERS": "perhaps"}, "EMALL_ALLOW_PRIVATE_PEERS"),
        ({"EMALL_HUB_ID": "HUB"}, "'HUB' is not CC-PID"),
        ({"EMALL_MAX_BODY": "much"}, "EMALL_MAX_BODY='much'"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(variables: dict[str, str], said: str, tmp_path: Path) -> None:
    emall_inside("serve", "--data", str(tmp_path), **variables).refused(2, said)


@pytest.mark.parametrize(
    "arguments",
    [
        ("party", "list"),
        ("party", "show", "A"),
        ("party", "suspend", "A"),
        ("party", "register", "--url", "http://h", "--token", "A"),
        ("trace", "A"),
        ("deliveries", "list"),
        ("deliveries", "retry", "1"),
        ("route", "explain", "--from", "NL-TNM", "--to", "hub", "GET", "locations"),
        ("import", "tariffs", "/dev/null"),
    ],
)
def test_a_folder_without_a_store_is_not_made_one(arguments: tuple[str, ...], tmp_path: Path) -> None:
    emall_inside(*arguments, "--data", str(tmp_path / "mistyped")).refused(2, "there is no hub's store here")

    assert not (tmp_path / "mistyped").exists()


def test_a_store_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    emall_inside("party", "list", "--database", "postgres://nobody@127.0.0.1:1/none").refused(2, "cannot be reached")


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    run = subprocess.Popen(
        [*PROGRAM, "serve", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment({})
    )
    assert run.stdout is not None and run.stderr is not None
    run.stdout.close()

    assert (run.stderr.read(), run.wait(30)) == (b"", 1)
    run.stderr.close()


@pytest.mark.parametrize("arguments", [["--help"], ["party", "list", "--data", "DATA"]])
def test_what_needs_little_loads_little(arguments: list[str], sqlite_stores: Any, tmp_path: Path) -> None:
    data = sqlite_stores.fresh(tmp_path / "data")
    program = (
        "import sys; from hub.cli import run; run(sys.argv[1:]);"
        "print('LOADED', *({each.partition('.')[0] for each in sys.modules}"
        " & {'tortoise', 'uvicorn', 'httpx', 'starlette', 'asyncpg'}))"
    )
    told = [each if each != "DATA" else str(data) for each in arguments]
    done = subprocess.run(
        [sys.executable, "-c", program, *told], capture_output=True, text=True, check=True, env=environment({})
    )

    assert done.stdout.splitlines()[-1] == "LOADED"
