"""``emall chargers``: honest charge points that are not there, connected to a central system."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.options import DATA, DatabaseURL, option
from hub.cli.output import Failure

if TYPE_CHECKING:
    from hub.ocpp.simulation.fleet import Fleet
    from hub.ocpp.simulation.station import Station

    _Attend = Callable[[Fleet, asyncio.Event], Awaitable[None]]

app = typer.Typer(help="Simulate charge points, for demonstrations and tests.")


class Version(StrEnum):
    """An OCPP version a simulated station speaks."""

    V16 = "1.6"
    V201 = "2.0.1"


EPILOG = """Faults: drop (the link is lost now and then), duplicate (transaction messages are told twice), lost-answer
(an answer is lost, so the message is repeated under a new id), late-meter (meter values come five at a time),
late-stop (the end comes after the status), power-loss, clock-skew (7 minutes), rollover (the meter begins at 0 again),
unplugged (nobody plugs in after a remote start), faulted (ground failures), refusing (remote starts are rejected),
mute (no CALL is answered). Ctrl-C ends the simulation. By hand (--by-hand) say "plug SIM0001", "present SIM0001 CARD",
"unplug SIM0001", "show SIM0001", or fail, mend, lose, restore, power-loss, power-return; a number after the station is
the connector. Each line is answered by one of JSON, and the end of stdin ends the simulation."""


@app.command(epilog=EPILOG)
def simulate(
    url: Annotated[str, option("--url", "Where the central system listens; a station's id is added.")],
    count: Annotated[int, option("--count", "How many stations.", min=1, max=10_000)] = 1,
    version: Annotated[Version, option("--version", "What they speak.")] = Version.V16,
    prefix: Annotated[str, option("--prefix", "Their ids are this and a number of 4 digits.")] = "SIM",
    password: Annotated[str | None, option("--password", "Basic authentication, with the id as user.")] = None,
    connectors: Annotated[int, option("--connectors", "Of each station.", min=1, max=8)] = 1,
    speed: Annotated[float, option("--speed", "How many times more power they give and cars take.", min=0.01)] = 1.0,
    faults: Annotated[str, option("--faults", "Names, with commas between.", metavar="NAMES")] = "",
    seed: Annotated[int, option("--seed", "What is random is the same for the same seed.")] = 0,
    card: Annotated[list[str] | None, option("--card", "A driver who comes now and then; repeat.")] = None,
    every: Annotated[float, option("--every", "Seconds between his visits.", min=1)] = 300.0,
    meter_interval: Annotated[int, option("--meter-interval", "Seconds between two meter values.", min=0)] = 60,
    by_hand: Annotated[
        bool, option("--by-hand", "No drivers: you plug, present and unplug, a line of stdin each.")
    ] = False,
    data: Annotated[
        Path | None, option("--data", "Add the stations, and a Location they stand at, to this store.", metavar="DIR")
    ] = None,
    database: DatabaseURL = None,
) -> None:
    """Connect simulated charge points and let drivers use them."""
    from hub.cli.simulated import Known, make_known
    from hub.ocpp.passwords import new_password
    from hub.ocpp.simulation.drivers import Visits
    from hub.ocpp.simulation.fleet import Fleet
    from hub.ocpp.simulation.link import Address
    from hub.ocpp.simulation.station import POWER, Station

    having = _checked(url, faults)
    station_ids = [f"{prefix}{number:04d}" for number in range(1, count + 1)]
    if data is not None or database is not None:
        password = password or new_password()
        known = Known(
            prefix=prefix,
            station_ids=station_ids,
            connectors=connectors,
            power=int(POWER * speed),
            version=version.value,
            password=password,
            profile=2 if url.startswith("wss:") else 1,
        )
        make_known(known, data or DATA, database)

    async def run() -> None:
        stations = [
            Station(
                Address(url=url, station_id=station_id, password=password),
                version=version.value,
                connectors=connectors,
                speed=speed,
                faults=having,
                seed=seed,
                settings={"MeterValueSampleInterval": str(meter_interval)},
            )
            for station_id in station_ids
        ]
        visits = None if by_hand else Visits(cards=tuple(card or ()), every=every)
        await _run(Fleet(stations, visits), _by_hand if by_hand else _watched)

    asyncio.run(run())


def _checked(url: str, faults: str) -> frozenset[str]:
    """Return the faults named, if they are some and the URL is one."""
    from hub.ocpp.simulation.faults import UnknownFault, named

    if not url.startswith(("ws://", "wss://")):
        raise Failure(f"--url {url}: this is no WebSocket; give ws://HOST:PORT/ocpp", 2)
    try:
        return named(faults)
    except UnknownFault as error:
        raise Failure(f"--faults: {error}; give some of them", 2) from error


async def _run(fleet: "Fleet", attend: "_Attend") -> None:
    from hub.ocpp.simulation.link import CannotConnect

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    working = asyncio.create_task(_work(fleet, ended, attend))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        # Whoever interrupts while stations still connect need not wait for them.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(working), 5.0)
    working.cancel()
    waiting.cancel()
    try:
        await working
    except asyncio.CancelledError:
        return
    except CannotConnect as error:
        raise Failure(f"{error}; {_remedy(error.status)}") from error


async def _work(fleet: "Fleet", ended: asyncio.Event, attend: "_Attend") -> None:
    async with fleet.running():
        await attend(fleet, ended)
        print(fleet.doing(), flush=True)


async def _watched(fleet: "Fleet", ended: asyncio.Event) -> None:
    """Show how the fleet is doing until it is to end."""
    with _line() as tell:
        while not ended.is_set():
            tell(str(fleet.doing()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 1.0)


async def _by_hand(fleet: "Fleet", ended: asyncio.Event) -> None:
    """Do what stdin says until it ends."""
    from hub.ocpp.simulation.hands import Hands

    hands = Hands(fleet.stations)
    await asyncio.gather(*(_accepted(each) for each in fleet.stations))
    print(json.dumps({"stations": [each.id for each in fleet.stations]}), flush=True)
    lines = await _stdin()
    waiting = asyncio.create_task(ended.wait())
    while not ended.is_set():
        reading = asyncio.create_task(lines.readline())
        await asyncio.wait([reading, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not reading.done() or not reading.result():
            reading.cancel()
            break
        print(json.dumps(await hands.do(reading.result().decode(errors="replace"))), flush=True)
    waiting.cancel()


async def _accepted(station: "Station") -> None:
    """Wait until a station may be used; one that is kept waiting is left to its hands."""
    with contextlib.suppress(TimeoutError):
        await station.until(lambda: station.registered, timeout=10.0)


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


@contextlib.contextmanager
def _line() -> Iterator["_Tell"]:
    """Yield what shows a line: in a terminal always in the same place, elsewhere once every minute."""
    if not sys.stdout.isatty():
        yield _Tell(None)
        return
    from rich.console import Console

    with Console().status("connected") as status:
        yield _Tell(status)


class _Tell:
    """Shows how it goes."""

    def __init__(self, status: object) -> None:
        self._status = status
        self._calls = 0

    def __call__(self, line: str) -> None:
        if self._status is not None:
            self._status.update(line)  # type: ignore[attr-defined]  # rich's Status
        elif self._calls % 60 == 0:
            print(line, flush=True)
        self._calls += 1


def _remedy(status: int | None) -> str:
    if status == 401:
        return "give the --password of 'emall cpms station add'"
    if status in (403, 404):
        return "add the stations with 'emall cpms station add', or serve with --ocpp-unknown accept"
    return "check --url, and that 'emall serve' runs there with --ocpp-port"
