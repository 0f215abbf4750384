"""The examples hold against a real hub in a process of its own: the demo's story, and every module between partners."""

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OUTSIDE = {"httpx", "starlette", "uvicorn", "rich", "examples", "ocpp", "websockets"}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )


def test_two_platforms_exchange_every_module_in_every_pairing_of_versions():
    """Issue 2, section 6.2."""
    done = run("examples/roam.py")

    held = [line for line in done.stdout.splitlines() if line.startswith("ok  2.") and " with " in line]
    assert done.returncode == 0, done.stdout + done.stderr
    print(f"{len(held)} exchanges held")
    pairings = {tuple(line.split()[1:4:2]) for line in held}
    modules = {line.split()[4] for line in held}
    assert pairings == {("2.2.1", "2.2.1"), ("2.3.0", "2.3.0"), ("2.2.1", "2.3.0"), ("2.3.0", "2.2.1")}
    assert modules == {
        "locations", "tariffs", "tokens", "sessions", "cdrs", "commands", "chargingprofiles", "hubclientinfo",
        "bookings", "invoicereconciliation",
    }  # fmt: skip


def test_a_hub_that_is_not_there_fails_the_roaming_script():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/ocpi/versions"

        done = run("examples/roam.py", HUB=url, TOKENS="A,B,C,D,E,F,G,H")

    assert done.returncode == 1
    assert "FAILED" in done.stdout


def test_the_demo_tells_its_whole_story_and_ends():
    """GEM-FTR-985, GEM-4.1.2-01, RASD-D6: who charges where, both ways, at chargers of both versions."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = run("-m", "examples.demo", DEMO="once", PORT=str(port))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"port {port} is taken" in done.stdout
    assert "Every step held." in done.stdout
    steps = [line.split(".")[0] for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert len(steps) >= 20
    assert [
        word for word in ("1.6", "2.0.1", "RESERVED", "OUTOFORDER", "21 % VAT", "R-2") if word not in done.stdout
    ] == []


#: Draws the streets our own route planner comes with: a tool of the house, and nothing a partner would borrow.
OURS = {"streets.py"}


@pytest.mark.parametrize(
    "file",
    [each for each in sorted((ROOT / "examples").rglob("*.py")) if each.name not in OURS],
    ids=lambda file: file.name,
)
def test_examples_use_nothing_of_the_house(file):
    """They double as documentation for partners, who have none of it either."""
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])

    allowed = {"httpx"} if file.name == "roam.py" else OUTSIDE
    assert imported - sys.stdlib_module_names <= allowed
