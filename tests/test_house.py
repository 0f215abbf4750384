"""The house is built as it is drawn: its walls hold, its chapters name their source, every door opens."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import hub.ocpi.modules  # fills REGISTRY  # noqa: F401
from hub.ocpi import errors
from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.server import Server
from hub.ocpi.versions import VERSIONS

ROOT = Path(__file__).parents[1]

PLANTED = {
    "The house stands on OCPI, OCPI on the database": ("hub/settings.py", "import hub.app"),
    "eMSP and CPMS know the hub only as a Platform": ("hub/emsp/endpoints.py", "import hub.router"),
    "Chargers are the CPMS's business alone": ("hub/trace.py", "import hub.ocpp"),
    "A module of OCPI knows neither HTTP nor versions": ("hub/ocpi/modules/tokens.py", "import hub.ocpi.client"),
    "Prices come from OCPI objects alone": ("hub/ocpi/pricing/steps.py", "import hub.ocpi.shelves"),
    "HTTP clients live on the wire": ("hub/router.py", "import httpx"),
    "Sockets and strangers' schemas are the chargers' room's": ("hub/catalogue.py", "import websockets"),
    "A version of OCPP knows no socket, and 1.6 and 2.0.1 not each other": (
        "hub/ocpp/v16/meters.py",
        "import hub.ocpp.v201",
    ),
    "The ORM declares and migrates, and never runs": ("hub/catalogue.py", "import tortoise"),
    "Engines live in the database room": ("hub/catalogue.py", "import sqlite3"),
    "Papers are printed in one place": ("hub/catalogue.py", "import reportlab"),
    "The terminal belongs to the command line": ("hub/admin.py", "import rich"),
}

STATUS_CODES = {
    2000: "client error",
    2001: "parameters",
    2002: "information",
    2003: "location",
    2004: "token",
    3000: "server error",
    3001: "client's api",
    3002: "version",
    3003: "endpoints",
    4000: "hub error",
    4001: "receiver",
    4002: "timeout",
    4003: "connection",
}
"""Each code and a word of its meaning. Source: OCPI 2.3.0, status_codes.asciidoc."""


def lint_imports(folder: Path) -> dict[str, str]:
    """Return each import contract and whether it is KEPT or BROKEN."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=folder, env={"PYTHONPATH": str(folder), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"^(.+) (KEPT|BROKEN)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return dict(found)


def test_every_import_contract_is_kept() -> None:
    assert lint_imports(ROOT) == dict.fromkeys(PLANTED, "KEPT")


def test_every_import_contract_notices_a_planted_import(tmp_path: Path) -> None:
    for part in ("hub", "adapters"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, statement in PLANTED.values():
        with (tmp_path / path).open("a") as file:
            file.write(f"\n{statement}\n")

    assert lint_imports(tmp_path) == dict.fromkeys(PLANTED, "BROKEN")


@pytest.mark.parametrize("path", sorted((ROOT / "hub/ocpi/modules").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_module_cites_its_chapter(path: Path) -> None:
    text = import_module(f"hub.ocpi.modules.{path.stem}").__doc__ or ""

    assert re.search(r"^Source: OCPI 2\.3\.0.*\.asciidoc", text, re.MULTILINE)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "hub").glob("**/[a-z]*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_file_is_too_long_to_hold_one_idea(path: Path) -> None:
    if path.parent.name != "migrations":
        lines = path.read_text().count("\n")
        assert lines <= 400


def family(kind: type[errors.OcpiError]) -> list[type[errors.OcpiError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in family(child))]


def test_the_status_codes_are_those_of_the_specification() -> None:
    assert {kind.status_code for kind in family(errors.OcpiError)} == set(STATUS_CODES)


@pytest.mark.parametrize("code", STATUS_CODES)
def test_each_status_code_says_what_the_specification_says(code: int) -> None:
    error = errors.error_for(code)

    assert error.status_code == code
    assert STATUS_CODES[code] in str(error).lower()


@dataclass(frozen=True)
class Stranger:
    """A registered caller; with itself as its reception, which lets everyone in."""

    id: str = "stranger"
    name: str = "Stranger"
    version: str = "2.3.0"
    parties: tuple[Party, ...] = (Party("NL", "TNM"),)
    custom_modules: frozenset[str] = frozenset()

    def authenticate(self, authorization: str | None) -> "Stranger":
        return self

    def speaks_for(self, party: Party) -> bool:
        return party in self.parties

    def heard(self, caller: object) -> None:
        pass

    async def versions(self, caller: object) -> Any:
        raise NotImplementedError("only requests to modules are made here")

    version_details = credentials = versions


async def answer_nothing(request: Request) -> Response:
    return Response()


OPERATIONS = [
    pytest.param(number, operation, id=f"{number} {operation}")
    for number, version in VERSIONS.items()
    for module in REGISTRY.values()
    for operation in module.operations
    if module.functional and version.has(operation)
]


@pytest.mark.parametrize(("number", "operation"), OPERATIONS)
async def test_every_declared_operation_has_its_url(number: str, operation: Operation) -> None:
    seen: list[Operation] = []
    stranger = Stranger()
    server = Server(answer_nothing, stranger, "/ocpi", observe=lambda request, *_: seen.append(request.operation))
    path = re.sub(r"\{\w+\}", "A1", operation.path).replace("A1/A1", "NL/TNM", 1 if operation.owned else 0)
    url = f"/ocpi/{number}/{operation.role.lower()}/{operation.module}{path}"
    headers = {
        "authorization": "Token eA==", "x-request-id": "r", "x-correlation-id": "c",
        "ocpi-from-country-code": "NL", "ocpi-from-party-id": "TNM",
        "ocpi-to-country-code": "NL", "ocpi-to-party-id": "HUB",
    }  # fmt: skip
    scope = {
        "type": "http", "method": operation.method, "path": url, "raw_path": url.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await server(scope, receive, send)

    assert seen == [operation], sent


def test_there_are_operations_in_every_version() -> None:
    assert {number for number, _ in (case.values for case in OPERATIONS)} == {"2.2.1", "2.3.0"}
