"""The large provider: hub and eMSP in one process, a continent of EVSEs in its index and a city of drivers."""

import asyncio
import time

from bench.drivers import lay_drivers
from bench.ground import Ground
from bench.hub import Hub, emall
from bench.places import lay
from hub.database import open_database
from hub.emsp.store import Store
from hub.ocpi.messages import Party

PARTY = Party("NL", "MSP")


class Provider(Hub):
    """Hub and eMSP in one process, on one of the engines.

    Attributes:
        engine: its name.
        where: its store, for who opens it beside the server.
        note: how long it took to lay what is in it.
    """

    def __init__(self, ground: Ground, engine: str, store: str) -> None:
        self.engine, folder = engine, ground.room("provider")
        on_postgres = store.startswith("postgres")
        self.where = store if on_postgres else str(folder / "hub-data")
        self._database = ("--database", store) if on_postgres else ()
        self.options = ("--rooms", "hub,emsp", "--emsp-id", str(PARTY), *self._database)
        super().__init__(folder)
        ground.whole.callback(lambda: self.server.stop())
        # The hub has joined the provider before there is anything to be pulled: it would take all Tokens first.
        self.settle()
        self.server.stop()
        took = asyncio.run(_laid(self.where, ground.evses, ground.drivers))
        self.note = f"{ground.evses:,} EVSEs and {ground.drivers:,} drivers laid in {took:.0f} s"
        self.restart()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/emsp/api/v1"

    def key(self) -> str:
        """Return a new key of the operator API."""
        made = emall("emsp", "key", "create", "--name", "bench", *self._store)
        return str(made["key"])

    def invitation(self, name: str) -> str:
        """Return a CREDENTIALS_TOKEN_A."""
        return str(emall("party", "invite", "--name", name, *self._store)["token"])

    @property
    def _store(self) -> tuple[str, ...]:
        return ("--data", str(self.data), *self._database)


async def _laid(where: str, evses: int, drivers: int) -> float:
    begun = time.monotonic()
    database = await open_database(where)
    store = Store(database, PARTY)
    await lay(where, store, evses)
    await lay_drivers(where, store, drivers)
    await database.close()
    return time.monotonic() - begun
