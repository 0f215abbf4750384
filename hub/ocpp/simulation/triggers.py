"""Messages a station sends because it is asked to.

Source: OCPP 1.6 edition 2, 5.17; OCPP 1.6 security whitepaper, 5.7; OCPP 2.0.1 edition 3, part 2, F06.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hub.ocpp.simulation.connector import Connector

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station


class Triggers:
    """What one station says on request."""

    def __init__(self, station: "Station") -> None:
        self.station = station

    def send(self, message: str, connectors: list[Connector]) -> str:
        """Send a message of its own accord, after the answer: Accepted, Rejected or NotImplemented."""
        says = self._says(message, connectors)
        if not says:
            return "NotImplemented"

        async def say() -> None:
            for each in says:
                self.station.notice(each)

        self.station.follow(say())
        return "Accepted"

    def _says(self, message: str, connectors: list[Connector]) -> list[Callable[[], Awaitable[Any]]]:
        voice, files = self.station.voice, self.station.maintenance
        if message.startswith("Sign"):
            csr = self.station.certificates.request(self.station.configuration.text("CpoName"))
            return [partial(voice.sign_certificate, csr, message)]
        once: dict[str, Callable[[], Awaitable[Any]]] = {
            "BootNotification": partial(voice.boot, "Triggered"),
            "Heartbeat": voice.heartbeat,
            "FirmwareStatusNotification": partial(voice.firmware, files.firmware_status, files.firmware_request),
            "DiagnosticsStatusNotification": partial(voice.log, files.log_status, None),
            "LogStatusNotification": partial(voice.log, files.log_status, files.log_request or 0),
        }
        each: dict[str, list[Callable[[], Awaitable[Any]]]] = {
            "StatusNotification": [partial(voice.status, one) for one in connectors],
            "MeterValues": [partial(self._read, one) for one in connectors],
            "TransactionEvent": [partial(self._read, one) for one in connectors if one.transaction],
        }
        return [once[message]] if message in once else each.get(message, [])

    async def _read(self, connector: Connector) -> None:
        connector.flow(self.station.now())
        if connector.transaction is not None:
            self.station.voice.updated(connector, connector.transaction, "Trigger")
        else:
            await self.station.voice.meter(connector, "Trigger")
