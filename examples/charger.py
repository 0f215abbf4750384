"""One charge point of the ``ocpp`` package connected to a CPMS: what a maker of charge points does, in short.

    python -m examples.charger ws://127.0.0.1:9000/ocpp CHARGER-1 --password "its password"

It boots, says that its connector is free, answers remote starts and stops, and beats. docs/adapters.md tells which
URL, subprotocol and security profile a real charger is given.
"""

import argparse
import asyncio
import base64
import datetime
import sys
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


class Charger(ChargePoint):
    """A charge point with one connector, and a cable that is always plugged in."""

    transaction: int | None = None

    async def live(self) -> None:
        """Boot until accepted, then beat as often as told."""
        while True:
            boot = await self.call(call.BootNotification(charge_point_model="Example", charge_point_vendor="Somebody"))
            if boot.status == "Accepted":
                break
            await asyncio.sleep(boot.interval)
        print(f"accepted, a heartbeat every {boot.interval} s", flush=True)
        await self.tell("Available")
        while True:
            await asyncio.sleep(boot.interval)
            await self.call(call.Heartbeat())

    async def tell(self, status: str) -> None:
        await self.call(call.StatusNotification(connector_id=1, error_code="NoError", status=status))

    @on("RemoteStartTransaction")
    def on_remote_start(self, id_tag: str, **_: Any) -> Any:
        if self.transaction is not None:
            return call_result.RemoteStartTransaction(status="Rejected")
        # A handler may not call: the answer would wait for itself.
        self.later = asyncio.create_task(self.begin(id_tag))
        return call_result.RemoteStartTransaction(status="Accepted")

    async def begin(self, id_tag: str) -> None:
        self.began = datetime.datetime.now(datetime.UTC)
        at = self.began.isoformat()
        request = call.StartTransaction(connector_id=1, id_tag=id_tag, meter_start=0, timestamp=at)
        self.transaction = (await self.call(request)).transaction_id
        await self.tell("Charging")

    @on("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id: int) -> Any:
        if transaction_id != self.transaction:
            return call_result.RemoteStopTransaction(status="Rejected")
        self.later = asyncio.create_task(self.end(transaction_id))
        return call_result.RemoteStopTransaction(status="Accepted")

    async def end(self, transaction_id: int) -> None:
        self.transaction = None
        now = datetime.datetime.now(datetime.UTC)
        energy = int((now - self.began).total_seconds() * 11_000 / 3600)  # Wh, at 11 kW
        request = call.StopTransaction(meter_stop=energy, timestamp=now.isoformat(), transaction_id=transaction_id)
        await self.call(request)
        await self.tell("Available")


async def main(url: str, station_id: str, password: str | None) -> None:
    """Connect: the id is the last part of the URL, and the user's name of Basic authentication."""
    secret = base64.b64encode(f"{station_id}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"} if password is not None else {}
    async with connect(f"{url}/{station_id}", subprotocols=["ocpp1.6"], additional_headers=headers) as socket:
        charger = Charger(station_id, socket)
        await asyncio.gather(charger.start(), charger.live())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("id")
    parser.add_argument("--password")
    given = parser.parse_args()
    try:
        asyncio.run(main(given.url, given.id, given.password))
    except InvalidStatus as refused:
        sys.exit(f"turned away: HTTP {refused.response.status_code}")
    except KeyboardInterrupt:
        print("switched off")
