"""A real hub process for the whole run, and platforms that come and go."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.parties import PartyPlatform

ROOT = Path(__file__).parents[2]
HUB = "NL-HUB"


@dataclass
class HubProcess:
    """``emall serve`` in a process of its own.

    Attributes:
        options: further options of ``serve``; ``environment``: further EMALL_ variables.
    """

    data: Path
    options: tuple[str, ...] = ("--rooms", "hub", "--forward-timeout", "2")
    environment: tuple[tuple[str, str], ...] = ()
    url: str = ""
    process: "subprocess.Popen[str] | None" = None

    def start(self) -> "HubProcess":
        """Start, and return when it answers."""
        port = self.url.rsplit(":", 1)[-1] if self.url else "0"
        command = [sys.executable, "-m", "hub", "serve", "--data", str(self.data), "--port", port]
        command += ["--allow-private-peers", *self.options]
        environment = {**os.environ, **dict(self.environment)}
        self.process = subprocess.Popen(  # a server outlives this call
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("emall is ready: "):
                self.url = line.split()[-1].removesuffix("/ocpi/versions")
                return self
        raise AssertionError(f"the hub ended with {self.process.wait()}")

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, and return its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(how)
        code = self.process.wait(15)
        self.process.stdout.close()
        self.process = None
        return code

    def emall(self, *arguments: str) -> Any:
        """Run a command on its store and return what it prints as JSON."""
        command = [sys.executable, "-m", "hub", *arguments, "--data", str(self.data), "--json"]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    async def invite(self, name: str, *roles: str) -> str:
        """Return a CREDENTIALS_TOKEN_A."""
        chosen = [word for role in roles for word in ("--role", role)]
        invited = await asyncio.to_thread(self.emall, "party", "invite", "--name", name, *chosen)
        return str(invited["token"])


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The hub most tests share; what they register, they unregister."""
    process = HubProcess(tmp_path_factory.mktemp("hub") / "data").start()
    yield process
    assert process.stop() == 0


_numbers = itertools.count()


def party_id() -> str:
    """Return a party id nobody else has in this run."""
    number = next(_numbers)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[number // 676 % 26] + letters[number // 26 % 26] + letters[number % 26]


Join = Callable[..., AbstractAsyncContextManager[PartyPlatform]]


@pytest.fixture
async def join(hub: HubProcess) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that registers a platform at the hub: ``await join("CPO")``, ``join("CPO", "EMSP")``.

    Roles are names, or (role, country_code, party_id); keywords are those of ``PartyPlatform``.
    """
    async with contextlib.AsyncExitStack() as joined:

        async def joining(*roles: str | tuple[str, str, str], at: HubProcess = hub, **rest: Any) -> PartyPlatform:
            parties = [(role, "NL", party_id()) if isinstance(role, str) else role for role in roles or ("CPO",)]
            platform = PartyPlatform(f"{parties[0][0]} {parties[0][2]}", parties, **rest)
            await joined.enter_async_context(platform)
            await platform.register(at.versions_url, await at.invite(platform.name))
            joined.push_async_callback(_leave, platform)
            return platform

        yield joining


async def _leave(platform: PartyPlatform) -> None:
    """Unregister, however the test has left the platform."""
    with contextlib.suppress(Exception):
        if platform._server is None:
            await platform.open()
        await platform.unregister()
