"""What a station says at a real server's socket, as a partner hears of it over HTTP."""

import asyncio
import contextlib
import datetime
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from hub.database import open_database
from hub.orders import give
from tests.hubs import HubProcess
from tests.ocpp.plain import BOOT16, Station
from tests.parties import PartyPlatform
from tests.rooms import evse, location


class Served:
    """A hub with our CPMS and its stations' listener, a station, and a partner."""

    def __init__(self, hub: HubProcess, station: Station, partner: PartyPlatform) -> None:
        self.hub, self.station, self.partner = hub, station, partner
        self._count = 0

    async def tell(self, status: str, **more: Any) -> None:
        self._count += 1
        now = datetime.datetime.now(datetime.UTC).isoformat()
        payload = {"connectorId": 1, "status": status, "errorCode": "NoError", "timestamp": now} | more
        answer = await self.station.ask(2, f"s{self._count}", "StatusNotification", payload)
        assert answer == [3, f"s{self._count}", {}]

    async def hears(self, status: str) -> dict[str, Any]:
        """Return the PATCH with a status; what comes before it is let pass."""
        async with asyncio.timeout(5):
            while True:
                for each in self.partner.inbox:
                    if each.method == "PATCH" and each.json.get("status") == status:
                        return dict(each.json)
                await asyncio.sleep(0.01)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--rooms", "hub,cpms", "--ocpp-port", str(port), "--ocpp-unknown", "accept")
    hub = HubProcess(tmp_path / "data", options)
    await asyncio.to_thread(hub.start)
    async with contextlib.AsyncExitStack() as running:
        running.push_async_callback(asyncio.to_thread, hub.stop)
        partner = await running.enter_async_context(PartyPlatform("partner", [("EMSP", "DE", "EMP")]))
        await partner.register(hub.versions_url, await hub.invite("partner", "EMSP"))
        database = await open_database(hub.data)
        site = location(evses=[evse("CP1-1")])
        await give(database, "cpms.import", {"kind": "locations", "objects": [site]})
        await database.close()
        socket_ = await connect(f"ws://127.0.0.1:{port}/ocpp/CP1", subprotocols=["ocpp1.6"], proxy=None)  # type: ignore[list-item]
        station = Station(socket_)
        running.push_async_callback(station.close)
        assert (await station.ask(2, "b", "BootNotification", BOOT16))[2]["status"] == "Accepted"
        yield Served(hub, station, partner)


async def test_a_status_told_at_the_socket_is_a_patch_at_the_partner_within_a_second(served: Served) -> None:
    """INCAR-RO02, DD-R10: derived within 1 s and pushed."""
    await served.tell("Available")

    for said, status in [("Charging", "CHARGING"), ("Faulted", "OUTOFORDER"), ("Available", "AVAILABLE")]:
        served.partner.inbox.clear()
        begun = time.monotonic()
        await served.tell(said)
        told = await served.hears(status)

        assert time.monotonic() - begun < 1
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(told["last_updated"])
        assert datetime.timedelta() <= age < datetime.timedelta(seconds=1.5)
