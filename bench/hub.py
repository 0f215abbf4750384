"""The hub under measurement: a real ``emall serve``, and platforms that register with it by the handshake."""

import base64
import contextlib
import io
import json
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.processes import Failure, Server, free_ports

EMALL = Path(sys.executable).with_name("emall")
HUB_ID = ("NL", "HUB")


@dataclass(frozen=True)
class Platform:
    """A platform as registered: what it needs to call the hub.

    Attributes:
        token: what it sends, as it stands in the Authorization header.
        endpoints: the hub's, by (module, interface role).
    """

    party: tuple[str, str]
    token: str
    endpoints: Mapping[tuple[str, str], str]

    def headers(self, to: tuple[str, str] | None = HUB_ID) -> dict[str, str]:
        """Return the headers of a request to a party; each request has ids of its own."""
        headers = {
            "Authorization": self.token,
            "Content-Type": "application/json",
            "X-Request-ID": "6bcf5a5c-6a01-4f0e-90c5-000000@@@@@@",
            "X-Correlation-ID": "1f0cbd07-0f4c-4f6a-8f0e-000000@@@@@@",
            "OCPI-from-country-code": self.party[0],
            "OCPI-from-party-id": self.party[1],
        }
        if to is not None:
            headers |= {"OCPI-to-country-code": to[0], "OCPI-to-party-id": to[1]}
        return headers

    def url(self, module: str, role: str, tail: str = "") -> str:
        return self.endpoints[module, role].rstrip("/") + tail


class Hub:
    """``emall serve --rooms hub`` on a data folder of its own."""

    def __init__(self, folder: Path, name: str = "hub") -> None:
        self.folder = folder
        self.data = folder / f"{name}-data"
        self.port = free_ports(1)[0]
        self.server = self._started()
        self.started_in = self.server.wait(self.versions_url, timeout=30)

    @property
    def versions_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ocpi/versions"

    #: What it is started with, beside where it is.
    options: Sequence[str] = ("--rooms", "hub")

    def _started(self) -> Server:
        command: list[str | Path] = [EMALL, "serve", "--data", self.data, "--port", str(self.port), *self.options]
        return Server("emall", [*command, "--allow-private-peers"], self.folder / f"{self.data.name}.log")

    def restart(self) -> float:
        """Stop and start it on the same data; return the seconds from the start to the first answer."""
        self.server.stop()
        self.server = self._started()
        return self.server.wait(self.versions_url, timeout=30)

    def register(self, party: tuple[str, str], role: str, port: int) -> Platform:
        """Register the platform at a port of the receiver."""
        return self.register_all([party], role, [port])[0]

    def register_all(self, parties: Sequence[tuple[str, str]], role: str, ports: Sequence[int]) -> list[Platform]:
        """Invite and register platforms, each of one party."""
        invite = ("party", "invite", "--data", self.data, "--name")
        tokens = [emall(*invite, "-".join(party))["token"] for party in parties]
        with httpx.Client(trust_env=False, timeout=30) as client:
            return [
                _registered(client, self.versions_url, token, party, role, port)
                for token, party, port in zip(tokens, parties, ports, strict=True)
            ]

    def set(self, party: tuple[str, str], setting: str) -> None:
        """Set an option of a connection, as an operator does."""
        emall("party", "set", "-".join(party), setting, "--data", self.data)

    def settle(self, seconds: float = 1.0) -> None:
        """Wait until it is idle: no CPU for a while, 30 s at most."""
        for _ in range(60):
            before = self.server.cpu()
            time.sleep(seconds / 2)
            if self.server.cpu() - before < 0.02:
                return


def emall(*arguments: str | Path) -> Any:
    """Run a command and return its JSON; in this process, for two hundred would start for a minute.

    Raises:
        Failure: it failed.
    """
    from hub.cli import run

    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run([*map(str, arguments), "--json"])
    if code:
        raise Failure(f"emall {arguments[0]} {arguments[1]}: {err.getvalue().strip()}")
    return json.loads(out.getvalue())


def _registered(
    client: httpx.Client, versions_url: str, token: str, party: tuple[str, str], role: str, port: int
) -> Platform:
    """Do the handshake as the Sender (credentials, registration)."""
    invited = {"Authorization": _encoded(token)}
    end = time.monotonic() + 3
    while client.get(versions_url, headers=invited).status_code == 401 and time.monotonic() < end:
        time.sleep(0.05)  # the running server hears of an invitation within a second
    versions = _data(client.get(versions_url, headers=invited))
    details = _data(client.get(next(v["url"] for v in versions if v["version"] == "2.2.1"), headers=invited))
    endpoints = {(each["identifier"], each["role"]): each["url"] for each in details["endpoints"]}
    credentials = next(url for (module, _), url in endpoints.items() if module == "credentials")
    own = {
        "token": secrets.token_hex(24),
        "url": f"http://127.0.0.1:{port}/versions",
        "roles": [
            {
                "role": role,
                "country_code": party[0],
                "party_id": party[1],
                "business_details": {"name": f"{party[0]}-{party[1]}"},
            }
        ],
    }
    answer = _data(client.post(credentials, headers=invited, json=own))
    return Platform(party, _encoded(answer["token"]), endpoints)


def _encoded(token: str) -> str:
    return "Token " + base64.b64encode(token.encode()).decode()


def _data(response: httpx.Response) -> Any:
    try:
        envelope = response.json()
    except ValueError as error:
        raise Failure(f"{response.request.method} {response.url} answered {response.status_code}, no JSON") from error
    if envelope.get("status_code") != 1000:
        raise Failure(f"{response.request.method} {response.url} answered {envelope}")
    return envelope["data"]
