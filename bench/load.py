"""Load, made by wrk: the same prepared requests for the hub and for what it is compared with."""

import dataclasses
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import need
from bench.processes import Failure, Server

_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, kw_only=True)
class Load:
    """Requests to be sent in turn.

    Attributes:
        url: with ``samples.NUMBER`` where the object's number goes, as in headers and body.
        count: how many different objects.
        first: the number of the first.
        mark: what stands in every answer that is a success.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    count: int = 1
    first: int = 0
    mark: str = '"status_code":1000'

    def at(self, url: str, **headers: str) -> "Load":
        """Return the same load for another URL, with some headers of its own."""
        return dataclasses.replace(self, url=url, headers={**self.headers, **headers})


@dataclass(frozen=True)
class Run:
    """What a load did.

    Attributes:
        cpu: CPU time of the measured process tree, in seconds.
        seconds: how long it lasted.
        p50: the median latency, in seconds.
    """

    requests: int
    seconds: float
    p50: float
    cpu: float

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def run(load: Load, server: Server | None, folder: Path, *, connections: int, seconds: int) -> Run:
    """Send a load for a while and return what it did.

    Args:
        server: whose CPU time is counted; None: wrk's own, sending one request it holds as bytes.

    Raises:
        Failure: answers that are no success, or broken connections.
    """
    origin, path = _split(load.url)
    arguments = folder / "load-arguments.lua"
    arguments.write_text(_lua(load, path))
    command = [need("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += ["-s", str(_SCRIPT), origin, "--", str(arguments)]
    env = dict(os.environ) | ({} if server else {"PREPARED": "1"})
    before = server.cpu() if server else 0.0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    assert process.stdout is not None
    output = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or "RESULT" not in output:
        raise Failure(f"wrk failed: {output[-500:]}")
    cpu = server.cpu() - before if server else usage.ru_utime + usage.ru_stime
    line, _, sample = output.partition("RESULT ")[2].partition("\n")
    requests, microseconds, p50, bad, errors = map(int, line.split())
    if bad or errors or not requests:
        what = f"{load.method} {load.url}"
        raise Failure(f"{bad} of {requests} answers to {what} are no success, {errors} broken: {sample.strip()}")
    return Run(requests, microseconds / 1e6, p50 / 1e6, max(cpu, 0.01))


def _split(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}/", slash + path


def _lua(load: Load, path: str) -> str:
    headers = ", ".join(f"[ {_quoted(name)} ] = {_quoted(value)}" for name, value in load.headers.items())
    body = _quoted(load.body.decode()) if load.body is not None else "nil"
    return (
        f"return {{ method = {_quoted(load.method)}, path = {_quoted(path)}, headers = {{ {headers} }}, body = {body},"
        f" count = {load.count}, first = {load.first}, mark = {_quoted(load.mark)} }}\n"
    )


def _quoted(text: str) -> str:
    return f"[==[{text}]==]"
