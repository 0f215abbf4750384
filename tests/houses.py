"""Our hub, CPMS and eMSP as three processes, each with a data folder of its own and a recorder before it."""

import asyncio
import contextlib
import functools
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.database import open_database
from hub.ocpi import codec
from hub.orders import give
from tests.hubs import HubProcess
from tests.recorders import Recorder

#: Simulated stations that fill a battery within seconds.
FAST = (("EMALL_CPMS", "simulator"), ("EMALL_SIMULATOR_SPEED", "3000"), ("EMALL_SIMULATOR_TICK", "0.1"))


#: Further variables of a room's process, given the hub's address.
Environment = Callable[[str, str], tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class House:
    """Our three rooms, by name: hub, cpms, emsp."""

    processes: dict[str, HubProcess]
    recorders: dict[str, Recorder]

    async def order(self, name: str, /, **arguments: Any) -> Any:
        """Give an order to our CPMS or eMSP, as ``emall cpms`` and ``emall emsp`` give it through its store."""
        database = await open_database(self.processes[name.partition(".")[0]].data)
        try:
            return json.loads(codec.encode(await give(database, name, arguments)))
        finally:
            await database.close()


@contextlib.asynccontextmanager
async def opened(folder: Path, *, environment: Environment = lambda room, hub: ()) -> AsyncIterator[House]:
    """Start the three processes; our parties register at our hub as strangers register.

    Args:
        environment: returns further variables of a room's process, given the hub's address.
    """
    house = House({}, {})
    async with contextlib.AsyncExitStack() as running:
        start = functools.partial(_start, house, running, environment)
        await start("hub", folder)
        hub = house.processes["hub"]
        for room in ("cpms", "emsp"):
            token_a = await hub.invite(room)
            await start(room, folder, "--hub", hub.versions_url, "--hub-token", token_a)
        yield house


async def _start(
    house: House,
    running: contextlib.AsyncExitStack,
    environment: Environment,
    room: str,
    folder: Path,
    *options: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = f"http://127.0.0.1:{free.getsockname()[1]}"
    recorder = await running.enter_async_context(Recorder(own))
    hub = house.recorders["hub"].origin if "hub" in house.recorders else recorder.origin
    options = ("--rooms", room, "--public-url", recorder.origin, *options)
    process = HubProcess(folder / room, options, (*FAST, *environment(room, hub)), url=own)
    await asyncio.to_thread(process.start)
    running.push_async_callback(asyncio.to_thread, process.stop)
    house.processes[room], house.recorders[room] = process, recorder
