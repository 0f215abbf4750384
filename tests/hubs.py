"""A hub in a process of its own, as operators run it."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hub.credentials import admin
from hub.credentials.secrets import open_secrets
from hub.credentials.store import Store
from hub.database import open_database

ROOT = Path(__file__).parents[1]


@dataclass
class HubProcess:
    """``emall serve`` in a process of its own.

    Attributes:
        options: further options of ``serve``; ``environment``: further EMALL_ variables.
        private_peers: whether it calls peers on this machine, as all tests but those of the guard need.
    """

    data: Path
    options: tuple[str, ...] = ("--rooms", "hub", "--forward-timeout", "2")
    environment: tuple[tuple[str, str], ...] = ()
    url: str = ""
    private_peers: bool = True
    process: "subprocess.Popen[str] | None" = None
    _reader: threading.Thread | None = None

    def start(self) -> "HubProcess":
        """Start, and return when it answers."""
        port = str(urlsplit(self.url).port or 0)
        command = [sys.executable, "-m", "hub", "serve", "--data", str(self.data), "--port", port]
        command += [*(["--allow-private-peers"] if self.private_peers else []), *self.options]
        environment = {**os.environ, **dict(self.environment)}
        self.process = subprocess.Popen(  # a server outlives this call
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("emall is ready: "):
                self.url = line.split()[-1].removesuffix("/ocpi/versions")
                # What it logs is read on, for a full pipe would stop it.
                self._reader = threading.Thread(target=self.process.stdout.read, daemon=True)
                self._reader.start()
                return self
        code = self.process.wait()
        self.process.stdout.close()
        raise AssertionError(f"the hub ended with {code}: {''.join(said)}")

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, and return its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(how)
        code = self.process.wait(15)
        if self._reader is not None:
            self._reader.join()
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
        """Return a CREDENTIALS_TOKEN_A, put into the store as ``emall party invite`` puts it.

        The command itself takes a second to start, which hundreds of platforms would add up.
        """
        database = await open_database(self.data)
        try:
            store = Store(database, open_secrets(self.data), "hub")
            return str((await admin.invite(store, self.versions_url, name=name, roles=roles))["token"])
        finally:
            await database.close()
