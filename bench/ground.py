"""The ground the rows are measured on: folders, ports, and the large hub that two rows share."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from bench.environments import start_peer
from bench.hub import HUB_ID, Hub, Platform
from bench.load import Load, Run, run
from bench.processes import Failure, Server, free_ports
from bench.samples import COUNTRY, NUMBER, PARTY, location
from hub.ocpi.wire import Wire
from tests.postgres import Server as PostgresServer

if TYPE_CHECKING:
    from bench.provider import Provider

HOME = Path(__file__).resolve().parent.parent / ".bench"
CPO = (COUNTRY, PARTY)


@dataclass
class Ground:
    """One run of the measurements.

    Attributes:
        rounds: how many, at least five to be judged.
        seconds: how long one load lasts.
        objects: Locations in the large hub.
        connections: platforms connected to it.
        evses: in the index that is searched.
        drivers: who search it.
        row: ends what one row started.
        whole: ends what lasts for the whole run.
    """

    rounds: int = 5
    seconds: int = 2
    objects: int = 100_000
    connections: int = 200
    evses: int = 1_000_000
    drivers: int = 200_000
    folder: Path = field(default_factory=lambda: HOME / "run")
    row: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    whole: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))
    _city: "City | None" = None
    _providers: "list[Provider]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remove()
        self.folder.mkdir(parents=True)

    def remove(self) -> None:
        """Remove the folder of the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def room(self, name: str) -> Path:
        """Return a new folder."""
        folder = self.folder / f"{name}-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def hub(self, name: str, *, lasting: bool = False) -> Hub:
        """Start a hub on a fresh data folder."""
        hub = Hub(self.room(name))
        (self.whole if lasting else self.row).callback(lambda: hub.server.stop())
        return hub

    def stores(self, name: str, *, lasting: bool = False) -> Iterator[tuple[str, str]]:
        """Yield each engine with a fresh store on it: a folder, or the URL of a database."""
        yield "SQLite", str(self.room(name))
        server = PostgresServer()
        (self.whole if lasting else self.row).callback(server.remove)
        asyncio.run(_database(server))
        yield "PostgreSQL", server.url("bench")

    def receivers(self, count: int, *, lasting: bool = False) -> "Receivers":
        """Start platforms for a hub to call."""
        control, *ports = free_ports(count + 1)
        command = [sys.executable, "-m", "bench.receiver", *map(str, (control, *ports))]
        server = Server("receiver", command, self.room("receivers") / "log", cwd=HOME.parent)
        (self.whole if lasting else self.row).enter_context(server)
        server.wait(f"http://127.0.0.1:{ports[-1]}/versions")
        return Receivers(control, ports)

    def peer(self, name: str, **env: str) -> tuple[Server, str]:
        """Start a peer in its own environment; return it and its origin."""
        port = free_ports(1)[0]
        return self.row.enter_context(start_peer(name, HOME, self.room(name), port, **env)), f"http://127.0.0.1:{port}"

    def load(self, load: Load, server: Server | None, *, connections: int = 64) -> Run:
        """Send a load for the length of one measurement."""
        return run(load, server, self.folder, connections=connections, seconds=self.seconds)

    @property
    def city(self) -> "City":
        """The large hub: made when first asked for, kept to the end."""
        if self._city is None:
            self._city = City.built(self)
        return self._city

    @property
    def providers(self) -> "list[Provider]":
        """A large eMSP on each engine: made when first asked for, kept to the end."""
        if not self._providers:
            from bench.provider import Provider  # which stands on a ground

            self._providers += (Provider(self, *each) for each in self.stores("provider", lasting=True))
        return self._providers


@dataclass(frozen=True)
class Receivers:
    """Platforms for a hub to call, one per port."""

    control: int
    ports: list[int]

    async def pushes(self, wire: Wire, number: int = 0, timeout: float = 30.0) -> tuple[int, float]:
        """Wait for the ``number``-th push; return how many there are and when that one came."""
        answer = await wire.send("GET", f"http://127.0.0.1:{self.control}/{number}", {}, timeout=timeout)
        count, when = answer.body.split()
        return int(count), float(when)

    async def hear(self, wire: Wire) -> None:
        """Have pushes noted one by one from now on."""
        await wire.send("GET", f"http://127.0.0.1:{self.control}/hear", {}, timeout=30)

    async def heard(self, wire: Wire) -> list[tuple[str, float]]:
        """Return what was noted: the path of each push, in lower case, and when it came."""
        answer = await wire.send("GET", f"http://127.0.0.1:{self.control}/heard", {}, timeout=30)
        return [(path, when) for path, when in json.loads(answer.body)]


@dataclass(frozen=True)
class City:
    """A hub with a catalogue of many Locations, their CPO, and an eMSP that reads them."""

    hub: Hub
    receivers: Receivers
    cpo: Platform
    emsp: Platform

    @classmethod
    def built(cls, ground: Ground) -> "City":
        """Start it, have the CPO push its Locations, and then register the eMSP."""
        hub = ground.hub("city", lasting=True)
        receivers = ground.receivers(ground.connections, lasting=True)
        cpo = hub.register(CPO, "CPO", receivers.ports[0])
        asyncio.run(push_locations(cpo, ground.objects))
        return cls(hub, receivers, cpo, hub.register(("NL", "MSP"), "EMSP", receivers.ports[1]))

    def connect_all(self) -> None:
        """Register an eMSP at every port that has none yet."""
        ports = self.receivers.ports[2:]
        self.hub.register_all([("NL", f"{number:03d}") for number in range(len(ports))], "EMSP", ports)


async def push_locations(cpo: Platform, count: int, first: int = 0) -> None:
    """Push Locations with consecutive numbers to the hub."""
    wire = Wire(allow_private=True, max_answer=1_000_000)
    load = put_location(cpo)
    numbers = iter(range(first, first + count))

    async def push() -> None:
        for number in numbers:
            digits = f"{number:06d}"
            headers = {name: value.replace(NUMBER, digits) for name, value in load.headers.items()}
            body = (load.body or b"").replace(NUMBER.encode(), digits.encode())
            answer = await wire.send("PUT", load.url.replace(NUMBER, digits), headers, body, timeout=30)
            if load.mark.encode() not in answer.body:
                raise Failure(f"PUT of a Location was answered {answer.body[:500]!r}")

    await asyncio.gather(*(push() for _ in range(64)))
    await wire.close()


def put_location(cpo: Platform, to: tuple[str, str] = HUB_ID, size: int = 4600, count: int = 1000) -> Load:
    """Return the load of PUTting Locations to a party."""
    return Load(
        url=cpo.url("locations", "RECEIVER", f"/{COUNTRY}/{PARTY}/LOC{NUMBER}"),
        method="PUT",
        headers=cpo.headers(to),
        body=location(size),
        count=count,
    )


async def _database(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute("CREATE DATABASE bench")
    await connection.close()
