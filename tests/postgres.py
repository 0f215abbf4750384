"""A PostgreSQL server for the tests: an installed one, else Debian's package; private port, temporary folder."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from glob import glob
from pathlib import Path


class NoPostgres(Exception):
    """PostgreSQL can be neither found nor installed; the message says why."""


def binaries() -> Path:
    """Return the folder of initdb and postgres, installing Debian's package if there is none and we may."""
    found = _installed()
    if found is None:
        _install()
        found = _installed()
    if found is None:
        raise NoPostgres("PostgreSQL was installed but initdb is in neither PATH nor /usr/lib/postgresql")
    return found


def _installed() -> Path | None:
    places = [shutil.which("initdb"), *sorted(glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)]
    folders = [Path(place).resolve().parent for place in places if place]
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def _install() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoPostgres("PostgreSQL is not installed and only root may install it with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-qy", "--no-install-recommends", "postgresql"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoPostgres(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")


def _unprivileged() -> dict[str, int]:
    """Return who runs the server: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid}
    raise NoPostgres("there is no unprivileged user to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    """Let Linux stop the server when a killed test run leaves it behind."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class Server:
    """A running server; ``url(name)`` leads to a database of it."""

    def __init__(self) -> None:
        self._bin = binaries()
        self._as = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="emall-postgres-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
        if self._as:
            os.chown(self._folder, self._as["user"], self._as["group"])
        self._port = _free_port()
        self._run("initdb", "-D", str(self._folder / "data"), "-U", "emall", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments], cwd=self._folder, capture_output=True, text=True, check=False, **self._as
        )
        if done.returncode:
            self.remove()
            raise NoPostgres(f"{program} failed: {done.stderr.strip()[-300:]}")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self._folder / "log").open("ab")
        settings = [
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "autovacuum=off",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={self._folder}",
        ]
        self._process = subprocess.Popen(
            [self._bin / "postgres", "-D", self._folder / "data", "-p", str(self._port), *settings],
            cwd=self._folder,
            stdout=log,
            stderr=log,
            preexec_fn=_end_with_parent,
            **self._as,
        )
        log.close()
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoPostgres(f"PostgreSQL does not start: {(self._folder / 'log').read_text()[-300:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        asked = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run(asked, check=False).returncode == 0

    def url(self, name: str) -> str:
        return f"postgres://emall@127.0.0.1:{self._port}/{name}"

    @property
    def running(self) -> bool:
        """Whether the server was started and not stopped."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the server as a crash would: SIGQUIT is its immediate shutdown."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        if hasattr(self, "_process") and self._process.poll() is None:
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
