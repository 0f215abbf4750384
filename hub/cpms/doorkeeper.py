"""Stands before the operator while it is started and stopped, when no station can be heard."""

from hub.ocpp.events import (
    BootNotified,
    ChargerEvent,
    Connected,
    DataAnswer,
    DataTransferred,
    Disconnected,
    JSONObject,
    NeedsStatus,
    Operator,
    Registration,
    TokenInfo,
    TokenPresented,
    TransactionAnswer,
    TransactionEvent,
)

_AGAIN = 10  # seconds until a station may boot again that came too early


class NotOperating(Exception):
    """The operator has not been started, or has been stopped; a station that hears so tells it again."""


class Doorkeeper:
    """An ``Operator`` with another behind it."""

    def __init__(self) -> None:
        self._behind: Operator | None = None

    def open(self, operator: Operator) -> None:
        """Let stations be heard."""
        self._behind = operator

    def close(self) -> None:
        """Let nobody be heard."""
        self._behind = None

    @property
    def _operator(self) -> Operator:
        if self._behind is None:
            raise NotOperating
        return self._behind

    async def booted(self, event: BootNotified) -> Registration:
        if self._behind is None:
            return Registration(status="Pending", interval=_AGAIN)
        return await self._behind.booted(event)

    async def token_presented(self, event: TokenPresented) -> TokenInfo:
        return await self._operator.token_presented(event)

    async def transaction(self, event: TransactionEvent) -> TransactionAnswer:
        return await self._operator.transaction(event)

    async def data_transferred(self, event: DataTransferred) -> DataAnswer:
        return await self._operator.data_transferred(event)

    async def certificate_requested(self, station_id: str, csr: str, kind: str) -> bool:
        return await self._operator.certificate_requested(station_id, csr, kind)

    async def charging_needs(self, station_id: str, said: JSONObject) -> NeedsStatus:
        return await self._operator.charging_needs(station_id, said)

    async def charging_schedule(self, station_id: str, said: JSONObject) -> bool:
        return await self._operator.charging_schedule(station_id, said)

    async def told(self, event: ChargerEvent) -> None:
        if self._behind is None and isinstance(event, Connected | Disconnected):
            return  # nobody waits for an answer to these, and whoever is connected is asked for at the start
        await self._operator.told(event)
