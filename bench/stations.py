"""Central systems under measurement, ours and the plain one, and the crowd of stations that loads them."""

import contextlib
import datetime
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.environments import environment
from bench.ground import HOME, Ground
from bench.hub import EMALL
from bench.pinned import pin
from bench.processes import Failure, Server, free_ports


class Crowd:
    """The stations, or whom else a module makes, in a process of their own on the other core."""

    def __init__(self, port: int, *arguments: object, module: str = "bench.crowd") -> None:
        command = [sys.executable, "-m", module, str(port), *map(str, arguments)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOME.parent
        )

    def do(self, order: str, **arguments: Any) -> dict[str, Any]:
        """Give an order and return what came of it.

        Raises:
            Failure: a station was not answered.
        """
        assert self._process.stdin is not None and self._process.stdout is not None, "both are pipes"
        self._process.stdin.write(json.dumps({"do": order, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Failure(f"they ended while they should {order}")
        found: dict[str, Any] = json.loads(line)
        if found.get("failed"):
            raise Failure(f"{found['failed']} were not served: {'; '.join(found['why'])}")
        return found

    def end(self) -> None:
        """Send them home."""
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)


@contextlib.contextmanager
def served(ground: Ground, name: str, *, tls: bool = False) -> Iterator[tuple[Server, Crowd]]:
    """Run `emall serve` with hub and CPMS, where any station is let in, and a crowd for it."""
    room = ground.room(name)
    ports = free_ports(2)
    certificate = _certificate(room) if tls else None
    command = [
        str(EMALL), "serve", "--rooms", "hub,cpms", "--data", str(room / "data"), "--port", str(ports[0]),
        "--ocpp-port", str(ports[1]), "--ocpp-unknown", "accept", "--allow-private-peers",
        *(["--ocpp-certificate", str(certificate)] if certificate else []),
    ]  # fmt: skip
    with _loaded(name, command, ports[1], room, certificate, {}) as both:
        yield both


@contextlib.contextmanager
def kept(ground: Ground, name: str, *, keep: bool) -> Iterator[tuple[Server, Crowd]]:
    """Run the charger room with an operator that only keeps, or only thanks, and a crowd for it."""
    room = ground.room(name)
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "bench.central", str(port), str(room)]
    with _loaded(name, command, port, room, None, {"KEEP": "1" if keep else ""}) as both:
        yield both


@contextlib.contextmanager
def plain(ground: Ground) -> Iterator[tuple[Server, Crowd]]:
    """Run the ``ocpp`` package's own server loop in its environment, and a crowd for it."""
    room = ground.room("ocpp")
    (port,) = free_ports(1)
    script = Path(__file__).with_name("peers") / "ocpp_csms.py"
    command = [str(environment("ocpp", HOME)), str(script), str(port)]
    with _loaded("ocpp", command, port, room, None, {}) as both:
        yield both


@contextlib.contextmanager
def _loaded(
    name: str, command: list[str], port: int, room: Path, certificate: Path | None, env: dict[str, str]
) -> Iterator[tuple[Server, Crowd]]:
    with Server(name, command, room / "log", env=env, cwd=HOME.parent) as server:
        # A plain request is refused, which is an answer; TLS is not asked so.
        server.wait(f"http://127.0.0.1:{port}/", timeout=20) if certificate is None else _wait_for_port(server, port)
        for pid in server.tree():
            pin(0, pid)
        crowd = Crowd(port, *([certificate] if certificate else []))
        try:
            yield server, crowd
        finally:
            crowd.end()


def _wait_for_port(server: Server, port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise Failure(f"nobody listens at {port}: {server.tail()}") from None
            time.sleep(0.02)
        else:
            return


def _certificate(folder: Path) -> Path:
    """Return a file with a certificate of localhost and its key, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "localhost.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + plain_key)
    return file
