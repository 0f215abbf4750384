"""The charger room without the rest, for METER: ``python -m bench.central PORT DATA``.

The room, gate, log and dialects are the real ones. The operator is the least there is: it accepts and thanks; with
``KEEP=1`` it keeps the messages of transactions in the CPMS's tables, by their natural keys, before it thanks. The
other rooms are left out, so that the figures are those of the stations.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, cast

import uvloop

from hub.cpms.transaction_store import Kept, TransactionStore
from hub.cpms.transactions import Message, message_of, natural_key
from hub.database import Database, open_database
from hub.ocpp.events import BootNotified, ChargerEvent, Operator, Registration, TransactionAnswer, TransactionEvent
from hub.ocpp.room import ChargerRoom, Openness
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201


class Thanks:
    """An operator that accepts every boot and thanks for everything."""

    def __init__(self, database: Database, *, keep: bool) -> None:
        self._database = database
        self._store = TransactionStore(database)
        self._keep = keep

    async def booted(self, event: BootNotified) -> Registration:
        return Registration(status="Accepted", interval=300)

    async def told(self, event: ChargerEvent) -> None: ...

    async def transaction(self, event: TransactionEvent) -> TransactionAnswer:
        if event.kind == "Started":
            return TransactionAnswer(transaction_id=str(await self._opened(event, message_of(event))))
        if self._keep:
            number, message = int(event.transaction_id or 0), message_of(event)
            await self._database.transact(lambda tx: self._store.add_message(tx, number, message))
        return TransactionAnswer()

    async def _opened(self, event: TransactionEvent, message: Message) -> int:
        assert event.evse is not None, "1.6 says where"
        new = Kept(
            station_id=event.station_id, key=natural_key(event), evse_id=event.evse.evse_id,
            connector_id=event.evse.connector_id, session_id=event.station_id, outlet=None, authorization=None,
            verdict="Accepted", started_at=message.at,
        )  # fmt: skip
        kept, _ = await self._database.transact(lambda tx: self._store.add(tx, new))
        return kept.id


async def _main(port: int, folder: Path) -> None:
    database = await open_database(folder)
    operator = cast(Operator, cast(Any, Thanks(database, keep=os.environ.get("KEEP") == "1")))
    room = ChargerRoom(database, Openness(folder=folder, unknown="accept"))
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    await room.start(listener, [Dialect16(operator), Dialect201(operator)], operator)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await room.stop()
    await database.close()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), Path(sys.argv[2])))
