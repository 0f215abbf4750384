"""Processes under measurement: started, waited for, their CPU time and memory read, ended.

Read from Linux's ``/proc``: what a process and all its descendants have used, ended children included.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A measurement that could not be taken; the message says why."""


def free_ports(count: int) -> list[int]:
    """Return ports of loopback nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Server:
    """A server process with all its descendants.

    Args:
        log: where its output goes.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [str(each) for each in command], stdout=out, stderr=out, env={**os.environ, **(env or {})}, cwd=cwd
            )

    def wait(self, url: str, timeout: float = 20.0) -> float:
        """Wait until ``url`` is answered, whatever the status; return the seconds it took.

        Raises:
            Failure: the process ended, or nobody answers in time.
        """
        start = time.monotonic()
        while time.monotonic() - start < timeout:
            with contextlib.suppress(OSError, urllib.error.URLError):
                answered(url)
                return time.monotonic() - start
            if self._process.poll() is not None:
                raise Failure(f"{self.name} ended with {self._process.returncode}: {self.tail()}")
            time.sleep(0.005)
        raise Failure(f"{self.name} does not answer at {url}: {self.tail()}")

    def tail(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-1500:]

    def cpu(self) -> float:
        """Return the CPU time of the tree so far, in seconds."""
        return sum(_cpu(pid) for pid in self.tree())

    def rss(self) -> int:
        """Return the resident memory of the tree, in bytes."""
        return sum(_rss(pid) for pid in self.tree())

    def tree(self) -> list[int]:
        """Return the ids of the process and all its descendants."""
        return list(_descendants(self._process.pid))

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL for what is left after 10 s."""
        tree = self.tree()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in tree:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(5)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def answered(url: str) -> int:
    """Return the HTTP status of a GET."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _descendants(int(child))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS  # utime, stime, and those of ended children


def _rss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
