"""The plain central system: the ``ocpp`` package's own server loop, as its documentation shows it."""

# ruff: noqa: D101, D103  what it shows is how one writes this without us

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Base
from ocpp.v16 import call_result
from ocpp.v16.enums import Action, RegistrationStatus


class ChargePoint(Base):
    @on(Action.boot_notification)
    def on_boot_notification(self, charge_point_vendor: str, charge_point_model: str, **_: Any) -> Any:
        return call_result.BootNotification(
            current_time=datetime.now(UTC).isoformat(), interval=300, status=RegistrationStatus.accepted
        )

    @on(Action.heartbeat)
    def on_heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    @on(Action.meter_values)
    def on_meter_values(self, connector_id: int, meter_value: list[Any], **_: Any) -> Any:
        return call_result.MeterValues()


async def on_connect(websocket: Any) -> None:
    charge_point = ChargePoint(websocket.request.path.strip("/"), websocket)
    await charge_point.start()


async def main() -> None:
    async with websockets.serve(on_connect, "127.0.0.1", int(sys.argv[1]), subprotocols=["ocpp1.6"]) as server:
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
