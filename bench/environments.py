"""The tools and environments a measurement needs: nginx and wrk from Debian, peers from PyPI, pinned."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.processes import Failure, Server

_UVICORN = ("uvicorn[standard]==0.54.0", "uvloop==0.23.0", "httptools==0.9.0")

PEERS = {
    "proxy": ("starlette==1.10.0", "httpx==0.28.1", "sniffio==1.3.1", *_UVICORN),
    "store": ("starlette==1.10.0", "pydantic==2.14.3", "tortoise-orm==1.1.9", "aiosqlite==0.22.1", *_UVICORN),
    "ocpp": ("ocpp==2.1.0", "jsonschema==4.26.0", "websockets==17.4"),
    "extrawest": ("extrawest_ocpi==2025.7.16", *_UVICORN),
}

_PACKAGES = {"nginx": "nginx-light", "wrk": "wrk"}


def skipped() -> frozenset[str]:
    """Return what ``BENCH_SKIP`` names: tools, peers and rows that may be missing."""
    return frozenset(os.environ.get("BENCH_SKIP", "").replace(",", " ").split())


def need(tool: str) -> str:
    """Return the path of a tool; Debian's package is installed where that is allowed.

    Raises:
        Failure: it is not there and cannot be installed.
    """
    if found := shutil.which(tool, path=_path()):
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", _PACKAGES[tool]]):
            subprocess.run(["apt-get", *command], env=quiet, capture_output=True, check=False)
    if found := shutil.which(tool, path=_path()):
        return found
    raise Failure(f"{tool} is missing: install Debian's {_PACKAGES[tool]}, or set BENCH_SKIP={tool}")


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def environment(peer: str, home: Path) -> Path:
    """Return the Python of a peer's environment, made if it is not there yet.

    Raises:
        Failure: it cannot be made.
    """
    pins = PEERS[peer]
    digest = hashlib.sha256("\n".join((sys.version, *pins)).encode()).hexdigest()[:12]
    folder = home / f"{peer}-{digest}"
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{_path()}")
    if uv:
        commands = [[uv, "venv", "-q", "-p", sys.executable, folder], [uv, "pip", "install", "-q", "-p", python, *pins]]
    else:
        commands = [[sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q", *pins]]
    for command in commands:
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"the environment of {peer} cannot be made: {done.stderr.strip()[-800:]}")
    (folder / "ready").touch()
    return python


def start_peer(peer: str, home: Path, folder: Path, port: int, **env: str) -> Server:
    """Start a peer's server and wait for it."""
    app = Path(__file__).with_name("peers")
    command: list[str | Path] = [
        environment(peer, home),
        "-m",
        "uvicorn",
        f"{peer}:app",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    server = Server(
        peer, [*command, "--no-access-log", "--log-level", "error"], folder / f"{peer}.log", env=env, cwd=app
    )
    server.wait(f"http://127.0.0.1:{port}/", timeout=30)
    return server
